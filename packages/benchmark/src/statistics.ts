import { percentile } from './grid/statistics.ts'
import { SeededRandom } from './grid/random.ts'

/** A value with the bounds of its 95 % bootstrap interval. */
export interface Interval { value: number, low: number, high: number }

/** Percentiles of one series. */
export interface Figure { n: number, p50: Interval, p90: Interval, p99: Interval }

const RESAMPLES = 1_000
/** Shares of the resampled values below and above the interval. */
const TAIL = 0.025
const SHARES = { p50: 0.5, p90: 0.9, p99: 0.99 } as const

/**
 * p50, p90 and p99 by nearest rank, each with a seeded bootstrap interval (1,000 resamples). Below 100 values the p99 is the
 * largest one. NaN without values.
 */
export function figureOf (values: readonly number[], seed: number): Figure {
  const resampled = resample(values, seed)
  const interval = (share: number): Interval => bounds(percentile(values, share), resampled.map(sorted => atRank(sorted, share)))
  return { n: values.length, p50: interval(SHARES.p50), p90: interval(SHARES.p90), p99: interval(SHARES.p99) }
}

/** A percentile of `values` over that of `others`, the median by default, with its bootstrap interval. */
export function ratioOf (values: readonly number[], others: readonly number[], seed: number, share: number = SHARES.p50): Interval {
  const above = resample(values, seed)
  const below = resample(others, seed + 1)
  return bounds(
    percentile(values, share) / percentile(others, share), above.map((sorted, i) => atRank(sorted, share) / atRank(below[i]!, share))
  )
}

/** Sorted samples drawn with replacement; only ranks are drawn, so each is sorted as integers. */
function resample (values: readonly number[], seed: number): Float64Array[] {
  const sorted = Float64Array.from(values).sort()
  const random = new SeededRandom(seed)
  return Array.from({ length: RESAMPLES }, () => {
    const ranks = Uint32Array.from({ length: sorted.length }, () => Math.floor(random.number() * sorted.length)).sort()
    return Float64Array.from(ranks, rank => sorted[rank]!)
  })
}

function atRank (sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

function bounds (value: number, resampled: readonly number[]): Interval {
  return { value: round(value), low: round(percentile(resampled, TAIL)), high: round(percentile(resampled, 1 - TAIL)) }
}

/** Times to the hundredth of a millisecond, ratios to four digits: more would be noise in the report. */
function round (value: number): number {
  return Math.abs(value) < 10 ? Math.round(value * 10_000) / 10_000 : Math.round(value * 100) / 100
}
