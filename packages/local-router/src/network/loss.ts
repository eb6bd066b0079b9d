import type { Random } from './random.ts'

/**
 * Which tunnel messages of one path are lost: independently (burst = 1), or in bursts by a Gilbert-Elliott chain
 * whose bad state loses everything. Distances between losses are drawn, not every message.
 */
export class LossProcess {
  readonly #random: Random
  readonly #toBad: number
  readonly #toGood: number
  #good = 0
  #bad = 0

  /**
   * @param loss probability per tunnel message, 0 to 1
   * @param burst mean number of tunnel messages lost in a row; 1 = independent losses
   */
  constructor (random: Random, loss: number, burst: number) {
    this.#random = random
    const chained = burst > 1 && loss < 1
    this.#toGood = chained ? 1 / burst : 1 - loss
    this.#toBad = chained ? Math.min(1, loss / (burst * (1 - loss))) : loss
    // The chain starts in its stationary state, so that short runs see the same loss as long ones.
    if (random.next() < loss) this.#startBurst()
    else this.#good = 1 + random.geometric(this.#toBad)
  }

  /** The fate of the next tunnel message. */
  lost (): boolean {
    if (this.#bad === 0) {
      if (this.#good > 0) {
        this.#good--
        return false
      }
      this.#startBurst()
    }
    this.#bad--
    return true
  }

  /** How many of the next `count` tunnel messages are lost. */
  take (count: number): number {
    if (this.#bad === 0 && this.#good >= count) {
      this.#good -= count
      return 0
    }
    let lost = 0
    for (let i = 0; i < count; i++) if (this.lost()) lost++
    return lost
  }

  #startBurst (): void {
    this.#bad = 1 + this.#random.geometric(this.#toGood)
    this.#good = 1 + this.#random.geometric(this.#toBad)
  }
}
