import { NetworkModel, tunnelMessages } from '@minwww/local-router/network'
import type { Delivery, NetworkOptions, TraceEvent } from '@minwww/local-router/network'
import fc from 'fast-check'
import t from 'tap'

const MAX_STEPS = 1_000_000

/** Polls in virtual time until nothing is on its way; a model that never ends fails instead of hanging. */
function drain<T> (network: NetworkModel<T>, until = Infinity): Array<Delivery<T>> {
  const all: Array<Delivery<T>> = []
  for (let step = 0; step < MAX_STEPS; step++) {
    const time = network.nextTimeout()
    if (time === undefined || time > until) return all
    all.push(...network.poll(time))
  }
  throw new Error('livelock')
}

/** Sends messages one after the other and returns all that arrives. */
function sendMany (network: NetworkModel<number>, count: number, size: number, every: number): Array<Delivery<number>> {
  const all: Array<Delivery<number>> = []
  for (let i = 0; i < count; i++) {
    network.send(i * every, { from: 'a', to: 'b', size, data: i })
    for (const delivery of network.poll(i * every)) all.push(delivery)
  }
  return all.concat(drain(network))
}

t.test('a message takes ceil((size + 151) / 996) tunnel messages', async t => {
  t.equal(tunnelMessages(1), 1)
  t.equal(tunnelMessages(845), 1)
  t.equal(tunnelMessages(846), 2)
  t.equal(tunnelMessages(1841), 2)
  t.equal(tunnelMessages(1842), 3)
  t.equal(tunnelMessages(61_440 + 23), 62)
})

t.test('limits of size', async t => {
  const network = new NetworkModel<number>({})
  network.send(0, { from: 'a', to: 'b', size: 62_577, data: 1 })
  network.send(0, { from: 'a', to: 'b', size: 62_578, data: 2 })
  t.same(drain(network).map(d => d.data), [1])
  t.same(network.stats.lostBy, { 'too-large': 1 })
})

t.test('latency, and arrival exactly then', async t => {
  const network = new NetworkModel<string>({ latency: 250 })
  network.send(1_000, { from: 'a', to: 'b', size: 5_000, data: 'x' })
  t.equal(network.nextTimeout(), 1_250)
  t.same(network.poll(1_249.999), [])
  const [delivery] = network.poll(1_250)
  t.match(delivery, { from: 'a', to: 'b', at: 1_250, sentAt: 1_000, tunnelMessages: 6, data: 'x' })
  t.equal(network.nextTimeout(), undefined)
})

t.test('a bottleneck passes exactly its bandwidth', async t => {
  const interval = 1028 * 1000 / 64_000
  const network = new NetworkModel<number>({ latency: 100, bandwidth: 64_000, queue: 60_000 })
  for (let i = 0; i < 100; i++) network.send(0, { from: 'a', to: 'b', size: 1_841, data: i })
  const deliveries = drain(network)
  t.equal(deliveries.length, 100)
  deliveries.forEach((d, i) => { if (Math.abs(d.at - (100 + 2 * (i + 1) * interval)) > 1e-6) t.fail(`${i} at ${d.at}`) })

  t.test('shared by all that one Destination sends', async t => {
    const network = new NetworkModel<number>({ bandwidth: 64_000, queue: 60_000 })
    for (let i = 0; i < 50; i++) network.send(0, { from: 'a', to: i % 2 ? 'b' : 'c', size: 800, data: i })
    t.ok(Math.abs((drain(network).at(-1)?.at ?? 0) - 50 * interval) < 1e-6)
  })

  t.test('shared by all that one Destination receives, whoever sends, in order of arrival', async t => {
    const network = new NetworkModel<number>({ latency: 10, bandwidth: 64_000, queue: 60_000 })
    for (let i = 0; i < 10; i++) network.send(0, { from: `s${i}`, to: 'b', size: 9_000, data: i })
    const deliveries = drain(network)
    t.equal(deliveries.length, 10)
    t.ok(Math.abs((deliveries.at(-1)?.at ?? 0) - (10 + 100 * interval)) < 1e-6, 'the last is there after all bytes')
    t.ok((deliveries[0]?.at ?? 0) > 10 + 90 * interval, 'the senders share the link tunnel message by tunnel message')
  })

  t.test('one Destination may have another bandwidth and latency', async t => {
    const network = new NetworkModel<number>({ latency: 10 })
    network.configure('b', { bandwidthIn: 1_028, extraLatency: 90 })
    network.send(0, { from: 'a', to: 'b', size: 1_800, data: 0 })
    t.equal(drain(network)[0]?.at, 100 + 2_000)
  })
})

t.test('a full queue drops what comes last', async t => {
  const network = new NetworkModel<number>({ bandwidth: 10_280, queue: 1_000 })
  for (let i = 0; i < 20; i++) network.send(0, { from: 'a', to: 'b', size: 800, data: i })
  t.same(drain(network).map(d => d.data), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 'one in transmission and 1 s waiting')
  t.equal(network.stats.queueDrops, 9)
  t.same(network.stats.lostBy, { queue: 9 })
  network.send(500, { from: 'a', to: 'b', size: 15_000, data: 99 })
  t.same(drain(network), [], 'a message longer than the queue never arrives')
})

t.test('the receiver\'s queue is bounded too', async t => {
  const network = new NetworkModel<number>({ queue: 1_000 })
  network.configure('b', { bandwidthIn: 10_280 })
  for (let i = 0; i < 20; i++) network.send(0, { from: 'a', to: 'b', size: 800, data: i })
  t.equal(drain(network).length, 10 + 1)
  t.equal(network.stats.messagesLost, 9)
})

t.test('random loss per tunnel message', async t => {
  for (const loss of [0.001, 0.01, 0.1, 0.5]) {
    const network = new NetworkModel<number>({ loss, seed: 7 })
    sendMany(network, 100_000, 800, 1)
    const rate = network.stats.tunnelMessagesLost / network.stats.tunnelMessagesSent
    t.ok(Math.abs(rate - loss) < 5 * Math.sqrt(loss * (1 - loss) / 100_000), `${loss}: ${rate}`)
  }
  const network = new NetworkModel<number>({ loss: 0.02 })
  const arrived = sendMany(network, 20_000, 9_800, 1).length / 20_000
  t.ok(Math.abs(arrived - 0.98 ** 10) < 0.015, `a message of ten arrives with 0.98^10: ${arrived}`)
  const none = new NetworkModel<number>({ loss: 1 })
  t.same(sendMany(none, 100, 800, 1), [])
})

t.test('bursts have the mean length asked for and keep the rate', async t => {
  for (const [loss, burst] of [[0.01, 5], [0.05, 10], [0.1, 1], [0.3, 2]] as const) {
    const network = new NetworkModel<number>({ loss, burst, seed: 3 })
    const lost: boolean[] = new Array(150_000).fill(true)
    for (const d of sendMany(network, lost.length, 800, 1)) lost[d.data] = false
    const total = lost.filter(Boolean).length
    const bursts = lost.filter((x, i) => x && !lost[i - 1]).length
    const expected = burst === 1 ? 1 / (1 - loss) : burst
    // Five standard deviations of the rate and of the length.
    const rateError = 5 * loss * Math.sqrt((2 * expected - 1) / (lost.length * loss))
    const lengthError = 5 * expected / Math.sqrt(bursts)
    t.ok(Math.abs(total / lost.length - loss) < rateError, `rate ${total / lost.length} of ${loss}`)
    t.ok(Math.abs(total / bursts - expected) < lengthError, `length ${total / bursts} of ${expected}`)
  }
})

t.test('order', async t => {
  const late = (o: Partial<NetworkOptions>): number => {
    const network = new NetworkModel<number>({ latency: 100, jitter: 80, ...o })
    const order = sendMany(network, 5_000, 1_800, 1).map(d => d.data)
    t.equal(order.length, 5_000)
    return order.filter((x, i) => i > 0 && x < (order[i - 1] as number)).length
  }
  t.equal(late({}), 0, 'in order by default, whatever the jitter')
  t.equal(late({ bandwidth: 10_000_000 }), 0)
  t.ok(late({ reorder: true }) > 500)
  t.ok(late({ reorder: true, bandwidth: 10_000_000 }) > 500)
})

t.test('jitter stays within its bounds and is used', async t => {
  const network = new NetworkModel<number>({ latency: 100, jitter: 40, reorder: true })
  const delays = sendMany(network, 20_000, 800, 10).map(d => d.at - d.sentAt)
  t.ok(Math.min(...delays) >= 60 && Math.max(...delays) <= 140)
  t.ok(Math.min(...delays) < 70 && Math.max(...delays) > 130)
})

t.test('Destinations that go away', async t => {
  const network = new NetworkModel<number>({ latency: 100 })
  network.send(0, { from: 'a', to: 'b', size: 10, data: 1 })
  network.setAlive('b', false)
  network.send(1, { from: 'b', to: 'a', size: 10, data: 2 })
  t.same(drain(network), [], 'neither what is on its way to it, nor what it sends')
  network.setAlive('b', true)
  network.send(200, { from: 'a', to: 'b', size: 10, data: 3 })
  network.removeDestination('b')
  network.send(210, { from: 'a', to: 'b', size: 10, data: 4 })
  t.same(drain(network).map(d => d.data), [4], 'a removed one is another one when it comes back')
  t.same(network.stats.lostBy, { unreachable: 3 })
})

t.test('tunnels are renewed when they expire', async t => {
  const network = new NetworkModel<number>({ tunnels: 3, tunnelLifetime: 600_000 })
  const first = network.inboundTunnels(0, 'b')
  t.equal(first.length, 3)
  t.ok(first.every(x => x.expires === 600_000 && x.id > 0 && x.id < 2 ** 32))
  t.same(network.inboundTunnels(599_999, 'b'), first)
  t.notSame(network.inboundTunnels(600_000, 'b'), first)
  t.notSame(network.renewTunnels(600_001, 'b'), network.renewTunnels(600_002, 'b'))
})

t.test('dead paths carry nothing until the tunnels change', async t => {
  const network = new NetworkModel<number>({ deadPaths: 0.5, tunnelLifetime: 1_000, seed: 5 })
  const seconds = new Map<number, number>()
  for (const d of sendMany(network, 100_000, 800, 10)) {
    seconds.set(Math.floor(d.sentAt / 1_000), (seconds.get(Math.floor(d.sentAt / 1_000)) ?? 0) + 1)
  }
  t.ok([...seconds.values()].every(x => x === 100), 'a path is dead wholly or not at all')
  t.ok(seconds.size > 400 && seconds.size < 600)
})

t.test('duplicates', async t => {
  const network = new NetworkModel<number>({ duplicate: 0.25 })
  t.equal(sendMany(network, 10_000, 800, 1).length, 10_000 + network.stats.duplicates)
  t.ok(Math.abs(network.stats.duplicates - 2_500) < 250)
  t.equal(network.stats.messagesDelivered, 10_000)
})

t.test('the model is bounded', async t => {
  const network = new NetworkModel<number>({ latency: 10, maxInFlight: 100, maxDestinations: 10 })
  for (let i = 0; i < 200; i++) network.send(0, { from: 'a', to: 'b', size: 10, data: i })
  t.equal(network.stats.lostBy.overflow, 100)
  for (let i = 0; i < 1_000; i++) network.send(20, { from: `x${i}`, to: `y${i}`, size: 10, data: i })
  t.equal(drain(network).length, 100, 'forgotten Destinations receive nothing, nobody waits for them')
  const heavy = new NetworkModel<number>({ latency: 10, maxBytesInFlight: 80_000 })
  const accepted = Array.from({ length: 4 }, () => heavy.send(0, { from: 'a', to: 'b', size: 4_000, data: 0 }))
  t.same(accepted, [true, true, false, false], 'one Destination may have an eighth')
  t.equal(heavy.send(0, { from: 'c', to: 'b', size: 4_000, data: 0 }), true)
  drain(heavy)
  t.match(heavy.stats, { bytesInFlight: 0, inFlight: 0 })
})

t.test('options out of their range are refused', async t => {
  const bad: Array<Partial<NetworkOptions>> = [
    { loss: 1.1 }, { loss: NaN }, { latency: -1 }, { tunnels: 0 }, { burst: 0.5 }, { bandwidth: Infinity },
    { profile: 'x' as 'plain' }, { seed: 'x' as unknown as number }
  ]
  for (const o of bad) t.throws(() => new NetworkModel(o), { code: 'ROUTER_INVALID_OPTION' }, JSON.stringify(o))
})

const arbitrary = fc.record({
  seed: fc.integer(),
  profile: fc.constantFrom('plain' as const, 'i2pd' as const, 'i2pd-2.59' as const, 'java' as const, 'mixed' as const),
  latency: fc.integer({ min: 0, max: 500 }),
  jitter: fc.integer({ min: 0, max: 600 }),
  reorder: fc.boolean(),
  loss: fc.constantFrom(0, 0.01, 0.2, 1),
  burst: fc.constantFrom(1, 4),
  bandwidth: fc.constantFrom(0, 16_000, 1_000_000),
  queue: fc.constantFrom(0, 100, 10_000),
  duplicate: fc.constantFrom(0, 0.1),
  deadPaths: fc.constantFrom(0, 0.1),
  tunnelLifetime: fc.constantFrom(50, 600_000)
})
const traffic = fc.array(fc.tuple(
  fc.constantFrom('a', 'b', 'c'), fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 65_000 }), fc.integer({ min: 0, max: 300 })
), { maxLength: 60 })

function play (
  options: Partial<NetworkOptions>, messages: Array<[string, string, number, number]>
): { trace: TraceEvent[], network: NetworkModel<number> } {
  const network = new NetworkModel<number>(options)
  const trace: TraceEvent[] = []
  network.onTrace = event => { trace.push(event) }
  let now = 0
  messages.forEach(([from, to, size, pause], i) => {
    now += pause
    drain(network, now)
    network.send(now, { from, to, size, data: i })
    const { messagesSent, messagesDelivered, messagesLost, inFlight } = network.stats
    if (messagesSent !== messagesDelivered + messagesLost + inFlight) throw new Error('messages vanished')
  })
  drain(network)
  return { trace, network }
}

t.test('whatever happens: conservation, causality and the same again with the same seed', async t => {
  fc.assert(fc.property(arbitrary, traffic, (options, messages) => {
    const { trace, network } = play(options, messages)
    const { stats } = network
    const ends = trace.filter(x => x.type === 'delivered' || x.type === 'lost')
    const sent = new Map(trace.filter(x => x.type === 'sent').map(x => [x.id, x.at]))
    if (stats.inFlight !== 0 || ends.length !== messages.length) throw new Error('a message has no end')
    if (new Set(ends.map(x => x.id)).size !== ends.length) throw new Error('a message has two ends')
    if (ends.some(x => x.at < (sent.get(x.id) ?? Infinity))) throw new Error('arrived before it was sent')
    if (stats.tunnelMessagesLost + stats.queueDrops > stats.tunnelMessagesSent) throw new Error('lost more than sent')
    return JSON.stringify(play(options, messages).trace) === JSON.stringify(trace)
  }), { numRuns: 400 })
  t.pass()
})

t.test('traffic of others changes nothing on a path without shared bottleneck', async t => {
  const fates = (others: boolean): number[] => {
    const network = new NetworkModel<number>({ loss: 0.2, latency: 50, jitter: 10 })
    network.send(0, { from: 'a', to: 'b', size: 10, data: -1 })
    for (let i = 0; i < 500; i++) {
      if (others) network.send(i, { from: 'b', to: 'a', size: 10, data: -1 })
      network.send(i, { from: 'a', to: 'b', size: 10, data: i })
    }
    return drain(network).filter(d => d.to === 'b').map(d => d.at)
  }
  t.same(fates(true), fates(false))
})
