import type { Outcome } from './message-service.ts'

/** Upper bounds of the latency classes, ms. */
export const LATENCY_CLASSES = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const
/** Upper bounds of the size classes, bytes. */
export const SIZE_CLASSES = [1_024, 4_096, 16_384, 65_536, 131_072, 1_048_576] as const

export type Path = 'message' | 'stream' | 'push'

/**
 * What the exit has done, in numbers and classes: nothing here says who asked for what.
 */
export class Statistics {
  readonly outcomes = new Map<string, number>()
  readonly refusals = new Map<string, number>()
  /** Counts per class; the last one is everything above. */
  readonly latency = new Array<number>(LATENCY_CLASSES.length + 1).fill(0)
  readonly sizes = new Array<number>(SIZE_CLASSES.length + 1).fill(0)
  latencySum = 0
  sizeSum = 0

  /** `internal`: an error that nobody foresaw. */
  finished (path: Path, outcome: Outcome | 'internal', bytes: number, milliseconds: number): void {
    count(this.outcomes, `${path} ${outcome}`)
    if (outcome !== 'answered') return
    classify(this.latency, LATENCY_CLASSES, milliseconds)
    classify(this.sizes, SIZE_CLASSES, bytes)
    this.latencySum += milliseconds
    this.sizeSum += bytes
  }

  refused (cause: string): void {
    count(this.refusals, cause)
  }
}

function count (counters: Map<string, number>, name: string): void {
  counters.set(name, (counters.get(name) ?? 0) + 1)
}

function classify (counts: number[], bounds: readonly number[], value: number): void {
  const found = bounds.findIndex(bound => value <= bound)
  const index = found === -1 ? bounds.length : found
  counts[index] = (counts[index] ?? 0) + 1
}
