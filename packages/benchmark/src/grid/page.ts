import type { NetworkOptions } from '@minwww/local-router/network'
import { MinwwwPath } from './minwww-path.ts'
import { percentile } from './statistics.ts'
import { StreamingPath } from './streaming-path.ts'

const KB = 1024
const DOCUMENT = 24 * KB
/** What a document refers to, all asked for at once when it is here (transport study, section 7). */
const OBJECTS = [1, 2, 4, 4, 8, 10, 16, 32, 48, 64].map(size => size * KB)
const PAGES_IN_A_ROW = 5
const DEADLINE = 600_000
const LATENCY = 500
const LOSS = 0.005
const JITTER = 0.2
/** Drop-tail queue of the bottleneck, ms. */
const QUEUE = 1_000

/** One sender over one bottleneck; times in ms for a document with all its objects. */
export interface PageResult {
  design: 'minwww' | 'streaming-warm'
  /** KB/s. */
  bandwidth: number
  n: number
  p50: number
  p90: number
  p99: number
  /** Percent of tunnel messages that a full queue dropped. */
  drops: number
  /** Tunnel messages per page. */
  tunnelMessages: number
  failed: number
}

/** Pages in a row over a shared bottleneck, from a cold start; the real cores in virtual time. */
export function runPages (o: { design: PageResult['design'], bandwidth: number, runs: number, seed: number }): PageResult {
  const times: number[] = []
  let failed = 0
  let sent = 0
  let dropped = 0
  for (let run = 0; run < o.runs; run++) {
    const network: Partial<NetworkOptions> = {
      latency: LATENCY, jitter: JITTER * LATENCY, loss: LOSS, bandwidth: o.bandwidth * KB, queue: QUEUE, tunnelLifetime: 86_400_000
    }
    const seed = Math.imul(o.seed, 1_000_003) + run
    const path = o.design === 'minwww' ? new MinwwwPath(seed, network, { deadline: DEADLINE }) : new StreamingPath(seed, network)
    if (path instanceof MinwwwPath) path.settle(DEADLINE)
    for (let page = 0; page < PAGES_IN_A_ROW; page++) {
      const started = path.world.now
      failed += load(path, [DOCUMENT]) + load(path, OBJECTS)
      times.push(path.world.now - started)
    }
    sent += path.world.network.stats.tunnelMessagesSent
    dropped += path.world.network.stats.queueDrops
  }
  return {
    design: o.design,
    bandwidth: o.bandwidth,
    n: times.length,
    p50: Math.round(percentile(times, 0.5)),
    p90: Math.round(percentile(times, 0.9)),
    p99: Math.round(percentile(times, 0.99)),
    drops: Math.round(1000 * dropped / sent) / 10,
    tunnelMessages: Math.round(sent / times.length),
    failed
  }
}

/** @returns how many failed */
function load (path: MinwwwPath | StreamingPath, sizes: readonly number[]): number {
  const pages = sizes.map(size => path.start(size, DEADLINE))
  path.world.run(() => pages.every(page => page.isDone()), path.world.now + DEADLINE)
  return pages.filter(page => page.failed()).length
}
