import t, { type Test } from 'tap'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { fetchPage, freePort, logLines, missing, ROOT, startService, temporaryFolder } from '../e2e/harness.ts'
import { startNetwork, startSite } from './network.ts'
import { record, until, untilPage } from './rows.ts'

t.setTimeout(300_000)

const FILE = '3-resources'
const PAGE = 'http://site.i2p/'
const SPARE = 30 // descriptors that a service of the test has left
const HEAP = 64 // MB
const CLI = join(ROOT, 'packages/minwww/bin/minwww.js')
const UNSHARE = '/usr/bin/unshare'
const PRLIMIT = '/usr/bin/prlimit'

/** Runs what follows with a file system at `folder` that is 256 KB large and full but for `free` bytes. */
const fullDisk = (folder: string, free: number): string[] => [
  UNSHARE, ...(process.getuid?.() === 0 ? ['--mount'] : ['--map-root-user', '--mount']), 'sh', '-c',
  `mount -t tmpfs -o size=256k none '${folder}' && head -c ${262_144 - free} /dev/zero > '${folder}/fill'; exec "$@"`, 'sh'
]

t.test('the disk is full', { skip: missing(UNSHARE) }, async t => {
  const folder = temporaryFolder(t)
  const keys = spawnSync(fullDisk(folder, 0)[0]!, [
    ...fullDisk(folder, 0).slice(1), process.execPath, CLI, 'keys', 'new', `${folder}/exit.dat`
  ], { encoding: 'utf8' })
  t.equal(keys.status, 1)
  t.match(keys.stderr, /the disk is full/)
  t.equal(keys.stderr.trim().split('\n').length, 1, 'one line')

  const [cache, state] = [temporaryFolder(t), temporaryFolder(t)]
  const console = `127.0.0.1:${await freePort()}`
  const site = await startSite(
    t, (_request, response) => { response.setHeader('cache-control', 'max-age=600').end(Buffer.alloc(9_000, 'x')) }
  )
  const { proxy, exit, address } = await startNetwork(t, {
    site,
    exit: ['--state', state, '--quota-day', '100', '--console', console],
    proxy: ['--cache-dir', cache],
    around: { exit: { wrapper: fullDisk(state, 0) }, proxy: { wrapper: fullDisk(cache, 4_096) } }
  })
  const health = async (): Promise<number> => (await fetchPage(`http://${console}/healthz`)).status
  const pages = await Promise.all(Array.from({ length: 12 }, async (_, index) => await fetchPage(`${PAGE}?${index}`, address)))
  t.strictSame([...new Set(pages.map(({ status }) => status))], [200])
  await until('both have said it', () => /cache file not written/.test(proxy.stderr()) && /quota cannot be written/.test(exit.stderr()))
  t.equal(logLines(exit.stderr()).filter(({ msg }) => /quota cannot be written/.test(String(msg))).length, 1, 'said once')
  t.not(await health(), 200, 'a monitor sees it')
  t.equal((await fetchPage(`${PAGE}?0`, address)).headers.age === undefined, false, 'the copy in memory')
  // The file system is seen by the service alone; its root leads there.
  rmSync(`/proc/${exit.child.pid}/root${state}/fill`)
  await fetchPage(`${PAGE}?more`, address)
  const again = await until('the quota is written again', async () => await health() === 200)
  t.match(readFileSync(`/proc/${exit.child.pid}/root${state}/${quotaFile(exit.child.pid!, state)}`, 'utf8'), /\d/)
  record(FILE, {
    fault: 'disk full',
    user: 'pages as always; `minwww keys` ends with status 1 and one line; the log has a warning, /healthz of the exit says no',
    kept: 'the quota is counted in memory; the cache goes on in memory',
    again: [['quota on disk after space was made', again]]
  })
})

function quotaFile (pid: number, state: string): string {
  return spawnSync('ls', [`/proc/${pid}/root${state}`], { encoding: 'utf8' }).stdout.split('\n').find(name => name.startsWith('quota-')) ??
    ''
}

t.test('the log cannot be written', async t => {
  const site = await startSite(t)
  const { proxy, exit, address } = await startNetwork(t, {
    site,
    exit: ['--log-level', 'debug'],
    proxy: ['--log-level', 'debug'],
    around: {
      exit: { wrapper: ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh'] }, proxy: { wrapper: ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh'] }
    }
  })
  const pages = await Promise.all(Array.from({ length: 5 }, async (_, index) => await fetchPage(`${PAGE}?${index}`, address)))
  t.strictSame(pages.map(({ status }) => status), [200, 200, 200, 200, 200])
  t.equal(exit.child.exitCode, null)
  t.equal((await proxy.stop()).status, 0)
  record(FILE, {
    fault: 'log on a full disk (/dev/full)',
    user: 'nothing',
    kept: 'everything but the log',
    again: [
      ['page', Math.max(...pages.map(({ took }) => took))]
    ]
  })
})

t.test('out of file descriptors', { skip: missing(PRLIMIT) }, async t => {
  const site = await startSite(t)
  const { proxy, exit, address } = await startNetwork(t, { site })
  t.equal((await fetchPage(PAGE, address)).status, 200)
  for (const { child } of [proxy, exit]) limitFiles(child.pid!)
  const sockets = await occupy(t, new URL(address).port, SPARE * 4)
  const crowded = await Promise.race([
    fetchPage(`${PAGE}?crowded`, address).then(({ status }) => `status ${status}`, () => 'refused'),
    new Promise<string>(resolve => { setTimeout(resolve, 3_000, 'waits') })
  ])
  for (const socket of sockets) socket.destroy()
  const again = await untilPage(PAGE, address)
  t.equal(proxy.child.exitCode, null)

  // The exit's turn: more pages at once than it may open sockets.
  const pages = await Promise.all(
    Array.from({ length: SPARE }, async (_, index) => await fetchPage(`${PAGE}?burst${index}`, address).catch(() => ({ status: 0 })))
  )
  const statuses = [...new Set(pages.map(({ status }) => status))].sort()
  t.ok(statuses.every(status => [0, 200, 502, 503].includes(status)), statuses.join())
  t.equal(exit.child.exitCode, null)
  record(FILE, {
    fault: `out of file descriptors (${SPARE} left, ${SPARE * 4} connections of browsers)`,
    user: `a new connection ${crowded === 'waits' ? 'waits' : 'is refused'} until others close`,
    kept: 'requests under way, sessions, cache',
    again: [['page after the browsers have closed', again], [`page after ${SPARE} at once`, await untilPage(PAGE, address)]]
  })
})

/** From now on the process may open SPARE more files than it has. */
function limitFiles (pid: number): void {
  const highest = Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number))
  const { status, stderr } = spawnSync(PRLIMIT, ['--pid', String(pid), `--nofile=${highest + 1 + SPARE}`], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

/** Connections that are opened and say nothing. */
async function occupy (t: Test, port: string, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(Number(port), '127.0.0.1'))
  t.teardown(() => { for (const socket of sockets) socket.destroy() })
  await Promise.all(sockets.map(async socket => await new Promise<void>(resolve => {
    socket.on('error', () => {}).once('connect', resolve).once('close', () => resolve())
  })))
  return sockets
}

t.test('little memory', async t => {
  const site = await startSite(t)
  // As people run them: what tap puts into NODE_OPTIONS of a child reads the source maps of all files at the first error, 33 MB.
  const wrapper = ['/usr/bin/env', `NODE_OPTIONS=--max-old-space-size=${HEAP}`]
  const { proxy, exit, address } = await startNetwork(t, { site, around: { exit: { wrapper }, proxy: { wrapper } } })
  let next = 0
  const statuses = new Set<number>()
  const times: number[] = []
  await Promise.all(Array.from({ length: 30 }, async () => {
    while (next < 150) {
      const { status, took } = await fetchPage(`${PAGE}100000?${next++}`, address)
      statuses.add(status)
      times.push(took)
    }
  }))
  t.strictSame([...statuses], [200])
  t.same([proxy.child.exitCode, exit.child.exitCode], [null, null])
  const resident = [proxy, exit].map(
    ({ child }) => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024
  )
  record(FILE, {
    fault: `heap limit of ${HEAP} MB for proxy and exit, 150 pages of 100 KB, 30 at a time`,
    user: `all pages; largest resident size: proxy ${Math.round(resident[0]!)} MB, exit ${Math.round(resident[1]!)} MB`,
    kept: 'everything',
    again: [['slowest page under load', Math.max(...times)], ['next page', await untilPage(PAGE, address)]]
  })

  await t.test('a proxy that dies of it', async t => {
    const port = await freePort()
    const args = [
      'proxy', '--router', router(exit.json, proxy.child.spawnargs), '--proxy', `127.0.0.1:${port}`,
      '--exit', exit.json.destination as string
    ]
    const first = await startService(t, args, { wrapper: ['sh', '-c', 'exec "$@"', 'sh'] })
    await first.stop('SIGKILL') // what the kernel's out-of-memory killer does
    const gone = await fetchPage(PAGE, `http://127.0.0.1:${port}`).then(() => 'answered', (error: NodeJS.ErrnoException) => error.code)
    t.equal(gone, 'ECONNREFUSED')
    const began = performance.now()
    await startService(t, args)
    await untilPage(PAGE, `http://127.0.0.1:${port}`)
    record(FILE, {
      fault: 'proxy killed by the kernel for want of memory',
      user: 'the browser says that the proxy refuses connections, until systemd starts it again (10 s)',
      kept: 'what is in files',
      again: [['page after its start', performance.now() - began]]
    })
  })
})

const router = (_exit: object, args: string[]): string => args[args.indexOf('--router') + 1] ?? ''
