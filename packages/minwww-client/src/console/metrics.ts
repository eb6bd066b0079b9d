import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Activity } from '../route/activity.ts'
import { POOL_STATES } from '../sessions/pool-health.ts'
import { cacheTotals, pushTotals, type ConsoleSource } from './snapshot.ts'

const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]

/** Prometheus metrics of one proxy, in a registry of their own. No URL, host or user in any label. */
export function createMetrics ({ proxy, users }: ConsoleSource): Registry {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'minwww_proxy_requests_total',
    help: 'Requests done, by the path that they took.',
    labelNames: ['path'],
    registers
  })
  const failures = new Counter({
    name: 'minwww_proxy_failures_total',
    help: 'Requests that ended in an error page, by cause.',
    labelNames: ['code'],
    registers
  })
  const bytes = new Counter({ name: 'minwww_proxy_body_bytes_total', help: 'Bytes of bodies handed to browsers.', registers })
  const duration = new Histogram({
    name: 'minwww_proxy_request_seconds',
    help: 'Time from a request to the end of its response.',
    labelNames: ['path'],
    buckets: SECONDS,
    registers
  })
  const firstByte = new Histogram({
    name: 'minwww_proxy_first_byte_seconds',
    help: 'Time from a request to the first byte of its body.',
    labelNames: ['path'],
    buckets: SECONDS,
    registers
  })
  const tunnelMessages = new Counter({
    name: 'minwww_proxy_tunnel_messages_total',
    help: 'Tunnel messages of requests by messages, both directions.',
    registers
  })
  proxy.activity.follow((done: Activity) => {
    const path = done.path ?? 'error'
    requests.inc({ path })
    bytes.inc(done.bytes)
    if (done.error !== undefined) failures.inc({ code: done.error })
    if (done.duration !== undefined) duration.observe({ path }, done.duration / 1_000)
    if (done.firstByte !== undefined) firstByte.observe({ path }, done.firstByte / 1_000)
    if (done.tunnelMessages !== undefined) tunnelMessages.inc(done.tunnelMessages)
  })
  gauge('minwww_proxy_ready', 'Whether a request would go out.', () => Number(proxy.ready))
  gauge('minwww_proxy_exits', 'Exits in the pool.', () => proxy.health.total)
  gauge('minwww_proxy_exits_working', 'Exits that take requests.', () => proxy.health.working)
  const states = new Gauge({
    name: 'minwww_proxy_pool_state',
    help: 'State of the pool of exits: 1 for the one that it has.',
    labelNames: ['state'],
    registers,
    collect () { for (const state of POOL_STATES) states.set({ state }, Number(proxy.health.state === state)) }
  })
  gauge('minwww_proxy_in_flight', 'Requests that are waited for.', () => proxy.activity.inFlightCount)
  const faults = new Counter({
    name: 'minwww_proxy_faults_total',
    help: 'Errors that nobody foresaw; each ended one exchange.',
    registers,
    collect () {
      faults.reset()
      faults.inc(proxy.activity.faults)
    }
  })
  gauge('minwww_proxy_cache_bytes', 'Bytes in the cache in memory.', () => cacheTotals(users).bytes)
  gauge('minwww_proxy_cache_entries', 'URLs in the cache in memory.', () => cacheTotals(users).entries)
  for (const key of ['hits', 'misses', 'revalidated', 'stale', 'merged'] as const) {
    const counter = new Counter({
      name: `minwww_proxy_cache_${key}_total`,
      help: `Cache: ${key}.`,
      registers,
      collect () {
        counter.reset()
        counter.inc(cacheTotals(users)[key])
      }
    })
  }
  for (const [key, name, help] of [
    ['pushes', 'pushes', 'Resources that exits sent before they were asked for.'],
    ['bytes', 'pushed_bytes', 'Bytes of those, as they came.'],
    ['used', 'pushes_used', 'How many of those a browser then asked for.']
  ] as const) {
    const counter = new Counter({
      name: `minwww_proxy_${name}_total`,
      help,
      registers,
      collect () {
        counter.reset()
        counter.inc(pushTotals(users)[key])
      }
    })
  }
  exitGauge('minwww_proxy_exit_up', 'Whether the exit takes requests.', row =>
    Number(['ready', 'new', 'probing', 'busy'].includes(row.state))
  )
  exitGauge('minwww_proxy_exit_rtt_seconds', 'Smoothed round trip to the exit.', row =>
    row.srtt === undefined ? undefined : row.srtt / 1_000
  )
  exitGauge('minwww_proxy_exit_loss_ratio', 'Tunnel-message loss estimated for the exit.', row => row.loss)
  exitGauge('minwww_proxy_exit_rate_bytes_per_second', 'Rate granted to the exit.', row => row.rate)
  limitGauge('used', 'How much there is of what has a bound.')
  limitGauge('most', 'The bound.')
  return registry

  function limitGauge (key: 'used' | 'most', help: string): void {
    const made = new Gauge({
      name: `minwww_proxy_limit_${key}`,
      help,
      labelNames: ['limit'],
      registers,
      collect () {
        for (const limit of proxy.limits()) made.set({ limit: limit.name }, limit[key])
      }
    })
  }

  function gauge (name: string, help: string, value: () => number): void {
    const made = new Gauge({ name, help, registers, collect () { made.set(value()) } })
  }

  function exitGauge (
    name: string,
    help: string,
    value: (row: NonNullable<ReturnType<typeof proxy.exits>[number]['status']>) => number | undefined
  ): void {
    const made = new Gauge({
      name,
      help,
      labelNames: ['exit'],
      registers,
      collect () {
        made.reset()
        for (const { id, status } of proxy.exits()) {
          const current = status === undefined ? undefined : value(status)
          if (current !== undefined) made.set({ exit: id }, current)
        }
      }
    })
  }
}
