import { I2pError } from './errors.ts'

/** The first Bun whose node:http was seen to use an agent's connections; one that makes its own would ask DNS for I2P names. */
const BUN = [1, 4, 5]

/** Throws I2P_UNSUPPORTED on a runtime that could betray names to DNS. `versions`: process.versions. */
export function assertRuntime (versions: Readonly<Record<string, string | undefined>>): void {
  const { bun } = versions
  if (bun === undefined) return
  const parts = bun.split(/[.-]/, 3).map(Number)
  const different = BUN.findIndex((part, i) => part !== parts[i])
  if (different >= 0 && !(parts[different]! > BUN[different]!)) {
    throw new I2pError('I2P_UNSUPPORTED', { detail: `Bun ${bun}; ${BUN.join('.')} or later is needed` })
  }
}
