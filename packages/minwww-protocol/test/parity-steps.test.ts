/** The parity of one Destination message by message: who hears of whom, what is sent when, and what is kept (section 9.1). */
import t from 'tap'
import { sessionKeys } from '../src/index.ts'
import {
  decodeParity, encodeParity, PARITY_PAYLOAD, ParityCore, type LayerMessage, type ParityMessage,
  type SentMessage
} from '../src/parity/index.ts'
import { writeDataPacket } from '../src/parity/stream-packet.ts'
import { paddedLength } from '../src/sizes.ts'

type Peer = { b32: string }
const [CLIENT, EXIT, OTHER] = ['client', 'exit', 'other'].map(b32 => ({ b32 })) as [Peer, Peer, Peer]
const QUIET = { rtt: 500, hasMore: false, isLoaded: false }
const SYN = 0x0001

/** A packet of a stream; without a flag one of data. */
function packet (from: number, to: number, sequence: number, o: { flags?: number, length?: number } = {}): Buffer {
  const bytes = writeDataPacket({ from, to, sequence, body: Buffer.alloc(o.length ?? 500, `${sequence} `) })
  bytes.writeUInt16BE(o.flags ?? 0, 18)
  return bytes
}

/** One end, by hand. */
function endOf (secret: number) {
  const core = new ParityCore<Peer>({ random: length => Buffer.alloc(length, secret) })
  const over = (payload: Buffer, protocol = 6): LayerMessage => ({ protocol, fromPort: 80, toPort: 4480, payload })
  return {
    core,
    sent: (now: number, payload: Buffer, to: Peer, state: Parameters<typeof core.sent>[2] = QUIET) => core.sent(now, {
      ...over(payload),
      to
    }, state),
    hear: (now: number, payload: Buffer, protocol = 6) => core.receive(now, over(payload, protocol)),
    own: (now: number, message: Buffer) => core.receive(now, over(message, 18)),
    due: (now: number) => {
      const all: Array<SentMessage<Peer>> = []
      for (let next = core.pollTransmit(now); next !== undefined; next = core.pollTransmit(now)) all.push(next)
      return all
    },
    rebuilt: () => {
      const all: LayerMessage[] = []
      for (let next = core.pollReceived(); next !== undefined; next = core.pollReceived()) all.push(next)
      return all
    }
  }
}

/** What a client of secret 7 or 9 says. */
const keys = sessionKeys(Buffer.alloc(16, 7))
const read = ({ payload }: { payload: Buffer }, from: 'client' | 'server' = 'client'): ParityMessage => decodeParity(payload, keys[from])

t.test('a client offers a payload that parity can cover, and says HELLO with its SYN', async t => {
  const client = endOf(7)
  t.strictSame(client.core.offer(EXIT, 0), { maxMessageSize: PARITY_PAYLOAD })
  client.core.offer(EXIT, 0.1)
  t.strictSame(client.core.size, { channels: 1, streams: 0, kept: 0 })
  const syn = packet(1, 0, 0, { flags: SYN })
  t.equal(client.sent(1_000, syn, EXIT), paddedLength(syn.length))
  t.strictSame([client.core.size.streams, client.core.nextTimeout()], [1, 1_000])
  const [hello, ...more] = client.due(1_000)
  t.match(hello, { to: EXIT, protocol: 18, fromPort: 80, toPort: 4480, padTo: undefined })
  t.match(read(hello!), { kind: 'hello', number: 0, secret: Buffer.alloc(16, 7), stream: 1 })
  t.strictSame(more, [])
})

t.test('what is no packet, or goes to a peer without parity, is passed by', async t => {
  const client = endOf(7)
  client.core.offer(EXIT)
  t.strictSame([client.sent(0, Buffer.alloc(9), EXIT), client.sent(0, packet(0, 5, 1), EXIT), client.sent(0, packet(1, 0, 0), OTHER)], [0,
    0, 0])
  t.strictSame([client.core.size.streams, client.due(0)], [0, []])
  for (const message of [packet(1, 0, 0, { flags: SYN }), Buffer.alloc(5)]) t.notOk(client.hear(0, message))
  t.notOk(client.hear(0, Buffer.alloc(40), 18), 'a raw message of others')
  t.notOk(client.hear(0, encodeParity({ kind: 'hello', channel: keys.session, number: 0, secret: Buffer.alloc(16), stream: 1 },
    keys.client), 6))
})

t.test('without an answer each SYN says HELLO, and after eight in vain no parity is sent', async t => {
  const client = endOf(7)
  client.core.offer(EXIT, 0.1)
  const symbols: number[] = []
  for (let stream = 1; stream <= 9; stream++) {
    client.sent(1_000 * stream, packet(stream, 0, 0, { flags: SYN }), EXIT, { ...QUIET, rtt: 10 })
    t.equal(client.due(1_000 * stream).filter(message => message.protocol === 18).length, 1, `SYN ${stream}`)
    for (let sequence = 1; sequence <= 4; sequence++) client.sent(1_000 * stream, packet(stream, 50, sequence), EXIT)
    client.core.handleTimeout(1_000 * stream + 20)
    symbols.push(client.due(1_000 * stream + 500).length)
  }
  t.ok(symbols.slice(0, 7).every(count => count > 0), symbols.join())
  t.strictSame(symbols.slice(7), [0, 0])
})

/** A client and an exit that know each other since 1,000; the client's stream is 1, the exit's 2. */
function pair (loss = 0) {
  const [client, exit] = [endOf(7), endOf(8)]
  client.core.offer(EXIT, loss)
  client.sent(1_000, packet(1, 0, 0, { flags: SYN }), EXIT, { ...QUIET, rtt: 10 })
  for (const { payload } of client.due(1_000)) exit.own(1_000, payload)
  t.strictSame(exit.core.size.channels, 0)
  exit.sent(1_000, packet(2, 1, 0, { flags: SYN }), CLIENT)
  const answers = exit.due(1_000)
  for (const { payload } of answers) client.own(1_000, payload)
  return { client, exit, answers }
}

t.test('an exit learns whose a HELLO is by its own streams, and answers with REPAIRS', async t => {
  const { client, exit, answers } = pair()
  t.match(answers, [{ to: CLIENT, protocol: 18 }])
  t.match(read(answers[0]!, 'server'), { kind: 'repairs', to: 1, from: 2, rebuilt: 0, repeated: 0 })
  t.strictSame([exit.core.size.channels, client.core.statistics.dropped], [1, 0])
  client.sent(20_999, packet(3, 0, 0, { flags: SYN }), EXIT, { ...QUIET, rtt: 10 })
  t.strictSame(client.due(20_999), [], 'something came within 20 s')
  client.sent(21_001, packet(5, 0, 0, { flags: SYN }), EXIT, { ...QUIET, rtt: 10 })
  t.equal(client.due(21_001).length, 1)
})

t.test('a HELLO of ten seconds ago, of another stream, or with a wrong tag makes no channel', async t => {
  const hello = (o: { stream?: number, key?: Buffer } = {}): Buffer =>
    encodeParity({ kind: 'hello', channel: keys.session, number: 0, secret: Buffer.alloc(16, 7), stream: o.stream ?? 1 },
      o.key ?? keys.client)
  const after = (ms: number, message: Buffer): [number, number] => {
    const exit = endOf(8)
    t.ok(exit.own(0, message))
    exit.sent(ms, packet(2, 1, 0, { flags: SYN }), CLIENT)
    return [exit.core.size.channels, exit.core.statistics.dropped]
  }
  t.strictSame([after(10_000, hello()), after(10_001, hello()), after(0, hello({ stream: 3 })), after(0, hello({ stream: 0 }))],
    [[1, 0], [0, 0], [0, 0], [0, 0]])
  t.strictSame(after(0, hello({ key: keys.server })), [0, 1])
})

t.test('HELLOs of 256 streams wait; the oldest goes', async t => {
  const exit = endOf(8)
  const hello = (stream: number): Buffer => encodeParity({
    kind: 'hello',
    channel: keys.session,
    number: 0,
    secret: Buffer.alloc(16, 7),
    stream
  }, keys.client)
  for (let stream = 1; stream <= 257; stream++) exit.own(0, hello(stream))
  exit.sent(0, packet(9, 1, 0, { flags: SYN }), OTHER)
  t.equal(exit.core.size.channels, 0)
  exit.sent(0, packet(9, 2, 0, { flags: SYN }), CLIENT)
  t.equal(exit.core.size.channels, 1)
})

t.test('what was lost comes back, with the ports of what the peer sends, and its sender is told 25 ms later', async t => {
  const { client, exit } = pair(0.1)
  const packets = [1, 2, 3, 4].map(sequence => packet(2, 1, sequence))
  for (const bytes of packets) exit.sent(2_000, bytes, CLIENT)
  t.equal(exit.core.nextTimeout(), 2_020)
  exit.core.handleTimeout(2_020)
  const symbols = exit.due(2_100)
  t.ok(symbols.length > 0)
  t.equal(exit.core.statistics.sent, symbols.length)
  for (const bytes of packets.slice(1)) t.notOk(client.hear(2_200, bytes))
  t.strictSame(client.core.size.kept, 1_500)
  t.ok(client.own(2_200, symbols[0]!.payload))
  const [back, ...more] = client.rebuilt()
  t.match(back, { protocol: 6, fromPort: 4480, toPort: 80 })
  t.strictSame([back?.payload.subarray(22), more], [packets[0]!.subarray(22), []])
  t.match(client.core.statistics, { received: 1, rebuilt: 1, dropped: 0 })
  t.equal(client.core.size.kept, 2_000)
  t.equal(client.core.nextTimeout(), 2_225)
  client.core.handleTimeout(2_224)
  t.strictSame(client.due(2_224), [])
  client.core.handleTimeout(2_225)
  const [told] = client.due(2_225)
  t.match(read(told!), { kind: 'repairs', to: 2, from: 1, rebuilt: 1, repeated: 0 })
  exit.own(2_300, told!.payload)
  t.strictSame([exit.core.pollEvent(), exit.core.pollEvent()], [{ stream: 2, packets: 1 }, undefined])
  exit.own(2_301, told!.payload)
  t.equal(exit.core.pollEvent(), undefined, 'told once')
})

t.test('a symbol leaves when its turn has come, in the order of times', async t => {
  const { client } = pair(0.12)
  for (let i = 0; i < 8; i++) client.sent(2_000 + 4 * i, packet(1, 2, i + 1), EXIT)
  client.core.handleTimeout(2_048)
  t.equal(client.due(2_047).length, 0)
  t.equal(client.due(2_048).length, 1)
  t.equal(client.core.nextTimeout(), 2_048 + 3.5, 'as far apart as the packets were: 28 ms for eight')
  client.sent(2_049, packet(3, 0, 0, { flags: SYN }), EXIT, { ...QUIET, rtt: 1_000 })
  t.strictSame(client.due(2_052).map(({ protocol, payload }) => [protocol, payload.length > 100 ? payload[1] : 0]), [[18, 1]])
})

t.test('messages of a stream that is not known wait for it; those of another channel or stream are dropped', async t => {
  const { client, exit } = pair(0.1)
  const server = { channel: keys.session, number: 9 }
  const symbol = Buffer.alloc(60)
  const group = (o: { to?: number, from?: number }): Buffer =>
    encodeParity({ kind: 'group', ...server, to: 1, from: 2, first: 1, count: 1, index: 0, symbol, ...o }, keys.server)
  client.own(2_000, group({ to: 77 }))
  t.strictSame([client.core.statistics.dropped, client.core.statistics.received], [0, 0], 'its SYN may be on its way')
  client.own(2_000, group({ from: 3 }))
  t.strictSame([client.core.statistics.dropped, client.core.statistics.received], [1, 0])
  client.own(2_000, encodeParity({ kind: 'repairs', ...server, to: 77, from: 2, rebuilt: 1, repeated: 0 }, keys.server))
  t.equal(client.core.statistics.dropped, 2, 'REPAIRS are of no use later')
  client.own(2_000, encodeParity({ kind: 'group', ...server, to: 1, from: 2, first: 1, count: 1, index: 0, symbol }, keys.client))
  t.equal(client.core.statistics.dropped, 3, 'not by the exit')
  exit.own(2_000, encodeParity({ kind: 'hello', ...server, secret: Buffer.alloc(16, 7), stream: 1 }, keys.client))
  t.match(exit.due(2_000).map(message => read(message, 'server')), [{ kind: 'repairs', to: 1, from: 2 }],
    'a HELLO of a stream that is known is answered')
  exit.own(2_000, encodeParity({ kind: 'group', ...server, to: 2, from: 1, first: 1, count: 1, index: 0, symbol }, keys.client))
  t.equal(exit.core.statistics.received, 1)
})

t.test('an idle stream keeps nothing after half a minute', async t => {
  const { client } = pair()
  client.hear(2_000, packet(2, 1, 1))
  client.hear(9_000, packet(2, 1, 2))
  t.strictSame([client.core.size.kept, client.core.nextTimeout()], [1_000, 32_000])
  client.core.handleTimeout(32_000)
  t.strictSame([client.core.size.kept, client.core.nextTimeout()], [1_000, 39_000], 'something came in between')
  client.core.handleTimeout(39_000)
  t.strictSame([client.core.size.kept, client.core.nextTimeout()], [0, undefined])
})

t.test('a packet that is none of data, or of another peer, keeps nothing', async t => {
  const { client, exit } = pair()
  client.hear(2_000, packet(2, 1, 0, { flags: SYN }))
  client.hear(2_000, packet(2, 1, 0))
  client.hear(2_000, packet(3, 1, 1))
  client.hear(2_000, packet(2, 99, 1))
  client.hear(2_000, Buffer.alloc(3))
  t.equal(client.core.size.kept, 0)
  exit.hear(2_000, packet(1, 0, 1))
  t.equal(exit.core.size.kept, 500, 'by the id of its sender, who does not know ours yet')
})

t.test('what came before its SYN is taken when that is answered', async t => {
  const exit = endOf(8)
  exit.hear(900, packet(1, 0, 1))
  exit.hear(900, packet(1, 0, 0, { flags: SYN }))
  const client = endOf(7)
  client.core.offer(EXIT)
  client.sent(1_000, packet(1, 0, 0, { flags: SYN }), EXIT, { ...QUIET, rtt: 10 })
  for (const { payload } of client.due(1_000)) exit.own(1_000, payload)
  exit.sent(1_000, packet(2, 1, 0, { flags: SYN }), CLIENT)
  t.equal(exit.core.size.kept, 500)
})

t.test('a stream that goes to another peer is another one, and what the first kept is forgotten', async t => {
  const { client } = pair()
  client.hear(2_000, packet(2, 1, 1))
  t.equal(client.core.size.kept, 500)
  client.core.offer(OTHER)
  client.sent(2_001, packet(1, 0, 0, { flags: SYN }), OTHER)
  t.strictSame(client.core.size, { channels: 2, streams: 1, kept: 0 })
})
