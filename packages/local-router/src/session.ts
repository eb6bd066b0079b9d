import { createHash } from 'node:crypto'
import type { Clock, Timer } from '@minwww/ground'
import { TYPE } from '@minwww/i2cp/codec'
import type { Destination, Lease, Mapping, Message } from '@minwww/i2cp/codec'
import { destinationKey } from './netdb.ts'
import type { NetworkDatabase, StoredLeaseSet } from './netdb.ts'
import type { NetworkModel } from './network/model.ts'
import type { Tunnel } from './network/tunnel.ts'
import type { ServerOptions } from './options.ts'
import type { RouterStats } from './stats.ts'
import type { WaitingRoom } from './waiting-room.ts'

/**
 * - `building`: no tunnels yet
 * - `requested`: tunnels stand, the client has been asked for its first LeaseSet
 * - `ready`: it has given one
 */
export type SessionState = 'building' | 'requested' | 'ready' | 'closed'

/** Destinations to which an unpublished session has bundled its LeaseSet; the oldest is forgotten above this. */
export const MAX_CONTACTS = 1_024
const MAX_TAGS = 65_535

/** What a session needs of its router. */
export interface SessionContext {
  readonly options: ServerOptions
  readonly clock: Clock
  readonly network: NetworkModel<Buffer>
  readonly netdb: NetworkDatabase
  readonly stats: RouterStats
  readonly waitingRoom: WaitingRoom
  /** Delivers what is due and arms the timer for the rest; after each batch of messages to the network. */
  pump (): void
}

/** What a session needs of the connection to its client. */
export interface SessionClient {
  send (message: Message): void
  /** @returns false if the client does not read and the payload was dropped */
  sendPayload (sessionId: number, messageId: number, payload: Buffer): boolean
  /** Says why and closes. */
  disconnect (reason: string): void
}

/** One Destination of a client. */
export class RouterSession {
  readonly id: number
  readonly client: SessionClient
  readonly destination: Destination
  readonly key: string
  options: Mapping
  state: SessionState = 'building'
  readonly #context: SessionContext
  readonly #contacts = new Set<string>()
  #buildTimer: Timer | undefined
  #answerTimer: Timer | undefined

  constructor (context: SessionContext, client: SessionClient, id: number, destination: Destination, options: Mapping) {
    this.#context = context
    this.client = client
    this.id = id
    this.destination = destination
    this.key = destinationKey(destination)
    this.options = options
    this.#configureTags()
    this.#buildIn(context.options.tunnelBuildTime)
  }

  /** Whether the client wants to hear that a message was accepted, beside what became of it. */
  get reportsAccepted (): boolean {
    return this.options['i2cp.messageReliability']?.toLowerCase() !== 'none'
  }

  get published (): boolean {
    return this.options['i2cp.dontPublishLeaseSet']?.toLowerCase() !== 'true'
  }

  /** The client's answer to a request. One that comes before any request is not heard, as on i2pd. */
  leaseSet (leaseSet: StoredLeaseSet): void {
    if (this.state === 'building' || this.state === 'closed') return
    this.#answerTimer?.clear()
    this.#answerTimer = undefined
    this.state = 'ready'
    this.#context.stats.leaseSets++
    this.#context.netdb.store(this.key, leaseSet)
    this.#context.waitingRoom.release(this.key)
    this.#context.pump()
  }

  /** Remembers that the peer got the LeaseSet with a message, and so can answer although it is not published. */
  addContact (key: string): void {
    if (this.published || this.#contacts.has(key)) return
    if (this.#contacts.size >= MAX_CONTACTS) this.#contacts.delete(this.#contacts.values().next().value as string)
    this.#contacts.add(key)
  }

  hasContact (key: string): boolean {
    return this.#contacts.has(key)
  }

  close (): void {
    this.state = 'closed'
    this.#buildTimer?.clear()
    this.#answerTimer?.clear()
    this.#context.netdb.remove(this.key)
    this.#context.network.removeDestination(this.key)
  }

  /** Out of range is as not said, as on i2pd. */
  #configureTags (): void {
    const inboundTags = Number(this.options['crypto.ratchet.inboundTags'] ?? 0)
    const isValid = Number.isInteger(inboundTags) && inboundTags >= 0 && inboundTags <= MAX_TAGS
    if (isValid) this.#context.network.configure(this.key, { inboundTags })
  }

  #buildIn (delay: number): void {
    this.#buildTimer = this.#context.clock.setTimer(() => this.#tunnelsBuilt(), delay)
  }

  #tunnelsBuilt (): void {
    const { clock, network, options } = this.#context
    const now = clock.now()
    const tunnels = this.state === 'building' ? network.inboundTunnels(now, this.key) : network.renewTunnels(now, this.key)
    if (this.state === 'building') this.state = 'requested'
    this.client.send({ type: TYPE.RequestVariableLeaseSet, sessionId: this.id, leases: tunnels.map(toLease) })
    this.#answerTimer ??= clock.setTimer(() => this.client.disconnect('no LeaseSet within the time for it'), options.leaseSetTimeout)
    const life = (tunnels[0]?.expires ?? now) - now
    this.#buildIn(life - Math.min(options.renewBefore, life / 2))
  }
}

// The gateway of a tunnel is a router that does not exist: a hash that is stable for the tunnel.
function toLease ({ id, expires }: Tunnel): Lease {
  const gateway = createHash('sha256').update(`minwww local-router ${id}`).digest()
  return { gateway, tunnelId: id, end: Math.floor(expires) }
}
