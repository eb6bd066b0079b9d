/** Weight of the latest sample of SAMPLE packets. */
const WEIGHT = 1 / 4
/** Packets per sample. */
const SAMPLE = 16

/** Share of packets lost, smoothed, 0..1. */
export class LossRatio {
  #ratio = 0
  #acked = 0
  #lost = 0

  get value (): number { return this.#ratio }

  /** From others, before the first sample. */
  inform (ratio: number): void { if (ratio >= 0) this.#ratio = Math.min(ratio, 1) }

  count (acked: number, lost: number): void {
    this.#acked += acked
    this.#lost += lost
    const total = this.#acked + this.#lost
    if (total < SAMPLE) return
    this.#ratio += WEIGHT * (this.#lost / total - this.#ratio)
    this.#acked = this.#lost = 0
  }
}
