import type { Clock } from '@minwww/i2cp'

/** Time that stands until it is moved. */
export class FakeClock implements Clock {
  time = 1_700_000_000_000
  readonly timers = new Map<number, { at: number, callback: () => void }>()
  #id = 0

  now (): number { return this.time }

  setTimeout (callback: () => void, ms: number): number {
    this.timers.set(++this.#id, { at: this.time + Math.max(0, ms), callback })
    return this.#id
  }

  clearTimeout (handle: unknown): void { this.timers.delete(handle as number) }

  /** Moves to each due timer in turn. */
  advance (ms: number): void {
    const end = this.time + ms
    for (;;) {
      const [next] = [...this.timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)
      if (next === undefined) break
      this.timers.delete(next[0])
      this.time = next[1].at
      next[1].callback()
    }
    this.time = end
  }
}
