import { formatMs } from './format.ts'
import { el, line, linearScale, logScale, svg, text, type Scale } from './svg.ts'

export interface Point { x: number, y: number, low?: number, high?: number }
export interface Line { mark: string, label: string, points: Point[] }

interface LineChart { title: string, lines: Line[], x: string, formatX: (value: number) => string, formatY?: (value: number) => string }

const WIDTH = 400
const HEIGHT = 260
const LEFT = 62
const RIGHT = 12
const TOP = 12
const BOTTOM = 40
/** A name and, below it, what it is the name of. */
const ROW = 34
const MARGIN = 16

/** Lines over a common axis, with the interval of each point as a bar. */
export function lineChart ({ title, lines, x, formatX, formatY = formatMs }: LineChart): string {
  const points = lines.flatMap(({ points }) => points)
  const xs = [...new Set(points.map(point => point.x))].sort((a, b) => a - b)
  const place = (value: number): number => LEFT + 14 +
    (xs.length < 2 ? 0.5 : xs.indexOf(value) / (xs.length - 1)) * (WIDTH - LEFT - RIGHT - 28)
  const scale = timeScale(points.flatMap(({ y, low = y, high = y }) => [low, y, high]), [HEIGHT - BOTTOM, TOP])
  const grid = scale.ticks.map(tick => line(
    LEFT, scale(tick), WIDTH - RIGHT, scale(tick), { class: 'grid' }
  ) + text(LEFT - 6, scale(tick) + 4, formatY(tick), { 'text-anchor': 'end' }))
  const below = xs.map(value => text(place(value), HEIGHT - BOTTOM + 16, formatX(value), { 'text-anchor': 'middle' }))
  const shapes = lines.map(({ mark, points }) => {
    const sorted = [...points].sort((a, b) => a.x - b.x)
    const path = el(
      'polyline', { class: `line d-${mark}`, points: sorted.map(({ x, y }) => `${place(x).toFixed(1)},${scale(y).toFixed(1)}`).join(' ') }
    )
    const bars = sorted.map(({ x, low, high }) => low === undefined || high === undefined
      ? ''
      : line(place(x), scale(low), place(x), scale(high), { class: `bar d-${mark}` }))
    return [
      path, ...bars, ...sorted.map(({ x, y }) => marker(mark, place(x), scale(y), `${formatX(x)}: ${formatY(Math.round(y * 100) / 100)}`))
    ].join('')
  })
  return svg(
    WIDTH, HEIGHT, title, ...grid, ...below, text((WIDTH + LEFT) / 2, HEIGHT - 6, x, { 'text-anchor': 'middle', class: 'axis' }), ...shapes
  )
}

/** Percentiles for which there are too few values are left out; `interval` is that of the p50. */
export interface Range {
  mark: string
  label: string
  p50: number
  interval: readonly [low: number, high: number]
  p90: number | undefined
  p99: number | undefined
  failed: number
}

/** The p50 of each row with its interval, p90 and p99 on a common axis. */
export function percentileChart (title: string, rows: Range[]): string {
  const width = WIDTH
  const height = TOP + rows.length * ROW + BOTTOM
  const values = rows.flatMap(({ p50, interval, p90 = p50, p99 = p90 }) => [p50, ...interval, p90, p99])
  const scale = timeScale(values, [MARGIN, width - RIGHT - MARGIN])
  const bottom = height - BOTTOM
  const grid = scale.ticks.map(tick => line(
    scale(tick), TOP, scale(tick), bottom, { class: 'grid' }
  ) + text(scale(tick), bottom + 16, formatMs(tick), { 'text-anchor': 'middle' }))
  const body = rows.map(({ mark, label, p50, interval: [low, high], p90, p99, failed }, i) => {
    const y = TOP + (i + 0.7) * ROW
    const end = Math.max(high, p90 ?? 0, p99 ?? 0)
    return text(MARGIN, y - 10, failed > 0 ? `${label} (${failed} failed)` : label, { class: 'halo' }) +
      line(scale(low), y, scale(end), y, { class: `line d-${mark}` }) +
      line(scale(low), y - 4, scale(low), y + 4, { class: `bar d-${mark}` }) +
      line(scale(high), y - 4, scale(high), y + 4, { class: `bar d-${mark}` }) +
      marker(mark, scale(p50), y, `p50 ${formatMs(p50)}`) +
      (p90 === undefined ? '' : circle(mark, scale(p90), y, `p90 ${formatMs(p90)}`)) +
      (p99 === undefined ? '' : line(scale(p99), y - 6, scale(p99), y + 6, { class: `bar d-${mark}` }))
  })
  const shown = ['p50 filled, with its interval', ...rows.some(({ p90 }) => p90 !== undefined) ? ['p90 open'] : [],
    ...rows.some(({ p99 }) => p99 !== undefined) ? ['p99 long bar'] : []]
  return svg(width, height, title, ...grid, ...body, text(
    width / 2, height - 6, shown.join(', '), { 'text-anchor': 'middle', class: 'axis' }
  ))
}

function circle (mark: string, x: number, y: number, title: string): string {
  return el('circle', { cx: x, cy: y, r: 4, class: `open d-${mark}` }, el('title', {}, title))
}

export interface Bar { mark: string, label: string, value: number, note: string }

/** Horizontal bars from zero. */
export function barChart (title: string, bars: Bar[]): string {
  const width = WIDTH
  const height = TOP + bars.length * ROW + 6
  const scale = linearScale([0, Math.max(...bars.map(({ value }) => value), 1)], [MARGIN, width - 120])
  return svg(width, height, title, ...bars.map(({ mark, label, value, note }, i) => {
    const y = TOP + i * ROW
    return text(MARGIN, y + 11, label) +
      el('rect', { x: MARGIN, y: y + 16, width: Math.max(1, scale(value) - MARGIN), height: ROW - 22, class: `fill d-${mark}` }) +
      text(scale(value) + 6, y + 26, note)
  }))
}

const SHAPES: Readonly<Record<string, string>> = {
  'minwww-stream': '4',
  streaming: '1',
  'streaming-warm': '1',
  java: '2',
  'streaming-cold': '2',
  i2pd: '3',
  'minwww-single': '3',
  'streaming-informed': '4'
}

/** A shape of its own for each design, so that the charts can be read without colours. */
export function marker (mark: string, x: number, y: number, title: string): string {
  const tip = el('title', {}, title)
  const attributes = { class: `fill d-${mark}` }
  const polygon = (points: Array<[number, number]>): string => el(
    'polygon', { ...attributes, points: points.map(([dx, dy]) => `${(x + dx).toFixed(1)},${(y + dy).toFixed(1)}`).join(' ') }, tip
  )
  const shape = SHAPES[mark] ?? mark
  if (shape === '1') return el('rect', { ...attributes, x: x - 4, y: y - 4, width: 8, height: 8 }, tip)
  if (shape === '2') return polygon([[0, -5.5], [5, 4], [-5, 4]])
  if (shape === '3') return polygon([[0, -6], [6, 0], [0, 6], [-6, 0]])
  return el('circle', { ...attributes, cx: x, cy: y, r: 4.5 }, tip)
}

function timeScale (values: number[], range: [number, number]): Scale {
  const real = values.filter(value => value > 0)
  const [low, high] = real.length === 0 ? [1, 10] : [Math.min(...real), Math.max(...real)]
  return logScale([low / 1.25, high * 1.25], range)
}
