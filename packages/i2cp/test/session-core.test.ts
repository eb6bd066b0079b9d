import t from 'tap'
import fc from 'fast-check'
import {
  CLIENT_VERSION, decodeMessage, encodeGzipPayload, encodeMessage, FrameReader, HOST_REPLY, I2cpError, LocalDestination, LOOKUP,
  readLeaseSet2, ByteReader,
  SESSION_STATUS, SessionCore, TYPE, x25519PublicOf
} from '@minwww/i2cp'
import type { Message, SessionCoreConfig, SessionEvent } from '@minwww/i2cp'
import { seeded } from '@minwww/testkit'
import { JAVA_LIMITS } from './helpers/router.ts'

const START = 1_700_000_000_000
const ID = 7
const keys = LocalDestination.generate(seeded('core'))
const peer = LocalDestination.generate(seeded('peer')).destination

function config (o: Partial<SessionCoreConfig> = {}): SessionCoreConfig {
  return {
    keys,
    random: seeded('random'),
    options: { 'i2cp.leaseSetEncType': '4', 'inbound.quantity': '3' },
    leaseSet: { encryptionTypes: [4], options: {}, unpublished: false },
    idle: {},
    gzip: false,
    leaseSetDelay: 'auto',
    reconnect: true,
    waitForRouter: false,
    timeouts: { connect: 10_000, handshake: 30_000, tunnels: 600_000, liveness: 60_000, close: 500 },
    backoff: { min: 1_000, max: 60_000 },
    ...o
  }
}

/** A core with a scripted router in virtual time. */
class Bench {
  now = START
  readonly core: SessionCore
  readonly events: SessionEvent[] = []
  readonly sent: Message[] = []
  #reader = new FrameReader()
  #greeted = false

  constructor (o?: Partial<SessionCoreConfig>) {
    this.core = new SessionCore(config(o))
    this.core.start(this.now)
    this.drain()
  }

  drain (): void {
    for (let bytes; (bytes = this.core.pollTransmit()) !== undefined;) {
      if (!this.#greeted) {
        this.#greeted = true
        bytes = bytes.subarray(1)
      }
      for (const { type, body } of this.#reader.push(bytes)) this.sent.push(decodeMessage(type, body))
    }
    for (let event; (event = this.core.pollEvent()) !== undefined;) {
      if (event.type === 'connect') {
        this.#greeted = false
        this.#reader = new FrameReader()
      }
      this.events.push(event)
    }
  }

  connect (): this { this.core.connected(this.now); this.drain(); return this }

  receive (message: Message): this {
    const frame = encodeMessage(message)
    this.core.receive(this.now, message.type, frame.subarray(5))
    this.drain()
    return this
  }

  /** To the next deadline, not beyond `limit`. */
  next (limit = Infinity): void {
    const at = Math.min(this.core.nextTimeout() ?? Infinity, limit)
    this.now = Math.max(this.now, at)
    this.core.handleTimeout(this.now)
    this.drain()
  }

  greet (version = '0.9.64', date = this.now, limits = JAVA_LIMITS): this {
    return this.receive({ type: TYPE.SetDate, date, version }).receive({ type: TYPE.BandwidthLimits, limits })
  }

  created (): this { return this.receive({ type: TYPE.SessionStatus, sessionId: ID, status: SESSION_STATUS.CREATED }) }
  leases (lifetime = 600_000): this {
    return this.receive({
      type: TYPE.RequestVariableLeaseSet,
      sessionId: ID,
      leases: [
        { gateway: Buffer.alloc(32, 1), tunnelId: 1, end: Math.floor(this.now) + lifetime }
      ]
    })
  }

  ready (): this { return this.connect().greet().created().leases() }
  of<T extends Message['type']> (type: T) { return this.sent.filter((m): m is Extract<Message, { type: T }> => m.type === type) }
  last<T extends SessionEvent['type']> (type: T) {
    return this.events.findLast((e): e is Extract<SessionEvent, { type: T }> => e.type === type)
  }
}

t.test('handshake in order, with authentication and the router\'s clock', async t => {
  const bench = new Bench({ authentication: { 'i2cp.username': 'u', 'i2cp.password': 'p' } })
  t.equal(bench.core.state, 'connecting')
  bench.connect()
  t.match(bench.sent, [{ type: TYPE.GetDate, version: CLIENT_VERSION, authentication: { 'i2cp.username': 'u' } }])
  bench.greet('0.9.64', START + 5_000)
  t.equal(bench.of(TYPE.CreateSession)[0]?.config.date, START + 5_000)
  bench.created()
  t.equal(bench.core.state, 'building')
  bench.leases()
  t.equal(bench.core.state, 'ready')
  t.equal(bench.core.clockOffset, 5_000)
  bench.core.send(bench.now, peer, Buffer.from('x'), { protocol: 18, expires: START + 10_000, bundleLeaseSet: false })
  bench.drain()
  t.match(bench.of(TYPE.SendMessageExpires)[0], { expiration: START + 15_000, flags: 0x100, nonce: 0, sessionId: ID })
  for (const bundleLeaseSet of [true, false]) {
    bench.core.send(bench.now, peer, Buffer.from('x'), { protocol: 6, bundleLeaseSet, switchTunnel: true })
  }
  bench.drain()
  t.strictSame(bench.of(TYPE.SendMessageExpires).slice(1).map(({ flags }) => flags), [0x8000, 0x8100], 'bit 15, of proposal 171')
})

t.test('a LeaseSet is sent again with one half of the leases and with the other, if there are two', async t => {
  const bench = new Bench().ready()
  const tunnels = (half?: 0 | 1): number[] => {
    t.ok(bench.core.republish(bench.now, half))
    bench.drain()
    return readLeaseSet2(new ByteReader(bench.of(TYPE.CreateLeaseSet2).at(-1)!.leaseSet)).leases.map(({ tunnelId }) => tunnelId)
  }
  t.strictSame([tunnels(), tunnels(0), tunnels(1)], [[1], [1], [1]])
  const end = Math.floor(bench.now) + 600_000
  const leases = [1, 2, 3].map(tunnelId => ({ gateway: Buffer.alloc(32, tunnelId), tunnelId, end }))
  bench.receive({ type: TYPE.RequestVariableLeaseSet, sessionId: ID, leases })
  t.strictSame([tunnels(0), tunnels(1), tunnels()], [[1, 3], [2], [1, 2, 3]])
  // Those that have expired meanwhile are in neither: a half without the rest would leave out nothing, and the other one all.
  const endOf = (tunnelId: number): number => tunnelId % 2 === 0 ? bench.now + 10_000 : end
  const mixed = [1, 2, 3, 4].map(tunnelId => ({ gateway: Buffer.alloc(32, tunnelId), tunnelId, end: endOf(tunnelId) }))
  bench.receive({ type: TYPE.RequestVariableLeaseSet, sessionId: ID, leases: mixed })
  bench.now += 30_000
  t.strictSame([tunnels(0), tunnels(1), tunnels()], [[1], [3], [1, 3]])
})

t.test('LeaseSets: at once, later ones newer, expired leases left out', async t => {
  const bench = new Bench().ready()
  bench.leases().leases()
  const published = bench.of(TYPE.CreateLeaseSet2).map(m => readLeaseSet2(new ByteReader(m.leaseSet)).published)
  t.same(published, [START / 1000, START / 1000 + 1, START / 1000 + 2])
  bench.leases(-1)
  t.equal(bench.of(TYPE.CreateLeaseSet2).length, 3)
  t.match(bench.last('warning')?.error, { code: 'I2CP_PROTOCOL' })
  t.notOk(bench.core.republish(bench.now), 'nothing valid to publish')
  bench.leases()
  t.ok(bench.core.republish(bench.now))
  const expired = new Bench().connect().greet().created().leases(0)
  t.equal(expired.core.state, 'building', 'waits for a request with valid leases')
  t.equal(expired.leases().core.state, 'ready')
  const endless = new Bench().connect().greet().created().leases(10 ** 12)
  t.equal(readLeaseSet2(new ByteReader(endless.of(TYPE.CreateLeaseSet2)[0]!.leaseSet)).expires, 0xffff)
})

t.test('a router whose clock was once far ahead gets LeaseSets again as soon as it is right, also after a reconnect', async t => {
  const far = Date.UTC(2099, 0, 1)
  const publishedOf = (bench: Bench): number[] => bench.of(TYPE.CreateLeaseSet2)
    .map(m => readLeaseSet2(new ByteReader(m.leaseSet)).published)
  const bench = new Bench().connect().greet('0.9.64', far).created().leases(far - START + 600_000)
  t.same(publishedOf(bench), [far / 1000])
  bench.greet().leases()
  t.same(publishedOf(bench), [far / 1000, START / 1000], 'in the same session')

  const again = new Bench().connect().greet('0.9.64', far).created().leases(far - START + 600_000)
  again.core.disconnected(again.now)
  again.drain()
  again.next()
  again.ready()
  t.equal(again.core.state, 'ready', 'in the next one')
  t.same(publishedOf(again).slice(1), [Math.floor(again.now / 1000)])

  const little = new Bench().connect().greet('0.9.64', START + 120_000).created().leases()
  little.greet().leases()
  t.same(publishedOf(little), [START / 1000 + 120, START / 1000 + 121], 'a clock that was a little ahead: routers still want a later one')
})

t.test('the first LeaseSet waits on a router that echoes the version, and only there', async t => {
  const bench = new Bench().connect().greet(CLIENT_VERSION).created().leases()
  t.equal(bench.core.state, 'building')
  t.equal(bench.core.nextTimeout(), START + 750)
  bench.now = START + 700
  bench.leases()
  bench.next()
  t.equal(bench.now, START + 750, 'a second request does not move it')
  t.equal(bench.core.state, 'ready')
  t.equal(bench.leases().of(TYPE.CreateLeaseSet2).length, 2, 'later ones at once')
  t.equal(new Bench({ leaseSetDelay: 0 }).connect().greet(CLIENT_VERSION).created().leases().core.state, 'ready')
  const inverted = new Bench({ options: { 'i2cp.dontPublishLeaseSet': 'true' } }).connect().greet(CLIENT_VERSION)
  t.equal(inverted.of(TYPE.CreateSession)[0]?.config.options['i2cp.dontPublishLeaseSet'], 'false')
})

t.test('the session waits half a second for what tells the router, and remembers it', async t => {
  const i2pd = { ...JAVA_LIMITS, routerInbound: 0, routerInboundBurst: 0, routerOutbound: 0, routerOutboundBurst: 0, burstTime: 0 }
  const options = { 'i2cp.dontPublishLeaseSet': 'true' }
  const published = (bench: Bench): string | undefined => bench.of(TYPE.CreateSession)[0]?.config.options['i2cp.dontPublishLeaseSet']
  const bench = new Bench({ options }).connect()
  bench.receive({ type: TYPE.SetDate, date: START, version: '0.9.68' })
  t.strictSame(bench.of(TYPE.CreateSession), [])
  bench.receive({ type: TYPE.BandwidthLimits, limits: i2pd })
  t.equal(bench.core.routerKind, 'i2pd')
  t.equal(published(bench), 'false')
  t.equal(bench.created().leases().core.state, 'ready', 'no wait before the first LeaseSet since 2.57')
  const silent = new Bench({ options }).connect()
  silent.receive({ type: TYPE.SetDate, date: START, version: '0.9.68' })
  silent.next()
  t.equal(silent.now, START + 500)
  t.equal(silent.core.routerKind, 'unknown')
  t.equal(published(silent), 'true')
  silent.receive({ type: TYPE.BandwidthLimits, limits: i2pd })
  t.equal(silent.of(TYPE.CreateSession).length, 1, 'too late')
})

t.test('each failure before the first ready ends with its code', async t => {
  const cases: Array<[string, (bench: Bench) => void]> = [
    ['I2CP_CONNECT_FAILED', b => b.core.disconnected(b.now, new I2cpError('I2CP_CONNECT_FAILED'))],
    ['I2CP_TIMEOUT', b => b.next()],
    ['I2CP_DISCONNECTED', b => { b.connect(); b.core.disconnected(b.now) }],
    ['I2CP_TIMEOUT', b => { b.connect(); b.next() }],
    ['I2CP_TIMEOUT', b => { b.connect().greet(); b.next() }],
    ['I2CP_SESSION_INVALID', b => b.connect().greet().receive({ type: TYPE.SessionStatus, sessionId: ID, status: SESSION_STATUS.INVALID })],
    ['I2CP_SESSION_DESTROYED', b => b.connect().greet().created()
      .receive({ type: TYPE.SessionStatus, sessionId: ID, status: SESSION_STATUS.DESTROYED })],
    ['I2CP_DISCONNECTED', b => b.connect().greet().receive({ type: TYPE.Disconnect, reason: 'go\u001b[31m' })],
    ['I2CP_TIMEOUT', b => { b.connect().greet().created(); b.next() }]
  ]
  for (const [code, fail] of cases) {
    const bench = new Bench()
    fail(bench)
    bench.drain()
    t.equal(bench.last('closed')?.error?.code, code)
    t.equal(bench.core.state, 'closed')
    t.equal(bench.core.nextTimeout(), undefined, 'no timer is left')
    t.notOk(bench.last('closed')?.error?.message.includes('\u001b'), 'nothing for a terminal to obey')
  }
  const impossible = new Bench().connect().greet('0.9', 2 ** 52)
  t.equal(impossible.of(TYPE.CreateSession).length, 0, 'an impossible date is no date')
})

t.test('the key that peers encrypt to is the same through a session, and another one in the next', async t => {
  const bench = new Bench().ready()
  bench.core.republish(bench.now)
  bench.drain()
  bench.core.disconnected(bench.now)
  bench.drain()
  bench.next()
  bench.ready()
  const made = bench.of(TYPE.CreateLeaseSet2)
  const keysOf = made.map(({ leaseSet }) => readLeaseSet2(new ByteReader(leaseSet)).encryptionKeys[0]?.key.toString('hex'))
  t.equal(keysOf.length, 3)
  t.equal(keysOf[0], keysOf[1])
  t.not(keysOf[1], keysOf[2], 'or i2pd goes on encrypting to ratchets that the router has forgotten')
  t.same(made.map(({ privateKeys }) => x25519PublicOf(privateKeys[0]!.key).toString('hex')), keysOf, 'the router has the private key')
})

t.test('reconnects for ever with growing, bounded, jittered waits, and keeps what waits for an answer', async t => {
  const bench = new Bench().ready()
  const lookup = bench.core.lookup(bench.now, { lookupType: LOOKUP.HASH, hash: peer.hash }, 600_000)
  bench.core.requestBandwidth()
  const waits: number[] = []
  bench.core.disconnected(bench.now)
  bench.drain()
  t.equal(bench.core.state, 'reconnecting')
  t.equal(bench.core.send(bench.now, peer, Buffer.alloc(1), { protocol: 18 }), 0)
  t.equal(bench.core.stats.sendDrops, 1)
  for (let i = 0; i < 12; i++) {
    const before = bench.now
    bench.next()
    waits.push(bench.now - before)
    t.equal(bench.events.at(-1)?.type, 'connect')
    bench.core.disconnected(bench.now, new I2cpError('I2CP_CONNECT_FAILED'))
    bench.drain()
  }
  t.ok(waits.every((wait, i) => wait >= 500 * Math.min(2 ** i, 60) && wait <= Math.min(1000 * 2 ** i, 60_000)), waits.join(' '))
  bench.next()
  bench.sent.length = 0
  bench.ready()
  t.equal(bench.core.state, 'ready')
  t.equal(bench.of(TYPE.CreateSession)[0]?.config.destination.b32, keys.destination.b32, 'with the same keys')
  t.equal(bench.of(TYPE.HostLookup).length, 1)
  t.equal(bench.of(TYPE.GetBandwidthLimits).length, 1)
  bench.receive({ type: TYPE.HostReply, sessionId: ID, requestId: lookup, code: HOST_REPLY.SUCCESS, destination: peer })
  t.match(bench.last('lookup'), { handle: lookup, result: { destination: { b32: peer.b32 } } })
  const stuck = new Bench({ waitForRouter: true })
  stuck.core.disconnected(stuck.now)
  t.equal(stuck.core.state, 'connecting')
  const single = new Bench({ reconnect: false }).ready()
  single.core.disconnected(single.now)
  t.equal(single.core.state, 'closed')
})

t.test('what the router was told of encrypted LeaseSets, it is told again', async t => {
  const bench = new Bench().ready()
  bench.core.sendBlindingInfo({ endpoint: { destination: peer }, blindedType: 11, expiration: 2_000_000_000, password: 'secret' })
  bench.core.disconnected(bench.now)
  bench.drain()
  bench.next()
  bench.sent.length = 0
  t.match(bench.ready().of(TYPE.BlindingInfo), [{ sessionId: ID, password: 'secret', endpoint: { destination: { b32: peer.b32 } } }])
})

t.test('a silent router is asked once, then given up', async t => {
  const bench = new Bench().ready()
  bench.next()
  t.equal(bench.now, START + 60_000)
  t.equal(bench.of(TYPE.GetBandwidthLimits).length, 2, 'and once when they met')
  bench.next()
  t.equal(bench.core.state, 'reconnecting')
  t.match(bench.last('warning')?.error, { code: 'I2CP_TIMEOUT' })
})

t.test('look-ups: time-outs, each reply code, answers for nobody, a bound', async t => {
  const bench = new Bench().ready()
  const hash = { lookupType: LOOKUP.HASH, hash: peer.hash } as const
  const ask = () => bench.core.lookup(bench.now, hash, 10_000)
  const codes = [
    [1, 'I2CP_LOOKUP_FAILED'], [2, 'I2CP_LOOKUP_PASSWORD_REQUIRED'], [3, 'I2CP_LOOKUP_PASSWORD_REQUIRED'],
    [4, 'I2CP_LOOKUP_PASSWORD_REQUIRED'],
    [5, 'I2CP_LOOKUP_DECRYPTION_FAILED'], [6, 'I2CP_LOOKUP_FAILED'], [7, 'I2CP_LOOKUP_UNSUPPORTED'], [200, 'I2CP_LOOKUP_FAILED']
  ] as const
  for (const [code, expected] of codes) {
    bench.receive({ type: TYPE.HostReply, sessionId: ID, requestId: ask(), code })
    t.match(bench.last('lookup')?.result, { code: expected })
  }
  bench.receive({ type: TYPE.HostReply, sessionId: ID, requestId: ask(), code: 0, destination: keys.destination })
  t.match(bench.last('lookup')?.result, { code: 'I2CP_PROTOCOL' }, 'another destination than asked for')
  bench.receive({ type: TYPE.HostReply, sessionId: ID, requestId: 12_345, code: 1 })
  t.equal(bench.core.stats.stray, 1)
  const slow = ask()
  bench.next()
  t.match(bench.last('lookup'), { handle: slow, result: { code: 'I2CP_TIMEOUT' } })
  for (let i = 0; i < 256; i++) ask()
  t.throws(ask, { code: 'I2CP_BUSY' })
  t.throws(() => bench.core.lookup(bench.now, { lookupType: LOOKUP.NAME, name: 'x'.repeat(256) }, 1), I2cpError)
  bench.core.close(bench.now)
  bench.drain()
  t.equal(bench.events.filter(e => e.type === 'lookup' && 'code' in e.result && e.result.code === 'I2CP_SESSION_CLOSED').length, 256)
})

t.test('messages: statuses as hints, strays, damage, size, a router without fastReceive', async t => {
  const bench = new Bench().ready()
  const nonce = bench.core.send(bench.now, peer, Buffer.from('x'), { protocol: 18, notify: true })
  bench.receive({ type: TYPE.MessageStatus, sessionId: ID, messageId: 1, status: 1, size: 0, nonce })
  t.match(bench.last('status')?.status, { nonce, success: true, certainFailure: false })
  bench.receive({ type: TYPE.MessageStatus, sessionId: ID, messageId: 1, status: 21, size: 0, nonce })
  t.match(bench.last('status')?.status, { nonce, success: false, certainFailure: true, to: { b32: peer.b32 } })
  bench.receive({ type: TYPE.MessageStatus, sessionId: ID, messageId: 1, status: 4, size: 0, nonce })
  t.equal(bench.core.stats.stray, 1, 'a status after the last')

  const payload = encodeGzipPayload({ protocol: 6, fromPort: 1, toPort: 2, payload: Buffer.from('in') })
  bench.receive({ type: TYPE.MessagePayload, sessionId: ID + 1, messageId: 1, payload })
  t.equal(bench.core.stats.stray, 2)
  bench.receive({ type: TYPE.MessagePayload, sessionId: ID, messageId: 1, payload: payload.subarray(1) })
  t.equal(bench.core.stats.malformed, 1)
  bench.core.receive(bench.now, 99, Buffer.alloc(0))
  t.equal(bench.core.stats.malformed, 2)
  t.equal(bench.core.state, 'ready', 'none of it ends the session')
  bench.receive({ type: TYPE.MessagePayload, sessionId: ID, messageId: 1, payload })
  t.match(bench.last('message')?.message, { protocol: 6, fromPort: 1, toPort: 2 })

  t.throws(() => bench.core.send(bench.now, peer, Buffer.alloc(61_441), { protocol: 18 }), { code: 'I2CP_PAYLOAD_TOO_LARGE' })
  bench.core.send(bench.now, peer, Buffer.alloc(61_440), { protocol: 18 })
  bench.core.send(bench.now, peer, Buffer.alloc(1), { protocol: 18, expires: bench.now })
  t.equal(bench.core.stats.sendDrops, 1, 'expired already')

  bench.receive({ type: TYPE.MessageStatus, sessionId: ID, messageId: 5, status: 0, size: 9, nonce: 0 })
  t.equal(bench.of(TYPE.ReceiveMessageBegin)[0]?.messageId, 5)
  bench.receive({ type: TYPE.MessagePayload, sessionId: ID, messageId: 5, payload })
  t.equal(bench.of(TYPE.ReceiveMessageEnd)[0]?.messageId, 5)
})

t.test('closing: destroyed, answered in each way routers do, or not at all', async t => {
  const ways: Array<(bench: Bench) => void> = [
    b => b.core.disconnected(b.now), b => b.next(), b => b.receive({ type: TYPE.Disconnect, reason: '' }),
    b => b.receive({ type: TYPE.SessionStatus, sessionId: ID, status: SESSION_STATUS.DESTROYED })
  ]
  for (const way of ways) {
    const bench = new Bench().ready()
    bench.core.close(bench.now)
    bench.drain()
    t.equal(bench.of(TYPE.DestroySession).length, 1)
    t.throws(() => bench.core.send(bench.now, peer, Buffer.alloc(1), { protocol: 18 }), { code: 'I2CP_SESSION_CLOSED' })
    way(bench)
    bench.drain()
    t.match(bench.events.at(-1), { type: 'closed', error: undefined })
    t.equal(bench.core.nextTimeout(), undefined)
    t.throws(() => bench.core.lookup(bench.now, { lookupType: 1, name: 'a.i2p' }, 1), { code: 'I2CP_SESSION_CLOSED' })
  }
})

t.test('idle: fewer tunnels, restored by traffic, closed after longer', async t => {
  const bench = new Bench({
    idle: { reduceAfter: 300_000, reduceQuantity: 1, closeAfter: 900_000 },
    timeouts: { ...config().timeouts, liveness: 10_000_000 }
  }).ready()
  bench.next()
  t.equal(bench.now, START + 300_000)
  t.match(bench.of(TYPE.ReconfigureSession).at(-1)?.config.options, { 'inbound.quantity': '1', 'outbound.quantity': '1' })
  bench.core.send(bench.now, peer, Buffer.alloc(1), { protocol: 18 })
  bench.drain()
  t.match(bench.of(TYPE.ReconfigureSession).at(-1)?.config.options, { 'inbound.quantity': '3', 'outbound.quantity': '2' })
  bench.next()
  bench.next()
  t.equal(bench.now, START + 300_000 + 900_000)
  t.equal(bench.of(TYPE.DestroySession).length, 1)
})

t.test('any order of router messages, twice, with wrong sessions: no crash, no state that cannot be', async t => {
  const seed = Number(process.env.FUZZ_SEED ?? 20_260_102)
  const step = fc.oneof(
    fc.constant('connect'), fc.constant('drop'), fc.constant('timeout'), fc.constant('send'), fc.constant('lookup'),
    fc.constant('republish'),
    fc.record({ version: fc.constantFrom('', CLIENT_VERSION), date: fc.constantFrom(0, START, 2 ** 50) }),
    fc.record({ status: fc.nat(5), id: fc.constantFrom(ID, 9) }),
    fc.record({ lease: fc.constantFrom(-1000, 0, 600_000), id: fc.constantFrom(ID, 9) }),
    fc.record({ noise: fc.uint8Array({ maxLength: 40 }), type: fc.nat(45) })
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), steps => {
    const bench = new Bench()
    for (const s of steps) {
      const { core } = bench
      if (core.state === 'closed') break
      if (s === 'connect') bench.connect()
      else if (s === 'drop') core.disconnected(bench.now)
      else if (s === 'timeout') bench.next(bench.now + 1_000_000)
      else if (s === 'send') core.send(bench.now, peer, Buffer.alloc(9), { protocol: 18, notify: true })
      else if (s === 'lookup') core.lookup(bench.now, { lookupType: 0, hash: peer.hash }, 5_000)
      else if (s === 'republish') core.republish(bench.now)
      else if ('version' in s) bench.receive({ type: TYPE.SetDate, ...s })
      else if ('status' in s) bench.receive({ type: TYPE.SessionStatus, sessionId: s.id, status: s.status })
      else if ('lease' in s) {
        bench.receive({
          type: TYPE.RequestVariableLeaseSet,
          sessionId: s.id,
          leases: [{ gateway: Buffer.alloc(32), tunnelId: 1, end: bench.now + s.lease }]
        })
      } else core.receive(bench.now, s.type, Buffer.from(s.noise))
      bench.drain()
      const state: string = bench.core.state
      if (state !== 'closed' && core.nextTimeout() === undefined) throw new Error(`${state} without a timer`)
    }
    // Whatever happened, it can be ended and leaves nothing.
    bench.core.close(bench.now)
    bench.core.disconnected(bench.now)
    bench.drain()
    for (let i = 0; bench.core.nextTimeout() !== undefined; i++) {
      if (i > 3) throw new Error('does not end')
      bench.next()
    }
    if (bench.events.filter(e => e.type === 'closed').length !== 1) throw new Error('closed not exactly once')
  }), { seed, numRuns: Number(process.env.FUZZ_RUNS ?? 300) })
  t.pass(`FUZZ_SEED=${seed}`)
})
