import { malformed } from '../errors.ts'
import { verifySignature } from './destination.ts'
import { LEASE_SET_TYPE, LS2_FLAG } from './lease-set2.ts'
import { readOfflineSignature, signatureType, verifyOffline, writeOfflineSignature } from './offline-signature.ts'
import type { OfflineSignature } from './offline-signature.ts'
import type { ByteReader } from './reader.ts'
import { ByteWriter } from './writer.ts'

/** The outer, public layer. Encrypted LeaseSet specification, "Layer 0 (outer)". */
export interface EncryptedLeaseSet {
  readonly blindedType: number
  readonly blindedPublicKey: Buffer
  /** Epoch seconds. */
  readonly published: number
  /** Seconds after `published`. */
  readonly expires: number
  readonly flags: number
  readonly offline?: OfflineSignature
  readonly ciphertext: Buffer
  readonly signature: Buffer
}

export function encodeUnsignedEncryptedLeaseSet (outer: Omit<EncryptedLeaseSet, 'signature'>): Buffer {
  const writer = new ByteWriter().u16(outer.blindedType).put(outer.blindedPublicKey)
  writer.u32(outer.published).u16(outer.expires).u16(outer.flags)
  if (outer.offline !== undefined) writeOfflineSignature(writer, outer.offline)
  return writer.u16(outer.ciphertext.length).put(outer.ciphertext).toBuffer()
}

/** `sign` is the blinded key's, or the transient key's. */
export function signEncryptedLeaseSet (outer: Omit<EncryptedLeaseSet, 'signature'>, sign: (data: Uint8Array) => Uint8Array): Buffer {
  const body = encodeUnsignedEncryptedLeaseSet(outer)
  return Buffer.concat([body, sign(Buffer.concat([Buffer.of(LEASE_SET_TYPE.ENCRYPTED), body]))])
}

export function readEncryptedLeaseSet (reader: ByteReader): EncryptedLeaseSet {
  const blindedType = reader.u16()
  const blindedPublicKey = Buffer.from(reader.slice(signatureType(blindedType).publicKeyLength))
  const published = reader.u32()
  const expires = reader.u16()
  const flags = reader.u16()
  const offline = (flags & LS2_FLAG.OFFLINE) !== 0 ? readOfflineSignature(reader, blindedType) : undefined
  const ciphertext = Buffer.from(reader.slice(reader.u16()))
  if (ciphertext.length === 0) throw malformed('an encrypted LeaseSet without ciphertext')
  const signature = Buffer.from(reader.slice(signatureType(offline?.transientType ?? blindedType).signatureLength))
  return { blindedType, blindedPublicKey, published, expires, flags, ...(offline && { offline }), ciphertext, signature }
}

export function verifyEncryptedLeaseSet (outer: EncryptedLeaseSet, nowSeconds: number): boolean {
  const signed = Buffer.concat([Buffer.of(LEASE_SET_TYPE.ENCRYPTED), encodeUnsignedEncryptedLeaseSet(outer)])
  const { offline, blindedType, blindedPublicKey } = outer
  if (offline === undefined) return verifySignature(blindedType, blindedPublicKey, signed, outer.signature)
  return verifyOffline(offline, blindedType, blindedPublicKey, nowSeconds) &&
    verifySignature(offline.transientType, offline.transientPublicKey, signed, outer.signature)
}
