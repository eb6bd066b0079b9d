import { createCipheriv, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto'
import { ByteReader } from '../data/reader.ts'
import { I2cpError, malformed } from '../errors.ts'
import { x25519PrivateKey, x25519PublicOf } from './keys.ts'
import type { Random } from './keys.ts'

/** Who may read an encrypted LeaseSet. Encrypted LeaseSet, "Per-client authorization". */
export type ClientAuthorization =
  /** X25519 public keys of the clients. */
  | { readonly scheme: 'dh', readonly clients: readonly Buffer[] }
  /** 32-byte secrets shared with the clients. */
  | { readonly scheme: 'psk', readonly clients: readonly Buffer[] }

/** A client's own key: its X25519 private key, or the shared secret. */
export interface ClientKey {
  readonly scheme: 'dh' | 'psk'
  readonly key: Buffer
}

/** Layer 1 flags: bit 0 per-client, bits 3-1 the scheme. */
const FLAG = { EVERYBODY: 0, DH: 1, PSK: 3 } as const
const FLAG_MASK = 0x0f
const KEY = 32
const ID = 8
const ENTRY = ID + KEY
const INFO = { dh: 'ELS2_XCA', psk: 'ELS2PSKA' } as const
/** Beyond this the LeaseSet could not be stored anyway (64 KB). */
export const MAX_AUTHORIZED_CLIENTS = 1000

export function chacha20 (key: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer {
  // OpenSSL's IV is the 32-bit counter, little endian, and the nonce; the counter starts at 1.
  return createCipheriv('chacha20', key, Buffer.concat([Buffer.of(1, 0, 0, 0), iv])).update(data)
}

/** The start of layer 1, and the cookie that goes into the key of layer 2. `context`: subcredential || published. */
export function authorize (
  authorization: ClientAuthorization | undefined, context: Uint8Array, random: Random
): { header: Buffer, cookie: Buffer } {
  if (authorization === undefined) return { header: Buffer.of(FLAG.EVERYBODY), cookie: Buffer.alloc(0) }
  const { scheme, clients } = authorization
  if (clients.length === 0 || clients.length > MAX_AUTHORIZED_CLIENTS) {
    throw new I2cpError('I2CP_BAD_OPTION', `1 to ${MAX_AUTHORIZED_CLIENTS} clients can be authorized`)
  }
  const cookie = Buffer.from(random(KEY))
  const secret = Buffer.from(random(KEY))
  const salt = scheme === 'dh' ? x25519PublicOf(secret) : secret
  const entries = clients.map(client => {
    const input = scheme === 'dh' ? Buffer.concat([sharedSecret(secret, client), client, context]) : Buffer.concat([client, context])
    const { key, iv, id } = clientKeys(salt, input, scheme)
    return Buffer.concat([id, chacha20(key, iv, cookie)])
  })
  // IDs are random to others, so sorting by them hides who was added when.
  entries.sort(Buffer.compare)
  const count = Buffer.of(clients.length >>> 8, clients.length & 0xff)
  return { header: Buffer.concat([Buffer.of(scheme === 'dh' ? FLAG.DH : FLAG.PSK), salt, count, ...entries]), cookie }
}

/** Reads the start of layer 1 and finds the cookie. Throws I2CP_LOOKUP_PASSWORD_REQUIRED, I2CP_LOOKUP_DECRYPTION_FAILED. */
export function findCookie (reader: ByteReader, context: Uint8Array, own: ClientKey | undefined): Buffer {
  const flags = reader.u8() & FLAG_MASK
  if (flags === FLAG.EVERYBODY) return Buffer.alloc(0)
  if (flags !== FLAG.DH && flags !== FLAG.PSK) throw malformed('unknown authorization scheme')
  const scheme = flags === FLAG.DH ? 'dh' : 'psk'
  const salt = reader.slice(KEY)
  const entries = new ByteReader(reader.slice(reader.u16() * ENTRY))
  if (own?.scheme !== scheme) {
    throw new I2cpError('I2CP_LOOKUP_PASSWORD_REQUIRED', `the LeaseSet needs a ${scheme.toUpperCase()} client key`)
  }
  const input = scheme === 'dh'
    ? Buffer.concat([sharedSecret(own.key, salt), x25519PublicOf(own.key), context])
    : Buffer.concat([own.key, context])
  const { key, iv, id } = clientKeys(salt, input, scheme)
  while (entries.remaining > 0) {
    const found = entries.slice(ID).equals(id)
    const cookie = entries.slice(KEY)
    if (found) return chacha20(key, iv, cookie)
  }
  throw new I2cpError('I2CP_LOOKUP_DECRYPTION_FAILED', 'this client is not authorized')
}

function clientKeys (salt: Buffer, input: Buffer, scheme: 'dh' | 'psk'): { key: Buffer, iv: Buffer, id: Buffer } {
  const okm = Buffer.from(hkdfSync('sha256', input, salt, INFO[scheme], 52))
  return { key: okm.subarray(0, 32), iv: okm.subarray(32, 44), id: okm.subarray(44) }
}

const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex')

function sharedSecret (privateKey: Uint8Array, publicKey: Uint8Array): Buffer {
  try {
    const peer = createPublicKey({ key: Buffer.concat([X25519_SPKI, publicKey]), format: 'der', type: 'spki' })
    return diffieHellman({ privateKey: x25519PrivateKey(privateKey), publicKey: peer })
  } catch (error) {
    throw new I2cpError('I2CP_MALFORMED', 'a bad X25519 key', { cause: error }) // low order point
  }
}
