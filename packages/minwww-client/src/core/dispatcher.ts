import type { Promised } from '@minwww/protocol'
import type { HedgeBudget } from '../pool/hedge-budget.ts'
import type { ExitPool } from '../pool/pool.ts'
import type { Confirmations } from './confirmations.ts'
import type { ClientContext } from './context.ts'
import type { Exit } from './exit.ts'
import type { FailureCode } from './failures.ts'
import type { PoolPatience } from './pool-patience.ts'
import type { Queues } from './queues.ts'
import type { Pairs } from './pairs.ts'
import type { ClientRequest, ProbeKind } from './request.ts'
import { isLong } from './sender.ts'
import type { Sender } from './sender.ts'
import type { SessionTable } from './session-table.ts'
import type { Sources } from './sources.ts'
import type { Transfer } from './transfer.ts'
import type { TransferTable } from './transfer-table.ts'

/** What a dispatcher works with. */
export interface DispatcherParts {
  context: ClientContext
  sender: Sender
  sessions: SessionTable
  transfers: TransferTable
  sources: Sources
  pool: ExitPool
  queues: Queues
  exits: ReadonlyMap<string, Exit>
  /** Live requests by handle. */
  requests: Map<number, ClientRequest>
  pairs: Pairs
  patience: PoolPatience
  hedges: HedgeBudget
  confirmations: Confirmations
  /**
   * @param source - the own Destination that it comes from, where that matters
   */
  probe: (now: number, exit: Exit, source?: number, why?: ProbeKind) => void
  /** An answer came with promises in front of it. */
  promised: (now: number, transfer: Transfer, request: ClientRequest, promises: readonly Promised[], status: number) => void
  /** A request is over: it waits for nothing that is pushed. */
  left: (request: ClientRequest) => void
}

/** Exits that are probed at a time because a request waits in vain. */
const MAX_PROBES = 16

/** Where nobody else may be asked, these say no more than that the exit did not answer. */
const UNTOLD: ReadonlySet<FailureCode> = new Set<FailureCode>(['timeout', 'silent', 'no-exit', 'busy', 'draining', 'unknown-id'])

/** How a request fails. */
export interface Failure {
  readonly code: FailureCode
  readonly detail?: string
  readonly size?: number
  readonly retryAfter?: number
  readonly exit?: Exit
}

/** Sends a request to an exit as soon as there is one that has room, and forgets it when it is over. */
export class Dispatcher {
  readonly #parts: DispatcherParts

  constructor (parts: DispatcherParts) {
    this.#parts = parts
  }

  /** Sends a request to its best exit, or lets it wait for one. */
  start (now: number, request: ClientRequest): void {
    const { sources, queues, hedges } = this.#parts
    if (sources.usable(0) === undefined) return request.waitFor({ kind: 'source' })
    const exit = request.onlyExit ?? this.#choose(now, request)
    if (exit === undefined || (!request.isProbe && exit.member.isBusy(now))) {
      this.#waitForExit(now, request)
      return this.#probeDue(now)
    }
    if (request.waiting.kind !== 'hedge') request.goOn()
    if (!request.isProbe) hedges.earn()
    if (request.isProbe || queues.isFree(exit)) this.begin(now, request, exit)
    else queues.append(request, exit)
    if (!request.isProbe) this.#probeDue(now)
  }

  /** Sends a request to this exit, from this own Destination or another one in its place. */
  begin (now: number, request: ClientRequest, exit: Exit, source = request.takeSource() ?? exit.source): void {
    const { context: { config, stats }, sources, sender, sessions } = this.#parts
    const usable = request.isOfPair && sources.canSend(source) ? source : sources.usable(source, other => exit.isDeafTo(now, other))
    if (usable === undefined) return request.waitFor({ kind: 'source' })
    exit.askedFrom(usable)
    const session = sessions.obtain(exit, usable)
    const isReady = session.isOpen(now, config.sessionLife) && exit.contact.isKnown(now, usable)
    const isUnknown = !request.idempotent && request.once === undefined && exit.incarnation === undefined
    if ((isLong(request) && !isReady) || isUnknown) return this.#waitForSession(now, request, exit, usable)
    const isFirst = request.budget.spent === 0
    if (!isFirst) stats.retries++
    const transfer = sender.begin(now, request, exit, session)
    if (!request.isProbe) exit.contact.used(now)
    this.#waitLong(now, request, transfer)
    this.report(now, exit)
    const { rtt } = exit.path
    if (isFirst && config.hedging && request.purpose.kind === 'pool' && request.idempotent && rtt.hasSample) {
      request.waitFor({ kind: 'hedge', at: now + rtt.srtt + 2 * rtt.rttvar })
    }
  }

  /** No answer could come yet, as far as is known: from any exit, or from those that this request asked. */
  isUnvalidated (request: ClientRequest): boolean {
    const { sources } = this.#parts
    return sources.isUnvalidated(this.allExits()) || sources.isUnvalidated(request.transfers.map(({ exit }) => exit))
  }

  fail (now: number, request: ClientRequest, { code, detail = '', size, retryAfter, exit }: Failure): void {
    const { context } = this.#parts
    if (!request.isProbe) {
      context.stats.failures++
      context.emit({
        type: 'failed',
        handle: request.handle,
        code: request.mayHaveRun ? UNTOLD.has(code) ? 'unanswered' : code : code === 'outcome-unknown' ? 'timeout' : code,
        detail,
        ...(size ? { size } : {}),
        ...(retryAfter ? { retryAfter } : {}),
        ...(exit === undefined ? {} : { exit: exit.id }),
        trace: request.trace(now)
      })
    }
    this.end(now, request)
  }

  /** Forgets a request; exits that may still be sending for it are told, except the one that has `finished`. */
  end (now: number, request: ClientRequest, finished?: Transfer): void {
    const { requests, queues, sender, transfers, left } = this.#parts
    if (!requests.delete(request.handle)) return
    queues.remove(request)
    left(request)
    const exits = new Set<Exit>()
    const told = new Set(finished === undefined ? [] : [finished.session])
    for (const transfer of request.transfers) {
      exits.add(transfer.exit)
      if (transfer.isActive && !request.isProbe && !told.has(transfer.session)) {
        told.add(transfer.session)
        sender.cancel(now, transfer)
      }
      transfers.remove(transfer)
    }
    if (request.purpose.kind === 'probe') request.purpose.exit.probeEnds(request.purpose.source)
    for (const exit of exits) {
      this.report(now, exit)
      this.admit(now, exit)
    }
    this.balance(now)
  }

  /** Lets waiting requests go as far as there is room. */
  admit (now: number, exit: Exit): void {
    const { queues } = this.#parts
    while (exit.hasRoom()) {
      const request = queues.shift(exit)
      if (request === undefined) return
      this.begin(now, request, exit)
      if (request.waiting.kind === 'room') return
    }
  }

  /** What waits for an exit that is slow or silent goes to one that has room. */
  balance (now: number): void {
    const { queues } = this.#parts
    for (let next = queues.next(now); next !== undefined; next = queues.next(now)) this.begin(now, next.request, next.exit)
  }

  /** Exits of which nothing was heard `since` are asked whether they are there, a few at a time. */
  probeUnheard (now: number, since: number): void {
    const unheard = [...this.#parts.exits.values()].filter(({ heardAt }) => heardAt < since)
    const asked = unheard.filter(({ isProbed }) => isProbed).length
    // First those of which nothing is known yet.
    const next = unheard.filter(({ isProbed }) => !isProbed)
      .sort((a, b) => Number(a.silentSince(now) !== undefined) - Number(b.silentSince(now) !== undefined))
    for (const exit of next.slice(0, Math.max(0, MAX_PROBES - asked))) this.#parts.probe(now, exit)
  }

  /** Tells of an exit's state, if it has changed. */
  report (now: number, exit: Exit): void {
    const { context, exits } = this.#parts
    if (exits.get(exit.id) !== exit) return
    const state = exit.takeStateChange(now)
    if (state !== undefined) context.emit({ type: 'exit-state', exit: exit.id, state })
  }

  /** Exits of the pool, and those that requests in flight use or wait for. */
  allExits (): Set<Exit> {
    const exits = new Set(this.#parts.exits.values())
    for (const { transfers, waiting } of this.#parts.requests.values()) {
      for (const { exit } of transfers) exits.add(exit)
      if (waiting.kind === 'room') exits.add(waiting.exit)
    }
    return exits
  }

  /** The last attempts wait long, unless others are left to ask or no answer could come. */
  #waitLong (now: number, request: ClientRequest, transfer: Transfer): void {
    if (transfer.waitsFor !== 'first') return
    const wait = request.longWait(now)
    const hasOther = (): boolean => request.idempotent && request.purpose.kind === 'pool' && this.#parts.pool.hasOther(now, request.asked)
    if (wait > 0 && !hasOther() && !this.isUnvalidated(request)) transfer.waitAtLeastUntil(now + wait)
  }

  /** What is carried out once goes to an exit that has told its incarnation, if there is one. */
  #choose (now: number, request: ClientRequest): Exit | undefined {
    const { queues, exits } = this.#parts
    const untold = request.idempotent ? [] : [...exits.values()].filter(({ incarnation }) => incarnation === undefined)
    if (untold.length < exits.size) for (const { id } of untold) request.leave(id, true)
    return queues.choose(now, request)
  }

  /** A probe opens the session, and tells the incarnation; when it is over the request goes on. */
  #waitForSession (now: number, request: ClientRequest, exit: Exit, source: number): void {
    this.#parts.queues.prepend(request, exit)
    request.comesFrom(source)
    this.#parts.probe(now, exit, source)
  }

  #probeDue (now: number): void {
    const { pool, exits, probe } = this.#parts
    for (const id of pool.dueProbes(now)) probe(now, exits.get(id)!)
    this.#parts.pairs.keep(now)
  }

  /** Every exit is busy, drains or is gone. */
  #waitForExit (now: number, request: ClientRequest): void {
    const until = request.onlyExit?.member.busyUntil ?? this.#parts.pool.busyUntil(now)
    if (until === undefined) this.fail(now, request, { code: 'no-exit' })
    else if (until >= request.deadline) this.fail(now, request, { code: 'busy', retryAfter: Math.ceil((until - now) / 1000) })
    else {
      request.waitFor({ kind: 'pause', until: Math.max(until, now) })
      request.forgetTried()
    }
  }
}
