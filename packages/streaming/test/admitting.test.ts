/** Who may connect, how often, and what is kept of strangers: access, limits, early packets, finished streams. */
import { LocalDestination, toBase32, toBase64 } from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { AccessList, hashes, isHostName } from '../src/core/access.ts'
import { Asking } from '../src/core/asking.ts'
import { EARLY_TTL, EarlyPackets, MAX_EARLY_BYTES, MAX_EARLY_STREAMS } from '../src/core/early-packets.ts'
import { MAX_EARLY_PACKETS, MAX_LOOSE, MAX_STREAMS, MAX_SYNS_PER_SECOND } from '../src/core/constants.ts'
import { limitResponse } from '../src/core/limit-response.ts'
import { ConnectionLimits, MAX_COUNTED_PEERS } from '../src/core/limits.ts'
import type { Connection } from '../src/core/connection.ts'
import { resolveOptions } from '../src/core/options.ts'
import type { StreamingOptions } from '../src/core/options.ts'
import { PerSecond } from '../src/core/per-second.ts'
import { MAX_PINGS, Pings } from '../src/core/pings.ts'
import { StallWatch } from '../src/core/stall-watch.ts'
import { StreamingCore } from '../src/core/streaming-core.ts'
import { TimerTable } from '../src/core/timers.ts'
import { MAX_TOMBSTONES, Tombstones } from '../src/core/tombstones.ts'
import type { Tombstone } from '../src/core/tombstones.ts'
import type { Incoming, Outgoing, StreamingCoreInit, StreamingEvent } from '../src/core/types.ts'
import { decodePacket } from '../src/packet/decode.ts'
import { encodePacket } from '../src/packet/encode.ts'
import { packet } from '../src/packet/packet.ts'
import type { Packet, ReceivedPacket } from '../src/packet/packet.ts'

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

const [us, stranger] = ['us', 'stranger'].map(name => LocalDestination.generate(seeded(name))) as [LocalDestination, LocalDestination]
const signed = (fields: Partial<Packet>, by = keys): Buffer =>
  encodePacket(packet({ signed: true, from: by.destination, ...fields }), { signatureLength: 64, sign: data => by.sign(data) })
const syn = (id: number, fields: Partial<Packet> = {}, by = keys): Buffer =>
  signed({ receiveStreamId: id, synchronize: true, noAck: true, targetHash: us.destination.hash, ...fields }, by)

/** All streams of a Destination of ours, and what it is sent and says. */
function coreOf (options: Partial<StreamingOptions> = {}, init: Partial<StreamingCoreInit> = {}) {
  const core = new StreamingCore({ keys: us, random: seeded('core'), options, ...init })
  core.listen()
  return {
    core,
    hear: (now: number, payload: Buffer, { protocol = 6, fromPort = 7, toPort = 80 } = {}) =>
      core.receive(now, { protocol, fromPort, toPort, payload }),
    sent: (now: number) => {
      const all: Array<Outgoing & ReceivedPacket> = []
      for (let next = core.pollTransmit(now); next !== undefined; next = core.pollTransmit(now)) {
        all.push({ ...next, ...decodePacket(next.payload) })
      }
      return all
    },
    events: (): StreamingEvent[] => {
      const all: StreamingEvent[] = []
      for (let event = core.pollEvent(); event !== undefined; event = core.pollEvent()) all.push(event)
      return all
    }
  }
}

/** The stream that a peer has opened. */
function acceptedOf (events: StreamingEvent[]): Connection {
  const event = events.find(({ type }) => type === 'accept')
  if (event?.type !== 'accept') throw new Error('none')
  return event.connection
}

/** One to whom `keys` has opened stream 50. */
function entered (o: Parameters<typeof coreOf>[0] = {}, init: Partial<StreamingCoreInit> = {}) {
  const all = coreOf(o, init)
  all.hear(0, syn(50))
  const connection = acceptedOf(all.events())
  all.sent(10)
  const ids = { sendStreamId: connection.receiveStreamId, receiveStreamId: 50 }
  return { ...all, connection, ids, data: (fields: Partial<Packet>) => encodePacket(packet({ ...ids, ...fields })) }
}

t.test('a SYN opens a stream for whom it names and who signs it; one sent twice opens one', async t => {
  const opens = (payload: Buffer, message: Partial<Incoming> = { protocol: 6 }): string => {
    const { core, events } = coreOf()
    core.receive(0, { fromPort: 7, toPort: 80, payload, ...message })
    const { badSignature, rejected, unknownStream } = core.statistics
    return `${core.size} ${events().map(({ type }) => type).join(' ')} ${[badSignature, rejected, unknownStream].join('')}`
  }
  t.equal(opens(syn(50)), '1 accept 000')
  t.equal(opens(syn(50, { targetHash: undefined })), '1 accept 000', 'as old peers say it')
  t.equal(opens(syn(50), {}), '1 accept 000', 'of which nobody told the protocol')
  t.equal(opens(syn(50, { payload: Buffer.from('x') })), '1 accept readable 000')
  t.equal(opens(syn(50), { protocol: 18 }), '0  000')
  t.equal(opens(syn(50, { targetHash: keys.destination.hash })), '0  000')
  t.equal(opens(syn(50, { from: stranger.destination })), '0  100')
  t.equal(opens(encodePacket(packet({ receiveStreamId: 50, synchronize: true, from: keys.destination }))), '0  100')
  t.equal(opens(syn(50, { from: undefined })), '0  000')
  t.equal(opens(syn(50, { sequence: 1 })), '0  000')
  t.equal(opens(syn(0)), '0  000')
  t.equal(opens(syn(50, { reset: true })), '0  000')
  t.equal(opens(syn(50, { sendStreamId: 9 })), '0  001')
  const { core, connection, hear, events, sent } = entered()
  t.match(connection, { localPort: 80, remotePort: 7, inbound: true, sendStreamId: 50 })
  t.strictSame([core.size, core.halfOpen, core.connection(connection.receiveStreamId)], [1, 1, connection])
  hear(20, syn(50))
  t.strictSame([core.size, events(), sent(20).length], [1, [], 1], 'a reply that was lost comes again')
})

t.test('a stream is half open until the peer has acknowledged our reply', async t => {
  const { core, hear, data, sent, connection } = entered()
  hear(100, data({ noAck: true, sequence: 1, payload: Buffer.from('x') }))
  t.equal(core.halfOpen, 1)
  hear(200, data({ ackThrough: 0 }))
  t.strictSame([core.halfOpen, core.statistics.expected, core.statistics.received], [0, 0, 3], 'others opened it')
  hear(300, data({ reset: true, signed: false }))
  connection.reset(400)
  sent(400)
  t.strictSame([core.size, core.halfOpen, core.finished], [0, 0, 1])
  const unanswered = entered()
  unanswered.connection.reset(400)
  unanswered.sent(400)
  t.equal(unanswered.core.halfOpen, 0)
})

t.test('what of a SYN is refused, why, and what the peer and the application are told', async t => {
  const refused = (options: Partial<StreamingOptions>, o: { before?: number, unlisten?: boolean, listen?: number } = {}): unknown[] => {
    const { core, hear, sent, events } = coreOf(options)
    if (o.unlisten === true) core.unlisten()
    if (o.listen !== undefined) core.listen(o.listen)
    for (let id = 1; id <= (o.before ?? 0); id++) hear(0, syn(id))
    sent(10)
    events()
    hear(20, syn(50))
    const told = events().map(event => event.type === 'rejected' ? event.reason : event.type)
    const [{ reset, payload } = {}] = sent(20)
    return [told, reset === true ? 'reset' : payload?.subarray(0, 12).toString() ?? 'nothing', core.statistics.rejected]
  }
  const white = { enableAccessList: true }
  t.strictSame(refused(white), [['access'], 'reset', 1])
  t.strictSame(refused({ ...white, limitAction: 'drop' }), [['access'], 'nothing', 1])
  t.strictSame(refused({ ...white, limitAction: 'http' }), [['access'], 'reset', 1])
  t.strictSame(refused({ ...white, disableRejectLogging: true }), [[], 'reset', 1])
  t.strictSame(refused({}, { unlisten: true }), [['no-listener'], 'reset', 1])
  t.strictSame(refused({ limitAction: 'drop' }, { unlisten: true }), [['no-listener'], 'reset', 1])
  t.strictSame(refused({}, { unlisten: true, listen: 81 }), [['no-listener'], 'reset', 1])
  t.strictSame(refused({}, { unlisten: true, listen: 80 })[0], ['accept'])
  for (const [options, reason] of [[{ maxConnsPerMinute: 1 }, 'limit'], [{ maxConcurrentStreams: 1 }, 'too-many']] as const) {
    t.strictSame(refused(options, { before: 1 }), [[reason], 'reset', 1])
    t.strictSame(refused({ ...options, limitAction: 'drop' }, { before: 1 }), [[reason], 'nothing', 1])
    t.strictSame(refused({ ...options, limitAction: 'http' }, { before: 1 }), [[reason], 'HTTP/1.1 429', 1])
  }
  t.strictSame(refused({ maxConcurrentStreams: 2 }, { before: 1 })[0], ['accept'])
})

t.test('so many SYNs are looked at in a second', async t => {
  const { core, hear } = coreOf({ enableAccessList: true, limitAction: 'drop' })
  const strange = syn(50)
  for (let count = 0; count < MAX_SYNS_PER_SECOND + 5; count++) hear(999, strange)
  t.equal(core.statistics.rejected, MAX_SYNS_PER_SECOND)
  hear(1_000, strange)
  t.equal(core.statistics.rejected, MAX_SYNS_PER_SECOND + 1)
})

t.test('of streams there are only so many, whatever the options say', async t => {
  const { core, hear } = coreOf()
  for (let count = 0; count < MAX_STREAMS; count++) core.connect(0, { destination: keys.destination })
  t.throws(() => core.connect(0, { destination: keys.destination }), { code: 'STREAMING_TOO_MANY' })
  hear(0, syn(50))
  t.strictSame([core.size, core.statistics.rejected], [MAX_STREAMS, 0], 'nobody is even told')
})

t.test('a stream that carries a refusal counts for no limit, and is gone when the refusal is', async t => {
  const { core, hear, sent, events } = coreOf({ maxConcurrentStreams: 1, limitAction: 'sorry' })
  hear(0, syn(1))
  const connection = acceptedOf(events())
  hear(0, syn(2))
  t.equal(core.size, 2)
  t.match(events(), [{ type: 'rejected', reason: 'too-many' }])
  const answer = sent(10).find(({ sendStreamId }) => sendStreamId === 2)!
  t.match(answer, { payload: Buffer.from('sorry'), close: true })
  connection.reset(20)
  sent(20)
  hear(30, syn(3))
  t.strictSame(events().map(({ type }) => type), ['accept', 'closed'], 'there is room for one')
  const ids = { sendStreamId: answer.receiveStreamId, receiveStreamId: 2 }
  hear(40, encodePacket(packet({ ...ids, sequence: 1, payload: Buffer.from('GET') })))
  hear(50, signed({ ...ids, sequence: 2, ackThrough: 0, close: true }))
  sent(3_000)
  t.strictSame([core.size, core.finished, events()], [1, 2, []], 'nobody hears of it')
  hear(4_000, syn(4))
  t.match(events(), [{ type: 'rejected', reason: 'too-many' }], 'the other one is still there')
})

t.test('a finished stream answers with its last ACK; one that failed with a RESET, once in ten seconds', async t => {
  const late = (end: (o: ReturnType<typeof entered>) => void, ...heard: Array<[number, Partial<Packet>]>): string[] => {
    const o = entered()
    end(o)
    o.sent(1_000)
    t.equal(o.core.size, 0)
    return heard.map(([now, fields]) => {
      o.hear(now, o.data(fields))
      return o.sent(now).map(({ reset, ackThrough, receiveStreamId, to }) => {
        const isToPeer = to.equals(keys.destination) && receiveStreamId === o.ids.sendStreamId
        return `${reset ? 'reset' : 'ack'} ${ackThrough}${isToPeer ? '' : ' to another'}`
      }).join()
    })
  }
  const inOrder = ({ connection, hear, ids, sent }: ReturnType<typeof entered>): void => {
    connection.end(20)
    sent(20)
    hear(100, signed({ ...ids, sequence: 1, ackThrough: 1, close: true }))
  }
  t.strictSame(late(inOrder, [1_100, { sequence: 1 }], [1_200, { sequence: 1 }], [1_300, {}]), ['ack 1', 'ack 1', ''])
  t.strictSame(late(inOrder, [1_100, { from: keys.destination }], [1_200, { reset: true }], [1_300, { receiveStreamId: 51, sequence: 1 }]),
    ['ack 1', '', ''], 'a question; not a RESET, and not another one')
  t.strictSame(late(inOrder, [120_999, { sequence: 1 }], [121_000, { sequence: 1 }]), ['ack 1', ''])
  const failed = ({ connection }: ReturnType<typeof entered>): void => connection.reset(900)
  t.strictSame(late(failed, ...[10_999, 11_000, 20_999, 21_000].map(now => [now, { sequence: 1 }] as [number, object])),
    ['', 'reset 0', '', 'reset 0'])
  const byPeer = ({ hear, ids }: ReturnType<typeof entered>): void => hear(900, signed({ ...ids, reset: true }))
  t.strictSame(late(byPeer, [60_000, { sequence: 1 }]), [''], 'it knows')
})

t.test('of answers outside of streams only so many wait to be sent', async t => {
  const { connection, hear, ids, sent, data } = entered()
  connection.end(20)
  sent(20)
  hear(100, signed({ ...ids, sequence: 1, ackThrough: 1, close: true }))
  sent(1_000)
  for (let count = 0; count < MAX_LOOSE + 5; count++) hear(1_100, data({ sequence: 1 }))
  t.equal(sent(1_100).length, MAX_LOOSE)
})

t.test('the SYN of a finished stream opens none, unless it is of somebody else', async t => {
  const { core, connection, hear, sent, events } = entered()
  connection.reset(20)
  sent(20)
  events()
  hear(60_000, syn(50))
  t.match(sent(60_000), [{ reset: true }])
  t.equal(core.size, 0)
  hear(60_000, syn(50, {}, stranger))
  t.strictSame([core.size, core.statistics.unknownStream], [1, 0])
})

t.test('a stream of which we know nothing is told so, if it says who it is', async t => {
  const answer = (payload: Buffer) => {
    const { core, hear, sent } = coreOf()
    hear(0, payload)
    t.equal(core.statistics.unknownStream, 1)
    return sent(0)
  }
  const ids = { sendStreamId: 99, receiveStreamId: 50 }
  const [told, ...more] = answer(signed({ ...ids, sequence: 4 }))
  t.match([told, more], [{ reset: true, sendStreamId: 50, receiveStreamId: 99, ackThrough: 4, fromPort: 80, toPort: 7 }, []])
  t.ok(told!.to.equals(keys.destination))
  t.strictSame(answer(encodePacket(packet(ids))), [])
  t.strictSame(answer(encodePacket(packet({ ...ids, from: keys.destination }))), [], 'which it must prove')
  t.strictSame(answer(signed({ ...ids, from: stranger.destination })), [])
  t.strictSame(answer(signed({ ...ids, receiveStreamId: 0 })), [])
  t.strictSame(answer(signed({ ...ids, reset: true })), [])
  const { hear, sent } = coreOf()
  for (let index = 0; index < 60; index++) hear(0, signed(ids))
  t.equal(sent(0).length, 50, 'as often as pings')
})

t.test('an offline key signs for its Destination until it expires, by the time of day', async t => {
  const transient = keys.toOffline(2_000, seeded('transient'))
  const { expires, transientType, transientPublicKey: transientKey, signature } = transient.offline!
  const offline = { expires, transientType, transientKey, signature }
  const opens = (now: number, offset?: number): number => {
    const { core, hear } = coreOf({}, offset === undefined ? {} : { clockOffset: () => offset })
    hear(now, syn(50, { offline, from: keys.destination }, transient))
    return core.size - core.statistics.badSignature
  }
  t.strictSame([opens(1_999_999), opens(2_000_000), opens(0, 2_000_000), opens(2_000_000, -1)], [1, -1, -1, 1])
  const own = coreOf({}, { transient: { signer: { signatureLength: 64, sign: data => transient.sign(data) }, offline } })
  own.core.connect(0, { destination: keys.destination })
  t.match(own.sent(0), [{ offline: { expires: 2_000 } }])
})

t.test('a stream of ours: its ports and options, and what forbids it', async t => {
  const { core, sent, hear, events } = coreOf({ maxConcurrentStreams: 2, dsalist: [`${stranger.destination.b32}`, 'a.i2p'] })
  const stream = core.connect(0, { destination: keys.destination, port: 81, localPort: 5, options: { maxMessageSize: 900 } })
  const [first] = sent(0)
  t.match(first, { synchronize: true, fromPort: 5, toPort: 81, protocol: 6, maxPacketSize: 900, opens: Object })
  t.strictSame([first!.opens === stream, first!.to.equals(keys.destination)], [true, true])
  hear(100, signed({ sendStreamId: stream.receiveStreamId, receiveStreamId: 50, synchronize: true }), { fromPort: 81, toPort: 5 })
  t.match([events().map(({ type }) => type), core.statistics.expected, core.halfOpen], [['connected'], 1, 0])
  stream.write(200, Buffer.from('x'))
  t.equal(sent(200)[0]!.opens, undefined, 'it is open')
  t.match(core.connect(200, { destination: keys.destination }), { remotePort: 0, localPort: 0 })
  t.throws(() => core.connect(200, { destination: keys.destination }), { code: 'STREAMING_TOO_MANY' })
  t.throws(() => coreOf({ dsalist: [stranger.destination.b32] }).core.connect(0, { destination: stranger.destination }), {
    code: 'STREAMING_UNSUPPORTED', message: /dsalist/
  })
  t.throws(() => core.connect(0, { destination: keys.destination, options: { maxMessageSize: 1 } }), { code: /BAD_OPTION|TOO_MANY/ })
  t.throws(() => coreOf({ destinationSigType: 0 }), { code: 'STREAMING_UNSUPPORTED', message: /sigType 0: the keys are of type 7/ })
  t.equal([...core.connections()].length, 2)
})

t.test('an id of ours is none, and nobody else has it', async t => {
  const ids = [0, 5, 5, 6]
  const random = (length: number): Buffer => {
    const bytes = Buffer.alloc(length)
    if (length === 4) bytes.writeUInt32BE(ids.shift()!)
    return bytes
  }
  const { core } = coreOf({}, { random })
  t.strictSame([1, 2].map(() => core.connect(0, { destination: keys.destination }).receiveStreamId), [5, 6])
})

t.test('streams take turns, packet by packet; what is outside of them goes first', async t => {
  const { core, sent } = coreOf()
  const [one, two] = [1, 2].map(() => {
    const stream = core.connect(0, { destination: keys.destination })
    stream.write(0, Buffer.alloc(9_000))
    return stream.receiveStreamId
  }) as [number, number]
  core.ping(0, keys.destination)
  t.strictSame(sent(0).slice(0, 5).map(({ receiveStreamId }) => receiveStreamId), [0, one, two, one, two])
})

t.test('pings: ours, with its ports; answers to others', async t => {
  const { core, hear, sent, events } = coreOf()
  const id = core.ping(5, keys.destination, { payload: Buffer.from('hello'), port: 3, localPort: 4 })
  t.match(sent(5), [{ echo: true, sendStreamId: id, payload: Buffer.from('hello'), fromPort: 4, toPort: 3 }])
  const pong = (receiveStreamId: number): Buffer => encodePacket(packet({ echo: true, receiveStreamId, payload: Buffer.from('hello') }))
  hear(105, pong(id + 1))
  hear(105, pong(id))
  hear(106, pong(id))
  t.strictSame([events(), core.statistics.expected], [[{ type: 'pong', id, rtt: 100, payload: Buffer.from('hello') }], 1])
  core.forgetPing(core.ping(5, keys.destination))
  for (let index = 0; index < MAX_PINGS; index++) core.ping(5, keys.destination)
  t.throws(() => core.ping(5, keys.destination), { code: 'STREAMING_TOO_MANY', message: /pings/ })

  const answers = (payload: Buffer, options: Partial<StreamingOptions> = {}): string => {
    const other = coreOf(options)
    other.hear(0, payload)
    const [{ to, fromPort, toPort, echo, receiveStreamId, sendStreamId } = {}, ...more] = other.sent(0)
    if (to === undefined) return `nothing ${other.core.statistics.badSignature}`
    t.match([echo, receiveStreamId, sendStreamId, fromPort, toPort, more], [true, 5, 0, 80, 7, []])
    return to.equals(keys.destination) ? 'pong' : 'to another'
  }
  const ping = { echo: true, sendStreamId: 5 }
  t.equal(answers(signed(ping)), 'pong')
  t.equal(answers(signed(ping), { answerPings: false }), 'nothing 0')
  t.equal(answers(signed({ ...ping, from: undefined })), 'nothing 0')
  t.equal(answers(signed(ping), { enableAccessList: true }), 'nothing 0')
  t.equal(answers(signed({ ...ping, from: stranger.destination })), 'nothing 1')
  t.equal(answers(encodePacket(packet({ ...ping, from: keys.destination }))), 'nothing 1')
})

t.test('packets before their SYN wait for it; what is no packet is counted', async t => {
  const { core, hear, events } = coreOf()
  const early = encodePacket(packet({ receiveStreamId: 50, sequence: 1, payload: Buffer.from('two') }))
  hear(0, early)
  t.equal(core.earlyBytes, early.length)
  hear(0, encodePacket(packet({ sequence: 1, payload: Buffer.from('of nobody') })))
  hear(0, Buffer.alloc(3))
  t.match(core.statistics, { received: 3, malformed: 1 })
  t.equal(core.earlyBytes, early.length)
  hear(5, syn(50, { payload: Buffer.from('one ') }))
  const connection = acceptedOf(events())
  t.strictSame([connection.read(5)!.toString(), connection.read(5)!.toString(), core.earlyBytes], ['one ', 'two', 0])
})

t.test('the core wakes for the first of its streams, and knows what one that is over had measured', async t => {
  const { core, sent, hear } = coreOf({ connectTimeout: 60_000, inactivityTimeout: -1 })
  const first = core.connect(0, { destination: keys.destination })
  const second = core.connect(0, { destination: keys.destination, options: { connectTimeout: 400 } })
  sent(0)
  t.equal(core.nextTimeout(), 400)
  core.handleTimeout(400)
  t.strictSame([second.state.name, core.size], ['closed', 2])
  t.match(core.pollEvent(), { type: 'closed', connection: Object })
  sent(400)
  t.strictSame([core.size, core.finished], [1, 0], 'nobody knows its id')
  const ids = { sendStreamId: first.receiveStreamId, receiveStreamId: 50 }
  hear(300, signed({ ...ids, synchronize: true }))
  hear(900, signed({ ...ids, reset: true }))
  sent(900)
  t.strictSame([core.size, core.nextTimeout()], [0, undefined])
  t.equal(core.connect(1_000, { destination: keys.destination }).statistics.rtt, 300)
  t.equal(core.connect(1_000, { destination: stranger.destination }).statistics.rtt, undefined)
})

t.test('streams that know their path divide it among those that send', async t => {
  const { core, sent, hear } = coreOf()
  const path = { rtt: 500, rate: 204_800 }
  const [first, second] = [1, 2].map(() => {
    const stream = core.connect(0, { destination: keys.destination, path })
    stream.write(0, Buffer.alloc(60_000))
    return stream
  }) as [Connection, Connection]
  sent(0)
  t.equal(second.statistics.window, 25)
  hear(100, signed({ sendStreamId: first.receiveStreamId, receiveStreamId: 50, synchronize: true }))
  for (let sequence = 1, now = 200; first.sending; now += 100) {
    sequence = sent(now).filter(({ receiveStreamId }) => receiveStreamId === first.receiveStreamId).at(-1)?.sequence ?? sequence
    hear(now + 50, encodePacket(packet({ sendStreamId: first.receiveStreamId, receiveStreamId: 50, ackThrough: sequence })))
  }
  t.equal(second.statistics.window, 50, 'the other one has sent all')
  const third = core.connect(9_000, { destination: stranger.destination })
  core.inform(9_000, third, path)
  t.equal(third.statistics.window, 50)
})
