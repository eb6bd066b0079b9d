/**
 * Bytes that all streams of a manager may hold unread together. Above it a stream gets only the one packet that it
 * needs to go on, and is choked.
 */
export class ReceiveBudget {
  readonly limit: number
  #used = 0

  constructor (limit: number) { this.limit = limit }

  get used (): number { return this.#used }

  exceededBy (bytes: number): boolean { return this.#used + bytes > this.limit }

  /** Returns `bytes`. */
  take (bytes: number): number {
    this.#used += bytes
    return bytes
  }

  /** Returns `bytes`. */
  give (bytes: number): number {
    this.#used -= bytes
    return bytes
  }
}
