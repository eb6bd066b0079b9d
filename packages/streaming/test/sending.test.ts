/** The sending half of a stream, packet by packet: windows, timers, losses. Streaming document; RFC 6298, 8985, 9265. */
import t from 'tap'
import { connectionConfig } from '../src/core/config.ts'
import type { SharedControlBlock } from '../src/core/control-blocks.ts'
import { BURST_GAP_RTT_SHARE, IMMEDIATE_ACK_RTT_SHARE, RECEIVE_BUDGET } from '../src/core/constants.ts'
import { resolveOptions } from '../src/core/options.ts'
import type { StreamingOptions } from '../src/core/options.ts'
import type { SentPacket } from '../src/core/scoreboard.ts'
import { Sender } from '../src/core/sender.ts'
import { TimerTable } from '../src/core/timers.ts'

const FULL = 1_730
const RTO = 9_000

interface Setup { options?: Partial<StreamingOptions>, jitter?: number, shared?: SharedControlBlock, established?: boolean, write?: number }

/** A sender whose timers a test sees; `write`: full packets that it has to send. */
function senderOf ({ options = {}, jitter = 0, shared, established = true, write = 0 }: Setup = {}) {
  const timers = new TimerTable()
  const sender = new Sender(connectionConfig(resolveOptions({ initialRTO: RTO, bufferSize: 1_048_576, ...options })), jitter, timers,
    shared)
  sender.established = established
  sender.write(Buffer.alloc(write * FULL, 'x'))
  const all = (now: number, most = 1_000): SentPacket[] => {
    const sent: SentPacket[] = []
    for (let next = sender.next(now); next !== undefined && sent.length < most; next = sender.next(now)) sent.push(next)
    return sent
  }
  return {
    sender,
    timers,
    all,
    /** Their numbers. */
    send: (now: number): number[] => all(now).map(({ sequence }) => sequence),
    /** What must be sent again from now on. */
    until: (name: Parameters<TimerTable['at']>[0]) => timers.at(name)
  }
}

/** Round trips of 100 ms in which all that was sent is acknowledged, until the window is at least so large. */
function opened (window: number, setup: Setup = {}) {
  const world = senderOf({ write: 100, ...setup })
  let now = 0
  for (let i = 0; i < 9 && world.sender.congestion.window < window; i++, now += 100) {
    const sent = world.send(now)
    // The pacer lets the rest of a large window leave later.
    sent.push(...world.send(now + 50), ...world.send(now + 90))
    world.sender.acknowledge(now + 100, sent.at(-1)!, [])
    world.sender.write(Buffer.alloc(sent.length * FULL))
  }
  return { ...world, now: now + 1_000 }
}

t.test('the first packet is a SYN, whether there is anything to say or not', async t => {
  const { sender, all, until } = senderOf()
  t.match(all(1_000), [{
    sequence: 0,
    payload: Buffer.alloc(0),
    synchronize: true,
    close: false,
    sends: 1,
    immediate: true,
    firstSentAt: 1_000,
    sentAt: 1_000,
    order: 0
  }])
  t.strictSame([sender.inFlight, sender.unacknowledged, sender.confirmed, until('retransmit')], [1, 1, false, 1_000 + RTO])
  t.match(sender.statistics, { packetsSent: 1, bytesSent: 0, retransmissions: 0 })
  sender.acknowledge(1_400, 0, [])
  t.strictSame([sender.inFlight, sender.confirmed, until('retransmit'), sender.rtt.srtt], [0, true, undefined, 400])
})

t.test('what is written is cut into packets, and the last of it that was told to end closes', async t => {
  const { sender, all } = senderOf({ write: 2 })
  t.equal(sender.write(Buffer.alloc(70)), 70)
  t.equal(sender.buffered, 2 * FULL + 70)
  sender.end()
  t.strictSame([sender.half, sender.room, sender.write(Buffer.alloc(5))], ['ending', 0, 0])
  const sent = all(0)
  t.strictSame(sent.map(({ payload, synchronize, close }) => [payload.length, synchronize, close]),
    [[FULL, true, false], [FULL, false, false], [70, false, true]])
  t.strictSame([sender.half, sender.buffered, sender.statistics.bytesSent], ['close-sent', 0, 2 * FULL + 70])
  sender.end()
  sender.acknowledge(10, 1, [])
  t.equal(sender.half, 'close-sent', 'one is missing')
  sender.acknowledge(20, 2, [])
  t.equal(sender.half, 'closed')
  const empty = senderOf()
  empty.all(0)
  empty.sender.acknowledge(10, 0, [])
  empty.sender.end()
  t.match(empty.all(20), [{ sequence: 1, close: true, payload: Buffer.alloc(0) }], 'an end needs no data')
})

t.test('so much is in flight as the window says; before the SYN reply 32 packets at most', async t => {
  const { sender, send } = senderOf({ write: 40 })
  t.strictSame(send(0), [0, 1, 2, 3, 4, 5])
  sender.acknowledge(100, 5, [])
  t.strictSame(send(100), [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17], 'slow start')
  const early = (options: Partial<StreamingOptions>) => senderOf({ options, established: false, write: 60 }).send(0).length
  t.strictSame([early({ initialWindowSize: 6 }), early({ initialWindowSize: 50 })], [6, 32])
  const waiting = senderOf({ established: false, write: 60 })
  waiting.send(0)
  waiting.sender.acknowledge(100, 5, [])
  t.strictSame(waiting.send(100), [6, 7, 8, 9, 10, 11], 'twelve in all')
  const unlimited = senderOf({ write: 3 })
  unlimited.send(0)
  unlimited.sender.acknowledge(100, 2, [])
  t.equal(unlimited.sender.congestion.window, 6, 'a window that was not full does not grow')
})

t.test('between the lowest that is not acknowledged and the highest there are 128 packets', async t => {
  const { sender, all } = senderOf({ options: { initialWindowSize: 64 }, write: 100 })
  sender.write(Buffer.alloc(100 * FULL))
  let [now, highest] = [0, -1]
  for (let i = 0; i < 60; i++) {
    for (const { sequence } of all(now)) highest = Math.max(highest, sequence)
    now += 5
    // Everything but the first packet arrives, and that the first is missing is never believed.
    sender.setChoked(now, false)
    sender.acknowledge(now, highest, [0])
    if (i === 0) sender.rtt.inform(1e6, 0, 0)
  }
  t.ok(highest <= 127, `${highest}`)
})

t.test('an ACK is asked for at once by a SYN, a CLOSE, each eighth packet, and the ends of a window and of a burst', async t => {
  const asks = (setup: Setup, count: number): number[] => {
    const { all } = senderOf(setup)
    return all(0, count).slice(0, count).filter(({ immediate }) => immediate).map(({ sequence }) => sequence)
  }
  const wide = { options: { initialWindowSize: 64 } }
  t.strictSame(asks({ ...wide, write: 60 }, 20), [0, 8, 16])
  t.strictSame(asks({ ...wide, write: 5 }, 20), [0, 4], 'the end of a burst')
  t.strictSame(asks({ ...wide, write: 2 }, 20), [0], 'two packets are none')
  t.strictSame(asks({ options: { initialWindowSize: 20 }, write: 60 }, 20), [0, 8, 12, 13, 14, 15, 16, 17, 18, 19],
    'a third of the window is left')
  t.strictSame(asks({ options: { initialWindowSize: 4 }, write: 60 }, 4), [0, 1, 2, 3], 'or less than three packets')
  t.strictSame(asks({ options: { initialWindowSize: 64, profile: 2 }, write: 60 }, 4), [0, 1, 2, 3], 'interactive')
})

t.test('32 packets leave at once, the others over the round trip', async t => {
  const { send, until, sender } = senderOf({ options: { initialWindowSize: 64 }, shared: { rtt: 640, rttvar: 0, window: 64 }, write: 60 })
  const atOnce = send(0).length
  t.ok(atOnce === 32 || atOnce === 33, 'and the SYN')
  t.ok(Math.abs(until('pace')! - 5) < 0.1, 'one in 5 ms: twice 64 packets in 640')
  t.strictSame(send(until('pace')!).length, 1)
  sender.stop()
  t.strictSame([send(9_000), until('pace'), sender.inFlight, sender.buffered], [[], undefined, 0, 0])
})

t.test('a time-out repeats one packet, the next ones all of them, each after twice the time', async t => {
  const { sender, send, until, now } = opened(12)
  const first = sender.statistics.packetsSent
  const flight = send(now)
  const rto = sender.rtt.rto
  t.equal(until('retransmit'), now + rto)
  t.notOk(sender.retransmitExpired(now + rto))
  // The table stops a timer that has expired; Connection asks it.
  t.strictSame(send(now + rto), [flight[0]])
  sender.acknowledge(now + rto + 1, flight[0]! - 1, [])
  t.notOk(sender.retransmitExpired(now + 2 * rto))
  t.equal(sender.congestion.window, 1)
  t.strictSame(send(now + 2 * rto), [flight[0]], 'one at a time')
  t.match(sender.statistics, { timeouts: 2, retransmissions: 2, fastRetransmissions: 0, packetsSent: first + flight.length + 2 })
  sender.acknowledge(now + 2 * rto + 100, flight[0]!, [])
  t.strictSame(send(now + 2 * rto + 100).slice(0, 1), [flight[1]], 'all of them count as lost')
})

t.test('times of time-outs: RTO, RTO, twice, four times, 45 s at most; stretched by up to a quarter', async t => {
  const times = (jitter: number, count: number): number[] => {
    const { sender, timers, send, until } = senderOf({ jitter })
    const all: number[] = []
    send(0)
    for (let now = 0; all.length < count;) {
      all.push(until('retransmit')! - now)
      now = until('retransmit')!
      timers.stop('retransmit')
      if (sender.retransmitExpired(now)) break
      send(now)
    }
    return all
  }
  t.strictSame(times(0, 6), [9_000, 9_000, 18_000, 36_000, 45_000, 45_000])
  t.strictSame(times(1, 3), [11_250, 11_250, 22_500])
  t.strictSame(times(0.5, 1), [10_125])
  t.equal(times(0, 99).length, 9, 'eight repetitions in vain are the end')
})

t.test('one packet that never comes through ends the stream, whatever else does', async t => {
  const { sender, timers, send, all } = senderOf({ options: { maxResends: 2 }, write: 60 })
  send(0)
  sender.acknowledge(100, 0, [])
  let [now, ended] = [100, false]
  for (let i = 0; i < 40 && !ended; i++) {
    now += 1_000
    sender.write(Buffer.alloc(3 * FULL))
    const highest = Math.max(...all(now).map(({ sequence }) => sequence), 1)
    sender.acknowledge(now + 50, highest, [1])
    timers.stop('retransmit')
    ended = sender.retransmitExpired(now + 100)
  }
  t.ok(ended)
  t.ok(sender.statistics.retransmissions >= 6, 'three times maxResends')
})

t.test('a packet is lost when three that were sent later are acknowledged, or one, and a quarter of the round trip has passed', async t => {
  const { sender, send, until, now, all } = opened(12)
  const [a, b] = send(now) as [number, number]
  const window = sender.congestion.window
  sender.acknowledge(now + 100, b, [a])
  t.equal(until('reorder'), now + 125, 'one later packet')
  sender.reorderExpired(now + 124)
  t.equal(sender.inFlight, 11)
  sender.reorderExpired(now + 125)
  t.strictSame([sender.inFlight, until('reorder')], [10, undefined])
  const again = all(now + 125)[0]!
  t.match(again, { sequence: a, sends: 2, immediate: true })
  t.match(sender.statistics, { retransmissions: 1, fastRetransmissions: 1, timeouts: 0 })
  t.ok(sender.congestion.window <= window + 1)
  const other = opened(12)
  const flight = other.send(other.now)
  other.sender.acknowledge(other.now + 100, flight[3]!, [flight[0]!])
  t.equal(other.all(other.now + 100)[0]?.sequence, flight[0], 'three later ones: at once')
})

t.test('losses of one round trip lower the window once', async t => {
  const { sender, send, now } = opened(40, { options: { initialWindowSize: 6 } })
  const flight = send(now)
  // A queue stands: the last round trips took three times as long.
  for (let i = 0; i < 30; i++) sender.rtt.sample(now, 300)
  sender.acknowledge(now + 300, flight[9]!, flight.slice(0, 5))
  const once = sender.congestion.window
  t.ok(once < 40)
  send(now + 300)
  sender.acknowledge(now + 301, flight[20]!, flight.slice(11, 15))
  t.ok(Math.abs(sender.congestion.window - once) <= 2, `${sender.congestion.window} of ${once}: sent before the first losses were seen`)
})

t.test('what acknowledges packets that were never sent changes nothing', async t => {
  const { sender, send } = senderOf({ write: 10 })
  send(0)
  sender.acknowledge(100, 6, [])
  t.strictSame([sender.inFlight, sender.confirmed], [6, false])
  sender.acknowledge(100, 5, [0, 1, 2, 3, 4, 5])
  t.strictSame([sender.inFlight, sender.confirmed], [6, false], 'nor does one that names them all as missing')
})

t.test('a round trip is measured by packets that were sent once and asked for an ACK', async t => {
  const { sender, send } = senderOf({ options: { initialWindowSize: 64 }, write: 60 })
  send(0)
  sender.acknowledge(400, 0, [])
  t.equal(sender.rtt.srtt, 400)
  sender.acknowledge(900, 3, [])
  t.equal(sender.rtt.srtt, 400, 'the third did not ask: its ACK may have been late')
  sender.acknowledge(300, 5, [])
  t.equal(sender.rtt.srtt, 400 - 100 / 8, 'but it was no earlier than it could be')
  sender.acknowledge(900, 8, [])
  t.equal(sender.rtt.srtt, 387.5 + (900 - 387.5) / 8)
  const again = senderOf()
  again.send(0)
  again.sender.retransmitExpired(RTO)
  again.send(RTO)
  again.sender.acknowledge(RTO + 500, 0, [])
  t.strictSame([again.sender.rtt.srtt, again.sender.rtt.latest], [RTO + 500, undefined],
    'from the first SYN, until something better is known')
})

t.test('a repetition that is acknowledged sooner than it can have travelled was for nothing', async t => {
  const { sender, timers, send, now } = opened(12)
  const flight = send(now)
  timers.stop('retransmit')
  sender.retransmitExpired(now + 200)
  send(now + 200)
  sender.acknowledge(now + 269, flight[0]!, [])
  t.equal(sender.statistics.spurious, 1)
  const late = opened(12)
  const [first] = late.send(late.now) as [number]
  late.sender.retransmitExpired(late.now + 200)
  late.send(late.now + 200)
  late.sender.acknowledge(late.now + 271, first, [])
  t.equal(late.sender.statistics.spurious, 0, 'seven tenths of the least round trip')
  const syn = senderOf({ shared: { rtt: 1_000, rttvar: 0, window: 6, base: 1_000 } })
  syn.send(0)
  syn.sender.repeatFirst()
  syn.send(10)
  syn.sender.acknowledge(11, 0, [])
  t.equal(syn.sender.statistics.spurious, 0, 'the peer may have made us repeat a SYN')
})

t.test('a peer that chokes us gets nothing but probes, each after twice the time', async t => {
  const { sender, timers, send, until, now } = opened(12)
  const flight = send(now)
  const rto = sender.rtt.rto
  sender.setChoked(now + 10, true)
  t.strictSame([sender.choked, until('retransmit'), until('reorder'), until('persist')], [true, undefined, undefined, now + 10 + rto])
  t.strictSame([send(now + 20), sender.statistics.chokesReceived], [[], 1])
  sender.setChoked(now + 30, true)
  t.equal(until('persist'), now + 10 + rto, 'it was already')
  let at = now + 10
  for (const doublings of [0, 1, 2]) {
    t.equal(until('persist')! - at, rto * 2 ** doublings)
    at = until('persist')!
    timers.stop('persist')
    t.notOk(sender.persistExpired(at))
    t.strictSame(send(at), [flight[0]], 'the lowest')
  }
  const window = sender.congestion.window
  sender.setChoked(at + 1, false)
  t.strictSame([sender.choked, until('persist'), sender.congestion.window], [false, undefined, Math.floor(window / 2)])
  t.strictSame(send(at + 1), flight.slice(0, Math.floor(window / 2)), 'what was in flight was thrown away there')
})

t.test('probes that nobody answers end the stream; anything from the peer shows that it lives', async t => {
  const probes = (heardAfter: number): number => {
    const { sender, timers, send } = senderOf({ options: { maxResends: 3 }, write: 9 })
    send(0)
    sender.setChoked(0, true)
    let count = 0
    for (; count < 20; count++) {
      timers.stop('persist')
      if (sender.persistExpired(count * 100_000)) break
      send(count * 100_000)
      if (count === heardAfter) sender.heard()
    }
    return count
  }
  t.strictSame([probes(-1), probes(1)], [3, 5])
})

t.test('a choked stream with nothing in flight probes only if it has something to say', async t => {
  const { sender, all, until } = senderOf()
  all(0)
  sender.acknowledge(100, 0, [])
  sender.setChoked(100, true)
  t.equal(until('persist'), undefined)
  sender.setChoked(110, false)
  sender.write(Buffer.alloc(10))
  sender.setChoked(120, true)
  t.equal(until('persist'), 120 + sender.rtt.rto)
  sender.persistExpired(2_000)
  t.match(all(2_000), [{ sequence: 1, payload: { length: 10 } }])
})

t.test('a keep-alive is an empty packet that must be acknowledged', async t => {
  const { sender, all } = senderOf()
  all(0)
  sender.acknowledge(100, 0, [])
  t.strictSame(all(200), [])
  sender.keepAlive()
  t.match(all(300), [{ sequence: 1, synchronize: false, close: false, payload: Buffer.alloc(0) }])
  t.strictSame(all(400), [])
})

t.test('a SYN is sent again when the router or the peer lacks it, and only while it is not acknowledged', async t => {
  const { sender, send } = senderOf({ write: 1 })
  send(0)
  sender.repeatFirst()
  t.strictSame(send(10), [0])
  sender.acknowledge(100, 0, [])
  sender.write(Buffer.alloc(10))
  t.strictSame(send(110), [1])
  sender.repeatFirst()
  t.strictSame(send(120), [])
})

t.test('what earlier streams to the same peer have measured', async t => {
  const shared = { rtt: 301, rttvar: 20, window: 20, base: 200, held: 7 }
  t.match(senderOf({ shared }).sender, { wasLoaded: true, held: 7, confirmed: false })
  t.equal(senderOf({ shared, write: 60 }).send(0).length, 20)
  t.match(senderOf({ shared: { ...shared, rtt: 300 } }).sender, { wasLoaded: false, held: 7 })
  t.match(senderOf({ shared: { ...shared, rtt: 229 } }).sender, { wasLoaded: false, held: undefined }, 'no queue stood')
  t.match(senderOf({ shared: { rtt: 301, rttvar: 20, window: 20 } }).sender, { wasLoaded: false, held: undefined })
  t.match(senderOf().sender, { wasLoaded: false, held: undefined })
})

t.test('a stream that is told of its path begins with what that holds, once', async t => {
  const known = { rtt: 500, rttvar: 10, rate: 204_800 }
  const { sender, send, until } = senderOf({ write: 200 })
  sender.inform(0, known, 1)
  t.strictSame([sender.congestion.window, sender.rtt.srtt], [50, 500])
  t.equal(send(0).length, 24, 'no more back to back')
  t.ok(Math.abs(until('pace')! - 8) < 0.1, 'at 1.25 times the rate: 50 packets in 400 ms')
  const shared = senderOf({ write: 200 })
  shared.sender.inform(0, known, 2)
  t.strictSame([shared.sender.congestion.window, shared.send(0).length], [25, 12])
  const small = senderOf({ options: { maxWindowSize: 10 } })
  small.sender.inform(0, known, 1)
  t.equal(small.sender.congestion.window, 10, 'who has set a smaller one wants it')
  const running = senderOf({ write: 1 })
  running.send(0)
  running.sender.inform(100, known, 1)
  t.equal(running.until('retransmit'), 100 + running.sender.rtt.rto, 'the timer of what is under way follows')
  const confirmed = senderOf({ write: 1 })
  confirmed.send(0)
  confirmed.sender.acknowledge(100, 0, [])
  confirmed.sender.inform(100, known, 1)
  t.strictSame([confirmed.sender.congestion.window, confirmed.sender.rtt.srtt], [6, 100])
  const timed = senderOf()
  timed.sender.inform(0, { rtt: 400 }, 1)
  t.strictSame([timed.sender.congestion.window, timed.sender.rtt.srtt, timed.sender.rtt.rttvar], [6, 400, 200])
})

t.test('packets that parity brought back count as lost where a queue stands, once in a round trip', async t => {
  const loaded = (queue: number) => {
    const world = opened(40)
    world.send(world.now)
    for (let i = 0; i < 30; i++) world.sender.rtt.sample(world.now, 100 + queue)
    return world
  }
  const { sender, now } = loaded(200)
  const before = sender.congestion.window
  sender.repaired(now, 1)
  const once = sender.congestion.window
  t.ok(once < before, `${once}`)
  sender.repaired(now + 1, 1)
  t.equal(sender.congestion.window, once)
  const idle = loaded(0)
  const whole = idle.sender.congestion.window
  idle.sender.repaired(idle.now, 1)
  t.equal(idle.sender.congestion.window, whole, 'without a queue they are chance')
  const choked = loaded(200)
  choked.sender.setChoked(choked.now, true)
  const waiting = choked.sender.congestion.window
  choked.sender.repaired(choked.now, 1)
  t.equal(choked.sender.congestion.window, waiting)
})

t.test('what a path holds is known where the window is full and a queue stands', async t => {
  const { sender, now } = opened(64)
  t.equal(sender.held, undefined, 'no queue')
  for (let i = 0; i < 30; i++) sender.rtt.sample(now, 300)
  t.ok(sender.held! > 40 && sender.held! <= 64, `${sender.held}: 64 packets in each round trip of 100 ms, of which the last left late`)
  const growing = opened(24)
  for (let i = 0; i < 30; i++) growing.sender.rtt.sample(growing.now, 300)
  t.equal(growing.sender.held, undefined, 'the window still grows')
  const shared = opened(24, { shared: { rtt: 150, rttvar: 1, window: 6, base: 100, held: 90 } })
  for (let i = 0; i < 30; i++) shared.sender.rtt.sample(shared.now, 300)
  t.equal(shared.sender.held, 90, 'earlier streams met it')
})

t.test('a path that holds much lets a stream have 200 packets in flight, if it may have 128', async t => {
  const known = { rtt: 1_000, rttvar: 0, rate: 1e9 }
  const window = (options: Partial<StreamingOptions>, streams = 1): number => {
    const { sender } = senderOf({ options })
    sender.inform(0, known, streams)
    return sender.congestion.window
  }
  t.strictSame([window({ maxWindowSize: 128 }), window({ maxWindowSize: 127 }), window({ maxWindowSize: 128 }, 4)], [200, 127, 50])
})

t.test('shares and bounds that the streaming document, Java and this library give', async t => {
  t.strictSame([IMMEDIATE_ACK_RTT_SHARE, BURST_GAP_RTT_SHARE, RECEIVE_BUDGET], [0.125, 0.015625, 67_108_864])
})
