import { lineChart, marker, percentileChart, type Line } from './charts.ts'
import { conditionsInWords, formatInterval, formatMs, formatSize, groupBy, inOrder, rankOf } from './format.ts'
import { hasPercentile, percentileText } from './enough.ts'
import { el, escape } from './svg.ts'
import { table } from './table.ts'
import type { Ratio, ScenarioResult, Series } from './types.ts'

/** Designs by name; the user's own proxies by number. */
export function markOf (series: readonly { design: string }[], design: string): string {
  if (rankOf(design) < rankOf('')) return design
  return String([...new Set(series.map(one => one.design))].indexOf(design) % 5)
}

export function legend (series: readonly Series[]): string {
  const labels = new Map(series.map(one => [one.design, one.label]))
  const items = [...labels].sort(([a], [b]) => rankOf(a) - rankOf(b)).map(([design, label]) =>
    `<span>${el(
      'svg', { width: 14, height: 14, viewBox: '0 0 14 14', 'aria-hidden': 'true' }, marker(markOf(series, design), 7, 7, label)
    )} ${escape(label)}</span>`)
  return `<p class="legend">${items.join('')}</p>`
}

/** Plots and tables of what was measured on the wall clock. */
export function measuredSection ({ series, ratios }: ScenarioResult): string {
  return [sizePlots(series), lossPlots(series), percentilePlots(series), '<h3>All figures</h3>', seriesTable(series), ratios.length > 0
    ? ratioTable(ratios, series)
    : ''].join('\n')
}

/** Time against `key`, one plot for each set of the other conditions. */
function plots (series: readonly Series[], key: string, x: string, formatX: (value: number) => string): string {
  const figures = [
    ...groupBy(inOrder(series).filter(({ conditions }) => typeof conditions[key] === 'number'), [key])
  ].flatMap(([words, group]) => {
    if (new Set(group.map(({ conditions }) => conditions[key])).size < 2) return []
    const lines = [...new Set(group.map(({ design }) => design))].map((design): Line => ({
      mark: markOf(series, design),
      label: design,
      points: group.filter(one => one.design === design)
        .map(({ conditions, p50 }) => ({ x: Number(conditions[key]), y: p50.value, low: p50.low, high: p50.high }))
    }))
    return ['<figure><figcaption>p50, ' +
      `${escape(words)}</figcaption>${lineChart({ title: `p50 against ${x}, ${words}`, lines, x, formatX })}</figure>`]
  })
  return figures.length === 0 ? '' : `<h3>Time against ${x}</h3><div class="plots">${figures.join('')}</div>`
}

function sizePlots (series: readonly Series[]): string {
  return plots(series, 'size', 'size', formatSize)
}

function lossPlots (series: readonly Series[]): string {
  return plots(series, 'loss', 'loss', value => `${value} %`)
}

function percentilePlots (series: readonly Series[]): string {
  const figures = [...groupBy(inOrder(series), ['size'])].map(([words, group]) => {
    const rows = group.map(({ design, label, conditions, n, p50, p90, p99, failed }) => ({
      mark: markOf(series, design),
      label: conditions.size === undefined
        ? label
        : `${formatSize(Number(conditions.size))}, ${design}`,
      p50: p50.value,
      interval: [p50.low, p50.high] as const,
      p90: hasPercentile(n, 'p90') ? p90.value : undefined,
      p99: hasPercentile(n, 'p99') ? p99.value : undefined,
      failed
    }))
    return `<figure><figcaption>${escape(words)}</figcaption>${percentileChart(`percentiles, ${words}`, rows)}</figure>`
  })
  return `<h3>Spread</h3><div class="plots">${figures.join('')}</div>`
}

function seriesTable (series: readonly Series[]): string {
  return table(['conditions', 'design', 'n', 'failed', 'p50, ms', 'p90, ms', 'p99, ms', 'first byte p50'], inOrder(series)
    .map(({ conditions, label, n, failed, errors, p50, p90, p99, firstByte }) => [
      conditionsInWords(conditions), label, String(n), failed === 0 ? '0' : `${failed}: ${Object.keys(errors).join('; ')}`,
      formatInterval(p50), percentileText(n, 'p90', () => formatInterval(p90)), percentileText(n, 'p99', () => formatInterval(p99)),
      firstByte === undefined ? '-' : formatMs(firstByte.value)
    ]))
}

function ratioTable (ratios: readonly Ratio[], series: readonly Series[]): string {
  const labels = new Map(series.map(({ design, label }) => [design, label]))
  const rows = inOrder(ratios).map(({ conditions, against, p50, p95 }) => [
    conditionsInWords(conditions), labels.get(against) ?? against, formatInterval(p50, formatRatio),
    percentileText(leastOf(series, conditions), 'p95', () => formatInterval(p95, formatRatio))
  ])
  const own = escape(labels.get(ratios[0]!.design) ?? '')
  return `<h3>Time of ${own} over that of the rival</h3><p class="soft">Below 1 ${own} is faster.</p>` +
    table(['conditions', 'rival', 'p50', 'p95'], rows)
}

/** Attempts of the design that has fewest under these conditions. */
export function leastOf (series: readonly Series[], conditions: Series['conditions']): number {
  const key = JSON.stringify(conditions)
  return Math.min(...series.filter(one => JSON.stringify(one.conditions) === key).map(({ n }) => n))
}

export function formatRatio (value: number): string {
  return value.toFixed(2)
}
