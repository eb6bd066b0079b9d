import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Machine, ScenarioResult } from './report/types.ts'
import { javaMissing, javaStreamingVersion } from './worlds/java-design.ts'

/** Processes that wanted to run before the measurement, per core, above which it counts as disturbed. */
const MAX_LOAD_PER_CORE = 0.7
/** 99th percentile of the event loop's delay, ms, above which it counts as disturbed. */
const MAX_LOOP_DELAY = 50
const NANOSECONDS = 1e6

export function machineOf (): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGB: Math.round(totalmem() / 2 ** 30 * 10) / 10,
    system: `${type()} ${release()}`
  }
}

export function versionsOf (): Record<string, string> {
  const own = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  const versions: Record<string, string> = { minwww: own.version, node: process.versions.node }
  const java = outputOf('java', ['-version'])
  if (java !== undefined) versions.java = java.replaceAll('"', '')
  if (javaMissing() === undefined) versions['Java I2P streaming'] = javaStreamingVersion()
  const i2pd = outputOf('i2pd', ['--version'])
  if (i2pd !== undefined) versions.i2pd = i2pd
  return versions
}

/** The first line that a program says about itself. */
function outputOf (program: string, args: string[]): string | undefined {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 })
  return status === 0 ? `${stdout}${stderr}`.split('\n', 1)[0] : undefined
}

/** Watches whether anything disturbs a measurement: the load before it, and how late the event loop gets its turn. */
export class LoadWatch {
  readonly #before = loadavg()[0] ?? 0
  readonly #delay = monitorEventLoopDelay({ resolution: 10 })

  constructor () {
    this.#delay.enable()
  }

  stop (): Pick<ScenarioResult, 'disturbed' | 'load'> {
    this.#delay.disable()
    const cores = cpus().length
    const loopDelay99 = Math.round(this.#delay.percentile(99) / NANOSECONDS * 10) / 10
    const load = { before: round(this.#before), after: round(loadavg()[0] ?? 0), loopDelay99 }
    const disturbed = [
      ...(this.#before > MAX_LOAD_PER_CORE * cores
        ? [`load average ${load.before} on ${cores} cores before it began: something else was running`]
        : []),
      ...(loopDelay99 > MAX_LOOP_DELAY ? [`the event loop was late by ${loopDelay99} ms in one of a hundred turns`] : [])
    ]
    return { disturbed, load }
  }
}

function round (value: number): number {
  return Math.round(value * 100) / 100
}
