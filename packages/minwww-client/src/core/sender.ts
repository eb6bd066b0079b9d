import { encodeDatagram2, PROTOCOL } from '@minwww/i2cp/codec'
import {
  blockLength, copiesFor, DATAGRAM2_ENVELOPE, encodeMessage, encodeOpenBody, encodeRate, EXIT_PORT, MAX_ATTEMPT, OPEN_HEADER, paddedLength, PREFIX,
  REQUEST_HEADER, requestCapacity, SECOND_SESSION, TAG, TOKEN, tunnelMessagesOf
} from '@minwww/protocol'
import type { Once, PushGrant, RequestBlock, TaggedMessage } from '@minwww/protocol'
import type { Confirmations } from './confirmations.ts'
import type { ClientContext } from './context.ts'
import type { Exit } from './exit.ts'
import { AGAIN, againAfter } from './first-contact.ts'
import type { ClientRequest } from './request.ts'
import type { ExitSession } from './session.ts'
import type { PathReport } from './path.ts'
import { Transfer } from './transfer.ts'
import type { Encode } from './transfer.ts'
import type { TransferTable } from './transfer-table.ts'
import type { MessageProtocol, Outgoing } from './types.ts'
import { UploadBurst } from './upload.ts'
import { symbolTime } from './wire.ts'

/** Port of ours that replies come to. */
const CLIENT_PORT = 4480
/** Longest object that is sent in one message: beyond it, symbols with parity cost less than copies. */
const MAX_REQUEST = requestCapacity(4)
/** Transfers with the same id of what may be fetched twice. */
const MAX_REPETITIONS = 2
/** Distance of two copies as a share of the round trip, and the shortest, ms. */
const COPY_SPACING = 1 / 20
const MIN_COPY_SPACING = 2
/** Most sendings of a message that no answer has made sure of yet; its timeout ends them. */
const FIRST_SENDINGS = 8
/** A router may drop a message this many ms after it was given one. */
const EXPIRY = 60_000

/** What a request allows an exit to send beyond its answer. */
export type Grant = (now: number, request: ClientRequest, exit: Exit, session: ExitSession) => PushGrant | undefined

/** Builds and sends what a transfer says to its exit. */
export class Sender {
  readonly #context: ClientContext
  readonly #transfers: TransferTable
  readonly #confirmations: Confirmations
  readonly #grant: Grant

  constructor (context: ClientContext, transfers: TransferTable, confirmations: Confirmations, grant: Grant) {
    this.#context = context
    this.#transfers = transfers
    this.#confirmations = confirmations
    this.#grant = grant
  }

  /** Starts a transfer: BODY for a long request, OPEN where the exit does not know the session, else REQUEST. */
  begin (now: number, request: ClientRequest, exit: Exit, session: ExitSession): Transfer {
    const once = request.bind(exit, () => this.#token(now, exit))
    const earlier = reusable(request, session)
    const isKnown = session.isOpen(now, this.#context.config.sessionLife)
    const transfer = new Transfer({
      owner: request,
      exit,
      session,
      id: earlier?.id ?? session.takeId(),
      base: earlier === undefined ? 0 : Math.min(MAX_ATTEMPT, earlier.latest + 1),
      form: isLong(request) ? 'body' : isKnown && request.budget.spent === 0 ? 'request' : 'open',
      repetition: request.transfers.filter(other => other.exit === exit).length,
      once,
      now
    })
    this.#transfers.add(transfer)
    request.begun(transfer)
    const push = isKnown ? this.#grant(now, request, exit, session) : undefined
    const asked = { object: request.object, ...(push && { push }), ...(once && { once }) }
    switch (transfer.form) {
      case 'body':
        this.#upload(now, transfer, request)
        break
      case 'open':
        this.#send(now, transfer, copy => this.#open(now, transfer, asked, copy), PROTOCOL.DATAGRAM2, 0)
        break
      case 'request':
        this.#send(now, transfer, copy => this.#request(now, transfer, asked, copy), PROTOCOL.RAW, 0)
    }
    return transfer
  }

  /** Its time is that of OPENs. */
  #token (now: number, { incarnation }: Exit): Once {
    if (incarnation === undefined) throw new Error('an exit of which nothing is known may not be asked for this')
    const { random, clockOffset } = this.#context
    return { incarnation, time: Math.floor((now + clockOffset()) / 1000), token: Buffer.from(random(TOKEN)) }
  }

  /** Asks for fresh symbols. */
  want (now: number, transfer: Transfer, want: { from: number, count: number }): void {
    const { loss, rate, shape } = this.#told(now, transfer.exit, transfer.session)
    transfer.beginRepair(want.count)
    transfer.owner.budget.spend()
    transfer.owner.traffic.repaired()
    this.#context.stats.wants++
    const encode: Encode = copy => this.#tagged(transfer, { type: 'want', ...this.#prefix(transfer, copy), loss, rate, shape, ...want })
    this.#send(now, transfer, encode, PROTOCOL.RAW, want.from)
  }

  /** Grants another rate while answers come. */
  report (now: number, exit: Exit, session: ExitSession): void {
    const { loss, rate, shape } = this.#told(now, exit, session)
    const flags = exit.isFirst(session) ? 0 : SECOND_SESSION
    const prefix = { attempt: 0, flags, session: session.keys.session, id: session.takeReport() }
    const message = { type: 'report', ...prefix, loss, rate, shape, queue: exit.path.queue, ...session.came } as const
    this.#transmit(now, { exit, session }, encodeMessage(message, session.keys.client, paddedLength(0)), PROTOCOL.RAW)
  }

  /** Tells an exit that nobody waits any more. Sent once: if it is lost, only bytes are. */
  cancel (now: number, transfer: Transfer): void {
    transfer.exit.path.stop(`${transfer.session.name}.${transfer.id}.`)
    this.#transmitFor(now, transfer, this.#tagged(transfer, { type: 'cancel', ...this.#prefix(transfer) }), PROTOCOL.RAW)
  }

  /** The same for an id that is not known any more. */
  forget (now: number, exit: Exit, session: ExitSession, { attempt, id }: { attempt: number, id: number }): void {
    const message = { type: 'cancel', attempt, flags: 0, session: session.keys.session, id } as const
    this.#transmit(now, { exit, session }, encodeMessage(message, session.keys.client, paddedLength(0)), PROTOCOL.RAW)
  }

  /** Sends what is due of an upload, and the next copy. */
  proceed (now: number, transfer: Transfer): void {
    for (let due = transfer.takeUpload(now); due !== undefined; due = transfer.takeUpload(now)) {
      this.#body(now, transfer, due.burst, due.index)
    }
    const copy = transfer.takeCopy(now, this.#copySpacing(now, transfer))
    if (copy !== undefined) this.#transmitFor(now, transfer, copy.payload, copy.protocol)
  }

  #send (now: number, transfer: Transfer, encode: Encode, protocol: MessageProtocol, from: number): void {
    const { path, backlog, inFlight, contact } = transfer.exit
    const { source } = transfer.session
    const payload = encode(0)
    const tunnelMessages = tunnelMessagesOf(payload.length)
    const isKnown = contact.isKnown(now, source)
    const copies = isKnown ? copiesFor(tunnelMessages, path.requestLoss) : FIRST_SENDINGS
    const copySpacing = this.#copySpacing(now, transfer)
    transfer.session.asked(now)
    const lastCopy = isKnown ? now + (copies - 1) * copySpacing : now
    const queued = inFlight + path.firstSymbolBytes(now)
    const timeout = from === 0 && !transfer.owner.isProbe ? path.signTimeout(transfer.backoff) : path.timeout(transfer.backoff)
    const patience = isKnown ? timeout : contact.delay(now, source) + Math.max(AGAIN, timeout)
    const answerBy = lastCopy + patience + symbolTime(tunnelMessages, path.carries)
    transfer.sent(now, { from, measurable: !path.isLoaded(now, backlog) && !contact.holds(now, source), answerBy, queued })
    if (copies > 1) transfer.repeat({ encode, protocol, count: copies - 1, nextAt: now + copySpacing })
    this.#transmitFor(now, transfer, payload, protocol)
  }

  /** A little of a round trip where that is shorter: all copies leave before an answer can come, so waiting saves none of them. */
  #copySpacing (now: number, { exit, session }: Transfer): number {
    const { path: { rtt }, contact } = exit
    if (!contact.isKnown(now, session.source)) return this.#again(exit)
    const { copySpacing } = this.#context.config
    return rtt.hasSample ? Math.min(copySpacing, Math.max(MIN_COPY_SPACING, COPY_SPACING * rtt.srtt)) : copySpacing
  }

  #again ({ path: { rtt } }: Exit): number {
    return againAfter(this.#context.chance(), rtt.hasSample ? rtt.srtt : 0)
  }

  /** What a message of that session says of the path. */
  #told (now: number, exit: Exit, session: ExitSession): PathReport {
    const share = exit.share(now)
    session.grants(exit.path.rate * share)
    return exit.path.report(now, share)
  }

  #open (now: number, transfer: Transfer, asked: AskedObject, copy: number): Buffer {
    const { session, exit } = transfer
    const length = DATAGRAM2_ENVELOPE + PREFIX + OPEN_HEADER + lengthOf(asked)
    const body = encodeOpenBody({
      type: 'open',
      ...this.#prefix(transfer, copy),
      ...this.#told(now, exit, session),
      max: encodeRate(this.#context.config.maxObject),
      time: Math.floor((now + this.#context.clockOffset()) / 1000),
      key: session.secret,
      ...asked
    }, paddedLength(length) - DATAGRAM2_ENVELOPE)
    return encodeDatagram2(this.#context.keys[session.source]!, exit.destination.hash, body)
  }

  #request (now: number, transfer: Transfer, asked: AskedObject, copy: number): Buffer {
    return this.#tagged(transfer, {
      type: 'request',
      ...this.#prefix(transfer, copy),
      ...this.#told(now, transfer.exit, transfer.session),
      max: encodeRate(this.#context.config.maxObject),
      ...asked
    }, paddedLength(PREFIX + REQUEST_HEADER + lengthOf(asked) + TAG))
  }

  /** The answer may come before the last symbol, so an upload measures no round trip. */
  #upload (now: number, transfer: Transfer, request: ClientRequest): void {
    const { path, inFlight } = transfer.exit
    const upload = request.uploadOf(path.loss, path.shape(now))
    const burst = new UploadBurst(now, upload, symbolTime(upload.m, path.carries))
    const answerBy = burst.endsAt + path.signTimeout(transfer.repetition)
    transfer.sent(now, { from: 0, measurable: false, answerBy, queued: inFlight + path.firstSymbolBytes(now) })
    transfer.uploads(burst)
    this.proceed(now, transfer)
  }

  #body (now: number, transfer: Transfer, { upload, last }: UploadBurst, index: number): void {
    const pace = encodeRate(transfer.exit.path.carries)
    const message = { type: 'body', ...this.#prefix(transfer), size: upload.size, index, last, pace, time: now, symbol: upload.symbol(index) } as const
    this.#transmitFor(now, transfer, this.#tagged(transfer, message), PROTOCOL.RAW)
  }

  #tagged (transfer: Transfer, message: TaggedMessage, padTo = paddedLength(0)): Buffer {
    return encodeMessage(message, transfer.session.keys.client, padTo)
  }

  #prefix ({ session, id, latest }: Transfer, copy = 0): { attempt: number, flags: number, session: Buffer, id: number } {
    return { attempt: latest, flags: copy, session: session.keys.session, id }
  }

  #transmitFor (now: number, transfer: Transfer, payload: Buffer, protocol: MessageProtocol): void {
    transfer.owner.traffic.sent(payload.length)
    this.#transmit(now, transfer, payload, protocol, () => transfer.isActive)
  }

  #transmit (
    now: number, { exit, session }: Pick<Transfer, 'exit' | 'session'>, payload: Buffer, protocol: MessageProtocol, isWanted = () => true
  ): void {
    const message: Outgoing = {
      source: session.source,
      to: exit.destination,
      protocol,
      fromPort: CLIENT_PORT,
      toPort: EXIT_PORT,
      payload,
      expires: now + EXPIRY
    }
    const { rtt } = exit.path
    this.#confirmations.sent(exit, session.source)
    if (exit.contact.pass(now, { message, isWanted }, rtt.hasSample ? rtt.srtt : 0, this.#context.chance)) this.#context.transmit(message)
  }
}

/** It goes in BODY symbols, which only an open session can take. */
export function isLong ({ length }: ClientRequest): boolean {
  return length > MAX_REQUEST
}

/**
 * The transfer whose id a repetition takes, so that the exit answers from its cache. An exit sends at most three times a
 * reply's size, which a small one with its parity has used up at once: after two in vain a fresh id is taken, unless symbols
 * of the request are collected under the old one.
 */
function reusable (request: ClientRequest, session: ExitSession): Transfer | undefined {
  const earlier = request.transfers.filter(transfer => transfer.session === session && transfer.once === request.once)
  const last = earlier.at(-1)
  const used = earlier.filter(({ id }) => id === last?.id).length
  const isCollected = !request.idempotent && isLong(request)
  return last?.isForgotten === true || (used >= MAX_REPETITIONS && !isCollected) ? undefined : last
}

interface AskedObject extends RequestBlock { readonly object: Buffer }

const lengthOf = (asked: AskedObject): number => asked.object.length + blockLength(asked)
