import type { Destination, LocalDestination } from '@minwww/i2cp/codec'
import type { OfflineSignature } from '../packet/offline-signature.ts'
import type { PacketSigner } from '../packet/packet.ts'
import type { Connection, ConnectionEvent } from './connection.ts'
import type { PathKnowledge } from './knowledge.ts'
import type { StreamingOptions } from './options.ts'

/** Why an incoming stream was refused. */
export type RejectReason = 'access' | 'limit' | 'too-many' | 'backlog' | 'no-listener'

/** A message to hand to the I2CP session. */
export interface Outgoing {
  readonly to: Destination
  readonly protocol: number
  readonly fromPort: number
  readonly toPort: number
  readonly payload: Buffer
  /** The stream that this is to open: a router that says what becomes of it should be asked, and undelivered() told. */
  readonly opens?: Connection
  /** The stream is stalled: the router is to send through another outbound tunnel (proposal 171). */
  readonly switchTunnel?: boolean
  /** Bytes of payload that its message is to be as long as at least: see SendOptions of @minwww/i2cp. */
  readonly padTo?: number
}

/** A message from the I2CP session. */
export interface Incoming {
  readonly protocol?: number
  readonly fromPort: number
  readonly toPort: number
  readonly payload: Buffer
}

export type StreamingEvent =
  /** A peer connected; its Connection has its own events. */
  | { readonly type: 'accept', readonly connection: Connection }
  | { readonly type: ConnectionEvent, readonly connection: Connection }
  | { readonly type: 'pong', readonly id: number, readonly rtt: number, readonly payload: Buffer }
  | { readonly type: 'rejected', readonly peer: Destination, readonly reason: RejectReason }

export interface StreamingCoreInit {
  keys: LocalDestination
  random: (n: number) => Uint8Array
  options?: Partial<StreamingOptions>
  /** ms to add to `now` for the time of day, for the expiry of offline signatures. */
  clockOffset?: () => number
  /** Signs instead of the Destination's own key. */
  transient?: { signer: PacketSigner, offline: OfflineSignature }
}

export interface ConnectRequest {
  destination: Destination
  /** The peer's port, 0..65535, default 0. */
  port?: number
  localPort?: number
  options?: Partial<StreamingOptions>
  /** What is known of the path by other means. */
  path?: PathKnowledge | undefined
  /**
   * The peer says by a RESET that it does not have the stream, as this library does: it is asked when it is silent. So a stream of
   * which it knows nothing any more, since it was started anew, ends within seconds.
   */
  asks?: boolean | undefined
}

export interface CoreStatistics {
  received: number
  malformed: number
  unknownStream: number
  badSignature: number
  rejected: number
  /** Packets of streams that were opened here, and answers to pings: nobody else can send one. */
  expected: number
}
