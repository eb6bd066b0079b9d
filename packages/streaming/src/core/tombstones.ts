import type { Destination } from '@minwww/i2cp/codec'

/** How long a finished stream still answers a peer that missed our last ACK, ms: over two of the longest RTTs. */
export const TOMBSTONE_TTL = 120_000
/** Finished streams remembered; the oldest goes. About 200 bytes each. */
export const MAX_TOMBSTONES = 4096

export interface Tombstone {
  readonly expires: number
  readonly peer: Destination
  readonly localPort: number
  readonly remotePort: number
  readonly sendStreamId: number
  readonly receiveStreamId: number
  readonly ackThrough: number
  /** The stream ended with an error: its packets are answered with a RESET, not an ACK, and not before this time. */
  resetAt: number | undefined
}

/** TIME-WAIT: what is left of streams that closed in order, by our stream ID and, against repeated SYNs, by the peer's. */
export class Tombstones {
  readonly #byId = new Map<number, Tombstone>()
  readonly #byRemote = new Map<number, Tombstone>()

  get size (): number { return this.#byId.size }

  add (now: number, tombstone: Tombstone): void {
    this.#byId.set(tombstone.receiveStreamId, tombstone)
    this.#byRemote.set(tombstone.sendStreamId, tombstone)
    for (const [id, oldest] of this.#byId) {
      if (this.#byId.size <= MAX_TOMBSTONES && oldest.expires > now) break // in order of expiry
      this.#byId.delete(id)
      if (this.#byRemote.get(oldest.sendStreamId) === oldest) this.#byRemote.delete(oldest.sendStreamId)
    }
  }

  get (now: number, id: number): Tombstone | undefined { return live(now, this.#byId.get(id)) }

  /** The finished stream that this SYN had opened. */
  ofSyn (now: number, remoteId: number, from: Destination): Tombstone | undefined {
    const tombstone = live(now, this.#byRemote.get(remoteId))
    return tombstone?.peer.equals(from) ? tombstone : undefined
  }
}

function live (now: number, tombstone: Tombstone | undefined): Tombstone | undefined {
  return tombstone !== undefined && tombstone.expires > now ? tombstone : undefined
}
