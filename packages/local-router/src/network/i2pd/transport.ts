import type { DestinationState } from '../destination.ts'
import type { Flight, Transport, TransportHost } from '../flight.ts'
import type { NetworkOptions } from '../options.ts'
import type { Path, PathRules } from '../path.ts'
import { Run, RunQueue } from '../runs.ts'
import { I2pdEndpoint } from './endpoint.ts'
import { I2pdLink } from './link.ts'
import { paddedTunnelMessages } from './padding.ts'
import { Tails } from './tails.ts'

/** One outbound tunnel and lease for each remote Destination, changed after this (Garlic.cpp). */
export const I2PD_PATH_RULES: PathRules = { messages: 100, life: 30_000 }

/** Time until a packet that was lost on a link is sent again, ms: the resend check runs that often (SSU2). */
const RESEND_MIN = 400
const RESEND_SPREAD = 100

/** Share of a path's latency that the end of a burst waits, see {@link Tails}. */
const TAIL_WAIT = 0.55

/** Some tunnel messages of one message, and whether its last one is among them. */
interface Part<T> {
  readonly endpoint: I2pdEndpoint<T>
  readonly isEnd: boolean
}

/** What puts together the fragments of one path, as long as its tunnels are the same. */
interface PathEnd<T> {
  readonly generation: number
  readonly endpoint: I2pdEndpoint<T>
}

/**
 * A network of i2pd routers (2.45.1) as it was measured. Loss on a link only delays a tunnel message, but what comes
 * out of order costs messages of several fragments, see {@link I2pdEndpoint}; and more than 500 waiting tunnel
 * messages cost the link, see {@link I2pdLink}.
 */
export class I2pdTransport<T> implements Transport<T> {
  readonly #host: TransportHost<T>
  readonly #runs: RunQueue<T, Part<T>>
  readonly #tails: Tails<T, Part<T>>
  readonly #latency: number
  readonly #links = new WeakMap<DestinationState, Map<number, I2pdLink<T>>>()
  readonly #ends = new WeakMap<Path, PathEnd<T>>()

  constructor (options: NetworkOptions, host: TransportHost<T>) {
    this.#host = host
    this.#latency = options.latency
    this.#tails = new Tails(options.latency * TAIL_WAIT, this.#release)
    this.#runs = new RunQueue(Math.max(0, options.latency - options.jitter - this.#tails.wait))
  }

  get size (): number {
    return this.#runs.size + this.#tails.size
  }

  get nextTime (): number {
    return Math.min(this.#runs.nextTime, this.#tails.nextTime)
  }

  tunnelMessages ({ size, from, to }: Flight<T>): number {
    return paddedTunnelMessages(size, from.path(to).random)
  }

  send (now: number, flight: Flight<T>): void {
    const { from, to, tunnelMessages } = flight
    const path = from.path(to)
    path.use(now)
    const link = this.#link(from, path)
    if (path.dead) return this.#host.lose(now, flight, 'dead-path')
    if (link.down(now)) return this.#host.lose(now, flight, 'link-dropped')
    const room = from.outbound.room(now, tunnelMessages)
    const start = from.outbound.occupy(now, room)
    if (room < tunnelMessages) {
      this.#host.stats.queueDrops += tunnelMessages - room
      return this.#host.lose(now, flight, 'queue')
    }
    if (link.overflows(now, tunnelMessages, from.outbound.interval)) {
      for (const lost of [...link.drop(now), flight]) this.#host.lose(now, lost, 'link-dropped')
      return
    }
    this.#tails.follow(link)
    const busy = link.busy(now)
    const run = this.#run(flight, path, link, start)
    link.hold(flight)
    if (busy) this.#hold(link, run)
    else this.#runs.push(run)
  }

  step (now: number): void {
    if (this.#tails.nextTime <= this.#runs.nextTime) this.#tails.step()
    else this.#runs.step(now, this.#arrive, this.#finish)
  }

  /** All but the last tunnel message go on. */
  #hold (link: I2pdLink<T>, { flight, context: { endpoint }, times, count, upstream, indexes }: Run<T, Part<T>>): void {
    const last = count - 1
    if (last > 0) this.#runs.push(new Run(flight, { endpoint, isEnd: false }, times.subarray(0, last), last, upstream, indexes))
    const index = Uint8Array.of(indexes?.[last] ?? last)
    const end = { endpoint, isEnd: true }
    this.#tails.hold(link.free, link, new Run(flight, end, times.subarray(last), 1, upstream, index, flight.id + 1 / 2))
  }

  readonly #release = (run: Run<T, Part<T>>, isLate: boolean): void => {
    const path = run.flight.from.path(run.flight.to)
    // A link is TCP: what is sent after it comes after it, unless it goes through other tunnels by now.
    if (isLate && this.#ends.get(path)?.endpoint === run.context.endpoint) path.delay(this.#tails.wait)
    this.#runs.push(run)
  }

  #run (flight: Flight<T>, path: Path, link: I2pdLink<T>, start: number): Run<T, Part<T>> {
    const count = flight.tunnelMessages
    const { interval } = flight.from.outbound
    const times = new Float64Array(count)
    let ordered = true
    for (let i = 0; i < count; i++) {
      const arrival = path.transit(link.depart(start + (i + 1) * interval))
      const delay = path.loss.lost() ? RESEND_MIN + RESEND_SPREAD * path.random.next() : 0
      times[i] = arrival + delay
      if (i > 0 && (times[i] as number) < (times[i - 1] as number)) ordered = false
    }
    const upstream = Math.max(interval, link.interval)
    const part = { endpoint: this.#endpoint(path), isEnd: true }
    if (ordered) return new Run(flight, part, times, count, upstream)
    const indexes = Uint8Array.from(times.keys()).sort((a, b) => (times[a] as number) - (times[b] as number) || a - b)
    return new Run(flight, part, times.sort(), count, upstream, indexes)
  }

  readonly #arrive = (run: Run<T, Part<T>>, time: number): void => {
    const { flight, upstream, context } = run
    if (flight.lost !== undefined) return
    const end = flight.to.inbound.forward(time, upstream)
    if (end === Infinity) {
      this.#host.stats.queueDrops++
      return this.#host.lose(time, flight, 'queue')
    }
    const { endpoint, isEnd } = context
    const complete = endpoint.accept(flight, run.indexes?.[run.next] ?? run.next)
    if (complete) this.#host.deliverAt(end, flight)
    else if (isEnd && run.next === run.count - 1) this.#host.lose(time, flight, 'fragment-order')
  }

  readonly #finish = ({ flight, context: { endpoint, isEnd } }: Run<T, Part<T>>): void => {
    if (isEnd) endpoint.forget(flight)
  }

  // Of one path: what several senders send to one Destination does not mix, since the gateway of the inbound tunnel
  // fragments whole messages one after the other.
  #endpoint (path: Path): I2pdEndpoint<T> {
    let end = this.#ends.get(path)
    if (end?.generation !== path.generation) {
      end = { generation: path.generation, endpoint: new I2pdEndpoint() }
      this.#ends.set(path, end)
    }
    return end.endpoint
  }

  #link (from: DestinationState, { outboundTunnel }: Path): I2pdLink<T> {
    let links = this.#links.get(from)
    if (links === undefined) {
      links = new Map()
      this.#links.set(from, links)
    }
    let link = links.get(outboundTunnel)
    if (link === undefined) {
      link = new I2pdLink(this.#latency)
      links.set(outboundTunnel, link)
    }
    return link
  }
}
