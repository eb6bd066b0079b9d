import { MalformedError, type ByteReader } from './byte-reader.ts'

/** How long a message is (RFC 9112 section 6.3). */
export type Framing =
  | { kind: 'none' }
  | { kind: 'length', length: number }
  | { kind: 'chunked' }
  /** Responses only. */
  | { kind: 'until-close' }

/** Bytes of one piece. */
const MAX_PIECE = 65_536
/** Bytes of a chunk's first line with its extensions, and of all trailer fields, which go no further. */
const MAX_CHUNK_LINE = 1_024
const MAX_TRAILERS = 8_192
/** `1*HEXDIG [ chunk-ext ]` of at most 2^52. */
const CHUNK = /^([0-9a-f]{1,13})[\t ]*(;[\t\x20-\x7e\x80-\xff]*)?\r\n$/i

/** The body piece by piece, up to its end and no further. @throws MalformedError if it is cut or no HTTP, and what the reader throws */
export async function * readBody (reader: ByteReader, framing: Framing, ms: number): AsyncGenerator<Buffer, void, undefined> {
  switch (framing.kind) {
    case 'none': return
    case 'length': return yield * exactly(reader, framing.length, ms)
    case 'chunked': return yield * chunks(reader, ms)
    case 'until-close':
      for (let piece = await reader.take(MAX_PIECE, ms); piece !== undefined; piece = await reader.take(MAX_PIECE, ms)) yield piece
  }
}

async function * exactly (reader: ByteReader, length: number, ms: number): AsyncGenerator<Buffer, void, undefined> {
  for (let left = length; left > 0;) {
    const piece = await reader.take(Math.min(left, MAX_PIECE), ms)
    if (piece === undefined) throw new MalformedError('the connection ended inside a body')
    left -= piece.length
    yield piece
  }
}

async function * chunks (reader: ByteReader, ms: number): AsyncGenerator<Buffer, void, undefined> {
  for (;;) {
    const size = CHUNK.exec(await line(reader, MAX_CHUNK_LINE, ms))?.[1]
    if (size === undefined) throw new MalformedError('a chunk')
    const length = parseInt(size, 16)
    if (length === 0) return await skipTrailers(reader, ms)
    yield * exactly(reader, length, ms)
    if (await line(reader, 2, ms) !== '\r\n') throw new MalformedError('the end of a chunk')
  }
}

async function skipTrailers (reader: ByteReader, ms: number): Promise<void> {
  for (let left = MAX_TRAILERS; ;) {
    const text = await line(reader, left, ms)
    if (!text.endsWith('\r\n')) throw new MalformedError('a trailer')
    if (text === '\r\n') return
    left -= text.length
  }
}

async function line (reader: ByteReader, limit: number, ms: number): Promise<string> {
  const bytes = await reader.line(limit, ms)
  if (bytes === undefined) throw new MalformedError('the connection ended inside a body')
  return bytes.toString('latin1')
}

const END = Buffer.from('0\r\n\r\n')
const CRLF = Buffer.from('\r\n')

/** One piece as a chunk. An empty one would be the end, so it is nothing. */
export function chunk (piece: Uint8Array): Buffer {
  if (piece.length === 0) return Buffer.alloc(0)
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, CRLF])
}

export function lastChunk (): Buffer {
  return END
}
