import { encodeRequestHead, parseResponse, ProtocolError } from '@minwww/protocol'
import type { Destination } from '@minwww/i2cp'
import { FetchError, type ClientDriver, type FailedEvent, type ResponseEvent } from '../sessions/client-driver.ts'
import { isBodiless, type Answer, type SiteRequest } from '../http/answer.ts'
import { ProxyError, type FailureCode } from '../http/failures.ts'
import { filterResponseFields } from '../http/response-fields.ts'

/** Names of failures on the wire and in the core, to the proxy's codes. */
const CODES: Readonly<Record<string, FailureCode>> = {
  'unknown-id': 'MINWWW_BAD_UPSTREAM',
  busy: 'MINWWW_BUSY',
  'too-large': 'MINWWW_RESPONSE_TOO_LARGE',
  policy: 'MINWWW_POLICY',
  'name-not-resolved': 'MINWWW_NAME_NOT_RESOLVED',
  'not-resolved': 'MINWWW_NAME_NOT_RESOLVED',
  'connection-failed': 'MINWWW_CONNECTION_FAILED',
  'connect-failed': 'MINWWW_CONNECTION_FAILED',
  'upstream-timeout': 'MINWWW_UPSTREAM_TIMEOUT',
  'upstream-malformed': 'MINWWW_BAD_UPSTREAM',
  'bad-response': 'MINWWW_BAD_UPSTREAM',
  'bad-request': 'MINWWW_BAD_REQUEST',
  draining: 'MINWWW_BUSY',
  timeout: 'MINWWW_TIMEOUT',
  'no-exit': 'MINWWW_NO_EXIT',
  overloaded: 'MINWWW_OVERLOADED',
  'request-too-large': 'MINWWW_BODY_TOO_LARGE'
}

/** The proxy's code for a failure's name; undefined for a name that is not known. */
export const codeOfFailure = (name: string): FailureCode | undefined => Object.hasOwn(CODES, name) ? CODES[name] : undefined

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
export async function fetchByMessage (driver: ClientDriver, request: SiteRequest, timeout: number, destination?: Destination): Promise<Answer> {
  const { method, target, fields, signal } = request
  const message = encodeRequestHead({ method, url: target.url, headers: fields })
  const options = { message, site: target.host, idempotent: true, timeout: Math.min(timeout, request.timeout ?? Infinity), signal }
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
  const code = CODES[event.code] ?? 'MINWWW_BAD_UPSTREAM'
  const size = event.size === undefined || event.size === 0 ? '' : `${event.size} bytes`
  const detail = [event.detail, size].filter(text => text !== '').join(', ')
  return new ProxyError(code, detail === '' ? undefined : detail, { retryAfter: event.retryAfter === 0 ? undefined : event.retryAfter })
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
