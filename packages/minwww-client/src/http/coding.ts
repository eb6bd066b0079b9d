import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { pipeline, Transform, type Readable } from 'node:stream'
import { listOf } from './fields.ts'
import { ProxyError } from './failures.ts'

/** Largest body that is decoded, bytes: a browser that asks for a plain body of more gets an error, never a bomb. */
export const MAX_DECODED = 64 * 1024 * 1024
/** Decoded bytes may be this many times the coded ones, once over a megabyte: text reaches 20, bombs 1000. */
const MAX_RATIO = 200
const RATIO_FREE = 1024 * 1024 // bytes
/** More codings than this on one body are refused. */
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

/** Undoes the codings in a stream; the stream fails with MINWWW_BAD_UPSTREAM on junk and on bombs. */
export function decodeBody (body: Readable, codings: readonly string[]): Readable {
  let coded = 0
  let decoded = 0
  const count = new Transform({
    transform (chunk: Buffer, _encoding, done) { coded += chunk.length; done(null, chunk) }
  })
  const bound = new Transform({
    transform (chunk: Buffer, _encoding, done) {
      decoded += chunk.length
      const isBomb = decoded > MAX_DECODED || (decoded > RATIO_FREE && decoded > coded * MAX_RATIO)
      done(isBomb ? new ProxyError('MINWWW_BAD_UPSTREAM', 'the decoded body is too large') : null, chunk)
    }
  })
  const stages = [...codings].reverse().map(decoderOf)
  // pipeline() destroys every stage with the error of any one; the reader sees it on `bound`.
  pipeline([body, count, ...stages, bound], () => {})
  return bound
}

function decoderOf (coding: string): Transform {
  if (coding === 'br') return createBrotliDecompress()
  if (coding === 'deflate') return new EitherInflate()
  return createGunzip()
}

/** "deflate" means zlib, but some servers send it raw: the first byte tells. */
class EitherInflate extends Transform {
  #inner: Transform | undefined

  override _transform (chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (chunk.length === 0) return done()
    this.#inner ??= this.#start(chunk)
    this.#inner.write(chunk, () => done())
  }

  override _flush (done: (error?: Error | null) => void): void {
    if (this.#inner === undefined) return done()
    this.#inner.once('end', () => done())
    this.#inner.end()
  }

  override _destroy (error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner?.destroy()
    done(error)
  }

  #start (first: Buffer): Transform {
    const inner = ((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw()
    inner.on('data', (data: Buffer) => this.push(data))
    inner.once('error', error => this.destroy(error))
    return inner
  }
}
