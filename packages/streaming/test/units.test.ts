import t from 'tap'
import { seedOf } from '@minwww/testkit'
import fc from 'fast-check'
import { equal, ok } from 'node:assert/strict'
import { ControlBlocks } from '../src/core/control-blocks.ts'
import { CongestionController } from '../src/core/congestion.ts'
import type { PathState } from '../src/core/congestion.ts'
import { DeliveryRate } from '../src/core/delivery-rate.ts'
import { GapReports } from '../src/core/gap-reports.ts'
import { PACER_BURST, Pacer } from '../src/core/pacer.ts'
import { Reassembly } from '../src/core/reassembly.ts'
import { RttEstimator } from '../src/core/rtt.ts'
import { Scoreboard } from '../src/core/scoreboard.ts'
import type { SentPacket } from '../src/core/scoreboard.ts'
import { segmentSize } from '../src/core/segment-size.ts'
import { SendBuffer } from '../src/core/send-buffer.ts'
import { ACKNOWLEDGING, TimerTable } from '../src/core/timers.ts'

t.test('what a path holds is remembered until another stream has met it', async t => {
  const blocks = new ControlBlocks({ rttDampening: 0.75, rttdevDampening: 0.75, wdwDampening: 0.75 })
  const block = { rtt: 100, rttvar: 10, window: 8, base: 40 }
  const heldAfter = (held: number | undefined): number | undefined => {
    blocks.update(0, 'peer', { ...block, held })
    return blocks.get(0, 'peer')!.held
  }
  t.strictSame([undefined, 4, undefined, 9].map(heldAfter), [undefined, 4, 4, 9])
})

t.test('RTT and RTO follow RFC 6298 within their bounds', async t => {
  const rtt = new RttEstimator(9_000)
  t.equal(rtt.rto, 9_000)
  rtt.sample(0, 400)
  t.match(rtt, { srtt: 400, rttvar: 200, rto: 1_200, base: 400 })
  rtt.sample(1, 800)
  t.match(rtt, { srtt: 450, rttvar: 250, rto: 1_450 })
  for (let now = 2; now < 200; now++) rtt.sample(now, 300)
  t.ok(Math.abs(rtt.rto - 400) < 1, 'the deviation term is at least 100 ms')
  for (let now = 200; now < 300; now++) rtt.sample(now, 500_000)
  t.equal(rtt.rto, 45_000)
  t.ok(rtt.srtt! <= 60_000)
  const guess = new RttEstimator(9_000)
  guess.provisional(20_000)
  guess.sample(0, 500)
  t.match(guess, { srtt: 500, base: 500 }, 'a provisional value does not outlive a sample')
})

t.test('the window: slow start to 64, avoidance, Westwood after loss, one after a timeout', async t => {
  const options = { initialWindow: 6, maxWindow: 128, slowStartFactor: 1, avoidanceFactor: 1 }
  const idle: PathState = { srtt: 500, base: 500, rate: 0.1, loss: 0 }
  const queued: PathState = { srtt: 1_000, base: 500, rate: 0.1, loss: 0.01 }
  const control = new CongestionController(options)
  control.acknowledged(6, false, idle)
  t.equal(control.window, 6, 'a window that was not filled does not grow')
  control.acknowledged(6, true, idle)
  t.equal(control.window, 12)
  control.acknowledged(100, true, idle)
  t.equal(control.window, 64)
  t.notOk(control.slowStart)
  control.acknowledged(64, true, queued)
  t.equal(control.window, 65, 'one per round trip while a queue stands')
  control.acknowledged(65, true, idle)
  t.equal(control.window, 73, 'an eighth while none does')
  control.lost(queued)
  t.equal(control.window, 50, 'rate x base RTT')
  control.timedOut(queued)
  t.equal(control.window, 1)
  t.ok(control.slowStart)
  t.equal(new CongestionController(options, 1_000).window, 128)
})

t.test('random loss leaves the window nearly as it is', async t => {
  const control = new CongestionController({ initialWindow: 64, maxWindow: 128, slowStartFactor: 1, avoidanceFactor: 1 })
  // 64 packets per 520 ms, of which 4 % are lost.
  control.lost({ srtt: 520, base: 500, rate: 64 * 0.96 / 520, loss: 0.04 })
  t.ok(control.window >= 63, `${control.window}`)
})

t.test('the delivery rate counts neither bunched ACKs nor bunched sends', async t => {
  const rate = new DeliveryRate()
  // Ten packets 10 ms apart, all acknowledged at 500 ms.
  const stamps = Array.from({ length: 10 }, (_, index) => ({ sentAt: index * 10, rate: rate.stamp(index * 10, index) }))
  rate.acknowledge(500, 10, stamps[9]!)
  t.ok(Math.abs(rate.rate - 10 / 500) < 0.001)
  for (let round = 0; round < 12; round++) rate.acknowledge(1_000 + round, 1, { sentAt: 900 + round, rate: rate.stamp(900 + round, 1) })
  t.ok(rate.rate > 0)
})

t.test('the pacer lets a burst go, then spreads the window', async t => {
  const pacer = new Pacer()
  pacer.update(0, 100, 1_000, false)
  for (let index = 0; index < PACER_BURST; index++) {
    t.equal(pacer.availableAt(0), 0)
    pacer.take(0)
  }
  const next = pacer.availableAt(0)
  t.ok(Math.abs(next - 8) < 0.1, '1.25 windows per RTT')
  t.equal(pacer.availableAt(next), next, 'at that time it may leave')
  const unknown = new Pacer()
  for (let index = 0; index < 1_000; index++) unknown.take(0)
  t.equal(unknown.availableAt(0), 0, 'no pacing without an RTT')
})

function sent (sequence: number, order = sequence, sentAt = sequence): SentPacket {
  return {
    sequence,
    order,
    sentAt,
    firstSentAt: sentAt,
    payload: Buffer.alloc(0),
    synchronize: false,
    close: false,
    sends: 1,
    immediate: false,
    rate: { delivered: 0, deliveredAt: 0, firstSentAt: 0 },
    lost: false,
    evidence: 0,
    evidenceAt: 0,
    suspectedAt: 0
  }
}

t.test('a packet is lost after three later ones, after patience with fewer, and later once the path reorders', async t => {
  const board = new Scoreboard()
  for (let sequence = 0; sequence < 10; sequence++) board.add(sent(sequence))
  board.acknowledge(100, 3, [1])
  t.same(board.detectLosses(100, 50, 1_000), { lost: [], nextAt: 150 }, 'two later ones')
  board.acknowledge(110, 4, [1])
  t.same(board.detectLosses(110, 50, 1_000).lost.map(packet => packet.sequence), [1])
  t.equal(board.inFlight, 5)
  t.equal(board.nextLost()!.sequence, 1)
  // It was only late.
  board.acknowledge(120, 4, [])
  t.equal(board.inFlight, 5)
  t.equal(board.reordering, 25)
  board.acknowledge(200, 9, [5])
  t.match(board.detectLosses(200, 50, 1_000), { lost: [], nextAt: 225 })
  t.equal(board.detectLosses(225, 50, 1_000).lost.length, 1)
  const lost = board.nextLost()!
  board.resent(lost, 230, 10, lost.rate)
  t.equal(board.inFlight, 1)
  for (const sequence of [11, 12, 13]) board.add(sent(sequence, sequence))
  board.acknowledge(300, 13, [5])
  t.equal(board.detectLosses(340, 50, 1_000).lost.length, 1, 'a repeated packet is found lost as well')
})

t.test('reassembly gives the bytes in order for any order of arrival, and never more than its limit', async t => {
  fc.assert(fc.property(fc.array(
    fc.integer({ min: 0, max: 2_000 }), { maxLength: 60, size: 'max' }
  ), fc.infiniteStream(fc.nat()), (sizes, random) => {
    const packets = sizes.map((size, sequence) => ({ sequence, payload: Buffer.alloc(size, sequence) }))
    const reassembly = new Reassembly(30_000, 256)
    const read: Buffer[] = []
    // Whatever is refused comes again, as a sender would do.
    let waiting = packets.map(value => ({ value, key: random.next().value as number })).sort((left, right) => left.key - right.key)
      .map(({ value }) => value)
    for (let round = 0; waiting.length > 0; round++) {
      ok(round < 200, 'every packet gets in at last')
      waiting = waiting.filter(({ sequence, payload }) => reassembly.accept(sequence, payload) === 'full')
      ok(reassembly.cost <= 30_000 + 30_000)
      for (let chunk = reassembly.read(); chunk !== undefined; chunk = reassembly.read()) read.push(chunk)
    }
    ok(Buffer.concat(read).equals(Buffer.concat(packets.map(({ payload }) => payload))))
    equal(reassembly.cost, 0)
  }), { numRuns: 50, seed: seedOf(t, 3) })
})

t.test('an ACK names at most 255 gaps, and then acknowledges less', async t => {
  const reassembly = new Reassembly(1e9, 10_000)
  for (let sequence = 1; sequence < 1_000; sequence += 2) reassembly.accept(sequence, Buffer.alloc(1))
  const { ackThrough, nacks } = reassembly.acknowledgement()
  t.equal(nacks.length, 255)
  t.equal(nacks.at(-1), 508)
  t.equal(ackThrough, 509)
})

t.test('the send buffer keeps order and limit', async t => {
  const buffer = new SendBuffer(10)
  t.equal(buffer.write(Buffer.from('abcdef')), 6)
  t.equal(buffer.write(Buffer.from('ghijklm')), 4)
  t.equal(buffer.room, 0)
  t.equal(buffer.take(4).toString(), 'abcd')
  t.equal(buffer.take(4).toString(), 'efgh')
  t.equal(buffer.take(100).toString(), 'ij')
  t.equal(buffer.take(1).length, 0)
})

t.test('a timer expires once, at its time; one that was stopped or moved meanwhile does not', async t => {
  const timers = new TimerTable()
  t.equal(timers.next(), undefined)
  t.notOk(timers.expired('ack', Infinity))
  timers.set('ack', 100)
  timers.set('start', 50)
  timers.set('inactivity', 75)
  t.equal(timers.next(), 50)
  t.equal(timers.next(ACKNOWLEDGING), 100, 'of some')
  t.equal(timers.next(['inactivity', 'ack', 'gap']), 75)
  t.notOk(timers.isExpired('start', 49.9))
  t.ok(timers.isExpired('start', 50), 'looking does not stop it')
  t.ok(timers.expired('start', 50))
  t.notOk(timers.isSet('start'))
  t.notOk(timers.expired('start', 50))
  timers.set('ack', 200)
  t.notOk(timers.expired('ack', 150), 'moved')
  t.equal(timers.at('ack'), 200)
  timers.stop('inactivity')
  t.notOk(timers.expired('inactivity', 150), 'stopped')
  t.equal(timers.next(), 200)
  timers.stopAll()
  t.equal(timers.next(), undefined)
})

t.test('packets fill whole tunnel messages', async t => {
  t.equal(segmentSize(1_812), 1_794)
  t.equal(segmentSize(1_730), 1_730)
  t.equal(segmentSize(512), 512)
  t.equal(segmentSize(32_768), 996 * 33 - 174 - 24)
})

t.test('gaps are reported three times: per packet behind them, else by a timer; not after needless repetitions', t => {
  const timers = new TimerTable()
  const gaps = new GapReports(timers)
  const receive = (now: number, ...sequences: number[]): number => {
    for (const sequence of sequences) gaps.received(now, sequence, 100)
    return acksAt(now)
  }
  const acksAt = (now: number): number => {
    let acks = 0
    while (timers.isExpired('gap', now)) {
      gaps.reported(now)
      acks += 1
    }
    return acks
  }
  t.equal(receive(0, 0, 1, 2), 0)
  t.equal(receive(10, 4, 5, 6, 7, 8), 3, 'a burst behind a gap')
  t.equal(timers.at('gap'), undefined)
  t.equal(receive(210, 3), 0, 'filled')
  t.equal(receive(220, 9, 11), 1, 'the tail of a burst')
  t.equal(timers.at('gap'), 245)
  t.equal(acksAt(245) + acksAt(269), 1)
  t.equal(acksAt(270), 1)
  t.equal(timers.at('gap'), undefined)
  t.equal(receive(420, 10), 0)
  gaps.duplicate(5)
  t.equal(receive(430, 13), 1, 'a duplicate of a packet that was in order says nothing')
  t.equal(receive(440, 12), 0)
  gaps.duplicate(12)
  t.equal(receive(450, 14, 16, 17, 18), 0, 'a packet was late and was then repeated: the path reorders')
  t.equal(receive(441, ...Array.from({ length: 300 }, (_, index) => 20 + index)), 0)
  t.equal(receive(800, 400), 1, 'which is forgotten')
  gaps.stop()
  t.equal(timers.at('gap'), undefined, 'the end of the stream')
  t.end()
})

t.test('the least round trip that streams share falls at once, and rises as their round trip does', async t => {
  const blocks = new ControlBlocks({ rttDampening: 0.75, rttdevDampening: 0.75, wdwDampening: 0.75 })
  const after = (base: number | undefined): number | undefined => {
    blocks.update(0, 'peer', { rtt: 900, rttvar: 1, window: 9, ...(base !== undefined && { base }) })
    return blocks.get(0, 'peer')!.base
  }
  t.strictSame([after(undefined), after(400), after(100), after(undefined), after(500)], [undefined, 400, 100, 100, 200])
})
