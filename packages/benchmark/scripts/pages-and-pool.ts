/**
 * The page test and the pool test of the transport study (sections 6 and 7) with the real cores in virtual time.
 *
 *   node --conditions=@minwww/source --import tsx packages/benchmark/scripts/pages-and-pool.ts
 */
import { runPages, runPool } from '../src/grid/index.ts'

const SEED = 1
const PAGE_RUNS = 20
const POOL_PAGES = 1_000

console.log('| KB/s | design | pages | p50 | p90 | p99 | dropped by the queue | tunnel messages |\n|---|---|---|---|---|---|---|---|')
for (const bandwidth of [16, 64, 256, 0]) {
  for (const design of ['minwww', 'streaming-warm'] as const) {
    const { n, p50, p90, p99, drops, tunnelMessages } = runPages({ design, bandwidth, runs: PAGE_RUNS, seed: SEED })
    console.log(`| ${bandwidth || 'unlimited'} | ${design} | ${n} | ${p50} | ${p90} | ${p99} | ${drops} % | ${tunnelMessages} |`)
  }
}
console.log('\n| dead exits | strategy | pages | p50 | p90 | p99 | tunnel messages | failed |\n|---|---|---|---|---|---|---|---|')
for (const dead of [0, 0.02, 0.1]) {
  for (const strategy of ['ranked', 'round-robin', 'sticky', 'sticky-only'] as const) {
    const { n, p50, p90, p99, tunnelMessages, failed } = runPool({ strategy, dead, pages: POOL_PAGES, seed: SEED })
    console.log(`| ${dead * 100} % | ${strategy} | ${n} | ${p50} | ${p90} | ${p99} | ${tunnelMessages} | ${failed} |`)
  }
}
