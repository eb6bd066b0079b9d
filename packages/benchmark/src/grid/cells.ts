import type { NetworkProfile } from '@minwww/local-router/network'

/**
 * The designs that are compared. `streaming-informed`: each page by a cold stream that begins with what messages know of the path.
 * `streaming-parity`: as warm, with parity beneath the streams.
 */
export type Design = 'minwww' | 'minwww-single' | 'streaming-cold' | 'streaming-warm' | 'streaming-informed' |
  'streaming-parity'

export const DESIGNS: readonly Design[] = [
  'minwww', 'minwww-single', 'streaming-cold', 'streaming-warm', 'streaming-informed', 'streaming-parity'
]

/** One point of the grid. */
export interface Conditions {
  /** Bytes of the HTTP response. */
  size: number
  /** One-way, ms; +- 20 % of it is jitter. */
  latency: number
  /** Percent of tunnel messages lost on the way. */
  loss: number
  /** Mean length of a run of losses; 1 = independent. */
  burst: number
  /** KB/s in each direction, 0 = unlimited. */
  bandwidth: number
  /** Which routers the network behaves like; the plain model where it is not given. */
  profile?: NetworkProfile
}

/** One point measured with one design; times in ms. */
export interface Cell extends Omit<Conditions, 'burst'> {
  design: Design
  /** Runs. */
  n: number
  p50: number
  p90: number
  p99: number
  /** RTT + size / bandwidth: no protocol that asks and is answered is faster on average. */
  limit: number
  /** 1 KB tunnel messages of both directions, mean per run. */
  tunnelMessages: number
  /** Runs without the page within the deadline; they count with the deadline. */
  failed: number
  /** Only in cells with losses in runs: their mean length. */
  burst?: number
}

const KB = 1024

const SIZES = [1, 4, 10, 32, 64, 128].map(size => size * KB)
const LATENCIES = [10, 250, 1_000, 5_000]
const LOSSES = [0, 0.1, 0.5, 1, 2, 5, 10]
const BANDWIDTHS = [16, 64, 256, 0]
const BURST = 4
const PROFILES: readonly NetworkProfile[] = ['i2pd', 'java', 'mixed']

/**
 * 96 size x latency x bandwidth points per loss rate, as in the transport study, some with losses in runs, and some over
 * networks that behave like real routers.
 */
export function fullGrid (): Conditions[] {
  const points = product(LOSSES, SIZES, LATENCIES, BANDWIDTHS, 1)
  return [
    ...points,
    ...product([1, 5], [10 * KB, 64 * KB], [250, 1_000], [64, 0], BURST),
    ...overRouters(product([0, 1], [1, 10, 64, 128].map(size => size * KB), [10, 250], [256], 1))
  ]
}

/** Points that touch every value of the grid at least once: 19 of them, so 76 cells. */
export function quickGrid (): Conditions[] {
  return [
    ...product([0, 1], [1 * KB, 64 * KB], [250], [64], 1),
    ...product([0, 1, 5], [10 * KB, 128 * KB], [1_000], [0], 1),
    ...product([0.1, 0.5, 2], [32 * KB], [250], [256], 1),
    ...product([10], [4 * KB], [5_000, 10], [16], 1),
    ...product([1], [64 * KB], [250], [64], BURST),
    ...overRouters(product([1], [32 * KB], [250], [256], 1))
  ]
}

/** RTT + size / bandwidth, ms. */
export function physicalLimit ({ size, latency, bandwidth }: Conditions): number {
  return 2 * latency + (bandwidth > 0 ? size / (bandwidth * KB) * 1000 : 0)
}

function overRouters (points: Conditions[]): Conditions[] {
  return PROFILES.flatMap(profile => points.map(point => ({ ...point, profile })))
}

function product (losses: number[], sizes: number[], latencies: number[], bandwidths: number[], burst: number): Conditions[] {
  return losses.flatMap(loss => sizes.flatMap(size => latencies.flatMap(latency =>
    bandwidths.map(bandwidth => ({ size, latency, loss, burst, bandwidth })))))
}
