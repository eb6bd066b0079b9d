import CachePolicy from 'http-cache-semantics'
import { LRUCache } from 'lru-cache'
import { readDirectives, withReadDates, writeDirectives } from '@minwww/protocol'
import type { Field, HttpRequest } from './http-types.ts'

export interface StoredResponse {
  status: number
  reason: string
  headers: Field[]
  body: Buffer
}

export interface SharedCacheOptions {
  /** Bytes of all bodies and heads. */
  maxBytes: number
  now: () => number
}

interface Entry {
  policy: CachePolicy
  response: StoredResponse
  /** Bytes besides the response. */
  overhead: number
}

export type CacheAnswer =
  | { kind: 'hit', response: StoredResponse }
  /** Ask upstream with these fields added; a 304 then answers with `update`. */
  | { kind: 'stale', validators: Field[] }
  | { kind: 'miss' }

// http-cache-semantics reads the time by its method `now`, which is there to be replaced.
function policyOnClock (now: () => number): typeof CachePolicy {
  return class extends CachePolicy {
    now (): number { return now() }
  }
}

/** Cost of an entry's objects, bytes; measured. */
const OBJECTS = 1_024

/**
 * A shared cache of the web (RFC 9111, shared rules through http-cache-semantics): responses to GET that a public cache
 * may give to anyone. Own sites never pass it, since they see who asks. One variant of each URL is kept. Stricter than
 * the rules, since the visitors of an exit trust neither each other nor the sites' care: nothing of a request with a
 * body, with credentials, or with a field that may change the answer without being named by Vary; no Set-Cookie.
 */
export class SharedCache {
  readonly #entries: LRUCache<string, Entry>
  readonly #Policy: typeof CachePolicy
  readonly #now: () => number
  #hits = 0
  #misses = 0

  constructor (options: SharedCacheOptions) {
    this.#now = options.now
    this.#Policy = policyOnClock(options.now)
    this.#entries = new LRUCache({ maxSize: options.maxBytes, sizeCalculation: sizeOf })
  }

  get maxBytes (): number { return this.#entries.maxSize }

  get stats (): { hits: number, misses: number, bytes: number, entries: number } {
    return { hits: this.#hits, misses: this.#misses, bytes: this.#entries.calculatedSize, entries: this.#entries.size }
  }

  find (request: HttpRequest): CacheAnswer {
    const entry = isCacheable(request) ? this.#entries.get(request.url) : undefined
    if (entry === undefined) return this.#missed()
    const asked = describe(request)
    if (entry.policy.satisfiesWithoutRevalidation(asked)) {
      this.#hits++
      return { kind: 'hit', response: { ...entry.response, headers: toFields(servedHeaders(entry), entry.response.headers) } }
    }
    const validators = Object.entries(entry.policy.revalidationHeaders(asked))
      .filter(([name]) => name === 'if-none-match' || name === 'if-modified-since')
      .map(([name, value]): Field => [name, String(value)])
    if (validators.length === 0 || carriesValidators(request)) return this.#missed()
    return { kind: 'stale', validators }
  }

  /** Keeps what may be kept. */
  store (request: HttpRequest, response: StoredResponse): void {
    if (!isCacheable(request) || carriesRange(request) || response.headers.some(([name]) => SETS_STATE.has(name.toLowerCase()))) return
    const policy = new this.#Policy(
      describe(request),
      { status: response.status, headers: this.#read(response.headers) },
      { shared: true }
    )
    if (policy.storable() && policy.timeToLive() > 0) this.#entries.set(request.url, { policy, response, overhead: overheadOf(request) })
  }

  /**
   * The stored response, after upstream said 304 to its validators. Undefined if it has gone in the meantime, or if that 304 is of
   * something else.
   */
  update (request: HttpRequest, headers: readonly Field[]): StoredResponse | undefined {
    const entry = this.#entries.get(request.url)
    if (entry === undefined) return undefined
    const { policy, matches } = entry.policy.revalidatedPolicy(describe(request), {
      status: 304,
      headers: withValidators(this.#read(headers), this.#read(entry.response.headers))
    })
    if (!matches) {
      // RFC 9111, section 4.3.4: it updates nothing.
      this.#entries.delete(request.url)
      return undefined
    }
    const response = { ...entry.response, headers: toFields(policy.responseHeaders(), entry.response.headers) }
    this.#entries.set(request.url, { policy, response, overhead: overheadOf(request) })
    return response
  }

  /** A method that changes things makes what is stored wrong (RFC 9111 section 4.4). */
  invalidate (request: HttpRequest): void {
    if (!SAFE.has(request.method)) this.#entries.delete(request.url)
  }

  /** As the rules of http-cache-semantics can read them. */
  #read (headers: readonly Field[]): Record<string, string> {
    return withReadDates(withReadDirectives(toRecord(headers)), this.#now())
  }

  #missed (): CacheAnswer {
    this.#misses++
    return { kind: 'miss' }
  }
}

function isCacheable (request: HttpRequest): boolean {
  return request.method === 'GET' && request.body === undefined && request.headers.every(([name]) => NEUTRAL.has(name.toLowerCase()))
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Of a response that is for one client. */
const SETS_STATE = new Set(['set-cookie', 'set-cookie2', 'authentication-info', 'www-authenticate'])
/**
 * Fields of a request that a site names in Vary where they change its answer, as the web's caches expect of it. Any other
 * (X-Host, X-Original-URL, X-HTTP-Method-Override and whatever some framework reads) may change it in secret.
 */
const NEUTRAL = new Set([
  'accept', 'accept-charset', 'accept-encoding', 'accept-language', 'cache-control', 'connection', 'dnt', 'host', 'if-match',
  'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'pragma', 'priority', 'range', 'referer', 'sec-ch-ua',
  'sec-ch-ua-mobile', 'sec-ch-ua-platform', 'sec-fetch-dest', 'sec-fetch-mode', 'sec-fetch-site', 'sec-fetch-user', 'sec-gpc', 'te',
  'upgrade-insecure-requests', 'user-agent'
])

function has (request: HttpRequest, names: ReadonlySet<string>): boolean {
  return request.headers.some(([name]) => names.has(name.toLowerCase()))
}

const VALIDATORS = new Set(['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since', 'if-range', 'range'])
const RANGE = new Set(['range'])

function carriesValidators (request: HttpRequest): boolean {
  return has(request, VALIDATORS)
}

function carriesRange (request: HttpRequest): boolean {
  return has(request, RANGE)
}

function describe (request: HttpRequest): { url: string, method: string, headers: Record<string, string> } {
  return { url: request.url, method: request.method, headers: withReadDirectives(toRecord(request.headers)) }
}

/** http-cache-semantics compares directives as they are: `Private` would be none. */
function withReadDirectives (headers: Record<string, string>): Record<string, string> {
  const { 'cache-control': control } = headers
  return control === undefined ? headers : { ...headers, 'cache-control': writeDirectives(readDirectives(control)) }
}

/** A 304 that names no validator is of the one that was sent. */
function withValidators (headers: Record<string, string>, stored: Record<string, string>): Record<string, string> {
  if (headers.etag !== undefined || headers['last-modified'] !== undefined) return headers
  const { etag, 'last-modified': modified } = stored
  return { ...headers, ...(etag !== undefined && { etag }), ...(modified !== undefined && { 'last-modified': modified }) }
}

function toRecord (fields: readonly Field[]): Record<string, string> {
  const record: Record<string, string> = {}
  for (const [name, value] of fields) {
    const lower = name.toLowerCase()
    record[lower] = record[lower] === undefined ? value : `${record[lower]}, ${value}`
  }
  return record
}

/** The policy would say that the response was made now: its Date is the site's (RFC 9110, section 6.6.1). */
function servedHeaders ({ policy, response }: Entry): Record<string, string | string[] | undefined> {
  const { date } = toRecord(response.headers)
  return { ...policy.responseHeaders(), ...(date === undefined ? {} : { date }) }
}

/** Values from the policy (age, date, merged by a 304) in the spelling and order of the original. */
function toFields (record: Record<string, string | string[] | undefined>, original: readonly Field[]): Field[] {
  const left = new Map(Object.entries(record))
  const fields: Field[] = []
  for (const [name] of original) {
    const value = left.get(name.toLowerCase())
    if (value === undefined) continue
    left.delete(name.toLowerCase())
    fields.push([name, String(value)])
  }
  for (const [name, value] of left) {
    if (value !== undefined) fields.push([name, String(value)])
  }
  return fields
}

/** A policy keeps the URL, and for Vary the fields, of the request: the site and the client choose how long they are. */
function overheadOf (request: HttpRequest): number {
  return lengthOf(request.headers, OBJECTS + request.url.length)
}

function sizeOf ({ response, overhead }: Entry): number {
  return lengthOf(response.headers, overhead + response.body.length)
}

function lengthOf (fields: readonly Field[], rest: number): number {
  return fields.reduce((sum, [name, value]) => sum + name.length + value.length, rest)
}
