/** Longest wait that is no sign of a standing queue, ms (Java I2P: CoDelBlockingQueue). */
const TARGET = 15

/** The wait must be longer than the target for this long before anything is dropped, ms. */
const INTERVAL = 100

/** Controlled delay (RFC 8289): drops when messages have waited too long for too long. */
export class CoDel {
  #aboveUntil: number | undefined
  #dropping = false
  #count = 0
  #nextDrop = 0

  /** Whether the message that is taken from the queue now, after waiting for `sojourn` ms, is dropped. */
  drops (now: number, sojourn: number): boolean {
    if (sojourn < TARGET) {
      this.#aboveUntil = undefined
      this.#dropping = false
      return false
    }
    this.#aboveUntil ??= now + INTERVAL
    if (now < this.#aboveUntil) return false
    if (!this.#dropping) {
      this.#dropping = true
      this.#count = Math.max(1, this.#count - 2)
      this.#nextDrop = now
    }
    if (now < this.#nextDrop) return false
    this.#count++
    this.#nextDrop += INTERVAL / Math.sqrt(this.#count)
    return true
  }
}
