import { Channel } from './channel.ts'

/** Peers with a channel; the one that was used longest ago goes. */
export const MAX_CHANNELS = 4_096

/** Channels by peer and by label. */
export class Channels<Peer extends { readonly b32: string }> {
  /** By the peer's name, in order of their use. */
  readonly #byPeer = new Map<string, Channel<Peer>>()
  readonly #byLabel = new Map<string, Channel<Peer>>()

  get size (): number { return this.#byPeer.size }

  has (peer: Peer): boolean { return this.#byPeer.has(peer.b32) }

  labelled (label: string): Channel<Peer> | undefined { return this.#byLabel.get(label) }

  /** The channel to a peer, which is used now. */
  use (peer: Peer): Channel<Peer> | undefined {
    const channel = this.#byPeer.get(peer.b32)
    if (channel === undefined) return undefined
    this.#byPeer.delete(peer.b32)
    this.#byPeer.set(peer.b32, channel)
    return channel
  }

  /** Takes the place of the peer's older one. */
  add (channel: Channel<Peer>): void {
    this.#remove(channel.peer.b32)
    this.#byPeer.set(channel.peer.b32, channel)
    this.#byLabel.set(channel.label, channel)
    if (this.#byPeer.size > MAX_CHANNELS) this.#remove(this.#byPeer.keys().next().value!)
  }

  #remove (name: string): void {
    const old = this.#byPeer.get(name)
    if (old === undefined) return
    this.#byPeer.delete(name)
    this.#byLabel.delete(old.label)
  }
}
