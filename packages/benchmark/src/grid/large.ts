import type { NetworkOptions, NetworkProfile } from '@minwww/local-router/network'
import { floorOf, type Sample } from './floor.ts'
import { LargePath } from './large-path.ts'
import { percentile } from './statistics.ts'
import { StreamingPath } from './streaming-path.ts'

const KB = 1024
const DEADLINE = 600_000
const JITTER = 0.05
/** Downloads that are not measured: by then rate and windows have settled. Of this size, and then of the one that is measured. */
const WARM_UP = 6
const WARM_UP_SIZE = 400 * KB
const OWN_WARM_UP = 3
/** Between two downloads, ms. */
const PAUSE = 5_000

export interface LargeConditions {
  /** One-way, ms. */
  latency: number
  /** Percent of tunnel messages. */
  loss: number
  /** KB/s in each direction, 0 = unlimited. */
  bandwidth: number
  profile: NetworkProfile
  /** KB. */
  size: number
}

/** Medians, as multiples of the round trip. */
export interface LargeResult {
  design: 'minwww' | 'streaming' | 'floor'
  n: number
  /** Until the first byte. */
  first: number
  /** Until the last byte, and of the slowest. */
  last: number
  worst: number
  failed: number
}

/**
 * Downloads above what a message holds, over warm paths: by MinWWW as it is, by warm streaming with a connection for each, and the floor.
 * The same seed gives the same figures.
 */
export function runLarge (
  design: LargeResult['design'], conditions: LargeConditions, { runs, seed }: { runs: number, seed: number }
): LargeResult {
  const { size } = conditions
  const network = networkOf(conditions)
  if (design === 'floor') return summary(design, conditions, floorOf(seed, network, size * KB, runs))
  const path = design === 'minwww' ? new LargePath(seed, network) : new StreamingPath(seed, network)
  if (path instanceof LargePath) path.settle(DEADLINE)
  const fetch = (bytes: number): Sample => {
    const sample = path instanceof LargePath ? path.fetch(bytes, DEADLINE) : { ...path.fetch(bytes, DEADLINE), first: NaN }
    path.rest(PAUSE)
    return { first: sample.first, last: 'last' in sample ? sample.last : sample.time, failed: sample.failed }
  }
  for (let i = 0; i < WARM_UP; i++) fetch(WARM_UP_SIZE)
  for (let i = 0; i < OWN_WARM_UP; i++) fetch(size * KB)
  return summary(design, conditions, Array.from({ length: runs }, () => fetch(size * KB)))
}

function networkOf ({ latency, loss, bandwidth, profile }: LargeConditions): Partial<NetworkOptions> {
  const limits = { loss: loss / 100, bandwidth: bandwidth * KB, deadPaths: 0, tunnelLifetime: 86_400_000 }
  return { profile, latency, jitter: JITTER * latency, ...limits }
}

function summary (design: LargeResult['design'], { latency }: LargeConditions, samples: Sample[]): LargeResult {
  const inRoundTrips = (ms: number): number => Math.round(100 * ms / (2 * latency)) / 100
  const last = samples.map(sample => sample.last)
  return {
    design,
    n: samples.length,
    first: inRoundTrips(percentile(samples.map(({ first }) => first), 0.5)),
    last: inRoundTrips(percentile(last, 0.5)),
    worst: inRoundTrips(Math.max(...last)),
    failed: samples.filter(({ failed }) => failed).length
  }
}

const SIZES = [200, 300, 600, 1_024, 4_096]

/** 500 ms there and back: each size without a limit and with one, over plain paths and over those of real routers, and with loss. */
export function largePoints (): LargeConditions[] {
  const points = (o: Partial<LargeConditions>): LargeConditions[] =>
    SIZES.map(size => ({ latency: 250, loss: 0, bandwidth: 0, profile: 'plain', ...o, size }))
  return [
    ...points({}), ...points({ bandwidth: 256 }), ...points({ loss: 1 }),
    ...(['i2pd', 'i2pd-2.59', 'java'] as const).flatMap(profile => points({ profile }))
  ]
}
