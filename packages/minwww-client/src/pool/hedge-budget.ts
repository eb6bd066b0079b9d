/** Hedges saved up at most, so that an hour of quiet does not allow a storm. */
const MAX_CREDIT = 4

/** Lets a bounded share of requests be hedged: each request earns a share of a hedge, each hedge costs one. */
export class HedgeBudget {
  readonly #share: number
  #credit = 1

  /** @param share - hedges per request, 0 to 1 */
  constructor (share: number) {
    this.#share = share
  }

  earn (): void {
    this.#credit = Math.min(MAX_CREDIT, this.#credit + this.#share)
  }

  spend (): boolean {
    if (this.#credit < 1) return false
    this.#credit--
    return true
  }
}
