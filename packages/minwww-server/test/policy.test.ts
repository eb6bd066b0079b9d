import net, { type Socket } from 'node:net'
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { SharedCache } from '../src/fetch/cache.ts'
import { AddressGuard } from '../src/fetch/guard.ts'
import type { Field, HttpRequest } from '../src/fetch/http-types.ts'
import { readReplyHead } from '../src/fetch/reply-head.ts'
import { Sites } from '../src/fetch/sites.ts'
import { parseAuthority, parseTarget } from '../src/fetch/target.ts'
import { parseUpstream, upstreamRoute } from '../src/fetch/upstream-proxy.ts'
import type { Framing } from '../src/http1/body.ts'
import { DestinationList } from '../src/policy/destination-list.ts'
import { HostList } from '../src/policy/host-list.ts'
import { Policy, type PolicyOptions } from '../src/policy/policy.ts'
import { keysOf } from './support/exit.ts'
import { testFetcher } from './support/fetcher.ts'
import { bodyOf, rawServer } from './support/upstream.ts'
import { fakeVisitor } from './support/visitor.ts'

const get = (url: string, headers: Field[] = []): HttpRequest => ({ method: 'GET', url, headers })

function headOf (headers: Field[]) {
  const length = headers.find(([name]) => name === 'content-length')?.[1]
  const framing: Framing = length === undefined ? { kind: 'until-close' } : { kind: 'length', length: Number(length) }
  return readReplyHead({ status: 200, reason: 'OK', headers, framing, transferCodings: [], keepAlive: true })
}

t.test('host lists', t => {
  const list = new HostList(['Example.com', '=exact.org', '.dotted.net', '*.star.net', 'trailing.org.'])
  const verdicts: Array<[string, boolean]> = [
    ['example.com', true], ['www.example.com', true], ['a.b.example.com', true], ['notexample.com', false],
    ['example.com.evil.org', false], ['com', false],
    ['exact.org', true], ['www.exact.org', false], ['dotted.net', true], ['a.dotted.net', true], ['a.star.net', true],
    ['trailing.org', true], ['', false]
  ]
  for (const [host, matches] of verdicts) t.equal(list.matches(host), matches, host)
  t.end()
})

t.test('destination lists take every spelling', t => {
  const { destination } = keysOf(3)
  for (const entry of [destination.b32, destination.b32.slice(0, 52), destination.base64,
    destination.hash.toString('base64').replaceAll('+', '-').replaceAll('/', '~')]) {
    t.ok(new DestinationList([entry]).has(destination), entry.slice(0, 20))
    t.notOk(new DestinationList([entry]).has(keysOf(4).destination))
  }
  for (const entry of ['x', 'example.i2p', 'a'.repeat(51), '!'.repeat(60)]) {
    t.throws(() => new DestinationList([entry]),
      { code: 'MINWWW_EXIT_BAD_OPTION' })
  }
  t.end()
})

t.test('policy table', async t => {
  const sites = new Sites({ 'demo.i2p': 'http://127.0.0.1:1' })
  const refused = async (options: PolicyOptions, url: string, method = 'GET', extra: Partial<HttpRequest> = {}) => {
    const policy = await Policy.load(options)
    const target = parseTarget(url)
    try {
      policy.checkRequest({ method, url, headers: [], ...extra }, target, sites.find(target))
      return false
    } catch (error) {
      t.match(error, { code: 'MINWWW_EXIT_POLICY' })
      return true
    }
  }
  const paths: PolicyOptions = {
    sitePaths: {
      'demo.i2p': [{ path: '/admin', methods: false },
        { path: '/form', methods: ['GET', 'POST'] }, { path: '/admin/open', methods: ['GET'] }]
    }
  }
  const rows: Array<[boolean, PolicyOptions, string, string?, Partial<HttpRequest>?]> = [
    [false, {}, 'http://example.com/'], [false, {}, 'https://example.com/', 'POST'], [true, {}, 'http://example.com/', 'TRACE'],
    [false, {}, 'http://example.com/', 'PROPFIND'], [false, {}, 'http://demo.i2p/', 'MKCALENDAR'],
    [true, { methods: ['GET', 'HEAD'] }, 'http://example.com/', 'POST'], [true, { methods: ['GET'] }, 'http://demo.i2p/', 'POST'],
    [true, { schemes: ['http'] }, 'https://example.com/'],
    [true, { web: false }, 'http://example.com/'], [false, { web: false }, 'http://demo.i2p/'],
    [true, { denyHosts: ['example.com'] }, 'http://www.Example.com./'], [true, { allowHosts: ['example.org'] }, 'http://example.com/'],
    [false, { allowHosts: ['example.org'] }, 'http://www.example.org/'],
    [true, {}, 'http://other.i2p/'], [true, {}, 'http://hidden.onion/'], [true, {}, 'http://printer.local/'],
    [true, {}, 'http://vault.internal/'], [true, {}, 'http://nas.home.arpa/'],
    [true, { maxRequest: 3 }, 'http://example.com/', 'POST', { body: Buffer.from('four') }],
    [true, { maxRequest: 3 }, 'http://example.com/', 'POST', { headers: [['Content-Length', '4']] }],
    [true, paths, 'http://demo.i2p/admin'], [true, paths, 'http://demo.i2p/admin/x?y'], [true, paths, 'http://demo.i2p//admin'],
    [true, paths, 'http://demo.i2p/%61dmin/'], [true, paths, 'http://demo.i2p/x/../admin'],
    [true, paths, 'http://demo.i2p/x%2f..%2fadmin'], [true, paths, 'http://demo.i2p/./admin'],
    ...[
      '/admin;x=1', '/;x/admin', '/x/..;/admin', '/..;/admin', '/Admin', '/ADMIN/x', '/%41dmin', '/admin%00', '/admin%00.png',
      '/admin%2f', '/x%5c..%5cadmin', '/%2561dmin',
      '/admin%20', '/admin.', '/admin%2e', '/%zz/admin', '/\uff41dmin'.replace('\uff41', '%EF%BD%81'), '//x//..//admin',
      '/x/%2e%2e/admin', '/admin/open/../x', '/admin%3bx', '/admin%0a'
    ].map((path): typeof rows[number] => [true, paths, `http://demo.i2p${path}`]),
    [false, paths, 'http://demo.i2p/caf%C3%A9/x?y=%00;..'], [false, {}, 'http://demo.i2p/x;y/..;/z%00'],
    [true, { methods: ['GET', 'POST'] }, 'http://demo.i2p/', 'POST', { headers: [['X-HTTP-Method-Override', 'delete']] }],
    [true, { methods: ['GET', 'POST'] }, 'http://example.com/', 'POST', { headers: [['X_HTTP_Method', 'DELETE']] }],
    [false, { methods: ['GET', 'POST'] }, 'http://demo.i2p/', 'GET', { headers: [['X-Method-Override', 'POST']] }],
    [false, paths, 'http://demo.i2p/administrator'], [false, paths, 'http://demo.i2p/admin/open'],
    [true, paths, 'http://demo.i2p/admin/open', 'POST'], [false, paths, 'http://demo.i2p/form', 'POST'],
    [true, paths, 'http://demo.i2p/form', 'DELETE']
  ]
  for (const [expected, options, url, method, extra] of rows) {
    t.equal(await refused(options, url, method, extra), expected,
    `${method ?? 'GET'} ${url}`)
  }
  const policy = await Policy.load({ denyContentTypes: ['video/*', 'application/zip'], maxResponse: 100 })
  const site = sites.at('demo.i2p', 80)
  const replies: Array<[Field, boolean, boolean]> = [
    [['content-type', 'video/mp4'], true, false], [['Content-Type', 'Application/ZIP; x=y'], true, false],
    [['content-type', 'text/html'], false, false],
    [['content-length', '101'], true, true], [['content-length', '100'], false, false]
  ]
  for (const [field, ofTheWeb, ofASite] of replies) {
    const head = headOf([field])
    for (const [from, expected] of [[undefined, ofTheWeb], [site, ofASite]] as const) {
      if (expected) t.throws(() => policy.checkResponse(head, from), { code: 'MINWWW_EXIT_POLICY' })
      else t.doesNotThrow(() => policy.checkResponse(head, from))
    }
  }
})

t.test('lists in files: reload, an empty allow file allows nothing, a lost file changes nothing', async t => {
  const dir = t.testdir({ allow: '', deny: '# nothing\n' })
  const policy = await Policy.load({ allowHostsFile: `${dir}/allow`, denyHostsFile: `${dir}/deny` })
  t.throws(() => policy.checkHost('example.com'), { code: 'MINWWW_EXIT_POLICY' })
  await writeFile(`${dir}/allow`, 'example.com # ours\n\n')
  await policy.reload()
  t.doesNotThrow(() => policy.checkHost('www.example.com'))
  await writeFile(`${dir}/deny`, '=www.example.com')
  await policy.reload()
  t.throws(() => policy.checkHost('www.example.com'))
  const broken = await Policy.load({ denyHosts: ['evil.example'], denyDestinationsFile: `${dir}/deny` }).catch(error => error.code)
  t.equal(broken, 'MINWWW_EXIT_BAD_OPTION')
  await t.rejects(Policy.load({ denyHostsFile: `${dir}/none` }), { code: 'MINWWW_EXIT_BAD_OPTION' })
})

t.test('shared cache: what everybody may have, for as long as it is fresh', t => {
  let now = Date.parse('2026-11-22T00:00:00Z')
  const cache = new SharedCache({ maxBytes: 100_000, now: () => now })
  const store = (url: string, headers: Field[], request: Field[] = []) => cache.store(get(url, request),
    { status: 200, reason: 'OK', headers: [['Date', new Date(now).toUTCString()], ...headers], body: Buffer.from(url) })
  store('http://a/', [['Cache-Control', 'max-age=60'], ['ETag', '"1"']])
  const made = new Date(now).toUTCString()
  now += 30_000
  t.match(cache.find(get('http://a/')), { kind: 'hit', response: { status: 200, headers: [['Date', made], ['Cache-Control', 'max-age=60'], ['ETag', '"1"'], ['age', '30']] } })
  store('http://invalid/', [['Expires', '2026-11-23']])
  t.match(cache.find(get('http://invalid/')), { kind: 'miss' }, 'no date of HTTP is long past')
  now += 31_000
  t.strictSame(cache.find(get('http://a/')), { kind: 'stale', validators: [['if-none-match', '"1"']] })
  t.match(cache.find(get('http://a/', [['If-None-Match', '"0"']])), { kind: 'miss' }, "the browser's own condition passes")
  t.equal(cache.update(get('http://a/'), [['Cache-Control', 'max-age=60'], ['ETag', '"1"']])?.body.toString(), 'http://a/')
  t.match(cache.find(get('http://a/')), { kind: 'hit' })
  cache.invalidate({ method: 'POST', url: 'http://a/', headers: [] })
  t.match(cache.find(get('http://a/')), { kind: 'miss' })
  const never: Array<[string, Field[], Field[]]> = [
    ['http://private/', [['Cache-Control', 'private, max-age=60']], []], ['http://nostore/', [['Cache-Control', 'no-store']], []],
    ['http://cookie/', [['Set-Cookie', 'a=b'], ['Cache-Control', 'private']], []],
    ['http://setcookie/', [['Cache-Control', 'public, max-age=60'], ['Set-Cookie', 'a=b']], []],
    ...['Cookie', 'X-Host', 'X-Original-URL', 'X-HTTP-Method-Override', 'X-Forwarded-Host', 'X_Forwarded_Host', 'X-Whatever',
      'Content-Type', 'Content-Length']
      .map((name): [string, Field[], Field[]] => [`http://field/${name}`, [['Cache-Control', 'public, max-age=60']], [[name, 'x']]]),
    ['http://auth/', [['Cache-Control', 'max-age=60']], [['Authorization', 'x']]],
    ['http://range/', [['Cache-Control', 'max-age=60']], [['Range', 'bytes=0-1']]],
    ['http://vary/', [['Cache-Control', 'max-age=60'], ['Vary', '*']], []]
  ]
  for (const [url, headers, request] of never) {
    store(url, headers, request)
    t.match(cache.find(get(url, request)).kind, 'miss', url)
  }
  const plain = get('http://body/')
  const withBody: HttpRequest = { ...plain, body: Buffer.from('evil') }
  cache.store(withBody, { status: 200, reason: 'OK', headers: [['Cache-Control', 'max-age=60']], body: Buffer.from('of the body') })
  t.match(cache.find(plain).kind, 'miss', 'the answer to a GET with a body is nobody else\'s')
  store('http://body/', [['Cache-Control', 'max-age=60']])
  t.match([cache.find(plain).kind, cache.find(withBody).kind, cache.find(get('http://body/', [['X-Host', 'evil']])).kind],
    ['hit', 'miss', 'miss'])
  store('http://lang/', [['Cache-Control', 'max-age=60'], ['Vary', 'Accept-Language']], [['Accept-Language', 'de']])
  t.equal(cache.find(get('http://lang/', [['Accept-Language', 'de']])).kind, 'hit')
  t.not(cache.find(get('http://lang/', [['Accept-Language', 'fr']])).kind, 'hit')
  for (let index = 0; index < 500; index++) store(`http://many/${index}`, [['Cache-Control', 'max-age=60']])
  t.ok(cache.stats.bytes <= 100_000)
  for (let index = 0; index < 100; index++) store(`http://long/${index}/${'x'.repeat(8_000)}`, [['Cache-Control', 'max-age=60']])
  t.ok(cache.stats.entries < 12, 'addresses count')
  t.end()
})

t.test('shared cache: directives in every spelling, of the response and of the request', t => {
  const at = Date.parse('2026-11-22T00:00:00Z')
  const modified: Field = ['Last-Modified', new Date(at - 1e9).toUTCString()]
  const isKept = (control: string, request: Field[] = []): boolean => {
    const cache = new SharedCache({ maxBytes: 100_000, now: () => at })
    cache.store(get('http://a/', request), { status: 200, reason: 'OK', headers: [modified, ['Cache-Control', control]], body: Buffer.from('x') })
    return cache.find(get('http://a/')).kind === 'hit'
  }
  for (const control of ['Private', 'PRIVATE, max-age=60', 'Private="set-cookie"', 'No-Store, max-age=60', 'Max-Age=0', 'S-MaxAge=0, max-age=60',
    'max-age=0, max-age=60']) t.notOk(isKept(control), control)
  t.notOk(isKept('max-age=60', [['Cache-Control', 'No-Store']]), 'the client does not want it kept')
  for (const control of ['Public', 'MAX-AGE=60', 'max-age=60, max-age=0']) t.ok(isKept(control), control)
  t.end()
})

t.test('shared cache: a 304 updates what it is of, and nothing else', t => {
  let now = Date.parse('2026-11-22T00:00:00Z')
  const modified: Field = ['Last-Modified', new Date(now - 1e9).toUTCString()]
  const type: Field = ['Content-Type', 'text/html']
  const stored = (...validators: Field[]): SharedCache => {
    const cache = new SharedCache({ maxBytes: 100_000, now: () => now })
    const headers: Field[] = [['Date', new Date(now).toUTCString()], type, ['Cache-Control', 'max-age=60'], ...validators]
    cache.store(get('http://a/'), { status: 200, reason: 'OK', headers, body: Buffer.from('page') })
    now += 61_000
    t.equal(cache.find(get('http://a/')).kind, 'stale')
    return cache
  }
  for (const validator of [modified, ['ETag', '"1"'], ['ETag', 'W/"1"']] satisfies Field[]) {
    const cache = stored(validator)
    const bare = cache.update(get('http://a/'), [['Date', new Date(now).toUTCString()], ['Server', 'SimpleHTTP']])
    t.match(bare?.headers.filter(([name]) => name === 'Content-Type'), [type], `no validator, after ${validator[1]}`)
    t.equal(cache.find(get('http://a/')).kind, 'hit', 'it is fresh again')
  }
  const other = stored(['ETag', '"1"'])
  t.equal(other.update(get('http://a/'), [['ETag', '"2"']]), undefined, 'of another one: it is asked for anew')
  t.equal(other.find(get('http://a/')).kind, 'miss')
  t.end()
})

/** A SOCKS5 or HTTP proxy that answers everything itself, and notes where it was asked to go. */
async function fakeProxy (t: { teardown: (work: () => Promise<void>) => unknown }, kind: 'socks5' | 'http', reply = 0) {
  const asked: string[] = []
  const answer = (socket: Socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  const server = await rawServer(socket => {
    socket.once('data', first => {
      if (kind === 'http') {
        asked.push(first.toString().split('\r\n')[0] ?? '')
        socket.write(reply === 0 ? 'HTTP/1.1 200 fine\r\nX: y\r\n\r\n' : `HTTP/1.1 ${reply} no\r\n\r\n`)
        return answer(socket)
      }
      // Tor takes the password where one is offered.
      const method = first.includes(2, 2) ? 2 : 0
      socket.write(Buffer.of(5, method))
      const request = (data: Buffer) => {
        const length = data[4] ?? 0
        asked.push(`${data.toString('latin1', 5, 5 + length)}:${data.readUInt16BE(5 + length)}`)
        socket.write(Buffer.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0))
        answer(socket)
      }
      if (method === 2) {
        socket.once('data', data => {
          asked.push(data.toString('latin1', 2)); socket.write(Buffer.of(1,
            0)); socket.once('data', request)
        })
      } else socket.once('data', request)
    })
  })
  t.teardown(server.close)
  return { asked, port: server.port }
}

t.test('upstream proxies: names go there unresolved, address literals still meet the guard', async t => {
  for (const [kind, text] of [['socks5', 'socks5://127.0.0.1'], ['socks5', 'socks5h://me:secret@127.0.0.1'],
    ['http', 'http://127.0.0.1']] as const) {
    const { asked, port } = await fakeProxy(t, kind)
    const route = upstreamRoute({ proxy: parseUpstream(`${text}:${port}`), guard: new AddressGuard(), timeout: 10_000 })
    const fetcher = testFetcher({ web: route })
    const response = await fetcher.fetch(get('http://Name.example/path'), fakeVisitor(), new AbortController().signal)
    t.equal((await bodyOf(response.body)).toString(), 'ok')
    t.match(asked.at(-1), kind === 'http' ? 'CONNECT name.example:80 HTTP/1.1' : 'name.example:80')
    for (const url of ['http://127.0.0.1/', 'http://10.0.0.1/', 'http://localhost/', 'http://[::1]/', 'http://0x7f.1/',
      'http://intranet/', 'http://93.184.215.14:25/']) {
      const code = await fetcher.fetch(get(url), fakeVisitor(), new AbortController().signal).then(() => 'ANSWERED', error => error.code)
      t.equal(code, 'MINWWW_EXIT_POLICY', url)
    }
    t.equal(asked.length, text.includes('@') ? 2 : 1)
    await fetcher.close()
  }
})

t.test('upstream proxies: their refusals have codes', async t => {
  const rows = [['socks5', 2, 'POLICY'], ['socks5', 4, 'NAME'], ['socks5', 5, 'CONNECTION'], ['socks5', 6, 'TIMEOUT'],
    ['http', 403, 'POLICY'], ['http', 502, 'CONNECTION'], ['http', 504, 'TIMEOUT']] as const
  for (const [kind, reply, code] of rows) {
    const { port } = await fakeProxy(t, kind, reply)
    const route = upstreamRoute({ proxy: parseUpstream(`${kind}://127.0.0.1:${port}`), guard: new AddressGuard(), timeout: 10_000 })
    await t.rejects(route({ host: 'name.example', port: 80 }), { code: `MINWWW_EXIT_${code}` }, `${kind} ${reply}`)
  }
  const silent = await rawServer(() => {})
  t.teardown(silent.close)
  await t.rejects(upstreamRoute({
    proxy: parseUpstream(`socks5://127.0.0.1:${silent.port}`),
    guard: new AddressGuard(),
    timeout: 50
  })({ host: 'a.example', port: 80 }), { code: 'MINWWW_EXIT_TIMEOUT' })
  for (const text of ['socks4://127.0.0.1:1', '127.0.0.1:9050', 'ftp://x']) {
    t.throws(() => parseUpstream(text),
      { code: 'MINWWW_EXIT_BAD_OPTION' })
  }
  t.equal(net.isIP(parseUpstream('socks5://[::1]:9050').host), 6)
})

t.test('a name with an empty label is no name: it would be none of a list, and resolvers take it for one without', async t => {
  const policy = await Policy.load({ denyHosts: ['evil.example'] })
  for (const host of ['evil.example..', 'evil.example%2e.', 'evil.example...', 'evil..example', '.evil.example', 'x.internal..', 'localhost..', '.', '..']) {
    t.throws(() => parseTarget(`http://${host}/`), { code: 'MINWWW_EXIT_BAD_REQUEST' }, host)
    t.throws(() => parseAuthority(`${host}:443`), { code: 'MINWWW_EXIT_BAD_REQUEST' }, host)
  }
  t.throws(() => policy.checkHost(parseAuthority('evil.example.:443').host), { code: 'MINWWW_EXIT_POLICY' })
})
