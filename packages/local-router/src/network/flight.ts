import type { DestinationState } from './destination.ts'
import type { Timed } from './event-queue.ts'
import type { RatchetMessage } from './i2pd/ratchets.ts'

/** Why a message did not arrive. */
export type LossReason =
  /** One of its tunnel messages was lost on the path. */
  | 'loss'
  /** A bottleneck's queue was full. */
  | 'queue'
  /** Larger than MAX_CONTAINER. */
  | 'too-large'
  /** Sender or receiver is gone. */
  | 'unreachable'
  /** The path is dead. */
  | 'dead-path'
  /** More messages or bytes in flight than the model holds. */
  | 'overflow'
  /** i2pd: a fragment came out of its order. */
  | 'fragment-order'
  /** i2pd: the link between two routers was dropped with all that waited for it. */
  | 'link-dropped'
  /** i2pd since 2.55: it began a new session too soon after another one. */
  | 'too-often'
  /** The same: of a session that the receiver has forgotten. */
  | 'forgotten-session'
  /** i2pd: so many of its session were lost before it that the receiver knows its tag not yet. */
  | 'unknown-tag'
  /** Java: dropped when a gateway took its batch. */
  | 'gateway'
  /** Java: dropped by CoDel. */
  | 'codel'
  /** Java: the backlog of a link was full. */
  | 'backlog'

/** A message on its way. */
export interface Flight<T> extends Timed {
  readonly id: number
  readonly from: DestinationState
  readonly to: DestinationState
  /** Bytes of the gzip container. */
  readonly size: number
  /** Set by the transport before the message is sent. */
  tunnelMessages: number
  readonly sentAt: number
  readonly data: T
  /** Set when it will not arrive, although some of its tunnel messages may still travel. */
  lost: LossReason | undefined
  /** The second delivery of a duplicated message. */
  readonly copy: boolean
  /** What it is to the ratchet, where the profile counts them. */
  readonly ratchet: RatchetMessage | undefined
}

/** A message that has arrived. */
export interface Delivery<T> {
  readonly from: string
  readonly to: string
  readonly size: number
  readonly tunnelMessages: number
  /** ms */
  readonly sentAt: number
  /** When its last tunnel message arrived, ms. */
  readonly at: number
  readonly data: T
}

/** What happened to one message, for the steps of a benchmark or a log. */
export interface TraceEvent {
  readonly type: 'sent' | 'delivered' | 'duplicate' | 'lost'
  readonly id: number
  readonly at: number
  readonly from: string
  readonly to: string
  readonly size: number
  readonly tunnelMessages: number
  readonly reason?: LossReason
}

/** Counters since the start. messagesSent = messagesDelivered + messagesLost + inFlight, at any time. */
export interface NetworkStats {
  messagesSent: number
  messagesDelivered: number
  messagesLost: number
  inFlight: number
  bytesInFlight: number
  duplicates: number
  /** Given to tunnels; contains the two counters below. */
  tunnelMessagesSent: number
  /** Lost on the path. */
  tunnelMessagesLost: number
  /** Dropped at a full bottleneck. */
  queueDrops: number
  lostBy: Partial<Record<LossReason, number>>
}

/** What a transport may do with a message. */
export interface TransportHost<T> {
  readonly stats: NetworkStats
  deliverAt (time: number, flight: Flight<T>): void
  lose (now: number, flight: Flight<T>, reason: LossReason): void
}

/** Carries messages from sender to receiver: the part of the model that differs between profiles. */
export interface Transport<T> {
  /** Messages (or parts of messages) that it holds. */
  readonly size: number
  /** Time of its next event, or Infinity. */
  readonly nextTime: number
  /** How many tunnel messages it takes. */
  tunnelMessages (flight: Flight<T>): number
  send (now: number, flight: Flight<T>): void
  /** Handles the one event that is due at `nextTime`; `now` is the caller's clock, not earlier. */
  step (now: number): void
}
