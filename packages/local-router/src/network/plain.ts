import { EventQueue } from './event-queue.ts'
import type { Timed } from './event-queue.ts'
import type { Flight, Transport, TransportHost } from './flight.ts'
import type { NetworkOptions } from './options.ts'
import type { Path } from './path.ts'

/** The tunnel messages of one message on their way to the receiver's bottleneck. */
interface Arrival<T> extends Timed {
  readonly flight: Flight<T>
  /** Arrival times of those that survive, ascending. */
  readonly times: Float64Array
  readonly count: number
  /** ms that each took at the sender's bottleneck. */
  readonly upstream: number
  /** Index of the next one to handle. */
  next: number
  /** When the last one has left the bottleneck. */
  done: number
}

/**
 * A path with latency, jitter, loss and a bottleneck at either end, and nothing else. Where no bottleneck waits at
 * the receiver, the fate of a message is computed when it is sent; otherwise its tunnel messages are handled in
 * runs, in the order in which all senders' tunnel messages arrive there.
 */
export class PlainTransport<T> implements Transport<T> {
  readonly #host: TransportHost<T>
  readonly #reorder: boolean
  readonly #arrivals = new EventQueue<Arrival<T>>()
  /** Nothing sent from now on can arrive earlier than this many ms from now. */
  readonly #lookahead: number

  constructor (options: NetworkOptions, host: TransportHost<T>) {
    this.#host = host
    this.#reorder = options.reorder
    this.#lookahead = Math.max(0, options.latency - options.jitter)
  }

  get size (): number {
    return this.#arrivals.size
  }

  get nextTime (): number {
    return this.#arrivals.nextTime
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
    const arrival = this.#arrivals.pop()
    const horizon = Math.min(this.#arrivals.nextTime, now + this.#lookahead)
    const { flight, times, count, upstream } = arrival
    const { inbound } = flight.to
    while (arrival.next < count) {
      const time = times[arrival.next] as number
      if (time > horizon) return this.#arrivals.push(time, arrival, flight.id)
      const end = inbound.forward(time, upstream)
      if (end === Infinity) {
        this.#host.stats.queueDrops++
        this.#host.lose(time, flight, 'queue')
      } else {
        arrival.done = end
      }
      arrival.next++
    }
    if (flight.lost === undefined) this.#host.deliverAt(arrival.done, flight)
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
    const first = times[0] as number
    this.#arrivals.push(first, { flight, times, count, upstream, next: 0, done: first, time: 0, order: 0 }, flight.id)
  }
}
