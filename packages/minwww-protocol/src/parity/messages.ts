import { ProtocolError } from '../errors.ts'
import { computeTag, SESSION_ID, SESSION_SECRET, tagMatches } from '../keys.ts'
import { VERSION } from '../prefix.ts'
import { paddedLength, PREFIX, TAG } from '../sizes.ts'

/** Type 11. The low nibble of the second byte is the kind of the message; section 9.1. */
const PARITY = 11
const KINDS = { hello: 0, group: 1, repairs: 2 } as const

interface Numbered {
  /** 8 bytes. */
  readonly channel: Buffer
  /** u32; each end counts its own. */
  readonly number: number
}

/** The client takes and sends parity on its streams to this exit from now on. */
export interface HelloMessage extends Numbered {
  readonly kind: 'hello'
  /** K of the channel, 16 bytes. */
  readonly secret: Buffer
  /** The client's id of a stream to this exit. */
  readonly stream: number
}

/** One parity symbol over `count` consecutive packets of a stream. */
export interface GroupMessage extends Numbered {
  readonly kind: 'group'
  /** Stream id of the receiver, 0 while the sender does not know it. */
  readonly to: number
  /** Stream id of the sender. */
  readonly from: number
  /** Sequence number of the first packet. */
  readonly first: number
  readonly count: number
  /** 0 is the first parity symbol. */
  readonly index: number
  readonly symbol: Buffer
}

/** What became of the packets of a stream that this end receives; both count from the beginning of the stream. */
export interface RepairsMessage extends Numbered {
  readonly kind: 'repairs'
  readonly to: number
  readonly from: number
  /** Packets that were rebuilt. */
  readonly rebuilt: number
  /** Packets that came although they were here. */
  readonly repeated: number
}

export type ParityMessage = HelloMessage | GroupMessage | RepairsMessage

const HELLO = { secret: 14, stream: 30, end: 34 } as const
const GROUP = { to: 14, from: 18, first: 22, count: 26, index: 27, length: 28, symbol: 30 } as const
const REPAIRS = { to: 14, from: 18, rebuilt: 22, repeated: 26, end: 30 } as const

/** Prefix, fields and tag around a parity symbol, bytes. */
export const PARITY_OVERHEAD = GROUP.symbol + TAG

/** Whether a payload says that it is of this layer; nothing of it is authenticated. */
export function isParity (bytes: Uint8Array): boolean {
  return bytes.length >= PREFIX + TAG && bytes[0] === (VERSION << 4 | PARITY)
}

/** The channel in the prefix of a message of which isParity() is true. A view. */
export function channelOf (bytes: Buffer): Buffer { return bytes.subarray(2, 2 + SESSION_ID) }

/** Encodes with the tag, padded as gateways want it (section 1). */
export function encodeParity (message: ParityMessage, tagKey: Uint8Array): Buffer {
  const length = paddedLength(contentLength(message) + TAG)
  const bytes = Buffer.alloc(length)
  bytes.writeUInt8(VERSION << 4 | PARITY, 0)
  bytes.writeUInt8(KINDS[message.kind], 1)
  bytes.set(message.channel.subarray(0, SESSION_ID), 2)
  bytes.writeUInt32BE(message.number >>> 0, 10)
  writeFields(bytes, message)
  bytes.set(computeTag(tagKey, bytes.subarray(0, length - TAG)), length - TAG)
  return bytes
}

/** The secret in a HELLO, to be had before its tag can be verified; undefined for any other message. */
export function helloOf (bytes: Buffer): HelloMessage | undefined {
  if (!isParity(bytes) || bytes[1] !== KINDS.hello || bytes.length < HELLO.end + TAG) return undefined
  return readHello(bytes, { channel: channelOf(bytes), number: bytes.readUInt32BE(10) })
}

/** Verifies the tag, then reads. Views into `bytes`. Throws MINWWW_BAD_TAG or MINWWW_MALFORMED. */
export function decodeParity (bytes: Buffer, tagKey: Uint8Array): ParityMessage {
  if (!isParity(bytes)) throw malformed('no PARITY message')
  const content = bytes.subarray(0, bytes.length - TAG)
  if (!tagMatches(tagKey, content, bytes.subarray(content.length))) throw new ProtocolError('MINWWW_BAD_TAG', 'wrong tag')
  const prefix = { channel: channelOf(bytes), number: bytes.readUInt32BE(10) }
  switch (content[1]) {
    case KINDS.hello: return readHello(atLeast(content, HELLO.end), prefix)
    case KINDS.group: return readGroup(atLeast(content, GROUP.symbol), prefix)
    case KINDS.repairs: return readRepairs(atLeast(content, REPAIRS.end), prefix)
    default: throw malformed(`kind ${String(content[1])}`)
  }
}

function contentLength (message: ParityMessage): number {
  switch (message.kind) {
    case 'hello': return HELLO.end
    case 'group': return GROUP.symbol + message.symbol.length
    case 'repairs': return REPAIRS.end
  }
}

function writeFields (bytes: Buffer, message: ParityMessage): void {
  switch (message.kind) {
    case 'hello':
      bytes.set(message.secret.subarray(0, SESSION_SECRET), HELLO.secret)
      bytes.writeUInt32BE(message.stream, HELLO.stream)
      return
    case 'group':
      bytes.writeUInt32BE(message.to, GROUP.to)
      bytes.writeUInt32BE(message.from, GROUP.from)
      bytes.writeUInt32BE(message.first, GROUP.first)
      bytes.writeUInt8(message.count, GROUP.count)
      bytes.writeUInt8(message.index, GROUP.index)
      bytes.writeUInt16BE(message.symbol.length, GROUP.length)
      bytes.set(message.symbol, GROUP.symbol)
      return
    case 'repairs':
      bytes.writeUInt32BE(message.to, REPAIRS.to)
      bytes.writeUInt32BE(message.from, REPAIRS.from)
      bytes.writeUInt32BE(message.rebuilt >>> 0, REPAIRS.rebuilt)
      bytes.writeUInt32BE(message.repeated >>> 0, REPAIRS.repeated)
  }
}

function readHello (bytes: Buffer, prefix: Numbered): HelloMessage {
  const secret = bytes.subarray(HELLO.secret, HELLO.secret + SESSION_SECRET)
  return { kind: 'hello', ...prefix, secret, stream: bytes.readUInt32BE(HELLO.stream) }
}

function readGroup (bytes: Buffer, prefix: Numbered): GroupMessage {
  const length = bytes.readUInt16BE(GROUP.length)
  if (GROUP.symbol + length > bytes.length) throw malformed('symbol is cut')
  return {
    kind: 'group',
    ...prefix,
    to: bytes.readUInt32BE(GROUP.to),
    from: bytes.readUInt32BE(GROUP.from),
    first: bytes.readUInt32BE(GROUP.first),
    count: bytes.readUInt8(GROUP.count),
    index: bytes.readUInt8(GROUP.index),
    symbol: bytes.subarray(GROUP.symbol, GROUP.symbol + length)
  }
}

function readRepairs (bytes: Buffer, prefix: Numbered): RepairsMessage {
  return {
    kind: 'repairs',
    ...prefix,
    to: bytes.readUInt32BE(REPAIRS.to),
    from: bytes.readUInt32BE(REPAIRS.from),
    rebuilt: bytes.readUInt32BE(REPAIRS.rebuilt),
    repeated: bytes.readUInt32BE(REPAIRS.repeated)
  }
}

function atLeast (bytes: Buffer, length: number): Buffer {
  if (bytes.length < length) throw malformed('message is cut')
  return bytes
}

function malformed (what: string): ProtocolError {
  return new ProtocolError('MINWWW_MALFORMED', what)
}
