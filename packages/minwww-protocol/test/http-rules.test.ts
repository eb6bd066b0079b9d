/** Heads of requests and answers, rule by rule: section 4 of the protocol, RFC 9112. */
import t from 'tap'
import {
  encodeRequestHead, encodeResponse, HOP_BY_HOP, MAX_FIELDS, MAX_HEAD, MAX_URL, parseRequest, parseResponse, parseUrl, type HeaderList,
  type HttpResponse
} from '../src/index.ts'

const BAD = { name: 'ProtocolError', code: 'MINWWW_BAD_HTTP' }
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const request = (line: string, fields = ''): Buffer => bytes(`${line}\r\n${fields}\r\n`)
const GET = 'GET http://a.i2p/ HTTP/1.1'
const OK = 'HTTP/1.1 200 OK'

t.test('request lines that are one', async t => {
  for (const [method, url] of [
    ['GET', 'http://a.i2p/'], ['get', 'https://a.i2p/x'], ['M-SEARCH', 'HTTP://A.i2p'], ['POST', 'HTTPS://a.i2p/?q=%20'],
    ['A1!#$%&\'*+.^_`|~', 'http://a'],
    ['GET', `http://a.i2p/${'x'.repeat(MAX_URL - 13)}`]
  ] as const) {
    t.strictSame(parseRequest(request(`${method} ${url} HTTP/1.1`)), { method, url, headers: [], body: Buffer.alloc(0) }, url.slice(0, 40))
    t.strictSame(encodeRequestHead({ method, url, headers: [] }), request(`${method} ${url} HTTP/1.1`))
  }
})

t.test('request lines that are none', async t => {
  for (const line of [
    '', 'GET', 'GET http://a.i2p/', ' GET http://a.i2p/ HTTP/1.1', 'GET http://a.i2p/ HTTP/1.1 ', 'GET http://a.i2p/ http/1.1',
    'GET http://a.i2p/ HTTP/1.11',
    'GET http://a.i2p/ HTTP/1x1', 'GET http://a.i2p/ xHTTP/1.1', 'GET a.i2p HTTP/1.1', 'GET http:// HTTP/1.1',
    'GET xhttp://a.i2p/ HTTP/1.1',
    'GET http:/a.i2p/ HTTP/1.1', 'GET httpss://a.i2p/ HTTP/1.1', 'GET http://a.i2p/\x7f HTTP/1.1', 'GET http://a.i2p/\xe4 HTTP/1.1',
    'G@T http://a.i2p/ HTTP/1.1',
    'GET http://a.i2p/\t HTTP/1.1', '(GET http://a.i2p/ HTTP/1.1', 'GET) http://a.i2p/ HTTP/1.1',
      `GET http://a.i2p/${'x'.repeat(MAX_URL - 12)} HTTP/1.1`
  ]) t.throws(() => parseRequest(request(line)), BAD, JSON.stringify(line.slice(0, 40)))
  for (const [method, url] of [['G T', 'http://a.i2p/'], ['', 'http://a.i2p/'], ['GET', ''], ['GET', '/'], ['GET',
    'http://a.i2p/ x']] as const) {
    t.throws(() => encodeRequestHead({ method, url, headers: [] }), BAD, `${method} ${url}`)
  }
})

t.test('status lines that are one, and that are none', async t => {
  for (const [line, status, reason] of [
    [OK, 200, 'OK'], ['HTTP/1.1 100 Continue', 100, 'Continue'], ['HTTP/1.1 599 ', 599, ''], ['HTTP/1.1 404', 404, ''],
    ['HTTP/1.1 200 \xfcber\tall', 200, '\xfcber\tall']
  ] as const) t.strictSame(parseResponse(request(line)), { status, reason, headers: [], body: Buffer.alloc(0) }, line)
  for (const line of [
    '', 'HTTP/1.1', 'HTTP/1.1 20', 'HTTP/1.1 099 x', 'HTTP/1.1 600 x', 'HTTP/1.1 2x0 x', 'HTTP/1.1 20x x', 'HTTP/1.1 2000 x',
    'HTTP/1.1 200x', 'HTTP/1.0 200 OK', 'HTTP/1x1 200 OK', ' HTTP/1.1 200 OK',
    'xHTTP/1.1 200 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1 200 a\nb', 'HTTP/1.1 200 \x7f'
  ]) t.throws(() => parseResponse(request(line)), BAD, JSON.stringify(line))
  const answer = (status: number, reason = 'OK'): HttpResponse => ({ status, reason, headers: [], body: Buffer.alloc(0) })
  t.equal(encodeResponse(answer(404, 'Not Found')).toString(), 'HTTP/1.1 404 Not Found\r\n\r\n')
  t.equal(encodeResponse(answer(200, 'a\nb')).toString(), 'HTTP/1.1 200 \r\n\r\n', 'a reason that would be a line of its own is left out')
  for (const status of [0, 99, 600, 1000, 2.5, NaN]) t.throws(() => encodeResponse(answer(status)), BAD, `${status}`)
})

t.test('fields: what is a name, what is a value, and what is trimmed', async t => {
  const fields = (text: string): HeaderList => parseRequest(request(GET, text)).headers
  t.strictSame(fields('A:b\r\nc-D:  e f\t \r\nE:\r\nF: a:b\r\nG: \xff\r\n'), [['A', 'b'], ['c-D', 'e f'], ['E', ''], ['F', 'a:b'], ['G',
    '\xff']])
  for (const text of ['A\r\n', ':b\r\n', ' A: b\r\n', 'A : b\r\n', 'A(: b\r\n', 'A: b\r\n c\r\n', 'A: \0\r\n', 'A: \x1f\r\n', 'A: \x7f\r\n',
    'A: b\n\r\n', 'A: b\rC: d\r\n']) {
    t.throws(() => fields(text), BAD, JSON.stringify(text))
  }
  for (const [name, value] of [['A b', ''], ['', 'x'], ['A', 'b\nc'], ['A', 'b\0'], ['A:', 'b']] as const) {
    t.throws(() => encodeRequestHead({ method: 'GET', url: 'http://a.i2p/', headers: [[name, value]] }), BAD, JSON.stringify([name, value]))
  }
})

t.test('fields of one connection are never in an object', async t => {
  const names = [
    'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding',
    'upgrade'
  ]
  t.strictSame([...HOP_BY_HOP].toSorted(), names)
  for (const name of [...names, 'Keep-Alive', 'TE']) {
    t.throws(() => parseRequest(request(GET, `${name}: x\r\n`)), {
      ...BAD,
      message: `malformed HTTP: hop-by-hop field ${name.toLowerCase()}`
    })
    t.throws(() => parseResponse(request(OK, `${name}: x\r\n`)), BAD)
    t.throws(() => encodeResponse({ status: 200, reason: '', headers: [[name, 'x']], body: Buffer.alloc(0) }), BAD)
  }
})

t.test('what a head may have at most', async t => {
  const fields = (count: number): string => Array.from({ length: count }, (_, i) => `X-${i}: v\r\n`).join('')
  t.equal(parseRequest(request(GET, fields(MAX_FIELDS))).headers.length, MAX_FIELDS)
  t.throws(() => parseRequest(request(GET, fields(MAX_FIELDS + 1))), BAD)
  const list = (count: number): HeaderList => Array.from({ length: count }, (_, i) => [`X-${i}`, 'v'])
  t.doesNotThrow(() => encodeRequestHead({ method: 'GET', url: 'http://a.i2p/', headers: list(MAX_FIELDS) }))
  t.throws(() => encodeRequestHead({ method: 'GET', url: 'http://a.i2p/', headers: list(MAX_FIELDS + 1) }), BAD)
  const filled = (length: number): HeaderList => [['A', 'x'.repeat(length - GET.length - 2 - 'A: '.length - 4)]]
  const most = encodeRequestHead({ method: 'GET', url: 'http://a.i2p/', headers: filled(MAX_HEAD), body: bytes('body') })
  t.strictSame([most.length, parseRequest(most).body.toString()], [MAX_HEAD + 4, 'body'])
  t.throws(() => encodeRequestHead({ method: 'GET', url: 'http://a.i2p/', headers: filled(MAX_HEAD + 1) }), BAD)
  const longer = request(GET, `A: ${'x'.repeat(MAX_HEAD + 1 - GET.length - 2 - 'A: '.length - 4)}\r\n`)
  t.equal(longer.length, MAX_HEAD + 1)
  t.throws(() => parseRequest(longer), BAD)
})

t.test('a body is as long as its head says; that of an answer may be missing, or cut where it is only a beginning', async t => {
  const length = (value: string, body = 'xy', name = 'Content-Length'): Buffer => bytes(`${GET}\r\n${name}: ${value}\r\n\r\n${body}`)
  t.equal(parseRequest(length('2')).body.toString(), 'xy')
  t.equal(parseRequest(length('002')).body.toString(), 'xy')
  t.equal(parseRequest(length('0', '')).body.length, 0)
  t.equal(parseRequest(bytes(`${GET}\r\n\r\nxy`)).body.toString(), 'xy', 'nothing is said of it')
  for (const value of ['1', '3', '', '-2', '+2', '2 2', '2x', 'x2', '2,2', '0000000000000002']) {
    t.throws(() => parseRequest(length(value)),
      BAD, value)
  }
  t.throws(() => parseRequest(length('3', 'xy', 'content-LENGTH')), BAD, 'in any case of its letters')
  t.throws(() => parseRequest(length('2', '')), BAD, 'a request has all of it')
  t.throws(() => parseRequest(length('2\r\nContent-Length: 2')), BAD, 'twice')
  const answer = (value: string, body = 'xy'): Buffer => bytes(`${OK}\r\nContent-Length: ${value}\r\n\r\n${body}`)
  t.equal(parseResponse(answer('2')).body.toString(), 'xy')
  t.equal(parseResponse(answer('9', '')).body.length, 0)
  t.throws(() => parseResponse(answer('9')), BAD)
  t.throws(() => parseResponse(answer('1')), BAD)
  t.equal(parseResponse(answer('9'), 'beginning').body.toString(), 'xy')
  t.equal(parseResponse(answer('2'), 'beginning').body.toString(), 'xy')
  t.throws(() => parseResponse(answer('1'), 'beginning'), BAD, 'longer than it says')
})

t.test('a head may lie anywhere in its memory, and its body is a view', async t => {
  const all = bytes(`....${GET}\r\nHost: a.i2p\r\n\r\nbody....`)
  const within = new Uint8Array(all.buffer, all.byteOffset + 4, all.length - 8)
  const { headers, body } = parseRequest(within)
  t.strictSame([headers, body.toString(), body.buffer === all.buffer], [[['Host', 'a.i2p']], 'body', true])
  t.throws(() => parseRequest(all.subarray(4, all.length - 10)), /end of head/, 'nothing behind its end is read')
  t.strictSame(encodeResponse({ status: 200, reason: 'OK', headers: [['A', 'b']], body: bytes('page') }).toString(),
    `${OK}\r\nA: b\r\n\r\npage`)
})

t.test('an address, or none', async t => {
  t.equal(parseUrl('x', 'http://a.i2p/b/c')?.href, 'http://a.i2p/b/x')
  t.strictSame(['http://[x', 'x', ''].map(text => parseUrl(text)), [undefined, undefined, undefined])
})
