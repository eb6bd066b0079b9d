import type { StreamingOptions } from './options.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Peers counted; when full, the one whose period ends first goes. */
export const MAX_COUNTED_PEERS = 4096

type LimitOptions = Pick<StreamingOptions,
  'maxConnsPerMinute' | 'maxConnsPerHour' | 'maxConnsPerDay' | 'maxTotalConnsPerMinute' | 'maxTotalConnsPerHour' | 'maxTotalConnsPerDay'>

/** Incoming connections per peer and of all peers, per minute, hour and day. Every attempt counts, also a refused one (as Java). */
export class ConnectionLimits {
  readonly #perPeer: Throttle[]
  readonly #total: Throttle[]

  constructor (options: LimitOptions) {
    this.#perPeer = throttles([[options.maxConnsPerMinute, MINUTE], [options.maxConnsPerHour, HOUR], [options.maxConnsPerDay, DAY]])
    this.#total = throttles(
      [[options.maxTotalConnsPerMinute, MINUTE], [options.maxTotalConnsPerHour, HOUR], [options.maxTotalConnsPerDay, DAY]]
    )
  }

  /** Counts one attempt; false when a limit is exceeded. */
  admit (now: number, peer: string): boolean {
    let admitted = true
    // A peer above its own limit does not use up the total.
    for (const throttle of this.#perPeer) admitted = throttle.count(now, peer) && admitted
    if (!admitted) return false
    for (const throttle of this.#total) admitted = throttle.count(now, '') && admitted
    return admitted
  }
}

/** A limit of 0 is none. */
function throttles (limits: Array<[number, number]>): Throttle[] {
  return limits.filter(([max]) => max > 0).map(([max, period]) => new Throttle(max, period))
}

class Throttle {
  readonly #max: number
  readonly #period: number
  readonly #counts = new Map<string, { until: number, count: number }>()

  constructor (max: number, period: number) {
    this.#max = max
    this.#period = period
  }

  count (now: number, key: string): boolean {
    let entry = this.#counts.get(key)
    if (entry === undefined || entry.until <= now) {
      this.#counts.delete(key)
      entry = { until: now + this.#period, count: 0 }
      this.#counts.set(key, entry)
      if (this.#counts.size > MAX_COUNTED_PEERS) this.#counts.delete(this.#counts.keys().next().value!)
    }
    entry.count += 1
    return entry.count <= this.#max
  }
}
