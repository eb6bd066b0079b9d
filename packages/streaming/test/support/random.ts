/** xorshift128+-like generator; seeded, so that every run is the same. */
export function seeded (seed: number): { float: () => number, bytes: (n: number) => Uint8Array } {
  let state = (seed * 2654435761 + 1) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  return {
    float: () => next() / 2 ** 32,
    bytes: n => Uint8Array.from({ length: n }, () => next() & 0xff)
  }
}
