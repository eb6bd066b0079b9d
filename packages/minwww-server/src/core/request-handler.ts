import { decodeObject, decodeRate, encodeObject, ErasureDecoder, MAX_OBJECT, PROBE_TRAIN, PUSH_IDS, TokenBucket } from '@minwww/protocol'
import type {
  BodyMessage, CancelMessage, OpenMessage, Part, PushGrant, ReportMessage, RequestMessage, WantMessage, WireErrorName
} from '@minwww/protocol'
import { ErrorBurst, SymbolBurst, WorkingBurst } from './bursts.ts'
import type { ServerConfig } from './config.ts'
import { Heap } from './heap.ts'
import { ServedRequest } from './served-request.ts'
import type { RequestState, Sending } from './served-request.ts'
import { RequestTable } from './request-table.ts'
import type { OpenEntry } from './replay-table.ts'
import type { SendQueue } from './send-queue.ts'
import { Reply } from './reply.ts'
import type { Session } from './session.ts'
import type { FailureFacts, PromisedPush, ServerEvent, ServerStats } from './types.ts'

/** Repetitions of an ERROR for the same request. */
const ERROR_REPEATS = 5

/**
 * What happens to the requests of verified clients: fetched once, answered by (session, id) as often as their attempt
 * rises, within the caps (section 8).
 */
export class RequestHandler {
  #isDraining = false
  /** Taken after every call of the core. */
  readonly #events: ServerEvent[] = []
  readonly #config: ServerConfig
  readonly #stats: ServerStats
  readonly #sendQueue: SendQueue
  readonly #requests: RequestTable
  /** What was promised, by ids of our own: they never touch the window of a session's requests. */
  readonly #pushes: RequestTable
  /** Exchanges being fetched, by handle, in the order of their deadlines. Bounded by maxFetches. */
  readonly #fetches = new Map<number, ServedRequest>()
  /** How many of them each session has; only sessions with some. */
  readonly #fetchesOf = new Map<Session, number>()
  /** The same, by the time at which their clients are told that they are being worked on. */
  readonly #working = new Heap<ServedRequest>()
  readonly #unvalidated: TokenBucket
  #nextHandle = 1

  constructor (now: number, config: ServerConfig, stats: ServerStats, sendQueue: SendQueue) {
    this.#config = config
    this.#stats = stats
    this.#sendQueue = sendQueue
    this.#requests = new RequestTable(config)
    this.#pushes = new RequestTable({
      ...config,
      cachePerSession: config.pushCachePerSession,
      cacheTotal: config.pushCacheTotal,
      maxRequestsPerSession: config.maxPushesPerSession
    })
    this.#unvalidated = new TokenBucket(config.unvalidatedFetches, config.unvalidatedBurst, now)
  }

  /** Fetches under way. */
  get fetching (): number {
    return this.#fetches.size
  }

  /** Bytes of all remembered answers. */
  get held (): number {
    return this.#requests.held + this.#pushes.held
  }

  /** Promises that are being kept, or were. */
  get pushes (): number {
    return this.#pushes.size
  }

  get remembered (): number {
    return this.#requests.size
  }

  /** From now on everything new is refused. */
  drain (): void {
    this.#isDraining = true
  }

  pollEvent (): ServerEvent | undefined {
    return this.#events.shift()
  }

  /** An OPEN (with its entry in the replay table) or a REQUEST. */
  request (now: number, session: Session, message: OpenMessage | RequestMessage, entry?: OpenEntry): void {
    this.#learn(now, session, message)
    session.accept(decodeRate(message.max))
    const known = this.#requests.find(session, message.id)
    if (known !== undefined) return this.#again(now, known, message)
    if (!this.#isNew(session, message.id, message.attempt, entry?.isFetched === true)) return
    if (message.object.length === 0) return this.#probe(now, session, message)
    this.#fetch(now, session, message, message.object, entry)
  }

  want (now: number, session: Session, message: WantMessage): void {
    this.#learn(now, session, message)
    this.#stats.wants++
    const request = this.#tableOf(message).find(session, message.id)
    if (request === undefined) {
      if (!isOfPush(message) && session.window.check(message.id) === 'old') this.#stats.replayed++
      else this.#notify(session, message.id, message.attempt, 'unknown-id', {})
      return
    }
    const isNewAttempt = request.repaired(message)
    if (request.state.name === 'failed' && isNewAttempt) return this.#repeatFailure(request)
    if (request.state.name !== 'cached') return
    // What still waits to be sent is as good: any symbols do.
    const missing = message.count - this.#sendQueue.waiting(session, request)
    if (missing <= 0) {
      this.#stats.duplicates++
      return
    }
    this.#send(now, request, request.state.reply, reply => reply.repair(message.from, missing, isNewAttempt))
  }

  /** What the client grants while answers are under way; of two the newer one counts, whichever comes first. */
  report (now: number, session: Session, message: ReportMessage): void {
    if (session.takeReport(message.id)) this.#learn(now, session, message)
    else this.#stats.replayed++
  }

  cancel (now: number, session: Session, message: CancelMessage): void {
    if (!isOfPush(message)) session.window.accept(message.id)
    const request = this.#tableOf(message).find(session, message.id)
    if (request !== undefined && message.attempt >= request.attempt) this.#forget(request)
  }

  /** A symbol of a request that does not fit one message. The path is what the client said last. */
  body (now: number, session: Session, message: BodyMessage): void {
    let request = this.#requests.find(session, message.id)
    if (request === undefined) {
      if (!this.#isNew(session, message.id, message.attempt, false)) return
      const decoder = new ErasureDecoder(message.size, message.symbol.length)
      if (decoder.k === 0) return
      session.window.accept(message.id)
      request = this.#create(now, session, message, {
        name: 'collecting', decoder, size: message.size, symbolLength: message.symbol.length
      })
    }
    const { state } = request
    if (state.name !== 'collecting') return this.#again(now, request, message)
    if (state.size !== message.size || state.symbolLength !== message.symbol.length) {
      this.#stats.malformed++
      return
    }
    request.continued(message)
    state.decoder.add(message.index, message.symbol)
    if (!state.decoder.complete) return
    const object = state.decoder.result()
    this.#requests.remove(request)
    this.#fetch(now, session, { ...message, attempt: request.attempt }, object)
  }

  /**
   * Ids and handles for what a client of this request is going to be sent without asking; each is answered as a fetch is. Fewer
   * than asked for where there is no room, none where the request is over or its client cannot be reached for sure.
   */
  promise (now: number, handle: number, count: number): PromisedPush[] {
    const request = this.#fetches.get(handle)
    if (request?.session.peer.isValidated !== true || this.#isDraining) return []
    const { session } = request
    const { maxFetches, fetchDeadline, maxPushesPerSession } = this.#config
    const room = Math.min(count, (maxFetches >> 1) - this.#fetches.size, maxPushesPerSession - fetchingOf(this.#pushes.of(session)))
    return Array.from({ length: Math.max(0, room) }, () => {
      const id = session.takePushId()
      const own = this.#nextHandle++
      const push = this.#create(now, session, { id, attempt: 0, flags: 0 }, { name: 'fetching', handle: own, deadline: now + fetchDeadline })
      this.#fetches.set(own, push)
      this.#working.add(push, now + this.#config.workingAfter)
      this.#stats.promises++
      return { id, handle: own }
    })
  }

  /** Returns the bytes of the object that is sent, 0 for none: then nothing follows a beginning. */
  respond (now: number, handle: number, message: Buffer, part: Part, limit: number): number {
    const request = this.#finish(handle)
    if (request === undefined) return 0
    const object = encodeObject(message, { kind: isOfPush(request) ? 'push' : 'response' })
    const most = Math.min(MAX_OBJECT, request.max, limit)
    if (object.length > most) {
      this.#conclude(now, request, 'too-large', part === 'whole' ? { size: message.length } : {})
      return 0
    }
    if (isOfPush(request)) {
      this.#stats.pushes++
      this.#stats.pushedBytes += object.length
    } else this.#stats.replies++
    if (part === 'beginning') this.#stats.beginnings++
    this.#answer(now, request, object, part, handle)
    return object.length
  }

  fail (now: number, handle: number, code: WireErrorName, facts: FailureFacts): void {
    const request = this.#finish(handle)
    if (request !== undefined) this.#conclude(now, request, code, facts)
  }

  /** The session has ended: so has all that it asked for. */
  drop (session: Session): void {
    for (const request of [...this.#requests.of(session), ...this.#pushes.of(session)]) this.#forget(request)
    this.#sendQueue.drop(session)
  }

  nextTimeout (): number | undefined {
    const deadline = this.#first()?.deadline
    const next = Math.min(deadline ?? Infinity, this.#requests.nextTimeout() ?? Infinity, this.#pushes.nextTimeout() ?? Infinity,
      this.#working.firstKey ?? Infinity)
    return next === Infinity ? undefined : next
  }

  handleTimeout (now: number): void {
    for (let first = this.#first(); first !== undefined && first.deadline <= now; first = this.#first()) {
      this.#events.push({ type: 'cancelled', handle: first.handle })
      this.fail(now, first.handle, 'upstream-timeout', {})
    }
    while ((this.#working.firstKey ?? Infinity) <= now) this.#tellInTime(now, this.#working.first!)
    this.#requests.handleTimeout(now)
    this.#pushes.handleTimeout(now)
  }

  /** Before the usual time a stranger is told only that he was heard: his router lets little else through until then. */
  #tellInTime (now: number, request: ServedRequest): void {
    const { fetchDeadline, workingAfter } = this.#config
    const { state, session } = request
    const usual = state.name === 'fetching' ? state.deadline - fetchDeadline + workingAfter : now
    if (now >= usual) return this.#tell(now, request)
    this.#working.remove(request)
    this.#working.add(request, usual)
    if (!this.#isStranger(now, session)) return
    session.addressed(now)
    this.#sendQueue.push(session, new WorkingBurst(request, 0))
  }

  #isStranger (now: number, { addressedAt }: Session): boolean {
    return now - addressedAt >= this.#config.meetTime
  }

  /** Tells the client that its request is being worked on, so that it neither asks again nor goes elsewhere. */
  #tell (now: number, request: ServedRequest): void {
    const { workingEvery } = this.#config
    this.#working.remove(request)
    this.#working.add(request, now + workingEvery)
    if (this.#sendQueue.waiting(request.session, request) > 0) return
    if (this.#sendQueue.push(request.session, new WorkingBurst(request, Math.ceil(workingEvery / 1000)))) this.#stats.workings++
  }

  #learn (now: number, session: Session, message: { loss: number, rate: number, shape: number }): void {
    session.learn(now, message)
    this.#sendQueue.wake(session)
  }

  /** False for what was seen before; a higher attempt of something forgotten is told so. */
  #isNew (session: Session, id: number, attempt: number, isFetched: boolean): boolean {
    const seen = isFetched ? 'seen' : session.window.check(id)
    if (seen === 'new') return true
    if (seen === 'seen' && attempt > 0) this.#notify(session, id, attempt, 'unknown-id', {})
    else this.#stats.replayed++
    return false
  }

  #again (now: number, request: ServedRequest, sending: Sending): void {
    if (!request.resent(sending)) {
      this.#stats.duplicates++
      return
    }
    const { state } = request
    if (state.name === 'failed') return this.#repeatFailure(request)
    if (state.name === 'fetching') return this.#tell(now, request)
    // What is still being sent needs no repetition.
    if (state.name !== 'cached' || this.#sendQueue.waiting(request.session, request) > 0) return
    this.#send(now, request, state.reply, reply => reply.whole(request.path))
  }

  #probe (now: number, session: Session, message: OpenMessage | RequestMessage): void {
    this.#stats.probes++
    session.window.accept(message.id)
    const path = { loss: 0, shape: 1, maxSymbols: 1 }
    const reply = new Reply(Buffer.alloc(0), path, this.#config)
    const request = this.#create(now, session, message, { name: 'cached', reply })
    this.#send(now, request, reply, () => reply.train(message.type === 'open' ? PROBE_TRAIN : 1))
  }

  #fetch (now: number, session: Session, asked: Sending & { push?: PushGrant }, object: Buffer, entry?: OpenEntry): void {
    const { id, attempt } = asked
    const refusal = this.#refusal(now, session)
    if (refusal !== undefined) {
      // The id stays unused: the same request may come again.
      if (refusal === 'busy') this.#stats.busy++
      const retryAfter = refusal === 'busy' ? this.#config.retryAfter : 0
      return this.#notify(session, id, attempt, refusal, { retryAfter })
    }
    session.window.accept(id)
    let message: Buffer
    try {
      message = decodeObject(object, this.#config.maxRequest)
    } catch {
      const request = this.#create(now, session, asked, { name: 'failed', code: 'bad-request', facts: {}, repeatsLeft: ERROR_REPEATS })
      return this.#repeatFailure(request)
    }
    entry?.markFetched()
    const handle = this.#nextHandle++
    const deadline = now + this.#config.fetchDeadline
    const request = this.#create(now, session, asked, { name: 'fetching', handle, deadline })
    this.#fetches.set(handle, request)
    this.#fetchesOf.set(session, this.#fetchesBy(session) + 1)
    const { workingAfter, meetAfter } = this.#config
    this.#working.add(request, now + (this.#isStranger(now, session) ? meetAfter : workingAfter))
    this.#stats.fetches++
    const push = session.peer.isValidated && asked.push !== undefined ? { push: asked.push } : {}
    const name = { session: session.name, id }
    this.#events.push({ type: 'fetch', handle, message, from: session.destination, deadline, name, ...push })
  }

  #refusal (now: number, session: Session): 'busy' | 'draining' | undefined {
    if (this.#isDraining) return 'draining'
    const { maxFetches, maxFetchesPerSession } = this.#config
    if (this.#fetches.size >= maxFetches || this.#fetchesBy(session) >= maxFetchesPerSession) return 'busy'
    if (!session.peer.isValidated && !this.#unvalidated.take(now, 1)) return 'busy'
    return undefined
  }

  #fetchesBy (session: Session): number {
    return this.#fetchesOf.get(session) ?? 0
  }

  #create (now: number, session: Session, sending: Sending, state: RequestState): ServedRequest {
    const request = new ServedRequest(session, sending, state)
    this.#tableOf(request).add(now, request)
    return request
  }

  #answer (now: number, request: ServedRequest, object: Buffer, part: Part, handle: number): void {
    const reply = new Reply(object, request.path, this.#config, part)
    request.answered(reply, part === 'beginning' ? handle : undefined)
    this.#send(now, request, reply, () => reply.whole(request.path), true)
  }

  #send (now: number, request: ServedRequest, reply: Reply, choose: (reply: Reply) => ReturnType<Reply['whole']>, isFirst = false): void {
    const range = choose(reply)
    this.#tableOf(request).touch(now, request)
    if (range === undefined) {
      this.#stats.capped++
      return
    }
    if (!isFirst) this.#stats.repeats++
    this.#sendQueue.push(request.session, new SymbolBurst(request, reply, range))
  }

  #conclude (now: number, request: ServedRequest, code: WireErrorName, facts: FailureFacts): void {
    request.failed(code, facts, ERROR_REPEATS + 1)
    this.#tableOf(request).touch(now, request)
    this.#repeatFailure(request)
  }

  #repeatFailure (request: ServedRequest): void {
    const failure = request.takeFailure()
    if (failure !== undefined) this.#notify(request.session, request.id, request.attempt, failure.code, failure.facts, request)
  }

  #notify (session: Session, id: number, attempt: number, code: WireErrorName, facts: FailureFacts, owner?: ServedRequest): void {
    if (this.#sendQueue.push(session, new ErrorBurst(session, id, attempt, code, facts, owner))) this.#stats.errors++
  }

  #forget (request: ServedRequest): void {
    const { state } = request
    if (state.name === 'fetching' && this.#finish(state.handle) !== undefined) this.#events.push({ type: 'cancelled', handle: state.handle })
    // The client may have all of it, and its stream too: that is told by the stream.
    if (state.name === 'cached' && state.handle !== undefined) this.#events.push({ type: 'cancelled', handle: state.handle })
    this.#sendQueue.cancel(request.session, request)
    this.#tableOf(request).remove(request)
  }

  /** Takes a fetch off the list; undefined when nobody waits for it. */
  #finish (handle: number): ServedRequest | undefined {
    const request = this.#fetches.get(handle)
    if (request === undefined) return undefined
    this.#fetches.delete(handle)
    this.#working.remove(request)
    if (isOfPush(request)) return request
    const left = this.#fetchesBy(request.session) - 1
    if (left === 0) this.#fetchesOf.delete(request.session)
    else this.#fetchesOf.set(request.session, left)
    return request
  }

  #tableOf (of: { id: number }): RequestTable {
    return isOfPush(of) ? this.#pushes : this.#requests
  }

  #first (): { handle: number, deadline: number } | undefined {
    const state = this.#fetches.values().next().value?.state
    return state?.name === 'fetching' ? state : undefined
  }
}

const isOfPush = ({ id }: { id: number }): boolean => id >= PUSH_IDS

const fetchingOf = (requests: readonly ServedRequest[]): number => requests.filter(({ state }) => state.name === 'fetching').length
