import type { Cell } from '../grid/index.ts'
import { SeededRandom } from '../grid/random.ts'
import { geometricMean, percentile } from '../grid/statistics.ts'
import type { Interval } from '../statistics.ts'
import { conditionsInWords, rankOf } from './format.ts'
import type { Conditions, Ratio, ScenarioResult } from './types.ts'

/** What MinWWW is measured against: itself in its literal form is no rival. */
const OWN = 'minwww'
const RESAMPLES = 1_000
const TAIL = 0.025

/** What a scenario says, in sentences: one for each rival, each with the interval of its figure. */
export function verdictsOf (result: ScenarioResult): string[] {
  const { status, reason, ratios, cells, cost, throughput, loads, steps } = result
  if (status === 'skipped') return [`Not measured: ${reason ?? 'no reason given'}.`]
  const all = [
    ...rivalsOf(ratios.map(({ against }) => against)).map(rival => {
      const own = labelOf(result, ratios[0]!.design)
      return ofRatios(own, labelOf(result, rival), ratios.filter(({ against }) => against === rival))
    }),
    ...gridVerdicts(cells),
    ...costVerdicts(cost),
    ...stepVerdicts(steps),
    ...throughputVerdicts(throughput),
    ...loadVerdicts(loads)
  ]
  return all.length > 0 ? all : ['Nothing to compare: no rival was measured under the same conditions.']
}

const labelOf = ({ series }: ScenarioResult, rival: string): string => series.find(({ design }) => design === rival)?.label ?? rival

const rivalsOf = (names: readonly string[]): string[] => [...new Set(names)].sort((a, b) => rankOf(a) - rankOf(b))

/** One ratio as it was measured; several by their geometric mean, whose interval is put together from those of the conditions. */
function ofRatios (own: string, label: string, ratios: readonly Ratio[]): string {
  const usable = ratios.map(({ p50 }) => p50).filter(({ value, low, high }) => [value, low, high].every(x => Number.isFinite(x) && x > 0))
  if (usable.length === 0) return `Against ${label}: no page of both was complete.`
  const faster = usable.filter(({ high }) => high < 1).length
  const slower = usable.filter(({ low }) => low > 1).length
  const open = usable.length - faster - slower
  const all = together(usable)
  const verdict = `${judgement(own, all)}: it takes ${share(all)} of the time of ${label}`
  if (usable.length === 1) return `${verdict} (medians).`
  const counts = [['faster', faster], ['slower', slower], ['undecided', open]] as const
  const where = counts.filter(([, count]) => count > 0).map(([word, count]) => `${word} under ${count}`).join(', ')
  return `${verdict}, as geometric mean of the medians; ${where} of ${usable.length} conditions.`
}

/** Conditions are measured apart from each other, so that the variances of the logarithms add up. */
export function together (ratios: readonly Interval[]): Interval {
  const centre = geometricMean(ratios.map(({ value }) => value))
  const spread = (side: 'low' | 'high'): number =>
    Math.sqrt(ratios.reduce((sum, ratio) => sum + Math.log(ratio[side] / ratio.value) ** 2, 0)) / ratios.length
  return { value: centre, low: centre * Math.exp(-spread('low')), high: centre * Math.exp(spread('high')) }
}

/** The grid has no interval in a cell: that over the cells says how far conditions differ. */
function gridVerdicts (cells: readonly Cell[]): string[] {
  const own = new Map(cells.filter(({ design }) => design === OWN).map(cell => [keyOf(cell), cell]))
  return rivalsOf(cells.map(({ design }) => design)).filter(rival => !rival.startsWith(OWN)).flatMap(rival => {
    const ratios = cells.filter(({ design }) => design === rival).flatMap(cell => {
      const mine = own.get(keyOf(cell))
      return mine === undefined ? [] : [mine.p50 / cell.p50]
    }).filter(ratio => Number.isFinite(ratio) && ratio > 0)
    if (ratios.length === 0) return []
    const faster = ratios.filter(ratio => ratio < 1).length
    const all = overCells(ratios)
    const name = GRID_NAMES[rival] ?? rival
    return [`${judgement('MinWWW', all)}: it takes ${share(all)} of the time of ${name}, as geometric mean of the medians over the cells ` +
      `of the grid; faster in ${faster} of ${ratios.length} cells.`]
  })
}

const GRID_NAMES: Readonly<Record<string, string>> = {
  'streaming-cold': 'cold streaming', 'streaming-warm': 'warm streaming', 'streaming-informed': 'streaming that begins informed'
}

const keyOf = ({ size, latency, loss, bandwidth, burst, profile }: Cell): string =>
  JSON.stringify([size, latency, loss, bandwidth, burst, profile])

/** 95 % bootstrap interval; the draws are the same each time. */
function overCells (ratios: readonly number[]): Interval {
  const random = new SeededRandom(1)
  const draw = (): number => geometricMean(ratios.map(() => ratios[Math.floor(random.number() * ratios.length)]!))
  const means = Array.from({ length: RESAMPLES }, draw)
  return { value: geometricMean(ratios), low: percentile(means, TAIL), high: percentile(means, 1 - TAIL) }
}

/** Sums are exact up to the losses of the network: the range over the conditions stands for an interval. */
function costVerdicts (cost: ScenarioResult['cost']): string[] {
  return compared(cost, row => row.bytes).map(({ label, ratios }) =>
    `MinWWW moves ${share(range(ratios))} of the bytes of ${label} for a page (mean; range over ${conditions(ratios.length)}).`)
}

function stepVerdicts (steps: ScenarioResult['steps']): string[] {
  const states = new Map<string, Array<ScenarioResult['steps'][number]>>()
  for (const step of steps) {
    const words = conditionsInWords(step.conditions)
    states.set(words, [...states.get(words) ?? [], step])
  }
  return [...states].map(([words, rows]) => {
    const sorted = [...rows].sort((a, b) => rankOf(a.design) - rankOf(b.design))
    const counts = sorted.map(({ label, traversals }) => `${label} ${traversals}`).join(', ')
    return `${words}: traversals that the page waited for: ${counts} (counted, one page each).`
  })
}

/** Any design may be the one that is compared: the first is ours. */
function throughputVerdicts (rows: ScenarioResult['throughput']): string[] {
  const first = rows[0]?.design
  const own = rows.filter(({ design }) => design === first)
  return [...new Set(rows.map(({ design }) => design))].filter(design => design !== first).map(design => {
    const others = rows.filter(row => row.design === design)
    const pairs = own.flatMap(row => others.filter(other => same(other.conditions, row.conditions)).map(other => [row, other] as const))
    const low = Math.min(...pairs.map(([row, other]) => row.slowest / other.fastest))
    const high = Math.max(...pairs.map(([row, other]) => row.fastest / other.slowest))
    const value = geometricMean(pairs.map(([row, other]) => row.messagesPerSecond / other.messagesPerSecond))
    return `${own[0]?.label ?? ''} moves ${share({ value, low, high })} times the messages of ${others[0]?.label ?? design} in a second ` +
      '(geometric mean of the medians; slowest against fastest run).'
  })
}

/** Pages a second, with the range over the conditions. */
function loadVerdicts (rows: ScenarioResult['loads']): string[] {
  const usable = rows.filter(({ pages }) => pages > 0)
  return compared(usable, row => row.pagesPerSecond).map(({ label, ratios }) =>
    `MinWWW carries ${share(range(ratios))} times the pages of ${label} in a second (mean; range over ${conditions(ratios.length)}).`)
}

interface Compared { design: string, label: string, conditions: Conditions }

function compared<T extends Compared> (rows: readonly T[], of: (row: T) => number): Array<{ label: string, ratios: number[] }> {
  const own = rows.filter(({ design }) => design === OWN)
  return rivalsOf(rows.map(({ design }) => design)).filter(rival => !rival.startsWith(OWN)).flatMap(rival => {
    const others = rows.filter(({ design }) => design === rival)
    const ratios = own.flatMap(row => others.filter(other => same(other.conditions, row.conditions)).map(other => of(row) / of(other)))
    return ratios.length === 0 ? [] : [{ label: others[0]!.label, ratios }]
  })
}

const same = (a: Conditions, b: Conditions): boolean => JSON.stringify(a) === JSON.stringify(b)

function range (values: readonly number[]): Interval {
  return { value: geometricMean(values), low: Math.min(...values), high: Math.max(...values) }
}

const conditions = (count: number): string => count === 1 ? 'one set of conditions' : `${count} sets of conditions`

const share = ({ value, low, high }: Interval): string => `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`

/** What an interval of ratios of times says. */
const judgement = (own: string, { low, high }: Interval): string =>
  `${own}${high < 1 ? ' is faster' : low > 1 ? ' is slower' : ': no difference is shown'}`
