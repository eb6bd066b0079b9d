import type { Writable } from 'node:stream'
import type { Destination } from '@minwww/i2cp/codec'
import { ALTERNATIVE, NEXT_REST, REST_FIELD, REST_SCHEME } from '@minwww/protocol'
import type { RequestName } from '../core.ts'
import { ServerError } from '../errors.ts'
import type { Rest } from '../exit/rests.ts'
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

/** Says that the site can be had as messages, for a day (docs/reference/protocol.md section 9). */
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
    const response = await responseTo(asked, request, { signal: asked.signal, onInterim: interim => sender.interim(interim) })
    await sender.answer(response)
    exchange.finish()
    return incoming.keepAlive && asked.body.isComplete && !context.isDraining()
  } catch (cause) {
    sender.refuse(exchange.fail(cause))
    return false
  }
}

const REST = new RegExp(`^${REST_SCHEME}([0-9a-f]{16})/(0|[1-9]\\d{0,9})$`)
/** The same of a request with a token. */
const REST_OF_TOKEN = new RegExp(`^${REST_SCHEME}([0-9a-f]{32})$`)

/** What a stream asks for that wants the rest of an answer by messages; undefined for every other request. */
export function restNameOf ({ method, target }: IncomingRequest): RequestName | undefined {
  if (method !== 'GET') return undefined
  const [, token] = REST_OF_TOKEN.exec(target) ?? []
  if (token !== undefined) return { token }
  const [, session, id] = REST.exec(target) ?? []
  return session === undefined || id === undefined ? undefined : { session, id: Number(id) }
}

export const isForNextRest = ({ method, target }: IncomingRequest): boolean => method === 'GET' && target === `${REST_SCHEME}${NEXT_REST}`

/**
 * Waits for the next answer of this client that begins as a message, and goes on with it: no round trip is lost for asking. 102 says that
 * it was heard, 204 that none came. True if the stream is good for another request; never rejects.
 * @param onBusy - called when there is something to do
 */
export async function answerNextRest (asked: StreamRequest, onBusy: () => void): Promise<boolean> {
  const { context, visitor, incoming, body, signal } = asked
  const { rests } = context
  const isReusable = (): boolean => incoming.keepAlive && body.isComplete && !context.isDraining()
  if (!context.isDraining() && !await say(asked, 102, 'Processing', [])) return false
  const next = context.isDraining() ? undefined : await rests.next(visitor, signal)
  if (next === undefined) {
    const isGood = isReusable()
    return await say(asked, 204, 'No Content', isGood ? [] : [['Connection', 'close']]) && isGood
  }
  onBusy()
  const exchange = new StreamExchange(context, visitor)
  const sender = new AnswerSender(asked, exchange)
  try {
    exchange.before = next.rest.begun
    await sender.rest(next.rest, next.name)
    exchange.finish()
    return isReusable()
  } catch (cause) {
    sender.refuse(exchange.fail(cause))
    return false
  } finally {
    rests.followed(next.handle)
  }
}

/** A head alone, as soon as the client reads what was said before. False if it does not, or has gone; an idle stream may end so. */
async function say ({ stream, context: { clock, timeouts } }: StreamRequest, status: number, reason: string, fields: Field[]): Promise<boolean> {
  try {
    await write(stream, responseHead(status, reason, fields), clock, timeouts.stall)
    return true
  } catch {
    // At the end of the exit idle streams have ended, and leave by themselves.
    if (!stream.writableEnded) stream.destroy()
    return false
  }
}

/** Goes on with an answer where its beginning ends. True if the stream is good for another request; never rejects. */
export async function answerRest (asked: StreamRequest, name: RequestName): Promise<boolean> {
  const { context, visitor, incoming, body } = asked
  const exchange = new StreamExchange(context, visitor)
  const sender = new AnswerSender(asked, exchange)
  try {
    const rest = context.rests.take(visitor, name)
    if (rest === undefined) throw new ServerError('MINWWW_EXIT_UNKNOWN_ID', 'no answer of this name waits for a stream of yours')
    exchange.before = rest.begun
    await sender.rest(rest)
    exchange.finish()
    return incoming.keepAlive && body.isComplete && !context.isDraining()
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
  const { clock, queue } = context
  const id = `stream ${nextId++}`
  let leave = (): void => {}
  try {
    return await new Promise((resolve, reject) => {
      leave = () => { if (queue.cancel(id)) reject(gone()) }
      if (signal.aborted) return reject(gone())
      signal.addEventListener('abort', leave, { once: true })
      queue.add({
        id,
        client: visitor.b32,
        slot: plan.slot,
        deadline: clock.now() + QUEUE_TIME,
        run: async () => await fetch().then(resolve, reject),
        onShed: () => reject(new ServerError('MINWWW_EXIT_BUSY', 'more is asked of this exit than it can do', { retryAfter: 5 }))
      })
    })
  } finally {
    // The stream may carry many thousands more.
    signal.removeEventListener('abort', leave)
  }
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

  async answer (response: UpstreamResponse): Promise<void> {
    const headers = response.fromSite ? [...withoutFields(response.headers, new Set(['alt-svc'])), ALT_SVC] : [...response.headers]
    const isChunked = response.hasBody && response.length === undefined
    await this.#send(response, headers, isChunked, async framed => {
      if (response.hasBody) await this.#pour(response.body as AsyncIterable<Buffer>, framed, async bytes => await this.#exchange.download(bytes))
    })
  }

  /** What follows a beginning, as a body. @param name - of a rest that nobody asked for by its name */
  async rest ({ response, head, pieces, begun }: Rest, name?: string): Promise<void> {
    const { length } = response
    const headers: Field[] = [['Cache-Control', 'no-store']]
    if (name !== undefined) headers.push([REST_FIELD, name])
    if (length !== undefined) headers.push(['Content-Length', String(length - begun)])
    await this.#send({ ...response, status: 200, reason: 'OK' }, headers, length === undefined, async framed => {
      await this.#pour(head, framed, async bytes => await this.#exchange.passOn(bytes))
      await this.#pour(pieces, framed, async bytes => await this.#exchange.download(bytes))
    })
  }

  /** Head and body. Nobody reads a site's answer on when the client has gone. */
  async #send (
    { status, reason, body }: UpstreamResponse, headers: Field[], isChunked: boolean, pour: (isChunked: boolean) => Promise<void>
  ): Promise<void> {
    const { incoming, stream, signal, context: { clock, timeouts, isDraining } } = this.#asked
    // Who speaks HTTP/1.0 knows no chunks: the stream's end is the body's.
    const framed = isChunked && incoming.version === 1
    if (framed) headers.push(['Transfer-Encoding', 'chunked'])
    if (!incoming.keepAlive || isDraining()) headers.push(['Connection', 'close'])
    this.#hasBegun = true
    const leave = () => body.destroy()
    signal.addEventListener('abort', leave, { once: true })
    try {
      await write(stream, responseHead(status, reason, headers), clock, timeouts.stall)
      await pour(framed)
      if (framed) await write(stream, lastChunk(), clock, timeouts.stall)
    } finally {
      signal.removeEventListener('abort', leave)
      body.destroy()
    }
  }

  async #pour (from: AsyncIterable<Buffer> | readonly Buffer[], isChunked: boolean, meter: (bytes: number) => Promise<void>): Promise<void> {
    const { stream, context: { clock, timeouts } } = this.#asked
    await pour(from, stream, { clock, stall: timeouts.stall, meter, ...(isChunked && { frame: chunk }) })
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

/** The queue is left when the head is there. */
async function responseTo (asked: StreamRequest, request: HttpRequest, watch: FetchWatch): Promise<UpstreamResponse> {
  const { context: { web: { cache, fetcher } }, visitor } = asked
  const plan = fetcher.plan(request, visitor)
  if (plan.site === undefined) cache?.invalidate(request)
  return await queued(asked, plan, async () => await fetcher.fetch(plan, watch))
}
