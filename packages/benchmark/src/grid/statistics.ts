/** The smallest value that a share of all values is not above; NaN without values. @param share - 0 to 1 */
export function percentile (values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? NaN
}

export function mean (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function geometricMean (values: readonly number[]): number {
  return Math.exp(mean(values.map(value => Math.log(value))))
}
