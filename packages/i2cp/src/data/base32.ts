import { I2cpError } from '../errors.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const VALUES = new Map([...ALPHABET].map((c, i) => [c, i]))

/** RFC 4648 base32 in lower case, without padding, as used in .b32.i2p names. */
export function toBase32 (bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >>> (bits - 5)) & 31]
    held &= (1 << bits) - 1
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text
}

/** Strict inverse of {@link toBase32}, upper case allowed; unused bits must be 0. Throws I2CP_BAD_ADDRESS. */
export function fromBase32 (text: string): Buffer {
  const bytes = Buffer.alloc(Math.floor(text.length * 5 / 8))
  let at = 0
  let bits = 0
  let held = 0
  for (const c of text.toLowerCase()) {
    const value = VALUES.get(c)
    if (value === undefined) throw new I2cpError('I2CP_BAD_ADDRESS', 'not base32')
    held = (held << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = held >>> bits
    held &= (1 << bits) - 1
  }
  if (held !== 0 || bits >= 5) throw new I2cpError('I2CP_BAD_ADDRESS', 'base32 with stray bits')
  return bytes
}
