/** What can go wrong with a message, an object or an HTTP head. Callers match on `code`, never on the text. */
export type ProtocolErrorCode =
  | 'MINWWW_VERSION' // a message of another version of the protocol
  | 'MINWWW_MALFORMED' // bytes that are no message
  | 'MINWWW_BAD_TAG' // a message that was not made with the session's key
  | 'MINWWW_TOO_LARGE' // more than a router takes in one message
  | 'MINWWW_BAD_SYMBOL' // symbols that do not belong to one object
  | 'MINWWW_BAD_OBJECT' // an unknown coding, or a broken one
  | 'MINWWW_OBJECT_TOO_LARGE' // an object that decodes to more than its bound
  | 'MINWWW_BAD_HTTP' // an HTTP message that breaks the rules of section 4
  | 'MINWWW_BAD_DESCRIPTOR' // a line that is no exit descriptor (section 10), or one that is not true

/** The only error class of this package. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode

  constructor (code: ProtocolErrorCode, message: string) {
    super(message)
    this.name = 'ProtocolError'
    this.code = code
  }
}

/** One row of the table of failures that travel. */
export interface FailureDescription {
  /** Code of the ERROR message (section 4). */
  readonly code: number
  /** Status of the exit's answer over a stream. */
  readonly httpStatus: number
  /** Heading of the error page and of the documentation. */
  readonly title: string
}

/** Failures that an exit reports in an ERROR message. */
export const WIRE_FAILURES = {
  'unknown-id': { code: 1, httpStatus: 502, title: 'The exit no longer knows this request' },
  busy: { code: 2, httpStatus: 503, title: 'The exit is busy' },
  'too-large': { code: 3, httpStatus: 502, title: 'The response is too large for messages' },
  policy: { code: 4, httpStatus: 403, title: 'The exit refuses this address' },
  'not-resolved': { code: 5, httpStatus: 502, title: 'The name was not found' },
  'connect-failed': { code: 6, httpStatus: 502, title: 'The site did not accept the connection' },
  'upstream-timeout': { code: 7, httpStatus: 504, title: 'The site did not answer in time' },
  'upstream-malformed': { code: 8, httpStatus: 502, title: 'The site sent a malformed answer' },
  'bad-request': { code: 9, httpStatus: 400, title: 'The exit did not understand the request' },
  draining: { code: 10, httpStatus: 503, title: 'The exit is shutting down' },
  'outcome-unknown': { code: 11, httpStatus: 502, title: 'The exit cannot say whether it carried out the request' }
} as const satisfies Record<string, FailureDescription>

/** Name of an ERROR code. */
export type WireErrorName = keyof typeof WIRE_FAILURES

/** Name to code of the ERROR message. */
export const ERROR_CODES = Object.fromEntries(
  Object.entries(WIRE_FAILURES).map(([name, { code }]) => [name, code])
) as Readonly<Record<WireErrorName, number>>

const NAMES = new Map<number, WireErrorName>(
  (Object.keys(WIRE_FAILURES) as WireErrorName[]).map(name => [WIRE_FAILURES[name].code, name])
)

/** Name of a received ERROR code; undefined for a code that this version does not know. */
export function errorName (code: number): WireErrorName | undefined {
  return NAMES.get(code)
}
