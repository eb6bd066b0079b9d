import type { DestinationState } from '../destination.ts'
import { EventQueue } from '../event-queue.ts'
import type { Timed } from '../event-queue.ts'
import type { Flight, Transport, TransportHost } from '../flight.ts'
import type { NetworkOptions } from '../options.ts'
import type { Path, PathRules } from '../path.ts'
import { Random } from '../random.ts'
import { tunnelMessages } from '../sizes.ts'
import { JavaGateway } from './gateway.ts'
import type { GatewayRules } from './gateway.ts'
import { JavaLink } from './link.ts'

/** The outbound tunnel and lease for a remote Destination stay until they expire. */
export const JAVA_PATH_RULES: PathRules = { messages: Infinity, life: Infinity }

const OUTBOUND: GatewayRules = { batch: 64, hold: 37, overhead: 130 }
const INBOUND: GatewayRules = { batch: 24, hold: 75, overhead: 101 }

/** Time until a message that was lost on a link has been sent again, ms: mostly near the lower end. */
const RESEND_MIN = 150
const RESEND_SPREAD = 900
const RESEND_SKEW = 3

/** Time that the router takes to encrypt one tunnel message's worth before the gateway sees it, ms. */
const ENTRY_INTERVAL = 0.03

/** Distinguishes the random streams of gateways from those of paths. */
const GATEWAY_STREAM = 0x6a617661

interface Event extends Timed {
  readonly run: (time: number) => void
}

/** Where a message is: in which path, and when it has passed the first half. */
interface Tunnels<T> {
  readonly gateways: Map<number, JavaGateway<T>>
  readonly link: JavaLink
  entry: number
}

/**
 * A network of Java routers (2.7.0) as it was measured: gateways that batch, wait and drop at both ends, see
 * {@link JavaGateway}; loss on a link only delays; fragments may come in any order.
 */
export class JavaTransport<T> implements Transport<T> {
  readonly #host: TransportHost<T>
  readonly #options: NetworkOptions
  readonly #outboundRules: GatewayRules
  readonly #events = new EventQueue<Event>()
  readonly #outbound = new WeakMap<DestinationState, Tunnels<T>>()
  readonly #inbound = new WeakMap<DestinationState, Tunnels<T>>()

  constructor (options: NetworkOptions, host: TransportHost<T>) {
    this.#host = host
    this.#options = options
    this.#outboundRules = options.javaBatching ? OUTBOUND : { ...OUTBOUND, hold: 0 }
  }

  get size (): number {
    return this.#events.size
  }

  get nextTime (): number {
    return this.#events.nextTime
  }

  tunnelMessages ({ size }: Flight<T>): number {
    return tunnelMessages(size)
  }

  send (now: number, flight: Flight<T>): void {
    const { from, to, tunnelMessages } = flight
    const path = from.path(to)
    path.use(now)
    if (path.dead) return this.#host.lose(now, flight, 'dead-path')
    const tunnels = this.#tunnels(this.#outbound, from)
    tunnels.entry = Math.max(now, tunnels.entry) + tunnelMessages * ENTRY_INTERVAL
    this.#schedule(tunnels.entry, time => this.#gateway(tunnels, from, path.outboundTunnel, true).enqueue(time, flight))
  }

  step (): void {
    const event = this.#events.pop()
    event.run(event.time)
  }

  /** Out of the outbound gateway: through the sender's bottleneck, and the way to the inbound gateway. */
  #leave (now: number, flight: Flight<T>, count: number, link: JavaLink): void {
    const { from, to } = flight
    const path = from.path(to)
    const room = from.outbound.room(now, count)
    const start = from.outbound.occupy(now, room)
    if (room < count) {
      this.#host.stats.queueDrops += count - room
      return this.#host.lose(now, flight, 'queue')
    }
    const departure = link.depart(start + room * from.outbound.interval, count)
    const delay = path.loss.take(flight.tunnelMessages) > 0 ? RESEND_MIN + RESEND_SPREAD * path.random.next() ** RESEND_SKEW : 0
    this.#schedule(path.transit(departure) + delay, time => this.#enter(time, flight, path))
  }

  #enter (now: number, flight: Flight<T>, path: Path): void {
    const tunnels = this.#tunnels(this.#inbound, flight.to)
    this.#gateway(tunnels, flight.to, path.inboundTunnel, false).enqueue(now, flight)
  }

  /** Out of the inbound gateway: through the receiver's bottleneck. */
  #arrive (now: number, flight: Flight<T>, count: number, link: JavaLink): void {
    const { inbound } = flight.to
    const end = inbound.forward(link.depart(now, count), flight.from.outbound.interval, count)
    if (end === Infinity) {
      this.#host.stats.queueDrops++
      this.#host.lose(now, flight, 'queue')
    } else {
      this.#host.deliverAt(end, flight)
    }
  }

  #tunnels (table: WeakMap<DestinationState, Tunnels<T>>, state: DestinationState): Tunnels<T> {
    let tunnels = table.get(state)
    if (tunnels === undefined) {
      tunnels = { gateways: new Map(), link: new JavaLink(this.#options.latency), entry: -Infinity }
      table.set(state, tunnels)
    }
    return tunnels
  }

  #gateway ({ gateways, link }: Tunnels<T>, { ordinal }: DestinationState, tunnel: number, outbound: boolean): JavaGateway<T> {
    let gateway = gateways.get(tunnel)
    if (gateway === undefined) {
      const random = new Random(this.#options.seed, GATEWAY_STREAM, ordinal, tunnel, outbound ? 1 : 0)
      gateway = new JavaGateway<T>(outbound ? this.#outboundRules : INBOUND, random, {
        schedule: (time, run) => this.#schedule(time, run),
        backlogged: time => link.backlogged(time),
        emit: (time, flight, count) => outbound ? this.#leave(time, flight, count, link) : this.#arrive(time, flight, count, link),
        drop: (time, flight, reason) => this.#host.lose(time, flight, reason)
      })
      gateways.set(tunnel, gateway)
    }
    return gateway
  }

  #schedule (time: number, run: (time: number) => void): void {
    this.#events.push(time, { run, time: 0, order: 0 })
  }
}
