import CachePolicy from 'http-cache-semantics'
import { formatHttpDate, parseHttpDate, readDirectives, withReadDates, writeDirectives } from '@minwww/protocol'
import { toRecord, valueOf, type Fields } from '../http/fields.ts'

/** A policy with the cache's own clock. */
export type Policy = CachePolicy

/** A complete response with what is needed to decide about it. */
export interface Entry {
  readonly status: number
  readonly reason: string
  readonly fields: Fields
  readonly body: Buffer
  readonly policy: Policy
  /** must-revalidate, proxy-revalidate or no-cache: never served stale. */
  readonly strict: boolean
  /** stale-if-error, s; undefined where the response does not say. */
  readonly staleIfError: number | undefined
  /** What it costs besides its body and fields, bytes. */
  readonly overhead: number
}

/** What the rules look at of a request. */
export interface RuleRequest { url: string, method: string, headers: Record<string, string | string[]> }

/** Cost of an entry's objects, bytes; measured. */
const OBJECTS = 1_024

export class PolicyFactory {
  readonly #class: typeof CachePolicy
  readonly #now: () => number
  readonly #shared: boolean

  /** Several people's caches keep nothing that is one person's (RFC 9111, section 3): `private`, or asked for with Authorization. */
  constructor (now: () => number, shared: boolean) {
    this.#now = now
    this.#shared = shared
    // The package asks its policies for the time: that is its documented seam.
    this.#class = class extends CachePolicy { now (): number { return now() } }
  }

  /** undefined where the response must not be kept. */
  entry (request: RuleRequest, status: number, reason: string, received: Fields, body: Buffer): Entry | undefined {
    if (status === 206 || status === 304) return undefined
    const fields = this.#dated(received)
    const headers = withReadDates(toRecord(fields), this.#now())
    const control = readDirectives(headers['cache-control'])
    // A response that sets cookies is one person's at one time, unless its site says how long it may be kept.
    const isExplicit = control.has('max-age') || control.has('public') || control.has('immutable') || headers.expires !== undefined
    if (headers['set-cookie'] !== undefined && !isExplicit) return undefined
    if (typeof headers.vary === 'string' && headers.vary.includes('*')) return undefined
    const strict = control.has('must-revalidate') || control.has('proxy-revalidate') || control.has('no-cache')
    const policy = new this.#class(request, { status, headers: ruled(headers, control) }, { shared: this.#shared })
    if (!policy.storable()) return undefined
    // Without validator and freshness a copy could never be used, but for want of an answer: its site did not mean that.
    const isUsable = headers.etag !== undefined || headers['last-modified'] !== undefined || policy.maxAge() > 0
    if (!isUsable) return undefined
    const staleIfError = control.get('stale-if-error')
    return {
      status,
      reason,
      fields,
      body,
      policy,
      strict,
      staleIfError: staleIfError === undefined ? undefined : Number(staleIfError) || 0,
      overhead: overheadOf(request)
    }
  }

  /** What came without a Date gets the time at which it came, once (RFC 9110, section 6.6.1). */
  #dated (fields: Fields): Fields {
    const now = this.#now()
    const isDated = parseHttpDate(valueOf(fields, 'date') ?? '', now) !== undefined
    return isDated ? fields : [...fields.filter(([name]) => name.toLowerCase() !== 'date'), ['Date', formatHttpDate(now)]]
  }

  /** @throws where it was kept for one person, and there are several now */
  revive (stored: object): Policy {
    const policy = stored as CachePolicy.CachePolicyObject
    if (this.#shared && !policy.sh) throw new Error('kept for one person')
    return this.#class.fromObject(policy)
  }
}

/** A policy keeps the URL, and for Vary the fields, of the request (or what was written of them): a site chooses how long they are. */
export const overheadOf = (request: object): number => OBJECTS + JSON.stringify(request).length

export const sizeOf = (entry: Entry): number =>
  entry.fields.reduce((sum, [name, value]) => sum + name.length + value.length, entry.overhead) + entry.body.length

/**
 * http-cache-semantics compares directives as they are, and revalidates `must-revalidate` even while the response is fresh. Here the
 * directive is taken out, with what would allow staleness, and kept as `strict`.
 */
function ruled (headers: Record<string, string | string[]>, control: Map<string, string | undefined>): Record<string, string | string[]> {
  if (headers['cache-control'] === undefined) return headers
  const isStrict = control.has('must-revalidate') || control.has('proxy-revalidate')
  const kept = [...control].filter(
    ([name]) => !isStrict || !['must-revalidate', 'proxy-revalidate', 'stale-while-revalidate', 'stale-if-error'].includes(name)
  )
  return { ...headers, 'cache-control': writeDirectives(kept) }
}
