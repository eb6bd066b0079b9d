import type { Duplex } from 'node:stream'
import t from 'tap'
import { createExit, type ExitOptions } from '../src/index.ts'
import { FakeCore, FakeSession, keysOf } from './support/exit.ts'
import { FakeStreams } from './support/streams.ts'
import { bodyOf, httpd, rawServer } from './support/upstream.ts'

const client = keysOf(7).destination
const HOST = 'Host: demo.i2p\r\n'

async function start (t: { teardown: (work: () => Promise<void>) => unknown }, options: Partial<ExitOptions>) {
  const streams = new FakeStreams()
  const errors: object[] = []
  const logger = { debug () {}, info () {}, warn () {}, error: (facts: object) => { errors.push(facts) } }
  const exit = await createExit({ session: new FakeSession(), streams, createCore: () => new FakeCore(), logger, ...options })
  t.teardown(async () => await exit.close())
  return { exit, errors, open: (from = client) => streams.open(from) }
}

/** Everything that comes back until the exit ends the stream. */
async function said (stream: Duplex, text: string): Promise<string> {
  stream.write(Buffer.from(text, 'latin1'))
  return (await bodyOf(stream)).toString('latin1')
}

/** Status codes, in their order. */
const statuses = (text: string): string[] => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code = '']) => code)
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

t.test('pipelined requests reach the site one after the other, and their answers come in that order', async t => {
  const seen: string[] = []
  const held: Array<() => void> = []
  const server = await httpd((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    if (request.url === '/slow') held.push(() => response.end('slow'))
    else bodyOf(request).then(body => response.end(`${request.url} ${body.toString()}`), () => {})
  })
  t.teardown(server.close)
  const { open } = await start(t, { sites: { 'demo.i2p': server.origin } })
  const answers = said(open(), `POST /slow HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi` +
    `POST /2 HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\nbody` +
    `DELETE /3 HTTP/1.1\r\n${HOST}\r\nGET /4 HTTP/1.1\r\n${HOST}Connection: close\r\n\r\nGET /5 HTTP/1.1\r\n${HOST}\r\n`)
  await until(() => held.length === 1)
  t.strictSame(seen, ['POST /slow'], 'nothing overtakes')
  held[0]?.()
  const text = await answers
  t.strictSame(seen, ['POST /slow', 'POST /2', 'DELETE /3', 'GET /4'], 'nothing is read behind Connection: close')
  t.strictSame(statuses(text), ['200', '100', '200', '200', '200'], 'the interim answer stands before its own answer')
  t.match(text, /\r\n\r\nslowHTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
})

t.test('a tunnel and a WebSocket begin behind the answers before them', async t => {
  const held: Array<() => void> = []
  const server = await httpd((request, response) => {
    if (request.url === '/slow') held.push(() => response.end('slow'))
    else response.end(`inside ${request.url}`)
  })
  server.server.on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nframe')
  })
  t.teardown(server.close)
  const { open } = await start(t, { sites: { 'demo.i2p': server.origin } })
  const slow = `GET /slow HTTP/1.1\r\n${HOST}\r\n`
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const inside = said(open(), `${slow}CONNECT demo.i2p:80 HTTP/1.1\r\n${HOST}\r\nGET /x HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
  const socket = said(open(), `${slow}GET /ws HTTP/1.1\r\n${HOST}${upgrade}${key}\r\n`)
  await until(() => held.length === 2)
  for (const answer of held) answer()
  t.match(await inside, /^HTTP\/1\.1 200 OK[^]*slow[^]*HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.1 200 OK[^]*inside \/x/)
  t.match(await socket, /^HTTP\/1\.1 200 OK[^]*slow[^]*HTTP\/1\.1 101 S[^]*\r\n\r\nframe$/)
})

t.test('only a WebSocket is upgraded; what else asks for it gets an answer', async t => {
  let connections = 0
  const server = await rawServer(socket => {
    connections++
    socket.on('data', data => {
      const path = String(data).split(' ')[1]
      const bad = path === '/forged' ? 'Upgrade: other\r\n' : 'Upgrade: websocket\r\nSec-WebSocket-Accept: no\r\n'
      if (path === '/refuses') socket.write('HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nnever')
      else if (/^upgrade:/im.test(String(data))) socket.write(`HTTP/1.1 101 S\r\nConnection: Upgrade\r\n${bad}\r\nraw`)
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain')
    })
  })
  t.teardown(server.close)
  const { exit, open } = await start(t, { sites: { 'demo.i2p': server.origin } })
  const ask = async (path: string, upgrade: string, more = '') =>
    await said(open(), `GET ${path} HTTP/1.1\r\n${HOST}Connection: upgrade, close\r\nUpgrade: ${upgrade}\r\n${more}\r\n`)
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  for (const token of ['x', 'h2c', 'TLS/1.0', 'websocketx']) t.match(await ask('/', token), /^HTTP\/1\.1 200 OK[^]*plain$/, token)
  t.match(await ask('/', 'websocket'), /^HTTP\/1\.1 400 /, 'without a key')
  t.match(await ask('/', 'websocket', `${key}Content-Length: 3\r\n`), /^HTTP\/1\.1 400 /, 'with a body')
  t.match(await ask('/forged', 'websocket', key), /^HTTP\/1\.1 502 /)
  t.match(await ask('/wrong', 'websocket', key), /^HTTP\/1\.1 502 /)
  t.match(await ask('/refuses', 'websocket', key), /^HTTP\/1\.1 403 No[^]*never$/, 'a refusal is the site\'s own')
  t.ok(connections > 0)
  t.equal(exit.stats.active, 0)
})

t.test('CONNECT to an own site leads to its rules, whatever its HTTPD speaks and on every port', async t => {
  let bytes = ''
  const server = await rawServer(socket => { socket.on('data', data => { bytes += String(data) }) })
  t.teardown(server.close)
  const { open } = await start(t, {
    sites: { 's.i2p': `https://127.0.0.1:${server.port}`, 't.i2p:443': `https://127.0.0.1:${server.port}` },
    policy: { web: false, methods: ['GET', 'CONNECT'], sitePaths: { 's.i2p': [{ path: '/admin', methods: false }] } }
  })
  const forged = 'X-I2P-DestB32: forged\r\nX_I2P_DestB32: forged\r\n'
  const through = async (authority: string, request: string) =>
    await said(open(), `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n\r\n` +
      `${request} HTTP/1.1\r\nHost: ${authority}\r\n${forged}Connection: close\r\n\r\n`)
  t.strictSame(statuses(await through('s.i2p:80', 'GET /admin')), ['200', '403'])
  t.strictSame(statuses(await through('s.i2p:80', 'DELETE /x')), ['200', '403'])
  t.strictSame(statuses(await through('t.i2p:443', 'DELETE /x')), ['200', '403'])
  t.strictSame(statuses(await said(open(), 'CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')), ['403'])
  t.equal(bytes, '', 'not a byte reached the HTTPD')
})

t.test('half-closed clients get their answers; interim answers of the site pass; statuses are written clean', async t => {
  const server = await rawServer(socket => {
    socket.on('data', () => socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n' +
      'HTTP/1.1 200 O\u0001K\r\nX-XSS-Protection : 1\r\nContent-Length: 5\r\n\r\nhello'))
  })
  t.teardown(server.close)
  const { open } = await start(t, { sites: { 'demo.i2p': server.origin } })
  for (const [request, expected] of [
    [`GET / HTTP/1.1\r\n${HOST}\r\n`, ['103', '200']], [`POST / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi`, ['103', '200']],
    [`GET http://demo.i2p/ HTTP/1.0\r\n${HOST}\r\n`, ['200']]
  ] as const) {
    const stream = open()
    stream.end(request)
    const text = (await bodyOf(stream)).toString('latin1')
    t.strictSame(statuses(text), expected, request)
    t.match(text, /HTTP\/1\.1 200 \r\nX-XSS-Protection: 1\r\n[^]*hello$/)
  }
})

t.test('an answer before the end of the upload goes on, and the rest is read away', async t => {
  const server = await httpd((_request, response) => {
    response.writeHead(413, { connection: 'close' })
    response.end('too big\n', () => response.socket?.resetAndDestroy())
  })
  t.teardown(server.close)
  const { open } = await start(t, { sites: { 'demo.i2p': server.origin } })
  const stream = open()
  stream.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 20000000\r\n\r\n`)
  let taken = 0
  const sending = (async () => {
    for (let left = 20_000_000; left > 0 && !stream.destroyed; left -= 50_000) {
      if (!stream.write(Buffer.alloc(50_000))) await new Promise<void>(resolve => stream.once('drain', resolve).once('close', resolve))
      taken += 50_000
    }
  })()
  const text = (await bodyOf(stream)).toString()
  t.match(text, /^HTTP\/1\.1 413 [^]*too big/)
  await sending
  t.ok(taken > 0)
})

t.test('hostile pairs on one connection: an answer to each in order, or the end', async t => {
  const server = await httpd((request, response) => { request.resume().on('end', () => response.end(`<${request.url}>`)) })
  t.teardown(server.close)
  const limits = { requestsPerClient: [], postsPerClient: [], requestsTotal: [], postsTotal: [], maxRefusals: Infinity }
  const { exit, errors, open } = await start(t, { sites: { 'demo.i2p': server.origin }, limits })
  const first = [
    ['GET', ''], ['GET', 'Expect: 100-continue\r\n'], ['PUT', 'Content-Length: 1\r\n', 'x'], ['POST',
      'Expect: 100-continue\r\nContent-Length: 1\r\n', 'x'],
    ['POST', 'Content-Length: 0\r\n'], ['POST', 'Transfer-Encoding: chunked\r\n', '1\r\nx\r\n0\r\n\r\n'], ['GET',
      'Connection: upgrade\r\nUpgrade: h2c\r\n']
  ].map(([method = '', fields = '', body = '']) => `${method} /a HTTP/1.1\r\n${HOST}${fields}\r\n${body}`)
  const methods = ['GET', 'POST', 'TRACE', 'CONNECT', 'PRI', 'x']
  const fields = [
    '', 'Connection: upgrade\r\nUpgrade: a\r\n', 'Connection: upgrade\r\nUpgrade: websocket\r\n',
    'Expect: 100-continue\r\nContent-Length: 2\r\n', 'Expect: x\r\n',
    'Content-Length: 2\r\n', 'Transfer-Encoding: chunked\r\n', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n',
    'Transfer-Encoding: x\r\n',
    'Connection: close\r\n', 'X : y\r\n', ' folded\r\n', `X: ${'x'.repeat(40_000)}\r\n`, '\u0000\r\n'
  ]
  const bodies = ['', '\r\n', 'hi', '2\r\nhi\r\n0\r\n\r\n', 'zz\r\n', `GET /b HTTP/1.1\r\n${HOST}\r\n`]
  let count = 0
  for (const one of first) {
    for (const method of methods) {
      for (const field of fields) {
        for (const body of bodies) {
          const stream = open()
          stream.end(Buffer.from(`${one}${method} /b HTTP/1.1\r\n${HOST}${field}\r\n${body}`, 'latin1'))
          const text = (await bodyOf(stream)).toString('latin1')
          count++
          const isRight = /^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 OK\r\n/.test(text) && text.split('</a>').length === 2
          if (!isRight) t.fail(JSON.stringify([one, method, field, body, text]))
        }
      }
    }
  }
  t.ok(count > 3_000, `${count} pairs`)
  t.strictSame(errors, [], 'no error that nobody foresaw')
  await until(() => exit.stats.streams === 0)
  t.match(exit.stats, { active: 0, running: 0, waiting: 0 })
})
