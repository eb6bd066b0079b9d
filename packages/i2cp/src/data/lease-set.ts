import { malformed } from '../errors.ts'
import { Destination } from './destination.ts'
import { MAX_LEASES, readLease, writeLease } from './lease.ts'
import type { Lease } from './lease.ts'
import { signatureType } from './offline-signature.ts'
import type { ByteReader } from './reader.ts'
import { ByteWriter } from './writer.ts'

const ELGAMAL_KEY = 256

/** The original LeaseSet, deprecated: ElGamal only. Common structures, "LeaseSet". */
export interface LeaseSet {
  readonly destination: Destination
  /** ElGamal, 256 bytes. */
  readonly encryptionKey: Buffer
  /** For revocation, which nobody implements. Length by the Destination's signature type. */
  readonly signingKey: Buffer
  readonly leases: readonly Lease[]
  readonly signature: Buffer
}

export function encodeUnsignedLeaseSet (leaseSet: Omit<LeaseSet, 'signature'>): Buffer {
  const writer = new ByteWriter().put(leaseSet.destination.bytes).put(leaseSet.encryptionKey).put(leaseSet.signingKey)
  writer.u8(leaseSet.leases.length)
  for (const lease of leaseSet.leases) writeLease(writer, lease)
  return writer.toBuffer()
}

export function signLeaseSet (leaseSet: Omit<LeaseSet, 'signature'>, sign: (data: Uint8Array) => Uint8Array): Buffer {
  const body = encodeUnsignedLeaseSet(leaseSet)
  return Buffer.concat([body, sign(body)])
}

export function readLeaseSet (reader: ByteReader): LeaseSet {
  const destination = Destination.parse(reader.bytes, reader.offset)
  reader.slice(destination.bytes.length)
  const encryptionKey = Buffer.from(reader.slice(ELGAMAL_KEY))
  const signingKey = Buffer.from(reader.slice(signatureType(destination.signingType).publicKeyLength))
  const count = reader.u8()
  if (count > MAX_LEASES) throw malformed(`${count} leases`)
  const leases = Array.from({ length: count }, () => readLease(reader))
  const signature = Buffer.from(reader.slice(destination.signatureLength))
  return { destination, encryptionKey, signingKey, leases, signature }
}

export function verifyLeaseSet (leaseSet: LeaseSet): boolean {
  return leaseSet.destination.verify(leaseSet.signature, encodeUnsignedLeaseSet(leaseSet))
}
