/**
 * Shares of the time left that the last attempts wait at least, the last one first: of 60 s the last two begin after some
 * 11 s and 36 s. Routers leave a dead path after half a minute, and six attempts at the pace of a fast path are over before.
 */
const LONG_WAITS = [1, 1 / 2, 1 / 6] as const
/** Of a longer time only the very last one takes more: a path that is dead has been left before, ms. */
const LONGEST = 60_000
/** How often attempts that were all quick, because something had come or other exits were left, are followed by three long ones. */
const MAX_EXTENSIONS = 2

/** Attempts that one request has left. An OPEN, REQUEST, BODY or WANT round is one; copies are none. */
export class RetryBudget {
  readonly #limit: number
  #spent = 0
  /** Attempts that do not count, because no answer could come to them. */
  #refunded = 0
  #extensions = 0

  constructor (limit: number) {
    this.#limit = limit
  }

  /** Attempts made in all. */
  get spent (): number {
    return this.#spent
  }

  get isExhausted (): boolean {
    return this.#left <= 0
  }

  get isExtended (): boolean {
    return this.#extensions > 0
  }

  get canExtend (): boolean {
    return this.#extensions < MAX_EXTENSIONS
  }

  spend (): void {
    this.#spent++
  }

  /** One attempt more than the limit says. */
  refund (): void {
    this.#refunded++
  }

  /** What was spent was in vain: all attempts are left again. */
  reset (): void {
    this.#refunded = this.#spent
  }

  /** Adds attempts that wait long. */
  extend (): void {
    this.#extensions++
    this.#refunded += LONG_WAITS.length
  }

  /** How long the attempt just begun waits at least, ms. @param left - until the deadline */
  longWait (left: number): number {
    const share = LONG_WAITS[this.#left] ?? 0
    return share * (share < 1 || this.canExtend ? Math.min(left, LONGEST) : left)
  }

  get #left (): number {
    return this.#limit - this.#spent + this.#refunded
  }
}
