import type { I2cpError } from '../../errors.ts'
import type { Bandwidth } from '../../messages/bandwidth-limits.ts'
import type { LookupResult } from './lookups.ts'
import type { DeliveryStatus } from './statuses.ts'

export type SessionState = 'connecting' | 'building' | 'ready' | 'reconnecting' | 'closed'

export interface ReceivedMessage {
  readonly protocol: number
  readonly fromPort: number
  readonly toPort: number
  readonly payload: Buffer
}

/** What the core asks of its driver or tells it. */
export type SessionEvent =
  | { readonly type: 'connect' }
  /** Close the transport once what was transmitted is written. */
  | { readonly type: 'disconnect' }
  | { readonly type: 'state', readonly state: SessionState }
  | { readonly type: 'message', readonly message: ReceivedMessage }
  | { readonly type: 'lookup', readonly handle: number, readonly result: LookupResult | I2cpError }
  | { readonly type: 'bandwidth', readonly result: Bandwidth | I2cpError }
  | { readonly type: 'status', readonly status: DeliveryStatus }
  | { readonly type: 'warning', readonly error: I2cpError }
  /** The last event. */
  | { readonly type: 'closed', readonly error: I2cpError | undefined }

/** Counters since the session was made. Bytes are those of payloads without the container. */
export interface SessionStats {
  messagesSent: number
  bytesSent: number
  messagesReceived: number
  bytesReceived: number
  /** Sent while no session stood, already expired, or with the transport's queue full. */
  sendDrops: number
  /** Frames and containers that could not be read. */
  malformed: number
  /** Messages for another session or in a place where they do not belong. */
  stray: number
  leaseSetsCreated: number
  connects: number
}

export function emptyStats (): SessionStats {
  return {
    messagesSent: 0,
    bytesSent: 0,
    messagesReceived: 0,
    bytesReceived: 0,
    sendDrops: 0,
    malformed: 0,
    stray: 0,
    leaseSetsCreated: 0,
    connects: 0
  }
}
