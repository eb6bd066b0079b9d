import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import { ProxyError } from './failures.ts'
import { valuesOf, type Fields } from './fields.ts'

/** Basic authentication of the proxy's users. */
export interface AuthOptions {
  /** User name to password. */
  users: Readonly<Record<string, string>>
}

/** Wrong passwords from one address before it has to wait, and for how long, ms. */
const MAX_FAILURES = 10
const WAIT = 60_000
/** Addresses remembered; the least recently used goes. */
export const MAX_ADDRESSES = 10_000

interface Credential { user: string, digest: Buffer }

/** Basic authentication. Every comparison takes as long as every other: all users are compared, by digest. */
export class Authenticator {
  readonly #users: readonly Credential[]
  readonly #failures = new LRUCache<string, number>({ max: MAX_ADDRESSES, ttl: WAIT })

  constructor ({ users }: AuthOptions) {
    this.#users = Object.entries(users).map(([user, password]) => ({ user, digest: digestOf(`${user}:${password}`) }))
    if (this.#users.length === 0) throw new TypeError('authentication without users lets nobody in')
  }

  /**
   * The user of `field`: proxy-authorization, or authorization for the local pages.
   * @throws ProxyError MINWWW_AUTH_REQUIRED, MINWWW_TOO_MANY
   */
  check (request: IncomingMessage, fields: Fields, field: 'proxy-authorization' | 'authorization'): string {
    const address = request.socket.remoteAddress ?? ''
    const failures = this.#failures.get(address) ?? 0
    if (failures >= MAX_FAILURES) throw new ProxyError('MINWWW_TOO_MANY')
    const [value] = valuesOf(fields, field)
    if (value === undefined) throw new ProxyError('MINWWW_AUTH_REQUIRED')
    const user = this.#find(value)
    if (user !== undefined) return user
    this.#failures.set(address, failures + 1)
    throw new ProxyError('MINWWW_AUTH_REQUIRED', 'wrong user name or password')
  }

  #find (value: string): string | undefined {
    const token = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value)?.[1]
    const bytes = Buffer.from(token ?? '', 'base64')
    // UTF-8 as the challenge asks for (RFC 7617, 2.1), and Latin-1 as older clients send it all the same.
    const digests = [bytes.toString('utf8'), bytes.toString('latin1')].map(digestOf)
    let found: string | undefined
    for (const credential of this.#users) {
      for (const digest of digests) if (timingSafeEqual(digest, credential.digest)) found = credential.user
    }
    return token === undefined ? undefined : found
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/** What a page for MINWWW_AUTH_REQUIRED carries, for the proxy and for its own pages. */
export const PROXY_CHALLENGE: Fields = [['Proxy-Authenticate', 'Basic realm="MinWWW", charset="UTF-8"']]
export const PAGE_CHALLENGE: Fields = [['WWW-Authenticate', 'Basic realm="MinWWW", charset="UTF-8"']]
