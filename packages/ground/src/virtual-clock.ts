import { setImmediate } from 'node:timers/promises'
import type { Clock, Timer } from './clock.ts'

interface Due { readonly at: number, readonly order: number, readonly callback: () => void }

export const EPOCH = 1_700_000_000_000
/** Timers called in one `advance`; more is a livelock. */
const MAX_CALLS = 1_000_000
/** Times that `until` looks again without a timer: files and threads of node take real time. */
const MAX_IDLE = 10_000
/** Turns of the event loop that let streams pass on what was written. */
const SETTLE_TURNS = 6

/** Lets promises, streams and immediates do what they are about to do. */
export async function settle (): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await setImmediate()
}

/** Time that passes only when the test says so; timers are called in the order of their times, equal ones in that of setting. */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  readonly #timers = new Set<Due>()

  constructor (now = EPOCH) {
    this.#now = now
  }

  readonly now = (): number => this.#now

  /** Timers that are set. */
  get pending (): number { return this.#timers.size }

  /** When the next timer is due; Infinity without one. */
  get next (): number { return this.#first()?.at ?? Infinity }

  readonly setTimer = (callback: () => void, ms: number): Timer => {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, callback }
    this.#timers.add(timer)
    return { clear: () => { this.#timers.delete(timer) } }
  }

  /** Lets `ms` pass without a turn of the event loop, timer by timer. */
  advance (ms: number): void {
    const end = this.#now + ms
    for (let calls = 0; this.#step(end); calls++) if (calls === MAX_CALLS) throw new Error(`time stands still at ${this.#now}`)
    this.#now = end
  }

  /** Lets `ms` pass, and streams settle before it and after each timer. */
  async advanceSettled (ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    while (this.#step(end)) await settle()
    this.#now = end
  }

  /**
   * Lets time pass, timer by timer, until the promise is settled; returns what it resolves with. Throws when no timer is set and
   * nothing happens any more, or when so many have been called that it is a livelock.
   */
  async until<T> (promise: Promise<T>): Promise<T> {
    const state = { settled: false }
    promise.then(() => { state.settled = true }, () => { state.settled = true })
    for (let calls = 0, idle = 0; !state.settled; calls++) {
      await settle()
      if (state.settled) break
      if (calls === MAX_CALLS) throw new Error(`time stands still at ${this.#now}`)
      if (this.#step(Infinity)) idle = 0
      else if (++idle > MAX_IDLE) throw new Error('nothing is left that could settle the promise')
    }
    return await promise
  }

  /** Calls the first timer, if it is due by then. */
  #step (end: number): boolean {
    const first = this.#first()
    if (first === undefined || first.at > end) return false
    this.#now = Math.max(this.#now, first.at)
    this.#timers.delete(first)
    first.callback()
    return true
  }

  #first (): Due | undefined {
    let first: Due | undefined
    for (const timer of this.#timers) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer
    }
    return first
  }
}
