/** The parts of a session one by one; session-core.test.ts has them together, with a scripted router. */
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { decryptLeaseSet } from '../src/crypto/encrypted-lease-set.ts'
import { LocalDestination } from '../src/crypto/local-destination.ts'
import { readEncryptedLeaseSet } from '../src/data/encrypted-lease-set.ts'
import { LEASE_SET_TYPE, readLeaseSet2, verifyLeaseSet2 } from '../src/data/lease-set2.ts'
import { ByteReader } from '../src/data/reader.ts'
import { decodeGzipPayload, encodeGzipPayload } from '../src/datagrams/gzip.ts'
import { HOST_REPLY } from '../src/messages/host-reply.ts'
import { MESSAGE_STATUS } from '../src/messages/message-status.ts'
import type { Message } from '../src/messages/table.ts'
import { TYPE } from '../src/messages/types.ts'
import { Backoff } from '../src/session/core/backoff.ts'
import type { SessionEvent, SessionStats } from '../src/session/core/events.ts'
import { Idle } from '../src/session/core/idle.ts'
import { LeaseSetMaker } from '../src/session/core/lease-sets.ts'
import type { LeaseSetSettings } from '../src/session/core/lease-sets.ts'
import { Liveness } from '../src/session/core/liveness.ts'
import { Lookups, MAX_PENDING_LOOKUPS } from '../src/session/core/lookups.ts'
import { isApart, phaseTimeout } from '../src/session/core/phase.ts'
import type { Phase } from '../src/session/core/phase.ts'
import { MAX_BANDWIDTH_WAITERS, Requests } from '../src/session/core/requests.ts'
import { Router } from '../src/session/core/router.ts'
import { sendMessage } from '../src/session/core/send.ts'
import { MAX_PENDING_STATUSES, Statuses } from '../src/session/core/statuses.ts'
import { Traffic } from '../src/session/core/traffic.ts'

const keys = LocalDestination.generate(seeded('parts'))
const { destination } = keys
const other = LocalDestination.generate(seeded('other')).destination
const limits = {
  clientInbound: 1, clientOutbound: 2, routerInbound: 3, routerInboundBurst: 4, routerOutbound: 5, routerOutboundBurst: 6, burstTime: 7
}

t.test('the wait before the next connection doubles up to its bound; half of it is drawn', async t => {
  const drawn = (...bytes: number[]): Backoff => new Backoff({ min: 1_000, max: 5_000 }, () => Uint8Array.from(bytes))
  const least = drawn(0, 0)
  t.strictSame([least.next(), least.next(), least.next(), least.next(), least.failures], [500, 1_000, 2_000, 2_500, 4])
  least.reset()
  t.strictSame([least.failures, least.next()], [0, 500])
  t.equal(drawn(128, 0).next(), 750)
  t.equal(drawn(0, 128).next(), 500 + 500 * 128 / 65_536)
  t.ok(drawn(255, 255).next() < 1_000)
})

t.test('a silent router is asked once, and then given up', async t => {
  const liveness = new Liveness(100)
  liveness.heard(1_000)
  t.strictSame([liveness.nextTimeout(), liveness.check(1_099)], [1_100, 'fine'])
  t.strictSame([liveness.check(1_100), liveness.nextTimeout()], ['ask', 1_200])
  t.strictSame([liveness.check(1_199), liveness.check(1_200)], ['fine', 'dead'])
  liveness.heard(1_150)
  t.strictSame([liveness.check(1_249), liveness.check(1_250)], ['fine', 'ask'])
})

t.test('an idle session has fewer tunnels, then none', async t => {
  const idle = new Idle({ reduceAfter: 100, closeAfter: 300 })
  idle.start(1_000)
  t.strictSame([idle.nextTimeout(), idle.check(1_099), idle.reduced], [1_100, undefined, false])
  t.strictSame([idle.check(1_100), idle.reduced, idle.check(1_101), idle.nextTimeout()], ['reduce', true, undefined, 1_300])
  t.strictSame([idle.active(1_200), idle.active(1_200), idle.nextTimeout()], [true, false, 1_300])
  t.equal(idle.check(1_500), 'close')
  idle.check(1_350)
  idle.start(2_000)
  t.strictSame([idle.reduced, idle.nextTimeout()], [false, 2_100], 'a new connection has all its tunnels')
  const never = new Idle({})
  never.start(0)
  t.strictSame([never.nextTimeout(), never.check(1e12)], [Infinity, undefined])
})

t.test('look-ups: what the router is told, and what counts as their answer', async t => {
  const lookups = new Lookups()
  const hash = lookups.add(0, { lookupType: 2, hash: destination.hash }, 10_000)
  const name = lookups.add(0, { lookupType: 3, name: 'a.i2p' }, 500)
  const whole = lookups.add(0, { lookupType: 4, destination }, 1e9)
  t.strictSame([lookups.size, lookups.ids(), lookups.nextTimeout()], [3, [hash, name, whole], 500])
  t.strictSame([hash, name, whole].map(id => lookups.message(id, 7).timeout), [9_750, 1_000, 599_750])
  t.match(lookups.message(name, 7), { type: TYPE.HostLookup, sessionId: 7, requestId: name, key: { name: 'a.i2p' } })
  const reply = { type: TYPE.HostReply, sessionId: 7, code: HOST_REPLY.SUCCESS }
  const answer = (requestId: number, o: object) => lookups.answer({ ...reply, requestId, ...o })
  t.equal(answer(99, { destination }), undefined)
  t.match(answer(hash, { destination: other }), { code: 'I2CP_PROTOCOL' })
  t.equal(answer(hash, { destination }), undefined, 'one answer each')
  t.strictSame(answer(name, { destination: other }), { destination: other })
  t.match(answer(whole, { destination, options: { a: 'b' } }), { destination, options: { a: 'b' } })
  const codes: Array<[number, string]> = [
    [HOST_REPLY.PASSWORD_REQUIRED, 'I2CP_LOOKUP_PASSWORD_REQUIRED'],
    [HOST_REPLY.PRIVATE_KEY_REQUIRED, 'I2CP_LOOKUP_PASSWORD_REQUIRED'],
    [HOST_REPLY.PASSWORD_AND_KEY_REQUIRED, 'I2CP_LOOKUP_PASSWORD_REQUIRED'],
    [HOST_REPLY.DECRYPTION_FAILED, 'I2CP_LOOKUP_DECRYPTION_FAILED'],
    [HOST_REPLY.TYPE_UNSUPPORTED, 'I2CP_LOOKUP_UNSUPPORTED'],
    [1, 'I2CP_LOOKUP_FAILED'],
    [HOST_REPLY.SUCCESS, 'I2CP_PROTOCOL']
  ]
  for (const [code, error] of codes) t.match(answer(lookups.add(0, { lookupType: 3, name: 'a' }, 1), { code }), { code: error })
  const wrong = lookups.add(0, { lookupType: 4, destination }, 1)
  t.match(answer(wrong, { destination: other }), { code: 'I2CP_PROTOCOL' })
})

t.test('look-ups end with their time, and are bounded', async t => {
  const lookups = new Lookups()
  const ids = [10, 20, 20].map(timeout => lookups.add(100, { lookupType: 3, name: 'a' }, timeout))
  t.strictSame([lookups.expire(109), lookups.expire(110), lookups.nextTimeout()], [[], [ids[0]], 120])
  lookups.cancel(ids[1]!)
  t.strictSame([lookups.clear(), lookups.size, lookups.nextTimeout()], [[ids[2]], 0, undefined])
  t.doesNotThrow(() => lookups.add(0, { lookupType: 3, name: 'x'.repeat(255) }, 1))
  t.throws(() => lookups.add(0, { lookupType: 3, name: 'x'.repeat(256) }, 1), { code: 'I2CP_BAD_ADDRESS' })
  while (lookups.size < MAX_PENDING_LOOKUPS) lookups.add(0, { lookupType: 3, name: 'a' }, 1)
  t.throws(() => lookups.add(0, { lookupType: 3, name: 'a' }, 1), { code: 'I2CP_BUSY', message: '256 look-ups are pending' })
})

t.test('statuses: told until the last one of each message, and bounded', async t => {
  const statuses = new Statuses()
  const nonce = statuses.add(destination)
  t.strictSame([nonce, statuses.add(other)], [1, 2])
  const { ACCEPTED } = MESSAGE_STATUS
  t.match(statuses.answer(1, ACCEPTED), { nonce: 1, to: destination, status: ACCEPTED, certainFailure: false })
  t.match(statuses.answer(1, 4), { success: true, certainFailure: false })
  t.equal(statuses.answer(1, 4), undefined)
  t.match(statuses.answer(2, 8), { to: other, success: false, certainFailure: true })
  for (let i = 0; i <= MAX_PENDING_STATUSES; i++) statuses.add(destination)
  t.equal(statuses.answer(3, 4), undefined, 'the oldest is forgotten')
  t.ok(statuses.answer(4, 4))
  statuses.clear()
  t.equal(statuses.answer(5, 4), undefined)
})

/** Requests that note what they put and emit. */
function requests (): { requests: Requests, put: Message[], events: SessionEvent[] } {
  const put: Message[] = []
  const events: SessionEvent[] = []
  return { requests: new Requests(message => put.push(message), event => events.push(event)), put, events }
}

t.test('what has no answer is asked again when a session stands', async t => {
  const { requests: waiting, put, events } = requests()
  t.equal(waiting.nextTimeout(), Infinity)
  const id = waiting.lookup(0, { lookupType: 3, name: 'a' }, 5_000, undefined)
  waiting.bandwidth(undefined)
  t.strictSame(put, [])
  waiting.resume(9)
  t.match(put, [{ type: TYPE.HostLookup, sessionId: 9, requestId: id }, { type: TYPE.GetBandwidthLimits }])
  waiting.bandwidth(9)
  t.equal(put.length, 2, 'one question for all who wait')
  t.ok(waiting.answer({ type: TYPE.BandwidthLimits, limits }))
  t.match(events, [{ type: 'bandwidth', result: limits }, { type: 'bandwidth', result: limits }])
  waiting.bandwidth(9)
  waiting.lookup(0, { lookupType: 3, name: 'b' }, 1, 9)
  t.match(put.slice(2), [{ type: TYPE.GetBandwidthLimits }, { type: TYPE.HostLookup, sessionId: 9 }])
  waiting.cancelLookup(id)
  waiting.resume(10)
  t.equal(put.length, 6)
})

t.test('answers are told to who waits for them, and time ends the wait', async t => {
  const { requests: waiting, events } = requests()
  const requestId = waiting.lookup(0, { lookupType: 3, name: 'a' }, 5_000, 1)
  const reply = { type: TYPE.HostReply, sessionId: 1, requestId, code: 0, destination }
  t.strictSame([waiting.answer(reply), waiting.answer(reply)], [true, false])
  t.match(events, [{ type: 'lookup', handle: reply.requestId, result: { destination } }])
  const status = { type: TYPE.MessageStatus, sessionId: 1, messageId: 1, status: 4, size: 0, nonce: waiting.nonce(other) }
  t.strictSame([waiting.answer(status), waiting.answer(status)], [true, false])
  t.match(events[1], { type: 'status', status: { to: other, success: true } })
  const nonce = waiting.nonce(other)
  waiting.connectionLost()
  t.notOk(waiting.answer({ ...status, nonce }))
  const late = waiting.lookup(100, { lookupType: 3, name: 'a' }, 50, 1)
  t.equal(waiting.nextTimeout(), 150)
  waiting.handleTimeout(149)
  t.equal(events.length, 2)
  waiting.handleTimeout(150)
  t.match(events[2], { type: 'lookup', handle: late, result: { code: 'I2CP_TIMEOUT' } })
})

t.test('the end of a session is told to all who wait', async t => {
  const { requests: waiting, events } = requests()
  waiting.lookup(0, { lookupType: 3, name: 'a' }, 5_000, 1)
  for (let i = 0; i < MAX_BANDWIDTH_WAITERS; i++) waiting.bandwidth(1)
  t.throws(() => { waiting.bandwidth(1) }, { code: 'I2CP_BUSY' })
  const error = Object.assign(new Error('x'), { code: 'I2CP_CLOSED' }) as Parameters<Requests['fail']>[0]
  waiting.fail(error)
  t.strictSame([events.length, events[0]?.type, events[1]?.type], [1 + MAX_BANDWIDTH_WAITERS, 'lookup', 'bandwidth'])
  t.ok(events.every(event => 'result' in event && event.result === error))
  t.doesNotThrow(() => { waiting.bandwidth(1) })
})

const SECOND = 1_000
const NOW = 1_700_000_000 * SECOND
const plain: LeaseSetSettings = { encryptionTypes: [4, 6], options: { a: 'b' }, unpublished: false }
const leaseUntil = (seconds: number) => ({ gateway: Buffer.alloc(32, 1), tunnelId: 5, end: NOW + seconds * SECOND })

t.test('a LeaseSet has the leases that are valid, until the last of them ends', async t => {
  const maker = new LeaseSetMaker(keys, plain, seeded('leases'))
  t.equal(maker.create(7, [leaseUntil(0)], NOW), undefined)
  const created = maker.create(7, [leaseUntil(0), leaseUntil(600), leaseUntil(300), leaseUntil(1)], NOW + 500)!
  t.match(created, { type: TYPE.CreateLeaseSet2, sessionId: 7, leaseSetType: LEASE_SET_TYPE.LEASE_SET2 })
  const set = readLeaseSet2(new ByteReader(created.leaseSet))
  t.match(set, { published: NOW / SECOND, expires: 600, flags: 0 })
  t.strictSame(set.leases.map(({ end }) => (end - NOW) / SECOND), [600, 300, 1])
  t.ok(verifyLeaseSet2(set, NOW / SECOND))
  t.strictSame(set.encryptionKeys.map(({ type }) => type), [4, 6])
  t.strictSame(created.privateKeys.map(({ type, key }) => [type, key.length]), [[4, 32], [6, 32]])
  t.strictSame({ ...set.options }, { a: 'b' })
  const far = readLeaseSet2(new ByteReader(maker.create(7, [leaseUntil(1e6)], NOW)!.leaseSet))
  t.strictSame([far.expires, far.leases[0]!.end], [0xffff, (far.published + 0xffff) * SECOND])
})

t.test('each LeaseSet is published a second later than the one before, unless that one was far ahead', async t => {
  const maker = new LeaseSetMaker(keys, plain, seeded('leases'))
  const published = (ahead: number): number =>
    readLeaseSet2(new ByteReader(maker.create(7, [leaseUntil(5_000)], NOW + ahead * SECOND)!.leaseSet)).published - NOW / SECOND
  t.strictSame([published(0), published(0), published(10), published(-289), published(-289)], [0, 1, 10, 11, 12])
  t.equal(published(-289), -289, 'that one came from a wrong clock')
})

t.test('a new session has a new encryption key', async t => {
  const maker = new LeaseSetMaker(keys, plain, seeded('leases'))
  const key = (): Buffer => maker.create(7, [leaseUntil(100)], NOW)!.privateKeys[0]!.key
  const first = key()
  t.strictSame(key(), first)
  maker.newSession()
  t.notOk(key().equals(first))
})

t.test('flags of a LeaseSet say whether it is published, offline, or encrypted', async t => {
  const offline = keys.toOffline(4_000_000_000, seeded('offline'))
  const made = (by: LocalDestination, o: Partial<LeaseSetSettings>) =>
    new LeaseSetMaker(by, { ...plain, ...o }, seeded('x')).create(7, [leaseUntil(9)], NOW)!
  const flags = (by: LocalDestination, o: Partial<LeaseSetSettings>): number => readLeaseSet2(new ByteReader(made(by, o).leaseSet)).flags
  t.strictSame([flags(keys, {}), flags(keys, { unpublished: true }), flags(offline, {})], [0, 2, 1])
  const { leaseSet, leaseSetType } = made(keys, { encrypted: {} })
  t.equal(leaseSetType, LEASE_SET_TYPE.ENCRYPTED)
  const outer = readEncryptedLeaseSet(new ByteReader(leaseSet))
  t.notOk(leaseSet.includes(destination.bytes), 'nothing says whose it is')
  t.match(decryptLeaseSet(outer, destination), { flags: 2 | 4, leases: [{ tunnelId: 5 }] }, 'what is in it is not to be published')
  t.throws(() => made(offline, { encrypted: {} }), { code: 'I2CP_UNSUPPORTED', message: 'an encrypted LeaseSet with offline keys' })
})

t.test('phases: which have a transport, and when each has something to do', async t => {
  const table: Array<[phase: Phase, isApart: boolean, timeout: number]> = [
    [{ name: 'new' }, true, Infinity],
    [{ name: 'closed' }, true, Infinity],
    [{ name: 'waiting', until: 5 }, true, 5],
    [{ name: 'connecting', until: 5 }, false, 5],
    [{ name: 'greeting', until: 5 }, false, 5],
    [{ name: 'acquainting', until: 5 }, false, 5],
    [{ name: 'creating', until: 5 }, false, 5],
    [{ name: 'building', until: 5, sessionId: 1 }, false, 5],
    [{ name: 'building', until: 5, sessionId: 1, answer: { at: 3, leases: [] } }, false, 3],
    [{ name: 'building', until: 5, sessionId: 1, answer: { at: 9, leases: [] } }, false, 5],
    [{ name: 'ready', sessionId: 1, since: 0 }, false, Infinity],
    [{ name: 'closing', until: 5 }, false, 5]
  ]
  for (const [phase, apart, timeout] of table) t.strictSame([isApart(phase), phaseTimeout(phase)], [apart, timeout], phase.name)
})

t.test('a router tells its date, if it can be one', async t => {
  const router = new Router()
  t.match(router, { kind: 'unknown', version: '', clockOffset: 0 })
  router.told(NOW, { date: NOW + 500, version: '0.9.66' })
  t.match(router, { version: '0.9.66', clockOffset: 500 })
  for (const date of [1_420_070_400_000, (2 ** 32 - 2 ** 17) * 1000]) t.doesNotThrow(() => router.told(NOW, { date, version: '' }))
  for (const date of [1_420_070_399_999, (2 ** 32 - 2 ** 17) * 1000 + 1]) {
    t.throws(() => router.told(NOW, { date, version: '' }), { code: 'I2CP_PROTOCOL', message: 'the router tells an impossible date' })
  }
})

t.test('what is said of a message that is sent', async t => {
  const sent = (o: object) => sendMessage(7, destination, Buffer.alloc(500), 3, 99, { protocol: 18, ...o })
  t.match(sent({}), { type: TYPE.SendMessageExpires, sessionId: 7, destination, nonce: 3, flags: 0, expiration: 99 })
  t.match(decodeGzipPayload(sent({}).payload), { protocol: 18, fromPort: 0, toPort: 0 })
  t.match(decodeGzipPayload(sent({ fromPort: 5, toPort: 6 }).payload), { fromPort: 5, toPort: 6, payload: Buffer.alloc(500) })
  const flags = [
    { bundleLeaseSet: false }, { bundleLeaseSet: true }, { switchTunnel: true }, { bundleLeaseSet: false, switchTunnel: true }
  ].map(o => sent(o).flags)
  t.ok(flags[0]! > 0 && flags[1] === 0 && flags[2]! > 0 && flags[0] !== flags[2])
  t.equal(flags[3], flags[0]! | flags[2]!)
  t.ok(sent({ gzip: true }).payload.length < 100)
  t.ok(sent({}).payload.length > 500)
  t.ok(sent({ padTo: 800 }).payload.length > 800)
})

t.test('messages in both directions are counted, and restore what idleness took', async t => {
  const put: Message[] = []
  const events: SessionEvent[] = []
  const changed: object[] = []
  const stats = { messagesSent: 0, messagesReceived: 0, bytesSent: 0, bytesReceived: 0 } as unknown as SessionStats
  const traffic = new Traffic({
    idle: { reduceAfter: 100, reduceQuantity: 3, closeAfter: 1_000 },
    gzip: true,
    stats,
    put: message => put.push(message),
    emit: event => events.push(event),
    reconfigure: (_, options) => changed.push(options)
  })
  traffic.start(0)
  t.equal(traffic.nextTimeout(), 100)
  traffic.send(10, 7, destination, Buffer.alloc(50), 0, 99, { protocol: 18 }, {})
  t.match([stats, put], [{ messagesSent: 1, bytesSent: 50 }, [{ type: TYPE.SendMessageExpires, sessionId: 7 }]])
  t.strictSame([traffic.checkIdle(109), changed], [false, []])
  t.notOk(traffic.checkIdle(110))
  t.strictSame(changed, [{ 'inbound.quantity': '3', 'outbound.quantity': '3' }])
  const payload = encodeGzipPayload({ protocol: 18, fromPort: 1, toPort: 2, payload: Buffer.from('hello') })
  const message = { type: TYPE.MessagePayload, sessionId: 7, messageId: 5, payload }
  traffic.receive(120, message, { 'inbound.quantity': '5' })
  t.strictSame(changed[1], { 'inbound.quantity': '5', 'outbound.quantity': '2' })
  t.match(stats, { messagesReceived: 1, bytesReceived: 5 })
  t.match(events, [{ type: 'message', message: { protocol: 18, payload: Buffer.from('hello') } }])
  t.equal(put.length, 1)
  traffic.fetch({ type: TYPE.MessageStatus, sessionId: 7, messageId: 6, status: 1, size: 0, nonce: 0 })
  traffic.receive(130, message, {})
  t.match(put.slice(1), [{ type: TYPE.ReceiveMessageBegin, messageId: 6 }, { type: TYPE.ReceiveMessageEnd, messageId: 5 }])
  t.ok(traffic.checkIdle(1_130))
  const least: object[] = []
  const usual = new Traffic({
    idle: { reduceAfter: 1 },
    gzip: false,
    stats,
    put: () => undefined,
    emit: () => undefined,
    reconfigure: (_, options) => least.push(options)
  })
  usual.start(0)
  usual.checkIdle(5)
  t.strictSame(least, [{ 'inbound.quantity': '1', 'outbound.quantity': '1' }])
})
