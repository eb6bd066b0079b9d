import { Duplex } from 'node:stream'
import { connect } from 'node:net'
import { once } from 'node:events'
import { crc32 } from 'node:zlib'
import { decodeGzipPayload, NO_SESSION, toBase32, TYPE } from '@minwww/i2cp/codec'
import type { HostReply, LookupKey, MessagePayload } from '@minwww/i2cp/codec'
import { createLocalRouter } from '@minwww/local-router'
import type { LocalRouter, LocalRouterOptions, TraceEvent } from '@minwww/local-router'
import { settle, StallingClock, VirtualClock } from '@minwww/testkit'
import fc from 'fast-check'
import t from 'tap'
import { keysOf, leaseSetOf, openSession, RawClient } from './support/raw-client.ts'

const alice = keysOf(1)
const bob = keysOf(2)
const carol = keysOf(3)

interface Bench { clock: VirtualClock, router: LocalRouter, client: (greet?: boolean) => RawClient }

function bench (options: LocalRouterOptions = {}): Bench {
  const clock = new VirtualClock()
  const router = createLocalRouter({ leaseSetPatience: 0, ...options, clock })
  return { clock, router, client: greet => new RawClient(router.connect(), clock, greet) }
}

const text = ({ payload }: MessagePayload): string => decodeGzipPayload(payload).payload.toString()

t.test('handshake', async t => {
  const { client, clock } = bench()
  const a = client()
  await a.ask({ type: TYPE.GetDate, version: '0.9.67' })
  t.match(a.take(TYPE.SetDate), [{ date: clock.now(), version: '0.9.67' }])
  await a.ask({ type: TYPE.GetBandwidthLimits })
  t.match(a.take(TYPE.BandwidthLimits), [{ limits: { clientInbound: 1_048_576 } }])

  t.test('another first byte', async t => {
    const { client, router } = bench()
    const a = client(false)
    a.stream.write('GET / HTTP/1.1\r\n\r\n')
    await settle()
    t.ok(a.ended)
    t.match(router.stats, { connections: 0, protocolErrors: 1 })
  })

  t.test('no first byte in time', async t => {
    const { client, clock } = bench({ handshakeTimeout: 10_000 })
    const a = client(false)
    await clock.advanceSettled(9_999)
    t.notOk(a.ended)
    await clock.advanceSettled(1)
    t.ok(a.ended)
    t.equal(clock.pending, 0, 'no timer stays')
  })

  t.test('a first byte that waits in the socket while the router is held up', async t => {
    const clock = new StallingClock()
    const router = createLocalRouter({ clock, handshakeTimeout: 10_000 })
    t.teardown(async () => router.close())
    const { host, port } = await router.listen({ host: '127.0.0.1', port: 0 })
    const stream = connect(port, host)
    await once(stream, 'connect')
    while (router.stats.connections === 0) await settle()
    const a = new RawClient(stream, new VirtualClock(clock.now()))
    a.send({ type: TYPE.GetDate, version: '1' })
    clock.stall(15_000)
    while (!a.ended && a.messages.length === 0) await settle()
    t.equal(a.take(TYPE.SetDate).length, 1)
  })

  t.test('authentication', async t => {
    const { client } = bench({ auth: { username: 'u', password: 'p' } })
    const right = client()
    await right.ask({ type: TYPE.GetDate, version: '1', authentication: { 'i2cp.username': 'u', 'i2cp.password': 'p' } })
    t.equal(right.take(TYPE.SetDate).length, 1)
    const wrong = client()
    await wrong.ask({ type: TYPE.GetDate, version: '1', authentication: { 'i2cp.username': 'u', 'i2cp.password': 'q' } })
    t.match(wrong.take(TYPE.Disconnect), [{ reason: 'authentication failed' }])
    const none = client()
    none.createSession(alice)
    await settle()
    t.match(none.take(TYPE.Disconnect), [{ reason: 'authentication required' }])
    t.ok(none.ended)
  })
})

t.test('the life of a session', async t => {
  const { client, clock, router } = bench({ tunnelBuildTime: 50, tunnels: 3 })
  const a = client()
  a.createSession(alice)
  await clock.advanceSettled(49)
  const status = a.take(TYPE.SessionStatus)
  t.match(status, [{ status: 1 }])
  const sessionId = status[0]?.sessionId ?? 0
  a.sendTo(sessionId, alice.destination, 'too early', 7)
  await settle()
  t.match(a.take(TYPE.MessageStatus), [{ status: 1, nonce: 7 }, { status: 16, nonce: 7 }], 'no tunnels yet')
  t.same(a.take(TYPE.RequestVariableLeaseSet), [])
  await clock.advanceSettled(1)
  const [request] = a.take(TYPE.RequestVariableLeaseSet)
  const leases = request?.leases ?? []
  t.equal(leases.length, 3)
  t.ok(leases.every(lease => lease.end === clock.now() + 600_000))
  a.sendTo(sessionId, alice.destination, 'still too early', 8)
  await settle()
  t.match(a.take(TYPE.MessageStatus), [{ status: 1 }, { status: 15 }], 'no LeaseSet yet')
  a.createLeaseSet(alice, sessionId, leases)
  a.sendTo(sessionId, alice.destination, 'now', 9)
  await clock.advanceSettled(1)
  t.match(a.take(TYPE.MessageStatus), [{ status: 1 }, { status: 4, nonce: 9 }])
  t.same(a.take(TYPE.MessagePayload).map(text), ['now'])

  await clock.advanceSettled(539_000)
  t.same(a.take(TYPE.RequestVariableLeaseSet), [], 'nothing while the tunnels last')
  await clock.advanceSettled(1_000)
  const [renewal] = a.take(TYPE.RequestVariableLeaseSet)
  t.equal(renewal?.leases.length, 3, 'renewed a minute before they expire')
  t.notSame(renewal?.leases.map(x => x.tunnelId), leases.map(x => x.tunnelId))
  a.createLeaseSet(alice, sessionId, renewal?.leases ?? [])
  await settle()
  a.send({ type: TYPE.DestroySession, sessionId })
  await clock.advanceSettled(10)
  t.match(a.take(TYPE.SessionStatus), [{ sessionId, status: 0 }])
  t.ok(a.ended, 'the primary session takes the connection with it')
  t.match(router.stats, { connections: 0, sessions: 0, sessionsCreated: 1, leaseSets: 2 })
  t.equal(clock.pending, 0)

  t.test('a client that gives no LeaseSet is disconnected', async t => {
    const { client, clock } = bench({ leaseSetTimeout: 60_000 })
    const a = client()
    a.createSession(alice)
    await clock.advanceSettled(60_009)
    t.notOk(a.ended)
    await clock.advanceSettled(1)
    t.match(a.take(TYPE.Disconnect), [{ reason: /LeaseSet/ }])
  })

  t.test('a LeaseSet before the request is not heard', async t => {
    const { client, clock, router } = bench({ tunnelBuildTime: 1_000 })
    const a = client()
    a.createSession(alice)
    await settle()
    const [status] = a.take(TYPE.SessionStatus)
    a.createLeaseSet(alice, status?.sessionId ?? 0, [{ gateway: Buffer.alloc(32), tunnelId: 1, end: clock.now() + 9e5 }])
    await settle()
    t.equal(router.stats.leaseSets, 0)
    t.notOk(a.ended)
  })
})

t.test('sessions that are not created', async t => {
  const { client, clock, router } = bench({ maxSessionsPerConnection: 2 })
  const a = client()
  a.createSession(alice, {}, clock.now() - 30_001)
  a.createSession(alice, {}, clock.now() + 30_001)
  const forged = { destination: alice.destination, options: {}, date: clock.now(), signature: Buffer.alloc(64, 1) }
  a.send({ type: TYPE.CreateSession, config: forged })
  await settle()
  t.same(a.take(TYPE.SessionStatus).map(x => x.status), [3, 3, 3])
  const id = await openSession(a, alice)
  const b = client()
  b.createSession(alice)
  await settle()
  t.match(b.take(TYPE.SessionStatus), [{ status: 4 }], 'one session a Destination')
  const id2 = await openSession(a, bob)
  t.not(id2, id)
  a.createSession(carol)
  await settle()
  t.match(a.take(TYPE.SessionStatus), [{ status: 4 }], 'too many on one connection')
  await a.ask({ type: TYPE.DestroySession, sessionId: id2 })
  t.notOk(a.ended, 'a further session ends alone')
  t.equal(router.stats.sessions, 1)
  a.stream.destroy()
  await settle()
  t.equal(router.stats.sessions, 0)
  await openSession(b, alice)
  t.pass('and the Destination is free again')
})

t.test('messages', async t => {
  const trace: TraceEvent[] = []
  const { client, clock, router } = bench({ latency: 100, onTrace: event => { trace.push(event) } })
  const a = client()
  const b = client()
  const idA = await openSession(a, alice, { 'i2cp.messageReliability': 'none' })
  const idB = await openSession(b, bob)
  a.sendTo(idA, bob.destination, 'hello', 5)
  await clock.advanceSettled(99)
  t.same(b.take(TYPE.MessagePayload), [])
  await clock.advanceSettled(1)
  t.match(a.take(TYPE.MessageStatus), [{ sessionId: idA, status: 4, nonce: 5 }], 'with reliability none only the end is reported')
  const [received] = b.take(TYPE.MessagePayload)
  t.match(received, { sessionId: idB })
  t.match(decodeGzipPayload((received as MessagePayload).payload), { protocol: 18, fromPort: 1, toPort: 2 })
  t.match(trace, [{ type: 'sent', tunnelMessages: 1 }, { type: 'delivered' }])
  a.sendTo(idA, bob.destination, 'quiet', 0)
  await clock.advanceSettled(200)
  t.same(a.take(TYPE.MessageStatus), [], 'no nonce, no status')
  t.same(b.take(TYPE.MessagePayload).map(text), ['quiet'])

  const statusOf = async (send: () => void): Promise<number[]> => {
    send()
    await settle()
    return a.take(TYPE.MessageStatus).map(x => x.status)
  }
  const message = (payload: Buffer, rest = {}): void => {
    const body = { sessionId: idA, destination: bob.destination, payload, nonce: 9, flags: 0, expiration: clock.now() + 1_000 }
    a.send({ type: TYPE.SendMessageExpires, ...body, ...rest })
  }
  t.same(await statusOf(() => a.sendTo(idA, carol.destination, 'x', 1)), [21], 'nobody has a LeaseSet for it')
  t.same(await statusOf(() => a.sendTo(99, bob.destination, 'x', 1)), [10], 'no such session')
  t.same(await statusOf(() => message(Buffer.alloc(17))), [11], 'too short')
  t.same(await statusOf(() => message(Buffer.alloc(65_537))), [11], 'too long')
  t.same(await statusOf(() => message(Buffer.alloc(100), { expiration: clock.now() })), [14], 'expired')
  t.same(await statusOf(() => message(Buffer.alloc(100), { expiration: 0 })), [4], 'no expiration')
  t.same(await statusOf(() => message(Buffer.alloc(64_000))), [4], 'longer than tunnels carry: lost without a word')
  t.match(router.network.stats.lostBy, { 'too-large': 1 })
  router.setAlive(bob.destination, false)
  t.same(await statusOf(() => a.sendTo(idA, bob.destination, 'x', 1)), [4], 'a dead Destination looks like a living one')
  await clock.advanceSettled(200)
  t.same(b.take(TYPE.MessagePayload), [])
  b.stream.destroy()
  await settle()
  t.same(await statusOf(() => a.sendTo(idA, bob.destination, 'x', 1)), [21], 'a closed session has no LeaseSet')

  t.test('a message waits for the LeaseSet of a Destination that is about to come', async t => {
    const { client, clock, router } = bench({ leaseSetPatience: 200 })
    const [a, b] = [client(), client()]
    const idA = await openSession(a, alice, { 'i2cp.messageReliability': 'none' })
    a.sendTo(idA, bob.destination, 'early', 1)
    a.sendTo(idA, carol.destination, 'in vain', 2)
    for (let i = 0; i < 300; i++) a.sendTo(idA, carol.destination, 'in vain', 0)
    await clock.advanceSettled(100)
    t.equal(router.stats.messagesRejected, 45, 'the waiting room is bounded')
    await openSession(b, bob)
    await clock.advanceSettled(1)
    t.match(a.take(TYPE.MessageStatus), [{ status: 4, nonce: 1 }])
    t.same(b.take(TYPE.MessagePayload).map(text), ['early'])
    await clock.advanceSettled(100)
    t.match(a.take(TYPE.MessageStatus), [{ status: 21, nonce: 2 }])
    t.equal(router.stats.messagesRejected, 301)
    a.sendTo(idA, carol.destination, 'in vain', 3)
    await settle()
    a.stream.destroy()
    await clock.advanceSettled(1_000)
    b.stream.destroy()
    await settle()
    t.equal(clock.pending, 0)
  })

  t.test('an expired LeaseSet is none', async t => {
    const { client, clock } = bench({ tunnelLifetime: 10_000, renewBefore: 0, leaseSetTimeout: 60_000 })
    const a = client()
    const b = client()
    const idA = await openSession(a, alice)
    await openSession(b, bob)
    await clock.advanceSettled(10_000)
    a.createLeaseSet(alice, idA, a.take(TYPE.RequestVariableLeaseSet)[0]?.leases ?? [])
    a.sendTo(idA, bob.destination, 'x', 1)
    await settle()
    t.match(a.take(TYPE.MessageStatus), [{ status: 1 }, { status: 21 }])
  })

  t.test('an unpublished Destination can be answered, not found', async t => {
    const { client, clock } = bench()
    const [a, b, c] = [client(), client(), client()]
    const idA = await openSession(a, alice, { 'i2cp.dontPublishLeaseSet': 'true', 'i2cp.messageReliability': 'none' })
    const idB = await openSession(b, bob, { 'i2cp.messageReliability': 'none' })
    const idC = await openSession(c, carol, { 'i2cp.messageReliability': 'none' })
    b.sendTo(idB, alice.destination, 'x', 1)
    await clock.advanceSettled(5)
    t.match(b.take(TYPE.MessageStatus), [{ status: 21 }])
    a.sendTo(idA, bob.destination, 'x', 1)
    await clock.advanceSettled(5)
    b.sendTo(idB, alice.destination, 'x', 1)
    c.sendTo(idC, alice.destination, 'x', 1)
    await clock.advanceSettled(5)
    t.match(b.take(TYPE.MessageStatus), [{ status: 4 }])
    t.match(c.take(TYPE.MessageStatus), [{ status: 21 }])
  })

  t.test('a client that does not read loses messages, not the router its memory', async t => {
    const { client, clock, router } = bench({ sendQueue: 200_000 })
    const a = client()
    const b = client()
    const idA = await openSession(a, alice)
    await openSession(b, bob)
    b.stream.pause()
    for (let i = 0; i < 20; i++) {
      a.sendTo(idA, bob.destination, String(i).repeat(20_000), 0)
      await clock.advanceSettled(2)
    }
    const dropped = router.stats.sendQueueDrops
    t.ok(dropped > 0)
    b.stream.resume()
    await clock.advanceSettled(10)
    t.equal(b.take(TYPE.MessagePayload).length, 20 - dropped)
  })
})

t.test('look-ups', async t => {
  const { client, router } = bench({ hosts: { 'Dead.i2p': carol.destination.base64 } })
  const a = client()
  await openSession(a, alice, {}, { _http: '1' })
  const look = async (key: LookupKey): Promise<HostReply | undefined> => {
    await a.ask({ type: TYPE.HostLookup, sessionId: NO_SESSION, requestId: 77, timeout: 10_000, key })
    const [reply] = a.take(TYPE.HostReply)
    t.match(reply, { sessionId: NO_SESSION, requestId: 77 })
    return reply
  }
  const isAlice = (x: HostReply | undefined): boolean => x?.code === 0 && x.destination?.equals(alice.destination) === true
  t.ok(isAlice(await look({ lookupType: 0, hash: alice.destination.hash })))
  t.ok(isAlice(await look({ lookupType: 1, name: alice.destination.b32 })))
  t.ok(isAlice(await look({ lookupType: 1, name: alice.destination.b32.toUpperCase() })))
  t.ok(isAlice(await look({ lookupType: 1, name: alice.destination.base64.slice(0, 255) })) === false, 'a String holds 255 bytes')
  const dead = await look({ lookupType: 1, name: 'dead.i2p' })
  t.ok(dead?.destination?.equals(carol.destination), 'names need no LeaseSet')
  for (const name of ['nobody.i2p', '', 'x'.repeat(255), `${'a'.repeat(51)}!.b32.i2p`, '.b32.i2p', `${'a'.repeat(56)}.b32.i2p`]) {
    t.match(await look({ lookupType: 1, name }), { code: 1 }, name)
  }
  t.match(await look({ lookupType: 0, hash: bob.destination.hash }), { code: 1 })
  const withOptions = await look({ lookupType: 2, hash: alice.destination.hash })
  t.ok(isAlice(withOptions))
  t.same({ ...withOptions?.options }, { _http: '1' })
  t.same({ ...(await look({ lookupType: 4, destination: alice.destination }))?.options }, { _http: '1' })
  const noLeaseSet = await look({ lookupType: 3, name: 'dead.i2p' })
  t.equal(noLeaseSet?.code, 6)
  t.ok(noLeaseSet?.destination?.equals(carol.destination))
  t.match(await look({ lookupType: 2, hash: bob.destination.hash }), { code: 6 })
  router.addHost('alice.i2p', alice.destination.base64)
  t.ok(isAlice(await look({ lookupType: 3, name: 'alice.i2p' })))
  const unknownType = Buffer.concat([Buffer.from([0, 0, 0, 11, TYPE.HostLookup, 0, 1]), Buffer.alloc(8, 7), Buffer.of(5)])
  a.stream.write(unknownType)
  await settle()
  t.match(a.take(TYPE.HostReply), [{ code: 7, requestId: 0x07070707 }])
  a.send({ type: TYPE.DestLookup, hash: alice.destination.hash })
  await a.ask({ type: TYPE.DestLookup, hash: bob.destination.hash })
  const replies = a.take(TYPE.DestReply)
  t.ok(replies[0]?.destination?.equals(alice.destination))
  t.same(replies[1]?.hash, bob.destination.hash)
  t.throws(() => createLocalRouter({ hosts: { x: 'y' } }), { code: 'ROUTER_INVALID_OPTION' })

  t.test('they take their time, and are bounded', async t => {
    const { client, clock } = bench({ lookupTime: 500, maxLookups: 2 })
    const a = client()
    for (let i = 0; i < 3; i++) {
      a.send({ type: TYPE.HostLookup, sessionId: NO_SESSION, requestId: i, timeout: 1, key: { lookupType: 1, name: 'x' } })
    }
    await clock.advanceSettled(499)
    t.same(a.take(TYPE.HostReply).map(x => x.requestId), [2], 'what is too much fails at once')
    await clock.advanceSettled(1)
    t.same(a.take(TYPE.HostReply).map(x => x.requestId), [0, 1])
    a.send({ type: TYPE.DestLookup, hash: bob.destination.hash })
    await settle()
    a.stream.destroy()
    await settle()
    t.equal(clock.pending, 0)
  })
})

t.test('a b33 name finds the Destination of an encrypted LeaseSet only', async t => {
  const { client } = bench()
  const a = client()
  await openSession(a, alice)
  const key = alice.destination.signingPublicKey
  const sum = crc32(key)
  const name = toBase32(Buffer.concat([Buffer.from([sum & 255, 7 ^ (sum >> 8) & 255, 11 ^ (sum >> 16) & 255]), key])) + '.b32.i2p'
  await a.ask({ type: TYPE.HostLookup, sessionId: NO_SESSION, requestId: 1, timeout: 1, key: { lookupType: 1, name } })
  t.match(a.take(TYPE.HostReply), [{ code: 1 }])
})

t.test('reconfiguration', async t => {
  const { client } = bench()
  const a = client()
  const sessionId = await openSession(a, alice)
  const config = {
    destination: alice.destination, options: { 'i2cp.messageReliability': 'none' }, date: a.clock.now(), signature: Buffer.alloc(64)
  }
  await a.ask({ type: TYPE.ReconfigureSession, sessionId, config })
  t.match(a.take(TYPE.SessionStatus), [{ sessionId, status: 3 }])
})

t.test('what breaks the protocol ends the connection with a reason', async t => {
  const cases: Array<[string, (a: RawClient, id: number) => void]> = [
    ['a message for clients', a => a.send({ type: TYPE.SetDate, date: 1, version: 'x' })],
    ['an unknown type', a => a.stream.write(Buffer.from([0, 0, 0, 0, 99]))],
    ['a frame that is too large', a => a.stream.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 5]))],
    ['a message that is too short', a => a.stream.write(Buffer.from([0, 0, 0, 1, 1, 0]))],
    ['a LeaseSet for no session', a => a.createLeaseSet(alice, 999, [])],
    ['a LeaseSet of somebody else', (a, id) => a.createLeaseSet(bob, id, [])],
    ['a LeaseSet with a wrong signature', (a, id) => {
      const message = leaseSetOf(alice, id, [], {}, a.clock.now())
      message.leaseSet.writeUInt8((message.leaseSet.at(-1) as number) ^ 1, message.leaseSet.length - 1)
      a.send(message)
    }],
    ['reconfiguring no session', a => a.send({ type: TYPE.DestroySession, sessionId: 4_711 })]
  ]
  for (const [name, act] of cases) {
    const { client, clock, router } = bench()
    const a = client()
    const id = await openSession(a, alice)
    act(a, id)
    await settle()
    t.equal(a.take(TYPE.Disconnect).length, 1, name)
    t.ok(a.ended)
    t.match(router.stats, { protocolErrors: 1, sessions: 0 })
    await clock.advanceSettled(2_000)
    t.equal(clock.pending, 0)
  }
})

t.test('bytes in any portions mean the same', async t => {
  const session = (id: number): Buffer => {
    const clock = new VirtualClock()
    const bytes: Buffer[] = []
    const recorder = new RawClient(new Duplex({
      read () {},
      write (chunk: Buffer, _encoding, done) {
        bytes.push(Buffer.from(chunk))
        done()
      }
    }), clock)
    recorder.send({ type: TYPE.GetDate, version: '0.9.67' })
    recorder.createSession(alice)
    recorder.sendTo(id, alice.destination, 'hello', 3)
    recorder.send({ type: TYPE.HostLookup, sessionId: id, requestId: 1, timeout: 1, key: { lookupType: 0, hash: bob.destination.hash } })
    return Buffer.concat(bytes)
  }
  const bytes = session(1)
  const answers = async (portions: Buffer[]): Promise<string> => {
    const { client } = bench({ tunnelBuildTime: 1_000 })
    const a = client(false)
    for (const portion of portions) a.stream.write(portion)
    await settle()
    a.stream.destroy()
    await settle()
    return a.messages.map(x => x.type).join()
  }
  const expected = await answers([bytes])
  t.equal(expected, [TYPE.SetDate, TYPE.SessionStatus, TYPE.MessageStatus, TYPE.MessageStatus, TYPE.HostReply].join())
  for (let i = 1; i < bytes.length; i++) {
    const got = await answers([bytes.subarray(0, i), bytes.subarray(i)])
    if (got !== expected) t.fail(`split at ${i}: ${got}`)
  }
  t.equal(await answers([...bytes].map(byte => Buffer.of(byte))), expected, 'byte by byte')

  t.test('and cut off anywhere they leave nothing behind', async t => {
    const { client, clock, router } = bench({ tunnelBuildTime: 1_000 })
    for (let i = 0; i < bytes.length; i += 3) {
      const a = client(false)
      a.stream.end(bytes.subarray(0, i))
    }
    await clock.advanceSettled(1)
    t.match(router.stats, { connections: 0, sessions: 0 })
    t.equal(clock.pending, 0)
  })

  t.test('and damaged anywhere they never do more than end the connection', async t => {
    await fc.assert(fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, value) => {
      const { client, clock, router } = bench()
      const a = client(false)
      const damaged = Buffer.from(bytes)
      damaged[at] = value
      a.stream.write(damaged)
      await clock.advanceSettled(50)
      a.stream.destroy()
      await clock.advanceSettled(20_000)
      if (router.stats.connections !== 0 || router.stats.sessions !== 0 || clock.pending !== 0) throw new Error('something stayed')
    }), { numRuns: 300 })
    t.pass()
  })
})

t.test('over TCP, with the real clock', async t => {
  const router = createLocalRouter()
  t.teardown(async () => { await router.close() })
  const { host, port } = await router.listen({ host: '127.0.0.1', port: 0 })
  const sockets = [connect(port, host), connect(port, host)]
  const clients = sockets.map(socket => new RawClient(socket, new VirtualClock()))
  for (const client of clients) {
    client.send({ type: TYPE.GetDate, version: '0.9.67' })
    while (client.messages.length === 0) await once(client.stream, 'data')
    t.equal(client.take(TYPE.SetDate).length, 1)
  }
  await t.rejects(router.listen({ host: '127.0.0.1', port }), { code: 'EADDRINUSE' })
  const closed = sockets.map(async socket => await once(socket, 'close'))
  await router.close()
  await Promise.all(closed)
  t.match(clients.map(client => client.take(TYPE.Disconnect)), [[{ reason: /closes/ }], [{ reason: /closes/ }]])
  t.throws(() => router.connect(), { code: 'ROUTER_CLOSED' })
  t.equal(router.stats.connections, 0)
})

t.test('connections are bounded', async t => {
  const { client, router } = bench({ maxConnections: 1 })
  client()
  const second = client()
  await settle()
  t.ok(second.ended)
  t.match(router.stats, { connections: 1, connectionsRefused: 1 })
  router.dropConnections()
  await settle()
  t.equal(router.stats.connections, 0)
})
