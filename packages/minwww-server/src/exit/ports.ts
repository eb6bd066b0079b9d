import type { EventEmitter } from 'node:events'
import type { Destination, Limit, LocalDestination } from '@minwww/i2cp/codec'
import type { Part, WireErrorName } from '@minwww/protocol'
import type { PromisedPush, ServerConfig, ServerEvent } from '../core.ts'

/** What the exit needs of an I2CP session; Session of @minwww/i2cp fits. */
export interface RouterSession extends Pick<EventEmitter, 'off'> {
  readonly destination: Destination
  readonly keys: LocalDestination
  /** ms: the router's time minus ours. */
  readonly clockOffset: number
  /** How full its tables are. */
  readonly limits?: Limit[]
  on (event: 'message', listener: (message: IncomingMessage) => void): unknown
  send (to: Destination, payload: Uint8Array, options: { protocol: number, fromPort?: number, toPort?: number, expires?: number }): void
}

export interface IncomingMessage {
  protocol: number
  fromPort: number
  toPort: number
  payload: Buffer
}

export interface OutgoingMessage {
  to: Destination
  protocol: number
  fromPort: number
  toPort: number
  payload: Buffer
  /** Epoch ms of the core's clock. */
  expires: number
}

/** What drives without I/O behind the exit; ServerCore of @minwww/server/core fits. */
export interface ExitCore {
  /** Sizes of the core's tables, and its counters. */
  readonly load?: { sessions: number } & Partial<Record<'fetches' | 'tokens' | 'held' | 'queued' | 'sending', number>>
  readonly stats?: object
  /** Nothing is being fetched and nothing waits to be sent. */
  readonly idle?: boolean
  receive (now: number, message: IncomingMessage): void
  /** Returns the bytes that will be sent, if it knows them; 0 is nothing, and nothing follows a beginning. */
  respond (now: number, handle: number, message: Buffer, part: Part, most?: number): number | undefined
  /** Ids and handles for what a client is going to be sent without asking. */
  promise? (now: number, handle: number, count: number): PromisedPush[]
  /** Bytes that leave at once of what is fetched, behind so many of its client's that are about to be sent. */
  atOnce? (handle: number, ahead: number): number
  fail (now: number, handle: number, code: WireErrorName, facts?: { retryAfter?: number, size?: number, detail?: string }): void
  /** New requests get ERROR 10 from now on. */
  drain? (now: number): void
  /** Other limits of the operator from now on. */
  setLimits? (now: number, limits: Pick<ServerConfig, 'limit' | 'serverRate' | 'maxBacklog'>): void
  nextTimeout (): number | undefined
  handleTimeout (now: number): void
  pollTransmit (now: number): OutgoingMessage | undefined
  pollEvent (): ServerEvent | undefined
}
