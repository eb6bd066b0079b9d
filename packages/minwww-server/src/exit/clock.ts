/** The exit's time. Tests put a virtual one in its place. */
export interface Clock {
  /** ms since the epoch, float, never goes back. */
  now: () => number
  /** Calls `callback` once after `delay` ms. */
  setTimer: (callback: () => void, delay: number) => Timer
}

export interface Timer {
  clear: () => void
}

/** Longest delay that setTimeout takes. */
const MAX_DELAY = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimer: (callback, delay) => {
    const timer = setTimeout(callback, Math.min(MAX_DELAY, Math.max(0, Math.ceil(delay))))
    return { clear: () => clearTimeout(timer) }
  }
}
