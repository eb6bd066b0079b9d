import { handOn } from './hand-on.ts'
import type { Dispatcher, DispatcherParts, Failure } from './dispatcher.ts'
import type { Exit } from './exit.ts'
import type { FailureCode } from './failures.ts'
import type { Pushes } from './pushes.ts'
import type { ClientRequest } from './request.ts'
import { nextStep, SETBACKS } from './retry-policy.ts'
import type { Facts, Setback, Step } from './retry-policy.ts'
import type { Transfer } from './transfer.ts'

/** WANTs while a stream from the same exit brings something. */
const WANTS_BEHIND_STREAM = 3
/** After these the exit is left for one that is well, or not at all. */
const REFUSALS: ReadonlySet<Setback> = new Set<Setback>(['busy', 'closed', 'policy'])

/** What follows silence, and every other attempt that has brought no page (section 6). */
export class Recovery {
  readonly #parts: DispatcherParts
  readonly #dispatcher: Dispatcher

  readonly #pushes: Pushes

  constructor (parts: DispatcherParts, dispatcher: Dispatcher, pushes: Pushes) {
    this.#parts = parts
    this.#dispatcher = dispatcher
    this.#pushes = pushes
  }

  nextTimeout (): number | undefined {
    let next = Infinity
    for (const request of this.#parts.requests.values()) {
      next = Math.min(next, request.deadline, request.looksAt, request.wakesAt)
      for (const { dueAt } of request.transfers) next = Math.min(next, dueAt)
    }
    for (const { path, contact } of this.#dispatcher.allExits()) next = Math.min(next, path.nextTimeout() ?? Infinity, contact.nextTimeout())
    next = Math.min(next, this.#pushes.nextTimeout() ?? Infinity, this.#parts.confirmations.nextTimeout())
    return next === Infinity ? undefined : next
  }

  /** Safe at any time: what is not due stays. */
  handleTimeout (now: number): void {
    for (const exit of this.#dispatcher.allExits()) {
      exit.path.handleTimeout(now)
      this.#meet(now, exit)
    }
    this.#pushes.handleTimeout(now)
    this.#confirm(now)
    for (const request of [...this.#parts.requests.values()]) {
      if (request.deadline <= now && !request.stretch(now)) this.#timedOut(now, request)
      else if (request.looksAt <= now && this.#look(now, request)) this.#fail(now, request, 'silent')
      else this.#proceed(now, request)
    }
  }

  /** Exits are asked once more for the sake of routers that would forget their first answer. */
  #confirm (now: number): void {
    const { confirmations, probe } = this.#parts
    for (let due = confirmations.take(now); due !== undefined; due = confirmations.take(now)) probe(now, due.exit, due.source, 'confirms')
  }

  /** What has waited for a first answer, or for its turn before one. */
  #meet (now: number, exit: Exit): void {
    const { context, exits, probe } = this.#parts
    const held = exit.contact.handleTimeout(now, context.chance)
    if (held !== undefined) context.transmit(held)
    if (exit.contact.takeQuestion(now) && exits.get(exit.id) === exit) probe(now, exit)
    this.#dispatcher.admit(now, exit)
  }

  /** An attempt has brought no page: the next one, if one is left. */
  setBack (now: number, transfer: Transfer, failure: Failure, setback: Setback = SETBACKS[failure.code]): void {
    const request = this.#requestOf(transfer)
    if (request?.transfers.includes(transfer) !== true) return
    transfer.giveUp()
    const step = nextStep(this.#facts(now, request, transfer, setback))
    if (setback === 'policy') request.refused()
    this.#take(now, request, transfer, step, { ...failure, exit: transfer.exit })
  }

  /** The exit is gone: its requests go on elsewhere. */
  abandonExit (now: number, exit: Exit): void {
    for (const request of this.#parts.queues.clear(exit)) this.#dispatcher.start(now, request)
    for (const transfer of this.#parts.transfers.at(exit)) {
      const request = this.#requestOf(transfer)
      if (request?.isProbe === true) this.#dispatcher.end(now, request, transfer)
      else this.setBack(now, transfer, { code: 'no-exit' })
    }
  }

  /** One of our Destinations is gone, and with it everything under way from it. */
  abandonSource (now: number, source: number): void {
    for (const request of [...this.#parts.requests.values()]) {
      const lost = request.transfers.filter(({ session }) => session.source === source)
      if (lost.length === 0) continue
      if (request.isProbe) this.#dispatcher.end(now, request)
      else this.#startOver(now, request, lost)
    }
  }

  /** Ends what asks an exit whether it is there. */
  endProbe (now: number, exit: Exit): void {
    for (const request of [...this.#parts.requests.values()]) {
      if (request.purpose.kind === 'probe' && request.purpose.exit === exit) this.#dispatcher.end(now, request)
    }
  }

  /** Whether a request is not worth waiting for; only a probe tells a silent exit from a slow site. */
  #look (now: number, request: ClientRequest): boolean {
    if (this.#parts.patience.look(now, request)) return true
    const [first] = request.transfers
    if (first !== undefined) this.#dispatcher.probeUnheard(now, first.startedAt)
    return false
  }

  #proceed (now: number, request: ClientRequest): void {
    const { waiting } = request
    if (waiting.kind === 'pause' && waiting.until <= now) this.#dispatcher.start(now, request)
    if (waiting.kind === 'hedge' && waiting.at <= now) this.#hedge(now, request)
    for (const transfer of [...request.transfers]) {
      this.#parts.sender.proceed(now, transfer)
      if (transfer.expiresAt <= now && this.#parts.requests.has(request.handle)) this.#expired(now, request, transfer)
    }
  }

  #expired (now: number, request: ClientRequest, transfer: Transfer): void {
    const isLost = transfer.waitsFor === 'gap' ||
      (transfer.waitsFor === 'want' && transfer.wantUnanswered() < this.#wantsGranted(now, request, transfer))
    if (isLost) this.#repair(now, request, transfer)
    else this.#silent(now, request, transfer)
  }

  /**
   * WANTs in vain that end a transfer: one, if chance does not lose all that was asked for and another path can be tried. More behind a
   * stream, whose queue is not a path that is dead: what ends the transfer is asked for once more, all of it.
   */
  #wantsGranted (now: number, request: ClientRequest, { exit, session, wanted }: Transfer): number {
    if (exit.isStreaming(now)) return WANTS_BEHIND_STREAM
    const hasOther = this.#isAlone(request) ? this.#parts.sources.hasOther(session.source) : request.purpose.kind === 'pool'
    return hasOther && exit.path.isBeyondChance(wanted) ? 1 : 2
  }

  #repair (now: number, request: ClientRequest, transfer: Transfer): void {
    const { path } = transfer.exit
    const want = request.budget.isExhausted ? undefined : transfer.assembly?.want(path.loss, path.symbol)
    if (want === undefined) this.setBack(now, transfer, { code: 'timeout' })
    else {
      this.#parts.sender.want(now, transfer, want)
      handOn(now, this.#parts, request, transfer, path.rtt.srtt)
    }
  }

  /** Nothing came in time. */
  #silent (now: number, request: ClientRequest, transfer: Transfer): void {
    const { exit, session } = transfer
    session.doubt()
    if (!request.isOfPair) exit.path.noteSilence(now)
    if (transfer.form === 'open') session.openedInVain()
    const isSilent = exit.heardAt < transfer.startedAt
    if (isSilent) {
      if (!request.isOfPair) exit.triedInVain(now, transfer.startedAt)
      this.#parts.sources.silent(session.source, exit.id, transfer.startedAt)
    }
    if (isSilent && !request.isOfPair && !this.#parts.sources.isUnvalidated(this.#dispatcher.allExits()) && !isEarly(now, request, transfer)) {
      exit.member.failure(now)
      this.#dispatcher.balance(now)
    }
    if (exit.isSuspect && exit.isUnprobed && this.#parts.exits.get(exit.id) === exit && !this.#parts.pool.hasOther(now, new Set([exit.id]))) {
      this.#parts.probe(now, exit)
    }
    this.#dispatcher.report(now, exit)
    this.setBack(now, transfer, { code: 'timeout' })
    // What it asks for next goes first.
    const isUnheard = isSilent && request.purpose.kind === 'pool' && !this.#parts.sources.isHeardSince(session.source, transfer.startedAt)
    if (isUnheard) this.#parts.pairs.search(now)
  }

  #facts (now: number, request: ClientRequest, transfer: Transfer, setback: Setback): Facts {
    const { exit } = transfer
    return {
      setback,
      purpose: request.purpose.kind,
      idempotent: request.idempotent,
      isActive: request.isActive,
      isExhausted: request.budget.isExhausted,
      // The next probe follows sooner than the long waits of this one would end.
      canExtend: request.canExtend && !(request.isProbe && exit.path.rtt.hasSample),
      isUnvalidated: this.#dispatcher.isUnvalidated(request),
      isEarly: transfer.isWorkedOn || isEarly(now, request, transfer),
      refusals: request.refusals,
      others: this.#others(now, request, exit, REFUSALS.has(setback)),
      now,
      deadline: request.deadline,
      busyUntil: exit.member.busyUntil
    }
  }

  /** Where its exit has been given up, others that have been given up too are as good; unless it has just said something. */
  #others (now: number, { tried, delivery }: ClientRequest, { id, member }: Exit, isAlive: boolean): Facts['others'] {
    const { pool } = this.#parts
    if (delivery !== undefined) return 'none'
    const isDown = !isAlive && member.isOnProbation()
    if (pool.hasOther(now, new Set([...tried, id]), isDown)) return 'untried'
    return pool.hasOther(now, new Set([id]), isDown) ? 'tried' : 'none'
  }

  #take (now: number, request: ClientRequest, transfer: Transfer, step: Step, failure: Failure): void {
    const { exit } = transfer
    switch (step.kind) {
      case 'wait': return
      case 'fail': return this.#dispatcher.fail(now, request, failure)
      case 'start-over': return this.#startOver(now, request, request.isProbe ? [] : [...request.transfers])
      case 'repeat':
        if (step.extend) request.budget.extend()
        return this.#dispatcher.begin(now, request, exit, this.#sourceAfter(request, transfer))
      case 'leave': {
        if (step.extend) request.budget.extend()
        request.leave(exit.id, step.others === 'untried')
        const way = step.others === 'tried' ? this.#unasked(now, request) : undefined
        if (way !== undefined) return this.#dispatcher.begin(now, request, way.exit, way.source)
        const next = (step.others === 'none' ? undefined : this.#parts.queues.choose(now, request)) ?? exit
        const source = next === exit && this.#isAlone(request) ? this.#sourceAfter(request, transfer) : this.#sourceFor(now, next, transfer)
        return this.#dispatcher.begin(now, request, next, source)
      }
      case 'pause':
        request.forgetTried()
        return request.waitFor({ kind: 'pause', until: step.until })
      case 'queue':
        request.forgetTried()
        this.#parts.queues.append(request, exit)
    }
  }

  /**
   * All exits were asked, each from one own Destination: from another one there may be a path. Of those that are not given up the one heard
   * last is asked.
   */
  #unasked (now: number, request: ClientRequest): { exit: Exit, source: number } | undefined {
    const { sources, exits, context: { keys } } = this.#parts
    const asked = [...request.asked].flatMap(id => exits.get(id) ?? []).filter(({ member }) => member.isUsable(now))
    for (const exit of asked.sort((a, b) => b.heardAt - a.heardAt)) {
      const isAsked = (source: number): boolean => request.transfers.some(other => other.exit === exit && other.session.source === source)
      const source = keys.findIndex((_, source) => !isAsked(source) && !exit.isDeafTo(now, source) && sources.usable(source) === source)
      if (source >= 0) return { exit, source }
    }
    return undefined
  }

  /** A fresh round of attempts, without what is `lost`. */
  #startOver (now: number, request: ClientRequest, lost: readonly Transfer[]): void {
    request.budget.reset()
    if (request.waiting.kind === 'hedge') request.goOn()
    request.forgetTried()
    for (const transfer of lost) this.#parts.transfers.remove(transfer)
    request.drop(lost)
    const waits = request.waiting.kind === 'room' || request.waiting.kind === 'pause'
    if (!request.isActive && !waits) this.#dispatcher.start(now, request)
    for (const { exit } of lost) this.#dispatcher.admit(now, exit)
  }

  /**
   * Where there is no other exit a retry comes from the other own Destination: routers keep one path per pair for a
   * while, so the same pair would meet the same dead path. What the exit was working on stays in its session at first, and what
   * confirms one is not confirmed by another.
   */
  #sourceAfter (request: ClientRequest, { session, isWorkedOn }: Transfer): number {
    const stays = isWorkedOn || request.isOfPair || (request.isConfirming && request.transfers.length === 1)
    return this.#isAlone(request) && !stays ? (session.source + 1) % this.#parts.context.keys.length : session.source
  }

  /**
   * Copies see to it that chance seldom makes a try silent. Whether exit or path is dead nobody knows where nothing came to that
   * Destination since: so the next exit is asked from the other one, unless it is known not to hear that.
   */
  #sourceFor (now: number, next: Exit, { session: { source }, startedAt }: Transfer): number {
    const { sources } = this.#parts
    const other = sources.other(source)
    return next.source !== source || sources.isHeardSince(source, startedAt) || next.isDeafTo(now, other) ? next.source : other
  }

  #isAlone ({ purpose, idempotent }: ClientRequest): boolean {
    return !idempotent || purpose.kind !== 'pool' || this.#parts.exits.size === 1
  }

  #hedge (now: number, request: ClientRequest): void {
    const { pool, hedges, exits, context } = this.#parts
    request.goOn()
    if (request.traffic.isAnswered || request.budget.isExhausted) return
    const exclude = new Set([...request.tried, ...request.asked])
    if (!pool.hasOther(now, exclude) || !hedges.spend()) return
    const id = pool.choose(now, request.site, exclude)
    if (id === undefined) return
    request.traffic.hedged()
    context.stats.hedges++
    this.#dispatcher.begin(now, request, exits.get(id)!)
  }

  #timedOut (now: number, request: ClientRequest): void {
    const last = request.transfers.at(-1)
    // An exit that said to the end that it works has failed as well as one that said nothing.
    if (last?.isWorkedOn === true) last.exit.member.failure(now)
    else if (last !== undefined && last.exit.heardAt < last.startedAt) {
      last.exit.member.failure(now)
      last.exit.triedInVain(now, last.startedAt)
    }
    this.#fail(now, request, request.purpose.kind === 'pool' && this.#parts.patience.isOver(now) ? 'silent' : 'timeout')
  }

  #fail (now: number, request: ClientRequest, code: FailureCode): void {
    const last = request.transfers.at(-1)
    this.#dispatcher.fail(now, request, { code, ...(last === undefined ? {} : { exit: last.exit }) })
  }

  #requestOf ({ owner }: Transfer): ClientRequest | undefined {
    return this.#parts.requests.get(owner.handle)
  }
}

function isEarly (now: number, request: ClientRequest, { exit, repetition }: Transfer): boolean {
  return repetition === 0 && request.isEarly(now, exit)
}
