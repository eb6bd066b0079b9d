import type { Duplex } from 'node:stream'
import type { Logger } from '@minwww/i2cp'
import { Hourly } from './hourly.ts'
import type { ProxySession } from './proxy-session.ts'
import { Readiness } from './readiness.ts'
import { streamPatience } from './stream-patience.ts'

/** Own Destination that a site is asked from; `new`: one that is built for it. */
export type Way = ProxySession | 'new'

/** Sites that are remembered, which were heard; the one that was asked longest ago is forgotten. */
export const MAX_SITE_WAYS = 256
/** Destinations built for sites that stand at once. */
const MAX_BUILT = 2
/** Of those that stand a site is asked from so many at most, before one is built. */
const MAX_TRIED = 2
/** A site that was heard is given up from one Destination after so many ms at the soonest. */
const MIN_PATIENCE = 8_000
/** Who leaves sooner than after this part of it has not waited: a site that is there may not have answered yet. */
const WAITED = 1 / 4
/**
 * Routers keep a LeaseSet for ten minutes. A site that was heard no later than this ago may be one of which our router has that of
 * before, ms; and a Destination that was built for it is of use for so long.
 */
const KEPT = 900_000
const OF_USE = 600_000
/**
 * A site that was not heard from a new Destination has the next one built after this, ms, doubled each time, so many in all; and so many in
 * an hour, whatever it says over them.
 */
const AGAIN_AFTER = 10_000
const MOST = 7
/** In an hour, for all sites. */
const MOST_HOURLY = 20
/** Time between two looks at what is not needed any more, ms. */
const INTERVAL = 30_000

export interface SiteWaysHooks {
  /** Those that are ready, the usual one first. */
  sessions: () => ProxySession[]
  /** Opens one more; it may still be connecting. */
  open: (() => ProxySession) | undefined
  /** Streams go over it. */
  isBusy: (session: ProxySession) => boolean
  logger?: Logger | undefined
  /** Monotonic, ms. */
  now?: () => number
}

/** What is known of a site that was heard. */
interface Site {
  /** From where it was heard last, when, and how long it took to take a stream, ms. */
  way: ProxySession | undefined
  heardAt: number
  took: number | undefined
  /** Since when it takes no stream from there; see isSilent. */
  readonly silent: WeakMap<ProxySession, number>
  /** How long streams from there were waited for in vain by such as left, ms, and when the last one did. */
  readonly waited: WeakMap<ProxySession, { ms: number, until: number }>
  /** Destinations built for it in vain, and when the last one was. */
  inVain: number
  builtAt: number
  /** All that were. */
  readonly changes: Hourly
}

interface Built {
  readonly session: ProxySession
  /** When a stream was opened from there last, and when a site was heard there or it was built. */
  usedAt: number
  heardAt: number
  readonly readiness: Readiness
  readonly release: () => void
}

/**
 * Own Destinations from which a site is reached by streams. Routers look a LeaseSet up once for each of them, and keep it for up to ten
 * minutes: a site whose router was started anew takes no stream meanwhile. It is asked from another one then, and from one that is built.
 */
export class SiteWays {
  readonly #hooks: SiteWaysHooks
  readonly #now: () => number
  readonly #sites = new Map<string, Site>() // at most MAX_SITE_WAYS
  #built: Built[] = [] // at most MAX_BUILT
  readonly #changes = new Hourly(MOST_HOURLY)
  readonly #timer: NodeJS.Timeout
  #closed = false

  constructor (hooks: SiteWaysHooks) {
    this.#hooks = hooks
    this.#now = hooks.now ?? (() => performance.now())
    this.#timer = setInterval(() => this.#tidy(), INTERVAL)
    this.#timer.unref()
  }

  get size (): number { return this.#sites.size }

  /** The Destinations that a site is to be asked from, one after the other: the usual one alone for a site that was never heard. */
  of (id: string): Way[] {
    const site = this.#sites.get(id)
    const ready = [...this.#hooks.sessions(), ...this.#built.map(({ session }) => session).filter(({ state }) => state === 'ready')]
    if (site === undefined) return ready.slice(0, 1)
    const now = this.#now()
    const rank = (session: ProxySession): number => {
      if (isSilent(now, site, session)) return 2
      return session === site.way ? 0 : 1
    }
    const [best, silent] = [ready.filter(session => rank(session) < 2), ready.filter(session => rank(session) === 2)]
    // Those of the same rank stay in their order.
    const standing = best.toSorted((a, b) => rank(a) - rank(b)).slice(0, MAX_TRIED)
    const built: Way[] = this.#mayBuild(site) ? ['new'] : []
    return [...standing, ...built, ...silent.slice(0, MAX_TRIED - standing.length)]
  }

  /** ms after which the next Destination is tried; undefined for a site that was never heard. */
  patience (id: string): number | undefined {
    const took = this.#sites.get(id)?.took
    return took === undefined ? undefined : streamPatience(took, MIN_PATIENCE)
  }

  /** Sees how a stream to a site fares. */
  follow (id: string, session: ProxySession, stream: Duplex): void {
    const began = this.#now()
    const site = this.#sites.get(id)
    if (site !== undefined) this.#asked(id, site)
    const built = this.#built.find(built => built.session === session)
    if (built !== undefined) built.usedAt = began
    let isTaken = false
    stream.once('connect', () => {
      isTaken = true
      this.#heard(id, session).took = this.#now() - began
    })
    stream.once('close', () => {
      // Of an abort without a reason it is a number.
      const code = String((stream.errored as { code?: unknown } | null)?.code ?? '')
      // Who refuses is there.
      if (isTaken ? stream.readableEnded : code === 'STREAMING_REFUSED') this.#heard(id, session)
      else if (!isTaken && code.includes('TIMEOUT')) this.#silent(id, session, began)
      else if (!isTaken && !code.startsWith('STREAMING')) this.#left(id, session, began)
    })
  }

  /**
   * A Destination from which the site is not known to be silent, once it is ready. Those who wait at the same time get the same one.
   * @returns undefined where there is none in time, or the signal is aborted
   */
  async fresh (id: string, timeout: number, signal: AbortSignal): Promise<ProxySession | undefined> {
    const site = this.#sites.get(id)
    const built = site && (this.#built.find(({ session }) => !isSilent(this.#now(), site, session)) ?? this.#build(site))
    if (built === undefined) return undefined
    return await built.readiness.wait(timeout, signal) && !signal.aborted ? built.session : undefined
  }

  close (): void {
    this.#closed = true
    clearInterval(this.#timer)
    for (const built of [...this.#built]) this.#end(built)
  }

  #asked (id: string, site: Site): void {
    this.#sites.delete(id)
    this.#sites.set(id, site)
    if (this.#sites.size > MAX_SITE_WAYS) this.#sites.delete(this.#sites.keys().next().value!)
  }

  #heard (id: string, session: ProxySession): Site {
    const site = this.#sites.get(id) ?? {
      way: session,
      heardAt: 0,
      took: undefined,
      silent: new WeakMap(),
      waited: new WeakMap(),
      inVain: 0,
      builtAt: -Infinity,
      changes: new Hourly(MOST)
    }
    this.#asked(id, site)
    site.way = session
    site.heardAt = this.#now()
    const built = this.#built.find(built => built.session === session)
    if (built !== undefined) built.heardAt = site.heardAt
    site.silent.delete(session)
    site.waited.delete(session)
    site.inVain = 0
    return site
  }

  /** Nobody waited until it would have been given up. But who loads a page anew again and again has waited as long. */
  #left (id: string, session: ProxySession, since: number): void {
    const [site, patience, now] = [this.#sites.get(id), this.patience(id), this.#now()]
    if (site === undefined || patience === undefined || now - since < WAITED * patience) return
    if (site.way === session && site.heardAt > since) return
    const { ms, until } = site.waited.get(session) ?? { ms: 0, until: -Infinity }
    const waited = ms + now - Math.max(since, until)
    if (waited < patience) site.waited.set(session, { ms: waited, until: now })
    else this.#silent(id, session, since)
  }

  #silent (id: string, session: ProxySession, since: number): void {
    const site = this.#sites.get(id)
    if (site === undefined) return
    // It was heard from there meanwhile.
    if (site.way === session && site.heardAt > since) return
    if (!isSilent(since, site, session)) site.silent.set(session, since)
    if (site.way === session) site.way = undefined
  }

  /** Our router may hold a LeaseSet of before, and nothing says that a new Destination is in vain, too. */
  #mayBuild (site: Site): boolean {
    const now = this.#now()
    if (this.#closed || this.#hooks.open === undefined || now - site.heardAt > KEPT) return false
    if (this.#built.some(({ session }) => session.state !== 'ready')) return true
    const wait = site.inVain === 0 ? 0 : AGAIN_AFTER * 2 ** (site.inVain - 1)
    const isUsedUp = this.#changes.isUsedUp(now) || site.changes.isUsedUp(now)
    return site.inVain < MOST && now - site.builtAt >= wait && !isUsedUp && this.#hasRoom
  }

  get #hasRoom (): boolean { return this.#built.length < MAX_BUILT || this.#built.some(({ session }) => !this.#hooks.isBusy(session)) }

  #build (site: Site): Built | undefined {
    if (!this.#mayBuild(site)) return undefined
    // Others may be reached from there only.
    const oldest = this.#built.toSorted((a, b) => a.heardAt - b.heardAt).find(({ session }) => !this.#hooks.isBusy(session))
    if (this.#built.length >= MAX_BUILT && oldest !== undefined) this.#end(oldest)
    const now = this.#now()
    this.#changes.done(now)
    site.changes.done(now)
    site.inVain++
    site.builtAt = now
    let session: ProxySession
    try {
      session = this.#hooks.open!()
    } catch (error) {
      this.#hooks.logger?.error({ err: error }, 'no session')
      return undefined
    }
    this.#hooks.logger?.info(
      { destination: session.destination.b32 }, 'a site takes no stream, and may have been started anew: asking from a new Destination'
    )
    const readiness = new Readiness(() => session.state === 'ready')
    const onState = (state: ProxySession['state']): void => {
      // With its router it loses what it is for.
      if (state === 'reconnecting') this.#end(built)
      else readiness.changed()
    }
    const onClose = (): void => { this.#end(built) }
    const built: Built = {
      session,
      usedAt: now,
      heardAt: now,
      readiness,
      release: () => {
        session.off('state', onState)
        session.off('close', onClose)
        readiness.end()
      }
    }
    session.on('state', onState)
    session.on('close', onClose)
    this.#built.push(built)
    return built
  }

  #end (built: Built): void {
    built.release()
    this.#built = this.#built.filter(other => other !== built)
    built.session.close?.().catch(() => {})
  }

  /** By then our router looks the sites up anew for the usual one. */
  #tidy (): void {
    const now = this.#now()
    for (const site of this.#sites.values()) if (site.way?.state === 'closed') site.way = undefined
    for (const built of [...this.#built]) if (now - built.usedAt >= OF_USE && !this.#hooks.isBusy(built.session)) this.#end(built)
  }
}

/** Our router may hold a LeaseSet of before for that Destination. */
function isSilent (now: number, { silent }: Site, session: ProxySession): boolean {
  return now - (silent.get(session) ?? -Infinity) < OF_USE
}
