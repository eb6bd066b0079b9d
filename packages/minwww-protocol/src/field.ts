/** Arithmetic in GF(2^8) over x^8 + x^4 + x^3 + x^2 + 1; 2 generates the field. */
const POLYNOMIAL = 0x11d
const ORDER = 255

/** 2^i for i = 0..509, so that a sum of two logarithms needs no reduction. */
export const EXP = new Uint8Array(2 * ORDER)
/** LOG[0] is meaningless. */
export const LOG = new Uint8Array(256)

for (let i = 0, x = 1; i < ORDER; i++) {
  EXP[i] = EXP[i + ORDER] = x
  LOG[x] = i
  x <<= 1
  if (x > ORDER) x ^= POLYNOMIAL
}

/** a * b. */
export function multiply (a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!
}

/** 1 / a; a is not 0. */
export function invert (a: number): number {
  return EXP[ORDER - LOG[a]!]!
}
