import { createHash } from 'node:crypto'
import type { LocalDestination } from '../crypto/local-destination.ts'
import { DSA_SHA1 } from '../crypto/signature-types.ts'
import { Destination } from '../data/destination.ts'
import { ByteReader } from '../data/reader.ts'
import { I2cpError } from '../errors.ts'

export interface Datagram1 {
  readonly from: Destination
  readonly payload: Buffer
  /** Costs a signature check. Says nothing about whom it was meant for or when: it can be replayed. */
  verify (): boolean
}

/** Destination, signature, payload. Datagrams, "Datagram1". Has no room for offline keys: I2CP_UNSUPPORTED. */
export function encodeDatagram1 (from: LocalDestination, payload: Uint8Array): Buffer {
  if (from.offline !== undefined) throw new I2cpError('I2CP_UNSUPPORTED', 'Datagram1 cannot be signed with a transient key')
  return Buffer.concat([from.destination.bytes, from.sign(payload), payload])
}

/** Reads without verifying. Throws I2CP_MALFORMED. */
export function parseDatagram1 (bytes: Uint8Array): Datagram1 {
  const from = Destination.parse(bytes)
  const reader = new ByteReader(bytes, from.bytes.length)
  const signature = reader.slice(from.signatureLength)
  const payload = reader.rest()
  // DSA signs the SHA-256 of the payload, all other types the payload.
  const signed = () => from.signingType === DSA_SHA1 ? createHash('sha256').update(payload).digest() : payload
  return { from, payload, verify: () => from.verify(signature, signed()) }
}

/** Reads and verifies. Throws I2CP_BAD_SIGNATURE, I2CP_MALFORMED. */
export function decodeDatagram1 (bytes: Uint8Array): { from: Destination, payload: Buffer } {
  const { from, payload, verify } = parseDatagram1(bytes)
  if (!verify()) throw new I2cpError('I2CP_BAD_SIGNATURE')
  return { from, payload }
}
