import { ErasureDecoder, MAX_HEAD, MAX_SYMBOLS, parityFor, parityLimit } from '@minwww/protocol'
import type { Part, ReplyMessage } from '@minwww/protocol'
import { isResumable } from './response.ts'

/** What became of a symbol. */
export type Placed = 'new' | 'duplicate' | 'inconsistent'

/** The symbols of one reply object: any k of them make it whole. */
export class Assembly {
  readonly size: number
  readonly symbolLength: number
  readonly k: number
  readonly part: Part
  readonly #decoder: ErasureDecoder
  readonly #limit: number
  /** Highest index announced in any burst, or asked for. */
  #highest = -1
  #symbols = 0
  /** First index of the last WANT, and symbols that had come before it. */
  #asked = { from: 0, symbols: 0 }
  /** Undefined until its head was read. */
  #isResumable: boolean | undefined

  /**
   * @param reply - the first symbol; it fixes size and symbol length
   * @param factor - symbols taken in all, as a multiple of k
   */
  constructor (reply: ReplyMessage, factor: number) {
    this.size = reply.size
    this.part = reply.part
    this.symbolLength = reply.symbol.length
    this.#decoder = new ErasureDecoder(this.size, this.symbolLength)
    this.k = this.#decoder.k
    // A reply of one symbol may have two of parity, and each of its repetitions the same.
    this.#limit = Math.max(factor * this.k, 3 * factor)
  }

  add (reply: ReplyMessage): Placed {
    if (reply.size !== this.size || reply.part !== this.part || reply.symbol.length !== this.symbolLength) return 'inconsistent'
    this.#symbols++
    this.#highest = Math.max(this.#highest, this.announced(reply.last))
    return this.#decoder.add(reply.index, reply.symbol) ? 'new' : 'duplicate'
  }

  /** `last` as far as it can be true: no burst has more than the largest parity behind what is known. */
  announced (last: number): number {
    const most = Math.max(this.#highest, this.k - 1) + parityLimit(this.k)
    return Math.min(last, most, MAX_SYMBOLS - 1)
  }

  get missing (): number {
    return Math.max(0, this.k - this.#decoder.received)
  }

  get complete (): boolean {
    return this.#decoder.complete
  }

  /** Bytes announced or asked for and not yet here; what a burst has lost stays in until the WANT. */
  get outstanding (): number {
    if (this.complete) return 0
    const { from, symbols } = this.#asked
    return Math.max(this.missing, this.#highest + 1 - from - (this.#symbols - symbols)) * this.symbolLength
  }

  /** More symbols came than any honest exit sends. */
  get isFlooded (): boolean {
    return this.#symbols > this.#limit
  }

  /** Indices for a WANT, fresh ones; undefined when there are none left or the exit has sent its share. */
  want (loss: number, m: number): { from: number, count: number } | undefined {
    const needed = this.missing
    const from = this.#highest + 1
    const count = Math.min(needed + parityFor(needed, loss, m), MAX_SYMBOLS - from, this.#limit - this.#symbols)
    if (needed === 0 || count < 1) return undefined
    this.#highest = from + count - 1
    this.#asked = { from, symbols: this.#symbols }
    return { from, count }
  }

  /** What has come at the front of the object beyond its first `from` bytes, without a gap. */
  front (from: number): Buffer {
    return this.#decoder.leading > from ? this.#decoder.front(from) : Buffer.alloc(0)
  }

  /** Another exit could go on with it; false while its head is not here. */
  get isResumable (): boolean {
    if (this.#isResumable === undefined) {
      const front = this.front(0)
      this.#isResumable = isResumable(front) ?? (front.length > MAX_HEAD ? false : undefined)
    }
    return this.#isResumable === true
  }

  result (): Buffer {
    return this.#decoder.result()
  }
}
