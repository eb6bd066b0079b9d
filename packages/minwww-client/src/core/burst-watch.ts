/** Symbols of one burst as they arrive: what of it was lost, in which order it came, how fast. */
export class BurstWatch {
  /** Tunnel messages of one symbol. */
  readonly m: number
  /** First index of the burst. */
  readonly from: number
  readonly pace: number
  readonly #seen = new Set<number>()
  #last: number
  #highest = -1
  #outOfOrder = false
  #firstAt = 0
  #lastAt = 0
  #receivedBefore = 0
  #received = 0
  #closeAt = 0

  constructor (from: number, last: number, m: number, pace: number) {
    this.from = from
    this.m = m
    this.pace = pace
    this.#last = last
  }

  /**
   * @param received - bytes that have come from this exit in all: replies share its rate
   * @param closeAt - when the rest of the burst counts as lost
   */
  observe (now: number, index: number, last: number, received: number, closeAt: number): void {
    if (index < this.from || this.#seen.has(index)) return
    this.#seen.add(index)
    if (index < this.#highest) this.#outOfOrder = true
    this.#highest = Math.max(this.#highest, index)
    this.#last = Math.max(this.#last, last)
    if (this.#seen.size === 1) {
      this.#firstAt = now
      this.#receivedBefore = received
    }
    this.#lastAt = now
    this.#received = received
    this.#closeAt = closeAt
  }

  get announced (): number {
    return this.#last + 1 - this.from
  }

  get received (): number {
    return this.#seen.size
  }

  get isWhole (): boolean {
    return this.received >= this.announced
  }

  get isOutOfOrder (): boolean {
    return this.#outOfOrder
  }

  get closeAt (): number {
    return this.#closeAt
  }

  /** Bytes that came from the exit, for any reply, after the first symbol of this one, and in how many ms. */
  get train (): { symbols: number, bytes: number, duration: number, pace: number } {
    return { symbols: this.received, bytes: this.#received - this.#receivedBefore, duration: this.#lastAt - this.#firstAt, pace: this.pace }
  }

  /** ms between two symbols as they come; undefined before the second. */
  get spacing (): number | undefined {
    return this.received < 2 ? undefined : (this.#lastAt - this.#firstAt) / (this.received - 1)
  }
}
