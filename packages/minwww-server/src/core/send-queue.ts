import { CONTAINER, TokenBucket, TUNNEL_BYTES } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import { FlowScheduler } from './flow-scheduler.ts'
import { Heap } from './heap.ts'
import { Flow } from './flow.ts'
import type { Burst } from './flow.ts'
import type { Session } from './session.ts'

/** Bursts that wait in one session's flow, whatever they hold; what is more is dropped, and the client asks again. */
export const MAX_WAITING = 512

/** Bytes that may wait for one session where a further answer is to leave at once: with the streams beside it, what routers queue. */
const MOST_AT_ONCE = 262_144

/** What may leave back to back where the tunnels are the bottleneck: ms of what they carry, and tunnel messages at least. */
const BACKLOG_TIME = 50
const MIN_BACKLOG = 8

/**
 * Decides what leaves next, and when (section 7): each session's token bucket, and two limits of the server: tunnel
 * messages that the router has not yet likely sent, and messages in a second.
 * Sessions share those fairly in bytes, and all Destinations that are not validated together have the share of one
 * session.
 */
export class SendQueue {
  /** Only sessions with something to send. Bounded by the sessions; each flow is in exactly one of the next three. */
  readonly #flows = new Map<Session, Flow>()
  readonly #validated = new FlowScheduler()
  readonly #unvalidated = new FlowScheduler()
  /** Those whose own bucket holds them back, by the time at which it no longer does. */
  readonly #resting = new Heap<Flow>()
  /** What those not validated were served, as `FlowScheduler` counts it for one of the others. */
  #unvalidatedServed = 0
  /** Flows that are not validated, resting or not. */
  #unvalidatedFlows = 0
  /** How many of the resting ones are validated, and the sum of their rates, bytes/s. */
  #restingValidated = 0
  #restingRate = 0
  readonly #backlog: TokenBucket
  readonly #messages: TokenBucket
  readonly #perSession: number
  readonly #total: number
  /** Bytes of memory that what waits keeps, about. */
  #held = 0
  #limit: number
  /** Of the operator, and what the tunnels carry. */
  #given: Pick<ServerConfig, 'serverRate' | 'maxBacklog'>
  #carried = Infinity

  constructor (now: number, config: ServerConfig) {
    this.#limit = config.limit
    this.#given = config
    this.#perSession = config.queuePerSession
    this.#total = config.queueTotal
    this.#backlog = new TokenBucket(config.serverRate, config.maxBacklog * TUNNEL_BYTES, now)
    this.#messages = new TokenBucket(config.messageRate, config.messageBurst, now)
  }

  /** Other limits of the server from now on. */
  setLimits (now: number, given: Pick<ServerConfig, 'limit' | 'serverRate' | 'maxBacklog'>): void {
    this.#limit = given.limit
    this.#given = given
    this.#setBacklog(now)
  }

  /** What the server's tunnels carry from now on, bytes/s; Infinity if that is not known. */
  setCarried (now: number, rate: number): void {
    if (rate === this.#carried) return
    this.#carried = rate
    this.#setBacklog(now)
  }

  #setBacklog (now: number): void {
    const { serverRate, maxBacklog } = this.#given
    const depth = Math.max(MIN_BACKLOG * TUNNEL_BYTES, this.#carried * BACKLOG_TIME / 1000)
    this.#backlog.setRate(now, Math.min(serverRate, this.#carried), Math.min(maxBacklog * TUNNEL_BYTES, depth))
  }

  get isEmpty (): boolean {
    return this.#flows.size === 0
  }

  get held (): number {
    return this.#held
  }

  /** Answers that wait to be sent, whole or in part. */
  get waitingAnswers (): number {
    let count = 0
    for (const flow of this.#flows.values()) count += flow.size
    return count
  }

  /** False when too much waits for that session already. */
  push (session: Session, burst: Burst): boolean {
    const present = this.#flows.get(session)
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

  /** Bytes that may leave at once, beside what waits for the session already, and so many that are about to. */
  leftAtOnce (session: Session, ahead = 0): number {
    return Math.min(session.atOnce, Math.max(0, MOST_AT_ONCE - (this.#flows.get(session)?.held ?? 0) - ahead))
  }

  /** Messages of an owner that wait. */
  waiting (session: Session, owner: object): number {
    return this.#flows.get(session)?.waiting(owner) ?? 0
  }

  /** Takes out what belongs to an owner. */
  cancel (session: Session, owner: object): void {
    const flow = this.#flows.get(session)
    if (flow === undefined) return
    this.#reduce(flow, () => flow.cancel(owner))
  }

  drop (session: Session): void {
    const flow = this.#flows.get(session)
    if (flow === undefined) return
    if (!this.#leaveRest(flow)) this.#shareOf(flow).leave(flow)
    this.#forget(flow)
  }

  /** The session's rate, or what it sends next, has changed: it may leave earlier than was thought. */
  wake (session: Session): void {
    const flow = this.#flows.get(session)
    if (flow !== undefined && this.#leaveRest(flow)) this.#enter(flow)
  }

  /** The next message, if one may leave now. */
  poll (now: number): { session: Session, payload: Buffer } | undefined {
    if (this.#flows.size === 0) return undefined
    this.#wakeDue(now)
    for (let flow = this.#first; flow !== undefined; flow = this.#first) {
      const bytes = flow.nextBytes
      const restsUntil = flow.session.bucket.availableAt(now, bytes)
      if (restsUntil > now) this.#rest(flow, restsUntil)
      // No smaller message of another session goes before: a large one would never leave.
      else if (this.#readyAt(now, flow) > now) return undefined
      else return { session: flow.session, payload: this.#take(now, flow, bytes) }
    }
    return undefined
  }

  /** When to call `poll` again; undefined when nothing waits. After `poll` had nothing it is later than that call. */
  nextTimeout (now: number): number | undefined {
    if (this.#flows.size === 0) return undefined
    const first = this.#first
    const readyAt = first === undefined ? Infinity : this.#readyAt(now, first)
    return Math.min(readyAt, this.#resting.firstKey ?? Infinity)
  }

  /** When the server's own limits let a flow go on. */
  #readyAt (now: number, { nextBytes }: Flow): number {
    return Math.max(this.#backlog.availableAt(now, nextBytes), this.#messages.availableAt(now, 1))
  }

  /** Whose turn it is of those that do not rest. */
  get #first (): Flow | undefined {
    const isUnvalidatedTurn = this.#unvalidated.size > 0 && this.#unvalidatedServed < this.#validated.least
    return isUnvalidatedTurn ? this.#unvalidated.first : this.#validated.first
  }

  #take (now: number, flow: Flow, bytes: number): Buffer {
    const { session } = flow
    const burst = flow.head!
    const payload = burst.take(now, this.#pace(now, flow, burst, bytes))
    this.#held -= flow.held
    flow.rotate()
    this.#held += flow.held
    session.bucket.take(now, bytes)
    this.#backlog.take(now, bytes)
    this.#messages.take(now, 1)
    this.#shareOf(flow).serve(flow, bytes)
    if (flow.isUnvalidated) {
      this.#validated.advance(this.#unvalidatedServed)
      this.#unvalidatedServed += bytes
    }
    if (flow.takeValidation()) this.#unvalidatedFlows--
    if (flow.size > 0) this.#enter(flow)
    else this.#forget(flow)
    return payload
  }

  #shareOf (flow: Flow): FlowScheduler {
    return flow.isUnvalidated ? this.#unvalidated : this.#validated
  }

  #open (session: Session, burst: Burst): void {
    const flow = new Flow(session)
    flow.push(burst)
    this.#flows.set(session, flow)
    if (flow.isUnvalidated) this.#unvalidatedFlows++
    this.#enter(flow)
  }

  /** Who keeps the most loses the newest of it. */
  #shed (): void {
    let most: Flow | undefined
    for (const flow of this.#flows.values()) if (most === undefined || flow.held > most.held) most = flow
    if (most !== undefined) this.#reduce(most, flow => flow.shed())
  }

  #reduce (flow: Flow, takeOut: (flow: Flow) => void): void {
    this.#held -= flow.held
    takeOut(flow)
    this.#held += flow.held
    if (flow.size === 0) this.drop(flow.session)
    else this.wake(flow.session)
  }

  #forget (flow: Flow): void {
    this.#held -= flow.held
    this.#flows.delete(flow.session)
    if (flow.isUnvalidated) this.#unvalidatedFlows--
  }

  #enter (flow: Flow): void {
    if (flow.isUnvalidated) this.#unvalidatedServed = Math.max(this.#unvalidatedServed, this.#validated.virtual)
    this.#shareOf(flow).enter(flow)
  }

  #rest (flow: Flow, until: number): void {
    this.#shareOf(flow).leave(flow)
    this.#resting.add(flow, until)
    if (flow.isUnvalidated) return
    flow.rest()
    this.#restingRate += flow.restingRate
    this.#restingValidated++
  }

  /** False if it does not rest. */
  #leaveRest (flow: Flow): boolean {
    if (!this.#resting.remove(flow)) return false
    if (flow.isUnvalidated) return true
    this.#restingValidated--
    this.#restingRate = this.#restingValidated === 0 ? 0 : this.#restingRate - flow.restingRate
    return true
  }

  #wakeDue (now: number): void {
    while ((this.#resting.firstKey ?? Infinity) <= now) this.wake(this.#resting.first!.session)
  }

  /** The rate at which this session is really sent to: its own, or its share of what limits the server. */
  #pace (now: number, flow: Flow, burst: Burst, bytes: number): number {
    // Rates count whole tunnel messages, the operator's limit what is in them.
    const limit = Math.min(this.#backlog.rate, this.#limit * bytes / (burst.messageLength + CONTAINER))
    const share = Math.min(flow.session.bucket.rate, this.#rateShare(flow, limit))
    const parts = this.#parts * (flow.isUnvalidated ? this.#unvalidatedFlows : 1)
    const isPaced = burst.left * parts > this.#messages.level(now) + 1
    return isPaced ? Math.min(share, this.#messages.rate * bytes / parts) : share
  }

  /** Max-min fair: those that rest take no more than their own rate, the others share what is left. */
  #rateShare (flow: Flow, limit: number): number {
    const takers = Math.max(1, this.#parts - this.#restingValidated)
    const share = Math.max(limit / this.#parts, (limit - this.#restingRate) / takers)
    return flow.isUnvalidated ? share / this.#unvalidatedFlows : share
  }

  /** Into how many parts the server is divided. */
  get #parts (): number {
    return this.#flows.size - this.#unvalidatedFlows + Math.min(1, this.#unvalidatedFlows)
  }
}
