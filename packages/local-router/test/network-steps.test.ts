/** The network model message by message, with exact times: what is sent, what arrives when, and what becomes of the rest. */
import t from 'tap'
import { NetworkModel } from '../src/network/model.ts'
import type { NetworkOptions } from '../src/network/options.ts'
import type { TraceEvent } from '../src/network/flight.ts'

const WIRE = 1_028
/** Of one tunnel message, and of three. */
const [ONE, THREE] = [800, 2_000]

function modelOf (options: Partial<NetworkOptions> = {}) {
  const model = new NetworkModel<string>({ deadPaths: 0, ...options })
  const trace: TraceEvent[] = []
  model.onTrace = event => trace.push(event)
  return {
    model,
    trace,
    send: (now: number, size = ONE, from = 'a', to = 'b', data = `${now}`) => model.send(now, { from, to, size, data }),
    /** All that arrives until then: what, and when. */
    arrive: (now: number) => model.poll(now).map(({ data, at }) => [data, at])
  }
}

t.test('a message takes the latency, and says what it was', async t => {
  const { model, trace, send } = modelOf({ latency: 100 })
  t.strictSame([model.nextTimeout(), model.poll(0)], [undefined, []])
  t.ok(send(5, THREE))
  t.strictSame([model.nextTimeout(), model.poll(104)], [105, []])
  t.match(model.stats, { messagesSent: 1, messagesDelivered: 0, inFlight: 1, bytesInFlight: THREE, tunnelMessagesSent: 3 })
  t.strictSame(model.poll(105), [{ from: 'a', to: 'b', size: THREE, tunnelMessages: 3, sentAt: 5, at: 105, data: '5' }])
  t.match(model.stats, { messagesSent: 1, messagesDelivered: 1, messagesLost: 0, inFlight: 0, bytesInFlight: 0, duplicates: 0, lostBy: {} })
  const common = { id: 0, from: 'a', to: 'b', size: THREE, tunnelMessages: 3 }
  t.strictSame(trace, [{ type: 'sent', at: 5, ...common }, { type: 'delivered', at: 105, ...common }])
})

t.test('a bottleneck at the sender, and one at the receiver, of one rate cost the transmission once', async t => {
  const both = modelOf({ latency: 100, bandwidth: 10 * WIRE })
  both.send(0, THREE)
  both.send(0, ONE)
  t.strictSame(both.arrive(9_999), [['0', 400], ['0', 500]])
  const slowIn = modelOf({ latency: 100 })
  slowIn.model.configure('b', { bandwidthIn: 5 * WIRE })
  slowIn.send(0, THREE)
  t.strictSame(slowIn.arrive(9_999), [['0', 100 + 3 * 200]])
  const slowOut = modelOf({ latency: 100 })
  slowOut.model.configure('a', { bandwidthOut: 5 * WIRE, extraLatency: 7 })
  slowOut.send(0, THREE)
  t.strictSame(slowOut.arrive(9_999), [['0', 100 + 3 * 200 + 7]])
})

t.test('several senders share what one receives, in the order in which their tunnel messages come', async t => {
  const { model, send, arrive } = modelOf({ latency: 100 })
  model.configure('b', { bandwidthIn: 10 * WIRE })
  send(0, THREE, 'a', 'b', 'long')
  send(1, ONE, 'c', 'b', 'short')
  t.strictSame(arrive(9_999), [['long', 400], ['short', 500]])
})

t.test('what finds no room at a bottleneck is dropped', async t => {
  const { model, trace, send, arrive } = modelOf({ latency: 100, queue: 250 })
  model.configure('a', { bandwidthOut: 10 * WIRE })
  for (let i = 0; i < 2; i++) send(0, THREE)
  t.strictSame(arrive(9_999), [['0', 400]])
  t.match(model.stats, { messagesLost: 1, queueDrops: 3, lostBy: { queue: 1 }, inFlight: 0, bytesInFlight: 0 })
  t.match(trace.at(-2), { type: 'lost', at: 0, id: 1, reason: 'queue' })
  const inbound = modelOf({ latency: 100, queue: 250 })
  inbound.model.configure('b', { bandwidthIn: 10 * WIRE })
  for (let i = 0; i < 5; i++) inbound.send(0, ONE)
  t.strictSame(inbound.arrive(9_999).map(([, at]) => at), [200, 300, 400])
  t.match(inbound.model.stats, { messagesLost: 2, queueDrops: 2, lostBy: { queue: 2 } })
})

t.test('what is lost, and why', async t => {
  const lost = (options: Partial<NetworkOptions>, size = ONE, change: (world: ReturnType<typeof modelOf>) => void = () => {}) => {
    const world = modelOf({ latency: 100, ...options })
    world.send(0, 10, 'x', 'y')
    change(world)
    const isTaken = world.send(1, size)
    world.model.poll(9_999)
    return [isTaken, Object.keys(world.model.stats.lostBy).join(), world.model.stats.tunnelMessagesLost]
  }
  t.strictSame(lost({}), [true, '', 0])
  t.strictSame(lost({ loss: 1 }, THREE), [true, 'loss', 4])
  t.strictSame(lost({ deadPaths: 1 }, THREE), [true, 'dead-path', 4])
  t.strictSame(lost({}, 62_577), [true, '', 0])
  t.strictSame(lost({}, 62_578), [true, 'too-large', 0])
  t.strictSame(lost({}, ONE, ({ model }) => model.setAlive('a', false)), [true, 'unreachable', 0])
  t.strictSame(lost({}, ONE, ({ model }) => model.setAlive('b', false)), [true, 'unreachable', 0])
  t.strictSame(lost({ maxInFlight: 1 }), [false, 'overflow', 0])
  t.strictSame(lost({ maxInFlight: 2 }), [true, '', 0])
  t.strictSame(lost({ maxBytesInFlight: 8 * ONE }), [true, '', 0])
  t.strictSame(lost({ maxBytesInFlight: 8 * ONE - 1 }), [false, 'overflow', 0], 'an eighth of it is the share of one Destination')
  const behind = modelOf({ latency: 100, loss: 1 })
  behind.model.configure('b', { bandwidthIn: 10 * WIRE })
  behind.send(0, THREE)
  t.match(behind.model.stats, { tunnelMessagesLost: 3, lostBy: { loss: 1 } })
  t.strictSame([behind.model.nextTimeout(), behind.model.stats.inFlight], [undefined, 0])
})

t.test('what is on its way to one that is gone is lost; the same name is somebody else later', async t => {
  const { model, send, arrive } = modelOf({ latency: 100 })
  send(0)
  model.removeDestination('b')
  model.removeDestination('nobody')
  send(50)
  t.strictSame(arrive(9_999), [['50', 150]])
  t.strictSame(model.stats.lostBy, { unreachable: 1 })
  const dead = modelOf({ latency: 100 })
  dead.send(0)
  dead.model.setAlive('b', false)
  dead.model.poll(50)
  dead.model.setAlive('b', true)
  t.strictSame(dead.arrive(100), [['0', 100]], 'it came back in time')
})

t.test('a message may arrive twice, and counts once', async t => {
  const { model, trace, send, arrive } = modelOf({ latency: 100, duplicate: 1 })
  send(0)
  t.strictSame(arrive(100), [['0', 100], ['0', 100]])
  t.match(model.stats, { messagesDelivered: 1, duplicates: 1, inFlight: 0, bytesInFlight: 0 })
  t.strictSame(trace.map(({ type }) => type), ['sent', 'delivered', 'duplicate'])
})

t.test('so many Destinations are known', async t => {
  const { model, send, arrive } = modelOf({ latency: 100, maxDestinations: 2 })
  model.configure('a', { extraLatency: 1_000 })
  send(0)
  send(0, ONE, 'c', 'd')
  send(0)
  t.strictSame(arrive(9_999).map(([, at]) => at), [100, 100, 1_100], 'what was set for the first one is forgotten')
})

t.test('tunnels of a Destination are its leases, until they are built anew', async t => {
  const { model } = modelOf({ tunnels: 3, tunnelLifetime: 500 })
  const first = model.inboundTunnels(0, 'a')
  t.strictSame(first.map(({ expires }) => expires), [500, 500, 500])
  t.equal(model.inboundTunnels(499, 'a'), first)
  const renewed = model.renewTunnels(100, 'a')
  t.strictSame(renewed.map(({ expires }) => expires), [600, 600, 600])
  t.equal(model.inboundTunnels(101, 'a'), renewed)
})

t.test('i2pd: a tunnel message waits its turn on the link; the end of a burst waits, unless something follows', async t => {
  const { send, arrive, model } = modelOf({ profile: 'i2pd', latency: 450 })
  send(0)
  t.strictSame(arrive(450), [])
  t.strictSame(arrive(451), [['0', 451]], 'one in a millisecond')
  const burst = modelOf({ profile: 'i2pd', latency: 450 })
  burst.send(0)
  burst.send(0, ONE, 'a', 'b', 'second')
  t.strictSame(burst.arrive(9_999), [['0', 451], ['second', 452 + 0.55 * 450]])
  const followed = modelOf({ profile: 'i2pd', latency: 450 })
  for (const data of ['first', 'second', 'third']) followed.send(0, ONE, 'a', 'b', data)
  t.strictSame(followed.arrive(9_999), [['first', 451], ['second', 452], ['third', 453 + 0.55 * 450]])
  const later = modelOf({ profile: 'i2pd', latency: 450 })
  later.send(0)
  later.send(1 + 135)
  t.strictSame(later.arrive(9_999).map(([, at]) => at), [451, 136 + 1 + 450], 'a third of the latency later nothing is remembered')
  t.equal(model.nextTimeout(), undefined)
})

t.test('i2pd: what is lost on a link comes 0.4 to 0.5 s late', async t => {
  const { send, arrive } = modelOf({ profile: 'i2pd', latency: 450, loss: 1 })
  send(0)
  const [[, at]] = arrive(9_999) as [[string, number]]
  t.ok(at >= 851 && at <= 951, `${at}`)
})

t.test('i2pd: five hundred messages that wait end the link, for four seconds', async t => {
  const { model, send, arrive } = modelOf({ profile: 'i2pd', latency: 450, tunnels: 1 })
  for (let i = 0; i < 501; i++) send(0)
  t.strictSame(model.stats.lostBy, { 'link-dropped': 501 }, 'with all that waited for it')
  send(3_999)
  t.equal(model.stats.lostBy['link-dropped'], 502)
  send(4_000)
  t.strictSame(arrive(9_999).length, 1)
})

t.test('i2pd: bottlenecks, dead paths and full queues', async t => {
  const { send, arrive } = modelOf({ profile: 'i2pd', latency: 450, bandwidth: 10 * WIRE })
  send(0, THREE)
  const [[, at]] = arrive(9_999) as [[string, number]]
  t.ok(Math.abs(at - 751) < 1e-9, `${at}: three of 100 ms, the link and the latency`)
  const dead = modelOf({ profile: 'i2pd', latency: 450, deadPaths: 1 })
  dead.send(0)
  t.strictSame(dead.model.stats.lostBy, { 'dead-path': 1 })
  const full = modelOf({ profile: 'i2pd', latency: 450, queue: 250 })
  full.model.configure('a', { bandwidthOut: 10 * WIRE })
  for (let i = 0; i < 2; i++) full.send(0, THREE)
  t.match(full.model.stats, { queueDrops: 3, lostBy: { queue: 1 } })
  const receiver = modelOf({ profile: 'i2pd', latency: 450, queue: 250 })
  receiver.model.configure('b', { bandwidthIn: 10 * WIRE })
  for (let i = 0; i < 6; i++) receiver.send(0, ONE)
  t.ok(receiver.arrive(9_999).length < 6)
  t.ok(receiver.model.stats.queueDrops > 0 && receiver.model.stats.queueDrops === receiver.model.stats.lostBy.queue)
})

t.test('java: gateways wait for more with a tunnel message that is not full, once on each side', async t => {
  const at = (size: number, o: Partial<NetworkOptions> = {}): number => {
    const { send, arrive } = modelOf({ profile: 'java', latency: 600, ...o })
    send(0, size)
    return arrive(9_999)[0]![1] as number
  }
  // 130 bytes around it at the sender, 101 at the receiver; four fifths of a tunnel message are enough.
  const [waits, full, unbatched] = [at(300), at(710), at(300, { javaBatching: false })]
  t.ok(waits >= 600 + 37 + 75 + 2 && waits <= 600 + 37 + 75 + 2 + 11, `${waits}`)
  t.ok(full >= 600 + 2 && full <= 600 + 2 + 11, `${full}`)
  t.ok(unbatched >= 600 + 75 + 2 && unbatched <= 600 + 75 + 2 + 11, `${unbatched}`)
})

t.test('java: dead paths, full queues, and what a link sends again', async t => {
  const dead = modelOf({ profile: 'java', latency: 600, deadPaths: 1 })
  dead.send(0)
  t.strictSame(dead.model.stats.lostBy, { 'dead-path': 1 })
  const full = modelOf({ profile: 'java', latency: 600, queue: 250 })
  full.model.configure('a', { bandwidthOut: 10 * WIRE })
  for (let i = 0; i < 2; i++) full.send(0, THREE)
  t.equal(full.arrive(9_999).length, 1)
  t.strictSame(full.model.stats.lostBy, { queue: 1 })
  const receiver = modelOf({ profile: 'java', latency: 600, queue: 250 })
  receiver.model.configure('b', { bandwidthIn: 10 * WIRE })
  for (let i = 0; i < 6; i++) receiver.send(0, 866)
  t.ok(receiver.arrive(9_999).length < 6)
  t.ok((receiver.model.stats.lostBy.queue ?? 0) > 0)
  const lossy = modelOf({ profile: 'java', latency: 600, loss: 1 })
  lossy.send(0, 866)
  const [[, at]] = lossy.arrive(9_999) as [[string, number]]
  t.ok(at >= 600 + 150 && at <= 600 + 150 + 900 + 90, `${at}`)
})

t.test('mixed: a path is one of i2pd or one of Java, by lot', async t => {
  const kinds = new Set<string>()
  for (let seed = 1; seed <= 12; seed++) {
    const { send, arrive } = modelOf({ profile: 'mixed', latency: 450, seed })
    send(0, 300)
    const [[, at]] = arrive(9_999) as [[string, number]]
    kinds.add(at === 451 ? 'i2pd' : at > 560 ? 'java' : `${at}`)
  }
  t.strictSame([...kinds].toSorted(), ['i2pd', 'java'])
})

t.test('what of a message finds room is sent all the same', async t => {
  for (const profile of ['plain', 'i2pd', 'java'] as const) {
    const { model, send, arrive } = modelOf({ profile, latency: 100, queue: 150 })
    model.configure('a', { bandwidthOut: 10 * WIRE })
    send(0, THREE)
    t.strictSame(arrive(9_999), [], profile)
    t.match(model.stats, { messagesLost: 1, queueDrops: 1, lostBy: { queue: 1 } }, profile)
  }
})

t.test('jitter moves a message by no more than it is, to either side', async t => {
  const times = new Set<number>()
  for (let seed = 1; seed <= 30; seed++) {
    const { model, send, arrive } = modelOf({ latency: 100, jitter: 50, seed })
    model.configure('a', { bandwidthOut: 10 * WIRE })
    send(0, THREE)
    const [[, at]] = arrive(9_999) as [[string, number]]
    t.ok(at >= 350 && at <= 450, `${at}`)
    times.add(at)
  }
  t.ok(times.size > 20)
})

t.test('a message whose tunnel messages overtake each other is there with the last of them', async t => {
  for (let seed = 1; seed <= 30; seed++) {
    const at = (bandwidthIn: number): number => {
      const { model, send, arrive } = modelOf({ latency: 100, jitter: 100, reorder: true, seed })
      model.configure('b', { bandwidthIn })
      send(0, 9_000)
      return arrive(9_999)[0]![1] as number
    }
    const [free, behind] = [at(0), at(1e6 * WIRE)]
    t.ok(behind >= free && behind < free + 1, `${behind} and ${free}`)
  }
})

t.test('each tunnel message is lost once', async t => {
  const { model, send } = modelOf({ latency: 100, loss: 0.5 })
  model.configure('b', { bandwidthIn: 1e6 * WIRE })
  for (let i = 0; i < 40; i++) {
    const before = model.stats.tunnelMessagesLost
    send(i, THREE)
    t.ok(model.stats.tunnelMessagesLost <= before + 3)
  }
  t.ok(model.stats.tunnelMessagesLost > 30 && model.stats.tunnelMessagesLost < 90)
})

t.test('i2pd: a fragment that comes late costs its message, or delays it', async t => {
  const [times, reasons] = [[] as number[], new Set<string>()]
  for (let seed = 1; seed <= 60; seed++) {
    const { model, send, arrive } = modelOf({ profile: 'i2pd', latency: 450, loss: 0.2, seed })
    send(0, THREE)
    for (const [, at] of arrive(9_999)) times.push(at as number)
    for (const reason of Object.keys(model.stats.lostBy)) reasons.add(reason)
    t.equal(model.stats.inFlight, 0)
  }
  t.ok(times.length > 30 && times.length < 60, `${times.length} of 60`)
  t.ok(times.some(at => at === 453) && times.some(at => at > 850), 'all in time, and all but one')
  t.ok(times.every(at => at === 453 || (at > 850 && at < 960)))
  t.strictSame([...reasons], ['fragment-order'])
})

t.test('i2pd: what waits for the end of its burst counts as in flight', async t => {
  const { model, send } = modelOf({ profile: 'i2pd', latency: 450, maxInFlight: 2 })
  t.strictSame([send(0), send(0), send(0)], [true, true, false])
  t.strictSame(model.stats.lostBy, { overflow: 1 })
})
