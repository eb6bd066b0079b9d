import type { ExitStatus } from '../core.ts'
import { Hourly } from './hourly.ts'
import type { ProxySession } from './proxy-session.ts'
import { VacantSession } from './vacant-session.ts'

/** Time between two looks, ms. */
const INTERVAL = 1_000
/** An exit has been silent for so long before a Destination is built for it, ms. */
const BUILD_AFTER = 5_000
/** One from which it was not heard either is followed by the next after this, ms, doubled each time. */
const AGAIN_AFTER = 10_000
/** After so many in vain ten minutes have passed: no router keeps a LeaseSet for longer, and probes find the exit. */
const MOST = 7
/** One that is known to be of use follows the last one after this, ms. */
const MORE_AFTER = 2_000
/** In an hour: an exit that comes and goes would have one built every few seconds for ever. */
const MOST_HOURLY = 40
/** Own Destinations where the router is no i2pd: such a one leaves dead paths by itself. */
const MOST_ELSEWHERE = 2

/**
 * Whether a Destination is missing for exits that are away, which may be in vain; or for paths, which is not. `wait` leaves all as it is,
 * as none answers.
 */
export type Need = 'away' | 'paths' | 'no' | 'wait'

/** An own Destination that may be replaced: there is none yet; an exit that is back is not heard there; or neither. */
export interface Spare { readonly source: number, readonly kind: 'vacant' | 'stale' | 'fresh' }

/** One over which nothing goes, and from which no exit is asked first. */
export function spareOf (
  exits: readonly ExitStatus[], sessions: readonly ProxySession[], isBusy: (session: ProxySession) => boolean
): Spare | undefined {
  const working = exits.filter(({ state }) => state === 'ready')
  const standing = sessions.filter(session => !(session instanceof VacantSession))
  const most = standing.some(({ routerKind }) => routerKind === 'i2pd') ? sessions.length : MOST_ELSEWHERE
  const vacant = sessions.findIndex(session => session instanceof VacantSession)
  if (vacant >= 0 && standing.length < most && exits.length > 1) return { source: vacant, kind: 'vacant' }
  const spare = [...sessions.keys()].filter(source => {
    const session = sessions[source]!
    return session.state === 'ready' && working.every(exit => exit.source !== source) && !isBusy(session)
  })
  const stale = spare.find(source => working.some(({ deafTo = [] }) => deafTo.includes(source)))
  if (stale !== undefined) return { source: stale, kind: 'stale' }
  return spare[0] === undefined ? undefined : { source: spare[0], kind: 'fresh' }
}

/**
 * Where one exit alone answers, and others have before. And with several exits more paths are needed to each, since those from one
 * Destination may all die with one router.
 * @param answered - ids of exits that have
 */
export function needOf (exits: readonly ExitStatus[], answered: ReadonlySet<string>, spare: Spare | undefined): Need {
  const working = exits.filter(({ state }) => state === 'ready').length
  if (working === 0) return 'wait'
  if (spare === undefined) return 'no'
  if (spare.kind === 'vacant') return 'paths'
  const isAway = ({ id, state }: ExitStatus): boolean => answered.has(id) && (state === 'down' || state === 'probation')
  if (working === 1 && exits.some(isAway)) return 'away'
  return spare.kind === 'stale' ? 'paths' : 'no'
}

export interface ReturnWatchHooks {
  need: () => Need
  /** Builds another Destination beside what there is, if that is not done yet. */
  build: () => void
  /** Takes it into use, if it is ready. @returns whether it was */
  take: () => boolean
  /** It is not needed. */
  spare: () => void
  /** Monotonic, ms. */
  now?: () => number
}

/**
 * Finds exits that are back. Routers look a LeaseSet up once for each of our Destinations, and keep that of before for up to ten
 * minutes: an exit that was started anew stays silent so long, and nobody notices while another one answers. When that one is
 * started anew too, no exit would be left. So where one exit alone answers, another Destination looks for those that are away; and when
 * one is back, Destinations that may not reach it are followed by others.
 */
export class ReturnWatch {
  readonly #hooks: ReturnWatchHooks
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout
  #dueAt: number | undefined
  #last: Need = 'no'
  #isBuilding = false
  #built = 0
  readonly #changes = new Hourly(MOST_HOURLY)

  constructor (hooks: ReturnWatchHooks) {
    this.#hooks = hooks
    this.#now = hooks.now ?? (() => performance.now())
    this.#timer = setInterval(() => this.#look(), INTERVAL)
    this.#timer.unref()
  }

  close (): void { clearInterval(this.#timer) }

  #look (): void {
    const need = this.#hooks.need()
    if (need === 'wait') return
    if (need === 'no') return this.#rest()
    const now = this.#now()
    if (need !== this.#last) this.#begin(now, need)
    const mayBuild = this.#isBuilding || !this.#changes.isUsedUp(now)
    if (this.#built >= MOST || now < this.#dueAt! || !mayBuild) return
    if (!this.#isBuilding) this.#changes.done(now)
    this.#isBuilding = true
    this.#hooks.build()
    if (!this.#hooks.take()) return
    this.#isBuilding = false
    this.#dueAt = now + (need === 'paths' ? MORE_AFTER : AGAIN_AFTER * 2 ** this.#built++)
  }

  /** What was begun for one reason serves another one as well. */
  #begin (now: number, need: Need): void {
    this.#dueAt = Math.min(this.#dueAt ?? Infinity, now + BUILD_AFTER)
    this.#last = need
    this.#built = 0
  }

  #rest (): void {
    this.#dueAt = undefined
    this.#last = 'no'
    this.#built = 0
    if (!this.#isBuilding) return
    this.#isBuilding = false
    this.#hooks.spare()
  }
}
