import { createECDH, createPrivateKey, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { I2cpError } from '../errors.ts'
import { ed25519PrivateKey, ed25519PublicOf, signEd25519 } from './keys.ts'
import type { Random } from './keys.ts'
import { generateRed25519, red25519PublicOf, signRed25519 } from './red25519.ts'
import { ED25519, RED25519, SIGNATURE_TYPES } from './signature-types.ts'

/** A private signing key in use. */
export interface Signer {
  /** Row of SIGNATURE_TYPES. */
  readonly type: number
  readonly publicKey: Buffer
  /** As key files hold it: an Ed25519 seed, otherwise a scalar. Secret. */
  readonly privateKey: Buffer
  sign (data: Uint8Array): Buffer
}

const CURVES: ReadonlyMap<number, { readonly crv: string, readonly ecdh: string, readonly hash: string }> = new Map([
  [1, { crv: 'P-256', ecdh: 'prime256v1', hash: 'sha256' }],
  [2, { crv: 'P-384', ecdh: 'secp384r1', hash: 'sha384' }],
  [3, { crv: 'P-521', ecdh: 'secp521r1', hash: 'sha512' }]
])

/** For types 1-3, 7 and 11; others throw I2CP_UNSUPPORTED: they are verified, never made. */
export function createSigner (type: number, privateKey: Buffer, random: Random = randomBytes): Signer {
  if (type === ED25519) {
    const key = ed25519PrivateKey(privateKey)
    return { type, privateKey, publicKey: ed25519PublicOf(privateKey), sign: data => signEd25519(key, data) }
  }
  if (type === RED25519) {
    return { type, privateKey, publicKey: red25519PublicOf(privateKey), sign: data => signRed25519(privateKey, data, random) }
  }
  const curve = CURVES.get(type)
  if (curve === undefined) throw new I2cpError('I2CP_UNSUPPORTED', `signing with type ${type}`)
  const { key, publicKey } = ecKey(curve, privateKey)
  return { type, privateKey, publicKey, sign: data => sign(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }) }
}

/** New keys of type 7 or 11. */
export function generateSigner (type: number, random: Random = randomBytes): Signer {
  if (type === RED25519) return createSigner(type, generateRed25519(random), random)
  if (type !== ED25519) throw new I2cpError('I2CP_UNSUPPORTED', `new keys of type ${type}`)
  return createSigner(type, Buffer.from(random(SIGNATURE_TYPES.get(type)!.privateKeyLength)))
}

function ecKey ({ crv, ecdh }: { crv: string, ecdh: string }, privateKey: Buffer): { key: KeyObject, publicKey: Buffer } {
  const curve = createECDH(ecdh)
  try {
    curve.setPrivateKey(privateKey)
  } catch (error) {
    throw new I2cpError('I2CP_BAD_KEYS', 'the signing key is outside its curve', { cause: error })
  }
  const publicKey = curve.getPublicKey().subarray(1) // without the 0x04 of an uncompressed point
  const half = publicKey.length / 2
  const [x, y, d] = [
    publicKey.subarray(0, half), publicKey.subarray(half), privateKey
  ].map(part => part.toString('base64url')) as [string, string, string]
  return { key: createPrivateKey({ key: { kty: 'EC', crv, x, y, d }, format: 'jwk' }), publicKey }
}
