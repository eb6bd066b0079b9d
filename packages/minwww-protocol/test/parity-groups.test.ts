/** Which packets are covered together and by how much, and what comes back: one stream, both of its ends (section 9.1). */
import t from 'tap'
import { parityFor } from '../src/index.ts'
import { expectedLosses } from '../src/choice.ts'
import type { GroupMessage } from '../src/parity/messages.ts'
import { PacketLoss } from '../src/parity/packet-loss.ts'
import { KEPT_PACKETS, MAX_GROUPS, ReceivingStream } from '../src/parity/receiving.ts'
import { SendingStream, type Parity, type StreamState } from '../src/parity/sending.ts'
import { readStreamPacket, type StreamPacket } from '../src/parity/stream-packet.ts'
import { encodeGroup } from '../src/parity/symbols.ts'

const IDS = { own: 2, remote: 1 }
const data = (sequence: number, length = 1_000): StreamPacket =>
  ({ kind: 'data', to: 2, from: 1, sequence, body: Buffer.alloc(length, `${sequence} `) })
const QUIET: StreamState = { rtt: 400, hasMore: false, isLoaded: false }
const MORE: StreamState = { ...QUIET, hasMore: true }

/** A stream that sends packets, and the groups that end. */
function sender (known = 0.1) {
  const stream = new SendingStream()
  const loss = new PacketLoss(known)
  const send = (now: number, sequence: number, state = QUIET, packet = data(sequence)): Parity[] => stream.sent(now, packet, 2, state, loss)
  const sendAll = (now: number, first: number, last: number, state = QUIET): Parity[] =>
    Array.from({ length: last - first + 1 }, (_, i) => send(now, first + i, state)).flat()
  return { stream, loss, send, sendAll }
}

/** First packet and number of packets of each group. */
const rows = (groups: readonly Parity[]): number[][] => groups.map(({ first, count }) => [first, count])

t.test('a group ends after 20 ms in which nothing more was to be sent', async t => {
  const { stream, send } = sender()
  t.strictSame([stream.nextTimeout(), rows(stream.handleTimeout(0))], [undefined, []])
  t.strictSame([send(100, 1), send(110, 2)], [[], []])
  t.equal(stream.nextTimeout(), 130)
  t.strictSame([rows(stream.handleTimeout(129)), rows(stream.handleTimeout(130))], [[], [[1, 2]]])
  t.equal(stream.nextTimeout(), undefined)
})

t.test('on a short path a group ends sooner, unless that was too soon before', async t => {
  const short = { ...QUIET, rtt: 100 }
  const ends = (rtt: number | undefined): number => {
    const { stream, send } = sender()
    send(0, 1, { ...QUIET, rtt })
    return stream.nextTimeout()!
  }
  t.strictSame([undefined, 2_000, 400, 200, 100, 20, 0].map(ends), [20, 20, 20, 10, 5, 5, 5])
  const { stream, send } = sender()
  send(100, 1, short)
  t.strictSame(rows(stream.handleTimeout(105)), [[1, 1]])
  send(119, 2, short)
  t.equal(stream.nextTimeout(), 139, 'more came within 20 ms')
  send(127, 3, short)
  t.strictSame(rows(stream.handleTimeout(147)), [[2, 2]])
  send(150, 4, short)
  t.equal(stream.nextTimeout(), 155, 'that was the end')
  send(152, 3, short)
  t.strictSame(rows(stream.handleTimeout(155)), [[4, 1]])
  t.equal(stream.nextTimeout(), 172, 'what is sent again comes as its losses are found')
})

t.test('a site that sends in small pieces has no parity for each of them', async t => {
  const { stream } = sender(0)
  const loss = new PacketLoss(0.01)
  let symbols = 0
  const sum = (groups: readonly Parity[]): void => { for (const { r } of groups) symbols += r }
  for (let now = 0, sequence = 1; sequence <= 240; now++) {
    sum(stream.handleTimeout(now))
    if (now % 8 === 0) sum(stream.sent(now, data(sequence++), 2, { ...QUIET, rtt: 100 }, loss))
  }
  t.ok(symbols <= 36, `${symbols} for 240 packets`)
})

t.test('while more waits a group of eight ends after a quarter of the round trip', async t => {
  const { stream, sendAll, send } = sender()
  sendAll(100, 1, 7, MORE)
  t.equal(stream.nextTimeout(), undefined, 'fewer wait')
  send(100, 8, MORE)
  t.equal(stream.nextTimeout(), 200)
  send(100, 9, { ...MORE, rtt: 60 })
  t.equal(stream.nextTimeout(), 120, 'twenty milliseconds at least')
  send(100, 10, { ...MORE, rtt: undefined })
  t.equal(stream.nextTimeout(), 120)
})

t.test('48 packets are a group, and 24 that took a quarter of the round trip', async t => {
  const full = sender()
  t.strictSame(rows(full.sendAll(0, 1, 47, MORE)), [])
  t.strictSame(rows(full.send(0, 48, MORE)), [[1, 48]])
  t.strictSame(rows(full.sendAll(0, 49, 96, MORE)), [[49, 48]])
  const lasting = sender()
  lasting.send(0, 1, MORE)
  t.strictSame(rows(lasting.sendAll(99, 2, 25, MORE)), [], 'it has not lasted so long')
  t.strictSame(rows(lasting.send(100, 26, MORE)), [[1, 26]])
  const few = sender()
  few.send(0, 1, MORE)
  t.strictSame(rows(few.sendAll(200, 2, 23, MORE)), [])
  t.strictSame(rows(few.send(200, 24, MORE)), [[1, 24]])
  const unknown = sender()
  unknown.send(0, 1, { ...MORE, rtt: undefined })
  t.strictSame(rows(unknown.sendAll(9_000, 2, 47, { ...MORE, rtt: undefined })), [], 'a round trip that nobody knows')
})

t.test('only consecutive packets are covered together, and what opens or resets a stream is not', async t => {
  const { send } = sender()
  send(0, 1)
  send(0, 2)
  t.strictSame(rows(send(0, 4)), [[1, 2]], 'one is missing')
  t.strictSame(rows(send(0, 5, QUIET, data(5, 1_774))), [[4, 1]], 'one that is too large for a symbol')
  t.strictSame(rows(send(0, 6)), [])
  const closing = { ...data(7), kind: 'close' } as const
  t.strictSame(rows([...send(0, 7, QUIET, closing), ...send(0, 9)]), [[6, 2]], 'a CLOSE is one of them')
})

t.test('what is sent again makes groups of its own', async t => {
  const { stream, send, loss } = sender(0)
  send(0, 1)
  send(0, 2)
  t.equal(loss.seen, 0)
  send(5, 1)
  t.ok(loss.seen > 0, 'it was lost')
  send(6, 3)
  send(7, 2)
  t.equal(stream.nextTimeout(), 26)
  t.strictSame(rows(stream.handleTimeout(26)), [[1, 3]])
  t.equal(stream.nextTimeout(), 27)
  t.strictSame(rows(stream.handleTimeout(27)), [[1, 2]])
})

t.test('how much: r of section 5 with 1.25 times the loss; behind a queue only what is likely', async t => {
  const r = (count: number, state: StreamState, known: number): number => {
    const { stream, sendAll } = sender(known)
    const ended = sendAll(0, 1, count, state)
    return [...ended, ...stream.handleTimeout(1_000)][0]?.r ?? 0
  }
  /** The estimate after so many packets, as PacketLoss says. */
  const lossOf = (count: number, known: number): number => {
    const loss = new PacketLoss(known)
    for (let i = 0; i < count; i++) loss.sent(2)
    return loss.value
  }
  const p = lossOf(48, 0.08)
  t.equal(r(48, MORE, 0.08), parityFor(48, 1.25 * p, 2))
  const v = expectedLosses(48, 0.08, 2)
  t.equal(r(48, { ...MORE, isLoaded: true }, 0.08), Math.floor(v), 'what a queue drops is not counted')
  t.equal(r(48, { ...QUIET, isLoaded: true }, 0.08), Math.min(Math.round(v + Math.sqrt(v)), parityFor(48, 0.08, 2)))
  const earlier = expectedLosses(48, p, 2)
  t.equal(r(48, { ...MORE, wasLoaded: true }, 0.08), Math.floor(earlier))
  t.equal(r(48, QUIET, 0), 0)
  t.equal(r(2, { ...QUIET, isLoaded: true }, 0.12), Math.round(expectedLosses(2, 0.12, 2) + Math.sqrt(expectedLosses(2, 0.12, 2))))
})

t.test('the longest packet of a group says how many tunnel messages its symbols take', async t => {
  const { stream, send } = sender(0.08)
  for (let i = 1; i <= 10; i++) send(0, i, QUIET, data(i, i === 4 ? 900 : 10))
  const [group] = stream.handleTimeout(100)
  const loss = new PacketLoss(0.08)
  for (let i = 0; i < 10; i++) loss.sent(2)
  t.equal(group?.r, parityFor(10, 1.25 * loss.value, 2))
  const short = sender(0.08)
  for (let i = 1; i <= 10; i++) short.send(0, i, QUIET, data(i, 10))
  t.equal(short.stream.handleTimeout(100)[0]?.r, parityFor(10, 1.25 * loss.value, 1))
})

t.test('its symbols are those of its packets, and leave as these did, five milliseconds apart at most', async t => {
  const { stream, send } = sender()
  for (let i = 0; i < 4; i++) send(2 * i, i + 1)
  const [group] = stream.handleTimeout(100)
  const { parity } = encodeGroup([1, 2, 3, 4].map(sequence => data(sequence)))
  t.strictSame([group?.symbol(0), group?.symbol(1), group?.spacing], [parity(0), parity(1), 1.5])
  const slow = sender()
  for (let i = 0; i < 4; i++) slow.send(19 * i, i + 1)
  t.equal(slow.stream.handleTimeout(100)[0]?.spacing, 5)
})

t.test('where a path holds fewer packets than a flight, only the end of what was written is covered', async t => {
  const { stream, sendAll } = sender()
  t.strictSame(rows(sendAll(0, 1, 48, { ...MORE, held: 6 })), [], '1.25 times 6 is below 8')
  sendAll(0, 49, 70, { ...QUIET, held: 6 })
  t.strictSame(rows(stream.handleTimeout(100)), [[62, 9]], '7.5, and one')
  const wide = sender()
  t.strictSame(rows(wide.sendAll(0, 1, 48, { ...MORE, held: 6.4 })), [[40, 9]])
})

t.test('behind a queue nothing covers what is sent again while more is to come', async t => {
  const again = (state: StreamState): number[][] => {
    const { stream, sendAll } = sender()
    sendAll(0, 1, 48, MORE)
    sendAll(0, 1, 20, state)
    sendAll(0, 30, 31, state)
    return rows(stream.handleTimeout(1_000))
  }
  t.strictSame(again({ ...MORE, isLoaded: true }), [])
  t.strictSame(again({ ...MORE, wasLoaded: true }), [])
  t.strictSame(again({ ...QUIET, isLoaded: true }), [[30, 2]])
  t.strictSame(again(MORE), [[30, 2]])
})

t.test('what the peer tells is counted once, and only if it can be true', async t => {
  const { stream, sendAll, loss } = sender(0)
  t.equal(stream.told(0, 0, 0), 0)
  sendAll(0, 1, 10)
  const before = loss.seen
  t.equal(stream.told(3, 2, 0), 2)
  t.ok(loss.seen > before)
  const two = loss.seen
  t.equal(stream.told(3, 5, 0), 0, 'the same message')
  t.equal(stream.told(2, 5, 0), 0, 'an older one')
  t.equal(stream.told(4, 11, 0), 0, 'more than were sent')
  t.equal(stream.told(4, 1, 0), 0, 'fewer than before')
  t.equal(loss.seen, two)
  t.equal(stream.told(4, 2, 2), 0, 'what came twice was not lost')
  t.equal(loss.seen, before)
  t.equal(stream.told(5, 4, 1), 0, 'fewer came twice than before')
  t.equal(stream.told(5, 10, 2), 8)
  const ten = loss.seen
  sendAll(0, 11, 12, { ...QUIET, isLoaded: true })
  t.equal(stream.told(6, 12, 2), 2, 'the window is told of what a queue dropped')
  t.equal(loss.seen, ten, 'which is nothing of the path')
  t.equal(stream.told(7, 12, 3), 0)
  t.ok(loss.seen < ten)
})

/** The symbols of packets that were sent, as messages. */
function groupOf (packets: readonly StreamPacket[], indexes: readonly number[], o: Partial<GroupMessage> = {}): GroupMessage[] {
  const { parity } = encodeGroup(packets)
  const common = {
    kind: 'group',
    channel: Buffer.alloc(8),
    number: 0,
    to: 2,
    from: 1,
    first: packets[0]!.sequence,
    count: packets.length
  } as const
  return indexes.map(index => ({ ...common, index, symbol: parity(index), ...o }))
}

const numbers = (packets: readonly Buffer[]): number[] => packets.map(bytes => readStreamPacket(bytes)!.sequence)

t.test('what is missing comes back with as many symbols, whichever comes last', async t => {
  const packets = [1, 2, 3, 4].map(sequence => data(sequence))
  const [first, second, third] = groupOf(packets, [0, 1, 7])
  const stream = new ReceivingStream()
  t.strictSame([stream.received(0, packets[0]!, IDS), stream.bytes], [[], 1_000])
  t.strictSame([stream.parity(10, first!, IDS), stream.parity(10, second!, IDS), stream.bytes], [[], [], 1_000 + 2 * 1_007])
  t.strictSame(stream.parity(10, second!, IDS), [], 'the same one again')
  t.equal(stream.tellAt, undefined)
  t.strictSame(numbers(stream.parity(100, third!, IDS)), [2, 3, 4])
  t.strictSame([stream.rebuilt, stream.repeated, stream.tellAt, stream.bytes], [3, 0, 125, 4_000])
  t.strictSame(stream.parity(200, first!, IDS), [], 'nothing is missing any more')
  t.equal(stream.bytes, 4_000)
  const other = new ReceivingStream()
  for (const symbol of [first!, second!]) other.parity(0, symbol, IDS)
  other.received(0, packets[3]!, IDS)
  t.strictSame(numbers(other.received(1, packets[0]!, IDS)), [2, 3], 'a packet as the last')
  t.strictSame(other.received(2, data(9), IDS), [])
})

t.test('what comes twice is told a little later', async t => {
  const stream = new ReceivingStream()
  stream.received(0, data(1), IDS)
  t.strictSame([stream.received(5, data(1), IDS), stream.repeated, stream.tellAt, stream.bytes], [[], 1, 255, 1_000])
  stream.received(6, data(1), IDS)
  t.strictSame([stream.repeated, stream.tellAt], [2, 255], 'the first of them counts')
  stream.parity(7, groupOf([data(2)], [0])[0]!, IDS)
  t.equal(stream.tellAt, 32, 'what was rebuilt is told sooner')
})

t.test('symbols that no honest end sends are not kept', async t => {
  const [group] = groupOf([data(1), data(2)], [0])
  for (const o of [
    { first: 0 }, { count: 0 }, { count: 49 }, { index: 64 }, { index: 255 }, { symbol: Buffer.alloc(6) }, { symbol: Buffer.alloc(1_781) },
    { first: 0xffffffff, count: 2 }, { first: 0xfffffffe, count: 2 }
  ]) {
    const stream = new ReceivingStream()
    t.strictSame([stream.parity(0, { ...group!, ...o }, IDS), stream.bytes], [[], 0], JSON.stringify(o).slice(0, 40))
  }
  for (const o of [{ count: 48 }, { index: 63 }, { symbol: Buffer.alloc(7) }, { symbol: Buffer.alloc(1_780) }, {
    first: 0xfffffffd,
    count: 2
  }]) {
    const stream = new ReceivingStream()
    stream.parity(0, { ...group!, ...o }, IDS)
    t.equal(stream.bytes, { ...group!, ...o }.symbol.length, JSON.stringify(o).slice(0, 40))
  }
  const stream = new ReceivingStream()
  stream.parity(0, group!, IDS)
  t.strictSame(stream.parity(0, { ...group!, index: 1, symbol: Buffer.alloc(90) }, IDS), [], 'of another length than the first')
  t.equal(stream.bytes, group!.symbol.length)
})

t.test('a group whose packets are others than those that were covered is dropped', async t => {
  const stream = new ReceivingStream()
  stream.received(0, { ...data(1), body: Buffer.from('other') }, IDS)
  const [symbol] = groupOf([data(1), data(2)], [0])
  t.strictSame([stream.parity(0, symbol!, IDS), stream.rebuilt, stream.bytes, stream.tellAt], [[], 0, 5, undefined])
})

t.test('four groups of a stream wait, and 256 packets below the highest', async t => {
  const stream = new ReceivingStream()
  const group = (first: number): GroupMessage => groupOf([data(first), data(first + 1)], [0])[0]!
  for (let i = 0; i < MAX_GROUPS; i++) stream.parity(0, group(1 + 2 * i), IDS)
  t.equal(stream.bytes, 4 * 1_007)
  stream.parity(0, group(9), IDS)
  t.equal(stream.bytes, 4 * 1_007, 'the oldest goes')
  t.strictSame(stream.received(0, data(1), IDS), [])
  t.strictSame(numbers(stream.received(0, data(3), IDS)), [4])
  const kept = new ReceivingStream()
  for (let sequence = 1; sequence <= KEPT_PACKETS; sequence++) kept.received(0, data(sequence, 10), IDS)
  t.equal(kept.bytes, 2_560)
  kept.received(0, data(257, 10), IDS)
  t.equal(kept.bytes, 2_560, 'the first one is too old')
  kept.received(0, data(1, 10), IDS)
  t.strictSame([kept.bytes, kept.repeated], [2_560, 0])
  t.strictSame([kept.parity(0, group(1), IDS), kept.bytes], [[], 2_560])
  kept.received(0, data(300, 10), IDS)
  t.equal(kept.bytes, 2_140, 'from 45 on')
  kept.forget()
  t.strictSame([kept.bytes, kept.rebuilt], [0, 0])
  t.strictSame([kept.received(0, data(290, 10), IDS), kept.bytes], [[], 10])
})
