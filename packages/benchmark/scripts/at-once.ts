/** Downloads at once over streams of one client, in virtual time, over routers as i2pd: what they lose to full queues. Argument: seeds. */
import { simulateSignatures } from '../src/grid/simulated-signatures.ts'
import { percentile } from '../src/grid/statistics.ts'
import { StreamingPath } from '../src/grid/streaming-path.ts'

const KB = 1_024
const DEADLINE = 600_000
const LATENCY = 250
const LOADS = 2
/** KB: one, four and eight large ones, and a few of them among many small ones. */
const of = (count: number, size: number): number[] => Array<number>(count).fill(size)
const SETS = [of(1, 600), of(4, 600), of(8, 600), [...of(4, 1_024), ...of(20, 40)]]

simulateSignatures()

const seeds = Number(process.argv[2] ?? 4)
console.log('| KB/s | streams | KB | median / slowest, ms | failed | messages lost to a router that ended its link | to a full queue |')
console.log('|---|---|---|---|---|---|---|')
for (const bandwidth of [0, 256]) {
  for (const sizes of SETS) {
    const times: number[] = []
    const lost = { failed: 0, link: 0, queue: 0 }
    for (let seed = 1; seed <= seeds; seed++) {
      const path = new StreamingPath(seed, {
        profile: 'i2pd', latency: LATENCY, jitter: 0.05 * LATENCY, bandwidth: bandwidth * KB, deadPaths: 0, tunnelLifetime: 86_400_000
      }, undefined, true)
      for (let i = 0; i < 5; i++) {
        path.fetch(400 * KB, DEADLINE)
        path.rest(3_000)
      }
      for (let load = 0; load < LOADS; load++) {
        const { now } = path.world
        const pages = sizes.map(size => path.start(size * KB))
        path.world.run(() => pages.every(page => page.isDone()), now + DEADLINE)
        times.push(path.world.now - now)
        lost.failed += pages.filter(page => page.failed()).length
        path.rest(5_000)
      }
      const { lostBy } = path.world.network.stats
      lost.link += lostBy['link-dropped'] ?? 0
      lost.queue += lostBy.queue ?? 0
    }
    const until = [percentile(times, 0.5), Math.max(...times)].map(ms => Math.round(ms)).join(' / ')
    const total = sizes.reduce((sum, size) => sum + size, 0)
    console.log(`| ${[bandwidth || 'unlimited', sizes.length, total, until, lost.failed, lost.link, lost.queue].join(' | ')} |`)
  }
}
