import { MAX_SHAPE } from '@minwww/protocol'
import { Heap } from './heap.ts'
import type { Lane } from './lane.ts'
import { TUNNEL_BYTES } from './session.ts'

/** Nobody has a larger lead over the others than the largest message, bytes. */
const MAX_LEAD = MAX_SHAPE * TUNNEL_BYTES

/**
 * Start-time fair queueing (Goyal, Vin, Cheng 1996): the lane that was served the fewest bytes is next, whatever the
 * size of its messages. O(log lanes) for each message.
 */
export class FairShare {
  readonly #lanes = new Heap<Lane>()
  /** Virtual time: what the lane served last had been served before. */
  #virtual = 0

  get size (): number {
    return this.#lanes.size
  }

  get first (): Lane | undefined {
    return this.#lanes.first
  }

  get virtual (): number {
    return this.#virtual
  }

  /** What the first lane was served; Infinity without one. */
  get least (): number {
    return this.#lanes.firstKey ?? Infinity
  }

  /** Who was away does not get what he could have had meanwhile. */
  enter (lane: Lane): void {
    const { session } = lane
    session.served = Math.min(Math.max(session.served, this.#virtual), this.#virtual + MAX_LEAD)
    this.#lanes.add(lane, session.served)
  }

  leave (lane: Lane): void {
    this.#lanes.remove(lane)
  }

  /** Takes the lane out and counts what it was served. */
  serve (lane: Lane, bytes: number): void {
    this.#lanes.remove(lane)
    this.#virtual = lane.session.served
    lane.session.served += bytes
  }

  /** Somebody else was served at this virtual time. */
  advance (virtual: number): void {
    this.#virtual = Math.max(this.#virtual, virtual)
  }
}
