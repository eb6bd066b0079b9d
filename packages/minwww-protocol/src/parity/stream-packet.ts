/**
 * What the parity layer reads of a packet of the streaming protocol, and how it writes one that it has rebuilt. Streaming
 * specification, "Packet Format". The layer sees packets from the outside: it keeps no state of a stream.
 */

/** Offsets of the fixed fields, bytes. */
const SEND_ID = 0
const RECEIVE_ID = 4
const SEQUENCE = 8
const NACK_COUNT = 16
const NACKS = 17
/** Behind the NACKs: resend delay u8, flags u16, length of the options u16. */
const FLAGS = 1
const OPTION_LENGTH = 3
const OPTIONS = 5
const MIN_HEADER = NACKS + OPTIONS

const SYNCHRONIZE = 0x0001
const CLOSE = 0x0002
const RESET = 0x0004
const SIGNATURE_INCLUDED = 0x0008
const ECHO = 0x0200
const NO_ACK = 0x0400

/**
 * `syn` opens a stream, `data` has nothing but a payload that matters, `close` is signed as a whole; `other` has no sequence number
 * of its own: an ACK, a RESET, a ping.
 */
export type StreamPacketKind = 'syn' | 'data' | 'close' | 'other'

export interface StreamPacket {
  readonly kind: StreamPacketKind
  /** Stream id of the receiver; 0 while the sender does not know it. */
  readonly to: number
  /** Stream id of the sender. */
  readonly from: number
  readonly sequence: number
  /** What of it must arrive: the payload, or of a CLOSE the whole packet. A view. */
  readonly body: Buffer
}

/** Reads a packet; undefined when it is none. Verifies nothing. */
export function readStreamPacket (bytes: Buffer): StreamPacket | undefined {
  if (bytes.length < MIN_HEADER) return undefined
  const afterNacks = NACKS + 4 * bytes.readUInt8(NACK_COUNT)
  if (afterNacks + OPTIONS > bytes.length) return undefined
  const flags = bytes.readUInt16BE(afterNacks + FLAGS)
  const payload = afterNacks + OPTIONS + bytes.readUInt16BE(afterNacks + OPTION_LENGTH)
  if (payload > bytes.length) return undefined
  const sequence = bytes.readUInt32BE(SEQUENCE)
  const kind = kindOf(flags, sequence)
  return {
    kind,
    to: bytes.readUInt32BE(SEND_ID),
    from: bytes.readUInt32BE(RECEIVE_ID),
    sequence,
    body: kind === 'close' ? bytes : bytes.subarray(payload)
  }
}

/** A data packet that acknowledges nothing: what was in those fields is of no use by now. */
export function writeDataPacket ({ to, from, sequence, body }: Omit<StreamPacket, 'kind'>): Buffer {
  const bytes = Buffer.alloc(MIN_HEADER + body.length)
  bytes.writeUInt32BE(to, SEND_ID)
  bytes.writeUInt32BE(from, RECEIVE_ID)
  bytes.writeUInt32BE(sequence, SEQUENCE)
  bytes.writeUInt16BE(NO_ACK, NACKS + FLAGS)
  bytes.set(body, MIN_HEADER)
  return bytes
}

function kindOf (flags: number, sequence: number): StreamPacketKind {
  if ((flags & (RESET | ECHO)) !== 0) return 'other'
  if ((flags & SYNCHRONIZE) !== 0) return 'syn'
  if (sequence === 0) return 'other'
  if ((flags & CLOSE) !== 0) return 'close'
  return (flags & SIGNATURE_INCLUDED) === 0 ? 'data' : 'other'
}
