import { DestinationState, deleteOldest } from './destination.ts'
import { EventQueue } from './event-queue.ts'
import type { Delivery, Flight, LossReason, NetworkStats, TraceEvent, Transport, TransportHost } from './flight.ts'
import { networkOptions } from './options.ts'
import type { DestinationOptions, NetworkOptions } from './options.ts'
import type { PathRules } from './path.ts'
import { pathRules, transport } from './profiles.ts'
import { Random } from './random.ts'
import { MAX_CONTAINER } from './sizes.ts'
import type { Tunnel } from './tunnel.ts'

/** A message for the model; `from` and `to` are any stable keys of the two Destinations, such as base64 hashes. */
export interface NetworkMessage<T> {
  readonly from: string
  readonly to: string
  /** Bytes of the gzip container. */
  readonly size: number
  readonly data: T
}

/** What one Destination may have under way of all that may be. */
const DESTINATION_SHARE = 1 / 8

/**
 * The I2P network between Destinations, without I/O, clock or timer: give it messages, ask when to come back, and
 * take what has arrived. Time is in ms from any origin and must not go backwards.
 */
export class NetworkModel<T = unknown> {
  readonly options: Readonly<NetworkOptions>
  readonly stats: NetworkStats = {
    messagesSent: 0,
    messagesDelivered: 0,
    messagesLost: 0,
    inFlight: 0,
    bytesInFlight: 0,
    duplicates: 0,
    tunnelMessagesSent: 0,
    tunnelMessagesLost: 0,
    queueDrops: 0,
    lostBy: {}
  }

  /** Called at each message's start and end, when set. */
  onTrace: ((event: TraceEvent) => void) | undefined
  readonly #rules: PathRules
  readonly #countsRatchets: boolean
  readonly #transport: Transport<T>
  readonly #deliveries = new EventQueue<Flight<T>>()
  readonly #destinations = new Map<string, DestinationState>()
  readonly #duplicates: Random
  #ordinal = 0
  #id = 0

  /** @throws RouterError ROUTER_INVALID_OPTION */
  constructor (options: Partial<NetworkOptions> = {}) {
    this.options = networkOptions(options)
    this.#rules = pathRules(this.options.profile)
    this.#countsRatchets = this.options.profile === 'i2pd-2.59'
    this.#duplicates = new Random(this.options.seed, -1)
    const host: TransportHost<T> = {
      stats: this.stats,
      deliverAt: (time, flight) => this.#deliveries.push(time, flight),
      lose: (now, flight, reason) => this.#lose(now, flight, reason)
    }
    this.#transport = transport(this.options, host)
  }

  /**
   * Takes a message at time `now`; {@link poll} returns it when all of its tunnel messages have arrived.
   * @returns false if it was refused because too much is in flight
   */
  send (now: number, message: NetworkMessage<T>): boolean {
    const { size, data } = message
    const from = this.#destination(message.from)
    const to = this.#destination(message.to)
    const id = this.#id++
    const flight: Flight<T> = {
      time: now,
      order: 0,
      id,
      from,
      to,
      size,
      tunnelMessages: 0,
      sentAt: now,
      data,
      lost: undefined,
      copy: false,
      ratchet: this.#countsRatchets ? from.ratchets.sends(now, to.key) : undefined
    }
    flight.tunnelMessages = this.#transport.tunnelMessages(flight)
    this.stats.messagesSent++
    this.#underWay(flight, 1)
    if (this.onTrace !== undefined) this.#trace(now, 'sent', flight)
    const reason = this.#obstacle(flight)
    if (reason !== undefined) {
      this.#lose(now, flight, reason)
      return reason !== 'overflow'
    }
    this.stats.tunnelMessagesSent += flight.tunnelMessages
    this.#transport.send(now, flight)
    return true
  }

  /** When {@link poll} has something to do, or undefined. */
  nextTimeout (): number | undefined {
    const time = Math.min(this.#transport.nextTime, this.#deliveries.nextTime)
    return time === Infinity ? undefined : time
  }

  /** What has arrived until `now`, in order of arrival. */
  poll (now: number): Array<Delivery<T>> {
    const due: Array<Delivery<T>> = []
    for (;;) {
      const travel = this.#transport.nextTime
      const arrival = this.#deliveries.nextTime
      const next = Math.min(travel, arrival)
      if (next > now || next === Infinity) return due
      if (travel <= arrival) this.#transport.step(now)
      else this.#arrive(due)
    }
  }

  /** Sets what one Destination has different from the rest; bandwidth from now on, latency of later messages. */
  configure (destination: string, options: DestinationOptions): void {
    this.#destination(destination).configure(options)
  }

  /** A dead Destination neither sends nor receives, also not what is on its way. */
  setAlive (destination: string, alive: boolean): void {
    this.#destination(destination).alive = alive
  }

  /** Forgets a Destination; what is on its way to it is lost. A later message to this key finds a new one. */
  removeDestination (destination: string): void {
    const state = this.#destinations.get(destination)
    if (state === undefined) return
    state.alive = false
    this.#destinations.delete(destination)
  }

  /** The inbound tunnels of a Destination, to become its leases. */
  inboundTunnels (now: number, destination: string): readonly Tunnel[] {
    return this.#destination(destination).inboundTunnels(now)
  }

  /** Replaces the inbound tunnels of a Destination. */
  renewTunnels (now: number, destination: string): readonly Tunnel[] {
    return this.#destination(destination).renewInbound(now)
  }

  #destination (key: string): DestinationState {
    let state = this.#destinations.get(key)
    if (state === undefined) {
      if (this.#destinations.size >= this.options.maxDestinations) deleteOldest(this.#destinations)
      state = new DestinationState(key, this.#ordinal++, this.options, this.#rules)
      this.#destinations.set(key, state)
    }
    return state
  }

  #obstacle ({ size, from }: Flight<T>): LossReason | undefined {
    const { maxInFlight, maxBytesInFlight } = this.options
    if (size > MAX_CONTAINER) return 'too-large'
    if (!from.alive) return 'unreachable'
    if (this.#deliveries.size + this.#transport.size >= maxInFlight) return 'overflow'
    if (this.stats.bytesInFlight > maxBytesInFlight || from.bytesInFlight > maxBytesInFlight * DESTINATION_SHARE) return 'overflow'
    return undefined
  }

  #underWay ({ size, from }: Flight<T>, sign: 1 | -1): void {
    this.stats.inFlight += sign
    this.stats.bytesInFlight += sign * size
    from.bytesInFlight += sign * size
  }

  #arrive (due: Array<Delivery<T>>): void {
    const flight = this.#deliveries.pop()
    const { time: at, from, to, size, tunnelMessages, sentAt, data } = flight
    if (!to.alive) return this.#lose(at, flight, 'unreachable')
    if (flight.ratchet !== undefined) {
      const taken = to.ratchets.takes(at, from.key, flight.ratchet)
      if (taken !== 'taken') return this.#lose(at, flight, taken)
      to.ratchets.hears(at, from.key)
    }
    if (flight.copy) {
      this.stats.duplicates++
    } else {
      this.stats.messagesDelivered++
      this.#underWay(flight, -1)
    }
    if (this.onTrace !== undefined) this.#trace(at, flight.copy ? 'duplicate' : 'delivered', flight)
    due.push({ from: from.key, to: to.key, size, tunnelMessages, sentAt, at, data })
    const { duplicate } = this.options
    if (duplicate > 0 && !flight.copy && this.#duplicates.next() < duplicate) {
      this.#deliveries.push(at, { ...flight, copy: true })
    }
  }

  #lose (now: number, flight: Flight<T>, reason: LossReason): void {
    if (flight.lost !== undefined || flight.copy) return
    flight.lost = reason
    this.stats.messagesLost++
    this.#underWay(flight, -1)
    this.stats.lostBy[reason] = (this.stats.lostBy[reason] ?? 0) + 1
    if (this.onTrace !== undefined) this.#trace(now, 'lost', flight)
  }

  #trace (at: number, type: TraceEvent['type'], flight: Flight<T>): void {
    const { id, from, to, size, tunnelMessages, lost } = flight
    const event = { type, id, at, from: from.key, to: to.key, size, tunnelMessages }
    this.onTrace?.(lost === undefined ? event : { ...event, reason: lost })
  }
}
