import { MAX_SHAPE, TUNNEL_BYTES } from '@minwww/protocol'
import { Heap } from './heap.ts'
import type { Flow } from './flow.ts'

/** Nobody has a larger lead over the others than the largest message, bytes. */
const MAX_LEAD = MAX_SHAPE * TUNNEL_BYTES

/**
 * Start-time fair queueing (Goyal, Vin, Cheng 1996): the flow that was served the fewest bytes is next, whatever the
 * size of its messages. O(log flows) for each message.
 */
export class FlowScheduler {
  readonly #flows = new Heap<Flow>()
  /** Virtual time: what the flow served last had been served before. */
  #virtual = 0

  get size (): number {
    return this.#flows.size
  }

  get first (): Flow | undefined {
    return this.#flows.first
  }

  get virtual (): number {
    return this.#virtual
  }

  /** What the first flow was served; Infinity without one. */
  get least (): number {
    return this.#flows.firstKey ?? Infinity
  }

  /** Who was away does not get what he could have had meanwhile. */
  enter (flow: Flow): void {
    const { session } = flow
    session.turnWithin(this.#virtual, this.#virtual + MAX_LEAD)
    this.#flows.add(flow, session.served)
  }

  leave (flow: Flow): void {
    this.#flows.remove(flow)
  }

  /** Takes the flow out and counts what it was served. */
  serve (flow: Flow, bytes: number): void {
    this.#flows.remove(flow)
    this.#virtual = flow.session.served
    flow.session.serve(bytes)
  }

  /** Somebody else was served at this virtual time. */
  advance (virtual: number): void {
    this.#virtual = Math.max(this.#virtual, virtual)
  }
}
