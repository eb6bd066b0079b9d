/**
 * Tables of docs/reports/grid.md from what `minwww bench grid --json` printed, in one file or in several. The table of all points
 * is too long for a page: it goes into artifacts/grid-points.md.
 *
 *   node --conditions=@minwww/source --import tsx packages/benchmark/scripts/grid-table.ts grid.json...
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { behind, lossRows, sibling } from '../src/grid/index.ts'
import type { Cell, Design } from '../src/grid/index.ts'
import { geometricMean } from '../src/grid/statistics.ts'

const KB = 1024
const files = process.argv.slice(2).map(file => (JSON.parse(readFileSync(file, 'utf8')) as { cells: Cell[] }).cells)
const all = [...new Map(files.flat().map(cell => [JSON.stringify([cell.design, cell.size, cell.latency, cell.loss, cell.bandwidth, cell.burst, cell.profile]), cell])).values()]
// Only points at which MinWWW was measured.
const cells = all.filter(cell => cell.design === 'minwww' || sibling(all, cell, 'minwww') !== undefined)
const points = order(cells.filter(({ design }) => design === 'minwww'))

print(
  'By loss',
  ['loss', 'design', 'points', 'p50 / limit', 'p99 / limit', "tunnel messages / warm streaming's", 'pages failed'],
  lossRows(cells).map(row => [
    lossOf({ ...row, profile: row.profile === 'plain' ? undefined : row.profile, burst: row.burst > 1 ? row.burst : undefined }),
    row.design,
    row.points,
    row.p50.toFixed(3),
    row.p99.toFixed(3),
    Number.isNaN(row.tunnelMessages) ? '' : row.tunnelMessages.toFixed(2),
    row.failed
  ])
)

const losses = behind(cells)
print(
  `Behind streaming by more than 5 %: ${losses.length} of ${compared()} comparisons`,
  ['at', 'rival', 'loss', 'size', 'latency', 'KB/s', 'MinWWW, ms', 'rival, ms', 'ratio'],
  losses.map(({ cell, rival, at, ratio }) => [at, rival.design, ...place(cell), cell[at], rival[at], ratio.toFixed(2)])
)

const single = points.filter(
  ({ loss, size, burst, profile }) => loss === 1 && size === 64 * KB && burst === undefined && profile === undefined
)
const pairs = single.map(cell => [cell, sibling(cells, cell, 'streaming-warm')] as const)
print("p99 at 1 % and 64 KB: warm streaming's over MinWWW's, and over the limit, which nothing can beat", ['latency', 'KB/s', 'limit', 'MinWWW', 'warm streaming', 'over MinWWW', 'over the limit'],
  pairs.flatMap(([cell, warm]) => warm === undefined ? [] : [[`${cell.latency} ms`, cell.bandwidth || 'unlimited', cell.limit, cell.p99, warm.p99, (warm.p99 / cell.p99).toFixed(1), (warm.p99 / cell.limit).toFixed(1)]]))

const clean = points.filter(({ loss, burst, profile }) => loss === 0 && burst === undefined && profile === undefined)
print('Tunnel messages without loss, as a multiple of warm streaming\'s', ['size', 'geometric mean', 'worst'],
  [...new Set(clean.map(({ size }) => size))].map(size => {
    const ratios = clean.filter(cell => cell.size === size).flatMap(cell => {
      const warm = sibling(cells, cell, 'streaming-warm')
      return warm === undefined ? [] : [cell.tunnelMessages / warm.tunnelMessages]
    })
    return [`${size / KB} KB`, geometricMean(ratios).toFixed(2), Math.max(...ratios).toFixed(2)]
  }))

mkdirSync('artifacts', { recursive: true })
writeFileSync('artifacts/grid-points.md', table('All points, as p50 / p90 / p99 in ms; tunnel messages of both directions per page; pages that failed', ['loss', 'size', 'latency', 'KB/s', 'limit', 'MinWWW', 'warm streaming', 'cold streaming', 'MinWWW, one message'],
  points.map(cell => [...place(cell), Math.round(cell.limit), times(cell), ...(['streaming-warm', 'streaming-cold', 'minwww-single'] as Design[]).map(design => times(sibling(cells, cell, design)))])))

function print (title: string, head: string[], rows: Array<Array<string | number>>): void {
  console.log(table(title, head, rows))
}

function table (title: string, head: string[], rows: Array<Array<string | number>>): string {
  return `## ${title}\n\n| ${head.join(' | ')} |\n|${'---|'.repeat(head.length)}\n${rows.map(row => `| ${row.join(' | ')} |\n`).join('')}`
}

function place (cell: Cell): Array<string | number> {
  return [lossOf(cell), `${cell.size / KB} KB`, `${cell.latency} ms`, cell.bandwidth || 'unlimited']
}

function lossOf ({ loss, burst, profile }: { loss: number, burst?: number | undefined, profile?: string | undefined }): string {
  return `${loss} %${burst === undefined ? '' : `, runs of ${burst}`}${profile === undefined ? '' : `, ${profile}`}`
}

function times (cell: Cell | undefined): string {
  if (cell === undefined) return ''
  const { p50, p90, p99, tunnelMessages, failed } = cell
  return `${[p50, p90, p99].map(Math.round).join(' / ')}; ${Math.round(tunnelMessages)}${failed > 0 ? `; ${failed} failed` : ''}`
}

function compared (): number {
  const designs = ['streaming-cold', 'streaming-warm'] as Design[]
  return 2 * points.reduce((sum, cell) => sum + designs.filter(design => sibling(cells, cell, design) !== undefined).length, 0)
}

function order (list: Cell[]): Cell[] {
  const rank = ({ profile = '', burst = 1, loss, size, latency, bandwidth }: Cell): Array<number | string> => [profile, burst, loss, size, latency, bandwidth || Infinity]
  return [...list].sort((a, b) => {
    const [x, y] = [rank(a), rank(b)]
    const index = x.findIndex((value, i) => value !== y[i])
    return index < 0 ? 0 : x[index]! < y[index]! ? -1 : 1
  })
}
