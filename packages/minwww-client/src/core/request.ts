import type { Exchange } from './exchange.ts'
import type { Exit } from './exit.ts'
import type { RequestTrace } from './types.ts'
import type { Upload } from './upload.ts'

/** Attempts of a probe. */
const PROBE_ATTEMPTS = 4
/**
 * The last attempts of other requests are patient: the share of the time left that each waits, the last one first. Of 60 s
 * the last two begin after some 11 s and 36 s.
 */
const PATIENCE = [1, 1 / 2, 1 / 6] as const
/** How often attempts that were all quick, because something had come or other exits were left, are followed by three patient ones. */
const MAX_LINGERING = 2
/** An attempt of which nothing has come after this is worth another one with an exit that is back, ms. */
const IN_VAIN = 3_000
/** An exit that has been silent for so many round trips is left (section 6). */
const SILENT_ROUND_TRIPS = 3

/** What a request is for: a page of the pool, a page of one exit only, or a probe of an exit. */
export type Purpose = { kind: 'pool' } | { kind: 'direct', exit: Exit } | { kind: 'probe', exit: Exit }

/** One request from its start to its one event, over all its attempts and exits. */
export class ClientRequest {
  readonly handle: number
  readonly purpose: Purpose
  readonly site: string
  /** The coded request; empty for a probe. */
  readonly object: Buffer
  readonly idempotent: boolean
  readonly startedAt: number
  readonly deadline: number
  readonly exchanges: Exchange[] = []
  /** Its object in symbols, once it was found too long for one message. */
  upload: Upload | undefined
  /** Exits that have had their chance. */
  readonly tried = new Set<string>()
  /** Exits that refused by policy. */
  refusals = 0
  /** Waits at this exit until there is room in flight. */
  waitsAt: Exit | undefined
  /** Waits until then, because every exit is busy. */
  resumeAt: number | undefined
  /** If no symbol has come until then, a second exit is asked as well. */
  hedgeAt: number | undefined
  attempts = 0
  /** Attempts that do not count against the limit, because no answer could come to them. */
  forgiven = 0
  #lingering = 0
  messagesSent = 0
  messagesReceived = 0
  symbols = 0
  bytesSent = 0
  bytesReceived = 0
  tunnelMessages = 0
  firstSymbolAt: number | undefined
  repaired = false
  hedged = false

  constructor (o: { handle: number, purpose: Purpose, site: string, object: Buffer, idempotent: boolean, now: number, deadline: number }) {
    this.handle = o.handle
    this.purpose = o.purpose
    this.site = o.site
    this.object = o.object
    this.idempotent = o.idempotent
    this.startedAt = o.now
    this.deadline = o.deadline
  }

  get isProbe (): boolean {
    return this.purpose.kind === 'probe'
  }

  /** The one exit that it may use, if it may use only one: what must not be fetched twice stays where it was sent. */
  get onlyExit (): Exit | undefined {
    if (this.purpose.kind !== 'pool') return this.purpose.exit
    return this.idempotent ? undefined : this.exchanges[0]?.exit
  }

  /** An answer may still come without another attempt. */
  get isActive (): boolean {
    return this.exchanges.some(exchange => exchange.isActive)
  }

  /** Ids of the exits that it was sent to. */
  get asked (): Set<string> {
    return new Set(this.exchanges.map(({ exit }) => exit.id))
  }

  /** An exit has had its chance. Where all have, the others get one more. */
  leave (exit: string, hasOther: boolean): void {
    if (!hasOther) this.tried.clear()
    this.tried.add(exit)
  }

  /** Less than three round trips have passed since this exit was first asked: it may be asked once more. */
  isEarly (now: number, exit: Exit): boolean {
    const first = this.exchanges.find(exchange => exchange.exit === exit)!
    return exit.path.rtt.hasSample && now - first.startedAt < SILENT_ROUND_TRIPS * exit.path.rtt.srtt
  }

  /** @param most - attempts of a request that is no probe */
  isExhausted (most: number): boolean {
    return this.attempts - this.forgiven >= (this.isProbe ? PROBE_ATTEMPTS : most)
  }

  /** Its attempts were quick, and are used up long before its deadline: patient ones follow, if another fetch does no harm. */
  linger (): boolean {
    if (!this.idempotent || this.isProbe || this.#lingering === MAX_LINGERING) return false
    this.#lingering++
    this.forgiven += PATIENCE.length
    return true
  }

  /**
   * How long the attempt just begun has at least, ms. Where nothing at all is heard the last ones (if nobody else is left
   * to ask) cover the deadline: routers leave a dead path after half a minute, and six attempts at the pace of a fast path would be
   * over before.
   */
  patience (now: number, most: number): number {
    const left = most - this.attempts + this.forgiven
    if ((this.firstSymbolAt !== undefined && this.#lingering === 0) || this.isProbe || !this.idempotent) return 0
    return (this.deadline - now) * (PATIENCE[left] ?? 0)
  }

  /**
   * Whether an exit that is `back` is asked now, beyond the limit of attempts: the request may go anywhere, nothing has come of
   * any attempt, and no other exit has said anything since. One that was begun just now gets its time first, but not the
   * patience of a last attempt: another one may follow.
   */
  askAgain (now: number, back: Exit): boolean {
    const inVain = this.idempotent && this.purpose.kind === 'pool' && this.firstSymbolAt === undefined && this.waitsAt === undefined && this.isActive &&
      this.exchanges.every(({ exit, startedAt }) => exit === back || exit.heardAt < startedAt)
    if (!inVain) return false
    this.forgiven++
    const isEnough = this.exchanges.every(({ startedAt }) => now - startedAt >= IN_VAIN)
    if (!isEnough) for (const exchange of this.exchanges) exchange.hurry(Math.max(IN_VAIN, SILENT_ROUND_TRIPS * exchange.exit.path.rtt.srtt))
    return isEnough
  }

  trace (now: number): RequestTrace {
    return {
      attempts: this.attempts,
      messagesSent: this.messagesSent,
      messagesReceived: this.messagesReceived,
      symbols: this.symbols,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      tunnelMessages: this.tunnelMessages,
      ...(this.firstSymbolAt === undefined ? {} : { firstSymbol: this.firstSymbolAt - this.startedAt }),
      total: now - this.startedAt,
      repaired: this.repaired,
      hedged: this.hedged
    }
  }
}
