import { constants, createPublicKey, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** One row of the signature types table. Lengths in bytes. Common structures, "SigningPublicKey" and "Signature". */
export interface SignatureType {
  readonly code: number
  readonly name: string
  readonly publicKeyLength: number
  readonly privateKeyLength: number
  readonly signatureLength: number
  /** Undefined: known by its lengths only. */
  readonly verify?: (publicKey: Buffer, data: Uint8Array, signature: Uint8Array) => boolean
}

export const ED25519 = 7
export const RED25519 = 11

export const SIGNATURE_TYPES: ReadonlyMap<number, SignatureType> = new Map<number, SignatureType>([
  row(0, 'DSA_SHA1', 128, 20, 40),
  row(1, 'ECDSA_SHA256_P256', 64, 32, 64, ecdsa('P-256', 'sha256')),
  row(2, 'ECDSA_SHA384_P384', 96, 48, 96, ecdsa('P-384', 'sha384')),
  row(3, 'ECDSA_SHA512_P521', 132, 66, 132, ecdsa('P-521', 'sha512')),
  row(4, 'RSA_SHA256_2048', 256, 512, 256, rsa('sha256')),
  row(5, 'RSA_SHA384_3072', 384, 768, 384, rsa('sha384')),
  row(6, 'RSA_SHA512_4096', 512, 1024, 512, rsa('sha512')),
  row(7, 'EdDSA_SHA512_Ed25519', 32, 32, 64, verifyEd25519),
  row(8, 'EdDSA_SHA512_Ed25519ph', 32, 32, 64),
  row(11, 'RedDSA_SHA512_Ed25519', 32, 32, 64, verifyEd25519)
].map(type => [type.code, type]))

function row (code: number, name: string, publicKeyLength: number, privateKeyLength: number, signatureLength: number,
  verify?: SignatureType['verify']): SignatureType {
  return { code, name, publicKeyLength, privateKeyLength, signatureLength, ...(verify && { verify }) }
}

const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex')

function verifyEd25519 (publicKey: Buffer, data: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, data, ed25519PublicKey(publicKey), signature)
}

export function ed25519PublicKey (raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([ED25519_SPKI, raw]), format: 'der', type: 'spki' })
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
