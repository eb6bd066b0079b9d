import { addressHash, HASH, MAX_DIGEST, parseHttpDate, type HeaderList } from '@minwww/protocol'
import { fieldsOf } from './asked.ts'

/** Addresses remembered of one session; the oldest goes. */
export const MAX_SENT = 512
/** What was pushed and not used is not wanted again for so long, ms. */
const UNWANTED = 600_000
/** Longest that a response counts as fresh, ms. */
const MOST = 86_400_000
/** Part of a response's age after which it is asked for again, where nobody said (RFC 9111, section 4.2.2). */
const HEURISTIC = 0.1

interface Sent { readonly site: string, readonly until: number }

/** What one exit has sent in one session and need not send again, so that a page's request can say so. */
export class SentMemory {
  /** By hash of the address, oldest first. */
  readonly #sent = new Map<string, Sent>()

  /** A response came. @param site - whose page needs it */
  came (now: number, url: string, site: string, headers: HeaderList): void {
    this.#set(url, { site, until: now + freshFor(now, headers) }, now)
  }

  /** It was pushed, and nobody has asked for it. */
  unwanted (now: number, url: string, site: string): void {
    this.#set(url, { site, until: now + UNWANTED }, now)
  }

  /** Hashes of what a page of the site needs no more, the newest first. */
  digest (now: number, site: string): Buffer {
    const hashes = [...this.#sent].filter(([, sent]) => sent.site === site && sent.until > now).map(([hash]) => hash)
    return Buffer.from(hashes.slice(-MAX_DIGEST).join(''), 'hex').subarray(0, MAX_DIGEST * HASH)
  }

  #set (url: string, sent: Sent, now: number): void {
    const hash = addressHash(url).toString('hex')
    this.#sent.delete(hash)
    if (sent.until > now) this.#sent.set(hash, sent)
    if (this.#sent.size > MAX_SENT) this.#sent.delete(this.#sent.keys().next().value!)
  }
}

/** ms that a browser will not ask for it again, about. */
function freshFor (now: number, headers: HeaderList): number {
  const fields = fieldsOf(headers)
  const control = (fields.get('cache-control') ?? '').toLowerCase()
  if (/\bno-(?:store|cache)\b/.test(control) || fields.get('vary')?.trim() === '*') return 0
  const age = Number(fields.get('age') ?? 0) || 0
  const maxAge = /\bmax-age\s*=\s*"?(\d{1,9})/.exec(control)?.[1]
  if (maxAge !== undefined) return Math.min(MOST, Math.max(0, (Number(maxAge) - age) * 1000))
  const date = parseHttpDate(fields.get('date') ?? '', now) ?? now
  const expires = fields.get('expires')
  if (expires !== undefined) return Math.min(MOST, Math.max(0, (parseHttpDate(expires, now) ?? date) - date))
  const modified = parseHttpDate(fields.get('last-modified') ?? '', now)
  return modified === undefined ? 0 : Math.min(MOST, Math.max(0, (date - modified) * HEURISTIC))
}
