import { parentPort } from 'node:worker_threads'
import type { Cell, Conditions, Design } from './cells.ts'
import { runCell } from './run-cell.ts'
import { simulateSignatures } from './simulated-signatures.ts'

/** A cell to measure; `index` is its place in the report. */
export interface Task { index: number, design: Design, conditions: Conditions, runs: number, seed: number }
export type Answer = { index: number, cell: Cell } | { index: number, error: string }

simulateSignatures()

parentPort?.on('message', (task: Task) => {
  let answer: Answer
  try {
    answer = { index: task.index, cell: runCell(task.design, task.conditions, task) }
  } catch (error) {
    answer = { index: task.index, error: error instanceof Error ? error.stack ?? error.message : String(error) }
  }
  parentPort!.postMessage(answer)
})
