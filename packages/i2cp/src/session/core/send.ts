import { compressGzipPayload, encodeGzipPayload } from '../../datagrams/gzip.ts'
import type { Destination } from '../../data/destination.ts'
import { SEND_FLAG } from '../../messages/send-message-expires.ts'
import type { SendMessageExpires } from '../../messages/send-message-expires.ts'
import { TYPE } from '../../messages/types.ts'

export interface SendOptions {
  /** I2CP protocol number, 0-255. */
  readonly protocol: number
  readonly fromPort?: number
  readonly toPort?: number
  /** Epoch ms of our clock; default now + 60 s, at most now + 120 s. */
  readonly expires?: number
  /** Let the router put our LeaseSet into the message; default true. False once the peer has answered. */
  readonly bundleLeaseSet?: boolean
  /**
   * Ask the router for another outbound tunnel to this Destination from now on; default false. Proposal 171, a draft: routers that do
   * not know it ignore it. Its bounds are the caller's: once in 10 s for a connection, at a random time.
   */
  readonly switchTunnel?: boolean
  /** Ask for a 'status' event; default false. */
  readonly notify?: boolean
  /** Compress the payload if that makes it smaller; default the option i2cp.gzip. */
  readonly gzip?: boolean
  /** The message is at least as long as one of so many bytes would be, 0 to 65,535; default 0. What receives it notices nothing. */
  readonly padTo?: number
}

/** Without `expires`, ms. */
export const DEFAULT_LIFETIME = 60_000
/** Longest `expires`, the documented bound of clientMessageTimeout; a router may refuse more (status 12). ms */
export const MAX_LIFETIME = 120_000

/** `expiration`: epoch ms by the router's clock. */
export function sendMessage (
  sessionId: number, destination: Destination, payload: Uint8Array, nonce: number, expiration: number, o: SendOptions
): SendMessageExpires {
  const { protocol, fromPort = 0, toPort = 0 } = o
  const fields = { protocol, fromPort, toPort, payload }
  return {
    type: TYPE.SendMessageExpires,
    sessionId,
    destination,
    payload: o.gzip === true ? compressGzipPayload(fields, o.padTo) : encodeGzipPayload(fields, o.padTo),
    nonce,
    flags: (o.bundleLeaseSet === false ? SEND_FLAG.NO_LEASE_SET : 0) | (o.switchTunnel === true ? SEND_FLAG.SWITCH_OUTBOUND_TUNNEL : 0),
    expiration
  }
}
