import { randomBytes } from 'node:crypto'
import type { Clock } from '@minwww/ground'
import { TUNNEL_MESSAGE } from '@minwww/protocol'
import { DEFAULT_CONFIG, ServerCore, type ServerConfig } from '../core.ts'
import { DEFAULT_TIMEOUTS, type ExitOptions } from './options.ts'
import type { ExitCore } from './ports.ts'

/** The core with the operator's settings. */
export function createCore (options: ExitOptions, clock: Clock): ExitCore {
  const { session } = options
  const { headers } = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const config = { fetchDeadline: headers + TO_BEGIN_AND_END, ...limitedTo(options.bandwidth?.out ?? 0), ...options.core }
  if (options.createCore !== undefined) return options.createCore(session, config)
  return new ServerCore({
    keys: session.keys,
    random: randomBytes,
    config,
    clockOffset: () => session.clockOffset,
    now: clock.now()
  })
}

/** ms beside the wait for a head: in the queue, for a connection, for the body. */
const TO_BEGIN_AND_END = 60_000
/** The core counts whole tunnel messages; a little above the limit, so that the limit itself decides. */
const HEADROOM = 1.3
const MIN_BACKLOG = 64

/** The core announces what the operator gives as its pace, and does not run ahead of it by much. */
export function limitedTo (out: number): Pick<ServerConfig, 'limit' | 'serverRate' | 'maxBacklog'> {
  const { serverRate, maxBacklog } = DEFAULT_CONFIG
  if (out <= 0) return { limit: Infinity, serverRate, maxBacklog }
  return {
    limit: out,
    serverRate: Math.min(serverRate, out * HEADROOM),
    maxBacklog: Math.min(maxBacklog, Math.max(MIN_BACKLOG, Math.ceil(out / TUNNEL_MESSAGE)))
  }
}
