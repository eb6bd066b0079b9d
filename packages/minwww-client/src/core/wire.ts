import { tunnelMessagesOf } from '@minwww/protocol'

/** Bytes that one tunnel message counts against a rate. */
export const TUNNEL_BYTES = 1024

/** Bytes that a payload counts against a rate: what the tunnels carry for it. */
export function wireBytes (payloadLength: number): number {
  return tunnelMessagesOf(payloadLength) * TUNNEL_BYTES
}

/** ms that a message of m tunnel messages takes at a rate in bytes/s. */
export function symbolTime (m: number, rate: number): number {
  return rate > 0 ? m * TUNNEL_BYTES * 1000 / rate : 0
}
