import type { Destination } from '@minwww/i2cp'
import { Hourly } from './hourly.ts'

/** Time between two looks, ms. */
const INTERVAL = 1_000
/** Requests wait and nothing at all is heard: after this the exits are pinged, and after the next another session is built, ms. */
const ASK_AFTER = 4_000
/** Tunnels take some ten seconds more. Who is there has answered the ping by then. */
const BUILD_AFTER = 7_000
/**
 * Sessions that were given up in vain before both are doubled each time, up to a factor: exits may just be dead. Until then the exit
 * may have been on its way back, so that the router found its LeaseSet of before, and keeps it for that session.
 */
const PATIENT = 8
const MAX_FACTOR = 64
/** Sessions that are built in an hour: an exit that says one word over each would have one built every 17 s for ever. */
const MAX_CHANGES = 40

export interface DeafWatchHooks {
  /** Looks whether streams have heard anything: `heard` is called then. */
  listen?: () => void
  /** Whether somebody waits for an answer, over a session that can send. */
  isWaiting: () => boolean
  /** Asks the exits for a sign of life: what is slow is not deaf. */
  ask: () => void
  /** Builds another Destination beside what there is. */
  build: () => void
  /** Goes on with it, if it is ready. @returns whether it was */
  giveUp: () => boolean
  /** It is not needed: something was heard, or nobody waits. */
  spare: () => void
  /** Monotonic, ms. */
  now?: () => number
}

/** What a stream manager can do besides streams. */
export interface Pinger {
  /** `expected`: packets that nobody sends who was not asked. */
  readonly statistics?: { readonly expected: number }
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
  #isBuilding = false
  #inVain = 0
  /** Sessions that were built. */
  readonly #changes = new Hourly(MAX_CHANGES)

  constructor (hooks: DeafWatchHooks) {
    this.#hooks = hooks
    this.#now = hooks.now ?? (() => performance.now())
    this.#timer = setInterval(() => this.#look(), INTERVAL)
    this.#timer.unref()
  }

  /** Something has come from whom we have asked. What others send says nothing: exits may not hear us all the same. */
  heard (): void {
    this.#rest()
    this.#inVain = 0
  }

  close (): void { clearInterval(this.#timer) }

  #look (): void {
    this.#hooks.listen?.()
    if (!this.#hooks.isWaiting()) return this.#rest()
    const now = this.#now()
    this.#since ??= now
    const silence = now - this.#since
    const factor = Math.min(MAX_FACTOR, 2 ** Math.max(0, this.#inVain + 1 - PATIENT))
    if (this.#isBuilding) {
      if (!this.#hooks.giveUp()) return
      this.#isBuilding = false
      this.#rest()
      this.#inVain++
    } else if (silence >= BUILD_AFTER * factor && this.#asked) {
      if (this.#changes.isUsedUp(now)) return
      this.#changes.done(now)
      this.#isBuilding = true
      this.#hooks.build()
    } else if (silence >= ASK_AFTER * factor && !this.#asked) {
      this.#asked = true
      this.#hooks.ask()
    }
  }

  #rest (): void {
    this.#since = undefined
    this.#asked = false
    if (!this.#isBuilding) return
    this.#isBuilding = false
    this.#hooks.spare()
  }
}
