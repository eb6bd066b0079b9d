import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { pipeline, Readable, type Transform } from 'node:stream'
import { listOf } from './fields.ts'

/** More codings than this on one body are not undone. */
const MAX_CODINGS = 3
const KNOWN = new Set(['gzip', 'x-gzip', 'br', 'deflate', 'identity'])

/** Codings of a body in the order in which they were applied, without identity. */
export const codingsOf = (contentEncoding: string | undefined): string[] =>
  listOf(contentEncoding).filter(coding => coding !== 'identity')

/** True if the browser's Accept-Encoding takes every one of the codings; without the field it takes none (we asked, not it). */
export function acceptsCodings (acceptEncoding: string | undefined, codings: readonly string[]): boolean {
  const weights = new Map(listOf(acceptEncoding).map(member => {
    const [name = '', ...parameters] = member.split(';').map(text => text.trim())
    const q = parameters.find(text => text.startsWith('q='))
    return [name, q === undefined ? 1 : Number.parseFloat(q.slice(2)) || 0] as const
  }))
  return codings.every(coding => (weights.get(coding) ?? weights.get(coding === 'gzip' ? 'x-gzip' : coding) ?? weights.get('*') ?? 0) > 0)
}

/** True if `decodeBody` can undo them. */
export const canDecode = (codings: readonly string[]): boolean =>
  codings.length <= MAX_CODINGS && codings.every(coding => KNOWN.has(coding))

/**
 * Undoes the codings as the reader reads: however long the body gets, a few chunks of it are in memory. The stream fails
 * with zlib's error on what is not coded so.
 */
export function decodeBody (body: Readable, codings: readonly string[]): Readable {
  return [...codings].reverse().reduce(undo, body)
}

/** A reader that has gone no longer hears of errors: then they are nobody's. */
export function unheard<T extends Readable> (stream: T): T {
  return stream.on('error', () => {})
}

function undo (coded: Readable, coding: string): Readable {
  if (coding !== 'deflate') return through(coded, coding === 'br' ? createBrotliDecompress() : createGunzip())
  const plain = unheard(Readable.from(inflateEither(coded), { objectMode: false, highWaterMark: 16_384 }))
  // Who is given up before the first byte was read runs no `finally`.
  plain.once('close', () => coded.destroy())
  return plain
}

/** The decoder fails with the body's error, and the body ends with the decoder. */
function through (coded: Readable, decoder: Transform): Transform {
  return unheard(pipeline(coded, decoder, () => {}))
}

/** "deflate" means zlib, but some servers send it raw (RFC 9110, section 8.4.1.2): the first two bytes tell. */
async function * inflateEither (coded: Readable): AsyncGenerator<Buffer> {
  const chunks: AsyncIterator<Buffer> = coded[Symbol.asyncIterator]()
  let start: Buffer = Buffer.alloc(0)
  while (start.length < 2) {
    const next = await chunks.next()
    if (next.done === true) break
    start = Buffer.concat([start, next.value])
  }
  if (start.length === 0) return
  async function * all (): AsyncGenerator<Buffer> {
    yield start
    yield * { [Symbol.asyncIterator]: () => chunks }
  }
  yield * through(unheard(Readable.from(all(), { objectMode: false })), isZlib(start) ? createInflate() : createInflateRaw())
}

/** RFC 1950, section 2.2: method 8, and a check of 31 over both bytes. */
const isZlib = (start: Buffer): boolean => start.length >= 2 && (start[0]! & 0x0f) === 8 && start.readUInt16BE(0) % 31 === 0

/** Memory that undoing a coding takes, bytes; `start` is the beginning of the coded body. */
export function costOf (coding: string, start: Buffer): number {
  return coding === 'br' ? (1 << brotliWindow(start[0] ?? 0)) + 524_288 : 131_072
}

/** Bits of a brotli stream's window (RFC 7932, section 9.1). */
export function brotliWindow (first: number): number {
  if ((first & 1) === 0) return 16
  const n = (first >> 1) & 7
  if (n !== 0) return 17 + n
  const m = (first >> 4) & 7
  return m === 0 ? 17 : m === 1 ? 24 : 8 + m
}
