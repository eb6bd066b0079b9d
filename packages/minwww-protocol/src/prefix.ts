import { PREFIX } from './sizes.ts'
import { SESSION_ID } from './keys.ts'

/** Version of the protocol, high nibble of the first byte. */
export const VERSION = 1

/** Type numbers of section 4, low nibble of the first byte. 11 is PARITY (parity/messages.ts), 12 is kept for BUNDLE. */
export const TYPES = { open: 1, request: 2, want: 3, reply: 4, error: 5, cancel: 6, body: 7, push: 8, report: 9, working: 10 } as const
export type MessageType = keyof typeof TYPES

/** Highest attempt that the nibble holds. */
export const MAX_ATTEMPT = 15

const VERSION_AND_TYPE = 0
const ATTEMPT_AND_FLAGS = 1
const SESSION = 2
const ID = 10

const NAMES: ReadonlyArray<MessageType | undefined> =
  Array.from({ length: 16 }, (_, number) => (Object.keys(TYPES) as MessageType[]).find(name => TYPES[name] === number))

/** Flag of a REPORT: its client has another session here that is the first of its (section 7.5). */
export const SECOND_SESSION = 1

/** The fields that every message begins with. */
export interface Prefix {
  /** 0 for the first, then one more for each repetition; 0..15. */
  attempt: number
  /**
   * Number of the copy, 0..15; 0 is the first. A REPLY repeats that of the copy which caused it; 0 in BODY, ERROR, CANCEL and WORKING.
   * Of a REPORT: SECOND_SESSION or 0.
   */
  flags: number
  /** 8 bytes. */
  session: Buffer
  /** u32, unique within the session. */
  id: number
}

/** A prefix as read from the wire: nothing of it is authenticated. */
export interface PeekedPrefix extends Prefix {
  version: number
  /** undefined for a reserved type number. */
  type: MessageType | undefined
}

/** Reads the prefix without authentication; undefined when there are too few bytes. `session` is a view. */
export function peekPrefix (bytes: Uint8Array): PeekedPrefix | undefined {
  if (bytes.length < PREFIX) return undefined
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    version: buffer[VERSION_AND_TYPE]! >> 4,
    type: NAMES[buffer[VERSION_AND_TYPE]! & 0x0f],
    attempt: buffer[ATTEMPT_AND_FLAGS]! >> 4,
    flags: buffer[ATTEMPT_AND_FLAGS]! & 0x0f,
    session: buffer.subarray(SESSION, SESSION + SESSION_ID),
    id: buffer.readUInt32BE(ID)
  }
}

/** Writes the prefix into the first 14 bytes. */
export function writePrefix (target: Buffer, type: MessageType, prefix: Prefix): void {
  target[VERSION_AND_TYPE] = VERSION << 4 | TYPES[type]
  target[ATTEMPT_AND_FLAGS] = (prefix.attempt & 0x0f) << 4 | (prefix.flags & 0x0f)
  target.set(prefix.session.subarray(0, SESSION_ID), SESSION)
  target.writeUInt32BE(prefix.id >>> 0, ID)
}
