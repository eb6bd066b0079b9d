/** The rate that a client grants, step by step (section 7.2); rate-controller.test.ts has whole paths. */
import { TUNNEL_BYTES } from '@minwww/protocol'
import t from 'tap'
import { RateController } from '../src/core/rate-controller.ts'
import { nearest, rateOf } from '../src/core/rates.ts'

const KB = 1024
const PATH = { srtt: 100 }
const near = (actual: number | undefined, expected: number): boolean => Math.abs((actual ?? NaN) - expected) <= 1e-6 * expected
const controllerOf = (o: Partial<ConstructorParameters<typeof RateController>[0]> = {}): RateController =>
  new RateController({ initial: 128 * KB, window: 140, least: 2 * KB, most: 64 * KB * KB, ...o })

/** Symbols of `bytes`, which leave and come so many ms apart from `start` on; the last one at `start + (count - 1) * apart`. */
function arrive (controller: RateController, start: number, count: number,
  o: Partial<Record<'apart' | 'sentApart' | 'bytes' | 'announced' | 'sentFrom', number>> = {}): void {
  const { apart = 1, bytes = TUNNEL_BYTES, announced = 0, sentFrom = start } = o
  const { sentApart = apart } = o
  for (let i = 0; i < count; i++) controller.arrived(start + i * apart, (sentFrom + i * sentApart) & 0xffff, bytes, announced, PATH)
}

t.test('before anything came: the first window, once, and within bounds', async t => {
  const controller = controllerOf()
  t.strictSame([controller.grant, controller.bottleneck, controller.queue, controller.latest, controller.isCongested], [128 * KB, undefined,
    0, 0, false])
  controller.begin(PATH)
  t.equal(controller.grant, nearest(140 * KB * 1_000 / 350))
  controller.begin({ srtt: 500 })
  t.equal(controller.grant, nearest(140 * KB * 1_000 / 750), 'a later round trip says more')
  controller.arrived(0, 0, KB, 0, PATH)
  controller.begin(PATH)
  t.equal(controller.grant, nearest(140 * KB * 1_000 / 750))
  const small = controllerOf({ most: 9_000, least: 4_000 })
  small.begin(PATH)
  t.equal(small.grant, nearest(9_000))
  small.restore(1)
  t.strictSame([small.grant, small.bottleneck], [nearest(4_000), 4_000])
  small.begin(PATH)
  t.equal(small.grant, nearest(4_000), 'what an earlier run measured is more than that')
})

t.test('what an earlier run, or a stream, has measured', async t => {
  const controller = controllerOf()
  controller.carried(0, 100 * KB)
  t.strictSame([controller.grant, controller.bottleneck], [128 * KB, undefined], 'no more than is granted')
  controller.carried(0, 200 * KB)
  t.strictSame([controller.grant, controller.bottleneck], [nearest(200 * KB), undefined])
  controller.restore(50 * KB)
  t.strictSame([controller.grant, controller.bottleneck], [nearest(50 * KB), 50 * KB])
  controller.carried(0, 40 * KB)
  t.strictSame([controller.grant, controller.bottleneck], [nearest(50 * KB), 50 * KB])
  controller.carried(0, 80 * KB)
  t.strictSame([controller.grant, controller.bottleneck], [nearest(80 * KB), 80 * KB])
  controller.carried(0, 1e12)
  t.equal(controller.bottleneck, 64 * KB * KB)
  const other = controllerOf()
  other.arrived(0, 0, KB, 0, PATH)
  other.restore(50 * KB)
  t.equal(other.bottleneck, undefined, 'what comes says more')
  const bounded = controllerOf({ most: 64 * KB })
  bounded.restore(1e9)
  t.equal(bounded.bottleneck, 64 * KB)
})

t.test('silence halves the rate, once in a round trip, four times in a row', async t => {
  const controller = controllerOf()
  controller.silence(0, PATH)
  t.equal(controller.grant, nearest(64 * KB))
  controller.silence(99, PATH)
  t.equal(controller.grant, nearest(64 * KB))
  for (const now of [100, 200, 300]) controller.silence(now, PATH)
  t.equal(controller.grant, nearest(8 * KB))
  controller.silence(400, PATH)
  t.equal(controller.grant, nearest(8 * KB), 'a dead tunnel says nothing of the next')
  controller.begin(PATH)
  t.equal(controller.grant, nearest(8 * KB))
  controller.arrived(500, 0, KB, 0, PATH)
  controller.silence(599, PATH)
  t.equal(controller.grant, nearest(8 * KB), 'something came a moment ago')
  controller.silence(600, PATH)
  t.equal(controller.grant, nearest(4 * KB), 'four more')
})

t.test('losses: seven tenths of what was granted, and of the bottleneck, once in a round trip', async t => {
  const controller = controllerOf()
  controller.congestion(1_000, PATH)
  t.strictSame([controller.grant, controller.bottleneck], [nearest(0.7 * 128 * KB), 128 * KB])
  controller.congestion(1_099, PATH)
  t.equal(controller.grant, nearest(0.7 * 128 * KB))
  const before = controller.grant
  controller.congestion(1_100, PATH)
  t.equal(controller.grant, nearest(0.7 * before))
  controller.carried(1_200, 1e6)
  t.equal(controller.grant, nearest(0.7 * before), 'nothing lifts the ceiling at once')
  const low = controllerOf({ initial: 2_500 })
  low.congestion(0, PATH)
  t.equal(low.grant, nearest(2 * KB))
  const known = controllerOf()
  known.restore(100 * KB)
  known.carried(0, 300 * KB)
  known.congestion(0, PATH)
  t.equal(known.grant, nearest(0.7 * 300 * KB))
})

t.test('losses at a queue: what came says what the path carries, half of the bottleneck at least', async t => {
  const controller = controllerOf()
  controller.restore(100 * KB)
  arrive(controller, 0, 9, { apart: 12.5 })
  controller.congestion(100, PATH, true)
  t.ok(near(controller.bottleneck, 8 * KB * 1_000 / 100), `${controller.bottleneck}`)
  t.equal(controller.grant, nearest(80 * KB))
  const slow = controllerOf()
  slow.restore(100 * KB)
  arrive(slow, 0, 9, { apart: 100 })
  slow.congestion(800, PATH, true)
  t.ok(near(slow.bottleneck, 50 * KB))
  const fast = controllerOf()
  fast.restore(100 * KB)
  arrive(fast, 0, 9, { apart: 1 })
  fast.congestion(100, PATH, true)
  t.ok(near(fast.bottleneck, 80 * KB), 'with all pauses, and the last one')
  const nothing = controllerOf()
  nothing.restore(100 * KB)
  nothing.congestion(100, PATH, true)
  t.ok(near(nothing.bottleneck, 100 * KB), 'nothing came: nothing is known')
})

t.test('what a symbol waited, by two clocks: the least of ten to twenty seconds is no queue', async t => {
  const controller = controllerOf()
  const latest = (now: number, sent: number): number => {
    controller.arrived(now, sent & 0xffff, KB, 0, PATH)
    return controller.latest
  }
  t.equal(latest(1_000, 65_500), 0)
  t.equal(latest(1_110, 65_600), 10, 'over the end of sixteen bits')
  t.equal(latest(1_110, 65_590), 20, 'and back')
  t.equal(latest(1_200, 65_700), 0)
  t.equal(latest(1_300, 65_801), 0, 'a new least')
  t.equal(latest(1_400, 65_900), 1)
  t.equal(latest(11_001, 75_450), 52)
  t.equal(latest(21_010, 85_459), 0, 'what was least before twenty seconds is forgotten')
  t.equal(latest(51_010, 85_536), 29_923, 'after thirty seconds times of before still count')
  t.equal(latest(81_011, 0), 0, 'after more nothing of before counts')
})

t.test('what a long symbol takes at the bottleneck is no queue', async t => {
  const controller = controllerOf()
  controller.restore(100 * KB)
  controller.arrived(0, 0, KB, 0, PATH)
  controller.arrived(80, 50, 4 * KB, 0, PATH)
  t.ok(Math.abs(controller.latest) < 1e-9, 'three tunnel messages of 10 ms')
})

t.test('startup: nearly three times what came in the last round trip', async t => {
  const controller = controllerOf()
  arrive(controller, 0, 25)
  t.equal(controller.grant, 128 * KB, 'a quarter of a round trip is a measurement')
  arrive(controller, 25, 1)
  t.equal(controller.grant, nearest(2.89 * 26 * KB * 1_000 / 100))
  const few = controllerOf({ initial: 32 * KB })
  arrive(few, 0, 3, { apart: 30 })
  t.equal(few.grant, 32 * KB, 'three symbols say nothing')
  arrive(few, 90, 1)
  t.equal(few.grant, nearest(2.89 * 4 * KB * 1_000 / 100))
  const large = controllerOf({ initial: 32 * KB })
  arrive(large, 0, 3, { apart: 30, bytes: 7 * KB })
  t.equal(large.grant, nearest(2.89 * 21 * KB * 1_000 / 100), 'unless they are large')
  const less = controllerOf()
  arrive(less, 0, 4, { apart: 30 })
  t.equal(less.grant, 128 * KB, 'it does not fall')
})

t.test('startup: a train of many tunnel messages is a measurement however fast it came', async t => {
  const after = (bytes: number): number => {
    const controller = controllerOf()
    arrive(controller, 0, 6, { bytes })
    return controller.grant
  }
  t.equal(after(9 * KB), 128 * KB, '45 in 5 ms')
  t.equal(after(10 * KB), nearest(2.89 * 60 * KB * 1_000 / 100), '50')
})

t.test('startup: real routers cannot hold more than four hundred more in a round trip', async t => {
  const after = (announced: number): number => {
    const controller = controllerOf()
    arrive(controller, 0, 6, { bytes: 61 * KB, announced })
    return controller.grant
  }
  const came = 6 * 61 * KB * 1_000 / 100
  t.equal(after(400 * KB), nearest(2.89 * came), 'what is yet to come fits')
  t.equal(after(400 * KB + 1), nearest(came + 400 * KB * 1_000 / 150))
})

t.test('a queue that grows ends startup: the bottleneck is how fast symbols came', async t => {
  const controller = controllerOf()
  controller.begin(PATH)
  arrive(controller, 0, 26, { sentApart: 0 })
  t.ok(near(controller.bottleneck, 1_000 * KB), `${controller.bottleneck}`)
  t.equal(controller.grant, nearest(1.2 * 1_000 * KB), 'a little more, as the queue is shorter than 20 ms')
  t.equal(controller.queue, 0)
  const steady = controllerOf()
  arrive(steady, 0, 26, { apart: 1, sentApart: 0.9 })
  t.equal(steady.bottleneck, undefined, 'a little slower than it was sent is no queue yet')
  const standing = controllerOf()
  standing.arrived(0, 0, KB, 0, PATH)
  arrive(standing, 121, 60, { sentFrom: 100 })
  t.ok(near(standing.bottleneck, 1_000 * KB), 'nor need it grow, if it stands: 21 ms')
  const little = controllerOf()
  little.arrived(0, 0, KB, 0, PATH)
  arrive(little, 119, 60, { sentFrom: 100 })
  t.equal(little.bottleneck, undefined, '19 ms are jitter')
})

/**
 * A bottleneck of 100 KB/s is known. Symbols come as fast for 0.4 s without a queue, so it is searched a quarter further up, once; then
 * for as long each `queue` ms late.
 */
function steady (queue: number, o: { apart?: number, sentApart?: number, announced?: number } = {}): RateController {
  const controller = controllerOf()
  controller.restore(100 * KB)
  arrive(controller, 0, 40, { apart: 10 })
  arrive(controller, 400 + queue, 40, { apart: 10, sentFrom: 400, ...o })
  return controller
}

t.test('steady: more than the bottleneck while the queue is short, less while it is long', async t => {
  const [none, aim, long] = [steady(0), steady(50), steady(150)]
  t.strictSame([none.queue, aim.queue, long.queue], [0, 50, 150])
  t.strictSame([none.isCongested, aim.isCongested, long.isCongested], [false, false, true])
  t.strictSame([none, aim, long].map(({ bottleneck }) => bottleneck), [125 * KB, 125 * KB, 125 * KB])
  t.equal(none.grant, nearest(1.25 * 125 * KB))
  t.equal(aim.grant, nearest(125 * KB), 'half a round trip of queue is what is wanted here')
  t.equal(long.grant, nearest(62.5 * KB), 'half of it at least')
  t.equal(steady(40).grant, nearest(1.1 * 125 * KB))
  const granted = (announced: number): number => {
    const controller = steady(20)
    let sum = 0
    for (let at = 800; at < 1_000; at += 10) {
      arrive(controller, at + 20, 1, { sentFrom: at, announced })
      sum += controller.grant
    }
    return sum
  }
  t.ok(granted(1e6) < granted(0), 'what was granted and has not come counts as queued')
})

t.test('steady: a bottleneck that has become slower is followed at once, a faster one by halves', async t => {
  const slower = steady(200, { apart: 20, sentApart: 10 })
  t.ok(slower.bottleneck! >= 50 * KB && slower.bottleneck! < 51 * KB, `${slower.bottleneck}`)
  const faster = steady(60, { apart: 5, sentApart: 5 })
  t.ok(faster.bottleneck! > 150 * KB && faster.bottleneck! <= 200 * KB, `${faster.bottleneck}`)
})

t.test('a train says how much may go into the first round trip, never less than usual', async t => {
  const usual = nearest(rateOf(140, 100))
  const probed = (apart: number, o: { silent?: boolean, known?: boolean, count?: number } = {}): RateController => {
    const controller = controllerOf()
    if (o.known === true) controller.restore(77 * KB)
    if (o.silent === true) controller.silence(0, PATH)
    for (let i = 0; i < (o.count ?? 5); i++) controller.probed(1_000 + i * apart, 'a', 0, KB, PATH)
    return controller
  }
  t.equal(probed(1).grant, nearest(Math.min(rateOf(400, 100), 4 * KB * 1_000 / 4)))
  t.equal(probed(0.5).grant, nearest(rateOf(400, 100)), 'no more than routers can hold')
  t.equal(probed(50).grant, usual)
  t.equal(probed(1, { count: 1 }).grant, 128 * KB, 'one message is no train')
  t.equal(probed(1, { silent: true }).grant, nearest(64 * KB))
  t.equal(probed(1, { known: true }).grant, nearest(77 * KB))
  const train = probed(1)
  train.begin({ srtt: 900 })
  t.equal(train.grant, probed(1).grant, 'the train says more than a round trip')
  const two = controllerOf()
  two.begin(PATH)
  for (const name of ['a', 'b', 'c']) two.probed(1_000, name, 0, KB, PATH)
  t.equal(two.grant, usual, 'answers to three probes')
})

t.test('where much will come that nobody has asked for the train is the bottleneck', async t => {
  const controller = controllerOf()
  controller.begin(PATH)
  controller.beware(0)
  t.equal(controller.bottleneck, undefined, 'without a train')
  for (let i = 0; i < 5; i++) controller.probed(1_000 + 16 * i, 'a', 0, KB, PATH)
  controller.beware(1_100)
  t.ok(near(controller.bottleneck, 1_000 / 16 * KB), `${controller.bottleneck}`)
  t.equal(controller.grant, nearest(1_000 / 16 * KB))
  const arrived = controllerOf()
  for (let i = 0; i < 5; i++) arrived.probed(1_000 + 16 * i, 'a', 0, KB, PATH)
  arrived.arrived(1_100, 100, KB, 0, PATH)
  arrived.beware(1_100)
  t.equal(arrived.bottleneck, undefined, 'symbols tell more')
})

t.test('after losses the rate rises by four percent in each round trip, after ten by a quarter', async t => {
  const controller = controllerOf()
  controller.restore(1_000 * KB)
  controller.congestion(0, PATH)
  t.equal(controller.grant, nearest(700 * KB))
  const grantAt: number[] = []
  for (let now = 1; now <= 1_500; now++) {
    controller.arrived(now, now, KB, 1e9, PATH)
    grantAt[now] = controller.grant
  }
  const close = (now: number, expected: number): boolean => Math.abs(grantAt[now]! / expected - 1) < 0.05
  t.ok(close(500, 700 * KB * 1.04 ** 5), `${grantAt[500]! / KB}`)
  t.ok(close(990, 700 * KB * 1.04 ** 9.9), `${grantAt[990]! / KB}`)
  t.ok(grantAt[1_490]! > grantAt[990]!)
})

t.test('what came lately is the last round trip, and twelve tunnel messages at least', async t => {
  const controller = controllerOf()
  controller.restore(100 * KB)
  arrive(controller, 0, 20, { apart: 100 })
  arrive(controller, 1_950, 12, { apart: 12.5 })
  controller.congestion(1_950 + 12 * 12.5, PATH, true)
  t.ok(near(controller.bottleneck, 11 * KB * 1_000 / 150), `${controller.bottleneck}`)
})

t.test('who has little gets one tunnel message more in each round trip at least', async t => {
  const controller = controllerOf()
  controller.restore(5 * KB)
  arrive(controller, 0, 8, { apart: 200 })
  t.equal(controller.grant, nearest(controller.bottleneck! + 10 * KB), 'one in 100 ms')
  const lost = controllerOf()
  lost.restore(4 * KB)
  lost.congestion(0, PATH)
  t.equal(lost.grant, nearest(2.8 * KB))
  arrive(lost, 1, 30, { apart: 20, announced: 1e6 })
  t.ok(lost.grant > 10 * KB, `${lost.grant}`)
})

t.test('symbols that come faster than twice as they were sent say nothing of the path', async t => {
  const after = (sentApart: number): number => {
    const controller = controllerOf()
    controller.restore(100 * KB)
    arrive(controller, 0, 40, { apart: 10, sentApart: 10 })
    const before = controller.bottleneck!
    arrive(controller, 400, 40, { apart: 4, sentApart })
    return controller.bottleneck! / before
  }
  t.ok(after(4) > 1.5, 'as fast as they were sent')
  t.ok(after(9) < after(4), 'a queue that empties')
})
