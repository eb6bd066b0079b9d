import type { I2cpError, Logger } from '@minwww/i2cp'
import type { ProxySession } from './proxy-session.ts'

/** A session that ended before it was ever ready, or could not be opened, is followed by the next one after this, ms. */
const RENEW_DELAY = 5_000

export interface SessionWatchHooks {
  /** Opens a session with keys of its own in the place of one that has lost its router. */
  renew: ((source: number) => ProxySession) | undefined
  replaced: (source: number, session: ProxySession) => void
  ready: () => void
  logger: Logger | undefined
}

/**
 * Sees to it that a session that has lost its router is replaced by one with another Destination. Under the old one
 * answers would stay out for minutes: the routers of the exits still encrypt to the state of the router that is gone.
 */
export class SessionWatch {
  readonly #hooks: SessionWatchHooks
  readonly #releases: Array<() => void> = []
  /** Stands beside the others until it is needed. */
  #next: ProxySession | undefined
  /** When that was tried last. */
  #triedAt = Number.NEGATIVE_INFINITY
  readonly #timers = new Set<NodeJS.Timeout>() // one per session
  #closed = false

  constructor (hooks: SessionWatchHooks) {
    this.#hooks = hooks
  }

  follow (source: number, session: ProxySession): void {
    let wasReady = session.state === 'ready'
    const onState = (state: ProxySession['state']): void => {
      if (state === 'reconnecting') this.renew(source)
      if (state !== 'ready') return
      wasReady = true
      this.#hooks.ready()
    }
    const onClose = (error: I2cpError | undefined): void => {
      if (error === undefined || this.#hooks.renew === undefined) return
      if (wasReady) this.renew(source)
      else this.#renewLater(source)
    }
    session.on('state', onState)
    session.on('close', onClose)
    this.#releases[source] = () => {
      session.off('state', onState)
      session.off('close', onClose)
    }
  }

  close (): void {
    this.#closed = true
    this.spare()
    for (const release of this.#releases) release()
    for (const timer of this.#timers) clearTimeout(timer)
  }

  /** Replaces a session now. */
  renew (source: number, reason = 'the router was lost'): void {
    if (this.#closed || this.#hooks.renew === undefined) return
    this.#releases[source]?.()
    const session = this.#open(source)
    if (session === undefined) this.#renewLater(source)
    else this.#putIn(source, session, reason)
  }

  /** Opens the session that is to take the place of one, and leaves that one as it is until then. */
  build (source: number): void {
    if (!this.#closed && this.#next === undefined) this.#build(source)
  }

  /** It takes the place, if it is ready. One that somebody else did not need any more is opened anew. @returns whether it was */
  change (source: number, reason: string): boolean {
    if (this.#next === undefined || this.#next.state === 'closed') this.#build(source)
    const session = this.#next
    if (this.#closed || session?.state !== 'ready') return false
    this.#next = undefined
    this.#triedAt = Number.NEGATIVE_INFINITY
    this.#releases[source]?.()
    this.#putIn(source, session, reason)
    return true
  }

  /** It is not needed. */
  spare (): void {
    this.#next?.close?.().catch(() => {})
    this.#next = undefined
    this.#triedAt = Number.NEGATIVE_INFINITY
  }

  #build (source: number): void {
    const now = performance.now()
    if (now - this.#triedAt < RENEW_DELAY) return
    this.#triedAt = now
    this.#next = this.#open(source)
  }

  #open (source: number): ProxySession | undefined {
    const { renew, logger } = this.#hooks
    try {
      return renew?.(source)
    } catch (error) {
      logger?.error({ err: error }, 'no session')
      return undefined
    }
  }

  #putIn (source: number, session: ProxySession, reason: string): void {
    const { replaced, logger } = this.#hooks
    logger?.info({ destination: session.destination.b32 }, `${reason}: going on with a new Destination`)
    this.follow(source, session)
    replaced(source, session)
  }

  #renewLater (source: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.renew(source)
    }, RENEW_DELAY)
    this.#timers.add(timer)
  }
}
