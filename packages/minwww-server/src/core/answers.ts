import type { Part, WireErrorName } from '@minwww/protocol'
import { ErrorBurst, SymbolBurst } from './bursts.ts'
import type { ServerConfig } from './config.ts'
import type { Memory } from './memory.ts'
import { Reply } from './reply.ts'
import type { SymbolRange } from './reply.ts'
import type { SendQueue } from './send-queue.ts'
import type { ServedRequest } from './served-request.ts'
import type { Session } from './session.ts'
import type { FailureFacts, ServerStats } from './types.ts'

/** Repetitions of an ERROR for the same request. */
export const ERROR_REPEATS = 5

/** Sends what requests are answered with: replies, within their caps, and ERRORs. */
export class Answers {
  readonly #config: ServerConfig
  readonly #stats: ServerStats
  readonly #sendQueue: SendQueue
  readonly #memory: Memory

  constructor (config: ServerConfig, stats: ServerStats, sendQueue: SendQueue, memory: Memory) {
    this.#config = config
    this.#stats = stats
    this.#sendQueue = sendQueue
    this.#memory = memory
  }

  /** @param handle - of a beginning */
  answer (now: number, request: ServedRequest, object: Buffer, part: Part, handle: number | undefined): void {
    const reply = new Reply(object, request.path, this.#config, part)
    request.answered(reply, part === 'beginning' ? handle : undefined)
    this.send(now, request, reply, () => reply.whole(request.path), true)
  }

  send (now: number, request: ServedRequest, reply: Reply, choose: (reply: Reply) => SymbolRange | undefined, isFirst = false): void {
    const range = choose(reply)
    this.#memory.of(request).touch(now, request)
    if (range === undefined) {
      this.#stats.capped++
      return
    }
    if (!isFirst) this.#stats.repeats++
    this.#sendQueue.push(request.session, new SymbolBurst(request, reply, range))
  }

  conclude (now: number, request: ServedRequest, code: WireErrorName, facts: FailureFacts): void {
    request.failed(code, facts, ERROR_REPEATS + 1)
    this.#memory.of(request).touch(now, request)
    this.repeatFailure(request)
  }

  repeatFailure (request: ServedRequest): void {
    const failure = request.takeFailure()
    if (failure !== undefined) this.notify(request.session, request.id, request.attempt, failure.code, failure.facts, request)
  }

  notify (session: Session, id: number, attempt: number, code: WireErrorName, facts: FailureFacts, owner?: ServedRequest): void {
    if (this.#sendQueue.push(session, new ErrorBurst(session, id, attempt, code, facts, owner))) this.#stats.errors++
  }
}
