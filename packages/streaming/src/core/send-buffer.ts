/** Bytes accepted from the application and not yet in a packet. Bounded by its `limit`: write takes no more. */
export class SendBuffer {
  readonly #chunks: Buffer[] = []
  #length = 0
  readonly #limit: number

  constructor (limit: number) { this.#limit = limit }

  /** Bytes. */
  get length (): number { return this.#length }
  get room (): number { return Math.max(this.#limit - this.#length, 0) }

  /** Takes as much as there is room for, without a copy; returns how many bytes. */
  write (data: Buffer): number {
    const count = Math.min(data.length, this.room)
    if (count === 0) return 0
    this.#chunks.push(data.subarray(0, count))
    this.#length += count
    return count
  }

  /** Up to `count` bytes from the front; a copy only where chunks must be joined. */
  take (count: number): Buffer {
    const wanted = Math.min(count, this.#length)
    const parts: Buffer[] = []
    let taken = 0
    while (taken < wanted) {
      const head = this.#chunks[0]!
      const part = head.subarray(0, wanted - taken)
      if (part.length === head.length) this.#chunks.shift()
      else this.#chunks[0] = head.subarray(part.length)
      parts.push(part)
      taken += part.length
    }
    this.#length -= wanted
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts, wanted)
  }

  clear (): void {
    this.#chunks.length = 0
    this.#length = 0
  }
}
