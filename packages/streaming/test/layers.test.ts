/** What stands between streams and their session: headers of packets, and a layer beneath the core. */
import t from 'tap'
import { LocalDestination } from '@minwww/i2cp/codec'
import type { Connection } from '../src/core/connection.ts'
import { connectionConfig } from '../src/core/config.ts'
import { LayeredCore, type LayerMessage, type StreamLayer } from '../src/core/layered-core.ts'
import { resolveOptions } from '../src/core/options.ts'
import { encodeReset, PacketWriter } from '../src/core/packet-writer.ts'
import type { SentPacket } from '../src/core/scoreboard.ts'
import type { SendingState } from '../src/core/statistics.ts'
import type { StreamingCore } from '../src/core/streaming-core.ts'
import type { Incoming, Outgoing } from '../src/core/types.ts'
import { decodePacket } from '../src/packet/decode.ts'
import { ownKey } from '../src/packet/offline-signature.ts'
import { packet } from '../src/packet/packet.ts'
import { encodePacket } from '../src/packet/encode.ts'
import { verifyPacket } from '../src/packet/verify.ts'

const [own, peer] = [1, 2].map(byte => LocalDestination.generate(length => Buffer.alloc(length, byte))) as [LocalDestination,
  LocalDestination]
const identity = { destination: own.destination, signer: { signatureLength: 64, sign: (data: Uint8Array) => own.sign(data) } }

function writerOf (o: { inbound?: boolean, options?: Parameters<typeof resolveOptions>[0] } = {}) {
  return new PacketWriter({
    inbound: o.inbound ?? false,
    peer: peer.destination,
    receiveStreamId: 11,
    sendStreamId: 22,
    config: connectionConfig(resolveOptions(o.options)),
    acknowledgement: { ackThrough: 9, nacks: [4, 6] },
    contiguous: 3
  }, identity)
}

const sent = (o: Partial<SentPacket> = {}): SentPacket => ({
  sequence: 5,
  payload: Buffer.from('data'),
  synchronize: false,
  close: false,
  firstSentAt: 0,
  sentAt: 0,
  order: 0,
  sends: 1,
  immediate: false,
  rate: { delivered: 0, deliveredAt: 0, firstSentAt: 0 },
  lost: false,
  evidence: 0,
  evidenceAt: 0,
  suspectedAt: 0,
  ...o
})
const ACKS = { sendStreamId: 22, receiveStreamId: 11, ackThrough: 9, nacks: [4, 6] }

t.test('a packet of data acknowledges what has come, unsigned', async t => {
  const read = decodePacket(writerOf().data(sent(), undefined))
  t.match(read, { ...ACKS, sequence: 5, synchronize: false, close: false, signed: false, noAck: false, payload: Buffer.from('data') })
  t.strictSame([read.from, read.maxPacketSize, read.delay, read.targetHash, read.profileInteractive], [undefined, undefined, undefined,
    undefined, false])
  t.equal(decodePacket(writerOf().data(sent({ immediate: true }), undefined)).delay, 0, 'the ACK is wanted at once')
  t.equal(decodePacket(writerOf().data(sent({ immediate: true }), 61_000)).delay, 61_000, 'a choke is more urgent')
  t.equal(decodePacket(writerOf({ options: { profile: 2 } }).data(sent(), undefined)).profileInteractive, true)
  for (const [ms, seconds] of [[1_000, 1], [1_400, 1], [1_600, 2], [254_000, 254], [255_000, 255]] as const) {
    t.equal(decodePacket(writerOf({ options: { initialResendDelay: ms } }).data(sent(), undefined)).resendDelay, seconds)
  }
})

t.test('a SYN is signed, introduces us, and names whom it is for; its reply acknowledges up to the first gap', async t => {
  const syn = decodePacket(writerOf({ options: { maxMessageSize: 1_700 } }).data(sent({ sequence: 0, synchronize: true }), undefined))
  t.match(syn, { sequence: 0, synchronize: true, signed: true, noAck: true, maxPacketSize: 1_700, targetHash: peer.destination.hash })
  t.ok(syn.from?.equals(own.destination))
  t.ok(verifyPacket(syn, ownKey(own.destination)))
  t.equal(syn.ackThrough, 0)
  const reply = decodePacket(writerOf({ inbound: true }).data(sent({ sequence: 0, synchronize: true }), undefined))
  t.match(reply, { synchronize: true, signed: true, noAck: false, ackThrough: 3, nacks: [], maxPacketSize: 1_812 })
  t.equal(reply.targetHash, undefined)
  t.ok(reply.from?.equals(own.destination) === true && verifyPacket(reply, ownKey(own.destination)))
})

t.test('a CLOSE and a RESET are signed, a plain ACK is not, a question says who asks', async t => {
  const close = decodePacket(writerOf().data(sent({ close: true }), undefined))
  t.match(close, { ...ACKS, close: true, signed: true, from: undefined })
  t.ok(verifyPacket(close, ownKey(own.destination)))
  const ack = decodePacket(writerOf().ack(7))
  t.match(ack, { ...ACKS, sequence: 0, signed: false, delay: 7, payload: Buffer.alloc(0) })
  t.equal(decodePacket(writerOf().ack(undefined)).delay, undefined)
  const question = decodePacket(writerOf().question())
  t.match(question, {
    sendStreamId: 22,
    receiveStreamId: 11,
    sequence: 0,
    ackThrough: 3,
    nacks: [],
    signed: true,
    synchronize: false,
    reset: false
  })
  t.ok(question.from?.equals(own.destination) === true && verifyPacket(question, ownKey(own.destination)))
  const reset = decodePacket(writerOf().reset())
  t.match(reset, { sendStreamId: 22, receiveStreamId: 11, ackThrough: 9, nacks: [], reset: true, signed: true })
  t.ok(reset.from?.equals(own.destination) === true && verifyPacket(reset, ownKey(own.destination)))
  t.strictSame(encodeReset({ sendStreamId: 22, receiveStreamId: 11, ackThrough: 9 }, identity), writerOf().reset())
})

/** A core and a layer by hand; what they are told is in the log. */
function layered (o: { layer?: boolean, random?: () => number } = {}) {
  const log: unknown[] = []
  const [out, own, up]: [Outgoing[], Outgoing[], LayerMessage[]] = [[], [], []]
  const events: Array<{ stream: number, packets: number }> = []
  const statistics = { timeouts: 0, duplicates: 0, rto: 1_000 }
  const stream = {
    sendingState: { rtt: 300, hasMore: true, isLoaded: false },
    statistics,
    repaired: (now: number, packets: number) => log.push(['repaired', now, packets])
  } as unknown as Connection
  const times: { core: number | undefined, layer: number | undefined } = { core: undefined, layer: undefined }
  const core = {
    receive: (now: number, message: Incoming) => log.push(['core', now, message.payload.toString()]),
    connection: (id: number) => id === 11 ? stream : undefined,
    pollTransmit: () => out.shift(),
    nextTimeout: () => times.core,
    handleTimeout: (now: number) => log.push(['core time', now])
  } as unknown as StreamingCore
  const layer: StreamLayer = {
    offer: () => ({}),
    sent: (now, { payload }, state: SendingState) => {
      log.push(['sent', now, payload.length, state.rtt])
      return 900
    },
    receive: (now, { protocol }) => protocol === 18,
    pollReceived: () => up.shift(),
    pollEvent: () => events.shift(),
    pollTransmit: () => own.shift(),
    nextTimeout: () => times.layer,
    handleTimeout: now => log.push(['layer time', now])
  }
  return { wire: new LayeredCore(core, o.layer === false ? undefined : layer, o.random), log, out, own, up, events, times, statistics }
}

const incoming = (payload: string, protocol?: number): Incoming =>
  ({ fromPort: 1, toPort: 2, payload: Buffer.from(payload), ...(protocol !== undefined && { protocol }) })
const outgoing = (id: number): Outgoing =>
  ({ to: peer.destination, protocol: 6, fromPort: 1, toPort: 2, payload: encodePacket(packet({ receiveStreamId: id })) })

t.test('a layer takes its own messages, and hands up what it has rebuilt', async t => {
  const { wire, log, up, events } = layered()
  wire.receive(1, incoming('own', 18))
  t.strictSame(log.splice(0), [])
  up.push({ ...incoming('rebuilt'), protocol: 6 }, { ...incoming('too'), protocol: 6 })
  events.push({ stream: 11, packets: 2 }, { stream: 99, packets: 5 })
  wire.receive(2, incoming('packet', 6))
  t.strictSame(log.splice(0), [['core', 2, 'packet'], ['core', 2, 'rebuilt'], ['core', 2, 'too'], ['repaired', 2, 2]])
  wire.receive(3, incoming('of no protocol'))
  t.strictSame(log.splice(0), [['core', 3, 'of no protocol']])
  const plain = layered({ layer: false })
  plain.wire.receive(1, incoming('raw', 18))
  t.strictSame(plain.log, [['core', 1, 'raw']])
})

t.test('a layer sees what leaves, says how long it is to be, and sends its own after it', async t => {
  const { wire, log, out, own, up } = layered()
  out.push(outgoing(11), outgoing(99))
  own.push({ ...outgoing(0), protocol: 18 })
  up.push({ ...incoming('rebuilt'), protocol: 6 })
  t.match(wire.pollTransmit(1), { protocol: 6, padTo: 900, switchTunnel: undefined })
  t.strictSame(log.splice(0), [['sent', 1, 22, 300], ['core', 1, 'rebuilt']])
  t.match(wire.pollTransmit(2), { protocol: 6, padTo: 900 })
  t.strictSame(log.splice(0), [['sent', 2, 22, undefined]], 'of no stream')
  t.match(wire.pollTransmit(3), { protocol: 18 })
  t.equal(wire.pollTransmit(4), undefined)
  const plain = layered({ layer: false })
  plain.out.push(outgoing(11))
  t.strictSame(Object.keys(plain.wire.pollTransmit(1)!), ['to', 'protocol', 'fromPort', 'toPort', 'payload'])
  t.equal(plain.wire.pollTransmit(1), undefined)
})

t.test('the sooner time of both', async t => {
  const { wire, log, times } = layered()
  const next = (core: number | undefined, layer: number | undefined): number | undefined => {
    Object.assign(times, { core, layer })
    return wire.nextTimeout()
  }
  t.strictSame([next(undefined, undefined), next(5, undefined), next(undefined, 6), next(5, 6), next(7, 6)], [undefined, 5, 6, 5, 6])
  wire.handleTimeout(9)
  t.strictSame(log, [['core time', 9], ['layer time', 9]])
  const plain = layered({ layer: false })
  plain.times.core = 5
  plain.times.layer = 1
  t.equal(plain.wire.nextTimeout(), 5)
  plain.wire.handleTimeout(9)
  t.strictSame(plain.log, [['core time', 9]])
})

t.test('a stalled stream asks for another tunnel, where that was wanted, and remembers that it did', async t => {
  const { wire, out, statistics } = layered({ random: () => 0 })
  const asks = (now: number, id = 11): boolean => {
    out.push(outgoing(id))
    return wire.pollTransmit(now)?.switchTunnel === true
  }
  t.notOk(asks(0))
  statistics.timeouts = 1
  t.strictSame([asks(1), asks(2), asks(3, 99)], [true, false, false])
  statistics.timeouts = 2
  t.strictSame([asks(9_999), asks(10_001)], [false, true], 'once in ten seconds')
  const never = layered()
  never.out.push(outgoing(11))
  never.statistics.timeouts = 1
  t.equal(never.wire.pollTransmit(1)?.switchTunnel, undefined)
})
