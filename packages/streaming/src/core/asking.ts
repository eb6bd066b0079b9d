import { ASK_AFTER } from './constants.ts'
import type { TimerTable } from './timers.ts'

/** When a silent peer is asked whether it still has a stream: ever less often, until it says anything. */
export class Asking {
  readonly #timers: TimerTable
  #delay = ASK_AFTER
  #isDue = false

  constructor (timers: TimerTable) {
    this.#timers = timers
  }

  /** The peer has said something, on a stream from which more is to come. */
  heard (now: number): void {
    this.#delay = ASK_AFTER
    this.#isDue = false
    this.#timers.set('ask', now + this.#delay)
  }

  expired (now: number): void {
    this.#delay *= 2
    this.#isDue = true
    this.#timers.set('ask', now + this.#delay)
  }

  /** True once for each question. */
  take (): boolean {
    const isDue = this.#isDue
    this.#isDue = false
    return isDue
  }

  stop (): void {
    this.#isDue = false
    this.#timers.stop('ask')
  }
}
