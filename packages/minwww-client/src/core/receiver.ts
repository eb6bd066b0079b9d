import { PROTOCOL } from '@minwww/i2cp/codec'
import { decodeMessage, peekPrefix, ProtocolError, tunnelMessagesOf, VERSION } from '@minwww/protocol'
import type { ErrorMessage, ReplyMessage, TaggedMessage } from '@minwww/protocol'
import type { BurstWatch } from './burst-watch.ts'
import type { ClientContext } from './context.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Exchange, Round } from './exchange.ts'
import type { Exit } from './exit.ts'
import { failureOfError } from './failures.ts'
import type { Sender } from './sender.ts'
import type { ExitSession } from './session.ts'
import type { Incoming } from './types.ts'

/** Authenticates what arrives and finds the exchange it belongs to. */
export class Receiver {
  readonly #context: ClientContext
  readonly #sender: Sender
  readonly #dispatcher: Dispatcher

  constructor (context: ClientContext, sender: Sender, dispatcher: Dispatcher) {
    this.#context = context
    this.#sender = sender
    this.#dispatcher = dispatcher
  }

  receive (now: number, source: number, { protocol, payload }: Incoming): void {
    const { stats } = this.#context
    const prefix = peekPrefix(payload)
    if (protocol !== PROTOCOL.RAW || prefix === undefined || prefix.version !== VERSION) {
      stats.malformed++
      return
    }
    const found = this.#sender.find(prefix.session.toString('hex'))
    if (found === undefined || found.session.source !== source) {
      stats.unknownSessions++
      return
    }
    const message = this.#decode(payload, found.session)
    if (message === undefined) return
    found.session.heard(now)
    found.exit.heardAt = now
    if (message.type === 'reply') this.#reply(now, found.exit, found.session, message, payload.length)
    else if (message.type === 'error') this.#error(now, found.session, message, payload.length)
    else stats.malformed++
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
    const { stats } = this.#context
    const exchange = exchangeOf(session, reply)
    const round = exchange?.rounds.get(reply.attempt)
    const watch = exit.path.observe(now, `${session.name}.${reply.id}.${reply.attempt}`, round?.from ?? 0, reply, length, exit.backlog, round?.sentAt[0])
    exit.lastSymbolAt = now
    if (exchange === undefined) {
      stats.late++
      return
    }
    account(now, exchange, length)
    exchange.request.symbols++
    if (round !== undefined && !round.measured && reply.index >= round.from) measure(now, exit, round, reply.flags, watch.m)
    stopCopies(exchange, reply.attempt)
    if (exchange.request.isProbe) this.#dispatcher.probed(now, exchange)
    else if (reply.size === 0 || reply.size > this.#context.config.maxObject) stats.inconsistent++
    else this.#place(now, exchange, reply, watch)
  }

  #place (now: number, exchange: Exchange, reply: ReplyMessage, watch: BurstWatch): void {
    const { stats, config } = this.#context
    const placed = exchange.add(reply, config.maxReplyFactor)
    if (placed === 'inconsistent') stats.inconsistent++
    if (placed === 'duplicate') stats.duplicates++
    if (exchange.assembly?.isFlooded === true) return this.#dispatcher.flooded(now, exchange)
    if (placed !== 'new') return
    const { exit } = exchange
    if (exchange.assembly?.complete === true) {
      exit.path.completed(watch)
      return this.#dispatcher.complete(now, exchange)
    }
    exchange.waitForRest(now, reply, exit.path.gap(watch, exit.backlog))
  }

  #error (now: number, session: ExitSession, message: ErrorMessage, length: number): void {
    const exchange = exchangeOf(session, message)
    if (exchange === undefined) {
      this.#context.stats.late++
      return
    }
    account(now, exchange, length)
    stopCopies(exchange, message.attempt)
    this.#dispatcher.refused(now, exchange, failureOfError(message.code), message)
  }
}

/** The exchange that the attempt belongs to: the latest that had begun by then. Attempts never sent belong to none. */
function exchangeOf (session: ExitSession, { id, attempt }: { id: number, attempt: number }): Exchange | undefined {
  return session.routes.get(id)?.findLast(exchange => exchange.base <= attempt && attempt <= exchange.latest)
}

function account (now: number, { request }: Exchange, length: number): void {
  request.messagesReceived++
  request.bytesReceived += length
  request.tunnelMessages += tunnelMessagesOf(length)
  request.firstSymbolAt ??= now
}

function stopCopies (exchange: Exchange, attempt: number): void {
  if (exchange.copies?.attempt === attempt) exchange.copies = undefined
  exchange.upload = undefined
}

/** The exit says which copy it answers. */
function measure (now: number, exit: Exit, round: Round, copy: number, m: number): void {
  round.measured = true
  const sentAt = round.sentAt[copy]
  if (sentAt !== undefined) exit.path.measure(now, now - sentAt, m)
}
