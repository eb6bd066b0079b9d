import type { NetworkOptions } from '@minwww/local-router/network'
import { percentile } from '../grid/statistics.ts'
import { PAGE_SETS } from './list.ts'
import type { Recording } from './record.ts'
import { isSmall, PAGE_DEADLINE, replaySite, type PageLoad, type ReplayDesign } from './replay.ts'
import { SiteFiles } from './site-files.ts'

const KB = 1024
const POINTS: ReadonlyArray<readonly [string, Partial<NetworkOptions>]> = [
  ['250 ms', { latency: 250 }],
  ['250 ms, 1 % loss', { latency: 250, loss: 0.01 }],
  ['50 ms', { latency: 50 }],
  ['1,000 ms', { latency: 1_000 }],
  ['250 ms, 64 KB/s', { latency: 250, bandwidth: 64 * KB }],
  ['250 ms, 256 KB/s', { latency: 250, bandwidth: 256 * KB }],
  ['50 ms, i2pd', { latency: 50, profile: 'i2pd' }],
  ['50 ms, i2pd-2.59', { latency: 50, profile: 'i2pd-2.59' }],
  ['50 ms, java', { latency: 50, profile: 'java' }]
]
const DESIGNS = ['push', 'plain', 'streams'] as const
/** With fewer resources than this, and the page, there is little to push. */
const SEVERAL = 4
const JITTER = 0.05
const SLOWER = 1.05
/** Tunnels outlast the run: what their end does is measured elsewhere. */
const LASTING = { tunnelLifetime: 86_400_000 }

type Loads = Record<ReplayDesign, PageLoad[]>

/** Two tables in Markdown: a summary for each path, and each page at the first of them. */
export function replayTables (base: string, recordings: readonly Recording[], seeds: number): string {
  const sites = PAGE_SETS.map(set => {
    const site = new SiteFiles(base, set)
    return { site, pages: recordings.filter(({ host }) => host === set.host).filter(recording => isSmall(site, recording)) }
  }).filter(({ pages }) => pages.length > 0)
  const results = POINTS.map(([name, point]) => {
    const network = { ...LASTING, ...point, jitter: JITTER * point.latency! }
    const failed: Record<string, number> = {}
    const loads = (design: ReplayDesign): PageLoad[] => sites.flatMap(({ site, pages }) => {
      const runs = Array.from({ length: seeds }, (_, seed) => replaySite(design, site, pages, network, seed + 1))
      failed[design] = (failed[design] ?? 0) + runs.flat().filter(({ warm }) => warm >= PAGE_DEADLINE).length
      return medians(runs)
    })
    return { name, failed, loads: Object.fromEntries(DESIGNS.map(design => [design, loads(design)])) as Loads }
  })
  return `${summary(results)}\n\n${pageTable(results[0]!.loads)}`
}

/** Of each page the median of its runs. */
function medians (runs: readonly PageLoad[][]): PageLoad[] {
  const middle = (of: number[]): number => percentile(of, 0.5)
  return runs[0]!.map((load, index) => {
    const all = runs.map(run => run[index]!)
    const fresh = all.flatMap(({ fresh }) => fresh ?? [])
    return {
      ...load,
      ...(fresh.length > 0 && { fresh: middle(fresh) }),
      warm: middle(all.map(({ warm }) => warm)),
      pushed: middle(all.map(({ pushed }) => pushed)),
      used: middle(all.map(({ used }) => used))
    }
  })
}

function summary (results: ReadonlyArray<{ name: string, failed: Record<string, number>, loads: Loads }>): string {
  const rows = results.map(({ name, failed, loads: { push, plain, streams } }) => {
    const several = push.flatMap(({ resources }, index) => resources >= SEVERAL ? [index] : [])
    const toStreams = several.map(index => push[index]!.warm / streams[index]!.warm)
    const toPlain = push.map(({ warm }, index) => warm / plain[index]!.warm)
    const first = push.flatMap(({ fresh }, index) =>
      fresh === undefined ? [] : [[fresh / streams[index]!.fresh!, fresh / plain[index]!.fresh!]])
    const sum = (of: (load: PageLoad) => number): number => push.reduce((total, load) => total + of(load), 0)
    return [
      name,
      ratio(percentile(toStreams, 0.5)),
      ratio(geometricMean(toPlain)),
      `${toPlain.filter(each => each > SLOWER).length} of ${push.length}`,
      ratio(percentile(first.map(([each]) => each!), 0.5)),
      ratio(geometricMean(first.map(([, each]) => each!))),
      `${(100 * (1 - sum(({ used }) => used) / sum(({ pushed }) => pushed))).toFixed(1)} %`,
      DESIGNS.map(design => failed[design]).join(', ')
    ]
  })
  return table([
    'path, one way', 'warm, of our streams (median, three resources and more)', 'warm, of the same without pushes (geometric mean)',
    'slower than without by more than 5 %', 'first page of a fresh proxy, of fresh streams (median)',
    'the same, of no pushes (geometric mean)', 'pushed and not used', 'warm loads not done in two minutes: with pushes, without, streams'
  ], rows)
}

function pageTable ({ push, plain, streams }: Loads): string {
  return table(
    ['page', 'things', 'warm, ms', 'without pushes', 'our streams', 'pushed, KB', 'used, KB'],
    push.map(({ page, resources, warm, pushed, used }, index) => [
      page, resources, Math.round(warm), Math.round(plain[index]!.warm), Math.round(streams[index]!.warm), Math.round(pushed / KB),
      Math.round(used / KB)
    ].map(String))
  )
}

const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)

const ratio = (value: number): string => value.toFixed(2)

function table (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}
