import { malformed } from '../errors.ts'
import type { ByteReader } from './reader.ts'

/** Certificate types. Common structures, "Certificate Types". */
export const CERTIFICATE = { NULL: 0, HASHCASH: 1, HIDDEN: 2, SIGNED: 3, MULTIPLE: 4, KEY: 5 } as const

export interface Certificate {
  readonly type: number
  readonly payload: Buffer
}

/** The payload of a KEY certificate; the signing type comes first. */
export interface KeyCertificate {
  readonly signingType: number
  readonly cryptoType: number
  /** What does not fit the 384 bytes before the certificate. */
  readonly excess: Buffer
}

const KEY_CERTIFICATE_MIN = 4

export function readCertificate (reader: ByteReader): Certificate {
  const type = reader.u8()
  const payload = reader.slice(reader.u16())
  if (type > CERTIFICATE.KEY) throw malformed(`certificate type ${type}`)
  if ((type === CERTIFICATE.NULL || type === CERTIFICATE.HIDDEN) && payload.length > 0) throw malformed('certificate with excess data')
  if (type === CERTIFICATE.SIGNED && payload.length !== 40 && payload.length !== 72) throw malformed('signed certificate length')
  if (type === CERTIFICATE.KEY && payload.length < KEY_CERTIFICATE_MIN) throw malformed('key certificate cut off')
  return { type, payload }
}

export function parseKeyCertificate (payload: Buffer): KeyCertificate {
  return { signingType: payload.readUInt16BE(0), cryptoType: payload.readUInt16BE(2), excess: payload.subarray(KEY_CERTIFICATE_MIN) }
}

export function encodeCertificate (certificate: Certificate): Buffer {
  const head = Buffer.alloc(3)
  head.writeUInt8(certificate.type, 0)
  head.writeUInt16BE(certificate.payload.length, 1)
  return Buffer.concat([head, certificate.payload])
}
