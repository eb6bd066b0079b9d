import t from 'tap'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { VirtualClock } from '@minwww/ground/virtual'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import { ExitPath } from '../src/core/path.ts'
import { RateController } from '../src/core/rate-controller.ts'
import { INTERVAL, NO_MORE, watchRate } from '../src/route/stream-watch.ts'

const PATH = { srtt: 500 }

t.test('a stream tells what it carried at most, while it lasts', async t => {
  const clock = new VirtualClock()
  const stream = Object.assign(new Duplex({ read () {}, write () {} }), { bytesRead: 0 })
  const told: number[] = []
  watchRate(stream, clock, rate => told.push(Math.round(rate)))
  for (const bytes of [43_250, 86_500, 0, 43_250, 173_000]) {
    stream.bytesRead += bytes
    clock.advance(INTERVAL)
  }
  t.strictSame(told, [102_400, 204_800, NO_MORE, 409_600], 'bytes of tunnel messages a second where it is more, nothing of silence')
  stream.destroy()
  await once(stream, 'close')
  t.equal(clock.pending, 0)
  watchRate(stream, clock, () => {})
  t.equal(clock.pending, 0)
})

t.test('the grant is no less than what a stream has carried', async t => {
  const rate = new RateController({ initial: 131_072, window: 140, least: 2_048, most: 1_000_000 })
  rate.begin(PATH)
  const before = rate.grant
  rate.carried(0, before / 2)
  t.equal(rate.grant, before, 'less says nothing')
  rate.carried(0, 500_000)
  t.ok(Math.abs(rate.grant / 500_000 - 1) < 0.05, `${rate.grant}`)
  rate.carried(0, 1e12)
  t.ok(rate.grant <= 1_050_000, 'the bound stays')
  const known = new RateController({ initial: 131_072, window: 140, least: 2_048, most: 1_000_000 })
  known.restore(50_000)
  known.carried(0, 200_000)
  t.equal(known.bottleneck, 200_000)
  known.congestion(0, PATH)
  known.carried(0, 900_000)
  t.ok(known.grant <= 0.75 * 200_000, 'losses count more')
})

t.test('before a message was answered, streams say nothing of messages', async t => {
  const path = new ExitPath(DEFAULT_CONFIG)
  const { rate } = path
  path.carried(0, 1_000_000)
  t.equal(path.rate, rate)
  path.measure(0, 500, 1)
  path.carried(0, 1_000_000)
  t.ok(path.rate > 900_000)
})
