import type { Clock, Logger, Timer } from '@minwww/ground'
import { MAX_OBJECT, parseRequest } from '@minwww/protocol'
import { ServerError, type FailureReason } from '../errors.ts'
import type { HttpRequest, UpstreamResponse, Visitor } from '../fetch/http-types.ts'
import { BEGINNING, beginningOf, tooLarge } from '../fetch/collect.ts'
import { toServerError } from '../fetch/failures.ts'
import type { Plan } from '../fetch/fetcher.ts'
import type { CoreDriver } from './core-driver.ts'
import type { Responded, Responder } from './responder.ts'
import type { Pushes } from './pushes.ts'
import type { Rests } from './rests.ts'
import type { FetchQueue } from './fetch-queue.ts'
import type { FetchEvent, ServerEvent } from '../core.ts'

export interface MessageServiceOptions {
  driver: () => CoreDriver
  responder: Pick<Responder, 'respond'>
  rests: Pick<Rests, 'keep' | 'drop'>
  /** Sends what pages need before it is asked for; undefined for an exit that does not. */
  pushes: Pick<Pushes, 'forPage' | 'cancel' | 'asked'> | undefined
  queue: FetchQueue
  clock: Clock
  logger: Logger
  logUrls: boolean
  /** Asked before a request is queued; throws ServerError to refuse it. */
  admit: (visitor: Visitor, request: HttpRequest) => Plan
  /** What the exit answers by itself, without a fetch; undefined for every other request. Throws ServerError to refuse it. */
  ownAnswer: (visitor: Visitor, request: HttpRequest) => Buffer | undefined
  /** `bytes` of the answer before it is coded, 0 for a failure. */
  onOutcome: (visitor: Visitor, outcome: Outcome, bytes: number, milliseconds: number) => void
  /** Bytes of an answer as they will be sent. */
  onQueued: (visitor: Visitor, bytes: number) => void
}

export type Outcome = 'answered' | FailureReason

interface Job {
  client: string
  /** Bytes of a beginning that is being read: soon they wait for the client. */
  begins: number
  abort: AbortController
  timer: Timer
}

/** Turns the core's 'fetch' events into responses: queue, fetch, collect, answer. */
export class MessageService {
  readonly #options: MessageServiceOptions
  /** By handle; bounded by the core's own table of requests and by the queue. */
  readonly #jobs = new Map<number, Job>()
  #draining = false
  #idle: (() => void) | undefined

  constructor (options: MessageServiceOptions) {
    this.#options = options
  }

  get active (): number {
    return this.#jobs.size
  }

  handle (event: ServerEvent): void {
    if (event.type === 'cancelled') this.#cancel(event.handle)
    else this.#accept(event)
  }

  /** Refuses everything new; resolves when the last request under way has its answer. */
  async drain (): Promise<void> {
    this.#draining = true
    if (this.#jobs.size === 0) return
    await new Promise<void>(resolve => { this.#idle = resolve })
  }

  close (): void {
    this.#draining = true
    for (const handle of [...this.#jobs.keys()]) this.#cancel(handle)
  }

  #accept (event: FetchEvent): void {
    const { clock, queue } = this.#options
    const started = clock.now()
    const fail = (error: ServerError) => this.#fail(event, error, started)
    if (this.#draining) return fail(new ServerError('MINWWW_EXIT_DRAINING', 'this exit is shutting down'))
    const abort = new AbortController()
    const expire = () => {
      const late = new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not answer in time')
      abort.abort(late)
      if (queue.cancel(String(event.handle))) fail(late)
    }
    this.#jobs.set(event.handle, { client: event.from.b32, begins: 0, abort, timer: clock.setTimer(expire, event.deadline - started) })
    try {
      const request = readRequest(event.message)
      const message = this.#options.ownAnswer(event.from, request)
      if (message !== undefined) {
        if (this.#finish(event.handle)) this.#answer(event, { message }, started)
        return
      }
      const plan = this.#options.admit(event.from, request)
      this.#options.pushes?.asked(event.from, request.url)
      queue.add({
        id: String(event.handle),
        client: event.from.b32,
        slot: plan.slot,
        deadline: event.deadline,
        run: async () => await this.#run(event, plan, abort.signal, started),
        onShed: () => fail(new ServerError('MINWWW_EXIT_BUSY', 'more is asked of this exit than it can do', { retryAfter: SHED_RETRY }))
      })
    } catch (error) {
      fail(toServerError(error, 'request'))
    }
  }

  async #run (event: FetchEvent, plan: Plan, signal: AbortSignal, started: number): Promise<void> {
    try {
      const answer = await this.#options.responder.respond(plan, signal, response => this.#beginningOf(event, response))
      this.#keep(event, answer)
      const promises = this.#options.pushes?.forPage(event.handle, event.from, plan.request, event.push, answer)
      if (!this.#finish(event.handle)) {
        promises?.cancel()
        return this.#options.rests.drop(event.handle)
      }
      const sent = this.#answer(event, promises === undefined ? answer : { ...answer, message: promises.message }, started)
      if (sent > 0) promises?.start()
      else promises?.cancel()
      this.#log(plan.request, 'answered', started)
    } catch (cause) {
      const error = signal.reason instanceof ServerError ? signal.reason : toServerError(cause, 'request')
      this.#fail(event, error, started)
      this.#log(plan.request, error.code, started)
    }
  }

  /** Of those that are answered at the same time none counts on what another one takes. */
  #beginningOf ({ handle, from, atOnce }: FetchEvent, response: UpstreamResponse): number {
    // Most are short, and need no question to the core.
    if (response.shrinks || (response.length ?? Infinity) <= BEGINNING) return beginningOf(response)
    let ahead = 0
    for (const { client, begins } of this.#jobs.values()) if (client === from.b32) ahead += begins
    let left: number | undefined
    this.#options.driver().act(core => { left = core.atOnce?.(handle, ahead) })
    const length = beginningOf(response, left ?? atOnce)
    const job = this.#jobs.get(handle)
    if (job !== undefined && (response.length ?? 0) > MAX_OBJECT) job.begins = length
    return length
  }

  /** The rest must be there before its beginning leaves. */
  #keep ({ from, name, handle }: FetchEvent, { rest }: Responded): void {
    if (rest === undefined || this.#options.rests.keep(from, name, handle, rest)) return
    rest.response.body.destroy()
    throw tooLarge(rest.response.length ?? 0)
  }

  /** @returns bytes that are sent, 0 for none */
  #answer ({ from, handle }: FetchEvent, { message, rest }: Responded, started: number): number {
    const { driver, rests, onOutcome, onQueued, clock } = this.#options
    onOutcome(from, 'answered', message.length, clock.now() - started)
    let sent = 0
    driver().act((core, now) => {
      sent = core.respond(now, handle, message, rest === undefined ? 'whole' : 'beginning') ?? message.length
      if (sent === 0) rests.drop(handle)
      onQueued(from, sent)
    })
    return sent
  }

  #fail (event: FetchEvent, error: ServerError, started: number): void {
    const known = this.#finish(event.handle)
    if (!known && error.reason !== 'draining') return
    const facts = { retryAfter: error.retryAfter, size: error.size, detail: error.message }
    this.#options.driver().act((core, now) => core.fail(now, event.handle, error.reason, facts))
    this.#options.onOutcome(event.from, error.reason, 0, this.#options.clock.now() - started)
  }

  /** False if the request was cancelled in the meantime. */
  #finish (handle: number): boolean {
    const job = this.#jobs.get(handle)
    if (job === undefined) return false
    job.timer.clear()
    this.#jobs.delete(handle)
    if (this.#jobs.size === 0) this.#idle?.()
    return true
  }

  #cancel (handle: number): void {
    const job = this.#jobs.get(handle)
    this.#options.rests.drop(handle)
    this.#options.pushes?.cancel(handle)
    this.#options.queue.cancel(String(handle))
    if (this.#finish(handle)) job?.abort.abort(new ServerError('MINWWW_EXIT_TIMEOUT', 'the client has gone'))
  }

  #log (request: HttpRequest, outcome: string, started: number): void {
    const facts = { outcome, ms: Math.round(this.#options.clock.now() - started) }
    this.#options.logger.debug(this.#options.logUrls ? { ...facts, method: request.method, url: request.url } : facts, 'request')
  }
}

/** Seconds that a client which was shed should keep away. */
const SHED_RETRY = 5

function readRequest (message: Buffer): HttpRequest {
  try {
    const { method, url, headers, body } = parseRequest(message)
    return { method, url, headers, body: body.length === 0 ? undefined : body }
  } catch (cause) {
    throw new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the request is not well-formed HTTP', { cause })
  }
}
