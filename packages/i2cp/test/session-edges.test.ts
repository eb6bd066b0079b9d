/** What a session does with messages, and calls, that come when they should not; session-core.test.ts has what should come. */
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { LocalDestination } from '../src/crypto/local-destination.ts'
import { I2cpError } from '../src/errors.ts'
import { decodeMessage, encodeMessage } from '../src/messages/frame.ts'
import { MESSAGE_STATUS } from '../src/messages/message-status.ts'
import { SESSION_STATUS } from '../src/messages/session-status.ts'
import type { Message } from '../src/messages/table.ts'
import { TYPE } from '../src/messages/types.ts'
import { DEFAULT_BACKOFF, DEFAULT_TIMEOUTS } from '../src/session/core/config.ts'
import type { SessionCoreConfig } from '../src/session/core/config.ts'
import type { SessionEvent } from '../src/session/core/events.ts'
import { MAX_REFUSALS } from '../src/session/core/attempts.ts'
import { MAX_BLINDING_INFOS, SessionCore } from '../src/session/core/session-core.ts'
import { JAVA_LIMITS } from './helpers/router.ts'

const START = 1_700_000_000_000
const ID = 7
const keys = LocalDestination.generate(seeded('edges'))
const CONFIG: SessionCoreConfig = {
  keys,
  random: seeded('random'),
  options: { 'i2cp.leaseSetEncType': '4' },
  leaseSet: { encryptionTypes: [4], options: {}, unpublished: false },
  idle: {},
  gzip: false,
  leaseSetDelay: 0,
  reconnect: true,
  waitForRouter: false,
  timeouts: DEFAULT_TIMEOUTS,
  backoff: DEFAULT_BACKOFF
}
const lease = (end = START + 600_000) => ({ gateway: Buffer.alloc(32, 1), tunnelId: 5, end })

/** A session, and a router that says what the test wants. */
class Scene {
  now = START
  readonly core: SessionCore

  constructor (o: Partial<SessionCoreConfig> = {}) {
    this.core = new SessionCore({ ...CONFIG, ...o })
  }

  hear (...messages: Message[]): this {
    for (const message of messages) this.core.receive(this.now, message.type, encodeMessage(message).subarray(5))
    return this
  }

  /** What was sent since the last call; the byte that begins a connection aside. */
  get sent (): Message[] {
    const all: Message[] = []
    for (let bytes = this.core.pollTransmit(); bytes !== undefined; bytes = this.core.pollTransmit()) {
      if (bytes.length > 1) all.push(decodeMessage(bytes[4]!, bytes.subarray(5)))
    }
    return all
  }

  /** Events since the last call: their types, with codes of errors, states and texts. */
  get events (): string[] {
    const all: string[] = []
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) {
      const error = 'error' in event ? event.error : 'result' in event ? event.result : undefined
      all.push([event.type, ...('state' in event ? [event.state] : []), ...(error instanceof I2cpError ? [error.code] : [])].join(' '))
    }
    return all
  }

  /** The end of the session, if it is among the events since the last call. */
  get closed (): Extract<SessionEvent, { type: 'closed' }> | undefined {
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) if (event.type === 'closed') return event
    return undefined
  }

  forget (): this {
    for (const queue of [this.sent, this.events]) queue.length = 0
    return this
  }

  at (ms: number): this {
    this.now = START + ms
    this.core.handleTimeout(this.now)
    return this
  }

  connect (): this {
    if (this.core.nextTimeout() === undefined) this.core.start(this.now)
    this.core.connected(this.now)
    return this
  }

  greet (): this {
    return this.hear({ type: TYPE.SetDate, date: this.now, version: '0.9.64' }, { type: TYPE.BandwidthLimits, limits: JAVA_LIMITS })
  }

  status (status: number, sessionId = ID): this { return this.hear({ type: TYPE.SessionStatus, sessionId, status }) }
  built (): this { return this.connect().greet().status(SESSION_STATUS.CREATED) }
  ready (): this { return this.built().hear({ type: TYPE.RequestVariableLeaseSet, sessionId: ID, leases: [lease(this.now + 600_000)] }) }
}

t.test('before it starts a session does nothing', async t => {
  const { core } = new Scene()
  t.strictSame([core.state, core.nextTimeout(), core.leases, core.routerVersion], ['connecting', undefined, [], ''])
  core.connected(START)
  core.handleTimeout(START)
  core.disconnected(START)
  core.receive(START, TYPE.SetDate, Buffer.alloc(0))
  t.strictSame([core.pollEvent(), core.pollTransmit(), core.stats.malformed], [undefined, undefined, 0])
})

t.test('each phase has its time, and none ends before', async t => {
  const table: Array<[name: string, scene: Scene, until: number, after: string[]]> = [
    ['connecting', new Scene(), 10_000, ['disconnect', 'state closed', 'closed I2CP_TIMEOUT']],
    ['greeting', new Scene().connect(), 30_000, ['disconnect', 'state closed', 'closed I2CP_TIMEOUT']],
    ['creating', new Scene().connect().greet(), 30_000, ['disconnect', 'state closed', 'closed I2CP_TIMEOUT']],
    ['building', new Scene().built(), 600_000, ['disconnect', 'state closed', 'closed I2CP_TIMEOUT']]
  ]
  for (const [name, scene, until, after] of table) {
    if (name === 'connecting') scene.core.start(START)
    scene.forget()
    t.equal(scene.core.nextTimeout(), START + until, name)
    t.strictSame(scene.at(until - 1).events, [], name)
    t.strictSame(scene.at(until).events, after, name)
    t.strictSame([scene.core.nextTimeout(), scene.at(until + 1).events], [undefined, []], name)
  }
})

t.test('a router that has not said what it is is waited for a moment', async t => {
  const scene = new Scene().connect().forget().hear({ type: TYPE.SetDate, date: START, version: '0.9.64' })
  t.strictSame(scene.sent, [])
  const until = scene.core.nextTimeout()! - START
  t.strictSame(scene.at(until - 1).sent, [])
  t.strictSame(scene.at(until).sent.map(({ type }) => type), [TYPE.CreateSession])
  scene.hear({ type: TYPE.SetDate, date: scene.now + 5, version: '0.9.64' })
  t.strictSame([scene.core.clockOffset, scene.sent], [5, []], 'a later date is only a date')
})

t.test('how a router ends or refuses a session', async t => {
  const { CREATED, DESTROYED, INVALID, UPDATED } = SESSION_STATUS
  const events = (scene: Scene, status: number, id = ID): string[] => scene.forget().status(status, id).events
  t.strictSame(events(new Scene().connect().greet(), CREATED), ['state building'])
  t.strictSame(events(new Scene().connect().greet(), INVALID), ['disconnect', 'state closed', 'closed I2CP_SESSION_INVALID'])
  t.strictSame(events(new Scene().built(), DESTROYED), ['disconnect', 'state closed', 'closed I2CP_SESSION_DESTROYED'])
  t.strictSame(events(new Scene().ready(), DESTROYED), ['disconnect', 'warning I2CP_SESSION_DESTROYED', 'state reconnecting'])
  t.strictSame(events(new Scene().ready(), INVALID), ['warning I2CP_BAD_OPTION'])
  const others = [[UPDATED, ID, 0], [UPDATED, ID + 1, 1], [DESTROYED, ID + 1, 1], [INVALID, ID + 1, 1], [CREATED, ID, 1]] as const
  for (const [status, id, stray] of others) {
    const scene = new Scene().ready()
    t.strictSame([events(scene, status, id), scene.core.stats.stray], [[], stray], `${status} ${id}`)
  }
  const told = new Scene().ready().forget().hear({ type: TYPE.Disconnect, reason: 'so' })
  t.strictSame(told.events, ['disconnect', 'warning I2CP_DISCONNECTED', 'state reconnecting'])
})

t.test('a session that the router refuses is asked for again on new connections, a bounded number of times', async t => {
  const { REFUSED } = SESSION_STATUS
  const again = ['disconnect', 'warning I2CP_SESSION_REFUSED']
  const java = { type: TYPE.Disconnect, reason: 'session limit exceeded' } as const
  for (const refuse of [(scene: Scene) => scene.status(REFUSED), (scene: Scene) => scene.status(200), (scene: Scene) => scene.hear(java)]) {
    for (const o of [{}, { reconnect: false }, { waitForRouter: true }]) {
      const scene = new Scene(o)
      for (let attempt = 1; attempt < MAX_REFUSALS; attempt++) {
        t.strictSame(refuse(scene.connect().greet().forget()).events, again, `attempt ${attempt}`)
        const wait = scene.core.nextTimeout()! - scene.now
        t.ok(wait >= 100 && wait <= 2_000, `a wait of ${wait} ms`)
        t.strictSame(scene.at(scene.core.nextTimeout()! - START).events, ['connect'])
      }
      refuse(scene.connect().greet().forget())
      const { error } = scene.closed!
      t.match(error?.message, /, 5 times in a row$/)
      t.strictSame([error?.code, scene.core.state, scene.core.nextTimeout()], ['I2CP_SESSION_REFUSED', 'closed', undefined])
    }
  }
  const late = new Scene()
  for (let attempt = 1; attempt < MAX_REFUSALS; attempt++) late.connect().greet().status(REFUSED).at(late.core.nextTimeout()! - START)
  t.equal(late.ready().core.state, 'ready', 'the last attempt is as good as the first')
})

t.test('refusals that cannot pass are not repeated, or not for ever where a router is waited for', async t => {
  const { INVALID, REFUSED } = SESSION_STATUS
  const dismiss = (reason: string) => (scene: Scene) => scene.hear({ type: TYPE.Disconnect, reason })
  const cases: Array<[string, (scene: Scene) => Scene]> = [
    ['I2CP_SESSION_INVALID', scene => scene.greet().status(INVALID)],
    ['I2CP_DISCONNECTED', scene => dismiss('Invalid signature on CreateSessionMessage')(scene.greet())],
    ['I2CP_DISCONNECTED', dismiss('Authorization failed, user = u')]
  ]
  for (const [code, refuse] of cases) {
    const first = refuse(new Scene().connect().forget())
    t.strictSame([first.events, first.core.nextTimeout()], [['disconnect', 'state closed', `closed ${code}`], undefined], code)
    const patient = new Scene({ waitForRouter: true })
    let times = 0
    while (patient.core.state === 'connecting' && times++ < 20) {
      refuse(patient.connect())
      patient.at((patient.core.nextTimeout() ?? START) - START)
    }
    t.strictSame([times, patient.closed?.error?.code, patient.core.nextTimeout()], [MAX_REFUSALS, code, undefined], `${code}, waiting`)
    // A router that is away in between is another one when it is back.
    const apart = new Scene({ waitForRouter: true })
    for (let round = 0; round < 20; round++) {
      refuse(apart.connect()).at(apart.core.nextTimeout()! - START)
      apart.core.disconnected(apart.now, new I2cpError('I2CP_CONNECT_FAILED'))
      apart.at(apart.core.nextTimeout()! - START)
    }
    t.equal(apart.core.state, 'connecting', code)
    // What it has taken once it may take again.
    const known = new Scene().ready().hear({ type: TYPE.Disconnect, reason: 'restart' })
    for (let round = 0; round < 20; round++) refuse(known.at(known.core.nextTimeout()! - START).connect())
    t.equal(known.core.state, 'reconnecting', code)
  }
  const scene = new Scene().ready().hear({ type: TYPE.Disconnect, reason: 'restart' })
  for (let round = 0; round < 20; round++) scene.at(scene.core.nextTimeout()! - START).connect().greet().status(REFUSED)
  t.equal(scene.core.state, 'reconnecting')
})

t.test('what is of another session, or of none, is stray', async t => {
  const payload = { type: TYPE.MessagePayload, sessionId: ID, messageId: 1, payload: Buffer.alloc(5) }
  const request = { type: TYPE.RequestLeaseSet, sessionId: ID, tunnels: [{ gateway: Buffer.alloc(32), tunnelId: 1 }], end: START + 60_000 }
  const status = { type: TYPE.MessageStatus, sessionId: ID, messageId: 1, status: MESSAGE_STATUS.AVAILABLE, size: 5, nonce: 0 }
  const stray = (scene: Scene, message: Message): number => scene.hear(message).core.stats.stray
  for (const message of [payload, request]) {
    t.equal(stray(new Scene().connect().greet(), message), 1)
    t.equal(stray(new Scene().ready(), { ...message, sessionId: ID + 1 }), 1)
  }
  t.equal(stray(new Scene().ready(), { ...status, sessionId: ID + 1 }), 1)
  t.equal(stray(new Scene().ready(), { type: TYPE.GetBandwidthLimits }), 1)
  t.equal(stray(new Scene().ready(), { type: TYPE.HostReply, sessionId: ID, requestId: 9, code: 1 }), 1)
  const scene = new Scene().ready().forget()
  t.strictSame([stray(scene, status), scene.sent.map(({ type }) => type)], [0, [TYPE.ReceiveMessageBegin]])
  const broken = new Scene().ready().forget()
  t.strictSame([stray(broken, payload), broken.events, broken.core.stats.malformed], [0, ['warning I2CP_MALFORMED'], 1])
})

t.test('a LeaseSet may be asked for in the old way, and early', async t => {
  const scene = new Scene({ leaseSetDelay: 500 }).built().forget()
  const ask = (tunnelId: number): void => {
    scene.hear({ type: TYPE.RequestLeaseSet, sessionId: ID, tunnels: [{ gateway: Buffer.alloc(32, 1), tunnelId }], end: START + 600_000 })
  }
  ask(1)
  t.match(scene.core.leases, [{ tunnelId: 1, end: START + 600_000 }])
  scene.at(400)
  ask(2)
  t.strictSame([scene.sent, scene.core.nextTimeout()], [[], START + 500])
  t.strictSame(scene.at(500).sent.map(({ type }) => type), [TYPE.CreateLeaseSet2])
  t.match([scene.core.state, scene.core.stats, scene.core.leases], ['ready', { leaseSetsCreated: 1 }, [{ tunnelId: 2 }]])
  const late = new Scene({ leaseSetDelay: 500 }).built().forget()
  late.hear({ type: TYPE.RequestVariableLeaseSet, sessionId: ID, leases: [lease(START + 100)] })
  t.strictSame(late.at(500).events, ['warning I2CP_PROTOCOL'])
  t.equal(late.core.nextTimeout(), START + 600_000)
  t.notOk(new Scene().built().core.republish(START), 'there is no session yet')
})

t.test('messages that cannot leave are counted, and none is sent to a closed session', async t => {
  const send = (scene: Scene, o: object = {}, length = 5): number =>
    scene.core.send(scene.now, keys.destination, Buffer.alloc(length), { protocol: 18, ...o })
  const early = new Scene().built()
  t.strictSame([send(early), early.core.stats.sendDrops], [0, 1])
  const scene = new Scene().ready().forget()
  t.strictSame([send(scene, { expires: START }), scene.core.stats.sendDrops], [0, 1])
  scene.core.dropped()
  t.equal(scene.core.stats.sendDrops, 2)
  const expirations = [{}, { expires: START + 5 }, { expires: START + 1e9 }].map(o => {
    send(scene, o)
    return (scene.sent[0] as Extract<Message, { type: typeof TYPE.SendMessageExpires }>).expiration - START
  })
  t.strictSame(expirations, [60_000, 5, 120_000])
  t.strictSame([send(scene, { notify: true }), send(scene, { notify: true })], [1, 2])
  t.throws(() => send(scene, {}, 70_000), { code: 'I2CP_PAYLOAD_TOO_LARGE', message: /^70000 bytes, at most \d+$/ })
  scene.core.close(START)
  t.throws(() => send(scene), { code: 'I2CP_SESSION_CLOSED' })
  scene.at(DEFAULT_TIMEOUTS.close)
  t.throws(() => send(scene), { code: 'I2CP_SESSION_CLOSED' })
})

t.test('a session says goodbye, and waits a moment for the router to end it', async t => {
  const scene = new Scene().ready().forget()
  scene.core.lookup(START, { lookupType: 3, name: 'a' }, 5_000)
  scene.core.requestBandwidth()
  scene.forget()
  scene.core.close(START)
  t.match(scene.sent, [{ type: TYPE.DestroySession, sessionId: ID }])
  t.strictSame(scene.events, ['state closed', 'lookup I2CP_SESSION_CLOSED', 'bandwidth I2CP_SESSION_CLOSED'])
  scene.core.close(START)
  t.strictSame([scene.events, scene.at(499).events], [[], []])
  t.strictSame(scene.at(500).events, ['disconnect', 'closed'])
  scene.core.close(START)
  t.strictSame(scene.events, [])
  const told = new Scene().ready()
  told.core.close(START)
  t.strictSame(told.forget().status(SESSION_STATUS.DESTROYED).events, ['disconnect', 'closed'])
  const cut = new Scene().ready()
  cut.core.close(START)
  cut.forget().core.disconnected(START)
  t.strictSame(cut.events, ['closed'])
  for (const calls of [() => told.core.lookup(START, { lookupType: 3, name: 'a' }, 5), () => told.core.requestBandwidth()]) {
    t.throws(calls, { code: 'I2CP_SESSION_CLOSED' })
  }
  const failed = new Scene().ready().forget()
  failed.core.close(START, new I2cpError('I2CP_TIMEOUT'))
  t.strictSame([failed.sent, failed.events], [[], ['disconnect', 'state closed', 'closed I2CP_TIMEOUT']])
  const early = new Scene().connect().forget()
  early.core.close(START)
  t.strictSame([early.sent, early.events], [[], ['disconnect', 'state closed', 'closed']])
})

t.test('changed options and blinding are told to the router, now and in the next session', async t => {
  const scene = new Scene().ready().forget()
  scene.core.reconfigure(START, { 'inbound.quantity': '5' })
  t.match(scene.sent, [{ type: TYPE.ReconfigureSession, sessionId: ID, config: { options: { 'inbound.quantity': '5' } } }])
  const info = (expiration: number) => ({ endpoint: { name: 'a.i2p' }, blindedType: 11, expiration })
  scene.core.sendBlindingInfo(info(0))
  t.match(scene.sent, [{ type: TYPE.BlindingInfo, sessionId: ID, expiration: 0 }])
  for (let i = 1; i <= MAX_BLINDING_INFOS; i++) scene.core.sendBlindingInfo(info(i))
  scene.core.disconnected(START)
  scene.core.reconfigure(START, { 'outbound.quantity': '6' })
  scene.core.sendBlindingInfo(info(999))
  t.strictSame(scene.sent, [])
  scene.at(scene.core.nextTimeout()! - START).connect().greet()
  const created = scene.sent.find(({ type }) => type === TYPE.CreateSession)
  t.match(created, { config: { options: { 'inbound.quantity': '5', 'outbound.quantity': '6' } } })
  scene.status(SESSION_STATUS.CREATED).hear({ type: TYPE.RequestVariableLeaseSet, sessionId: ID, leases: [lease(scene.now + 600_000)] })
  const infos = scene.sent.filter(message => message.type === TYPE.BlindingInfo).map(({ expiration }) => expiration)
  t.strictSame([infos.length, infos[0], infos.at(-1)], [MAX_BLINDING_INFOS, 2, 999], 'the oldest are left out')
  scene.core.close(scene.now)
  t.throws(() => scene.core.sendBlindingInfo(info(1)), { code: 'I2CP_SESSION_CLOSED' })
})

t.test('a connection that is lost is tried again, sooner after a session that lasted', async t => {
  const wait = (lasted: number): number => {
    const scene = new Scene({ random: length => new Uint8Array(length) }).ready()
    for (let i = 0; i < 3; i++) {
      scene.core.disconnected(scene.now)
      scene.at(scene.core.nextTimeout()! - START).ready()
    }
    scene.at(scene.now - START + lasted)
    scene.hear({ type: TYPE.BandwidthLimits, limits: JAVA_LIMITS })
    scene.core.disconnected(scene.now)
    return scene.core.nextTimeout()! - scene.now
  }
  t.ok(wait(0) > wait(59_000), `${wait(0)} ${wait(59_000)}`)
  t.equal(wait(59_000), 500)
  const never = new Scene({ reconnect: false }).ready().forget()
  never.core.disconnected(START)
  t.strictSame(never.events, ['state closed', 'closed I2CP_DISCONNECTED'])
  const waiting = new Scene({ waitForRouter: true }).connect().forget()
  waiting.core.disconnected(START)
  t.strictSame(waiting.events, ['warning I2CP_DISCONNECTED'])
  t.equal(waiting.core.state, 'connecting')
})

t.test('a router that says nothing for a minute is asked, and given up after another', async t => {
  const scene = new Scene().ready().forget()
  t.equal(scene.core.nextTimeout(), START + 60_000)
  t.strictSame([scene.at(59_999).sent, scene.at(60_000).sent.map(({ type }) => type)], [[], [TYPE.GetBandwidthLimits]])
  t.strictSame(scene.at(119_999).events, [])
  t.strictSame(scene.at(120_000).events, ['disconnect', 'warning I2CP_TIMEOUT', 'state reconnecting'])
  const idle = new Scene({ idle: { closeAfter: 1_000 } }).ready().forget()
  t.strictSame(idle.at(1_000).sent.map(({ type }) => type), [TYPE.DestroySession])
})
