import { TUNNEL_BYTES } from '@minwww/protocol'

/** ms that a message of m tunnel messages takes at a rate in bytes/s. */
export function symbolTime (m: number, rate: number): number {
  return rate > 0 ? m * TUNNEL_BYTES * 1000 / rate : 0
}
