import type { LocalDestination } from '../crypto/local-destination.ts'
import { Destination, verifySignature } from '../data/destination.ts'
import { encodeMapping, readMapping } from '../data/mapping.ts'
import type { Mapping } from '../data/mapping.ts'
import { readOfflineSignature, signatureType, verifyOffline, writeOfflineSignature } from '../data/offline-signature.ts'
import type { OfflineSignature } from '../data/offline-signature.ts'
import { ByteReader } from '../data/reader.ts'
import { ByteWriter } from '../data/writer.ts'
import { I2cpError, malformed } from '../errors.ts'

const VERSION = 2
const VERSION_MASK = 0x000f
const FLAG = { OPTIONS: 0x10, OFFLINE: 0x20 } as const

export interface Datagram2 {
  readonly from: Destination
  readonly payload: Buffer
  readonly options?: Mapping
  readonly offline?: OfflineSignature
  /**
   * Costs a signature check. `ownHash`: of the Destination that received it. `nowSeconds` (epoch) is needed for
   * offline keys only, which can expire; without it they do not verify.
   */
  verify (ownHash: Uint8Array, nowSeconds?: number): boolean
}

/**
 * Signs a Datagram2 for the Destination with hash `targetHash`; it verifies nowhere else. Datagrams, "Datagram2".
 * Do not expect i2pd's own datagram code to read it: it signs the sender's hash instead of the target's.
 */
export function encodeDatagram2 (from: LocalDestination, targetHash: Uint8Array, payload: Uint8Array, options?: Mapping): Buffer {
  const { offline, destination } = from
  const flags = VERSION | (options === undefined ? 0 : FLAG.OPTIONS) | (offline === undefined ? 0 : FLAG.OFFLINE)
  const head = new ByteWriter().u16(flags)
  if (options !== undefined) head.put(encodeMapping(options))
  if (offline !== undefined) writeOfflineSignature(head, offline)
  const signature = from.sign(Buffer.concat([targetHash, head.toBuffer(), payload]))
  return Buffer.concat([destination.bytes, head.toBuffer(), payload, signature])
}

/** Reads without verifying, so that the caller can look at the payload before it pays for the signature. */
export function parseDatagram2 (bytes: Uint8Array): Datagram2 {
  const from = Destination.parse(bytes)
  const reader = new ByteReader(bytes, from.bytes.length)
  const signedFrom = reader.offset
  const flags = reader.u16()
  if ((flags & VERSION_MASK) !== VERSION) throw malformed('not a Datagram2')
  const options = (flags & FLAG.OPTIONS) !== 0 ? readMapping(reader) : undefined
  const offline = (flags & FLAG.OFFLINE) !== 0 ? readOfflineSignature(reader, from.signingType) : undefined
  const signatureLength = offline === undefined ? from.signatureLength : signatureType(offline.transientType).signatureLength
  if (reader.remaining < signatureLength) throw malformed('datagram cut off')
  const payload = reader.slice(reader.remaining - signatureLength)
  const signed = reader.since(signedFrom)
  const signature = reader.rest()
  return { from, payload, ...(options && { options }), ...(offline && { offline }), verify }

  function verify (ownHash: Uint8Array, nowSeconds = Infinity): boolean {
    const data = Buffer.concat([ownHash, signed])
    if (offline === undefined) return from.verify(signature, data)
    return verifyOffline(offline, from.signingType, from.signingPublicKey, nowSeconds) &&
      verifySignature(offline.transientType, offline.transientPublicKey, data, signature)
  }
}

/** Reads and verifies. Throws I2CP_BAD_SIGNATURE, I2CP_MALFORMED, I2CP_UNSUPPORTED. */
export function decodeDatagram2 (bytes: Uint8Array, ownHash: Uint8Array, nowSeconds?: number): { from: Destination, payload: Buffer } {
  const datagram = parseDatagram2(bytes)
  if (!datagram.verify(ownHash, nowSeconds)) throw new I2cpError('I2CP_BAD_SIGNATURE')
  return { from: datagram.from, payload: datagram.payload }
}
