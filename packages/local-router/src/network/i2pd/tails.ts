import { EventQueue } from '../event-queue.ts'
import type { Timed } from '../event-queue.ts'
import type { Run } from '../runs.ts'

interface Tail<T, C> extends Timed {
  readonly key: object
  readonly run: Run<T, C>
  released: boolean
}

/**
 * Nagle's algorithm, which i2pd leaves on: the end of a burst waits for an answer on each link, unless something
 * follows it in time. At most one tunnel message of each link waits here.
 */
export class Tails<T, C> {
  /** How long the end of a burst waits, ms. */
  readonly wait: number
  readonly #release: (run: Run<T, C>, isLate: boolean) => void
  readonly #tails = new WeakMap<object, Tail<T, C>>()
  readonly #deadlines = new EventQueue<Tail<T, C>>()

  /** @param release - takes a run that goes on, and whether nothing has followed it */
  constructor (wait: number, release: (run: Run<T, C>, isLate: boolean) => void) {
    this.wait = wait
    this.#release = release
  }

  get size (): number {
    return this.#deadlines.size
  }

  get nextTime (): number {
    return this.#deadlines.nextTime
  }

  /** Another message follows on this link: what waited need not wait. */
  follow (key: object): void {
    const tail = this.#tails.get(key)
    if (tail !== undefined && !tail.released) this.#finish(tail, false)
  }

  /** @param leaves - when its last tunnel message has come to the link, which a queue before it may delay */
  hold (leaves: number, key: object, run: Run<T, C>): void {
    const tail = { key, run, released: false, time: 0, order: 0 }
    this.#tails.set(key, tail)
    this.#deadlines.push(leaves + this.wait, tail)
  }

  /** Handles the earliest deadline. */
  step (): void {
    const tail = this.#deadlines.pop()
    if (tail.released) return
    const { times, count } = tail.run
    times[count - 1] = (times[count - 1] as number) + this.wait
    this.#finish(tail, true)
  }

  #finish (tail: Tail<T, C>, isLate: boolean): void {
    tail.released = true
    this.#tails.delete(tail.key)
    this.#release(tail.run, isLate)
  }
}
