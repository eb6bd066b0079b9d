import type { NetworkOptions, NetworkProfile } from '@minwww/local-router/network'
import { MinwwwPath } from './minwww-path.ts'
import { percentile } from './statistics.ts'
import { StreamingPath } from './streaming-path.ts'

const KB = 1024
/** A request may take so long, ms. */
const DEADLINE = 600_000
/** Between two loads of one run, ms. */
const PAUSE = 2_000
/** Loads of one run: the first with all that was never measured, then two of which the last one counts as warm. */
const LOADS = 3
/** Age of a fresh client's session, ms. */
const SETTLED = 1_000
const JITTER = 0.05

/** Many objects asked for at the same moment, or pages one after the other. */
export interface BurstConditions {
  name: string
  /** One-way, ms. */
  latency: number
  /** Percent of tunnel messages. */
  loss: number
  /** KB/s in each direction, 0 = unlimited. */
  bandwidth: number
  /** Longest wait at the bottleneck, ms. */
  queue: number
  profile: NetworkProfile
  /** KB of each object. */
  sizes: readonly number[]
  /** The next one is asked for when the one before is here. */
  inTurn: boolean
}

/** Times until the last object is here, ms. */
export interface BurstResult {
  design: 'minwww' | 'streaming'
  n: number
  fresh: number
  warm: number
  worst: number
  /** RTT (of each page in turn) + size / bandwidth. */
  limit: number
  /** Percent of tunnel messages that a full queue dropped. */
  drops: number
  tunnelMessages: number
  failed: number
}

/** 1.26 MB in twenty objects of 6 to 120 KB. */
const TWENTY = Array.from({ length: 20 }, (_, i) => 6 * (i + 1))
const SIX = [24, 4, 8, 16, 32, 48]
/** 1.8 MB. */
const FORTY = Array.from({ length: 40 }, (_, i) => 2 * (i + 3))

/** The points, chosen before their results: each profile, rate, loss and number of objects is met. */
export function burstPoints (): BurstConditions[] {
  const point = (latency: number, bandwidth: number, o: Partial<BurstConditions> = {}): BurstConditions => {
    const { loss = 0, queue = 1_000, profile = 'plain', sizes = TWENTY, inTurn = false } = o
    const objects = inTurn ? `${sizes.length} x ${sizes[0]} KB in turn` : `${sizes.length} objects`
    const name = [objects, `${latency} ms`, bandwidth === 0 ? 'unlimited' : `${bandwidth} KB/s`, ...(loss > 0 ? [`${loss} %`] : []),
      ...(queue !== 1_000 ? [`queue ${queue} ms`] : []), ...(profile !== 'plain' ? [profile] : [])].join(', ')
    return { name, latency, loss, bandwidth, queue, profile, sizes, inTurn }
  }
  const turn = (size: number): Partial<BurstConditions> => ({ sizes: Array<number>(12).fill(size), inTurn: true })
  return [
    ...[10, 50, 250, 1_000].map(latency => point(latency, 0)),
    ...[1, 5, 10].flatMap(loss => [50, 250].map(latency => point(latency, 0, { loss }))),
    ...[50, 250].map(latency => point(latency, 16, { sizes: SIX })),
    ...[64, 256, 1_024].flatMap(bandwidth => [50, 250].map(latency => point(latency, bandwidth))),
    ...[1, 5].flatMap(loss => [64, 256].map(bandwidth => point(250, bandwidth, { loss }))),
    ...[200, 500, 2_000].flatMap(queue => [64, 256].map(bandwidth => point(250, bandwidth, { queue }))),
    ...[SIX, FORTY].flatMap(sizes => [point(50, 0, { sizes }), point(250, 256, { sizes })]),
    ...(['i2pd', 'i2pd-2.59', 'java', 'mixed'] as const).flatMap(profile => [
      point(10, 0, { profile }), point(50, 0, { profile }), point(50, 256, { profile }), point(50, 256, { profile, loss: 1 })
    ]),
    ...[5, 25, 100].flatMap(latency => [2, 8, 20, 60].map(size => point(latency, 0, turn(size))))
  ]
}

/** One design at one point: fresh, and after two loads. The same seed gives the same figures. */
export function runBurst (
  design: BurstResult['design'], conditions: BurstConditions, { runs, seed }: { runs: number, seed: number }
): BurstResult {
  const { latency, bandwidth, sizes, inTurn } = conditions
  const times: number[][] = Array.from({ length: LOADS }, () => [])
  let [failed, sent, dropped] = [0, 0, 0]
  for (let run = 0; run < runs; run++) {
    const path = open(design, conditions, Math.imul(seed, 1_000_003) + run)
    for (const load of times) {
      const started = path.world.now
      for (const batch of inTurn ? sizes.map(size => [size]) : [sizes]) failed += fetchAll(path, batch)
      load.push(path.world.now - started)
      path.world.runUntil(path.world.now + PAUSE)
    }
    sent += path.world.network.stats.tunnelMessagesSent
    dropped += path.world.network.stats.queueDrops
  }
  const bytes = KB * sizes.reduce((sum, size) => sum + size, 0)
  return {
    design,
    n: runs,
    fresh: Math.round(percentile(times[0]!, 0.5)),
    warm: Math.round(percentile(times.at(-1)!, 0.5)),
    worst: Math.round(Math.max(...times.flat())),
    limit: Math.round((inTurn ? sizes.length : 1) * 2 * latency + (bandwidth > 0 ? bytes / (bandwidth * KB) * 1000 : 0)),
    drops: Math.round(1000 * dropped / sent) / 10,
    tunnelMessages: Math.round(sent / runs / LOADS),
    failed
  }
}

function open (
  design: BurstResult['design'], { latency, loss, bandwidth, queue, profile }: BurstConditions, seed: number
): MinwwwPath | StreamingPath {
  const network: Partial<NetworkOptions> = {
    profile, latency, queue, jitter: JITTER * latency, loss: loss / 100, bandwidth: bandwidth * KB, tunnelLifetime: 86_400_000
  }
  if (design === 'streaming') return new StreamingPath(seed, network)
  const path = new MinwwwPath(seed, network, { deadline: DEADLINE })
  path.settle(DEADLINE)
  // What answers the opening of a session are several messages.
  path.rest(SETTLED)
  return path
}

/** @returns how many failed */
function fetchAll (path: MinwwwPath | StreamingPath, sizes: readonly number[]): number {
  const pages = sizes.map(size => path.start(size * KB, DEADLINE))
  path.world.run(() => pages.every(page => page.isDone()), path.world.now + DEADLINE)
  return pages.filter(page => page.failed()).length
}
