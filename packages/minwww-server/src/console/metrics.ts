import { Counter, Gauge, Registry } from 'prom-client'
import type { ExitParts } from '../exit/exit.ts'
import { snapshot, type Snapshot } from './snapshot.ts'

/** Prometheus figures in a registry of this exit's own. Labels are fixed words: never a URL, host or Destination. */
export function createMetrics (parts: ExitParts): Registry {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string, value: (state: Snapshot) => number) => new Gauge({
    name: `minwww_exit_${name}`,
    help,
    registers,
    collect () { this.set(value(snapshot(parts))) }
  })
  const counter = (name: string, help: string, value: (state: Snapshot) => number) => new Counter({
    name: `minwww_exit_${name}`,
    help,
    registers,
    collect () { this.reset(); this.inc(value(snapshot(parts))) }
  })
  const labelled = (name: string, help: string, label: string, values: (state: Snapshot) => Record<string, number>) => new Counter({
    name: `minwww_exit_${name}`,
    help,
    labelNames: [label],
    registers,
    collect () {
      this.reset()
      for (const [key, value] of Object.entries(values(snapshot(parts)))) this.inc({ [label]: key }, value)
    }
  })
  const bound = (key: 'used' | 'most', help: string) => new Gauge({
    name: `minwww_exit_limit_${key}`,
    help,
    labelNames: ['limit'],
    registers,
    collect () { for (const limit of parts.bounds) this.set({ limit: limit.name }, limit[key]) }
  })
  counter('out_bytes_total', 'Bytes sent towards I2P', state => state.totals.out)
  counter('in_bytes_total', 'Bytes fetched from the web and from own sites', state => state.totals.in)
  counter('promises_total', 'Resources of pages that clients were told to expect', state => state.core.promises ?? 0)
  counter('pushes_total', 'Resources sent before they were asked for', state => state.core.pushes ?? 0)
  counter('pushed_bytes_total', 'Bytes of those, as they were sent', state => state.core.pushedBytes ?? 0)
  counter(
    'pushes_cancelled_total',
    'Promised resources that a client gave up before all had left',
    state => state.core.pushesCancelled ?? 0
  )
  counter('pushes_asked_total', 'Sent resources that a client asked for all the same', state => state.core.pushesAskedAgain ?? 0)
  gauge('out_limit_bytes', 'Bytes a second allowed towards I2P, 0 is unlimited', state => state.limits.out)
  gauge('in_limit_bytes', 'Bytes a second allowed from the web, 0 is unlimited', state => state.limits.in)
  gauge('quota_day_used_bytes', 'Bytes of this UTC day, both directions', state => state.quota.dayUsed)
  gauge('quota_month_used_bytes', 'Bytes of this UTC month, both directions', state => state.quota.monthUsed)
  gauge('quota_day_left_bytes', 'Bytes left of the day, +Inf is unlimited', state => state.quota.day ?? Infinity)
  gauge('quota_month_left_bytes', 'Bytes left of the month, +Inf is unlimited', state => state.quota.month ?? Infinity)
  gauge('requests_active', 'Requests under way', state => state.load.active)
  gauge('requests_waiting', 'Requests in the queue', state => state.load.waiting)
  gauge('answers_sending', 'Answers that wait to leave towards I2P', state => state.load.sending)
  gauge('answers_sending_bytes', 'Bytes of those answers', state => state.load.queued)
  gauge('answers_delay_seconds', 'Time in which they leave at the limit, 0 without one', state => state.load.delay / 1_000)
  gauge('streams_open', 'Streams', state => state.load.streams)
  gauge('sessions', 'Clients with a session', state => state.load.sessions)
  gauge('clients_known', 'Clients that limits are kept for', state => state.load.clients)
  gauge('healthy', '1 if the exit answers', state => state.health === 'ok' ? 1 : 0)
  counter('cache_hits_total', 'Responses from the shared cache', state => state.cache?.hits ?? 0)
  counter('cache_misses_total', 'Requests that the shared cache could not answer', state => state.cache?.misses ?? 0)
  labelled('requests_total', 'Requests by path and outcome', 'outcome', state => state.outcomes)
  labelled('refusals_total', 'Refusals by cause', 'cause', state => state.refusals)
  labelled('core_events_total', 'Counters of the protocol core', 'event', state => state.core)
  labelled('answers_by_time_total', 'Answers by time, upper bound in ms', 'up_to', state => classes(state.latency))
  labelled('answers_by_size_total', 'Answers by size, upper bound in bytes', 'up_to', state => classes(state.sizes))
  bound('used', 'How much there is of what has a bound')
  bound('most', 'The bound')
  return registry
}

function classes ({ bounds, counts }: { bounds: readonly number[], counts: readonly number[] }): Record<string, number> {
  return Object.fromEntries(counts.map((count, index) => [String(bounds[index] ?? '+Inf'), count]))
}
