import { malformed } from '../errors.ts'
import { HASH_LENGTH } from './lease.ts'
import { LEASE_SET_TYPE, readHeader, signerLength, verifyHeaderSignature, writeHeader } from './lease-set2.ts'
import type { LeaseSet2Header } from './lease-set2.ts'
import { encodeMapping, readMapping } from './mapping.ts'
import type { Mapping } from './mapping.ts'
import type { ByteReader } from './reader.ts'
import { ByteWriter } from './writer.ts'

/** Points to the LeaseSet of another Destination. 40 bytes. Common structures, "MetaLease". */
export interface MetaLease {
  readonly gateway: Buffer
  /** 24 bits; the low 4 say the type of the entry. */
  readonly flags: number
  /** 0-255, the lower the better. */
  readonly cost: number
  /** Epoch seconds. */
  readonly end: number
}

/** Common structures, "MetaLeaseSet". */
export interface MetaLeaseSet extends LeaseSet2Header {
  readonly options: Mapping
  readonly leases: readonly MetaLease[]
  readonly revocations: readonly Buffer[]
  readonly signature: Buffer
}

export function encodeUnsignedMetaLeaseSet (meta: Omit<MetaLeaseSet, 'signature'>): Buffer {
  const writer = new ByteWriter()
  writeHeader(writer, meta)
  writer.put(encodeMapping(meta.options)).u8(meta.leases.length)
  for (const { gateway, flags, cost, end } of meta.leases) writer.put(gateway).u32(((flags << 8) | cost) >>> 0).u32(end)
  writer.u8(meta.revocations.length)
  for (const hash of meta.revocations) writer.put(hash)
  return writer.toBuffer()
}

export function signMetaLeaseSet (meta: Omit<MetaLeaseSet, 'signature'>, sign: (data: Uint8Array) => Uint8Array): Buffer {
  const body = encodeUnsignedMetaLeaseSet(meta)
  return Buffer.concat([body, sign(Buffer.concat([Buffer.of(LEASE_SET_TYPE.META), body]))])
}

/** Counts are single bytes, so at most 255 leases and 255 revocations. */
export function readMetaLeaseSet (reader: ByteReader): MetaLeaseSet {
  const header = readHeader(reader)
  const options = readMapping(reader)
  const count = reader.u8()
  if (count === 0) throw malformed('a meta LeaseSet without leases')
  const leases = Array.from({ length: count }, () => readMetaLease(reader))
  const revocations = Array.from({ length: reader.u8() }, () => Buffer.from(reader.slice(HASH_LENGTH)))
  return { ...header, options, leases, revocations, signature: Buffer.from(reader.slice(signerLength(header))) }
}

export function verifyMetaLeaseSet (meta: MetaLeaseSet, nowSeconds: number): boolean {
  return verifyHeaderSignature(meta, LEASE_SET_TYPE.META, encodeUnsignedMetaLeaseSet(meta), meta.signature, nowSeconds)
}

function readMetaLease (reader: ByteReader): MetaLease {
  const gateway = Buffer.from(reader.slice(HASH_LENGTH))
  const word = reader.u32()
  return { gateway, flags: word >>> 8, cost: word & 0xff, end: reader.u32() }
}
