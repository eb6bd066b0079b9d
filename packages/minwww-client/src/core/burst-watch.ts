import type { ExitTrain } from './exit-train.ts'

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
  /** When the highest index so far came: a straggler says nothing of the rate. */
  #highestAt = 0
  /** The longest time between two symbols that were each the highest so far, and what passed at its end. */
  #silence = { duration: 0, bytes: 0 }
  #passedBefore = 0
  #passed = 0
  #closeAt = 0
  #train: ExitTrain | undefined
  #verdict: boolean | undefined

  constructor (from: number, last: number, m: number, pace: number) {
    this.from = from
    this.m = m
    this.pace = pace
    this.#last = last
  }

  /** Symbols between the highest index so far and this one, itself included: what the path has carried or lost since. */
  advance (index: number): number {
    return Math.max(0, index - Math.max(this.#highest, this.from - 1))
  }

  /**
   * @param passed - bytes that this exit has sent past us in all, for any reply: replies share its rate
   * @param closeAt - when the rest of the burst counts as lost
   */
  observe (now: number, index: number, last: number, passed: number, closeAt: number): void {
    if (index < this.from || this.#seen.has(index)) return
    this.#seen.add(index)
    this.#last = Math.max(this.#last, last)
    this.#lastAt = now
    this.#closeAt = closeAt
    if (index < this.#highest) this.#outOfOrder = true
    else this.#lengthen(now, index, passed)
  }

  /** The train of all symbols of the exit that its last one came in. */
  get train (): ExitTrain | undefined {
    return this.#train
  }

  ride (train: ExitTrain): void {
    this.#train = train
  }

  /** It came as fast as it was sent; undefined until a rate was taken from it. */
  get verdict (): boolean | undefined {
    return this.#verdict
  }

  judge (wasAsFastAsSent: boolean): void {
    this.#verdict = wasAsFastAsSent
    this.#train?.judge(wasAsFastAsSent)
  }

  #lengthen (now: number, index: number, passed: number): void {
    if (this.#seen.size === 1) {
      this.#firstAt = now
      this.#passedBefore = passed
    } else if (now - this.#highestAt > this.#silence.duration) {
      this.#silence = { duration: now - this.#highestAt, bytes: passed - this.#passed }
    }
    this.#highest = index
    this.#highestAt = now
    this.#passed = passed
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

  /** Symbols after the highest that came. */
  get tail (): number {
    return this.#last - this.#highest
  }

  /** Nothing of it is yet to come, if nothing was overtaken. */
  get isAtEnd (): boolean {
    return this.#highest >= this.#last
  }

  get isOutOfOrder (): boolean {
    return this.#outOfOrder
  }

  get closeAt (): number {
    return this.#closeAt
  }

  /**
   * Bytes that passed after the first symbol, lost ones included, in how many ms; without the longest silence, which on
   * real routers is a packet that a link sent again. Where a bottleneck spaces the symbols that changes nothing.
   */
  get own (): { symbols: number, bytes: number, duration: number, pace: number } {
    const bytes = this.#passed - this.#passedBefore - this.#silence.bytes
    return { symbols: this.received, bytes, duration: this.#highestAt - this.#firstAt - this.#silence.duration, pace: this.pace }
  }

  /** ms between two symbols as they come; undefined before the second. */
  get spacing (): number | undefined {
    return this.received < 2 ? undefined : (this.#lastAt - this.#firstAt) / (this.received - 1)
  }
}
