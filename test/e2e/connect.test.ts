/** HTTPS through proxy and exits: CONNECT that is answered at once, with real TLS at both ends. */
import t, { type Test } from 'tap'
import { once } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { createProxy, type Proxy } from '@minwww/client'
import { LocalDestination } from '@minwww/i2cp/codec'
import { createSession, type Session } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { createExit, type Exit } from '@minwww/server'
import { createStreamManager, type StreamManager, type StreamSession } from '@minwww/streaming'
import { clientHello, withExtension } from '../../packages/minwww-client/test/hello.ts'
import { fetchPage, missing, temporaryFolder } from './harness.ts'
import { makeCertificate } from './web-site.ts'

/** ms one way; long, so that what a busy machine takes is little beside it. */
const LATENCY = 400
const ROUND_TRIP = 2 * LATENCY

interface World {
  proxy: Proxy
  exits: Exit[]
  /** Streams of each exit. */
  managers: StreamManager[]
  open: () => Promise<Session>
  managed: (session: StreamSession) => StreamManager
}

interface WorldOptions {
  /** What each exit refuses; `undefined` refuses nothing. */
  denied: Array<readonly string[] | undefined>
  ports: number[]
  proxy?: { honestConnect?: boolean, timeout?: number }
}

/** A router, exits that reach ports of this machine, and a proxy that has heard of each of them. */
async function world (t: Test, { denied, ports, proxy: options = {} }: WorldOptions): Promise<World> {
  const router = createLocalRouter({ latency: LATENCY, seed: 3 })
  t.teardown(async () => { await router.close() })
  const open = async (): Promise<Session> => {
    const session = await createSession({ connect: () => router.connect() })
    t.teardown(async () => { await session.close() })
    return session
  }
  const managed = (session: StreamSession): StreamManager => {
    const manager = createStreamManager(session)
    t.teardown(async () => { await manager.close() })
    return manager
  }
  const managers: StreamManager[] = []
  const exits = await Promise.all(denied.map(async hosts => {
    const session = await open()
    const streams = managed(session)
    managers.push(streams)
    const exit = await createExit({
      session,
      streams,
      ports,
      allowAddresses: ports.map(port => `127.0.0.1/32:${port}`),
      ...(hosts !== undefined && { policy: { denyHosts: [...hosts] } })
    })
    t.teardown(async () => { await exit.close() })
    return exit
  }))
  const browsing = await open()
  const proxy = await createProxy({
    sessions: [browsing],
    streams: managed,
    exits: exits.map(({ destination }) => destination.base64),
    listen: { host: '127.0.0.1', port: 0 },
    cache: false,
    ...options
  })
  t.teardown(async () => { await proxy.close() })
  while (!proxy.exits().every(({ status }) => status?.state === 'ready')) await new Promise(resolve => setTimeout(resolve, 20))
  return { proxy, exits, managers, open, managed }
}

interface Tunnel { socket: Socket, status: number, took: number }

/** Asks the proxy for a tunnel. */
async function tunnel ({ address }: Proxy, target: string): Promise<Tunnel> {
  const began = performance.now()
  const socket = connect(address.port, address.host)
  socket.on('error', () => {})
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
  const [head] = await once(socket, 'data') as [Buffer]
  return { socket, status: Number(/^HTTP\/1\.1 (\d+)/.exec(head.toString('latin1'))?.[1]), took: performance.now() - began }
}

/** A page over TLS in a tunnel of its own. */
async function page (proxy: Proxy, port: number, ca: Buffer): Promise<{ body: string, took: number }> {
  const began = performance.now()
  const { socket } = await tunnel(proxy, `127.0.0.1:${port}`)
  const secure: TLSSocket = connectTls({ socket, ca, checkServerIdentity: () => undefined })
  secure.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  const [first] = await once(secure, 'data') as [Buffer]
  const took = performance.now() - began
  let body = first.toString()
  secure.on('data', chunk => { body += String(chunk) })
  await once(secure, 'end')
  secure.destroy()
  return { body, took }
}

async function secureSite (t: Test): Promise<{ port: number, ca: Buffer, connections: () => number, requests: () => number }> {
  const { key, chain } = makeCertificate(temporaryFolder(t))
  let connections = 0
  let requests = 0
  const server = createHttpsServer({ key, cert: chain }, (_request, response) => {
    requests++
    response.end('a secret page')
  })
  server.on('connection', () => { connections++ })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: portOf(server), ca: chain, connections: () => connections, requests: () => requests }
}

const portOf = (server: { address: () => unknown }): number => (server.address() as AddressInfo).port

async function plainSite (t: Test, listener: (socket: Socket) => void): Promise<Server> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}))
    listener(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return server
}

const needed = { skip: missing('/usr/bin/openssl') }

t.test('a page over TLS: two round trips where the proxy promises, three where it waits', needed, async t => {
  const site = await secureSite(t)
  const { proxy } = await world(t, { denied: [undefined], ports: [site.port] })
  const { proxy: honest } = await world(t, { denied: [undefined], ports: [site.port], proxy: { honestConnect: true } })
  const times: number[] = []
  for (let n = 0; n < 3; n++) {
    const { body, took } = await page(proxy, site.port, site.ca)
    t.match(body, /a secret page$/)
    times.push(took)
  }
  const best = Math.min(...times) / ROUND_TRIP
  t.ok(best >= 2 && best <= 2.5, `${best} round trips`)
  const waited = await page(honest, site.port, site.ca)
  t.match(waited.body, /a secret page$/)
  t.ok(waited.took / ROUND_TRIP >= 3, `honest: ${waited.took / ROUND_TRIP} round trips`)
  const inRoundTrips = [...times, waited.took].map(time => (time / ROUND_TRIP).toFixed(2))
  t.comment(`first page byte in round trips: ${inRoundTrips.slice(0, -1).join(', ')}, honest ${inRoundTrips.at(-1)}`)
  const promised: number[] = []
  for (let n = 0; n < 3; n++) {
    const { socket, status, took } = await tunnel(proxy, `127.0.0.1:${site.port}`)
    t.equal(status, 200)
    promised.push(took)
    socket.destroy()
  }
  t.ok(Math.min(...promised) < ROUND_TRIP / 2, `promised after ${promised.join(', ')} ms`)
})

t.test('an exit that refuses, and one that is dead: the next one hears the same hello', needed, async t => {
  const site = await secureSite(t)
  const { proxy, exits, managers } = await world(t, { denied: [['127.0.0.1'], undefined], ports: [site.port], proxy: { timeout: 3_000 } })
  // Whichever exit is first: each is asked until one refuses, and the page comes all the same.
  t.match((await page(proxy, site.port, site.ca)).body, /a secret page$/)
  t.equal(site.connections(), 1, 'the exit that refuses does not reach the site')
  // The one that works answers nobody any more: the other one refuses.
  exits[1]!.drain().catch(() => {})
  managers[1]!.close()
  const { socket, status } = await tunnel(proxy, `127.0.0.1:${site.port}`)
  t.equal(status, 200)
  const closed = once(socket, 'close')
  socket.write(await clientHello())
  await closed
  t.match(proxy.activity.done.find(({ path }) => path === 'error'), { method: 'CONNECT', url: `127.0.0.1:${site.port}` })
  const honest = await tunnel(proxy, `127.0.0.1:${site.port}`)
  t.ok([403, 502, 503, 504].includes(honest.status), `said honestly: ${honest.status}`)
  const metrics = await fetchPage(`http://${proxy.address.host}:${proxy.address.port}/metrics`)
  t.match(metrics.body.toString(), /minwww_proxy_failures_total\{code="MINWWW_[A-Z_]+"\} [1-9]/)
})

t.test('early data goes to one exit only, whatever becomes of it', needed, async t => {
  let connections = 0
  const heard: Buffer[] = []
  // It takes the hello, and breaks off: the exit resets its stream before a byte of the site.
  const server = await plainSite(t, socket => {
    connections++
    socket.on('data', data => {
      heard.push(data)
      socket.resetAndDestroy()
    })
  })
  const port = portOf(server)
  const { proxy } = await world(t, { denied: [undefined, undefined], ports: [port] })
  const hello = await clientHello()
  for (const [bytes, expected] of [[withExtension(hello, 42), 1], [Buffer.from('POST / HTTP/1.1\r\n\r\n'), 1]] as const) {
    const before = connections
    const { socket, status } = await tunnel(proxy, `127.0.0.1:${port}`)
    t.equal(status, 200)
    const closed = once(socket, 'close')
    socket.write(bytes)
    await closed
    t.equal(connections - before, expected)
  }
  t.ok(heard.some(bytes => bytes.equals(withExtension(hello, 42))))
})

t.test('hostile first bytes', async t => {
  const server = await plainSite(t, socket => { socket.once('data', data => socket.end(data)) })
  const port = portOf(server)
  const { proxy } = await world(t, { denied: [undefined], ports: [port] })
  const shapes = [
    '\x16', '\x16\x03\x01\xff\xff', '\x16\x03\x01\0\0', `\x16\x03\x01\0\x04\x01\xff\xff\xff${'x'.repeat(30_000)}`, '\r\n\r\n',
    'GET / HTTP/1.1\n\nPOST', '\0'.repeat(100_000)
  ]
  for (const shape of shapes) {
    const { socket, status } = await tunnel(proxy, `127.0.0.1:${port}`)
    t.equal(status, 200)
    const bytes = Buffer.from(shape, 'latin1')
    socket.write(bytes)
    const [answer] = await once(socket, 'data') as [Buffer]
    t.ok(bytes.subarray(0, answer.length).equals(answer), `${bytes.length} bytes`)
    socket.destroy()
  }
  t.equal(proxy.activity.faults, 0)
})

t.test('CONNECT to a site of I2P, and to one that is not there', async t => {
  const { proxy, open, managed } = await world(t, { denied: [undefined], ports: [80] })
  const session = await open()
  managed(session).createServer(socket => { socket.on('data', data => socket.write(data.toString().toUpperCase())) }).listen(443)
  const target = `${session.destination.b32}:443`
  const times: number[] = []
  for (let n = 0; n < 3; n++) {
    const began = performance.now()
    const { socket, status } = await tunnel(proxy, target)
    t.equal(status, 200)
    socket.write('hello')
    const [answer] = await once(socket, 'data') as [Buffer]
    times.push(performance.now() - began)
    t.equal(answer.toString(), 'HELLO')
    socket.destroy()
  }
  const took = Math.min(...times)
  t.ok(took < 1.4 * ROUND_TRIP, `one round trip: ${took} ms`)
  const nobody = LocalDestination.generate(n => Buffer.alloc(n, 9)).destination
  t.equal((await tunnel(proxy, `${nobody.b32}:443`)).status, 502, 'a LeaseSet that is not found is known here')
  const refused = await tunnel(proxy, `${session.destination.b32}:444`)
  t.equal(refused.status, 200)
  await once(refused.socket, 'close')
  t.equal((await tunnel(proxy, `${session.destination.b32}:444`)).status, 502, 'the second time it is said')
})
