import { LossProcess } from './loss.ts'
import type { NetworkOptions } from './options.ts'
import type { Random } from './random.ts'
import type { Tunnel } from './tunnel.ts'

/** When a router changes the tunnels that it uses towards one Destination, beside their expiry. */
export interface PathRules {
  /** Messages after which a new path is chosen. */
  readonly messages: number
  /** ms after which a new path is chosen. */
  readonly life: number
}

/** What a path needs of the Destination at either end. */
export interface PathEnd {
  /** ms, beside the latency of the network. */
  readonly extraLatency: number
  inboundTunnels (now: number): readonly Tunnel[]
  outboundTunnels (now: number): readonly Tunnel[]
}

/** Share of the jitter that drifts with the path; the rest differs from one tunnel message to the next. */
const DRIFT_SHARE = 0.8

/** The drift is drawn anew every two latencies, and not more often than this, ms. */
const MIN_DRIFT_PERIOD = 100

/** One direction between two Destinations: the outbound tunnel of one and the inbound tunnel of the other. */
export class Path {
  readonly random: Random
  readonly loss: LossProcess
  readonly #from: PathEnd
  readonly #to: PathEnd
  readonly #options: NetworkOptions
  readonly #rules: PathRules
  readonly #wobble: number
  readonly #driftPeriod: number
  #drift = 0
  #driftUntil = -Infinity
  #last = -Infinity
  #until = -Infinity
  #messages = 0
  /** Indexes of the chosen tunnels. */
  outboundTunnel = 0
  inboundTunnel = 0
  /** It carries nothing until it is chosen anew. */
  dead = false
  /** Counts the choices. */
  generation = 0
  /** Uniform in (0, 1), drawn with each choice; a mixed network takes the kind of its routers from it. */
  kind = 0

  constructor (from: PathEnd, to: PathEnd, random: Random, options: NetworkOptions, rules: PathRules) {
    this.#from = from
    this.#to = to
    this.random = random
    this.#options = options
    this.#rules = rules
    this.loss = new LossProcess(random, options.loss, options.burst)
    this.#wobble = options.jitter * (1 - DRIFT_SHARE)
    this.#driftPeriod = Math.max(MIN_DRIFT_PERIOD, 2 * options.latency)
  }

  /** Whether every tunnel message takes as long as the one before, but for the drift. */
  get smooth (): boolean {
    return this.#wobble === 0
  }

  /** Called for each message: keeps the chosen tunnels, or chooses others when these are used up. */
  use (now: number): void {
    this.renew(now)
    this.#messages++
  }

  /** Chooses other tunnels when these are used up. */
  renew (now: number): void {
    if (now >= this.#until || this.#messages >= this.#rules.messages) this.#choose(now)
  }

  /** Arrival of a tunnel message that leaves the sender's bottleneck at `depart`; called in order of departure. */
  transit (depart: number): number {
    if (depart >= this.#driftUntil) this.#redrift(depart)
    const wobble = this.#wobble === 0 ? 0 : this.#wobble * this.random.symmetric()
    const base = this.#options.latency + this.#from.extraLatency + this.#to.extraLatency
    const arrival = depart + Math.max(0, base + this.#drift + wobble)
    if (this.#options.reorder || arrival > this.#last) {
      this.#last = arrival
      return arrival
    }
    return this.#last
  }

  /** The newest tunnel message is late by so much more, and what follows it does not overtake it, ms. */
  delay (milliseconds: number): void {
    this.#last += milliseconds
  }

  #choose (now: number): void {
    const out = this.#from.outboundTunnels(now)
    const inbound = this.#to.inboundTunnels(now)
    this.outboundTunnel = this.random.below(out.length)
    this.inboundTunnel = this.random.below(inbound.length)
    const expires = Math.min(out[this.outboundTunnel]?.expires ?? now, inbound[this.inboundTunnel]?.expires ?? now)
    this.#until = Math.min(expires, now + this.#rules.life)
    this.#messages = 0
    this.#last = -Infinity
    this.#driftUntil = -Infinity
    this.generation++
    this.kind = this.random.next()
    this.dead = this.#options.deadPaths > 0 && this.random.next() < this.#options.deadPaths
  }

  #redrift (now: number): void {
    this.#driftUntil = now + this.#driftPeriod
    this.#drift = this.#options.jitter * DRIFT_SHARE * this.random.symmetric()
  }
}
