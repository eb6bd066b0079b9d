import type { Clock } from '@minwww/ground'
import type { Destination } from '../data/destination.ts'
import { I2cpError } from '../errors.ts'
import { LOOKUP } from '../messages/host-lookup.ts'
import type { LookupKey } from '../messages/host-lookup.ts'
import type { LookupResult } from '../session/core/lookups.ts'
import { parseAddress } from './address.ts'
import type { NameCache } from './cache.ts'
import type { Hosts } from './hosts.ts'

/** How long a look-up waits unless told, ms. The specification advises at least 10 s. */
export const LOOKUP_TIMEOUT = 15_000

export interface LookupOptions {
  /** ms; default 15 s. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

export interface ResolverOptions {
  readonly query: (key: LookupKey, options: LookupOptions) => Promise<LookupResult>
  readonly cache: NameCache
  readonly clock: Clock
  readonly hosts?: Hosts
}

/** A query under way and who waits for it. It is given up when the last one leaves. */
interface Shared {
  readonly promise: Promise<Destination>
  readonly controller: AbortController
  waiters: number
}

/** Names to Destinations: itself (base64), hosts files, cache, router; equal look-ups under way are merged. */
export class Resolver {
  readonly #options: ResolverOptions
  readonly #shared = new Map<string, Shared>()

  constructor (options: ResolverOptions) {
    this.#options = options
  }

  /** Rejects with I2CP_BAD_ADDRESS, I2CP_LOOKUP_..., I2CP_TIMEOUT, I2CP_ABORTED, I2CP_BUSY, I2CP_SESSION_CLOSED. */
  async resolve (text: string, { timeout = LOOKUP_TIMEOUT, signal }: LookupOptions = {}): Promise<Destination> {
    if (signal?.aborted === true) throw new I2cpError('I2CP_ABORTED')
    const address = parseAddress(text)
    if (address.kind === 'destination') return address.destination
    if (address.kind === 'name') {
      const local = this.#options.hosts?.get(address.name)
      if (local !== undefined) return local
    }
    const name = address.kind === 'hash' ? address.hash.toString('hex') : address.name
    const known = this.#options.cache.get(this.#options.clock.now(), name)
    if (known instanceof I2cpError) throw known
    if (known !== undefined) return known
    const key: LookupKey = address.kind === 'hash'
      ? { lookupType: LOOKUP.HASH, hash: address.hash }
      : { lookupType: LOOKUP.NAME, name: address.name }
    return await this.#join(name, key, timeout, signal)
  }

  async #join (name: string, key: LookupKey, timeout: number, signal: AbortSignal | undefined): Promise<Destination> {
    // Look-ups with other time-outs are not equal: each keeps its own.
    const id = `${timeout}/${name}`
    const shared = this.#shared.get(id) ?? this.#start(id, name, key, timeout)
    shared.waiters++
    let abort: (() => void) | undefined
    try {
      if (signal === undefined) return await shared.promise
      const aborted = new Promise<never>((_resolve, reject) => {
        abort = () => reject(new I2cpError('I2CP_ABORTED'))
        signal.addEventListener('abort', abort, { once: true })
      })
      return await Promise.race([shared.promise, aborted])
    } finally {
      if (abort !== undefined) signal?.removeEventListener('abort', abort)
      if (--shared.waiters === 0) shared.controller.abort()
    }
  }

  #start (id: string, name: string, key: LookupKey, timeout: number): Shared {
    const controller = new AbortController()
    const promise = this.#query(name, key, timeout, controller.signal).finally(() => this.#shared.delete(id))
    promise.catch(() => {}) // when all have left, nobody handles it
    const shared = { promise, controller, waiters: 0 }
    this.#shared.set(id, shared)
    return shared
  }

  async #query (name: string, key: LookupKey, timeout: number, signal: AbortSignal): Promise<Destination> {
    const { cache, clock, query } = this.#options
    try {
      const { destination } = await query(key, { timeout, signal })
      cache.set(clock.now(), name, destination)
      return destination
    } catch (error) {
      // A time-out or a lost session says nothing about the name.
      if (error instanceof I2cpError && error.code === 'I2CP_LOOKUP_FAILED') cache.set(clock.now(), name, error)
      throw error
    }
  }
}
