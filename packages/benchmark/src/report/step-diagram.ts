import { formatMs } from './format.ts'
import { el, line, linearScale, svg, text } from './svg.ts'
import type { Step, StepDiagram } from './types.ts'

const WIDTH = 660
const CLIENT = 165
const SERVER = 385
const TOP = 34
const BOTTOM = 26
const MIN_HEIGHT = 220
const MAX_HEIGHT = 620
/** Height per different time of sending, so that close messages do not become one. */
const PER_TIME = 26
/** Text lines of one side nearer than this are put together, px. */
const LABEL_GAP = 13

/** Two lifelines with time downwards; what the end of the page waited for is drawn strongly. */
export function stepDiagram (diagram: StepDiagram): string {
  const { steps, total, label, traversals } = diagram
  const until = Math.max(total, ...steps.filter(({ sent }) => sent <= total).map(({ arrived, sent }) => arrived ?? sent))
  const shown = steps.filter(({ sent }) => sent <= total)
  const height = Math.min(MAX_HEIGHT, Math.max(MIN_HEIGHT, new Set(shown.map(({ sent }) => Math.round(sent / 10))).size * PER_TIME))
  const y = linearScale([0, until || 1], [TOP, height - BOTTOM], 6)
  const lanes = [[CLIENT, 'client'], [SERVER, 'server']].map(([x, name]) =>
    text(
      Number(x), 16, String(name), { 'text-anchor': 'middle', class: 'axis' }
    ) + line(Number(x), TOP - 10, Number(x), height - BOTTOM, { class: 'lifeline' }))
  const ticks = y.ticks.map(tick => line(CLIENT, y(tick), SERVER, y(tick), { class: 'grid' }) + text(4, y(tick) + 4, formatMs(tick)))
  const done = line(CLIENT, y(total), SERVER, y(total), { class: 'done' }) +
    text((CLIENT + SERVER) / 2, y(total) + 13, `complete after ${formatMs(total)}`, { 'text-anchor': 'middle', class: 'halo' })
  const arrows = shown.map(step => arrow(step, y))
  return svg(WIDTH, height, `${label}: ${traversals} traversals`, arrowHeads(), ...lanes, ...ticks, ...arrows, ...labels(shown, y), done)
}

function arrow ({ from, sent, arrived, critical, acknowledgement }: Step, y: (value: number) => number): string {
  const [start, end] = from === 'client' ? [CLIENT, SERVER] : [SERVER, CLIENT]
  const kind = critical ? 'critical' : acknowledgement ? 'ack' : 'data'
  if (arrived === undefined) return line(start, y(sent), (start + end) / 2, y(sent) + 10, { class: 'arrow lost' })
  return line(start, y(sent), end, y(arrived), { class: `arrow ${kind}`, 'marker-end': `url(#head-${kind})` })
}

/** What each side sent, beside its lifeline; messages sent at nearly the same time share a line. */
function labels (steps: readonly Step[], y: (value: number) => number): string[] {
  return (['client', 'server'] as const).flatMap(side => {
    const lines: Array<{ at: number, steps: Step[] }> = []
    for (const step of steps.filter(({ from }) => from === side)) {
      const last = lines.at(-1)
      if (last !== undefined && y(step.sent) - last.at < LABEL_GAP) last.steps.push(step)
      else lines.push({ at: y(step.sent), steps: [step] })
    }
    return lines.map(({ at, steps }) => side === 'client'
      ? text(CLIENT - 8, at + 4, labelOf(steps), { 'text-anchor': 'end' })
      : text(SERVER + 8, at + 4, labelOf(steps)))
  })
}

function labelOf (steps: readonly Step[]): string {
  const names = new Map<string, number>()
  for (const { kind } of steps) {
    const name = kind.replace(/ \d+$/, '')
    names.set(name, (names.get(name) ?? 0) + 1)
  }
  const tunnelMessages = steps.reduce((sum, step) => sum + step.tunnelMessages, 0)
  return `${[...names].map(([name, count]) => count > 1 ? `${count} x ${name}` : name).join(', ')}: ${tunnelMessages} TM`
}

function arrowHeads (): string {
  const head = (kind: string): string => el('marker', {
    id: `head-${kind}`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto'
  },
  el('path', { d: 'M0 0 8 4 0 8z', class: `head ${kind}` }))
  return el('defs', {}, ...['critical', 'ack', 'data'].map(head))
}
