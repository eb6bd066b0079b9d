/** Who may connect, how often, and what is kept of strangers: access, limits, early packets, finished streams. */
import { LocalDestination, toBase32, toBase64 } from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { AccessList, hashes, isHostName } from '../src/core/access.ts'
import { Asking } from '../src/core/asking.ts'
import { EARLY_TTL, EarlyPackets, MAX_EARLY_BYTES, MAX_EARLY_STREAMS } from '../src/core/early-packets.ts'
import { MAX_EARLY_PACKETS } from '../src/core/constants.ts'
import { limitResponse } from '../src/core/limit-response.ts'
import { ConnectionLimits, MAX_COUNTED_PEERS } from '../src/core/limits.ts'
import { resolveOptions } from '../src/core/options.ts'
import { PerSecond } from '../src/core/per-second.ts'
import { MAX_PINGS, Pings } from '../src/core/pings.ts'
import { StallWatch } from '../src/core/stall-watch.ts'
import { TimerTable } from '../src/core/timers.ts'
import { MAX_TOMBSTONES, Tombstones } from '../src/core/tombstones.ts'
import type { Tombstone } from '../src/core/tombstones.ts'
import { decodePacket } from '../src/packet/decode.ts'
import type { ReceivedPacket } from '../src/packet/packet.ts'

const [a, b, c] = [1, 2, 3].map(byte => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer]
const hex = (hash: Buffer): string => hash.toString('hex')
const keys = LocalDestination.generate(seeded('admitting'))
const signer = { signatureLength: 64, sign: (data: Uint8Array) => keys.sign(data) }

t.test('whom a white list, a black list and the list of all Destinations admit', async t => {
  const list = { accessList: [toBase64(a), `${toBase32(b)}.b32.i2p`], blacklist: [toBase64(b)] }
  const admitted = (o: { enableAccessList?: boolean, enableBlackList?: boolean }): boolean[] => {
    const access = new AccessList(resolveOptions({ ...list, ...o }))
    return [a, b, c].map(hash => access.admits(hex(hash)))
  }
  t.strictSame(admitted({}), [true, false, true])
  t.strictSame(admitted({ enableAccessList: true }), [true, false, false])
  t.strictSame(admitted({ enableBlackList: true }), [false, false, true])
  t.strictSame(admitted({ enableAccessList: true, enableBlackList: true }), [true, false, false])
  for (const entry of ['a.i2p', toBase64(a.subarray(1)), '', `${toBase32(a.subarray(1))}.b32.i2p`]) {
    t.throws(() => hashes([entry]), { code: 'STREAMING_BAD_OPTION', message: `not the base64 or b32 of a hash: ${entry}` })
  }
  t.strictSame(['a.i2p', `${toBase32(b)}.b32.i2p`, 'a.i2p.org'].map(isHostName), [true, false, false])
})

t.test('connections in a minute, an hour and a day are counted from the first of each', async t => {
  const limits = new ConnectionLimits(resolveOptions({ maxConnsPerMinute: 2, maxConnsPerHour: 3 }))
  const admit = (now: number, peer = 'a'): boolean => limits.admit(now, peer)
  t.strictSame([admit(0), admit(59_999), admit(59_999), admit(59_999, 'b')], [true, true, false, true])
  t.strictSame([admit(60_000), admit(3_599_999)], [false, false], 'what was refused counts for the hour')
  t.strictSame([admit(3_600_000), admit(3_600_001)], [true, false], 'a new hour, in the minute that began just before')
  const day = new ConnectionLimits(resolveOptions({ maxConnsPerDay: 1 }))
  t.strictSame([0, 86_399_999, 86_400_000].map(now => day.admit(now, 'a')), [true, false, true])
})

t.test('all peers together have a limit of their own, which one above his does not use up', async t => {
  const limits = new ConnectionLimits(resolveOptions({ maxConnsPerMinute: 1, maxTotalConnsPerMinute: 2 }))
  t.strictSame(['a', 'a', 'a', 'b', 'c'].map(peer => limits.admit(0, peer)), [true, false, false, true, false])
  for (const [options, period] of [[{ maxTotalConnsPerHour: 1 }, 3_600_000], [{ maxTotalConnsPerDay: 1 }, 86_400_000]] as const) {
    const total = new ConnectionLimits(resolveOptions(options))
    t.strictSame([total.admit(0, 'a'), total.admit(period - 1, 'b'), total.admit(period, 'c')], [true, false, true])
  }
  const none = new ConnectionLimits(resolveOptions({}))
  t.ok(Array.from({ length: 99 }, () => none.admit(0, 'a')).every(Boolean))
})

t.test('of more peers than are counted the first one is forgotten', async t => {
  const limits = new ConnectionLimits(resolveOptions({ maxConnsPerMinute: 1 }))
  for (let i = 0; i < MAX_COUNTED_PEERS; i++) limits.admit(0, `${i}`)
  t.notOk(limits.admit(0, '0'))
  limits.admit(0, 'one more')
  t.ok(limits.admit(0, '0'))
  t.notOk(limits.admit(0, '2'))
})

t.test('what a refused peer is told', async t => {
  t.strictSame(['reset', 'drop'].map(limitResponse), ['reset', 'drop'])
  t.match(limitResponse('http').toString(), /^HTTP\/1\.1 429 Too Many Requests\r\n(?:[^\r\n]+\r\n)*Connection: close\r\n(?:[^\r\n]+\r\n)*\r\n.+\r\n$/)
  t.equal(limitResponse('busy\\r\\nlater\\n').toString(), 'busy\r\nlater\n')
})

t.test('so many in a second of the clock', async t => {
  const rate = new PerSecond(2)
  t.strictSame([500, 999, 999, 1_000, 1_500, 1_999, 5_000].map(now => rate.admit(now)), [true, true, false, true, true, false, true])
})

const early = (receiveStreamId: number, length = 10): ReceivedPacket => ({ receiveStreamId, bytes: Buffer.alloc(length) }) as ReceivedPacket

t.test('packets that overtook their SYN wait for it, for a while', async t => {
  const waiting = new EarlyPackets()
  const [one, two] = [early(1), early(1, 20)]
  waiting.add(0, one)
  waiting.add(1, two)
  waiting.add(5_000, early(2))
  t.strictSame([waiting.streams, waiting.bytes], [2, 40])
  t.strictSame(waiting.take(EARLY_TTL, 1), [one, two])
  t.strictSame([waiting.take(EARLY_TTL, 1), waiting.streams, waiting.bytes], [[], 1, 10])
  t.strictSame([waiting.take(5_001 + EARLY_TTL, 2), waiting.streams, waiting.bytes], [[], 0, 0])
  waiting.add(50_000, early(3))
  waiting.add(50_001 + EARLY_TTL, early(4))
  t.equal(waiting.streams, 1)
})

t.test('of early packets there are so many, of so many streams, in so many bytes', async t => {
  const waiting = new EarlyPackets()
  for (let i = 0; i < MAX_EARLY_PACKETS + 5; i++) waiting.add(0, early(1))
  t.equal(waiting.bytes, 10 * MAX_EARLY_PACKETS)
  for (let id = 2; id <= MAX_EARLY_STREAMS; id++) waiting.add(0, early(id))
  t.equal(waiting.streams, MAX_EARLY_STREAMS)
  waiting.add(0, early(1_000))
  t.strictSame([waiting.streams, waiting.take(0, 1)], [MAX_EARLY_STREAMS, []], 'the oldest goes')
  const large = new EarlyPackets()
  large.add(0, early(1, 1))
  large.add(0, early(2, MAX_EARLY_BYTES - 1))
  t.equal(large.streams, 2)
  large.add(0, early(2, 1))
  t.strictSame([large.streams, large.bytes], [1, MAX_EARLY_BYTES])
})

const tombstone = (o: Partial<Tombstone>): Tombstone => ({
  expires: 100,
  peer: keys.destination,
  localPort: 0,
  remotePort: 0,
  sendStreamId: 1,
  receiveStreamId: 2,
  ackThrough: 3,
  resetAt: undefined,
  ...o
})

t.test('a finished stream is known by its id, and by the SYN that had opened it', async t => {
  const finished = new Tombstones()
  const one = tombstone({})
  finished.add(0, one)
  t.strictSame([finished.get(99, 2), finished.get(100, 2), finished.get(0, 1)], [one, undefined, undefined])
  const other = LocalDestination.generate(seeded('other')).destination
  const bySyn = (now: number, from = keys.destination): Tombstone | undefined => finished.ofSyn(now, 1, from)
  t.strictSame([bySyn(0), bySyn(0, other), bySyn(100)], [one, undefined, undefined])
  const again = tombstone({ receiveStreamId: 4, expires: 200 })
  finished.add(50, again)
  finished.add(101, tombstone({ receiveStreamId: 5, sendStreamId: 9, expires: 300 }))
  t.strictSame([finished.size, finished.get(101, 2), bySyn(101)], [2, undefined, again], 'the newer one stays')
})

t.test('finished streams are bounded, the oldest goes', async t => {
  const finished = new Tombstones()
  for (let id = 0; id <= MAX_TOMBSTONES; id++) finished.add(0, tombstone({ receiveStreamId: id, sendStreamId: id }))
  t.strictSame([finished.size, finished.get(0, 0), finished.ofSyn(0, 0, keys.destination)], [MAX_TOMBSTONES, undefined, undefined])
  t.ok(finished.get(0, 1))
})

t.test('a ping is answered by a pong of the same payload, once', async t => {
  const pings = new Pings({ destination: keys.destination, signer })
  const ping = decodePacket(pings.ping(1_000, 77, keys.destination, Buffer.alloc(40, 1)))
  t.match(ping, { sendStreamId: 77, echo: true, signed: true, payload: Buffer.alloc(32, 1) })
  t.ok(ping.from?.equals(keys.destination))
  const pong = decodePacket(pings.answer({ ...ping, payload: Buffer.alloc(40, 1) }))
  t.match(pong, { receiveStreamId: 77, sendStreamId: 0, echo: true, signed: false, payload: Buffer.alloc(32, 1) })
  t.strictSame(pings.pong(1_250, pong), { id: 77, rtt: 250, payload: Buffer.alloc(32, 1) })
  t.equal(pings.pong(1_250, pong), undefined)
  for (let id = 1; id <= MAX_PINGS; id++) {
    t.notOk(pings.full)
    pings.ping(0, id, keys.destination, Buffer.alloc(0))
  }
  t.ok(pings.full)
  pings.forget(5)
  t.notOk(pings.full)
  t.equal(pings.pong(0, { ...pong, receiveStreamId: 5 }), undefined)
})

t.test('a silent peer is asked ever less often, until it says anything', async t => {
  const timers = new TimerTable()
  const asking = new Asking(timers)
  asking.heard(0)
  t.strictSame([timers.at('ask'), asking.take()], [10_000, false])
  asking.expired(10_000)
  t.strictSame([timers.at('ask'), asking.take(), asking.take()], [30_000, true, false])
  asking.expired(30_000)
  t.equal(timers.at('ask'), 70_000)
  asking.heard(31_000)
  t.strictSame([timers.at('ask'), asking.take()], [41_000, false])
  asking.expired(41_000)
  asking.stop()
  t.strictSame([timers.at('ask'), asking.take()], [undefined, false])
})

t.test('a stream asks for another tunnel after a timeout, or where its ACKs do not arrive; once in ten seconds', async t => {
  const quiet = { timeouts: 0, duplicates: 0, rto: 4_000 }
  const unheard = new StallWatch(() => 0)
  t.notOk(unheard.leaves(0, quiet))
  t.ok(unheard.leaves(1, { ...quiet, timeouts: 1 }))
  t.notOk(unheard.leaves(2, { ...quiet, timeouts: 1 }), 'the same timeout')
  t.notOk(unheard.leaves(10_000, { ...quiet, timeouts: 2 }))
  t.ok(unheard.leaves(10_001, { ...quiet, timeouts: 2 }), 'which is said later')
  const deaf = new StallWatch(() => 0)
  t.notOk(deaf.leaves(0, { ...quiet, duplicates: 1 }), 'it may not have had an ACK yet')
  t.notOk(deaf.leaves(1, { ...quiet, duplicates: 1 }))
  t.ok(deaf.leaves(2, { ...quiet, duplicates: 2 }))
  t.notOk(deaf.leaves(20_000, { ...quiet, duplicates: 3 }), 'anew through the other tunnel')
  t.ok(deaf.leaves(20_001, { ...quiet, duplicates: 4 }))
  for (const [rto, jitter] of [[4_000, 1_000], [40_000, 2_000]] as const) {
    const late = new StallWatch(() => 1)
    t.notOk(late.leaves(0, { ...quiet, rto, timeouts: 1 }))
    t.notOk(late.leaves(jitter - 1, { ...quiet, rto, timeouts: 2 }))
    t.ok(late.leaves(jitter, { ...quiet, rto, timeouts: 2 }))
  }
})
