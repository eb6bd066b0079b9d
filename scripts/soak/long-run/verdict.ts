import { grows, percentile } from '../measure.ts'
import type { FaultRecord } from './faults.ts'
import type { PageRecord } from './people.ts'
import type { ProcessSample } from './sampler.ts'

const MB = 1_048_576
const HOUR = 3_600_000
/** A page that took longer is slow, ms. */
export const SLOW = 10_000
/** What goes wrong so long after a fault is put down to it, ms: new tunnels, dead exits that are found out. */
export const AFTERMATH = 60_000
/** The same for a site behind a tunnel of i2pd's: the proxy's router keeps its old LeaseSet for so long, and has no other exit. */
const FOREIGN_AFTERMATH = 600_000
/** Samples from which on growth is judged, and the share of the longest life: an exit that did little at first warms up late. */
const ENOUGH = 20
const LONG_ENOUGH = 1 / 2
/** What compiled code and caches take once a service is used, which may be late in its life, MB. */
const WARM_CODE = 6

export interface Run {
  began: number, ended: number, pages: PageRecord[], faults: FaultRecord[], samples: ProcessSample[], troubles: string[]
}

/** One figure of one process: at its first and last samples, its slope after the warm-up, and whether it grows. */
export interface Trend {
  process: string, figure: string, unit: string, first: number, last: number, highest: number, slope: number, grows: boolean | undefined
}

const FIGURES: ReadonlyArray<{
  key: 'heap' | 'buffers' | 'rss' | 'fds' | 'timers' | 'files' | 'log',
  label: string,
  unit: string,
  scale: number,
  slack: (first: number) => number,
  judged: boolean
}> = [
  { key: 'heap', label: 'heap', unit: 'MB', scale: MB, slack: first => Math.max(WARM_CODE, first / 10), judged: true },
  { key: 'buffers', label: 'buffers', unit: 'MB', scale: MB, slack: () => 4, judged: true },
  { key: 'rss', label: 'RSS', unit: 'MB', scale: MB, slack: first => Math.max(16, first / 5), judged: true },
  { key: 'fds', label: 'descriptors', unit: '', scale: 1, slack: () => 4, judged: true },
  { key: 'timers', label: 'timers', unit: '', scale: 1, slack: () => 4, judged: true },
  { key: 'files', label: 'files', unit: 'MB', scale: MB, slack: () => 0, judged: false },
  { key: 'log', label: 'log', unit: 'MB', scale: MB, slack: () => 0, judged: false }
]

/** Of the life of each process that was longest. Real routers are looked at, not judged. */
export function trends (samples: ProcessSample[]): Trend[] {
  const lives = new Map([...groupBy(samples, ({ name }) => name)].map(([name, own]) => [name, longestLife(own)]))
  const enough = Math.max(ENOUGH, LONG_ENOUGH * Math.max(0, ...[...lives.values()].map(({ length }) => length)))
  return [...lives].flatMap(([name, life]) => FIGURES.flatMap(({ key, label, unit, scale, slack, judged }) => {
    const values = life.map(sample => (sample[key] ?? NaN) / scale)
    if (values.some(Number.isNaN)) return []
    const isOurs = life[0]!.heap !== undefined
    const warm = life.slice(Math.ceil(life.length / 6))
    return [{
      process: name,
      figure: label,
      unit,
      first: values[0]!,
      last: values.at(-1)!,
      highest: Math.max(...values),
      slope: slopeOf(warm.map(({ at }) => at / HOUR), values.slice(-warm.length)),
      grows: judged && isOurs && life.length >= enough ? grows(values, slack(values[0]!)) : undefined
    }]
  }))
}

function longestLife (samples: ProcessSample[]): ProcessSample[] {
  const lives = groupBy(samples, ({ pid }) => pid)
  return [...lives.values()].sort((a, b) => b.length - a.length)[0] ?? []
}

/** Least squares. */
function slopeOf (xs: number[], ys: number[]): number {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x0, y0] = [mean(xs), mean(ys)]
  const below = xs.reduce((sum, x) => sum + (x - x0) ** 2, 0)
  return below === 0 ? 0 : xs.reduce((sum, x, i) => sum + (x - x0) * (ys[i]! - y0), 0) / below
}

export const isFailure = ({ outcome }: PageRecord): boolean => outcome !== 'ok' && outcome !== 'aborted'

/** The fault under which, or soon after which, a page was under way. */
export function faultAt (page: PageRecord, faults: FaultRecord[]): FaultRecord | undefined {
  const aftermath = page.kind === 'foreign' ? FOREIGN_AFTERMATH : AFTERMATH
  return faults.findLast(({ began, ended }) => page.began < ended + aftermath && page.began + page.took > began)
}

export interface FailureRow { outcome: string, kind: string, count: number, faults: string[], unexplained: number }

export function failures ({ pages, faults }: Run): FailureRow[] {
  const groups = groupBy(pages.filter(isFailure), ({ outcome, kind }) => `${outcome}\n${kind}`)
  return [...groups.values()].map(group => {
    const causes = group.map(page => faultAt(page, faults)?.name)
    return {
      outcome: group[0]!.outcome,
      kind: group[0]!.kind,
      count: group.length,
      faults: [...new Set(causes.filter(cause => cause !== undefined))],
      unexplained: causes.filter(cause => cause === undefined).length
    }
  }).sort((a, b) => b.count - a.count)
}

export interface Recovery {
  name: string
  count: number
  /** Longest time that it was broken, s. */
  down: number
  /** Longest wait from the fault for a page that was asked for after it, s; the same from the end of the fault. */
  firstPage: number
  afterEnd: number
  /** Slowest whole page that met it, s, and how many failed. */
  slowest: number
  failed: number
}

/** How long each kind of fault was felt. */
export function recoveries ({ faults, pages }: Run): Recovery[] {
  const firstAfter = (time: number): number => Math.min(
    ...pages.filter(page => page.began >= time && page.outcome === 'ok').map(page => page.began + page.took)
  ) - time
  return [...groupBy(faults, ({ name }) => name)].map(([name, group]) => {
    const met = group.flatMap(fault => pages.filter(page => faultAt(page, faults) === fault))
    const longest = (values: number[]): number => Math.max(0, ...values.filter(Number.isFinite)) / 1_000
    return {
      name,
      count: group.length,
      down: longest(group.map(({ began, ended }) => ended - began)),
      firstPage: longest(group.map(({ began }) => firstAfter(began))),
      afterEnd: longest(group.map(({ ended }) => firstAfter(ended))),
      slowest: longest(met.filter(({ outcome }) => outcome === 'ok').map(({ took }) => took)),
      failed: met.filter(isFailure).length
    }
  }).sort((a, b) => a.name.localeCompare(b.name))
}

export interface Verdict { good: boolean, lines: string[] }

/** A page of these took longer than a person waits, ms. */
const LATE = 15_000

export interface Absence {
  fault: FaultRecord
  /** Pages that were under way meanwhile, and the time of the slowest, ms. */
  waited: number
  slowest: number
  /** The longest that one of them took beyond the time at which somebody else had tunnels, ms. */
  beyond: number
}

/** Each time that the proxy's own router was away: no exit and no Destination could bring a page then. */
export function absences ({ faults, pages }: Run): Absence[] {
  return faults.filter(({ usable }) => usable !== undefined).map(fault => {
    const met = pages.filter(page => page.outcome === 'ok' && page.kind !== 'foreign' && isWithin(page, fault))
    return {
      fault,
      waited: met.length,
      slowest: Math.max(0, ...met.map(({ took }) => took)),
      beyond: Math.max(0, ...met.map(page => page.took - floorOf(page, [fault])))
    }
  })
}

const isWithin = (page: PageRecord, { began, usable = began }: FaultRecord): boolean =>
  page.began < usable && page.began + page.took > began

/** How long the page had to wait for the proxy's own router, ms. */
function floorOf (page: PageRecord, faults: FaultRecord[]): number {
  const waits = faults.filter(fault => isWithin(page, fault)).map(({ began, usable = began }) => usable - Math.max(page.began, began))
  return Math.min(page.took, Math.max(0, ...waits))
}

/** Times of whole pages of the own sites and of the foreign one, and how many were late: also without waits for the proxy's own router. */
function siteLines ({ pages, faults }: Run): string[] {
  return [...groupBy(pages, ({ kind }) => kind === 'foreign' ? 'foreign site' : 'own sites')].map(([name, group]) => {
    const whole = group.filter(({ outcome }) => outcome === 'ok')
    const took = whole.map(page => page.took)
    const late = whole.filter(page => page.took > LATE)
    const beyond = late.filter(page => page.took - floorOf(page, faults) > LATE)
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map(share => Math.round(percentile(took, share)))
    const share = ({ length }: PageRecord[]): string => `${length} (${(100 * length / group.length).toFixed(2)} %)`
    return `${name}: ${group.length} pages, ${group.filter(isFailure).length} failed; p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms; ` +
      `over ${LATE / 1_000} s ${share(late)}, without the wait for the proxy's own router ${share(beyond)}`
  })
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

/** What must hold: whole pages, failures only where there was a fault, nothing that grows. */
export function verdict (run: Run): Verdict {
  const { pages } = run
  const failed = pages.filter(isFailure)
  const took = pages.filter(({ outcome }) => outcome === 'ok').map(page => page.took)
  const wrong = pages.filter(({ outcome }) => outcome === 'wrong bytes').length
  const unexplained = failures(run).reduce((sum, row) => sum + row.unexplained, 0)
  const growing = trends(run.samples).filter(trend => trend.grows === true)
  const routerDeaths = recoveries(run).filter(({ name }) => /^router.*killed/.test(name))
  const longest = routerDeaths.sort((a, b) => b.afterEnd - a.afterEnd)[0]
  return {
    good: took.length > 0 && wrong + unexplained + growing.length + run.troubles.length === 0,
    lines: [
      `${pages.length} pages in ${((run.ended - run.began) / 60_000).toFixed(1)} minutes, ${run.faults.length} faults`,
      `${failed.length} failed, ${unexplained} of them without a fault; ${wrong} with wrong bytes; ` +
        `${took.filter(ms => ms > SLOW).length} took over ${SLOW / 1_000} s`,
      `page times: median ${Math.round(percentile(took, 0.5))} ms, p95 ${Math.round(percentile(took, 0.95))} ms, p99 ` +
        `${Math.round(percentile(took, 0.99))} ms, longest ${Math.round(Math.max(0, ...took))} ms`,
      ...siteLines(run),
      ...absences(run).map(({ fault: { name, began, ended, usable }, waited, slowest, beyond }) =>
        `${name}: started again after ${seconds(ended - began)}, tunnels of another client after ${seconds(usable! - began)}; ` +
          `${waited} pages waited, the slowest for ${seconds(slowest)}, at most ${seconds(beyond)} longer than that client`),
      ...(longest === undefined
        ? []
        : [`longest recovery after a router's death: ${longest.afterEnd.toFixed(1)} s from its start to a whole page (${longest.name})`]),
      growing.length === 0 ? 'nothing grows' : `grows: ${growing.map(({ process, figure }) => `${figure} of ${process}`).join(', ')}`,
      ...run.troubles
    ]
  }
}

export function groupBy<T, K> (items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}
