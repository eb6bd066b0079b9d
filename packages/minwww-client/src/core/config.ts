import { INITIAL_RATE, MAX_OBJECT, REPLY_FACTOR, SESSION_LIFE } from '@minwww/protocol'
import type { Strategy } from '../pool/strategies.ts'

/** Everything tunable of the client core. Times in ms, sizes in bytes, rates in bytes/s. */
export interface ClientConfig {
  /** Total deadline of a request. */
  deadline: number
  /** The same once an exit has said that it works on it. */
  workingDeadline: number
  /** OPEN, REQUEST, BODY and WANT rounds of one request, copies not counted. At most 15 (a nibble on the wire). */
  maxAttempts: number
  /** Reply bytes taken for one request, as a multiple of the object's size. */
  maxReplyFactor: number
  /** First timeout while an exit's round trip is unknown. */
  initialTimeout: number
  /** Distance of two copies of the same request. */
  copySpacing: number
  /** Age of a session at which it is opened again. Exits forget after 10 minutes of silence. */
  sessionLife: number
  /** What is handed on before all of it is here: what can be resumed elsewhere if its exit dies, or everything. */
  handOn: 'resumable' | 'any'
  /** Largest response object taken. */
  maxObject: number
  /** `single`: always ask for the largest messages and no parity, the literal one-message design. */
  replyMode: 'adaptive' | 'single'
  strategy: Strategy
  /** Secret of the strategy `spread`. */
  salt: string
  /** Second request to another exit when the first symbol is later than usual. Off: ranking gains more. */
  hedging: boolean
  /** Largest share of requests that are hedged. */
  hedgeBudget: number
  /** Live requests; above it a request fails at once with `overloaded`. */
  maxRequests: number
  /** Exits of sites (`destination` given), least recently used goes first. */
  maxSites: number
  /** What exits may send for one page before it is asked for, coded; 0: nothing. */
  pushBudget: number
  /** What an unknown reply counts against the in-flight limit. */
  unknownReply: number
  /** Rate that is reckoned with before a round trip was measured. */
  initialRate: number
  /** Tunnel messages that may go into the first round trip; see `RateController`. */
  initialWindow: number
  minRate: number
  maxRate: number
  /** Tunnel messages without loss after which the loss is reported as zero. */
  cleanRun: number
  /** Tunnel messages without loss or reordering after which the next larger symbol is allowed. */
  growRun: number
  /** A symbol size that failed is tried again after this. */
  shapeRetry: number
}

export const DEFAULT_CONFIG: ClientConfig = {
  deadline: 60_000,
  workingDeadline: 300_000,
  maxAttempts: 6,
  maxReplyFactor: REPLY_FACTOR,
  initialTimeout: 3_000,
  copySpacing: 100,
  sessionLife: 0.9 * SESSION_LIFE,
  handOn: 'resumable',
  maxObject: MAX_OBJECT,
  replyMode: 'adaptive',
  strategy: 'ranked',
  salt: '',
  hedging: false,
  hedgeBudget: 0.05,
  maxRequests: 512,
  maxSites: 256,
  pushBudget: 2_097_152,
  unknownReply: 8_192,
  initialRate: INITIAL_RATE,
  initialWindow: 140,
  minRate: 2_048,
  maxRate: 67_108_864,
  cleanRun: 1_000,
  growRun: 2_000,
  shapeRetry: 3_600_000
}
