import { spawnSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readAsset } from '@minwww/ground/node'
import type { Machine, ScenarioResult } from './report/types.ts'
import { javaMissing, javaStreamingVersion } from './worlds/java-design.ts'

/** Share of the processors that other programs may use before a measurement, above which it counts as disturbed. */
const MAX_OTHERS = 0.2
/** How long we do nothing before a measurement, to see what others do, ms. */
const LOOK = 500
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
  const own = JSON.parse(readAsset(new URL('../package.json', import.meta.url)).toString()) as { version: string }
  const versions: Record<string, string> = { minwww: own.version, node: process.versions.node }
  const java = outputOf('java', ['-version'])
  if (java !== undefined) versions.java = java.replaceAll('"', '').replace(/^(\w+) version /, '$1 ')
  if (javaMissing() === undefined) versions['Java I2P streaming'] = javaStreamingVersion()
  const program = i2pdProgram()
  const i2pd = program && outputOf(program, ['--version'])
  if (i2pd !== undefined) versions.i2pd = i2pd.replace(/^i2pd version /, '')
  return versions
}

/** That of the suite which MINWWW_I2PD names, as in the networks of the repository; else the machine's. */
function i2pdProgram (): string | undefined {
  const suite = process.env.MINWWW_I2PD
  return suite ? outputOf(fileURLToPath(new URL('../../../test/testnet/i2pd-of.sh', import.meta.url)), [suite]) : 'i2pd'
}

/** The first line that a program says about itself. */
function outputOf (program: string, args: string[]): string | undefined {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 })
  return status === 0 ? `${stdout}${stderr}`.split('\n', 1)[0] : undefined
}

/** ms of all processors since the start of the system: at work, and in all. */
function processorTimes (): { busy: number, all: number } {
  const times = cpus().map(({ times }) => times)
  const sum = (of: (time: (typeof times)[number]) => number): number => times.reduce((total, time) => total + of(time), 0)
  const idle = sum(time => time.idle)
  const busy = sum(time => time.user + time.nice + time.sys + time.irq)
  return { busy, all: busy + idle }
}

/** The share of the processors that others use, seen while this process rests. */
async function othersNow (): Promise<number> {
  const before = processorTimes()
  await sleep(LOOK)
  const after = processorTimes()
  const all = after.all - before.all
  return all === 0 ? 0 : (after.busy - before.busy) / all
}

/**
 * Watches whether other programs disturb a measurement: how much they do right before it. What happens later may be our own doing: the load
 * average, and how late the event loop gets its turn, are told without a judgement.
 */
export class LoadWatch {
  readonly #before = loadavg()[0] ?? 0
  readonly #delay = monitorEventLoopDelay({ resolution: 10 })
  readonly #others: number

  private constructor (others: number) {
    this.#others = others
    this.#delay.enable()
  }

  static async start (): Promise<LoadWatch> { return new LoadWatch(await othersNow()) }

  stop (): Pick<ScenarioResult, 'disturbed' | 'load'> {
    this.#delay.disable()
    const loopDelay99 = Math.round(this.#delay.percentile(99) / NANOSECONDS * 10) / 10
    const load = { before: round(this.#before), after: round(loadavg()[0] ?? 0), loopDelay99 }
    return { disturbed: disturbedBy(this.#others), load }
  }
}

/** What is to be said of other programs that used this share of the processors. */
export function disturbedBy (others: number): string[] {
  return others > MAX_OTHERS ? [`other programs used ${Math.round(others * 100)} % of the processors right before it began`] : []
}

function round (value: number): number {
  return Math.round(value * 100) / 100
}
