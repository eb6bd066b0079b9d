import { Transform, type Readable, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream'
import zlib from 'node:zlib'
import { ServerError } from '../errors.ts'
import { listOf, valuesOf, withoutFields } from './fields.ts'
import type { Field, UpstreamResponse } from './http-types.ts'

/** What the exit asks for, whoever asks it: the fewest bytes, and the same words for every client. */
export const ACCEPT_ENCODING = 'br, gzip'

/** A body may grow to this times its coded size, and SLACK bytes more. Real pages stay below 30. */
const MAX_RATIO = 200
const SLACK = 1 << 20
const MAX_CODINGS = 2

/**
 * The response in a coding that the client accepts: undone here where it does not. A body that inflates beyond
 * MAX_RATIO ends with MINWWW_EXIT_MALFORMED. A coding that the exit does not know passes as it came.
 */
export function adaptCoding (response: UpstreamResponse, accept: readonly Field[]): UpstreamResponse {
  const codings = listOf(response.headers, 'content-encoding').filter(coding => coding !== 'identity')
  if (!response.hasBody || codings.length === 0 || codings.every(coding => accepts(accept, coding))) return response
  const decoders = codings.map(decoderOf).reverse()
  if (codings.length > MAX_CODINGS || decoders.some(decoder => decoder === undefined)) return response
  const meter = new RatioMeter(response.body)
  pipeline([response.body, ...decoders as zlib.Gunzip[], meter], () => {})
  return { ...response, headers: decodedFields(response.headers), body: meter, length: undefined }
}

/** Whether an Accept-Encoding field names the coding with a weight above 0. Without the field nothing but identity is safe. */
export function accepts (fields: readonly Field[], coding: string): boolean {
  const wanted = coding === 'x-gzip' ? 'gzip' : coding
  return listOf(fields, 'accept-encoding').some(member => {
    const [name, ...parameters] = member.split(';').map(part => part.trim())
    return (name === wanted || name === '*') && !parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter))
  })
}

function decoderOf (coding: string): zlib.Gunzip | zlib.BrotliDecompress | undefined {
  switch (coding) {
    case 'br': return zlib.createBrotliDecompress()
    case 'gzip': case 'x-gzip': return zlib.createGunzip()
    case 'deflate': return zlib.createInflate()
    default: return undefined
  }
}

// The bytes are no longer those that the validator was made for, so a strong one becomes weak (RFC 9110 section 8.8.1).
function decodedFields (fields: readonly Field[]): Field[] {
  const kept = withoutFields(fields, new Set(['content-encoding', 'content-length', 'content-md5', 'digest', 'repr-digest', 'content-digest', 'etag']))
  const etag = valuesOf(fields, 'etag')[0]
  if (etag !== undefined) kept.push(['ETag', etag.startsWith('W/') ? etag : `W/${etag}`])
  return kept
}

class RatioMeter extends Transform {
  readonly #source: Readable
  #coded = 0
  #decoded = 0

  constructor (source: Readable) {
    super()
    this.#source = source
    source.on('data', (chunk: Buffer) => { this.#coded += chunk.length })
    source.pause()
  }

  override _transform (chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#decoded += chunk.length
    if (this.#decoded > this.#coded * MAX_RATIO + SLACK) {
      this.#source.destroy()
      return done(new ServerError('MINWWW_EXIT_MALFORMED', 'the answer of the site inflates without end'))
    }
    done(null, chunk)
  }
}
