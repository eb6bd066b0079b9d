import http from 'node:http'
import t from 'tap'
import { createExit, type ExitOptions } from '../src/index.ts'
import { FakeCore, FakeSession, keysOf, requestMessage } from './support/exit.ts'
import { echo, httpd } from './support/upstream.ts'

async function start (options: Partial<ExitOptions> = {}) {
  const core = new FakeCore()
  const session = new FakeSession()
  const exit = await createExit({ session, createCore: () => core, console: { host: '127.0.0.1', port: 0 }, ...options })
  const base = `http://127.0.0.1:${exit.console?.port}`
  return { core, session, exit, base }
}

t.test('page, files, metrics, health, state: own content only, nobody named', async t => {
  const server = await httpd(echo)
  t.teardown(server.close)
  const options = { sites: { 'secret.i2p': server.origin }, bandwidth: { out: 65_536, quotaDay: 1_000_000 } }
  const { core, session, exit, base } = await start(options)
  t.teardown(async () => await exit.close())
  const visitor = keysOf(7).destination
  core.ask({ type: 'fetch', handle: 1, message: requestMessage('http://secret.i2p/private'), from: visitor, deadline: Date.now() + 9_000 })
  core.ask({ type: 'fetch', handle: 2, message: requestMessage('http://10.0.0.1/'), from: visitor, deadline: Date.now() + 9_000 })
  session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(1) })
  await core.answered(2)
  let everything = ''
  let state = ''
  for (const path of ['/', '/app.js', '/app.css', '/uplot.js', '/uplot.css', '/metrics', '/healthz', '/state']) {
    const response = await fetch(base + path)
    t.equal(response.status, 200, path)
    t.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
    t.notOk(/unsafe|\*/.test(response.headers.get('content-security-policy') ?? ''))
    const text = await response.text()
    if (path === '/state') state = text
    else everything += text
  }
  t.notOk(everything.includes('secret.i2p'), 'an own site is named in the state only')
  for (const theirs of ['/private', '10.0.0.1', visitor.b32]) t.notOk(`${everything}${state}`.includes(theirs), theirs)
  const { about } = JSON.parse(state) as { about: object }
  t.match(about, { sites: ['secret.i2p'], web: true, methods: [], ports: [80, 443], contact: null, descriptor: /^\S.{100,}/ })
  t.match(everything, 'minwww_exit_requests_total{outcome="message answered"} 1')
  t.match(everything, 'minwww_exit_requests_total{outcome="message policy"} 1')
  t.match(everything, 'minwww_exit_out_limit_bytes 65536')
  t.match(everything, 'minwww_exit_limit_used{limit="answers that wait to be sent"} 0')
  t.match(everything, 'minwww_exit_limit_most{limit="answers that wait to be sent"} 134217728')
  t.notMatch(everything, /_total\{[^}]*le="/, 'that label belongs to histograms')
})

t.test('an exit tells what it offers and where its console is, to hand on', async t => {
  const { exit, base } = await start({
    sites: { 'demo.i2p': 'http://127.0.0.1:1' }, bandwidth: { out: 65_536, quotaDay: 1_000 }, queue: { concurrency: 7 }
  })
  t.teardown(async () => await exit.close())
  const { address, console, sites, ...rest } = exit.summary
  t.match(address, /^[a-z2-7]{52}\.b32\.i2p$/)
  t.equal(`http://${console?.host}:${console?.port}`, base)
  t.strictSame(sites, ['demo.i2p', address])
  t.strictSame(rest, { limits: { in: 0, out: 65_536 }, quotaLeft: { day: 1_000, month: Infinity }, fetches: 7, streams: 0 })
  const plain = await createExit({ session: new FakeSession(), createCore: () => new FakeCore() })
  t.teardown(async () => await plain.close())
  t.match(plain.summary, { console: undefined, sites: [] })
})

t.test('answers that wait at the limit are shown, and how long they wait', async t => {
  const core = new FakeCore()
  Object.assign(core, { load: { sessions: 8, sending: 8, queued: 327_680 } })
  const { exit, base } = await start({ createCore: () => core, bandwidth: { out: 65_536 } })
  t.teardown(async () => await exit.close())
  t.match(await (await fetch(`${base}/state`)).json(), { load: { sending: 8, queued: 327_680, delay: 5_000 } })
  const metrics = await (await fetch(`${base}/metrics`)).text()
  t.match(metrics, 'minwww_exit_answers_sending 8')
  t.match(metrics, 'minwww_exit_answers_sending_bytes 327680')
  t.match(metrics, 'minwww_exit_answers_delay_seconds 5')
  t.match(exit.stats, { sending: 8, queued: 327_680 })
  const events = (await fetch(`${base}/events`)).body?.getReader()
  const first = Buffer.from((await events?.read())?.value ?? []).toString()
  t.equal(JSON.parse(first.split('data: ')[1] ?? '').samples[0].waiting, 8, 'in the chart too')
  await events?.cancel()
})

t.test('an exit that takes nothing more for its quota says so', async t => {
  // Less than a request is expected to cost, although some is left.
  const { exit, base } = await start({ bandwidth: { quotaDay: 60_000 } })
  t.teardown(async () => await exit.close())
  const health = await fetch(`${base}/healthz`)
  t.equal(health.status, 503)
  t.match(await health.json(), { status: 'quota used up' })
})

t.test('the event stream begins with the history and ends with the exit', async t => {
  const { exit, base } = await start()
  const response = await fetch(`${base}/events`)
  t.equal(response.headers.get('content-type'), 'text/event-stream')
  const reader = response.body?.getReader()
  const first = Buffer.from((await reader?.read())?.value ?? []).toString()
  t.match(first, /^event: history\ndata: \{"state":\{/)
  t.equal(JSON.parse(first.split('data: ')[1] ?? '').samples.length, 1)
  await exit.close()
  t.equal((await reader?.read())?.done, true)
})

t.test('other names, other origins and other machines do not get in', async t => {
  const { exit, base } = await start({ policy: { denyHostsFile: t.testdir({ list: 'evil.example\n' }) + '/list' } })
  t.teardown(async () => await exit.close())
  const status = await new Promise(resolve => {
    http.get(`${base}/state`, { headers: { host: 'rebound.example' } }, response => {
      response.resume()
      resolve(response.statusCode)
    })
  })
  t.equal(status, 421)
  t.equal((await fetch(`${base}/drain`, { method: 'POST' })).status, 403)
  t.equal((await fetch(`${base}/reload`, { method: 'POST', headers: { 'x-minwww-nonce': '0'.repeat(32) } })).status, 403)
  const nonce = /minwww-nonce" content="([0-9a-f]+)"/.exec(await (await fetch(base)).text())?.[1] ?? ''
  t.equal((await fetch(`${base}/reload`, { method: 'POST', headers: { 'x-minwww-nonce': nonce } })).status, 200)
  t.equal((await fetch(`${base}/drain`, { method: 'POST', headers: { 'x-minwww-nonce': nonce } })).status, 200)
  t.match(await (await fetch(`${base}/healthz`)).json(), { status: 'draining' })
  await t.rejects(start({ console: { host: '0.0.0.0', port: 0 } }), { code: 'MINWWW_EXIT_BAD_OPTION' })
})
