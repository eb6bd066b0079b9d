import { EventEmitter } from 'node:events'
import type { RequestTrace } from '../core.ts'

/** How a request was served. */
export type PathName = 'message' | 'repaired' | 'hedged' | 'push' | 'stream' | 'tunnel' | 'cache' | 'stale' | 'local' | 'error' | 'left'

export interface Activity {
  readonly id: number
  readonly method: string
  readonly url: string
  /** Who asked, where users sign in. */
  readonly user?: string
  /** Epoch ms. */
  readonly started: number
  path?: PathName
  status?: number
  error?: string
  /** Why an old copy had to do. */
  because?: string
  exit?: string
  /** Tunnel traversals one after the other: two for a page in one round. */
  traversals?: number
  tunnelMessages?: number
  /** Bytes of body handed to the browser. */
  bytes: number
  /** ms until the first byte of body was handed to the browser. */
  firstByte?: number
  /** ms, once done. */
  duration?: number
}

/** Requests shown as last done. */
export const DONE = 200
/** Longest URL kept for the console, characters. */
const MAX_URL = 300

/** What is in flight and what was done last: the console's source. Bounded by the proxy's `maxInFlight` and by DONE. */
export class ActivityLog extends EventEmitter<{ begin: [Activity], end: [Activity] }> {
  readonly #inFlight = new Map<number, Activity>()
  readonly #done: Activity[] = []
  #next = 1
  /** Errors that nobody foresaw: each ended one exchange. */
  faults = 0

  begin (method: string, url: string, user?: string): Activity {
    const id = this.#next++
    const activity: Activity = {
      id,
      method,
      url: url.slice(0, MAX_URL),
      ...(user === undefined ? {} : { user }),
      started: Date.now(),
      bytes: 0
    }
    this.#inFlight.set(activity.id, activity)
    this.emit('begin', activity)
    return activity
  }

  end (activity: Activity): void {
    if (!this.#inFlight.delete(activity.id)) return
    activity.duration = Date.now() - activity.started
    this.#done.unshift(activity)
    if (this.#done.length > DONE) this.#done.pop()
    this.emit('end', activity)
  }

  /** Tells of every request that is done: of the last ones at once, oldest first, and of each from then on. */
  follow (listener: (done: Activity) => void): void {
    for (const activity of this.#done.toReversed()) listener(activity)
    this.on('end', listener)
  }

  get inFlight (): readonly Activity[] { return [...this.#inFlight.values()] }
  get inFlightCount (): number { return this.#inFlight.size }
  get done (): readonly Activity[] { return this.#done }
}

/** Path and cost from what the core measured. */
export function applyTrace (activity: Activity, trace: RequestTrace, exit: string | undefined): void {
  activity.path = trace.pushed === true ? 'push' : trace.hedged ? 'hedged' : trace.repaired ? 'repaired' : 'message'
  activity.traversals = 2 * trace.attempts
  activity.tunnelMessages = trace.tunnelMessages
  if (exit !== undefined) activity.exit = exit
}
