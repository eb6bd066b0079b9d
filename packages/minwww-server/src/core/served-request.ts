import { PUSH_IDS } from '@minwww/protocol'
import type { ErasureDecoder, WireErrorName } from '@minwww/protocol'
import type { Execution } from './execution.ts'
import type { PathFacts, Reply } from './reply.ts'
import type { Session } from './session.ts'
import type { FailureFacts } from './types.ts'

/** Where one request stands. A state that cannot be does not type-check. */
export type RequestState =
  /** BODY symbols come in. */
  | { name: 'collecting', decoder: ErasureDecoder, size: number, symbolLength: number }
  /** Given out as a 'fetch' event. */
  | { name: 'fetching', handle: number, deadline: number }
  /** `handle`: of a beginning, whose rest waits for its stream. */
  | { name: 'cached', reply: Reply, handle?: number }
  | { name: 'failed', code: WireErrorName, facts: FailureFacts, repeatsLeft: number }

/** What names one sending of a request; `flags` tell which copy of the attempt it is. */
export interface Sending { id: number, attempt: number, flags: number }

/** One (session, id): asked for once, fetched at most once, answered as often as attempts rise. */
export class ServedRequest {
  readonly session: Session
  readonly id: number
  /** Largest object that the client takes, bytes. */
  readonly max: number
  /** Where it is carried out once, whoever else asks for it. */
  readonly execution: Execution | undefined
  #attempt: number
  #copy: number
  #path: PathFacts
  #state: RequestState

  constructor (session: Session, { id, attempt, flags }: Sending, state: RequestState, execution?: Execution) {
    this.session = session
    this.id = id
    this.max = session.max
    this.execution = execution
    this.#attempt = attempt
    this.#copy = flags
    this.#path = session.path
    this.#state = state
  }

  /** Nobody has asked for it. */
  get isPush (): boolean {
    return this.id >= PUSH_IDS
  }

  /** Highest attempt seen; only a higher one is answered again. */
  get attempt (): number {
    return this.#attempt
  }

  /** Which copy of that attempt came first; replies echo it, so that the client knows the round trip. */
  get copy (): number {
    return this.#copy
  }

  /** As the client told it with the attempt that is answered. */
  get path (): PathFacts {
    return this.#path
  }

  get state (): RequestState {
    return this.#state
  }

  /** It was sent again. False for an attempt that was seen. */
  resent (sending: Sending): boolean {
    if (!this.repaired(sending)) return false
    this.#path = this.session.path
    return true
  }

  /** A WANT came for it. True if its attempt is a new one. */
  repaired ({ attempt, flags }: Sending): boolean {
    if (attempt <= this.#attempt) return false
    this.#attempt = attempt
    this.#copy = flags
    return true
  }

  /** A part of it came. */
  continued ({ attempt }: Sending): void {
    this.#attempt = Math.max(this.#attempt, attempt)
  }

  /** @param handle - of a beginning */
  answered (reply: Reply, handle?: number): void {
    this.#state = { name: 'cached', reply, ...(handle !== undefined && { handle }) }
  }

  /** @param repeats - how often the ERROR may be sent */
  failed (code: WireErrorName, facts: FailureFacts, repeats: number): void {
    this.#state = { name: 'failed', code, facts, repeatsLeft: repeats }
  }

  /** Counts one sending of its ERROR; undefined when there may be no more. */
  takeFailure (): { code: WireErrorName, facts: FailureFacts } | undefined {
    const state = this.#state
    if (state.name !== 'failed' || state.repeatsLeft < 1) return undefined
    this.#state = { ...state, repeatsLeft: state.repeatsLeft - 1 }
    return state
  }
}
