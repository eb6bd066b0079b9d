/** Symbols of one burst as they arrive: what of it was lost, in which order it came, how fast. */
export class BurstWatch {
  /** Tunnel messages of one symbol. */
  readonly m: number
  /** First index of the burst. */
  readonly from: number
  readonly #seen = new Set<number>()
  #pace: number
  #last: number
  #highest = -1
  #outOfOrder = false
  #isCongested = false
  #isStopped = false
  #firstAt = 0
  #lastAt = 0
  #closeAt = 0

  constructor (from: number, last: number, m: number, pace: number) {
    this.from = from
    this.m = m
    this.#pace = pace
    this.#last = last
  }

  /** @param closeAt - when the rest of the burst counts as lost */
  observe (now: number, index: number, last: number, closeAt: number): void {
    if (index < this.from || this.#seen.has(index)) return
    this.#closeAt = closeAt
    if (this.#isStopped && index > this.#last) return
    if (this.#seen.size === 0) this.#firstAt = now
    this.#seen.add(index)
    if (!this.#isStopped) this.#last = Math.max(this.#last, last)
    this.#lastAt = now
    if (index < this.#highest) this.#outOfOrder = true
    else this.#highest = index
  }

  /** Announced with its last symbol, bytes/s. */
  get pace (): number {
    return this.#pace
  }

  paced (pace: number): void {
    this.#pace = pace
  }

  /** A queue on the path was too long while it came: what it lost says nothing of the path (section 7.4). */
  get isCongested (): boolean {
    return this.#isCongested
  }

  congested (): void {
    this.#isCongested = true
  }

  /** The exit is told to send no more of it: what has not come is not lost. */
  stop (): void {
    this.#isStopped = true
    this.#last = Math.max(this.from, this.#highest)
  }

  get announced (): number {
    return this.#last + 1 - this.from
  }

  get received (): number {
    return this.#seen.size
  }

  /** All of it is here. One that was stopped may still bring something. */
  get isWhole (): boolean {
    return !this.#isStopped && this.received >= this.announced
  }

  /** Symbols after the highest that came. */
  get tail (): number {
    return this.#last - this.#highest
  }

  get isOutOfOrder (): boolean {
    return this.#outOfOrder
  }

  get closeAt (): number {
    return this.#closeAt
  }

  /** ms between two symbols as they come; undefined before the second. */
  get spacing (): number | undefined {
    return this.received < 2 ? undefined : (this.#lastAt - this.#firstAt) / (this.received - 1)
  }
}
