import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** Source of random bytes; injected where a run must be reproducible. */
export type Random = (length: number) => Uint8Array

const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')
/** The raw key is the last 32 bytes of its SPKI form. */
const RAW_LENGTH = 32

function importPrivate (prefix: Buffer, raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'pkcs8' })
}

function rawPublic (key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-RAW_LENGTH)
}

export function ed25519PrivateKey (seed: Uint8Array): KeyObject { return importPrivate(ED25519_PKCS8, seed) }

export function ed25519PublicOf (seed: Uint8Array): Buffer { return rawPublic(ed25519PrivateKey(seed)) }

export function x25519PrivateKey (raw: Uint8Array): KeyObject { return importPrivate(X25519_PKCS8, raw) }

export function x25519PublicOf (privateKey: Uint8Array): Buffer { return rawPublic(x25519PrivateKey(privateKey)) }

export function signEd25519 (key: KeyObject, data: Uint8Array): Buffer { return sign(null, data, key) }
