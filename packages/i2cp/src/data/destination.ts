import { createHash } from 'node:crypto'
import { ENCRYPTION_TYPES } from '../crypto/encryption-types.ts'
import { SIGNATURE_TYPES } from '../crypto/signature-types.ts'
import type { SignatureType } from '../crypto/signature-types.ts'
import { I2cpError, malformed } from '../errors.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { toBase32 } from './base32.ts'
import { CERTIFICATE, parseKeyCertificate, readCertificate } from './certificate.ts'
import { ByteReader } from './reader.ts'

/** Keys and padding before the certificate, bytes. */
export const KEYS_LENGTH = 384
/** Offset of a DSA key, and the end of the first 256 bytes that hold the encryption key. */
const SIGNING_FIELD = 256
/** Longest Destination accepted: RSA-4096 in the certificate is far below it. */
export const MAX_DESTINATION = 4096

/**
 * The address of an I2P endpoint. Common structures, "Destination": 384 bytes of keys and padding, and a certificate.
 * Immutable; `hash` and the names are computed once, when first asked for.
 */
export class Destination {
  readonly bytes: Buffer
  readonly signingType: number
  readonly cryptoType: number
  readonly signingPublicKey: Buffer
  readonly #type: SignatureType
  #hash: Buffer | undefined
  #base64: string | undefined
  #b32: string | undefined

  private constructor (bytes: Buffer, type: SignatureType, cryptoType: number, signingPublicKey: Buffer) {
    this.bytes = bytes
    this.signingType = type.code
    this.cryptoType = cryptoType
    this.signingPublicKey = signingPublicKey
    this.#type = type
  }

  /**
   * Parses the Destination that starts at `offset` and copies it; its length is `result.bytes.length`.
   * Throws I2CP_MALFORMED, or I2CP_UNSUPPORTED for key types whose length is unknown.
   */
  static parse (bytes: Uint8Array, offset = 0): Destination {
    const reader = new ByteReader(bytes, offset)
    const keys = reader.slice(KEYS_LENGTH)
    const certificate = readCertificate(reader)
    const length = reader.offset - offset
    if (length > MAX_DESTINATION) throw malformed('destination too long')
    const { signingType, cryptoType, excess } = certificate.type === CERTIFICATE.KEY
      ? parseKeyCertificate(certificate.payload)
      : { signingType: 0, cryptoType: 0, excess: Buffer.alloc(0) }
    const type = SIGNATURE_TYPES.get(signingType)
    const crypto = ENCRYPTION_TYPES.get(cryptoType)
    if (type === undefined) throw new I2cpError('I2CP_UNSUPPORTED', `signature type ${signingType}`)
    if (crypto === undefined) throw new I2cpError('I2CP_UNSUPPORTED', `encryption type ${cryptoType}`)
    // The signing key is aligned at the end of the 384 bytes; what exceeds its 128 bytes is in the certificate.
    const inKeys = Math.min(type.publicKeyLength, KEYS_LENGTH - SIGNING_FIELD)
    if (excess.length !== type.publicKeyLength - inKeys) throw malformed('key certificate with a wrong length')
    const own = Buffer.from(bytes.subarray(offset, offset + length))
    const signingPublicKey = Buffer.concat([keys.subarray(KEYS_LENGTH - inKeys), excess])
    return new Destination(own, type, cryptoType, signingPublicKey)
  }

  /** Throws I2CP_BAD_ADDRESS or I2CP_MALFORMED. */
  static fromBase64 (text: string): Destination {
    const bytes = fromBase64(text)
    const destination = Destination.parse(bytes)
    if (destination.bytes.length !== bytes.length) throw malformed('bytes after the destination')
    return destination
  }

  get signatureLength (): number { return this.#type.signatureLength }

  /** SHA-256 of the bytes, 32 bytes: the key of the LeaseSet in the network database. */
  get hash (): Buffer {
    this.#hash ??= createHash('sha256').update(this.bytes).digest()
    return this.#hash
  }

  get base64 (): string {
    this.#base64 ??= toBase64(this.bytes)
    return this.#base64
  }

  /** 52 characters and '.b32.i2p'. */
  get b32 (): string {
    this.#b32 ??= toBase32(this.hash) + '.b32.i2p'
    return this.#b32
  }

  /** False for a wrong signature, a wrong length and a key that is no point; I2CP_UNSUPPORTED if the type is not carried. */
  verify (signature: Uint8Array, data: Uint8Array): boolean {
    return verifySignature(this.signingType, this.signingPublicKey, data, signature)
  }

  equals (other: Destination): boolean { return this.bytes.equals(other.bytes) }
}

/** Verifies with a bare key, as for offline signatures. */
export function verifySignature (signingType: number, publicKey: Buffer, data: Uint8Array, signature: Uint8Array): boolean {
  const type = SIGNATURE_TYPES.get(signingType)
  if (type === undefined) throw new I2cpError('I2CP_UNSUPPORTED', `signature type ${signingType}`)
  if (publicKey.length !== type.publicKeyLength || signature.length !== type.signatureLength) return false
  try {
    return type.verify(publicKey, data, signature)
  } catch {
    return false // node:crypto throws for keys that are not on the curve
  }
}
