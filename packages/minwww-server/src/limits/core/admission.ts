import { isDeepStrictEqual } from 'node:util'
import { TokenBucket } from '@minwww/protocol'
import { RateRules, type RateRule } from './rate-rules.ts'

export interface AdmissionLimits {
  /** Requests of one client. */
  requestsPerClient: RateRule[]
  /** Requests of all clients. */
  requestsTotal: RateRule[]
  /** POST and every other method that is not safe, of one client and of all. */
  postsPerClient: RateRule[]
  postsTotal: RateRule[]
  /** Clients that were not seen before. */
  newClients: RateRule[]
  /** Bytes a second that one client may get, on average; 0 is unlimited. */
  bytesPerClient: number
  /** Bytes that one client may get at once after a pause. */
  burstPerClient: number
  /** Refusals within `coolDownWindow` ms after which a client is left out for `coolDown` ms. */
  maxRefusals: number
  coolDownWindow: number
  coolDown: number
  /** Clients that are remembered; the one not seen for longest goes. */
  maxClients: number
}

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 86_400_000

/**
 * I2PTunnel's rules (30 connections a minute, 80 an hour, 200 a day; 6 POSTs in 5 minutes, 20 of all) count connections
 * that carry a hundred requests each, and only one browser's. Here one request counts, and a client may be the proxy of
 * several people, so the figures are larger by a factor of about 100; POSTs by about 20.
 */
export const DEFAULT_ADMISSION: AdmissionLimits = {
  requestsPerClient: [{ count: 3_000, window: MINUTE }, { count: 30_000, window: HOUR }, { count: 200_000, window: DAY }],
  requestsTotal: [{ count: 12_000, window: MINUTE }],
  postsPerClient: [{ count: 120, window: 5 * MINUTE }],
  postsTotal: [{ count: 1_200, window: 5 * MINUTE }],
  newClients: [{ count: 240, window: MINUTE }],
  bytesPerClient: 0,
  burstPerClient: 1 << 20,
  maxRefusals: 60,
  coolDownWindow: MINUTE,
  coolDown: 10 * MINUTE,
  maxClients: 10_000
}

export type RefusalCause =
  | 'cool-down' | 'requests-client' | 'requests-total' | 'posts-client' | 'posts-total' | 'new-clients' | 'bytes-client'

export interface Refusal {
  cause: RefusalCause
  /** Seconds. */
  retryAfter: number
}

interface Client {
  requests: RateRules
  posts: RateRules
  bytes: TokenBucket | undefined
  refusals: RateRules
  coolUntil: number
}

/** Who may ask now. Every refusal says when to come back, so that pools move on. */
export class Admission {
  #limits: AdmissionLimits
  /** By Destination, the one not seen for longest first; bounded by maxClients. */
  readonly #clients = new Map<string, Client>()
  #requests: RateRules
  #posts: RateRules
  #newClients: RateRules

  constructor (limits: Partial<AdmissionLimits>, now: number) {
    this.#limits = { ...DEFAULT_ADMISSION, ...limits }
    this.#requests = new RateRules(this.#limits.requestsTotal, now)
    this.#posts = new RateRules(this.#limits.postsTotal, now)
    this.#newClients = new RateRules(this.#limits.newClients, now)
  }

  /** Other limits from now on: if they are other ones, what was counted begins anew. Who pauses goes on doing so. */
  setLimits (limits: Partial<AdmissionLimits>, now: number): void {
    const changed = { ...DEFAULT_ADMISSION, ...limits }
    if (isDeepStrictEqual(changed, this.#limits)) return
    this.#limits = changed
    this.#requests = new RateRules(changed.requestsTotal, now)
    this.#posts = new RateRules(changed.postsTotal, now)
    this.#newClients = new RateRules(changed.newClients, now)
    for (const [name, { coolUntil }] of this.#clients) this.#clients.set(name, { ...this.#create(now), coolUntil })
  }

  get clients (): number {
    return this.#clients.size
  }

  /** What one client may ask for in a minute; 0 without a rule for that. */
  get requestsAMinute (): number {
    return this.#limits.requestsPerClient.find(({ window }) => window === MINUTE)?.count ?? 0
  }

  get maxClients (): number {
    return this.#limits.maxClients
  }

  /** Undefined admits the request and counts it. */
  admit (now: number, client: string, isSafe: boolean): Refusal | undefined {
    const known = this.#clients.get(client)
    if (known === undefined && this.#newClients.wait(now) > 0) return refusal('new-clients', this.#newClients.wait(now))
    const entry = known ?? this.#create(now)
    this.#touch(client, entry)
    if (known === undefined) this.#newClients.take(now)
    if (entry.coolUntil > now) return refusal('cool-down', entry.coolUntil - now)
    const found = this.#check(now, entry, isSafe)
    if (found === undefined) {
      entry.requests.take(now)
      this.#requests.take(now)
      if (!isSafe) {
        entry.posts.take(now)
        this.#posts.take(now)
      }
      return undefined
    }
    this.#countRefusal(now, entry, found.cause)
    return found
  }

  /** Whether a safe request of a client that is known would be admitted. */
  hasRoom (now: number, client: string): boolean {
    const entry = this.#clients.get(client)
    return entry !== undefined && entry.coolUntil <= now && this.#check(now, entry, true) === undefined
  }

  /** Bytes that went to a client count against its own rate, after the fact. */
  spend (now: number, client: string, bytes: number): void {
    this.#clients.get(client)?.bytes?.force(now, bytes)
  }

  /** ms until a stream may go on: it leaves half of what may go at once to requests, which are refused where nothing is left. */
  pause (now: number, client: string): number {
    const bytes = this.#clients.get(client)?.bytes
    return bytes === undefined ? 0 : bytes.availableAt(now, bytes.depth / 2) - now
  }

  #check (now: number, entry: Client, isSafe: boolean): Refusal | undefined {
    const causes: Array<[RefusalCause, number]> = [
      ['requests-client', entry.requests.wait(now)],
      ['requests-total', this.#requests.wait(now)],
      ['bytes-client', bytesWait(entry.bytes, now)]
    ]
    if (!isSafe) causes.push(['posts-client', entry.posts.wait(now)], ['posts-total', this.#posts.wait(now)])
    const [cause, wait] = causes.reduce((worst, next) => next[1] > worst[1] ? next : worst)
    return wait > 0 ? refusal(cause, wait) : undefined
  }

  // What the exit as a whole cannot do is not the client's fault.
  #countRefusal (now: number, entry: Client, cause: RefusalCause): void {
    if (cause === 'requests-total' || cause === 'posts-total') return
    if (entry.refusals.wait(now) > 0) entry.coolUntil = now + this.#limits.coolDown
    else entry.refusals.take(now)
  }

  #create (now: number): Client {
    const { requestsPerClient, postsPerClient, bytesPerClient, burstPerClient, maxRefusals, coolDownWindow } = this.#limits
    return {
      requests: new RateRules(requestsPerClient, now),
      posts: new RateRules(postsPerClient, now),
      bytes: bytesPerClient > 0 ? new TokenBucket(bytesPerClient, burstPerClient, now) : undefined,
      refusals: new RateRules([{ count: maxRefusals, window: coolDownWindow }], now),
      coolUntil: 0
    }
  }

  #touch (client: string, entry: Client): void {
    this.#clients.delete(client)
    this.#clients.set(client, entry)
    if (this.#clients.size <= this.#limits.maxClients) return
    const oldest = this.#clients.keys().next().value
    if (oldest !== undefined) this.#clients.delete(oldest)
  }
}

function bytesWait (bucket: TokenBucket | undefined, now: number): number {
  return bucket === undefined ? 0 : Math.max(0, bucket.availableAt(now, 1) - now)
}

function refusal (cause: RefusalCause, wait: number): Refusal {
  return { cause, retryAfter: Math.max(1, Math.ceil(wait / 1_000)) }
}
