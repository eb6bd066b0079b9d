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
/** In an hour: an exit that comes and goes would have one built every few seconds for ever. */
const MOST_HOURLY = 20

/** Whether a Destination is missing for exits that are away; `wait` leaves all as it is, as none answers. */
export type Need = 'yes' | 'no' | 'wait'

/**
 * Where one exit alone answers, and others have before; and with several exits one that answers needs a second Destination too, since the
 * paths from one may all die with one router.
 * @param answered - ids of exits that have
 * @param spare - session that may be replaced
 */
export function needOf (exits: readonly ExitStatus[], answered: ReadonlySet<string>, spare: ProxySession | undefined): Need {
  const working = exits.filter(({ state }) => state === 'ready').length
  if (working === 0) return 'wait'
  if (spare instanceof VacantSession && exits.length > 1) return 'yes'
  const isAway = ({ id, state }: ExitStatus): boolean => answered.has(id) && (state === 'down' || state === 'probation')
  return working === 1 && spare !== undefined && exits.some(isAway) ? 'yes' : 'no'
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
 * started anew too, no exit would be left. So where one exit alone answers, another Destination looks for those that are away.
 */
export class ReturnWatch {
  readonly #hooks: ReturnWatchHooks
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout
  #dueAt: number | undefined
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
    this.#dueAt ??= now + BUILD_AFTER
    const mayBuild = this.#isBuilding || !this.#changes.isUsedUp(now)
    if (this.#built >= MOST || now < this.#dueAt || !mayBuild) return
    if (!this.#isBuilding) this.#changes.done(now)
    this.#isBuilding = true
    this.#hooks.build()
    if (!this.#hooks.take()) return
    this.#isBuilding = false
    this.#dueAt = now + AGAIN_AFTER * 2 ** this.#built++
  }

  #rest (): void {
    this.#dueAt = undefined
    this.#built = 0
    if (!this.#isBuilding) return
    this.#isBuilding = false
    this.#hooks.spare()
  }
}
