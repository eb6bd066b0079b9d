const HOUR = 3_600_000

/** What may be done so many times in an hour. */
export class Hourly {
  readonly #most: number
  /** When it was done, the oldest first. */
  readonly #times: number[] = [] // at most #most

  constructor (most: number) {
    this.#most = most
  }

  /** @param now - ms */
  isUsedUp (now: number): boolean {
    return this.#times.length === this.#most && now - this.#times[0]! < HOUR
  }

  done (now: number): void {
    this.#times.push(now)
    if (this.#times.length > this.#most) this.#times.shift()
  }
}
