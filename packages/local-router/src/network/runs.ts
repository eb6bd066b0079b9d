import { EventQueue } from './event-queue.ts'
import type { Timed } from './event-queue.ts'
import type { Flight } from './flight.ts'

/** The tunnel messages of one message that are on their way to the receiver. */
export class Run<T, C = undefined> implements Timed {
  time = 0
  order = 0
  readonly flight: Flight<T>
  /** What the transport adds. */
  readonly context: C
  /** Arrival times of those that survive, ascending; `count` of them are valid. */
  readonly times: Float64Array
  readonly count: number
  /** Which tunnel message of the message each is, where they do not come in order. */
  readonly indexes: Uint8Array | undefined
  /** ms that each took at the sender's bottleneck. */
  readonly upstream: number
  /** Its turn among those that come at the same time. */
  readonly turn: number
  /** The next one to handle. */
  next = 0
  /** When the last one has left the receiver's bottleneck. */
  done = 0

  constructor (
    flight: Flight<T>, context: C, times: Float64Array, count: number, upstream: number, indexes?: Uint8Array, turn = flight.id
  ) {
    this.flight = flight
    this.context = context
    this.times = times
    this.count = count
    this.upstream = upstream
    this.indexes = indexes
    this.turn = turn
  }
}

/**
 * Runs of tunnel messages in the order of their arrival. A run is handled until another one's tunnel message comes
 * in between, so that few events are needed where nothing interleaves.
 */
export class RunQueue<T, C = undefined> {
  readonly #runs = new EventQueue<Run<T, C>>()
  readonly #lookahead: number

  /** @param lookahead nothing sent from now on arrives earlier than this many ms from now */
  constructor (lookahead: number) {
    this.#lookahead = lookahead
  }

  get size (): number {
    return this.#runs.size
  }

  get nextTime (): number {
    return this.#runs.nextTime
  }

  push (run: Run<T, C>): void {
    this.#runs.push(run.times[0] as number, run, run.turn)
  }

  /** Calls `handle` for each tunnel message that nothing can overtake any more, and `finish` after a run's last one. */
  step (now: number, handle: (run: Run<T, C>, time: number) => void, finish: (run: Run<T, C>) => void): void {
    const run = this.#runs.pop()
    const horizon = Math.min(this.#runs.nextTime, now + this.#lookahead)
    const { times, count, turn } = run
    while (run.next < count) {
      const time = times[run.next] as number
      if (time > horizon) return this.#runs.push(time, run, turn)
      handle(run, time)
      run.next++
    }
    finish(run)
  }
}
