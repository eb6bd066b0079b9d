/** Tunnel messages that leave in one latency of a path. */
const WINDOW = 600

/** Least time between two tunnel messages, ms. */
const MIN_INTERVAL = 0.02

/** Tunnel messages that wait for one neighbour, from which on its gateways hold back. */
const BACKLOG = 256

/** The link from a gateway's router to the next one. */
export class JavaLink {
  readonly interval: number
  #free = -Infinity

  /** @param latency of the path, ms */
  constructor (latency: number) {
    this.interval = Math.max(MIN_INTERVAL, latency / WINDOW)
  }

  backlogged (now: number): boolean {
    return (this.#free - now) / this.interval >= BACKLOG
  }

  /** When the last of `count` tunnel messages leaves that are ready at `time`. */
  depart (time: number, count: number): number {
    this.#free = Math.max(time, this.#free) + count * this.interval
    return this.#free
  }
}
