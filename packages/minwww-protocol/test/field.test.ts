import t from 'tap'
import { EXP, invert, LOG, multiply } from '../src/field.ts'

/** By definition: polynomials over GF(2), modulo x^8 + x^4 + x^3 + x^2 + 1. */
function product (a: number, b: number): number {
  let sum = 0
  for (let bit = 0; bit < 8; bit++) if ((b >> bit & 1) !== 0) sum ^= a << bit
  for (let bit = 14; bit >= 8; bit--) if ((sum >> bit & 1) !== 0) sum ^= 0x11d << (bit - 8)
  return sum
}

t.test('products and inverses of GF(2^8)', async t => {
  const wrong: string[] = []
  for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b++) if (multiply(a, b) !== product(a, b)) wrong.push(`${a} * ${b}`)
  for (let a = 1; a < 256; a++) if (product(a, invert(a)) !== 1) wrong.push(`1 / ${a}`)
  t.strictSame(wrong, [])
})

t.test('powers of two, twice over, and their logarithms', async t => {
  t.strictSame([EXP.length, LOG.length], [510, 256])
  t.strictSame([...EXP.subarray(0, 10)], [1, 2, 4, 8, 16, 32, 64, 128, 0x1d, 0x3a])
  t.strictSame(EXP.subarray(255), EXP.subarray(0, 255))
  for (let power = 0; power < 255; power++) if (LOG[EXP[power]!] !== power) t.fail(`2^${power}`)
})
