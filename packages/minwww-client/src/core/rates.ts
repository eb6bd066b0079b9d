import { decodeRate, DEPTH_TIME, encodeRate, TUNNEL_BYTES } from '@minwww/protocol'

/** The rate, bytes/s, at which so many tunnel messages go into the first round trip. */
export function rateOf (window: number, srtt: number): number {
  return window * TUNNEL_BYTES * 1000 / (srtt + DEPTH_TIME)
}

/** One tunnel message in each round trip, bytes/s. */
export function oneMessageIn (srtt: number): number {
  return TUNNEL_BYTES * 1000 / Math.max(srtt, 100)
}

/** The rate that the wire can say. */
export function nearest (rate: number): number {
  const code = encodeRate(rate)
  const [below, above] = [decodeRate(code), decodeRate(Math.min(255, code + 1))]
  return rate / below < above / rate ? below : above
}
