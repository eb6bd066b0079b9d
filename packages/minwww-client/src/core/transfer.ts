import { MAX_ATTEMPT } from '@minwww/protocol'
import type { Once, ReplyMessage } from '@minwww/protocol'
import { Assembly } from './assembly.ts'
import type { Placed } from './assembly.ts'
import type { Exit, InFlight } from './exit.ts'
import type { GapTimes } from './path.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { ExitSession } from './session.ts'
import type { Traffic } from './traffic.ts'
import type { MessageProtocol } from './types.ts'
import type { UploadBurst } from './upload.ts'

/** Longest wait inside a burst without any symbol, whatever pace the exit claims, ms. */
const MAX_GAP = 20_000
/** Symbol times are stretched by this much. */
const GAP_STRETCH = 1.05

/** Bytes that are ahead of an answer, and what its exit had sent before. */
interface Queued { readonly bytes: number, readonly received: number }

/** What a transfer waits for. */
type Timer =
  /** The first symbol after an OPEN, REQUEST or BODY. */
  | { readonly kind: 'first', readonly at: number, readonly queued?: Queued }
  /** The next symbol of a burst; any symbol of that exit restarts it, until `latest` and until all others have had their turn. */
  | { readonly kind: 'gap', readonly from: number, readonly span: number, readonly latest: number, readonly received: number }
  /** The first symbol after a WANT. */
  | { readonly kind: 'want', readonly at: number, readonly queued?: Queued }
  /** Nothing: given up, though late symbols still count. */
  | { readonly kind: 'idle' }

/** One sending of a request or WANT; its attempt number comes back with every symbol it causes. */
interface Round {
  /** First index it may bring: 0 for a request, the first wanted one for a WANT. */
  readonly from: number
  readonly sentAt: number[]
  /** A round trip can be taken from it, once. */
  measurable: boolean
}

/** Makes the message of a copy, which the exit names in its answer. */
export type Encode = (copy: number) => Buffer

/** Copies of the last message that have yet to be sent. */
interface Copies { readonly encode: Encode, readonly protocol: MessageProtocol, readonly attempt: number, left: number, nextAt: number }

/** What a transfer needs to know of the request that it serves. */
export interface TransferOwner {
  readonly handle: number
  readonly isProbe: boolean
  /** Nobody has asked for it. */
  readonly isPush: boolean
  readonly traffic: Traffic
  readonly budget: RetryBudget
}

/** How a transfer begins. */
export type TransferForm = 'open' | 'request' | 'body'

/**
 * One request at one exit under one session: (session, id), from its first attempt number on. A repetition that may
 * make the exit fetch again starts a new transfer, because its symbols may be those of another page.
 */
export class Transfer implements InFlight {
  readonly owner: TransferOwner
  readonly exit: Exit
  readonly session: ExitSession
  readonly id: number
  /** Attempt number of its OPEN, REQUEST or BODY. */
  readonly base: number
  readonly form: TransferForm
  /** How many transfers of this request the same exit had before. */
  readonly repetition: number
  /** By which its exit carries it out at most once, whatever other transfer asks for the same. */
  readonly once: Once | undefined
  readonly startedAt: number
  readonly #rounds = new Map<number, Round>()
  #latest: number
  #assembly: Assembly | undefined
  #copies: Copies | undefined
  #upload: UploadBurst | undefined
  #timer: Timer = { kind: 'idle' }
  #unansweredWants = 0
  #wanted = 0
  #isWorkedOn = false
  #isForgotten = false

  constructor (o: Pick<Transfer, 'owner' | 'exit' | 'session' | 'id' | 'base' | 'form' | 'repetition' | 'once'> & { now: number }) {
    this.owner = o.owner
    this.exit = o.exit
    this.session = o.session
    this.id = o.id
    this.base = o.base
    this.form = o.form
    this.repetition = o.repetition
    this.once = o.once
    this.startedAt = o.now
    this.#latest = o.base
  }

  /** Highest attempt number sent. */
  get latest (): number {
    return this.#latest
  }

  get isActive (): boolean {
    return this.#timer.kind !== 'idle'
  }

  get waitsFor (): Timer['kind'] {
    return this.#timer.kind
  }

  get assembly (): Assembly | undefined {
    return this.#assembly
  }

  /** Symbols that the last WANT asked for. */
  get wanted (): number {
    return this.#wanted
  }

  /** The exit has said that it works on it. */
  get isWorkedOn (): boolean {
    return this.#isWorkedOn
  }

  /** The exit does not know its id any more. */
  get isForgotten (): boolean {
    return this.#isForgotten
  }

  forgotten (): void {
    this.#isForgotten = true
  }

  /** Nothing of the answer is here yet. */
  get mayBeWorkedOn (): boolean {
    return this.#timer.kind === 'first' && this.#assembly === undefined
  }

  /** How much longer than the first time an answer is waited for, as a number of doublings. */
  get backoff (): number {
    return this.repetition + this.#unansweredWants
  }

  /** First index that an attempt may bring; undefined for one that was not sent. */
  firstOf (attempt: number): number | undefined {
    return this.#rounds.get(attempt)?.from
  }

  /** A WANT follows. */
  beginRepair (count: number): void {
    this.#latest = Math.min(MAX_ATTEMPT, this.#latest + 1)
    this.#wanted = count
  }

  /**
   * A message of the latest attempt has left.
   * @param o.from - first index that it may bring
   * @param o.measurable - the time until its answer is a round trip of the path
   * @param o.answerBy - until when the first symbol is waited for, if nothing were ahead of it
   * @param o.queued - bytes that come before it
   */
  sent (now: number, o: { from: number, measurable: boolean, answerBy: number, queued: number }): void {
    this.#rounds.set(this.#latest, { from: o.from, sentAt: [now], measurable: o.measurable })
    this.#copies = undefined
    const { answerBy, queued: bytes } = o
    this.#timer = { kind: o.from > 0 ? 'want' : 'first', at: answerBy, queued: { bytes, received: this.exit.received } }
  }

  /** Copies of the message that has just left follow. */
  repeat (o: { encode: Encode, protocol: MessageProtocol, count: number, nextAt: number }): void {
    this.#copies = { encode: o.encode, protocol: o.protocol, attempt: this.#latest, left: o.count, nextAt: o.nextAt }
  }

  /** The copy that is due, if any. @param spacing - ms until the next one */
  takeCopy (now: number, spacing: number): { payload: Buffer, protocol: MessageProtocol } | undefined {
    const copies = this.#copies
    if (copies === undefined || copies.nextAt > now) return undefined
    const { sentAt } = this.#rounds.get(copies.attempt)!
    const payload = copies.encode(sentAt.length)
    sentAt.push(now)
    copies.left--
    copies.nextAt = now + spacing
    if (copies.left === 0) this.#copies = undefined
    return { payload, protocol: copies.protocol }
  }

  /** The request goes out in symbols. */
  uploads (burst: UploadBurst): void {
    this.#upload = burst
  }

  /** The symbol of the request that is due, if any. */
  takeUpload (now: number): { burst: UploadBurst, index: number } | undefined {
    const burst = this.#upload
    const index = burst?.take(now)
    if (burst?.nextAt === Infinity) this.#upload = undefined
    return burst === undefined || index === undefined ? undefined : { burst, index }
  }

  /** The exit has answered an attempt: neither copies of it nor more of the request are needed. */
  answered (attempt: number): void {
    if (this.#copies?.attempt === attempt) this.#copies = undefined
    this.#upload = undefined
  }

  /** The round trip that this symbol shows: the exit says which copy it answers. Undefined where it shows none, or shows it again. */
  takeRoundTrip (now: number, { attempt, index, flags }: ReplyMessage): number | undefined {
    const round = this.#rounds.get(attempt)
    if (round === undefined || !round.measurable || index < round.from) return undefined
    round.measurable = false
    const sentAt = round.sentAt[flags]
    return sentAt === undefined ? undefined : now - sentAt
  }

  /** Takes a symbol. @param factor - bound on the symbols of one reply, as a multiple of k */
  add (reply: ReplyMessage, factor: number): Placed {
    this.#assembly ??= new Assembly(reply, factor)
    return this.#assembly.add(reply)
  }

  /**
   * A symbol came: the rest of its burst should follow. If the exit falls silent for longer than symbols are lost in a
   * row, the burst is over, whatever it announced.
   */
  waitForRest (now: number, reply: ReplyMessage, gap: GapTimes): void {
    if (this.#timer.kind === 'want' && reply.index < (this.#rounds.get(this.#latest)?.from ?? 0)) return
    const last = this.#assembly?.announced(reply.last) ?? reply.last
    const rest = Math.max(0, last - reply.index) * gap.spacing * GAP_STRETCH + gap.slack
    const span = Math.min(MAX_GAP, rest, gap.silence)
    const latest = now + Math.min(MAX_GAP, Math.max(span, gap.backlog * GAP_STRETCH + gap.silence))
    this.#timer = { kind: 'gap', from: now, span, latest, received: this.exit.received }
    this.#unansweredWants = 0
  }

  /** ms until the last symbol of this burst comes, if none is late. */
  restTime (reply: ReplyMessage, gap: GapTimes): number {
    return Math.max(0, (this.#assembly?.announced(reply.last) ?? reply.last) - reply.index) * gap.spacing
  }

  /** Nothing came of a WANT. @returns how many in a row */
  wantUnanswered (): number {
    return ++this.#unansweredWants
  }

  /** When something is to be done; Infinity when nothing is. */
  get dueAt (): number {
    return Math.min(this.expiresAt, this.#copies?.nextAt ?? Infinity, this.#upload?.nextAt ?? Infinity)
  }

  /** When it has been waited for long enough; Infinity when nothing is waited for. */
  get expiresAt (): number {
    switch (this.#timer.kind) {
      case 'first':
      case 'want': return Math.max(this.#timer.at, this.#aheadUntil(this.#timer))
      case 'gap': {
        const silent = Math.max(this.#timer.from, this.exit.lastSymbolAt) + this.#timer.span
        return silent > this.#timer.latest && this.#hadTurn(this.#timer) ? this.#timer.latest : silent
      }
      case 'idle': return Infinity
    }
  }

  /** The exit works on it: what comes says nothing of the round trip, and is waited for until it should have said so again. */
  workedOn (until: number): void {
    this.#isWorkedOn = true
    this.#copies = undefined
    this.#upload = undefined
    for (const round of this.#rounds.values()) round.measurable = false
    this.#timer = { kind: 'first', at: until }
  }

  /** Since its last symbol the exit has sent so much that this reply was among it: each in turn has one, whatever it holds. */
  #hadTurn ({ received }: { received: number }): boolean {
    const { exit } = this
    return exit.received - received > exit.path.round(exit.transfers)
  }

  /**
   * While what is ahead of it comes the answer cannot be here, however slow the path has become. When all of it has come, and each
   * other reply has had its turn, the answer follows, or the exit falls silent.
   */
  #aheadUntil ({ at, queued }: { at: number, queued?: Queued }): number {
    if (queued === undefined || this.exit.isOvertaken(this.session.source, this.startedAt)) return 0
    const { received, lastSymbolAt, path } = this.exit
    const bytes = queued.bytes + path.round(this.exit.transfers - 1)
    const silent = lastSymbolAt + path.silence + path.rtt.srtt
    return queued.received + bytes > received ? silent : Math.min(at + this.#queueTime(bytes), silent)
  }

  #queueTime (bytes: number): number {
    return bytes * 1000 / this.exit.path.carries
  }

  /** The first symbol is waited for no longer than this, ms from the start. */
  waitAtMost (wait: number): void {
    if (this.#timer.kind === 'first') this.#timer = { kind: 'first', at: Math.min(this.expiresAt, this.startedAt + wait) }
  }

  /** The first symbol is waited for no shorter than until then. */
  waitAtLeastUntil (at: number): void {
    if (this.#timer.kind === 'first') this.#timer = { kind: 'first', at: Math.max(this.expiresAt, at) }
  }

  outstanding (unknownReply: number): number {
    if (!this.isActive || this.owner.isProbe) return 0
    if (this.#isWorkedOn && this.#assembly === undefined) return 0
    return this.#assembly === undefined ? unknownReply : this.#assembly.outstanding
  }

  get isComing (): boolean {
    return this.isActive && !this.owner.isProbe
  }

  get occupies (): boolean {
    return this.isComing && !this.owner.isPush
  }

  /** Nothing is waited for any more, and nothing sent. */
  giveUp (): void {
    this.#timer = { kind: 'idle' }
    this.#copies = undefined
    this.#upload = undefined
  }
}
