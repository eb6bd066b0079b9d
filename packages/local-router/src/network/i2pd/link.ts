import type { Flight } from '../flight.ts'

/** Messages that wait for one neighbour, above which i2pd ends the session with it (SSU2Session.cpp, NTCP2.cpp). */
export const MAX_QUEUE = 500

/** Time until the neighbours are connected again, ms; measured 4 s, once 50 s. */
const RECONNECT = 4_000

/** Tunnel messages that leave in one latency of a path: what the windows of its links let through. */
const WINDOW = 450

/** Least time between two tunnel messages, ms. */
const MIN_INTERVAL = 0.05

/** Time that the router takes to make one tunnel message, ms: so fast they come into the queue. */
const PRODUCTION = 0.12

/** Round trip of one link as a share of the path's latency, over which Nagle's algorithm remembers (no TCP_NODELAY). */
const LINK_ROUND_TRIP = 0.3

interface Queued<T> {
  readonly flight: Flight<T>
  /** When its last tunnel message leaves. */
  readonly until: number
}

/** The link from the sender's router to the first router of a tunnel. */
export class I2pdLink<T> {
  /** ms between two tunnel messages. */
  readonly interval: number
  readonly #memory: number
  #free = -Infinity
  #produced = -Infinity
  #downUntil = -Infinity
  #queue: Array<Queued<T>> = []
  #head = 0

  /** @param latency of the path, ms */
  constructor (latency: number) {
    this.interval = Math.max(MIN_INTERVAL, latency / WINDOW)
    this.#memory = latency * LINK_ROUND_TRIP
  }

  down (now: number): boolean {
    return now < this.#downUntil
  }

  /** Whether a message that comes now follows another one so closely that its end may have to wait for an answer. */
  busy (now: number): boolean {
    return now < this.#free + this.#memory
  }

  /** When all that was given to it has left. */
  get free (): number {
    return this.#free
  }

  /**
   * Whether so much waits with these tunnel messages that the router ends the session.
   * @param upstream - ms between two tunnel messages at the bottleneck before this link
   */
  overflows (now: number, count: number, upstream: number): boolean {
    while (this.#head < this.#queue.length && (this.#queue[this.#head] as Queued<T>).until <= now) this.#head++
    if (this.#queue.length - this.#head >= MAX_QUEUE) return true
    this.#produced = Math.max(now, this.#produced) + count * PRODUCTION
    const interval = Math.max(this.interval, upstream)
    return (this.#free + count * interval - this.#produced) / interval > MAX_QUEUE
  }

  /** When a tunnel message leaves that is ready at `time`. */
  depart (time: number): number {
    this.#free = Math.max(time, this.#free) + this.interval
    return this.#free
  }

  /** Remembers a message until its last tunnel message has left. */
  hold (flight: Flight<T>): void {
    if (this.#head > MAX_QUEUE) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    this.#queue.push({ flight, until: this.#free })
  }

  /** Ends the session; returns what had not left. */
  drop (now: number): Array<Flight<T>> {
    const lost = this.#queue.slice(this.#head).map(({ flight }) => flight)
    this.#queue = []
    this.#head = 0
    this.#downUntil = this.#free = now + RECONNECT
    return lost
  }
}
