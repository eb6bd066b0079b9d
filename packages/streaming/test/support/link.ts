import { SeededRandom } from '@minwww/testkit'

export interface LinkOptions {
  seed: number
  /** One-way, ms. */
  latency: number
  /** ms, plus or minus, uniform per message. */
  jitter?: number
  /** With jitter: may messages overtake each other? */
  reorder?: boolean
  /** 0..1 per tunnel message of about 1 KB. */
  loss?: number
  /** 0..1: a message arrives twice. */
  duplicate?: number
  /** Bytes per ms, 0: unlimited. */
  bandwidth?: number
  /** ms of transmission time that wait at most; more is dropped. */
  queue?: number
}

interface Flight<T> { at: number, order: number, data: T }

const TUNNEL_MESSAGE = 1024
/** Bytes of I2CP payload in n tunnel messages: 996 n - 151. */
const tunnelMessages = (size: number): number => Math.ceil((size + 151) / 996)

/** One direction of a path in virtual time: a bottleneck with a finite queue, then loss per tunnel message, latency, jitter. */
export class Link<T> {
  readonly stats = { sent: 0, tunnelMessages: 0, lost: 0, dropped: 0 }
  readonly #options: LinkOptions
  readonly #random: SeededRandom
  #flights: Array<Flight<T>> = []
  #busyUntil = 0
  #lastArrival = 0
  #order = 0

  constructor (options: LinkOptions) {
    this.#options = options
    this.#random = new SeededRandom(options.seed)
  }

  send (now: number, size: number, data: T): void {
    const { loss = 0, duplicate = 0, bandwidth = 0, queue = Infinity } = this.#options
    const messages = tunnelMessages(size)
    this.stats.sent += 1
    this.stats.tunnelMessages += messages
    let departure = now
    if (bandwidth > 0) {
      const start = Math.max(this.#busyUntil, now)
      if (start - now > queue) {
        this.stats.dropped += 1
        return
      }
      this.#busyUntil = departure = start + messages * TUNNEL_MESSAGE / bandwidth
    }
    for (let index = 0; index < messages; index++) {
      if (this.#random.number() < loss) {
        this.stats.lost += 1
        return
      }
    }
    this.#fly(departure, data)
    if (duplicate > 0 && this.#random.number() < duplicate) this.#fly(departure, data)
  }

  next (): number | undefined { return this.#flights[0]?.at }

  take (now: number): T | undefined {
    const head = this.#flights[0]
    if (head === undefined || head.at > now) return undefined
    this.#flights.shift()
    return head.data
  }

  #fly (departure: number, data: T): void {
    const { latency, jitter = 0, reorder = false } = this.#options
    let at = departure + latency + (2 * this.#random.number() - 1) * jitter
    if (!reorder) at = Math.max(at, this.#lastArrival)
    this.#lastArrival = at
    const flight = { at, order: this.#order++, data }
    let index = this.#flights.length
    while (index > 0 && this.#flights[index - 1]!.at > at) index -= 1
    this.#flights.splice(index, 0, flight)
  }
}
