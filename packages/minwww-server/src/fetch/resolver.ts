import dns from 'node:dns/promises'
import { isIP } from 'node:net'
import { LRUCache } from 'lru-cache'
import { ServerError } from '../errors.ts'

export interface ResolvedAddress {
  address: string
  /** Seconds; absent where the source does not tell (hosts file, getaddrinfo). */
  ttl?: number
}

/** Turns a name into its addresses. Rejects with a node:dns error (`code` ENOTFOUND, ESERVFAIL, ...). */
export type Lookup = (hostname: string) => Promise<ResolvedAddress[]>

export interface ResolverOptions {
  lookup?: Lookup
  /** ms until a lookup has failed. Default 5,000. */
  timeout?: number
  /** ms; a record is kept no longer than this, and this long if its source tells no TTL. Default 30,000. */
  maxTtl?: number
  /** ms that a name which does not exist is remembered. Default 5,000. */
  negativeTtl?: number
  /** Names kept; the least recently used goes. Default 2,000. */
  maxNames?: number
  /** Lookups under way; above it the request is refused as busy. Default 64. */
  maxPending?: number
}

type Answer = { addresses: string[] } | { error: ServerError }

/** Names of RFC 6761 and RFC 8375 that never leave a machine or a site; `localhost` is answered here, so that the guard refuses it. */
const LOCALHOST = ['127.0.0.1', '::1']
/** Names kept, and look-ups under way, unless the options say otherwise. */
export const DEFAULT_MAX_NAMES = 2_000
export const DEFAULT_MAX_PENDING = 64
/** Addresses of one name that are looked at. More than anyone needs; each must pass the guard. */
const MAX_ADDRESSES = 32

/**
 * Names to addresses, cached within their TTL. Equal lookups in flight are merged. Nothing is decided here: the guard
 * sees every address.
 */
export class NameResolver {
  readonly #lookup: Lookup
  readonly #timeout: number
  readonly #maxTtl: number
  readonly #negativeTtl: number
  readonly #maxPending: number
  readonly #cache: LRUCache<string, Answer>
  readonly #pending = new Map<string, Promise<string[]>>()
  #running = 0

  constructor (options: ResolverOptions = {}) {
    this.#lookup = options.lookup ?? systemLookup
    this.#timeout = options.timeout ?? 5_000
    this.#maxTtl = options.maxTtl ?? 30_000
    this.#negativeTtl = options.negativeTtl ?? 5_000
    this.#maxPending = options.maxPending ?? DEFAULT_MAX_PENDING
    this.#cache = new LRUCache({ max: options.maxNames ?? DEFAULT_MAX_NAMES })
  }

  /**
   * Every address of the host, at least one. An address literal is its own answer.
   *
   * @throws ServerError MINWWW_EXIT_NAME, MINWWW_EXIT_TIMEOUT, MINWWW_EXIT_BUSY
   */
  async resolve (host: string): Promise<string[]> {
    const name = unbracket(host)
    if (isIP(name) !== 0) return [name]
    if (isLocalhost(name)) return LOCALHOST
    const known = this.#cache.get(name)
    if (known !== undefined) return answer(known)
    const pending = this.#pending.get(name)
    if (pending !== undefined) return await pending
    if (this.#running >= this.#maxPending) {
      throw new ServerError('MINWWW_EXIT_BUSY', 'too many names are being looked up', { retryAfter: 2 })
    }
    const looking = this.#resolve(name).finally(() => this.#pending.delete(name))
    this.#pending.set(name, looking)
    return await looking
  }

  async #resolve (name: string): Promise<string[]> {
    try {
      const found = (await this.#bounded(name)).slice(0, MAX_ADDRESSES)
      if (found.length === 0) throw Object.assign(new Error('no address'), { code: 'ENODATA' })
      const addresses = [...new Set(found.map(record => record.address))]
      const ttl = Math.min(this.#maxTtl, ...found.map(record => (record.ttl ?? Infinity) * 1_000))
      if (ttl >= 1) this.#cache.set(name, { addresses }, { ttl: Math.floor(ttl) })
      return addresses
    } catch (cause) {
      const error = lookupError(cause)
      if (error.code === 'MINWWW_EXIT_NAME') this.#cache.set(name, { error }, { ttl: this.#negativeTtl })
      throw error
    }
  }

  // A lookup that has timed out still runs and still counts: getaddrinfo cannot be called off.
  async #bounded (name: string): Promise<ResolvedAddress[]> {
    this.#running++
    const lookup = this.#lookup(name).finally(() => { this.#running-- })
    let timer: NodeJS.Timeout | undefined
    const expired = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new ServerError('MINWWW_EXIT_TIMEOUT', 'the name server did not answer in time')), this.#timeout)
    })
    try {
      return await Promise.race([lookup, expired])
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The machine's own resolver, hosts file included. */
export const systemLookup: Lookup = async hostname => await dns.lookup(hostname, { all: true, verbatim: true })

/** Asks the given name servers (`ADDRESS[:PORT]`) and nothing else; the hosts file is not read. */
export function serverLookup (servers: readonly string[], timeout = 5_000): Lookup {
  const resolver = new dns.Resolver({ timeout, tries: 2 })
  resolver.setServers(servers)
  return async hostname => {
    const answers = await Promise.allSettled([
      resolver.resolve4(hostname, { ttl: true }), resolver.resolve6(hostname, { ttl: true })
    ])
    const found = answers.flatMap(result => result.status === 'fulfilled' ? result.value : [])
    const failed = answers.find(result => result.status === 'rejected')
    if (found.length === 0 && failed !== undefined) throw failed.reason
    return found
  }
}

export function unbracket (host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  return bare.toLowerCase()
}

function isLocalhost (name: string): boolean {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name
  return bare === 'localhost' || bare.endsWith('.localhost')
}

function answer (known: Answer): string[] {
  if ('error' in known) throw known.error
  return known.addresses
}

const TRY_LATER = new Set(['EAI_AGAIN', 'ETIMEOUT', 'ETIMEDOUT', 'ECANCELLED'])

function lookupError (cause: unknown): ServerError {
  if (cause instanceof ServerError) return cause
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
  return TRY_LATER.has(code)
    ? new ServerError('MINWWW_EXIT_TIMEOUT', 'the name server did not answer in time', { cause })
    : new ServerError('MINWWW_EXIT_NAME', 'the name of the site could not be resolved', { cause })
}
