import { ConnectionSlots, DEFAULT_SLOTS } from '../../src/fetch/connection-slots.ts'
import { directRoute, trustedRoute } from '../../src/fetch/dialer.ts'
import { systemClock } from '@minwww/ground/node'
import { Fetcher, type FetcherOptions, type FetchWatch } from '../../src/fetch/fetcher.ts'
import { AddressGuard, type GuardOptions } from '../../src/fetch/guard.ts'
import type { HttpRequest, UpstreamResponse, Visitor } from '../../src/fetch/http-types.ts'
import { NameResolver, type Lookup } from '../../src/fetch/resolver.ts'
import { Sites, type SiteTable } from '../../src/fetch/sites.ts'

export interface TestFetcher extends Partial<FetcherOptions> {
  table?: SiteTable
  guard?: GuardOptions
  /** Names that exist; everything else does not. */
  names?: Record<string, string[]>
  lookup?: Lookup
}

/** A fetcher that plans and fetches in one call. */
export class OneCallFetcher {
  readonly inner: Fetcher

  constructor (options: FetcherOptions) {
    this.inner = new Fetcher(options)
  }

  async fetch (
    request: HttpRequest, visitor: Visitor, signal: AbortSignal, onInterim?: FetchWatch['onInterim']
  ): Promise<UpstreamResponse> {
    return await this.inner.fetch(this.inner.plan(request, visitor), { signal, ...(onInterim !== undefined && { onInterim }) })
  }

  async close (): Promise<void> {
    await this.inner.close()
  }
}

export function testFetcher (options: TestFetcher = {}): OneCallFetcher {
  const { table = {}, guard = {}, names = {}, lookup, ...rest } = options
  const resolver = new NameResolver({ lookup: lookup ?? tableLookup(names), timeout: 500 })
  return new OneCallFetcher({
    web: directRoute({ guard: new AddressGuard(guard), resolver, connectTimeout: 1_000 }),
    trusted: trustedRoute(1_000),
    sites: new Sites(table),
    slots: new ConnectionSlots(DEFAULT_SLOTS, () => {}),
    clock: systemClock,
    timeouts: { connect: 1_000, headers: 2_000, body: 2_000 },
    admit: () => {},
    admitResponse: () => {},
    hiddenFields: { web: new Set(), sites: new Set() },
    ...rest
  })
}

/** A name server that never leaves the process. */
export function tableLookup (names: Record<string, string[]>): Lookup {
  return async hostname => {
    const found = names[hostname]
    if (found === undefined) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' })
    return found.map(address => ({ address }))
  }
}
