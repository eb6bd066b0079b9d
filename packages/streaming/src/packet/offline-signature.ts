import { SIGNATURE_TYPES, verifySignature } from '@minwww/i2cp/codec'
import type { Destination } from '@minwww/i2cp/codec'
import { malformed } from './malformed.ts'

/** Expiry (4), type (2). */
const FIXED = 6

/** The public key that verifies a packet, when it is not the Destination's own. */
export interface VerifyingKey {
  readonly signingType: number
  readonly publicKey: Buffer
}

/**
 * The offline signature section: a transient key, signed by the Destination's own.
 * Common structures, "OfflineSignature"; the signing type of the Destination gives the length of `signature`.
 */
export interface OfflineSignature {
  /** Seconds since 1970. */
  readonly expires: number
  readonly transientType: number
  readonly transientKey: Buffer
  readonly signature: Buffer
}

export function encodeOfflineSignature (offline: OfflineSignature): Buffer {
  return Buffer.concat([signedPart(offline), offline.signature])
}

/** Reads it at `offset`; `signatureLength` is that of the Destination's type. Throws STREAMING_MALFORMED. */
export function decodeOfflineSignature (
  bytes: Buffer, offset: number, end: number, signatureLength: number
): { offline: OfflineSignature, next: number } {
  if (offset + FIXED > end) throw malformed('offline signature is cut')
  const expires = bytes.readUInt32BE(offset)
  const transientType = bytes.readUInt16BE(offset + 4)
  const type = SIGNATURE_TYPES.get(transientType)
  if (type === undefined) throw malformed(`offline signature with unknown type ${transientType}`)
  const keyEnd = offset + FIXED + type.publicKeyLength
  const next = keyEnd + signatureLength
  if (next > end) throw malformed('offline signature is cut')
  return {
    offline: { expires, transientType, transientKey: bytes.subarray(offset + FIXED, keyEnd), signature: bytes.subarray(keyEnd, next) },
    next
  }
}

/** The transient key, if the Destination signed it and it has not expired at `seconds` since 1970. */
export function transientKeyOf (offline: OfflineSignature, from: Destination, seconds: number): VerifyingKey | undefined {
  if (offline.expires <= seconds) return undefined
  if (!from.verify(offline.signature, signedPart(offline))) return undefined
  return { signingType: offline.transientType, publicKey: Buffer.from(offline.transientKey) }
}

/** Verifies `data` by a bare key; false as well for a type that is not carried. */
export function verifyBy (key: VerifyingKey, signature: Uint8Array, data: Uint8Array): boolean {
  try {
    return verifySignature(key.signingType, key.publicKey, data, signature)
  } catch {
    return false
  }
}

function signedPart (offline: OfflineSignature): Buffer {
  const head = Buffer.alloc(FIXED)
  head.writeUInt32BE(offline.expires, 0)
  head.writeUInt16BE(offline.transientType, 4)
  return Buffer.concat([head, offline.transientKey])
}

/** The key of a Destination itself. */
export function ownKey (destination: Destination): VerifyingKey {
  return { signingType: destination.signingType, publicKey: destination.signingPublicKey }
}
