import type { Random } from '../../crypto/keys.ts'

export interface BackoffOptions {
  /** First wait, ms. */
  readonly min: number
  /** Longest wait, ms. */
  readonly max: number
}

/** Exponential back-off with "equal jitter": half of the wait is fixed, half is drawn. Never gives up. */
export class Backoff {
  readonly #options: BackoffOptions
  readonly #random: Random
  #failures = 0

  constructor (options: BackoffOptions, random: Random) {
    this.#options = options
    this.#random = random
  }

  get failures (): number { return this.#failures }

  /** How long to wait before the next attempt, ms. */
  next (): number {
    const full = Math.min(this.#options.max, this.#options.min * 2 ** Math.min(this.#failures++, 30))
    const [high = 0, low = 0] = this.#random(2)
    return full / 2 * (1 + (high * 256 + low) / 65_536)
  }

  reset (): void { this.#failures = 0 }
}
