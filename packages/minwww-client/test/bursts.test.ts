import { ErasureDecoder, MAX_SYMBOLS, MESSAGE_BURST, tunnelMessagesOf } from '@minwww/protocol'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { flowOf, type Arrival } from '../src/core/arrivals.ts'
import { BurstWatch } from '../src/core/burst-watch.ts'
import { ProbeTrain } from '../src/core/probe-train.ts'
import { nearest, oneMessageIn, rateOf } from '../src/core/rates.ts'
import { Traffic } from '../src/core/traffic.ts'
import { Upload, UploadBurst } from '../src/core/upload.ts'
import { symbolTime } from '../src/core/wire.ts'

const KB = 1024

t.test('a burst counts what came of what was announced, each symbol once', async t => {
  const watch = new BurstWatch(10, 14, 4, 64 * KB)
  t.strictSame([watch.m, watch.from, watch.pace, watch.announced, watch.received, watch.isWhole], [4, 10, 64 * KB, 5, 0, false])
  t.equal(watch.spacing, undefined)
  for (const [now, index] of [[100, 10], [140, 12], [150, 12], [160, 9], [220, 13]] as const) watch.observe(now, index, 14, now + 1_000)
  t.strictSame([watch.received, watch.tail, watch.isOutOfOrder, watch.closeAt], [3, 1, false, 1_220])
  t.equal(watch.spacing, 60)
  watch.observe(230, 11, 14, 2_000)
  t.ok(watch.isOutOfOrder)
  watch.observe(240, 14, 14, 2_000)
  t.ok(watch.isWhole)
  t.equal(watch.tail, 0)
})

t.test('a burst is as long as its longest announcement', async t => {
  const watch = new BurstWatch(0, 3, 1, KB)
  watch.observe(0, 0, 5, 10)
  watch.observe(1, 1, 2, 10)
  t.strictSame([watch.announced, watch.tail], [6, 4])
  watch.paced(2 * KB)
  t.equal(watch.pace, 2 * KB)
  t.notOk(watch.isCongested)
  watch.congested()
  t.ok(watch.isCongested)
})

t.test('what an exit was told not to send is not lost', async t => {
  const watch = new BurstWatch(0, 9, 1, KB)
  for (const index of [0, 1, 3]) watch.observe(index, index, 9, 100)
  watch.stop()
  t.strictSame([watch.announced, watch.received, watch.tail], [4, 3, 0])
  watch.observe(10, 5, 9, 200)
  t.strictSame([watch.announced, watch.received, watch.closeAt], [4, 3, 200], 'what was under way waits no longer, and counts for nothing')
  watch.observe(11, 2, 9, 200)
  t.equal(watch.received, 4)
  t.notOk(watch.isWhole, 'more of it may come')
  const unseen = new BurstWatch(5, 9, 1, KB)
  unseen.stop()
  t.equal(unseen.announced, 1)
})

const arrivals = (...rows: Array<[at: number, sent: number, bytes?: number]>): Arrival[] =>
  rows.map(([at, sent, bytes = KB]) => ({ at, sent, bytes, bottleneck: Infinity }))

t.test('rates at which symbols were sent and came, without the longest silence', async t => {
  t.strictSame(flowOf(arrivals([0, 0], [100, 50], [200, 100], [300, 150])), { came: 200, sent: 100, arrival: 10 * KB, pace: 20 * KB })
  t.strictSame(flowOf(arrivals([0, 0], [100, 50], [900, 700], [1_000, 750])), { came: 200, sent: 100, arrival: 10 * KB, pace: 20 * KB })
  t.strictSame(flowOf(arrivals([0, 0, 9 * KB], [100, 100], [200, 200], [300, 300, 3 * KB])), {
    came: 200,
    sent: 200,
    arrival: 20 * KB,
    pace: 20 * KB
  })
  t.strictSame(flowOf(arrivals([0, 0], [100, 100], [150, 50], [200, 200], [300, 300])).came, 200, 'what came out of order is left out')
  t.match(flowOf(arrivals([0, 0], [10, 0], [20, 0])), { pace: Infinity, arrival: 100 * KB }, 'sent at once')
  t.match(flowOf(arrivals([0, 0], [0, 0], [0, 0])), { came: 1 }, 'came at once')
})

t.test('a train of messages says what the path carries', async t => {
  const train = new ProbeTrain(1_000, 'a', 0xfff0)
  t.notOk(train.isMeasured)
  train.came(1_010, 0xfff0, KB)
  t.ok(train.isMeasured)
  t.equal(train.bottleneck(1e9), undefined, 'one pair may be chance')
  train.came(1_030, 0, KB)
  t.equal(train.bottleneck(1e9), 250 * KB, 'the second pair left 16 ms apart, and came 20 apart')
  t.equal(train.bottleneck(250 * KB), undefined, 'no less than usual')
  t.equal(train.carried, 2 * KB * 1_000 / 14)
  train.came(1_030, 0, KB)
  t.equal(train.bottleneck(1e9), 1_000 * KB, 'at once')
})

t.test('rates that the wire can say, and windows as rates', async t => {
  t.equal(rateOf(140, 250), 280 * KB)
  t.strictSame([oneMessageIn(50), oneMessageIn(100), oneMessageIn(500)], [10 * KB, 10 * KB, 2 * KB])
  for (const rate of [2_048, 5_000, 131_072, 1e6, 5e7]) t.ok(Math.abs(nearest(rate) / rate - 1) < 0.05, `${rate}`)
  t.equal(nearest(nearest(99_999)), nearest(99_999))
  t.strictSame([symbolTime(4, 4 * KB), symbolTime(4, 0)], [1_000, 0])
})

t.test('an upload is cut once; each sending brings symbols that were not sent yet, until there are none', async t => {
  const object = seeded('upload')(30_000)
  const upload = new Upload(object, 0.05, 4)
  t.strictSame([upload.size, upload.m <= 4], [30_000, true])
  const first = upload.burst()
  t.equal(first.first, 0)
  const second = upload.burst()
  t.strictSame([second.first, second.last - second.first], [first.last + 1, first.last])
  const decoder = new ErasureDecoder(object.length, upload.symbol(0).length)
  for (let index = second.first; !decoder.complete; index++) decoder.add(index, upload.symbol(index))
  t.strictSame(decoder.result(), object)
  let last = second
  for (let i = 0; last.first > 0 && i < 300; i++) last = upload.burst()
  t.equal(last.first, 0, 'from the beginning')
  t.ok(first.last < MAX_SYMBOLS)
})

t.test('an upload leaves in one burst first, then at the pace of the path', async t => {
  const upload = new Upload(seeded('upload')(60_000), 0, 1)
  const burst = new UploadBurst(1_000, upload, 10)
  const count = burst.last + 1
  t.ok(count > MESSAGE_BURST + 5)
  t.equal(burst.endsAt, 1_000 + count * 10)
  t.equal(burst.take(999), undefined)
  const taken = (now: number): number[] => {
    const all: number[] = []
    for (let index = burst.take(now); index !== undefined; index = burst.take(now)) all.push(index)
    return all
  }
  t.strictSame(taken(1_000), Array.from({ length: MESSAGE_BURST + 1 }, (_, index) => index))
  t.strictSame([burst.nextAt, taken(1_009), taken(1_010)], [1_010, [], [MESSAGE_BURST + 1]])
  t.equal(burst.endsAt, 1_020 + (count - MESSAGE_BURST - 2) * 10)
  for (let now = 1_020; burst.nextAt !== Infinity && now < 9_999; now++) burst.take(now)
  t.strictSame([burst.nextAt, burst.take(1e9)], [Infinity, undefined])
  t.equal(new UploadBurst(0, upload, 0).endsAt > 0, true, 'never faster than the router takes messages')
})

t.test('what a request costs', async t => {
  const traffic = new Traffic(1_000)
  t.strictSame([traffic.isAnswered, traffic.comesFor(5_000)], [false, 0])
  t.match(traffic.trace(1_500, 1), { attempts: 1, messagesSent: 0, symbols: 0, total: 500, repaired: false, hedged: false })
  t.notOk('firstSymbol' in traffic.trace(1_500, 1))
  traffic.sent(500)
  traffic.sent(2_000)
  traffic.received(1_300, 900)
  traffic.received(1_400, 901)
  traffic.receivedSymbol()
  traffic.repaired()
  traffic.hedged()
  t.strictSame([traffic.isAnswered, traffic.comesFor(1_700)], [true, 400])
  t.strictSame(traffic.trace(2_000, 3), {
    attempts: 3,
    messagesSent: 2,
    messagesReceived: 2,
    symbols: 1,
    bytesSent: 2_500,
    bytesReceived: 1_801,
    tunnelMessages: [500, 2_000, 900, 901].reduce((sum, length) => sum + tunnelMessagesOf(length), 0),
    firstSymbol: 300,
    total: 1_000,
    repaired: true,
    hedged: true
  })
})
