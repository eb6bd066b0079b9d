import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { DESIGNS, fullGrid, quickGrid } from './cells.ts'
import type { Cell, Conditions, Design } from './cells.ts'
import type { Answer, Task } from './worker.ts'

export interface GridReport { cells: Cell[] }

export interface GridOptions {
  /** 64 cells of 50 runs, for a quick look. Otherwise the whole grid with 200 runs a cell. */
  quick?: boolean
  /** The same seed gives the same figures, however many workers there are. */
  seed?: number
  onProgress?: (progress: { done: number, total: number }) => void
  /** Threads; default one for each core. */
  workers?: number
  /** Points to measure instead of the grid's own. */
  points?: Conditions[]
  /** Designs to measure instead of all. */
  designs?: readonly Design[]
  runs?: number
  signal?: AbortSignal
}

/**
 * Measures MinWWW and streaming, the real cores, in virtual time over the grid of latency, loss, bandwidth and size.
 * Rejects when a core misbehaves: a wrong page or a livelock is an error, not a slow cell.
 */
export async function runGrid (options: GridOptions = {}): Promise<GridReport> {
  const tasks = tasksOf(options)
  const cells: Cell[] = new Array(tasks.length)
  const count = Math.max(1, Math.min(tasks.length, options.workers ?? availableParallelism()))
  let next = 0
  let done = 0
  const onCell = (answer: Answer): void => {
    if ('error' in answer) throw new Error(`cell ${JSON.stringify(tasks[answer.index])}: ${answer.error}`)
    cells[answer.index] = answer.cell
    options.onProgress?.({ done: ++done, total: tasks.length })
  }
  const order = longestFirst(tasks)
  await Promise.all(Array.from({ length: count }, async () => work(() => order[next++], onCell, options.signal)))
  return { cells }
}

/** Seeds depend on the point, not on its place: a subset of the grid has the figures of the grid. */
function tasksOf (options: GridOptions): Task[] {
  const { quick = false, seed = 1, designs = DESIGNS } = options
  const { points = quick ? quickGrid() : fullGrid(), runs = quick ? 50 : 200 } = options
  return points.flatMap(conditions => designs.map(design => ({ design, conditions })))
    .map(({ design, conditions }, index) => ({ index, design, conditions, runs, seed: seedOf(seed, conditions) }))
}

export function seedOf (seed: number, { size, latency, loss, burst, bandwidth }: Conditions): number {
  let hash = seed | 0
  for (const value of [size, latency, loss * 10, burst, bandwidth]) hash = Math.imul(hash ^ value, 0x9e3779b1) ^ hash >>> 15
  return hash
}

function longestFirst (tasks: Task[]): Task[] {
  const weight = ({ conditions }: Task): number => conditions.size * (1 + conditions.loss)
  return [...tasks].sort((a, b) => weight(b) - weight(a))
}

/** One thread takes task after task. */
async function work (take: () => Task | undefined, onCell: (answer: Answer) => void, signal: AbortSignal | undefined): Promise<void> {
  const worker = startWorker()
  try {
    await new Promise<void>((resolve, reject) => {
      const give = (): void => {
        const task = signal?.aborted === true ? undefined : take()
        if (task === undefined) resolve()
        else worker.postMessage(task)
      }
      worker.on('error', reject)
      worker.on('message', (answer: Answer) => {
        try {
          onCell(answer)
          give()
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
      give()
    })
    signal?.throwIfAborted()
  } finally {
    await worker.terminate()
  }
}

/** Run from sources, a thread needs the TypeScript loader of its own: node's module hooks are not inherited. */
function startWorker (): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./worker.js', import.meta.url))
  const url = JSON.stringify(new URL('./worker.ts', import.meta.url).href)
  return new Worker(`import('tsx/esm/api').then(tsx => { tsx.register(); return import(${url}) })`, { eval: true })
}
