import t from 'tap'
import {
  behind, burstPoints, fullGrid, lossRows, physicalLimit, quickGrid, runBurst, runCell, runGrid, runPages, runPool
} from '../src/grid/index.ts'
import type { Design } from '../src/grid/index.ts'
import { seedOf } from '../src/grid/run-grid.ts'
import { geometricMean, percentile } from '../src/grid/statistics.ts'

const POINT = { size: 32 * 1024, latency: 250, loss: 1, burst: 1, bandwidth: 64 }

t.test('the grid covers what it claims', async t => {
  const full = fullGrid()
  t.equal(full.filter(({ loss, burst, profile }) => loss === 1 && burst === 1 && profile === undefined).length, 96)
  t.strictSame(new Set(full.map(({ profile }) => profile)), new Set([undefined, 'i2pd', 'java', 'mixed']))
  t.ok(full.some(({ burst }) => burst > 1))
  t.ok(quickGrid().length * 4 >= 60)
  t.equal(physicalLimit(POINT), 1_000)
  t.equal(physicalLimit({ ...POINT, bandwidth: 0 }), 500)
})

t.test('the same seed gives the same figures', async t => {
  const options = { runs: 4, seed: 9, warmUpBytes: 100_000 }
  for (const design of ['minwww', 'streaming-warm'] as const) {
    const cell = runCell(design, POINT, options)
    t.strictSame(runCell(design, POINT, options), cell)
    t.notSame(runCell(design, POINT, { ...options, seed: 10 }), cell)
    t.equal(cell.failed, 0)
    t.ok(cell.p50 >= 0.8 * cell.limit && cell.p99 >= cell.p50)
  }
})

t.test('threads do not change the figures', async t => {
  const options = { points: [{ ...POINT, size: 1024 }], runs: 2, seed: 3 }
  let last = 0
  const one = await runGrid({ ...options, workers: 1, onProgress: ({ done, total }) => { last = done / total } })
  t.equal(last, 1)
  t.strictSame(await runGrid({ ...options, workers: 3 }), one)
  t.strictSame(one.cells.map(({ design }) => design), [
    'minwww', 'minwww-single', 'streaming-cold', 'streaming-warm', 'streaming-informed', 'streaming-parity'
  ])
  // The threads simulate signatures, this one does not.
  const seed = seedOf(options.seed, options.points[0]!)
  t.strictSame(['minwww', 'streaming-cold'].map(
    design => runCell(design as Design, options.points[0]!, { runs: 2, seed })
  ), [one.cells[0], one.cells[2]])
  t.equal(lossRows(one.cells).length, 6)
  t.ok(Array.isArray(behind(one.cells)))
})

t.test('a clean path carries a page as one message', async t => {
  const clean = { size: 56 * 1024, latency: 50, loss: 0, burst: 1, bandwidth: 0 }
  const minwww = runCell('minwww', clean, { runs: 5, seed: 1 })
  t.equal(minwww.tunnelMessages, 1 + 58, 'one request, one reply')
})

t.test('at zero loss fewer tunnel messages than streaming', async t => {
  const clean = { size: 10 * 1024, latency: 50, loss: 0, burst: 1, bandwidth: 0 }
  const minwww = runCell('minwww', clean, { runs: 5, seed: 1 })
  const streaming = runCell('streaming-warm', clean, { runs: 5, seed: 1 })
  t.ok(minwww.tunnelMessages <= 0.85 * streaming.tunnelMessages, `${minwww.tunnelMessages} against ${streaming.tunnelMessages}`)
})

t.test('pages over one bottleneck', async t => {
  const result = runPages({ design: 'minwww', bandwidth: 64, runs: 1, seed: 1 })
  t.match(result, { n: 5, failed: 0 })
  t.ok(result.drops < 5)
})

t.test('dead exits are left', async t => {
  const result = runPool({ strategy: 'ranked', dead: 0.1, pages: 20, seed: 1, pools: 2 })
  t.match(result, { n: 20, failed: 0 })
  t.ok(result.p99 < 30_000)
})

t.test('percentiles and means', async t => {
  t.equal(percentile([3, 1, 2], 0.5), 2)
  t.equal(percentile([1, 2, 3, 4], 0.99), 4)
  t.ok(Number.isNaN(percentile([], 0.5)))
  t.ok(Math.abs(geometricMean([1, 4]) - 2) < 1e-9)
})

t.test('twenty objects at once, and pages in turn: not behind as many streams', async t => {
  const points = burstPoints()
  t.ok(points.length >= 55, `${points.length} points`)
  t.equal(new Set(points.map(({ name }) => name)).size, points.length)
  const names = [
    '20 objects, 250 ms, 64 KB/s', '20 objects, 250 ms, 256 KB/s', '20 objects, 50 ms, 256 KB/s, java',
    '12 x 8 KB in turn, 5 ms, unlimited', '12 x 20 KB in turn, 5 ms, unlimited', '12 x 60 KB in turn, 25 ms, unlimited'
  ]
  for (const name of names) {
    const point = points.find(other => other.name === name)!
    const [own, rival] = (['minwww', 'streaming'] as const).map(design => runBurst(design, point, { runs: 2, seed: 3 }))
    t.equal(own!.failed, 0)
    t.ok(own!.fresh <= 1.08 * rival!.fresh, `${name}, fresh: ${own!.fresh} and ${rival!.fresh}`)
    t.ok(own!.warm <= 1.08 * rival!.warm, `${name}, warm: ${own!.warm} and ${rival!.warm}`)
    t.ok(own!.drops <= Math.max(3, rival!.drops / 2), `${name}: ${own!.drops} and ${rival!.drops} % dropped`)
  }
})
