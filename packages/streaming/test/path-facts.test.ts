/** What streams know of a path and of their buffers, in small pieces. */
import t from 'tap'
import { connectionConfig } from '../src/core/config.ts'
import { CONTROL_BLOCK_CAPACITY, CONTROL_BLOCK_TTL, ControlBlocks } from '../src/core/control-blocks.ts'
import { DeliveryRate } from '../src/core/delivery-rate.ts'
import { beginningOf, INFORMED_WINDOW, sharing, timeOf } from '../src/core/knowledge.ts'
import { LossRatio } from '../src/core/loss-ratio.ts'
import { resolveOptions } from '../src/core/options.ts'
import { PACER_BURST, Pacer } from '../src/core/pacer.ts'
import { ReceiveBudget } from '../src/core/receive-budget.ts'
import { segmentSize } from '../src/core/segment-size.ts'
import { SendBuffer } from '../src/core/send-buffer.ts'
import { sendingStateOf } from '../src/core/statistics.ts'

t.test('a connection\'s times of zero and below are off; its windows are within each other', async t => {
  const config = (o: Parameters<typeof resolveOptions>[0]) => connectionConfig(resolveOptions(o))
  const times = ['connectTimeout', 'inactivityTimeout', 'readTimeout', 'writeTimeout'] as const
  for (const name of times) t.strictSame([-1, 0, 1].map(ms => config({ [name]: ms })[name]), [undefined, undefined, 1], name)
  t.match(config({ initialWindowSize: 9, maxWindowSize: 5 }), { initialWindow: 5, maxWindow: 5 })
  t.match(config({ initialWindowSize: 5, maxWindowSize: 9 }), { initialWindow: 5, maxWindow: 9 })
  t.match(config({ maxMessageSize: 1_000 }), { maxMessageSize: 1_000, initialMessageSize: 1_000 })
  t.match(config({ maxMessageSize: 1_812 }), { maxMessageSize: 1_812, initialMessageSize: 1_730 })
  t.strictSame([1, 2].map(profile => config({ profile }).profile), ['bulk', 'interactive'])
})

t.test('what streams to one peer measured is shared for ten minutes, old and new mixed', async t => {
  const blocks = new ControlBlocks({ rttDampening: 0.75, rttdevDampening: 0.5, wdwDampening: 0.25 })
  t.equal(blocks.get(0, 'a'), undefined)
  blocks.update(0, 'a', { rtt: 100, rttvar: 10, window: 8 })
  t.match(blocks.get(CONTROL_BLOCK_TTL, 'a'), { rtt: 100, rttvar: 10, window: 8 })
  blocks.update(1, 'a', { rtt: 200, rttvar: 20, window: 17 })
  t.match(blocks.get(1, 'a'), { rtt: 125, rttvar: 15, window: 15 })
  t.equal(blocks.get(2 + CONTROL_BLOCK_TTL, 'a'), undefined)
  blocks.update(5 * CONTROL_BLOCK_TTL, 'a', { rtt: 7, rttvar: 1, window: 1 })
  t.match(blocks.get(6 * CONTROL_BLOCK_TTL, 'a'), { rtt: 7 })
  t.equal(blocks.get(6 * CONTROL_BLOCK_TTL + 1, 'a'), undefined)
  t.equal(blocks.size, 0)
  blocks.update(0, 'b', { rtt: 1, rttvar: 1, window: 1_000 })
  t.equal(blocks.get(0, 'b')?.window, 64)
  for (let i = 0; i < CONTROL_BLOCK_CAPACITY; i++) blocks.update(0, `${i}`, { rtt: 1, rttvar: 1, window: 1 })
  t.strictSame([blocks.size, blocks.get(0, 'b')], [CONTROL_BLOCK_CAPACITY, undefined])
  blocks.update(0, '0', { rtt: 1, rttvar: 1, window: 1 })
  blocks.update(0, 'one more', { rtt: 1, rttvar: 1, window: 1 })
  t.ok(blocks.get(0, '0'), 'the one updated longest ago goes')
  t.equal(blocks.get(0, '1'), undefined)
})

t.test('the rate at which a path delivers is the greatest of ten rounds', async t => {
  const rate = new DeliveryRate()
  t.equal(rate.rate, 0)
  const round = (sentAt: number, ackedAt: number, count: number): number => {
    const stamp = rate.stamp(sentAt, 0)
    rate.acknowledge(ackedAt, count, { sentAt, rate: stamp })
    return rate.rate
  }
  t.equal(round(0, 100, 10), 0.1)
  t.equal(round(200, 300, 5), 0.1, 'a slower one')
  for (let i = 1; i < 9; i++) t.equal(round(200 + 100 * i, 300 + 100 * i, 5), 0.1)
  t.equal(round(2_000, 2_100, 5), 0.05, 'ten rounds later')
  t.equal(round(3_000, 3_000, 9), 0.05, 'no time has passed')
})

t.test('while packets are in flight their rate counts from the first of them', async t => {
  const rate = new DeliveryRate()
  const first = rate.stamp(0, 0)
  const second = rate.stamp(80, 1)
  t.strictSame([first.firstSentAt, second.firstSentAt], [0, 0])
  rate.acknowledge(100, 1, { sentAt: 0, rate: first })
  rate.acknowledge(110, 1, { sentAt: 80, rate: second })
  t.equal(rate.rate, 2 / 110)
  t.match(rate.stamp(120, 1), { delivered: 2, deliveredAt: 110, firstSentAt: 80 })
  t.match(rate.stamp(500, 0), { delivered: 2, deliveredAt: 500, firstSentAt: 500 })
})

t.test('what a path of a known rate holds is divided among its streams', async t => {
  t.equal(timeOf({ rate: 2_048 }, 3), 3_000)
  t.strictSame([timeOf({}, 3), timeOf({ rate: 0 }, 3), timeOf({ rate: NaN }, 3)], [0, 0, 0])
  t.strictSame(beginningOf({ rate: 204_800, rtt: 1_000 }, 1), { window: 100, burst: 24 })
  t.strictSame(beginningOf({ rate: 204_800, rtt: 1_000 }, 5), { window: 20, burst: 4 })
  t.strictSame(beginningOf({ rate: 1e9, rtt: 1_000 }, 20), { window: INFORMED_WINDOW / 20, burst: 2 })
  for (const known of [{ rate: 1 }, { rtt: 1 }, { rate: 0, rtt: 1 }, { rate: 1, rtt: 0 }, {}]) t.equal(beginningOf(known, 1), undefined)
  const stream = (byte: number, sending = true) => ({ peer: { hash: Buffer.alloc(32, byte) }, sending })
  const own = stream(1)
  t.equal(sharing(own, [own, stream(1), stream(1, false), stream(2), stream(1)]), 3)
})

t.test('the share of packets lost moves by a quarter with each sample', async t => {
  const loss = new LossRatio()
  loss.count(7, 8)
  t.equal(loss.value, 0, 'too few to say')
  loss.count(1, 0)
  t.equal(loss.value, 0.125)
  loss.count(16, 0)
  t.equal(loss.value, 0.125 * 3 / 4)
  const informed = new LossRatio(4)
  for (const [said, value] of [[0.5, 0.5], [-1, 0.5], [7, 1], [NaN, 1], [0, 0]] as const) {
    informed.inform(said)
    t.equal(informed.value, value)
  }
  informed.count(3, 1)
  t.equal(informed.value, 1 / 16)
})

t.test('a pacer spreads twice the window over a round trip in slow start, and no more than a burst at once', async t => {
  const pacer = new Pacer()
  const taken = (now: number): number => {
    let count = 0
    for (; pacer.availableAt(now) <= now && count < 1_000; count++) pacer.take(now)
    return count
  }
  pacer.update(0, 10, 100, true)
  t.equal(taken(0), PACER_BURST)
  t.equal(Math.round(pacer.availableAt(0)), 5)
  t.equal(taken(50), 10)
  t.equal(taken(10_000), PACER_BURST, 'a pause saves no more than a burst')
  pacer.limit(10_000, 4)
  pacer.update(10_000, 10, 100, false)
  t.equal(Math.round(pacer.availableAt(10_000)), 10_008)
  t.equal(taken(20_000), 4)
  t.equal(taken(19_000), 0, 'time does not go back')
  for (const srtt of [undefined, 0, -1]) {
    pacer.update(30_000, 10, srtt, true)
    t.equal(taken(30_000), 1_000, 'no pacing without a round trip')
  }
  const full = new Pacer()
  full.limit(0, 2)
  full.update(0, 10, 100, false)
  let count = 0
  for (; full.availableAt(0) <= 0; count++) full.take(0)
  t.equal(count, 2, 'what was saved before is no more than the new burst')
})

t.test('what all streams hold unread together is bounded', async t => {
  const budget = new ReceiveBudget(10)
  t.strictSame([budget.take(6), budget.used, budget.exceededBy(4), budget.exceededBy(5)], [6, 6, false, true])
  t.strictSame([budget.give(2), budget.used, budget.exceededBy(6)], [2, 4, false])
})

t.test('a packet is made smaller by five percent at most to save a tunnel message', async t => {
  t.strictSame([1_793, 1_794, 1_795, 1_888, 1_889].map(segmentSize), [1_793, 1_794, 1_794, 1_794, 1_889])
})

t.test('a send buffer takes as much as it has room for, and keeps nothing of what was cleared', async t => {
  const buffer = new SendBuffer(10)
  const data = Buffer.from('abcdef')
  t.equal(buffer.write(data), 6)
  t.equal(buffer.take(6).buffer, data.buffer, 'without a copy')
  t.equal(buffer.write(Buffer.alloc(0)), 0)
  buffer.write(Buffer.from('abcdef'))
  t.equal(buffer.write(Buffer.from('ghijkl')), 4)
  t.strictSame([buffer.length, buffer.room, buffer.write(Buffer.from('x'))], [10, 0, 0])
  t.equal(buffer.take(8).toString(), 'abcdefgh')
  t.equal(buffer.length, 2)
  buffer.clear()
  t.strictSame([buffer.length, buffer.room, buffer.take(5).length], [0, 10, 0])
})

t.test('a queue stands on a path whose round trip is half as long again as its least', async t => {
  const state = (srtt: number | undefined, base: number | undefined, buffered = 0) =>
    sendingStateOf({ rtt: { srtt, base }, buffered, wasLoaded: true } as unknown as Parameters<typeof sendingStateOf>[0])
  t.match(state(150, 100, 1), { rtt: 150, hasMore: true, isLoaded: false, wasLoaded: true })
  t.match(state(151, 100), { hasMore: false, isLoaded: true })
  t.strictSame([state(undefined, 100).isLoaded, state(151, undefined).isLoaded], [false, false])
})
