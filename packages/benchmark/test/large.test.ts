import t from 'tap'
import { largePoints, runLarge } from '../src/grid/index.ts'
import { LargePath } from '../src/grid/large-path.ts'
import { simulateSignatures } from '../src/grid/simulated-signatures.ts'

// A shared machine may be slow; nothing here waits for the clock of the wall.
t.setTimeout(180_000)
simulateSignatures()

const OPTIONS = { runs: 8, seed: 7 }

/** Round trips, and multiples of warm streaming's time. The rest of an answer follows its beginning. */
const WIDE = [
  { size: 200, last: 1.25, ratio: 0.6 }, { size: 300, last: 1.55, ratio: 0.5 }, { size: 600, last: 2.5, ratio: 0.5 },
  { size: 1_024, last: 3.9, ratio: 0.52 }
]

for (const { size, last, ratio } of WIDE) {
  t.test(`${size} KB over a wide path`, async t => {
    const point = { latency: 250, loss: 0, bandwidth: 0, profile: 'plain', size } as const
    const [floor, own, rival] = (['floor', 'minwww', 'streaming'] as const).map(design => runLarge(design, point, OPTIONS))
    t.strictSame([own!.failed, rival!.failed], [0, 0])
    t.ok(own!.first <= 1.1, `first byte: ${own!.first}`)
    t.ok(own!.last <= last && own!.last <= ratio * rival!.last, `${own!.last}; streaming ${rival!.last}`)
    t.ok(floor!.last >= 1 && floor!.last <= own!.last, `floor ${floor!.last}`)
  })
}

const OTHERS = [{ profile: 'java', ratio: 0.5 }, { profile: 'i2pd', ratio: 0.6 }, { bandwidth: 256, ratio: 1 }] as const

for (const { ratio, ...o } of OTHERS) {
  t.test(`300 KB: ${JSON.stringify(o)}`, async t => {
    const point = { latency: 250, loss: 0, bandwidth: 0, profile: 'plain', ...o, size: 300 } as const
    const [own, rival] = (['minwww', 'streaming'] as const).map(design => runLarge(design, point, OPTIONS))
    t.equal(own!.failed, 0)
    t.ok(own!.first <= 1.1, `first byte: ${own!.first}`)
    t.ok(own!.last <= ratio * rival!.last, `${own!.last}; streaming ${rival!.last}`)
  })
}

t.test('600 KB at 64 KB/s, where the stream fills the queue and the end of the beginning is lost in it', async t => {
  const point = { latency: 100, loss: 0, bandwidth: 64, profile: 'plain', size: 600 } as const
  const { failed, last, worst } = runLarge('minwww', point, { runs: 6, seed: 100 })
  t.equal(failed, 0)
  t.ok(worst <= 1.3 * last, `${worst}, median ${last}: nothing is fetched twice`)
})

t.test('without a stream that waits the rest is asked for', async t => {
  const network = { profile: 'plain', latency: 250, jitter: 12.5, loss: 0, bandwidth: 0, deadPaths: 0, tunnelLifetime: 86_400_000 } as const
  for (const [isParking, last] of [[false, 2.3], [true, 1.25]] as const) {
    const path = new LargePath(7, network, isParking)
    path.settle(60_000)
    const downloads = Array.from({ length: 8 }, () => {
      const download = path.fetch(200 * 1024, 60_000)
      path.rest(5_000)
      return download
    })
    t.ok(downloads.every(({ failed }) => !failed))
    t.ok(downloads.at(-1)!.last <= last * 500, `${downloads.at(-1)!.last} ms`)
  }
})

t.test('the same seed gives the same figures; each point is there once', async t => {
  const points = largePoints()
  t.equal(new Set(points.map(point => JSON.stringify(point))).size, points.length)
  t.strictSame(runLarge('minwww', points[0]!, { runs: 2, seed: 3 }), runLarge('minwww', points[0]!, { runs: 2, seed: 3 }))
})
