import { malformed } from '../errors.ts'
import { Destination, verifySignature } from './destination.ts'
import { MAX_LEASES, readLease2, writeLease2 } from './lease.ts'
import type { Lease } from './lease.ts'
import { encodeMapping, readMapping } from './mapping.ts'
import type { Mapping } from './mapping.ts'
import { readOfflineSignature, signatureType, verifyOffline, writeOfflineSignature } from './offline-signature.ts'
import type { OfflineSignature } from './offline-signature.ts'
import type { ByteReader } from './reader.ts'
import { ByteWriter } from './writer.ts'

/** LeaseSet types as in CreateLeaseSet2 and I2NP DatabaseStore; also the byte put before what is signed. */
export const LEASE_SET_TYPE = { LEASE_SET: 1, LEASE_SET2: 3, ENCRYPTED: 5, META: 7 } as const

/** Flags of the LeaseSet2 header. */
export const LS2_FLAG = { OFFLINE: 1, UNPUBLISHED: 2, WILL_BE_BLINDED: 4 } as const

/** Most encryption keys in one LeaseSet2 that are read. */
const MAX_ENCRYPTION_KEYS = 8

export interface LeaseSet2Header {
  readonly destination: Destination
  /** Epoch seconds. */
  readonly published: number
  /** Seconds after `published`, at most 65,535. */
  readonly expires: number
  readonly flags: number
  readonly offline?: OfflineSignature
}

export interface EncryptionKey {
  readonly type: number
  readonly key: Buffer
}

/** Common structures, "LeaseSet2". */
export interface LeaseSet2 extends LeaseSet2Header {
  readonly options: Mapping
  readonly encryptionKeys: readonly EncryptionKey[]
  readonly leases: readonly Lease[]
  readonly signature: Buffer
}

export type UnsignedLeaseSet2 = Omit<LeaseSet2, 'signature'>

export function writeHeader (writer: ByteWriter, header: LeaseSet2Header): void {
  writer.put(header.destination.bytes).u32(header.published).u16(header.expires).u16(header.flags)
  if (header.offline !== undefined) writeOfflineSignature(writer, header.offline)
}

export function readHeader (reader: ByteReader): LeaseSet2Header {
  const destination = Destination.parse(reader.bytes, reader.offset)
  reader.slice(destination.bytes.length)
  const published = reader.u32()
  const expires = reader.u16()
  const flags = reader.u16()
  if ((flags & LS2_FLAG.OFFLINE) === 0) return { destination, published, expires, flags }
  return { destination, published, expires, flags, offline: readOfflineSignature(reader, destination.signingType) }
}

/** Everything but the signature. Sign it with the type byte in front: {@link signLeaseSet2}. */
export function encodeUnsignedLeaseSet2 (leaseSet: UnsignedLeaseSet2): Buffer {
  const writer = new ByteWriter()
  writeHeader(writer, leaseSet)
  writer.put(encodeMapping(leaseSet.options)).u8(leaseSet.encryptionKeys.length)
  for (const { type, key } of leaseSet.encryptionKeys) writer.u16(type).u16(key.length).put(key)
  writer.u8(leaseSet.leases.length)
  for (const lease of leaseSet.leases) writeLease2(writer, lease)
  return writer.toBuffer()
}

/** The finished LeaseSet2. `sign` is the Destination's or the transient key's. */
export function signLeaseSet2 (leaseSet: UnsignedLeaseSet2, sign: (data: Uint8Array) => Uint8Array): Buffer {
  const body = encodeUnsignedLeaseSet2(leaseSet)
  return Buffer.concat([body, sign(Buffer.concat([Buffer.of(LEASE_SET_TYPE.LEASE_SET2), body]))])
}

export function readLeaseSet2 (reader: ByteReader): LeaseSet2 {
  const header = readHeader(reader)
  const options = readMapping(reader)
  const keyCount = reader.u8()
  if (keyCount === 0 || keyCount > MAX_ENCRYPTION_KEYS) throw malformed(`${keyCount} encryption keys`)
  const encryptionKeys = Array.from({ length: keyCount }, () => ({ type: reader.u16(), key: Buffer.from(reader.slice(reader.u16())) }))
  const leases = readLeases(reader)
  const signature = Buffer.from(reader.slice(signerLength(header)))
  return { ...header, options, encryptionKeys, leases, signature }
}

/** True if the signature, and the offline signature if there is one, verify at `nowSeconds`. */
export function verifyLeaseSet2 (leaseSet: LeaseSet2, nowSeconds: number): boolean {
  return verifyHeaderSignature(leaseSet, LEASE_SET_TYPE.LEASE_SET2, encodeUnsignedLeaseSet2(leaseSet), leaseSet.signature, nowSeconds)
}

export function verifyHeaderSignature (
  header: LeaseSet2Header, type: number, body: Buffer, signature: Buffer, nowSeconds: number
): boolean {
  const { destination, offline } = header
  const signed = Buffer.concat([Buffer.of(type), body])
  if (offline === undefined) return destination.verify(signature, signed)
  return verifyOffline(offline, destination.signingType, destination.signingPublicKey, nowSeconds) &&
    verifySignature(offline.transientType, offline.transientPublicKey, signed, signature)
}

/** Length of the final signature. */
export function signerLength (header: LeaseSet2Header): number {
  return header.offline === undefined ? header.destination.signatureLength : signatureType(header.offline.transientType).signatureLength
}

function readLeases (reader: ByteReader): Lease[] {
  const count = reader.u8()
  if (count > MAX_LEASES) throw malformed(`${count} leases`)
  return Array.from({ length: count }, () => readLease2(reader))
}
