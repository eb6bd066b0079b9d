/** Weight of the latest sample of SAMPLE packets. */
const WEIGHT = 1 / 4
/** Packets of a sample where nothing is said. */
const SAMPLE = 16

/** Share of packets lost, smoothed, 0..1. */
export class LossRatio {
  readonly #sample: number
  #ratio = 0
  #acked = 0
  #lost = 0

  /** `sample`: packets that are counted together; more of them make it steadier and slower. */
  constructor (sample = SAMPLE) {
    this.#sample = sample
  }

  get value (): number { return this.#ratio }

  /** From others, before the first sample. */
  inform (ratio: number): void { if (ratio >= 0) this.#ratio = Math.min(ratio, 1) }

  count (acked: number, lost: number): void {
    this.#acked += acked
    this.#lost += lost
    const total = this.#acked + this.#lost
    if (total < this.#sample) return
    this.#ratio += WEIGHT * (this.#lost / total - this.#ratio)
    this.#acked = this.#lost = 0
  }
}
