/** Bytes of one tunnel message on the wire (tunnel-message.md). */
export const TUNNEL_MESSAGE_WIRE = 1028

/** Bytes of a garlic message that one further tunnel message carries. */
export const FRAGMENT_CAPACITY = 996

/** Bytes that the router adds to a gzip container until it is a fragmented garlic message. */
export const GARLIC_OVERHEAD = 151

/** Bytes of the longest garlic message that arrives; a longer one is lost in silence. */
export const MAX_GARLIC = 62_708

/** Bytes of the largest gzip container that fits {@link MAX_GARLIC}, as measured on i2pd (62,577 to 62,588). */
export const MAX_CONTAINER = 62_577

/**
 * Tunnel messages that carry one I2CP message.
 * @param size bytes of the gzip container, as in SendMessage
 */
export function tunnelMessages (size: number): number {
  return Math.ceil((size + GARLIC_OVERHEAD) / FRAGMENT_CAPACITY)
}
