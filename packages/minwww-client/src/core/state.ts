import type { ExitPool, PoolState } from '../pool/pool.ts'
import type { GateState } from './push-gate.ts'
import type { Exit } from './exit.ts'

/** Longest round trip that saved state is believed, ms. */
const MAX_SAVED_RTT = 60_000

/** What was measured of one exit's path: ms, and bytes/s of its bottleneck if one was seen. */
export interface PathState { id: string, srtt?: number, rate?: number }

/** State of a client core that survives a restart. Contains no keys. */
export interface ClientState { version: 1, pool: PoolState, paths: PathState[], gates?: GateState }

export function clientState (pool: ExitPool, exits: Iterable<Exit>): ClientState {
  const paths = [...exits].map(({ id, path: { rtt, bottleneck } }) => ({
    id, ...(rtt.hasSample ? { srtt: rtt.srtt } : {}), ...(bottleneck === undefined ? {} : { rate: Math.round(bottleneck) })
  }))
  return { version: 1, pool: pool.toJSON(), paths }
}

/** The saved round trip becomes the first sample, with the variation that RFC 6298 gives one. */
export function restoreExit (exit: Exit, state: unknown): void {
  const { srtt, rate } = (state ?? {}) as Partial<PathState>
  if (typeof srtt !== 'number' || !(srtt >= 0 && srtt <= MAX_SAVED_RTT)) return
  exit.path.restore(srtt, typeof rate === 'number' && rate > 0 ? rate : undefined)
}
