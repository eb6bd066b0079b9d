import type { ProxySession } from './proxy-session.ts'

/** After this the other half of the leases follows, ms: it has to leave with another message than the first. */
const OTHER_HALF = 500
/** What was in vain is done again after this, ms, doubled each time up to the other. */
const AGAIN_AFTER = 5_000
const MAX_AGAIN = 80_000

export interface PathRefreshHooks {
  /** Of an own Destination. */
  session: (source: number) => ProxySession | undefined
  /** Monotonic, ms. */
  now?: () => number
}

interface Refresh { at: number, count: number, timer?: NodeJS.Timeout | undefined }

/**
 * Gets routers off dead paths. An i2pd uses one outbound tunnel and one lease for each pair of Destinations, and looks for others after
 * 12 to 28 s without a confirmation. With a LeaseSet that is new it asks for one at once, and looks for another path 4 s later. And where
 * the other end's router learns that the lease it uses is gone, it takes another one, and another tunnel, at once: so each half of the
 * leases is left out once.
 */
export class PathRefresh {
  readonly #hooks: PathRefreshHooks
  readonly #now: () => number
  readonly #refreshes = new Map<number, Refresh>() // at most one per own Destination

  constructor (hooks: PathRefreshHooks) {
    this.#hooks = hooks
    this.#now = hooks.now ?? (() => performance.now())
  }

  /** What was asked for from there is in vain, and nothing has come meanwhile. */
  unheard (source: number): void {
    const now = this.#now()
    const refresh = this.#refreshes.get(source) ?? { at: Number.NEGATIVE_INFINITY, count: 0 }
    if (now - refresh.at < Math.min(MAX_AGAIN, AGAIN_AFTER * 2 ** Math.max(0, refresh.count - 1))) return
    refresh.at = now
    refresh.count++
    this.#refreshes.set(source, refresh)
    this.#republish(source, 0)
    refresh.timer = setTimeout(() => this.#republish(source, 1), OTHER_HALF)
    refresh.timer.unref()
  }

  /** Something has come: all leases are worth their while again. */
  heard (source: number): void {
    const refresh = this.#refreshes.get(source)
    if (refresh === undefined || refresh.count === 0) return
    clearTimeout(refresh.timer)
    refresh.count = 0
    this.#republish(source)
  }

  /** Another Destination takes the place of that one. */
  forget (source: number): void {
    clearTimeout(this.#refreshes.get(source)?.timer)
    this.#refreshes.delete(source)
  }

  close (): void { for (const source of [...this.#refreshes.keys()]) this.forget(source) }

  #republish (source: number, half?: 0 | 1): void {
    const session = this.#hooks.session(source)
    if (session?.state === 'ready' && session.routerKind === 'i2pd') session.republish?.(half)
  }
}
