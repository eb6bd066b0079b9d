import { constants, crc32, deflateRawSync, gunzipSync } from 'node:zlib'
import { I2cpError, malformed } from '../errors.ts'

/** I2CP protocol numbers. */
export const PROTOCOL = { STREAMING: 6, DATAGRAM1: 17, RAW: 18, DATAGRAM2: 19, DATAGRAM3: 20 } as const

export interface ContainerFields {
  readonly protocol: number
  readonly fromPort: number
  readonly toPort: number
}

export interface GzipPayload extends ContainerFields {
  readonly payload: Uint8Array
}

/** Most bytes one stored deflate block can hold; also the default bound on what comes out. */
export const MAX_STORED = 65_535
/** Bytes that the container adds: gzip header, stored block header, trailer. */
export const CONTAINER_OVERHEAD = 23

const MAGIC = 0x1f8b08
/** The gzip header with the fields I2P keeps in it. I2CP overview, "Gzip header"; ports are big-endian. */
const OFFSET = {
  FLAGS: 3, FROM_PORT: 4, TO_PORT: 6, EXTRA_FLAGS: 8, PROTOCOL: 9, BLOCK: 10, LENGTH: 11, LENGTH_CHECK: 13, DATA: 15
} as const
const TRAILER = 8
/** As Java writes it. */
const EXTRA_FLAGS = 2
/** Final block, stored. */
const FINAL_STORED = 1
/** A stored block of nothing that more follow. */
const EMPTY_BLOCK = Buffer.from([0, 0, 0, 0xff, 0xff])

/**
 * Wraps a payload in the gzip container every I2CP message has, uncompressed: one stored block, 23 bytes more.
 * Throws I2CP_PAYLOAD_TOO_LARGE above 65,535 bytes.
 * @param padTo - it is as long as that of a payload of so many bytes at least: empty blocks stand in front
 */
export function encodeGzipPayload (fields: GzipPayload, padTo = 0): Buffer {
  const bytes = oneBlock(fields)
  const blocks = emptyBlocks(padTo + CONTAINER_OVERHEAD - bytes.length)
  return blocks.length === 0 ? bytes : Buffer.concat([bytes.subarray(0, OFFSET.BLOCK), blocks, bytes.subarray(OFFSET.BLOCK)])
}

function emptyBlocks (bytes: number): Buffer {
  const length = EMPTY_BLOCK.length * Math.ceil(Math.min(Math.max(bytes, 0), MAX_STORED) / EMPTY_BLOCK.length)
  return Buffer.alloc(length, EMPTY_BLOCK)
}

function oneBlock ({ protocol, fromPort, toPort, payload }: GzipPayload): Buffer {
  const size = payload.length
  if (size > MAX_STORED) throw new I2cpError('I2CP_PAYLOAD_TOO_LARGE', `payload of ${size} bytes`)
  const bytes = Buffer.allocUnsafe(CONTAINER_OVERHEAD + size)
  bytes.writeUIntBE(MAGIC, 0, 3)
  bytes.writeUInt8(0, OFFSET.FLAGS)
  bytes.writeUInt16BE(fromPort, OFFSET.FROM_PORT)
  bytes.writeUInt16BE(toPort, OFFSET.TO_PORT)
  bytes.writeUInt8(EXTRA_FLAGS, OFFSET.EXTRA_FLAGS)
  bytes.writeUInt8(protocol, OFFSET.PROTOCOL)
  bytes.writeUInt8(FINAL_STORED, OFFSET.BLOCK)
  bytes.writeUInt16LE(size, OFFSET.LENGTH)
  bytes.writeUInt16LE(size ^ 0xffff, OFFSET.LENGTH_CHECK)
  bytes.set(payload, OFFSET.DATA)
  bytes.writeUInt32LE(crc32(payload), OFFSET.DATA + size)
  bytes.writeUInt32LE(size, OFFSET.DATA + size + 4)
  return bytes
}

/** Java's client library refuses containers that hold more, bytes; larger payloads are not compressed. */
const MAX_COMPRESSED_INPUT = 40_000
/** Below this Java does not compress either: the gain is eaten by the header of the block. */
const MIN_COMPRESSED_INPUT = 66

/** Like encodeGzipPayload, compressed if that is shorter. */
export function compressGzipPayload (fields: GzipPayload, padTo = 0): Buffer {
  const { payload } = fields
  if (payload.length < MIN_COMPRESSED_INPUT || payload.length > MAX_COMPRESSED_INPUT) return encodeGzipPayload(fields, padTo)
  const deflated = deflateRawSync(payload)
  if (deflated.length >= payload.length) return encodeGzipPayload(fields, padTo)
  const frame = oneBlock({ ...fields, payload: Buffer.alloc(0) })
  const blocks = emptyBlocks(padTo + CONTAINER_OVERHEAD - OFFSET.BLOCK - deflated.length - TRAILER)
  const trailer = Buffer.alloc(TRAILER)
  trailer.writeUInt32LE(crc32(payload), 0)
  trailer.writeUInt32LE(payload.length, 4)
  return Buffer.concat([frame.subarray(0, OFFSET.BLOCK), blocks, deflated, trailer])
}

/**
 * Unwraps any gzip container, compressed or not. Output is bounded before it is produced: I2CP_PAYLOAD_TOO_LARGE.
 * Throws I2CP_MALFORMED for anything that is not one gzip member with a right checksum.
 */
export function decodeGzipPayload (bytes: Uint8Array, maxOutput = MAX_STORED): ContainerFields & { payload: Buffer } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length < OFFSET.BLOCK + TRAILER || buffer.readUIntBE(0, 3) !== MAGIC) throw malformed('not a gzip container')
  const payload = stored(buffer, maxOutput) ?? inflate(buffer, maxOutput)
  return {
    protocol: buffer.readUInt8(OFFSET.PROTOCOL),
    fromPort: buffer.readUInt16BE(OFFSET.FROM_PORT),
    toPort: buffer.readUInt16BE(OFFSET.TO_PORT),
    payload
  }
}

/** The usual case between MinWWW peers: one stored block, after empty ones. Shares memory; undefined when it is anything else. */
function stored (buffer: Buffer, maxOutput: number): Buffer | undefined {
  const end = buffer.length - TRAILER
  if (buffer[OFFSET.FLAGS] !== 0) return undefined
  let at = OFFSET.BLOCK
  while (EMPTY_BLOCK.equals(buffer.subarray(at, at + EMPTY_BLOCK.length))) at += EMPTY_BLOCK.length
  const start = at + OFFSET.DATA - OFFSET.BLOCK
  if (end < start || buffer[at] !== FINAL_STORED) return undefined
  const size = buffer.readUInt16LE(at + OFFSET.LENGTH - OFFSET.BLOCK)
  if (size !== end - start || (size ^ 0xffff) !== buffer.readUInt16LE(at + OFFSET.LENGTH_CHECK - OFFSET.BLOCK)) return undefined
  if (size > maxOutput) throw new I2cpError('I2CP_PAYLOAD_TOO_LARGE', `container holds more than ${maxOutput} bytes`)
  const payload = buffer.subarray(start, end)
  if (crc32(payload) !== buffer.readUInt32LE(end) || size !== buffer.readUInt32LE(end + 4)) throw malformed('gzip checksum')
  return payload
}

function inflate (buffer: Buffer, maxOutput: number): Buffer {
  try {
    // zlib refuses a bound of 0; the extra byte is checked below.
    const payload = gunzipSync(buffer, { maxOutputLength: maxOutput + 1, finishFlush: constants.Z_FINISH })
    if (payload.length <= maxOutput) return payload
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw malformed('gzip container damaged')
  }
  throw new I2cpError('I2CP_PAYLOAD_TOO_LARGE', `container holds more than ${maxOutput} bytes`)
}
