import t from 'tap'
import { largePoints, runLarge } from '../src/grid/index.ts'
import { simulateSignatures } from '../src/grid/simulated-signatures.ts'

// A shared machine may be slow; nothing here waits for the clock of the wall.
t.setTimeout(180_000)
simulateSignatures()

const OPTIONS = { runs: 8, seed: 7 }

/** Round trips, and multiples of warm streaming's time. The rest of an answer is asked for one round trip after the answer. */
const WIDE = [
  { size: 200, last: 2.3, ratio: 1 }, { size: 300, last: 2.6, ratio: 0.8 }, { size: 600, last: 3.6, ratio: 0.68 },
  { size: 1_024, last: 5, ratio: 0.65 }
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

const OTHERS = [{ profile: 'java', ratio: 0.75 }, { profile: 'i2pd', ratio: 0.85 }, { bandwidth: 256, ratio: 1.03 }] as const

for (const { ratio, ...o } of OTHERS) {
  t.test(`300 KB: ${JSON.stringify(o)}`, async t => {
    const point = { latency: 250, loss: 0, bandwidth: 0, profile: 'plain', ...o, size: 300 } as const
    const [own, rival] = (['minwww', 'streaming'] as const).map(design => runLarge(design, point, OPTIONS))
    t.equal(own!.failed, 0)
    t.ok(own!.last <= ratio * rival!.last, `${own!.last}; streaming ${rival!.last}`)
  })
}

t.test('the same seed gives the same figures; each point is there once', async t => {
  const points = largePoints()
  t.equal(new Set(points.map(point => JSON.stringify(point))).size, points.length)
  t.strictSame(runLarge('minwww', points[0]!, { runs: 2, seed: 3 }), runLarge('minwww', points[0]!, { runs: 2, seed: 3 }))
})
