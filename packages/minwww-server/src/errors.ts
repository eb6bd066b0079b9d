/** What a failure at the exit means to the client, as the ERROR codes of docs/reference/protocol.md section 4 name it. */
export type FailureReason =
  | 'unknown-id' | 'busy' | 'too-large' | 'policy' | 'not-resolved' | 'connect-failed' | 'upstream-timeout' | 'upstream-malformed'
  | 'bad-request' | 'draining'

export type ServerErrorCode =
  | 'MINWWW_EXIT_BAD_OPTION' // an option of createExit is wrong
  | 'MINWWW_EXIT_BAD_STATE' // a file of the state directory is damaged
  | 'MINWWW_EXIT_UNKNOWN_ID' // a stream asked for the rest of an answer that does not wait for it
  | 'MINWWW_EXIT_BUSY' // ERROR 2
  | 'MINWWW_EXIT_TOO_LARGE' // ERROR 3
  | 'MINWWW_EXIT_POLICY' // ERROR 4
  | 'MINWWW_EXIT_NAME' // ERROR 5
  | 'MINWWW_EXIT_CONNECTION' // ERROR 6
  | 'MINWWW_EXIT_TIMEOUT' // ERROR 7
  | 'MINWWW_EXIT_MALFORMED' // ERROR 8
  | 'MINWWW_EXIT_BAD_REQUEST' // ERROR 9
  | 'MINWWW_EXIT_DRAINING' // ERROR 10

const REASONS: Record<ServerErrorCode, FailureReason> = {
  MINWWW_EXIT_BAD_OPTION: 'bad-request',
  MINWWW_EXIT_BAD_STATE: 'bad-request',
  MINWWW_EXIT_UNKNOWN_ID: 'unknown-id',
  MINWWW_EXIT_BUSY: 'busy',
  MINWWW_EXIT_TOO_LARGE: 'too-large',
  MINWWW_EXIT_POLICY: 'policy',
  MINWWW_EXIT_NAME: 'not-resolved',
  MINWWW_EXIT_CONNECTION: 'connect-failed',
  MINWWW_EXIT_TIMEOUT: 'upstream-timeout',
  MINWWW_EXIT_MALFORMED: 'upstream-malformed',
  MINWWW_EXIT_BAD_REQUEST: 'bad-request',
  MINWWW_EXIT_DRAINING: 'draining'
}

export interface FailureFacts {
  /** What the full response would be, bytes; 0 or absent is unknown. */
  size?: number
  /** Seconds after which a new try makes sense. */
  retryAfter?: number
  cause?: unknown
}

/**
 * The one error class of this package. The message is short, in the reader's words, and safe to show to the client: it
 * names no address, path or Destination of the exit.
 */
export class ServerError extends Error {
  override readonly name = 'ServerError'
  readonly code: ServerErrorCode
  readonly size: number
  readonly retryAfter: number

  constructor (code: ServerErrorCode, message: string, facts: FailureFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    this.size = facts.size ?? 0
    this.retryAfter = facts.retryAfter ?? 0
  }

  get reason (): FailureReason {
    return REASONS[this.code]
  }
}
