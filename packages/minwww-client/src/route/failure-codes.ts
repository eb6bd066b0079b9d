import { WIRE_FAILURES } from '@minwww/protocol'
import type { FailureCode } from '../core.ts'
import type { FailureCode as ProxyCode } from '../http/failures.ts'

/** From every failure of a request by messages to the page that the proxy has for it. */
export const PROXY_CODES: Readonly<Record<FailureCode, ProxyCode>> = {
  'unknown-id': 'MINWWW_BAD_UPSTREAM',
  busy: 'MINWWW_BUSY',
  'too-large': 'MINWWW_RESPONSE_TOO_LARGE',
  policy: 'MINWWW_POLICY',
  'not-resolved': 'MINWWW_NAME_NOT_RESOLVED',
  'connect-failed': 'MINWWW_CONNECTION_FAILED',
  'upstream-timeout': 'MINWWW_UPSTREAM_TIMEOUT',
  'upstream-malformed': 'MINWWW_BAD_UPSTREAM',
  'bad-request': 'MINWWW_BAD_REQUEST',
  draining: 'MINWWW_BUSY',
  'outcome-unknown': 'MINWWW_OUTCOME_UNKNOWN',
  timeout: 'MINWWW_TIMEOUT',
  unanswered: 'MINWWW_UNANSWERED',
  silent: 'MINWWW_EXIT_SILENT',
  'no-exit': 'MINWWW_NO_EXIT',
  'bad-response': 'MINWWW_BAD_UPSTREAM',
  'request-too-large': 'MINWWW_BODY_TOO_LARGE',
  overloaded: 'MINWWW_OVERLOADED'
}

/** The page for the failure that an exit names in X-MinWWW-Error; undefined for what is no ERROR of the protocol. */
export function proxyCodeOfExit (name: string): ProxyCode | undefined {
  return isExitFailure(name) ? PROXY_CODES[name] : undefined
}

function isExitFailure (name: string): name is keyof typeof WIRE_FAILURES {
  return Object.hasOwn(WIRE_FAILURES, name)
}
