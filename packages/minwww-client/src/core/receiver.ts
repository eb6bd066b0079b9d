import { PROTOCOL } from '@minwww/i2cp/codec'
import { decodeMessage, peekPrefix, ProtocolError, PUSH_IDS, VERSION } from '@minwww/protocol'
import type { ErrorMessage, ReplyMessage, TaggedMessage, WorkingMessage } from '@minwww/protocol'
import type { BurstWatch } from './burst-watch.ts'
import type { Confirmations } from './confirmations.ts'
import type { ClientContext } from './context.ts'
import { handOn } from './hand-on.ts'
import type { Exit } from './exit.ts'
import { failureOfError } from './failures.ts'
import type { Outcomes } from './outcomes.ts'
import type { Pushes } from './pushes.ts'
import type { Sender } from './sender.ts'
import type { SessionTable } from './session-table.ts'
import type { ExitSession } from './session.ts'
import type { Transfer } from './transfer.ts'
import type { TransferTable } from './transfer-table.ts'
import type { Incoming } from './types.ts'

/** An exit that works on a request says so as often as this, or counts as silent, s. */
const MAX_NEXT = 15

export interface ReceiverParts {
  context: ClientContext
  sessions: SessionTable
  transfers: TransferTable
  outcomes: Outcomes
  sender: Sender
  confirmations: Confirmations
  pushes: Pushes
}

/** Authenticates what arrives and finds the transfer it belongs to. */
export class Receiver {
  readonly #context: ClientContext
  readonly #sessions: SessionTable
  readonly #transfers: TransferTable
  readonly #outcomes: Outcomes
  readonly #sender: Sender
  readonly #confirmations: Confirmations
  readonly #pushes: Pushes

  constructor (o: ReceiverParts) {
    this.#context = o.context
    this.#sessions = o.sessions
    this.#transfers = o.transfers
    this.#outcomes = o.outcomes
    this.#sender = o.sender
    this.#confirmations = o.confirmations
    this.#pushes = o.pushes
  }

  /** @returns whether it is genuine */
  receive (now: number, source: number, { protocol, payload }: Incoming): boolean {
    const { stats } = this.#context
    const prefix = peekPrefix(payload)
    if (protocol !== PROTOCOL.RAW || prefix === undefined || prefix.version !== VERSION) {
      stats.malformed++
      return false
    }
    const found = this.#sessions.find(prefix.session.toString('hex'))
    if (found === undefined || found.session.source !== source) {
      stats.unknownSessions++
      return false
    }
    const message = this.#decode(payload, found.session)
    if (message === undefined) return false
    found.session.heard(now)
    found.exit.heard(now, source)
    const isFirst = !found.exit.contact.isKnown(now, source)
    const held = found.exit.contact.heard(now, source, this.#context.chance)
    for (const message of held) this.#context.transmit(message)
    if (isFirst && held.length === 0) this.#confirmations.answered(now, found.exit, source)
    if (message.type === 'reply') this.#reply(now, found.exit, found.session, message, payload.length)
    else if (message.type === 'error') this.#error(now, found.exit, found.session, message, payload.length)
    else if (message.type === 'push') this.#push(now, found.exit, found.session, { ...message, type: 'reply', part: 'whole' }, payload.length)
    else if (message.type === 'working') this.#working(now, found.exit, found.session, message, payload.length)
    else stats.malformed++
    if (isFirst) this.#outcomes.met(now, found.exit)
    this.#report(now, found.exit)
    return true
  }

  /** Grants the exit another rate, if what is still to come of it is worth a message. */
  #report (now: number, exit: Exit): void {
    const { path } = exit
    const { grant, granted } = exit.grants(now)
    if (!path.isReportDue(now, grant, granted) || exit.inFlight === 0) return
    path.reporting(now, grant, granted)
    for (const session of exit.turn(now)) this.#sender.report(now, exit, session)
  }

  #decode (payload: Buffer, session: ExitSession): TaggedMessage | undefined {
    try {
      return decodeMessage(payload, session.keys.server)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      if (error.code === 'MINWWW_BAD_TAG') this.#context.stats.badTags++
      else this.#context.stats.malformed++
      return undefined
    }
  }

  #reply (now: number, exit: Exit, session: ExitSession, reply: ReplyMessage, length: number): void {
    const { stats, config } = this.#context
    const transfer = this.#transfers.find(session, reply)
    const watch = this.#observe(now, exit, session, reply, length, transfer)
    if (transfer === undefined) {
      stats.late++
      return
    }
    const { owner } = transfer
    owner.traffic.received(now, length)
    owner.traffic.receivedSymbol()
    const roundTrip = transfer.takeRoundTrip(now, reply)
    if (roundTrip !== undefined) exit.path.measure(now, roundTrip, watch.m)
    transfer.answered(reply.attempt)
    if (owner.isProbe) this.#outcomes.probed(now, transfer, reply.symbol)
    else if (reply.size === 0 || reply.size > config.maxObject) stats.inconsistent++
    else this.#place(now, transfer, reply, watch)
  }

  /** What a symbol says of the path, whoever needs it. */
  #observe (now: number, exit: Exit, session: ExitSession, reply: ReplyMessage, length: number, transfer: Transfer | undefined): BurstWatch {
    const { id, attempt, index, symbol } = reply
    const from = transfer?.firstOf(attempt) ?? index
    const watch = exit.path.observe(now, `${session.name}.${id}.${attempt}`, from, reply, length, exit.backlog, exit.inFlight)
    exit.symbolCame(now, symbol.length)
    session.symbolCame(now, reply.time, watch.m)
    return watch
  }

  #push (now: number, exit: Exit, session: ExitSession, reply: ReplyMessage, length: number): void {
    const push = this.#pushes.admit(now, exit, session, reply)
    const watch = this.#observe(now, exit, session, reply, length, push?.transfer)
    if (push === undefined) return
    push.traffic.received(now, length)
    this.#pushes.place(now, push, reply, watch)
  }

  #place (now: number, transfer: Transfer, reply: ReplyMessage, watch: BurstWatch): void {
    const { stats, config } = this.#context
    if (transfer.assembly === undefined && reply.part === 'beginning') this.#outcomes.begins(transfer)
    const placed = transfer.add(reply, config.maxReplyFactor)
    if (placed === 'inconsistent') stats.inconsistent++
    if (placed === 'duplicate') stats.duplicates++
    const { exit, assembly } = transfer
    if (assembly?.isFlooded === true) return this.#outcomes.flooded(now, transfer)
    if (placed !== 'new') return
    if (assembly?.complete === true) {
      watch.stop()
      return this.#outcomes.complete(now, transfer, assembly)
    }
    const gap = exit.path.gap(watch, exit.backlog)
    transfer.waitForRest(now, reply, gap)
    const request = this.#outcomes.requestOf(transfer)
    if (request !== undefined) handOn(now, this.#outcomes.handingOn, request, transfer, transfer.restTime(reply, gap))
  }

  /** An exit that works for nobody has not heard so. */
  #working (now: number, exit: Exit, session: ExitSession, message: WorkingMessage, length: number): void {
    const transfer = this.#transfers.find(session, message)
    this.#context.stats.workings++
    const next = Math.min(MAX_NEXT, message.next) * 1000
    if (message.id >= PUSH_IDS) return this.#pushes.working(now, session, message.id, next)
    if (transfer === undefined) return this.#sender.forget(now, exit, session, message)
    transfer.owner.traffic.received(now, length)
    transfer.answered(message.attempt)
    if (message.next > 0) this.#outcomes.working(now, transfer, next)
  }

  #error (now: number, exit: Exit, session: ExitSession, message: ErrorMessage, length: number): void {
    if (message.id >= PUSH_IDS) return this.#pushes.refused(now, exit, session, message.id)
    const transfer = this.#transfers.find(session, message)
    if (transfer === undefined) {
      this.#context.stats.late++
      return
    }
    transfer.owner.traffic.received(now, length)
    transfer.answered(message.attempt)
    this.#outcomes.refused(now, transfer, failureOfError(message.code), message)
  }
}
