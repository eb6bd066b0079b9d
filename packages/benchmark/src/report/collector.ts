import { figureOf, ratioOf, type Interval } from '../statistics.ts'
import type {
  Conditions, CostRow, LoadRow, Ratio, ScenarioName, ScenarioResult, Series, StepDiagram, ThroughputRow, Waterfall
} from './types.ts'
import type { Cell } from '../grid/index.ts'

/** One attempt. A failed one has the time limit as its time. */
export interface Sample {
  /** ms */
  time: number
  /** ms; absent when it failed */
  firstByte?: number
  /** Why it failed. */
  error?: string
}

interface Entry { design: string, label: string, conditions: Conditions, samples: Sample[] }

/** Gathers what a scenario measures, so that a part of it is there when the scenario ends early. */
export class Collector {
  readonly options: Record<string, unknown> = {}
  readonly cost: CostRow[] = []
  readonly throughput: ThroughputRow[] = []
  readonly loads: LoadRow[] = []
  readonly steps: StepDiagram[] = []
  readonly waterfalls: Waterfall[] = []
  readonly notes: string[] = []
  cells: Cell[] = []
  readonly #entries = new Map<string, Entry>()
  readonly #seed: number
  /** The design that is compared with all others. */
  own = 'minwww'

  constructor (seed: number) {
    this.#seed = seed
  }

  add ({ design, label }: { design: string, label: string }, conditions: Conditions, sample: Sample): void {
    const key = JSON.stringify([design, conditions])
    let entry = this.#entries.get(key)
    if (entry === undefined) this.#entries.set(key, entry = { design, label, conditions, samples: [] })
    entry.samples.push(sample)
  }

  /** Of each series, ms. */
  firstBytes (): Array<Pick<Entry, 'label' | 'conditions'> & { firstBytes: number[] }> {
    return [...this.#entries.values()].map(({ label, conditions, samples }) =>
      ({ label, conditions, firstBytes: samples.flatMap(({ firstByte }) => firstByte === undefined ? [] : [firstByte]) }))
  }

  /** A sentence for the report, once. */
  note (text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text)
  }

  result (facts: Pick<ScenarioResult, 'scenario' | 'status' | 'seconds' | 'disturbed' | 'load'> & { reason?: string }): ScenarioResult {
    const { options, cost, throughput, loads, steps, waterfalls, cells, notes } = this
    return {
      ...facts,
      options,
      series: [...this.#entries.values()].map(entry => this.#series(entry)),
      ratios: this.#ratios(),
      cost,
      throughput,
      loads,
      steps,
      waterfalls,
      cells,
      notes
    }
  }

  #series ({ design, label, conditions, samples }: Entry): Series {
    const times = samples.map(sample => Math.round(sample.time * 100) / 100)
    const first = samples.flatMap(({ firstByte }) => firstByte === undefined ? [] : [firstByte])
    const errors: Record<string, number> = {}
    for (const { error } of samples) if (error !== undefined) errors[error] = (errors[error] ?? 0) + 1
    return {
      design,
      label,
      conditions,
      failed: samples.filter(({ error }) => error !== undefined).length,
      errors,
      ...figureOf(times, this.#seed),
      ...(first.length > 0 && { firstByte: figureOf(first, this.#seed).p50 }),
      times
    }
  }

  /** Ours against every other design under the same conditions. Of a single attempt nothing follows. */
  #ratios (): Ratio[] {
    const entries = [...this.#entries.values()]
    const timesOf = ({ samples }: Entry): number[] => samples.map(({ time }) => time)
    const several = entries.filter(({ samples }) => samples.length > 1)
    return several.filter(({ design }) => design === this.own).flatMap(own => several
      .filter(other => other !== own && sameConditions(own, other))
      .map((other): Ratio => {
        const ratioAt = (share: number): Interval => ratioOf(timesOf(own), timesOf(other), this.#seed, share)
        return { design: own.design, against: other.design, conditions: own.conditions, p50: ratioAt(0.5), p95: ratioAt(0.95) }
      }))
  }
}

function sameConditions (a: Entry, b: Entry): boolean {
  return JSON.stringify(a.conditions) === JSON.stringify(b.conditions)
}

/** A scenario that did not run. */
export function skippedResult (scenario: ScenarioName, { reason, hint }: { reason: string, hint: string }): ScenarioResult {
  const facts = { scenario, status: 'skipped' as const, seconds: 0, disturbed: [], load: { before: 0, after: 0, loopDelay99: 0 } }
  return { ...new Collector(0).result(facts), reason, hint }
}
