/**
 * Runs the commands of the documents as they stand there, with the packed packages in `MINWWW_FOLDER`, on a machine of its own
 * (machine.sh):
 * they use fixed ports and paths. What is written in capitals in a document is filled in. Started by commands.test.ts.
 */
import t, { type Test } from 'tap'
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commandsOf, RUNS } from '../docs/commands.ts'
import { ROOT } from './harness.ts'

const FOLDER = process.env.MINWWW_FOLDER ?? ''
/** The document with the table of all commands. */
const COMMANDS = 'packages/minwww/README.md'
/** Longest wait for a service to be ready, or for a command to end, ms. */
const COMMAND_TIMEOUT = 60_000
const done = new Set<string>()
const printed = new Map<string, { test: Test, stdout: string }>()

interface Where { cwd?: string, env?: Record<string, string>, values?: Record<string, string>, more?: string }

/** The command, as the document has it, with its capitals filled in and `more` behind it. */
function commandOf (document: string, command: string, { values = {}, more = '' }: Where): string {
  if (!commandsOf(document).includes(command)) throw new Error(`${document} does not show: ${command}`)
  done.add(command)
  let line = command
  for (const [word, value] of Object.entries(values)) line = line.replaceAll(word, value)
  return `${line} ${more}`.trim()
}

const optionsOf = ({ cwd = FOLDER, env = {} }: Where) =>
  ({ cwd, env: { ...process.env, PATH: `${join(FOLDER, 'node_modules/.bin')}:${process.env.PATH}`, NO_UPDATE_NOTIFIER: '1', ...env } })

/** Runs a command to its end, which must be a good one, and returns what it printed. A second document's same line needs no second run. */
async function run (t: Test, document: string, command: string, where: Where = {}): Promise<string> {
  const line = commandOf(document, command, where)
  const key = JSON.stringify([line, where.env])
  const before = printed.get(key)
  if (before !== undefined && before.test === t) return before.stdout
  const { stdout } = await promisify(execFile)('bash', ['-c', line], { ...optionsOf(where), timeout: COMMAND_TIMEOUT })
  t.pass(line)
  printed.set(key, { test: t, stdout })
  return stdout
}

/** Starts a service, waits until it has printed `ready`, and ends it with the test. */
async function start (t: Test, document: string, command: string, ready: RegExp, where: Where = {}) {
  const line = commandOf(document, command, where)
  const child = spawn('bash', ['-c', line], { ...optionsOf(where), stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let said = ''
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${line}: not ready in time: ${said}`)), COMMAND_TIMEOUT)
    const listen = (chunk: Buffer): void => {
      said += chunk.toString()
      const match = ready.exec(said)
      if (match === null) return
      clearTimeout(timer)
      resolve(match)
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('exit', status => { reject(new Error(`${line}: ended with status ${String(status)}: ${said}`)) })
  })
  t.pass(line)
  const ended = new Promise<void>(resolve => child.once('close', () => { resolve() }))
  // The whole group: npm and npx pass signals on, but one that was told twice ends at once.
  const stop = async (): Promise<void> => {
    try { process.kill(-child.pid!, 'SIGTERM') } catch { /* gone */ }
    await ended
  }
  t.teardown(stop)
  return { child, match, stop, said: () => said }
}

const address = /exit ready: ([a-z2-7]{52}\.b32\.i2p)/
const proxyReady = /proxy ready: set your browser's HTTP proxy to 127\.0\.0\.1:(\d+)/

// One router for all.
t.before(async () => { await start(t, COMMANDS, 'minwww router', /I2CP router ready at 127\.0\.0\.1:7654/, { more: '--latency 5' }) })

t.test('a clone: demo, curl, Chromium', async t => {
  const demo = await start(t, 'README.md', 'npm start', /127\.0\.0\.1:4480[^]*demo\.i2p/, { cwd: ROOT })
  t.match(await run(t, 'README.md', 'curl -x http://127.0.0.1:4480 http://demo.i2p/'), /This page came through the pool/)
  // Debian's chromium takes further flags from here; as they stand in the documents these commands want a screen and somebody before it.
  writeFileSync(
    '/etc/chromium.d/headless', 'CHROMIUM_FLAGS="$CHROMIUM_FLAGS --headless=new --no-sandbox --disable-gpu --dump-dom http://demo.i2p/"\n'
  )
  const chromium = 'chromium --user-data-dir="$HOME/.config/chromium-i2p" --proxy-server=http://127.0.0.1:4480 ' +
    '--webrtc-ip-handling-policy=disable_non_proxied_udp --force-webrtc-ip-handling-policy=disable_non_proxied_udp'
  t.match(await run(t, 'docs/guide/browsing.md', chromium, { env: { HOME: FOLDER } }), /This page came through the pool/)
  await demo.stop()
  for (const command of ['minwww demo', 'npx minwww demo']) {
    const again = await start(t, COMMANDS, command, /127\.0\.0\.1:4480[^]*demo\.i2p/)
    await again.stop()
  }
})

t.test('README: over a router', async t => {
  const exit = await start(t, 'README.md', 'npx minwww exit --router 127.0.0.1:7654 --keys exit.dat', address)
  const DESTINATION = exit.match[1]!
  const proxy = await start(
    t, 'README.md', 'npx minwww proxy --router 127.0.0.1:7654 --proxy 127.0.0.1:4480 --exit DESTINATION', proxyReady,
    { values: { DESTINATION } }
  )
  await proxy.stop()
  const second = await start(
    t, 'docs/guide/troubleshooting.md', 'minwww proxy --proxy 127.0.0.1:4490 --exit DESTINATION', proxyReady, { values: { DESTINATION } }
  )
  t.equal(second.match[1], '4490')
  const only = await start(t, 'docs/reference/proxy.md', 'minwww proxy --i2p-only', proxyReady)
  t.match(only.said(), /I2P only: nothing goes to an exit/)
  await only.stop()
  t.match(
    await run(t, COMMANDS, 'minwww lookup NAME --router H:P', { values: { NAME: DESTINATION, 'H:P': '127.0.0.1:7654' } }), DESTINATION
  )
  t.match(
    await run(t, 'docs/guide/troubleshooting.md', 'minwww lookup NAME --router 127.0.0.1:7654', { values: { NAME: DESTINATION } }),
    DESTINATION
  )
  t.match(
    await run(t, COMMANDS, 'minwww ping DEST --router H:P', { values: { DEST: DESTINATION, 'H:P': '127.0.0.1:7654' } }), /4 received/
  )
  t.match(await run(t, COMMANDS, 'minwww doctor --router H:P', { values: { 'H:P': '127.0.0.1:7654' } }), /everything is well/)
  t.match(await run(t, 'docs/guide/troubleshooting.md', 'minwww doctor --router 127.0.0.1:7654'), /everything is well/)
  t.match(
    await run(t, 'docs/reference/routers.md', 'minwww doctor --router HOST:PORT', { values: { 'HOST:PORT': '127.0.0.1:7654' } }),
    /everything is well/
  )
  await run(t, 'packages/i2cp/README.md', 'node --import tsx packages/i2cp/examples/hello.ts 127.0.0.1:7654', { cwd: ROOT })
})

t.test('keys, tunnels, configuration', async t => {
  const pattern = 'minwww keys new|show|export FILE'
  const [, b32 = ''] = /b32 +(\S+)/.exec(await run(t, COMMANDS, pattern, { values: { 'new|show|export FILE': 'new tunnel.dat' } })) ?? []
  t.match(await run(t, COMMANDS, pattern, { values: { 'new|show|export FILE': 'show tunnel.dat' } }), b32)
  t.match(await run(t, COMMANDS, pattern, { values: { 'new|show|export FILE': 'export tunnel.dat' } }), /^[A-Za-z0-9~-]{500,}=*\n$/)
  await startSite(t)
  const tunnel = 'minwww tunnel server|client'
  await start(t, COMMANDS, tunnel, /ready/, {
    values: { 'server|client': 'server' }, more: '--router 127.0.0.1:7654 --keys tunnel.dat --target 127.0.0.1:8080'
  })
  await start(t, COMMANDS, tunnel, /ready/, {
    values: { 'server|client': 'client' }, more: `--router 127.0.0.1:7654 --destination ${b32} --listen 127.0.0.1:9000`
  })
  t.equal(await (await fetch('http://127.0.0.1:9000/')).text(), 'my own site')
  writeFileSync(join(FOLDER, 'minwww.toml'), '[exit]\nlimit-out = 64\n')
  const config = 'minwww config check|print FILE'
  t.match(await run(t, COMMANDS, config, { values: { 'check|print FILE': 'check minwww.toml' } }), /correct/)
  t.match(await run(t, COMMANDS, config, { values: { 'check|print FILE': 'print minwww.toml' } }), /limit-out = 64/)
  t.match(await run(t, 'docs/reference/options.md', 'minwww config check FILE', { values: { FILE: 'minwww.toml' } }), /correct/)
  t.match(await run(t, 'docs/guide/installing.md', 'minwww config sample'), /\[exit\][^]*#limit-out = 0/)
  t.match(await run(t, 'docs/reference/options.md', 'minwww config print [FILE]', { values: { ' [FILE]': '' } }), /limit-out = 0/)
})

t.test('operating an exit', async t => {
  const site = createServer((request, response) => { response.end('my own site') })
  await new Promise<void>(resolve => site.listen(7658, '127.0.0.1', resolve))
  t.teardown(() => { site.close() })
  await run(t, COMMANDS, 'minwww keys new|show|export FILE', { values: { 'new|show|export FILE': 'new site.dat' } })
  for (const [document, command, values] of [
    ['docs/guide/site.md', 'minwww site --keys site.dat --target 127.0.0.1:7658', {}],
    [COMMANDS, 'minwww site --keys FILE --target H:P', { FILE: 'site.dat', 'H:P': '127.0.0.1:7658' }]
  ] as const) {
    const moved = await start(t, document, command, /site ready: http:\/\/([a-z2-7]{52}\.b32\.i2p)/, { values })
    await moved.stop()
  }
  await startSite(t)
  rmSync(join(FOLDER, 'exit.dat'), { force: true })
  const own = await start(
    t, 'docs/guide/exits.md', 'minwww exit --keys exit.dat --site mysite.i2p=http://127.0.0.1:8080 --own-sites-only', address
  )
  await start(
    t, 'docs/guide/exits.md', 'minwww proxy --exit ADDRESS.b32.i2p', proxyReady, { values: { 'ADDRESS.b32.i2p': own.match[1]! } }
  )
  t.equal(await run(t, 'docs/guide/exits.md', 'curl -x http://127.0.0.1:4480 http://mysite.i2p/'), 'my own site')
  await own.stop()
  const web = await start(t, 'docs/guide/exits.md', 'minwww exit --keys exit.dat --limit-out 200 --limit-in 300 --quota-day 20000 ' +
    '--quota-month 400000 --state /var/lib/minwww --console 127.0.0.1:4490', address)
  t.equal(web.match[1], own.match[1], 'the same keys, the same address')
  t.match(await (await fetch('http://127.0.0.1:4490/metrics')).text(), /minwww_exit_healthy 1/)
})

/* eslint-disable no-template-curly-in-string -- as systemd writes it */
t.test('the lines of the systemd units', async t => {
  const STATE_DIRECTORY = '/var/lib/minwww-exit'
  mkdirSync(STATE_DIRECTORY, { recursive: true, mode: 0o700 })
  mkdirSync('/etc/minwww')
  const list = join(FOLDER, 'exits')
  writeFileSync('/etc/minwww/minwww.toml', `[exit]\nlimit-out = 64\n[proxy]\nexits = "${list}"\n[site]\ntarget = "127.0.0.1:8080"\n`)
  writeFileSync(list, 'exit.i2p\n')
  t.match(await run(t, 'docs/guide/exits.md', 'minwww config check /etc/minwww/minwww.toml'), /correct/)
  const exit = await start(t, 'packaging/systemd/minwww-exit.service',
    'minwww exit --config /etc/minwww/minwww.toml --keys ${STATE_DIRECTORY}/exit.dat --state ${STATE_DIRECTORY} --drain-time 30', address,
    { env: { STATE_DIRECTORY, MINWWW_LOG_LEVEL: 'info' } })
  writeFileSync(list, `${exit.match[1]!}\n`)
  const proxy = await start(t, 'packaging/systemd/minwww-proxy.service', 'minwww proxy --config /etc/minwww/minwww.toml', proxyReady, {
    env: { STATE_DIRECTORY, MINWWW_LOG_LEVEL: 'info' }
  })
  const site = await start(t, 'packaging/systemd/minwww-site.service',
    'minwww site --config /etc/minwww/minwww.toml --keys ${STATE_DIRECTORY}/site.dat --drain-time 30', /site ready/,
    { env: { STATE_DIRECTORY, MINWWW_LOG_LEVEL: 'info' } })
  for (const [unit, service] of [['exit', exit], ['proxy', proxy], ['site', site]] as const) {
    const heard = new Promise<void>(resolve => {
      const look = (): void => { if (/read again/.test(service.said())) resolve() }
      service.child.stdout.on('data', look)
      service.child.stderr.on('data', look)
    })
    await run(t, `packaging/systemd/minwww-${unit}.service`, 'kill -HUP $MAINPID', { env: { MAINPID: String(service.child.pid) } })
    await heard
  }
})

t.test('every command that is said to be run here was', async t => {
  t.strictSame([...done].sort(), Object.keys(RUNS).filter(command => RUNS[command] === 'test/e2e/commands.ts').sort())
  t.ok(readFileSync('/proc/1/cmdline', 'utf8').includes('commands.ts'), 'on a machine of its own')
})

/** A web site on the port that the documents have for one. */
async function startSite (t: Test): Promise<void> {
  const site = createServer((request, response) => { response.end('my own site') })
  await new Promise<void>(resolve => site.listen(8080, '127.0.0.1', resolve))
  t.teardown(() => { site.closeAllConnections(); site.close() })
}
