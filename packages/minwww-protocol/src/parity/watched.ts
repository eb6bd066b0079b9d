import type { Channel } from './channel.ts'
import { ReceivingStream } from './receiving.ts'
import { SendingStream } from './sending.ts'
import type { StreamPacket } from './stream-packet.ts'

/** Streams that are watched; the one that sent longest ago goes. */
export const MAX_WATCHED = 2_048

/** What has a name; a Destination of I2P has one. */
export interface Named { readonly b32: string }

/** Where the messages of a stream go. */
export interface Ports { readonly fromPort: number, readonly toPort: number }

/** A stream between two MinWWW ends, both directions. */
export class WatchedStream<Peer extends Named> {
  channel: Channel<Peer>
  /** Our id of it. */
  readonly own: number
  readonly ports: Ports
  readonly sending = new SendingStream()
  readonly receiving = new ReceivingStream()
  /** The peer's id of it; 0 while it is not known. */
  remote = 0
  /** ms. */
  usedAt = 0

  constructor (channel: Channel<Peer>, own: number, { fromPort, toPort }: Ports) {
    this.channel = channel
    this.own = own
    this.ports = { fromPort, toPort }
  }

  nextTimeout (): number | undefined {
    const next = Math.min(this.sending.nextTimeout() ?? Infinity, this.receiving.tellAt ?? Infinity)
    return next === Infinity ? undefined : next
  }
}

/** The streams of a Destination that are watched, by both ids. */
export class WatchedStreams<Peer extends Named> {
  /** In order of their use. */
  readonly #byOwn = new Map<number, WatchedStream<Peer>>()
  readonly #byRemote = new Map<number, WatchedStream<Peer>>()
  readonly #dropped: (stream: WatchedStream<Peer>) => void

  constructor (dropped: (stream: WatchedStream<Peer>) => void) {
    this.#dropped = dropped
  }

  get size (): number { return this.#byOwn.size }
  /** The one that was used longest ago first. */
  [Symbol.iterator] (): IterableIterator<WatchedStream<Peer>> { return this.#byOwn.values() }

  /** That of a packet or message which has arrived; `to` is 0 where the sender does not know our id. */
  find ({ to, from }: { to: number, from: number }): WatchedStream<Peer> | undefined {
    return to === 0 ? this.#byRemote.get(from) : this.#byOwn.get(to)
  }

  /** That of a packet which leaves. To another peer it is another stream, which has the same id by chance. */
  use (now: number, channel: Channel<Peer>, { from, to }: StreamPacket, ports: Ports): WatchedStream<Peer> {
    const known = this.#byOwn.get(from)
    if (known !== undefined && known.channel.peer.b32 !== channel.peer.b32) this.#drop(known)
    const stream = this.#byOwn.get(from) ?? new WatchedStream(channel, from, ports)
    this.#byOwn.delete(from)
    this.#byOwn.set(from, stream)
    stream.channel = channel
    stream.usedAt = now
    if (to !== 0 && stream.remote === 0) {
      stream.remote = to
      this.#byRemote.set(to, stream)
    }
    if (this.#byOwn.size > MAX_WATCHED) this.#drop(this.#byOwn.values().next().value!)
    return stream
  }

  #drop (stream: WatchedStream<Peer>): void {
    this.#byOwn.delete(stream.own)
    if (this.#byRemote.get(stream.remote) === stream) this.#byRemote.delete(stream.remote)
    this.#dropped(stream)
  }
}
