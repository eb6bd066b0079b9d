import { ByteReader } from '../data/reader.ts'
import { ByteWriter } from '../data/writer.ts'
import { I2cpError } from '../errors.ts'
import { TYPE } from './types.ts'
import { MESSAGES } from './table.ts'
import type { Message } from './table.ts'

/** First byte of a connection, from the client. */
export const PROTOCOL_BYTE = 0x2a
/** First bytes of TLS: an alert, a handshake. The major version 3 follows. */
const TLS_RECORDS: ReadonlySet<number> = new Set([0x15, 0x16])
/** Largest body accepted, bytes. The specification says "about 64 KB"; this leaves room for the fields around a payload. */
export const I2CP_MAX_FRAME = 128 * 1024

/** length (4, of the body), type (1). I2CP, "I2CP message header". */
const HEADER_LENGTH = 5
const TYPE_OFFSET = 4

export interface Frame {
  readonly type: number
  readonly body: Buffer
}

/** The complete frame: header and body. */
export function encodeMessage (message: Message): Buffer {
  const codec = MESSAGES.get(message.type)!
  const size = codec.size?.(message)
  const writer = new ByteWriter(size === undefined ? undefined : HEADER_LENGTH + size).u32(0).u8(message.type)
  codec.write(message, writer)
  const bytes = writer.toBuffer()
  bytes.writeUInt32BE(bytes.length - HEADER_LENGTH, 0)
  return bytes
}

/**
 * Decodes one body. Bytes after the last known field are ignored, as all routers do, so that later versions can add
 * fields. Throws I2CP_UNKNOWN_MESSAGE or I2CP_MALFORMED (I2CP_UNSUPPORTED for unknown key types in it).
 */
export function decodeMessage (type: number, body: Uint8Array): Message {
  const codec = MESSAGES.get(type)
  if (codec === undefined) throw new I2cpError('I2CP_UNKNOWN_MESSAGE', `message type ${type}`)
  return codec.read(new ByteReader(body))
}

/**
 * Cuts a byte stream into frames. Holds at most one incomplete frame, so at most I2CP_MAX_FRAME bytes; a longer one
 * throws I2CP_FRAME_TOO_LARGE before anything is allocated, and the connection has to be given up.
 */
export class FrameReader {
  readonly #maxFrame: number
  readonly #header = Buffer.alloc(HEADER_LENGTH)
  #headerLength = 0
  #body: Buffer | undefined
  #bodyLength = 0

  constructor (maxFrame = I2CP_MAX_FRAME) {
    this.#maxFrame = maxFrame
  }

  /** The frames completed by `chunk`. A body that lies in one chunk shares its memory. */
  push (chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.#headerLength < HEADER_LENGTH) at += this.#fillHeader(chunk, at)
      if (this.#headerLength < HEADER_LENGTH) break
      at += this.#fillBody(chunk, at, frames)
    }
    return frames
  }

  /** True between two frames. */
  get idle (): boolean { return this.#headerLength === 0 }

  #fillHeader (chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#header, this.#headerLength, at, at + HEADER_LENGTH - this.#headerLength)
    this.#headerLength += copied
    return copied
  }

  #fillBody (chunk: Buffer, at: number, frames: Frame[]): number {
    const said = this.#header.readUInt32BE(0)
    const length = said + missing(said, this.#header[TYPE_OFFSET]!)
    if (length > this.#maxFrame) throw new I2cpError('I2CP_FRAME_TOO_LARGE', this.#tooLarge(length))
    const taken = Math.min(length - this.#bodyLength, chunk.length - at)
    if (this.#body === undefined && taken === length) {
      this.#finish(chunk.subarray(at, at + length), frames)
      return taken
    }
    this.#body ??= Buffer.allocUnsafe(length)
    chunk.copy(this.#body, this.#bodyLength, at, at + taken)
    this.#bodyLength += taken
    if (this.#bodyLength === length) this.#finish(this.#body, frames)
    return taken
  }

  /** Whoever speaks another protocol is known by its first bytes. */
  #tooLarge (length: number): string {
    const begin = this.#header.toString('latin1')
    if (/^HTTP/.test(begin)) return 'that is not I2CP: it looks like HTTP'
    if (TLS_RECORDS.has(begin.charCodeAt(0)) && begin.charCodeAt(1) === 3) return 'that is not I2CP: it looks like TLS'
    return /^[\x20-\x7e]{4}/.test(begin) ? `that is not I2CP: it begins with '${begin.slice(0, 4)}'` : `frame of ${length} bytes`
  }

  #finish (body: Buffer, frames: Frame[]): void {
    frames.push({ type: this.#header[TYPE_OFFSET]!, body })
    this.#headerLength = 0
    this.#body = undefined
    this.#bodyLength = 0
  }
}

/** Bytes of a RequestVariableLeaseSet besides its leases, and of one lease; of a HostReply without and with a Destination. */
const LEASE_REQUEST_HEAD = 3
const LEASE = 44
const FAILED_REPLY = 7
const FOUND_REPLY = FAILED_REPLY + 391

/**
 * emissary 0.4.0 says two lengths wrong: that of RequestVariableLeaseSet by two bytes too few, that of HostReply by one. No right
 * message has such a length, so nobody else's are read otherwise. @returns what is missing
 */
function missing (length: number, type: number): number {
  if (type === TYPE.RequestVariableLeaseSet && length > 0 && (length + 2 - LEASE_REQUEST_HEAD) % LEASE === 0) return 2
  return type === TYPE.HostReply && (length + 1 === FAILED_REPLY || length + 1 === FOUND_REPLY) ? 1 : 0
}
