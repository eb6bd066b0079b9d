/** What a packet remembers from when it was sent, to compute the rate when it is acknowledged. */
export interface RateStamp {
  readonly delivered: number
  readonly deliveredAt: number
  readonly firstSentAt: number
}

/** Rounds over which the greatest rate counts. */
const ROUNDS = 10

/**
 * The rate at which the path delivers, packets per ms: over the longer of the time the packets took to send and the
 * time their ACKs took to come, so that neither bunched ACKs nor bunched sends inflate it. The greatest of the last ten
 * round trips. Serves the same purpose as Java's Westwood+ filter, and is not pulled down by an application that pauses.
 */
export class DeliveryRate {
  #delivered = 0
  #deliveredAt = 0
  #firstSentAt = 0
  #roundEnd = 0
  readonly #rounds: number[] = [0]

  /** Packets per ms; 0 until known. */
  get rate (): number { return Math.max(...this.#rounds) }

  /** Call for every transmission; `inFlight` before it. */
  stamp (now: number, inFlight: number): RateStamp {
    if (inFlight === 0) {
      this.#firstSentAt = now
      this.#deliveredAt = now
    }
    return { delivered: this.#delivered, deliveredAt: this.#deliveredAt, firstSentAt: this.#firstSentAt }
  }

  /** Call with the newest of `count` packets acknowledged at once. */
  acknowledge (now: number, count: number, newest: { rate: RateStamp, sentAt: number }): void {
    this.#delivered += count
    const { rate, sentAt } = newest
    const interval = Math.max(sentAt - rate.firstSentAt, now - rate.deliveredAt)
    this.#deliveredAt = now
    this.#firstSentAt = sentAt
    if (interval <= 0) return
    if (rate.delivered >= this.#roundEnd) {
      this.#roundEnd = this.#delivered
      this.#rounds.push(0)
      if (this.#rounds.length > ROUNDS) this.#rounds.shift()
    }
    const last = this.#rounds.length - 1
    this.#rounds[last] = Math.max(this.#rounds[last]!, (this.#delivered - rate.delivered) / interval)
  }
}
