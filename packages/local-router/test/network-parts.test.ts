/** The parts of the network model one by one; network.test.ts and profiles.test.ts have them together. */
import t from 'tap'
import { Bottleneck } from '../src/network/bottleneck.ts'
import { DestinationState } from '../src/network/destination.ts'
import { EventQueue } from '../src/network/event-queue.ts'
import type { Timed } from '../src/network/event-queue.ts'
import type { Flight } from '../src/network/flight.ts'
import { I2pdEndpoint, MAX_INCOMPLETE } from '../src/network/i2pd/endpoint.ts'
import { I2pdLink, MAX_QUEUE } from '../src/network/i2pd/link.ts'
import { paddedTunnelMessages } from '../src/network/i2pd/padding.ts'
import { Ratchets } from '../src/network/i2pd/ratchets.ts'
import { Tails } from '../src/network/i2pd/tails.ts'
import { CoDel } from '../src/network/java/codel.ts'
import { JavaGateway, MAX_QUEUE as GATEWAY_QUEUE } from '../src/network/java/gateway.ts'
import { JavaLink } from '../src/network/java/link.ts'
import { LossProcess } from '../src/network/loss.ts'
import { networkOptions, NETWORK_DEFAULTS } from '../src/network/options.ts'
import { Path } from '../src/network/path.ts'
import { pathRules } from '../src/network/profiles.ts'
import { Random } from '../src/network/random.ts'
import { Run, RunQueue } from '../src/network/runs.ts'
import { tunnelMessages } from '../src/network/sizes.ts'

const WIRE = 1_028
const flight = (id: number, o: Partial<Flight<number>> = {}): Flight<number> =>
  ({ id, tunnelMessages: 1, size: 800, lost: undefined, ...o }) as unknown as Flight<number>
/** A generator that says these numbers, and then the last one for ever. */
const says = (...numbers: number[]): Random => {
  const next = (): number => numbers.length > 1 ? numbers.shift()! : numbers[0]!
  return Object.assign(Object.create(Random.prototype) as Random, { next })
}

t.test('events leave by time, those of one time in their order', async t => {
  const queue = new EventQueue<Timed & { name: string }>()
  t.strictSame([queue.size, queue.nextTime], [0, Infinity])
  const times = [5, 3, 9, 3, 1, 7, 5, 3, 8, 2]
  for (const [i, time] of times.entries()) queue.push(time, { name: `${time}.${i}`, time: 0, order: 0 })
  t.strictSame([queue.size, queue.nextTime], [10, 1])
  const names: string[] = []
  while (queue.size > 0) names.push(queue.pop().name)
  t.strictSame(names, ['1.4', '2.9', '3.1', '3.3', '3.7', '5.0', '5.6', '7.5', '8.8', '9.2'])
  queue.push(1, { name: 'a', time: 0, order: 0 }, 9)
  queue.push(1, { name: 'b', time: 0, order: 0 }, 2)
  t.strictSame([queue.pop().name, queue.pop().name], ['b', 'a'])
})

t.test('a link of limited rate is busy for as long as what is on it takes', async t => {
  const link = new Bottleneck(WIRE * 10, 1_000)
  t.equal(link.interval, 100)
  t.strictSame([link.room(0, 5), link.room(0, 50)], [5, 11])
  t.equal(link.occupy(0, 5), 0)
  t.equal(link.free, 500)
  t.strictSame([link.room(0, 50), link.room(0, 3), link.occupy(0, 6), link.free], [6, 3, 500, 1_100])
  t.strictSame([link.room(0, 1), link.room(100, 1)], [0, 1])
  const free = new Bottleneck(0, 1_000)
  t.strictSame([free.room(0, 99), free.occupy(5, 99), free.occupy(6, 1), free.forward(7, 3)], [99, 5, 6, 7])
})

t.test('what passes two links of one rate takes that time once', async t => {
  const link = new Bottleneck(WIRE * 10, 1_000)
  t.equal(link.forward(1_000, 100), 1_000, 'it came as fast as it leaves')
  t.equal(link.forward(1_000, 0), 1_100, 'at once with it')
  t.equal(link.forward(5_000, 50, 4), 5_200, 'four of them came in half the time')
  t.equal(link.forward(4_201, 0), 5_300)
  t.equal(link.forward(4_299, 0), Infinity, 'the queue is full')
})

t.test('random streams: the same for the same seeds, others for others, and within their bounds', async t => {
  const first = (...seeds: number[]): string => {
    const random = new Random(...seeds)
    return [random.next(), random.next()].join()
  }
  t.equal(first(1, 2), first(1, 2))
  t.equal(new Set([first(1, 2), first(2, 1), first(1, 3), first(1), first(1 + 2 ** 40, 2)]).size, 5)
  const random = new Random(7)
  let [sum, symmetric] = [0, 0]
  for (let i = 0; i < 2_000; i++) {
    const value = random.next()
    const sided = random.symmetric()
    const whole = random.below(3)
    if (!(value > 0 && value < 1 && sided > -1 && sided < 1 && [0, 1, 2].includes(whole))) t.fail(`${value} ${sided} ${whole}`)
    sum += value
    symmetric += sided
  }
  t.ok(Math.abs(sum / 2_000 - 0.5) < 0.03 && Math.abs(symmetric / 2_000) < 0.06)
  t.strictSame([random.geometric(0), random.geometric(-1), random.geometric(1), random.geometric(2)], [Infinity, Infinity, 0, 0])
  let failures = 0
  for (let i = 0; i < 4_000; i++) failures += random.geometric(0.25)
  t.ok(Math.abs(failures / 4_000 - 3) < 0.3, `${failures / 4_000}`)
  t.equal(says(0.25).geometric(0.5), 2)
})

t.test('losses come at their rate and in bursts of their length, from the first message on', async t => {
  for (const [loss, burst] of [[0.2, 1], [0.2, 4], [0.5, 3]] as const) {
    const process = new LossProcess(new Random(3), loss, burst)
    let [lost, bursts, before] = [0, 0, false]
    for (let i = 0; i < 20_000; i++) {
      const isLost = process.lost()
      if (isLost) lost++
      if (isLost && !before) bursts++
      before = isLost
    }
    t.ok(Math.abs(lost / 20_000 - loss) < 0.03, `${lost}`)
    const mean = lost / bursts
    t.ok(Math.abs(mean / (burst === 1 ? 1 / (1 - loss) : burst) - 1) < 0.1, `${mean} in a row`)
  }
  const starts = Array.from({ length: 500 }, (_, seed) => new LossProcess(new Random(seed), 0.3, 5).lost())
  t.ok(Math.abs(starts.filter(Boolean).length / 500 - 0.3) < 0.07)
  const [one, all] = [new LossProcess(new Random(9), 0.2, 3), new LossProcess(new Random(9), 0.2, 3)]
  for (let i = 0; i < 200; i++) t.equal(all.take(i % 7), Array.from({ length: i % 7 }, () => one.lost()).filter(Boolean).length)
  t.equal(new LossProcess(new Random(1), 0, 1).take(9_999), 0)
  t.equal(new LossProcess(new Random(1), 1, 5).take(50), 50)
})

t.test('runs of tunnel messages are handled until another one comes in between', async t => {
  const handled: string[] = []
  const queue = new RunQueue<number>(100)
  const push = (id: number, ...times: number[]): void =>
    queue.push(new Run(flight(id), undefined, Float64Array.from(times), times.length, 0))
  const step = (now: number): void => {
    queue.step(now, ({ flight }, time) => handled.push(`${flight.id}:${time}`), ({ flight }) => handled.push(`${flight.id} ends`))
  }
  t.equal(queue.nextTime, Infinity)
  push(1, 10, 20, 400)
  push(2, 15, 16)
  t.strictSame([queue.size, queue.nextTime], [2, 10])
  step(10)
  t.strictSame(handled.splice(0), ['1:10'])
  step(15)
  t.strictSame(handled.splice(0), ['2:15', '2:16', '2 ends'])
  step(20)
  t.strictSame(handled.splice(0), ['1:20'], 'something sent now could come before the next')
  step(300)
  t.strictSame(handled, ['1:400', '1 ends'])
  t.equal(queue.size, 0)
})

t.test('tunnel messages of a container', async t => {
  t.strictSame([845, 846, 1_841, 1_842].map(tunnelMessages), [1, 2, 2, 3])
  const least = [871, 872, 1_861, 1_862, 2_855, 2_856].map(size => paddedTunnelMessages(size, says(0)))
  t.strictSame(least, [1, 2, 2, 3, 3, 4], 'with the least padding')
  const most = [856, 857, 1_861, 2_840, 2_841].map(size => paddedTunnelMessages(size, says(0.999)))
  t.strictSame(most, [1, 2, 2, 3, 4], 'with the most')
})

t.test('i2pd takes fragments in their order, and throws away the current message for one that is not the next', async t => {
  const accept = (...fragments: Array<[message: Flight<number>, fragment: number]>): boolean[] => {
    const endpoint = new I2pdEndpoint<number>()
    return fragments.map(([message, fragment]) => endpoint.accept(message, fragment))
  }
  const [a, b, short] = [flight(1, { tunnelMessages: 3 }), flight(2, { tunnelMessages: 2 }), flight(3)]
  t.strictSame(accept([a, 0], [a, 1], [a, 2]), [false, false, true])
  t.strictSame(accept([short, 0]), [true])
  t.strictSame(accept([a, 0], [a, 2], [a, 1]), [false, false, false], 'its own fragment came too early')
  t.strictSame(accept([a, 0], [b, 1], [a, 1], [a, 2]), [false, false, false, false], 'another one\'s came in between')
  t.strictSame(accept([a, 0], [b, 0], [b, 1], [a, 1], [a, 2]), [false, false, true, false, true], 'whole messages in between do not matter')
  t.strictSame(accept([a, 0], [short, 0], [a, 1], [a, 2]), [false, true, false, true])
  t.strictSame(accept([b, 1], [b, 0]), [false, true], 'what was put aside is taken up')
  t.strictSame(accept([a, 2], [a, 0], [a, 1]), [false, false, true])
  t.strictSame(accept([a, 1], [a, 2], [a, 0]), [false, false, true])
  const endpoint = new I2pdEndpoint<number>()
  endpoint.accept(a, 0)
  endpoint.forget(a)
  t.strictSame([endpoint.accept(a, 1), endpoint.accept(a, 2)], [false, false])
  endpoint.accept(b, 1)
  endpoint.forget(b)
  t.notOk(endpoint.accept(b, 0))
})

t.test('of messages of which fragments wait there are so many', async t => {
  const endpoint = new I2pdEndpoint<number>()
  const all = Array.from({ length: MAX_INCOMPLETE + 2 }, (_, id) => flight(id, { tunnelMessages: 2 }))
  for (const one of all) endpoint.accept(one, 0)
  t.notOk(endpoint.accept(all[0]!, 1), 'the oldest was forgotten')
  t.ok(endpoint.accept(all[1]!, 1))
})

t.test('a link of i2pd: its pace, when it is busy, and when it is dropped', async t => {
  const link = new I2pdLink<number>(450)
  t.equal(link.interval, 1)
  t.equal(new I2pdLink(1).interval, 0.05)
  t.notOk(link.busy(0))
  t.strictSame([link.depart(10), link.depart(10), link.depart(50)], [11, 12, 51])
  t.strictSame([link.busy(51 + 134), link.busy(51 + 135)], [true, false])
  t.notOk(link.overflows(1_000, 5, 0))
  const [first, second] = [flight(1), flight(2)]
  link.depart(2_000)
  link.hold(first)
  link.depart(2_000)
  link.hold(second)
  t.notOk(link.overflows(2_001, 1, 0))
  t.strictSame(link.drop(2_001), [second], 'the first one had left')
  t.strictSame([link.down(6_000), link.down(6_001), link.drop(6_000)], [true, false, []])
})

t.test('five hundred waiting messages, or tunnel messages, end the session with a neighbour of i2pd', async t => {
  const many = new I2pdLink<number>(450)
  for (let i = 0; i < MAX_QUEUE; i++) {
    t.notOk(many.overflows(0, 1, 0))
    many.depart(0)
    many.hold(flight(i))
  }
  t.ok(many.overflows(0, 1, 0))
  t.notOk(many.overflows(100, 1, 0), 'a hundred have left')
  const wide = new I2pdLink<number>(450)
  for (let i = 0; i < 450; i++) wide.depart(0)
  t.notOk(wide.overflows(0, 50, 0), 'as fast as the router makes them')
  t.ok(wide.overflows(0, 80, 0))
  const slow = new I2pdLink<number>(450)
  for (let i = 0; i < 450; i++) slow.depart(0)
  t.notOk(slow.overflows(0, 80, 10), 'they come slowly')
})

const BEGINS = { begins: true }
const GOES_ON = { begins: false }

t.test('a Destination of i2pd takes one new session in 200 ms', async t => {
  const ratchets = new Ratchets(9, says(0.5))
  t.strictSame([0, 199, 200, 300].map(now => ratchets.takes(now, `${now}`, BEGINS)), ['taken', 'too-often', 'taken', 'too-often'])
})

t.test('each message begins a new session until the peer has answered, and after it was silent for long', async t => {
  const ratchets = new Ratchets(2, says(0.5))
  const sends = (...times: number[]): boolean[] => times.map(now => ratchets.sends(now, 'a').begins)
  t.strictSame(sends(0, 1), [true, true])
  ratchets.hears(2, 'a')
  t.strictSame(sends(3, 90_002, 120_001), [false, false, false])
  t.ok(ratchets.sends(120_002, 'a').begins, 'as old as it must be, and silent for 90 s')
  ratchets.hears(120_003, 'a')
  ratchets.hears(200_000, 'a')
  t.strictSame(sends(240_003, 289_999, 290_000), [false, false, true])
  ratchets.hears(300_000, 'b')
  ratchets.hears(300_001, 'c')
  t.strictSame(['a', 'b', 'c'].map(peer => ratchets.sends(300_002, peer).begins), [true, false, false], 'the one heard first is forgotten')
})

t.test('a session that was answered and not used is forgotten, and its peer goes on with it', async t => {
  const answered = (usedAt?: number): Ratchets => {
    const ratchets = new Ratchets(9, says(0.5))
    ratchets.takes(0, 'a', BEGINS)
    ratchets.hears(0, 'a')
    ratchets.sends(10, 'a')
    if (usedAt !== undefined) t.equal(ratchets.takes(usedAt, 'a', GOES_ON), 'taken')
    return ratchets
  }
  t.equal(answered().takes(44_000, 'a', GOES_ON), 'forgotten-session')
  t.ok(answered().sends(44_000, 'a').begins, 'here a new one begins')
  t.equal(answered(20).takes(44_001, 'a', GOES_ON), 'taken')
  const again = answered()
  again.takes(44_000, 'b', GOES_ON)
  t.equal(again.takes(44_001, 'a', BEGINS), 'taken')
  t.equal(again.takes(44_002, 'a', GOES_ON), 'taken')
})

t.test('messages are counted by session, and one that is too far ahead is not read', async t => {
  const [from, to] = [new Ratchets(9, says(0.5)), new Ratchets(9, says(0.5))]
  from.hears(0, 'to')
  t.strictSame(from.sends(1, 'to'), { begins: false, tag: { session: 1, index: 0 } })
  t.strictSame(from.sends(1, 'to'), { begins: false, tag: { session: 1, index: 1 } })
  const read = (session: number, index: number): string => to.takes(1, 'from', { begins: false, tag: { session, index } })
  t.equal(read(1, 24), 'unknown-tag')
  t.strictSame([23, 57, 24, 0].map(index => read(1, index)), ['taken', 'taken', 'taken', 'taken'])
  t.equal(read(1, 57 + 24 + 28), 'unknown-tag')
  from.hears(200_000, 'to')
  t.strictSame(from.sends(200_001, 'to').tag, { session: 2, index: 0 })
  t.equal(read(2, 24), 'unknown-tag')
  t.equal(read(1, 9_999), 'taken', 'the session before is known still')
  to.inboundTags = 100
  t.strictSame([99, 100, 199, 51, 50].map(index => read(3, index)), ['taken', 'taken', 'taken', 'taken', 'taken'])
  from.takes(400_000, 'to', BEGINS)
  t.strictSame(from.sends(400_001, 'to'), { begins: true })
})

t.test('the end of a burst waits, unless something follows it', async t => {
  const released: Array<[id: number, last: number]> = []
  const tails = new Tails<number, undefined>(50, ({ flight, times, count }) => released.push([flight.id, times[count - 1]!]))
  const run = (id: number): Run<number> => new Run(flight(id), undefined, Float64Array.of(10, 20), 2, 0)
  const [one, two] = [{}, {}]
  t.strictSame([tails.size, tails.nextTime], [0, Infinity])
  tails.hold(0, one, run(1))
  tails.hold(5, two, run(2))
  t.strictSame([tails.size, tails.nextTime], [2, 50])
  tails.follow(one)
  tails.follow(one)
  t.strictSame(released, [[1, 20]])
  tails.step()
  t.equal(released.length, 1, 'it has gone already')
  tails.step()
  t.strictSame(released[1], [2, 70])
  tails.follow(two)
  t.equal(released.length, 2)
})

t.test('CoDel drops ever more often while waits stay long', async t => {
  const codel = new CoDel()
  t.strictSame([codel.drops(0, 14), codel.drops(10, 15), codel.drops(109, 15), codel.drops(110, 15)], [false, false, false, true])
  t.strictSame([codel.drops(180, 20), codel.drops(181, 20), codel.drops(238, 20), codel.drops(239, 20)], [false, true, false, true])
  t.notOk(codel.drops(300, 5))
  t.strictSame([codel.drops(310, 20), codel.drops(400, 20), codel.drops(410, 20)], [false, false, true], 'a new standing queue')
})

t.test('a link of Java: its pace and its backlog', async t => {
  const link = new JavaLink(600)
  t.strictSame([link.interval, new JavaLink(1).interval], [1, 0.02])
  t.notOk(link.backlogged(0))
  t.strictSame([link.depart(10, 3), link.depart(0, 252)], [13, 265])
  t.strictSame([link.backlogged(9), link.backlogged(10)], [true, false])
})

/** A gateway, and what it does in its own time. */
function gateway (o: { batch?: number, hold?: number, overhead?: number, isBacklogged?: boolean } = {}) {
  const events: Array<{ time: number, run: (time: number) => void }> = []
  const log: string[] = []
  const subject = new JavaGateway<number>({ batch: 3, hold: 50, overhead: 100, ...o }, says(0.5), {
    schedule: (time, run) => events.push({ time, run }),
    backlogged: () => o.isBacklogged ?? false,
    emit: (time, { id }, count) => log.push(`${id} at ${time}: ${count}`),
    drop: (time, { id }, reason) => log.push(`${id} ${reason}`)
  })
  const runTo = (end: number): string[] => {
    for (;;) {
      events.sort((a, b) => a.time - b.time)
      if ((events[0]?.time ?? Infinity) > end) return log.splice(0)
      const { time, run } = events.shift()!
      run(time)
    }
  }
  return { subject, runTo }
}

t.test('a gateway of Java fills tunnel messages, and waits for more with one that is not full enough', async t => {
  const { subject, runTo } = gateway()
  subject.enqueue(0, flight(1, { size: 700 }))
  t.strictSame(runTo(0.1), [], 'its thread takes a moment')
  t.strictSame(runTo(50), [], '800 bytes wait')
  t.strictSame(runTo(51), ['1 at 50.15: 1'])
  subject.enqueue(100, flight(2, { size: 702 }))
  t.strictSame(runTo(101), ['2 at 100.15: 1'], '802 bytes are enough')
  subject.enqueue(200, flight(3, { size: 896 }))
  t.strictSame(runTo(201), ['3 at 200.15: 1'], 'exactly one')
  subject.enqueue(300, flight(4, { size: 300 }))
  subject.enqueue(300, flight(5, { size: 700 }))
  t.strictSame(runTo(301), ['4 at 300.15: 1'], 'the second one begins in the first one\'s tunnel message')
  t.strictSame(runTo(400), ['5 at 350.15: 1'])
  subject.enqueue(500, flight(6, { size: 300 }))
  runTo(501)
  subject.enqueue(520, flight(7, { size: 496 }))
  t.strictSame(runTo(521), ['6 at 520.15: 1', '7 at 520.15: 0'])
  subject.enqueue(530, flight(8, { size: 300 }))
  t.strictSame(runTo(570), [], 'an earlier wait is over, and not this one\'s')
  t.strictSame(runTo(600), ['8 at 580.15: 1'])
})

t.test('a gateway throws away the message after a batch, and what does not fit its queue', async t => {
  const { subject, runTo } = gateway({ hold: 0 })
  for (let id = 1; id <= 6; id++) subject.enqueue(0, flight(id, { size: 896 }))
  t.strictSame(runTo(9), ['1 at 0.15: 1', '2 at 0.15: 1', '3 at 0.15: 1', '4 gateway', '5 at 0.3: 1', '6 at 0.3: 1'])
  const busy = gateway({ isBacklogged: true })
  for (let id = 1; id <= 3; id++) busy.subject.enqueue(0, flight(id, { size: 896 }))
  t.strictSame(busy.runTo(50), ['1 at 0.15: 1', '2 at 0.15: 1'])
  t.strictSame(busy.runTo(51), ['3 at 50.15: 1'])
  for (let id = 0; id <= GATEWAY_QUEUE; id++) busy.subject.enqueue(100, flight(id))
  t.strictSame(busy.runTo(100), [`${GATEWAY_QUEUE} backlog`])
})

t.test('options of a network: defaults of its profile, and bounds', async t => {
  t.strictSame(networkOptions({}), { ...NETWORK_DEFAULTS })
  const profiles = ['plain', 'i2pd', 'i2pd-2.59', 'java', 'mixed'] as const
  t.strictSame(profiles.map(profile => networkOptions({ profile }).deadPaths), [0, 0.02, 0.02, 0, 0.01])
  t.match(networkOptions({ profile: 'i2pd', deadPaths: 0, latency: 5 }), { profile: 'i2pd', deadPaths: 0, latency: 5 })
  const bounds = {
    seed: [-(2 ** 53), 2 ** 53],
    latency: [0, 600_000],
    jitter: [0, 600_000],
    loss: [0, 1],
    burst: [1, 1e6],
    bandwidth: [0, 1e12],
    queue: [0, 3_600_000],
    tunnels: [1, 16],
    tunnelLifetime: [1, 86_400_000],
    duplicate: [0, 1],
    deadPaths: [0, 1],
    inboundTags: [0, 65_535],
    maxInFlight: [1, 1e8],
    maxBytesInFlight: [1, 2 ** 40],
    maxDestinations: [1, 1e7]
  } as const
  for (const [key, [low, high]] of Object.entries(bounds)) {
    for (const value of [low, high]) t.doesNotThrow(() => networkOptions({ [key]: value }), `${key} ${value}`)
    for (const value of [low * 1.01 - 0.01 - 4, high * 1.01 + 0.01, NaN, 'x']) {
      const message = `network option ${key} must be ${low} to ${high}`
      t.throws(() => networkOptions({ [key]: value }), { code: 'ROUTER_INVALID_OPTION', message })
    }
  }
  t.throws(() => networkOptions({ profile: 'x' as 'plain' }), {
    code: 'ROUTER_INVALID_OPTION', message: 'network option profile must be one of plain, i2pd, i2pd-2.59, java, mixed'
  })
})

const rules = { messages: 3, life: 1_000 }
const end = (extraLatency = 0, expires = 10_000) => ({
  extraLatency, inboundTunnels: () => [{ id: 1, expires }, { id: 2, expires }], outboundTunnels: () => [{ id: 3, expires }]
})

t.test('a path is chosen anew after so many messages, so much time, or with its tunnels', async t => {
  const path = new Path(end(), end(), new Random(1), networkOptions({}), rules)
  const generations = (...times: number[]): number[] => times.map(now => {
    path.use(now)
    return path.generation
  })
  t.strictSame(generations(0, 1, 2, 3), [1, 1, 1, 2])
  t.strictSame(generations(1_002, 1_003), [2, 3])
  path.renew(1_004)
  t.equal(path.generation, 3)
  const expiring = new Path(end(0, 500), end(), new Random(1), networkOptions({}), rules)
  expiring.use(0)
  expiring.renew(499)
  t.equal(expiring.generation, 1)
  expiring.renew(500)
  t.equal(expiring.generation, 2)
  t.strictSame([new Path(end(), end(), says(0.3), networkOptions({ deadPaths: 0.31 }), rules)].map(dead => {
    dead.use(0)
    return [dead.dead, dead.kind, dead.outboundTunnel]
  }), [[true, 0.3, 0]])
  const alive = new Path(end(), end(), says(0.9), networkOptions({ deadPaths: 0.9 }), rules)
  alive.use(0)
  t.strictSame([alive.dead, alive.inboundTunnel], [false, 1])
})

t.test('the way of a tunnel message: latency of the network and of both ends, drift and wobble', async t => {
  const smooth = new Path(end(20), end(3), new Random(1), networkOptions({ latency: 100 }), rules)
  t.ok(smooth.smooth)
  t.equal(smooth.transit(1_000), 1_123)
  t.equal(smooth.transit(900), 1_123, 'none overtakes another')
  const free = new Path(end(), end(), new Random(1), networkOptions({ latency: 100, reorder: true }), rules)
  t.strictSame([free.transit(1_000), free.transit(900)], [1_100, 1_000])
  const late = new Path(end(), end(), says(0.5, 1, 1), networkOptions({ latency: 100, jitter: 50, reorder: true }), rules)
  t.notOk(late.smooth)
  t.ok(Math.abs(late.transit(0) - 150) < 1e-9, 'four fifths drift, one fifth wobbles')
  const moving = new Path(end(), end(), new Random(4), networkOptions({ latency: 100, jitter: 50, reorder: true }), rules)
  const drifts = [0, 199, 200].map(at => Math.round((moving.transit(at) - at - 100) / 21))
  t.ok(drifts.every(drift => Math.abs(drift) <= 3))
  const early = new Path(end(), end(), says(0.5, 1e-9), networkOptions({ latency: 10, jitter: 500 }), rules)
  t.equal(early.transit(5), 5, 'never before it was sent')
})

t.test('when each kind of router changes its paths', async t => {
  const i2pd = { messages: 100, life: 30_000 }
  const never = { messages: Infinity, life: Infinity }
  t.strictSame((['i2pd', 'i2pd-2.59', 'mixed', 'java', 'plain'] as const).map(pathRules), [i2pd, i2pd, i2pd, never, never])
})

t.test('a Destination has tunnels for their life, and a path to each other one', async t => {
  const options = networkOptions({ tunnels: 3, tunnelLifetime: 100, maxDestinations: 2, bandwidth: WIRE })
  const state = (key: string, ordinal: number): DestinationState => new DestinationState(key, ordinal, options, rules)
  const a = state('a', 1)
  const tunnels = a.inboundTunnels(0)
  t.strictSame([tunnels.length, tunnels[0]!.expires, a.inboundTunnels(99) === tunnels], [3, 100, true])
  t.ok(tunnels.every(({ id }) => id >= 1 && id <= 0xffff_ffff))
  t.not(a.inboundTunnels(100), tunnels)
  t.not(a.renewInbound(101)[0]!.id, a.outboundTunnels(101)[0]!.id)
  t.equal(a.outboundTunnels(102), a.outboundTunnels(102))
  a.configure({ extraLatency: 5, bandwidthOut: 2 * WIRE })
  t.strictSame([a.extraLatency, a.outbound.interval, a.inbound.interval], [5, 500, 1_000])
  a.configure({ bandwidthIn: 0 })
  t.strictSame([a.extraLatency, a.outbound.interval, a.inbound.interval], [5, 500, 0])
  const [b, c, d] = [state('b', 2), state('c', 3), state('d', 4)]
  const path = a.path(b)
  t.equal(a.path(b), path)
  t.not(a.path(state('b', 5)), path, 'another one of that name')
  const again = a.path(b)
  a.path(c)
  a.path(d)
  t.not(a.path(b), again, 'the oldest is forgotten')
})

t.test('a session that was answered is looked at now and then, and forgotten 15 s after it was answered', async t => {
  const begun = (ratchets: Ratchets, now: number): void => {
    ratchets.takes(now, 'a', BEGINS)
    ratchets.hears(now, 'a')
    ratchets.sends(now, 'a')
  }
  const ratchets = new Ratchets(9, says(0.5))
  ratchets.takes(0, 'x', BEGINS)
  begun(ratchets, 29_000)
  t.notOk(ratchets.sends(44_000, 'a').begins, '15 s are not enough')
  t.strictSame([ratchets.sends(102_999, 'a').begins, ratchets.sends(103_000, 'a').begins], [false, true],
    'the next look is 44 to 74 s later')
  t.equal(ratchets.takes(103_001, 'a', GOES_ON), 'forgotten-session')
  const idle = new Ratchets(9, says(0.5))
  for (const now of [0, 44_000]) idle.takes(now, 'q', GOES_ON)
  begun(idle, 45_000)
  t.strictSame([idle.sends(65_999, 'a').begins, idle.sends(66_000, 'a').begins], [false, true],
    'with nothing to look at the next look is drawn')
  const twice = new Ratchets(9, says(0.5))
  begun(twice, 0)
  twice.takes(300, 'a', BEGINS)
  t.ok(twice.sends(44_000, 'a').begins, 'of several beginnings the first counts')
})

t.test('so many sessions are remembered', async t => {
  const ratchets = new Ratchets(2, says(0.5))
  for (const [now, peer] of ['a', 'b', 'c'].entries()) ratchets.hears(now, peer)
  t.strictSame(['a', 'b', 'c'].map(peer => ratchets.sends(3, peer).begins), [true, false, false])
  const renewed = new Ratchets(2, says(0.5))
  renewed.hears(0, 'b')
  renewed.hears(0, 'a')
  renewed.hears(100_000, 'b')
  renewed.hears(130_000, 'a')
  t.notOk(renewed.sends(130_001, 'b').begins, 'one that is begun anew takes nobody\'s place')
})

t.test('the drift of a path is drawn anew each two latencies, and with each choice', async t => {
  const options = networkOptions({ latency: 100, jitter: 50, reorder: true })
  const path = new Path(end(), end(), says(0.5, 0.75, 0.5, 0.5, 0.25, 0.5), options, rules)
  t.notOk(path.dead)
  t.strictSame([0, 199, 200].map(at => path.transit(at)), [120, 319, 280])
  const near = new Path(end(), end(), says(0.5, 0.75, 0.5, 0.5, 0.25, 0.5), { ...options, latency: 10 }, rules)
  t.strictSame([0, 99, 100].map(at => near.transit(at)), [30, 129, 100], 'but not more often than in 100 ms')
  const chosen = new Path(end(), end(), says(0.5, 0, 0, 0.5, 0.75, 0.5), options, rules)
  chosen.use(0)
  t.equal(chosen.transit(0), 120)
  const smooth = new Path(end(), end(), new Random(1), networkOptions({ latency: 100 }), rules)
  for (let i = 0; i < 3; i++) smooth.use(0)
  t.equal(smooth.transit(5_000), 5_100)
  smooth.use(1)
  t.equal(smooth.transit(4_000), 4_100, 'what goes through other tunnels may overtake')
})

t.test('a seed that a report names gives the same network in later versions', async t => {
  const random = new Random(1, 2)
  t.strictSame([random.next(), random.next()], [0.14372951223049313, 0.485103648272343])
})
