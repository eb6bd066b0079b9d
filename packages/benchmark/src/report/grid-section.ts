import type { Cell } from '../grid/index.ts'
import { geometricMean } from '../grid/statistics.ts'
import { lineChart, marker, type Line } from './charts.ts'
import { hasPercentile, percentileText } from './enough.ts'
import { formatMs, formatSize } from './format.ts'
import { el, escape } from './svg.ts'
import { table } from './table.ts'

export const GRID_HEAD = ['size', 'latency', 'loss', 'bandwidth', 'design', 'n', 'failed', 'p50', 'p90', 'p99', 'limit', 'tunnel messages']

export function gridCells (
  { size, latency, loss, bandwidth, burst, profile, design, n, failed, p50, p90, p99, limit, tunnelMessages }: Cell
): string[] {
  return [
    formatSize(size), `${latency} ms`,
    `${loss} %${burst === undefined ? '' : ` in runs of ${burst}`}${profile === undefined ? '' : `, ${profile}`}`,
    bandwidth === 0 ? 'unlimited' : `${bandwidth} KB/s`, design, String(n), String(failed),
    formatMs(p50), percentileText(n, 'p90', () => formatMs(p90)), percentileText(n, 'p99', () => formatMs(p99)),
    formatMs(limit), tunnelMessages.toFixed(1)
  ]
}

/** Times over the physical limit (RTT + size/bandwidth), so that all points of the grid can be put together. */
export function gridSection (cells: readonly Cell[]): string {
  const shown = (['p50', 'p99'] as const).filter(at => cells.every(({ n }) => hasPercentile(n, at)))
  const designs = [...new Set(cells.map(({ design }) => design))]
  const items = designs.map(design => `<span>${el(
    'svg', { width: 14, height: 14, viewBox: '0 0 14 14', 'aria-hidden': 'true' }, marker(design, 7, 7, design)
  )} ${escape(design)}</span>`)
  return [
    `<p class="legend">${items.join('')}</p>`,
    '<div class="plots">',
    ...shown.flatMap(at => [
      figure(
        `${at} as a multiple of RTT + size/bandwidth, geometric mean, against loss`, cells, designs, at, 'loss', value => `${value} %`
      ),
      figure(`${at} as a multiple of RTT + size/bandwidth, geometric mean, against size`, cells, designs, at, 'size', formatSize)
    ]),
    '</div>',
    `<details class="screen"><summary>All ${cells.length} cells (not printed)</summary>${table(GRID_HEAD, cells.map(gridCells))}</details>`
  ].join('\n')
}

function figure (
  caption: string, cells: readonly Cell[], designs: readonly string[], at: 'p50' | 'p99', key: 'loss' | 'size',
  formatX: (value: number) => string
): string {
  const lines = designs.map((design): Line => {
    const own = cells.filter(cell => cell.design === design)
    const xs = [...new Set(own.map(cell => cell[key]))]
    return {
      mark: design,
      label: design,
      points: xs.map(
        x => ({ x, y: geometricMean(own.filter(cell => cell[key] === x).map(cell => cell[at] / cell.limit)) })
      )
    }
  })
  const chart = lineChart({ title: caption, lines, x: key, formatX, formatY: value => `${value} x` })
  return `<figure><figcaption>${escape(caption)}</figcaption>${chart}</figure>`
}
