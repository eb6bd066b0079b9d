import { I2cpError } from '../errors.ts'

const FORM = /^[A-Za-z0-9~-]*={0,2}$/

/** I2P's base64: '-' and '~' instead of '+' and '/', padded with '='. */
export function toBase64 (bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64').replace(/[+/]/g, c => c === '+' ? '-' : '~')
}

/** Strict inverse of {@link toBase64}; padding may be missing. Throws I2CP_BAD_ADDRESS. */
export function fromBase64 (text: string): Buffer {
  if (!FORM.test(text)) throw new I2cpError('I2CP_BAD_ADDRESS', 'not base64 in the I2P alphabet')
  const bare = text.replace(/=+$/, '')
  if (bare.length % 4 === 1) throw new I2cpError('I2CP_BAD_ADDRESS', 'base64 cut off')
  return Buffer.from(bare.replace(/[-~]/g, c => c === '-' ? '+' : '/'), 'base64')
}
