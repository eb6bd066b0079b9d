import { SIGNATURE_TYPES } from '../crypto/signature-types.ts'
import type { SignatureType } from '../crypto/signature-types.ts'
import { I2cpError } from '../errors.ts'
import { verifySignature } from './destination.ts'
import type { ByteReader } from './reader.ts'
import { ByteWriter } from './writer.ts'

/** A transient signing key, authorized by the Destination's own one. Common structures, "OfflineSignature". */
export interface OfflineSignature {
  /** Epoch seconds. */
  readonly expires: number
  readonly transientType: number
  readonly transientPublicKey: Buffer
  /** By the Destination's signing key over the fields above. */
  readonly signature: Buffer
}

/** The table's row; throws I2CP_UNSUPPORTED for a type whose lengths are unknown. */
export function signatureType (code: number): SignatureType {
  const type = SIGNATURE_TYPES.get(code)
  if (type === undefined) throw new I2cpError('I2CP_UNSUPPORTED', `signature type ${code}`)
  return type
}

/** `signingType`: that of the Destination (or blinded key) which signed it. */
export function readOfflineSignature (reader: ByteReader, signingType: number): OfflineSignature {
  const expires = reader.u32()
  const transientType = reader.u16()
  const transientPublicKey = Buffer.from(reader.slice(signatureType(transientType).publicKeyLength))
  const signature = Buffer.from(reader.slice(signatureType(signingType).signatureLength))
  return { expires, transientType, transientPublicKey, signature }
}

/** What the offline key signs. */
export function offlineSignedPart (offline: Omit<OfflineSignature, 'signature'>): Buffer {
  return new ByteWriter().u32(offline.expires).u16(offline.transientType).put(offline.transientPublicKey).toBuffer()
}

export function writeOfflineSignature (writer: ByteWriter, offline: OfflineSignature): void {
  writer.put(offlineSignedPart(offline)).put(offline.signature)
}

/** True if `signer` authorized the transient key and `nowSeconds` is before its expiry. */
export function verifyOffline (offline: OfflineSignature, signingType: number, publicKey: Buffer, nowSeconds: number): boolean {
  return nowSeconds < offline.expires && verifySignature(signingType, publicKey, offlineSignedPart(offline), offline.signature)
}
