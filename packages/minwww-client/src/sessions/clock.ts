/** Milliseconds since the epoch that never jump: what a driver gives its core as `now`. */
export const monotonicNow = (): number => performance.timeOrigin + performance.now()
