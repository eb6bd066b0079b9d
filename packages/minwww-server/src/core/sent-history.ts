/** Steps of a history, ms, and how many are kept. */
const STEP = 100
const MAX_STEPS = 128

/** How many bytes were sent by when, of the last 12.8 s in which something was. */
export class SentHistory {
  #total = 0
  /** Oldest first: when each began, and what had been sent before. */
  readonly #steps: Array<{ at: number, before: number }> = []
  #latest = Number.NEGATIVE_INFINITY

  /** When something was sent last, ms; -Infinity before. */
  get latest (): number {
    return this.#latest
  }

  add (now: number, bytes: number): void {
    const last = this.#steps.at(-1)
    if (last === undefined || now - last.at >= STEP) this.#steps.push({ at: now, before: this.#total })
    if (this.#steps.length > MAX_STEPS) this.#steps.shift()
    this.#total += bytes
    this.#latest = now
  }

  /** Bytes that were sent between two times; undefined where that is forgotten. */
  between (since: number, until: number): number | undefined {
    const first = this.#steps[0]
    if (first === undefined || since < first.at - STEP) return undefined
    return this.#until(until) - this.#until(since)
  }

  /** Bytes that were sent from then on, as far as that is remembered. */
  since (time: number): number {
    return this.#total - this.#until(time)
  }

  #until (time: number): number {
    if (time >= this.#latest) return this.#total
    const index = this.#steps.findLastIndex(({ at }) => at <= time)
    if (index === -1) return this.#steps[0]!.before
    const from = this.#steps[index]!
    const to = this.#steps[index + 1] ?? { at: this.#latest, before: this.#total }
    return from.before + (to.before - from.before) * (time - from.at) / Math.max(1, to.at - from.at)
  }
}
