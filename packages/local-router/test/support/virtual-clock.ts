import { setImmediate } from 'node:timers/promises'
import type { Clock } from '@minwww/local-router'

interface Timer { at: number, order: number, run: () => void }

/** Turns of the event loop that let streams pass on what was written. */
const SETTLE_TURNS = 6

/** Time that passes only when the test says so; timers run in order, streams settle in between. */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  readonly #timers = new Set<Timer>()

  constructor (now = 1_700_000_000_000) {
    this.#now = now
  }

  now (): number { return this.#now }

  get pending (): number { return this.#timers.size }

  setTimeout (run: () => void, ms: number): Timer {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, run }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout (timer: unknown): void {
    this.#timers.delete(timer as Timer)
  }

  async settle (): Promise<void> {
    for (let i = 0; i < SETTLE_TURNS; i++) await setImmediate()
  }

  /** Lets `ms` pass. */
  async advance (ms: number): Promise<void> {
    const end = this.#now + ms
    await this.settle()
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at || a.order - b.order)[0]
      if (next === undefined || next.at > end) break
      this.#now = Math.max(this.#now, next.at)
      this.#timers.delete(next)
      next.run()
      await this.settle()
    }
    this.#now = end
  }
}
