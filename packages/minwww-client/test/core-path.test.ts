import { decodeLoss, parityFor } from '@minwww/protocol'
import t from 'tap'
import { Assembly } from '../src/core/assembly.ts'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import { ExitPath } from '../src/core/path.ts'
import { ShapeLearner } from '../src/core/shape.ts'
import { symbol } from './symbols.ts'

const KB = 1024

t.test('while nothing was lost a reply of one message gets no copy, a long one parity', async t => {
  const { loss } = new ExitPath(DEFAULT_CONFIG).report(0)
  t.equal(parityFor(1, decodeLoss(loss), 1), 0)
  t.ok(parityFor(16, decodeLoss(loss), 4) > 0)
})

t.test('shape: random loss does not shrink symbols for good', async t => {
  const learner = new ShapeLearner({ growRun: 2_000, retry: 3_600_000 })
  for (let now = 0; now < 400; now++) {
    const m = Math.min(4, learner.shape(now))
    learner.burst(now, { m, announced: 20, received: Math.round(20 * 0.95 ** m), outOfOrder: false })
  }
  t.equal(learner.shape(400), 8)
})

t.test('shape: a router that drops reordered fragments does, until an hour has passed', async t => {
  const learner = new ShapeLearner({ growRun: 2_000, retry: 3_600_000 })
  const survival: Record<number, number> = { 8: 0.1, 4: 0.25, 2: 0.7, 1: 1 }
  for (let now = 0; now < 100; now++) {
    const m = learner.shape(now)
    learner.burst(now, { m, announced: 20, received: Math.round(20 * survival[m]!), outOfOrder: true })
  }
  t.equal(learner.shape(100), 1)
  t.equal(learner.shape(3_599_000), 1)
  t.equal(learner.shape(3_700_000), 8)
})

t.test('shape: the largest size that survives is found', async t => {
  const learner = new ShapeLearner({ growRun: 2_000, retry: 3_600_000 })
  const survival: Record<number, number> = { 8: 0.8, 4: 0.9, 2: 1, 1: 1 }
  for (let now = 0; now < 100; now++) {
    const m = learner.shape(now)
    learner.burst(now, { m, announced: 20, received: Math.round(20 * survival[m]!), outOfOrder: true })
  }
  t.equal(learner.shape(100), 2)
})

t.test('shape: grows on a clean and ordered path, and falls at the first loss', async t => {
  const learner = new ShapeLearner({ growRun: 2_000, retry: 3_600_000 })
  const clean = (tunnelMessages: number, outOfOrder = false): void => {
    for (let sent = 0; sent < tunnelMessages; sent += 40) learner.burst(0, { m: 4, announced: 10, received: 10, outOfOrder })
  }
  clean(4_000, true)
  t.equal(learner.shape(0), 8, 'not while symbols come out of order')
  clean(2_000)
  t.equal(learner.shape(0), 16)
  clean(4_000)
  t.equal(learner.shape(0), 61)
  learner.burst(0, { m: 61, announced: 1, received: 0, outOfOrder: false })
  t.equal(learner.shape(0), 32)
})

t.test('path: the loss of a whole burst is counted once its time is over', async t => {
  const path = new ExitPath(DEFAULT_CONFIG)
  t.equal(path.report(0).rate, 0, 'no rate is granted before a round trip was measured')
  path.restore(200)
  const before = path.loss
  for (let id = 0; id < 40; id++) {
    for (const index of [0, 1, 2, 4, 5, 6, 8]) path.observe(id * 10_000 + index, `${id}`, 0, symbol({ index }), 1_028)
    t.ok(path.nextTimeout()! > id * 10_000)
    path.handleTimeout(id * 10_000 + 9_999)
    t.equal(path.nextTimeout(), undefined)
  }
  t.ok(path.loss > before * 2)
  t.ok(path.report(0).rate > 0)
})

t.test('path: no symbol is asked for that takes longer at the bottleneck than one of the first size, or 62 ms', async t => {
  for (const [bottleneck, shape] of [[16, 8], [64, 8], [256, 8], [300, 16], [1_024, 61]] as const) {
    const path = new ExitPath({ ...DEFAULT_CONFIG, growRun: 1 })
    path.restore(100, bottleneck * 1_024)
    for (let id = 0; id < 8; id++) path.observe(id, `${id}`, 0, symbol({ last: 0, time: id }), 8 * 996 - 200)
    t.equal(path.shape(100), shape, `${bottleneck} KB/s`)
  }
})

t.test('path: what an exit is told to send no more of has lost nothing', async t => {
  const lossAfter = (isStopped: boolean): number => {
    const path = new ExitPath(DEFAULT_CONFIG)
    for (let id = 0; id < 20; id++) {
      for (let index = 0; index < 4; index++) path.observe(0, `s.${id}.0`, 0, symbol({ index, last: 15 }), 1_000)
      if (isStopped) path.stop(`s.${id}.`)
    }
    path.handleTimeout(100_000)
    return decodeLoss(path.report(100_000).loss)
  }
  t.ok(lossAfter(false) > 2 * lossAfter(true), `${lossAfter(false)} and ${lossAfter(true)}`)
})

t.test('path: one that dies on the way has not lost what could not come any more', async t => {
  const lossAfter = (received: number): number => {
    const path = new ExitPath(DEFAULT_CONFIG)
    for (let index = 0; index < received; index++) path.observe(index * 8, 'a', 0, symbol({ index, last: 39, size: 40_000 }), 1_000)
    path.handleTimeout(60_000)
    return path.loss
  }
  t.ok(lossAfter(20) < 0.02, 'half of a burst')
  t.ok(lossAfter(37) > lossAfter(20), 'three symbols may be chance')
})

t.test('path: what comes after its burst was counted was late, and is not counted as another burst', async t => {
  const lossAfter = (late: readonly number[]): number => {
    const path = new ExitPath(DEFAULT_CONFIG)
    path.rtt.sample(20)
    for (let index = 0; index < 17; index++) path.observe(index, 'a', 0, symbol({ index, last: 18, size: 18_000 }), 1_028)
    path.handleTimeout(5_000)
    for (const index of late) path.observe(5_010, 'a', 0, symbol({ index, last: 18, size: 18_000 }), 1_028)
    path.handleTimeout(50_000)
    return path.loss
  }
  t.equal(lossAfter([17, 18]), lossAfter([]))
})

t.test('path: the answer to a probe says how much may go into the first round trip, and nothing of loss', async t => {
  const probed = (times: readonly number[]): ExitPath => {
    const path = new ExitPath(DEFAULT_CONFIG)
    for (const [index, time] of times.entries()) {
      path.observe(1_000 + time, 'probe', 0, symbol({ size: 0, index, last: 4, symbol: Buffer.alloc(653) }), 683)
      if (index === 0) path.measure(1_000, 200, 1)
    }
    path.handleTimeout(60_000)
    return path
  }
  const spaced = (spacing: number): readonly number[] => [0, 1, 2, 3, 4].map(index => index * spacing)
  const usual = probed([0]).rate
  const together = probed([0, 0, 0, 0, 0])
  t.ok(together.rate > 2 * usual, `${together.rate} after ${usual}: they came as they left`)
  t.ok(probed(spaced(2)).rate > usual && probed(spaced(2)).rate < 520 * KB, `${probed(spaced(2)).rate}: one in 2 ms, 512 KB/s`)
  const rateOf = (times: readonly number[], isAware: boolean): number => {
    const path = probed(times)
    if (isAware) path.beware(61_000)
    return path.rate
  }
  for (const times of [[0, 1, 2, 3, 103], [0, 100, 101, 102, 103], [0, 75, 75, 150, 150], [0, 0, 300, 300, 300], [0, 100]]) {
    for (const isAware of [false, true]) {
      t.ok(Math.abs(rateOf(times, isAware) / usual - 1) < 0.05, `${times.join(', ')} leave it as it is: gateways hold messages back`)
    }
  }
  for (const spacing of [8, 16, 64]) {
    const times = spaced(spacing).map((time, index) => index > 2 ? time + 100 : time)
    t.ok(Math.abs(rateOf(times, false) / usual - 1) < 0.05, 'late ones leave it as it is, where nothing is pushed')
    const rate = rateOf(times, true)
    t.ok(Math.abs(rate / (KB * 1000 / spacing) - 1) < 0.05, `${rate}: none comes sooner than ${spacing} ms after the one before`)
  }
  t.equal(probed([0, 0, 0]).loss, together.loss)
})

t.test('path: a queue that loses nothing shows a clean path', async t => {
  const lost = (index: number): boolean => index % 12 === 0
  const after = (isLost: (index: number) => boolean): ExitPath => {
    const path = new ExitPath(DEFAULT_CONFIG)
    for (let i = 0; i < 20; i++) path.rtt.sample(200)
    // Sent at once, twenty a second come.
    for (let burst = 0; burst < 30; burst++) {
      for (let i = 0; i < 40; i++) {
        const index = burst * 40 + i
        if (!isLost(index)) path.observe(index * 50, `${burst}`, 0, symbol({ index: i, last: 39, size: 40_000 }), 1_028, 0, 80_000)
      }
      path.handleTimeout((burst + 1) * 2_000 - 1)
    }
    path.handleTimeout(1e9)
    return path
  }
  t.equal(after(() => false).loss, 0)
  t.ok(after(lost).loss > 0)
})

t.test('path: congestion does not count as loss', async t => {
  const path = new ExitPath(DEFAULT_CONFIG)
  for (let i = 0; i < 20; i++) path.rtt.sample(200)
  const before = path.loss
  // Sent at once, twenty a second come: a queue grows, and has no room for every second one.
  for (let index = 0; index < 60; index += 2) path.observe(index * 50, 'x', 0, symbol({ index, last: 80, size: 80_000 }), 1_028, 0, 80_000)
  path.handleTimeout(1e9)
  t.equal(path.loss, before)
  t.ok(path.rate < 40 * KB, `${path.rate}`)
  t.ok(path.carries < 40 * KB)
})

t.test('path: what is not needed any more, since the page is whole, is not lost', async t => {
  const path = new ExitPath(DEFAULT_CONFIG)
  path.rtt.sample(200)
  const before = path.loss
  for (let id = 0; id < 40; id++) {
    for (let index = 0; index < 7; index++) {
      const watch = path.observe(id * 10_000 + index, `${id}`, 0, symbol({ index, last: 9 }), 1_028)
      if (index === 6) watch.stop()
    }
    path.observe(id * 10_000 + 40, `${id}`, 0, symbol({ index: 8, last: 9 }), 1_028)
    path.handleTimeout(id * 10_000 + 9_999)
  }
  t.ok(path.loss <= before)
})

t.test('assembly: what contradicts itself is not taken, and lies are bounded', async t => {
  const assembly = new Assembly(symbol(), 3)
  t.equal(assembly.add(symbol({ index: 3 })), 'new')
  t.equal(assembly.add(symbol({ index: 3 })), 'duplicate')
  t.equal(assembly.add(symbol({ size: 10_001 })), 'inconsistent')
  t.equal(assembly.add(symbol({ symbol: Buffer.alloc(999) })), 'inconsistent')
  t.equal(assembly.announced(255), 16, 'no burst has more than k/2 + 2 of parity')
  t.match(assembly.want(0.01, 1), { from: 10 })
  for (let i = 0; i < 30; i++) assembly.add(symbol({ index: 3 }))
  t.ok(assembly.isFlooded)
  t.equal(assembly.want(0.01, 1), undefined, 'an exit that floods is asked for nothing')
})

t.test('assembly: what a WANT has given up is not under way any more', async t => {
  const assembly = new Assembly(symbol({ size: 20_000, last: 19 }), 3)
  for (const index of [0, 1, 2, 3, 4]) assembly.add(symbol({ size: 20_000, index, last: 19 }))
  t.equal(assembly.outstanding, 15 * 1_000)
  const want = assembly.want(0, 1)!
  t.same(want, { from: 20, count: 15 })
  t.equal(assembly.outstanding, 15 * 1_000, 'those asked for, not those lost as well')
  assembly.add(symbol({ size: 20_000, index: 20, last: 34 }))
  t.equal(assembly.outstanding, 14 * 1_000)
})
