import type { I2cpError } from '../errors.ts'
import type { Destination } from '../data/destination.ts'

export interface NameCacheOptions {
  /** Most entries, positive and negative; the one not used for longest goes. Default 1024. */
  readonly size: number
  /** How long a Destination is remembered, ms. Default 1 h. */
  readonly ttl: number
  /** How long a failure is remembered, ms. Default 60 s. */
  readonly negativeTtl: number
}

export const DEFAULT_NAME_CACHE: NameCacheOptions = { size: 1024, ttl: 3_600_000, negativeTtl: 60_000 }

interface Entry {
  readonly result: Destination | I2cpError
  readonly expires: number
}

/** Least recently used names, found and not found. */
export class NameCache {
  readonly #options: NameCacheOptions
  readonly #entries = new Map<string, Entry>()

  constructor (options: NameCacheOptions = DEFAULT_NAME_CACHE) {
    this.#options = options
  }

  get size (): number { return this.#entries.size }

  get (now: number, name: string): Destination | I2cpError | undefined {
    const entry = this.#entries.get(name)
    if (entry === undefined) return undefined
    this.#entries.delete(name)
    if (entry.expires <= now) return undefined
    this.#entries.set(name, entry) // a Map keeps the order of insertion: now it is the newest
    return entry.result
  }

  set (now: number, name: string, result: Destination | I2cpError): void {
    const lifetime = result instanceof Error ? this.#options.negativeTtl : this.#options.ttl
    this.#entries.delete(name)
    if (this.#entries.size >= this.#options.size) this.#entries.delete(this.#entries.keys().next().value!)
    this.#entries.set(name, { result, expires: now + lifetime })
  }

  clear (): void { this.#entries.clear() }
}
