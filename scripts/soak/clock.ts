import type { Clock } from '../../packages/minwww-server/src/exit/clock.ts'

interface Due { at: number, callback: () => void }

/** Time that moves when it is told to, and says how many timers are set. */
export class VirtualClock implements Clock {
  #now: number
  readonly #timers = new Set<Due>()

  constructor (now: number) {
    this.#now = now
  }

  readonly now = (): number => this.#now
  get pending (): number { return this.#timers.size }

  readonly setTimer = (callback: () => void, delay: number) => {
    const timer: Due = { at: this.#now + Math.max(0, delay), callback }
    this.#timers.add(timer)
    return { clear: () => { this.#timers.delete(timer) } }
  }

  /** When the next timer is due; Infinity without one. */
  get next (): number {
    let next = Infinity
    for (const { at } of this.#timers) next = Math.min(next, at)
    return next
  }

  /** Moves to a time and calls what is due. */
  moveTo (now: number): void {
    this.#now = Math.max(this.#now, now)
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now).sort((a, b) => a.at - b.at)) {
      if (this.#timers.delete(timer)) timer.callback()
    }
  }
}
