import { SIGNATURE_TYPES } from '../crypto/signature-types.ts'
import { I2cpError } from '../errors.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { Destination, verifySignature } from './destination.ts'
import { encodeMapping, readMapping } from './mapping.ts'
import type { Mapping } from './mapping.ts'
import { signatureType } from './offline-signature.ts'
import type { OfflineSignature } from './offline-signature.ts'
import type { ByteReader } from './reader.ts'
import { ByteWriter } from './writer.ts'

/** I2CP specification, "Session Config". `date` in epoch ms must be within 30 s of the router's. */
export interface SessionConfig {
  readonly destination: Destination
  readonly options: Mapping
  readonly date: number
  readonly signature: Buffer
}

export type UnsignedSessionConfig = Omit<SessionConfig, 'signature'>

/** Options that carry an offline signature in a session configuration. */
export const OFFLINE_OPTION = {
  EXPIRATION: 'i2cp.leaseSetOfflineExpiration',
  TRANSIENT_KEY: 'i2cp.leaseSetTransientPublicKey',
  SIGNATURE: 'i2cp.leaseSetOfflineSignature'
} as const

export function signSessionConfig (config: UnsignedSessionConfig, sign: (data: Uint8Array) => Buffer): SessionConfig {
  return { ...config, signature: sign(encodeUnsigned(config)) }
}

export function writeSessionConfig (writer: ByteWriter, config: SessionConfig): void {
  writer.put(encodeUnsigned(config)).put(config.signature)
}

export function readSessionConfig (reader: ByteReader): SessionConfig {
  const destination = Destination.parse(reader.bytes, reader.offset)
  reader.slice(destination.bytes.length)
  const options = readMapping(reader)
  const date = reader.date()
  const transient = transientKey(options)
  const length = transient === undefined ? destination.signatureLength : signatureType(transient.type).signatureLength
  return { destination, options, date, signature: Buffer.from(reader.slice(length)) }
}

/** Checks over the sorted form, as Java's router does: a client that signs an unsorted Mapping is refused. */
export function verifySessionConfig (config: SessionConfig): boolean {
  const transient = transientKey(config.options)
  const { signingType, signingPublicKey } = config.destination
  return verifySignature(transient?.type ?? signingType, transient?.key ?? signingPublicKey, encodeUnsigned(config), config.signature)
}

export function offlineOptions (offline: OfflineSignature): Mapping {
  return {
    [OFFLINE_OPTION.EXPIRATION]: String(offline.expires),
    [OFFLINE_OPTION.TRANSIENT_KEY]: `${offline.transientType}:${toBase64(offline.transientPublicKey)}`,
    [OFFLINE_OPTION.SIGNATURE]: toBase64(offline.signature)
  }
}

/** `[type:]base64`, the type as a number or a name, DSA_SHA1 if missing. */
function transientKey (options: Mapping): { type: number, key: Buffer } | undefined {
  const text = options[OFFLINE_OPTION.TRANSIENT_KEY]
  if (text === undefined) return undefined
  const colon = text.indexOf(':')
  const name = colon < 0 ? '0' : text.slice(0, colon)
  const type = /^\d+$/.test(name) ? Number(name) : [...SIGNATURE_TYPES.values()].find(row => row.name === name)?.code
  if (type === undefined) throw new I2cpError('I2CP_UNSUPPORTED', 'the transient key has an unknown type')
  return { type, key: fromBase64(text.slice(colon + 1)) }
}

function encodeUnsigned (config: UnsignedSessionConfig): Buffer {
  return new ByteWriter().put(config.destination.bytes).put(encodeMapping(config.options)).date(config.date).toBuffer()
}
