import type { Destination } from '../../data/destination.ts'
import type { Mapping } from '../../data/mapping.ts'
import { MAX_STRING } from '../../data/writer.ts'
import { I2cpError } from '../../errors.ts'
import type { I2cpErrorCode } from '../../errors.ts'
import { HOST_REPLY } from '../../messages/host-reply.ts'
import type { HostReply } from '../../messages/host-reply.ts'
import type { HostLookup, LookupKey } from '../../messages/host-lookup.ts'
import { TYPE } from '../../messages/types.ts'

/** Most look-ups that wait for an answer; another one fails with I2CP_BUSY. */
export const MAX_PENDING_LOOKUPS = 256
/** The router gets less time than we wait, so that its answer, not our timer, ends the look-up. ms. */
const ROUTER_MARGIN = 250
const MIN_ROUTER_TIMEOUT = 1_000
/** Longest wait for a look-up, ms. */
const MAX_TIMEOUT = 600_000

export interface LookupResult {
  readonly destination: Destination
  /** Options of the LeaseSet, for look-up types 2 to 4. */
  readonly options?: Mapping
}

interface Pending {
  readonly key: LookupKey
  readonly deadline: number
  readonly timeout: number
}

const ERRORS: ReadonlyMap<number, I2cpErrorCode> = new Map([
  [HOST_REPLY.PASSWORD_REQUIRED, 'I2CP_LOOKUP_PASSWORD_REQUIRED'],
  [HOST_REPLY.PRIVATE_KEY_REQUIRED, 'I2CP_LOOKUP_PASSWORD_REQUIRED'],
  [HOST_REPLY.PASSWORD_AND_KEY_REQUIRED, 'I2CP_LOOKUP_PASSWORD_REQUIRED'],
  [HOST_REPLY.DECRYPTION_FAILED, 'I2CP_LOOKUP_DECRYPTION_FAILED'],
  [HOST_REPLY.TYPE_UNSUPPORTED, 'I2CP_LOOKUP_UNSUPPORTED']
])

/** The look-ups under way, by request ID. They survive a reconnect: what has no answer is asked again. */
export class Lookups {
  readonly #pending = new Map<number, Pending>()
  #nextId = 1

  get size (): number { return this.#pending.size }

  /** Returns the request ID, which is also the caller's handle. Throws I2CP_BUSY, I2CP_BAD_ADDRESS. */
  add (now: number, key: LookupKey, timeout: number): number {
    if (this.#pending.size >= MAX_PENDING_LOOKUPS) throw new I2cpError('I2CP_BUSY', `${MAX_PENDING_LOOKUPS} look-ups are pending`)
    if ('name' in key && Buffer.byteLength(key.name) > MAX_STRING) throw new I2cpError('I2CP_BAD_ADDRESS', 'name too long')
    const wait = Math.min(timeout, MAX_TIMEOUT)
    const id = this.#nextId
    this.#nextId = this.#nextId % 0xffff_ffff + 1
    this.#pending.set(id, { key, timeout: wait, deadline: now + wait })
    return id
  }

  cancel (id: number): void { this.#pending.delete(id) }

  message (id: number, sessionId: number): HostLookup {
    const { key, timeout } = this.#pending.get(id)!
    return { type: TYPE.HostLookup, sessionId, requestId: id, timeout: Math.max(MIN_ROUTER_TIMEOUT, timeout - ROUTER_MARGIN), key }
  }

  ids (): number[] { return [...this.#pending.keys()] }

  /** Undefined for an answer nobody waits for (late, twice, or invented). */
  answer (reply: HostReply): LookupResult | I2cpError | undefined {
    const pending = this.#pending.get(reply.requestId)
    if (pending === undefined) return undefined
    this.#pending.delete(reply.requestId)
    if (reply.code !== HOST_REPLY.SUCCESS) return new I2cpError(ERRORS.get(reply.code) ?? 'I2CP_LOOKUP_FAILED')
    const { destination, options } = reply
    if (destination === undefined || !matches(pending.key, destination)) {
      return new I2cpError('I2CP_PROTOCOL', 'the router answered a look-up with another destination')
    }
    return { destination, ...(options && { options }) }
  }

  nextTimeout (): number | undefined {
    let earliest: number | undefined
    for (const { deadline } of this.#pending.values()) {
      if (earliest === undefined || deadline < earliest) earliest = deadline
    }
    return earliest
  }

  /** Removes and returns those whose time is over. */
  expire (now: number): number[] {
    const expired = this.ids().filter(id => this.#pending.get(id)!.deadline <= now)
    for (const id of expired) this.#pending.delete(id)
    return expired
  }

  clear (): number[] {
    const ids = this.ids()
    this.#pending.clear()
    return ids
  }
}

function matches (key: LookupKey, destination: Destination): boolean {
  if ('hash' in key) return destination.hash.equals(key.hash)
  return 'destination' in key ? destination.equals(key.destination) : true
}
