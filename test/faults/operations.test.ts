import t, { type Test } from 'tap'
import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { fetchPage, freePort, logLines, startService, temporaryFolder, type Service } from '../e2e/harness.ts'
import { startNetwork, startSite } from './network.ts'
import { record, until, untilPage } from './rows.ts'

t.setTimeout(300_000)

const FILE = '4-operations'
const PAGE = 'http://site.i2p/'
const CLOCK = { NODE_OPTIONS: `--import=${new URL('clock.mjs', import.meta.url).href}` }

t.test('clocks that jump, clocks that are wrong', async t => {
  const site = await startSite(t)
  const { i2cp, proxy, exit, address } = await startNetwork(t, { site, around: { exit: { env: CLOCK }, proxy: { env: CLOCK } } })
  t.equal((await fetchPage(PAGE, address)).status, 200)
  const jump = async (service: Service, signal: 'SIGWINCH' | 'SIGURG'): Promise<number> => {
    service.child.kill(signal)
    const page = await fetchPage(`${PAGE}?${signal}${performance.now()}`, address)
    t.equal(page.status, 200, `${signal}`)
    return page.took
  }
  const jumps = [await jump(proxy, 'SIGWINCH'), await jump(exit, 'SIGWINCH'), await jump(proxy, 'SIGURG'), await jump(exit, 'SIGURG')]
  // A new session between clocks that differ by two hours: both go by the router's.
  const wrong = async (seconds: number) => ({ env: { ...CLOCK, MINWWW_TEST_CLOCK: String(seconds) } })
  const late = await startService(t, ['exit', '--router', i2cp, '--site', `site.i2p=${site}`], await wrong(-3_600))
  const early = await startService(
    t, ['proxy', '--router', i2cp, '--proxy', '127.0.0.1:0', '--exit', late.json.destination], await wrong(3_600)
  )
  const page = await fetchPage(PAGE, early.json.proxy)
  t.equal(page.status, 200)
  record(FILE, {
    fault: 'clock of the proxy or the exit jumps by an hour, either way; proxy an hour fast and exit an hour slow from the start',
    user: 'nothing',
    kept: 'everything: cores go by a monotonic clock, and new sessions by the router\'s time',
    again: [['slowest page after a jump', Math.max(...jumps)], ['first page with wrong clocks', page.took]]
  })
})

/** A name server that says 127.0.0.1 to every question for an address once `alive` is set, and until then nothing. */
async function startNameServer (t: Test): Promise<{ address: string, state: { alive: boolean, asked: number } }> {
  const state = { alive: true, asked: 0 }
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    state.asked++
    if (!state.alive) return
    const end = query.indexOf(0, 12) + 5
    const isA = query.readUInt16BE(end - 4) === 1
    const answer = Buffer.concat(
      [query.subarray(0, end), isA ? Buffer.from('c00c00010001000000010004' + '7f000001', 'hex') : Buffer.alloc(0)]
    )
    answer.writeUInt16BE(0x8180, 2)
    answer.writeUInt16BE(1, 4)
    answer.writeUInt16BE(isA ? 1 : 0, 6)
    answer.writeUInt32BE(0, 8)
    socket.send(answer, from.port, from.address)
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  t.teardown(() => { socket.close() })
  return { address: `127.0.0.1:${socket.address().port}`, state }
}

t.test('the name server is dead', async t => {
  const site = await startSite(t)
  const { port } = new URL(site)
  const { address: server, state } = await startNameServer(t)
  const { address } = await startNetwork(t, {
    site,
    exit: ['--name-server', server, '--ports', port, '--allow-address', `127.0.0.1/32:${port}`],
    proxy: ['--timeout', '30']
  })
  const web = (name: string): string => `http://${name}.example:${port}/`
  t.equal((await fetchPage(web('first'), address)).status, 200, 'by name')
  state.alive = false
  const lost = await fetchPage(web('second'), address)
  t.ok([502, 504].includes(lost.status), `status ${lost.status}`)
  t.equal((await fetchPage(`${PAGE}?own`, address)).status, 200, "the exit's own sites need no name server")
  state.alive = true
  const again = await untilPage(web('third'), address)
  record(FILE, {
    fault: 'name server of the exit dead',
    user: `status ${lost.status}, ${String(lost.headers['x-minwww-error'])}; sites of --site as always`,
    kept: 'names that were looked up within their time to live',
    again: [['error page', lost.took], ['page after the name server is back', again]]
  })
})

t.test('consoles under load', async t => {
  const console = `127.0.0.1:${await freePort()}`
  const { address } = await startNetwork(t, { site: await startSite(t), exit: ['--console', console] })
  const host = new URL(address).host
  const viewers = await Promise.all([`http://${host}/console/events`, `http://${console}/events`].flatMap(
    url => Array.from({ length: 10 }, async () => await watch(t, url))
  ))
  let next = 0
  const statuses = new Set<number>()
  const browsing = Promise.all(Array.from({ length: 20 }, async () => {
    while (next < 200) statuses.add((await fetchPage(`${PAGE}5000?${next++}`, address)).status)
  }))
  let slowest = 0
  let looked = 0
  const urls = [
    `http://${host}/console`, `http://${host}/metrics`, `http://${host}/healthz`, `http://${console}/`, `http://${console}/metrics`,
    `http://${console}/state`
  ]
  let done = false
  const finished = browsing.then(() => { done = true })
  for (const isDone = () => done; !isDone();) {
    const url = urls[looked++ % urls.length]!
    const { status, took } = await fetchPage(url)
    t.equal(status, 200, url)
    slowest = Math.max(slowest, took)
  }
  await finished
  t.strictSame([...statuses], [200], 'pages do not suffer')
  t.ok(viewers.every(viewer => viewer.events() > 0), 'everybody who looks sees it')
  record(FILE, {
    fault: 'consoles looked at by 20 viewers while 200 pages are fetched, 20 at a time',
    user: 'pages and consoles as always',
    kept: 'everything',
    again: [['slowest page of a console', slowest]]
  })
})

/** Somebody who has a console open: reads its events. */
async function watch (t: Test, url: string): Promise<{ events: () => number }> {
  let events = 0
  await new Promise<void>((resolve, reject) => {
    const request = get(url, { agent: false, headers: { accept: 'text/event-stream' } }, response => {
      if (response.statusCode !== 200) reject(new Error(`${url}: status ${response.statusCode ?? 0}`))
      response.on('data', () => { events++ }).on('error', () => {})
      resolve()
    })
    request.on('error', reject)
    t.teardown(() => { request.destroy() })
  })
  return { events: () => events }
}

t.test('a configuration that is broken when it is read again', async t => {
  const folder = temporaryFolder(t)
  const [denied, exits] = [join(folder, 'denied'), join(folder, 'exits')]
  writeFileSync(denied, '')
  const site = await startSite(t)
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '10'])
  const i2cp = router.json.i2cp as string
  const exit = await startService(
    t, ['exit', '--router', i2cp, '--site', `site.i2p=${site}`, '--deny-destinations', denied, '--log-level', 'info']
  )
  writeFileSync(exits, `${String(exit.json.destination)}\n`)
  const proxy = await startService(t, ['proxy', '--router', i2cp, '--proxy', '127.0.0.1:0', '--exits', exits, '--log-level', 'info'])
  const address = proxy.json.proxy as string
  const count = (service: Service, message: RegExp): number => logLines(service.stderr())
    .filter(({ msg }) => message.test(String(msg))).length

  writeFileSync(denied, 'this is no Destination\n')
  writeFileSync(exits, 'not a destination !\n')
  for (const service of [exit, proxy]) service.child.kill('SIGHUP')
  const told = await until('the log says it', () => count(exit, /reload failed/) === 1 && count(proxy, /reload failed/) === 1)
  t.equal((await fetchPage(PAGE, address)).status, 200, 'what was in force stays')

  writeFileSync(denied, '')
  writeFileSync(exits, `${String(exit.json.destination)}\n`)
  for (const service of [exit, proxy]) service.child.kill('SIGHUP')
  const again = await until('read again', () => count(exit, /read again/) === 1 && count(proxy, /read again/) === 1)
  t.equal((await fetchPage(`${PAGE}?repaired`, address)).status, 200)
  record(FILE, {
    fault: 'lists and exits file broken when they are read again (SIGHUP)',
    user: 'nothing; the log has one line with the reason',
    kept: 'what was in force before',
    again: [['said in the log', told], ['repaired file in force', again], ['page', await untilPage(PAGE, address)]]
  })
})
