/** Messages whose stream or channel is not known yet; the oldest goes. */
export const MAX_STRAYS = 64
/** Bytes of all of them. */
const MAX_BYTES = 131_072
/** A SYN that comes later than this was sent again, ms. */
const TTL = 3_000

/** Messages that have overtaken the SYN or the HELLO of their stream. Nothing of them is authenticated. */
export class Strays {
  readonly #messages: Array<{ at: number, bytes: Buffer }> = []
  #bytes = 0

  get size (): number { return this.#messages.length }

  add (now: number, bytes: Buffer): void {
    if (bytes.length > MAX_BYTES) return
    this.#messages.push({ at: now, bytes })
    this.#bytes += bytes.length
    while (this.#messages.length > MAX_STRAYS || this.#bytes > MAX_BYTES || now - this.#messages[0]!.at > TTL) this.#drop()
  }

  /** All of them, which are no strays any more: what is one again is added again. */
  take (now: number): Buffer[] {
    const taken = this.#messages.splice(0).filter(({ at }) => now - at <= TTL).map(({ bytes }) => bytes)
    this.#bytes = 0
    return taken
  }

  #drop (): void { this.#bytes -= this.#messages.shift()!.bytes.length }
}
