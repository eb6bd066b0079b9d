import type { Flight, Transport, TransportHost } from './flight.ts'
import type { NetworkOptions } from './options.ts'
import type { Path } from './path.ts'
import { Run, RunQueue } from './runs.ts'
import { tunnelMessages } from './sizes.ts'

/**
 * A path with latency, jitter, loss and a bottleneck at either end, and nothing else. Where no bottleneck waits at
 * the receiver, the fate of a message is computed when it is sent; otherwise its tunnel messages are handled in
 * runs, in the order in which all senders' tunnel messages arrive there.
 */
export class PlainTransport<T> implements Transport<T> {
  readonly #host: TransportHost<T>
  readonly #reorder: boolean
  readonly #runs: RunQueue<T>

  constructor (options: NetworkOptions, host: TransportHost<T>) {
    this.#host = host
    this.#reorder = options.reorder
    this.#runs = new RunQueue(Math.max(0, options.latency - options.jitter))
  }

  get size (): number {
    return this.#runs.size
  }

  get nextTime (): number {
    return this.#runs.nextTime
  }

  tunnelMessages ({ size }: Flight<T>): number {
    return tunnelMessages(size)
  }

  send (now: number, flight: Flight<T>): void {
    const { from, to, tunnelMessages } = flight
    const path = from.path(to)
    path.use(now)
    const count = from.outbound.room(now, tunnelMessages)
    const start = from.outbound.occupy(now, count)
    if (count < tunnelMessages) {
      this.#host.stats.queueDrops += tunnelMessages - count
      this.#host.lose(now, flight, 'queue')
    }
    if (path.dead) {
      this.#host.stats.tunnelMessagesLost += count
      this.#host.lose(now, flight, 'dead-path')
    } else if (to.inbound.interval > 0) {
      this.#enqueue(now, flight, path, start, count)
    } else {
      this.#complete(now, flight, path, start, count)
    }
  }

  step (now: number): void {
    this.#runs.step(now, this.#pass, this.#finish)
  }

  readonly #pass = (run: Run<T>, time: number): void => {
    const end = run.flight.to.inbound.forward(time, run.upstream)
    if (end !== Infinity) {
      run.done = end
      return
    }
    this.#host.stats.queueDrops++
    this.#host.lose(time, run.flight, 'queue')
  }

  readonly #finish = ({ flight, done }: Run<T>): void => {
    if (flight.lost === undefined) this.#host.deliverAt(done, flight)
  }

  /** No bottleneck at the receiver: the message is there with its last tunnel message. */
  #complete (now: number, flight: Flight<T>, path: Path, start: number, count: number): void {
    const { interval } = flight.from.outbound
    const lost = path.loss.take(count)
    let arrival = start
    if (path.smooth) {
      arrival = path.transit(start + count * interval)
    } else {
      for (let i = 1; i <= count; i++) arrival = Math.max(arrival, path.transit(start + i * interval))
    }
    if (lost > 0) {
      this.#host.stats.tunnelMessagesLost += lost
      this.#host.lose(now, flight, 'loss')
    }
    if (flight.lost === undefined) this.#host.deliverAt(arrival, flight)
  }

  #enqueue (now: number, flight: Flight<T>, path: Path, start: number, sent: number): void {
    const upstream = flight.from.outbound.interval
    const times = new Float64Array(sent)
    let count = 0
    for (let i = 1; i <= sent; i++) {
      const time = path.transit(start + i * upstream)
      if (!path.loss.lost()) times[count++] = time
    }
    if (count < sent) {
      this.#host.stats.tunnelMessagesLost += sent - count
      this.#host.lose(now, flight, 'loss')
    }
    if (count === 0) return
    if (this.#reorder) times.subarray(0, count).sort()
    this.#runs.push(new Run(flight, undefined, times, count, upstream))
  }
}
