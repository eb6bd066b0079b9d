import { SeededRandom } from './grid/random.ts'

/** Something that is measured; all of the same round are measured in a seeded order, one after the other. */
export interface Task { round: number, run: () => Promise<void> }

/** Runs rounds in turn, and within each the tasks in an order drawn from the seed, so that no design always has the same place. */
export async function interleave (
  tasks: readonly Task[], { seed, signal, onDone }: { seed: number, signal: AbortSignal, onDone?: (done: number, total: number) => void }
): Promise<void> {
  const random = new SeededRandom(seed)
  const ordered = tasks.map(task => ({ task, place: random.number() })).sort((a, b) => a.task.round - b.task.round || a.place - b.place)
  let done = 0
  for (const { task } of ordered) {
    signal.throwIfAborted()
    await task.run()
    onDone?.(++done, tasks.length)
  }
}
