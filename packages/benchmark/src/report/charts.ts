import { formatMs } from './format.ts'
import { el, line, linearScale, logScale, svg, text, type Scale } from './svg.ts'

export interface Point { x: number, y: number, low?: number, high?: number }
export interface Line { mark: string, label: string, points: Point[] }

interface LineChart { title: string, lines: Line[], x: string, formatX: (value: number) => string, formatY?: (value: number) => string }

const WIDTH = 460
const HEIGHT = 280
const LEFT = 62
const RIGHT = 12
const TOP = 12
const BOTTOM = 40
const ROW = 22
const NAME = 250

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

export interface Range { mark: string, label: string, p50: number, p90: number, p99: number, failed: number }

/** p50, p90 and p99 of each row on a common axis. */
export function percentileChart (title: string, rows: Range[]): string {
  const width = 760
  const height = TOP + rows.length * ROW + BOTTOM
  const scale = timeScale(rows.flatMap(({ p50, p99 }) => [p50, p99]), [NAME, width - RIGHT - 20])
  const bottom = height - BOTTOM
  const grid = scale.ticks.map(tick => line(
    scale(tick), TOP, scale(tick), bottom, { class: 'grid' }
  ) + text(scale(tick), bottom + 16, formatMs(tick), { 'text-anchor': 'middle' }))
  const body = rows.map(({ mark, label, p50, p90, p99, failed }, i) => {
    const y = TOP + (i + 0.5) * ROW
    return text(NAME - 10, y + 4, failed > 0 ? `${label} (${failed} failed)` : label, { 'text-anchor': 'end' }) +
      line(scale(p50), y, scale(p99), y, { class: `line d-${mark}` }) +
      marker(mark, scale(p50), y, `p50 ${formatMs(p50)}`) +
      el('circle', { cx: scale(p90), cy: y, r: 4, class: `open d-${mark}` }, el('title', {}, `p90 ${formatMs(p90)}`)) +
      line(scale(p99), y - 6, scale(p99), y + 6, { class: `bar d-${mark}` })
  })
  return svg(width, height, title, ...grid, ...body, text(
    (NAME + width) / 2, height - 6, 'p50 filled, p90 open, p99 bar', { 'text-anchor': 'middle', class: 'axis' }
  ))
}

export interface Bar { mark: string, label: string, value: number, note: string }

/** Horizontal bars from zero. */
export function barChart (title: string, bars: Bar[]): string {
  const width = 760
  const height = TOP + bars.length * ROW + 6
  const scale = linearScale([0, Math.max(...bars.map(({ value }) => value), 1)], [NAME, width - 130])
  return svg(width, height, title, ...bars.map(({ mark, label, value, note }, i) => {
    const y = TOP + i * ROW
    return text(NAME - 10, y + 14, label, { 'text-anchor': 'end' }) +
      el('rect', { x: NAME, y: y + 3, width: Math.max(1, scale(value) - NAME), height: ROW - 8, class: `fill d-${mark}` }) +
      text(scale(value) + 6, y + 14, note)
  }))
}

const SHAPES: Readonly<Record<string, string>> = {
  streaming: '1', 'streaming-warm': '1', java: '2', 'streaming-cold': '2', i2pd: '3', 'minwww-single': '3'
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
