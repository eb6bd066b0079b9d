import { barChart } from './charts.ts'
import { conditionsInWords, formatMs, formatSize, groupBy, inOrder } from './format.ts'
import { stepDiagram } from './step-diagram.ts'
import { escape } from './svg.ts'
import { table } from './table.ts'
import type { CostRow, LoadRow, StepDiagram, ThroughputRow, Waterfall } from './types.ts'
import { waterfallChart } from './waterfall.ts'

export const COST_HEAD = [
  'conditions', 'design', 'tunnel messages', 'messages', 'acknowledgements', 'bytes', 'CPU here', 'CPU of its processes',
  'memory of its processes', 'failed'
]

/** A row of the table of costs, for a page and for a terminal. */
export function costCells (
  { conditions, label, tunnelMessages, messages, acknowledgements, bytes, cpu, memory, failed, pages }: CostRow
): string[] {
  return [
    conditionsInWords(conditions), label, tunnelMessages.toFixed(1), messages.toFixed(1), acknowledgements.toFixed(1),
    String(Math.round(bytes)),
    `${cpu.own.toFixed(1)} ms`, `${cpu.processes.toFixed(1)} ms`, `${memory.processes} MB`, `${failed} of ${pages}`
  ]
}

export function costSection (rows: readonly CostRow[]): string {
  const ordered = inOrder(rows)
  const bars = ordered.map(({ design, conditions, bytes, tunnelMessages }) => ({
    mark: design,
    label: `${formatSize(Number(conditions.size))}, ${design}`,
    value: bytes,
    note: `${Math.round(bytes / 102.4) / 10} KB, ${tunnelMessages.toFixed(0)} TM`
  }))
  return '<h3>Bytes and tunnel messages per ' +
    `page</h3><div class="plots"><figure>${barChart('bytes per page', bars)}</figure></div>${table(COST_HEAD, ordered.map(costCells))}`
}

export const THROUGHPUT_HEAD = [
  'conditions', 'design', 'messages/s', 'slowest to fastest run', 'CPU of the sender', 'CPU of the receiver', 'runs'
]

export function throughputCells ({ conditions, label, messagesPerSecond, slowest, fastest, cpu, runs }: ThroughputRow): string[] {
  return [
    conditionsInWords(conditions), label, String(messagesPerSecond), `${slowest} to ${fastest}`, `${cpu.sender.toFixed(1)} µs`,
    `${cpu.receiver.toFixed(1)} µs`, String(runs)
  ]
}

export function throughputSection (rows: readonly ThroughputRow[]): string {
  return table(THROUGHPUT_HEAD, inOrder(rows).map(throughputCells))
}

export const LOAD_HEAD = [
  'conditions', 'design', 'pages/s', 'p50', 'p95', 'failed', 'CPU of the clients', 'CPU of the server', 'processors busy'
]

export function loadCells ({ conditions, label, pagesPerSecond, p50, p95, failed, cpu, busy }: LoadRow): string[] {
  return [
    conditionsInWords(conditions), label, String(Math.round(pagesPerSecond)), formatMs(p50), formatMs(p95), String(failed),
    `${cpu.client.toFixed(2)} ms`, `${cpu.server.toFixed(2)} ms`, busy.toFixed(1)
  ]
}

export function loadSection (rows: readonly LoadRow[]): string {
  return `<h3>Pages a second, and CPU of a page</h3>${table(LOAD_HEAD, inOrder(rows).map(loadCells))}`
}

export function waterfallSection (waterfalls: readonly Waterfall[]): string {
  const figures = [...groupBy(inOrder(waterfalls), [])].map(([words, group]) => {
    const until = Math.max(...group.map(({ load }) => load)) * 1.02
    return `<h4>${escape(words)}</h4><div class="plots">` + group.map(one => `<figure><figcaption>${escape(one.label)}: load event after ` +
      `${formatMs(one.load)}</figcaption>${waterfallChart(one, until)}</figure>`).join('') + '</div>'
  })
  return `<h3>One page of each</h3>${figures.join('')}`
}

export const STEPS_HEAD = ['conditions', 'design', 'traversals', 'messages', 'acknowledgements', 'tunnel messages', 'complete after']

export function stepsCells ({ conditions, label, traversals, messages, acknowledgements, tunnelMessages, total }: StepDiagram): string[] {
  return [
    conditionsInWords(conditions), label, String(traversals), String(messages), String(acknowledgements), String(tunnelMessages),
    formatMs(total)
  ]
}

export function stepsSection (diagrams: readonly StepDiagram[]): string {
  const ordered = inOrder(diagrams)
  const figures = ordered.map(one => `<figure><figcaption>${escape(one.label)}, ${escape(conditionsInWords(one.conditions))}: ` +
    `${one.traversals} traversals, ${one.messages} messages</figcaption>${stepDiagram(one)}</figure>`)
  return `${table(STEPS_HEAD, ordered.map(stepsCells))}<p class="soft">Time runs downwards. Thick: the chain that the end of the page ` +
    'waited for. Dotted: acknowledgements. TM: tunnel messages. What was sent after the page was complete is in the counts, not in the ' +
    `drawing.</p><div class="plots drawings">${figures.join('')}</div>`
}
