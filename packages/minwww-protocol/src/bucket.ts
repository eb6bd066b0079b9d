const MILLISECONDS = 1000
/** A time in epoch ms has steps of 0.00025 ms; this much more never rounds down to too early. */
const CLOCK_STEP = 0.001

/** Token bucket in bytes. It starts full. A packet larger than the bucket leaves when the bucket is full. */
export class TokenBucket {
  #rate: number
  #depth: number
  #level: number
  #updated: number

  /** `rate` in B/s, `depth` in bytes, `now` in ms. */
  constructor (rate: number, depth: number, now: number) {
    this.#rate = rate
    this.#depth = depth
    this.#level = depth
    this.#updated = now
  }

  get rate (): number {
    return this.#rate
  }

  get depth (): number {
    return this.#depth
  }

  /** Bytes that may leave now; negative after a packet larger than the bucket. */
  level (now: number): number {
    this.#fill(now)
    return this.#level
  }

  /** Takes the bytes if they may leave now. */
  take (now: number, bytes: number): boolean {
    this.#fill(now)
    if (this.#level < this.#needed(bytes)) return false
    this.#level -= bytes
    return true
  }

  /** Takes the bytes in any case; the level may become negative. */
  force (now: number, bytes: number): void {
    this.#fill(now)
    this.#level -= bytes
  }

  /** Earliest time (ms) at which `take` of so many bytes succeeds; never before `now`. */
  availableAt (now: number, bytes: number): number {
    this.#fill(now)
    const missing = this.#needed(bytes) - this.#level
    return missing <= 0 ? now : now + missing / this.#rate * MILLISECONDS + CLOCK_STEP
  }

  /** A full bucket stays full, an empty one empty. */
  setRate (now: number, rate: number, depth: number): void {
    this.#fill(now)
    this.#rate = rate
    if (this.#level > 0) this.#level *= depth / this.#depth
    this.#depth = depth
  }

  /** A millionth of a byte covers the rounding between `availableAt` and `take`. */
  #needed (bytes: number): number {
    return Math.min(bytes, this.#depth) - 1e-6
  }

  #fill (now: number): void {
    if (now <= this.#updated) return
    this.#level = Math.min(this.#depth, this.#level + (now - this.#updated) * this.#rate / MILLISECONDS)
    this.#updated = now
  }
}
