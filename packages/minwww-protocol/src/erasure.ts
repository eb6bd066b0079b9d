import { ProtocolError } from './errors.ts'
import { EXP, invert, LOG } from './field.ts'
import { combine, extractLane, LANES } from './lanes.ts'
import { MAX_OBJECT, MAX_SYMBOLS } from './sizes.ts'

/**
 * Systematic Reed-Solomon over GF(2^8) with a Cauchy matrix: parity symbol i (k <= i < 256) is the sum over the data
 * symbols j of data[j] / (i + j). Every square part of a Cauchy matrix can be inverted, so any k symbols give the
 * object back.
 */
export class ErasureEncoder {
  readonly k: number
  readonly #data: readonly Buffer[]
  readonly #symbolLength: number
  /** Parity comes in groups of four, computed at their first use. */
  readonly #groups = new Map<number, Buffer[]>()

  /**
   * Keeps the object, not a copy of it. Throws MINWWW_BAD_SYMBOL when it does not fit 256 symbols of that length.
   */
  constructor (object: Uint8Array, symbolLength: number) {
    this.k = countSymbols(object.length, symbolLength)
    this.#symbolLength = symbolLength
    this.#data = split(object, this.k, symbolLength)
  }

  /** The symbol of an index below 256: data below k (a view), parity from k on. */
  symbol (index: number): Buffer {
    if (!(index >= 0 && index < MAX_SYMBOLS)) throw new ProtocolError('MINWWW_BAD_SYMBOL', `no symbol ${index}`)
    if (index < this.k) return this.#data[index]!
    const group = Math.floor((index - this.k) / LANES)
    let parity = this.#groups.get(group)
    if (parity === undefined) this.#groups.set(group, parity = this.#encodeGroup(this.k + group * LANES))
    return parity[(index - this.k) % LANES]!
  }

  #encodeGroup (first: number): Buffer[] {
    const sums = combine(this.#data, this.#symbolLength, (lane, column) => cauchy(first + lane, column))
    return Array.from({ length: LANES }, (_, lane) => {
      const parity = Buffer.alloc(this.#symbolLength)
      extractLane(sums, lane, parity)
      return parity
    })
  }
}

/** Collects symbols of one object; keeps at most k of them. */
export class ErasureDecoder {
  readonly k: number
  readonly #size: number
  readonly #symbolLength: number
  readonly #symbols = new Map<number, Buffer>()
  /** Data symbols at the front without a gap. */
  #leading = 0

  /** Throws MINWWW_BAD_SYMBOL for a size above 128 KiB or more than 256 symbols. */
  constructor (size: number, symbolLength: number) {
    if (size > MAX_OBJECT) throw new ProtocolError('MINWWW_BAD_SYMBOL', `object of ${size} bytes`)
    this.k = countSymbols(size, symbolLength)
    this.#size = size
    this.#symbolLength = symbolLength
  }

  /** Copies the symbol. False when it is a duplicate, not needed any more, or cannot be one of this object. */
  add (index: number, symbol: Uint8Array): boolean {
    if (this.complete || !(index >= 0 && index < MAX_SYMBOLS) || symbol.length !== this.#symbolLength) return false
    if (this.#symbols.has(index)) return false
    this.#symbols.set(index, Buffer.from(symbol))
    return true
  }

  get received (): number {
    return this.#symbols.size
  }

  get complete (): boolean {
    return this.#symbols.size >= this.k
  }

  /** Bytes at the front of the object that are here without a gap: its data symbols are the object itself. */
  get leading (): number {
    while (this.#leading < this.k && this.#symbols.has(this.#leading)) this.#leading++
    return Math.min(this.#size, this.#leading * this.#symbolLength)
  }

  /** Bytes `from` (a multiple of the symbol length, or the size) to `leading`. */
  front (from: number): Buffer {
    const to = this.leading
    const symbols: Buffer[] = []
    for (let index = Math.floor(from / this.#symbolLength); index < this.#leading; index++) symbols.push(this.#symbols.get(index)!)
    return Buffer.concat(symbols).subarray(0, Math.max(0, to - from))
  }

  /** The object. Throws MINWWW_BAD_SYMBOL before `complete`. */
  result (): Buffer {
    if (!this.complete) throw new ProtocolError('MINWWW_BAD_SYMBOL', `${this.received} of ${this.k} symbols`)
    const data: Array<Buffer | undefined> = Array.from({ length: this.k }, (_, index) => this.#symbols.get(index))
    const missing = data.flatMap((symbol, index) => symbol === undefined ? [index] : [])
    if (missing.length > 0) this.#recover(missing).forEach((symbol, i) => { data[missing[i]!] = symbol })
    return Buffer.concat(data as Buffer[], this.k * this.#symbolLength).subarray(0, this.#size)
  }

  /** As many parity symbols as data symbols are missing: takes the known data out of them, multiplies by the inverse. */
  #recover (missing: number[]): Buffer[] {
    const indices = [...this.#symbols.keys()]
    const known = indices.filter(index => index < this.k)
    const parity = indices.filter(index => index >= this.k)
    const residues = this.#multiply(
      known.map(index => this.#symbols.get(index)!),
      parity.map(index => Buffer.from(this.#symbols.get(index)!)),
      (row, column) => cauchy(parity[row]!, known[column]!)
    )
    const inverse = invertCauchy(parity, missing)
    const zeros = missing.map(() => Buffer.alloc(this.#symbolLength))
    return this.#multiply(residues, zeros, (row, column) => inverse[row * parity.length + column]!)
  }

  /** Adds to each row the sum over columns of coefficient(row, column) * column. */
  #multiply (columns: Buffer[], rows: Buffer[], coefficient: (row: number, column: number) => number): Buffer[] {
    for (let first = 0; first < rows.length; first += LANES) {
      const group = rows.slice(first, first + LANES)
      const sums = combine(columns, this.#symbolLength, (lane, column) => lane < group.length ? coefficient(first + lane, column) : 0)
      group.forEach((row, lane) => extractLane(sums, lane, row))
    }
    return rows
  }
}

function countSymbols (size: number, symbolLength: number): number {
  if (size === 0) return 0
  const k = Math.ceil(size / symbolLength)
  if (!(size > 0 && k <= MAX_SYMBOLS)) throw new ProtocolError('MINWWW_BAD_SYMBOL', `${k} symbols`)
  return k
}

/** Views of the object; only a last symbol that is not full is copied and padded with zeros. */
function split (object: Uint8Array, k: number, symbolLength: number): Buffer[] {
  const bytes = Buffer.from(object.buffer, object.byteOffset, object.length)
  return Array.from({ length: k }, (_, index) => {
    const view = bytes.subarray(index * symbolLength, (index + 1) * symbolLength)
    return view.length === symbolLength ? view : Buffer.concat([view], symbolLength)
  })
}

/** Rows beyond the 256th of a group of four are computed with the rest and never used. */
function cauchy (row: number, column: number): number {
  return invert((row ^ column) & 0xff || 1)
}

/** Inverse of the matrix 1 / (rows[i] + columns[j]), row by row; closed form, so O(n^2). */
function invertCauchy (rows: number[], columns: number[]): Uint8Array {
  const n = rows.length
  const rowLogs = rows.map(x => logProduct(columns, x) - logProduct(rows, x))
  const columnLogs = columns.map(y => logProduct(rows, y) - logProduct(columns, y))
  const inverse = new Uint8Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const log = columnLogs[i]! + rowLogs[j]! - LOG[rows[j]! ^ columns[i]!]!
      inverse[i * n + j] = EXP[((log % 255) + 255) % 255]!
    }
  }
  return inverse
}

/** Logarithm of the product of (x + value) over the values other than x itself. */
function logProduct (values: number[], x: number): number {
  let sum = 0
  for (const value of values) if (value !== x) sum += LOG[value ^ x]!
  return sum
}
