import { PoolMember } from './member.ts'
import type { MemberState } from './member.ts'
import { order } from './strategies.ts'
import type { Strategy } from './strategies.ts'

/** Exits in one pool; `add` beyond it is refused. */
export const MAX_EXITS = 256
/** Sites remembered as tied to an exit (cookies); the one tied longest ago goes first. */
export const MAX_PINS = 1_024
/**
 * Every so many requests the exit measured longest ago is probed again, if that was over `STALE` ms ago: one that is not in use, and was
 * started anew, is to be found before the one that is in use goes.
 */
const REMEASURE_EVERY = 16
const STALE = 20_000

/** What survives a restart. */
export interface PoolState { version: 1, exits: MemberState[], pins: Array<[site: string, exit: string]> }

/** Exits of one client: who is asked, in which order, and who is left alone for a while. */
export class ExitPool {
  readonly #strategy: Strategy
  readonly #salt: string
  readonly #members = new Map<string, PoolMember>()
  readonly #pins = new Map<string, string>()
  readonly #remembered = new Map<string, MemberState>()
  #turn = 0

  /** @param salt - secret of the strategy `spread` */
  constructor (strategy: Strategy, salt = '') {
    this.#strategy = strategy
    this.#salt = salt
  }

  get size (): number {
    return this.#members.size
  }

  /** Sites tied to an exit. */
  get pins (): number {
    return this.#pins.size
  }

  member (id: string): PoolMember | undefined {
    return this.#members.get(id)
  }

  /**
   * @param pending - requests that the exit has not answered yet
   * @returns false when the pool is full
   */
  add (id: string, pending?: () => number): boolean {
    if (this.#members.has(id)) return true
    if (this.#members.size >= MAX_EXITS) return false
    const member = new PoolMember(id, pending)
    const state = this.#remembered.get(id)
    if (state !== undefined) member.restore(state)
    this.#members.set(id, member)
    return true
  }

  remove (id: string): void {
    this.#members.delete(id)
    for (const [site, exit] of this.#pins) if (exit === id) this.#pins.delete(site)
  }

  /**
   * The best exit for a site that is not in `exclude`. Exits on probation are a last resort; busy and draining ones are
   * never chosen.
   */
  choose (now: number, site: string, exclude: ReadonlySet<string>): string | undefined {
    const open = [...this.#members.values()].filter(m => !exclude.has(m.id) && !m.isBusy(now) && !m.isDraining(now))
    const usable = open.filter(m => !m.isOnProbation())
    const pinned = this.#pins.get(site)
    const member = usable.find(m => m.id === pinned) ?? order(this.#strategy, usable, site, this.#salt)[0] ??
      open.sort((a, b) => a.scoredAt - b.scoredAt)[0]
    if (member === undefined) return undefined
    member.used(++this.#turn)
    return member.id
  }

  /** The site is tied to this exit: another one is for when it fails, not for when it is slow. */
  keeps (site: string, id: string): boolean {
    return this.#strategy === 'sticky' || this.#strategy === 'single' || this.#pins.get(site) === id
  }

  /** Another usable exit than those in `exclude` exists; as a `lastResort` one on probation will do. */
  hasOther (now: number, exclude: ReadonlySet<string>, lastResort = false): boolean {
    for (const m of this.#members.values()) {
      if (!exclude.has(m.id) && (m.isUsable(now) || (lastResort && !m.isBusy(now) && !m.isDraining(now)))) return true
    }
    return false
  }

  /** Earliest time at which a busy exit is free again; undefined when none is busy. */
  busyUntil (now: number): number | undefined {
    const times = [...this.#members.values()].filter(m => m.isBusy(now)).map(m => m.busyUntil)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** Exits worth a probe now. Asked only when somebody browses, so an idle pool is silent. */
  dueProbes (now: number): string[] {
    const due = [...this.#members.values()].filter(m => m.pending === 0 && m.deservesProbe(now))
    if (this.#turn % REMEASURE_EVERY === 0) {
      const stale = [...this.#members.values()]
        .filter(m => m.pending === 0 && m.isUsable(now) && m.scoredAt < now - STALE)
        .sort((a, b) => a.scoredAt - b.scoredAt)[0]
      if (stale !== undefined) due.push(stale)
    }
    return due.map(m => m.id)
  }

  /** Ties a site to an exit: its cookies are known to the site under that exit's address. */
  pin (site: string, id: string): void {
    this.#pins.delete(site)
    this.#pins.set(site, id)
    if (this.#pins.size > MAX_PINS) this.#pins.delete(this.#pins.keys().next().value!)
  }

  toJSON (): PoolState {
    return { version: 1, exits: [...this.#members.values()].map(m => m.toJSON()), pins: [...this.#pins] }
  }

  /** Takes up saved state, for exits already here and for those added later. Unknown or broken state is ignored. */
  restore (state: unknown): void {
    if (!isPoolState(state)) return
    for (const saved of state.exits.slice(0, MAX_EXITS)) {
      if (typeof saved?.id !== 'string') continue
      this.#remembered.set(saved.id, saved)
      this.#members.get(saved.id)?.restore(saved)
    }
    for (const pin of state.pins.slice(0, MAX_PINS)) {
      if (Array.isArray(pin) && typeof pin[0] === 'string' && typeof pin[1] === 'string') this.pin(pin[0], pin[1])
    }
  }

  static fromJSON (strategy: Strategy, state: unknown): ExitPool {
    const pool = new ExitPool(strategy)
    pool.restore(state)
    return pool
  }
}

function isPoolState (value: unknown): value is PoolState {
  const state = value as PoolState | null
  return typeof state === 'object' && state !== null && state.version === 1 && Array.isArray(state.exits) && Array.isArray(state.pins)
}
