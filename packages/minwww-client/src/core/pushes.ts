import {
  decodeObject, encodeRate, MAX_OBJECT, MAX_PROMISES, MAX_RESPONSE, parsePushed, parseResponse, parseUrl, ProtocolError, PUSH_IDS, WORKING_AFTER, type Promised,
  type PushGrant, type ReplyMessage
} from '@minwww/protocol'
import { mayPush } from '@minwww/protocol/page'
import { isAnswerTo, isReferredBy, type Asked } from './asked.ts'
import type { BurstWatch } from './burst-watch.ts'
import type { ClientContext } from './context.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Exit } from './exit.ts'
import { Push, type Arrived, type PushPromise } from './push.ts'
import type { PushGate } from './push-gate.ts'
import type { ClientRequest } from './request.ts'
import { RetryBudget } from './retry-budget.ts'
import type { Sender } from './sender.ts'
import type { ExitSession } from './session.ts'
import { Traffic } from './traffic.ts'
import { Transfer } from './transfer.ts'

/** What was pushed is there for so long, ms. */
const LIFE = 30_000
/** Beside what an exit's first word takes: how late a sign of a promise may be, ms. */
const LATE = 100
/** A promise is waited for no longer than this without a symbol of it, whatever else its exit sends, ms. */
const MOST_PATIENCE = 20_000
/** Rounds of WANT for one push. */
const REPAIRS = 4
/** A page's pushes may take so long at the rate that the path carries, ms; less than the least is not worth it, bytes. */
const BUDGET_TIME = 8_000
const LEAST_BUDGET = 16_384
/** Pushes known at a time. */
export const MAX_PUSHES = 512
/** Of those of a session that no page has promised yet: with symbols, and such as were refused, which may be all of a page. */
const MAX_STRAY = 64
const MAX_REFUSED = MAX_PROMISES
/** Memory of what was pushed and not used yet, bytes. */
export const PUSH_MEMORY = 16_777_216

export interface PushesParts {
  readonly context: ClientContext
  readonly dispatcher: Dispatcher
  readonly sender: Sender
  readonly gate: PushGate
  readonly requests: ReadonlyMap<number, ClientRequest>
}

/**
 * What exits send without being asked: it is an answer for the page that promised it, to a request that would have been
 * answered the same, once. A request for something that is promised waits for it as it would for its own answer, and goes out
 * by itself if it does not come.
 */
export class Pushes {
  readonly #parts: PushesParts
  /** By session and id, oldest first. */
  readonly #pushes = new Map<ExitSession, Map<number, Push>>()
  readonly #waiting = new Map<ClientRequest, Push>()
  #size = 0
  #held = 0

  constructor (parts: PushesParts) {
    this.#parts = parts
  }

  get size (): number { return this.#size }
  get held (): number { return this.#held }

  /** What a request allows its exit to push: only one that a window waits for. */
  grant (now: number, { plainGet: asked, site }: ClientRequest, exit: Exit, session: ExitSession): PushGrant | undefined {
    const { context: { config }, gate } = this.#parts
    if (asked?.isPage !== true || config.pushBudget === 0) return undefined
    exit.path.beware(now)
    const part = gate.part(now, site)
    const bytes = part * Math.min(config.pushBudget, exit.path.carries * BUDGET_TIME / 1000)
    if (bytes < LEAST_BUDGET) return undefined
    // Who loads a page anew wants all of it anew.
    const isAnew = /no-cache|max-age=0/i.test(asked.fields.get('cache-control') ?? '') || asked.fields.get('pragma') === 'no-cache'
    session.allowPushes(now, bytes)
    return { budget: encodeRate(bytes), digest: isAnew ? Buffer.alloc(0) : session.sent.digest(now, site) }
  }

  /** Promises of an answer that is here, or whose front is. Those of a page that its site does not own are no promises. */
  promised (now: number, { exit, session }: Transfer, { plainGet: asked, site }: ClientRequest, promises: readonly Promised[], isMoved: boolean): void {
    if (asked === undefined || !session.mayPush(now)) return
    for (const { id, url } of promises) this.#promise(now, exit, session, id, { url, page: asked.url, by: asked.url, site, isMoved })
  }

  /** A symbol. @returns what takes it; undefined for nothing */
  admit (now: number, exit: Exit, session: ExitSession, reply: ReplyMessage): Push | undefined {
    const { context: { stats }, sender } = this.#parts
    const known = this.#find(session, reply.id)
    if (known?.isOpen === false) {
      stats.late++
      if (known.arrived === undefined && reply.index === reply.last) sender.forget(now, exit, session, reply)
      return undefined
    }
    const isStray = known === undefined && (reply.id < PUSH_IDS || !this.#takesStray(now, session))
    if (isStray || reply.size === 0 || reply.size > MAX_OBJECT || !session.takePushed(reply.symbol.length)) {
      stats.refusedPushes++
      if (known !== undefined) this.#fail(now, known)
      else if (reply.index === reply.last) sender.forget(now, exit, session, reply)
      return undefined
    }
    const push = known ?? this.#create(now, exit, session, reply.id)
    push.transfer ??= this.#begin(now, push)
    return push
  }

  /** Puts a symbol to the others. */
  place (now: number, push: Push, reply: ReplyMessage, watch: BurstWatch): void {
    const { context: { stats, config } } = this.#parts
    const { exit, transfer } = push
    if (transfer === undefined) return
    transfer.answered(reply.attempt)
    const placed = transfer.add(reply, config.maxReplyFactor)
    if (placed === 'inconsistent') stats.inconsistent++
    if (placed === 'duplicate') stats.duplicates++
    if (transfer.assembly?.isFlooded === true) return this.#fail(now, push)
    if (placed !== 'new') return
    push.state = 'arriving'
    if (transfer.assembly?.complete !== true) return transfer.waitForRest(now, reply, exit.path.gap(watch, exit.backlog))
    watch.stop()
    this.#complete(now, push, transfer.assembly.result())
  }

  /** The exit is still busy with it. @param next - ms within which it says so again */
  working (now: number, session: ExitSession, id: number, next: number): void {
    const push = this.#find(session, id)
    if (push?.state === 'expected') push.signBy = now + 2 * next + this.#sign(push.exit)
  }

  /** It will not come. Of what no page has promised yet that is remembered: an ERROR is there before a long answer that promises it. */
  refused (now: number, exit: Exit, session: ExitSession, id: number): void {
    const push = this.#find(session, id) ?? (this.#takesStray(now, session, 'over') ? this.#create(now, exit, session, id) : undefined)
    if (push?.isOpen === true) this.#fail(now, push, false)
  }

  /**
   * Lets a request wait for what is promised, or answers it by what is here.
   * @returns false if it has to be asked
   */
  serve (now: number, request: ClientRequest): boolean {
    const { plainGet: asked } = request
    const push = asked === undefined ? undefined : this.#for(request, asked)
    if (push === undefined) return false
    if (push.arrived !== undefined) return this.#answer(now, request, push, push.arrived)
    this.#waiting.set(request, push)
    request.waitFor({ kind: 'push' })
    return true
  }

  /** A page is loaded: what was pushed for an earlier load of it is old. */
  loads (now: number, { plainGet }: ClientRequest): void {
    if (plainGet?.isPage !== true) return
    for (const push of this.#all()) if (push.promise?.page === plainGet.url) this.#drop(now, push)
  }

  /** Nobody waits for it any more. */
  left (request: ClientRequest): void {
    this.#waiting.delete(request)
  }

  /** Something has been changed at a site: what was fetched of it before is old. */
  forgetSite (now: number, host: string): void {
    for (const push of this.#all()) {
      const url = push.promise?.url ?? push.arrived?.pushed.url
      if (url === undefined || parseUrl(url)?.host === host) this.#drop(now, push)
    }
  }

  /** One of the sessions of an own Destination, or of an exit, is gone. */
  forgetWhere (now: number, isGone: (push: Push) => boolean): void {
    for (const push of this.#all()) if (isGone(push)) this.#drop(now, push, false)
  }

  nextTimeout (): number | undefined {
    let next = Infinity
    for (const push of this.#all()) next = Math.min(next, push.endsAt, push.transfer?.dueAt ?? Infinity, this.#hasWaiting(push) ? this.#patienceOf(push) : Infinity)
    return next === Infinity ? undefined : next
  }

  handleTimeout (now: number): void {
    for (const push of this.#all()) {
      if (push.endsAt <= now) this.#drop(now, push)
      else if (push.state === 'expected' && this.#hasWaiting(push) && this.#patienceOf(push) <= now) this.#fail(now, push)
      else if (push.transfer !== undefined) this.#proceed(now, push, push.transfer)
    }
  }

  #proceed (now: number, push: Push, transfer: Transfer): void {
    const { sender } = this.#parts
    sender.proceed(now, transfer)
    if (transfer.expiresAt > now) return
    const isLost = transfer.waitsFor === 'gap' || (transfer.waitsFor === 'want' && transfer.wantUnanswered() < 2)
    const { path } = push.exit
    const want = isLost && !push.budget.isExhausted ? transfer.assembly?.want(path.loss, path.symbol) : undefined
    if (want === undefined) this.#fail(now, push)
    else sender.want(now, transfer, want)
  }

  #promise (now: number, exit: Exit, session: ExitSession, id: number, promise: PushPromise): void {
    const { context: { stats } } = this.#parts
    if (id < PUSH_IDS || !mayPush(promise.page, promise.url)) return
    const known = this.#find(session, id)
    if (known?.promise !== undefined) return
    stats.promises++
    // Of two loads of a page the later one has its own.
    for (const other of this.#all()) if (other.promise?.url === promise.url && other !== known) this.#drop(now, other)
    const push = known ?? this.#create(now, exit, session, id)
    push.promise = promise
    if (push.arrived !== undefined) this.#match(now, push, push.arrived)
  }

  #complete (now: number, push: Push, object: Buffer): void {
    const { context: { stats } } = this.#parts
    this.#release(push)
    const arrived = read(object)
    if (arrived === undefined) {
      stats.badObjects++
      return this.#fail(now, push, false)
    }
    push.state = 'here'
    push.arrived = arrived
    push.endsAt = now + LIFE
    this.#held += arrived.bytes
    stats.pushes++
    stats.pushedBytes += object.length
    if (push.promise !== undefined) this.#match(now, push, arrived)
    while (this.#held > PUSH_MEMORY) this.#drop(now, this.#all().find(({ arrived }) => arrived !== undefined)!)
  }

  /** Both the promise and what was pushed are here: they must be of the same address. */
  #match (now: number, push: Push, arrived: Arrived): void {
    const { promise, exit, session } = push
    const { pushed, response, bytes } = arrived
    if (promise === undefined) return
    if (promise.url !== pushed.url) {
      this.#parts.context.stats.refusedPushes++
      return this.#drop(now, push)
    }
    this.#parts.gate.pushed(promise.site, bytes)
    session.sent.came(now, pushed.url, promise.site, response.headers)
    const isMoved = response.status >= 300 && response.status < 400
    const page = promise.isMoved ? pushed.url : promise.page
    for (const { id, url } of pushed.promises) this.#promise(now, exit, session, id, { url, page, by: pushed.url, site: promise.site, isMoved })
    const waiting = this.#waitingFor(push)
    for (const request of waiting) {
      this.#waiting.delete(request)
      if (push.state === 'here' && this.#answer(now, request, push, arrived)) continue
      this.#goOn(now, request)
    }
  }

  /** What a request may be answered by, as far as is known. */
  #for ({ purpose }: ClientRequest, asked: Asked): Push | undefined {
    const found = this.#all().findLast(({ promise, state }) => promise?.url === asked.url && state !== 'over')
    if (found?.promise === undefined) return undefined
    const { exit, promise } = found
    const isOwn = purpose.kind === 'direct' ? purpose.exit === exit : purpose.kind === 'pool' && exit.isOfPool
    if (!isOwn || asked.isPage !== promise.isMoved || !isReferredBy(asked.referer, [promise.page, promise.by])) return undefined
    return found
  }

  /** @returns false if it is no answer to this request */
  #answer (now: number, request: ClientRequest, push: Push, { pushed, response, bytes }: Arrived): boolean {
    const { context, dispatcher, gate } = this.#parts
    const { plainGet: asked } = request
    if (asked === undefined || !isAnswerTo(asked, pushed, response.status, response.headers)) return false
    context.stats.usedPushes++
    gate.used(push.promise!.site, bytes)
    push.state = 'over'
    this.#forgetObject(push)
    const trace = { ...request.trace(now), pushed: true } as const
    context.emit({ type: 'response', handle: request.handle, message: pushed.message, exit: push.exit.id, trace })
    dispatcher.end(now, request)
    return true
  }

  /** It is not waited for any more. @param isTold - the exit hears so */
  #fail (now: number, push: Push, isTold = true): void {
    const { sender } = this.#parts
    if (push.isOpen && isTold) {
      if (push.transfer === undefined) sender.forget(now, push.exit, push.session, { attempt: 0, id: push.id })
      else sender.cancel(now, push.transfer)
    }
    this.#release(push)
    push.state = 'over'
    push.endsAt = now + LIFE
    for (const request of this.#waitingFor(push)) {
      this.#waiting.delete(request)
      this.#goOn(now, request)
    }
  }

  #drop (now: number, push: Push, isTold = true): void {
    const { arrived, promise, session } = push
    const isUnwanted = push.state === 'here' && push.endsAt <= now
    if (isUnwanted && arrived !== undefined && promise !== undefined) session.sent.unwanted(now, arrived.pushed.url, promise.site)
    this.#fail(now, push, isTold)
    this.#forgetObject(push)
    const ids = this.#pushes.get(session)
    if (ids?.delete(push.id) === true) this.#size--
    if (ids?.size === 0) this.#pushes.delete(session)
  }

  #goOn (now: number, request: ClientRequest): void {
    if (this.#parts.requests.get(request.handle) !== request || request.waiting.kind !== 'push') return
    request.goOn()
    this.#parts.dispatcher.start(now, request)
  }

  #forgetObject (push: Push): void {
    this.#held -= push.arrived?.bytes ?? 0
    push.arrived = undefined
  }

  #release (push: Push): void {
    if (push.transfer === undefined) return
    push.transfer.giveUp()
    push.exit.release(push.transfer)
    push.transfer = undefined
  }

  #create (now: number, exit: Exit, session: ExitSession, id: number): Push {
    if (this.#size >= MAX_PUSHES) this.#drop(now, this.#all()[0]!)
    const signBy = now + this.#sign(exit)
    const push = new Push({ exit, session, id, startedAt: now, traffic: new Traffic(now), budget: new RetryBudget(REPAIRS), signBy, endsAt: now + 2 * LIFE })
    const ids = this.#pushes.get(session) ?? new Map<number, Push>()
    this.#pushes.set(session, ids.set(id, push))
    this.#size++
    return push
  }

  #begin (now: number, push: Push): Transfer {
    const { exit, session, id } = push
    const transfer = new Transfer({ owner: push, exit, session, id, base: 0, form: 'request', repetition: 0, once: undefined, now })
    transfer.sent(now, { from: 0, measurable: false, answerBy: now + exit.path.timeout(0), queued: 0 })
    exit.take(transfer)
    return transfer
  }

  /** How long an exit that has something to do may say nothing at all, ms. */
  #sign ({ path: { rtt } }: Exit): number {
    return WORKING_AFTER + Math.max(LATE, 4 * rtt.rttvar)
  }

  /** Until when a promise is waited for of which nothing has come: other symbols of its exit are ahead of it. */
  #patienceOf (push: Push): number {
    if (push.state !== 'expected') return Infinity
    const { exit, startedAt, signBy } = push
    return Math.min(Math.max(signBy, exit.lastSymbolAt + this.#sign(exit)), Math.max(signBy, startedAt + MOST_PATIENCE))
  }

  #find (session: ExitSession, id: number): Push | undefined {
    return this.#pushes.get(session)?.get(id)
  }

  /** What no page has promised yet may come, or be refused, and there is room for it. */
  #takesStray (now: number, session: ExitSession, as: 'arriving' | 'over' = 'arriving'): boolean {
    const isOver = as === 'over'
    const strays = [...this.#pushes.get(session)?.values() ?? []].filter(({ promise, state }) => promise === undefined && (state === 'over') === isOver)
    return session.mayPush(now) && strays.length < (isOver ? MAX_REFUSED : MAX_STRAY)
  }

  #waitingFor (push: Push): ClientRequest[] {
    return [...this.#waiting].flatMap(([request, other]) => other === push ? [request] : [])
  }

  #hasWaiting (push: Push): boolean {
    for (const other of this.#waiting.values()) if (other === push) return true
    return false
  }

  #all (): Push[] {
    return [...this.#pushes.values()].flatMap(ids => [...ids.values()])
  }
}

/** Undefined for what is no response to a request. */
function read (object: Buffer): Arrived | undefined {
  try {
    const bytes = decodeObject(object, MAX_RESPONSE)
    const pushed = parsePushed(bytes)
    return { pushed, response: parseResponse(pushed.message), bytes: bytes.length }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
