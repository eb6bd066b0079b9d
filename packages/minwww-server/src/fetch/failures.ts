import { ServerError } from '../errors.ts'
import { CutError, MalformedError } from '../http1/byte-reader.ts'

const TIMEOUTS = new Set(['ETIMEDOUT'])
const MALFORMED = new Set(['HPE_INVALID', 'Z_DATA_ERROR', 'Z_BUF_ERROR'])
const MALFORMED_PREFIXES = ['ERR__ERROR_', 'ERR_BROTLI', 'ERR_PADDING', 'Z_']
const CUT = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'])

/** How far a fetch had come: a connection that ends means something else before and inside a response. */
export type Phase = 'request' | 'body'

/** One table from what sockets, TLS, our readers and zlib throw to what the client is told. */
export function toServerError (cause: unknown, phase: Phase): ServerError {
  if (cause instanceof ServerError) return cause
  const code = codeOf(cause)
  if ((cause as Error | undefined)?.name === 'TimeoutError' || TIMEOUTS.has(code)) {
    return new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not answer in time', { cause })
  }
  if (cause instanceof MalformedError || MALFORMED.has(code) || MALFORMED_PREFIXES.some(prefix => code.startsWith(prefix))) {
    return new ServerError('MINWWW_EXIT_MALFORMED', 'the answer of the site is not valid HTTP', { cause })
  }
  if (isTlsError(code)) return new ServerError('MINWWW_EXIT_CONNECTION', 'no secure connection to the site could be made', { cause })
  return phase === 'body'
    ? new ServerError('MINWWW_EXIT_MALFORMED', 'the answer of the site ended early', { cause })
    : new ServerError('MINWWW_EXIT_CONNECTION', 'no connection to the site could be made', { cause })
}

/** A connection that had been made ended before it gave an answer. */
export function isCut (cause: unknown): boolean {
  return cause instanceof CutError || CUT.has(codeOf(cause))
}

/** What the exit means to end with an answer, or what the network does. Anything else is a fault of the exit's own. */
export function isExpected (cause: unknown): boolean {
  return cause instanceof ServerError || (cause instanceof Error && (codeOf(cause) !== '' || cause.name === 'TimeoutError'))
}

function codeOf (cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? code : ''
}

function isTlsError (code: string): boolean {
  return code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_') || code.startsWith('CERT_') || code.includes('CERT')
}
