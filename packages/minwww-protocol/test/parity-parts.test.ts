/** The parts of parity one by one, by section 9.1; parity.test.ts has them together. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { ErasureEncoder, sessionKeys } from '../src/index.ts'
import { computeTag } from '../src/keys.ts'
import { Channel } from '../src/parity/channel.ts'
import { Channels, MAX_CHANNELS } from '../src/parity/channels.ts'
import { decodeParity, encodeParity, helloOf, isParity } from '../src/parity/messages.ts'
import { PacketLoss } from '../src/parity/packet-loss.ts'
import { MAX_STRAYS, Strays } from '../src/parity/strays.ts'
import { readStreamPacket, writeDataPacket, type StreamPacket } from '../src/parity/stream-packet.ts'
import { decodeGroup, encodeGroup, isCovered, MAX_SYMBOL, PARITY_PAYLOAD, symbolLength } from '../src/parity/symbols.ts'
import { MAX_WATCHED, WatchedStreams, type WatchedStream } from '../src/parity/watched.ts'

const KEYS = sessionKeys(Buffer.alloc(16, 3))
const IDS = { own: 2, remote: 1 }
const PORTS = { fromPort: 80, toPort: 4480 }
const [SYN, CLOSE, RESET, SIGNED, ECHO] = [0x0001, 0x0002, 0x0004, 0x0008, 0x0200]
const MALFORMED = { name: 'ProtocolError', code: 'MINWWW_MALFORMED' }
const near = (actual: number, expected: number): boolean => Math.abs(actual - expected) < 1e-9
const data = (sequence: number, length = 100): StreamPacket =>
  ({ kind: 'data', to: 2, from: 1, sequence, body: Buffer.alloc(length, `${sequence} `) })

t.test('where the fields of each message are', async t => {
  const hex = (message: Parameters<typeof encodeParity>[0], end: number): string => encodeParity(message, KEYS.client).toString('hex', 0,
    end)
  const session = KEYS.session.toString('hex')
  const common = { channel: KEYS.session, number: 0x01020304 }
  const secret = Buffer.from('a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', 'hex')
  t.equal(hex({ kind: 'hello', ...common, secret, stream: 0x0a0b0c0d }, 34), `1b00${session}01020304${secret.toString('hex')}0a0b0c0d`)
  const ids = { to: 0x11121314, from: 0x21222324 }
  const group = { kind: 'group', ...common, ...ids, first: 0x31323334, count: 5, index: 6, symbol: Buffer.from('cafe07', 'hex') } as const
  t.equal(hex(group, 33), `1b01${session}01020304111213142122232431323334${'05'}${'06'}${'0003'}cafe07`)
  t.equal(hex({ kind: 'repairs', ...common, ...ids, rebuilt: 7, repeated: 2 ** 32 + 8 }, 30),
    `1b02${session}010203041112131421222324${'00000007'}${'00000008'}`)
  t.strictSame(decodeParity(encodeParity(group, KEYS.client), KEYS.client), group)
  const bytes = encodeParity(group, KEYS.client)
  t.strictSame(bytes.subarray(-8), computeTag(KEYS.client, bytes.subarray(0, -8)))
})

t.test('what is no message of parity, whatever its tag', async t => {
  const bytes = encodeParity({ kind: 'repairs', channel: KEYS.session, number: 1, to: 1, from: 2, rebuilt: 3, repeated: 4 }, KEYS.client)
  t.strictSame([bytes, bytes.subarray(0, 22), bytes.subarray(0, 21), Buffer.alloc(0)].map(isParity), [true, true, false, false])
  for (const first of [0x1a, 0x2b, 0x0b]) {
    const other = Buffer.from(bytes)
    other[0] = first
    t.notOk(isParity(other))
    t.throws(() => decodeParity(other, KEYS.client), MALFORMED)
  }
  const tagged = (kind: number, length: number, change: (content: Buffer) => void = () => {}): Buffer => {
    const content = Buffer.alloc(length)
    bytes.copy(content, 0, 0, 14)
    content[1] = kind
    change(content)
    return Buffer.concat([content, computeTag(KEYS.client, content)])
  }
  t.throws(() => decodeParity(tagged(3, 60), KEYS.client), { ...MALFORMED, message: 'kind 3' })
  for (const [kind, end] of [[0, 34], [1, 30], [2, 30]] as const) {
    t.throws(() => decodeParity(tagged(kind, end - 1), KEYS.client), { ...MALFORMED, message: 'message is cut' }, `kind ${kind}`)
    t.doesNotThrow(() => decodeParity(tagged(kind, end), KEYS.client), `kind ${kind}`)
  }
  const symbol = (length: number): Buffer => tagged(1, 35, content => content.writeUInt16BE(length, 28))
  t.doesNotThrow(() => decodeParity(symbol(5), KEYS.client))
  t.throws(() => decodeParity(symbol(6), KEYS.client), { ...MALFORMED, message: 'symbol is cut' })
  t.throws(() => decodeParity(bytes, KEYS.server), { name: 'ProtocolError', code: 'MINWWW_BAD_TAG', message: 'wrong tag' })
  const hello = tagged(0, 34, content => content.fill(7, 14, 30).writeUInt32BE(99, 30))
  t.match(helloOf(hello), { kind: 'hello', channel: KEYS.session, number: 1, secret: Buffer.alloc(16, 7), stream: 99 })
  t.equal(helloOf(hello.subarray(0, -1)), undefined)
  t.equal(helloOf(tagged(1, 34)), undefined)
  t.equal(helloOf(Buffer.concat([Buffer.of(0x1a), hello.subarray(1)])), undefined)
})

/** A packet of the streaming protocol, field by field. */
function packetOf ({ to = 2, from = 1, sequence = 5, nacks = 0, flags = 0, options = 0, payload = 'payload' } = {}): Buffer {
  const head = Buffer.alloc(17)
  for (const [at, value] of [to, from, sequence, 77].entries()) head.writeUInt32BE(value, 4 * at)
  head.writeUInt8(nacks, 16)
  const rest = Buffer.alloc(5)
  rest.writeUInt8(9, 0)
  rest.writeUInt16BE(flags, 1)
  rest.writeUInt16BE(options, 3)
  return Buffer.concat([head, Buffer.alloc(4 * nacks, 8), rest, Buffer.alloc(options, 7), Buffer.from(payload)])
}

t.test('what is read of a packet of a stream', async t => {
  t.strictSame(readStreamPacket(packetOf({ to: 0xfffefdfc, from: 0x01020304, sequence: 0x05060708 })),
    { kind: 'data', to: 0xfffefdfc, from: 0x01020304, sequence: 0x05060708, body: Buffer.from('payload') })
  for (const [nacks, options] of [[0, 0], [3, 0], [0, 4], [255, 600]] as const) {
    const bytes = packetOf({ nacks, options })
    t.strictSame(readStreamPacket(bytes)?.body, Buffer.from('payload'), `${nacks} NACKs, ${options} bytes of options`)
    const empty = packetOf({ nacks, options, payload: '' })
    t.equal(readStreamPacket(empty)?.body.length, 0)
    t.equal(readStreamPacket(empty.subarray(0, -1)), undefined, 'cut')
  }
  t.equal(readStreamPacket(packetOf({ nacks: 1 }).subarray(0, 25)), undefined, 'no room behind the NACKs')
  for (const [flags, sequence, kind] of [
    [0, 1, 'data'], [0, 0, 'other'], [SYN, 0, 'syn'], [SYN | SIGNED, 0, 'syn'], [CLOSE, 4, 'close'], [CLOSE | SIGNED, 4, 'close'], [CLOSE,
      0, 'other'],
    [SIGNED, 4, 'other'], [RESET, 4, 'other'], [RESET | SYN, 0, 'other'], [RESET | CLOSE, 4, 'other'], [ECHO, 4, 'other'], [ECHO | SYN, 0,
      'other'],
    [0x0400, 4, 'data'], [0x0080, 4, 'data']
  ] as const) {
    const bytes = packetOf({ flags, sequence })
    t.match(readStreamPacket(bytes), { kind, sequence, body: kind === 'close' ? bytes : Buffer.from('payload') }, `${flags} ${sequence}`)
  }
})

t.test('a rebuilt packet has both ids, its number, NO_ACK and its payload', async t => {
  const bytes = writeDataPacket({ to: 0x01020304, from: 0x11121314, sequence: 0x21222324, body: Buffer.from('cafe', 'hex') })
  t.equal(bytes.toString('hex'), '01020304' + '11121314' + '21222324' + '00000000' + '00' + '00' + '0400' + '0000' + 'cafe')
})

/** Section 9.1: length u16, kind u8, the first 4 bytes of the hash, body, zeros. */
function symbolOf (kind: number, from: number, sequence: number, body: Buffer, length: number, says = body.length): Buffer {
  const hashed = Buffer.alloc(9)
  hashed.writeUInt32BE(from, 0)
  hashed.writeUInt32BE(sequence, 4)
  hashed.writeUInt8(kind, 8)
  const symbol = Buffer.alloc(length)
  symbol.writeUInt16BE(says, 0)
  symbol.writeUInt8(kind, 2)
  createHash('sha256').update(hashed).update(body).digest().copy(symbol, 3, 0, 4)
  body.copy(symbol, 7)
  return symbol
}

t.test('parity is over symbols of length, kind, hash and body, with zeros up to the longest', async t => {
  const closing = packetOf({ sequence: 6, flags: CLOSE | SIGNED })
  const packets = [data(5, 300), readStreamPacket(closing)!, data(7, 20)]
  const { symbolLength: length, parity } = encodeGroup(packets)
  t.equal(length, 307)
  const object = Buffer.concat([
    symbolOf(0, 1, 5, packets[0]!.body, 307), symbolOf(1, 1, 6, closing, 307), symbolOf(0, 1, 7, packets[2]!.body, 307)
  ])
  const expected = new ErasureEncoder(object, 307)
  for (const index of [0, 1, 63]) t.strictSame(parity(index), expected.symbol(3 + index), `symbol ${3 + index}`)
  const symbols = new Map([0, 4].map(index => [index, parity(index)]))
  const rebuilt = decodeGroup(IDS, 5, 307, [undefined, undefined, packets[2]], symbols)
  t.strictSame(rebuilt?.get(0), writeDataPacket({ ...packets[0]!, to: 2 }))
  t.strictSame(rebuilt?.get(1), closing)
  t.strictSame([...rebuilt?.keys() ?? []], [0, 1], 'only what was missing')
  t.equal(decodeGroup(IDS, 5, 307, [undefined, undefined, packets[2]], new Map([[0, parity(0)]])), undefined, 'one is not enough')
  t.equal(decodeGroup(IDS, 5, 307, [undefined, undefined, data(7, 301)], symbols), undefined, 'longer than any that was covered')
  t.equal(decodeGroup(IDS, 6, 307, [undefined, undefined, packets[2]], symbols), undefined, 'other numbers')
})

t.test('a symbol that came out of parity is a packet, or nothing', async t => {
  const rebuilt = (symbol: Buffer): Buffer | undefined =>
    decodeGroup(IDS, 5, symbol.length, [undefined], new Map([[0, new ErasureEncoder(symbol, symbol.length).symbol(1)]]))?.get(0)
  const body = Buffer.from('body')
  t.strictSame(rebuilt(symbolOf(0, 1, 5, body, 20)), writeDataPacket({ to: 2, from: 1, sequence: 5, body }))
  t.strictSame(rebuilt(symbolOf(0, 1, 5, body, 11)), writeDataPacket({ to: 2, from: 1, sequence: 5, body }), 'without a zero behind it')
  t.equal(rebuilt(symbolOf(0, 1, 5, body, 11, 5)), undefined, 'longer than it is')
  t.equal(rebuilt(symbolOf(0, 1, 6, body, 20)), undefined, 'the hash of another number')
  t.equal(rebuilt(symbolOf(0, 3, 5, body, 20)), undefined, 'the hash of another stream')
  t.equal(rebuilt(symbolOf(2, 1, 5, body, 20)), undefined, 'a kind that is none')
  const close = (o: Parameters<typeof packetOf>[0]): Buffer => packetOf({ flags: CLOSE, ...o })
  const closed = (packet: Buffer): Buffer | undefined => rebuilt(symbolOf(1, 1, 5, packet, 60))
  t.strictSame(closed(close({})), close({}))
  t.strictSame(closed(close({ to: 0 })), close({ to: 0 }), 'before its sender knew our id')
  t.equal(closed(close({ to: 3 })), undefined)
  t.equal(closed(close({ from: 3 })), undefined)
  t.equal(closed(close({ sequence: 6 })), undefined)
  t.equal(closed(packetOf({})), undefined, 'no CLOSE')
  t.equal(closed(body), undefined, 'no packet')
})

t.test('what can be covered', async t => {
  t.equal(MAX_SYMBOL, 1_780)
  t.equal(PARITY_PAYLOAD, 1_773)
  const covered = (kind: StreamPacket['kind'], length: number): boolean => isCovered({ ...data(1, length), kind })
  t.strictSame([covered('data', 1_773), covered('close', 1_773), covered('data', 1_774), covered('close', 1_774)], [true, true, false,
    false])
  t.strictSame([covered('syn', 10), covered('other', 10), symbolLength(data(1, 10))], [false, false, 17])
})

t.test('two ends of a channel understand each other, and nobody else', async t => {
  const secret = Buffer.alloc(16, 3)
  const [client, exit] = [new Channel('exit', secret, 'client', 0.2), new Channel('client', Buffer.from(secret), 'exit')]
  t.strictSame([client.peer, client.label, client.loss.seen, exit.loss.value], ['exit', KEYS.session.toString('hex'), 0.2, 0.01])
  t.strictSame([client.heardAt, client.greetings], [-Infinity, 0])
  const hello = client.encode({ kind: 'hello', stream: 7 })
  t.strictSame(exit.decode(1_000, hello), { kind: 'hello', channel: KEYS.session, number: 0, secret, stream: 7 })
  const repairs = { kind: 'repairs', to: 1, from: 2, rebuilt: 3, repeated: 4 } as const
  t.match(exit.decode(1_001, client.encode(repairs)), { ...repairs, number: 1 }, 'each end counts its own')
  t.equal(exit.heardAt, 1_001)
  client.greetings = 3
  t.equal(client.decode(1_002, hello), undefined, 'its own message')
  t.strictSame([client.heardAt, client.greetings], [-Infinity, 3])
  t.match(client.decode(1_003, exit.encode(repairs)), { ...repairs, number: 0 })
  t.strictSame([client.heardAt, client.greetings], [1_003, 0])
})

t.test('a peer has one channel, and those that are used remain', async t => {
  const channels = new Channels<{ b32: string }>()
  let secrets = 0
  const channel = (b32: string) => {
    const secret = Buffer.alloc(16)
    secret.writeUInt32BE(++secrets, 0)
    return new Channel({ b32 }, secret, 'client')
  }
  const [first, second] = [channel('a'), channel('a')]
  t.strictSame([channels.size, channels.has({ b32: 'a' }), channels.use({ b32: 'a' })], [0, false, undefined])
  channels.add(first)
  t.strictSame([channels.size, channels.has({ b32: 'a' }), channels.use({ b32: 'a' })?.label], [1, true, first.label])
  t.equal(channels.labelled(first.label), first)
  channels.add(second)
  t.strictSame([channels.size, channels.labelled(first.label), channels.labelled(second.label)], [1, undefined, second])
})

t.test('there are so many channels', async t => {
  const channels = new Channels<{ b32: string }>()
  const secret = Buffer.alloc(16)
  const channel = (number: number) => {
    secret.writeUInt32BE(number, 0)
    return new Channel({ b32: `${number}` }, Buffer.from(secret), 'client')
  }
  for (let i = 0; i < MAX_CHANNELS; i++) channels.add(channel(i))
  t.equal(channels.size, MAX_CHANNELS)
  channels.use({ b32: '0' })
  channels.add(channel(MAX_CHANNELS))
  t.strictSame([channels.size, ...[0, 1, 2].map(number => channels.has({ b32: `${number}` }))], [MAX_CHANNELS, true, false, true])
})

t.test('loss of what is sent: half as much after 800 tunnel messages, and an assumption that goes sooner', async t => {
  const assumed = new PacketLoss()
  t.strictSame([assumed.value, assumed.seen], [0.01, 0])
  assumed.sent(50)
  t.ok(near(assumed.value, 0.005))
  assumed.sent(100)
  t.ok(near(assumed.value, 0.00125))
  const known = new PacketLoss(0.02)
  t.strictSame([known.value, known.seen], [0.02, 0.02])
  known.sent(800)
  t.ok(near(known.seen, 0.5 / 825), 'what was known weighs as 50')
  known.lost(3)
  t.ok(near(known.seen, 3.5 / 825) && known.value === known.seen)
  known.lost(1e9)
  t.equal(known.seen, 1, 'no more than was sent')
  const over = new PacketLoss(0)
  over.lost(-200)
  t.equal(over.seen, 0)
  over.lost(50)
  t.equal(over.seen, 0, 'what came twice is taken off, fifty at most')
  over.lost(5)
  t.ok(near(over.seen, 0.1))
})

t.test('messages of nobody wait for three seconds, 64 of them, 128 KiB in all', async t => {
  const strays = new Strays()
  const at = (now: number, length = 10): Buffer => {
    const bytes = Buffer.alloc(length, `${now}`)
    strays.add(now, bytes)
    return bytes
  }
  const [first, second] = [at(0), at(1)]
  t.equal(strays.size, 2)
  t.strictSame(strays.take(3_000), [first, second])
  t.strictSame([strays.size, strays.take(3_000)], [0, []], 'they are taken once')
  at(0)
  const later = at(1)
  t.strictSame(strays.take(3_001), [later])
  at(0)
  at(3_000)
  t.equal(strays.size, 2)
  at(3_001)
  t.equal(strays.size, 2, 'too old')
  strays.take(9_000)
  at(0, 131_073)
  t.equal(strays.size, 0, 'larger than all may be')
  at(0, 131_072)
  t.equal(strays.size, 1)
  const small = at(1, 1)
  t.strictSame([strays.size, strays.take(1)], [1, [small]], 'the oldest makes room')
  at(2, 131_072)
  t.equal(strays.size, 1, 'what was taken takes no room')
  strays.take(2)
  const all = Array.from({ length: MAX_STRAYS + 1 }, () => at(3))
  t.equal(strays.size, 64)
  t.strictSame(strays.take(3), all.slice(1))
})

t.test('streams are found by the id that the sender knows, and belong to one peer', async t => {
  type Peer = { b32: string }
  const dropped: Array<WatchedStream<Peer>> = []
  const streams = new WatchedStreams<Peer>(stream => dropped.push(stream))
  const channel = (b32: string) => new Channel<Peer>({ b32 }, Buffer.alloc(16, b32), 'client')
  const [a, b] = [channel('a'), channel('b')]
  const packet = (from: number, to: number): StreamPacket => ({ ...data(1), from, to })
  const stream = streams.use(1, a, packet(7, 0), PORTS)
  t.strictSame([stream.own, stream.remote, stream.usedAt, stream.ports, stream.channel], [7, 0, 1, PORTS, a])
  t.strictSame([streams.find({ to: 7, from: 99 }), streams.find({ to: 0, from: 9 }), streams.find({ to: 8, from: 9 })], [stream, undefined,
    undefined])
  t.equal(streams.use(2, a, packet(7, 9), PORTS), stream)
  t.strictSame([stream.remote, stream.usedAt, streams.find({ to: 0, from: 9 })], [9, 2, stream])
  streams.use(3, a, packet(7, 10), PORTS)
  t.strictSame([stream.remote, streams.find({ to: 0, from: 10 })], [9, undefined], 'its id does not change')
  const renewed = channel('a')
  t.equal(streams.use(4, renewed, packet(7, 9), PORTS), stream)
  t.strictSame([stream.channel, dropped.length], [renewed, 0], 'another channel to the same peer')
  const other = streams.use(5, b, packet(7, 9), PORTS)
  t.not(other, stream)
  t.strictSame([dropped, streams.size, streams.find({ to: 0, from: 9 })], [[stream], 1, other])
  const same = streams.use(6, b, packet(8, 9), PORTS)
  t.equal(streams.find({ to: 0, from: 9 }), same, 'two of one id: the later one')
  streams.use(7, a, packet(7, 0), PORTS)
  t.strictSame([dropped.at(-1), streams.find({ to: 0, from: 9 })], [other, same])
  t.strictSame([...streams].map(({ own }) => own), [8, 7])
  streams.use(8, b, packet(8, 0), PORTS)
  t.strictSame([...streams].map(({ own }) => own), [7, 8], 'in order of their use')
  for (let own = 100; own < 100 + MAX_WATCHED - 2; own++) streams.use(9, a, packet(own, 0), PORTS)
  t.strictSame([streams.size, dropped.length], [MAX_WATCHED, 2])
  streams.use(9, a, packet(99, 0), PORTS)
  t.strictSame([streams.size, dropped.at(-1)?.own], [MAX_WATCHED, 7])
})

t.test('a stream is to be looked at when a group ends, or when its sender is to be told', async t => {
  const streams = new WatchedStreams<{ b32: string }>(() => {})
  const stream = streams.use(0, new Channel({ b32: 'a' }, Buffer.alloc(16), 'client'), { ...data(1), from: 7 }, PORTS)
  t.equal(stream.nextTimeout(), undefined)
  stream.receiving.tellAt = 500
  t.equal(stream.nextTimeout(), 500)
  stream.sending.sent(100, data(1), 1, { rtt: 500, hasMore: false, isLoaded: false }, stream.channel.loss)
  t.equal(stream.nextTimeout(), 120)
  stream.receiving.tellAt = 110
  t.equal(stream.nextTimeout(), 110)
})
