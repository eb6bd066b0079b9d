/** Time for the router; a test passes one of its own, so that the whole router runs in virtual time. */
export interface Clock {
  /** Epoch milliseconds that never go backwards. */
  now (): number
  setTimeout (callback: () => void, ms: number): unknown
  clearTimeout (timer: unknown): void
}

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: timer => clearTimeout(timer as NodeJS.Timeout)
}
