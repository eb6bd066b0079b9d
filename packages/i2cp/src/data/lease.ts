import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'

export const HASH_LENGTH = 32
/** Most leases in a LeaseSet, and in a request for one. */
export const MAX_LEASES = 16

/** An inbound tunnel of a Destination. `end` is in epoch ms; a Lease2 carries it in whole seconds. */
export interface Lease {
  readonly gateway: Buffer
  readonly tunnelId: number
  readonly end: number
}

/** 44 bytes. Common structures, "Lease". */
export function readLease (reader: ByteReader): Lease {
  return { gateway: reader.slice(HASH_LENGTH), tunnelId: reader.u32(), end: reader.date() }
}

export function writeLease (writer: ByteWriter, lease: Lease): void {
  writer.put(lease.gateway).u32(lease.tunnelId).date(lease.end)
}

/** 40 bytes. Common structures, "Lease2". */
export function readLease2 (reader: ByteReader): Lease {
  return { gateway: reader.slice(HASH_LENGTH), tunnelId: reader.u32(), end: reader.u32() * 1000 }
}

export function writeLease2 (writer: ByteWriter, lease: Lease): void {
  writer.put(lease.gateway).u32(lease.tunnelId).u32(Math.floor(lease.end / 1000))
}
