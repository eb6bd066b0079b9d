import { joinBlock, ONCE_BLOCK } from '@minwww/protocol'
import type { Once } from '@minwww/protocol'
import type { Asked } from './asked.ts'
import type { Delivery } from './delivery.ts'
import type { Exit } from './exit.ts'
import type { ExitSession } from './session.ts'
import { RetryBudget } from './retry-budget.ts'
import { Traffic } from './traffic.ts'
import type { Transfer, TransferOwner } from './transfer.ts'
import type { RequestTrace } from './types.ts'
import { Upload } from './upload.ts'

/** An attempt of which nothing has come after this is worth another one with an exit that is back, ms. */
const IN_VAIN = 3_000
/** A deadline moves by this part of itself while the exit sends, after its last symbol; and at most so many times so far. */
const STRETCH = 1 / 12
const MOST_STRETCH = 10
/** Clocks of two machines run at the same speed but for this much within one request, ms. */
const DRIFT = 1_000
/** An exit that has been silent for so many round trips is left (section 6). */
const SILENT_ROUND_TRIPS = 3

/**
 * What a probe is for: whether the exit is there, from wherever; whether there is a path to it from that own Destination; or so that routers
 * have a session for a pair that is not in use, when it does not say from where the exit is asked best: because one begins, or is idle.
 */
export type ProbeKind = 'health' | 'pair' | 'confirms' | 'idle'

/** What a request is for: a page of the pool, a page of one exit only, or a probe of an exit. */
export type Purpose = { kind: 'pool' } | { kind: 'direct', exit: Exit } | { kind: 'probe', exit: Exit, source: number, why: ProbeKind }

/** What a request waits for, beside the answers to its transfers. */
export type Waiting =
  | { readonly kind: 'nothing' }
  /** If no symbol has come until then, a second exit is asked as well. */
  | { readonly kind: 'hedge', readonly at: number }
  /** At this exit, until there is room in flight; or until it has answered a probe, which the request needs first. */
  | { readonly kind: 'room', readonly exit: Exit, readonly isMeeting?: true }
  /** Until one of the exits is no longer busy. */
  | { readonly kind: 'pause', readonly until: number }
  /** For what an exit has promised. */
  | { readonly kind: 'push' }
  /** Until an own Destination can send. */
  | { readonly kind: 'source' }

const NOTHING: Waiting = { kind: 'nothing' }

interface RequestParts extends Pick<ClientRequest, 'handle' | 'purpose' | 'site' | 'object' | 'idempotent' | 'deadline' | 'isPage' | 'mayArrive'>, Partial<Pick<ClientRequest, 'plainGet'>> {
  now: number
  attempts: number
}

/** One request from its start to its one event, over all its transfers and exits. */
export class ClientRequest implements TransferOwner {
  readonly handle: number
  readonly purpose: Purpose
  readonly site: string
  /** The coded request; empty for a probe. */
  readonly object: Buffer
  readonly idempotent: boolean
  /** A person waits for it in front of an empty window. */
  readonly isPage: boolean
  /** Its answer may be handed on while it arrives. */
  readonly mayArrive: boolean
  /** Where it is a plain GET, for what is pushed. */
  readonly plainGet: Asked | undefined
  readonly isPush = false
  /** What was handed on. */
  delivery: Delivery | undefined
  /** When it is looked at whether it is worth waiting any longer; Infinity where it always is. */
  looksAt = Infinity
  /** It is given up early where the pool is silent. */
  isQuick = false
  readonly traffic: Traffic
  readonly budget: RetryBudget
  readonly #startedAt: number
  readonly #transfers: Transfer[] = []
  readonly #tried = new Set<string>()
  /** Of what is carried out at most once: by whom, since when it was sent, and sessions and ids under which it may have been. */
  #once: Once | undefined
  #bound: Exit | undefined
  #sentAt = Infinity
  readonly #open = new Set<string>()
  #source: number | undefined
  #waiting: Waiting = NOTHING
  #upload: Upload | undefined
  #refusals = 0
  #deadline: number
  /** ms that it had at first. */
  readonly #patience: number

  constructor (o: RequestParts) {
    this.handle = o.handle
    this.purpose = o.purpose
    this.site = o.site
    this.object = o.object
    this.idempotent = o.idempotent
    this.isPage = o.isPage
    this.mayArrive = o.mayArrive
    this.plainGet = o.plainGet
    this.#startedAt = o.now
    this.#deadline = o.deadline
    this.#patience = o.deadline - o.now
    this.traffic = new Traffic(o.now)
    this.budget = new RetryBudget(o.attempts)
  }

  get deadline (): number {
    return this.#deadline
  }

  get isProbe (): boolean {
    return this.purpose.kind === 'probe'
  }

  get isConfirming (): boolean {
    return this.purpose.kind === 'probe' && (this.purpose.why === 'confirms' || this.purpose.why === 'idle')
  }

  /** It asks over one pair of an exit and an own Destination, whose silence says nothing of the exit. */
  get isOfPair (): boolean {
    return this.purpose.kind === 'probe' && (this.purpose.why === 'pair' || this.purpose.why === 'idle')
  }

  /**
   * The one exit that it may use, if it may use only one: what must not be fetched twice stays where it was sent, and what was
   * handed on in part goes on from where it came.
   */
  get onlyExit (): Exit | undefined {
    if (this.delivery !== undefined) return this.delivery.transfer.exit
    if (this.purpose.kind !== 'pool') return this.purpose.exit
    return this.#bound
  }

  /** By which its exit carries it out at most once; undefined where it may be repeated, and before it was sent. */
  get once (): Once | undefined {
    return this.#once
  }

  /** An exit may have carried out what must not be carried out twice. */
  get mayHaveRun (): boolean {
    return !this.idempotent && this.#open.size > 0
  }

  /** Bytes of the object, and of what has to be said beside it. */
  get length (): number {
    return this.object.length + (this.idempotent ? 0 : ONCE_BLOCK)
  }

  /** From now on this exit may carry it out, and nobody else. @param make - a token, where it has none */
  bind (exit: Exit, make: () => Once): Once | undefined {
    if (this.idempotent) return undefined
    this.#bound = exit
    this.#once ??= make()
    return this.#once
  }

  /** The exit will not carry out what it was sent in this transfer. */
  refusedBy ({ session, id }: Transfer): void {
    this.#open.delete(keyOf(session, id))
    if (this.#open.size === 0) this.#renew()
  }

  /**
   * The exit is another one than it was sent to.
   * @param startedAt - when that one started, or later
   * @returns true if the one before cannot have had it: it may be sent again
   */
  wasRestarted (startedAt: number): boolean {
    if (startedAt + DRIFT >= this.#sentAt) return false
    for (const transfer of this.#transfers) transfer.giveUp()
    this.#open.clear()
    this.#renew()
    return true
  }

  /** It goes out from this own Destination next. */
  comesFrom (source: number): void {
    this.#source = source
  }

  takeSource (): number | undefined {
    const source = this.#source
    this.#source = undefined
    return source
  }

  /** Oldest first. */
  get transfers (): readonly Transfer[] {
    return this.#transfers
  }

  /** An answer may still come without another attempt. */
  get isActive (): boolean {
    return this.#transfers.some(({ isActive }) => isActive)
  }

  get waiting (): Waiting {
    return this.#waiting
  }

  /** When it goes on by itself; Infinity where something else must happen. */
  get wakesAt (): number {
    switch (this.#waiting.kind) {
      case 'hedge': return this.#waiting.at
      case 'pause': return this.#waiting.until
      case 'nothing':
      case 'room':
      case 'push':
      case 'source': return Infinity
    }
  }

  /** Exits that have had their chance. */
  get tried (): ReadonlySet<string> {
    return this.#tried
  }

  /** Ids of the exits that it was sent to. */
  get asked (): Set<string> {
    return new Set(this.#transfers.map(({ exit }) => exit.id))
  }

  /**
   * Bytes of it, or of what is ahead of it, still come: it gets some more time, to ten times its deadline at most.
   * @returns whether it has some
   */
  stretch (now: number): boolean {
    const last = this.#startedAt + MOST_STRETCH * this.#patience
    if (this.isProbe || now >= last) return false
    const step = STRETCH * this.#patience
    const comes = this.#transfers.some(({ isActive, startedAt, exit: { lastSymbolAt } }) =>
      isActive && lastSymbolAt > startedAt && now - lastSymbolAt < step)
    if (comes) this.#deadline = Math.min(last, now + step)
    return comes
  }

  /** An exit works on it: it has until then, ms from its start, and the attempt was not in vain. */
  workedOn (deadline: number): void {
    this.#deadline = Math.max(this.#deadline, this.#startedAt + deadline)
    this.budget.refund()
    if (this.#waiting.kind === 'hedge') this.goOn()
  }

  /** How often exits refused it by policy. */
  get refusals (): number {
    return this.#refusals
  }

  waitFor (waiting: Waiting): void {
    this.#waiting = waiting
  }

  goOn (): void {
    this.#waiting = NOTHING
  }

  begun (transfer: Transfer): void {
    this.#transfers.push(transfer)
    this.budget.spend()
    if (this.idempotent) return
    this.#sentAt = Math.min(this.#sentAt, transfer.startedAt)
    this.#open.add(keyOf(transfer.session, transfer.id))
  }

  /** Transfers that are as good as never begun. */
  drop (lost: readonly Transfer[]): void {
    const left = this.#transfers.filter(transfer => !lost.includes(transfer))
    this.#transfers.splice(0, Infinity, ...left)
  }

  /** Its object in symbols; all sendings share the cut of the first. */
  uploadOf (loss: number, shape: number): Upload {
    this.#upload ??= new Upload(joinBlock(this.#once === undefined ? {} : { once: this.#once }, this.object), loss, shape)
    return this.#upload
  }

  refused (): void {
    this.#refusals++
  }

  /** An exit has had its chance. Where all have, the others get one more. */
  leave (exit: string, hasUntried: boolean): void {
    if (!hasUntried) this.#tried.clear()
    this.#tried.add(exit)
  }

  /** Every exit gets its chance again. */
  forgetTried (): void {
    this.#tried.clear()
  }

  /** Less than three round trips have passed since this exit was first asked: it may be asked once more. */
  isEarly (now: number, exit: Exit): boolean {
    const first = this.#transfers.find(transfer => transfer.exit === exit)!
    return exit.path.rtt.hasSample && now - first.startedAt < SILENT_ROUND_TRIPS * exit.path.rtt.srtt
  }

  /** More attempts, which wait long, would do no harm. */
  get canExtend (): boolean {
    return !this.isProbe && this.budget.canExtend
  }

  /** How long the attempt just begun waits at least, ms. Where nothing at all is heard the last ones cover the deadline. */
  longWait (now: number): number {
    if ((this.traffic.isAnswered && !this.budget.isExtended) || this.isProbe) return 0
    return this.budget.longWait(this.deadline - now)
  }

  /**
   * Whether an exit that is `back` is worth an attempt beyond the limit: the request may go there, nothing has come of any
   * attempt, and no other exit has said anything since.
   */
  isInVain (back: Exit): boolean {
    return (this.idempotent || back === this.#bound) && this.purpose.kind === 'pool' && !this.traffic.isAnswered && this.#waiting.kind !== 'room' && this.isActive &&
      !this.#transfers.some(({ isWorkedOn }) => isWorkedOn) &&
      this.#transfers.every(({ exit, startedAt }) => exit === back || exit.heardAt < startedAt)
  }

  /** All its attempts have had some time. */
  hasWaited (now: number): boolean {
    return this.#transfers.every(({ startedAt }) => now - startedAt >= IN_VAIN)
  }

  /** No attempt waits longer than it would have to, since another one may follow. */
  hurry (): void {
    for (const transfer of this.#transfers) transfer.waitAtMost(Math.max(IN_VAIN, SILENT_ROUND_TRIPS * transfer.exit.path.rtt.srtt))
  }

  trace (now: number): RequestTrace {
    return this.traffic.trace(now, this.budget.spent)
  }

  /** Nothing of it is anywhere: it may be sent as if for the first time. */
  #renew (): void {
    this.#once = undefined
    this.#upload = undefined
    this.#sentAt = Infinity
  }
}

const keyOf = (session: ExitSession, id: number): string => `${session.name}.${id}`
