import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fetchPage, ROOT, type Page } from '../e2e/harness.ts'

/** One line of the table in docs/reports/faults.md. */
export interface Row {
  fault: string
  /** What somebody at the browser sees meanwhile. */
  user: string
  kept: string
  /** What it was measured by, and the time, ms. */
  again: Array<[what: string, milliseconds: number]>
}

/** Where the rows of the last run are: scripts/write-faults.ts makes the table of them. */
const FOLDER = join(ROOT, 'artifacts/faults')
const DEADLINE = 90_000 // ms
const PAUSE = 100 // ms between two tries of something that has no event

let written = 0

/** Writes a row of the test file `file`; the order of the table is that of the calls. */
export function record (file: string, row: Row): void {
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, `${file}-${written++}.json`), JSON.stringify(row))
}

/** Tries until `attempt` gives true, and returns how long that took, ms. */
export async function until (what: string, attempt: () => Promise<boolean> | boolean): Promise<number> {
  const began = performance.now()
  for (;;) {
    if (await attempt()) return performance.now() - began
    if (performance.now() - began > DEADLINE) throw new Error(`${what}: not within ${DEADLINE} ms`)
    await new Promise(resolve => setTimeout(resolve, PAUSE))
  }
}

/** Time until a page comes with status 200, ms. Each try asks for another URL, so that no cache answers. */
export async function untilPage (url: string, proxy: string): Promise<number> {
  let tries = 0
  return await until(
    url, async () => (await fetchPage(`${url}?try${tries++}-${performance.now()}`, proxy).catch((): Partial<Page> => ({}))).status === 200
  )
}
