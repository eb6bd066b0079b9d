import type { ErrorMessage } from '@minwww/protocol'
import type { HedgeBudget } from '../pool/hedge-budget.ts'
import type { ExitPool } from '../pool/pool.ts'
import type { ClientContext } from './context.ts'
import type { DispatcherParts } from './dispatcher-parts.ts'
import type { Exchange } from './exchange.ts'
import type { Exit } from './exit.ts'
import { Queues } from './queues.ts'
import type { ClientRequest } from './request.ts'
import { remove } from './remove.ts'
import { decodeResponse } from './response.ts'
import type { Sender } from './sender.ts'
import type { Sources } from './sources.ts'
import type { FailureCode } from './failures.ts'

/** Other exits that are asked when one refuses by policy. */
const MAX_REFUSALS = 2
/** Wait after `busy` without a time, ms. */
const MIN_BUSY = 1_000

/** Decides which exit a request goes to, and what follows an answer, a refusal or silence (section 6). */
export class Dispatcher {
  readonly #context: ClientContext
  readonly #sender: Sender
  readonly #sources: Sources
  readonly #pool: ExitPool
  readonly #queues: Queues
  readonly #exits: Map<string, Exit>
  readonly #requests: Map<number, ClientRequest>
  readonly #hedges: HedgeBudget
  readonly #probe: (now: number, exit: Exit) => void

  constructor (parts: DispatcherParts) {
    this.#context = parts.context
    this.#sender = parts.sender
    this.#sources = parts.sources
    this.#pool = parts.pool
    this.#exits = parts.exits
    this.#queues = new Queues(parts.pool, parts.exits)
    this.#requests = parts.requests
    this.#hedges = parts.hedges
    this.#probe = parts.probe
  }

  /** Sends a request to its best exit, or lets it wait for one. */
  start (now: number, request: ClientRequest): void {
    if (this.#sources.usable(0) === undefined) return this.#sources.hold(request)
    const exit = request.onlyExit ?? this.#queues.choose(now, request)
    if (exit === undefined || (!request.isProbe && exit.member.isBusy(now))) return this.#waitForExit(now, request)
    request.resumeAt = undefined
    if (!request.isProbe) this.#hedges.earn()
    if (request.isProbe || (exit.waiting.length === 0 && exit.hasRoom())) this.#begin(now, request, exit)
    else this.#queues.enqueue(request, exit)
    if (!request.isProbe) for (const id of this.#pool.dueProbes(now)) this.#probe(now, this.#exits.get(id)!)
  }

  nextTimeout (): number | undefined {
    let next = Infinity
    for (const request of this.#requests.values()) {
      next = Math.min(next, request.deadline, request.resumeAt ?? Infinity, request.hedgeAt ?? Infinity)
      for (const exchange of request.exchanges) next = Math.min(next, exchange.dueAt)
    }
    for (const exit of this.#allExits()) next = Math.min(next, exit.path.nextTimeout() ?? Infinity)
    return next === Infinity ? undefined : next
  }

  /** Safe at any time: what is not due stays. */
  handleTimeout (now: number): void {
    for (const exit of this.#allExits()) exit.path.handleTimeout(now)
    for (const request of [...this.#requests.values()]) {
      if (request.deadline <= now) {
        this.#timedOut(now, request)
        continue
      }
      if (request.resumeAt !== undefined && request.resumeAt <= now) this.start(now, request)
      if (request.hedgeAt !== undefined && request.hedgeAt <= now) this.#hedge(now, request)
      for (const exchange of [...request.exchanges]) {
        this.#sender.proceed(now, exchange)
        if (exchange.timerAt <= now && this.#requests.has(request.handle)) this.#expired(now, exchange)
      }
    }
  }

  /** k symbols are here. */
  complete (now: number, exchange: Exchange): void {
    const { request, exit, assembly } = exchange
    const message = decodeResponse(assembly!.result())
    if (message === undefined) {
      this.#context.stats.badObjects++
      exit.member.failure(now)
      return this.#goOn(now, exchange, 'bad-response')
    }
    const transmission = assembly!.size * 1000 / exit.path.carries
    const penalty = exit.path.isHopeless ? 2 : 1
    this.#answered(now, exit, penalty * Math.max(0, now - exchange.startedAt - transmission))
    if (message.setsCookie && request.purpose.kind === 'pool') this.#pool.pin(request.site, exit.id)
    exit.served()
    exit.source = exchange.session.source
    this.#context.stats.responses++
    this.#context.emit({ type: 'response', handle: request.handle, message: message.bytes, exit: exit.id, trace: request.trace(now) })
    this.end(now, request, exchange)
  }

  /** A probe came back. */
  probed (now: number, exchange: Exchange): void {
    const { request, exit } = exchange
    this.#answered(now, exit, now - exchange.startedAt)
    this.end(now, request, exchange)
  }

  /** An exit that sends more than any honest one: left alone for this request. */
  flooded (now: number, exchange: Exchange): void {
    exchange.exit.member.failure(now)
    this.#goOn(now, exchange, 'bad-response')
  }

  /** An ERROR came. */
  refused (now: number, exchange: Exchange, name: FailureCode, message: ErrorMessage): void {
    const { request, exit } = exchange
    const { member } = exit
    const details = { detail: message.detail, size: message.size, retryAfter: message.retryAfter }
    switch (name) {
      case 'unknown-id':
        exchange.session.doubt()
        return request.idempotent ? this.#goOn(now, exchange, name) : this.fail(now, request, name, message.detail)
      case 'busy':
        if (!exit.shed(message.retryAfter)) member.busy(now, Math.max(MIN_BUSY, message.retryAfter * 1000))
        this.#report(now, exit)
        return this.#elsewhere(now, exchange, name, details)
      case 'draining':
        member.drain(now)
        this.#report(now, exit)
        return this.#elsewhere(now, exchange, name, details)
      case 'policy':
        if (request.refusals++ < MAX_REFUSALS) return this.#elsewhere(now, exchange, name, details)
        break
      default: // The page itself fails, whichever exit is asked.
    }
    if (name !== 'policy' && name !== 'bad-response') exit.member.success(now, now - exchange.startedAt)
    exchange.giveUp()
    if (name === 'too-large' || !request.isActive) this.fail(now, request, name, message.detail, { ...details, exit })
  }

  /** The exit is gone: its requests go on elsewhere. */
  abandonExit (now: number, exit: Exit): void {
    for (const request of exit.waiting.splice(0)) {
      request.waitsAt = undefined
      this.start(now, request)
    }
    for (const exchange of [...exit.exchanges]) {
      const { request } = exchange
      exchange.giveUp()
      if (request.isProbe) this.end(now, request, exchange)
      else if (!request.isActive) this.#elsewhere(now, exchange, 'no-exit', { detail: '' })
    }
  }

  /** One of our Destinations is gone, and with it everything under way from it. */
  abandonSource (now: number, source: number): void {
    for (const request of [...this.#requests.values()]) {
      const lost = request.exchanges.filter(({ session }) => session.source === source)
      if (lost.length === 0) continue
      if (request.isProbe) this.end(now, request)
      else if (!request.idempotent) this.fail(now, request, 'timeout', '')
      else this.#startOver(now, request, lost)
    }
  }

  fail (now: number, request: ClientRequest, code: FailureCode, detail: string, more: { size?: number, retryAfter?: number, exit?: Exit } = {}): void {
    if (!request.isProbe) {
      this.#context.stats.failures++
      this.#context.emit({
        type: 'failed',
        handle: request.handle,
        code,
        detail,
        ...(more.size ? { size: more.size } : {}),
        ...(more.retryAfter ? { retryAfter: more.retryAfter } : {}),
        ...(more.exit === undefined ? {} : { exit: more.exit.id }),
        trace: request.trace(now)
      })
    }
    this.end(now, request)
  }

  /** Forgets a request; exits that may still be sending for it are told, except the one that has `finished`. */
  end (now: number, request: ClientRequest, finished?: Exchange): void {
    if (!this.#requests.delete(request.handle)) return
    if (request.waitsAt !== undefined) remove(request.waitsAt.waiting, request)
    this.#sources.release(request)
    const exits = new Set<Exit>()
    const told = new Set(finished === undefined ? [] : [finished.session])
    for (const exchange of request.exchanges) {
      exits.add(exchange.exit)
      if (exchange.isActive && !request.isProbe && !told.has(exchange.session)) {
        told.add(exchange.session)
        this.#sender.cancel(now, exchange)
      }
      exchange.forget()
    }
    for (const exit of exits) {
      exit.member.pending = exit.pending
      if (exit.probe === request) exit.probe = undefined
      this.#report(now, exit)
      this.#admit(now, exit)
    }
    this.#balance(now)
  }

  /** An exit that had been given up is back: it is asked for what waits in vain. */
  #answered (now: number, exit: Exit, took: number): void {
    const isBack = exit.member.isOnProbation()
    exit.member.success(now, took)
    for (const request of isBack ? [...this.#requests.values()] : []) {
      if (exit.hasRoom() && request.askAgain(now, exit)) this.#begin(now, request, exit)
    }
  }

  #begin (now: number, request: ClientRequest, exit: Exit, source = exit.source): void {
    const usable = this.#sources.usable(source)
    if (usable === undefined) return this.#sources.hold(request)
    if (this.#sender.mustOpenFirst(now, request, exit, usable)) return this.#waitForSession(now, request, exit)
    const isFirst = request.attempts === 0
    if (!isFirst) this.#context.stats.retries++
    const { timer } = this.#sender.begin(now, request, exit, usable)
    const patience = request.patience(now, this.#context.config.maxAttempts)
    if (timer.kind === 'first' && patience > 0 && !(request.purpose.kind === 'pool' && this.#pool.hasOther(now, request.asked)) && !this.#isUnproven(request)) timer.at = Math.max(timer.at, now + patience)
    exit.member.pending = exit.pending
    this.#report(now, exit)
    if (isFirst && this.#context.config.hedging && request.purpose.kind === 'pool' && request.idempotent && exit.path.rtt.hasSample) {
      request.hedgeAt = now + exit.path.rtt.srtt + 2 * exit.path.rtt.rttvar
    }
  }

  /** No answer could come yet, as far as is known: from any exit, or from those that this request asked. */
  #isUnproven (request: ClientRequest): boolean {
    return this.#sources.isUnproven(this.#allExits()) || this.#sources.isUnproven(request.exchanges.map(({ exit }) => exit))
  }

  /** A probe opens the session; when it is over the request goes on. */
  #waitForSession (now: number, request: ClientRequest, exit: Exit): void {
    request.waitsAt = exit
    exit.waiting.unshift(request)
    this.#probe(now, exit)
  }

  /** Lets waiting requests go as far as there is room. */
  #admit (now: number, exit: Exit): void {
    while (exit.waiting.length > 0 && exit.hasRoom()) {
      const request = exit.waiting.shift()!
      request.waitsAt = undefined
      this.#begin(now, request, exit)
      if (request.waitsAt !== undefined) return
    }
  }

  /** What waits for an exit that is slow or silent goes to one that has room. */
  #balance (now: number): void {
    for (let next = this.#queues.next(now); next !== undefined; next = this.#queues.next(now)) this.#begin(now, next.request, next.exit)
  }

  /** Every exit is busy, drains or is gone. */
  #waitForExit (now: number, request: ClientRequest): void {
    const until = request.onlyExit?.member.busyUntil ?? this.#pool.busyUntil(now)
    if (until !== undefined && until < request.deadline) {
      request.resumeAt = Math.max(until, now)
      request.tried.clear()
    } else if (until !== undefined) this.fail(now, request, 'busy', '', { retryAfter: Math.ceil((until - now) / 1000) })
    else this.fail(now, request, 'no-exit', '')
  }

  #expired (now: number, exchange: Exchange): void {
    if (exchange.timer.kind === 'gap') return this.#repair(now, exchange)
    if (exchange.timer.kind === 'want' && ++exchange.wantsInVain < this.#wantsGranted(exchange)) return this.#repair(now, exchange)
    this.#silence(now, exchange)
  }

  /** WANTs in vain that end an exchange: one, if chance does not lose all that was asked for and another path can be tried. */
  #wantsGranted ({ request, exit, wanted }: Exchange): number {
    const hasOther = request.idempotent && (this.#isAlone(request) ? this.#context.keys.length > 1 : request.purpose.kind === 'pool')
    return hasOther && exit.path.isBeyondChance(wanted) ? 1 : 2
  }

  #repair (now: number, exchange: Exchange): void {
    const { path } = exchange.exit
    if (exchange.request.isExhausted(this.#context.config.maxAttempts)) return this.#goOn(now, exchange, 'timeout')
    const want = exchange.assembly?.want(path.loss, path.symbol)
    if (want === undefined) this.#goOn(now, exchange, 'timeout')
    else this.#sender.want(now, exchange, want)
  }

  /** Nothing came in time. */
  #silence (now: number, exchange: Exchange): void {
    const { request, exit, session } = exchange
    session.doubt()
    exit.path.noteSilence()
    if (exchange.form === 'open') session.openedInVain()
    const isSilent = exit.heardAt < exchange.startedAt
    if (isSilent && !this.#sources.isUnproven(this.#allExits()) && (exchange.repetition > 0 || !request.isEarly(now, exit))) {
      exit.member.failure(now)
      this.#balance(now)
    }
    this.#goOn(now, exchange, 'timeout')
  }

  /** The next attempt after one that has failed, if one is left. */
  #goOn (now: number, exchange: Exchange, code: FailureCode): void {
    const { request, exit } = exchange
    exchange.giveUp()
    if (request.isActive) return
    if (request.isExhausted(this.#context.config.maxAttempts)) {
      if (this.#isUnproven(request) && request.idempotent) return this.#startOver(now, request, request.isProbe ? [] : [...request.exchanges])
      if (code !== 'timeout' || !request.linger()) return this.fail(now, request, code, '', { exit })
    }
    const isLeft = request.idempotent && request.purpose.kind === 'pool' && (code !== 'timeout' || exchange.repetition > 0 || !request.isEarly(now, exit))
    const isDown = exit.member.isOnProbation()
    if (isLeft) request.leave(exit.id, this.#pool.hasOther(now, new Set([...request.tried, exit.id]), isDown))
    const next = isLeft && this.#pool.hasOther(now, request.tried, isDown) ? this.#queues.choose(now, request) : undefined
    this.#begin(now, request, next ?? exit, next === undefined ? this.#sourceAfter(exchange) : next.source)
  }

  /** A fresh round of attempts, without what is `lost`. */
  #startOver (now: number, request: ClientRequest, lost: readonly Exchange[]): void {
    request.forgiven = request.attempts
    request.hedgeAt = undefined
    request.tried.clear()
    for (const exchange of lost) {
      exchange.forget()
      remove(request.exchanges, exchange)
      exchange.exit.member.pending = exchange.exit.pending
    }
    if (!request.isActive && request.waitsAt === undefined && request.resumeAt === undefined) this.start(now, request)
    for (const { exit } of lost) this.#admit(now, exit)
  }

  /**
   * Where there is no other exit a retry comes from the other own Destination: routers keep one path per pair for a
   * while, so the same pair would meet the same dead path. What must not be fetched twice stays in its session.
   */
  #sourceAfter ({ request, session }: Exchange): number {
    return this.#isAlone(request) && request.idempotent ? (session.source + 1) % this.#context.keys.length : session.source
  }

  #isAlone ({ purpose }: ClientRequest): boolean {
    return purpose.kind === 'direct' || (purpose.kind === 'pool' && this.#exits.size === 1)
  }

  /** The exit will not do it: another one, or waiting for one, where the method allows it. */
  #elsewhere (now: number, exchange: Exchange, code: FailureCode, details: { detail: string, size?: number, retryAfter?: number }): void {
    const { request, exit } = exchange
    exchange.giveUp()
    if (request.isActive) return
    request.tried.add(exit.id)
    const mayWait = code === 'busy'
    const mayMove = request.purpose.kind === 'pool' && request.idempotent
    if (request.isExhausted(this.#context.config.maxAttempts) || request.isProbe || !(mayMove || mayWait)) {
      return this.fail(now, request, code, details.detail, { ...details, exit })
    }
    const next = mayMove && this.#pool.hasOther(now, request.tried) ? this.#queues.choose(now, request) : undefined
    if (next !== undefined) return this.#begin(now, request, next)
    if (!mayWait || exit.member.busyUntil >= request.deadline) {
      return this.fail(now, request, code, details.detail, { ...details, exit })
    }
    request.tried.clear()
    if (exit.member.isBusy(now)) request.resumeAt = exit.member.busyUntil
    else this.#queues.enqueue(request, exit)
  }

  #hedge (now: number, request: ClientRequest): void {
    request.hedgeAt = undefined
    if (request.firstSymbolAt !== undefined || request.isExhausted(this.#context.config.maxAttempts)) return
    const exclude = new Set([...request.tried, ...request.exchanges.map(exchange => exchange.exit.id)])
    if (!this.#pool.hasOther(now, exclude) || !this.#hedges.spend()) return
    const id = this.#pool.choose(now, request.site, exclude)
    if (id === undefined) return
    request.hedged = true
    this.#context.stats.hedges++
    this.#begin(now, request, this.#exits.get(id)!)
  }

  #timedOut (now: number, request: ClientRequest): void {
    const exchange = request.exchanges.at(-1)
    if (exchange !== undefined && exchange.exit.heardAt < exchange.startedAt) exchange.exit.member.failure(now)
    this.fail(now, request, 'timeout', '', exchange === undefined ? {} : { exit: exchange.exit })
  }

  #report (now: number, exit: Exit): void {
    const state = exit.state(now)
    if (state === exit.reportedState || this.#exits.get(exit.id) !== exit) return
    exit.reportedState = state
    this.#context.emit({ type: 'exit-state', exit: exit.id, state })
  }

  /** Exits of the pool, and those that requests in flight use. */
  #allExits (): Set<Exit> {
    const exits = new Set(this.#exits.values())
    for (const request of this.#requests.values()) for (const { exit } of request.exchanges) exits.add(exit)
    return exits
  }
}
