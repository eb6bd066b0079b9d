import type { Destination } from '@minwww/i2cp/codec'
import { PoolMember } from '../pool/member.ts'
import type { ClientConfig } from './config.ts'
import { FirstContact } from './first-contact.ts'
import { ExitPath } from './path.ts'
import type { ExitSession } from './session.ts'
import { Silence } from './silence.ts'
import { Speaker } from './speaker.ts'
import type { ExitState, ExitStatus } from './types.ts'

/** A stream that brought nothing for so long fills nothing, ms: drivers look at it twice a second. */
const STREAMING = 1_500
/** Room in flight beyond one round trip, ms (section 7.3). */
const IN_FLIGHT_MARGIN = 1_000
/** Requests under way at once; an exit that takes fewer says so by ERROR 2. */
const MAX_ACTIVE = 48
/** Routers keep what they know of an exit's paths for no longer, ms. */
const MAX_DEAF = 600_000
/** Round trips for which a session that nothing comes to still takes its part of the rate. */
const USED = 2
/** An exit that asks to be left alone for longer than this, s, has no room for anybody. */
const MAX_SHED = 5

/** What is under way at an exit. */
export interface InFlight {
  /** It takes one of the requests that an exit works on at once. */
  readonly occupies: boolean
  /** Something of it is yet to come, asked for or not. */
  readonly isComing: boolean
  /** Our Destination and K that it was asked for under. */
  readonly session: ExitSession
  /** Bytes that it may still bring. @param unknownReply - of a reply of unknown size */
  outstanding (unknownReply: number): number
}

/** One exit as this client knows it: path, health and what is under way. */
export class Exit {
  readonly id: string
  readonly destination: Destination
  readonly path: ExitPath
  readonly member: PoolMember
  readonly contact = new FirstContact()
  /** Not a site's own. */
  readonly isOfPool: boolean
  readonly #config: ClientConfig
  /** Bounded by the attempts of the client's live requests. */
  readonly #inFlight = new Set<InFlight>()
  readonly #silence = new Silence()
  readonly #speaker = new Speaker()
  #incarnation: Buffer | undefined
  /** The one that said that it drains. */
  #drained: Buffer | undefined
  /** A try was in vain, and when that was known last, ms. */
  #wasSilent = false
  #silentAt = Number.NEGATIVE_INFINITY
  /** Own Destinations from which it is asked whether it is there, and when it was last from each, ms. */
  readonly #probing = new Set<number>() // at most one per own Destination
  readonly #probedAt = new Map<number, number>() // at most one per own Destination
  #source = 0
  /** When it answered there last, ms. */
  #answeredAt = Number.NEGATIVE_INFINITY
  /** When it was heard at each own Destination that it was asked from last, ms; -Infinity where it was not. */
  readonly #heardFrom = new Map<number, number>() // at most one per own Destination
  /** Of what it has answered at each own Destination, when the latest was asked for, ms. */
  readonly #answered = new Map<number, number>() // at most one per own Destination
  /** When it was heard first after it was away, ms. */
  #backAt = Number.NEGATIVE_INFINITY
  #lastSymbolAt = Number.NEGATIVE_INFINITY
  #received = 0
  #heardAt = Number.NEGATIVE_INFINITY
  #streamedAt = Number.NEGATIVE_INFINITY
  #reportedState: ExitState = 'new'
  /** Requests that it takes at once, as far as known. */
  #limit = MAX_ACTIVE

  constructor (id: string, destination: Destination, config: ClientConfig, member?: PoolMember) {
    this.id = id
    this.destination = destination
    this.#config = config
    this.path = new ExitPath(config)
    this.member = member ?? new PoolMember(id)
    this.isOfPool = member !== undefined
  }

  /**
   * Own Destination that it is asked from first: one that an answer came to, since routers keep a dead path per pair for a while.
   * The same one as long as it is as good: an exit shares its bandwidth among Destinations.
   */
  get source (): number {
    return this.#source
  }

  /** What tells this start of it from those before; undefined while it is not known. */
  get incarnation (): Buffer | undefined {
    return this.#incarnation
  }

  /** @param incarnation - undefined: it is another one than was thought */
  began (now: number, incarnation: Buffer | undefined): void {
    if (incarnation !== undefined && this.#incarnation?.equals(incarnation) === false) this.#backAt = now
    this.#incarnation = incarnation
    if (incarnation === undefined || this.#drained?.equals(incarnation) !== false) return
    this.#drained = undefined
    this.member.restarted()
  }

  /** It says that it ends. */
  drain (now: number): void {
    this.#drained = this.#incarnation
    this.member.drain(now)
  }

  get lastSymbolAt (): number {
    return this.#lastSymbolAt
  }

  /** When something authentic came last; -Infinity before the first time. */
  get heardAt (): number {
    return this.#heardAt
  }

  /** A stream from it brings something. */
  streamed (now: number): void {
    this.#streamedAt = now
  }

  /** A stream from it fills the path: what of messages does not come waits in a queue, or found it full. */
  isStreaming (now: number): boolean {
    return now - this.#streamedAt < STREAMING
  }

  get isProbed (): boolean {
    return this.#probing.size > 0
  }

  isProbedFrom (source: number): boolean {
    return this.#probing.has(source)
  }

  /** It was heard at that own Destination, but not since then, and was not asked there whether it is there either. */
  isIdleSince (time: number, source: number): boolean {
    const heardAt = this.#heardFrom.get(source) ?? Number.NEGATIVE_INFINITY
    return heardAt > Number.NEGATIVE_INFINITY && Math.max(heardAt, this.#probedAt.get(source) ?? heardAt) < time
  }

  /** Transfers that are not over, given up ones included. */
  get transfers (): number {
    return this.#inFlight.size
  }

  take (transfer: InFlight): void {
    this.#inFlight.add(transfer)
  }

  release (transfer: InFlight): void {
    this.#inFlight.delete(transfer)
  }

  /** Bytes of symbols that came in all. */
  get received (): number {
    return this.#received
  }

  /** @param source - own Destination that something authentic came to */
  heard (now: number, source: number): void {
    if (this.silentSince(now) !== undefined) this.#backAt = now
    this.#heardAt = now
    this.#heardFrom.set(source, now)
    this.#silence.broken()
  }

  /** It is asked from that own Destination. */
  askedFrom (source: number): void {
    if (!this.#heardFrom.has(source)) this.#heardFrom.set(source, Number.NEGATIVE_INFINITY)
  }

  /**
   * It was asked there, and was away since it was heard there last, if ever: routers keep what they knew of it before, for each
   * Destination.
   */
  isDeafTo (now: number, source: number): boolean {
    return (this.#heardFrom.get(source) ?? Infinity) < this.#backAt && now - this.#backAt < MAX_DEAF
  }

  /**
   * What was asked for later, from another own Destination, has been answered, and nothing has come to this one since: no queue is between
   * them.
   */
  isOvertaken (source: number, startedAt: number): boolean {
    if ((this.#heardFrom.get(source) ?? Number.NEGATIVE_INFINITY) >= startedAt) return false
    for (const [other, since] of this.#answered) if (other !== source && since > startedAt) return true
    return false
  }

  /** Another Destination takes the place of that one. */
  forgetSource (source: number): void {
    this.#heardFrom.delete(source)
    this.#answered.delete(source)
    this.#probedAt.delete(source)
    this.contact.forget(source)
  }

  /** Nothing has come of a try, neither of it nor since. @param startedAt - when it began */
  triedInVain (now: number, startedAt: number): void {
    this.#silence.tried(now, startedAt)
    this.#wasSilent = true
    this.#silentAt = now
  }

  /** Something came after a try in vain: once each time. */
  takeReturn (): boolean {
    const isBack = this.#wasSilent && this.#heardAt > this.#silentAt
    if (isBack) this.#wasSilent = false
    return isBack
  }

  /** Since when it has been silent for longer than losses or a slow site explain; undefined while it has not. */
  silentSince (now: number): number | undefined {
    return this.#silence.since(now)
  }

  /** It has just become suspect. */
  get isUnprobed (): boolean {
    return this.#silence.isUnprobed
  }

  /** Several tries were in vain: only a probe shows whether it is there. */
  get isSuspect (): boolean {
    return this.#silence.isSuspect
  }

  symbolCame (now: number, bytes: number): void {
    this.#lastSymbolAt = now
    this.#received += bytes
  }

  probeBegins (now: number, source = 0): void {
    this.#probing.add(source)
    this.#probedAt.set(source, now)
    this.#silence.probeBegins(now)
  }

  probeEnds (source = 0): void {
    this.#probing.delete(source)
  }

  /** Sessions that it answers at present: each has a rate of its own there. */
  get sessions (): Set<ExitSession> {
    const sessions = new Set<ExitSession>()
    for (const { isComing, session } of this.#inFlight) if (isComing) sessions.add(session)
    return sessions
  }

  /** Part of the rate that each session may have: what is waited for in vain needs none. */
  share (now: number): number {
    return this.#shareOf(now, this.sessions)
  }

  #shareOf (now: number, sessions: ReadonlySet<ExitSession>): number {
    const since = now - USED * this.path.rtt.srtt
    let used = 0
    for (const { usedAt } of sessions) if (usedAt >= since) used++
    return 1 / Math.max(1, used === 0 ? sessions.size : used)
  }

  /** Each session's part of the rate, and what each was told last, bytes/s. */
  grants (now: number): { grant: number, granted: number[] } {
    const { sessions } = this
    return { grant: this.path.rate * this.#shareOf(now, sessions), granted: [...sessions].map(({ granted }) => granted) }
  }

  /** Those that a round of REPORTs goes to: its sessions, and one that is the first of them no more. */
  turn (now: number): Set<ExitSession> {
    const { sessions } = this
    const before = this.#speaker.turn(now, sessions)
    return before === undefined ? sessions : sessions.add(before)
  }

  /** It speaks for all of ours at that exit. */
  isFirst (session: ExitSession): boolean {
    return this.#speaker.isFirst(session)
  }

  /** Bytes announced, or assumed of a reply of unknown size, and not yet received. */
  get inFlight (): number {
    let bytes = 0
    for (const transfer of this.#inFlight) bytes += transfer.outstanding(this.#config.unknownReply)
    return bytes
  }

  /** Whether one more request may go out. An idle exit has room, unless the answer to a first message is waited for. */
  hasRoom (): boolean {
    if (this.contact.isAwaited(this.#source)) return false
    if (this.#active >= Math.floor(this.#limit)) return false
    const inFlight = this.inFlight
    const limit = this.path.rate * (this.path.rtt.srtt + IN_FLIGHT_MARGIN) / 1000
    return inFlight === 0 || inFlight + this.#config.unknownReply <= limit
  }

  /** It has answered that own Destination, what was asked for `since`, ms. */
  answeredTo (now: number, source: number, since: number): void {
    this.#answered.set(source, Math.max(since, this.#answered.get(source) ?? since))
    if (source !== this.#source && this.#answeredAt < since) this.#source = source
    if (source === this.#source) this.#answeredAt = now
  }

  /** A page has come. */
  served (): void {
    this.#limit = Math.min(MAX_ACTIVE, this.#limit + 1 / this.#limit)
  }

  /**
   * It had no room for one request beside the others.
   * @param retryAfter - s
   * @returns false if it has none at all for a while
   */
  shed (retryAfter: number): boolean {
    const others = this.#active - 1
    if (others < 1 || retryAfter > MAX_SHED) return false
    this.#limit = Math.max(1, Math.min(this.#limit, others) / 2)
    return true
  }

  get #active (): number {
    let count = 0
    for (const { occupies } of this.#inFlight) if (occupies) count++
    return count
  }

  /** ms that what is under way still takes, at the rate the path carries. */
  get backlog (): number {
    return this.inFlight * 1000 / this.path.carries
  }

  /** The state, if it is another one than at the last call. */
  takeStateChange (now: number): ExitState | undefined {
    const state = this.state(now)
    if (state === this.#reportedState) return undefined
    this.#reportedState = state
    return state
  }

  state (now: number): ExitState {
    if (this.member.isDraining(now)) return 'draining'
    if (this.member.isBusy(now)) return 'busy'
    if (this.silentSince(now) !== undefined) return 'down'
    if (this.member.isOnProbation()) return this.isProbed ? 'probation' : 'down'
    if (this.isProbed && this.member.score === undefined) return 'probing'
    return this.path.rtt.hasSample ? 'ready' : 'new'
  }

  /** @param waiting - requests that wait for room at it */
  status (now: number, waiting: number): ExitStatus {
    const { rtt, loss, rate } = this.path
    const silentSince = this.silentSince(now)
    return {
      id: this.id,
      destination: this.destination,
      state: this.state(now),
      source: this.#source,
      deafTo: [...this.#heardFrom.keys()].filter(source => this.isDeafTo(now, source)),
      ...(rtt.hasSample ? { srtt: rtt.srtt, rttvar: rtt.rttvar } : {}),
      loss,
      rate,
      shape: this.path.shape(now),
      takesOnce: this.#incarnation !== undefined,
      ...(this.member.score === undefined ? {} : { score: this.member.score }),
      successes: this.member.successes,
      failures: this.member.failures,
      inFlight: this.inFlight,
      waiting,
      ...(silentSince === undefined ? {} : { silentSince, triedAt: this.#silence.lastAt }),
      ...(this.member.isBusy(now) ? { busyUntil: this.member.busyUntil } : {})
    }
  }
}
