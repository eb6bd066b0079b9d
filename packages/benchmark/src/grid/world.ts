import { DEFAULT_SESSION_OPTIONS } from '@minwww/i2cp'
import { NetworkModel, type NetworkOptions } from '@minwww/local-router/network'

/** I2CP's gzip container around a payload, bytes. */
const CONTAINER = 23
/** Steps without the clock moving, after which a simulation is stuck: a livelock is an error, not a hang. */
const MAX_STEPS_AT_ONCE = 100_000
/** Tags of ratchet sessions that our Destinations have their routers know ahead. */
export const INBOUND_TAGS = Number(DEFAULT_SESSION_OPTIONS['crypto.ratchet.inboundTags'])

/** What a node hands to the network. */
export interface WorldMessage { protocol: number, fromPort: number, toPort: number, payload: Buffer }

/** The network of a world, whose Destinations tell their routers what sessions do where nobody says otherwise. */
export function networkOf (seed: number, network: Partial<NetworkOptions>): NetworkModel<WorldMessage> {
  return new NetworkModel({ inboundTags: INBOUND_TAGS, ...network, seed })
}

/** `padTo`: bytes of payload that it is as long as at least. */
export interface Departure extends WorldMessage { from: string, to: string, padTo?: number | undefined }

/** What a core sends, with the names of both ends in the network model. Field by field: a spread costs much in so hot a place. */
export function departure (
  from: string, { protocol, fromPort, toPort, payload, to, padTo }: WorldMessage & { to: { b32: string }, padTo?: number }
): Departure {
  return { protocol, fromPort, toPort, payload, from, to: to.b32, padTo }
}

/** What carries messages: the network model, or something nastier in a test. */
export interface Carrier extends Pick<NetworkModel<WorldMessage>, 'nextTimeout' | 'poll'> {
  readonly stats: { readonly tunnelMessagesSent: number, readonly queueDrops: number }
  send (now: number, message: { from: string, to: string, size: number, data: WorldMessage }): void
}

/** A core behind one or more Destinations. */
export interface WorldNode {
  /** Keys of its Destinations in the network model. */
  readonly addresses: readonly string[]
  receive (now: number, address: string, from: string, message: WorldMessage): void
  nextTimeout (): number | undefined
  handleTimeout (now: number): void
  /** The next message to send, until there is none. */
  pollTransmit (now: number): Departure | undefined
}

/** Cores and the network between them in virtual time: one clock that jumps from one deadline to the next. */
export class World {
  readonly network: Carrier
  readonly #nodes: WorldNode[] = []
  readonly #byAddress = new Map<string, WorldNode>()
  readonly #alarms: Array<{ at: number, action: () => void }> = []
  #now: number
  #stepsAtOnce = 0

  constructor (network: Carrier, start = 1_700_000_000_000) {
    this.network = network
    this.#now = start
  }

  get now (): number {
    return this.#now
  }

  add (node: WorldNode): void {
    this.#nodes.push(node)
    for (const address of node.addresses) this.#byAddress.set(address, node)
  }

  /** Runs an action at a time, between two steps. */
  at (time: number, action: () => void): void {
    this.#alarms.push({ at: Math.max(time, this.#now), action })
  }

  /**
   * Runs until `isDone`, which is asked after every step, or until the time is over.
   * @param until - ms of the world's clock
   * @returns whether `isDone` was reached
   */
  run (isDone: () => boolean, until: number): boolean {
    this.#flush()
    while (!isDone()) {
      const next = this.#next()
      if (next > until) {
        this.#now = Math.max(this.#now, until)
        return false
      }
      this.#step(next)
    }
    return true
  }

  /** Lets everything that happens until then happen. */
  runUntil (time: number): void {
    this.run(() => false, time)
  }

  #next (): number {
    let next = this.network.nextTimeout() ?? Infinity
    for (const node of this.#nodes) next = Math.min(next, node.nextTimeout() ?? Infinity)
    for (const alarm of this.#alarms) next = Math.min(next, alarm.at)
    return next
  }

  #step (next: number): void {
    this.#stepsAtOnce = next > this.#now ? 0 : this.#stepsAtOnce + 1
    if (this.#stepsAtOnce > MAX_STEPS_AT_ONCE) throw new Error(`simulation is stuck at ${this.#now}`)
    this.#now = Math.max(this.#now, next)
    for (const { to, from, data } of this.network.poll(this.#now)) {
      this.#byAddress.get(to)?.receive(this.#now, to, from, data)
      this.#flush()
    }
    for (const node of this.#nodes) if ((node.nextTimeout() ?? Infinity) <= this.#now) node.handleTimeout(this.#now)
    for (const alarm of this.#alarms.filter(({ at }) => at <= this.#now)) {
      this.#alarms.splice(this.#alarms.indexOf(alarm), 1)
      alarm.action()
    }
    this.#flush()
  }

  #flush (): void {
    for (const node of this.#nodes) {
      for (let message = node.pollTransmit(this.#now); message !== undefined; message = node.pollTransmit(this.#now)) {
        const { from, to, payload, padTo = 0 } = message
        this.network.send(this.#now, { from, to, size: Math.max(payload.length, padTo) + CONTAINER, data: message })
      }
    }
  }
}
