import { errors } from 'undici'
import { ServerError } from '../errors.ts'

const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])
const MALFORMED = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_RESPONSE', 'Z_DATA_ERROR', 'Z_BUF_ERROR'])
const MALFORMED_PREFIXES = ['ERR__ERROR_', 'ERR_BROTLI']
const CUT = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])
const BUSY = new Set(['UND_ERR_MAX_ORIGINS_REACHED'])
const OURS = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'UND_ERR_NOT_SUPPORTED'])

/** How far a fetch had come: a connection that ends means something else before and inside a response. */
export type Phase = 'request' | 'body'

/** One table from what undici, TLS and zlib throw to what the client is told. */
export function toServerError (cause: unknown, phase: Phase): ServerError {
  if (cause instanceof ServerError) return cause
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
  if ((cause as Error | undefined)?.name === 'TimeoutError' || TIMEOUTS.has(code)) {
    return new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not answer in time', { cause })
  }
  if (cause instanceof errors.HTTPParserError || MALFORMED.has(code) || MALFORMED_PREFIXES.some(prefix => code.startsWith(prefix))) {
    return new ServerError('MINWWW_EXIT_MALFORMED', 'the answer of the site is not valid HTTP', { cause })
  }
  if (BUSY.has(code)) return new ServerError('MINWWW_EXIT_BUSY', 'too many sites are in use at once', { cause, retryAfter: 5 })
  if (OURS.has(code)) return new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the request could not be passed on', { cause })
  if (isTlsError(code)) return new ServerError('MINWWW_EXIT_CONNECTION', 'no secure connection to the site could be made', { cause })
  return phase === 'body'
    ? new ServerError('MINWWW_EXIT_MALFORMED', 'the answer of the site ended early', { cause })
    : new ServerError('MINWWW_EXIT_CONNECTION', 'no connection to the site could be made', { cause })
}

/** A connection that had been made ended before it gave an answer. */
export function isCut (cause: unknown): boolean {
  return CUT.has((cause as NodeJS.ErrnoException | undefined)?.code ?? '')
}

function isTlsError (code: string): boolean {
  return code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_') || code.startsWith('CERT_') || code.includes('CERT')
}
