import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Journal } from './journal.ts'
import { LoadWatch, machineOf, versionsOf } from './machine.ts'
import { Collector, skippedResult } from './report/collector.ts'
import { reportHtml } from './report/html.ts'
import { REPORT_FORMAT, type Report, type ScenarioName, type ScenarioResult } from './report/types.ts'
import { i2cp } from './i2cp/scenario.ts'
import { burst } from './scenarios/burst.ts'
import { large } from './scenarios/large.ts'
import { post } from './scenarios/post.ts'
import { cost } from './scenarios/cost.ts'
import { load } from './scenarios/load.ts'
import { grid } from './scenarios/grid.ts'
import { https } from './scenarios/https.ts'
import { pages } from './scenarios/pages.ts'
import { routers } from './scenarios/routers.ts'
import type { Scenario, ScenarioContext, Settings } from './scenarios/scenario.ts'
import { steps } from './scenarios/steps.ts'
import { tunnel } from './scenarios/tunnel.ts'
import { url } from './scenarios/url.ts'

export interface BenchOptions {
  /** Default: all but `i2cp`, which is about libraries, and `url`, which needs proxies of the user's own. */
  scenarios?: readonly ScenarioName[]
  /** Less of everything: under three minutes on a quiet machine. */
  quick?: boolean
  /** Order, bodies and the model of the network. Default 1. */
  seed?: number
  settings?: Settings
  /** Directory for report.json and report.html; an interrupted run with the same options goes on from there. */
  out?: string
  /** How the run was asked for, for the report. */
  command?: string
  /** Ends the run; what has been measured is in the report. */
  signal?: AbortSignal
  onProgress?: (text: string) => void
}

const ALL: Readonly<Record<ScenarioName, Scenario>> = {
  steps, cost, tunnel, burst, post, large, load, pages, https, routers, grid, i2cp, url
}
const DEFAULT: readonly ScenarioName[] = ['steps', 'cost', 'tunnel', 'burst', 'post', 'large', 'load', 'pages', 'https', 'routers', 'grid']

/**
 * Runs scenarios one after the other and gives one report. A scenario that cannot run here is skipped with the reason; one that
 * fails keeps what it had. Rejects only when `out` cannot be written.
 */
export async function runBench (options: BenchOptions = {}): Promise<Report> {
  const {
    scenarios = DEFAULT,
    quick = false,
    seed = 1,
    settings = {},
    out,
    command = 'runBench',
    signal = new AbortController().signal,
    onProgress = () => {}
  } = options
  const started = new Date().toISOString()
  const versions = versionsOf()
  const results: ScenarioResult[] = []
  const report = (): Report => ({
    format: REPORT_FORMAT,
    command,
    started,
    finished: new Date().toISOString(),
    seed,
    quick,
    machine: machineOf(),
    versions,
    scenarios: results
  })
  for (const name of scenarios) {
    if (signal.aborted) break
    const journal = new Journal(out === undefined ? undefined : join(out, name), { scenario: name, quick, seed, settings, versions })
    const progress = (text: string): void => onProgress(`${name}: ${text}`)
    if (journal.size > 0) progress(`${journal.size} results of an earlier run are kept`)
    results.push(await runScenario(ALL[name], { quick, seed, settings, signal, journal, out: new Collector(seed), progress }))
    if (out !== undefined) writeReport(out, report())
  }
  return report()
}

async function runScenario (scenario: Scenario, context: ScenarioContext): Promise<ScenarioResult> {
  const { name } = scenario
  const missing = await scenario.missing(context.settings)
  if (missing !== undefined) {
    context.progress(`skipped: ${missing.reason}`)
    return skippedResult(name, missing)
  }
  const watch = await LoadWatch.start()
  const began = performance.now()
  let outcome: Pick<ScenarioResult, 'status' | 'reason'> = { status: 'done' }
  try {
    await scenario.run(context)
  } catch (error) {
    const { aborted } = context.signal
    outcome = { status: aborted ? 'partial' : 'failed', reason: aborted ? 'interrupted' : (error as Error).message }
    context.progress(`${outcome.status}: ${outcome.reason ?? ''}`)
  }
  const seconds = Math.round((performance.now() - began) / 100) / 10
  const { disturbed, load } = watch.stop()
  return context.out.result({ scenario: name, ...outcome, seconds, load, disturbed: scenario.virtualTime === true ? [] : disturbed })
}

/** Writes report.json and report.html. */
export function writeReport (folder: string, report: Report): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 1)}\n`)
  writeFileSync(join(folder, 'report.html'), reportHtml(report))
}
