/** Ids that a session looks back over (section 8). */
export const REPLAY_WINDOW = 1024

const WORD = 32

/**
 * Sliding window over 32-bit ids, compared as serial numbers (they wrap). The first id opens the window: it reaches
 * `width` ids down from the highest one seen.
 */
export class ReplayWindow {
  readonly #width: number
  readonly #bits: Uint32Array
  #highest: number | undefined

  constructor (width = REPLAY_WINDOW) {
    this.#width = Math.ceil(width / WORD) * WORD
    this.#bits = new Uint32Array(this.#width / WORD)
  }

  /** Whether the id was seen, is too old to tell, or is new; changes nothing. */
  check (id: number): 'new' | 'seen' | 'old' {
    if (this.#highest === undefined) return 'new'
    const ahead = (id - this.#highest) | 0
    if (ahead > 0) return 'new'
    if (ahead <= -this.#width) return 'old'
    return this.#test(id) ? 'seen' : 'new'
  }

  /** Marks the id; false when it was seen before or is too old. */
  accept (id: number): boolean {
    if (this.check(id) !== 'new') return false
    this.#advance(id >>> 0)
    const slot = (id >>> 0) % this.#width
    this.#bits[slot / WORD | 0]! |= 1 << slot % WORD
    return true
  }

  #advance (id: number): void {
    if (this.#highest === undefined) {
      this.#highest = id
      return
    }
    const ahead = (id - this.#highest) | 0
    if (ahead <= 0) return
    if (ahead >= this.#width) this.#bits.fill(0)
    else for (let i = 1; i <= ahead; i++) this.#clear((this.#highest + i) >>> 0)
    this.#highest = id
  }

  #test (id: number): boolean {
    const slot = (id >>> 0) % this.#width
    return (this.#bits[slot / WORD | 0]! >>> slot % WORD & 1) === 1
  }

  #clear (id: number): void {
    const slot = id % this.#width
    this.#bits[slot / WORD | 0]! &= ~(1 << slot % WORD)
  }
}
