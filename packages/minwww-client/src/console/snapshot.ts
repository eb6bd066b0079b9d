import type { Limit } from '@minwww/i2cp'
import type { ActivityLog, Activity } from '../route/activity.ts'
import { FAILURES, type FailureCode, type FailureKind } from '../http/failures.ts'
import type { Backend } from '../sessions/backend.ts'
import { poolHealth, stateOf, type PoolHealth } from '../sessions/pool-health.ts'
import type { Users, Viewer } from '../sessions/users.ts'
import type { Histories, Interval } from './history.ts'

export interface ExitRow {
  id: string
  /** Address shown in full on demand. */
  b32?: string
  state: string
  /** ms */
  rtt?: number
  /** 0..1 */
  loss?: number
  /** bytes/s */
  rate?: number
  shape?: number
  successes?: number
  failures?: number
  inFlight?: number
  /** Epoch ms. */
  silentSince?: number
  busyUntil?: number
  error?: string
}

export interface Snapshot {
  now: number
  /** Whether exits can be added and dropped here. */
  mayChange: boolean
  ready: boolean
  state: string
  address: string
  pool: PoolHealth
  exits: ExitRow[]
  inFlight: readonly Activity[]
  done: ReadonlyArray<Activity & { why?: string }>
  traffic: Interval[]
  totals: { requests: number, failed: number, bytes: number }
  cache: { entries: number, bytes: number, hits: number, misses: number, revalidated: number, stale: number, merged: number }
  limits: Limit[]
}

export interface ConsoleSource {
  users: Users
  proxy: {
    readonly ready: boolean
    readonly state: string
    readonly health: PoolHealth
    readonly address: { host: string; port: number }
    readonly activity: ActivityLog
    exits: () => ReturnType<Backend['exits']>
    limits: () => Limit[]
  }
}

/** Rows of the request tables sent to a console. */
const MAX_ROWS = 100

/** Everything that the console shows, at one moment. */
export function snapshot ({ proxy, users }: ConsoleSource, history: Histories, now: number, viewer: Viewer = { sees: 'all' }): Snapshot {
  const isSeen = (activity: Activity): boolean => viewer.sees === 'all' || activity.user === viewer.user
  const { host, port } = proxy.address
  return {
    now,
    mayChange: viewer.sees === 'all',
    ready: proxy.ready,
    state: proxy.state,
    address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    pool: users.backendOf(viewer)?.lookAtHealth() ?? poolHealth([]),
    exits: (users.backendOf(viewer)?.exits() ?? []).map(exitRow),
    inFlight: proxy.activity.inFlight.filter(isSeen).slice(0, MAX_ROWS),
    done: proxy.activity.done.filter(isSeen).slice(0, MAX_ROWS).map(explained),
    traffic: history.of(viewer).rows(now),
    totals: history.of(viewer).totals,
    cache: cacheTotals(users, viewer),
    limits: proxy.limits()
  }
}

/** With the words of the error page. */
const explained = (activity: Activity): Activity & { why?: string } => {
  const kind = FAILURES[activity.error as FailureCode] as FailureKind | undefined
  return kind === undefined ? activity : { ...activity, why: kind.title }
}

export function exitRow (exit: ReturnType<Backend['exits']>[number]): ExitRow {
  const { id, destination, error, status } = exit
  const row: ExitRow = { id, state: stateOf(exit) }
  if (destination !== undefined) row.b32 = destination.b32
  if (error !== undefined) row.error = error
  if (status === undefined) return row
  const { srtt, loss, rate, shape, successes, failures, inFlight, silentSince, busyUntil } = status
  if (silentSince !== undefined) row.silentSince = silentSince
  if (busyUntil !== undefined) row.busyUntil = busyUntil
  return { ...row, loss, rate, shape, successes, failures, inFlight, ...(srtt === undefined ? {} : { rtt: srtt }) }
}

/** What exits have sent before it was asked for: resources, their bytes, and how many of them a browser then asked for. */
export function pushTotals (users: Users): Record<'pushes' | 'bytes' | 'used', number> {
  const sum = { pushes: 0, bytes: 0, used: 0 }
  for (const { backend } of users.seats) {
    const { pushes = 0, pushedBytes = 0, usedPushes = 0 } = backend.driver.core.stats ?? {}
    sum.pushes += pushes
    sum.bytes += pushedBytes
    sum.used += usedPushes
  }
  return sum
}

export function cacheTotals (users: Users, viewer: Viewer = { sees: 'all' }): Snapshot['cache'] {
  const sum = { entries: 0, bytes: 0, hits: 0, misses: 0, revalidated: 0, stale: 0, merged: 0 }
  for (const { cache } of users.seatsOf(viewer)) {
    if (cache === undefined) continue
    sum.entries += cache.count
    sum.bytes += cache.bytes
    for (const key of ['hits', 'misses', 'revalidated', 'stale', 'merged'] as const) sum[key] += cache.stats[key]
  }
  return sum
}
