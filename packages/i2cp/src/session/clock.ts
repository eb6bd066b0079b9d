/** Time for drivers: epoch ms that never run backwards, and timers. Injected so that tests do not sleep. */
export interface Clock {
  now (): number
  setTimeout (callback: () => void, ms: number): unknown
  clearTimeout (handle: unknown): void
}

/** Longest wait that setTimeout takes. */
const MAX_TIMEOUT = 0x7fff_ffff

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(Math.max(0, Math.ceil(ms)), MAX_TIMEOUT)),
  clearTimeout: handle => clearTimeout(handle as NodeJS.Timeout)
}
