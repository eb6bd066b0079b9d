import { encodeRequestHead, parseResponse, ProtocolError } from '@minwww/protocol'
import type { Destination } from '@minwww/i2cp'
import type { RestName } from '../core.ts'
import { FetchError, type FailedEvent, type FetchOptions, type ResponseEvent } from '../sessions/client-driver.ts'
import type { Backend } from '../sessions/backend.ts'
import { isBodiless, type SiteRequest } from '../http/answer.ts'
import { ProxyError } from '../http/failures.ts'
import { valueOf } from '../http/fields.ts'
import { filterResponseFields } from '../http/response-fields.ts'
import { PROXY_CODES } from './failure-codes.ts'
import { RestStream } from './rest-stream.ts'
import type { StreamAnswer } from './stream-path.ts'
import type { StreamPeer } from './streams.ts'

/** The response needs the streaming path; `exit` already has it. */
export class TooLargeError extends Error {
  readonly event: FailedEvent
  constructor (event: FailedEvent) {
    super('too large for messages')
    this.event = event
  }
}

/**
 * One request by messages. The body is a stream where only the beginning of the answer came so.
 * @throws ProxyError; TooLargeError after ERROR 3; the signal's reason
 */
export async function fetchByMessage (
  backend: Pick<Backend, 'driver' | 'agentOf'>, request: SiteRequest, timeout: number, destination?: Destination
): Promise<StreamAnswer> {
  const rests = new RestStreams(backend, request, destination === undefined ? 'exit' : 'site')
  try {
    const event = await backend.driver.fetch(optionsOf(request, timeout, rests, destination))
    return toAnswer(request.method, event, rests.take(event.rest))
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    if (error.event.code === 'too-large') throw new TooLargeError(error.event)
    throw failureOf(error.event)
  } finally {
    rests.close()
  }
}

function optionsOf (request: SiteRequest, timeout: number, rests: RestStreams, destination?: Destination): FetchOptions {
  const { method, target, fields, signal, isPage } = request
  return {
    message: encodeRequestHead({ method, url: target.url, headers: fields }),
    site: target.host,
    idempotent: true,
    timeout: Math.min(timeout, request.timeout ?? Infinity),
    signal,
    ...(isPage === true ? { isPage } : {}),
    onBeginning: name => rests.open(name),
    ...(destination === undefined ? {} : { destination })
  }
}

/** Those of one request: as many as exits that have begun to answer it, and all but one are for nothing. */
class RestStreams {
  readonly #backend: Pick<Backend, 'agentOf'>
  readonly #kind: StreamPeer['kind']
  readonly #request: SiteRequest
  readonly #open: RestStream[] = []

  constructor (backend: Pick<Backend, 'agentOf'>, request: SiteRequest, kind: StreamPeer['kind']) {
    this.#backend = backend
    this.#kind = kind
    this.#request = request
  }

  open (name: RestName): void {
    const agent = this.#backend.agentOf(name.source)
    if (agent === undefined || this.#open.some(stream => stream.is(name))) return
    this.#open.push(new RestStream(agent, this.#kind, name, this.#request))
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
    if (status < 200) throw new ProxyError('MINWWW_BAD_UPSTREAM', `status ${status}`)
    // A 407 of the site's would make the browser hand over the password of this proxy.
    if (status === 407) throw new ProxyError('MINWWW_BAD_UPSTREAM', 'the site asks for proxy authentication')
    const isEmpty = isBodiless(method, status)
    const length = valueOf(headers, 'content-length')
    const body = isEmpty ? Buffer.alloc(0) : rest?.bodyAfter(begun, length === undefined ? undefined : Number(length)) ?? begun
    if (isEmpty) rest?.close()
    return { status, reason, fields: filterResponseFields(headers), received: headers, body, path: 'message', exit, trace }
  } catch (error) {
    rest?.close()
    if (error instanceof ProtocolError) throw new ProxyError('MINWWW_BAD_UPSTREAM', error.message, { cause: error })
    throw error
  }
}
