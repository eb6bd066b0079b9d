/** One stream packet by packet, against a peer by hand: when it begins, what it takes, how it ends. */
import t from 'tap'
import { LocalDestination } from '@minwww/i2cp/codec'
import { connectionConfig } from '../src/core/config.ts'
import { Connection } from '../src/core/connection.ts'
import type { ConnectionEvent } from '../src/core/connection.ts'
import type { ConnectionInit } from '../src/core/connection-init.ts'
import { resolveOptions } from '../src/core/options.ts'
import type { StreamingOptions } from '../src/core/options.ts'
import { decodePacket } from '../src/packet/decode.ts'
import { encodePacket } from '../src/packet/encode.ts'
import { ownKey } from '../src/packet/offline-signature.ts'
import { packet } from '../src/packet/packet.ts'
import type { Packet, ReceivedPacket } from '../src/packet/packet.ts'
import { verifyPacket } from '../src/packet/verify.ts'

const [own, peer, mallory] = [1, 2, 3].map(byte => LocalDestination.generate(length => Buffer.alloc(length, byte))) as
  [LocalDestination, LocalDestination, LocalDestination]
const signerOf = (keys: LocalDestination) => ({ signatureLength: 64, sign: (data: Uint8Array) => keys.sign(data) })
const OURS = 11
const THEIRS = 22
const IDS = { sendStreamId: OURS, receiveStreamId: THEIRS }
const REPLY = { ...IDS, synchronize: true, signed: true, from: peer.destination, maxPacketSize: 1_812 }

/** A packet of the peer, or of one who would like to be it. */
const written = (fields: Partial<Packet>, by = peer): ReceivedPacket =>
  decodePacket(encodePacket(packet({ ...IDS, ...fields }), signerOf(by)))

/** A stream at time 0, and what it is told and says. */
function streamOf (o: Partial<ConnectionInit> & { options?: Partial<StreamingOptions> } = {}) {
  const wakes: number[] = []
  const { options, inbound = false, ...init } = o
  const stream = new Connection({
    now: 0,
    inbound,
    identity: { destination: own.destination, signer: signerOf(own) },
    peer: peer.destination,
    peerKey: ownKey(peer.destination),
    localPort: 5,
    remotePort: 80,
    receiveStreamId: OURS,
    sendStreamId: inbound ? THEIRS : 0,
    config: connectionConfig(resolveOptions({ inactivityTimeout: -1, connectTimeout: -1, ...options })),
    jitter: 0,
    wake: () => { wakes.push(wakes.length) },
    ...init
  })
  return {
    stream,
    wakes,
    hear: (now: number, fields: Partial<Packet> = {}, by = peer) => stream.receive(now, written(fields, by)),
    /** What leaves now. */
    sent: (now: number): ReceivedPacket[] => {
      const all: ReceivedPacket[] = []
      for (let bytes = stream.pollTransmit(now); bytes !== undefined; bytes = stream.pollTransmit(now)) all.push(decodePacket(bytes))
      return all
    },
    events: (): ConnectionEvent[] => {
      const all: ConnectionEvent[] = []
      for (let event = stream.pollEvent(); event !== undefined; event = stream.pollEvent()) all.push(event)
      return all
    },
    read: (now: number): string => {
      const all: Buffer[] = []
      for (let chunk = stream.read(now); chunk !== undefined; chunk = stream.read(now)) all.push(chunk)
      return Buffer.concat(all).toString()
    },
    failure: () => stream.state.name === 'closed' ? stream.state.error?.code : undefined
  }
}

/** A stream of ours that the peer has taken at 100 ms; nothing is on its way. */
function opened (o: Parameters<typeof streamOf>[0] = {}) {
  const all = streamOf(o)
  all.sent(0)
  all.hear(100, REPLY)
  all.sent(110)
  all.events()
  return all
}

t.test('a SYN leaves at once, or waits connectDelay for data: until a packet is full, or the end', async t => {
  const plain = streamOf()
  t.equal(plain.stream.nextTimeout(), 0, 'without a delay, which is the default')
  t.match(plain.sent(0), [{ synchronize: true, sequence: 0 }])
  const waits = (): ReturnType<typeof streamOf> => streamOf({ options: { connectDelay: 200 } })
  const one = waits()
  one.stream.write(10, Buffer.alloc(100))
  t.strictSame([one.stream.nextTimeout(), one.sent(199).length], [200, 0])
  t.match(one.sent(200), [{ synchronize: true, payload: Buffer.alloc(100) }])
  for (const [bytes, isFull] of [[1_729, false], [1_730, true], [1_731, true]] as const) {
    const { stream, sent } = waits()
    stream.write(10, Buffer.alloc(bytes))
    t.equal(sent(10).length > 0, isFull, `${bytes} bytes`)
  }
  const ended = waits()
  ended.stream.end(20)
  t.match(ended.sent(20), [{ synchronize: true, close: true }])
  const begun = opened()
  begun.stream.end(300)
  t.equal(begun.stream.nextTimeout(), undefined, 'the end starts nothing anew')
  begun.sent(300)
  t.not(begun.stream.nextTimeout(), 300)
})

t.test('the reply to a SYN waits 10 ms for data, and goes with the first', async t => {
  const silent = streamOf({ inbound: true, options: { connectTimeout: 5_000 } })
  t.strictSame([silent.stream.state, silent.stream.nextTimeout(), silent.sent(9).length], [{ name: 'open' }, 10, 0])
  t.match(silent.sent(10), [{ synchronize: true, sendStreamId: THEIRS, receiveStreamId: OURS }])
  silent.stream.handleTimeout(5_000)
  t.equal(silent.stream.state.name, 'open', 'connectTimeout is for ours')
  const quick = streamOf({ inbound: true })
  quick.stream.write(3, Buffer.from('hello'))
  t.match(quick.sent(3), [{ synchronize: true, payload: Buffer.from('hello') }])
})

t.test('a peer that does not answer fails the stream at connectTimeout, and gets no RESET', async t => {
  const { stream, sent, events, failure } = streamOf({ options: { connectTimeout: 3_000 } })
  sent(0)
  stream.handleTimeout(2_999)
  t.strictSame(stream.state, { name: 'connecting' })
  stream.handleTimeout(3_000)
  t.equal(failure(), 'STREAMING_CONNECT_TIMEOUT')
  t.strictSame([sent(3_000), events(), stream.nextTimeout(), stream.writableLength], [[], ['closed'], undefined, 0])
  t.equal(stream.write(3_000, Buffer.from('late')), 0)
  const answered = opened({ options: { connectTimeout: 3_000 } })
  answered.stream.handleTimeout(3_000)
  t.equal(answered.stream.state.name, 'open')
})

t.test('the reply opens the stream: by its size of packets, with an ACK within 10 ms', async t => {
  for (const [maxPacketSize, used] of [[undefined, 1_730], [600, 600], [100, 512], [9_000, 1_812]] as const) {
    const { stream, hear } = streamOf()
    hear(100, { ...REPLY, maxPacketSize })
    t.equal(stream.maxMessageSize, used, `${maxPacketSize}`)
  }
  const { stream, sent, hear, events } = streamOf()
  sent(0)
  t.strictSame([stream.sendStreamId, stream.confirmed, stream.sending], [0, false, true])
  hear(100, REPLY)
  t.strictSame([stream.state, stream.sendStreamId, stream.confirmed, stream.sending], [{ name: 'open' }, THEIRS, true, false])
  t.strictSame([events(), sent(109), stream.nextTimeout()], [['connected'], [], 110])
  t.match(sent(110), [{ ...IDS, sendStreamId: THEIRS, receiveStreamId: OURS, sequence: 0, synchronize: false, ackThrough: 0 }])
  t.equal(stream.peerKey.publicKey, peer.destination.signingPublicKey)
  hear(200, { ...REPLY, sequence: 0 })
  t.strictSame(events(), [], 'a second one opens nothing')
})

t.test('what overtakes the reply is kept, and acknowledged only after it', async t => {
  const { stream, sent, hear, events, read } = streamOf()
  sent(0)
  hear(50, { sequence: 1, payload: Buffer.from('two') })
  t.strictSame([sent(1_000).length, stream.confirmed, stream.state.name, events()], [0, false, 'connecting', []])
  t.ok(stream.nextTimeout()! > 1_000, 'no ACK is waited for, which could not leave')
  hear(1_000, { ...REPLY, payload: Buffer.from('one ') })
  t.strictSame([read(1_000), events()], ['one two', ['connected', 'readable']])
  t.match(sent(1_010), [{ ackThrough: 1 }])
})

t.test('who is not the peer, or does not prove it where that is needed, changes nothing', async t => {
  const reply = (fields: Partial<Packet>, by = peer) => {
    const { stream, sent, hear } = streamOf()
    sent(0)
    hear(100, { ...REPLY, ...fields }, by)
    return stream.state.name
  }
  t.equal(reply({}), 'open')
  t.equal(reply({ from: undefined }), 'connecting', 'it does not say who it is')
  t.equal(reply({ receiveStreamId: 0 }), 'connecting')
  t.equal(reply({ signed: false }), 'connecting')
  t.equal(reply({}, mallory), 'connecting', 'signed by another one')
  t.equal(reply({ from: mallory.destination }), 'connecting')

  const data = (fields: Partial<Packet>, by = peer) => {
    const { hear, read, stream } = opened()
    hear(200, { sequence: 1, payload: Buffer.from('data'), ...fields }, by)
    return stream.state.name === 'closed' ? 'closed' : `${read(200)}${stream.ended ? ', end' : ''}`
  }
  t.equal(data({}), 'data')
  t.equal(data({ from: peer.destination }), 'data')
  t.equal(data({ from: mallory.destination }), '')
  t.equal(data({ receiveStreamId: 23 }), '', 'of another stream')
  t.equal(data({ receiveStreamId: 0 }), '')
  t.equal(data({ close: true, signed: true }), 'data, end')
  t.equal(data({ close: true }), '')
  t.equal(data({ close: true, signed: true }, mallory), '')
  t.equal(data({ reset: true, signed: true }), 'closed')
  t.equal(data({ reset: true, signed: true, receiveStreamId: 0 }), 'closed', 'as old peers say it')
  t.equal(data({ reset: true, signed: true, receiveStreamId: 23 }), '')
  t.equal(data({ reset: true }), '')
  t.equal(data({ reset: true, signed: true }, mallory), '')
})

t.test('ACKs count where they may: not before the reply, not when a packet says that it has none', async t => {
  const acked = (fields: Partial<Packet>): boolean => {
    const { stream, hear, sent } = opened()
    stream.write(200, Buffer.from('data'))
    sent(200)
    hear(300, { ackThrough: 1, ...fields })
    return !stream.sending
  }
  t.strictSame([acked({}), acked({ noAck: true }), acked({ sendStreamId: 0 }), acked({ ackThrough: 0 })], [true, false, false, false])
})

t.test('an event is said once until it is taken', async t => {
  const { hear, events, read } = opened()
  hear(200, { sequence: 1, payload: Buffer.from('a') })
  hear(201, { sequence: 2, payload: Buffer.from('b') })
  t.strictSame(events(), ['readable'])
  t.equal(read(201), 'ab')
  hear(202, { sequence: 3 })
  t.strictSame(events(), [], 'nothing to read')
  hear(203, { sequence: 4, payload: Buffer.from('c') })
  t.strictSame(events(), ['readable'])
  hear(204, { sequence: 5, close: true, signed: true })
  t.strictSame(events(), ['readable', 'end'], 'c is still there')
})

t.test('a SYN brings data and its end with it', async t => {
  const accepted = (fields: Partial<Packet>) => {
    const { stream, events, read } = streamOf({ inbound: true, options: { readTimeout: 500 } })
    stream.accept(0, written({ ...fields, sendStreamId: 0, synchronize: true, signed: true, from: peer.destination }))
    return [events(), read(0), stream.ended, stream.maxMessageSize]
  }
  t.strictSame(accepted({}), [[], '', false, 1_730])
  t.strictSame(accepted({ payload: Buffer.from('GET'), maxPacketSize: 900 }), [['readable'], 'GET', false, 900])
  t.strictSame(accepted({ payload: Buffer.from('GET'), close: true }), [['readable', 'end'], 'GET', true, 1_730])
  const syn = { sendStreamId: 0, synchronize: true, signed: true, from: peer.destination }
  const { stream, sent, hear } = streamOf({ inbound: true })
  stream.accept(0, written(syn))
  sent(10)
  for (let times = 0; times < 2; times++) hear(60, { sequence: 1, payload: Buffer.from('x'), noAck: true })
  t.ok(sent(65).every(({ synchronize }) => !synchronize))
  hear(70, { ...syn, noAck: true })
  t.match(sent(70), [{ synchronize: true }], 'a SYN that comes again asks for our reply')
  t.equal(stream.statistics.retransmissions, 1)
  const ours = opened()
  ours.hear(200, REPLY)
  ours.hear(201, { sequence: 1, payload: Buffer.from('x') })
  ours.hear(202, { sequence: 1, payload: Buffer.from('x') })
  t.ok(ours.sent(1_000).every(({ synchronize }) => !synchronize), 'ours is not asked for')
})

t.test('what the buffer cannot take is said, and when half of it has room again', async t => {
  const { stream, hear, sent, events, wakes } = opened({ options: { bufferSize: 4_000 } })
  const before = wakes.length
  t.strictSame([stream.writableLength, stream.write(200, Buffer.alloc(4_000))], [4_000, 4_000])
  t.equal(wakes.length, before + 1)
  sent(200)
  t.strictSame(events(), [], 'all of it was taken')
  hear(300, { ackThrough: 3 })
  t.equal(stream.write(300, Buffer.alloc(5_000)), 4_000)
  sent(300)
  t.strictSame(events(), ['drain'])
  hear(400, { ackThrough: 6 })
  stream.write(400, Buffer.alloc(10))
  sent(400)
  t.strictSame(events(), [], 'once')
  for (const [bufferSize, isHalf] of [[3_588, true], [3_589, false]] as const) {
    const half = opened({ options: { bufferSize, maxWindowSize: 1 } })
    half.stream.write(200, Buffer.alloc(9_999))
    half.sent(200)
    t.strictSame([half.stream.writableLength, half.events()], [1_794, isHalf ? ['drain'] : []])
  }
})

t.test('what was written fails the stream when none of it leaves within writeTimeout', async t => {
  const { stream, hear, sent, failure } = opened({ options: { writeTimeout: 1_000, initialWindowSize: 1 } })
  stream.write(200, Buffer.alloc(100))
  t.equal(stream.nextTimeout(), 1_200)
  sent(200)
  stream.handleTimeout(1_200)
  t.equal(failure(), undefined, 'it has left')
  hear(1_300, { ackThrough: 1 })
  hear(1_400, { delay: 61_000 })
  stream.write(1_400, Buffer.alloc(100))
  stream.write(2_000, Buffer.alloc(100))
  stream.handleTimeout(2_399)
  t.equal(failure(), undefined)
  stream.handleTimeout(2_400)
  t.equal(failure(), 'STREAMING_WRITE_TIMEOUT', 'from the first byte that waits')
  t.match(sent(2_400), [{ reset: true }])
})

t.test('what leaves moves writeTimeout, as long as something waits', async t => {
  const { stream, hear, sent, failure } = opened({ options: { writeTimeout: 1_000, maxWindowSize: 1, initialWindowSize: 1 } })
  stream.write(200, Buffer.alloc(5_000))
  sent(200)
  hear(900, { ackThrough: 1 })
  sent(900)
  stream.handleTimeout(1_200)
  t.equal(failure(), undefined)
  stream.handleTimeout(1_900)
  t.equal(failure(), 'STREAMING_WRITE_TIMEOUT')
})

t.test('no word within readTimeout fails the stream, unless the peer has ended', async t => {
  const fails = (o: { options: Partial<StreamingOptions> }, ...heard: Array<[number, Partial<Packet>]>): number => {
    const { stream, hear, failure, sent } = opened(o)
    for (const [now, fields] of heard) hear(now, fields)
    for (let now = 500; now < 5_000; now += 100) {
      stream.handleTimeout(now)
      if (failure() !== undefined) {
        t.match([failure(), sent(now)], ['STREAMING_READ_TIMEOUT', [{ reset: true }]])
        return now
      }
    }
    return Infinity
  }
  t.equal(fails({ options: { readTimeout: 1_000 } }), 1_100, 'from the reply on')
  t.equal(fails({ options: { readTimeout: 1_000 } }, [400, {}]), 1_400, 'an ACK is a word')
  t.equal(fails({ options: { readTimeout: 1_000 } }, [400, { sequence: 1, close: true, signed: true }], [500, {}]), Infinity)
  t.equal(fails({ options: {} }), Infinity)
  const accepted = streamOf({ inbound: true, options: { readTimeout: 1_000 } })
  t.equal(accepted.stream.nextTimeout(), 10)
  accepted.sent(10)
  accepted.stream.handleTimeout(1_000)
  t.equal(accepted.failure(), 'STREAMING_READ_TIMEOUT', 'of one that came, from the SYN on')
  const connecting = streamOf({ options: { readTimeout: 1_000 } })
  connecting.sent(0)
  connecting.stream.handleTimeout(1_000)
  t.equal(connecting.failure(), undefined, 'not before there is anybody to read from')
})

t.test('a stream without a word either way does its inactivityAction', async t => {
  const idle = (inactivityAction: number, o: Partial<ConnectionInit> = {}) =>
    opened({ options: { inactivityTimeout: 1_000, inactivityAction }, ...o })
  const nothing = idle(0)
  nothing.stream.handleTimeout(1_110)
  t.strictSame([nothing.failure(), nothing.sent(1_110), nothing.stream.nextTimeout()], [undefined, [], 2_110], 'it looks again')
  const ends = idle(1)
  ends.stream.handleTimeout(1_099)
  t.equal(ends.failure(), undefined)
  ends.stream.handleTimeout(1_100)
  t.match([ends.failure(), ends.sent(1_110)], ['STREAMING_INACTIVE', [{ reset: true }]])
  const asks = idle(2)
  asks.stream.handleTimeout(1_110)
  t.match([asks.failure(), asks.sent(1_110)], [undefined, [{ sequence: 1, payload: Buffer.alloc(0), reset: false }]])
  asks.stream.handleTimeout(2_110)
  t.equal(asks.failure(), undefined, 'retransmissions tell sooner')
  const halfClosed = idle(2)
  halfClosed.stream.end(200)
  halfClosed.sent(200)
  halfClosed.hear(300, { ackThrough: 1 })
  halfClosed.stream.handleTimeout(1_300)
  t.equal(halfClosed.failure(), 'STREAMING_INACTIVE', 'there is nothing left to send that is acknowledged')
  const wrote = idle(1)
  wrote.stream.write(600, Buffer.from('data'))
  wrote.sent(600)
  wrote.stream.handleTimeout(1_110)
  t.strictSame([wrote.failure(), wrote.stream.nextTimeout()! <= 1_600], [undefined, true], 'what is sent is a word')
  wrote.stream.handleTimeout(1_600)
  t.equal(wrote.failure(), undefined, 'retransmissions tell sooner')
  wrote.hear(1_700, { ackThrough: 1 })
  wrote.stream.handleTimeout(2_700)
  t.equal(wrote.failure(), 'STREAMING_INACTIVE')
  const spread = idle(1, { jitter: 0.5 })
  spread.stream.handleTimeout(6_099)
  t.equal(spread.failure(), undefined)
  spread.stream.handleTimeout(6_100)
  t.equal(spread.failure(), 'STREAMING_INACTIVE', 'up to ten seconds later, for not both ends to act at once')
  const connecting = streamOf({ options: { inactivityTimeout: 1_000, inactivityAction: 1 } })
  connecting.sent(0)
  connecting.stream.handleTimeout(1_000)
  t.equal(connecting.failure(), undefined)
})

t.test('a SYN of which the router says that it will not arrive is sent again after three seconds', async t => {
  const { stream, sent, failure, wakes } = streamOf()
  sent(0)
  stream.undelivered(1_000, false)
  t.strictSame([stream.nextTimeout(), wakes.length], [4_000, 1])
  stream.undelivered(2_000, false)
  t.equal(stream.nextTimeout(), 4_000)
  stream.handleTimeout(4_000)
  t.match(sent(4_000), [{ synchronize: true }])
  stream.undelivered(9_999, true)
  t.equal(failure(), undefined)
  stream.undelivered(12_000, false)
  t.equal(failure(), undefined, 'for now')
  stream.undelivered(12_000, true)
  t.equal(failure(), 'STREAMING_UNREACHABLE')
  t.strictSame(sent(12_000), [])
  const exactly = streamOf({ now: 500 })
  exactly.sent(500)
  exactly.stream.undelivered(10_499, true)
  t.equal(exactly.failure(), undefined)
  exactly.stream.undelivered(10_500, true)
  t.equal(exactly.failure(), 'STREAMING_UNREACHABLE')
  const open = opened()
  open.stream.undelivered(20_000, true)
  t.equal(open.stream.state.name, 'open')
  const answered = streamOf()
  answered.sent(0)
  answered.stream.undelivered(50, false)
  answered.hear(100, REPLY)
  answered.sent(110)
  t.equal(answered.stream.nextTimeout(), undefined, 'it did arrive')
})

t.test('a RESET leaves once, where there is whom to tell', async t => {
  const { stream, sent, events, failure, wakes, read, hear } = opened()
  hear(200, { sequence: 1, payload: Buffer.from('unread') })
  const before = wakes.length
  stream.reset(300)
  t.strictSame([failure(), events(), wakes.length, read(300)], ['STREAMING_ABORTED', ['readable', 'closed'], before + 1, ''])
  const [reset, ...more] = sent(300)
  t.match([reset, more], [{ reset: true, sendStreamId: THEIRS, receiveStreamId: OURS, ackThrough: 1 }, []])
  t.ok(verifyPacket(reset!, ownKey(own.destination)))
  stream.reset(400)
  t.strictSame([sent(400), events(), wakes.length], [[], [], before + 1])
  const early = streamOf()
  early.sent(0)
  early.stream.reset(50)
  t.strictSame([early.failure(), early.sent(50)], ['STREAMING_ABORTED', []])
  const refused = streamOf()
  refused.sent(0)
  refused.hear(100, { reset: true, signed: true })
  t.strictSame([refused.failure(), refused.sent(100)], ['STREAMING_REFUSED', []])
  const told = opened()
  told.hear(200, { reset: true, signed: true })
  t.strictSame([told.failure(), told.sent(200)], ['STREAMING_RESET', []])
})

t.test('who goes on sending to a stream that has failed is told again, once in ten seconds', async t => {
  const { stream, sent, hear } = opened()
  stream.reset(1_000)
  sent(1_000)
  const answers = (now: number, fields: Partial<Packet>): number => {
    hear(now, fields)
    return sent(now).length
  }
  t.strictSame([10_999, 11_000, 11_001, 21_000].map(now => answers(now, { sequence: 9 })), [0, 1, 0, 1])
  t.strictSame([{ sequence: 0 }, { sequence: 9, reset: true, signed: true }].map(fields => answers(40_000, fields)), [0, 0])
  const unknown = streamOf({ options: { connectTimeout: 1_000 } })
  unknown.sent(0)
  unknown.stream.handleTimeout(1_000)
  unknown.hear(2_000, { sequence: 9 })
  t.strictSame(unknown.sent(2_000), [])
})

t.test('a stream that its application has left takes what ends it, and refuses more', async t => {
  const left = (fields: Partial<Packet>, o: { isAcked?: boolean } = {}) => {
    const { stream, sent, hear, failure } = opened()
    stream.abandon(200)
    t.match(sent(200), [{ close: true }])
    if (o.isAcked !== false) hear(300, { ackThrough: 1 })
    hear(400, { ackThrough: o.isAcked === false ? 0 : 1, ...fields })
    return [failure(), stream.state.name]
  }
  const data = { sequence: 1, payload: Buffer.from('more') }
  t.strictSame(left(data), ['STREAMING_ABORTED', 'closed'])
  t.strictSame(left({ sequence: 1 }), [undefined, 'open'], 'which asks whether we live')
  t.strictSame(left(data, { isAcked: false }), [undefined, 'open'], 'it may not know yet')
  t.strictSame(left({ ...data, close: true, signed: true }), [undefined, 'open'], 'its end is acknowledged')
  const kept = opened()
  kept.stream.end(200)
  kept.sent(200)
  kept.hear(300, { ackThrough: 1 })
  kept.hear(400, { ackThrough: 1, ...data })
  t.strictSame([kept.stream.state.name, kept.read(400)], ['open', 'more'])
  const discards = opened()
  discards.stream.discard()
  discards.hear(200, data)
  t.equal(discards.read(200), '')
})

t.test('both ends, and the last ACK, close it in order', async t => {
  const { stream, sent, hear, events } = opened()
  stream.end(200)
  sent(200)
  hear(300, { sequence: 1, ackThrough: 1, close: true, signed: true })
  t.strictSame([stream.state.name, events()], ['open', ['end']], 'the ACK of its end waits')
  t.match(sent(2_000), [{ ackThrough: 1, sequence: 0 }])
  t.strictSame([stream.state, events(), sent(2_000), stream.nextTimeout()], [{ name: 'closed' }, ['closed'], [], undefined])
  const first = opened()
  first.hear(200, { sequence: 1, close: true, signed: true })
  t.match(first.sent(2_000), [{ ackThrough: 1 }])
  t.strictSame([first.stream.state.name, first.stream.write(2_000, Buffer.from('more'))], ['open', 4], 'ours goes on')
})

t.test('a choke holds what waits; the application that reads again is told of at once', async t => {
  const { stream, hear, sent } = opened()
  hear(200, { delay: 60_001 })
  stream.write(200, Buffer.from('data'))
  t.strictSame([stream.statistics.choked, sent(200)], [true, []])
  hear(300, {})
  t.ok(stream.statistics.choked, 'a packet that says nothing of it')
  hear(300, { delay: 60_000 })
  t.strictSame([stream.statistics.choked, sent(300).length], [false, 1])
  const full = opened({ options: { maxWindowSize: 2, initialWindowSize: 2 } })
  for (let sequence = 1; sequence <= 3; sequence++) full.hear(200, { sequence, payload: Buffer.alloc(1_800) })
  t.match(full.sent(300), [{ delay: 61_000 }])
  const before = full.wakes.length
  full.stream.read(400)
  t.strictSame([full.stream.wantsTransmit, full.wakes.length], [false, before], 'not yet a quarter')
  full.stream.read(400)
  full.stream.read(400)
  t.strictSame([full.stream.wantsTransmit, full.wakes.length], [true, before + 1])
  t.match(full.sent(400), [{ delay: 0 }])
  t.strictSame([full.stream.read(400), full.wakes.length], [undefined, before + 1])
  const unread = opened({ options: { maxWindowSize: 2, initialWindowSize: 2 } })
  unread.hear(200, { sequence: 1, payload: Buffer.from('a') })
  unread.stream.read(200)
  t.strictSame(unread.wakes, [], 'nobody was choked')
})

t.test('a stream tells what it has measured, and nothing before', async t => {
  const shared = { rtt: 400, rttvar: 50, window: 20 }
  const known = streamOf({ shared })
  t.strictSame([known.stream.statistics.rtt, known.stream.controlBlock], [400, undefined], 'that is what others measured')
  t.equal(streamOf().stream.controlBlock, undefined)
  const { stream, sent, hear } = opened()
  stream.write(200, Buffer.alloc(100))
  sent(200)
  hear(500, { ackThrough: 1 })
  t.match(stream.controlBlock, { rtt: Number, rttvar: Number, window: stream.statistics.window, base: Number })
  t.equal(stream.controlBlock!.rtt, stream.statistics.rtt)
  t.match(stream.sendingState, { rtt: stream.statistics.rtt, hasMore: false })
  t.equal(stream.contiguous, 0)
  hear(600, { sequence: 1, payload: Buffer.from('x') })
  hear(600, { sequence: 3, payload: Buffer.from('x') })
  t.strictSame([stream.contiguous, stream.acknowledgement], [1, { ackThrough: 3, nacks: [2] }])
})

t.test('what others know of the path sets its first window; so does a share that grows', async t => {
  const { stream, wakes } = streamOf()
  stream.inform(0, { rtt: 500, rate: 204_800 }, 2)
  t.strictSame([stream.statistics.window, stream.statistics.rtt, wakes.length], [25, 500, 1])
  stream.share(0, 1)
  t.strictSame([stream.statistics.window, wakes.length], [50, 2])
})

t.test('who asks a silent peer says who it is; not once that has ended', async t => {
  const { stream, sent, hear } = opened({ asks: true })
  t.equal(stream.nextTimeout(), 10_100)
  stream.handleTimeout(10_100)
  const [question, ...more] = sent(10_100)
  t.match([question, more], [{ sequence: 0, signed: true, sendStreamId: THEIRS }, []])
  t.ok(question!.from?.equals(own.destination))
  hear(10_300, { sequence: 1, close: true, signed: true })
  sent(12_000)
  t.equal(stream.nextTimeout(), undefined)
  const never = opened()
  t.equal(never.stream.nextTimeout(), undefined)
  never.stream.handleTimeout(20_000)
  t.strictSame(never.sent(20_000), [])
})

t.test('a peer that is silent is given up in the end, choked or not', async t => {
  for (const delay of [undefined, 61_000]) {
    const { stream, hear, sent, failure } = opened({ options: { maxResends: 2 } })
    hear(200, { delay })
    stream.write(200, Buffer.from('anybody?'))
    sent(200)
    let rounds = 0
    for (let now = stream.nextTimeout(); now !== undefined && failure() === undefined; now = stream.nextTimeout()) {
      stream.handleTimeout(now)
      if (failure() === undefined) rounds += sent(now).filter(({ sequence }) => sequence === 1).length
      else t.match(sent(now), [{ reset: true }])
    }
    t.strictSame([failure(), rounds, stream.statistics.timeouts], ['STREAMING_TIMEOUT', 2, delay === undefined ? 3 : 0], `${delay}`)
  }
  const { stream, sent, failure } = streamOf({ options: { maxResends: 2 } })
  sent(0)
  for (let now = stream.nextTimeout(); now !== undefined; now = stream.nextTimeout()) {
    stream.handleTimeout(now)
    t.ok(sent(now).every(({ synchronize }) => synchronize))
  }
  t.equal(failure(), 'STREAMING_TIMEOUT', 'one that never answered is told nothing')
})

t.test('a packet that two later ones have overtaken is sent again after a quarter of the round trip', async t => {
  const { stream, hear, sent } = opened()
  stream.write(200, Buffer.alloc(3 * 1_794))
  t.equal(sent(200).length, 3)
  hear(300, { ackThrough: 3, nacks: [1] })
  t.strictSame([sent(300), stream.nextTimeout()], [[], 325])
  stream.handleTimeout(325)
  t.match(sent(325), [{ sequence: 1 }])
  t.match(stream.statistics, { retransmissions: 1, timeouts: 0 })
})

t.test('what parity has rebuilt at the peer is a loss of the path', async t => {
  const { stream, hear, sent } = opened({ options: { bufferSize: 200_000 } })
  stream.write(200, Buffer.alloc(200_000))
  let [now, sequence] = [200, 0]
  for (; now < 20_000; now += 400) {
    sequence = sent(now).at(-1)?.sequence ?? sequence
    hear(now + (now < 400 ? 100 : 399), { ackThrough: sequence })
  }
  const { window } = stream.statistics
  stream.write(now, Buffer.alloc(200_000))
  sent(now)
  stream.repaired(now, 60)
  t.ok(stream.statistics.window < window, `${stream.statistics.window} of ${window}`)
})
