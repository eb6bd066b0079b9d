import { encodeRequestHead, parseResponse, ProtocolError } from '@minwww/protocol'
import type { Destination } from '@minwww/i2cp'
import { FetchError, type ClientDriver, type FailedEvent, type ResponseEvent } from '../sessions/client-driver.ts'
import { isBodiless, type Answer, type SiteRequest } from '../http/answer.ts'
import { ProxyError } from '../http/failures.ts'
import { filterResponseFields } from '../http/response-fields.ts'
import { PROXY_CODES } from './failure-codes.ts'

/** The response needs the streaming path; `exit` already has it. */
export class TooLargeError extends Error {
  readonly event: FailedEvent
  constructor (event: FailedEvent) {
    super('too large for messages')
    this.event = event
  }
}

/**
 * One request by messages.
 * @throws ProxyError; TooLargeError after ERROR 3; the signal's reason
 */
export async function fetchByMessage (
  driver: ClientDriver, request: SiteRequest, timeout: number, destination?: Destination
): Promise<Answer> {
  const { method, target, fields, signal, isPage } = request
  const message = encodeRequestHead({ method, url: target.url, headers: fields })
  const options = { message, site: target.host, idempotent: true, timeout: Math.min(timeout, request.timeout ?? Infinity), signal, ...(isPage === true ? { isPage } : {}) }
  let event: ResponseEvent
  try {
    event = await driver.fetch(destination === undefined ? options : { ...options, destination })
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    if (error.event.code === 'too-large') throw new TooLargeError(error.event)
    throw failureOf(error.event)
  }
  return toAnswer(method, event)
}

export function failureOf (event: FailedEvent): ProxyError {
  const size = event.size === undefined || event.size === 0 ? '' : `${event.size} bytes`
  const detail = [event.detail, size].filter(text => text !== '').join(', ')
  const retryAfter = event.retryAfter === 0 ? undefined : event.retryAfter
  return new ProxyError(PROXY_CODES[event.code], detail === '' ? undefined : detail, { retryAfter })
}

function toAnswer (method: string, { message, exit, trace }: ResponseEvent): Answer {
  try {
    const { status, reason, headers, body } = parseResponse(message)
    if (status < 200) throw new ProxyError('MINWWW_BAD_UPSTREAM', `status ${status}`)
    // A 407 of the site's would make the browser hand over the password of this proxy.
    if (status === 407) throw new ProxyError('MINWWW_BAD_UPSTREAM', 'the site asks for proxy authentication')
    const fields = filterResponseFields(headers)
    return { status, reason, fields, body: isBodiless(method, status) ? Buffer.alloc(0) : body, path: 'message', exit, trace }
  } catch (error) {
    if (error instanceof ProtocolError) throw new ProxyError('MINWWW_BAD_UPSTREAM', error.message, { cause: error })
    throw error
  }
}
