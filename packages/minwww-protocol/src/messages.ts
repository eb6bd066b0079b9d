import { ProtocolError } from './errors.ts'
import { computeTag, SESSION_ID, SESSION_SECRET, tagMatches } from './keys.ts'
import { peekPrefix, VERSION, writePrefix } from './prefix.ts'
import type { MessageType, Prefix } from './prefix.ts'
import { blockLength, readBlock, writeBlock, type RequestBlock } from './request-block.ts'
import { MAX_I2CP_PAYLOAD, MAX_OBJECT, MAX_SYMBOLS, OPEN_HEADER, PREFIX, REPLY_HEADER, REQUEST_HEADER, TAG } from './sizes.ts'

/** What a client says about itself and the path; raw one-byte codes (rates.ts). */
interface PathFields {
  loss: number
  rate: number
  /** Largest object that the client takes, as a rate code. */
  max: number
  /** Largest allowed tunnel messages per symbol, 1..61. */
  shape: number
}

/** What came of the session. */
export interface Arrivals {
  /** Of the newest symbol, as it says itself. */
  time: number
  /** ms that its symbols waited at a bottleneck. */
  queue: number
  /** Tunnel messages of all symbols, modulo 2^32. */
  received: number
}

interface SymbolFields {
  /** Bytes of the whole object, 20 bits; 0 answers a probe. */
  size: number
  index: number
  /** Highest index of this burst. */
  last: number
  /** Rate of this burst, as a rate code. */
  pace: number
  /** When it was sent, ms of the sender's clock, modulo 65,536: only differences count. */
  time: number
  symbol: Buffer
}

/** Travels inside a Datagram2, in place of a tag. */
export type OpenMessage = { type: 'open', time: number, key: Buffer, object: Buffer } & RequestBlock & Prefix & PathFields
export type RequestMessage = { type: 'request', object: Buffer } & RequestBlock & Prefix & PathFields
/** Asks for the symbols from .. from + count - 1 of `id`. */
export type WantMessage = { type: 'want', loss: number, rate: number, shape: number, from: number, count: number } & Prefix
/** `part`: the object is a whole response, or the beginning of one that goes on over a stream. */
export type ReplyMessage = { type: 'reply', part: Part } & Prefix & SymbolFields
export type Part = 'whole' | 'beginning'
/** One symbol of what nobody has asked for yet; its id is the exit's own. */
export type PushMessage = { type: 'push' } & Prefix & SymbolFields
/** retryAfter in seconds; size of the whole response in bytes, 0 unknown; detail at most 200 bytes of UTF-8. */
export type ErrorMessage = { type: 'error', code: number, retryAfter: number, size: number, detail: string } & Prefix
export type CancelMessage = { type: 'cancel' } & Prefix
export type BodyMessage = { type: 'body' } & Prefix & SymbolFields
/** What the client grants while answers are under way, raw codes; `id` is its number, a higher one is newer. */
export type ReportMessage = { type: 'report', loss: number, rate: number, shape: number } & Arrivals & Prefix
/** The exit works on a request; it says so again within `next` seconds, 1..255; 0: only that it was heard. */
export type WorkingMessage = { type: 'working', next: number } & Prefix

/** Every message that carries a tag. */
export type TaggedMessage =
  RequestMessage | WantMessage | ReplyMessage | PushMessage | ErrorMessage | CancelMessage | BodyMessage | ReportMessage | WorkingMessage
export type Message = OpenMessage | TaggedMessage

/** Bytes of an ERROR's detail; what is longer is cut. */
export const MAX_DETAIL = 200

// Offsets of the fields behind the prefix.
const OPEN = { time: 14, key: 18, path: 34 } as const
const REQUEST = { path: 14 } as const
const PATH = { loss: 0, rate: 1, max: 2, shape: 3, length: 4 } as const
const WANT = { loss: 14, rate: 15, shape: 16, from: 17, count: 18, end: 19 } as const
const SYMBOL = { part: 14, size: 14, index: 17, last: 18, pace: 19, time: 20, symbol: PREFIX + REPLY_HEADER } as const
const REPORT = { loss: 14, rate: 15, shape: 16, time: 17, queue: 19, received: 21, end: 25 } as const
const ERROR = { code: 14, retryAfter: 15, size: 17, detail: 21 } as const
const WORKING = { next: 14, end: 15 } as const

/** High nibble of the byte that size begins with, which needs no more than the other bits. */
const PARTS: readonly Part[] = ['whole', 'beginning']
const SIZE_BITS = 20

/** The body of an OPEN, for the payload of a Datagram2; zero-padded to `padTo` bytes. */
export function encodeOpenBody (message: OpenMessage, padTo = 0): Buffer {
  const body = Buffer.alloc(Math.max(padTo, PREFIX + OPEN_HEADER + message.object.length + blockLength(message)))
  writePrefix(body, 'open', message)
  body.writeUInt32BE(message.time >>> 0, OPEN.time)
  body.set(message.key.subarray(0, SESSION_SECRET), OPEN.key)
  writeRequest(body, OPEN.path, message)
  return body
}

/** Reads an OPEN out of a Datagram2's payload; the envelope's signature is its authentication. `object` is a view. */
export function decodeOpenBody (bytes: Uint8Array): OpenMessage {
  const body = viewOf(bytes)
  const prefix = readPrefix(body)
  if (prefix.type !== 'open' || body.length < PREFIX + OPEN_HEADER) throw malformed('not an OPEN')
  return {
    type: 'open',
    ...prefix.fields,
    time: body.readUInt32BE(OPEN.time),
    key: Buffer.from(body.subarray(OPEN.key, OPEN.key + SESSION_SECRET)),
    ...readRequest(body, OPEN.path, body.length)
  }
}

/**
 * Encodes with the tag; padded to `padTo` bytes in all. A REPLY, PUSH or BODY has no padding: its symbol is what remains.
 * Throws MINWWW_TOO_LARGE above the limit of a router.
 */
export function encodeMessage (message: TaggedMessage, tagKey: Uint8Array, padTo = 0): Buffer {
  const isSymbol = message.type === 'reply' || message.type === 'push' || message.type === 'body'
  const length = Math.max(contentLength(message) + TAG, isSymbol ? 0 : padTo)
  if (length > MAX_I2CP_PAYLOAD) throw new ProtocolError('MINWWW_TOO_LARGE', `message of ${length} bytes`)
  const bytes = Buffer.alloc(length)
  writePrefix(bytes, message.type, message)
  writeFields(bytes, message)
  bytes.set(computeTag(tagKey, bytes.subarray(0, length - TAG)), length - TAG)
  return bytes
}

/**
 * Verifies the tag, then reads. Views into `bytes`, no copies. Throws MINWWW_VERSION, MINWWW_BAD_TAG or
 * MINWWW_MALFORMED.
 */
export function decodeMessage (bytes: Uint8Array, tagKey: Uint8Array): TaggedMessage {
  const whole = viewOf(bytes)
  if (whole.length < PREFIX + TAG) throw malformed('shorter than prefix and tag')
  const { type, fields } = readPrefix(whole)
  const content = whole.subarray(0, whole.length - TAG)
  if (!tagMatches(tagKey, content, whole.subarray(content.length))) {
    throw new ProtocolError('MINWWW_BAD_TAG', 'tag does not match')
  }
  switch (type) {
    case 'request':
      if (content.length < PREFIX + REQUEST_HEADER) throw malformed('short REQUEST')
      return { type, ...fields, ...readRequest(content, REQUEST.path, content.length) }
    case 'want': return { type, ...fields, ...readWant(content) }
    case 'reply': return { type, ...fields, ...readSymbol(content), part: readPart(content) }
    case 'push':
    case 'body':
      if (readPart(content) !== 'whole') throw malformed('a PUSH or BODY that is no whole')
      return { type, ...fields, ...readSymbol(content) }
    case 'error': return { type, ...fields, ...readError(content) }
    case 'cancel': return { type, ...fields }
    case 'report': return { type, ...fields, ...readReport(content) }
    case 'working': return { type, ...fields, next: readNext(content) }
    case 'open':
    case undefined: throw malformed('a type that never travels raw')
  }
}

function contentLength (message: TaggedMessage): number {
  switch (message.type) {
    case 'request': return PREFIX + REQUEST_HEADER + message.object.length + blockLength(message)
    case 'want': return WANT.end
    case 'reply':
    case 'push':
    case 'body': return SYMBOL.symbol + message.symbol.length
    case 'error': return ERROR.detail + detailBytes(message.detail).length
    case 'cancel': return PREFIX
    case 'report': return REPORT.end
    case 'working': return WORKING.end
  }
}

function writeFields (target: Buffer, message: TaggedMessage): void {
  switch (message.type) {
    case 'request': return writeRequest(target, REQUEST.path, message)
    case 'want':
      target[WANT.loss] = message.loss
      target[WANT.rate] = message.rate
      target[WANT.shape] = message.shape
      target[WANT.from] = message.from
      target[WANT.count] = message.count
      return
    case 'reply':
    case 'push':
    case 'body':
      target.writeUIntBE(PARTS.indexOf(message.type === 'reply' ? message.part : 'whole') << SIZE_BITS | message.size, SYMBOL.size, 3)
      target[SYMBOL.index] = message.index
      target[SYMBOL.last] = message.last
      target[SYMBOL.pace] = message.pace
      target.writeUInt16BE(message.time & 0xffff, SYMBOL.time)
      target.set(message.symbol, SYMBOL.symbol)
      return
    case 'error':
      target[ERROR.code] = message.code
      target.writeUInt16BE(clamp(message.retryAfter, 0xffff), ERROR.retryAfter)
      target.writeUInt32BE(clamp(message.size, 0xffffffff), ERROR.size)
      target.set(detailBytes(message.detail), ERROR.detail)
      return
    case 'report':
      target[REPORT.loss] = message.loss
      target[REPORT.rate] = message.rate
      target[REPORT.shape] = message.shape
      target.writeUInt16BE(message.time & 0xffff, REPORT.time)
      target.writeUInt16BE(clamp(message.queue, 0xffff), REPORT.queue)
      target.writeUInt32BE(message.received >>> 0, REPORT.received)
      break
    case 'working':
      target[WORKING.next] = Math.min(0xff, message.next)
      break
    case 'cancel': // nothing behind the prefix
  }
}

function writeRequest (target: Buffer, at: number, message: PathFields & RequestBlock & { object: Buffer }): void {
  target[at + PATH.loss] = message.loss
  target[at + PATH.rate] = message.rate
  target[at + PATH.max] = message.max
  target[at + PATH.shape] = message.shape
  target.writeUInt16BE(message.object.length, at + PATH.length)
  target.set(message.object, at + REQUEST_HEADER)
  writeBlock(target, at + REQUEST_HEADER + message.object.length, message)
}

/** The caller has checked that the fixed fields are there. */
function readRequest (body: Buffer, at: number, end: number): PathFields & RequestBlock & { object: Buffer } {
  const start = at + REQUEST_HEADER
  const length = body.readUInt16BE(at + PATH.length)
  if (start + length > end) throw malformed('object longer than its message')
  return {
    loss: body[at + PATH.loss]!,
    rate: body[at + PATH.rate]!,
    max: body[at + PATH.max]!,
    shape: body[at + PATH.shape]!,
    object: body.subarray(start, start + length),
    ...readBlock(body.subarray(start + length, end))
  }
}

function readWant (content: Buffer): Omit<WantMessage, 'type' | keyof Prefix> {
  if (content.length < WANT.end) throw malformed('short WANT')
  const from = content[WANT.from]!
  const count = content[WANT.count]!
  if (count === 0 || from + count > MAX_SYMBOLS) throw malformed('WANT for symbols that cannot exist')
  return { loss: content[WANT.loss]!, rate: content[WANT.rate]!, shape: content[WANT.shape]!, from, count }
}

function readSymbol (content: Buffer): SymbolFields {
  if (content.length < SYMBOL.symbol) throw malformed('short symbol')
  const fields = {
    size: content.readUIntBE(SYMBOL.size, 3) % (1 << SIZE_BITS),
    index: content[SYMBOL.index]!,
    last: content[SYMBOL.last]!,
    pace: content[SYMBOL.pace]!,
    time: content.readUInt16BE(SYMBOL.time),
    symbol: content.subarray(SYMBOL.symbol)
  }
  const symbols = fields.size === 0 ? 0 : Math.ceil(fields.size / fields.symbol.length)
  if (fields.index > fields.last || fields.size > MAX_OBJECT || !(symbols <= MAX_SYMBOLS)) {
    throw malformed('symbol that cannot be')
  }
  return fields
}

function readReport (content: Buffer): Omit<ReportMessage, 'type' | keyof Prefix> {
  if (content.length < REPORT.end) throw malformed('short REPORT')
  return {
    loss: content[REPORT.loss]!,
    rate: content[REPORT.rate]!,
    shape: content[REPORT.shape]!,
    time: content.readUInt16BE(REPORT.time),
    queue: content.readUInt16BE(REPORT.queue),
    received: content.readUInt32BE(REPORT.received)
  }
}

function readPart (content: Buffer): Part {
  const part = PARTS[(content[SYMBOL.part] ?? 0) >> 4]
  if (part === undefined) throw malformed('an unknown part')
  return part
}

function readNext (content: Buffer): number {
  const next = content[WORKING.next]
  if (next === undefined) throw malformed('WORKING without an end')
  return next
}

function readError (content: Buffer): Omit<ErrorMessage, 'type' | keyof Prefix> {
  if (content.length < ERROR.detail) throw malformed('short ERROR')
  const rest = content.subarray(ERROR.detail, ERROR.detail + MAX_DETAIL)
  const end = rest.indexOf(0)
  return {
    code: content[ERROR.code]!,
    retryAfter: content.readUInt16BE(ERROR.retryAfter),
    size: content.readUInt32BE(ERROR.size),
    detail: rest.toString('utf8', 0, end < 0 ? rest.length : end)
  }
}

function readPrefix (bytes: Buffer): { type: MessageType | undefined, fields: Prefix } {
  const prefix = peekPrefix(bytes)
  if (prefix === undefined) throw malformed('shorter than a prefix')
  if (prefix.version !== VERSION) throw new ProtocolError('MINWWW_VERSION', `version ${prefix.version}`)
  const { attempt, flags, session, id } = prefix
  return { type: prefix.type, fields: { attempt, flags, session: Buffer.from(session.subarray(0, SESSION_ID)), id } }
}

/** Cut at a character's border, without NUL: a NUL starts the padding. */
function detailBytes (detail: string): Buffer {
  const bytes = Buffer.from(detail.replaceAll('\0', ''), 'utf8')
  if (bytes.length <= MAX_DETAIL) return bytes
  let end = MAX_DETAIL
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

function clamp (value: number, most: number): number {
  return Math.min(most, Math.max(0, Math.ceil(value) || 0))
}

function viewOf (bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function malformed (why: string): ProtocolError {
  return new ProtocolError('MINWWW_MALFORMED', why)
}
