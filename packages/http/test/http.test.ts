import t from 'tap'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import dns from 'node:dns'
import { get, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { get as getSecure } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { CERT, KEY } from '../../i2cp/test/helpers/certificate.ts'
import type { StreamSocket } from '@minwww/streaming'
import { LocalDestination } from '../src/index.ts'
import type { Diagnostics, I2p } from '../src/index.ts'
import { encodeB33, RED25519 } from '@minwww/i2cp'
import { codeOf, world } from './support.ts'

t.setTimeout(60_000)

async function serve (bob: I2p, port = 80): Promise<void> {
  const server = bob.createServer((request, response) => {
    text(request).then(body => {
      response.setHeader('x-peer', request.socket.remoteAddress ?? '')
      if (request.url === '/redirect') response.writeHead(302, { location: 'http://example.com/' }).end()
      else response.end(`${request.method} ${request.url} ${request.headers.host} ${body}`)
    }, error => response.destroy(error))
  })
  server.listen(port)
  await once(server, 'listening')
}

t.test('fetch: names, b32 and base64', async t => {
  const { alice, bob } = await world(t)
  await serve(bob)
  for (const host of ['bob.i2p', bob.address]) {
    const response = await alice.fetch(`http://${host}/page?a=b`)
    t.equal(response.status, 200)
    t.equal(response.headers.get('x-peer'), alice.address, 'the server knows who asks')
    t.equal(await response.text(), `GET /page?a=b ${host} `)
  }
  const posted = await alice.fetch(`http://${bob.destination.base64}/form`, { method: 'POST', body: 'hello' })
  t.equal(await posted.text(), `POST /form ${bob.address} hello`)
  t.equal(await (await alice.fetch(`http://${bob.destination.base64}.i2p:80/`)).text(), `GET / ${bob.address} `)
  const asked = new Request('http://bob.i2p/', { method: 'PUT', body: 'text', headers: { 'x-a': 'b' } })
  t.equal(await (await alice.fetch(asked)).text(), 'PUT / bob.i2p text', 'a Request of the runtime')
})

t.test('fetch: b33, the address of an encrypted LeaseSet', async t => {
  const keys = LocalDestination.generate(randomBytes, RED25519)
  const { alice, bob } = await world(t, {}, { bob: { keys, options: { 'i2cp.leaseSetType': '5' } } })
  await serve(bob)
  const { signingType, signingPublicKey } = bob.destination
  const host = encodeB33({ signingType, signingPublicKey })
  t.ok(host.length > bob.address.length)
  t.equal(await (await alice.fetch(`http://${host}/b33`)).text(), `GET /b33 ${host} `)
})

t.test('no name ever reaches DNS', async t => {
  const { alice, bob } = await world(t)
  await serve(bob)
  const asked: unknown[] = []
  for (const [name, real] of Object.entries({ lookup: dns.lookup, resolve: dns.resolve })) {
    Object.assign(dns, { [name]: (...args: unknown[]) => { asked.push(args[0]) } })
    t.teardown(() => { Object.assign(dns, { [name]: real }) })
  }
  const clear = 'http://example.com/'
  t.equal(await codeOf(alice.fetch(clear)), 'I2P_NOT_I2P')
  t.equal(await codeOf(alice.fetch('http://127.0.0.1/')), 'I2P_NOT_I2P')
  t.equal(await codeOf(alice.fetch('data:,hello')), 'I2P_NOT_I2P')
  t.equal(await codeOf(alice.fetch('http://bob.i2p/redirect')), 'I2P_NOT_I2P', 'nor by a redirect')
  t.equal(await codeOf(alice.fetch('http://nobody.i2p/')), 'I2P_UNKNOWN_NAME')
  t.equal(await codeOf(alice.fetch('http://abc.b32.i2p/')), 'I2P_BAD_ADDRESS')
  t.equal(await codeOf(alice.fetch(`http://${'A'.repeat(600)}/`)), 'I2P_BAD_ADDRESS')
  t.equal(await codeOf(alice.dispatcher.request({ origin: 'http://example.com', path: '/', method: 'GET' })), 'I2P_NOT_I2P')
  t.equal(await codeOf(once(get(clear, { agent: alice.agent }), 'response')), 'I2P_NOT_I2P')
  t.equal(await codeOf(alice.connect({ host: 'example.com', port: 80 })), 'I2P_NOT_I2P')
  t.equal(await codeOf(alice.ping('example.com')), 'I2P_NOT_I2P')
  t.same(asked, [])
})

t.test('the agent: requests of node:http, one after the other over the same stream', async t => {
  const { alice, bob } = await world(t)
  await serve(bob, 8080)
  const sockets = new Set<unknown>()
  for (let i = 0; i < 3; i++) {
    const [response] = await once(get('http://bob.i2p:8080/x', { agent: alice.agent }), 'response') as [IncomingMessage]
    sockets.add(response.socket)
    t.equal(await text(response), 'GET /x bob.i2p:8080 ')
  }
  t.equal(sockets.size, 1)
  const [socket] = sockets as Set<StreamSocket>
  t.ok(socket!.statistics.rtt! > 0)
  t.equal(typeof socket!.statistics.window, 'number')
  t.equal(typeof socket!.statistics.retransmissions, 'number')
  const sent = request({ host: bob.destination.base64, port: 8080, method: 'POST', path: '/y', agent: alice.agent })
  sent.setHeader('host', 'bob.i2p').end('body')
  const [answer] = await once(sent, 'response') as [IncomingMessage]
  t.equal(await text(answer), 'POST /y bob.i2p body')
  const { sockets: open, session } = alice.statistics
  t.equal(open.length, 2)
  t.equal(open[0]!.remoteAddress, bob.address)
  t.ok(session.messagesSent > 0)
})

t.test('undici and the global fetch with the dispatcher', async t => {
  const { alice, bob } = await world(t)
  await serve(bob)
  const { body } = await alice.dispatcher.request({ origin: 'http://bob.i2p', path: '/z', method: 'GET' })
  t.equal(await body.text(), 'GET /z bob.i2p ')
  const response = await fetch('http://bob.i2p/global', { dispatcher: alice.dispatcher } as RequestInit)
  t.equal(await response.text(), 'GET /global bob.i2p ')
})

t.test('errors: nobody there, nobody listens, no answer, gave up', async t => {
  const { alice, bob } = await world(t, {}, { alice: { options: { 'i2p.streaming.connectTimeout': 300 } } })
  const gone = LocalDestination.generate().destination
  t.equal(await codeOf(alice.fetch(`http://${gone.b32}/`)), 'I2P_UNKNOWN_NAME')
  t.equal(await codeOf(alice.fetch(`http://${gone.base64}/`)), 'I2P_UNREACHABLE')
  t.equal(await codeOf(alice.fetch('http://bob.i2p/')), 'I2P_REFUSED')
  t.equal(await codeOf(once(get('http://bob.i2p/', { agent: alice.agent }), 'response')), 'I2P_REFUSED')
  t.equal(await codeOf(alice.connect({ host: bob.address, port: 7 })), 'I2P_REFUSED')
  bob.createServer(() => {}).listen(81)
  t.equal(await codeOf(alice.fetch('http://bob.i2p:81/', { timeout: 50 })), 'I2P_TIMEOUT')
  const reason = new Error('enough')
  const controller = new AbortController()
  setImmediate(() => controller.abort(reason))
  await t.rejects(alice.fetch('http://bob.i2p:81/', { signal: controller.signal }), reason)
  await t.rejects(alice.fetch('http://bob.i2p:81/', { signal: AbortSignal.abort(reason) }), reason)
  const error = await alice.fetch('http://nobody.i2p/').catch((thrown: Error) => thrown)
  t.match((error as Error).message, /nobody.i2p: .*address book/, 'says what to do')
})

t.test('a body that breaks off, and one that is given up', async t => {
  const { alice, bob } = await world(t)
  bob.createServer((request, response) => {
    response.write('begun')
    if (request.url === '/break') setImmediate(() => response.destroy())
  }).listen(80)
  const broken = await alice.fetch('http://bob.i2p/break').then(async response => await response.text()).catch((error: Error) => error)
  t.ok(broken instanceof Error)
  const controller = new AbortController()
  const { body } = await alice.fetch('http://bob.i2p/endless', { signal: controller.signal })
  const reader = body!.getReader()
  t.equal(Buffer.from((await reader.read()).value as Uint8Array).toString(), 'begun')
  controller.abort()
  t.equal(await reader.read().catch((error: Error) => error.name), 'AbortError')
})

t.test('the end of a stream in the same turn of the event loop as its bytes', async t => {
  const { alice, bob } = await world(t, { latency: 0 })
  let end = (socket: StreamSocket): unknown => socket.end()
  bob.createStreamServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n')
      end(socket)
    })
  }).listen(80)
  const page = async (): Promise<unknown> =>
    await alice.fetch('http://bob.i2p/').then(async response => await response.text()).catch((error: Error) => error)
  for (let i = 0; i < 20; i++) t.ok(await page() instanceof Error, 'cut off')
  end = socket => setImmediate(() => socket.destroy())
  for (let i = 0; i < 20; i++) t.ok(await page() instanceof Error, 'reset')
})

t.test('the server: as that of node:http', async t => {
  const { alice, bob } = await world(t)
  const server = bob.createServer((_request, response) => response.end('hello'))
  t.equal(server.listening, false)
  t.equal(server.address(), null)
  await new Promise<void>(resolve => server.listen({ port: 80, host: 'ignored' }, resolve))
  t.equal(server.listening, true)
  t.match(server.address(), { address: bob.address, family: 'I2P', port: 80 })
  const [error] = await once(bob.createServer().listen(80), 'error') as [{ code: string }]
  t.equal(error.code, 'I2P_PORT_IN_USE')
  t.equal(await (await alice.fetch('http://bob.i2p/')).text(), 'hello')
  await new Promise<void>(resolve => server.close(() => resolve()))
  t.equal(server.listening, false)
  t.equal(await codeOf(alice.fetch('http://bob.i2p/')), 'I2P_REFUSED')
  const controller = new AbortController()
  const other = bob.createServer((_request, response) => response.end('again'))
  other.listen({ port: 80, signal: controller.signal })
  t.equal(await (await alice.fetch('http://bob.i2p/')).text(), 'again')
  controller.abort()
  await once(other, 'close')
  const disposed = bob.createServer().listen(80)
  await disposed[Symbol.asyncDispose]()
  t.equal(disposed.listening, false)
})

t.test('a server that closes finishes what it does, and no more', async t => {
  const { alice, bob } = await world(t)
  let finish = (): void => {}
  const server = bob.createServer((_request, response) => { finish = () => response.end('done') }).listen(80)
  const response = alice.fetch('http://bob.i2p/')
  await once(server, 'request')
  const closed = once(server, 'close')
  server.close()
  finish()
  t.equal(await (await response).text(), 'done')
  await closed
})

t.test('limits of node:http hold: who says nothing, and who is too many', async t => {
  const { alice, bob } = await world(t)
  const server = bob.createServer({ headersTimeout: 50, requestTimeout: 50, connectionsCheckingInterval: 20 }, (_request, response) => {
    response.end('hello')
  }).listen(80)
  const silent = await alice.connect({ host: 'bob.i2p', port: 80 })
  silent.write('GET / HTTP/1.1\r\n')
  t.match(await text(silent), /^HTTP\/1.1 408 /)
  server.maxConnections = 1
  const first = await alice.connect({ host: 'bob.i2p', port: 80 })
  t.equal(await new Promise(resolve => server.getConnections((_error, count) => resolve(count))), 1)
  const dropped = once(server, 'drop')
  t.match(await codeOf(alice.fetch('http://bob.i2p/')), /^I2P_(?:BROKEN|REFUSED)$/)
  await dropped
  first.destroy()
  await once(first, 'close')
})

t.test('several services on one session', async t => {
  const { alice, bob } = await world(t)
  bob.createServer((_request, response) => response.end('one')).listen(80)
  bob.createServer((_request, response) => response.end('two')).listen(8080)
  bob.createServer((_request, response) => response.end('rest')).listen(0)
  bob.createStreamServer(socket => socket.end('stream')).listen(23)
  const page = async (port: number): Promise<string> => await (await alice.fetch(`http://bob.i2p:${port}/`)).text()
  t.same(await Promise.all([80, 8080, 1234].map(page)), ['one', 'two', 'rest'])
  const socket = await alice.connect({ host: 'bob.i2p', port: 23 })
  t.equal(await text(socket), 'stream')
  const controller = new AbortController()
  const server = bob.createStreamServer({ signal: controller.signal }).listen(24)
  const closed = once(server, 'close')
  controller.abort()
  await closed
  t.equal(server.listening, false)
})

t.test('diagnostics', async t => {
  const { alice, bob } = await world(t)
  await serve(bob)
  const seen: string[] = []
  let rtt: number | undefined
  const listeners = (['i2p:lookup:start', 'i2p:lookup:end', 'i2p:stream:open', 'i2p:stream:accept', 'i2p:stream:connected',
    'i2p:stream:close'] as const).map(name => [name, (message: unknown) => {
    seen.push(name)
    if (name === 'i2p:stream:close') rtt ??= (message as Diagnostics['i2p:stream:close']).socket.statistics.rtt
  }] as const)
  for (const [name, listener] of listeners) subscribe(name, listener)
  t.teardown(() => { for (const [name, listener] of listeners) unsubscribe(name, listener) })
  await (await alice.fetch('http://bob.i2p/')).text()
  await alice.close()
  t.same(seen.slice(0, 3), ['i2p:lookup:start', 'i2p:lookup:end', 'i2p:stream:open'])
  for (const name of ['i2p:stream:accept', 'i2p:stream:connected', 'i2p:stream:close']) t.ok(seen.includes(name), name)
  t.ok(rtt! > 0)
})

t.test('TLS inside of a stream: fetch, undici and node:https', async t => {
  const tls = { ca: CERT, checkServerIdentity: () => undefined }
  const { alice, bob } = await world(t, {}, { alice: { tls } })
  const http = bob.createServer((request, response) => response.end(`secure ${request.url}`))
  bob.createStreamServer({ allowHalfOpen: true }, socket => {
    // TLSSocket takes any Duplex; its types ask for a Socket.
    http.emit('connection', new TLSSocket(socket as unknown as Socket, { isServer: true, key: KEY, cert: CERT }))
  }).listen(443)
  t.equal(await (await alice.fetch('https://bob.i2p/a')).text(), 'secure /a')
  const [response] = await once(getSecure('https://bob.i2p/b', { agent: alice.httpsAgent, ...tls }), 'response') as [IncomingMessage]
  t.equal(await text(response), 'secure /b')
  const { alice: strict, bob: other } = await world(t)
  other.createStreamServer(socket => {
    new TLSSocket(socket as unknown as Socket, { isServer: true, key: KEY, cert: CERT }).on('error', () => {})
  }).listen(443)
  const error = await strict.fetch('https://bob.i2p/').catch((thrown: Error) => thrown) as Error
  t.match((error.cause as { code?: string }).code, /CERT/, 'a certificate that nobody vouches for')
})
