import type { Destination } from '@minwww/i2cp'

/** Time between two looks, ms. */
const INTERVAL = 5_000
/** Requests wait and nothing at all is heard: after this the exits are pinged, and after the next the session is given up, ms. */
const ASK_AFTER = 25_000
/** A little more than routers need to leave a dead path by themselves. */
const DEAF_AFTER = 35_000
/** Each session that was given up in vain doubles both, up to this factor: exits may just be dead. */
const MAX_FACTOR = 16

export interface DeafWatchHooks {
  /** Whether somebody waits for an answer, over a session that can send. */
  isWaiting: () => boolean
  /** Asks the exits for a sign of life: what is slow is not deaf. */
  ask: () => void
  /** Goes on with another Destination. */
  giveUp: () => void
  /** Monotonic, ms. */
  now?: () => number
}

/** What a stream manager can do besides streams. */
export interface Pinger {
  ping?: (destination: Destination, options: { timeout: number }) => Promise<unknown>
}

/**
 * Finds out that a session hears nothing any more, although it stands. An exit whose router was started anew, or which was
 * itself, cannot read what our router encrypts to the state of before; to i2pd that is so for two to ten minutes. When all
 * exits have had that, only another Destination of ours is heard at once.
 */
export class DeafWatch {
  readonly #hooks: DeafWatchHooks
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout
  #since: number | undefined
  #asked = false
  #factor = 1

  constructor (hooks: DeafWatchHooks) {
    this.#hooks = hooks
    this.#now = hooks.now ?? (() => performance.now())
    this.#timer = setInterval(() => this.#look(), INTERVAL)
    this.#timer.unref()
  }

  /** A message has come, whatever it is. */
  heard (): void {
    this.#rest()
    this.#factor = 1
  }

  close (): void { clearInterval(this.#timer) }

  #look (): void {
    if (!this.#hooks.isWaiting()) return this.#rest()
    const now = this.#now()
    this.#since ??= now
    const silence = now - this.#since
    if (silence >= DEAF_AFTER * this.#factor && this.#asked) {
      this.#rest()
      this.#factor = Math.min(MAX_FACTOR, 2 * this.#factor)
      this.#hooks.giveUp()
    } else if (silence >= ASK_AFTER * this.#factor && !this.#asked) {
      this.#asked = true
      this.#hooks.ask()
    }
  }

  #rest (): void {
    this.#since = undefined
    this.#asked = false
  }
}
