import { WorkingBurst } from './bursts.ts'
import type { ServerConfig } from './config.ts'
import { Heap } from './heap.ts'
import type { SendQueue } from './send-queue.ts'
import type { ServedRequest } from './served-request.ts'
import type { Session } from './session.ts'
import type { ServerStats } from './types.ts'

/** Tells clients in time that their requests are being worked on (section 8). */
export class WorkNotes {
  readonly #config: ServerConfig
  readonly #stats: ServerStats
  readonly #sendQueue: SendQueue
  /** By the time at which they are told next. */
  readonly #due = new Heap<ServedRequest>()

  constructor (config: ServerConfig, stats: ServerStats, sendQueue: SendQueue) {
    this.#config = config
    this.#stats = stats
    this.#sendQueue = sendQueue
  }

  /** It is being fetched from now on. */
  add (now: number, request: ServedRequest): void {
    const { workingAfter, meetAfter } = this.#config
    this.#due.add(request, now + (!request.isPush && this.#isStranger(now, request.session) ? meetAfter : workingAfter))
  }

  remove (request: ServedRequest): void {
    this.#due.remove(request)
  }

  /** Tells the client that its request is being worked on, so that it neither asks again nor goes elsewhere. */
  tell (now: number, request: ServedRequest): void {
    const { workingEvery } = this.#config
    this.#due.remove(request)
    this.#due.add(request, now + workingEvery)
    if (this.#sendQueue.waiting(request.session, request) > 0) return
    if (this.#sendQueue.push(request.session, new WorkingBurst(request, Math.ceil(workingEvery / 1000)))) this.#stats.workings++
  }

  get nextTimeout (): number | undefined {
    return this.#due.firstKey
  }

  handleTimeout (now: number): void {
    while ((this.#due.firstKey ?? Infinity) <= now) this.#tellInTime(now, this.#due.first!)
  }

  /** Before the usual time a stranger is told only that he was heard: his router lets little else through until then. */
  #tellInTime (now: number, request: ServedRequest): void {
    const { fetchDeadline, workingAfter } = this.#config
    const { state, session } = request
    const usual = state.name === 'fetching' ? state.deadline - fetchDeadline + workingAfter : now
    if (now >= usual) return this.tell(now, request)
    this.#due.remove(request)
    this.#due.add(request, usual)
    if (!this.#isStranger(now, session)) return
    session.addressed(now)
    this.#sendQueue.push(session, new WorkingBurst(request, 0))
  }

  #isStranger (now: number, { addressedAt }: Session): boolean {
    return now - addressedAt >= this.#config.meetTime
  }
}
