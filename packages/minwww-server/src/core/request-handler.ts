import { decodeObject, decodeRate, encodeObject, ErasureDecoder, MAX_OBJECT, PROBE_TRAIN, PUSH_IDS, splitBlock } from '@minwww/protocol'
import type {
  BodyMessage, CancelMessage, OpenMessage, Part, ReportMessage, RequestBlock, RequestMessage, WantMessage, WireErrorName
} from '@minwww/protocol'
import { Answers, ERROR_REPEATS } from './answers.ts'
import type { ServerConfig } from './config.ts'
import type { Execution } from './execution.ts'
import type { Executions } from './executions.ts'
import { Fetches } from './fetches.ts'
import { ServedRequest } from './served-request.ts'
import type { RequestState, Sending } from './served-request.ts'
import { Memory } from './memory.ts'
import type { OpenEntry } from './replay-table.ts'
import type { SendQueue } from './send-queue.ts'
import { Reply } from './reply.ts'
import type { Session } from './session.ts'
import type { FailureFacts, PromisedPush, ServerEvent, ServerStats } from './types.ts'
import { WorkNotes } from './work-notes.ts'

export interface RequestHandlerParts {
  config: ServerConfig
  stats: ServerStats
  sendQueue: SendQueue
  executions: Executions
  incarnation: Buffer
}

/** What a message asks for, beside the object. */
type Asked = Sending & RequestBlock

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
  readonly #memory: Memory
  readonly #answers: Answers
  readonly #fetches: Fetches
  readonly #notes: WorkNotes
  readonly #executions: Executions
  /** What a probe is told. */
  readonly #incarnation: Buffer

  constructor (now: number, { config, stats, sendQueue, executions, incarnation }: RequestHandlerParts) {
    this.#config = config
    this.#stats = stats
    this.#sendQueue = sendQueue
    this.#executions = executions
    this.#incarnation = incarnation
    this.#fetches = new Fetches(now, config)
    this.#notes = new WorkNotes(config, stats, sendQueue)
    this.#memory = new Memory(config)
    this.#answers = new Answers(config, stats, sendQueue, this.#memory)
  }

  /** Fetches under way, requests and promises remembered, bytes of their answers. */
  get load (): Record<'fetches' | 'requests' | 'pushes' | 'held', number> {
    const { requests, pushes, held } = this.#memory
    return { fetches: this.#fetches.size, requests: requests.size, pushes: pushes.size, held }
  }

  sessionOf (handle: number): Session | undefined { return this.#fetches.get(handle)?.session }

  /** From now on everything new is refused. */
  drain (): void { this.#isDraining = true }

  pollEvent (): ServerEvent | undefined {
    return this.#events.shift()
  }

  /** An OPEN (with its entry in the replay table) or a REQUEST. */
  request (now: number, session: Session, message: OpenMessage | RequestMessage, entry?: OpenEntry): void {
    this.#learn(now, session, message)
    session.accept(decodeRate(message.max))
    const known = this.#memory.requests.find(session, message.id)
    if (known !== undefined) return this.#again(now, known, message)
    // What is known by its token needs no id that is new.
    const execution = message.once === undefined ? undefined : this.#executions.find(message.once)
    if (execution !== undefined) return this.#join(now, session, message, execution)
    if (!this.#isNew(session, message.id, message.attempt, entry?.isFetched === true)) return
    if (message.object.length === 0) return this.#probe(now, session, message)
    this.#fetch(now, session, message, message.object, entry)
  }

  want (now: number, session: Session, message: WantMessage): void {
    this.#learn(now, session, message)
    this.#stats.wants++
    const request = this.#memory.of(message).find(session, message.id)
    if (request === undefined) {
      if (!isOfPush(message) && session.window.check(message.id) === 'old') this.#stats.replayed++
      else this.#answers.notify(session, message.id, message.attempt, 'unknown-id', {})
      return
    }
    const isNewAttempt = request.repaired(message)
    if (request.state.name === 'failed' && isNewAttempt) return this.#answers.repeatFailure(request)
    if (request.state.name !== 'cached') return
    // What still waits to be sent is as good: any symbols do.
    const missing = message.count - this.#sendQueue.waiting(session, request)
    if (missing <= 0) {
      this.#stats.duplicates++
      return
    }
    this.#answers.send(now, request, request.state.reply, reply => reply.repair(message.from, missing, isNewAttempt))
  }

  /** What the client grants while answers are under way. */
  report (now: number, session: Session, message: ReportMessage): void {
    this.#learn(now, session, message)
  }

  cancel (now: number, session: Session, message: CancelMessage): void {
    if (!isOfPush(message)) session.window.accept(message.id)
    const request = this.#memory.of(message).find(session, message.id)
    if (request === undefined || message.attempt < request.attempt) return
    if (request.isPush && (request.state.name === 'fetching' || this.#sendQueue.waiting(session, request) > 0)) this.#stats.pushesCancelled++
    this.#forget(request)
  }

  /** A symbol of a request that does not fit one message. The path is what the client said last. */
  body (now: number, session: Session, message: BodyMessage): void {
    const request = this.#memory.requests.find(session, message.id) ?? this.#collect(now, session, message)
    if (request === undefined) return
    const { state } = request
    if (state.name !== 'collecting') return this.#again(now, request, message)
    if (state.size !== message.size || state.symbolLength !== message.symbol.length) {
      this.#stats.malformed++
      return
    }
    request.continued(message)
    state.decoder.add(message.index, message.symbol)
    this.#memory.requests.touch(now, request)
    if (!state.decoder.complete) return
    this.#memory.requests.remove(request)
    this.#uploaded(now, session, { id: request.id, attempt: request.attempt, flags: 0 }, state.decoder.result())
  }

  /**
   * Ids and handles for what a client of this request is going to be sent without asking; each is answered as a fetch is. Fewer
   * than asked for where there is no room, none where the request is over or its client cannot be reached for sure.
   */
  promise (now: number, handle: number, count: number): PromisedPush[] {
    const request = this.#fetches.get(handle)
    if (request?.session.peer.isValidated !== true || this.#isDraining) return []
    const { session } = request
    const { maxFetches, maxPushesPerSession } = this.#config
    const room = Math.min(count, (maxFetches >> 1) - this.#fetches.size, maxPushesPerSession - this.#memory.pushes.countOf(session, 'fetching'))
    return Array.from({ length: Math.max(0, room) }, () => {
      const id = session.takePushId()
      const { handle } = this.#give(now, session, { id, attempt: 0, flags: 0 })
      this.#stats.promises++
      return { id, handle }
    })
  }

  /** Returns the bytes of the object that is sent, 0 for none: then nothing follows a beginning. */
  respond (now: number, handle: number, message: Buffer, part: Part, limit: number): number {
    const waiting = this.#finish(handle)
    const [request] = waiting
    if (request === undefined) return 0
    const object = encodeObject(message, { kind: request.isPush ? 'push' : 'response' })
    const most = Math.min(MAX_OBJECT, limit, ...waiting.map(({ max }) => max))
    if (object.length > most) {
      const facts = part === 'whole' ? { size: message.length } : {}
      for (const each of waiting) this.#answers.conclude(now, each, 'too-large', facts)
      return 0
    }
    if (request.isPush) {
      this.#stats.pushes++
      this.#stats.pushedBytes += object.length
    } else this.#stats.replies++
    if (part === 'beginning') this.#stats.beginnings++
    for (const each of waiting) this.#answers.answer(now, each, object, part, handle)
    return object.length
  }

  fail (now: number, handle: number, code: WireErrorName, facts: FailureFacts): void {
    for (const request of this.#finish(handle)) this.#answers.conclude(now, request, code, facts)
  }

  /** The session has ended: so has all that it asked for. */
  drop (session: Session): void {
    for (const request of [...this.#memory.requests.of(session), ...this.#memory.pushes.of(session)]) this.#forget(request)
    this.#sendQueue.drop(session)
  }

  nextTimeout (): number | undefined {
    const { deadline } = this.#fetches.first() ?? {}
    const next = Math.min(deadline ?? Infinity, this.#memory.nextTimeout() ?? Infinity,
      this.#notes.nextTimeout ?? Infinity, this.#executions.nextTimeout() ?? Infinity)
    return next === Infinity ? undefined : next
  }

  handleTimeout (now: number): void {
    for (let first = this.#fetches.first(); first !== undefined && first.deadline <= now; first = this.#fetches.first()) {
      this.#events.push({ type: 'cancelled', handle: first.handle })
      this.fail(now, first.handle, 'upstream-timeout', {})
    }
    this.#notes.handleTimeout(now)
    this.#memory.handleTimeout(now)
    this.#executions.handleTimeout(now)
  }

  #learn (now: number, session: Session, message: { loss: number, rate: number, shape: number }): void {
    session.learn(now, message)
    this.#sendQueue.wake(session)
  }

  /** False for what was seen before; a higher attempt of something forgotten is told so. */
  #isNew (session: Session, id: number, attempt: number, isFetched: boolean): boolean {
    const seen = isFetched ? 'seen' : session.window.check(id)
    if (seen === 'new') return true
    if (seen === 'seen' && attempt > 0) this.#answers.notify(session, id, attempt, 'unknown-id', {})
    else this.#stats.replayed++
    return false
  }

  #again (now: number, request: ServedRequest, sending: Sending): void {
    if (!request.resent(sending)) {
      this.#stats.duplicates++
      return
    }
    const { state } = request
    if (state.name === 'failed') return this.#answers.repeatFailure(request)
    if (state.name === 'fetching') return this.#notes.tell(now, request)
    // What is still being sent needs no repetition.
    if (state.name !== 'cached' || this.#sendQueue.waiting(request.session, request) > 0) return
    this.#answers.send(now, request, state.reply, reply => reply.whole(request.path))
  }

  #probe (now: number, session: Session, message: OpenMessage | RequestMessage): void {
    this.#stats.probes++
    session.window.accept(message.id)
    const path = { loss: 0, shape: 1, maxSymbols: 1 }
    const reply = new Reply(Buffer.alloc(0), path, this.#config, 'whole', this.#incarnation)
    const request = this.#create(now, session, message, { name: 'cached', reply })
    this.#answers.send(now, request, reply, () => reply.train(message.type === 'open' ? PROBE_TRAIN : 1))
  }

  /** The first symbol of a request. Only who can be reached for sure, and within bounds, has one put together here. */
  #collect (now: number, session: Session, message: BodyMessage): ServedRequest | undefined {
    if (!this.#isNew(session, message.id, message.attempt, false)) return undefined
    const decoder = new ErasureDecoder(message.size, message.symbol.length)
    if (decoder.k === 0) return undefined
    if (!session.peer.isValidated || !this.#memory.requests.takeUploadRoom(now, session)) {
      this.#refuse(now, session, message, 'busy')
      return undefined
    }
    session.window.accept(message.id)
    const { size, symbol: { length: symbolLength } } = message
    return this.#create(now, session, message, { name: 'collecting', decoder, size, symbolLength })
  }

  /** All of a request in symbols is here: its block stands in front of it. */
  #uploaded (now: number, session: Session, sending: Sending, joined: Buffer): void {
    let split: ReturnType<typeof splitBlock>
    try {
      split = splitBlock(joined)
    } catch {
      return this.#refuse(now, session, sending, 'bad-request')
    }
    this.#fetch(now, session, { ...sending, ...split.block }, split.object)
  }

  #fetch (now: number, session: Session, asked: Asked, object: Buffer, entry?: OpenEntry): void {
    const execution = asked.once === undefined ? undefined : this.#admit(now, session, { ...asked, once: asked.once }, entry)
    if (execution === 'settled') return
    const refusal = this.#isDraining ? 'draining' : this.#fetches.takeRoom(now, session) ? undefined : 'busy'
    if (refusal !== undefined && execution === undefined) {
      // The id stays unused: the same request may come again.
      if (refusal === 'busy') this.#stats.busy++
      return this.#answers.notify(session, asked.id, asked.attempt, refusal, this.#factsOf(refusal))
    }
    entry?.markFetched()
    if (refusal !== undefined) return this.#refuse(now, session, asked, refusal, undefined, execution)
    session.window.accept(asked.id)
    let message: Buffer
    try {
      message = decodeObject(object, this.#config.maxRequest)
    } catch {
      return this.#refuse(now, session, asked, 'bad-request', undefined, execution)
    }
    const { handle, deadline } = this.#give(now, session, asked, execution)
    this.#stats.fetches++
    const push = session.peer.isValidated && asked.push !== undefined ? { push: asked.push } : {}
    const name = execution === undefined ? { session: session.name, id: asked.id } : { token: execution.token }
    this.#events.push({ type: 'fetch', handle, message, from: session.destination, deadline, name, atOnce: this.#sendQueue.leftAtOnce(session), ...push })
  }

  /** What its token says of a request: whose it is to carry out, or that it is settled without a fetch. */
  #admit (now: number, session: Session, asked: Asked & Required<Pick<Asked, 'once'>>, entry?: OpenEntry): Execution | 'settled' {
    const admitted = this.#executions.admit(now, session, asked.once)
    if (admitted.kind === 'new') return admitted.execution
    entry?.markFetched()
    switch (admitted.kind) {
      case 'known':
        this.#join(now, session, asked, admitted.execution)
        break
      case 'full':
        this.#stats.tokensRefused++
        this.#refuse(now, session, asked, 'busy')
        break
      case 'unknown':
        if (admitted.age > 0) this.#stats.tokensBefore++
        this.#refuse(now, session, asked, 'outcome-unknown', { size: admitted.age })
    }
    return 'settled'
  }

  /** The same request under another id or session: answered by what there is. */
  #join (now: number, session: Session, asked: Asked, execution: Execution): void {
    this.#stats.tokensAgain++
    const earlier = this.#memory.answered(execution).at(-1)
    if (execution.isFull || earlier === undefined) return this.#refuse(now, session, asked, 'outcome-unknown')
    const { state } = earlier
    session.window.accept(asked.id)
    execution.asked(session, asked.id)
    switch (state.name) {
      case 'fetching': return this.#notes.tell(now, this.#create(now, session, asked, { ...state }, execution))
      case 'cached': {
        const { object, part } = state.reply
        return this.#answers.answer(now, this.#create(now, session, asked, { ...state }, execution), object, part, state.handle)
      }
      case 'failed': return this.#refuse(now, session, asked, state.code, state.facts, execution)
      case 'collecting': // what is put together has no token yet
    }
  }

  /** Gives it out to be fetched. */
  #give (now: number, session: Session, sending: Sending, execution?: Execution): { handle: number, deadline: number } {
    const handle = this.#fetches.takeHandle()
    const deadline = now + this.#config.fetchDeadline
    const request = this.#create(now, session, sending, { name: 'fetching', handle, deadline }, execution)
    execution?.asked(session, sending.id)
    this.#fetches.add(handle, request)
    this.#notes.add(now, request)
    return { handle, deadline }
  }

  /** It is not carried out, and whatever comes of its id is told so: its client may ask elsewhere. */
  #refuse (now: number, session: Session, sending: Sending, code: WireErrorName, facts = this.#factsOf(code), execution?: Execution): void {
    if (code === 'busy') this.#stats.busy++
    session.window.accept(sending.id)
    const request = this.#create(now, session, sending, { name: 'failed', code, facts, repeatsLeft: ERROR_REPEATS }, execution)
    execution?.asked(session, sending.id)
    this.#answers.repeatFailure(request)
  }

  #factsOf (code: WireErrorName): FailureFacts {
    return code === 'busy' ? { retryAfter: this.#config.retryAfter } : {}
  }

  #create (now: number, session: Session, sending: Sending, state: RequestState, execution?: Execution): ServedRequest {
    const request = new ServedRequest(session, sending, state, execution)
    this.#memory.of(request).add(now, request)
    return request
  }

  #forget (request: ServedRequest): void {
    const { state } = request
    const [other] = this.#othersOf(request)
    this.#notes.remove(request)
    if (state.name === 'fetching' && other === undefined) this.#stop(state.handle)
    // Its fetch goes on for the same request under another id.
    if (state.name === 'fetching' && other !== undefined && this.#fetches.get(state.handle) === request) {
      this.#fetches.replace(state.handle, other)
    }
    // The client may have all of it, and its stream too: that is told by the stream.
    if (state.name === 'cached' && state.handle !== undefined && other === undefined) this.#events.push({ type: 'cancelled', handle: state.handle })
    this.#sendQueue.cancel(request.session, request)
    this.#memory.of(request).remove(request)
  }

  #stop (handle: number): void {
    if (this.#fetches.take(handle) !== undefined) this.#events.push({ type: 'cancelled', handle })
  }

  /** Takes a fetch off the list. Returns all that it answers, the first one first; none when nobody waits for it. */
  #finish (handle: number): ServedRequest[] {
    const request = this.#fetches.take(handle)
    if (request === undefined) return []
    const all = [request, ...this.#othersOf(request)]
    for (const each of all) this.#notes.remove(each)
    return all
  }

  /** What else waits for the same, or has had the same answer. */
  #othersOf (request: ServedRequest): ServedRequest[] {
    const { execution, state } = request
    if (execution === undefined) return []
    return this.#memory.answered(execution).filter(other => other !== request && other.state.name === state.name)
  }
}

const isOfPush = ({ id }: { id: number }): boolean => id >= PUSH_IDS
