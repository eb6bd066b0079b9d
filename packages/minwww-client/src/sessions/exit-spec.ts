import { Destination } from '@minwww/i2cp/codec'
import { MAX_EXITS } from '../pool/pool.ts'
import type { ExitSpec } from './options.ts'

export interface NamedExit {
  id: string
  /** Absent until a name is looked up. */
  destination?: Destination
  /** Why the look-up failed last. */
  error?: string
  /** Gets no new request; streams that run go on. */
  drained?: boolean
  /** Whether the last stream to it stood; absent before the first. */
  hasStreams?: boolean
}

/** What names an exit on the console: its own id, else its b32, else the name to look up. @throws I2cpError I2CP_MALFORMED */
export function exitId (spec: ExitSpec): string {
  const { target, destination } = destinationOf(spec)
  return (typeof spec === 'object' ? spec.id : undefined) ?? destination?.b32 ?? String(target)
}

/** @throws RangeError where one more would be above MAX_EXITS */
export function checkRoom (exits: number): void {
  if (exits >= MAX_EXITS) throw new RangeError(`a pool has at most ${MAX_EXITS} exits`)
}

/** A whole Destination needs no look-up; b32 and names do. @throws I2cpError I2CP_MALFORMED */
export function destinationOf (spec: ExitSpec): { target: Destination | string, destination: Destination | undefined } {
  const target = typeof spec === 'string' ? spec : spec.destination
  if (typeof target !== 'string') return { target, destination: target }
  return { target, destination: target.length > 300 ? Destination.fromBase64(target) : undefined }
}
