/** A train of fewer symbols says nothing about a rate. */
export const MIN_TRAIN = 7

const INITIAL_GRANT = 128 * 1024
const BOTTLENECK = 0.85
const BACK_OFF = 0.95
const SEARCH = 2
const PROBE = 1.1
const LOSS_BACK_OFF = 0.7
const MIN_GRANT = 4 * 1024
const MAX_GRANT = 64 * 1024 * 1024

/** One burst as the client saw it. */
export interface Train {
  /** Symbols that arrived. */
  symbols: number
  /** Bytes that arrived after the first symbol. */
  bytes: number
  /** From the first arrival to the last, ms. */
  duration: number
  /** Announced by the exit, B/s. */
  pace: number
}

/** From arrival rates to the rate that the client grants the exit (section 7.2), B/s. */
export class TrainRate {
  #grant: number
  #bottleneck = false

  constructor (initial = INITIAL_GRANT) {
    this.#grant = initial
  }

  /** To be put in the next request or repair. */
  get grant (): number {
    return this.#grant
  }

  /** Whether an arrival rate was ever clearly below the pace. */
  get bottleneckSeen (): boolean {
    return this.#bottleneck
  }

  /** True when the train arrived as fast as it was sent: then its loss is not congestion (section 7.4). */
  sample (train: Train): boolean {
    if (train.symbols < MIN_TRAIN || !(train.pace > 0)) return true
    const arrival = train.duration > 0 ? train.bytes / train.duration * 1000 : Infinity
    if (arrival < BOTTLENECK * train.pace) {
      this.#bottleneck = true
      this.#set(BACK_OFF * arrival)
      return false
    }
    this.#set((this.#bottleneck ? PROBE : SEARCH) * train.pace)
    return true
  }

  /** Loss rose above twice the estimate. */
  congestion (): void {
    this.#set(LOSS_BACK_OFF * this.#grant)
  }

  #set (rate: number): void {
    this.#grant = Math.min(MAX_GRANT, Math.max(MIN_GRANT, rate))
  }
}
