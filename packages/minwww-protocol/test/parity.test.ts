import fc from 'fast-check'
import t from 'tap'
import { SeededRandom, seedOf } from '@minwww/testkit'
import { messageCapacity, sessionKeys, tunnelMessagesOf } from '../src/index.ts'
import { decodeParity, encodeParity, MAX_GROUP, PARITY_PAYLOAD, ParityCore } from '../src/parity/index.ts'
import type { LayerMessage, ParityMessage, SentMessage } from '../src/parity/index.ts'
import { ArrivalPace } from '../src/parity/arrival-pace.ts'
import { isParity } from '../src/parity/messages.ts'
import { MAX_CHANNELS } from '../src/parity/channels.ts'
import { MAX_KEPT } from '../src/parity/parity-core.ts'
import { PacketLoss } from '../src/parity/packet-loss.ts'
import { MAX_STRAYS, Strays } from '../src/parity/strays.ts'
import { readStreamPacket } from '../src/parity/stream-packet.ts'
import { decodeGroup, encodeGroup } from '../src/parity/symbols.ts'
import { MAX_WATCHED } from '../src/parity/watched.ts'
import { paddedLength } from '../src/sizes.ts'

const KEYS = sessionKeys(Buffer.alloc(16, 3))
const NOTHING: Buffer = Buffer.alloc(0)
const SYNCHRONIZE = 1
const CLOSE = 2
const EARLY = 0x0400
const QUIET = { rtt: 500, hasMore: false, isLoaded: false }
/** The second packet that the exit sends, alone. */
const GROUP = { kind: 'group', channel: KEYS.session, number: 1, to: 1, from: 2, first: 2, count: 1, index: 0 } as const
const [CLIENT, EXIT] = [{ b32: 'client.b32.i2p' }, { b32: 'exit.b32.i2p' }]
type Peer = typeof CLIENT

/** A packet of the streaming protocol. */
function packet ({ to = 2, from = 1, sequence = 1, flags = 0, payload = NOTHING, ackThrough = 0 } = {}): Buffer {
  const header = Buffer.alloc(22)
  header.writeUInt32BE(to, 0)
  header.writeUInt32BE(from, 4)
  header.writeUInt32BE(sequence, 8)
  header.writeUInt32BE(ackThrough, 12)
  header.writeUInt16BE(flags, 18)
  return Buffer.concat([header, payload])
}

const bytesOf = (sequence: number, length = 1_000): Buffer => Buffer.alloc(length, `${sequence} `)
const onPort = (payload: Buffer, protocol = 6): LayerMessage => ({ protocol, fromPort: 80, toPort: 4480, payload })

/** A client's layer and an exit's, and what is between them; whatever a test does not hand over is lost. */
class Pair {
  now = 1_000
  readonly client = new ParityCore<Peer>({ random: n => Buffer.alloc(n, 7) })
  readonly exit = new ParityCore<Peer>({ random: n => Buffer.alloc(n, 8) })
  readonly rebuilt: LayerMessage[] = []

  /** The client's id is 1, the exit's 2; 5 % of the tunnel messages are lost. */
  open (loss = 0.05): this {
    this.client.offer(EXIT, loss)
    this.send('client', packet({ to: 0, sequence: 0, flags: SYNCHRONIZE | EARLY }))
    const [hello] = this.own('client')
    this.exit.receive(this.now, hello!)
    this.send('exit', packet({ to: 1, from: 2, sequence: 0, flags: SYNCHRONIZE }))
    for (const answer of this.own('exit')) this.client.receive(this.now, answer)
    this.own('client')
    return this
  }

  send (side: 'client' | 'exit', payload: Buffer, state = QUIET): void {
    const to = side === 'client' ? EXIT : CLIENT
    this[side].sent(this.now, { ...onPort(payload), to }, state)
  }

  /** The same packet arrives. */
  arrive (side: 'client' | 'exit', payload: Buffer): void {
    this[side].receive(this.now, onPort(payload))
    this.collect(side)
  }

  /** Messages of the layer's own that leave within `ms`. */
  own (side: 'client' | 'exit', ms = 100, wanted = 18): Array<SentMessage<Peer>> {
    const messages: Array<SentMessage<Peer>> = []
    for (const end = this.now + ms; ;) {
      for (let next = this[side].pollTransmit(this.now); next !== undefined; next = this[side].pollTransmit(this.now)) messages.push(next)
      const at = this[side].nextTimeout() ?? Infinity
      if (at > end) break
      this.now = Math.max(this.now, at)
      this[side].handleTimeout(this.now)
    }
    return messages.filter(({ protocol }) => protocol === wanted)
  }

  take (side: 'client' | 'exit', messages: readonly LayerMessage[]): void {
    for (const message of messages) {
      this[side].receive(this.now, message)
      this.collect(side)
    }
  }

  collect (side: 'client' | 'exit'): void {
    for (let next = this[side].pollReceived(); next !== undefined; next = this[side].pollReceived()) this.rebuilt.push(next)
  }

  get sequences (): number[] { return this.rebuilt.map(({ payload }) => readStreamPacket(payload)!.sequence) }
}

t.test('messages there and back; nothing else is read', async t => {
  const common = { channel: KEYS.session, number: 9 }
  const messages: ParityMessage[] = [
    { kind: 'hello', ...common, secret: Buffer.alloc(16, 3), stream: 77 },
    { kind: 'group', ...common, to: 1, from: 2, first: 3, count: 24, index: 5, symbol: Buffer.alloc(1_700, 4) },
    { kind: 'repairs', ...common, to: 1, from: 2, rebuilt: 6, repeated: 7 }
  ]
  for (const message of messages) {
    const bytes = encodeParity(message, KEYS.client)
    t.ok(isParity(bytes))
    t.strictSame(decodeParity(bytes, KEYS.client), message)
    t.throws(() => decodeParity(bytes, KEYS.server), { code: 'MINWWW_BAD_TAG' })
    for (let length = 0; length < bytes.length; length += 7) t.throws(() => decodeParity(bytes.subarray(0, length), KEYS.client))
    for (let at = 0; at < bytes.length; at += 5) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 0x40
      t.throws(() => decodeParity(damaged, KEYS.client), { code: /^MINWWW_/ })
    }
  }
})

t.test('a symbol of the longest payload takes two tunnel messages', async t => {
  const body = Buffer.alloc(PARITY_PAYLOAD)
  const { symbolLength, parity } = encodeGroup([{ kind: 'data', to: 2, from: 1, sequence: 1, body }])
  t.equal(encodeParity({ ...GROUP, symbol: parity(0) }, KEYS.client).length, messageCapacity(2))
  t.equal(symbolLength, PARITY_PAYLOAD + 7)
  t.equal(tunnelMessagesOf(packet({ payload: body }).length), 2)
})

t.test('property: any packets of a group come back from as much parity, or none does', async t => {
  const place = fc.integer({ min: 0, max: MAX_GROUP - 1 })
  t.doesNotThrow(() => fc.assert(fc.property(
    fc.array(fc.integer({ min: 0, max: PARITY_PAYLOAD }), { minLength: 1, maxLength: MAX_GROUP }), fc.uniqueArray(place, { maxLength: 12 }),
    fc.boolean(), fc.integer({ min: 0, max: 40 }),
    (lengths, lost, isOther, from) => {
      const sent = lengths.map((length, i) => readStreamPacket(packet({ sequence: 5 + i, payload: bytesOf(i, length) }))!)
      const { symbolLength, parity } = encodeGroup(sent)
      const missing = lost.filter(place => place < sent.length)
      const here = sent.map((packet, place) => missing.includes(place) ? undefined : packet)
      // One that is here is another than was covered, as a CLOSE that was sent again.
      const odd = here.findIndex(packet => packet !== undefined)
      if (isOther && odd >= 0) here[odd] = { ...here[odd]!, body: Buffer.concat([here[odd]!.body.subarray(1), Buffer.from('x')]) }
      const symbols = new Map(missing.map((_, i) => [i + from % 20, parity(i + from % 20)]))
      const rebuilt = decodeGroup({ own: 2, remote: 1 }, 5, symbolLength, here, symbols)
      if (isOther && odd >= 0 && missing.length > 0) return rebuilt === undefined
      return rebuilt !== undefined && missing.every(place => {
        const packet = readStreamPacket(rebuilt.get(place)!)!
        return packet.sequence === 5 + place && packet.body.equals(sent[place]!.body) && packet.to === 2 && packet.from === 1
      })
    }
  ), { seed: seedOf(t, 70), numRuns: 150 }))
})

t.test('what is lost is rebuilt, and told to the sender', async t => {
  const pair = new Pair().open()
  const packets = Array.from({ length: 24 }, (_, i) => packet({ from: 2, to: 1, sequence: i + 1, payload: bytesOf(i) }))
  for (const bytes of packets) pair.send('exit', bytes)
  for (const [i, bytes] of packets.entries()) if (i !== 4 && i !== 23) pair.arrive('client', bytes)
  const symbols = pair.own('exit')
  t.ok(symbols.length >= 2 && symbols.length <= 12, `${symbols.length} symbols`)
  t.strictSame(symbols.map(({ fromPort, toPort, to }) => [fromPort, toPort, to]), symbols.map(() => [80, 4480, CLIENT]))
  pair.take('client', symbols.slice(0, 1))
  t.strictSame(pair.rebuilt, [], 'one is not enough')
  pair.take('client', symbols.slice(1))
  t.strictSame(pair.sequences, [5, 24])
  t.strictSame(pair.rebuilt.map(({ payload }) => readStreamPacket(payload)!.body), [bytesOf(4), bytesOf(23)])
  for (const message of pair.own('client')) pair.exit.receive(pair.now, message)
  t.strictSame(pair.exit.pollEvent(), { stream: 2, packets: 2 })
  t.equal(pair.exit.pollEvent(), undefined)
})

t.test('a CLOSE is rebuilt as it was sent; one that was sent again helps nobody, and harms nobody', async t => {
  const pair = new Pair().open()
  const data = packet({ from: 2, to: 1, sequence: 1, payload: bytesOf(1) })
  const close = packet({ from: 2, to: 1, sequence: 2, flags: CLOSE | 8, payload: bytesOf(2, 300) })
  pair.send('exit', data)
  pair.send('exit', close)
  const symbols = pair.own('exit')
  pair.arrive('client', data)
  pair.take('client', symbols)
  t.strictSame(pair.rebuilt.map(({ payload }) => payload), [close])

  const other = new Pair().open()
  other.send('exit', data)
  other.send('exit', close)
  const again = other.own('exit')
  other.arrive('client', packet({ from: 2, to: 1, sequence: 2, flags: CLOSE | 8, payload: bytesOf(2, 300), ackThrough: 9 }))
  other.take('client', again.slice(0, 1))
  t.strictSame(other.rebuilt, [], 'not the CLOSE that was covered')
})

t.test('a peer that was offered nothing, and said nothing, sees nothing', async t => {
  const pair = new Pair()
  for (let sequence = 1; sequence < 60; sequence++) pair.send('exit', packet({ from: 2, to: 1, sequence, payload: bytesOf(sequence) }))
  pair.send('client', packet({ to: 0, sequence: 0, flags: SYNCHRONIZE | EARLY }))
  t.strictSame([...pair.own('exit'), ...pair.own('client')], [])
  t.strictSame(pair.exit.size, { channels: 0, streams: 0, kept: 0 })
})

t.test('nothing is added when nothing is lost, and the more the more is', async t => {
  const symbols = (loss: number): number => {
    const pair = new Pair().open(loss)
    for (let sequence = 1; sequence <= 38; sequence++) pair.send('exit', packet({ from: 2, to: 1, sequence, payload: bytesOf(sequence) }))
    return pair.own('exit').length
  }
  const loss = new PacketLoss()
  for (let i = 0; i < 1_000; i++) loss.sent(2)
  t.ok(loss.value < 1e-4, 'learned')
  t.ok(loss.seen === 0)
  for (let i = 0; i < 100; i++) {
    loss.sent(2)
    if (i % 10 === 0) loss.lost(1)
  }
  t.ok(loss.value > 0.005 && loss.value < 0.05, `${loss.value}`)
  t.ok(symbols(0.01) > 0)
})

t.test('where bytes are what takes the time there is less of it: what is sent again has none while more is to come', async t => {
  const symbols = (state: Partial<typeof QUIET & { wasLoaded: boolean }>, again = false): number => {
    const pair = new Pair().open()
    const send = (first: number): void => {
      for (let i = first; i < first + 48; i++) {
        pair.send('exit', packet({ to: 1, from: 2, sequence: i, payload: bytesOf(i) }), { ...QUIET, hasMore: true, ...state })
      }
    }
    send(1)
    const fresh = pair.own('exit').length
    if (again) send(1)
    return again ? pair.own('exit').length : fresh
  }
  const busy = [symbols({ isLoaded: true }), symbols({ wasLoaded: true })]
  t.ok(busy.every(number => number < symbols({})), `${busy.join(' and ')} of ${symbols({})}`)
  t.equal(symbols({ wasLoaded: true }, true), 0)
  t.ok(symbols({}, true) > 0)
  t.ok(symbols({ wasLoaded: true, hasMore: false }, true) > 0, 'the end is covered')
})

t.test('where the stream itself repeats sooner, only what leaves last has any', async t => {
  const groups = (state: Partial<typeof QUIET & { held: number, wasLoaded: boolean }>) => {
    const pair = new Pair().open(0.1)
    for (let i = 1; i <= 48; i++) pair.send('client', packet({ sequence: i, payload: bytesOf(i) }), { ...QUIET, ...state })
    return pair.own('client').map(({ payload }) => decodeParity(payload, sessionKeys(Buffer.alloc(16, 7)).client))
  }
  const whole = groups({ hasMore: true }).length
  t.ok(whole > 0)
  t.equal(groups({ hasMore: true, held: 6 }).length, 0, 'nothing before the end')
  t.equal(groups({ hasMore: true, held: 40 }).length, whole, 'a path that holds a group: as where nothing is known')
  const end = groups({ hasMore: false, held: 4 })
  t.ok(end.length > 0 && end.length < groups({ hasMore: false }).length, `${end.length} symbols`)
  for (const message of end) t.match(message, { kind: 'group', first: 43, count: 6 }, '1.25 times what the path holds, and one')
  t.ok(groups({ hasMore: true, held: 4, wasLoaded: true }).length > 0, 'behind a queue the least round trip says nothing')
})

t.test('what arrives twice was not lost', async t => {
  const loss = new PacketLoss(0.02)
  const before = loss.value
  loss.lost(3)
  loss.lost(-3)
  t.ok(Math.abs(loss.value - before) < 1e-9)
  for (let i = 0; i < 100; i++) loss.lost(-1)
  t.equal(loss.value, 0)
})

t.test('a forged message changes nothing', async t => {
  const pair = new Pair().open()
  const packets = [1, 2].map(sequence => packet({ from: 2, to: 1, sequence, payload: bytesOf(sequence) }))
  for (const bytes of packets) pair.send('exit', bytes)
  pair.arrive('client', packets[0]!)
  const symbols = pair.own('exit').map(({ payload }) => payload)
  const random = new SeededRandom(4)
  for (const symbol of symbols) {
    for (let at = 0; at < symbol.length; at += 11) {
      const damaged = Buffer.from(symbol)
      damaged[at]! ^= 1 + random.below(255)
      pair.take('client', [onPort(damaged, 18)])
    }
  }
  // Of a channel of one's own, for somebody else's stream.
  const mallory = sessionKeys(Buffer.alloc(16, 9))
  pair.take('client', [onPort(encodeParity({ ...GROUP, channel: mallory.session, symbol: Buffer.alloc(50) }, mallory.server), 18)])
  t.strictSame(pair.rebuilt, [])
  pair.take('client', symbols.map(payload => onPort(payload, 18)))
  t.strictSame(pair.rebuilt.map(({ payload }) => readStreamPacket(payload)!.body), [bytesOf(2)], 'the true ones still do')
})

t.test('an exit that sends nonsense under its own key is not believed', async t => {
  const pair = new Pair().open()
  const keys = sessionKeys(Buffer.alloc(16, 7))
  const odd = [
    ...[0, 1, 6, 7, 1_790].map(length => ({ symbol: Buffer.alloc(length) })), { symbol: Buffer.alloc(60, 255) },
    { count: 0 }, { count: MAX_GROUP + 1 }, { index: 64 }, { first: 0 }, { first: 0xffffffff, count: 2 }
  ]
  for (const fields of odd) {
    const message = { ...GROUP, channel: keys.session, symbol: Buffer.alloc(50), ...fields }
    pair.take('client', [onPort(encodeParity(message, keys.server), 18)])
  }
  t.strictSame(pair.rebuilt, [])
  t.equal(pair.client.statistics.received, odd.length, 'they were genuine')
})

t.test('HELLO, symbols and early packets may overtake the SYN', async t => {
  const pair = new Pair()
  pair.client.offer(EXIT, 0.05)
  pair.send('client', packet({ to: 0, sequence: 0, flags: SYNCHRONIZE | EARLY }))
  const early = [1, 2, 3].map(sequence => packet({ to: 0, sequence, flags: EARLY, payload: bytesOf(sequence) }))
  for (const bytes of early) pair.send('client', bytes)
  const own = pair.own('client')
  pair.take('exit', own.reverse())
  pair.arrive('exit', early[2]!)
  pair.arrive('exit', early[0]!)
  t.strictSame(pair.rebuilt, [], 'nobody knows whose they are')
  pair.send('exit', packet({ to: 1, from: 2, sequence: 0, flags: SYNCHRONIZE }))
  pair.collect('exit')
  t.strictSame(pair.sequences, [2])
})

t.test('a SYN is sent again where loss was seen', async t => {
  const syns = (loss?: number): number => {
    const pair = new Pair()
    pair.client.offer(EXIT, loss)
    pair.send('client', packet({ to: 0, sequence: 0, flags: SYNCHRONIZE | EARLY, payload: bytesOf(0, 500) }))
    let count = 1
    for (pair.now = 1_000; pair.now < 1_200; pair.now += 5) {
      for (let next = pair.client.pollTransmit(pair.now); next !== undefined; next = pair.client.pollTransmit(pair.now)) {
        if (next.protocol === 6) count += 1
      }
    }
    return count
  }
  t.strictSame([syns(), syns(0), syns(0.01), syns(0.12)], [1, 1, 2, 4])
})

t.test('a SYN is not sent again where the path takes longer for the answer than its loss is waited for', async t => {
  /** Packets of an answer arrive so many ms apart, then another stream is opened. */
  const syns = (loss: number, spacing: number): number => {
    const pair = new Pair().open(loss)
    for (let sequence = 1; sequence <= 12; sequence++) {
      pair.now += spacing
      pair.arrive('client', packet({ to: 1, from: 2, sequence, payload: bytesOf(sequence, PARITY_PAYLOAD) }))
    }
    pair.send('client', packet({ to: 0, from: 3, sequence: 0, flags: SYNCHRONIZE | EARLY, payload: bytesOf(0, 500) }))
    return 1 + pair.own('client', 200, 6).length
  }
  t.strictSame([0, 8, 32, 128].map(spacing => syns(0.01, spacing)), [2, 2, 1, 1], '1 %: nothing known, 256, 64 and 16 KB/s')
  t.strictSame([0, 8, 32, 128].map(spacing => syns(0.1, spacing)), [4, 4, 3, 2], '10 %')
})

t.test('how long a path takes for a tunnel message is learned from full packets in a row', async t => {
  const pace = new ArrivalPace()
  const row = (start: number, spacing: number, count: number): void => { for (let i = 0; i < count; i++) pace.came(start + i * spacing, 2) }
  row(0, 100, 3)
  t.equal(pace.timeOf(1), 0, 'three tell nothing')
  pace.came(300, 1)
  row(400, 100, 4)
  t.equal(pace.timeOf(3), 150)
  row(2_000_000, 10, 4)
  t.equal(pace.timeOf(3), 15, 'the fastest counts')
  row(3_000_000, 100, 50)
  t.equal(pace.timeOf(3), 15)
  row(4_000_000, 100, 30)
  t.equal(pace.timeOf(3), 150, 'of the last 64')
})

t.test('what goes to a peer with parity is as long as gateways want it; to others it is as it was', async t => {
  const core = new ParityCore<Peer>({ random: n => Buffer.alloc(n, 7) })
  core.offer(EXIT)
  const least = (payload: Buffer, to = EXIT): number => core.sent(1_000, { ...onPort(payload), to }, QUIET)
  for (const length of [0, 100, 700, 1_000, 1_773]) {
    const payload = packet({ payload: bytesOf(1, length) })
    t.equal(least(payload), paddedLength(payload.length))
    t.equal(tunnelMessagesOf(least(payload)), tunnelMessagesOf(payload.length), 'for nothing')
    t.equal(least(payload, CLIENT), 0)
  }
})

t.test('a peer that never answers is left alone', async t => {
  const pair = new Pair()
  pair.client.offer(EXIT, 0.05)
  let symbols = 0
  for (let stream = 10; stream < 30; stream++) {
    pair.send('client', packet({ to: 0, from: stream, sequence: 0, flags: SYNCHRONIZE | EARLY }))
    for (let sequence = 1; sequence < 9; sequence++) {
      pair.send('client', packet({ from: stream, to: 5, sequence, payload: bytesOf(sequence) }))
    }
    symbols = pair.own('client').filter(({ payload }) => payload[1] === 1).length
  }
  t.equal(symbols, 0)
})

t.test('what is kept of all streams is bounded, and an idle stream keeps nothing', async t => {
  const core = new ParityCore<Peer>({ random: n => Buffer.alloc(n, 7) })
  core.offer(EXIT, 0.05)
  for (let stream = 1; stream <= 200; stream++) {
    core.sent(1_000, { ...onPort(packet({ to: 0, from: stream, sequence: 0, flags: SYNCHRONIZE })), to: EXIT }, QUIET)
    for (let sequence = 1; sequence < 200; sequence++) {
      core.receive(1_000, onPort(packet({ to: stream, from: 1_000 + stream, sequence, payload: bytesOf(sequence) })))
      if (core.size.kept > MAX_KEPT) t.fail('too much')
    }
    // A hostile end of it jumps through the sequence numbers.
    for (const sequence of [0xffffffff, 5, 0x7fffffff]) core.receive(1_000, onPort(packet({ to: stream, from: 1_000 + stream, sequence })))
  }
  t.ok(core.size.kept <= MAX_KEPT)
  core.handleTimeout(100_000)
  t.equal(core.size.kept, 0)
})

t.test('peers and streams are bounded', async t => {
  const random = new SeededRandom(5)
  const core = new ParityCore<Peer>({ random: random.bytes })
  for (let i = 0; i < MAX_CHANNELS + 10; i++) core.offer({ b32: `${i}.b32.i2p` })
  t.equal(core.size.channels, MAX_CHANNELS)
  const to = { b32: `${MAX_CHANNELS}.b32.i2p` }
  for (let from = 1; from < MAX_WATCHED + 50; from++) core.sent(1_000, { ...onPort(packet({ from })), to }, QUIET)
  t.equal(core.size.streams, MAX_WATCHED)
})

t.test('what belongs to nobody is bounded', async t => {
  const strays = new Strays()
  for (let i = 0; i < 1_000; i++) strays.add(i, Buffer.alloc(1_000))
  t.equal(strays.size, MAX_STRAYS)
  strays.add(10_000, Buffer.alloc(200_000))
  t.strictSame(strays.take(10_000), [], 'they are old by now')
  const core = new ParityCore<Peer>({ random: n => Buffer.alloc(n, 7) })
  for (let i = 1; i < 3_000; i++) {
    const { session } = sessionKeys(Buffer.from(`${10_000_000 + i}padding.`))
    const hello = { kind: 'hello', channel: session, number: 0, secret: Buffer.from(`${10_000_000 + i}padding.`), stream: i } as const
    t.ok(core.receive(1_000, onPort(encodeParity(hello, KEYS.client), 18)))
  }
  t.strictSame(core.size, { channels: 0, streams: 0, kept: 0 })
})
