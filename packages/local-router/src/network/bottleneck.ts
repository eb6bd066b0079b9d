import { TUNNEL_MESSAGE_WIRE } from './sizes.ts'

/**
 * A link of limited rate with a bounded drop-tail queue, in time instead of bytes: it only knows until when it is
 * busy. `interval` 0 means unlimited.
 */
export class Bottleneck {
  /** ms that one tunnel message occupies the link. */
  readonly interval: number
  /** Longest wait before a tunnel message's turn, ms. */
  readonly limit: number
  /** The link is busy until then, ms. */
  free = -Infinity

  /** @param bandwidth bytes/s, 0 = unlimited */
  constructor (bandwidth: number, limit: number) {
    this.interval = bandwidth > 0 ? TUNNEL_MESSAGE_WIRE * 1_000 / bandwidth : 0
    this.limit = limit
  }

  /** How many of `count` tunnel messages that come at once find room. */
  room (now: number, count: number): number {
    if (this.interval === 0) return count
    const wait = Math.max(0, this.free - now)
    if (wait > this.limit) return 0
    return Math.min(count, Math.floor((this.limit - wait) / this.interval) + 1)
  }

  /** Puts `count` tunnel messages on the link, for which there is {@link room}; returns when their turn begins. */
  occupy (now: number, count: number): number {
    const start = Math.max(now, this.free)
    if (this.interval > 0) this.free = start + count * this.interval
    return start
  }

  /**
   * Passes on tunnel messages whose last byte comes now and which took `upstream` ms each before; nothing is stored
   * and forwarded, so two links of one rate in a row cost the transmission time once.
   * @returns when their last byte has left, or Infinity if the queue is full
   */
  forward (now: number, upstream: number, count = 1): number {
    if (this.interval === 0) return now
    if (this.free - now > this.limit) return Infinity
    const end = Math.max(now, Math.max(now - count * upstream, this.free) + count * this.interval)
    this.free = end
    return end
  }
}
