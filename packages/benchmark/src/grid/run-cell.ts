import { physicalLimit } from './cells.ts'
import type { Cell, Conditions, Design } from './cells.ts'
import { MinwwwPath } from './minwww-path.ts'
import type { Outcome } from './minwww-path.ts'
import { percentile } from './statistics.ts'
import { StreamingPath } from './streaming-path.ts'
import type { NetworkOptions } from '@minwww/local-router/network'

/** Time that one page may take, ms. */
const DEADLINE = 600_000
/** Share of the latency that is jitter, plus or minus. */
const JITTER = 0.2
/** Pages before the measured ones: by then estimates have settled, or would with any browsing. */
const WARM_UP_PAGES = 4
/** Browsing before the measured pages, for MinWWW: a few pages of the real web. A clean path takes longest to trust. */
const WARM_UP_BYTES = 1.5 * 1024 * 1024
const CLEAN_WARM_UP_BYTES = 5 * 1024 * 1024
const WARM_UP_SIZE = 48 * 1024

export interface RunOptions {
  runs: number
  seed: number
  /** Learn the path by browsing before the measurement. */
  warmUpBytes?: number
}

/** Measures one design at one point of the grid: a chain of pages on one path. */
export function runCell (design: Design, conditions: Conditions, options: RunOptions): Cell {
  return summary(design, conditions, pagesOf(design, conditions, options))
}

/** What each page took, ms. */
export function runTimes (design: Design, conditions: Conditions, options: RunOptions): number[] {
  return pagesOf(design, conditions, options).outcomes.map(({ time }) => time)
}

function pagesOf (design: Design, conditions: Conditions, { runs, seed, warmUpBytes = warmUpOf(conditions) }: RunOptions): Pages {
  const network = networkOf(conditions)
  if (design === 'minwww' || design === 'minwww-single') {
    return minwwwPages(seed, network, conditions, runs, design === 'minwww-single', warmUpBytes)
  }
  if (design === 'streaming-informed') return informedPages(seed, network, conditions, runs, warmUpBytes)
  return streamingPages(seed, network, conditions, runs, design)
}

function warmUpOf ({ loss }: Conditions): number {
  return loss < 0.5 ? CLEAN_WARM_UP_BYTES : WARM_UP_BYTES
}

export function networkOf ({ latency, loss, burst, bandwidth, profile = 'plain' }: Conditions): Partial<NetworkOptions> {
  return {
    profile,
    latency,
    jitter: JITTER * latency,
    loss: loss / 100,
    burst,
    bandwidth: bandwidth * 1024,
    queue: 3_600_000,
    tunnelLifetime: 86_400_000
  }
}

interface Pages { outcomes: Outcome[], tunnelMessages: number }

function minwwwPages (
  seed: number, network: Partial<NetworkOptions>, conditions: Conditions, runs: number, single: boolean, warmUpBytes: number
): Pages {
  const { size, latency } = conditions
  const path = warmPath(seed, network, conditions, single, warmUpBytes)
  return chain(path, size, latency, runs, () => {})
}

/** Messages whose estimates have settled. */
function warmPath (
  seed: number, network: Partial<NetworkOptions>, { size, latency }: Conditions, single: boolean, warmUpBytes: number
): MinwwwPath {
  const path = new MinwwwPath(seed, network, { replyMode: single ? 'single' : 'adaptive', deadline: DEADLINE })
  path.settle(DEADLINE)
  if (!single) {
    for (let bytes = 0; bytes < warmUpBytes; bytes += WARM_UP_SIZE) {
      path.fetch(WARM_UP_SIZE, DEADLINE)
      path.rest(4 * latency + 1_000)
    }
  }
  for (let i = 0; i < WARM_UP_PAGES; i++) path.fetch(size, DEADLINE)
  return path
}

/** Cold streams that begin with what messages have measured of the same path. */
function informedPages (seed: number, network: Partial<NetworkOptions>, conditions: Conditions, runs: number, warmUpBytes: number): Pages {
  const { size, latency } = conditions
  const { known } = warmPath(seed, network, conditions, false, warmUpBytes)
  const path = new StreamingPath(seed, network, known)
  return chain(path, size, latency, runs, () => path.forget())
}

function streamingPages (
  seed: number, network: Partial<NetworkOptions>, { size, latency }: Conditions, runs: number, design: Design
): Pages {
  const path = new StreamingPath(seed, network, undefined, design === 'streaming-parity')
  const warm = design !== 'streaming-cold'
  if (warm) for (let i = 0; i < WARM_UP_PAGES; i++) path.fetch(size, DEADLINE)
  return chain(path, size, latency, runs, () => { if (!warm) path.forget() })
}

function chain (path: MinwwwPath | StreamingPath, size: number, latency: number, runs: number, before: () => void): Pages {
  path.rest(4 * latency + 1_000)
  const sent = path.world.network.stats.tunnelMessagesSent
  const outcomes: Outcome[] = []
  for (let i = 0; i < runs; i++) {
    before()
    outcomes.push(path.fetch(size, DEADLINE))
    path.rest(4 * latency + 1_000)
  }
  return { outcomes, tunnelMessages: (path.world.network.stats.tunnelMessagesSent - sent) / runs }
}

function summary (design: Design, conditions: Conditions, { outcomes, tunnelMessages }: Pages): Cell {
  const times = outcomes.map(({ time }) => time)
  const { size, latency, loss, burst, bandwidth, profile } = conditions
  return {
    design,
    size,
    latency,
    loss,
    bandwidth,
    n: outcomes.length,
    p50: round(percentile(times, 0.5)),
    p90: round(percentile(times, 0.9)),
    p99: round(percentile(times, 0.99)),
    limit: round(physicalLimit(conditions)),
    tunnelMessages: round(tunnelMessages),
    failed: outcomes.filter(({ failed }) => failed).length,
    ...(burst > 1 ? { burst } : {}),
    ...(profile === undefined ? {} : { profile })
  }
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}
