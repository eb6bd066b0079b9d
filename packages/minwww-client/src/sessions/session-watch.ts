import type { I2cpError, Logger } from '@minwww/i2cp'
import type { ProxySession } from './proxy-session.ts'

/** A session that ended before it was ever ready is followed by the next one after this, ms. */
const RENEW_DELAY = 5_000

export interface SessionWatchHooks {
  /** Opens a session with keys of its own in the place of one that has lost its router. */
  renew: ((source: number) => ProxySession) | undefined
  replaced: (source: number, session: ProxySession) => void
  ready: () => void
  /** A message has come over a session. */
  heard: () => void
  logger: Logger | undefined
}

/**
 * Sees to it that a session that has lost its router is replaced by one with another Destination. Under the old one
 * answers would stay out for minutes: the routers of the exits still encrypt to the state of the router that is gone.
 */
export class SessionWatch {
  readonly #hooks: SessionWatchHooks
  readonly #releases: Array<() => void> = []
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
    const onMessage = (): void => { this.#hooks.heard() }
    session.on('state', onState)
    session.on('close', onClose)
    session.on('message', onMessage)
    this.#releases[source] = () => {
      session.off('message', onMessage)
      session.off('state', onState)
      session.off('close', onClose)
    }
  }

  close (): void {
    this.#closed = true
    for (const release of this.#releases) release()
    for (const timer of this.#timers) clearTimeout(timer)
  }

  /** Replaces a session now. */
  renew (source: number, reason = 'the router was lost'): void {
    const { renew, replaced, logger } = this.#hooks
    if (this.#closed || renew === undefined) return
    this.#releases[source]?.()
    let session: ProxySession
    try {
      session = renew(source)
    } catch (error) {
      logger?.error({ err: error }, 'no session')
      return this.#renewLater(source)
    }
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
