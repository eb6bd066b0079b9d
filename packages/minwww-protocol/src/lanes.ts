import { multiply } from './field.ts'

/** Rows of a matrix that are worked on at once: one byte each of a 32-bit word. */
export const LANES = 4

/** Columns in one pass over the sums. */
const COLUMNS = 4

const tables = Array.from({ length: COLUMNS }, () => new Uint32Array(256))
const [tableA, tableB, tableC, tableD] = tables as [Uint32Array, Uint32Array, Uint32Array, Uint32Array]
const factors = new Uint8Array(LANES)

type Coefficient = (lane: number, column: number) => number

/**
 * Four sums of products at once: lane l of the result's words is the sum over the columns c of
 * coefficient(l, c) * columns[c]. One table look-up multiplies a byte by four coefficients; a table of 256 words is
 * built by doubling, which a symbol of some hundred bytes repays. Four columns go in one pass over the sums.
 */
export function combine (columns: readonly Uint8Array[], length: number, coefficient: Coefficient): Uint32Array {
  const sums = new Uint32Array(length)
  const rest = columns.length % COLUMNS
  for (let column = 0; column < columns.length - rest; column += COLUMNS) {
    for (let i = 0; i < COLUMNS; i++) fillTable(tables[i]!, column + i, coefficient)
    addFour(sums, columns[column]!, columns[column + 1]!, columns[column + 2]!, columns[column + 3]!)
  }
  for (let column = columns.length - rest; column < columns.length; column++) {
    fillTable(tableA, column, coefficient)
    addOne(sums, columns[column]!)
  }
  return sums
}

/** Takes one lane out of the sums; xors it into `target`. */
export function extractLane (sums: Uint32Array, lane: number, target: Uint8Array): void {
  const shift = 8 * lane
  for (let i = 0; i < target.length; i++) target[i]! ^= sums[i]! >>> shift
}

function addFour (sums: Uint32Array, a: Uint8Array, b: Uint8Array, c: Uint8Array, d: Uint8Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! ^= tableA[a[i]!]! ^ tableB[b[i]!]! ^ tableC[c[i]!]! ^ tableD[d[i]!]!
}

function addOne (sums: Uint32Array, a: Uint8Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! ^= tableA[a[i]!]!
}

function fillTable (table: Uint32Array, column: number, coefficient: Coefficient): void {
  for (let lane = 0; lane < LANES; lane++) factors[lane] = coefficient(lane, column)
  for (let bit = 1; bit < 256; bit <<= 1) {
    let word = 0
    for (let lane = 0; lane < LANES; lane++) word |= multiply(factors[lane]!, bit) << 8 * lane
    for (let i = 0; i < bit; i++) table[bit + i] = table[i]! ^ word
  }
}
