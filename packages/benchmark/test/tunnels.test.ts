import t from 'tap'
import { runCell, runTunnel } from '../src/grid/index.ts'

// A shared machine may be slow; nothing here waits for the clock of the wall.
t.setTimeout(300_000)

const LATENCY = 250
const OPTIONS = { runs: 400, seed: 7 }

const GOALS = [
  { latency: 50, loss: 1, gain: 1 / 2, median: 1.15, extra: 0.15 },
  { latency: 50, loss: 5, gain: 1 / 3, median: 1.2, extra: 0.4 },
  { latency: LATENCY, loss: 1, gain: 1 / 2, median: 1.15, extra: 0.15 },
  { latency: LATENCY, loss: 5, gain: 1 / 3, median: 1.15, extra: 0.4 }
]
for (const { latency, loss, gain, median, extra } of GOALS) {
  t.test(`64 KB through tunnels of ${latency} ms at ${loss} % loss: parity mends the slowest, and costs little`, async t => {
    const conditions = { latency, loss, size: 64 }
    const plain = runTunnel('streaming', conditions, OPTIONS)
    const parity = runTunnel('streaming-parity', conditions, OPTIONS)
    t.strictSame([plain.failed, parity.failed], [0, 0])
    t.ok(parity.open.p99 <= gain * plain.open.p99, `open, p99: ${parity.open.p99} and ${plain.open.p99} ms`)
    t.ok(parity.fresh.p99 <= gain * plain.fresh.p99, `CONNECT, p99: ${parity.fresh.p99} and ${plain.fresh.p99} ms`)
    t.ok(parity.open.p50 <= median * 2 * latency, `open, p50: ${parity.open.p50} ms`)
    const more = parity.open.tunnelMessages / plain.open.tunnelMessages - 1
    t.ok(more <= extra && parity.parityShare <= extra, `${more} more tunnel messages, ${parity.parityShare} of parity`)
  })
}

t.test('nothing is added where nothing is lost', async t => {
  const conditions = { latency: LATENCY, loss: 0, size: 64 }
  const plain = runTunnel('streaming', conditions, { runs: 40, seed: 7 })
  const parity = runTunnel('streaming-parity', conditions, { runs: 40, seed: 7 })
  t.equal(parity.parityShare, 0)
  t.ok(parity.open.tunnelMessages <= 1.01 * plain.open.tunnelMessages, `${parity.open.tunnelMessages}, ${plain.open.tunnelMessages}`)
  t.ok(parity.open.p99 <= 1.05 * plain.open.p99)
})

const NARROW = [[10, 10, 64, 'plain'], [250, 5, 16, 'plain'], [10, 0, 256, 'i2pd'], [10, 1, 256, 'i2pd']] as const
for (const [latency, loss, bandwidth, profile] of NARROW) {
  const name = `128 KB, ${latency} ms, ${loss} %, ${bandwidth} KB/s, ${profile}`
  t.test(`${name}: where bytes are what takes the time parity is hardly slower`, async t => {
    const point = { size: 128 * 1_024, latency, loss, bandwidth, burst: 1, profile }
    const [warm, parity] = (['streaming-warm', 'streaming-parity'] as const).map(design => runCell(design, point, { runs: 100, seed: 7 }))
    t.ok(parity!.p50 <= 1.07 * warm!.p50, `${parity!.p50} and ${warm!.p50} ms`)
    t.ok(parity!.tunnelMessages <= 1.1 * warm!.tunnelMessages, `${parity!.tunnelMessages} and ${warm!.tunnelMessages}`)
  })
}
