import { encodeRequestHead, parseResponse, ProtocolError } from '@minwww/protocol'
import type { Destination } from '@minwww/i2cp'
import type { RestName } from '../core.ts'
import { FetchError, type FailedEvent, type FetchOptions, type PartEvent, type ResponseEvent } from '../sessions/client-driver.ts'
import type { Backend } from '../sessions/backend.ts'
import { isBodiless } from '../http/answer.ts'
import { ProxyError } from '../http/failures.ts'
import { valueOf } from '../http/fields.ts'
import { bodyOf, counted } from '../http/pieces.ts'
import { filterResponseFields } from '../http/response-fields.ts'
import { ArrivingResponse, type Begun } from './arriving.ts'
import { PROXY_CODES } from './failure-codes.ts'
import { RestStream } from './rest-stream.ts'
import { isHarmless, type WholeRequest } from './small-body.ts'
import type { StreamAnswer } from './stream-path.ts'
import { pathOf, type StreamPeer } from './streams.ts'

/** The response needs the streaming path; `exit` already has it. */
export class TooLargeError extends Error {
  readonly event: FailedEvent
  constructor (event: FailedEvent) {
    super('too large for messages')
    this.event = event
  }
}

type RestBackend = Pick<Backend, 'driver' | 'agentOf'> & Partial<Pick<Backend, 'waiting'>>

/**
 * One request by messages. The body is a stream where only the beginning of the answer came so, or where it is still arriving.
 * @throws ProxyError, MINWWW_BODY_TOO_LARGE before anything is sent; TooLargeError after ERROR 3; the signal's reason
 */
export async function fetchByMessage (
  backend: RestBackend, request: WholeRequest, timeout: number, destination?: Destination
): Promise<StreamAnswer> {
  const abort = new AbortController()
  const asked = { ...request, signal: AbortSignal.any([request.signal, abort.signal]) }
  const rests = new RestStreams(backend, asked, destination === undefined ? 'exit' : 'site')
  const arriving = new ArrivingResponse()
  let first: PartEvent | undefined
  let isArriving = false
  const onPart = (part: PartEvent): void => {
    first ??= part
    arriving.add(part.bytes)
  }
  const whole = backend.driver.fetch({ ...optionsOf(asked, timeout, rests, destination), onPart })
  whole.then(() => arriving.end(), (error: Error) => arriving.fail(error instanceof FetchError ? failureOf(error.event) : error))
  try {
    // What fails before its head is there fails as if nothing had come.
    const early = arriving.begun.then(begun => ({ begun, part: first! }), async () => await whole)
    const event = await Promise.race([whole, early])
    if (!('begun' in event)) {
      arriving.fail(new Error('all of it is here'))
      return toAnswer(asked.method, event, rests.take(event.rest))
    }
    const close = (): void => { abort.abort() }
    const answer = arrivingAnswer(asked, event.begun, event.part, rests.take(event.part.rest), close)
    const finished = whole.then(({ trace }) => trace, () => undefined)
    // One that is opened by then is for nothing.
    finished.finally(() => rests.close()).catch(() => {})
    isArriving = true
    return { ...answer, finished }
  } catch (error) {
    abort.abort()
    if (!(error instanceof FetchError)) throw error
    // What may have changed something is not asked for again.
    if (error.event.code === 'too-large' && isHarmless(request)) throw new TooLargeError(error.event)
    throw failureOf(error.event)
  } finally {
    if (!isArriving) rests.close()
  }
}

/** The head is here, and a part of the body. @param close - nobody reads it any more */
function arrivingAnswer (
  request: WholeRequest, { head, body: begun }: Begun, { exit, trace }: PartEvent, rest: RestStream | undefined, close: () => void
): StreamAnswer {
  const { status, reason, headers } = head
  refuseStatus(status)
  const length = valueOf(headers, 'content-length')
  const size = length === undefined ? undefined : Number(length)
  const isEmpty = isBodiless(request.method, status)
  if (isEmpty) rest?.close()
  const body = isEmpty ? Buffer.alloc(0) : rest?.bodyAfter(begun, size) ?? bodyOf(counted([begun], size), request.signal, close)
  return { status, reason, fields: filterResponseFields(headers), received: headers, body, path: 'message', exit, trace }
}

/** @throws ProxyError for what no browser may get */
function refuseStatus (status: number): void {
  if (status < 200) throw new ProxyError('MINWWW_BAD_UPSTREAM', `status ${status}`)
  // A 407 of the site's would make the browser hand over the password of this proxy.
  if (status === 407) throw new ProxyError('MINWWW_BAD_UPSTREAM', 'the site asks for proxy authentication')
}

function optionsOf (request: WholeRequest, timeout: number, rests: RestStreams, destination?: Destination): FetchOptions {
  const { method, target, fields, signal, isPage, content } = request
  return {
    message: encodeRequestHead({ method, url: target.url, headers: fields, ...(content && { body: content }) }),
    site: target.host,
    idempotent: isHarmless(request),
    timeout: Math.min(timeout, request.timeout ?? Infinity),
    signal,
    ...(isPage === true ? { isPage } : {}),
    ...(request.referer === undefined ? {} : { referer: request.referer }),
    onBeginning: name => rests.open(name),
    ...(destination === undefined ? {} : { destination })
  }
}

/** Those of one request: as many as exits that have begun to answer it, and all but one are for nothing. */
class RestStreams {
  readonly #backend: RestBackend
  readonly #kind: StreamPeer['kind']
  readonly #request: WholeRequest
  readonly #open: RestStream[] = []

  constructor (backend: RestBackend, request: WholeRequest, kind: StreamPeer['kind']) {
    this.#backend = backend
    this.#kind = kind
    this.#request = request
  }

  open (name: RestName): void {
    const agent = this.#backend.agentOf(name.source)
    if (agent === undefined || this.#open.some(stream => stream.is(name))) return
    const exit = this.#backend.driver.exits().find(({ destination }) => destination.equals(name.exit))
    this.#open.push(new RestStream(agent, this.#kind, name, this.#request, exit && pathOf(exit), this.#backend.waiting))
  }

  /** @throws ProxyError MINWWW_RESPONSE_TOO_LARGE for a rest that cannot come */
  take (name: RestName | undefined): RestStream | undefined {
    if (name === undefined) return undefined
    const index = this.#open.findIndex(stream => stream.is(name))
    if (index < 0) throw new ProxyError('MINWWW_RESPONSE_TOO_LARGE', 'its rest needs a stream')
    return this.#open.splice(index, 1)[0]
  }

  close (): void {
    for (const stream of this.#open) stream.close()
  }
}

export function failureOf (event: FailedEvent): ProxyError {
  const size = event.size === undefined || event.size === 0 ? '' : `${event.size} bytes`
  const detail = [event.detail, size].filter(text => text !== '').join(', ')
  const retryAfter = event.retryAfter === 0 ? undefined : event.retryAfter
  return new ProxyError(PROXY_CODES[event.code], detail === '' ? undefined : detail, { retryAfter })
}

function toAnswer (method: string, { message, exit, trace }: ResponseEvent, rest: RestStream | undefined): StreamAnswer {
  try {
    const { status, reason, headers, body: begun } = parseResponse(message, rest === undefined ? 'whole' : 'beginning')
    refuseStatus(status)
    const isEmpty = isBodiless(method, status)
    const length = valueOf(headers, 'content-length')
    const body = isEmpty ? Buffer.alloc(0) : rest?.bodyAfter([begun], length === undefined ? undefined : Number(length)) ?? begun
    if (isEmpty) rest?.close()
    return { status, reason, fields: filterResponseFields(headers), received: headers, body, path: 'message', exit, trace }
  } catch (error) {
    rest?.close()
    if (error instanceof ProtocolError) throw new ProxyError('MINWWW_BAD_UPSTREAM', error.message, { cause: error })
    throw error
  }
}
