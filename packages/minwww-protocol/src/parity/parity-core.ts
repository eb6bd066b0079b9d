import { Deadlines } from '@minwww/ground'
import { copiesFor } from '../choice.ts'
import { SESSION_SECRET } from '../keys.ts'
import { paddedLength, tunnelMessagesOf } from '../sizes.ts'
import { Channel } from './channel.ts'
import { Channels } from './channels.ts'
import { channelOf, helloOf, isParity } from './messages.ts'
import type { GroupMessage, RepairsMessage } from './messages.ts'
import type { Parity, StreamState } from './sending.ts'
import { readStreamPacket } from './stream-packet.ts'
import type { StreamPacket } from './stream-packet.ts'
import { Strays } from './strays.ts'
import { PARITY_PAYLOAD } from './symbols.ts'
import { WatchedStreams } from './watched.ts'
import type { Named, Ports, WatchedStream } from './watched.ts'

/** Protocol numbers of I2CP. */
const STREAMING = 6
const RAW = 18

/** Bytes of packets and symbols kept, of all streams together; those to which nothing came for longest forget theirs. */
export const MAX_KEPT = 8 * 1_048_576
/** Messages that wait to be sent, and packets that wait to be taken; a further one is dropped. */
export const MAX_WAITING = 512
/** HELLOs of streams that have not answered yet; the oldest goes. */
export const MAX_HELLOS = 256
/** Its stream was given up, ms. */
const HELLO_TTL = 10_000
/** A stream on which nothing came for so long keeps no packets, ms. */
const IDLE = 30_000
/** A SYN goes so often at most, and again after this, ms: later than most runs of losses, sooner than any timer. */
const MAX_SYNS = 4
const COPY_DELAY = 25
/** On a path whose round trip is shorter, ms, the SYN's own timer is soon enough. */
const NEAR = 80
/** Tunnel messages of the answer to a SYN, which comes again when the SYN does. */
const SYN_REPLY = 3
/** Who has lost a SYN waits for a round trip and so much more at least, ms. */
const TIMER = 100
/** A smaller share of the round trip than this is nothing to save. */
const CHEAP = 1 / 16
/** A channel on which something came within this needs no HELLO, ms. */
const FRESH = 20_000
/** After so many HELLOs without an answer the peer has no parity. */
const MAX_GREETINGS = 8

/** A message to or from the session. */
export interface LayerMessage extends Ports {
  readonly protocol: number
  readonly payload: Buffer
  /** Bytes that it is to be as long as at least, by padding beneath it: no gateway holds it back then. */
  readonly padTo?: number
}

export type SentMessage<Peer> = LayerMessage & { readonly to: Peer }

/** Packets of a stream of ours were lost and rebuilt: its congestion control is to know (RFC 9265). */
export interface Repaired { readonly stream: number, readonly packets: number }

export interface ParityStatistics {
  /** Parity symbols. */
  sent: number
  received: number
  /** Packets that were rebuilt here. */
  rebuilt: number
  /** Messages of no channel, with a wrong tag, or without sense. */
  dropped: number
  /** Estimate of the loss per tunnel message of what this end sends, to the peer that was used last, 0..1. */
  loss: number
}

interface Waiting<Peer> {
  readonly at: number
  readonly to: Peer
  readonly protocol: number
  readonly ports: Ports
  readonly make: () => Buffer
}

/**
 * Parity beneath the streams of one Destination, without I/O (section 9.1 of the protocol). Tell it what the streaming core sends, ask
 * it first about what arrives, and hand what it has rebuilt to the streaming core. It adds messages of its own, and changes and holds
 * back none of the streams'. A client begins with offer(); an exit learns of a client by its HELLO. Peers without a channel are passed
 * by. `now` is in ms. Bounds: MAX_CHANNELS, MAX_WATCHED, MAX_KEPT, MAX_WAITING, MAX_HELLOS, MAX_STRAYS.
 */
export class ParityCore<Peer extends Named> {
  readonly statistics: ParityStatistics = { sent: 0, received: 0, rebuilt: 0, dropped: 0, loss: 0 }
  readonly #random: (n: number) => Uint8Array
  readonly #channels = new Channels<Peer>()
  readonly #streams = new WatchedStreams<Peer>(stream => this.#drop(stream))
  readonly #deadlines = new Deadlines<WatchedStream<Peer>>()
  /** By the client's stream id. */
  readonly #hellos = new Map<number, { at: number, bytes: Buffer }>()
  readonly #strays = new Strays()
  /** Ascending by time. */
  readonly #waiting: Array<Waiting<Peer>> = []
  readonly #rebuilt: LayerMessage[] = []
  readonly #repaired: Repaired[] = []
  /** Of each stream that keeps packets, in order of what came last. */
  readonly #keeping = new Map<WatchedStream<Peer>, { bytes: number, at: number }>()
  #kept = 0
  #sweepAt: number | undefined

  constructor ({ random }: { random: (n: number) => Uint8Array }) {
    this.#random = random
  }

  get size (): { channels: number, streams: number, kept: number } {
    return { channels: this.#channels.size, streams: this.#streams.size, kept: this.#kept }
  }

  /**
   * The peer is a MinWWW exit: streams to it have parity from their SYN on. `loss`: what is known of the path, 0..1. Returns options
   * that its streams need: a payload that parity can cover.
   */
  offer (peer: Peer, loss?: number): { maxMessageSize: number } {
    if (!this.#channels.has(peer)) {
      this.#channels.add(new Channel(peer, Buffer.from(this.#random(SESSION_SECRET)), 'client', loss))
    }
    return { maxMessageSize: PARITY_PAYLOAD }
  }

  /** The streaming core has sent a packet. Returns how long it is to be at least, bytes: one to such a peer is held back by no gateway. */
  sent (now: number, message: SentMessage<Peer>, state: StreamState): number {
    const packet = readStreamPacket(message.payload)
    if (packet === undefined || packet.from === 0) return 0
    const isGreeted = this.#hellos.size > 0 && this.#takeHello(now, packet, message.to)
    const channel = this.#channels.use(message.to)
    if (channel === undefined) return 0
    const stream = this.#streams.use(now, channel, packet, message)
    if (isGreeted) this.#answer(now, stream)
    if (packet.kind === 'syn' && packet.to === 0) this.#greet(now, stream, message, state.rtt)
    // What has overtaken the SYN or the HELLO can be taken for what it is now.
    if (this.#strays.size > 0 && (isGreeted || packet.kind === 'syn')) this.#hearStrays(now)
    if (packet.kind === 'data' || packet.kind === 'close') {
      const ended = stream.sending.sent(now, packet, tunnelMessagesOf(message.payload.length), state, channel.loss)
      this.statistics.loss = channel.loss.value
      for (const parity of ended) this.#send(now, stream, parity)
    }
    this.#settle(stream)
    return paddedLength(message.payload.length)
  }

  /** A message has arrived. True: it was of this layer. Else the streaming core is to have it, before pollReceived() is asked. */
  receive (now: number, { protocol, payload }: Pick<LayerMessage, 'protocol' | 'payload'>): boolean {
    if (protocol === RAW && isParity(payload)) {
      this.#receiveOwn(now, payload)
      return true
    }
    if (protocol === STREAMING) this.#receivePacket(now, payload)
    return false
  }

  /** A packet for the streaming core, rebuilt. */
  pollReceived (): LayerMessage | undefined { return this.#rebuilt.shift() }

  pollEvent (): Repaired | undefined { return this.#repaired.shift() }

  pollTransmit (now: number): SentMessage<Peer> | undefined {
    const next = this.#waiting[0]
    if (next === undefined || next.at > now) return undefined
    this.#waiting.shift()
    const { to, protocol, ports: { fromPort, toPort }, make } = next
    const payload = make()
    return { to, protocol, fromPort, toPort, payload, ...(protocol === STREAMING && { padTo: paddedLength(payload.length) }) }
  }

  nextTimeout (): number | undefined {
    const next = Math.min(this.#waiting[0]?.at ?? Infinity, this.#deadlines.next() ?? Infinity, this.#sweepAt ?? Infinity)
    return next === Infinity ? undefined : next
  }

  handleTimeout (now: number): void {
    for (let stream = this.#deadlines.takeDue(now); stream !== undefined; stream = this.#deadlines.takeDue(now)) {
      for (const parity of stream.sending.handleTimeout(now)) this.#send(now, stream, parity)
      if ((stream.receiving.tellAt ?? Infinity) <= now) this.#tell(now, stream)
      this.#settle(stream)
    }
    if (this.#sweepAt !== undefined && this.#sweepAt <= now) this.#sweep(now)
  }

  /** A client says HELLO with its SYN, and repeats both where the SYN or its answer would be lost too often. */
  #greet (now: number, stream: WatchedStream<Peer>, { payload }: SentMessage<Peer>, rtt = Infinity): void {
    const { channel, own } = stream
    const needsHello = now - channel.heardAt > FRESH
    if (needsHello) channel.greetings += 1
    const copies = synsFor(channel, tunnelMessagesOf(payload.length) + SYN_REPLY, rtt)
    for (let copy = 0; copy < copies; copy++) {
      const at = now + copy * COPY_DELAY
      if (copy > 0) this.#queue(at, stream, () => payload, STREAMING)
      if (needsHello) this.#queue(at, stream, () => channel.encode({ kind: 'hello', stream: own }))
    }
  }

  /** The streaming core sends to a stream of which a HELLO came: so it knows whose it is. True: there is a channel now. */
  #takeHello (now: number, { to: remote }: StreamPacket, peer: Peer): boolean {
    const waiting = this.#hellos.get(remote)
    if (waiting === undefined) return false
    this.#hellos.delete(remote)
    const hello = helloOf(waiting.bytes)
    if (hello === undefined || now - waiting.at > HELLO_TTL) return false
    const channel = new Channel(peer, Buffer.from(hello.secret), 'exit')
    if (channel.decode(now, waiting.bytes) === undefined) {
      this.statistics.dropped += 1
      return false
    }
    this.#channels.add(channel)
    return true
  }

  #receiveOwn (now: number, bytes: Buffer): void {
    const channel = this.#channels.labelled(channelOf(bytes).toString('hex'))
    if (channel === undefined) return this.#receiveUnknown(now, bytes)
    const message = channel.decode(now, bytes)
    if (message === undefined) {
      this.statistics.dropped += 1
      return
    }
    const ids = message.kind === 'hello' ? { to: 0, from: message.stream } : message
    const stream = this.#streams.find(ids)
    // Its SYN may still be on its way.
    if (stream === undefined && message.kind !== 'repairs') return this.#strays.add(now, bytes)
    if (stream?.channel !== channel || !isFrom(stream, ids.from)) {
      this.statistics.dropped += 1
      return
    }
    if (message.kind === 'hello') this.#answer(now, stream)
    else if (message.kind === 'repairs') this.#receiveRepairs(stream, message)
    else this.#receiveGroup(now, stream, message)
    this.#settle(stream)
  }

  #receiveUnknown (now: number, bytes: Buffer): void {
    const hello = helloOf(bytes)
    if (hello === undefined) return this.#strays.add(now, bytes)
    if (hello.stream === 0) return
    this.#hellos.delete(hello.stream)
    this.#hellos.set(hello.stream, { at: now, bytes })
    if (this.#hellos.size > MAX_HELLOS) this.#hellos.delete(this.#hellos.keys().next().value!)
  }

  #receiveGroup (now: number, stream: WatchedStream<Peer>, group: GroupMessage): void {
    this.statistics.received += 1
    this.#handUp(stream, stream.receiving.parity(now, group, { own: stream.own, remote: stream.remote }))
    this.#keep(now, stream)
  }

  #receiveRepairs ({ sending, own }: WatchedStream<Peer>, { number, rebuilt, repeated }: RepairsMessage): void {
    const packets = sending.told(number, rebuilt, repeated)
    if (packets > 0 && this.#repaired.length < MAX_WAITING) this.#repaired.push({ stream: own, packets })
  }

  #receivePacket (now: number, bytes: Buffer): void {
    const packet = readStreamPacket(bytes)
    if (packet === undefined || packet.kind === 'other') return
    const stream = this.#streams.find(packet)
    if (stream === undefined) {
      if (packet.to === 0 && packet.kind !== 'syn') this.#strays.add(now, bytes)
      return
    }
    if (!isFrom(stream, packet.from) || packet.kind === 'syn') return
    stream.channel.arrivals.came(now, tunnelMessagesOf(bytes.length))
    this.#handUp(stream, stream.receiving.received(now, packet, { own: stream.own, remote: stream.remote }))
    this.#keep(now, stream)
    this.#settle(stream)
  }

  #hearStrays (now: number): void {
    const strays = this.#strays.take(now)
    // Packets first: what is here need not be rebuilt.
    for (const bytes of strays) if (!isParity(bytes)) this.#receivePacket(now, bytes)
    for (const bytes of strays) if (isParity(bytes)) this.#receiveOwn(now, bytes)
  }

  #handUp ({ ports: { fromPort, toPort } }: WatchedStream<Peer>, packets: readonly Buffer[]): void {
    this.statistics.rebuilt += packets.length
    for (const payload of packets) {
      // The ports are those of what the peer sends.
      if (this.#rebuilt.length < MAX_WAITING) this.#rebuilt.push({ protocol: STREAMING, fromPort: toPort, toPort: fromPort, payload })
    }
  }

  #send (now: number, stream: WatchedStream<Peer>, { first, count, r, symbol, spacing }: Parity): void {
    const { channel } = stream
    if (channel.greetings >= MAX_GREETINGS) return
    for (let index = 0; index < r; index++) {
      this.#queue(now + index * spacing, stream, () => {
        this.statistics.sent += 1
        return channel.encode({ kind: 'group', to: stream.remote, from: stream.own, first, count, index, symbol: symbol(index) })
      })
    }
  }

  /** Also without news: the other end learns that its channel is heard. */
  #answer (now: number, stream: WatchedStream<Peer>): void { this.#tell(now, stream) }

  #tell (now: number, stream: WatchedStream<Peer>): void {
    const { receiving: { rebuilt, repeated }, own, remote, channel } = stream
    stream.receiving.tellAt = undefined
    this.#queue(now, stream, () => channel.encode({ kind: 'repairs', to: remote, from: own, rebuilt, repeated }))
  }

  #queue (at: number, { channel, ports }: WatchedStream<Peer>, make: () => Buffer, protocol = RAW): void {
    if (this.#waiting.length >= MAX_WAITING) return
    let place = this.#waiting.length
    while (place > 0 && this.#waiting[place - 1]!.at > at) place--
    this.#waiting.splice(place, 0, { at, to: channel.peer, protocol, ports, make })
  }

  #settle (stream: WatchedStream<Peer>): void {
    this.#deadlines.set(stream, stream.nextTimeout())
  }

  #drop (stream: WatchedStream<Peer>): void {
    this.#deadlines.set(stream, undefined)
    this.#forget(stream)
  }

  #keep (now: number, stream: WatchedStream<Peer>): void {
    const { bytes } = stream.receiving
    this.#kept += bytes - (this.#keeping.get(stream)?.bytes ?? 0)
    this.#keeping.delete(stream)
    if (bytes > 0) this.#keeping.set(stream, { bytes, at: now })
    while (this.#kept > MAX_KEPT) this.#forget(this.#keeping.keys().next().value!)
    if (this.#keeping.size > 0) this.#sweepAt ??= now + IDLE
  }

  #forget (stream: WatchedStream<Peer>): void {
    this.#kept -= this.#keeping.get(stream)?.bytes ?? 0
    this.#keeping.delete(stream)
    stream.receiving.forget()
  }

  #sweep (now: number): void {
    for (const [stream, { at }] of this.#keeping) {
      if (at + IDLE > now) break
      this.#forget(stream)
    }
    const oldest = this.#keeping.values().next().value
    this.#sweepAt = oldest === undefined ? undefined : oldest.at + IDLE
  }
}

/**
 * How often a SYN is sent at once. The answer to each comes before what was asked for, so there are no more than are worth it: where the
 * path takes longer for an answer than its loss, as often as it happens, is waited for.
 */
function synsFor ({ loss, arrivals }: Pick<Channel<unknown>, 'loss' | 'arrivals'>, tunnelMessages: number, rtt: number): number {
  const most = rtt < NEAR ? 1 : Math.min(copiesFor(tunnelMessages, loss.seen), MAX_SYNS)
  const cost = arrivals.timeOf(SYN_REPLY)
  if (cost < rtt * CHEAP) return most
  const lost = 1 - (1 - loss.seen) ** tunnelMessages
  let copies = 1
  while (copies < most && lost ** copies * (rtt + TIMER) > cost) copies++
  return copies
}

/** The first packet tells the peer's id where the SYN reply has not come yet. */
function isFrom (stream: { remote: number }, from: number): boolean {
  if (stream.remote === 0) stream.remote = from
  return stream.remote === from
}
