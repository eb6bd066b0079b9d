import type { LocalDestination } from '@minwww/i2cp/codec'
import type { ClientConfig } from './config.ts'
import type { ClientEvent, ClientStats, Outgoing } from './types.ts'

/** Payloads and events that a driver has not taken yet; above it the oldest payload is dropped, as a router would. */
export const MAX_QUEUED = 8_192

/** What all parts of one client core share. */
export class ClientContext {
  readonly config: ClientConfig
  /** Own Destinations; a payload's `source` is an index into it. */
  readonly keys: readonly LocalDestination[]
  readonly random: (length: number) => Uint8Array
  /** ms that the router's clock is ahead of ours. */
  readonly clockOffset: () => number
  readonly #keys: LocalDestination[]
  readonly outgoing: Outgoing[] = []
  readonly events: ClientEvent[] = []
  readonly stats: ClientStats = {
    requests: 0,
    responses: 0,
    failures: 0,
    messagesSent: 0,
    messagesReceived: 0,
    wants: 0,
    retries: 0,
    hedges: 0,
    malformed: 0,
    badTags: 0,
    unknownSessions: 0,
    workings: 0,
    promises: 0,
    pushes: 0,
    pushedBytes: 0,
    usedPushes: 0,
    refusedPushes: 0,
    late: 0,
    duplicates: 0,
    inconsistent: 0,
    badObjects: 0
  }

  constructor (o: Pick<ClientContext, 'config' | 'keys' | 'random' | 'clockOffset'>) {
    this.config = o.config
    this.#keys = [...o.keys]
    this.keys = this.#keys
    this.random = o.random
    this.clockOffset = o.clockOffset
  }

  replaceKeys (source: number, keys: LocalDestination): void {
    this.#keys[source] = keys
  }

  /** 0 to 1. */
  readonly chance = (): number => this.random(1)[0]! / 255

  transmit (outgoing: Outgoing): void {
    if (this.outgoing.length >= MAX_QUEUED) this.outgoing.shift()
    this.outgoing.push(outgoing)
    this.stats.messagesSent++
  }

  emit (event: ClientEvent): void {
    this.events.push(event)
  }
}
