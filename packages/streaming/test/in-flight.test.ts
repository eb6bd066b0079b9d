import t from 'tap'
import { PACKET_OVERHEAD, Reassembly } from '../src/core/reassembly.ts'
import { ReceiveBudget } from '../src/core/receive-budget.ts'
import { RttEstimator } from '../src/core/rtt.ts'
import { Scoreboard, type SentPacket } from '../src/core/scoreboard.ts'

const STAMP = { delivered: 0, deliveredAt: 0, firstSentAt: 0 }
const sent = (sequence: number, order = sequence): SentPacket => ({
  sequence,
  order,
  sentAt: 0,
  firstSentAt: 0,
  payload: Buffer.alloc(0),
  synchronize: false,
  close: false,
  sends: 1,
  immediate: false,
  rate: STAMP,
  lost: false,
  evidence: 0,
  evidenceAt: 0,
  suspectedAt: 0
})

function boardOf (count: number) {
  const board = new Scoreboard()
  for (let sequence = 0; sequence < count; sequence++) board.add(sent(sequence))
  const acked = (now: number, through: number, nacks: number[] = []) => {
    const { acked, newest } = board.acknowledge(now, through, nacks)
    return [acked.map(({ sequence }) => sequence), newest?.sequence]
  }
  const losses = (now: number, patience = 50, limit = 1_000) => {
    const { lost, nextAt } = board.detectLosses(now, patience, limit)
    return [lost.map(({ sequence }) => sequence), nextAt]
  }
  return { board, acked, losses, sizes: () => [board.size, board.inFlight, board.lowest?.sequence, board.highest?.sequence] }
}

t.test('an ACK takes out what it covers, and nothing else', async t => {
  const { acked, sizes } = boardOf(6)
  t.strictSame(sizes(), [6, 6, 0, 5])
  t.strictSame(acked(0, -1), [[], undefined])
  t.strictSame(acked(0, 0, [0]), [[], undefined], 'all of it is missing')
  t.strictSame(sizes(), [6, 6, 0, 5])
  t.strictSame(acked(0, 3, [2, 0]), [[1, 3], 3])
  t.strictSame(sizes(), [4, 4, 0, 5])
  t.strictSame(acked(0, 3, [2]), [[0], 0])
  t.strictSame(acked(0, 1), [[], undefined], 'an old one')
  t.strictSame(acked(0, 99), [[2, 4, 5], 5])
  t.strictSame([sizes(), acked(0, 99)], [[0, 0, undefined, undefined], [[], undefined]])
})

t.test('the newest is the one sent last, not the highest', async t => {
  const { board, acked } = boardOf(0)
  for (const [sequence, order] of [[0, 7], [1, 3], [2, 9], [3, 8]] as const) board.add(sent(sequence, order))
  t.strictSame(acked(0, 1), [[0, 1], 0])
  t.strictSame(acked(0, 3), [[2, 3], 2])
})

t.test('three packets sent later make one lost at once; fewer after patience; none without evidence', async t => {
  const { acked, losses, sizes, board } = boardOf(8)
  t.strictSame(losses(1_000), [[], undefined], 'nothing was acknowledged')
  acked(100, 2, [0])
  t.strictSame(losses(149), [[], 150])
  t.strictSame(losses(150), [[0], undefined])
  t.strictSame(losses(150), [[], undefined], 'once')
  acked(200, 6, [0, 3])
  t.strictSame(losses(200), [[3], undefined], 'no patience after three')
  t.strictSame([sizes(), board.nextLost()?.sequence], [[3, 1, 0, 7], 0])
  acked(210, 3)
  t.strictSame([sizes(), board.nextLost()], [[1, 1, 7, 7], undefined], 'what comes after all is no longer lost')
  t.strictSame(losses(9_000), [[], undefined], 'nothing later than 7 came')
})

t.test('patience has a limit; the first time to look again is told', async t => {
  const { acked, losses } = boardOf(8)
  acked(100, 1, [0])
  acked(120, 3, [0, 2])
  t.strictSame(losses(120, 50), [[], 150])
  t.strictSame(losses(120, 500, 40), [[], 140])
  t.strictSame(losses(140, 500, 40), [[0], 160])
  t.strictSame(losses(160, 500, 40), [[2], undefined])
})

t.test('evidence begins with the first later packet, and counts each once', async t => {
  const { acked, board } = boardOf(6)
  acked(100, 1, [0])
  acked(130, 2, [0])
  t.match(board.lowest, { evidence: 2, evidenceAt: 100 })
  acked(140, 3, [0])
  t.match(board.lowest, { evidence: 3, evidenceAt: 100 })
  t.match(board.highest, { evidence: 0, evidenceAt: 0 })
})

t.test('a packet that was sent again counts anew: only what was sent after that says that it is lost', async t => {
  const { board, acked, losses, sizes } = boardOf(4)
  acked(100, 3, [0])
  t.strictSame(losses(100), [[0], undefined])
  board.resent(board.nextLost()!, 110, 4, STAMP)
  t.match(board.lowest, { lost: false, evidence: 0, evidenceAt: 0, suspectedAt: 100, sentAt: 110, order: 4, sends: 2 })
  t.strictSame([sizes(), board.nextLost()], [[1, 1, 0, 0], undefined])
  for (let order = 5; order < 8; order++) board.add(sent(order - 1, order))
  t.strictSame([acked(200, 5, [0]), losses(249), losses(250)], [[[4, 5], 5], [[], 250], [[0], undefined]])
  board.resent(board.lowest!, 260, 8, STAMP)
  acked(300, 0)
  t.equal(board.reordering, 0, 'it was sent twice: which one came is not known')
  const early = boardOf(1).board
  early.resent(early.lowest!, 70, 1, STAMP)
  t.match(early.lowest, { suspectedAt: 70, sends: 2 }, 'nothing spoke against it but time')
  t.equal(early.inFlight, 1)
})

t.test('a late packet teaches patience, which is forgotten round by round', async t => {
  const { board, acked, losses } = boardOf(12)
  acked(100, 4, [0])
  t.strictSame(losses(100), [[0], undefined])
  acked(140, 0)
  t.equal(board.reordering, 50, 'a quarter more than the 40 ms')
  acked(200, 9, [5])
  t.strictSame([losses(249, 10), losses(250, 10)], [[[], 250], [[5], undefined]], 'three later ones do not suffice any more')
  acked(260, 5)
  t.equal(board.reordering, 75)
  board.roundLost()
  t.equal(board.reordering, 73.5)
  acked(300, 11, [10])
  acked(301, 10)
  t.equal(board.reordering, 73.5, 'less than was known')
  const spurious = sent(20)
  spurious.suspectedAt = 400
  board.spurious(500, spurious)
  t.equal(board.reordering, 125)
})

t.test('all can be lost at once, and all can go', async t => {
  const { board, sizes } = boardOf(3)
  board.markLost(board.lowest!)
  board.markLost(board.lowest!)
  t.strictSame(sizes(), [3, 2, 0, 2])
  board.markAllLost()
  t.strictSame([sizes(), board.nextLost()?.sequence], [[3, 0, 0, 2], 0])
  board.resent(board.highest!, 0, 9, STAMP)
  board.resent(board.highest!, 0, 10, STAMP)
  t.strictSame([sizes(), board.nextLost()?.sequence], [[3, 1, 0, 2], 0])
  board.clear()
  t.strictSame([sizes(), board.nextLost()], [[0, 0, undefined, undefined], undefined])
  board.add(sent(3))
  t.equal(board.inFlight, 1)
})

const bytes = (count: number, value = 1): Buffer => Buffer.alloc(count, value)
const cost = (count: number): number => count + PACKET_OVERHEAD
function read (reassembly: Reassembly): number[] {
  const lengths = []
  for (let chunk = reassembly.read(); chunk !== undefined; chunk = reassembly.read()) lengths.push(chunk.length)
  return lengths
}

t.test('packets come out in order; each once; empty ones only count', async t => {
  const reassembly = new Reassembly(10_000, 16)
  const order: Array<[sequence: number, length: number, accepted: string]> = [
    [2, 3, 'new'], [0, 1, 'new'], [0, 1, 'duplicate'], [2, 3, 'duplicate'], [4, 5, 'new'], [1, 0, 'new'], [1, 2, 'duplicate'],
    [2, 3, 'duplicate']
  ]
  for (const [sequence, length, accepted] of order) t.equal(reassembly.accept(sequence, bytes(length)), accepted, String(sequence))
  t.match(reassembly, { next: 3, hasGap: true, readableCost: cost(1) + cost(3), cost: cost(1) + cost(3) + cost(5), limit: 10_000 })
  t.strictSame(reassembly.acknowledgement(), { ackThrough: 4, nacks: [3] })
  t.strictSame(read(reassembly), [1, 3])
  t.match(reassembly, { readableCost: 0, cost: cost(5) })
  reassembly.accept(3, bytes(4))
  t.strictSame([read(reassembly), reassembly.next, reassembly.hasGap, reassembly.cost], [[4, 5], 5, false, 0])
  t.strictSame(reassembly.acknowledgement(), { ackThrough: 4, nacks: [] })
  t.strictSame(new Reassembly(1, 1).acknowledgement(), { ackThrough: -1, nacks: [] })
})

t.test('the limit, the span, and the packet that closes the gap', async t => {
  const reassembly = new Reassembly(2 * cost(100), 4)
  t.equal(reassembly.accept(4, bytes(1)), 'full', 'beyond the span')
  t.equal(reassembly.accept(3, bytes(100)), 'new', 'its last number')
  t.equal(reassembly.accept(2, bytes(101)), 'full')
  t.equal(reassembly.accept(2, bytes(100)), 'new', 'as much as the limit')
  t.equal(reassembly.accept(1, bytes(1)), 'full')
  t.equal(reassembly.accept(0, bytes(2 * 100 + PACKET_OVERHEAD + 1)), 'full', 'too large by itself')
  t.equal(reassembly.accept(0, bytes(2 * 100 + PACKET_OVERHEAD)), 'new', 'what waits for it does not count')
  t.equal(reassembly.accept(1, bytes(1)), 'full', 'what the application has to read does')
  t.equal(reassembly.next, 1)
  t.strictSame(read(reassembly), [2 * 100 + PACKET_OVERHEAD])
  t.equal(reassembly.accept(1, bytes(1)), 'new')
  t.strictSame(read(reassembly), [1, 100, 100])
})

t.test('of what all streams share, each gets the one packet that it needs to go on', async t => {
  const budget = new ReceiveBudget(cost(10))
  const [one, two] = [new Reassembly(10_000, 16, budget), new Reassembly(10_000, 16, budget)]
  t.equal(one.accept(0, bytes(11)), 'new', 'essential, whatever it costs')
  t.equal(budget.used, cost(11))
  t.equal(one.accept(1, bytes(1)), 'full', 'it has something to read')
  t.equal(two.accept(1, bytes(1)), 'full', 'not the next one')
  t.equal(two.accept(0, bytes(1)), 'new')
  read(one)
  read(two)
  t.equal(budget.used, 0)
  t.equal(one.accept(2, bytes(10)), 'new', 'as much as there is')
  t.equal(budget.used, cost(10))
  one.stop()
  t.strictSame([budget.used, one.cost, one.hasGap], [0, 0, false])
  const enough = new ReceiveBudget(cost(4) + cost(5))
  const three = new Reassembly(10_000, 16, enough)
  three.accept(0, bytes(4))
  t.equal(three.accept(1, bytes(5)), 'new')
  three.discard()
  t.strictSame([enough.used, three.cost, three.readableCost, three.read()], [0, 0, 0, undefined])
  t.equal(three.accept(2, bytes(6)), 'new')
  t.strictSame([three.next, three.read(), enough.used], [3, undefined, 0], 'taken, acknowledged, thrown away')
})

t.test('CLOSE: complete with all before it; nothing behind it', async t => {
  const reassembly = new Reassembly(10_000, 16)
  reassembly.close(2)
  reassembly.close(5)
  t.equal(reassembly.accept(3, bytes(1)), 'duplicate')
  t.equal(reassembly.accept(2, bytes(0)), 'new')
  t.equal(reassembly.accept(0, bytes(1)), 'new')
  t.notOk(reassembly.complete)
  reassembly.accept(1, bytes(1))
  t.ok(reassembly.complete)
  const empty = new Reassembly(1_000, 1)
  t.notOk(empty.complete)
  empty.close(0)
  t.notOk(empty.complete)
  empty.accept(0, bytes(0))
  t.ok(empty.complete)
})

t.test('an ACK that cannot name all gaps ends before the first that it cannot', async t => {
  const reassembly = new Reassembly(1e9, 10_000)
  for (let sequence = 1; sequence <= 511; sequence += 2) reassembly.accept(sequence, bytes(1))
  t.match(reassembly.acknowledgement(), { ackThrough: 509, nacks: { length: 255 } })
  reassembly.accept(508, bytes(1))
  const { ackThrough, nacks } = reassembly.acknowledgement()
  t.strictSame([ackThrough, nacks.length, nacks[0], nacks.at(-1)], [511, 255, 0, 510], 'exactly as many as it can name')
})

t.test('the timeout: smoothed RTT and four deviations, at least 100 ms of them, between 100 ms and 45 s', async t => {
  t.equal(new RttEstimator(1).rto, 100)
  t.equal(new RttEstimator(1e9).rto, 45_000)
  t.match(new RttEstimator(9_000), { srtt: undefined, rttvar: 0, rto: 9_000, latest: undefined, base: undefined })
  t.match(new RttEstimator(9_000, { rtt: 500, rttvar: 10 }), { srtt: 500, rttvar: 10, rto: 600, base: 500 })
  t.match(new RttEstimator(9_000, { rtt: 500, rttvar: 100 }), { rto: 900 })
  const rtt = new RttEstimator(9_000)
  rtt.sample(0, 400)
  t.match(rtt, { srtt: 400, rttvar: 200, rto: 1_200, latest: 400, base: 400 })
  rtt.sample(1, -5)
  t.match(rtt, { srtt: 350, rttvar: 250, latest: 0 })
  rtt.sample(2, 1e9)
  t.match(rtt, { latest: 60_000 })
})

t.test('an upper bound counts until the first sample, and never after one', async t => {
  const rtt = new RttEstimator(9_000)
  rtt.provisional(1e9)
  t.match(rtt, { srtt: 60_000, rto: 45_000, latest: undefined })
  rtt.provisional(5)
  t.equal(rtt.srtt, 60_000, 'the first one stays')
  rtt.sample(0, 300)
  t.match(rtt, { srtt: 300, rttvar: 150, rto: 900, base: 300 })
  rtt.sample(1, 300)
  t.match(rtt, { srtt: 300, rttvar: 112.5 }, 'smoothed from then on')
  rtt.provisional(5)
  t.equal(rtt.srtt, 300)
})

t.test('the base is the least of the last one or two half minutes', async t => {
  const rtt = new RttEstimator(9_000)
  const steady = (from: number, until: number, ms: number): number => {
    for (let now = from; now <= until; now += 100) rtt.sample(now, ms)
    return Math.round(rtt.base!)
  }
  t.equal(steady(0, 10_000, 200), 200)
  t.equal(steady(10_100, 30_000, 800), 200)
  t.equal(steady(30_100, 60_100, 800), 200, 'of the period before')
  t.equal(steady(60_200, 60_200, 800), 800, 'and no longer')
  t.equal(steady(60_300, 70_000, 400), 400)
})
