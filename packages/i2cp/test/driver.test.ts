import t from 'tap'
import { once } from 'node:events'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import {
  createSession, encodeMessage, HOST_REPLY, loadKeys, loadOrCreateKeys, LocalDestination, openSession, saveKeys, SESSION_STATUS, TYPE,
  waitUntilPublished
} from '@minwww/i2cp'
import type { I2cpError, Session } from '@minwww/i2cp'
import { seeded, StallingClock, VirtualClock } from '@minwww/testkit'
import { CERT, FINGERPRINT, KEY } from './helpers/certificate.ts'
import { FakeRouter, SESSION_ID } from './helpers/router.ts'

const turn = () => new Promise(setImmediate)
const code = (expected: string) => ({ code: expected })

async function listening (server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

t.test('TLS: a pinned certificate is accepted, another refused; authorities as usual', async t => {
  const router = new FakeRouter()
  const server = createTlsServer({ key: KEY, cert: CERT }, socket => {
    socket.on('error', () => {})
    socket.pipe(router.connect()).pipe(socket)
  })
  server.on('tlsClientError', () => {})
  const port = await listening(server)
  const open = (tls: object) => createSession({ router: { host: '127.0.0.1', port, tls } })
  await (await open({ fingerprint: FINGERPRINT })).close()
  await (await open({ fingerprint: FINGERPRINT.replaceAll(':', '').toLowerCase() })).close()
  await (await open({ ca: CERT, servername: 'router.test' })).close()
  await t.rejects(open({ fingerprint: FINGERPRINT.replace(/^../, '00') }), code('I2CP_TLS_PIN_MISMATCH'))
  await t.rejects(open({}), code('I2CP_CONNECT_FAILED'))
  server.close()
  await once(server, 'close')
})

t.test('what createSession refuses', async t => {
  await t.rejects(createSession({ router: { host: '198.51.100.1', port: 7654 } }), code('I2CP_INSECURE'))
  await t.rejects(createSession({ router: { host: 'router.example', port: 7654 } }), code('I2CP_INSECURE'))
  await t.rejects(createSession({ options: { 'inbound.length': 9 } }), code('I2CP_BAD_OPTION'))
  await t.rejects(createSession({ signal: AbortSignal.abort() }), code('I2CP_ABORTED'))
  const server = createServer()
  const port = await listening(server)
  server.close()
  await once(server, 'close')
  await t.rejects(createSession({ router: { host: '127.0.0.1', port } }), code('I2CP_CONNECT_FAILED'))
  await t.rejects(createSession({ connect: () => { throw new Error('no transport') } }), code('I2CP_DISCONNECTED'))
})

t.test('a router that closes after any byte of the handshake: a coded error, no timer left', async t => {
  const now = 1_700_000_000_000
  const script = Buffer.concat([
    encodeMessage({ type: TYPE.SetDate, date: now, version: '0.9.64' }),
    encodeMessage({ type: TYPE.SessionStatus, sessionId: SESSION_ID, status: SESSION_STATUS.CREATED }),
    encodeMessage({
      type: TYPE.RequestVariableLeaseSet, sessionId: SESSION_ID, leases: [{ gateway: Buffer.alloc(32), tunnelId: 1, end: now + 600_000 }]
    })
  ])
  for (let cut = 0; cut < script.length; cut++) {
    const router = new FakeRouter()
    router.on = () => true
    const clock = new VirtualClock()
    const opening = createSession({ connect: router.connect, clock })
    await turn()
    router.last.end(script.subarray(0, cut))
    const error = await opening.then(() => undefined, (e: I2cpError) => e)
    if (error?.code !== 'I2CP_DISCONNECTED') t.fail(`cut at ${cut}: ${error?.code}`)
    await turn()
    clock.advance(1_000)
    if (clock.pending > 0) t.fail(`cut at ${cut}: ${clock.pending} timers left`)
  }
  t.pass(`${script.length} cuts`)
})

t.test('an oversized frame ends the connection, and the session comes back by itself', async t => {
  const router = new FakeRouter()
  const clock = new VirtualClock()
  router.now = clock.now
  const keys = LocalDestination.generate(seeded('driver'))
  const session = await createSession({ connect: router.connect, clock, keys })
  const states: string[] = []
  session.on('state', state => states.push(state))
  router.last.write(Buffer.from('7fffffff14', 'hex'))
  await turn()
  t.equal(session.state, 'reconnecting')
  t.equal(session.send(keys.destination, Buffer.alloc(1), { protocol: 18 }), 0)
  const waiting = session.lookup('late.i2p', { timeout: 60_000 })
  clock.advance(1_000)
  const ready = once(session, 'state')
  await turn()
  if (session.state !== 'ready') await ready
  t.equal(router.connections.length, 2)
  t.same(states, ['reconnecting', 'ready'])
  await turn()
  const [lookup] = router.of(TYPE.HostLookup)
  router.send(
    { type: TYPE.HostReply, sessionId: SESSION_ID, requestId: lookup!.requestId, code: HOST_REPLY.SUCCESS, destination: keys.destination }
  )
  t.ok((await waiting).equals(keys.destination), 'the look-up that waited was asked again')
  await session.close()
  clock.advance(2_000)
  t.equal(clock.pending, 0)
})

t.test('a session whose number is taken at the router opens on another connection', async t => {
  const clock = new VirtualClock(1_700_000_000_000)
  const router = new FakeRouter()
  router.now = () => clock.now()
  let refusals = 1
  router.on = (message, connection) => {
    if (message.type !== TYPE.CreateSession || refusals-- <= 0) return false
    router.send({ type: TYPE.SessionStatus, sessionId: SESSION_ID, status: SESSION_STATUS.REFUSED }, connection)
    return true
  }
  const session = openSession({ connect: router.connect, clock })
  for (let turns = 0; turns < 100 && session.state !== 'ready'; turns++) {
    clock.advance(20)
    await turn()
  }
  t.strictSame([session.state, router.connections.length, router.of(TYPE.CreateSession).length], ['ready', 2, 2])
  await session.close()
})

t.test('after a stall, an answer that waits in the socket comes before the time-out of its question', async t => {
  const router = new FakeRouter()
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.pipe(router.connect()).pipe(socket)
  })
  const clock = new StallingClock()
  const session = await createSession({ router: { host: '127.0.0.1', port: await listening(server) }, clock })
  router.on = message => {
    if (message.type !== TYPE.HostLookup) return false
    router.send({
      type: TYPE.HostReply, sessionId: SESSION_ID, requestId: message.requestId, code: HOST_REPLY.SUCCESS, destination: session.destination
    })
    setImmediate(() => clock.stall(15_000))
    return true
  }
  t.ok((await session.lookup('slow.i2p', { timeout: 10_000 })).equals(session.destination))
  await session.close()
  server.close()
  await once(server, 'close')
})

t.test('abort ends a session and one that is being opened', async t => {
  const router = new FakeRouter()
  const opened = new AbortController()
  const session = await createSession({ connect: router.connect, signal: opened.signal })
  const closed = once(session, 'close')
  opened.abort()
  t.match((await closed)[0], code('I2CP_ABORTED'))
  router.on = message => message.type === TYPE.CreateSession
  const opening = new AbortController()
  const pending = createSession({ connect: router.connect, signal: opening.signal })
  await turn()
  opening.abort()
  await t.rejects(pending, code('I2CP_ABORTED'))
  t.throws(() => session.send(session.destination, Buffer.alloc(1), { protocol: 18 }), code('I2CP_SESSION_CLOSED'))
  await t.rejects(session.lookup('a.i2p'), code('I2CP_SESSION_CLOSED'))
  await t.rejects(session.bandwidthLimits(), code('I2CP_SESSION_CLOSED'))
})

t.test('waitUntilPublished signs again until another session finds it', async t => {
  const router = new FakeRouter()
  const clock = new VirtualClock()
  router.now = clock.now
  const session = await createSession({ connect: router.connect, clock })
  const probe = await createSession({ connect: router.connect, clock })
  let lookups = 0
  router.on = (message, connection) => {
    if (message.type !== TYPE.HostLookup) return false
    const found = ++lookups === 3
    router.send({
      type: TYPE.HostReply,
      sessionId: SESSION_ID,
      requestId: message.requestId,
      code: found
        ? 0
        : 1,
      ...(found && { destination: session.destination })
    }, connection)
    return true
  }
  const took = waitUntilPublished(session, probe, { clock, interval: 3_000 })
  for (let i = 0; i < 10; i++) {
    await turn()
    clock.advance(3_000)
  }
  t.equal(lookups, 3)
  t.ok(await took >= 6_000)
  t.equal(router.of(TYPE.CreateLeaseSet2).length, 2 + 2)
  await Promise.all([session, probe].map((s: Session) => s.close()))
})

t.test('a router that does not read: messages are dropped and counted, memory stays bounded', async t => {
  const router = new FakeRouter()
  const session = await createSession({ connect: router.connect })
  const stalled = session as unknown as { stats: { sendDrops: number } }
  router.connections[0]!.pause()
  // The in-process pair passes every write on at once; a transport that holds them is needed here.
  const server = createServer(socket => { socket.on('error', () => {}); socket.pipe(router.connect()).pipe(socket); sockets.push(socket) })
  const sockets: Array<{ pause: () => void, unpipe: () => void, destroy: () => void }> = []
  const tcp = await createSession({ router: { host: '127.0.0.1', port: await listening(server) } })
  for (const socket of sockets) { socket.unpipe(); socket.pause() }
  for (let i = 0; i < 400; i++) {
    tcp.send(session.destination, Buffer.alloc(61_440), { protocol: 18 })
    if (i % 20 === 0) await turn()
  }
  t.ok(tcp.stats.sendDrops > 0)
  t.ok(stalled.stats.sendDrops === 0)
  const closing = Promise.all([tcp.close(), session.close()])
  for (const socket of sockets) socket.destroy()
  await closing
  server.close()
  await once(server, 'close')
})

t.test('a router that asks and asks and does not read is given up', async t => {
  const router = new FakeRouter()
  let isReading = true
  const session = await createSession({
    reconnect: false,
    connect: () => {
      const inner = router.connect()
      const outer = new Duplex({ read () {}, write (chunk, _encoding, done) { if (isReading) inner.write(chunk, done) } })
      inner.on('data', chunk => outer.push(chunk))
      return outer
    }
  })
  isReading = false
  const closed = once(session, 'close') as Promise<[I2cpError]>
  for (let i = 0; i < 70; i++) session.send(session.destination, Buffer.alloc(61_440), { protocol: 18 })
  t.ok(session.stats.sendDrops > 0, 'what we want to send may wait or be dropped')
  for (let i = 0; i < 3_000 && session.state !== 'closed'; i++) {
    router.send({ type: TYPE.RequestVariableLeaseSet, sessionId: SESSION_ID, leases: router.leases(16, 100_000_000) })
    await turn()
  }
  t.match(await closed, [{ code: 'I2CP_DISCONNECTED', message: /does not read/ }])
})

t.test('key files: created once, read back, for the owner only, never half written', async t => {
  const directory = t.testdir({})
  const file = join(directory, 'keys.dat')
  const keys = await loadOrCreateKeys(file)
  t.ok((await loadOrCreateKeys(file)).destination.equals(keys.destination))
  t.equal((await stat(file)).mode & 0o777, 0o600)
  t.same(await readdir(directory), ['keys.dat'], 'no temporary file is left')
  t.ok((await readFile(file)).equals(keys.toBytes()))
  await saveKeys(file, LocalDestination.generate(seeded('new')))
  t.notOk((await loadKeys(file)).destination.equals(keys.destination))
  await writeFile(file, 'damaged')
  await t.rejects(loadOrCreateKeys(file), code('I2CP_BAD_KEYS'), 'damaged keys are never overwritten')
  await writeFile(file, Buffer.alloc(20_000))
  await t.rejects(loadKeys(file), code('I2CP_BAD_KEYS'))
  await t.rejects(loadKeys(join(directory, 'none')), code('ENOENT'))
  await t.rejects(saveKeys(join(directory, 'no/such/directory'), keys), code('ENOENT'))
  await chmod(directory, 0o700)
})
