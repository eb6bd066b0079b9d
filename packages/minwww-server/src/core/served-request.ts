import type { ErasureDecoder, WireErrorName } from '@minwww/protocol'
import type { PathFacts, Reply } from './reply.ts'
import type { Session } from './session.ts'
import type { FailureFacts } from './types.ts'

/** Where one request stands. A state that cannot be does not type-check. */
export type RequestState =
  /** BODY symbols come in. */
  | { name: 'collecting', decoder: ErasureDecoder, size: number, symbolLength: number }
  /** Given out as a 'fetch' event. */
  | { name: 'fetching', handle: number, deadline: number }
  | { name: 'cached', reply: Reply }
  | { name: 'failed', code: WireErrorName, facts: FailureFacts, repeatsLeft: number }

/** One (session, id): asked for once, fetched at most once, answered as often as attempts rise. */
export interface ServedRequest {
  readonly session: Session
  readonly id: number
  /** Highest attempt seen; only a higher one is answered again. */
  attempt: number
  /** Which copy of that attempt came first; replies echo it, so that the client knows the round trip. */
  copy: number
  path: PathFacts
  /** Largest object that the client takes, bytes. */
  max: number
  state: RequestState
  /** ms; the cache drops what was not touched for long. */
  touched: number
  /** Bytes that the cache counts. */
  held: number
}
