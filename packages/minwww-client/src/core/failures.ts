import { errorName } from '@minwww/protocol'
import type { WireErrorName } from '@minwww/protocol'

/** Failures that the client finds by itself; they never travel. */
export type LocalFailure =
  | 'timeout' // no exit answered in time
  | 'unanswered' // nor did the one that may have carried it out, which nobody else may
  | 'silent' // every exit has been silent for longer than losses explain, also now
  | 'no-exit' // no exit is there that could be asked
  | 'bad-response' // an exit sent what nobody can use
  | 'request-too-large' // the request's object is above 128 KiB
  | 'overloaded' // this client has `maxRequests` requests under way

/** Every way in which a request by messages can fail: what an ERROR message says, or what the client finds. */
export type FailureCode = WireErrorName | LocalFailure

/** What the code of an ERROR message means. One that this version does not know is an answer that nobody can use. */
export function failureOfError (code: number): FailureCode {
  return errorName(code) ?? 'bad-response'
}
