import { CONTAINER, TokenBucket } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import { Heap } from './heap.ts'
import { Lane } from './lane.ts'
import type { Burst } from './lane.ts'
import { TUNNEL_BYTES } from './session.ts'
import type { Session } from './session.ts'

/** Bursts that wait in one session's lane; what is more is dropped, and the client asks again. */
const MAX_WAITING = 512

/**
 * Decides what leaves next, and when (section 7): each session's token bucket, and two limits of the server: tunnel
 * messages that the router has not yet likely sent, and messages in a second. Sessions share those in bytes, whatever
 * the size of their messages, by start-time fair queueing (Goyal, Vin, Cheng 1996): O(log sessions) for each message.
 */
export class Outbox {
  /** Only sessions with something to send. Bounded by the sessions; each lane is in exactly one of the heaps. */
  readonly #lanes = new Map<Session, Lane>()
  /** By the bytes that each was served (start tags): the one served least is next. */
  readonly #ready = new Heap<Lane>()
  /** Those whose own bucket holds them back, by the time at which it no longer does. */
  readonly #resting = new Heap<Lane>()
  /** Sum of the rates of the resting ones, bytes/s. */
  #restingRate = 0
  /** Virtual time: the start tag of the message sent last. */
  #virtual = 0
  readonly #backlog: TokenBucket
  readonly #messages: TokenBucket
  readonly #limit: number

  constructor (now: number, config: ServerConfig) {
    this.#limit = config.limit
    this.#backlog = new TokenBucket(config.serverRate, config.maxBacklog * TUNNEL_BYTES, now)
    this.#messages = new TokenBucket(config.messageRate, config.messageBurst, now)
  }

  get isEmpty (): boolean {
    return this.#lanes.size === 0
  }

  /** Sessions with something to send. */
  get size (): number {
    return this.#lanes.size
  }

  /** False when too much waits for that session already. */
  push (session: Session, burst: Burst): boolean {
    let lane = this.#lanes.get(session)
    if (lane === undefined) {
      this.#lanes.set(session, lane = new Lane(session))
      this.#enter(lane)
    }
    if (lane.size >= MAX_WAITING) return false
    lane.push(burst)
    this.wake(session)
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
    lane.cancel(owner)
    if (lane.size === 0) this.drop(session)
    else this.wake(session)
  }

  drop (session: Session): void {
    const lane = this.#lanes.get(session)
    if (lane === undefined) return
    this.#lanes.delete(session)
    this.#ready.remove(lane)
    this.#leaveRest(lane)
  }

  /** The session's rate, or what it sends next, has changed: it may leave earlier than was thought. */
  wake (session: Session): void {
    const lane = this.#lanes.get(session)
    if (lane !== undefined && this.#leaveRest(lane)) this.#enter(lane)
  }

  /** The next message, if one may leave now. */
  poll (now: number): { session: Session, payload: Buffer } | undefined {
    if (this.#lanes.size === 0 || this.#messages.availableAt(now, 1) > now) return undefined
    this.#wakeDue(now)
    for (let lane = this.#ready.first; lane !== undefined; lane = this.#ready.first) {
      const bytes = lane.nextBytes
      const restsUntil = lane.session.bucket.availableAt(now, bytes)
      if (restsUntil > now) this.#rest(lane, restsUntil)
      // No smaller message of another session goes before: a large one would never leave.
      else if (this.#backlog.availableAt(now, bytes) > now) return undefined
      else return { session: lane.session, payload: this.#take(now, lane, bytes) }
    }
    return undefined
  }

  /** When to call `poll` again; undefined when nothing waits. After `poll` had nothing it is later than that call. */
  nextTimeout (now: number): number | undefined {
    if (this.#lanes.size === 0) return undefined
    const first = this.#ready.first
    const readyAt = first === undefined ? Infinity : this.#backlog.availableAt(now, first.nextBytes)
    return Math.max(Math.min(readyAt, this.#resting.firstKey ?? Infinity), this.#messages.availableAt(now, 1))
  }

  #take (now: number, lane: Lane, bytes: number): Buffer {
    const { session } = lane
    const burst = lane.head!
    const pace = this.#pace(now, session, burst, bytes)
    session.bucket.take(now, bytes)
    this.#backlog.take(now, bytes)
    this.#messages.take(now, 1)
    const payload = burst.take(pace)
    lane.rotate()
    this.#virtual = session.served
    session.served += bytes
    this.#ready.remove(lane)
    if (lane.size > 0) this.#enter(lane)
    else this.#lanes.delete(session)
    return payload
  }

  /** Who was away does not get what he could have had meanwhile. */
  #enter (lane: Lane): void {
    lane.session.served = Math.max(lane.session.served, this.#virtual)
    this.#ready.add(lane, lane.session.served)
  }

  #rest (lane: Lane, until: number): void {
    this.#ready.remove(lane)
    this.#resting.add(lane, until)
    lane.restingRate = lane.session.bucket.rate
    this.#restingRate += lane.restingRate
  }

  #leaveRest (lane: Lane): boolean {
    if (!this.#resting.remove(lane)) return false
    this.#restingRate = this.#resting.size === 0 ? 0 : this.#restingRate - lane.restingRate
    return true
  }

  #wakeDue (now: number): void {
    while ((this.#resting.firstKey ?? Infinity) <= now) {
      const lane = this.#resting.first!
      this.#leaveRest(lane)
      this.#enter(lane)
    }
  }

  /** The rate at which this session is really sent to: its own, or its share of what limits the server. */
  #pace (now: number, session: Session, burst: Burst, bytes: number): number {
    // Rates count whole tunnel messages, the operator's limit what is in them.
    const limit = Math.min(this.#backlog.rate, this.#limit * bytes / (burst.messageLength + CONTAINER))
    const share = Math.min(session.bucket.rate, this.#share(limit))
    const sessions = this.#lanes.size
    const isPaced = burst.left * sessions > this.#messages.level(now) + 1
    return isPaced ? Math.min(share, this.#messages.rate * bytes / sessions) : share
  }

  /** Max-min fair: those that rest take no more than their own rate, the others share what is left. */
  #share (limit: number): number {
    return Math.max(limit / this.#lanes.size, (limit - this.#restingRate) / Math.max(1, this.#ready.size))
  }
}
