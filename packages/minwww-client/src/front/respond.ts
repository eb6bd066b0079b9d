import type { IncomingMessage, ServerResponse } from 'node:http'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { destroyBody, isBodiless, type Answer } from '../http/answer.ts'
import { decodedFor } from '../http/decoding.ts'
import { ProxyError } from '../http/failures.ts'
import { without, type Fields } from '../http/fields.ts'
import { renderError, type ErrorPageInput } from '../pages/error-page.ts'
import type { DecoderRoom } from '../http/decoder-room.ts'
import { Connection } from './connection.ts'
import type { Exchange } from './exchange.ts'

export interface Sending {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly exchange: Exchange
  readonly answer: Answer
  readonly room: DecoderRoom
  /** Told of each part of the body that the browser takes. */
  readonly sent: (bytes: number) => void
}

/**
 * Writes a response to the browser: coded as the browser takes it, with a right length, and without a body where there
 * is none.
 * @throws ProxyError before the head is written; a stream's error after it, with the connection destroyed
 */
export async function sendAnswer ({ request, response, exchange, answer, room, sent }: Sending): Promise<void> {
  exchange.answered()
  try {
    await send({ request, response, exchange, answer, room, sent })
  } catch (error) {
    throw isBreak(error) ? new ProxyError('MINWWW_CONNECTION_FAILED', 'the answer broke off', { cause: error }) : error
  }
}

/** A stream that ended too early says so with a code of the system, or of node's streams. */
const BREAK = /^(?:E[A-Z]+|ERR_STREAM_PREMATURE_CLOSE|STREAMING_[A-Z_]+|HPE_[A-Z_]+)$/
const isBreak = (error: unknown): boolean => !(error instanceof ProxyError) && BREAK.test((error as { code?: string }).code ?? '')

async function send ({ request, response, exchange, answer, room, sent }: Sending): Promise<void> {
  const { status, reason } = answer
  const reader = { acceptEncoding: request.headers['accept-encoding'], method: request.method ?? 'GET', signal: exchange.signal }
  const { body, fields: decoded } = await exchange.until(decodedFor(reader, answer, room))
  // An answer before the end of its request is the last one (RFC 9112, section 9.3).
  const fields: Fields = isWhole(request) ? decoded : [...decoded, ['Connection', 'close']]
  if (isBodiless(request.method ?? 'GET', status)) {
    destroyBody({ body })
    response.writeHead(status, safeReason(reason), (status === 204 ? without(fields, 'content-length') : fields).flat()).end()
    return
  }
  if (Buffer.isBuffer(body)) {
    const counted = [...without(fields, 'content-length'), ['Content-Length', String(body.length)]]
    response.writeHead(status, safeReason(reason), counted.flat()).end(body)
    sent(body.length)
    return
  }
  response.writeHead(status, safeReason(reason), fields.flat())
  // The head goes at once: the body may be long in coming.
  response.flushHeaders()
  const meter = new Transform({
    transform (chunk: Buffer, _encoding, done) {
      exchange.progress()
      sent(chunk.length)
      done(null, chunk)
    }
  })
  await pipeline(body, meter, response, { signal: exchange.signal })
}

/** Writes an error page; after the head of a response there is nothing left to do but to break the connection. */
export function sendError (
  request: IncomingMessage, response: ServerResponse, input: Omit<ErrorPageInput, 'accept'>, extra: Fields = []
): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const page = renderError({ ...input, accept: request.headers.accept })
  const fields = [...page.fields, ...extra]
  // What is left of a body must not be read as the next request.
  if (!isWhole(request)) fields.push(['Connection', 'close'])
  response.writeHead(page.status, page.reason, fields.flat())
  response.end(request.method === 'HEAD' ? undefined : page.body)
}

const isWhole = (request: IncomingMessage): boolean => Connection.of(request).isWhole

/** Text that may stand in a status line. */
const safeReason = (reason: string): string => reason.replace(/[^\t\x20-\x7e\x80-\xff]/g, ' ').slice(0, 200)
