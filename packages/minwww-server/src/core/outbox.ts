import { TokenBucket, tunnelMessagesOf } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import { TUNNEL_BYTES } from './session.ts'
import type { Session } from './session.ts'

/** Bursts that wait in one session's lane; what is more is dropped, and the client asks again. */
const MAX_WAITING = 512

/** Something to send in one or more messages of one size. */
export interface Burst {
  /** What it belongs to: a CANCEL takes out all of it. */
  readonly owner: object
  /** Payload bytes of each message. */
  readonly messageLength: number
  /** Messages left; `take` makes it one fewer. */
  readonly left: number
  /** The next message. @param pace - bytes/s at which this session is sent to */
  take (pace: number): Buffer
}

/** The bursts of one session: those of which nothing was sent yet go first, then one message of each in turn. */
interface Lane {
  readonly fresh: Burst[]
  readonly turn: Burst[]
}

/**
 * Decides what leaves next, and when (section 7): each session's token bucket, round robin over the sessions, and two
 * limits of the server: tunnel messages that the router has not yet likely sent, and messages in a second.
 */
export class Outbox {
  /** Only sessions with something to send, next one first. Bounded by the sessions and their exchanges. */
  readonly #lanes = new Map<Session, Lane>()
  readonly #backlog: TokenBucket
  readonly #messages: TokenBucket

  constructor (now: number, config: ServerConfig) {
    this.#backlog = new TokenBucket(config.serverRate, config.maxBacklog * TUNNEL_BYTES, now)
    this.#messages = new TokenBucket(config.messageRate, config.messageBurst, now)
  }

  get isEmpty (): boolean {
    return this.#lanes.size === 0
  }

  /** False when too much waits for that session already. */
  push (session: Session, burst: Burst): boolean {
    let lane = this.#lanes.get(session)
    if (lane === undefined) this.#lanes.set(session, lane = { fresh: [], turn: [] })
    if (lane.fresh.length + lane.turn.length >= MAX_WAITING) return false
    lane.fresh.push(burst)
    return true
  }

  /** Messages of an owner that wait. */
  waiting (session: Session, owner: object): number {
    const lane = this.#lanes.get(session)
    if (lane === undefined) return 0
    return [...lane.fresh, ...lane.turn].reduce((sum, burst) => sum + (burst.owner === owner ? burst.left : 0), 0)
  }

  /** Takes out what belongs to an owner. */
  cancel (session: Session, owner: object): void {
    const lane = this.#lanes.get(session)
    if (lane === undefined) return
    for (const queue of [lane.fresh, lane.turn]) {
      const others = queue.filter(burst => burst.owner !== owner)
      queue.splice(0, queue.length, ...others)
    }
    if (lane.fresh.length + lane.turn.length === 0) this.#lanes.delete(session)
  }

  drop (session: Session): void {
    this.#lanes.delete(session)
  }

  /** The next message, if one may leave now. */
  poll (now: number): { session: Session, payload: Buffer } | undefined {
    if (this.#lanes.size === 0 || this.#messages.availableAt(now, 1) > now) return undefined
    for (const [session, lane] of this.#lanes) {
      const burst = (lane.fresh[0] ?? lane.turn[0])!
      const bytes = tunnelMessagesOf(burst.messageLength) * TUNNEL_BYTES
      // No smaller message of another session goes before: a large one would never leave.
      if (this.#backlog.availableAt(now, bytes) > now) return undefined
      if (!session.bucket.take(now, bytes)) continue
      this.#backlog.take(now, bytes)
      this.#messages.take(now, 1)
      const payload = burst.take(this.#pace(now, session, burst, bytes))
      this.#rotate(session, lane, burst)
      return { session, payload }
    }
    return undefined
  }

  /** When `poll` will have something; undefined when nothing waits. */
  nextTimeout (now: number): number | undefined {
    let next: number | undefined
    for (const [session, lane] of this.#lanes) {
      const bytes = tunnelMessagesOf((lane.fresh[0] ?? lane.turn[0])!.messageLength) * TUNNEL_BYTES
      const at = Math.max(session.bucket.availableAt(now, bytes), this.#backlog.availableAt(now, bytes))
      if (next === undefined || at < next) next = at
    }
    return next === undefined ? undefined : Math.max(next, this.#messages.availableAt(now, 1))
  }

  /** The rate at which this session is really sent to: its own, or its share of what limits the server. */
  #pace (now: number, session: Session, burst: Burst, bytes: number): number {
    const sessions = this.#lanes.size
    const ownRate = session.bucket.rate
    const share = Math.min(ownRate, this.#backlog.rate / sessions)
    const isPaced = burst.left * sessions > this.#messages.level(now) + 1
    return isPaced ? Math.min(share, this.#messages.rate * bytes / sessions) : share
  }

  #rotate (session: Session, lane: Lane, burst: Burst): void {
    if (lane.fresh[0] === burst) lane.fresh.shift()
    else lane.turn.shift()
    if (burst.left > 0) lane.turn.push(burst)
    this.#lanes.delete(session)
    if (lane.fresh.length + lane.turn.length > 0) this.#lanes.set(session, lane)
  }
}
