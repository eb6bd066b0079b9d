/** A call that is to come. */
export interface Timer {
  /** Takes the call back; without effect once it has been made. */
  clear (): void
}

/** Time for drivers. A test passes a virtual one, so that nothing sleeps. */
export interface Clock {
  /** ms since the epoch, with fractions; never goes back. */
  now (): number
  /**
   * Calls `callback` once, `ms` from now or later. What has reached this process by then is read first: after a stall, timers
   * would otherwise expire for want of answers that wait in the sockets.
   */
  setTimer (callback: () => void, ms: number): Timer
}
