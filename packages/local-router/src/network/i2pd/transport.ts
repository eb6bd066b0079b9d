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
  readonly #runs: RunQueue<T, I2pdEndpoint<T>>
  readonly #tails: Tails<T, I2pdEndpoint<T>>
  readonly #latency: number
  readonly #links = new WeakMap<DestinationState, Map<number, I2pdLink<T>>>()
  readonly #ends = new WeakMap<Path, PathEnd<T>>()

  constructor (options: NetworkOptions, host: TransportHost<T>) {
    this.#host = host
    this.#latency = options.latency
    this.#tails = new Tails(options.latency * TAIL_WAIT, run => this.#runs.push(run))
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
    if (busy) this.#tails.hold(now, link, run)
    else this.#runs.push(run)
  }

  step (now: number): void {
    if (this.#tails.nextTime <= this.#runs.nextTime) this.#tails.step()
    else this.#runs.step(now, this.#arrive, this.#finish)
  }

  #run (flight: Flight<T>, path: Path, link: I2pdLink<T>, start: number): Run<T, I2pdEndpoint<T>> {
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
    const endpoint = this.#endpoint(path)
    if (ordered) return new Run(flight, endpoint, times, count, upstream)
    const indexes = Uint8Array.from(times.keys()).sort((a, b) => (times[a] as number) - (times[b] as number) || a - b)
    return new Run(flight, endpoint, times.sort(), count, upstream, indexes)
  }

  readonly #arrive = (run: Run<T, I2pdEndpoint<T>>, time: number): void => {
    const { flight, upstream, context } = run
    if (flight.lost !== undefined) return
    const end = flight.to.inbound.forward(time, upstream)
    if (end === Infinity) {
      this.#host.stats.queueDrops++
      return this.#host.lose(time, flight, 'queue')
    }
    const complete = context.accept(flight, run.indexes?.[run.next] ?? run.next)
    if (complete) this.#host.deliverAt(end, flight)
    else if (run.next === run.count - 1) this.#host.lose(time, flight, 'fragment-order')
  }

  readonly #finish = ({ flight, context }: Run<T, I2pdEndpoint<T>>): void => {
    context.forget(flight)
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
