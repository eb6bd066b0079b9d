/** Tries in vain after which an exit is suspected. */
const SUSPECT_TRIES = 2
/** So long a probe must be in vain too: what is only slow, such as the site behind the exit, answers a probe, ms. */
const PROBE_TIME = 4_000

/** Whether an exit that says nothing is silent for longer than losses, or a slow site, explain. */
export class Silence {
  /** When the first try began of which nothing has come. */
  #since: number | undefined
  #lastAt = Number.NEGATIVE_INFINITY
  #tries = 0
  #probedAt: number | undefined

  /** Something authentic came. */
  broken (): void {
    this.#since = undefined
    this.#tries = 0
    this.#probedAt = undefined
  }

  /** Nothing has come of a try, neither of it nor since. @param startedAt - when it began */
  tried (now: number, startedAt: number): void {
    this.#since = Math.min(this.#since ?? startedAt, startedAt)
    this.#lastAt = now
    this.#tries++
  }

  probeBegins (now: number): void {
    this.#probedAt ??= now
  }

  /** No probe has left since. */
  get isUnprobed (): boolean {
    return this.#probedAt === undefined
  }

  /** Only a probe shows whether the exit is there. */
  get isSuspect (): boolean {
    return this.#tries >= SUSPECT_TRIES
  }

  /** Since when it lasts; undefined while something else may explain it. */
  since (now: number): number | undefined {
    return this.isSuspect && this.#probedAt !== undefined && now - this.#probedAt >= PROBE_TIME ? this.#since : undefined
  }

  /** When the last try was given up. */
  get lastAt (): number {
    return this.#lastAt
  }
}
