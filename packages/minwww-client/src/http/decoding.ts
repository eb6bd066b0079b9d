import { Readable } from 'node:stream'
import { isBodiless, type Answer } from './answer.ts'
import { acceptsCodings, canDecode, codingsOf, costOf, decodeBody, unheard } from './coding.ts'
import type { DecoderRoom } from './decoder-room.ts'
import { ProxyError } from './failures.ts'
import { listOf, valueOf, type Fields } from './fields.ts'

/** A decoded body up to this size, bytes, is sent with its length. */
const SMALL = 65_536
/** Of codings beneath the outermost one nothing is known before they are undone. */
const UNKNOWN = Buffer.from([0x11])

/** What asks for a decoded body. */
export interface Reader {
  readonly acceptEncoding: string | undefined
  readonly method: string
  readonly signal: AbortSignal
}

/**
 * The answer's body and fields as the reader takes them: codings that he does not take are undone while he reads, unless the
 * site forbids it (`no-transform`), the body is a part of a whole, or a coding is not known: then it goes on as it came.
 * @throws ProxyError MINWWW_BAD_UPSTREAM for a body that is not coded as it says, MINWWW_OVERLOADED; the body's error
 */
export async function decodedFor (reader: Reader, answer: Answer, room: DecoderRoom): Promise<Pick<Answer, 'fields' | 'body'>> {
  const { fields, body, status } = answer
  const codings = codingsOf(valueOf(fields, 'content-encoding'))
  const isWanted = codings.length > 0 && !acceptsCodings(reader.acceptEncoding, codings)
  const isKept = !isWanted || status === 206 || !canDecode(codings) || isUntouchable(fields)
  if (isKept) return { fields, body }
  const plain = identityFields(fields)
  if (isBodiless(reader.method, status)) return { fields: plain, body }
  const { start, whole } = await beginningOf(body)
  if (start.length === 0) return { fields: plain, body: start }
  const cost = codings.reduce((sum, coding, index) => sum + costOf(coding, index === codings.length - 1 ? start : UNKNOWN), 0)
  const decoder: { stream?: Readable } = {}
  const lease = await room.take(cost, reader.signal, error => decoder.stream?.destroy(error)).catch((error: unknown) => {
    whole.destroy()
    throw error
  })
  const stream = decoder.stream = decodeBody(whole, codings)
  const abort = (): void => { stream.destroy() }
  reader.signal.addEventListener('abort', abort, { once: true })
  stream.once('close', () => {
    lease.release()
    reader.signal.removeEventListener('abort', abort)
  })
  if (reader.signal.aborted) abort()
  const parts = readCoded(stream, lease.progress)
  return { fields: plain, body: Buffer.isBuffer(body) ? await smallOr(parts, stream) : await afterFirst(parts, stream) }
}

const isUntouchable = (fields: Fields): boolean => listOf(valueOf(fields, 'cache-control')).includes('no-transform')

/** A strong validator, and a digest, belong to the coded bytes. */
function identityFields (fields: Fields): Fields {
  return fields.filter(([name]) => !/^(?:content-encoding|content-length|content-md5|digest|content-digest)$/i.test(name))
    .map(([name, value]) => name.toLowerCase() === 'etag' && value.startsWith('"') ? [name, `W/${value}`] : [name, value])
}

/** The first bytes of a body, and the body with them. */
async function beginningOf (body: Buffer | Readable): Promise<{ start: Buffer, whole: Readable }> {
  if (Buffer.isBuffer(body)) return { start: body, whole: unheard(Readable.from([body], { objectMode: false })) }
  const chunks: AsyncIterator<Buffer> = body[Symbol.asyncIterator]()
  const first = await chunks.next()
  const start = first.done === true ? Buffer.alloc(0) : first.value
  const whole = resumed([start], chunks, body)
  return { start, whole }
}

/** Parts that were read ahead, and the rest of them; the source ends with the stream. */
function resumed (parts: readonly Buffer[], rest: AsyncIterator<Buffer>, source: Readable): Readable {
  async function * all (): AsyncGenerator<Buffer> {
    yield * parts
    yield * { [Symbol.asyncIterator]: () => rest }
  }
  const stream = unheard(Readable.from(all(), { objectMode: false, highWaterMark: 16_384 }))
  stream.once('close', () => source.destroy())
  return stream
}

async function * readCoded (stream: Readable, progress: () => void): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      progress()
      yield chunk
    }
  } catch (error) {
    const isOfZlib = /^(?:Z_|ERR__ERROR|ERR_BROTLI|ERR_)/.test((error as { code?: string }).code ?? '') && !(error instanceof ProxyError)
    throw isOfZlib ? new ProxyError('MINWWW_BAD_UPSTREAM', 'the body is not what its Content-Encoding says', { cause: error }) : error
  }
}

/** A body that turns out to be small is sent with its length, and one that is junk not at all. */
async function smallOr (parts: AsyncGenerator<Buffer>, stream: Readable): Promise<Buffer | Readable> {
  const read: Buffer[] = [] // up to SMALL bytes
  for (let size = 0; size <= SMALL;) {
    const next = await parts.next()
    if (next.done === true) return Buffer.concat(read)
    read.push(next.value)
    size += next.value.length
  }
  return resumed(read, parts, stream)
}

async function afterFirst (parts: AsyncGenerator<Buffer>, stream: Readable): Promise<Readable> {
  const first = await parts.next()
  return resumed(first.done === true ? [] : [first.value], parts, stream)
}
