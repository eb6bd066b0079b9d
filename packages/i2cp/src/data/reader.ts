import { malformed } from '../errors.ts'

/**
 * Reads big-endian fields from hostile bytes. Every read checks the remaining length before it touches or copies
 * anything and throws I2CP_MALFORMED when the bytes end too early. Slices share memory with the input.
 */
export class ByteReader {
  readonly bytes: Buffer
  #offset: number

  constructor (bytes: Uint8Array, offset = 0) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#offset = offset
    if (offset > bytes.byteLength) throw malformed('offset beyond the end')
  }

  get offset (): number { return this.#offset }
  get remaining (): number { return this.bytes.length - this.#offset }

  u8 (): number { return this.bytes.readUInt8(this.#take(1)) }
  u16 (): number { return this.bytes.readUInt16BE(this.#take(2)) }
  u32 (): number { return this.bytes.readUInt32BE(this.#take(4)) }
  u48 (): number { return this.bytes.readUIntBE(this.#take(6), 6) }

  /** An 8-byte Date in ms. Dates that do not fit a double exactly (after the year 287396) are malformed. */
  date (): number {
    const at = this.#take(8)
    const high = this.bytes.readUInt32BE(at)
    if (high > 0x1f_ffff) throw malformed('date out of range')
    return high * 0x1_0000_0000 + this.bytes.readUInt32BE(at + 4)
  }

  slice (length: number): Buffer {
    const at = this.#take(length)
    return this.bytes.subarray(at, at + length)
  }

  /** A String: one length byte, then UTF-8. Common structures, "String". */
  string (): string { return this.slice(this.u8()).toString('utf8') }

  rest (): Buffer { return this.slice(this.remaining) }

  /** Bytes read since `start`, for signatures over what has just been parsed. */
  since (start: number): Buffer { return this.bytes.subarray(start, this.#offset) }

  end (): void {
    if (this.remaining !== 0) throw malformed(`${this.remaining} bytes too many`)
  }

  #take (length: number): number {
    if (length > this.remaining) throw malformed(`${length} bytes expected, ${this.remaining} left`)
    const at = this.#offset
    this.#offset += length
    return at
  }
}
