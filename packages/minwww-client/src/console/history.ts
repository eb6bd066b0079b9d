import { LRUCache } from 'lru-cache'
import type { Activity, ActivityLog } from '../route/activity.ts'
import type { Viewer } from '../sessions/users.ts'

/** Length of one interval, ms, and how many are kept: ten minutes. */
export const INTERVAL = 5_000
export const INTERVALS = 120

/** What was done in one interval. */
export interface Interval { at: number, bytes: number, requests: number, failed: number }

/** Users of an isolated proxy whose traffic is kept apart; the one longest without a request is forgotten. */
export const MAX_HISTORIES = 256

/** What was done in all, and by each user where they sign in. */
export class Histories {
  readonly #all = new History()
  readonly #own = new LRUCache<string, History>({ max: MAX_HISTORIES })

  constructor (activity: ActivityLog) {
    activity.follow(done => {
      this.#all.add(done)
      if (done.user !== undefined) this.#ofUser(done.user).add(done)
    })
  }

  of (viewer: Viewer): History { return viewer.sees === 'all' ? this.#all : this.#ofUser(viewer.user) }

  #ofUser (user: string): History {
    const known = this.#own.get(user) ?? new History()
    this.#own.set(user, known)
    return known
  }
}

/** Traffic of the last ten minutes for the charts, filled by what ends: it needs no timer. */
export class History {
  readonly #intervals: Interval[] = []
  readonly totals = { requests: 0, failed: 0, bytes: 0 }

  /** One row per interval up to `now`, oldest first, quiet ones included. */
  rows (now: number): Interval[] {
    const last = Math.floor(now / INTERVAL)
    const byTime = new Map(this.#intervals.map(interval => [interval.at, interval]))
    return Array.from({ length: INTERVALS }, (_, index) => {
      const at = (last - INTERVALS + 1 + index) * INTERVAL
      return byTime.get(at) ?? { at, bytes: 0, requests: 0, failed: 0 }
    })
  }

  add (done: Activity): void {
    const at = Math.floor((done.started + (done.duration ?? 0)) / INTERVAL) * INTERVAL
    let interval = this.#intervals.at(-1)
    if (interval?.at !== at) {
      interval = { at, bytes: 0, requests: 0, failed: 0 }
      this.#intervals.push(interval)
      if (this.#intervals.length > INTERVALS) this.#intervals.shift()
    }
    for (const sum of [interval, this.totals]) {
      sum.requests++
      sum.bytes += done.bytes
      if (done.path === 'error') sum.failed++
    }
  }
}
