import type { ExitStatus } from '../core.ts'
import { ProxyError } from '../http/failures.ts'
import { streamPatience } from '../sessions/stream-patience.ts'
import { StreamFailure } from './stream-path.ts'

/**
 * A stream that may be given up carries nothing for as long as its path says, within these bounds in ms, although it is waited for. A
 * stream takes another tunnel before that.
 */
const MIN_STANDSTILL = 15_000
const MAX_STANDSTILL = 30_000
/** One that carries nothing for so long, or so many round trips, has its exit asked for a sign of life, ms. */
const MIN_DOUBT = 2_000
const DOUBT_ROUND_TRIPS = 6
/** How often the answer is looked for, as a part of the time until it is asked for. */
const LOOKS = 4

/** How long a stream may stand still, and what may end that sooner. */
export interface StreamPatience {
  /** Nothing came for so long: `probe` is called, ms. */
  readonly doubt: number
  /** Nothing came for so long: it is given up, ms. */
  readonly standstill: number
  readonly probe?: () => void
  /** The exit did not answer the probe either: waiting on is in vain. */
  readonly isSilent?: () => boolean
}

/** @param rtt - of the path to the exit, ms; undefined where it is not known */
export const patienceOf = (rtt = Infinity): Pick<StreamPatience, 'doubt' | 'standstill'> => ({
  doubt: Math.min(MIN_STANDSTILL, Math.max(MIN_DOUBT, DOUBT_ROUND_TRIPS * rtt)),
  standstill: Math.min(MAX_STANDSTILL, streamPatience(rtt, MIN_STANDSTILL))
})

/**
 * For the head of an answer from this exit. A stream stands still where its exit is gone, and where the site is slow: a probe tells them
 * apart, of an exit that answers any. That matters where another exit is well.
 * @param others - those that would do as well
 */
export function patienceForHead (
  exits: () => readonly ExitStatus[], id: string | undefined, probe: () => void, others: readonly string[]
): StreamPatience {
  return patienceFor(exits, id, probe, { mayReturn: false, isOther: id => others.includes(id) })
}

/** For a body, which goes on from any exit: from this one as well, if it has answered a probe only after it had not, and nothing came. */
export function patienceForBody (exits: () => readonly ExitStatus[], id: string | undefined, probe: () => void): StreamPatience {
  return patienceFor(exits, id, probe, { mayReturn: true, isOther: () => true })
}

function patienceFor (
  exits: () => readonly ExitStatus[], id: string | undefined, probe: () => void,
  { mayReturn, isOther }: { mayReturn: boolean, isOther: (id: string) => boolean }
): StreamPatience {
  const own = exits().find(exit => exit.id === id)
  const patience = patienceOf(own?.srtt)
  if (own === undefined || own.successes === 0) return patience
  let wasAway = false
  const isSilent = (): boolean => {
    const all = exits()
    const isAway = all.some(({ id, state }) => id === own.id && (state === 'probation' || state === 'down'))
    wasAway = isAway || (mayReturn && wasAway)
    return wasAway && all.some(({ id, state }) => state === 'ready' && isOther(id))
  }
  const ask = (): void => {
    wasAway = false
    probe()
  }
  return { ...patience, probe: ask, isSilent }
}

/** Calls `onStandstill` once where nothing comes for too long: stopped and started anew whenever something does. */
export class StandstillWatch {
  readonly #patience: StreamPatience
  readonly #onStandstill: () => void
  #timer: NodeJS.Timeout | undefined

  constructor (patience: StreamPatience, onStandstill: () => void) {
    this.#patience = patience
    this.#onStandstill = onStandstill
  }

  start (): void {
    this.stop()
    const { doubt, probe } = this.#patience
    this.#timer = setTimeout(() => {
      probe?.()
      this.#lookLater(doubt)
    }, doubt)
  }

  stop (): void {
    clearTimeout(this.#timer)
  }

  /** @param waited - since the start, ms */
  #lookLater (waited: number): void {
    const { doubt, standstill, isSilent } = this.#patience
    const time = Math.min(doubt / LOOKS, standstill - waited)
    this.#timer = setTimeout(() => {
      if (waited + time >= standstill || isSilent?.() === true) this.#onStandstill()
      else this.#lookLater(waited + time)
    }, time)
  }
}

/** An exit was given up that did not even answer a probe. */
export class SilentExit extends StreamFailure {
  constructor () {
    super(new ProxyError('MINWWW_TIMEOUT', 'the exit is silent'), true, { isTaken: false })
  }
}

/**
 * An attempt that is given up while its exit does not even answer a probe.
 * @throws SilentExit then; what the attempt throws
 */
export async function whileHeard<T> (
  patience: StreamPatience, signal: AbortSignal, attempt: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  if (patience.isSilent === undefined) return await attempt(signal)
  const silence = new AbortController()
  const watch = new StandstillWatch({ ...patience, standstill: Infinity }, () => { silence.abort(new SilentExit()) })
  watch.start()
  try {
    return await attempt(AbortSignal.any([signal, silence.signal]))
  } finally {
    watch.stop()
  }
}
