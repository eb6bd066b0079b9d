import { I2cpError } from '../errors.ts'

const INITIAL_CAPACITY = 512
/** Longest String of the common structures, bytes of UTF-8. */
export const MAX_STRING = 255

/** Writes big-endian fields into one growing buffer. Methods return the writer. */
export class ByteWriter {
  #bytes: Buffer
  #length = 0

  constructor (capacity = INITIAL_CAPACITY) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  get length (): number { return this.#length }

  // The offset comes first in each: #grow may replace the buffer.
  u8 (value: number): this { const at = this.#grow(1); this.#bytes.writeUInt8(value, at); return this }
  u16 (value: number): this { const at = this.#grow(2); this.#bytes.writeUInt16BE(value, at); return this }
  u32 (value: number): this { const at = this.#grow(4); this.#bytes.writeUInt32BE(value, at); return this }
  u48 (value: number): this { const at = this.#grow(6); this.#bytes.writeUIntBE(value, at, 6); return this }
  date (ms: number): this { const at = this.#grow(8); this.#bytes.writeBigUInt64BE(BigInt(Math.floor(ms)), at); return this }

  put (bytes: Uint8Array): this {
    const at = this.#grow(bytes.length)
    this.#bytes.set(bytes, at)
    return this
  }

  zeros (length: number): this {
    const at = this.#grow(length)
    this.#bytes.fill(0, at, at + length)
    return this
  }

  /** A String: one length byte, then at most 255 bytes of UTF-8. */
  string (text: string): this {
    const bytes = Buffer.from(text, 'utf8')
    if (bytes.length > MAX_STRING) throw new I2cpError('I2CP_BAD_OPTION', `string longer than ${MAX_STRING} bytes`)
    return this.u8(bytes.length).put(bytes)
  }

  /** What has been written so far; shares memory with the writer. */
  toBuffer (): Buffer { return this.#bytes.subarray(0, this.#length) }

  #grow (length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}
