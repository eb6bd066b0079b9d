import { runGrid } from '../grid/index.ts'
import type { Scenario } from './scenario.ts'

/** The real cores in virtual time: the same seed gives the same figures on any machine. */
export const grid: Scenario = {
  name: 'grid',
  virtualTime: true,
  missing: () => undefined,
  async run ({ quick, seed, settings, signal, journal, out, progress }) {
    Object.assign(out.options, { quick, seed, ...(settings.runs !== undefined && { runs: settings.runs }) })
    const { cells } = await journal.remember('grid', async () => await runGrid({
      quick,
      seed,
      signal,
      ...(settings.runs !== undefined && { runs: settings.runs }),
      onProgress: ({ done, total }) => progress(`${done} of ${total} cells`)
    }))
    out.cells = cells
  }
}
