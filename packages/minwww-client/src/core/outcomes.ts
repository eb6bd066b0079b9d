import { INCARNATION } from '@minwww/protocol'
import type { ErrorMessage } from '@minwww/protocol'
import type { Assembly } from './assembly.ts'
import { restOf } from './delivery.ts'
import type { HandingOn } from './hand-on.ts'
import type { Dispatcher, DispatcherParts } from './dispatcher.ts'
import type { Exit } from './exit.ts'
import type { FailureCode } from './failures.ts'
import type { Recovery } from './recovery.ts'
import { decodeResponse } from './response.ts'
import type { ClientRequest } from './request.ts'
import { SETBACKS } from './retry-policy.ts'
import type { Transfer } from './transfer.ts'

/** Part of the time that an exit says it works on a request which counts against it, and how much of it at most, ms. */
const WORKED_ON = 0.1
const MOST_WORKED_ON = 2_000

/** Wait after `busy` without a time, ms. */
const MIN_BUSY = 1_000

/** What follows an answer: a page, a probe that came back, a refusal. */
export class Outcomes {
  readonly #parts: DispatcherParts
  readonly #dispatcher: Dispatcher
  readonly #recovery: Recovery

  constructor (parts: DispatcherParts, dispatcher: Dispatcher, recovery: Recovery) {
    this.#parts = parts
    this.#dispatcher = dispatcher
    this.#recovery = recovery
  }

  get handingOn (): HandingOn {
    return this.#parts
  }

  /** Undefined where it is over. */
  requestOf ({ owner }: Transfer): ClientRequest | undefined {
    return this.#parts.requests.get(owner.handle)
  }

  /** k symbols are here. */
  complete (now: number, transfer: Transfer, assembly: Assembly): void {
    const { context, pool, requests } = this.#parts
    const { exit } = transfer
    const request = requests.get(transfer.owner.handle)
    if (request === undefined) return
    const object = assembly.result()
    const message = decodeResponse(object, assembly.part)
    const end = request.delivery === undefined ? undefined : request.delivery.endOf(object)
    if (message !== undefined && request.delivery !== undefined && end === undefined) {
      // The site has said something else by now: the browser gets no mixture.
      return this.#recovery.setBack(now, transfer, { code: 'bad-response', detail: 'another answer than the one that began' })
    }
    if (message === undefined) {
      context.stats.badObjects++
      exit.member.failure(now)
      return this.#recovery.setBack(now, transfer, { code: 'bad-response' })
    }
    // By our own clock: the rate follows from times that the exit says, and must not make it look better.
    const { srtt } = exit.path.rtt
    const transmission = Math.min(assembly.size * 1000 / exit.path.carries, transfer.owner.traffic.comesFor(now) + srtt / 2)
    const penalty = exit.path.exceedsParity ? 2 : 1
    const elapsed = now - transfer.startedAt
    // A slow site says little of the exit. But who says that he works, and is always slow, is not the best one.
    const took = transfer.isWorkedOn ? srtt + Math.min(MOST_WORKED_ON, WORKED_ON * elapsed) : elapsed - transmission
    this.#answered(now, transfer, penalty * Math.max(0, took))
    if (message.setsCookie && request.purpose.kind === 'pool') pool.pin(request.site, exit.id)
    exit.served()
    context.stats.responses++
    const rest = assembly.part === 'beginning' ? { rest: restOf(transfer) } : {}
    this.#parts.promised(now, transfer, request, message.promises, message.head.status)
    const asked = request.plainGet
    if (asked !== undefined && assembly.part === 'whole') transfer.session.sent.came(now, asked.url, request.site, message.head.headers)
    const promised = message.promises.length
    const trace = { ...request.trace(now), ...(promised > 0 && { promised }) }
    const facts = { handle: request.handle, exit: exit.id, trace, ...rest }
    if (end !== undefined && end.length > 0) context.emit({ type: 'part', bytes: end, ...facts })
    context.emit({ type: 'response', message: message.bytes, ...facts })
    this.#dispatcher.end(now, request, transfer)
  }

  /** The first symbol of an answer that goes on over a stream. */
  begins (transfer: Transfer): void {
    const { handle } = transfer.owner
    if (this.#parts.requests.has(handle)) this.#parts.context.emit({ type: 'begins', handle, rest: restOf(transfer) })
  }

  /** The exit works on it: nobody is asked again. @param next - ms within which it says so again */
  working (now: number, transfer: Transfer, next: number): void {
    const { context: { config }, requests } = this.#parts
    const { exit, session, id, once } = transfer
    const request = requests.get(transfer.owner.handle)
    // Whatever attempt it answers: the repetitions are the same request, and so is what has the same token.
    const isSame = (other: Transfer): boolean =>
      (other.session === session && other.id === id) || (once !== undefined && other.once === once)
    const waiting = request?.transfers.filter(other => isSame(other) && other.mayBeWorkedOn) ?? []
    for (const other of waiting) {
      if (!other.isWorkedOn) request?.workedOn(config.workingDeadline)
      // One of them may be lost.
      other.workedOn(now + 2 * next + exit.path.timeout(0) + exit.backlog)
    }
  }

  /** A first message was answered: what has waited for that goes out. */
  met (now: number, exit: Exit): void {
    this.#dispatcher.admit(now, exit)
  }

  /** A probe came back. @param told - what it says */
  probed (now: number, transfer: Transfer, told: Buffer): void {
    if (told.length >= INCARNATION) transfer.exit.began(now, Buffer.from(told.subarray(0, INCARNATION)))
    this.#answered(now, transfer, now - transfer.startedAt)
    const request = this.#parts.requests.get(transfer.owner.handle)
    if (request === undefined) return
    this.#dispatcher.end(now, request, transfer)
    if (request.isOfPair && !request.isConfirming) this.#found(now, transfer)
  }

  /** The first path that was searched for and lives: what has gone elsewhere in vain before goes there at once. */
  #found (now: number, { exit, session: { source } }: Transfer): void {
    if (exit.source !== source) return
    const isThere = (other: Transfer): boolean => other.exit === exit && other.session.source === source
    for (const request of this.#parts.requests.values()) {
      const { transfers } = request
      if (!request.isInVain(exit) || transfers.length < 2 || transfers.some(isThere) || !exit.hasRoom()) continue
      request.budget.refund()
      this.#dispatcher.begin(now, request, exit, source)
    }
  }

  /** An exit that sends more than any honest one: left alone for this request, once. */
  flooded (now: number, transfer: Transfer): void {
    if (!transfer.isActive) return
    transfer.exit.member.failure(now)
    this.#recovery.setBack(now, transfer, { code: 'bad-response' })
  }

  /** An ERROR came. */
  refused (now: number, transfer: Transfer, code: FailureCode, { detail, size, retryAfter }: ErrorMessage): void {
    const { exit, session } = transfer
    const request = this.requestOf(transfer)
    // It goes by another token now, and what is said of the one before is old.
    if (request !== undefined && transfer.once !== request.once) return
    const isAgain = code === 'outcome-unknown' && size > 0 && this.#restarted(now, transfer, size)
    // An ERROR of a code that this version does not know is the exit's last word.
    const setback = isAgain ? 'unusable' : code === 'bad-response' ? 'page' : SETBACKS[code]
    switch (setback) {
      case 'forgotten':
        session.doubt()
        transfer.forgotten()
        break
      case 'busy':
        request?.refusedBy(transfer)
        if (!exit.shed(retryAfter)) exit.member.busy(now, Math.max(MIN_BUSY, retryAfter * 1000))
        this.#dispatcher.report(now, exit)
        break
      case 'closed':
        request?.refusedBy(transfer)
        exit.drain(now)
        this.#dispatcher.report(now, exit)
        break
      case 'page':
      case 'too-large':
        if (code !== 'bad-response') exit.member.success(now, now - transfer.startedAt)
        break
      case 'policy':
      case 'silence':
      case 'unusable': // says nothing of the exit
    }
    this.#recovery.setBack(now, transfer, { code, detail, size, retryAfter }, setback)
  }

  /** The exit is not the one that was asked. @param age - ms since its start. @returns true if that one cannot have been reached */
  #restarted (now: number, transfer: Transfer, age: number): boolean {
    const { exit, once } = transfer
    if (once !== undefined && exit.incarnation?.equals(once.incarnation) === true) exit.began(now, undefined)
    return this.requestOf(transfer)?.wasRestarted(now - age) === true
  }

  /** An exit that was silent is back: it is asked for what waits in vain. */
  #answered (now: number, transfer: Transfer, took: number): void {
    const { exit, session, startedAt } = transfer
    const isBack = exit.takeReturn() || exit.member.isOnProbation()
    if (this.requestOf(transfer)?.isConfirming !== true) exit.answeredTo(now, session.source, startedAt)
    exit.member.success(now, took)
    const inVain = isBack ? [...this.#parts.requests.values()].filter(request => request.isInVain(exit)) : []
    const waited = new Set(inVain.filter(request => request.hasWaited(now)))
    // Nothing comes of these any more: they take no room from those that follow.
    for (const { transfers } of waited) for (const transfer of transfers) if (transfer.exit === exit) transfer.giveUp()
    for (const request of inVain) {
      request.budget.refund()
      if (!waited.has(request)) request.hurry()
      else if (exit.hasRoom()) this.#dispatcher.begin(now, request, exit)
      else {
        // Nor of what others were asked for in vain: it waits here for its turn, not there for its time.
        for (const transfer of request.transfers) transfer.giveUp()
        this.#parts.queues.append(request, exit)
      }
    }
  }
}
