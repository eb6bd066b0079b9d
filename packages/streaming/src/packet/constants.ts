/** Flags, bit 0 is the least significant. Streaming specification, "Flags and Option Data Fields". */
export const FLAG = {
  SYNCHRONIZE: 0x0001,
  CLOSE: 0x0002,
  RESET: 0x0004,
  SIGNATURE_INCLUDED: 0x0008,
  SIGNATURE_REQUESTED: 0x0010,
  FROM_INCLUDED: 0x0020,
  DELAY_REQUESTED: 0x0040,
  MAX_PACKET_SIZE_INCLUDED: 0x0080,
  PROFILE_INTERACTIVE: 0x0100,
  ECHO: 0x0200,
  NO_ACK: 0x0400,
  OFFLINE_SIGNATURE: 0x0800
} as const

/** Offsets of the fixed fields, bytes. */
export const OFFSET = { SEND_ID: 0, RECEIVE_ID: 4, SEQUENCE: 8, ACK_THROUGH: 12, NACK_COUNT: 16, NACKS: 17 } as const
/** After the NACKs: resend delay (1), flags (2), option size (2). */
export const AFTER_NACKS = 5
/** Header without NACKs and options, bytes. */
export const MIN_HEADER = OFFSET.NACKS + AFTER_NACKS
/** The NACK count is one byte. */
export const MAX_NACKS = 255
/** NACK count of a SYN that carries the 32-byte hash of the Destination it is for (0.9.58). */
export const TARGET_HASH_NACKS = 8
export const TARGET_HASH_LENGTH = 32

/** Longest delay that asks for a late ACK, ms; anything above chokes. */
export const MAX_DELAY = 60_000
/** What we send to choke, as Java does. Read: every value of 60,001 and above. */
export const DELAY_CHOKE = 61_000
/** Payload of a ping or a pong, bytes. */
export const MAX_PING_PAYLOAD = 32
