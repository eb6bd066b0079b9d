import { getEventListeners } from 'node:events'
import net from 'node:net'
import t from 'tap'
import type { Plan } from '../src/fetch/fetcher.ts'
import { createExit, type ExitOptions } from '../src/index.ts'
import { queued, type StreamRequest } from '../src/streams/requests.ts'
import { FakeCore, FakeSession, keysOf } from './support/exit.ts'
import { FakeStreams, over, read, tunnel } from './support/streams.ts'
import { bodyOf, echo, httpd, rawServer } from './support/upstream.ts'

const client = keysOf(7).destination

async function start (options: Partial<ExitOptions> = {}) {
  const core = new FakeCore()
  const session = new FakeSession()
  const streams = new FakeStreams()
  const exit = await createExit({ session, streams, createCore: () => core, ...options })
  return { core, session, streams, exit, open: (from = client) => streams.open(from) }
}

t.test('any method, origin-form and absolute-form, visitor fields, Alt-Svc for a site', async t => {
  const server = await httpd((request, response) => {
    bodyOf(request).then(body => {
      response.writeHead(200, { 'Alt-Svc': 'h2="evil:443"', 'X-MinWWW-Error': 'busy', Server: 'nginx' })
      response.end(`${request.method} ${request.url} ${request.headers.host} ${request.headers['x-i2p-destb32']} ${body.toString()}`)
    }, error => response.destroy(error))
  })
  t.teardown(server.close)
  const { exit, streams, open } = await start({ sites: { 'demo.i2p': server.origin } })
  t.teardown(async () => await exit.close())
  t.equal(streams.port, 80)
  const put = await over(open(), '/a?b', {
    method: 'PUT',
    body: Buffer.from('body'),
    headers: {
      host: 'demo.i2p',
      'x-i2p-destb32': 'forged'
    }
  })
  t.equal(put.body.toString(), `PUT /a?b demo.i2p ${client.b32} body`)
  t.equal(put.headers['alt-svc'], 'minwww=":80"; ma=86400')
  t.equal(put.headers['x-minwww-error'], undefined)
  t.equal(put.headers.server, undefined)
  const get = await over(open(), 'http://demo.i2p/x', { headers: { host: 'other.example' } })
  t.match(get.body.toString(), /^GET \/x demo\.i2p /)
})

t.test('a stream begins with what the client has told of the path, which goes no further', async t => {
  const server = await httpd((request, response) => { response.end(JSON.stringify(request.rawHeaders)) })
  t.teardown(server.close)
  const { exit, streams } = await start({ sites: { 'demo.i2p': server.origin } })
  t.teardown(async () => await exit.close())
  const ask = async (value: string): Promise<object[]> => {
    const known: object[] = []
    const stream = streams.open(client, { inform: facts => known.push(facts) })
    const { body } = await over(stream, '/', { headers: { host: 'demo.i2p', 'x-minwww-path': value, 'x-minwww-other': 'x' } })
    t.notMatch(body.toString(), /minwww/i)
    return known
  }
  t.strictSame(await ask('512 21 300000 500'), [{ rtt: 512, rttvar: 21, rate: 300_000, loss: 0.75 }])
  for (const value of ['', '512', '0 0', '99999 1', 'x']) t.strictSame(await ask(value), [], value)
})

t.test('a stream keeps nothing of the requests that it has carried', async t => {
  const gone = new AbortController()
  let shed = false
  const queue = {
    add: ({ run, onShed }: { run: () => Promise<void>, onShed: () => void }) => { if (shed) onShed(); else run().catch(() => {}) },
    cancel: () => true
  }
  const asked = { context: { clock: { now: () => 0 }, queue }, visitor: client, signal: gone.signal } as unknown as StreamRequest
  const plan = {} as Plan
  for (let count = 0; count < 3; count++) {
    t.equal(await queued(asked, plan, async () => 'answer'), 'answer')
    await t.rejects(queued(asked, plan, async () => { throw new Error('of the site') }), /of the site/)
    shed = true
    await t.rejects(queued(asked, plan, async () => 'answer'), { code: 'MINWWW_EXIT_BUSY' })
    shed = false
  }
  t.equal(getEventListeners(gone.signal, 'abort').length, 0)
  const waiting = queued(asked, plan, async () => await new Promise(() => {}))
  gone.abort()
  await t.rejects(waiting, { code: 'MINWWW_EXIT_CONNECTION' })
})

t.test('refusals carry a name that the client knows', async t => {
  const target = await httpd(echo)
  t.teardown(target.close)
  const { exit, open } = await start({ resolver: { lookup: async () => { throw Object.assign(new Error('no'), { code: 'ENOTFOUND' }) } } })
  t.teardown(async () => await exit.close())
  const cases: Array<[string, number, string]> = [
    [`http://127.0.0.1:${target.port}/`, 403, 'policy'], ['http://127.0.0.1/', 403, 'policy'], ['http://other.i2p/', 403, 'policy'],
    ['http://nowhere.example/', 502, 'not-resolved'], ['ftp://nowhere.example/', 403, 'policy'], ['nonsense', 400, 'bad-request']
  ]
  for (const [url, status, name] of cases) {
    const answer = await over(open(), url)
    t.equal(answer.status, status, url)
    t.equal(answer.headers['x-minwww-error'], name, url)
  }
  for (const authority of [`127.0.0.1:${target.port}`, `[::1]:${target.port}`, `[::ffff:127.0.0.1]:${target.port}`,
    `2130706433:${target.port}`, '10.0.0.1:443', 'localhost:443', 'x@127.0.0.1:80', '127.0.0.1', 'nowhere.example:25']) {
    const { status } = await tunnel(open(), { method: 'CONNECT', path: authority, headers: { host: 'x' } })
    t.ok(status === 403 || status === 400, `CONNECT ${authority}: ${status}`)
  }
  t.equal(target.connections, 0)
})

t.test('malformed requests and smuggling shapes end with 400', async t => {
  const server = await httpd(echo)
  t.teardown(server.close)
  const { exit, open } = await start({ sites: { 'demo.i2p': server.origin } })
  t.teardown(async () => await exit.close())
  const shapes = [
    'GET / HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\nHost: demo.i2p\r\nHost: demo.i2p\r\n\r\n', 'GET / HTTP/1.1\r\nHost : demo.i2p\r\n\r\n',
    'NONSENSE\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: demo.i2p\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'POST / HTTP/1.1\r\nHost: demo.i2p\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: demo.i2p\r\nTransfer-Encoding: xchunked\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: demo.i2p\r\nX: a\r\n b\r\n\r\n\u0001', 'GET /\u0000 HTTP/1.1\r\nHost: demo.i2p\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: demo.i2p\r\nContent-Length: -1\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: demo.i2p\r\n${'X: 1\r\n'.repeat(200)}\r\n`,
    `GET / HTTP/1.1\r\nHost: demo.i2p\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, 'GET / HTTP/1.1\r\nHost: demo.i2p/evil\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a@demo.i2p\r\n\r\n'
  ]
  for (const shape of shapes) {
    const stream = open()
    stream.end(Buffer.from(shape, 'latin1'))
    t.match((await bodyOf(stream)).toString('latin1'), /^HTTP\/1\.1 4\d\d /, JSON.stringify(shape.slice(0, 70)))
  }
})

t.test('CONNECT to an allowed address is a tunnel, with bytes sent early', async t => {
  const server = await rawServer(socket => { socket.pipe(socket) })
  t.teardown(server.close)
  const { exit, open } = await start({ allowAddresses: [`127.0.0.1:${server.port}`] })
  t.teardown(async () => await exit.close())
  const { status, socket } = await tunnel(open(), { method: 'CONNECT', path: `127.0.0.1:${server.port}`, headers: { host: 'x' } })
  t.equal(status, 200)
  socket.write('ping')
  t.equal((await read(socket, 4)).toString(), 'ping')
  t.equal(exit.stats.active, 1)
  socket.destroy()
})

t.test('CONNECT to an own site is the HTTP front again: rules and visitor fields hold inside', async t => {
  const server = await httpd(echo)
  t.teardown(server.close)
  const { exit, open } = await start({ sites: { 'demo.i2p': server.origin } })
  t.teardown(async () => await exit.close())
  const { status, socket } = await tunnel(open(), { method: 'CONNECT', path: 'demo.i2p:80', headers: { host: 'x' } })
  t.equal(status, 200)
  const answer = await over(socket, '/inside', { headers: { host: 'demo.i2p', 'x-i2p-desthash': 'forged' } })
  t.match(answer.body.toString(), client.b32)
  t.notMatch(answer.body.toString(), 'forged')
})

t.test('Upgrade reaches the site and both directions flow', async t => {
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', head => {
      const text = head.toString()
      const lines = text.toLowerCase()
      const wanted = ['\r\nupgrade: websocket\r\n', '\r\nhost: demo.i2p\r\n']
      const good = lines.startsWith('get /ws ') && wanted.every(line => lines.includes(line)) && text.includes(client.b32)
      const accept = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'
      socket.write(good ? `HTTP/1.1 101 Switching Protocols\r\n${accept}\r\nhello` : 'HTTP/1.1 400 Bad\r\n\r\n')
      socket.on('data', data => socket.write(data))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const port = (server.address() as net.AddressInfo).port
  const { exit, open } = await start({ sites: { 'demo.i2p': `http://127.0.0.1:${port}` } })
  t.teardown(async () => {
    await exit.close()
    server.close()
  })
  const { status, headers, socket, head } = await tunnel(open(), {
    path: '/ws',
    headers: {
      host: 'demo.i2p',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ=='
    }
  })
  t.equal(status, 101)
  t.equal(headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  const greeting = head.length >= 5 ? head : await read(socket, 5 - head.length)
  t.match(Buffer.concat([head, greeting]).toString(), 'hello')
  socket.write('frame')
  t.equal((await read(socket, 5)).toString(), 'frame')
  socket.destroy()
})

t.test('streams per client are limited', async t => {
  const { exit, open } = await start({ streamLimits: { maxStreamsPerClient: 2, maxStreams: 3 } })
  t.teardown(async () => await exit.close())
  const streams = [open(), open(), open()]
  await new Promise(resolve => setImmediate(resolve))
  t.equal(exit.stats.streams, 2)
  open(keysOf(8).destination)
  open(keysOf(9).destination)
  t.equal(exit.stats.streams, 3)
  for (const stream of streams) stream.destroy()
})

t.test('drain: the request under way ends well, new ones are told to go', async t => {
  const held: Array<() => void> = []
  const server = await httpd((_request, response) => { held.push(() => response.end('done')) })
  t.teardown(server.close)
  const { streams, exit, open } = await start({ sites: { 'demo.i2p': server.origin } })
  const first = over(open(), '/')
  while (held.length === 0) await new Promise(resolve => setImmediate(resolve))
  const drained = exit.drain()
  t.ok(streams.closed)
  held[0]?.()
  t.equal((await first).body.toString(), 'done')
  await drained
  await exit.close()
})

t.test('a client that never reads holds one piece, not the response', async t => {
  let written = 0
  const server = await rawServer(socket => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n')
      const more = () => {
        while (written < 100_000_000 && socket.write(Buffer.alloc(65_536))) written += 65_536
      }
      socket.on('drain', more)
      more()
    })
  })
  t.teardown(server.close)
  const { exit, open } = await start({ sites: { 'demo.i2p': server.origin } })
  t.teardown(async () => await exit.close())
  const stream = open()
  stream.write('GET / HTTP/1.1\r\nHost: demo.i2p\r\n\r\n')
  let before = -1
  for (let round = 0; round < 2_000 && before !== written; round++) {
    before = round % 200 === 0 ? written : before
    await new Promise(resolve => setImmediate(resolve))
  }
  t.ok(written < 50_000_000, `${written} bytes left the HTTPD`)
  t.ok(exit.stats.bytesIn < 1_000_000, `${exit.stats.bytesIn} bytes were taken`)
})
