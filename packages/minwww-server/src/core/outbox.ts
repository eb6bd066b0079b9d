import { CONTAINER, TokenBucket } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import { FairShare } from './fair-share.ts'
import { Heap } from './heap.ts'
import { Lane } from './lane.ts'
import type { Burst } from './lane.ts'
import { TUNNEL_BYTES } from './session.ts'
import type { Session } from './session.ts'

/** Bursts that wait in one session's lane, whatever they hold; what is more is dropped, and the client asks again. */
export const MAX_WAITING = 512

/**
 * Decides what leaves next, and when (section 7): each session's token bucket, and two limits of the server: tunnel
 * messages that the router has not yet likely sent, and messages in a second, if the client has not granted more. Sessions share those fairly in bytes, and
 * all Destinations that have not proved themselves together have the share of one session.
 */
export class Outbox {
  /** Only sessions with something to send. Bounded by the sessions; each lane is in exactly one of the next three. */
  readonly #lanes = new Map<Session, Lane>()
  readonly #known = new FairShare()
  readonly #newcomers = new FairShare()
  /** Those whose own bucket holds them back, by the time at which it no longer does. */
  readonly #resting = new Heap<Lane>()
  /** What the newcomers together were served, as `FairShare` counts it for one of the others. */
  #newcomersServed = 0
  /** Lanes of newcomers, resting or not. */
  #newcomerLanes = 0
  /** How many of the resting ones are no newcomers, and the sum of their rates, bytes/s. */
  #restingKnown = 0
  #restingRate = 0
  readonly #backlog: TokenBucket
  readonly #messages: TokenBucket
  readonly #perSession: number
  readonly #total: number
  /** Bytes of memory that what waits keeps, about. */
  #held = 0
  #limit: number

  constructor (now: number, config: ServerConfig) {
    this.#limit = config.limit
    this.#perSession = config.queuePerSession
    this.#total = config.queueTotal
    this.#backlog = new TokenBucket(config.serverRate, config.maxBacklog * TUNNEL_BYTES, now)
    this.#messages = new TokenBucket(config.messageRate, config.messageBurst, now)
  }

  /** Other limits of the server from now on. */
  setLimits (now: number, { limit, serverRate, maxBacklog }: Pick<ServerConfig, 'limit' | 'serverRate' | 'maxBacklog'>): void {
    this.#limit = limit
    this.#backlog.setRate(now, serverRate, maxBacklog * TUNNEL_BYTES)
  }

  get isEmpty (): boolean {
    return this.#lanes.size === 0
  }

  get held (): number {
    return this.#held
  }

  /** False when too much waits for that session already. */
  push (session: Session, burst: Burst): boolean {
    const present = this.#lanes.get(session)
    if (present !== undefined && (present.size >= MAX_WAITING || present.held + burst.held > this.#perSession)) return false
    if (present === undefined) this.#open(session, burst)
    else {
      present.push(burst)
      this.wake(session)
    }
    this.#held += burst.held
    while (this.#held > this.#total) this.#shed()
    return true
  }

  /** Messages of an owner that wait. */
  waiting (session: Session, owner: object): number {
    return this.#lanes.get(session)?.waiting(owner) ?? 0
  }

  /** Takes out what belongs to an owner. */
  cancel (session: Session, owner: object): void {
    const lane = this.#lanes.get(session)
    if (lane === undefined) return
    this.#reduce(lane, () => lane.cancel(owner))
  }

  drop (session: Session): void {
    const lane = this.#lanes.get(session)
    if (lane === undefined) return
    if (!this.#leaveRest(lane)) this.#shareOf(lane).leave(lane)
    this.#forget(lane)
  }

  /** The session's rate, or what it sends next, has changed: it may leave earlier than was thought. */
  wake (session: Session): void {
    const lane = this.#lanes.get(session)
    if (lane !== undefined && this.#leaveRest(lane)) this.#enter(lane)
  }

  /** The next message, if one may leave now. */
  poll (now: number): { session: Session, payload: Buffer } | undefined {
    if (this.#lanes.size === 0) return undefined
    this.#wakeDue(now)
    for (let lane = this.#first; lane !== undefined; lane = this.#first) {
      const bytes = lane.nextBytes
      const { bucket, messages } = lane.session
      const restsUntil = Math.max(bucket.availableAt(now, bytes), messages?.availableAt(now, 1) ?? 0)
      if (restsUntil > now) this.#rest(lane, restsUntil)
      // No smaller message of another session goes before: a large one would never leave.
      else if (this.#readyAt(now, lane) > now) return undefined
      else return { session: lane.session, payload: this.#take(now, lane, bytes) }
    }
    return undefined
  }

  /** When to call `poll` again; undefined when nothing waits. After `poll` had nothing it is later than that call. */
  nextTimeout (now: number): number | undefined {
    if (this.#lanes.size === 0) return undefined
    const first = this.#first
    const readyAt = first === undefined ? Infinity : this.#readyAt(now, first)
    return Math.min(readyAt, this.#resting.firstKey ?? Infinity)
  }

  /** When the server's own limits let a lane go on. */
  #readyAt (now: number, { session, nextBytes }: Lane): number {
    const readyAt = this.#backlog.availableAt(now, nextBytes)
    return session.messages === undefined ? Math.max(readyAt, this.#messages.availableAt(now, 1)) : readyAt
  }

  /** Whose turn it is of those that do not rest. */
  get #first (): Lane | undefined {
    const isNewcomersTurn = this.#newcomers.size > 0 && this.#newcomersServed < this.#known.least
    return isNewcomersTurn ? this.#newcomers.first : this.#known.first
  }

  #take (now: number, lane: Lane, bytes: number): Buffer {
    const { session } = lane
    const burst = lane.head!
    const payload = burst.take(this.#pace(now, lane, burst, bytes))
    this.#held -= lane.held
    lane.rotate()
    this.#held += lane.held
    session.bucket.take(now, bytes)
    this.#backlog.take(now, bytes)
    ;(session.messages ?? this.#messages).take(now, 1)
    this.#shareOf(lane).serve(lane, bytes)
    if (lane.isNewcomer) {
      this.#known.advance(this.#newcomersServed)
      this.#newcomersServed += bytes
    }
    if (lane.size > 0) this.#enter(lane)
    else this.#forget(lane)
    return payload
  }

  #shareOf (lane: Lane): FairShare {
    return lane.isNewcomer ? this.#newcomers : this.#known
  }

  #open (session: Session, burst: Burst): void {
    const lane = new Lane(session)
    lane.push(burst)
    this.#lanes.set(session, lane)
    if (lane.isNewcomer) this.#newcomerLanes++
    this.#enter(lane)
  }

  /** Who keeps the most loses the newest of it. */
  #shed (): void {
    let most: Lane | undefined
    for (const lane of this.#lanes.values()) if (most === undefined || lane.held > most.held) most = lane
    if (most !== undefined) this.#reduce(most, lane => lane.shed())
  }

  #reduce (lane: Lane, takeOut: (lane: Lane) => void): void {
    this.#held -= lane.held
    takeOut(lane)
    this.#held += lane.held
    if (lane.size === 0) this.drop(lane.session)
    else this.wake(lane.session)
  }

  #forget (lane: Lane): void {
    this.#held -= lane.held
    this.#lanes.delete(lane.session)
    if (lane.isNewcomer) this.#newcomerLanes--
  }

  #enter (lane: Lane): void {
    if (lane.isNewcomer) this.#newcomersServed = Math.max(this.#newcomersServed, this.#known.virtual)
    this.#shareOf(lane).enter(lane)
  }

  #rest (lane: Lane, until: number): void {
    this.#shareOf(lane).leave(lane)
    this.#resting.add(lane, until)
    if (lane.isNewcomer) return
    lane.restingRate = lane.session.bucket.rate
    this.#restingRate += lane.restingRate
    this.#restingKnown++
  }

  /** False if it does not rest. */
  #leaveRest (lane: Lane): boolean {
    if (!this.#resting.remove(lane)) return false
    if (lane.isNewcomer) return true
    this.#restingKnown--
    this.#restingRate = this.#restingKnown === 0 ? 0 : this.#restingRate - lane.restingRate
    return true
  }

  #wakeDue (now: number): void {
    while ((this.#resting.firstKey ?? Infinity) <= now) this.wake(this.#resting.first!.session)
  }

  /** The rate at which this session is really sent to: its own, or its share of what limits the server. */
  #pace (now: number, lane: Lane, burst: Burst, bytes: number): number {
    // Rates count whole tunnel messages, the operator's limit what is in them.
    const limit = Math.min(this.#backlog.rate, this.#limit * bytes / (burst.messageLength + CONTAINER))
    const share = Math.min(lane.session.bucket.rate, this.#rateShare(lane, limit))
    const parts = lane.session.messages === undefined ? this.#parts * (lane.isNewcomer ? this.#newcomerLanes : 1) : 1
    const messages = lane.session.messages ?? this.#messages
    const isPaced = burst.left * parts > messages.level(now) + 1
    return isPaced ? Math.min(share, messages.rate * bytes / parts) : share
  }

  /** Max-min fair: those that rest take no more than their own rate, the others share what is left. */
  #rateShare (lane: Lane, limit: number): number {
    const takers = Math.max(1, this.#parts - this.#restingKnown)
    const share = Math.max(limit / this.#parts, (limit - this.#restingRate) / takers)
    return lane.isNewcomer ? share / this.#newcomerLanes : share
  }

  /** Into how many parts the server is divided. */
  get #parts (): number {
    return this.#lanes.size - this.#newcomerLanes + Math.min(1, this.#newcomerLanes)
  }
}
