import type { Cell } from '../grid/index.ts'
import type { Interval } from '../statistics.ts'

/** Version of the form of report.json; report.schema.json describes it. */
export const REPORT_FORMAT = 'minwww-bench-1'

export const SCENARIOS = [
  'grid', 'tunnel', 'burst', 'post', 'large', 'load', 'routers', 'pages', 'https', 'cost', 'steps', 'i2cp', 'url'
] as const
export type ScenarioName = typeof SCENARIOS[number]

/** Under what something was measured, by name: size in bytes, latency in ms one way, loss in percent, state cold or warm ... */
export type Conditions = Record<string, number | string>

/** One design under one set of conditions. Times in ms. */
export interface Series {
  design: string
  label: string
  conditions: Conditions
  /** All attempts, failed ones included. */
  n: number
  /** They count in the percentiles with the time limit. */
  failed: number
  /** Reason to number of failures. */
  errors: Record<string, number>
  p50: Interval
  p90: Interval
  p99: Interval
  /** Time to the first byte of the response, median of those that did not fail. */
  firstByte?: Interval
  /** Every time, in order of measurement. */
  times: number[]
}

/** One design's p50 and p95 over another's, under the same conditions. */
export interface Ratio { design: string, against: string, conditions: Conditions, p50: Interval, p95: Interval }

/** What one page costs. */
export interface CostRow {
  design: string
  label: string
  conditions: Conditions
  /** Pages that the means are over. */
  pages: number
  failed: number
  /** Per page, both directions. */
  messages: number
  tunnelMessages: number
  bytes: number
  acknowledgements: number
  /** CPU ms per page: of the benchmark's process with client, exit, router and web server in it, and of the design's own processes. */
  cpu: { own: number, processes: number }
  /** Resident memory, MB: of this process, and of the design's own ones. */
  memory: { own: number, processes: number }
}

/** What an I2CP client library does with messages of one size; medians over the runs. */
export interface ThroughputRow {
  design: string
  label: string
  /** `size` of the payload, bytes. */
  conditions: Conditions
  runs: number
  messagesPerSecond: number
  slowest: number
  fastest: number
  /** CPU of the sending and of the receiving client, microseconds per message. */
  cpu: { sender: number, receiver: number }
}

/** Clients that ask for one page after the other, so many at once, for some seconds. */
export interface LoadRow {
  design: string
  label: string
  conditions: Conditions
  pages: number
  failed: number
  pagesPerSecond: number
  /** ms */
  p50: number
  p95: number
  /** ms of CPU for a page, of the process of all clients and of that of the server. */
  cpu: { client: number, server: number }
  /** Processors that those two and the measuring process used on average. */
  busy: number
}

/** One I2CP message on its way. Times in ms from the request. */
export interface Step {
  from: 'client' | 'server'
  kind: string
  sent: number
  /** Absent: it did not arrive while the trace ran. */
  arrived?: number
  size: number
  tunnelMessages: number
  acknowledgement: boolean
  /** On the chain of messages that the end of the page waited for. */
  critical: boolean
}

export interface StepDiagram {
  design: string
  label: string
  conditions: Conditions
  /** Length of the chain of messages, each caused by the one before, that the end of the page waited for. */
  traversals: number
  messages: number
  acknowledgements: number
  tunnelMessages: number
  /** ms until the page was complete. */
  total: number
  steps: Step[]
}

/** A page as the browser saw it. ms from the start of the navigation. */
export interface Waterfall {
  design: string,
  label: string,
  conditions: Conditions,
  load: number,
  resources: Array<{
    name: string, start: number, end: number, bytes: number
  }>
}

export interface ScenarioResult {
  scenario: ScenarioName
  status: 'done' | 'partial' | 'skipped' | 'failed'
  /** Why it is not done. */
  reason?: string
  /** How to get what is missing. */
  hint?: string
  options: Record<string, unknown>
  seconds: number
  /** What disturbed the measurement; empty is good. */
  disturbed: string[]
  load: { before: number, after: number, loopDelay99: number }
  series: Series[]
  ratios: Ratio[]
  cost: CostRow[]
  throughput: ThroughputRow[]
  loads: LoadRow[]
  steps: StepDiagram[]
  waterfalls: Waterfall[]
  cells: Cell[]
  notes: string[]
}

export interface Machine { cpu: string, cores: number, memoryGB: number, system: string }

export interface Report {
  format: typeof REPORT_FORMAT
  command: string
  started: string
  finished: string
  seed: number
  quick: boolean
  machine: Machine
  versions: Record<string, string>
  scenarios: ScenarioResult[]
}
