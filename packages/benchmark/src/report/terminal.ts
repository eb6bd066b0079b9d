import { conditionsInWords, formatMs, inOrder } from './format.ts'
import { GRID_HEAD, gridCells } from './grid-section.ts'
import type { Interval } from '../statistics.ts'
import { hasPercentile, percentileText } from './enough.ts'
import { formatRatio, leastOf } from './measured-section.ts'
import { COST_HEAD, costCells, LOAD_HEAD, loadCells, STEPS_HEAD, stepsCells, THROUGHPUT_HEAD, throughputCells } from './sections.ts'
import { textTable } from './table.ts'
import { verdictsOf } from './verdict.ts'
import type { Report, ScenarioResult, Series } from './types.ts'

/** The report for a terminal. */
export function reportText ({ machine, versions, seed, scenarios }: Report): string {
  const about = [`${machine.cpu}, ${machine.cores} cores, ${machine.system}`, Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`).join('; '), `seed ${seed}`]
  return [about.join('\n'), ...scenarios.map(scenarioText)].join('\n\n')
}

function scenarioText (result: ScenarioResult): string {
  const { scenario, status, reason, hint, seconds, disturbed, notes, series, cells, cost, throughput, loads, steps } = result
  if (status === 'skipped') return `${scenario}: skipped, ${reason ?? ''}\n  to get it: ${hint ?? ''}`
  return [
    `${scenario}: ${status === 'done' ? `${seconds} s` : `${status}, ${reason ?? ''}`}`,
    ...disturbed.map(text => `  DISTURBED: ${text}`),
    ...verdictsOf(result).map(text => `  ${text}`),
    ...notes.map(note => `  ${note}`),
    ...series.length > 0 ? [seriesText(series), ...failuresOf(series)] : [],
    ...result.ratios.length > 0 ? [ratioText(result)] : [],
    ...cells.length > 0 ? [textTable(GRID_HEAD, cells.map(gridCells))] : [],
    ...cost.length > 0 ? [textTable(COST_HEAD, inOrder(cost).map(costCells))] : [],
    ...throughput.length > 0 ? [textTable(THROUGHPUT_HEAD, inOrder(throughput).map(throughputCells))] : [],
    ...loads.length > 0 ? [textTable(LOAD_HEAD, inOrder(loads).map(loadCells))] : [],
    ...steps.length > 0 ? [textTable(STEPS_HEAD, inOrder(steps).map(stepsCells))] : []
  ].join('\n')
}

function seriesText (series: readonly Series[]): string {
  return textTable(['conditions', 'design', 'n', 'failed', 'p50', '95 % interval', 'p90', 'p99'], inOrder(series)
    .map(({ conditions, label, n, failed, p50, p90, p99 }) => [
      conditionsInWords(conditions), label, String(n), String(failed), formatMs(p50.value), `${formatMs(p50.low)} to ${formatMs(p50.high)}`,
      percentileText(n, 'p90', () => formatMs(p90.value)), percentileText(n, 'p99', () => formatMs(p99.value))
    ]))
}

/** Why pages failed, a line for each series with failures. */
function failuresOf (series: readonly Series[]): string[] {
  return inOrder(series).filter(({ failed }) => failed > 0).map(({ label, conditions, errors }) =>
    `  FAILED: ${label}, ${conditionsInWords(conditions)}: ` +
      `${Object.entries(errors).map(([reason, count]) => `${count} x ${reason}`).join('; ')}`)
}

const cells = ({ value, low, high }: Interval): string[] => [formatRatio(value), `${formatRatio(low)} to ${formatRatio(high)}`]

function ratioText ({ ratios, series }: ScenarioResult): string {
  const labels = new Map(series.map(({ design, label }) => [design, label]))
  const head = `${labels.get(ratios[0]!.design) ?? ''} / rival`
  return textTable([head, 'rival', 'p50', '95 % interval', 'p95', '95 % interval'], inOrder(ratios)
    .map(({ conditions, against, p50, p95 }) => [
      conditionsInWords(conditions), labels.get(against) ?? against,
      ...cells(p50), ...hasPercentile(leastOf(series, conditions), 'p95') ? cells(p95) : ['-', '-']
    ]))
}
