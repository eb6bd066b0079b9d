import { hkdfSync } from 'node:crypto'
import type { EncryptedLeaseSet } from '../data/encrypted-lease-set.ts'
import { signEncryptedLeaseSet } from '../data/encrypted-lease-set.ts'
import { LEASE_SET_TYPE, readLeaseSet2, verifyLeaseSet2 } from '../data/lease-set2.ts'
import type { LeaseSet2 } from '../data/lease-set2.ts'
import { ByteReader } from '../data/reader.ts'
import { I2cpError } from '../errors.ts'
import { blindedPublicKey, blindedSigner, subcredential } from './blinding.ts'
import type { BlindingKey } from './blinding.ts'
import { authorize, chacha20, findCookie } from './client-authorization.ts'
import type { ClientAuthorization, ClientKey } from './client-authorization.ts'
import type { Random } from './keys.ts'
import { RED25519 } from './signature-types.ts'
import type { Signer } from './signer.ts'

const SALT = 32
const INFO = { OUTER: 'ELS2_L1K', INNER: 'ELS2_L2K' } as const

export interface EncryptOptions {
  /** The Destination's own key; a transient one cannot blind. */
  readonly signer: Signer
  /** Epoch seconds; the same as in the inner LeaseSet. Its UTC day chooses the blinded key. */
  readonly published: number
  /** Seconds after `published`, as in the inner LeaseSet. */
  readonly expires: number
  /** Lookup password. */
  readonly secret?: string
  readonly authorization?: ClientAuthorization
  readonly random: Random
}

/** Encrypts and signs; `inner` is a finished LeaseSet2. Encrypted LeaseSet specification. */
export function encryptLeaseSet (inner: Buffer, o: EncryptOptions): Buffer {
  const blinded = blindedSigner(o.signer, o.published * 1000, o.random, o.secret)
  const context = contextOf({ signingType: o.signer.type, signingPublicKey: o.signer.publicKey }, blinded.publicKey, o.published)
  const { header, cookie } = authorize(o.authorization, context, o.random)
  const layer2 = seal(Buffer.concat([Buffer.of(LEASE_SET_TYPE.LEASE_SET2), inner]), Buffer.concat([cookie, context]), INFO.INNER, o.random)
  const ciphertext = seal(Buffer.concat([header, layer2]), context, INFO.OUTER, o.random)
  const { published, expires } = o
  return signEncryptedLeaseSet({
    blindedType: RED25519, blindedPublicKey: blinded.publicKey, published, expires, flags: 0, ciphertext
  }, data => blinded.sign(data))
}

export interface DecryptOptions {
  readonly secret?: string
  readonly clientKey?: ClientKey
}

/**
 * Decrypts and checks everything the specification asks for. Throws I2CP_LOOKUP_DECRYPTION_FAILED,
 * I2CP_LOOKUP_PASSWORD_REQUIRED, I2CP_MALFORMED, I2CP_BAD_SIGNATURE. The outer signature is the caller's to check
 * (verifyEncryptedLeaseSet).
 */
export function decryptLeaseSet (outer: EncryptedLeaseSet, key: BlindingKey, { secret, clientKey }: DecryptOptions = {}): LeaseSet2 {
  const expected = blindedPublicKey(key, outer.published * 1000, secret)
  if (!expected.equals(outer.blindedPublicKey)) throw new I2cpError('I2CP_LOOKUP_DECRYPTION_FAILED', 'another key, day or lookup password')
  const context = contextOf(key, outer.blindedPublicKey, outer.published)
  const layer1 = new ByteReader(unseal(outer.ciphertext, context, INFO.OUTER))
  const cookie = findCookie(layer1, context, clientKey)
  const layer2 = new ByteReader(unseal(layer1.rest(), Buffer.concat([cookie, context]), INFO.INNER))
  if (layer2.u8() !== LEASE_SET_TYPE.LEASE_SET2) throw new I2cpError('I2CP_LOOKUP_DECRYPTION_FAILED', 'no LeaseSet2 inside')
  const leaseSet = readLeaseSet2(layer2)
  const { published, expires, destination } = leaseSet
  if (published !== outer.published || expires !== outer.expires || !destination.signingPublicKey.equals(key.signingPublicKey)) {
    throw new I2cpError('I2CP_LOOKUP_DECRYPTION_FAILED', 'the inner LeaseSet belongs to another')
  }
  if (!verifyLeaseSet2(leaseSet, published)) throw new I2cpError('I2CP_BAD_SIGNATURE', 'the inner LeaseSet is not signed')
  return leaseSet
}

function contextOf (key: BlindingKey, blinded: Buffer, published: number): Buffer {
  const timestamp = Buffer.alloc(4)
  timestamp.writeUInt32BE(published)
  return Buffer.concat([subcredential(key, blinded), timestamp])
}

function seal (plaintext: Buffer, input: Buffer, info: string, random: Random): Buffer {
  const salt = Buffer.from(random(SALT))
  const { key, iv } = layerKeys(salt, input, info)
  return Buffer.concat([salt, chacha20(key, iv, plaintext)])
}

function unseal (sealed: Buffer, input: Buffer, info: string): Buffer {
  const reader = new ByteReader(sealed)
  const { key, iv } = layerKeys(reader.slice(SALT), input, info)
  return chacha20(key, iv, reader.rest())
}

function layerKeys (salt: Buffer, input: Buffer, info: string): { key: Buffer, iv: Buffer } {
  const okm = Buffer.from(hkdfSync('sha256', input, salt, info, 44))
  return { key: okm.subarray(0, 32), iv: okm.subarray(32) }
}
