import { encodeDatagram2, PROTOCOL } from '@minwww/i2cp/codec'
import {
  copiesFor, DATAGRAM2_ENVELOPE, encodeMessage, encodeOpenBody, encodeRate, EXIT_PORT, MAX_ATTEMPT, OPEN_HEADER, paddedLength, PREFIX,
  REQUEST_HEADER, requestCapacity, SESSION_SECRET, TAG, tunnelMessagesOf
} from '@minwww/protocol'
import type { TaggedMessage } from '@minwww/protocol'
import type { ClientContext } from './context.ts'
import { Exchange } from './exchange.ts'
import type { Copies, Round } from './exchange.ts'
import type { Exit } from './exit.ts'
import type { ExitPath } from './path.ts'
import type { ClientRequest } from './request.ts'
import { ExitSession } from './session.ts'
import type { MessageProtocol } from './types.ts'
import { Upload, UploadBurst } from './upload.ts'
import { symbolTime } from './wire.ts'

/** Port of ours that replies come to. */
const CLIENT_PORT = 4480
/** Longest object that is sent in one message: beyond it, symbols with parity cost less than copies. */
const MAX_REQUEST = requestCapacity(4)
/** Exchanges with the same id of what may be fetched twice. */
const MAX_REPETITIONS = 2
/** Distance of two copies as a share of the round trip, and the shortest, ms. */
const COPY_SPACING = 1 / 20
const MIN_COPY_SPACING = 2
/** A router may drop a message this many ms after it was given one. */
const EXPIRY = 60_000

/** Builds and sends what an exchange says to its exit, and keeps the sessions in which it says it. */
export class Sender {
  readonly #context: ClientContext
  readonly #sessions = new Map<string, { session: ExitSession, exit: Exit }>()

  constructor (context: ClientContext) {
    this.#context = context
  }

  /** The session that a received message names; unauthenticated. */
  find (name: string): { session: ExitSession, exit: Exit } | undefined {
    return this.#sessions.get(name)
  }

  forget (exit: Exit): void {
    for (const session of exit.sessions) if (session !== undefined) this.#sessions.delete(session.name)
    exit.sessions.length = 0
  }

  /** Sessions of one own Destination with all exits. */
  forgetSource (source: number): void {
    for (const [name, { session, exit }] of this.#sessions) {
      if (session.source !== source) continue
      this.#sessions.delete(name)
      exit.sessions[source] = undefined
      exit.path.forgetBursts()
    }
  }

  /** A long request goes in BODY symbols, which only an open session can take: it must be opened first. */
  mustOpenFirst (now: number, request: ClientRequest, exit: Exit, source: number): boolean {
    return isLong(request) && !this.#session(exit, source).isOpen(now, this.#context.config.sessionLife)
  }

  /** Starts an exchange: BODY for a long request, OPEN where the exit does not know the session, else REQUEST. */
  begin (now: number, request: ClientRequest, exit: Exit, source: number): Exchange {
    const session = this.#session(exit, source)
    const earlier = reusable(request, session)
    const isKnown = session.isOpen(now, this.#context.config.sessionLife)
    const exchange = new Exchange({
      request,
      exit,
      session,
      id: earlier?.id ?? session.takeId(),
      base: earlier === undefined ? 0 : Math.min(MAX_ATTEMPT, earlier.latest + 1),
      form: isLong(request) ? 'body' : isKnown && request.attempts === 0 ? 'request' : 'open',
      repetition: request.exchanges.filter(e => e.exit === exit).length,
      now
    })
    session.route(exchange.id, exchange)
    exit.exchanges.add(exchange)
    request.exchanges.push(exchange)
    request.attempts++
    if (exchange.form === 'body') {
      this.#upload(now, exchange)
      return exchange
    }
    if (exchange.form === 'open') this.#send(now, exchange, copy => this.#open(now, exchange, copy), PROTOCOL.DATAGRAM2, 0)
    else this.#send(now, exchange, copy => this.#request(now, exchange, copy), PROTOCOL.RAW, 0)
    return exchange
  }

  /** Asks for fresh symbols. */
  want (now: number, exchange: Exchange, want: { from: number, count: number }): void {
    const { loss, rate, shape } = exchange.exit.path.report(now)
    exchange.latest = Math.min(MAX_ATTEMPT, exchange.latest + 1)
    exchange.request.attempts++
    exchange.request.repaired = true
    exchange.wanted = want.count
    this.#context.stats.wants++
    const encode = (copy: number): Buffer => this.#tagged(exchange, { type: 'want', ...this.#prefix(exchange, copy), loss, rate, shape, ...want })
    this.#send(now, exchange, encode, PROTOCOL.RAW, want.from)
  }

  /** Tells an exit that nobody waits any more. Sent once: if it is lost, only bytes are. */
  cancel (now: number, exchange: Exchange): void {
    this.#transmit(now, exchange, this.#tagged(exchange, { type: 'cancel', ...this.#prefix(exchange) }), PROTOCOL.RAW)
  }

  /** Sends what is due of an upload, and the next copy. */
  proceed (now: number, exchange: Exchange): void {
    const { upload } = exchange
    for (let index = upload?.take(now); index !== undefined; index = upload?.take(now)) this.#body(now, exchange, upload!, index)
    if (upload?.nextAt === Infinity) exchange.upload = undefined
    this.#copy(now, exchange)
  }

  #copy (now: number, exchange: Exchange): void {
    const { copies } = exchange
    if (copies === undefined || copies.nextAt > now) return
    const { sentAt } = exchange.rounds.get(copies.attempt)!
    this.#transmit(now, exchange, copies.encode(sentAt.length), copies.protocol)
    sentAt.push(now)
    copies.left--
    copies.nextAt = now + this.#copySpacing(exchange.exit.path)
    if (copies.left === 0) exchange.copies = undefined
  }

  /** @param encode - makes the message of a copy, which the exit names in its answer */
  #send (now: number, exchange: Exchange, encode: Copies['encode'], protocol: MessageProtocol, from: number): void {
    const { path } = exchange.exit
    const payload = encode(0)
    const tunnelMessages = tunnelMessagesOf(payload.length)
    const copies = copiesFor(tunnelMessages, path.requestLoss)
    const copySpacing = this.#copySpacing(path)
    const { backlog } = exchange.exit
    const round: Round = { from, sentAt: [now], measured: path.isLoaded(now, backlog) }
    exchange.rounds.set(exchange.latest, round)
    exchange.copies = copies === 1
      ? undefined
      : { encode, protocol, attempt: exchange.latest, left: copies - 1, nextAt: now + copySpacing }
    const lastCopy = now + (copies - 1) * copySpacing
    const at = lastCopy + path.timeout(exchange.repetition + exchange.wantsInVain) + symbolTime(tunnelMessages, path.carries) +
      path.firstSymbolTime(now) + backlog
    exchange.timer = { kind: from > 0 ? 'want' : 'first', at }
    this.#transmit(now, exchange, payload, protocol)
  }

  /** A little of a round trip where that is shorter: all copies leave before an answer can come, so waiting saves none of them. */
  #copySpacing ({ rtt }: ExitPath): number {
    const { copySpacing } = this.#context.config
    return rtt.hasSample ? Math.min(copySpacing, Math.max(MIN_COPY_SPACING, COPY_SPACING * rtt.srtt)) : copySpacing
  }

  #open (now: number, exchange: Exchange, copy: number): Buffer {
    const { request, session, exit } = exchange
    const length = DATAGRAM2_ENVELOPE + PREFIX + OPEN_HEADER + request.object.length
    const body = encodeOpenBody({
      type: 'open',
      ...this.#prefix(exchange, copy),
      ...exit.path.report(now),
      max: encodeRate(this.#context.config.maxObject),
      time: Math.floor((now + this.#context.clockOffset()) / 1000),
      key: session.secret,
      object: request.object
    }, paddedLength(length) - DATAGRAM2_ENVELOPE)
    return encodeDatagram2(this.#context.keys[session.source]!, exit.destination.hash, body)
  }

  #request (now: number, exchange: Exchange, copy: number): Buffer {
    const { request, exit } = exchange
    const length = PREFIX + REQUEST_HEADER + request.object.length + TAG
    return this.#tagged(exchange, {
      type: 'request',
      ...this.#prefix(exchange, copy),
      ...exit.path.report(now),
      max: encodeRate(this.#context.config.maxObject),
      object: request.object
    }, paddedLength(length))
  }

  /** The answer may come before the last symbol, so an upload measures no round trip. */
  #upload (now: number, exchange: Exchange): void {
    const { request, exit: { path } } = exchange
    request.upload ??= new Upload(request.object, path.loss, path.shape(now))
    exchange.upload = new UploadBurst(now, request.upload, symbolTime(request.upload.m, path.carries))
    exchange.rounds.set(exchange.latest, { from: 0, sentAt: [now], measured: true })
    const at = exchange.upload.endsAt + path.timeout(exchange.repetition) + path.firstSymbolTime(now) + exchange.exit.backlog
    exchange.timer = { kind: 'first', at }
    this.proceed(now, exchange)
  }

  #body (now: number, exchange: Exchange, { upload, last }: UploadBurst, index: number): void {
    const pace = encodeRate(exchange.exit.path.carries)
    const message = { type: 'body', ...this.#prefix(exchange), size: upload.size, index, last, pace, symbol: upload.symbol(index) } as const
    this.#transmit(now, exchange, this.#tagged(exchange, message), PROTOCOL.RAW)
  }

  #tagged (exchange: Exchange, message: TaggedMessage, padTo = paddedLength(0)): Buffer {
    return encodeMessage(message, exchange.session.keys.client, padTo)
  }

  #prefix ({ session, id, latest }: Exchange, copy = 0): { attempt: number, flags: number, session: Buffer, id: number } {
    return { attempt: latest, flags: copy, session: session.keys.session, id }
  }

  #transmit (now: number, exchange: Exchange, payload: Buffer, protocol: MessageProtocol): void {
    const { request } = exchange
    request.messagesSent++
    request.bytesSent += payload.length
    request.tunnelMessages += tunnelMessagesOf(payload.length)
    this.#context.transmit({
      source: exchange.session.source,
      to: exchange.exit.destination,
      protocol,
      fromPort: CLIENT_PORT,
      toPort: EXIT_PORT,
      payload,
      expires: now + EXPIRY
    })
  }

  /** A session whose OPENs had no answer is replaced by one with a new K, unless a request still depends on it. */
  #session (exit: Exit, source: number): ExitSession {
    const present = exit.sessions[source]
    if (present !== undefined && !(present.isSpent && present.routes.size === 0)) return present
    if (present !== undefined) this.#sessions.delete(present.name)
    const session = new ExitSession(source, exit.id, Buffer.from(this.#context.random(SESSION_SECRET)))
    exit.sessions[source] = session
    this.#sessions.set(session.name, { session, exit })
    return session
  }
}

function isLong ({ object }: ClientRequest): boolean {
  return object.length > MAX_REQUEST
}

/**
 * The exchange whose id a repetition takes, so that the exit answers from its cache. An exit sends at most three times a
 * reply's size, which a small one with its parity has used up at once: what may be fetched twice gets a fresh id after
 * two in vain.
 */
function reusable ({ exchanges, idempotent }: ClientRequest, session: ExitSession): Exchange | undefined {
  const earlier = exchanges.filter(exchange => exchange.session === session)
  const last = earlier.at(-1)
  const used = earlier.filter(exchange => exchange.id === last?.id).length
  return idempotent && used >= MAX_REPETITIONS ? undefined : last
}
