import { ALTERNATIVE } from '@minwww/protocol'
import { LRUCache } from 'lru-cache'
import { listOf } from '../http/fields.ts'

/** Sites remembered; the least recently used goes. */
export const MAX_SITES = 1_000
/** RFC 7838, section 3.1: without `ma` an alternative is fresh for a day, s. */
const DEFAULT_AGE = 86_400
const MAX_AGE = 30 * 86_400
/** A site whose messages stay unanswered is asked by streams for this long, whatever it announces, ms. */
const BROKEN = 600_000

/** The member of an Alt-Svc field that is ours. */
const OURS = new RegExp(`^${ALTERNATIVE}(?:;|\\s|$)`)

/** Sites that said `Alt-Svc: minwww=":80"` and are asked by messages until that is too old (protocol, section 9). */
export class AltSvcMemory {
  readonly #sites = new LRUCache<string, true>({ max: MAX_SITES })
  readonly #broken = new LRUCache<string, true>({ max: MAX_SITES, ttl: BROKEN })

  get size (): number { return this.#sites.size }

  /** `site`: b32 of its Destination; `values`: its Alt-Svc fields. */
  note (site: string, values: readonly string[]): void {
    for (const value of values) {
      if (value.trim() === 'clear') this.#sites.delete(site)
      const entry = listOf(value).find(member => OURS.test(member))
      if (entry === undefined) continue
      const age = Math.min(MAX_AGE, Number(/;\s*ma=(\d{1,9})/.exec(entry)?.[1] ?? DEFAULT_AGE))
      if (age === 0) this.#sites.delete(site)
      else this.#sites.set(site, true, { ttl: age * 1_000 })
    }
  }

  has (site: string): boolean { return this.#sites.has(site) && !this.#broken.has(site) }

  /** The site did not answer messages after all. */
  forget (site: string): void { this.#broken.set(site, true) }
}
