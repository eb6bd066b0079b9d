import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { destroyBody, isBodiless, type Answer } from '../http/answer.ts'
import { acceptsCodings, canDecode, codingsOf, decodeBody } from '../http/coding.ts'
import { ProxyError } from '../http/failures.ts'
import { valueOf, type Fields } from '../http/fields.ts'
import { renderError, type ErrorPageInput } from '../pages/error-page.ts'

/**
 * Writes a response to the browser: coded as the browser takes it, with a right length, and without a body where there
 * is none. Resolves with the number of body bytes.
 * @throws ProxyError before the head is written; a stream's error after it, with the connection destroyed
 */
export async function sendAnswer (request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<number> {
  const { status, reason } = answer
  const codings = codingsOf(valueOf(answer.fields, 'content-encoding'))
  const decode = codings.length > 0 && status !== 206 && canDecode(codings) && !acceptsCodings(request.headers['accept-encoding'], codings)
  let fields = decode ? identityFields(answer.fields) : answer.fields
  if (isBodiless(request.method ?? 'GET', status)) {
    destroyBody(answer)
    if (status === 204) fields = without(fields, 'content-length')
    response.writeHead(status, safeReason(reason), fields.flat()).end()
    return 0
  }
  const body = decode ? await decoded(answer.body, codings) : answer.body
  if (Buffer.isBuffer(body)) {
    fields = [...without(fields, 'content-length'), ['Content-Length', String(body.length)]]
    response.writeHead(status, safeReason(reason), fields.flat()).end(body)
    return body.length
  }
  response.writeHead(status, safeReason(reason), fields.flat())
  let bytes = 0
  body.on('data', (chunk: Buffer) => { bytes += chunk.length })
  await pipeline(body, response)
  return bytes
}

/** Writes an error page; after the head of a response there is nothing left to do but to break the connection. */
export function sendError (request: IncomingMessage, response: ServerResponse, input: Omit<ErrorPageInput, 'accept'>, extra: Fields = []): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const page = renderError({ ...input, accept: request.headers.accept })
  const fields = [...page.fields, ...extra]
  // What is left of a body must not be read as the next request.
  if (!request.complete && !request.readableEnded && request.method !== 'GET' && request.method !== 'HEAD') fields.push(['Connection', 'close'])
  response.writeHead(page.status, page.reason, fields.flat())
  response.end(request.method === 'HEAD' ? undefined : page.body)
}

/** A strong validator belongs to the coded bytes. */
function identityFields (fields: Fields): Fields {
  return without(without(fields, 'content-encoding'), 'content-length').map(([name, value]) =>
    name.toLowerCase() === 'etag' && value.startsWith('"') ? [name, `W/${value}`] : [name, value])
}

const without = (fields: Fields, name: string): Fields => fields.filter(field => field[0].toLowerCase() !== name)

async function decoded (body: Buffer | Readable, codings: readonly string[]): Promise<Buffer | Readable> {
  if (!Buffer.isBuffer(body)) return decodeBody(body, codings)
  const chunks: Buffer[] = []
  try {
    for await (const chunk of decodeBody(Readable.from([body]), codings)) chunks.push(chunk as Buffer)
  } catch (error) {
    if (error instanceof ProxyError) throw error
    throw new ProxyError('MINWWW_BAD_UPSTREAM', 'the body is not what its Content-Encoding says', { cause: error })
  }
  return Buffer.concat(chunks)
}

const safeReason = (reason: string): string => reason.replace(/[^\t\x20-\x7e]/g, '')
