import { el, line, linearScale, svg, text } from '../../../packages/benchmark/src/report/svg.ts'

/** A curve; `y` undefined breaks it. */
export interface Curve { label: string, points: Array<{ x: number, y: number | undefined }> }
export interface Band { from: number, to: number, label: string }

interface TimeChart {
  title: string
  /** ms from the start. */
  length: number
  curves: Curve[]
  faults: Band[]
  format: (value: number) => string
}

const WIDTH = 560
const HEIGHT = 210
const LEFT = 56
const RIGHT = 8
const TOP = 8
const BOTTOM = 34
const COLOURS = 5
const MINUTE = 60_000

/** Curves over time, from zero, with the faults as grey bands behind them. */
export function timeChart ({ title, length, curves, faults, format }: TimeChart): string {
  const highest = Math.max(1e-9, ...curves.flatMap(({ points }) => points.map(({ y }) => y ?? 0)))
  const x = linearScale([0, length / MINUTE], [LEFT, WIDTH - RIGHT], 8)
  const y = linearScale([0, highest * 1.08], [HEIGHT - BOTTOM, TOP], 4)
  const bands = faults.map(({ from, to, label }) => el('rect', {
    x: x(from / MINUTE), y: TOP, width: Math.max(1, x(to / MINUTE) - x(from / MINUTE)), height: HEIGHT - BOTTOM - TOP, class: 'fault'
  }, el('title', {}, label.replaceAll('&', '&amp;').replaceAll('<', '&lt;'))))
  const grid = y.ticks.map(tick => line(
    LEFT, y(tick), WIDTH - RIGHT, y(tick), { class: 'grid' }
  ) + text(LEFT - 5, y(tick) + 4, format(tick), { 'text-anchor': 'end' }))
  const below = x.ticks.map(tick => text(x(tick), HEIGHT - BOTTOM + 15, String(Math.round(tick * 100) / 100), { 'text-anchor': 'middle' }))
  const shapes = curves.map(({ points }, i) => el('path', {
    class: `thin d-${i % COLOURS}`,
    d: pathOf(
      points.map(point => ({ x: x(point.x / MINUTE), y: point.y === undefined ? undefined : y(point.y) }))
    )
  }))
  return svg(WIDTH, HEIGHT, title, ...bands, ...grid, ...below, text(
    (WIDTH + LEFT) / 2, HEIGHT - 4, 'minutes', { 'text-anchor': 'middle', class: 'axis' }
  ), ...shapes)
}

function pathOf (points: Array<{ x: number, y: number | undefined }>): string {
  let isDown = false
  return points.map(({ x, y }) => {
    const step = y === undefined ? '' : `${isDown ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
    isDown = y !== undefined
    return step
  }).join('')
}

export function legendOf (curves: Curve[]): string {
  return el('div', { class: 'legend' }, ...curves.map(
    ({ label }, i) => `<span><svg width="16" height="10"><path class="line d-${i % COLOURS}" d="M0 5H16"/></svg> ${label}</span>`
  ))
}
