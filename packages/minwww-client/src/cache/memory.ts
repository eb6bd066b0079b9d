import { LRUCache } from 'lru-cache'
import { sizeOf, type Entry, type RuleRequest } from './entry.ts'

/** Variants of one URL; the oldest goes. */
const MAX_VARIANTS = 8

/** What is kept, newest first. */
export type Variants = readonly Entry[]

/** Responses by URL in memory, bounded in bytes; the least recently used go. */
export class MemoryStore {
  readonly #urls: LRUCache<string, Variants>

  constructor (maxBytes: number) {
    this.#urls = new LRUCache({
      maxSize: maxBytes,
      maxEntrySize: maxBytes,
      sizeCalculation: variants =>
        Math.max(
          1,
          variants.reduce((sum, entry) => sum + sizeOf(entry), 0)
        )
    })
  }

  get (url: string): Variants | undefined { return this.#urls.get(url) }

  /** Puts an entry in front; `replaces` is one that it renews. @returns all variants kept */
  put (url: string, request: RuleRequest, entry: Entry, replaces?: Entry): Variants {
    const others = (this.#urls.get(url) ?? []).filter(other => other !== replaces && !matches(other, request))
    const variants = [entry, ...others].slice(0, MAX_VARIANTS)
    this.#urls.set(url, variants)
    return variants
  }

  set (url: string, variants: Variants): void { this.#urls.set(url, variants) }
  delete (url: string): boolean { return this.#urls.delete(url) }
  clear (): void { this.#urls.clear() }

  get bytes (): number { return this.#urls.calculatedSize }
  get count (): number { return this.#urls.size }
}

/** True if the entry's Vary selects it for the request, whatever its age. */
export function matches (entry: Entry, request: RuleRequest): boolean {
  // The package's evaluateRequest does not tell "another variant" from "stale".
  const { resh, reqh } = entry.policy.toObject()
  const named = String(resh.vary ?? '').toLowerCase().split(',').map(name => name.trim()).filter(name => name !== '')
  return named.every(name => name !== '*' && String(reqh?.[name]) === String(request.headers[name]))
}
