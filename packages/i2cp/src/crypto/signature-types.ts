import { constants, createHash, createPublicKey, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { dsaPublicKey } from './dsa.ts'

/** One row of the signature types table. Lengths in bytes. Common structures, "SigningPublicKey" and "Signature". */
export interface SignatureType {
  readonly code: number
  readonly name: string
  readonly publicKeyLength: number
  readonly privateKeyLength: number
  readonly signatureLength: number
  /** May throw for a key that is none. */
  readonly verify: (publicKey: Buffer, data: Uint8Array, signature: Uint8Array) => boolean
}

export const DSA_SHA1 = 0
export const ED25519 = 7
export const RED25519 = 11

/** Types 9 and 10 (GOST) and 12 to 20 (ML-DSA) are reserved and used by nobody. */
export const SIGNATURE_TYPES: ReadonlyMap<number, SignatureType> = new Map<number, SignatureType>([
  row(0, 'DSA_SHA1', 128, 20, 40, verifyDsa),
  row(1, 'ECDSA_SHA256_P256', 64, 32, 64, ecdsa('P-256', 'sha256')),
  row(2, 'ECDSA_SHA384_P384', 96, 48, 96, ecdsa('P-384', 'sha384')),
  row(3, 'ECDSA_SHA512_P521', 132, 66, 132, ecdsa('P-521', 'sha512')),
  row(4, 'RSA_SHA256_2048', 256, 512, 256, rsa('sha256')),
  row(5, 'RSA_SHA384_3072', 384, 768, 384, rsa('sha384')),
  row(6, 'RSA_SHA512_4096', 512, 1024, 512, rsa('sha512')),
  row(7, 'EdDSA_SHA512_Ed25519', 32, 32, 64, verifyEd25519),
  // Java I2P signs with plain Ed25519 for this type too: what is "prehashed" is what it is given (files, never messages).
  row(8, 'EdDSA_SHA512_Ed25519ph', 32, 32, 64, verifyEd25519),
  row(11, 'RedDSA_SHA512_Ed25519', 32, 32, 64, verifyEd25519)
].map(type => [type.code, type]))

function row (code: number, name: string, publicKeyLength: number, privateKeyLength: number, signatureLength: number,
  verify: SignatureType['verify']): SignatureType {
  return { code, name, publicKeyLength, privateKeyLength, signatureLength, verify }
}

/** Public keys kept; above it the least recently used goes. About 1 KB each. */
export const MAX_ED25519_KEYS = 256
const ed25519Keys = new Map<string, KeyObject>()

const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex')

function verifyEd25519 (publicKey: Buffer, data: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, data, ed25519PublicKey(publicKey), signature)
}

/** The form of a key that node:crypto wants. Making it takes as long as a verification, so those used last are kept. */
export function ed25519PublicKey (raw: Uint8Array): KeyObject {
  const name = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1')
  const key = ed25519Keys.get(name) ?? createPublicKey({ key: Buffer.concat([ED25519_SPKI, raw]), format: 'der', type: 'spki' })
  ed25519Keys.delete(name)
  ed25519Keys.set(name, key)
  if (ed25519Keys.size > MAX_ED25519_KEYS) ed25519Keys.delete(ed25519Keys.keys().next().value!)
  return key
}

function verifyDsa (publicKey: Buffer, data: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha1', data, { key: dsaPublicKey(publicKey), dsaEncoding: 'ieee-p1363' }, signature)
}

function ecdsa (crv: string, hash: string): SignatureType['verify'] {
  return (publicKey, data, signature) => {
    const half = publicKey.length / 2
    const x = publicKey.subarray(0, half).toString('base64url')
    const y = publicKey.subarray(half).toString('base64url')
    const key = createPublicKey({ key: { kty: 'EC', crv, x, y }, format: 'jwk' })
    return verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature)
  }
}

function rsa (hash: string): SignatureType['verify'] {
  return (publicKey, data, signature) => {
    const key = createPublicKey({ key: { kty: 'RSA', n: publicKey.toString('base64url'), e: 'AQAB' }, format: 'jwk' })
    return verify(hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
  }
}

/** SHA-256 with a personalization string in front. Encrypted LeaseSet, "H(p, d)". */
export function personalHash (personalization: string, ...data: Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(personalization, 'ascii')
  for (const part of data) hash.update(part)
  return hash.digest()
}
