/** Notices a router that has fallen silent: asks once for a sign of life, then gives it up. */
export class Liveness {
  readonly #interval: number
  #heard = 0
  #asked = false

  /** `interval`: ms of silence before the question, and after it. */
  constructor (interval: number) {
    this.#interval = interval
  }

  heard (now: number): void {
    this.#heard = now
    this.#asked = false
  }

  nextTimeout (): number { return this.#heard + this.#interval * (this.#asked ? 2 : 1) }

  check (now: number): 'fine' | 'ask' | 'dead' {
    if (now < this.nextTimeout()) return 'fine'
    if (this.#asked) return 'dead'
    this.#asked = true
    return 'ask'
  }
}
