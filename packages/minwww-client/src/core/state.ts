import type { ExitPool, PoolState } from '../pool/pool.ts'
import type { Exit } from './exit.ts'

/** Longest round trip that saved state is believed, ms. */
const MAX_SAVED_RTT = 60_000

/** What was measured of one exit's path. */
export interface PathState { id: string, srtt?: number }

/** State of a client core that survives a restart. Contains no keys. */
export interface ClientState { version: 1, pool: PoolState, paths: PathState[] }

export function clientState (pool: ExitPool, exits: Iterable<Exit>): ClientState {
  const paths = [...exits].map(({ id, path }) => ({ id, ...(path.rtt.hasSample ? { srtt: path.rtt.srtt } : {}) }))
  return { version: 1, pool: pool.toJSON(), paths }
}

/** The saved round trip becomes the first sample, with the variation that RFC 6298 gives one. */
export function restoreExit (exit: Exit, state: unknown): void {
  const srtt = (state as PathState | undefined)?.srtt
  if (typeof srtt === 'number' && srtt >= 0 && srtt <= MAX_SAVED_RTT) exit.path.restore(srtt)
}
