import { randomBytes } from 'node:crypto'
import { encodeCertificate, CERTIFICATE } from '../data/certificate.ts'
import { Destination, KEYS_LENGTH } from '../data/destination.ts'
import { offlineSignedPart, readOfflineSignature, signatureType, writeOfflineSignature } from '../data/offline-signature.ts'
import type { OfflineSignature } from '../data/offline-signature.ts'
import { ByteReader } from '../data/reader.ts'
import { ByteWriter } from '../data/writer.ts'
import { I2cpError } from '../errors.ts'
import { ELGAMAL, ENCRYPTION_TYPES } from './encryption-types.ts'
import type { Random } from './keys.ts'
import { createSigner, generateSigner } from './signer.ts'
import type { Signer } from './signer.ts'
import { ED25519 } from './signature-types.ts'

/** Bytes of the encryption field that new keys fill; nobody reads them. */
const KEY_LENGTH = 32
/** Repeated through the 352 bytes of unused key and padding, so that a Destination compresses well (proposal 161). */
const PADDING_SEED = 32

/**
 * A Destination with its private key. Its binary form is the private key file of Java I2P and i2pd (`.dat`): Destination,
 * encryption private key, signing private key; with offline keys the signing private key is zero and the offline signature
 * and the transient private key follow. The encryption key is kept for the file only: each session makes one of its own.
 */
export class LocalDestination {
  readonly destination: Destination
  /** The authorization of the key that signs, if it is a transient one. */
  readonly offline: OfflineSignature | undefined
  /** Signs for the Destination: with its own key or the transient one. */
  readonly signer: Signer
  readonly #encryptionField: Buffer

  private constructor (destination: Destination, encryptionField: Buffer, signer: Signer, offline?: OfflineSignature) {
    this.destination = destination
    this.#encryptionField = encryptionField
    this.signer = signer
    this.offline = offline
  }

  /**
   * A new Destination; with a seeded `random` always the same one. `signingType`: 7 (Ed25519, default) or 11
   * (Red25519, advised where the LeaseSet will be encrypted).
   */
  static generate (random: Random = randomBytes, signingType: number = ED25519): LocalDestination {
    const signer = generateSigner(signingType, random)
    const encryption = Buffer.from(random(KEY_LENGTH))
    const keys = Buffer.alloc(KEYS_LENGTH, Buffer.from(random(PADDING_SEED)))
    signer.publicKey.copy(keys, KEYS_LENGTH - signer.publicKey.length)
    // Encryption type 0 is what every router accepts; the field is unused, the LeaseSet carries the real key.
    const types = Buffer.from([0, signingType, 0, ELGAMAL])
    const destination = Destination.parse(Buffer.concat([keys, encodeCertificate({ type: CERTIFICATE.KEY, payload: types })]))
    const field = Buffer.alloc(ENCRYPTION_TYPES.get(ELGAMAL)!.privateKeyLength)
    encryption.copy(field)
    return new LocalDestination(destination, field, signer)
  }

  /** Throws I2CP_BAD_KEYS when the bytes are no key file or its parts do not belong together, I2CP_UNSUPPORTED. */
  static parse (bytes: Uint8Array): LocalDestination {
    try {
      return LocalDestination.#parse(bytes)
    } catch (error) {
      if (error instanceof I2cpError && error.code !== 'I2CP_MALFORMED') throw error
      throw new I2cpError('I2CP_BAD_KEYS', 'the private keys are damaged', { cause: error })
    }
  }

  static #parse (bytes: Uint8Array): LocalDestination {
    const destination = Destination.parse(bytes)
    const reader = new ByteReader(bytes, destination.bytes.length)
    const field = Buffer.from(reader.slice(ENCRYPTION_TYPES.get(destination.cryptoType)!.privateKeyLength))
    const signing = Buffer.from(reader.slice(signatureType(destination.signingType).privateKeyLength))
    if (signing.every(byte => byte === 0) && reader.remaining > 0) {
      const { offline, signer } = readTransient(reader, destination)
      return new LocalDestination(destination, field, signer, offline)
    }
    const signer = createSigner(destination.signingType, signing)
    if (!signer.publicKey.equals(destination.signingPublicKey)) {
      throw new I2cpError('I2CP_BAD_KEYS', 'the signing key does not belong to the destination')
    }
    return new LocalDestination(destination, field, signer)
  }

  sign (data: Uint8Array): Buffer { return this.signer.sign(data) }

  /**
   * The same Destination with a new transient key, for a machine that must not hold the long-lived one. `expires`:
   * epoch seconds. Throws I2CP_BAD_KEYS if this one already signs with a transient key.
   */
  toOffline (expires: number, random: Random = randomBytes, transientType: number = ED25519): LocalDestination {
    if (this.offline !== undefined) throw new I2cpError('I2CP_BAD_KEYS', 'a transient key cannot authorize another')
    const signer = generateSigner(transientType, random)
    const unsigned = { expires, transientType, transientPublicKey: signer.publicKey }
    const offline = { ...unsigned, signature: this.sign(offlineSignedPart(unsigned)) }
    return new LocalDestination(this.destination, this.#encryptionField, signer, offline)
  }

  /** The private key file's content. Secret. */
  toBytes (): Buffer {
    const writer = new ByteWriter().put(this.destination.bytes).put(this.#encryptionField)
    if (this.offline === undefined) return writer.put(this.signer.privateKey).toBuffer()
    writer.zeros(signatureType(this.destination.signingType).privateKeyLength)
    writeOfflineSignature(writer, this.offline)
    return writer.put(this.signer.privateKey).toBuffer()
  }

  /** Keeps private keys out of logs. */
  toJSON (): { b32: string } { return { b32: this.destination.b32 } }
}

function readTransient (reader: ByteReader, destination: Destination): { offline: OfflineSignature, signer: Signer } {
  const offline = readOfflineSignature(reader, destination.signingType)
  const { transientType, transientPublicKey, signature } = offline
  const signer = createSigner(transientType, Buffer.from(reader.slice(signatureType(transientType).privateKeyLength)))
  if (!signer.publicKey.equals(transientPublicKey)) throw new I2cpError('I2CP_BAD_KEYS', 'the transient keys do not belong together')
  if (!destination.verify(signature, offlineSignedPart(offline))) throw new I2cpError('I2CP_BAD_KEYS', 'the offline signature is wrong')
  return { offline, signer }
}
