/** So many in a second of the clock, and no more. */
export class PerSecond {
  readonly #max: number
  #second = 0
  #count = 0

  constructor (max: number) { this.#max = max }

  admit (now: number): boolean {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) this.#count = 0
    this.#second = second
    this.#count += 1
    return this.#count <= this.#max
  }
}
