/**
 * Sizes of section 1, in bytes. A payload here is what goes into the gzip container of I2CP; the container itself is
 * counted by the functions.
 */

/** Fragment bytes of one tunnel message. */
export const TUNNEL_MESSAGE = 996
/** Bytes that one tunnel message counts against a rate. */
export const TUNNEL_BYTES = 1024
/** gzip container with one stored block. */
export const CONTAINER = 23
/** Garlic, I2NP and delivery headers, and i2pd's random padding, around a container. */
const GARLIC = 151
/** Largest number of tunnel messages in one I2CP message. */
export const MAX_SHAPE = 61
/** Largest object, coded. */
export const MAX_OBJECT = 131_072
/** Largest I2CP payload that a router may be handed, with its container. */
export const MAX_I2CP_PAYLOAD = 61_440
/** Bytes that every message begins with (section 3). */
export const PREFIX = 14
/** Authentication at the end of every message but OPEN. */
export const TAG = 8
/** size u24, index u8, last u8, pace u8, time u16. */
export const REPLY_HEADER = 8
/** loss, rate, max, shape, length u16. */
export const REQUEST_HEADER = 6
/** time u32, K[16] and the fields of a REQUEST. */
export const OPEN_HEADER = 20 + REQUEST_HEADER
/** Datagram2 around an OPEN from an Ed25519 Destination: Destination 391, flags 2, signature 64. */
export const DATAGRAM2_ENVELOPE = 457
/** Symbols of one object, data and parity. */
export const MAX_SYMBOLS = 256

/** cap(m): payload bytes that fit exactly m tunnel messages on every router measured. */
export function messageCapacity (m: number): number {
  return Math.min(TUNNEL_MESSAGE * m - GARLIC - CONTAINER, MAX_I2CP_PAYLOAD - CONTAINER)
}

/** c(m): symbol bytes of a REPLY or BODY of m tunnel messages. */
export function symbolCapacity (m: number): number {
  return messageCapacity(m) - SYMBOL_OVERHEAD
}

/** Object bytes of a REQUEST of m tunnel messages. */
export function requestCapacity (m: number): number {
  return messageCapacity(m) - PREFIX - REQUEST_HEADER - TAG
}

/** Prefix, header and tag around a symbol. */
export const SYMBOL_OVERHEAD = PREFIX + REPLY_HEADER + TAG

/**
 * Smallest payload of m tunnel messages that no gateway holds back: Java's wait for more when the last tunnel message
 * is under 80 % full.
 */
export function minimumPayload (m: number): number {
  return TUNNEL_MESSAGE * m - 290 - CONTAINER
}

/** Tunnel messages that a payload takes. */
export function tunnelMessagesOf (payloadLength: number): number {
  return Math.max(1, Math.ceil((payloadLength + CONTAINER + GARLIC) / TUNNEL_MESSAGE))
}

/** Bytes that a payload counts against a rate: what the tunnels carry for it. */
export function wireBytes (payloadLength: number): number {
  return tunnelMessagesOf(payloadLength) * TUNNEL_BYTES
}

/** Length to pad a payload to so that no gateway holds it back; costs no further tunnel message. */
export function paddedLength (payloadLength: number): number {
  return Math.max(payloadLength, minimumPayload(tunnelMessagesOf(payloadLength)))
}
