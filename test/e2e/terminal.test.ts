import t, { type Test } from 'tap'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { spawnBound } from './bound-process.ts'
import { fetchPage, freePort, missing, ROOT, runCli, startCommand, startService, temporaryFolder } from './harness.ts'

const SCRIPT = '/usr/bin/script'
const CLI = join(ROOT, 'packages/minwww/bin/minwww.js')

/** Runs a command on a terminal until it ends or has said what is waited for; what it showed, and its status. */
async function onTerminal (t: Test, args: string[], wanted?: RegExp): Promise<{ text: string, status: number | null }> {
  const child = spawnBound(
    SCRIPT, ['-qefc', [process.execPath, CLI, ...args].join(' '), '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] }
  )
  t.teardown(() => { child.kill('SIGKILL') })
  let text = ''
  let isInterrupted = false
  // The command may end while it is written to.
  child.stdin?.on('error', () => {})
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (isInterrupted || wanted?.test(text) !== true) return
    isInterrupted = true
    child.stdin?.write('\x03') // Ctrl-C, as a person presses it
  })
  return { status: await ended, text: text.replaceAll('\r', '') }
}

const NOT_FOR_PEOPLE = /^\s*\{"|\n\s+at [^\n]+:\d+:\d+|Error: /m

t.test('on a terminal there are lines for people: no JSON, no stack, one line where it cannot start', {
  skip: missing(SCRIPT)
}, async t => {
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0'])
  const i2cp = ['--router', router.json.i2cp as string]
  const exit = await onTerminal(
    t, ['exit', ...i2cp, '--site', 'a.i2p=http://127.0.0.1:1', '--console', '127.0.0.1:0', '--limit-out', '64'], /to use it/
  )
  t.match(
    exit.text,
    /exit ready: [^]*site +http:\/\/a\.i2p\/ from http:\/\/127\.0\.0\.1:1\n[^]*limits +64 KB\/s out[^]*console +http:\/\/127\.0\.0\.1:\d+\/\n[^]*minwww proxy --exit [a-z2-7]{52}\.b32\.i2p\n/
  )
  const proxy = await onTerminal(t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', '--exit', 'nobody.i2p'], /exit not found: nobody\.i2p \(/)
  t.match(proxy.text, /proxy ready[^]*exit not found: nobody\.i2p/, 'it goes on, and says so')
  t.equal(proxy.text.match(/building tunnels/g)?.length, 1, 'progress is said once')
  for (const { text } of [exit, proxy]) t.notMatch(text, NOT_FOR_PEOPLE)
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { taken.close() })
  const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`
  for (const [args, line] of [
    [['demo', '--proxy', address], /^minwww: 127\.0\.0\.1:\d+: the port is already in use; [^\n]+--proxy[^\n]+\n$/],
    [['proxy', ...i2cp, '--exit', 'foo'], /^minwww: --exit: 'foo' is not [^\n]+\n$/],
    [[
      'proxy', ...i2cp, '--exit', 'a.i2p', '--proxy', '127.0.0.1:0', '--cache-dir', '/dev/null/x'
    ], /^minwww: \/dev\/null\/x: is below a file[^\n]+--cache-dir\n$/]
  ] as const) {
    const { text } = await onTerminal(t, [...args])
    t.match(text, line)
  }
})

t.test('who listens there is told: HTTP at the port of --router', async t => {
  const server = createServer((_request, response) => { response.end() })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  // It answers in this process, so the commands must not block it.
  for (const [args, expected] of [
    [['lookup', 'a.i2p'], /that is not I2CP: it looks like HTTP; correct --router/],
    [['doctor'], /that is not I2CP: it looks like HTTP\n +what to do: correct --router/]
  ] as const) {
    const command = startCommand(t, [...args, '--router', address])
    let said = ''
    command.child.stdout?.on('data', (chunk: Buffer) => { said += chunk.toString() })
    await new Promise(resolve => command.child.once('close', resolve))
    t.match(`${said}${command.stderr()}`, expected)
    t.equal(command.child.exitCode, 1)
  }
})

t.test('the demo serves its own sites, and the web only with --allow-web', async t => {
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--exits', '1', '--latency', '1', '--loss', '0'])
  const refused = await fetchPage('http://example.com/', demo.json.proxy)
  t.equal(refused.status, 403)
  t.match((await fetchPage('http://demo.i2p/', demo.json.proxy)).body.toString(), /It hides nobody/)
  for (const page of ['/', '/console']) {
    t.match((await fetchPage(`${String(demo.json.proxy)}${page}`)).body.toString(), /This is a demo on one machine: it hides nobody/)
  }
})

t.test('ping sums up when it is interrupted; the router has a default; a scenario that is none is named', async t => {
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '1'])
  const server = await startService(t, ['tunnel', 'server', '--router', router.json.i2cp, '--target', `127.0.0.1:${await freePort()}`])
  const ping = startCommand(t, ['ping', server.json.b32, '--router', router.json.i2cp, '--count', '1000'])
  let said = ''
  const pinged = new Promise<void>(resolve => ping.child.stderr?.on('data', () => { if (/ping 2:/.test(ping.stderr())) resolve() }))
  ping.child.stdout?.on('data', (chunk: Buffer) => { said += chunk.toString() })
  await pinged
  t.equal((await ping.stop('SIGINT')).status, 0)
  t.match(said, /^[2-9] sent, [2-9] received, round trip min\/median\/max /)
  for (const args of [
    ['lookup', '--help'], ['doctor', '--help'], ['ping', '--help'], ['tunnel', 'server', '--help'], ['tunnel', 'client', '--help']
  ]) {
    t.match(runCli(args).stdout, /--router <HOST:PORT>[^]*default:\s+"127\.0\.0\.1:7654"/, args.join(' '))
  }
  t.match(runCli(['bench', 'foo']), {
    status: 2,
    stderr: "minwww: 'foo' is no scenario; " +
      'there are grid, tunnel, post, large, burst, load, routers, pages, https, i2cp, cost, steps, url\n'
  })
})

t.test('a service with an encrypted LeaseSet says the name under which it is found, which keys show says too', async t => {
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '1'])
  const keys = join(temporaryFolder(t), 'hidden.dat')
  const start = ['tunnel', 'server', '--router', router.json.i2cp, '--target', `127.0.0.1:${await freePort()}`]
  const server = await startService(t, [...start, '--keys', keys, '--i2cp-option', 'i2cp.leaseSetType=5'])
  const { b33, b32, destination } = server.json as Record<'b33' | 'b32' | 'destination', string>
  t.equal((JSON.parse(runCli(['keys', 'show', keys, '--json']).stdout) as { b33: string }).b33, b33)
  const lookup = (name: string): ReturnType<typeof runCli> => runCli(['lookup', name, '--router', router.json.i2cp, '--json'])
  t.equal((JSON.parse(lookup(b33).stdout) as { destination: string }).destination, destination)
  t.match(lookup(b32), { status: 1, stderr: /found no LeaseSet/ })
  t.equal((await startService(t, start)).json.b33, undefined, 'one that everybody can read')
})
