import { hkdfSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { encodeCertificate, CERTIFICATE } from '../data/certificate.ts'
import { Destination, KEYS_LENGTH } from '../data/destination.ts'
import { ByteReader } from '../data/reader.ts'
import { I2cpError } from '../errors.ts'
import { ELGAMAL, ENCRYPTION_TYPES, X25519 } from './encryption-types.ts'
import { ed25519PrivateKey, ed25519PublicOf, signEd25519, x25519PublicOf } from './keys.ts'
import type { Random } from './keys.ts'
import { ED25519, SIGNATURE_TYPES } from './signature-types.ts'

const KEY_LENGTH = 32
/** Repeated through the 352 bytes of unused key and padding, so that a Destination compresses well (proposal 161). */
const PADDING_SEED = 32
const DERIVATION_INFO = 'minwww i2cp leaseset x25519'

/**
 * A Destination with its private keys: Ed25519 to sign, X25519 for the LeaseSet. Its binary form is the private key
 * file of Java I2P and i2pd (`.dat`): Destination, encryption private key, signing private key.
 */
export class LocalDestination {
  readonly destination: Destination
  readonly encryptionPublicKey: Buffer
  readonly encryptionPrivateKey: Buffer
  readonly #encryptionField: Buffer
  readonly #signingPrivateKey: Buffer
  readonly #key: KeyObject

  private constructor (destination: Destination, encryptionField: Buffer, signingPrivateKey: Buffer) {
    this.destination = destination
    this.#encryptionField = encryptionField
    this.#signingPrivateKey = signingPrivateKey
    this.#key = ed25519PrivateKey(signingPrivateKey)
    this.encryptionPrivateKey = leaseSetKey(destination, encryptionField, signingPrivateKey)
    this.encryptionPublicKey = x25519PublicOf(this.encryptionPrivateKey)
  }

  /** A new Destination; with a seeded `random` always the same one. */
  static generate (random: Random = randomBytes): LocalDestination {
    const seed = Buffer.from(random(KEY_LENGTH))
    const encryption = Buffer.from(random(KEY_LENGTH))
    const padding = Buffer.from(random(PADDING_SEED))
    const keys = Buffer.alloc(KEYS_LENGTH, padding)
    ed25519PublicOf(seed).copy(keys, KEYS_LENGTH - KEY_LENGTH)
    // Encryption type 0 is what every router accepts; the field is unused, the LeaseSet carries the real key.
    const types = Buffer.from([0, ED25519, 0, ELGAMAL])
    const destination = Destination.parse(Buffer.concat([keys, encodeCertificate({ type: CERTIFICATE.KEY, payload: types })]))
    const field = Buffer.alloc(ENCRYPTION_TYPES.get(ELGAMAL)!.privateKeyLength)
    encryption.copy(field)
    return new LocalDestination(destination, field, seed)
  }

  /** Throws I2CP_BAD_KEYS when the bytes are no key file or its parts do not belong together. */
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
    if (destination.signingType !== ED25519) throw new I2cpError('I2CP_UNSUPPORTED', `signing with type ${destination.signingType}`)
    const field = Buffer.from(reader.slice(ENCRYPTION_TYPES.get(destination.cryptoType)!.privateKeyLength))
    const signing = Buffer.from(reader.slice(SIGNATURE_TYPES.get(destination.signingType)!.privateKeyLength))
    if (!ed25519PublicOf(signing).equals(destination.signingPublicKey)) {
      throw new I2cpError('I2CP_BAD_KEYS', 'the signing key does not belong to the destination')
    }
    return new LocalDestination(destination, field, signing)
  }

  sign (data: Uint8Array): Buffer { return signEd25519(this.#key, data) }

  /** The private key file's content. Secret. */
  toBytes (): Buffer { return Buffer.concat([this.destination.bytes, this.#encryptionField, this.#signingPrivateKey]) }

  /** Keeps private keys out of logs. */
  toJSON (): { b32: string } { return { b32: this.destination.b32 } }
}

/**
 * The X25519 private key of the LeaseSet. Files written here hold it in the first 32 bytes of the field. Other
 * programs keep random or unusable bytes in a type 0 field, so there it is derived, which keeps it stable too.
 */
function leaseSetKey (destination: Destination, field: Buffer, signing: Buffer): Buffer {
  if (destination.cryptoType >= X25519) return field
  const own = field.subarray(0, KEY_LENGTH)
  if (own.some(byte => byte !== 0) && field.subarray(KEY_LENGTH).every(byte => byte === 0)) return Buffer.from(own)
  return Buffer.from(hkdfSync('sha256', Buffer.concat([signing, field]), Buffer.alloc(0), DERIVATION_INFO, KEY_LENGTH))
}
