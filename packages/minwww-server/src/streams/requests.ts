import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Destination } from '@minwww/i2cp/codec'
import { ALTERNATIVE } from '@minwww/protocol'
import { ServerError } from '../errors.ts'
import type { SuspendedResponse } from '../exit/suspended-responses.ts'
import { toServerError } from '../fetch/failures.ts'
import { valuesOf, withoutFields } from '../fetch/fields.ts'
import type { Field, HttpRequest, UpstreamResponse } from '../fetch/http-types.ts'
import { StreamExchange, type StreamContext } from './context.ts'
import { errorAnswer } from './error-answer.ts'
import { pour } from './relay.ts'

/** Says that the site can be had as messages, for a day (docs/protocol.md section 9). */
export const ALT_SVC: Field = ['Alt-Svc', `${ALTERNATIVE}; ma=86400`]
/** ms until a request that waits in the queue is given up. */
const QUEUE_TIME = 60_000

let nextId = 0

/** Answers one request of a stream; never rejects. */
export async function answerRequest (context: StreamContext, visitor: Destination, incoming: IncomingMessage, outgoing: ServerResponse, maxFields: number): Promise<void> {
  const exchange = new StreamExchange(context, visitor)
  const abort = new AbortController()
  outgoing.once('close', () => abort.abort(gone()))
  outgoing.sendDate = false
  try {
    const request = readRequest(incoming, maxFields)
    exchange.url = request.url
    exchange.admit(request.method)
    const { response, head } = await responseTo(context, visitor, request, abort.signal)
    const isSite = context.web.fetcher.isSite(request.url)
    const headers = isSite ? [...withoutFields(response.headers, new Set(['alt-svc'])), ALT_SVC] : response.headers
    outgoing.writeHead(response.status, response.reason, headers.flat())
    if (response.hasBody) {
      await pour(both(head, response), outgoing, async bytes => await exchange.download(bytes))
    } else response.body.resume()
    outgoing.end()
    exchange.finish()
  } catch (cause) {
    const error = toServerError(cause, 'request')
    exchange.finish(error)
    refuse(outgoing, error)
  }
}

/** The URL of a request in absolute-form, or in origin-form with a Host field. @throws ServerError MINWWW_EXIT_BAD_REQUEST */
export function urlOf (incoming: IncomingMessage, fields: readonly Field[]): string {
  const hosts = valuesOf(fields, 'host')
  if (hosts.length > 1) throw new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the request names several hosts')
  const url = incoming.url ?? ''
  if (!url.startsWith('/')) return url
  const host = hosts[0] ?? ''
  if (host === '' || /[/?#@\\]/.test(host)) throw new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the request names no host')
  return `http://${host}${url}`
}

export function fieldsOf (incoming: IncomingMessage, maxFields: number): Field[] {
  const raw = incoming.rawHeaders
  if (raw.length / 2 > maxFields) throw new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the request has too many fields')
  const fields: Field[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) fields.push([raw[index] ?? '', raw[index + 1] ?? ''])
  return fields
}

function readRequest (incoming: IncomingMessage, maxFields: number): HttpRequest {
  const headers = fieldsOf(incoming, maxFields)
  const hasBody = incoming.headers['transfer-encoding'] !== undefined || Number(incoming.headers['content-length'] ?? 0) > 0
  return { method: incoming.method ?? '', url: urlOf(incoming, headers), headers, body: hasBody ? incoming : undefined }
}

/** What is left of a response that was too large for messages, or a new one. The queue is left when the head is there. */
async function responseTo (context: StreamContext, visitor: Destination, request: HttpRequest, signal: AbortSignal): Promise<SuspendedResponse> {
  const leftover = context.suspended.take(visitor, request)
  if (leftover !== undefined) return leftover
  const response = await new Promise<UpstreamResponse>((resolve, reject) => {
    const id = `stream ${nextId++}`
    const { clock, queue, web } = context
    signal.addEventListener('abort', () => { if (queue.cancel(id)) reject(gone()) }, { once: true })
    queue.add({
      id,
      client: visitor.b32,
      deadline: clock.now() + QUEUE_TIME,
      run: async () => await web.fetcher.fetch(counted(context, request), visitor, signal).then(resolve, reject),
      onShed: () => reject(new ServerError('MINWWW_EXIT_BUSY', 'more is asked of this exit than it can do', { retryAfter: 5 }))
    })
  })
  return { response, head: [] }
}

function gone (): ServerError {
  return new ServerError('MINWWW_EXIT_CONNECTION', 'the client has gone')
}

/** A body that is counted as it goes up, and ends above what the operator allows. */
function counted (context: StreamContext, request: HttpRequest): HttpRequest {
  const { body } = request
  if (body === undefined || body instanceof Uint8Array) return request
  const max = context.policy.maxRequest
  let bytes = 0
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    context.bandwidth.countUpload(chunk.length)
    if (max > 0 && bytes > max) body.destroy(new ServerError('MINWWW_EXIT_POLICY', 'the request is larger than this exit takes'))
  })
  body.pause()
  return request
}

async function * both (head: readonly Buffer[], response: UpstreamResponse): AsyncGenerator<Buffer> {
  yield * head
  yield * response.body as AsyncIterable<Buffer>
}

/** A head that has gone out cannot be taken back: then the stream ends early, which the client sees as a cut. */
function refuse (outgoing: ServerResponse, error: ServerError): void {
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy()
    return
  }
  const answer = errorAnswer(error)
  outgoing.writeHead(answer.status, answer.reason, [...answer.headers, ['Connection', 'close']].flat())
  outgoing.end(answer.body)
}
