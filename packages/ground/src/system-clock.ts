import type { Clock, Timer } from './clock.ts'

/** Longest wait that setTimeout takes, ms; a longer one ends early, and its owner sets another. */
const MAX_TIMEOUT = 0x7fff_ffff

/**
 * A timer of node that lets the sockets speak first. The event loop calls timers before it reads, and immediates after it has
 * read: so the callback waits for the immediates of the turn in which its timer expires.
 */
class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout
  #immediate: NodeJS.Immediate | undefined

  constructor (callback: () => void, ms: number) {
    this.#timeout = setTimeout(() => { this.#immediate = setImmediate(callback) }, Math.min(Math.max(0, Math.ceil(ms)), MAX_TIMEOUT))
  }

  clear (): void {
    clearTimeout(this.#timeout)
    clearImmediate(this.#immediate)
  }
}

/** Time of this machine. The wall clock is read once, at the start: setting it back or forth moves nothing. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimer: (callback, ms) => new SystemTimer(callback, ms)
}
