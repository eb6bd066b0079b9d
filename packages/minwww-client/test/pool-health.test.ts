import { mock } from 'node:test'
import t from 'tap'
import { systemClock } from '@minwww/ground/node'
import type { ExitStatus } from '../src/core.ts'
import { Backend } from '../src/sessions/backend.ts'
import { poolHealth, type HealthOf } from '../src/sessions/pool-health.ts'
import { FakeCore, FakeSession, get, keys, startProxy } from './proxy-support.ts'

const destination = keys().destination
const NOW = Date.parse('2026-11-29T10:00:00Z')

const status = (more: Partial<ExitStatus>): ExitStatus => ({
  id: 'x', destination, state: 'ready', loss: 0, rate: 1, shape: 1, successes: 1, failures: 0, inFlight: 0, waiting: 0, ...more
})
const exit = (more: Partial<ExitStatus>, named: Partial<HealthOf> = {}): HealthOf => ({ id: 'x', status: status(more), ...named })
const SILENT = exit({ state: 'down', silentSince: NOW })
const BUSY = exit({ state: 'busy', busyUntil: NOW + 60_000 })

t.test('health of a pool, in words', async t => {
  const cases: Array<[exits: HealthOf[], state: string, text: RegExp]> = [
    [[], 'empty', /^No exit is set/],
    [[exit({ state: 'new' })], 'asking', /being asked/],
    [[exit({}), SILENT, BUSY], 'working', /^$/],
    [[SILENT], 'silent', /^No exit works: the only one is silent since 10:00:00 UTC\.$/],
    [[SILENT, exit({ state: 'down', silentSince: NOW + 5_000 })], 'silent', /all 2 are silent since 10:00:05 UTC/],
    [[BUSY, exit({ state: 'busy', busyUntil: NOW + 30_000 })], 'busy', /all 2 are busy until 10:00:30 UTC/],
    [
      [BUSY, SILENT, { id: 'n', error: 'no LeaseSet' }], 'busy',
      /1 busy until 10:01:00 UTC, 1 silent since 10:00:00 UTC, 1 not found \(no LeaseSet\)/
    ],
    [[{ id: 'x', drained: true }], 'drained', /the only one is drained/],
    [[exit({ state: 'down', silentSince: NOW }, { hasStreams: true })], 'working', /^$/]
  ]
  for (const [exits, state, text] of cases) {
    const health = poolHealth(exits)
    t.equal(health.state, state)
    t.match(health.text, text)
  }
  t.match(poolHealth([SILENT]), { since: NOW, working: 0, total: 1 })
  t.match(poolHealth([BUSY, SILENT]), { until: NOW + 60_000 })
})

t.test('the truth on every page, in health, metrics and log, and back', async t => {
  const lines: string[] = []
  const note = (_fields: unknown, text: string): void => { lines.push(text) }
  const logger = { trace () {}, debug () {}, info: note, warn: note, error: note }
  const { proxy, core, port } = await startProxy(() => ({ fail: { code: 'silent' } }), { logger })
  const since = Date.now() - 40_000
  core.status = { state: 'down', silentSince: since, triedAt: since, successes: 3 }
  core.tellState('one', 'down')

  const health = await get(port, '/healthz')
  t.equal(health.status, 503)
  t.match(JSON.parse(
    health.text
  ), { ready: false, state: 'silent', cause: /No exit works: the only one is silent since/, since: new Date(since).toISOString() })
  t.match(JSON.parse((await get(port, '/console/state')).text).pool, { state: 'silent', working: 0, total: 1 })
  const metrics = (await get(port, '/metrics')).text
  for (const line of [
    'minwww_proxy_exits_working 0', 'minwww_proxy_exits 1', 'minwww_proxy_pool_state{state="silent"} 1',
    'minwww_proxy_pool_state{state="working"} 0'
  ]) {
    t.ok(metrics.includes(line), line)
  }
  t.match((await get(port, '/')).text, /<h1>No exit works<\/h1>[^]*silent since/)
  t.equal(lines.filter(line => /^No exit works: the only one is silent since \d\d:\d\d:\d\d UTC/.test(line)).length, 1)

  const page = await get(port, 'http://a.example/', [['Accept', 'text/html']])
  t.equal(page.status, 504)
  t.equal(page.get('x-minwww-error'), 'MINWWW_EXIT_SILENT')
  t.match(page.text, /the only one is silent since \d\d:\d\d:\d\d UTC/)
  t.match(page.text, /http-equiv="refresh" content="5"/, 'a window shows that it waits')
  t.match(page.text, /<progress[^]*asks again by itself in 5 seconds[^]*>Try again<\/a>[^]*<dt>Time<\/dt><dd><code>\d{4}-/)
  t.equal(core.options.at(-1)?.isPage, true)
  const tool = await get(port, 'http://a.example/', [['Accept', '*/*']])
  t.notMatch(tool.text, /refresh/)
  t.match(tool.text, /time: \d{4}-/)
  t.notOk(core.options.at(-1)?.isPage)

  core.status = { state: 'down', silentSince: Date.now() - 600_000, triedAt: since }
  t.notMatch((await get(port, 'http://a.example/', [['Accept', 'text/html']])).text, /refresh/, 'not for ever')

  core.status = { state: 'ready' }
  core.tellState('one', 'ready')
  t.equal(lines.filter(line => line === 'an exit works again').length, 1)
  t.strictSame(JSON.parse((await get(port, '/healthz')).text), { ready: true, state: 'ready' })
  await proxy.close()
})

t.test('did it work: the way, the exits, and what the browser says', async t => {
  const { proxy, port } = await startProxy(() => ({ body: 'page' }))
  await get(port, 'http://a.example/')
  const asked: Array<[string, string]> = [
    ['User-Agent', 'Mozilla/5.0 <Mine>'], ['Accept-Language', 'sw'], ['Accept', 'text/html'], ['DNT', '1']
  ]
  const through = await get(port, 'http://minwww.i2p/did-it-work', asked)
  t.match(through.text, /<h1>It works<\/h1>[^]*came through the proxy[^]*ready, brought the last page/)
  t.match(through.text, /Mozilla\/5\.0 &lt;Mine&gt;<\/td><td data-name="Sites over http">Mozilla/)
  t.match(through.text, /DNT<\/th><td[^>]*>1<\/td><td[^>]*>nothing</)
  t.match(through.get('content-security-policy'), /^default-src 'none'; .*script-src 'self'$/)
  t.match((await get(port, 'http://minwww.i2p/did-it-work.js')).text, /RTCPeerConnection/)
  const plain = await get(port, 'http://minwww.i2p/did-it-work')
  t.match(plain.text, /^This came through the proxy\.\nexit one: ready, brought the last page\n$/)
  const direct = await get(port, '/did-it-work', asked)
  t.match(direct.text, /<h1>Not through the proxy<\/h1>/)
  await proxy.close()
})

t.test('start page: the safe command first, the automatic way with its warning, no site that may not be there', async t => {
  const { proxy, port } = await startProxy(() => ({ body: 'page' }))
  const { text } = await get(port, '/')
  const policy = 'webrtc-ip-handling-policy=disable_non_proxied_udp'
  const command = `chromium --user-data-dir="$HOME/.config/chromium-i2p" --proxy-server=http://127.0.0.1:${port} --${policy} --force-${policy}`
  t.ok(text.replace(/<[^>]+>/g, '').includes(command))
  t.ok(text.indexOf('--force-webrtc') < text.indexOf('proxy.pac'))
  t.match(text, /proxy\.pac[^]*cannot load this file goes without a proxy/)
  t.match(text, /media\.peerconnection\.enabled/)
  t.notMatch(text, /demo\.i2p/)
  await proxy.close()
})

t.test('streams to silent exits are not waited for as long; an outproxy that only speaks streams is none of them', async t => {
  const session = new FakeSession()
  const core = new FakeCore(session, () => undefined)
  const backend = new Backend([session], { config: {}, createCore: () => core })
  t.teardown(() => backend.close())
  const id = backend.addExit({ id: 'one', destination })
  t.equal(backend.connectTime(60_000), 60_000)
  core.status = { state: 'down', silentSince: Date.now() - 29_000, successes: 3 }
  t.equal(backend.connectTime(60_000), 60_000, 'a path may be dead for so long')
  core.status = { state: 'down', silentSince: Date.now() - 31_000, successes: 3 }
  t.equal(backend.connectTime(60_000), 8_000)
  t.equal(backend.connectTime(5_000), 5_000)
  core.status = { ...core.status, successes: 0 }
  t.equal(backend.connectTime(60_000), 60_000, 'nobody has tried streams yet')
  backend.noteStream(id, false)
  t.equal(backend.connectTime(60_000), 8_000)
  backend.noteStream(id, true)
  t.match([backend.connectTime(60_000), backend.health.state], [60_000, 'working'])

  const asked: string[] = []
  Object.assign(core, { suspectExit: (_now: number, exit: string) => { asked.push(exit) } })
  t.equal(backend.lookAtHealth().state, 'working')
  t.strictSame(asked, [])
  backend.noteStream(id, false)
  for (let look = 0; look < 3; look++) t.equal(backend.lookAtHealth().state, 'silent')
  t.strictSame(asked, ['one'], 'who looks at silent exits has them asked, once in a while')
})

t.test('a wall clock that is set back or forth changes nothing', async t => {
  const session = new FakeSession()
  const core = new FakeCore(session, () => undefined)
  const backend = new Backend([session], { config: {}, createCore: () => core })
  t.teardown(() => {
    backend.close()
    mock.restoreAll()
  })
  const asked: string[] = []
  Object.assign(core, { suspectExit: (_now: number, exit: string) => { asked.push(exit) } })
  backend.addExit({ id: 'one', destination })
  const silentFor = (ms: number): void => { core.status = { state: 'down', silentSince: systemClock.now() - ms, successes: 3 } }
  const { now } = Date
  const set = (ms: number): void => { mock.method(Date, 'now', () => now() + ms) }
  silentFor(5_000)
  backend.lookAtHealth()
  t.strictSame(asked, ['one'])
  set(3_600_000)
  t.equal(backend.isGone(), false, 'it has been silent for five seconds')
  backend.lookAtHealth()
  t.strictSame(asked, ['one'], 'and was asked just now')
  set(-7_200_000)
  silentFor(40_000)
  t.equal(backend.isGone(), true)
  const passed = performance.now() + 15_000
  mock.method(performance, 'now', () => passed)
  backend.lookAtHealth()
  t.strictSame(asked, ['one', 'one'], 'who watches has it asked again, although the clock was set back by two hours')
})
