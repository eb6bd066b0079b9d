import { PassThrough, type Readable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import type { Answer, SiteRequest } from '../http/answer.ts'
import { ProxyError, type FailureCode } from '../http/failures.ts'
import { toRecord, valueOf, type Fields } from '../http/fields.ts'
import { ACCEPT_ENCODING } from '../http/request-fields.ts'
import type { DiskStore } from './disk.ts'
import { PolicyFactory, sizeOf, type Entry, type RuleRequest } from './entry.ts'
import { Flights } from './flights.ts'
import { matches, MemoryStore } from './memory.ts'
import { parseUrl } from '@minwww/protocol'
import { conditionsOf, serveEntry } from './serve.ts'

export interface HttpCacheOptions {
  /** Bytes in memory. */
  maxBytes: number
  /** Largest response kept, bytes. */
  maxEntryBytes: number
  disk?: DiskStore
  /** Of several people: it keeps nothing that is one person's. Default false, a private cache. */
  shared?: boolean
  /** Epoch ms. */
  now?: () => number
}

export type Forward = (request: SiteRequest) => Promise<Answer>

/** A copy that is too old is still better than no answer for this long, s, where the site does not say. */
const STALE_WITHOUT_ANSWER = 7 * 86_400
/** URLs that are known not to be kept. */
export const MAX_UNSHARED = 2_000
/** Refreshes in the background at a time; more wait for the next request. */
const MAX_BACKGROUND = 16
/** After these nobody knows better than an old copy. */
const NO_ANSWER: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'MINWWW_TIMEOUT', 'MINWWW_EXIT_SILENT', 'MINWWW_NO_EXIT', 'MINWWW_CONNECTION_FAILED', 'MINWWW_UPSTREAM_TIMEOUT'
])
/** After these an old copy is given out only if the site allows it (`stale-if-error`). */
const ERRORS: ReadonlySet<FailureCode> = new Set<FailureCode>(['MINWWW_BUSY', 'MINWWW_OVERLOADED', 'MINWWW_BAD_UPSTREAM'])
const CONDITIONAL = /^if-(?:none-match|modified-since|match|unmodified-since|range)$|^range$/i

/** An HTTP cache (RFC 9111) around a way to ask: private, or shared by several people. */
export class HttpCache {
  readonly #memory: MemoryStore
  readonly #disk: DiskStore | undefined
  readonly #policies: PolicyFactory
  readonly #maxEntry: number
  readonly #maxCollected: number
  readonly #flights = new Flights()
  /** URLs whose last answer could not be kept: equal requests need not wait for each other. */
  readonly #unshared = new LRUCache<string, true>({ max: MAX_UNSHARED })
  #background = 0
  /** Bytes of bodies that pass and may be kept. */
  #collected = 0
  readonly stats = { hits: 0, misses: 0, revalidated: 0, stale: 0, merged: 0, stored: 0 }

  constructor ({ maxBytes, maxEntryBytes, disk, shared = false, now = Date.now }: HttpCacheOptions) {
    this.#memory = new MemoryStore(maxBytes)
    this.#maxEntry = Math.min(maxEntryBytes, maxBytes)
    this.#maxCollected = maxBytes
    this.#disk = disk
    this.#policies = new PolicyFactory(now, shared)
  }

  get bytes (): number { return this.#memory.bytes }
  get count (): number { return this.#memory.count }
  get disk (): DiskStore | undefined { return this.#disk }
  /** How full it is, in bytes, and how much of the bodies that pass waits to be kept. */
  get load (): { memory: { used: number, most: number }, collected: { used: number, most: number } } {
    const most = this.#maxCollected
    return { memory: { used: this.bytes, most }, collected: { used: this.#collected, most } }
  }

  /** Answers from the cache where the rules allow it, else asks. @throws what `forward` throws */
  async fetch (request: SiteRequest, forward: Forward): Promise<Answer> {
    if ((request.method !== 'GET' && request.method !== 'HEAD') || request.body !== undefined) return await this.#unsafe(request, forward)
    if (valueOf(request.fields, 'if-match') !== undefined || valueOf(request.fields, 'if-unmodified-since') !== undefined) {
      return await forward(request)
    }
    const entry = await this.#find(request)
    if (entry === undefined) return await this.#miss(request, forward)
    const { response, revalidation } = entry.policy.evaluateRequest(ruleRequest(request))
    if (response !== undefined) {
      if (revalidation !== undefined) this.#refresh(request, entry, forward)
      this.stats.hits++
      return serveEntry(entry, conditionsOf(request.method, request.fields), revalidation === undefined ? 'cache' : 'stale')
    }
    if (/\bonly-if-cached\b/i.test(valueOf(request.fields, 'cache-control') ?? '')) throw new ProxyError('MINWWW_TIMEOUT', 'only-if-cached')
    return await this.#revalidate(request, entry, forward)
  }

  /** Whether it would be answered without asking anybody. */
  async isKept (request: SiteRequest): Promise<boolean> {
    const entry = await this.#find(request)
    const found = entry?.policy.evaluateRequest(ruleRequest(request))
    return found?.response !== undefined && found.revalidation === undefined
  }

  async clear (): Promise<void> {
    this.#memory.clear()
    await this.#disk?.clear()
  }

  async #find (request: SiteRequest): Promise<Entry | undefined> {
    const { url } = request.target
    let variants = this.#memory.get(url)
    if (variants === undefined && this.#disk !== undefined) {
      variants = await this.#disk.read(url, this.#policies)
      if (variants !== undefined) this.#memory.set(url, variants)
    }
    const rule = ruleRequest(request)
    const isRange = valueOf(request.fields, 'range') !== undefined
    return variants?.find(entry => matches(entry, rule) && !(isRange && valueOf(entry.fields, 'content-encoding') !== undefined))
  }

  async #miss (request: SiteRequest, forward: Forward): Promise<Answer> {
    if (/\bonly-if-cached\b/i.test(valueOf(request.fields, 'cache-control') ?? '')) throw new ProxyError('MINWWW_TIMEOUT', 'only-if-cached')
    // A part or a conditional answer is not the whole: it goes past the cache.
    if (request.method === 'HEAD' || request.fields.some(([name]) => CONDITIONAL.test(name))) {
      this.stats.misses++
      return await forward(request)
    }
    const ask = async (landed: () => void): Promise<Answer> => {
      this.stats.misses++
      return this.#keep(request, await forward(request), landed)
    }
    if (this.#unshared.has(request.target.url)) return await ask(() => {})
    const outcome = await this.#flights.run(request, ask)
    if (outcome !== 'landed') return outcome
    this.stats.merged++
    const entry = await this.#find(request)
    return entry === undefined ? await forward(request) : serveEntry(entry, conditionsOf(request.method, request.fields), 'cache')
  }

  /** Asks with the stored validators. The browser's own conditions are answered from the result. */
  async #revalidate (request: SiteRequest, entry: Entry, forward: Forward): Promise<Answer> {
    const conditions = conditionsOf(request.method, request.fields)
    const asked = { ...request, method: 'GET', fields: validating(request.fields, entry) }
    let answer: Answer
    try {
      answer = await forward(asked)
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      const allowed = NO_ANSWER.has(error.code) ? STALE_WITHOUT_ANSWER : ERRORS.has(error.code) ? 0 : undefined
      if (allowed === undefined || !this.#mayBeStale(entry, allowed)) throw error
      return this.#stale(entry, conditions, error.code)
    }
    if (answer.status === 304) {
      this.stats.revalidated++
      discard(answer.body)
      const renewed = this.#renew(asked, entry, answer)
      return { ...serveEntry(renewed, conditions, 'cache'), ...traceOf(answer), path: answer.path }
    }
    if ([500, 502, 503, 504].includes(answer.status) && this.#mayBeStale(entry, 0)) {
      discard(answer.body)
      return this.#stale(entry, conditions, `the site answered ${answer.status}`)
    }
    this.stats.misses++
    const kept = this.#keep(asked, answer, () => {})
    if (!Buffer.isBuffer(kept.body)) return kept
    const fresh = this.#memory.get(request.target.url)?.find(other => matches(other, ruleRequest(asked)))
    // The browser's conditions and range apply to the whole that has just come.
    return fresh === undefined || fresh.body !== kept.body
      ? kept
      : { ...serveEntry(fresh, conditions, 'cache'), ...traceOf(answer), path: answer.path }
  }

  /** Stale-while-revalidate: the copy is out already, the new one is for the next time. */
  #refresh (request: SiteRequest, entry: Entry, forward: Forward): void {
    if (this.#background >= MAX_BACKGROUND) return
    this.#background++
    const quiet = { ...request, method: 'GET', signal: new AbortController().signal }
    this.#flights.run(quiet, async landed => {
      const answer = await this.#revalidate(quiet, entry, forward)
      if (!Buffer.isBuffer(answer.body)) answer.body.resume()
      landed()
      return answer
    }).catch(() => {}).finally(() => { this.#background-- })
  }

  /** RFC 9111, section 4.4: a change makes what is known of the resource, and of those that the answer names, worthless. */
  async #unsafe (request: SiteRequest, forward: Forward): Promise<Answer> {
    const answer = await forward(request)
    const isSafe = ['OPTIONS', 'PROPFIND', 'REPORT', 'SEARCH'].includes(request.method)
    if (isSafe || answer.status < 200 || answer.status > 399) return answer
    for (const name of [request.target.url, ...['location', 'content-location'].map(field => valueOf(answer.fields, field))]) {
      const url = name === undefined ? undefined : parseUrl(name, request.target.url)
      if (url?.host !== new URL(request.target.url).host) continue
      const key = name === request.target.url ? name : url.href.replace(/#.*$/, '')
      this.#memory.delete(key)
      this.#disk?.delete(key)
    }
    return answer
  }

  /** Stores what may be stored, at once or when the last byte has passed. `landed` is called once others can use it. */
  #keep (request: SiteRequest, answer: Answer, landed: () => void): Answer {
    const rule = ruleRequest(request)
    const { status, reason, fields, body } = answer
    const { url } = request.target
    const entry = this.#policies.entry(rule, status, reason, fields, Buffer.isBuffer(body) ? body : Buffer.alloc(0))
    if (entry === undefined) this.#unshared.set(url, true)
    else this.#unshared.delete(url)
    if (Buffer.isBuffer(body)) {
      this.#store(url, rule, entry)
      landed()
      return answer
    }
    landed()
    if (entry === undefined) return answer
    return {
      ...answer,
      body: this.#collect(body, Number(valueOf(fields, 'content-length') ?? Number.NaN), whole => {
        this.#store(url, rule, this.#policies.entry(rule, status, reason, fields, whole))
      })
    }
  }

  /** Passes a body on, and hands it over whole if it ended as it should, was small enough, and so were the others that pass. */
  #collect (body: Readable, length: number, done: (whole: Buffer) => void): Readable {
    if (length > this.#maxEntry) return body
    let chunks: Buffer[] | undefined = []
    let size = 0
    const letGo = (): void => {
      if (chunks !== undefined) this.#collected -= size
      chunks = undefined
    }
    const through = new PassThrough()
    through.on('data', (chunk: Buffer) => {
      if (chunks === undefined) return
      if (size + chunk.length > this.#maxEntry || this.#collected + chunk.length > this.#maxCollected) return letGo()
      size += chunk.length
      this.#collected += chunk.length
      chunks.push(chunk)
    })
    through.once('end', () => { if (chunks !== undefined && (Number.isNaN(length) || length === size)) done(Buffer.concat(chunks)) })
    through.pause()
    body.once('error', error => through.destroy(error))
    through.once('close', () => {
      letGo()
      body.destroy()
    })
    return body.pipe(through)
  }

  #store (url: string, rule: RuleRequest, entry: Entry | undefined, replaces?: Entry): void {
    if (entry === undefined || sizeOf(entry) > this.#maxEntry) return
    this.stats.stored++
    const variants = this.#memory.put(url, rule, entry, replaces)
    this.#disk?.write(url, variants)
  }

  #renew (request: SiteRequest, entry: Entry, answer: Answer): Entry {
    const fresh = new Set(
      answer.fields
        .map(([name]) => name.toLowerCase())
        .filter(name => !/^content-(?:length|encoding|range)$|^transfer-encoding$/.test(name))
    )
    const fields: Fields = [
      // A 304 without a Date was made when it came.
      ...entry.fields.filter(([name]) => !fresh.has(name.toLowerCase()) && !/^(?:age|date)$/i.test(name)),
      ...answer.fields.filter(([name]) => fresh.has(name.toLowerCase()))
    ]
    const rule = ruleRequest(request)
    const renewed = this.#policies.entry(rule, entry.status, entry.reason, fields, entry.body)
    if (renewed === undefined) {
      this.#memory.delete(request.target.url)
      this.#disk?.delete(request.target.url)
      return { ...entry, fields }
    }
    this.#store(request.target.url, rule, renewed, entry)
    return renewed
  }

  #mayBeStale (entry: Entry, otherwise: number): boolean {
    if (entry.strict) return false
    return entry.policy.age() - entry.policy.maxAge() <= (entry.staleIfError ?? otherwise)
  }

  #stale (entry: Entry, conditions: ReturnType<typeof conditionsOf>, because: string): Answer {
    this.stats.stale++
    return { ...serveEntry(entry, conditions, 'stale'), because }
  }
}

/** Rules see a HEAD as the GET whose fields it asks for, and a range as a request for the whole. */
const ruleRequest = (request: SiteRequest): RuleRequest => ({
  url: request.target.url,
  method: 'GET',
  headers: toRecord(
    request.fields.map(([name, value]): Fields[number] => [
      name.toLowerCase(),
      /^accept-encoding$/i.test(name) ? ACCEPT_ENCODING : /^(?:cache-control|pragma)$/i.test(name) ? value.toLowerCase() : value
    ])
  )
})

function validating (fields: Fields, entry: Entry): Fields {
  const rest = fields
    .filter(([name]) => !CONDITIONAL.test(name))
    .map(([name, value]): Fields[number] => [name, /^accept-encoding$/i.test(name) ? ACCEPT_ENCODING : value])
  const tag = valueOf(entry.fields, 'etag')
  const modified = valueOf(entry.fields, 'last-modified')
  if (tag !== undefined) rest.push(['If-None-Match', tag])
  if (modified !== undefined) rest.push(['If-Modified-Since', modified])
  return rest
}

const traceOf = ({ exit, trace }: Answer): Partial<Answer> => ({
  ...(exit === undefined ? {} : { exit }),
  ...(trace === undefined ? {} : { trace })
})

function discard (body: Buffer | Readable): void {
  if (!Buffer.isBuffer(body)) body.resume()
}
