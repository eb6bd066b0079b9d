import t from 'tap'
import { connectionConfig } from '../src/core/config.ts'
import { resolveOptions } from '../src/core/options.ts'
import { Receiver } from '../src/core/receiver.ts'
import { RttEstimator } from '../src/core/rtt.ts'
import { TimerTable } from '../src/core/timers.ts'
import type { ConnectionConfig } from '../src/core/config.ts'

/** With these, a packet of 872 bytes costs 1,000, there is room for 8, more than 4 choke and 2 unchoke. */
const CONFIG: ConnectionConfig = {
  ...connectionConfig(resolveOptions()), profile: 'bulk', maxWindow: 6, maxMessageSize: 872, initialRtt: 8_000, initialAckDelay: 2_000
}
const NOW = 1_000
const RTT = 800
const PACKET = Buffer.alloc(872)

function receiverOf (config: Partial<ConnectionConfig> = {}) {
  const timers = new TimerTable()
  const receiver = new Receiver({ ...CONFIG, ...config }, timers)
  interface Options { close?: boolean, delay?: number | undefined, srtt?: number | undefined, payload?: Buffer }
  const receive = (now: number, sequence: number, { close = false, delay, srtt = RTT, payload = PACKET }: Options = {}) =>
    receiver.receive(now, sequence, payload, close, delay, srtt)
  const fill = (count: number, from = 0): void => { for (let sequence = from; sequence < from + count; sequence++) receive(NOW, sequence) }
  const due = () => [timers.at('ack'), timers.at('quiet')]
  return { receiver, timers, receive, fill, due }
}

t.test('when what has arrived is acknowledged', async t => {
  interface Asked { delay?: number, srtt?: number | undefined, close?: boolean, config?: Partial<ConnectionConfig> }
  type Row = Asked & { ack: number, quiet?: number }
  const rows: Row[] = [
    { ack: 2_000 },
    { delay: 0, ack: 100, quiet: 12.5 },
    { delay: 0, srtt: 80, ack: 10, quiet: 5 },
    { delay: 0, srtt: 10_000, ack: 120, quiet: 30 },
    { delay: 0, srtt: undefined, ack: 20, quiet: 5 },
    { delay: 0, srtt: undefined, config: { initialRtt: 80 }, ack: 10, quiet: 5 },
    { delay: 500, ack: 500 },
    { delay: 3_001, ack: 3_000 },
    { delay: 60_000, ack: 3_000 },
    { delay: 60_001, ack: 2_000 },
    { close: true, ack: 100, quiet: 12.5 },
    { config: { profile: 'interactive' }, ack: 100, quiet: 12.5 },
    { config: { initialAckDelay: -1 }, ack: 0 }
  ]
  for (const row of rows) {
    const { receiver, timers } = receiverOf(row.config)
    receiver.receive(NOW, 0, PACKET, row.close ?? false, row.delay, 'srtt' in row ? row.srtt : RTT)
    const quiet = row.quiet === undefined ? undefined : NOW + row.quiet
    t.strictSame([timers.at('ack'), timers.at('quiet')], [NOW + row.ack, quiet], JSON.stringify(row))
  }
})

t.test('a burst gets one ACK, and a lone packet waits', async t => {
  const { receiver, receive, due } = receiverOf()
  t.equal(receiver.ackPending, false)
  receive(NOW, 0)
  receive(NOW + 10, 1)
  t.strictSame(due(), [NOW + 110, NOW + 22.5])
  receive(NOW + 15, 2)
  t.strictSame(due(), [NOW + 110, NOW + 27.5], 'the end of the burst moves, and the ACK comes no later')
  t.strictSame([receiver.ackPending, receiver.ackDue(NOW + 27), receiver.ackDue(NOW + 27.5)], [true, false, true])
  t.equal(receiver.acknowledged(NOW + 30, true), undefined)
  t.strictSame([...due(), receiver.ackPending, receiver.ackDue(1e9)], [undefined, undefined, false, false])
  receive(NOW + 40, 3)
  t.strictSame(due(), [NOW + 2_040, undefined])
  receiver.ackSoon(NOW + 50)
  receiver.ackSoon(NOW + 60)
  t.strictSame(due(), [NOW + 50, undefined])
  t.strictSame(receiver.statistics, { packetsReceived: 4, bytesReceived: 4 * 872, duplicates: 0, overflows: 0, chokesSent: 0 })
})

t.test('a gap is told soon, and so is its end', async t => {
  const { receiver, receive, due } = receiverOf()
  t.strictSame([receiver.contiguous, receiver.acknowledgement()], [0, { ackThrough: 0, nacks: [] }])
  receive(NOW, 0)
  receiver.acknowledged(NOW, true)
  receive(NOW, 2)
  t.equal(due()[0], NOW + 100)
  t.strictSame([receiver.contiguous, receiver.acknowledgement()], [0, { ackThrough: 2, nacks: [1] }])
  receiver.acknowledged(NOW + 100, true)
  receive(NOW + 200, 1)
  t.equal(due()[0], NOW + 300)
  t.strictSame([receiver.contiguous, receiver.acknowledgement()], [2, { ackThrough: 2, nacks: [] }])
  receive(NOW + 300, 9)
  receiver.stop()
  t.strictSame(receiver.acknowledgement().nacks, [], 'nothing is waited for any more')
})

t.test('what comes twice is acknowledged again, once for a burst', async t => {
  const { receiver, receive, due } = receiverOf()
  t.equal(receive(NOW, 0), 'new')
  receive(NOW + 5, 0)
  t.strictSame(due(), [NOW + 5, undefined], 'nothing was acknowledged yet')
  receiver.acknowledged(NOW, true)
  t.equal(receive(NOW + 10, 0), 'duplicate')
  t.strictSame(due(), [NOW + 100, undefined])
  receiver.acknowledged(NOW + 100, true)
  receive(NOW + 500, 0)
  t.strictSame(due(), [NOW + 500, undefined])
  t.equal(receiver.complete, false)
  receive(NOW + 500, 0, { close: true })
  t.equal(receiver.complete, true, 'a CLOSE counts although its data is known')
  t.strictSame(receiver.statistics, { packetsReceived: 1, bytesReceived: 872, duplicates: 4, overflows: 0, chokesSent: 0 })
})

t.test('what there is no room for chokes the peer', async t => {
  const { receiver, receive, fill, due } = receiverOf()
  t.equal(receive(NOW, 256), 'full')
  t.strictSame([receiver.choking, due()[0], receiver.statistics.overflows, receiver.statistics.packetsReceived], [true, NOW, 1, 0])
  const other = receiverOf()
  other.fill(8)
  t.equal(other.receiver.statistics.overflows, 0)
  t.equal(other.receive(NOW, 8), 'full', 'eight fit')
  fill(8)
  t.equal(receiver.readableCost, 8_000)
  receiver.discard()
  t.strictSame([receiver.readableCost, receiver.read()], [0, undefined])
})

t.test('an application that does not read chokes the peer, and one that reads again unchokes it', async t => {
  const { receiver, timers, fill, due } = receiverOf()
  fill(4)
  receiver.acknowledged(NOW, true)
  receiver.updateChoke(NOW)
  t.strictSame([receiver.choking, due()[0]], [false, undefined], 'half is not more than half')
  fill(1, 4)
  receiver.updateChoke(NOW + 5)
  t.strictSame([receiver.choking, due()[0]], [true, NOW + 5])
  t.strictSame([receiver.acknowledged(NOW + 5, true), receiver.acknowledged(NOW + 6, false)], [61_000, 61_000])
  t.equal(receiver.statistics.chokesSent, 2)
  receiver.updateChoke(NOW + 7)
  t.equal(due()[0], undefined, 'it is told already')
  receiver.read()
  receiver.read()
  receiver.updateChoke(NOW + 10)
  t.strictSame([receiver.choking, receiver.unchokePending], [true, false], 'three are left')
  receiver.read()
  receiver.updateChoke(NOW + 10)
  t.strictSame([receiver.choking, receiver.unchokePending, timers.at('unchoke'), receiver.ackDue(NOW + 10)], [false, true, NOW + 10, true])
  for (let time = 1; time <= 8; time++) {
    t.equal(receiver.acknowledged(NOW + time, false), 0)
    t.strictSame([receiver.unchokePending, timers.at('unchoke')], [false, time === 8 ? undefined : NOW + time + 1_000])
  }
  t.strictSame([receiver.acknowledged(NOW, false), receiver.acknowledged(NOW, true)], [undefined, 0], 'a plain ACK says so for ever')
})

t.test('data shows that the peer has seen the unchoke; the fourth packet, since one may be a probe', async t => {
  const { receiver, timers, fill } = receiverOf()
  fill(5)
  receiver.updateChoke(NOW)
  const unchoke = (): void => {
    while (receiver.read() !== undefined) { /* everything */ }
    receiver.updateChoke(NOW)
  }
  unchoke()
  fill(3, 5)
  t.strictSame([receiver.unchokePending, timers.at('unchoke')], [true, NOW])
  fill(1, 8)
  t.strictSame([receiver.unchokePending, timers.at('unchoke')], [false, undefined])
  t.strictSame([receiver.acknowledged(NOW, false), receiver.acknowledged(NOW, true)], [undefined, undefined], 'the choke was never told')
  fill(2, 9)
  receiver.updateChoke(NOW)
  t.equal(receiver.choking, true)
  unchoke()
  fill(3, 11)
  t.equal(receiver.unchokePending, true, 'they are counted anew')
})

t.test('what others know of the path counts until the first sample', async t => {
  const informed = (rtt: number, rttvar: number, wait = 0, initial = 9_000): RttEstimator => {
    const estimator = new RttEstimator(initial)
    estimator.inform(rtt, rttvar, wait)
    return estimator
  }
  t.match(informed(200, 50, 30), { srtt: 200, rttvar: 50, rto: 630, latest: undefined, base: 200 })
  t.match(informed(100, 0), { srtt: 100, rttvar: 0, rto: 300 })
  t.equal(informed(200, 50, 30, 500).rto, 500, 'no longer than without')
  t.match(informed(1e9, 1e9), { srtt: 60_000, rttvar: 60_000, rto: 9_000 })
  for (const [rtt, rttvar] of [[0, 1], [-1, 1], [NaN, 1], [100, -1], [100, NaN]] as const) {
    t.match(informed(rtt, rttvar), { srtt: undefined, rto: 9_000 }, `${rtt} ${rttvar}`)
  }
  const sampled = (estimator: RttEstimator, ...samples: number[]): RttEstimator => {
    for (const ms of samples) estimator.sample(0, ms)
    return estimator
  }
  t.match(sampled(informed(200, 50), 800), { srtt: 800, rttvar: 150, rto: 1_400, latest: 800, base: 800 })
  t.match(sampled(informed(200, 50), 204), { srtt: 204, rttvar: 50, rto: 404 })
  t.match(sampled(informed(200, 50), 800, 800), { srtt: 800, rttvar: 112.5 }, 'smoothed from then on')
  t.match(sampled(new RttEstimator(9_000, { rtt: 200, rttvar: 50 }), 800), { srtt: 800, rttvar: 150 }, 'of an earlier connection')
  const late = sampled(new RttEstimator(9_000), 300)
  late.inform(100, 10, 0)
  t.match(late, { srtt: 300, rttvar: 150 }, 'it knows better')
  const bound = new RttEstimator(9_000)
  bound.provisional(1_000)
  bound.inform(200, 50, 0)
  t.match(sampled(bound, 800), { srtt: 800, rttvar: 150 })
})
