import { ProtocolError } from './errors.ts'
import { EXP, invert, LOG } from './field.ts'
import { accumulate, extractLane, LANES } from './lanes.ts'
import { MAX_OBJECT, MAX_SYMBOLS } from './sizes.ts'

/**
 * Systematic Reed-Solomon over GF(2^8) with a Cauchy matrix: parity symbol i (k <= i < 256) is the sum over the data
 * symbols j of data[j] / (i + j). Every square part of a Cauchy matrix can be inverted, so any k symbols give the
 * object back.
 */
export class ErasureEncoder {
  readonly k: number
  readonly #data: Buffer
  readonly #symbolLength: number
  /** Parity comes in groups of four, computed at their first use. */
  readonly #groups = new Map<number, Buffer[]>()

  /** Throws MINWWW_BAD_SYMBOL when the object does not fit 256 symbols of that length. */
  constructor (object: Uint8Array, symbolLength: number) {
    this.k = countSymbols(object.length, symbolLength)
    this.#symbolLength = symbolLength
    this.#data = Buffer.alloc(this.k * symbolLength)
    this.#data.set(object)
  }

  /** The symbol of an index below 256: data below k (a view), parity from k on. */
  symbol (index: number): Buffer {
    if (index < 0 || index >= MAX_SYMBOLS) throw new ProtocolError('MINWWW_BAD_SYMBOL', `no symbol ${index}`)
    if (index < this.k) return this.#data.subarray(index * this.#symbolLength, (index + 1) * this.#symbolLength)
    const group = Math.floor((index - this.k) / LANES)
    let parity = this.#groups.get(group)
    if (parity === undefined) this.#groups.set(group, parity = this.#encodeGroup(this.k + group * LANES))
    return parity[(index - this.k) % LANES]!
  }

  #encodeGroup (first: number): Buffer[] {
    const sums = new Uint32Array(this.#symbolLength)
    for (let j = 0; j < this.k; j++) {
      accumulate(sums, this.symbol(j), cauchy(first, j), cauchy(first + 1, j), cauchy(first + 2, j), cauchy(first + 3, j))
    }
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

  /** The object. Throws MINWWW_BAD_SYMBOL before `complete`. */
  result (): Buffer {
    if (!this.complete) throw new ProtocolError('MINWWW_BAD_SYMBOL', `${this.received} of ${this.k} symbols`)
    const missing: number[] = []
    for (let j = 0; j < this.k; j++) if (!this.#symbols.has(j)) missing.push(j)
    if (missing.length > 0) this.#recover(missing)
    const object = Buffer.alloc(this.k * this.#symbolLength)
    for (let j = 0; j < this.k; j++) object.set(this.#symbols.get(j)!, j * this.#symbolLength)
    return object.subarray(0, this.#size)
  }

  /** As many parity symbols as data symbols are missing: takes the known data out, multiplies by the inverse. */
  #recover (missing: number[]): void {
    const parity = [...this.#symbols.keys()].filter(index => index >= this.k)
    const known = [...this.#symbols.keys()].filter(index => index < this.k)
    const residues = this.#combine(parity, known, cauchy, i => Buffer.from(this.#symbols.get(parity[i]!)!))
    const inverse = invertCauchy(parity, missing)
    parity.forEach((index, i) => this.#symbols.set(index, residues[i]!))
    const positions = new Map(parity.map((index, i) => [index, i]))
    const rows = new Map(missing.map((index, i) => [index, i]))
    const coefficient = (row: number, column: number): number =>
      inverse[rows.get(row)! * parity.length + positions.get(column)!]!
    const recovered = this.#combine(missing, parity, coefficient, () => Buffer.alloc(this.#symbolLength))
    for (const index of parity) this.#symbols.delete(index)
    missing.forEach((index, i) => this.#symbols.set(index, recovered[i]!))
  }

  /** For each row: start(row) + sum over columns of coefficient(row, column) * symbol(column). */
  #combine (rows: number[], columns: number[], coefficient: (row: number, column: number) => number,
    start: (position: number) => Buffer): Buffer[] {
    const results = rows.map((_, i) => start(i))
    for (let first = 0; first < rows.length; first += LANES) {
      const sums = new Uint32Array(this.#symbolLength)
      const group = rows.slice(first, first + LANES)
      const at = (lane: number, column: number): number => lane < group.length ? coefficient(group[lane]!, column) : 0
      for (const column of columns) {
        accumulate(sums, this.#symbols.get(column)!, at(0, column), at(1, column), at(2, column), at(3, column))
      }
      group.forEach((_, lane) => extractLane(sums, lane, results[first + lane]!))
    }
    return results
  }
}

function countSymbols (size: number, symbolLength: number): number {
  if (size === 0) return 0
  const k = Math.ceil(size / symbolLength)
  if (!(size > 0 && k <= MAX_SYMBOLS)) throw new ProtocolError('MINWWW_BAD_SYMBOL', `${k} symbols`)
  return k
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
