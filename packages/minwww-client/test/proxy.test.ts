import t from 'tap'
import { once } from 'node:events'
import { connect } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { FailureCode } from '../src/core.ts'
import { PROXY_CODES } from '../src/route/failure-codes.ts'
import { get, parseRaw, raw, startProxy, type FakeResponse } from './proxy-support.ts'

const page = async (): Promise<FakeResponse> =>
  ({ headers: [['Content-Type', 'text/html'], ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']], body: '<p>page</p>' })

t.test('a page comes back whole', async t => {
  const { proxy, core, port } = await startProxy(page)
  const answer = await get(port, 'http://user:secret@Site.Example:80/a%zz?q=1#frag')
  t.equal(answer.status, 200)
  t.equal(answer.text, '<p>page</p>')
  t.strictSame(answer.fields.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value), ['a=1', 'b=2'])
  t.equal(core.requests[0]?.url, 'http://site.example/a%zz?q=1')
  t.equal(core.options[0]?.site, 'site.example')
  t.notOk(JSON.stringify(core.requests).includes('secret'))
  await proxy.close()
})

t.test('HEAD, 204, 304 and conditional requests', async t => {
  const { proxy, port } = await startProxy(async request =>
    request.method === 'HEAD'
      ? { headers: [['Content-Length', '1234']] }
      : request.url.endsWith('/204')
        ? { status: 204, reason: 'No Content', headers: [['X-A', 'b']] }
        : { status: 304, reason: 'Not Modified', headers: [['ETag', '"x"']] }
  )
  const head = await get(port, 'http://a.example/', [], 'HEAD')
  t.equal(head.get('content-length'), '1234')
  t.equal(head.body.length, 0)
  const empty = await get(port, 'http://a.example/204')
  t.equal(empty.status, 204)
  t.equal(empty.get('content-length'), undefined)
  t.equal(empty.get('transfer-encoding'), undefined)
  const notModified = await get(port, 'http://a.example/304', [['If-None-Match', '"x"']])
  t.equal(notModified.status, 304)
  t.equal(notModified.body.length, 0)
  await proxy.close()
})

t.test('content coding goes through or is undone', async t => {
  const text = 'hello '.repeat(1000)
  const codings = {
    '/gzip': ['gzip', gzipSync(text)],
    '/br': ['br', brotliCompressSync(text)],
    '/both': ['gzip, br', brotliCompressSync(gzipSync(text))],
    '/junk': ['gzip', Buffer.from('junk')],
    '/odd': ['zstd', Buffer.from('as it is')],
    '/bomb': ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(5_000_000)))]
  } as const
  const { proxy, port } = await startProxy(async request => {
    const [coding, body] = codings[new URL(request.url).pathname as keyof typeof codings]
    return { headers: [['Content-Encoding', coding], ['ETag', '"strong"'], ['Content-Length', String(body.length)]], body }
  })
  for (const path of ['/gzip', '/br', '/both']) {
    const plain = await get(port, `http://a.example${path}`)
    t.equal(plain.text, text, path)
    t.equal(plain.get('content-encoding'), undefined)
    t.equal(plain.get('content-length'), '6000')
    t.equal(plain.get('etag'), 'W/"strong"')
  }
  const coded = await get(port, 'http://a.example/gzip', [['aCCept-encoding', 'br;q=0, GZIP;q=0.5']])
  t.equal(coded.get('content-encoding'), 'gzip')
  t.equal(coded.get('etag'), '"strong"')
  t.strictSame(coded.body, gzipSync(text))
  t.equal((await get(port, 'http://a.example/gzip', [['Accept-Encoding', 'gzip;q=0, *']])).get('content-encoding'), undefined)
  t.equal((await get(port, 'http://a.example/odd')).text, 'as it is')
  const junk = await get(port, 'http://a.example/junk')
  t.equal(junk.status, 502)
  t.equal(junk.get('x-minwww-error'), 'MINWWW_BAD_UPSTREAM')
  t.equal((await get(port, 'http://a.example/bomb')).body.length, 5_000_000, 'there is no cap on what is decoded as it flows')
  await proxy.close()
})

t.test('failures have their status, cause and form', async t => {
  const { proxy, core, port } = await startProxy(() => ({ fail: { code: 'timeout' } }))
  const rows: Array<[FailureCode, number, string]> = [
    ['timeout', 504, 'MINWWW_TIMEOUT'],
    ['busy', 503, 'MINWWW_BUSY'],
    ['too-large', 502, 'MINWWW_RESPONSE_TOO_LARGE'],
    ['policy', 403, 'MINWWW_POLICY'],
    ['not-resolved', 502, 'MINWWW_NAME_NOT_RESOLVED'],
    ['connect-failed', 502, 'MINWWW_CONNECTION_FAILED'],
    ['upstream-timeout', 504, 'MINWWW_UPSTREAM_TIMEOUT'],
    ['upstream-malformed', 502, 'MINWWW_BAD_UPSTREAM'],
    ['bad-request', 400, 'MINWWW_BAD_REQUEST'],
    ['draining', 503, 'MINWWW_BUSY'],
    ['unknown-id', 502, 'MINWWW_BAD_UPSTREAM'],
    ['bad-response', 502, 'MINWWW_BAD_UPSTREAM'],
    ['request-too-large', 413, 'MINWWW_BODY_TOO_LARGE'],
    ['overloaded', 503, 'MINWWW_OVERLOADED'],
    ['silent', 504, 'MINWWW_EXIT_SILENT'],
    ['outcome-unknown', 502, 'MINWWW_OUTCOME_UNKNOWN'],
    ['unanswered', 504, 'MINWWW_UNANSWERED'],
    ['no-exit', 503, 'MINWWW_NO_EXIT']
  ]
  t.strictSame(rows.map(([code]) => code).sort(), Object.keys(PROXY_CODES).sort(), 'none is left out')
  for (const [code, status, cause] of rows) {
    core.site = () => ({ fail: { code, detail: '<b>"evil"</b>', retryAfter: 7, size: 130_000 } })
    const answer = await get(port, 'http://a.example/<script>', [['Accept', 'text/html,*/*;q=0.1']])
    t.equal(answer.status, status, code)
    t.equal(answer.get('x-minwww-error'), cause)
    t.equal(answer.get('cache-control'), 'no-store')
    t.equal(answer.get('retry-after'), '7')
    t.notMatch(answer.text, /<script>|<b>/)
    t.match(answer.text, '&lt;b&gt;')
  }
  const json = await get(port, 'http://a.example/', [['Accept', 'application/json']])
  t.equal(JSON.parse(json.text).error, 'MINWWW_NO_EXIT')
  t.equal((await get(port, 'http://a.example/', [['Accept', '*/*']])).get('content-type'), 'text/plain; charset=utf-8')
  await proxy.close()
})

t.test('an answer that is no HTTP, or asks for proxy authentication', async t => {
  const { proxy, core, port } = await startProxy(() => ({ status: 407, reason: 'x', headers: [['X-A', 'b']] }))
  t.equal((await get(port, 'http://a.example/')).status, 502)
  core.site = () => ({ status: 101, reason: 'x', headers: [] })
  t.equal((await get(port, 'http://a.example/')).status, 502)
  await proxy.close()
})

t.test('CANCEL when the browser leaves', async t => {
  const { proxy, core, port } = await startProxy(() => undefined)
  const cancelled = new Promise<void>(resolve => { core.onCancel = resolve })
  const socket = connect(port, '127.0.0.1')
  const asked = once(proxy.activity, 'begin')
  socket.write('GET http://a.example/slow HTTP/1.1\r\nHost: a.example\r\n\r\n')
  await asked
  socket.destroy()
  await cancelled
  t.strictSame(core.cancelled, [1])
  await proxy.close()
})

t.test('keep-alive and pipelining: answers in order', async t => {
  const { proxy, port } = await startProxy(async request => ({ body: new URL(request.url).pathname }))
  const bytes = await raw(port, ['/1', '/2', '/3'].map((path, i) =>
    `GET http://a.example${path} HTTP/1.1\r\nHost: a.example\r\n${i === 2 ? 'Connection: close\r\n' : ''}\r\n`).join(''), { half: false })
  t.match(bytes.toString(), /\/1HTTP[^]*\/2HTTP[^]*\/3$/)
  await proxy.close()
})

t.test('local pages are nobody else\'s', async t => {
  const { proxy, core, port } = await startProxy(page)
  const own = await get(port, '/')
  t.equal(own.status, 200)
  t.match(own.text, `127.0.0.1:${port}/proxy.pac`)
  t.equal((await get(port, 'http://minwww.i2p/')).status, 200)
  t.equal((await get(port, 'http://MINWWW.i2p./healthz')).text, '{"ready":true,"state":"ready"}')
  t.match((await get(port, '/proxy.pac')).text, `PROXY 127.0.0.1:${port}`)
  t.equal(core.requests.length, 0)
  for (const path of ['/', '/healthz', '/proxy.pac', '/metrics']) {
    t.equal((await get(port, `http://site.example${path}`)).text, '<p>page</p>')
    const foreign = await get(port, path, [['Host', `evil.example:${port}`]])
    t.equal(foreign.status, 421)
    t.equal(foreign.get('x-minwww-error'), 'MINWWW_MISDIRECTED')
    t.equal((await get(port, path, [['Sec-Fetch-Site', 'cross-site']])).status, 403)
    t.equal((await get(port, path, [['Origin', 'http://evil.example']])).status, 403)
  }
  t.equal((await get(port, '/', [['Host', '127.0.0.1:1']])).status, 421)
  t.equal((await get(port, '/', [['Host', 'minwww.i2p']])).status, 421)
  t.equal((await get(port, 'http://minwww.i2p:81/')).status, 421)
  t.equal((await get(port, '/nothing')).status, 404)
  t.equal((await get(port, `http://127.0.0.1:${port}/`)).status, 508)
  t.equal((await get(port, `http://2130706433:${port}/`)).status, 508)
  await proxy.close()
})

t.test('while the router is not ready', async t => {
  const { proxy, session, port } = await startProxy(page)
  session.state = 'reconnecting'
  const waiting = await get(port, 'http://a.example/', [['Accept', 'text/html']])
  t.equal(waiting.status, 503)
  t.equal(waiting.get('retry-after'), '3')
  t.match(waiting.text, /http-equiv="refresh" content="3"/)
  t.equal((await get(port, '/healthz')).status, 503)
  session.state = 'ready'
  t.equal((await get(port, 'http://a.example/')).status, 200)
  await proxy.close()
})

t.test('sessions may come later, or never', async t => {
  const { proxy, port } = await startProxy(page, { sessions: Promise.reject(new Error('no router')) })
  const answer = parseRaw(
    await raw(port, 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n', { half: false })
  )
  t.equal(answer.status, 503)
  await proxy.close()
  await t.rejects(startProxy(page, { listen: { host: '0.0.0.0', port: 0 } }), { code: 'MINWWW_AUTH_REQUIRED' })
})

t.test('a burst goes to the core, one that leaves is forgotten', async t => {
  const release: Array<() => void> = []
  const { proxy, core, port } = await startProxy(async () => await new Promise<FakeResponse>(resolve => {
    release.push(() => resolve({ body: 'ok' }))
  }), { cache: false })
  const answers = Array.from({ length: 30 }, async (_, i) => await get(port, `http://a.example/${i}`))
  const leaving = connect(port, '127.0.0.1')
  leaving.write('GET http://a.example/leaves HTTP/1.1\r\nHost: a\r\n\r\n')
  while (core.requests.length < 31) await new Promise(setImmediate)
  const left = once(proxy.activity, 'end')
  leaving.destroy()
  t.match(await left, [{ path: 'left' }])
  t.equal(core.cancelled.length, 1)
  for (let done = 0; done < 31; done++) {
    while (release.length === 0) await new Promise(setImmediate)
    release.shift()!()
  }
  t.ok((await Promise.all(answers)).every(answer => answer.text === 'ok'))
  t.equal(core.requests.length, 31)
  await proxy.close()
})

t.test('closing while a request waits is no fault', async t => {
  const errors: unknown[] = []
  const logger = { debug () {}, info () {}, warn () {}, error (entry: unknown) { errors.push(entry) } }
  let asked = (): void => {}
  const waiting = new Promise<void>(resolve => { asked = resolve })
  const { proxy, port } = await startProxy(() => { asked(); return undefined }, { logger })
  const answer = raw(port, 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n', { half: false })
  await waiting
  await proxy.close()
  await answer
  t.strictSame(errors, [])
  t.match(proxy.activity.done, [{ path: 'left' }])
})
