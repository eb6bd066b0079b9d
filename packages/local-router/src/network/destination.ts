import { Bottleneck } from './bottleneck.ts'
import { Ratchets } from './i2pd/ratchets.ts'
import type { DestinationOptions, NetworkOptions } from './options.ts'
import { Path } from './path.ts'
import type { PathEnd, PathRules } from './path.ts'
import { Random } from './random.ts'
import type { Tunnel } from './tunnel.ts'

/** What the model knows of one Destination. */
export class DestinationState implements PathEnd {
  readonly key: string
  readonly ordinal: number
  readonly #options: NetworkOptions
  readonly #rules: PathRules
  readonly #random: Random
  readonly #paths = new Map<string, { readonly to: DestinationState, readonly path: Path }>()
  outbound: Bottleneck
  inbound: Bottleneck
  readonly ratchets: Ratchets
  extraLatency = 0
  alive = true
  /** Of the messages that it has sent. */
  bytesInFlight = 0
  #outboundTunnels: Tunnel[] = []
  #inboundTunnels: Tunnel[] = []

  constructor (key: string, ordinal: number, options: NetworkOptions, rules: PathRules) {
    this.key = key
    this.ordinal = ordinal
    this.#options = options
    this.#rules = rules
    this.#random = new Random(options.seed, ordinal)
    this.outbound = new Bottleneck(options.bandwidth, options.queue)
    this.inbound = new Bottleneck(options.bandwidth, options.queue)
    this.ratchets = new Ratchets(options.maxDestinations, new Random(options.seed, ordinal, -2))
    this.ratchets.inboundTags = options.inboundTags
  }

  configure (o: DestinationOptions): void {
    if (o.extraLatency !== undefined) this.extraLatency = o.extraLatency
    if (o.bandwidthOut !== undefined) this.outbound = new Bottleneck(o.bandwidthOut, this.#options.queue)
    if (o.inboundTags !== undefined) this.ratchets.inboundTags = o.inboundTags
    if (o.bandwidthIn !== undefined) this.inbound = new Bottleneck(o.bandwidthIn, this.#options.queue)
  }

  /** The path to another Destination; it is there until either end's tunnels expire. */
  path (to: DestinationState): Path {
    const known = this.#paths.get(to.key)
    if (known?.to === to) return known.path
    if (this.#paths.size >= this.#options.maxDestinations) deleteOldest(this.#paths)
    const random = new Random(this.#options.seed, this.ordinal, to.ordinal)
    const path = new Path(this, to, random, this.#options, this.#rules)
    this.#paths.set(to.key, { to, path })
    return path
  }

  /** The living inbound tunnels, which become the leases. */
  inboundTunnels (now: number): readonly Tunnel[] {
    this.#inboundTunnels = this.#renewed(now, this.#inboundTunnels)
    return this.#inboundTunnels
  }

  outboundTunnels (now: number): readonly Tunnel[] {
    this.#outboundTunnels = this.#renewed(now, this.#outboundTunnels)
    return this.#outboundTunnels
  }

  /** Builds all inbound tunnels anew, as routers do before the old ones expire. */
  renewInbound (now: number): readonly Tunnel[] {
    this.#inboundTunnels = []
    return this.inboundTunnels(now)
  }

  #renewed (now: number, tunnels: Tunnel[]): Tunnel[] {
    const first = tunnels[0]
    if (first !== undefined && now < first.expires) return tunnels
    const expires = now + this.#options.tunnelLifetime
    return Array.from({ length: this.#options.tunnels }, () => ({ id: 1 + this.#random.below(0xffff_fffe), expires }))
  }
}

/** Makes room in a bounded table. */
export function deleteOldest (table: Map<string, unknown>): void {
  const oldest = table.keys().next()
  if (oldest.done !== true) table.delete(oldest.value)
}
