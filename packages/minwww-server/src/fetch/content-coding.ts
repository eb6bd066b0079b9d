import { Transform, type Readable, type TransformCallback } from 'node:stream'
import zlib from 'node:zlib'
import { ServerError } from '../errors.ts'
import { toServerError } from './failures.ts'
import { listOf, valuesOf, withoutFields } from './fields.ts'
import type { Field } from './http-types.ts'
import type { ReplyHead } from './reply-head.ts'

/** What the exit asks for of whoever takes any of it: the fewest bytes, and the same words for every client. */
export const ACCEPT_ENCODING = 'br, gzip'
const OFFERED = ['br', 'gzip']

/** Codings of one body that are undone here; more are passed on or, as transfer codings, refused. */
const MAX_CODINGS = 2
const PARTIAL = 206

/** A body in other fields, and what it has to go through. */
export interface Adapted {
  headers: Field[]
  decoders: Transform[]
}

/**
 * What is to be undone of a response: its transfer codings always, its content codings where the client does not accept
 * them. Left as it is: what the site forbids to transform, a part of a coded body, a coding that the exit does not know.
 *
 * @throws ServerError MINWWW_EXIT_MALFORMED for a transfer coding that the exit cannot undo
 */
export function adaptCoding (head: ReplyHead, accept: readonly Field[]): Adapted {
  const transfer = head.transferCodings.map(decoderOf).reverse()
  if (transfer.length > MAX_CODINGS || transfer.some(decoder => decoder === undefined)) {
    throw new ServerError('MINWWW_EXIT_MALFORMED', 'the site sent a transfer coding that this exit does not know')
  }
  const content = wants(head, accept) ? head.codings.map(decoderOf).reverse() : []
  const isKnown = content.length <= MAX_CODINGS && content.every(decoder => decoder !== undefined)
  const decoders = [...transfer, ...isKnown ? content : []].filter(decoder => decoder !== undefined)
  return { headers: isKnown && content.length > 0 ? decodedFields(head.headers) : head.headers, decoders }
}

/** The Accept-Encoding for the site: the exit's own where the client takes any of it, so that clients look alike. */
export function codingsToAskFor (accept: readonly Field[]): string {
  // A range is counted in bytes of the representation that the client knows, so a coding must not come in between.
  if (valuesOf(accept, 'range').length > 0) return 'identity'
  return OFFERED.some(coding => accepts(accept, coding)) ? ACCEPT_ENCODING : 'identity'
}

/** Whether an Accept-Encoding field names the coding with a weight above 0. Without the field nothing but identity is safe. */
export function accepts (fields: readonly Field[], coding: string): boolean {
  const wanted = coding === 'x-gzip' ? 'gzip' : coding
  return listOf(fields, 'accept-encoding').some(member => {
    const [name, ...parameters] = member.split(';').map(part => part.trim())
    return (name === wanted || name === '*') && !parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter))
  })
}

/**
 * The body behind its decoders, piece by piece: what has not been asked for is not decoded, so a body may grow as it
 * likes and memory stays at a few pieces. An error on either end ends the whole.
 */
export function decode (body: Readable, decoders: readonly Transform[]): Readable {
  return decoders.reduce<Readable>((from, decoder) => {
    from.once('error', error => decoder.destroy(error))
    decoder.once('close', () => from.destroy())
    return from.pipe(decoder)
  }, body)
}

function wants (head: ReplyHead, accept: readonly Field[]): boolean {
  if (head.codings.length === 0 || head.framing.kind === 'none' || head.noTransform || head.status === PARTIAL) return false
  return !head.codings.every(coding => accepts(accept, coding))
}

/** Bytes that a decoder gives at once. */
const PIECES = { chunkSize: 65_536 }

function decoderOf (coding: string): Transform | undefined {
  switch (coding) {
    case 'br': return new Lazy(() => zlib.createBrotliDecompress(PIECES))
    case 'gzip': case 'x-gzip': return new Lazy(() => zlib.createGunzip(PIECES))
    case 'deflate': return new Lazy(first => isZlib(first) ? zlib.createInflate(PIECES) : zlib.createInflateRaw(PIECES))
    default: return undefined
  }
}

/** RFC 1950 section 2.2. Many servers send `deflate` without this wrapper (RFC 9110 section 8.4.1.2). */
function isZlib (first: Buffer): boolean {
  const [cmf = 0, flags = 0] = first
  return (cmf & 0x0f) === 8 && (cmf << 8 | flags) % 31 === 0
}

// The bytes are no longer those that the validator was made for, so a strong one becomes weak (RFC 9110 section 8.8.1).
const CHANGED = new Set(['content-encoding', 'content-length', 'content-md5', 'digest', 'repr-digest', 'content-digest', 'etag'])

function decodedFields (fields: readonly Field[]): Field[] {
  const kept = withoutFields(fields, CHANGED)
  const etag = valuesOf(fields, 'etag')[0]
  if (etag !== undefined) kept.push(['ETag', etag.startsWith('W/') ? etag : `W/${etag}`])
  return kept
}

/** The two bytes by which a decoder is chosen. */
const CHOICE = 2

/** A decoder that is made at the first bytes: an empty body is an empty body in every coding, and `deflate` has two forms. */
class Lazy extends Transform {
  readonly #make: (first: Buffer) => Transform
  #decoder: Transform | undefined
  #first: Buffer = Buffer.alloc(0)

  constructor (make: (first: Buffer) => Transform) {
    super({ readableHighWaterMark: PIECES.chunkSize })
    this.#make = make
  }

  override _transform (piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#decoder !== undefined) return this.#write(this.#decoder, piece, done)
    this.#first = this.#first.length === 0 ? piece : Buffer.concat([this.#first, piece])
    if (this.#first.length < CHOICE) return done()
    this.#write(this.#open(), this.#first, done)
  }

  override _flush (done: TransformCallback): void {
    if (this.#decoder === undefined && this.#first.length === 0) return done()
    const decoder = this.#decoder ?? this.#open()
    if (this.#first.length === 1) decoder.write(this.#first)
    decoder.once('end', () => done())
    decoder.end()
  }

  override _read (size: number): void {
    this.#decoder?.resume()
    super._read(size)
  }

  override _destroy (error: Error | null, done: (error?: Error | null) => void): void {
    this.#decoder?.destroy()
    done(error)
  }

  #open (): Transform {
    const decoder = this.#make(this.#first)
    this.#decoder = decoder
    decoder.on('data', (decoded: Buffer) => { if (!this.push(decoded)) decoder.pause() })
    decoder.on('error', error => this.destroy(toServerError(error, 'body')))
    return decoder
  }

  #write (decoder: Transform, piece: Buffer, done: TransformCallback): void {
    if (decoder.write(piece)) return done()
    decoder.once('drain', () => done())
  }
}
