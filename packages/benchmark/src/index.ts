/** @minwww/benchmark: scenarios that compare MinWWW with streaming and with I2PTunnel's kind, and their report. */
export * from './grid/index.ts'
export { runBench, writeReport } from './run-bench.ts'
export type { BenchOptions } from './run-bench.ts'
export type { Settings } from './scenarios/scenario.ts'
export type { RouterKind } from './worlds/closed-network.ts'
export { reportHtml } from './report/html.ts'
export { reportText } from './report/terminal.ts'
export { textTable } from './report/table.ts'
export { GRID_HEAD, gridCells } from './report/grid-section.ts'
export { REPORT_FORMAT, SCENARIOS } from './report/types.ts'
export type {
  Conditions as SeriesConditions, CostRow, Machine, Ratio, Report, ScenarioName, ScenarioResult, Series, Step, StepDiagram, ThroughputRow,
  Waterfall
} from './report/types.ts'
export { figureOf, ratioOf } from './statistics.ts'
export type { Figure, Interval } from './statistics.ts'
