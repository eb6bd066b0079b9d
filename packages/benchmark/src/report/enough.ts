/** Values of which one lies beyond the percentile: with fewer it would be the largest value by another name. */
const NEEDED = { p50: 1, p90: 10, p95: 20, p99: 100 } as const

export type Percentile = keyof typeof NEEDED

/** Whether `n` values have this percentile. */
export const hasPercentile = (n: number, percentile: Percentile): boolean => n >= NEEDED[percentile]

/** The text of a percentile, or what stands in its place where there are too few values. */
export const percentileText = (n: number, percentile: Percentile, text: () => string): string => hasPercentile(n, percentile) ? text() : '-'

export const FEW = 'A dash stands where there are too few attempts for a percentile: p90 needs 10, p95 20, p99 100.'
