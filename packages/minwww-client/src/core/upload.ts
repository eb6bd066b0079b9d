import { allowedShapes, chooseSymbols, ErasureEncoder, MAX_SYMBOLS, MESSAGE_BURST, MESSAGE_RATE } from '@minwww/protocol'

/** Shortest distance of two messages after the first burst, ms (section 7). */
const MIN_INTERVAL = 1000 / MESSAGE_RATE

/** A request object cut into BODY symbols. All its sendings share the cut: the exit takes any k of them. */
export class Upload {
  readonly size: number
  /** Tunnel messages of each symbol. */
  readonly m: number
  readonly #encoder: ErasureEncoder
  readonly #count: number
  #next = 0

  constructor (object: Buffer, loss: number, shape: number) {
    const { m, k, r, symbolLength } = chooseSymbols({ size: object.length, loss, shapes: allowedShapes(shape) })
    this.size = object.length
    this.m = m
    this.#encoder = new ErasureEncoder(object, symbolLength)
    this.#count = k + r
  }

  symbol (index: number): Buffer {
    return this.#encoder.symbol(index)
  }

  /** Indices of the next sending: fresh ones, as long as there are any. */
  burst (): { first: number, last: number } {
    if (this.#next + this.#count > MAX_SYMBOLS) this.#next = 0
    const first = this.#next
    this.#next += this.#count
    return { first, last: this.#next - 1 }
  }
}

/** One sending of an upload as it goes out. */
export class UploadBurst {
  readonly upload: Upload
  readonly last: number
  readonly #interval: number
  #next: number
  #free = MESSAGE_BURST
  #nextAt: number

  /** @param symbolTime - ms that the path needs for one symbol */
  constructor (now: number, upload: Upload, symbolTime: number) {
    const { first, last } = upload.burst()
    this.upload = upload
    this.#next = first
    this.last = last
    this.#nextAt = now
    this.#interval = Math.max(MIN_INTERVAL, symbolTime)
  }

  /** Infinity when all is sent. */
  get nextAt (): number {
    return this.#next > this.last ? Infinity : this.#nextAt
  }

  /** When the last symbol will be through, if the path is as fast as thought. */
  get endsAt (): number {
    return this.#nextAt + (this.last + 1 - this.#next) * this.#interval
  }

  /** The index that is due, if any. */
  take (now: number): number | undefined {
    if (this.nextAt > now) return undefined
    if (this.#free > 0) this.#free--
    else this.#nextAt = now + this.#interval
    return this.#next++
  }
}
