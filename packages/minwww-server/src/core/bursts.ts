import { encodeMessage, encodeRate, ERROR_CODES, paddedLength } from '@minwww/protocol'
import type { WireErrorName } from '@minwww/protocol'
import type { ServedRequest } from './served-request.ts'
import type { Burst } from './flow.ts'
import type { Reply, SymbolRange } from './reply.ts'
import type { Session } from './session.ts'
import type { FailureFacts } from './types.ts'

/** Symbols of one reply, first to last. */
export class SymbolBurst implements Burst {
  readonly owner: ServedRequest
  readonly messageLength: number
  readonly held: number
  readonly #reply: Reply
  readonly #attempt: number
  readonly #copy: number
  readonly #last: number
  #next: number

  constructor (request: ServedRequest, reply: Reply, range: SymbolRange) {
    this.owner = request
    this.messageLength = reply.messageLength
    this.held = reply.held
    this.#reply = reply
    this.#attempt = request.attempt
    this.#copy = request.copy
    this.#next = range.first
    this.#last = range.last
  }

  get left (): number {
    return this.#last + 1 - this.#next
  }

  /** Nobody has asked for it. */
  get isPush (): boolean {
    return this.owner.isPush
  }

  take (now: number, pace: number): Buffer {
    const index = this.#next++
    const { session, id } = this.owner
    const fields = {
      attempt: this.#attempt,
      flags: this.#copy,
      session: session.id,
      id,
      size: this.#reply.size,
      index,
      last: this.#last,
      pace: encodeRate(pace),
      time: now,
      symbol: this.#reply.symbol(index)
    }
    return encodeMessage(
      this.isPush ? { type: 'push', ...fields } : { type: 'reply', part: this.#reply.part, ...fields },
      session.keys.server
    )
  }
}

/** Says that a request is being worked on. */
export class WorkingBurst implements Burst {
  readonly owner: ServedRequest
  readonly messageLength: number
  readonly held: number
  left = 1
  readonly #payload: Buffer

  /** @param next - seconds within which it is said again */
  constructor (request: ServedRequest, next: number) {
    const { session, id, attempt } = request
    const message = { type: 'working', attempt, flags: 0, session: session.id, id, next } as const
    this.owner = request
    this.#payload = encodeMessage(message, session.keys.server, paddedLength(0))
    this.messageLength = this.held = this.#payload.length
  }

  take (): Buffer {
    this.left = 0
    return this.#payload
  }
}

/** One ERROR. */
export class ErrorBurst implements Burst {
  readonly owner: object
  readonly messageLength: number
  readonly held: number
  left = 1
  readonly #payload: Buffer

  constructor (session: Session, id: number, attempt: number, code: WireErrorName, facts: FailureFacts, owner: object = {}) {
    const message = {
      type: 'error',
      attempt,
      flags: 0,
      session: session.id,
      id,
      code: ERROR_CODES[code],
      retryAfter: facts.retryAfter ?? 0,
      size: facts.size ?? 0,
      detail: facts.detail ?? ''
    } as const
    this.owner = owner
    this.#payload = encodeMessage(message, session.keys.server, paddedLength(0))
    this.messageLength = this.held = this.#payload.length
  }

  take (): Buffer {
    this.left = 0
    return this.#payload
  }
}
