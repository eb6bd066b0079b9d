/** One byte for a rate (B/s) or a size (B): 256 * 2^(x/8), 256 B to 1 TB in steps of 9 %. */
const UNIT = 256
const STEPS_PER_DOUBLING = 8
const MAX_CODE = 255
const LOSS_UNIT = 1000

const RATES = Float64Array.from({ length: MAX_CODE + 1 }, (_, code) => UNIT * 2 ** (code / STEPS_PER_DOUBLING))

/** Code of the largest rate that is not above `bytesPerSecond`; clamped to 0..255, 0 for NaN. */
export function encodeRate (bytesPerSecond: number): number {
  if (!(bytesPerSecond > UNIT)) return 0
  const code = Math.min(MAX_CODE, Math.floor(Math.log2(bytesPerSecond / UNIT) * STEPS_PER_DOUBLING))
  // The logarithm may land a step below or above an exact power.
  if (code < MAX_CODE && RATES[code + 1]! <= bytesPerSecond) return code + 1
  return RATES[code]! <= bytesPerSecond ? code : code - 1
}

/** Bytes per second (or bytes) of a code. */
export function decodeRate (code: number): number {
  return RATES[code & MAX_CODE]!
}

/** Loss per tunnel message, 0..1, as thousandths rounded up; clamped at 25.5 %. */
export function encodeLoss (probability: number): number {
  if (!(probability > 0)) return 0
  return Math.min(MAX_CODE, Math.ceil(probability * LOSS_UNIT - 1e-9))
}

/** Loss per tunnel message of a code, 0..0.255. */
export function decodeLoss (code: number): number {
  return (code & MAX_CODE) / LOSS_UNIT
}
