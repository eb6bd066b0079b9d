import { randomInt } from 'node:crypto'
import type { NetworkOptions } from '@minwww/local-router/network'
import type { Settings } from './config/schema.ts'

type ModelSettings = Pick<Settings<'router'>, 'latency' | 'jitter' | 'loss' | 'bandwidth' | 'burst' | 'reorder' | 'profile' | 'seed'>

const BYTES_PER_KILOBYTE = 1024

/** Settings in the user's units (percent, KB/s) as options of the network model (ratio, bytes/s). */
export function modelOptions (settings: ModelSettings): Partial<NetworkOptions> {
  const { latency, jitter, burst, reorder, profile, seed = randomInt(2 ** 32) } = settings
  return { latency, jitter, burst, reorder, profile, seed, loss: settings.loss / 100, bandwidth: settings.bandwidth * BYTES_PER_KILOBYTE }
}
