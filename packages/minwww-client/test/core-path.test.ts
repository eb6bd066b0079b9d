import type { ReplyMessage } from '@minwww/protocol'
import { decodeLoss, encodeRate, parityFor } from '@minwww/protocol'
import t from 'tap'
import { Assembly } from '../src/core/assembly.ts'
import { BurstWatch } from '../src/core/burst-watch.ts'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import { ExitPath } from '../src/core/path.ts'
import { RateGrant } from '../src/core/rate-grant.ts'
import { ShapeLearner } from '../src/core/shape.ts'

const KB = 1024

function symbol (o: Partial<ReplyMessage> = {}): ReplyMessage {
  return {
    type: 'reply',
    part: 'whole',
    attempt: 0,
    flags: 0,
    session: Buffer.alloc(8),
    id: 1,
    size: 10_000,
    index: 0,
    last: 9,
    pace: encodeRate(128 * KB),
    time: 0,
    symbol: Buffer.alloc(1_000),
    ...o
  }
}

t.test('while nothing was lost a reply of one message gets no copy, a long one parity', async t => {
  const { loss } = new ExitPath(DEFAULT_CONFIG).report(0)
  t.equal(parityFor(1, decodeLoss(loss), 1), 0)
  t.ok(parityFor(16, decodeLoss(loss), 4) > 0)
})

t.test('a train without length, or one that nearly stands still, leaves a rate to work with', async t => {
  const rate = new RateGrant(128 * KB, 2 * KB, 16 * KB * KB)
  t.ok(rate.sample({ symbols: 20, bytes: 0, duration: 50, pace: 128 * KB }), 'the highest symbol came first')
  t.equal(rate.bottleneck, undefined)
  t.notOk(rate.sample({ symbols: 20, bytes: 1, duration: 60_000, pace: 128 * KB }))
  t.equal(rate.bottleneck, 2 * KB)
  t.equal(rate.grant, 2 * KB)
})

t.test('rate: search, bottleneck, hold, probe, loss', async t => {
  const rate = new RateGrant(128 * KB, 2 * KB, 16 * KB * KB)
  const train = (arrival: number, pace: number, symbols = 10): boolean => rate.sample({ symbols, bytes: arrival, duration: 1_000, pace })
  t.ok(train(128 * KB, 128 * KB))
  t.equal(rate.grant, 256 * KB, 'doubles while no bottleneck was seen')
  t.notOk(train(64 * KB, 256 * KB))
  t.equal(rate.grant, 0.95 * 64 * KB)
  t.equal(rate.bottleneck, 64 * KB)
  t.ok(train(60 * KB, 60 * KB))
  t.equal(rate.grant, 1.1 * 60 * KB, 'carefully up')
  t.ok(train(60 * KB, 66 * KB))
  t.equal(rate.grant, 60 * KB, 'what arrives, when a queue fills')
  t.ok(train(90 * KB, 60 * KB))
  t.equal(rate.grant, 1.1 * 60 * KB, 'carefully near what trains have shown')
  t.ok(train(900 * KB, 60 * KB))
  t.equal(rate.grant, 2 * 60 * KB, 'doubled far below it')
  t.ok(train(60 * KB, 60 * KB))
  t.equal(rate.grant, 2 * 60 * KB)
  t.ok(train(64 * KB, 66 * KB))
  t.equal(rate.grant, 64 * KB)
  rate.congestion()
  t.equal(rate.grant, 0.7 * 64 * KB)
  t.ok(rate.sample({ symbols: 6, bytes: 1, duration: 1_000, pace: 60 * KB }), 'a short train says nothing')
  for (let i = 0; i < 40; i++) rate.congestion()
  t.equal(rate.grant, 2 * KB, 'bounded below')
  train(1e12, 1e12)
  t.equal(rate.grant, 480 * KB, 'no more than gateways take of messages, until a longer train has come')
  train(1e12, 1e12, 50)
  t.equal(rate.grant, 2_000 * KB)
  for (let i = 0; i < 400; i++) train(1e12, 1e12, 1_000)
  t.equal(rate.grant, 16 * KB * KB, 'and above, whatever an exit claims')
})

t.test('a train: neither a straggler nor one silence makes it slower', async t => {
  const trainOf = (arrivals: Array<[at: number, index: number]>): ReturnType<() => BurstWatch['own']> => {
    const watch = new BurstWatch(0, 19, 1, 128 * KB)
    let passed = 0
    for (const [at, index] of arrivals) watch.observe(at, index, 19, passed += watch.advance(index) * KB, Infinity)
    return watch.own
  }
  const even = Array.from({ length: 20 }, (_, i): [number, number] => [i * 10, i])
  t.match(trainOf(even), { symbols: 20, bytes: 18 * KB, duration: 180 })
  t.match(trainOf(even.filter(([, i]) => i !== 7)), { symbols: 19, bytes: 17 * KB, duration: 170 }, 'a lost symbol')
  t.match(trainOf([...even.filter(([, i]) => i !== 7), [600, 7]]), { symbols: 20, bytes: 17 * KB, duration: 170 }, 'a straggler')
  t.match(trainOf(even.map(([at, i]) => [i > 12 ? at + 400 : at, i])), { symbols: 20, bytes: 18 * KB, duration: 180 }, 'a silence')
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
  path.rtt.sample(200)
  t.equal(path.report(0).rate, 0, 'no rate is granted before one was measured')
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

t.test('path: what is asked for after the last symbol begins a train of its own', async t => {
  const path = new ExitPath(DEFAULT_CONFIG)
  for (let i = 0; i < 20; i++) path.rtt.sample(200)
  // Replies of three symbols, of which the last, a spare one, is lost: each is asked for as soon as the one before is whole.
  for (let id = 0; id < 40; id++) {
    const at = id * 300
    for (const index of [0, 1]) path.observe(at + index, `${id}`, 0, symbol({ index, last: 2 }), 1_028, 0, at - 200)
    path.handleTimeout(at + 90)
  }
  path.handleTimeout(60_000)
  t.ok(path.rate >= DEFAULT_CONFIG.initialRate, `${path.rate}`)
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

t.test('path: congestion does not count as loss', async t => {
  const path = new ExitPath(DEFAULT_CONFIG)
  path.rtt.sample(200)
  const before = path.loss
  for (const index of [0, 1, 2, 3, 4, 5, 6]) path.observe(index * 100, 'x', 0, symbol({ index, last: 20 }), 1_028)
  path.handleTimeout(1e9)
  t.equal(path.loss, before)
  t.ok(path.rate < 30 * KB)
  t.ok(path.carries < 30 * KB)
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
