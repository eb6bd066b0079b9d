import { fromBase32 } from '../data/base32.ts'
import { Destination } from '../data/destination.ts'
import { I2cpError } from '../errors.ts'
import { decodeB33, MIN_B33 } from './b33.ts'
import type { BlindedAddress } from './b33.ts'

export type Address =
  | { readonly kind: 'destination', readonly destination: Destination }
  | { readonly kind: 'hash', readonly hash: Buffer }
  /** An encrypted LeaseSet's name; the router takes it as a host name. */
  | { readonly kind: 'blinded', readonly name: string, readonly blinded: BlindedAddress }
  | { readonly kind: 'name', readonly name: string }

const B32_SUFFIX = '.b32.i2p'
const B32_LENGTH = 52
/** A Destination has at least 387 bytes: 516 characters. */
const MIN_BASE64 = 516
/** Longest host name of I2P's naming rules. */
const MAX_NAME = 67
const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\.i2p$/

/**
 * Tells base64, .b32.i2p (b32 and b33) and host names apart; names come back in lower case. Throws I2CP_BAD_ADDRESS,
 * I2CP_MALFORMED or I2CP_UNSUPPORTED.
 */
export function parseAddress (text: string): Address {
  if (text.length >= MIN_BASE64) return { kind: 'destination', destination: Destination.fromBase64(text.replace(/\.i2p$/, '')) }
  const name = text.toLowerCase()
  if (name.endsWith(B32_SUFFIX)) {
    const b32 = name.slice(0, -B32_SUFFIX.length)
    if (b32.length === B32_LENGTH) return { kind: 'hash', hash: fromBase32(b32) }
    if (b32.length >= MIN_B33) return { kind: 'blinded', name, blinded: decodeB33(b32) }
    throw new I2cpError('I2CP_BAD_ADDRESS', 'a .b32.i2p name of a wrong length')
  }
  if (name.length > MAX_NAME || !NAME.test(name)) throw new I2cpError('I2CP_BAD_ADDRESS', 'not an I2P address')
  return { kind: 'name', name }
}
