import t from 'tap'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import type { Exit } from '../src/core/exit.ts'
import { ExitPath } from '../src/core/path.ts'
import { RateController } from '../src/core/rate-controller.ts'
import { clientState, restoreExit } from '../src/core/state.ts'
import { ExitPool } from '../src/pool/pool.ts'
import { runLink, tableOf } from './link.ts'

const KB = 1024
const steady = (kilobytes: number) => () => kilobytes * KB
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

t.test('a bottleneck is found within some round trips, and kept busy', async t => {
  for (const rtt of [20, 100, 500, 2_000]) {
    for (const kilobytes of [32, 64, 256, 1_024]) {
      const link = runLink({ rtt, carries: steady(kilobytes), duration: 60 * rtt + 5_000 })
      const later = link.readings.slice(-Math.ceil(link.readings.length / 2))
      const name = `${rtt} ms, ${kilobytes} KB/s`
      t.ok(
        mean(later.map(({ goodput }) => goodput)) > 0.9 * kilobytes * KB,
        `${name}: goodput ${mean(later.map(({ goodput }) => goodput)) / KB}`
      )
      t.ok(mean(later.map(({ queue }) => queue)) < Math.max(300, rtt), `${name}: a queue of ${mean(later.map(({ queue }) => queue))}`)
    }
  }
})

t.test('drops: what the first round trip has too much, and few later', async t => {
  for (const [rtt, kilobytes, queue] of [[500, 64, 500], [100, 64, 500], [500, 256, 500], [100, 256, 1_000], [500, 64, 1_000]] as const) {
    const { sent, dropped } = runLink({ rtt, carries: steady(kilobytes), queue, duration: 20_000 })
    t.ok(dropped <= 40, `${rtt} ms, ${kilobytes} KB/s, ${queue} ms: ${dropped} of ${sent}`)
  }
})

t.test('a path without a bottleneck: sixteen times the rate within six round trips', async t => {
  const { readings } = runLink({ rtt: 100, carries: steady(1e6), duration: 1_000 })
  t.ok(readings[5]!.grant > 10_000 * KB, `${readings[5]!.grant} after six round trips`)
})

t.test('neither random losses nor jitter hold it down', async t => {
  for (const loss of [0.01, 0.05, 0.1]) {
    const { readings } = runLink({ rtt: 200, carries: steady(256), loss, jitter: 20, duration: 30_000 })
    const goodput = mean(readings.slice(-50).map(({ goodput }) => goodput))
    t.ok(goodput > 0.8 * (1 - loss) * 256 * KB, `${loss}: ${Math.round(goodput / KB)} KB/s`)
  }
})

t.test('a bandwidth that falls to an eighth and comes back', async t => {
  const rtt = 500
  const link = runLink({ rtt, carries: now => (now < 15_000 || now >= 30_000 ? 256 : 32) * KB, duration: 45_000 })
  const between = (from: number, to: number): number =>
    mean(link.readings.filter(({ at }) => at > from && at <= to).map(({ goodput }) => goodput))
  t.ok(between(10_000, 15_000) > 0.85 * 256 * KB, 'before')
  t.ok(between(15_000 + 5 * rtt, 30_000) > 0.75 * 32 * KB, `five round trips after the fall: ${between(15_000 + 5 * rtt, 30_000) / KB}`)
  t.ok(between(30_000 + 8 * rtt, 45_000) > 0.85 * 256 * KB, `eight after the return: ${between(30_000 + 8 * rtt, 45_000) / KB}`)
})

t.test('a path that drops everything above a rate without delay', async t => {
  const { readings, sent, dropped } = runLink({ rtt: 200, carries: steady(128), queue: 30, duration: 30_000 })
  t.ok(mean(readings.slice(-50).map(({ goodput }) => goodput)) > 0.6 * 128 * KB)
  t.ok(dropped < 0.35 * sent, `${dropped} of ${sent}`)
})

t.test('the rate over time, as tables', async t => {
  const snapshot = (name: string, o: Parameters<typeof runLink>[0]): void => { t.matchSnapshot(tableOf(runLink(o)), name) }
  snapshot('64 KB/s, 500 ms', { rtt: 500, carries: steady(64), duration: 15_000 })
  snapshot('1,024 KB/s, 100 ms', { rtt: 100, carries: steady(1_024), duration: 3_000 })
  snapshot('no bottleneck, 100 ms', { rtt: 100, carries: steady(1e6), duration: 1_000 })
  snapshot('256 to 32 KB/s and back, 500 ms', {
    rtt: 500,
    carries: now => (now < 10_000 || now >= 20_000 ? 256 : 32) * KB,
    duration: 30_000
  })
})

t.test('whatever an exit claims, the grant stays within its bounds', async t => {
  const controller = new RateController({ initial: 128 * KB, window: 140, least: 2 * KB, most: 64 * KB * KB })
  const path = { srtt: 50 }
  let random = 1
  for (let now = 0; now < 200_000; now += random % 60) {
    random = Math.imul(random, 1_103_515_245) + 12_345 >>> 1
    path.srtt = random % 5 === 0 ? 0 : 50
    controller.arrived(now, random & 0xffff, KB * (1 + random % 61), random % 1e7, path)
    if (random % 97 === 0) controller.congestion(now, path)
    if (!(controller.grant >= 1.9 * KB && controller.grant <= 64 * KB * KB)) t.fail(`${controller.grant} at ${now}`)
  }
})

t.test('silence halves what is granted, once in a round trip, and only where nothing comes', async t => {
  const controller = new RateController({ initial: 128 * KB, window: 140, least: 2 * KB, most: 64 * KB * KB })
  const path = { srtt: 500 }
  controller.begin(path)
  const first = controller.grant
  controller.silence(3_000, path)
  t.ok(Math.abs(controller.grant / first - 0.5) < 0.05, `${controller.grant} of ${first}`)
  const second = controller.grant
  controller.silence(3_400, path)
  controller.begin(path)
  controller.probed(3_450, 'late', 0, KB, path)
  controller.probed(3_450, 'late', 0, KB, path)
  t.equal(controller.grant, second, 'neither twenty requests at once nor what is left of a train change that')
  controller.arrived(4_000, 3_750, 4 * KB, 100 * KB, path)
  controller.silence(4_200, path)
  t.equal(controller.grant, second, 'something came')
  for (let now = 5_000; now < 60_000; now += 500) controller.silence(now, path)
  t.ok(controller.grant > second / 18, `${controller.grant} after a minute without a word`)
})

t.test('losses at a queue that is always full: what comes is the bottleneck, and no less than half of what it was', async t => {
  const path = { srtt: 500 }
  for (const [came, least, most] of [[48, 45, 56], [4, 32, 32]] as const) {
    const controller = new RateController({ initial: 128 * KB, window: 140, least: 2 * KB, most: 64 * KB * KB })
    controller.restore(64 * KB)
    for (let now = 0; now < 3_000; now += 1_000 / came) controller.arrived(now, now & 0xffff, KB, 1_000 * KB, path)
    const before = controller.bottleneck!
    controller.congestion(3_000, path, true)
    const after = controller.bottleneck!
    t.ok(after >= least / 64 * before && after <= most * KB, `${came} KB/s: ${before}, ${after}`)
  }
})

t.test('what an earlier run measured is where it begins', async t => {
  const controller = new RateController({ initial: 128 * KB, window: 140, least: 2 * KB, most: 64 * KB * KB })
  controller.restore(64 * KB)
  t.equal(controller.grant, 64 * KB)
  controller.begin({ srtt: 100 })
  t.equal(controller.grant, 64 * KB, 'which a first round trip does not change')
})

t.test('the bottleneck is kept over a restart, and nonsense is not', async t => {
  const path = new ExitPath(DEFAULT_CONFIG)
  path.restore(100, 64 * KB)
  t.equal(path.rate, 64 * KB)
  t.equal(path.bottleneck, 64 * KB)
  const exit = { id: 'a', path } as unknown as Exit
  const { paths } = clientState(new ExitPool('ranked'), [exit])
  t.match(paths, [{ id: 'a', srtt: 100, rate: 64 * KB }])
  for (const rate of [-1, 'x', NaN, null]) {
    const fresh = { id: 'a', path: new ExitPath(DEFAULT_CONFIG) } as unknown as Exit
    restoreExit(fresh, { id: 'a', srtt: 100, rate })
    t.equal(fresh.path.bottleneck, undefined, String(rate))
  }
})

t.test('what the answer to a probe has shown is not forgotten over one of a single message', t => {
  const path = { srtt: 500 }
  const learnt = (isAskedAgain: boolean): [number, number | undefined] => {
    const controller = new RateController({ initial: 64 * KB, window: 140, least: KB, most: 64 * KB * KB })
    // A bottleneck of 20 KB/s.
    for (let i = 0; i < 5; i++) controller.probed(1_000 + 50 * i, 'train', 0, KB, path)
    if (isAskedAgain) controller.probed(3_000, 'lone', 2_000, KB, path)
    controller.begin(path)
    controller.beware(3_500)
    return [controller.grant, controller.bottleneck]
  }
  const [, bottleneck] = learnt(false)
  t.ok(bottleneck! > 19 * KB && bottleneck! < 22 * KB, String(bottleneck))
  t.strictSame(learnt(true), learnt(false))
  t.end()
})
