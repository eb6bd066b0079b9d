import { multiply } from './field.ts'

/** Rows of a matrix that are worked on at once: one byte each of a 32-bit word. */
export const LANES = 4

const table = new Uint32Array(256)

/**
 * sums[i] ^= (c0 * x, c1 * x, c2 * x, c3 * x) for each byte x of `source`. One table look-up multiplies by four
 * coefficients at once; the table of 256 words is built by doubling, which a symbol of some hundred bytes repays.
 */
export function accumulate (sums: Uint32Array, source: Uint8Array, c0: number, c1: number, c2: number, c3: number): void {
  fillTable(c0, c1, c2, c3)
  const length = Math.min(source.length, sums.length)
  for (let i = 0; i < length; i++) sums[i]! ^= table[source[i]!]!
}

/** Takes one lane out of the sums; xors it into `target`. */
export function extractLane (sums: Uint32Array, lane: number, target: Uint8Array): void {
  const shift = 8 * lane
  for (let i = 0; i < target.length; i++) target[i]! ^= sums[i]! >>> shift
}

function fillTable (c0: number, c1: number, c2: number, c3: number): void {
  for (let bit = 1; bit < 256; bit <<= 1) {
    const word = multiply(c0, bit) | multiply(c1, bit) << 8 | multiply(c2, bit) << 16 | multiply(c3, bit) << 24
    for (let i = 0; i < bit; i++) table[bit + i] = table[i]! ^ word
  }
}
