import { multiply } from './field.ts'

/** Rows of a matrix that are worked on at once: one byte each of a 32-bit word. */
export const LANES = 4

const tableA = new Uint32Array(256)
const tableB = new Uint32Array(256)

/**
 * Four sums of products at once: lane l of the result's words is the sum over the columns c of
 * coefficient(l, c) * columns[c]. One table look-up multiplies a byte by four coefficients; a table of 256 words is
 * built by doubling, which a symbol of some hundred bytes repays. Two columns go in one pass over the sums.
 */
export function combine (columns: readonly Uint8Array[], length: number, coefficient: (lane: number, column: number) => number): Uint32Array {
  const sums = new Uint32Array(length)
  for (let column = 0; column + 1 < columns.length; column += 2) {
    fillTable(tableA, column, coefficient)
    fillTable(tableB, column + 1, coefficient)
    addPair(sums, columns[column]!, columns[column + 1]!)
  }
  if (columns.length % 2 === 1) {
    fillTable(tableA, columns.length - 1, coefficient)
    addOne(sums, columns[columns.length - 1]!)
  }
  return sums
}

/** Takes one lane out of the sums; xors it into `target`. */
export function extractLane (sums: Uint32Array, lane: number, target: Uint8Array): void {
  const shift = 8 * lane
  for (let i = 0; i < target.length; i++) target[i]! ^= sums[i]! >>> shift
}

function addPair (sums: Uint32Array, a: Uint8Array, b: Uint8Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! ^= tableA[a[i]!]! ^ tableB[b[i]!]!
}

function addOne (sums: Uint32Array, a: Uint8Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! ^= tableA[a[i]!]!
}

function fillTable (table: Uint32Array, column: number, coefficient: (lane: number, column: number) => number): void {
  for (let bit = 1; bit < 256; bit <<= 1) {
    let word = 0
    for (let lane = 0; lane < LANES; lane++) word |= multiply(coefficient(lane, column), bit) << 8 * lane
    for (let i = 0; i < bit; i++) table[bit + i] = table[i]! ^ word
  }
}
