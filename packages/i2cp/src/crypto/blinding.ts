import { hkdfSync } from 'node:crypto'
import { I2cpError } from '../errors.ts'
import { blindPrivate, blindPublic, encodeScalar, decodeScalar, red25519FromEd25519, red25519PublicOf, signRed25519 } from './red25519.ts'
import type { Random } from './keys.ts'
import { ED25519, personalHash, RED25519 } from './signature-types.ts'
import type { Signer } from './signer.ts'

/** What a client has to know of an encrypted LeaseSet's Destination: in its full form, or in a b33 name. */
export interface BlindingKey {
  readonly signingType: number
  readonly signingPublicKey: Buffer
}

/** H(...) over the key and both types binds every derived value to them. Encrypted LeaseSet, "Blinding Calculations". */
function keyData ({ signingType, signingPublicKey }: BlindingKey): Buffer {
  if (signingType !== ED25519 && signingType !== RED25519) {
    throw new I2cpError('I2CP_UNSUPPORTED', 'only Ed25519 and Red25519 keys can be blinded')
  }
  return Buffer.concat([signingPublicKey, Buffer.of(0, signingType, 0, RED25519)])
}

/** The day's alpha. `time`: epoch ms, its UTC day counts. `secret`: the lookup password. GENERATE_ALPHA. */
export function generateAlpha (key: BlindingKey, time: number, secret = ''): Buffer {
  const day = new Date(time).toISOString().slice(0, 10).replaceAll('-', '')
  const ikm = Buffer.concat([Buffer.from(day, 'ascii'), Buffer.from(secret, 'utf8')])
  const seed = hkdfSync('sha256', ikm, personalHash('I2PGenerateAlpha', keyData(key)), 'i2pblinding1', 64)
  return encodeScalar(decodeScalar(Buffer.from(seed)))
}

/** The day's public key, under which the encrypted LeaseSet is stored. BLIND_PUBKEY. */
export function blindedPublicKey (key: BlindingKey, time: number, secret?: string): Buffer {
  return blindPublic(key.signingPublicKey, generateAlpha(key, time, secret))
}

/** The day's key pair of the owner. BLIND_PRIVKEY. */
export function blindedSigner (signer: Signer, time: number, random: Random, secret?: string): Signer {
  const key = { signingType: signer.type, signingPublicKey: signer.publicKey }
  const scalar = signer.type === ED25519 ? red25519FromEd25519(signer.privateKey) : signer.privateKey
  const privateKey = blindPrivate(scalar, generateAlpha(key, time, secret))
  return { type: RED25519, privateKey, publicKey: red25519PublicOf(privateKey), sign: data => signRed25519(privateKey, data, random) }
}

/** Encrypted LeaseSet, "Derivation of subcredentials". */
export function subcredential (key: BlindingKey, blinded: Uint8Array): Buffer {
  return personalHash('subcredential', personalHash('credential', keyData(key)), blinded)
}

/** Where the network database keeps it: SHA-256(blinded type || blinded key). */
export function blindedHash (blinded: Uint8Array): Buffer {
  return personalHash('', Buffer.of(0, RED25519), blinded)
}
