import type { Writable } from 'node:stream'
import type { Destination } from '@minwww/i2cp/codec'
import { ALTERNATIVE } from '@minwww/protocol'
import { ServerError } from '../errors.ts'
import type { SuspendedResponse } from '../exit/suspended-responses.ts'
import type { FetchWatch, Plan } from '../fetch/fetcher.ts'
import { valuesOf, withoutFields } from '../fetch/fields.ts'
import type { Field, HttpRequest, UpstreamResponse } from '../fetch/http-types.ts'
import { chunk, lastChunk } from '../http1/body.ts'
import type { IncomingRequest } from '../http1/request.ts'
import type { InterimResponse } from '../http1/response.ts'
import { responseHead, write } from '../http1/write.ts'
import { StreamExchange, type StreamContext } from './context.ts'
import { errorAnswer, responseBytes } from './error-answer.ts'
import { pour } from './relay.ts'
import type { RequestBody } from './request-body.ts'

/** Says that the site can be had as messages, for a day (docs/protocol.md section 9). */
export const ALT_SVC: Field = ['Alt-Svc', `${ALTERNATIVE}; ma=86400`]
/** ms until a request that waits in the queue is given up. */
const QUEUE_TIME = 60_000

let nextId = 0

/** One request of a stream, and where its answer goes. */
export interface StreamRequest {
  context: StreamContext
  visitor: Destination
  incoming: IncomingRequest
  body: RequestBody
  stream: Writable
  /** Aborted when the stream closes. */
  signal: AbortSignal
}

/** Answers one request of a stream. True if the stream is good for another one; never rejects. */
export async function answerRequest (asked: StreamRequest): Promise<boolean> {
  const { context, visitor, incoming } = asked
  const exchange = new StreamExchange(context, visitor)
  const sender = new AnswerSender(asked, exchange)
  try {
    const request = readRequest(asked)
    exchange.url = request.url
    exchange.admit(request.method)
    const { response, head } = await responseTo(asked, request, { signal: asked.signal, onInterim: interim => sender.interim(interim) })
    await sender.answer(response, head)
    exchange.finish()
    return incoming.keepAlive && asked.body.isComplete && !context.isDraining()
  } catch (cause) {
    sender.refuse(exchange.fail(cause))
    return false
  }
}

/** The request in absolute-form. @throws ServerError MINWWW_EXIT_BAD_REQUEST */
export function readRequest ({ incoming, body, context }: StreamRequest): HttpRequest {
  const { method, fields, framing, expectsContinue } = incoming
  const count = (bytes: number) => context.bandwidth.countUpload(bytes)
  const source = framing.kind === 'none' ? undefined : body.pieces(context.policy.maxRequest, count)
  return { method, url: urlOf(incoming), headers: fields, body: source, expectsContinue }
}

/** Puts a request into the queue of those to be fetched; resolves when its answer's head is there. @throws ServerError */
export async function queued<T> ({ context, visitor, signal }: StreamRequest, plan: Plan, fetch: () => Promise<T>): Promise<T> {
  return await new Promise((resolve, reject) => {
    const id = `stream ${nextId++}`
    const { clock, queue } = context
    signal.addEventListener('abort', () => { if (queue.cancel(id)) reject(gone()) }, { once: true })
    if (signal.aborted) return reject(gone())
    queue.add({
      id,
      client: visitor.b32,
      slot: plan.slot,
      deadline: clock.now() + QUEUE_TIME,
      run: async () => await fetch().then(resolve, reject),
      onShed: () => reject(new ServerError('MINWWW_EXIT_BUSY', 'more is asked of this exit than it can do', { retryAfter: 5 }))
    })
  })
}

export function gone (): ServerError {
  return new ServerError('MINWWW_EXIT_CONNECTION', 'the client has gone')
}

/** Writes the answers to one request: interim ones, and the final one. */
export class AnswerSender {
  readonly #asked: StreamRequest
  readonly #exchange: StreamExchange
  #hasBegun = false

  constructor (asked: StreamRequest, exchange: StreamExchange) {
    this.#asked = asked
    this.#exchange = exchange
  }

  /** 100 goes to who waits for it; the others to whoever can read them (RFC 9110 section 15.2). */
  interim ({ status, reason, headers }: InterimResponse): void {
    const { incoming, stream } = this.#asked
    if (this.#hasBegun || incoming.version === 0 || stream.destroyed || stream.writableNeedDrain) return
    if (status === 100 && !incoming.expectsContinue) return
    stream.write(responseHead(status, reason, headers))
  }

  async answer (response: UpstreamResponse, head: readonly Buffer[]): Promise<void> {
    const { incoming, stream, context: { clock, timeouts, isDraining } } = this.#asked
    const isChunked = response.hasBody && response.length === undefined && incoming.version === 1
    const isLast = !incoming.keepAlive || isDraining()
    const headers = response.fromSite ? [...withoutFields(response.headers, new Set(['alt-svc'])), ALT_SVC] : [...response.headers]
    if (isChunked) headers.push(['Transfer-Encoding', 'chunked'])
    if (isLast) headers.push(['Connection', 'close'])
    this.#hasBegun = true
    try {
      await write(stream, responseHead(response.status, response.reason, headers), clock, timeouts.stall)
      if (!response.hasBody) return
      await pour(both(head, response), stream, {
        clock,
        stall: timeouts.stall,
        meter: async bytes => await this.#exchange.download(bytes),
        ...(isChunked && { frame: chunk })
      })
      if (isChunked) await write(stream, lastChunk(), clock, timeouts.stall)
    } finally {
      response.body.destroy()
    }
  }

  /** A head that has gone out cannot be taken back: then the stream ends early, which the client sees as a cut. */
  refuse (error: ServerError): void {
    const { stream } = this.#asked
    if (this.#hasBegun || stream.destroyed) stream.destroy()
    else stream.write(responseBytes(errorAnswer(error)))
  }
}

/** The URL of a request in absolute-form, or in origin-form with a Host field. */
function urlOf ({ method, target, fields }: IncomingRequest): string {
  const host = valuesOf(fields, 'host')[0] ?? ''
  const isAsterisk = target === '*' && method === 'OPTIONS'
  if (!target.startsWith('/') && !isAsterisk) return target
  if (host === '' || /[/?#@\\]/.test(host)) throw new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the request names no host')
  return `http://${host}${isAsterisk ? '' : target}`
}

/** What is left of a response that was too large for messages, or a new one. The queue is left when the head is there. */
async function responseTo (asked: StreamRequest, request: HttpRequest, watch: FetchWatch): Promise<SuspendedResponse> {
  const { context: { suspended, web: { cache, fetcher } }, visitor } = asked
  const leftover = suspended.take(visitor, request)
  if (leftover !== undefined) return leftover
  const plan = fetcher.plan(request, visitor)
  if (plan.site === undefined) cache?.invalidate(request)
  return { response: await queued(asked, plan, async () => await fetcher.fetch(plan, watch)), head: [] }
}

async function * both (head: readonly Buffer[], response: UpstreamResponse): AsyncGenerator<Buffer> {
  yield * head
  yield * response.body as AsyncIterable<Buffer>
}
