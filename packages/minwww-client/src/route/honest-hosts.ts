/** After a CONNECT that was answered before its exit had, and failed, the next ones to that host and port wait for the exit, ms. */
export const HONEST_TIME = 60_000
/** Hosts and ports of which that is known. */
export const MAX_HONEST = 1_024

/** Where an early answer turned out to be wrong of late. Times in ms. */
export class HonestHosts {
  /** When it ends, by host and port; the one noted last is last. */
  readonly #until = new Map<string, number>()

  get size (): number { return this.#until.size }

  /** An early answer was wrong. */
  note (now: number, authority: string): void {
    this.#until.delete(authority)
    this.#until.set(authority, now + HONEST_TIME)
    if (this.#until.size > MAX_HONEST) this.#until.delete(this.#until.keys().next().value!)
  }

  has (now: number, authority: string): boolean {
    const until = this.#until.get(authority)
    if (until === undefined) return false
    if (now < until) return true
    this.#until.delete(authority)
    return false
  }
}
