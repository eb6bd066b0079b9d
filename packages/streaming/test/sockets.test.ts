import t from 'tap'
import { once } from 'node:events'
import { createServer as createHttpServer, request as httpRequest } from 'node:http'
import { connect as connectTcp, createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createHash } from 'node:crypto'
import { LocalDestination, createSession } from '@minwww/i2cp'
import type { Session } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { seeded, StallingClock, VirtualClock } from '@minwww/testkit'
import { connect, createServer, createStreamManager, forwardFromTcp, forwardToTcp } from '../src/index.ts'
import type { StreamManager, StreamServer, StreamSocket, StreamingOptions } from '../src/index.ts'

t.setTimeout(120_000)

interface Net { client: StreamManager, server: StreamManager, sessions: Session[], close: () => Promise<void> }

async function net (
  options: { network?: object, client?: Partial<StreamingOptions>, server?: Partial<StreamingOptions> } = {}
): Promise<Net> {
  const router = createLocalRouter({ seed: 5, latency: 1, ...options.network })
  const sessions = await Promise.all([0, 1].map(() => createSession({ connect: () => router.connect() })))
  const client = createStreamManager(sessions[0]!, options.client)
  const server = createStreamManager(sessions[1]!, options.server)
  return {
    client,
    server,
    sessions,
    close: async () => {
      client.close()
      server.close()
      await Promise.all(sessions.map(async session => session.close()))
      await router.close()
    }
  }
}

async function listen (server: StreamServer, port = 0): Promise<StreamServer> {
  server.listen(port)
  await once(server, 'listening')
  return server
}

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const random = (length: number): Buffer => seeded(length)(length)

t.test('an echo through pipeline, with 2 % loss', async t => {
  const n = await net({ network: { loss: 0.02, latency: 5 } })
  t.teardown(n.close)
  await listen(n.server.createServer({ allowHalfOpen: true }, socket => { pipeline(socket, socket).catch(error => t.fail(error)) }))
  const socket = n.client.connect({ destination: n.server.destination, port: 80, allowHalfOpen: true })
  await once(socket, 'connect')
  const data = random(400_000)
  const [back] = await Promise.all([buffer(socket), pipeline(Readable.from([data.subarray(0, 10), data.subarray(10)]), socket)])
  t.equal(sha(back), sha(data))
  t.equal(socket.bytesRead, data.length)
  t.equal(socket.bytesWritten, data.length)
  t.equal(socket.remoteAddress, n.server.destination.b32)
  t.ok(socket.statistics.retransmissions > 0)
})

t.test('like node:net: the server ends when the client does, unless allowHalfOpen', async t => {
  const n = await net()
  t.teardown(n.close)
  const accepted: StreamSocket[] = []
  const server = await listen(n.server.createServer(socket => {
    accepted.push(socket)
    socket.resume()
  }), 7)
  t.match(server.address(), { port: 7, b32: n.server.destination.b32 })
  const socket = n.client.connect({ destination: n.server.destination, port: 7 })
  socket.end('bye')
  socket.resume()
  await once(socket, 'close')
  t.equal(accepted[0]!.localPort, 7)
  let closed = false
  server.close(() => { closed = true })
  t.throws(() => n.client.connect({ destination: n.server.destination, options: { maxWindowSize: 0 } }), { code: 'STREAMING_BAD_OPTION' })
  await once(server, 'close')
  t.ok(closed)
  t.notOk(server.listening)
})

t.test('back-pressure: a reader that stops, stops the writer', async t => {
  const n = await net({ client: { bufferSize: 20_000 } })
  t.teardown(n.close)
  const accepted = new Promise<StreamSocket>(resolve => { n.server.createServer(resolve).listen() })
  const socket = n.client.connect({ destination: n.server.destination })
  let written = 0
  const chunk = Buffer.alloc(50_000, 'p')
  const source = new Readable({ read () { written += chunk.length; this.push(written > 5_000_000 ? null : chunk) } })
  const sending = pipeline(source, socket)
  const reader = await accepted
  // The reader's queue, the core's buffers on both sides and the writer's queue fill up, and then nothing moves.
  let before = -1
  while (before !== written || !socket.statistics.choked) {
    before = written
    await once(socket, 'drain', { signal: AbortSignal.timeout(300) }).catch(() => {})
  }
  t.ok(written < 1_500_000, `${written}`)
  const [received] = await Promise.all([buffer(reader), sending])
  t.equal(received.length, 5_000_000)
})

t.test('errors have codes: refused, reset, aborted, destroyed, closed', async t => {
  const n = await net({ client: { connectTimeout: 1_000 } })
  t.teardown(n.close)
  const code = async (socket: StreamSocket): Promise<string> => (await once(socket, 'error') as [{ code: string }])[0].code
  t.equal(await code(n.client.connect({ destination: n.server.destination, port: 81 })), 'STREAMING_REFUSED')

  const server = await listen(n.server.createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.destroy())
  }), 82)
  const reset = n.client.connect({ destination: n.server.destination, port: 82 })
  await once(reset, 'connect')
  reset.write('x')
  t.equal(await code(reset), 'STREAMING_RESET')
  t.throws(() => n.server.createServer().listen(82), { code: 'STREAMING_PORT_IN_USE' })
  server.close()

  const controller = new AbortController()
  const aborted = n.client.connect({ destination: n.client.destination, signal: controller.signal })
  controller.abort()
  t.equal(await code(aborted), 'STREAMING_ABORTED')
  t.equal(await code(n.client.connect({ destination: n.server.destination, signal: AbortSignal.abort() })), 'STREAMING_ABORTED')

  await listen(n.server.createServer(socket => { socket.on('error', () => {}) }), 83)
  const own = n.client.connect({ destination: n.server.destination, port: 83 })
  await once(own, 'connect')
  own.destroy(new Error('own reason'))
  t.equal((await once(own, 'error'))[0].message, 'own reason')

  const left = n.client.connect({ destination: n.server.destination, port: 83 })
  await once(left, 'connect')
  const gone = code(left)
  await n.sessions[0]!.close()
  t.equal(await gone, 'STREAMING_CLOSED')
  t.throws(() => n.client.connect({ destination: n.server.destination }), { code: 'STREAMING_CLOSED' })
  await t.rejects(n.client.ping(n.server.destination), { code: 'STREAMING_CLOSED' })
})

t.test('a peer of whom the router knows nothing is given up soon; one that appears in time is reached', async t => {
  // Timers by a clock of our own, which runs faster: what the router says comes by the real one.
  const clock = new VirtualClock()
  const ticking = setInterval(() => clock.advance(200), 5)
  t.teardown(() => clearInterval(ticking))
  const router = createLocalRouter({ seed: 7, latency: 1 })
  const session = await createSession({ connect: () => router.connect() })
  const manager = createStreamManager(session, { connectTimeout: -1, maxResends: 30 }, { clock })
  t.teardown(async () => {
    await session.close()
    await router.close()
  })
  const nobody = manager.connect({ destination: LocalDestination.generate().destination })
  t.equal((await once(nobody, 'error') as [{ code: string }])[0].code, 'STREAMING_UNREACHABLE')
  const keys = LocalDestination.generate()
  const late = manager.connect({ destination: keys.destination })
  late.on('error', () => {})
  const lateSession = await createSession({ connect: () => router.connect(), keys })
  const peer = createStreamManager(lateSession)
  t.teardown(async () => await lateSession.close())
  peer.createServer(socket => { socket.on('error', () => {}).end('here I am') }).listen()
  t.equal(await text(late), 'here I am')
})

t.test('destroy after end still delivers what was written', async t => {
  const n = await net()
  t.teardown(n.close)
  const received = new Promise<string>(
    resolve => { n.server.createServer(socket => { text(socket).then(resolve, () => resolve('failed')) }).listen() }
  )
  const socket = n.client.connect({ destination: n.server.destination })
  await once(socket, 'connect')
  socket.end('the last words', () => socket.destroy())
  t.equal(await received, 'the last words')
})

t.test('ping answers with the round-trip time, or not', async t => {
  const n = await net()
  t.teardown(n.close)
  const { rtt, payload } = await n.client.ping(n.server.destination, { payload: Buffer.from('hello') })
  t.ok(rtt >= 2)
  t.equal(payload.toString(), 'hello')
  const mute = await net({ server: { answerPings: false } })
  t.teardown(mute.close)
  await t.rejects(mute.client.ping(mute.server.destination, { timeout: 20 }), { code: 'STREAMING_PING_TIMEOUT' })
  await t.rejects(mute.client.ping(mute.server.destination, { signal: AbortSignal.abort() }), { code: 'STREAMING_ABORTED' })
})

t.test('after a stall, what waits in the socket is read before time-outs', async t => {
  const router = createLocalRouter({ seed: 5, latency: 1 })
  const clock = new StallingClock()
  let isAnswered = false
  const server = createTcpServer(near => {
    const far = router.connect()
    near.on('error', () => {}).pipe(far)
    far.on('data', chunk => {
      near.write(chunk)
      if (isAnswered) clock.stall(15_000)
      isAnswered = false
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const sessions = await Promise.all([
    createSession({ router: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } }),
    createSession({ connect: () => router.connect() })
  ])
  t.teardown(async () => {
    await Promise.all(sessions.map(async session => session.close()))
    await router.close()
    server.close()
  })
  const client = createStreamManager(sessions[0], {}, { clock })
  createStreamManager(sessions[1])
  sessions[1].on('message', () => { isAnswered = true })
  t.ok((await client.ping(sessions[1].destination, { timeout: 10_000 })).rtt >= 15_000)
})

t.test('connect and createServer over a session share its manager', async t => {
  const router = createLocalRouter({ seed: 6 })
  const session = await createSession({ connect: () => router.connect() })
  const received = new Promise<string>(
    resolve => { createServer(session, {}, socket => { text(socket).then(resolve, () => {}) }).listen(9) }
  )
  const socket = connect(session, { destination: session.destination, port: 9 })
  socket.end('to myself')
  socket.resume()
  t.equal(await received, 'to myself')
  await once(socket, 'close')
  await session.close()
  await router.close()
})

t.test('HTTP runs over it: node:http on both sides, many requests on one stream', async t => {
  const n = await net()
  t.teardown(n.close)
  const http = createHttpServer((request, response) => { response.end(`you asked for ${request.url}`) })
  n.server.createServer({ allowHalfOpen: true }, socket => { http.emit('connection', socket) }).listen(80)
  const socket = n.client.connect({ destination: n.server.destination, port: 80 })
  for (const url of ['/a', '/b']) {
    const request = httpRequest({ createConnection: () => socket, path: url, headers: { host: 'site.i2p', connection: 'keep-alive' } })
    request.end()
    const [response] = await once(request, 'response')
    t.equal(await text(response), `you asked for ${url}`)
  }
  socket.destroy()
  http.close()
})

t.test('tunnels forward TCP, keep half-open connections, and pass on resets', async t => {
  const n = await net({ network: { latency: 2 } })
  t.teardown(n.close)
  const target = createTcpServer({ allowHalfOpen: true }, socket => {
    // Answers only when it has the whole question: half-close is needed.
    let length = 0
    socket.on('data', chunk => { length += chunk.length })
    socket.on('end', () => socket.end(`answer to ${length}`))
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(target, 'listening')
  const { port } = target.address() as AddressInfo
  const serving = forwardToTcp({ manager: n.server, target: { host: '127.0.0.1', port } })
  const entry = await forwardFromTcp({ manager: n.client, destination: n.server.destination.b32, listen: { host: '127.0.0.1', port: 0 } })
  t.equal(serving.destination, n.server.destination)

  const socket = connectTcp({ ...entry.address, allowHalfOpen: true })
  socket.end('q'.repeat(300_000))
  t.equal(await text(socket), 'answer to 300000')

  target.close()
  const refused = connectTcp(entry.address)
  refused.on('error', () => {})
  refused.resume()
  await once(refused, 'close')
  t.pass('a target that refuses closes the connection')
  t.equal(entry.connections, 0)
  await Promise.all([serving.close(), entry.close()])
  await t.rejects(forwardFromTcp({ manager: n.client, destination: n.server.destination, listen: { host: '127.0.0.1', port: -1 } }))
})

t.test('a hundred streams at once over one session', async t => {
  const n = await net()
  t.teardown(n.close)
  n.server.createServer({ allowHalfOpen: true }, socket => { socket.pipe(socket) }).listen()
  const data = random(20_000)
  const echoes = await Promise.all(Array.from({ length: 100 }, async () => {
    const socket = n.client.connect({ destination: n.server.destination, allowHalfOpen: true })
    socket.end(data)
    return await buffer(socket)
  }))
  t.ok(echoes.every(echo => echo.equals(data)))
  t.equal(n.server.statistics.unreadBytes, 0)
})
