import { brotliCompressSync, brotliDecompressSync, constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { DICTIONARY, DICTIONARY_ID } from './dictionary.ts'
import { ProtocolError } from './errors.ts'

/** Codings of an object, its first byte (section 4). */
export const CODINGS = { identity: 0, deflate: DICTIONARY_ID, brotli: 2 } as const
export type Coding = 0 | 1 | 2
/** What an object holds; that of a push is a response behind the request that it answers. */
export type MessageKind = 'request' | 'response' | 'push'

/** Largest response that a client takes, decoded: a coded object of 128 KiB can hold a few times as much. */
export const MAX_RESPONSE = 4 * 1024 * 1024

/** Deflate with the dictionary is tried up to this size of a text; brotli wins above. */
const SMALL_TEXT = 4 * 1024
/** Brotli's first kilobyte costs more than it saves. */
const MIN_BROTLI = 1024
const BROTLI_QUALITY = 5
const REQUEST_LEVEL = 9
const HEAD_LEVEL = 6
const MAX_STORED = 0xffff
const END_OF_HEAD = '\r\n\r\n'
const CODED_BODY = /\r\ncontent-encoding:[\t ]*(?!identity)[^\r\s]/i
const TEXT = new RegExp('\\r\\ncontent-type:[\\t ]*(?:text/|application/(?:[\\w.+-]*(?:json|xml|javascript|wasm)|x-sh)|' +
  'image/(?:svg|bmp|x-icon|vnd\\.microsoft))', 'i')

/**
 * The object of an HTTP message: a byte of coding and the message in the smallest coding allowed. A body that is
 * coded or compressed already is not coded again: its deflate stream holds it in stored blocks.
 */
export function encodeObject (message: Uint8Array, options: { coding?: Coding, kind?: MessageKind } = {}): Buffer {
  const candidates = options.coding === undefined
    ? suitableCodings(message, options.kind ?? 'response')
    : [withCoding(message, options.coding)]
  return candidates.reduce((a, b) => b.length < a.length ? b : a)
}

/**
 * The HTTP message of an object, at most `maxOutput` bytes. Throws MINWWW_OBJECT_TOO_LARGE above that,
 * MINWWW_BAD_OBJECT for an unknown coding or a broken stream.
 */
export function decodeObject (object: Uint8Array, maxOutput: number): Buffer {
  const content = Buffer.from(object.buffer, object.byteOffset, object.length).subarray(1)
  try {
    switch (object[0]) {
      case CODINGS.identity:
        if (content.length > maxOutput) throw tooLarge(maxOutput)
        return content
      case CODINGS.deflate: return inflateRawSync(content, { dictionary: DICTIONARY, maxOutputLength: maxOutput })
      case CODINGS.brotli: return brotliDecompressSync(content, { maxOutputLength: maxOutput })
      default: throw new ProtocolError('MINWWW_BAD_OBJECT', `coding ${object[0]}`)
    }
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxOutput)
    throw new ProtocolError('MINWWW_BAD_OBJECT', 'the object does not decode')
  }
}

/**
 * What can be decoded of the first bytes of an object, at most about `maxOutput` bytes; empty where nothing can.
 */
export function decodeFront (object: Uint8Array, maxOutput: number): Buffer {
  const content = Buffer.from(object.buffer, object.byteOffset, object.length).subarray(1)
  try {
    switch (object[0]) {
      case CODINGS.identity: return content.subarray(0, maxOutput)
      case CODINGS.deflate:
        return inflateRawSync(content, { dictionary: DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: maxOutput })
      case CODINGS.brotli:
        return brotliDecompressSync(content, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: maxOutput })
      default: return Buffer.alloc(0)
    }
  } catch {
    return Buffer.alloc(0)
  }
}

function suitableCodings (message: Uint8Array, kind: MessageKind): Buffer[] {
  const identity = withCoding(message, CODINGS.identity)
  if (kind === 'request') return [identity, deflated(message, REQUEST_LEVEL)]
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length)
  const first = bytes.indexOf(END_OF_HEAD)
  const end = kind === 'push' && first >= 0 ? bytes.indexOf(END_OF_HEAD, first + END_OF_HEAD.length) : first
  const bodyStart = end < 0 ? 0 : end + END_OF_HEAD.length
  const head = bytes.toString('latin1', 0, bodyStart)
  if (end >= 0 && (CODED_BODY.test(head) || !TEXT.test(head))) return [identity, storedBody(bytes, bodyStart)]
  const codings = [identity]
  if (message.length <= SMALL_TEXT) codings.push(deflated(message, HEAD_LEVEL))
  if (message.length >= MIN_BROTLI) codings.push(brotlied(message))
  return codings
}

function withCoding (message: Uint8Array, coding: Coding): Buffer {
  switch (coding) {
    case CODINGS.identity: return tagged(coding, message)
    case CODINGS.deflate: return deflated(message, REQUEST_LEVEL)
    case CODINGS.brotli: return brotlied(message)
  }
}

function deflated (message: Uint8Array, level: number): Buffer {
  return tagged(CODINGS.deflate, deflateRawSync(message, { level, dictionary: DICTIONARY }))
}

function brotlied (message: Uint8Array): Buffer {
  return tagged(CODINGS.brotli, brotliCompressSync(message, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: message.length,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT
    }
  }))
}

/** Deflates the head up to a byte border, then appends the body in stored blocks: costs a copy, not a compression. */
function storedBody (message: Buffer, bodyStart: number): Buffer {
  const body = message.subarray(bodyStart)
  if (body.length === 0) return deflated(message, HEAD_LEVEL)
  const head = deflateRawSync(message.subarray(0, bodyStart), {
    level: HEAD_LEVEL, dictionary: DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH
  })
  const parts: Buffer[] = [Buffer.of(CODINGS.deflate), head]
  for (let start = 0; start < body.length; start += MAX_STORED) {
    const block = body.subarray(start, start + MAX_STORED)
    const header = Buffer.of(start + block.length === body.length ? 1 : 0, 0, 0, 0, 0)
    header.writeUInt16LE(block.length, 1)
    header.writeUInt16LE(block.length ^ MAX_STORED, 3)
    parts.push(header, block)
  }
  return Buffer.concat(parts)
}

function tagged (coding: Coding, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(coding), content])
}

function tooLarge (most: number): ProtocolError {
  return new ProtocolError('MINWWW_OBJECT_TOO_LARGE', `the object holds more than ${most} bytes`)
}
