import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { TAG } from './sizes.ts'

/** Bytes of K, the secret that an OPEN carries. */
export const SESSION_SECRET = 16
/** Bytes of the id that stands for a verified Destination. */
export const SESSION_ID = 8

const TAG_KEY = 32

export interface SessionKeys {
  /** Public: first 8 bytes of SHA-256("minwww/1 session" | K). */
  readonly session: Buffer
  /** Kc, 32 bytes: tags of what the client sends. */
  readonly client: Buffer
  /** Ks, 32 bytes: tags of what the exit sends. */
  readonly server: Buffer
}

/** Everything that both ends derive from K (16 bytes), section 3. */
export function sessionKeys (secret: Uint8Array): SessionKeys {
  return { session: sessionId(secret), client: derive(secret, 'minwww/1 client'), server: derive(secret, 'minwww/1 server') }
}

/** The session id of K, without the keys: what an exit checks before it pays for anything else. */
export function sessionId (secret: Uint8Array): Buffer {
  return createHash('sha256').update('minwww/1 session').update(secret).digest().subarray(0, SESSION_ID)
}

/** The 8-byte tag of a message. */
export function computeTag (key: Uint8Array, bytes: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bytes).digest().subarray(0, TAG)
}

/** Compares in constant time; both must have the length of a tag. */
export function tagMatches (key: Uint8Array, bytes: Uint8Array, tag: Uint8Array): boolean {
  return tag.length === TAG && timingSafeEqual(computeTag(key, bytes), tag)
}

function derive (secret: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', info, TAG_KEY))
}
