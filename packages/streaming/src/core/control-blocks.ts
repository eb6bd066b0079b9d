import { MAX_SLOW_START_WINDOW } from './constants.ts'

/** What connections to one peer share: ms, ms, packets, ms, packets. */
export interface SharedControlBlock {
  readonly rtt: number
  readonly rttvar: number
  readonly window: number
  /** Least RTT. */
  readonly base?: number | undefined
  /** What the path carries in its least RTT, where a window has met it. */
  readonly held?: number | undefined
}

/** Weight of what was known before, 0..1. RFC 2140; the document's tcbcache options. */
export interface Dampening {
  rttDampening: number
  rttdevDampening: number
  wdwDampening: number
}

/** An entry is good for this long after its last update, ms (Java: 10 to 15 minutes). */
export const CONTROL_BLOCK_TTL = 10 * 60_000
/** Peers remembered; the one updated longest ago goes. */
export const CONTROL_BLOCK_CAPACITY = 1024

/** Control block sharing per local Destination, by the peer's hash. Streaming document, "Control Block Sharing". */
export class ControlBlocks {
  readonly #dampening: Dampening
  /** In order of their update. */
  readonly #entries = new Map<string, SharedControlBlock & { updated: number }>()

  constructor (dampening: Dampening) { this.#dampening = dampening }

  get size (): number { return this.#entries.size }

  get (now: number, peer: string): SharedControlBlock | undefined {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return undefined
    if (now - entry.updated <= CONTROL_BLOCK_TTL) return entry
    this.#entries.delete(peer)
    return undefined
  }

  update (now: number, peer: string, block: SharedControlBlock): void {
    const old = this.get(now, peer)
    const { rttDampening, rttdevDampening, wdwDampening } = this.#dampening
    this.#entries.delete(peer)
    this.#entries.set(peer, {
      updated: now,
      rtt: mix(old?.rtt, block.rtt, rttDampening),
      rttvar: mix(old?.rttvar, block.rttvar, rttdevDampening),
      base: leastOf(old?.base, block.base, rttDampening),
      held: block.held ?? old?.held,
      window: Math.min(Math.round(mix(old?.window, block.window, wdwDampening)), MAX_SLOW_START_WINDOW)
    })
    if (this.#entries.size > CONTROL_BLOCK_CAPACITY) this.#entries.delete(this.#entries.keys().next().value!)
  }
}

/** Falls at once, and rises as the RTT does. */
function leastOf (old: number | undefined, current: number | undefined, weight: number): number | undefined {
  return current === undefined ? old : Math.min(current, mix(old, current, weight))
}

function mix (old: number | undefined, current: number, weight: number): number {
  return old === undefined ? current : weight * old + (1 - weight) * current
}
