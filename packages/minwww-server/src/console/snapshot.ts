import type { Limit } from '@minwww/i2cp/codec'
import type { ExitParts } from '../exit/exit.ts'
import { LATENCY_CLASSES, SIZE_CLASSES } from '../exit/statistics.ts'

export type Health = 'ok' | 'draining' | 'quota used up' | 'disk does not take the accounting' | 'router not ready'

/** Everything that the console shows; no URL, host or Destination of anybody but the exit itself and its own sites. */
export interface Snapshot {
  now: number
  startedAt: number
  destination: string
  health: Health
  /** What it offers: own sites by name, the web or not, and the signed line that says so to everybody who asks. */
  about: { sites: string[], web: boolean, methods: readonly string[], ports: readonly number[], contact: string | null, descriptor: string }
  limits: { in: number, out: number }
  totals: { in: number, out: number }
  /** Bytes left; null is unlimited. */
  quota: { day: number | null, month: number | null, dayUsed: number, monthUsed: number }
  load: {
    /** Requests that wait or are being fetched. */
    active: number
    running: number
    waiting: number
    /** Answers that wait to leave towards I2P, and their bytes. */
    sending: number
    queued: number
    /** ms until what is queued has left at the limit; 0 without one. */
    delay: number
    streams: number
    sessions: number
    clients: number
    rests: number
  }
  outcomes: Record<string, number>
  refusals: Record<string, number>
  latency: { bounds: readonly number[], counts: readonly number[] }
  sizes: { bounds: readonly number[], counts: readonly number[] }
  cache: { hits: number, misses: number, bytes: number, entries: number } | null
  /** Counters of the core. */
  core: Record<string, number>
  /** How full everything is that has a bound. */
  bounds: Limit[]
}

export function snapshot (parts: ExitParts): Snapshot {
  const { clock, bandwidth, statistics, queue, web } = parts
  const left = bandwidth.quotaLeft()
  const used = bandwidth.quotaState()
  const { sessions, sending, queued } = parts.coreLoad
  const { out } = bandwidth.limits
  return {
    now: clock.now(),
    startedAt: parts.startedAt,
    destination: parts.destination.b32,
    health: healthOf(parts),
    about: aboutOf(parts),
    limits: bandwidth.limits,
    totals: bandwidth.totals,
    quota: { day: finite(left.day), month: finite(left.month), dayUsed: used.dayBytes, monthUsed: used.monthBytes },
    load: {
      active: parts.active,
      running: queue.running,
      waiting: queue.waiting,
      sending,
      queued,
      delay: out === 0 ? 0 : Math.round(queued / out * 1_000),
      streams: parts.streams?.size ?? 0,
      sessions,
      clients: parts.admission.clients,
      rests: parts.rests.size
    },
    outcomes: Object.fromEntries(statistics.outcomes),
    refusals: refusalsOf(parts),
    latency: { bounds: LATENCY_CLASSES, counts: statistics.latency },
    sizes: { bounds: SIZE_CLASSES, counts: statistics.sizes },
    cache: web.cache?.stats ?? null,
    core: parts.coreCounters,
    bounds: parts.bounds
  }
}

function aboutOf (parts: ExitParts): Snapshot['about'] {
  const { web, methods, ports, contact = null } = parts.profile
  const sites = parts.web.sites.names.filter(name => name !== parts.destination.b32)
  return { sites, web, methods, ports, contact, descriptor: parts.descriptor }
}

export function healthOf (parts: ExitParts): Health {
  if (parts.isDraining) return 'draining'
  if (parts.sessionState !== undefined && parts.sessionState !== 'ready') return 'router not ready'
  if (parts.quotaStore?.healthy === false) return 'disk does not take the accounting'
  return parts.bandwidth.quotaUsedUp ? 'quota used up' : 'ok'
}

function refusalsOf ({ statistics, queue, streams }: ExitParts): Record<string, number> {
  const refusals = Object.fromEntries(statistics.refusals)
  if (queue.shed > 0) refusals.queue = queue.shed
  if (streams !== undefined && streams.refused > 0) refusals.streams = streams.refused
  return refusals
}

function finite (value: number): number | null {
  return value === Infinity ? null : value
}
