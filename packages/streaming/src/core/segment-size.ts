/**
 * Payload of one more tunnel message, and what of the first is used by everything around an I2CP payload, bytes
 * (measured with i2pd and Java).
 */
const TUNNEL_MESSAGE = 996
const OVERHEAD = 174
/** Header of a data packet with the delay option, bytes. */
const HEADER = 24
/** A packet may be smaller than negotiated by this share to save a tunnel message. */
const MAX_SHRINK = 0.05

/**
 * Bytes per packet for a negotiated maximum: 1812 with its header needs a few bytes of a third tunnel message, so 1794 are
 * sent, which fit two; 1730 stays 1730.
 */
export function segmentSize (maximum: number): number {
  const messages = Math.floor((maximum + HEADER + OVERHEAD) / TUNNEL_MESSAGE)
  const fitting = messages * TUNNEL_MESSAGE - OVERHEAD - HEADER
  return fitting >= maximum * (1 - MAX_SHRINK) ? Math.min(fitting, maximum) : maximum
}
