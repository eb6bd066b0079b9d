import type { ReplyMessage } from '@minwww/protocol'
import { Assembly } from './assembly.ts'
import type { Placed } from './assembly.ts'
import type { Exit } from './exit.ts'
import type { ClientRequest } from './request.ts'
import type { ExitSession } from './session.ts'
import type { MessageProtocol } from './types.ts'
import type { UploadBurst } from './upload.ts'

/** Longest wait inside a burst without any symbol, whatever pace the exit claims, ms. */
const MAX_GAP = 20_000
/** Symbol times are stretched by this much. */
const GAP_STRETCH = 1.05

/** What an exchange waits for. */
export type Timer =
  /** The first symbol after an OPEN, REQUEST or BODY. */
  | { kind: 'first', at: number }
  /** The next symbol of a burst; any symbol of that exit restarts it, until `latest`. */
  | { kind: 'gap', from: number, span: number, latest: number }
  /** The first symbol after a WANT. */
  | { kind: 'want', at: number }
  /** Nothing: given up, though late symbols still count. */
  | { kind: 'idle' }

/** What is known of the pace of an exit's symbols; all ms. */
export interface GapTimes {
  /** Between two symbols. */
  spacing: number
  /** How late the last one may be. */
  slack: number
  /** How long nothing at all may come while there is something to send. */
  silence: number
  /** Until everything under way from this exit has come. */
  backlog: number
}

/** One sending of a request or WANT; its attempt number comes back with every symbol it causes. */
export interface Round {
  /** First index it may bring: 0 for a request, the first wanted one for a WANT. */
  readonly from: number
  readonly sentAt: number[]
  /** No round trip can be taken from it any more. */
  measured: boolean
}

/** Copies of the last message that have yet to be sent. */
export interface Copies {
  readonly encode: (copy: number) => Buffer
  readonly protocol: MessageProtocol
  readonly attempt: number
  left: number
  nextAt: number
}

/**
 * One request at one exit under one session: (session, id), from its first attempt number on. A repetition that may
 * make the exit fetch again starts a new exchange, because its symbols may be those of another page.
 */
export class Exchange {
  readonly request: ClientRequest
  readonly exit: Exit
  readonly session: ExitSession
  readonly id: number
  /** Attempt number of its OPEN, REQUEST or BODY. */
  readonly base: number
  readonly form: 'open' | 'request' | 'body'
  /** How many exchanges of this request the same exit had before. */
  readonly repetition: number
  readonly startedAt: number
  readonly rounds = new Map<number, Round>()
  /** Highest attempt number sent. */
  latest: number
  assembly: Assembly | undefined
  copies: Copies | undefined
  /** BODY symbols that have yet to be sent. */
  upload: UploadBurst | undefined
  timer: Timer = { kind: 'idle' }
  wantsInVain = 0
  /** Symbols that the last WANT asked for. */
  wanted = 0

  constructor (o: Pick<Exchange, 'request' | 'exit' | 'session' | 'id' | 'base' | 'form' | 'repetition'> & { now: number }) {
    this.request = o.request
    this.exit = o.exit
    this.session = o.session
    this.id = o.id
    this.base = o.base
    this.form = o.form
    this.repetition = o.repetition
    this.startedAt = o.now
    this.latest = o.base
  }

  get isActive (): boolean {
    return this.timer.kind !== 'idle'
  }

  /** Takes a symbol. @param factor - bound on the symbols of one reply, as a multiple of k */
  add (reply: ReplyMessage, factor: number): Placed {
    this.assembly ??= new Assembly(reply, factor)
    return this.assembly.add(reply)
  }

  /**
   * A symbol came: the rest of its burst should follow. If the exit falls silent for longer than symbols are lost in a
   * row, the burst is over, whatever it announced.
   */
  waitForRest (now: number, reply: ReplyMessage, gap: GapTimes): void {
    if (this.timer.kind === 'want' && reply.index < (this.rounds.get(this.latest)?.from ?? 0)) return
    const last = this.assembly?.announced(reply.last) ?? reply.last
    const rest = Math.max(0, last - reply.index) * gap.spacing * GAP_STRETCH + gap.slack
    const span = Math.min(MAX_GAP, rest, gap.silence)
    this.timer = { kind: 'gap', from: now, span, latest: now + Math.min(MAX_GAP, Math.max(span, gap.backlog * GAP_STRETCH + gap.silence)) }
    this.wantsInVain = 0
  }

  /** When something is to be done; Infinity when nothing is. */
  get dueAt (): number {
    return Math.min(this.timerAt, this.copies?.nextAt ?? Infinity, this.upload?.nextAt ?? Infinity)
  }

  get timerAt (): number {
    switch (this.timer.kind) {
      case 'first':
      case 'want': return this.timer.at
      case 'gap': return Math.min(this.timer.latest, Math.max(this.timer.from, this.exit.lastSymbolAt) + this.timer.span)
      case 'idle': return Infinity
    }
  }

  /** The first symbol is waited for no longer than this, ms from the start. */
  hurry (wait: number): void {
    if (this.timer.kind === 'first') this.timer.at = Math.min(this.timer.at, this.startedAt + wait)
  }

  /** Bytes that this exchange may still bring. */
  outstanding (unknownReply: number): number {
    if (!this.isActive || this.request.isProbe) return 0
    return this.assembly === undefined ? unknownReply : this.assembly.outstanding
  }

  /** What still comes for it is late. */
  forget (): void {
    this.giveUp()
    this.session.routes.delete(this.id)
    this.exit.exchanges.delete(this)
  }

  giveUp (): void {
    this.timer = { kind: 'idle' }
    this.copies = undefined
    this.upload = undefined
  }
}
