import t from 'tap'
import fc from 'fast-check'
import { beginningOf, timeOf } from '../src/core/knowledge.ts'
import type { Connection, PathKnowledge } from '../src/core.ts'
import { RttEstimator } from '../src/core/rtt.ts'
import { dispatch, drain, send } from './support/transfer.ts'
import { World } from './support/world.ts'

const KB = 1_024
const KNOWN: PathKnowledge = { rtt: 500, rttvar: 20, rate: 400 * KB, loss: 0 }

interface Load { time: number, burst: number, messages: number }

/**
 * Answers of `size` bytes to `streams` requests at once, or of each of these sizes.
 * @param known - what the server, and but for the rate the client, begin with
 */
function load (
  known: PathKnowledge | undefined, size: number | number[],
  { streams = 1, seed = 1, loss = 0, bandwidth = 0, maxWindow = 128 } = {}
): Load {
  const world = new World({ seed, latency: 250, loss, bandwidth }, { server: { maxWindowSize: maxWindow } })
  const sizes = typeof size === 'number' ? Array.from({ length: streams }, () => size) : size
  const received = new Map<Connection, number>()
  const asked = new Map<Connection, number>()
  const departures = new Map<number, number>()
  const { out } = world.server
  const pass = out.send.bind(out)
  out.send = (now, bytes, message) => {
    departures.set(now, (departures.get(now) ?? 0) + 1)
    pass(now, bytes, message)
  }
  let accepted = 0
  const onServer = dispatch(world.server, connection => {
    if (known !== undefined) world.server.core.inform(world.now, connection, known)
    const pump = send(world, connection, Buffer.alloc(sizes[accepted++]!, 'abcdefghij'))
    onServer(connection, () => {
      drain(world, connection)
      pump()
    })
  })
  const onClient = dispatch(world.client)
  for (const size of sizes) {
    const connection = world.client.core.connect(world.now, {
      destination: world.server.keys.destination, port: 80, ...(known && { path: { ...known, rate: undefined } })
    })
    received.set(connection, 0)
    asked.set(connection, size)
    onClient(connection, () => {
      for (const chunk of drain(world, connection)) received.set(connection, received.get(connection)! + chunk.length)
    })
    connection.write(world.now, Buffer.from('a request'))
    connection.end(world.now)
  }
  const time = world.run(600_000, () => [...received].every(([connection, bytes]) => bytes === asked.get(connection)))
  return { time, burst: Math.max(...departures.values()), messages: out.stats.sent }
}

t.test('a first stream has its answer in one round trip, where it took three', async t => {
  const cold = load(undefined, 64 * KB)
  const informed = load(KNOWN, 64 * KB)
  t.ok(cold.time >= 1_500, `cold: ${cold.time} ms`)
  t.ok(informed.time <= 700, `informed: ${informed.time} ms`)
  t.ok(informed.burst <= 24, `${informed.burst} back to back`)
})

t.test('an informed stream has as much in flight as routers queue, 200 packets; who has set a smaller window keeps it', async t => {
  const wide = { ...KNOWN, rate: 8_000 * KB }
  const { time } = load(wide, 1_000 * KB)
  t.ok(time <= 2_100, `${time} ms`)
  const small = load(wide, 100 * KB, { maxWindow: 16 })
  t.ok(small.time >= 1_400, `${small.time} ms`)
})

t.test('a lost SYN is repeated after round trips, not after nine seconds', async t => {
  const times = (known: PathKnowledge | undefined): number[] =>
    Array.from({ length: 40 }, (_, seed) => load(known, KB, { seed: seed + 1, loss: 0.05 }).time)
  t.ok(Math.max(...times(undefined)) > 9_000)
  t.ok(Math.max(...times(KNOWN)) < 6_000)
})

t.test('streams share what the path holds', async t => {
  const one = load(KNOWN, 200 * KB, { bandwidth: 400 * KB / 1_000 })
  const many = load(KNOWN, 25 * KB, { streams: 8, bandwidth: 400 * KB / 1_000 })
  t.ok(many.time < 1.3 * one.time, `${many.time} and ${one.time} ms`)
  t.strictSame(beginningOf(KNOWN, 1), { window: 100, burst: 24 })
  t.strictSame(beginningOf(KNOWN, 5), { window: 20, burst: 4 })
  t.strictSame(beginningOf({ rtt: 10_000, rate: 1e9 }, 1), { window: 200, burst: 24 }, '400 tunnel messages')
  t.strictSame(beginningOf({ rtt: 10_000, rate: 1e9 }, 100), { window: 2, burst: 2 })
})

t.test('a stream that begins beside others takes their share when they have no more to send', async t => {
  const wide = { ...KNOWN, rate: 8_000 * KB }
  const alone = load(wide, 600 * KB)
  for (const [others, more] of [[1, 400], [3, 600]] as const) {
    const beside = load(wide, [...Array.from({ length: others }, () => 60 * KB), 600 * KB])
    t.ok(beside.time <= alone.time + more, `beside ${others}: ${beside.time}, alone ${alone.time} ms`)
  }
  const narrow = { bandwidth: 256 * KB / 1_000 }
  const [one, beside] = [load(wide, 300 * KB, narrow), load(wide, [30 * KB, 30 * KB, 240 * KB], narrow)]
  t.ok(beside.time <= 1.05 * one.time, `narrower than said: ${beside.time}, all of it by one ${one.time} ms`)
})

t.test('... and when one side resets them', async t => {
  const wide = { ...KNOWN, rate: 8_000 * KB }
  const alone = load(wide, 600 * KB)
  /** Two of three streams with 600 KB each are reset 0.6 s after they began, 0.85 s after they were asked for. */
  const besideReset = (by: 'server' | 'client'): number => {
    const world = new World({ seed: 1, latency: 250, loss: 0 })
    const { core, keys } = world.server
    const resetLater = (connection: Connection, ms: number): void => world.after(ms, () => connection.reset(world.now))
    let [accepted, received] = [0, 0]
    const onServer = dispatch(world.server, connection => {
      core.inform(world.now, connection, wide)
      const pump = send(world, connection, Buffer.alloc(600 * KB, 'abcdefghij'))
      onServer(connection, () => {
        drain(world, connection)
        pump()
      })
      if (accepted++ < 2 && by === 'server') resetLater(connection, 600)
    })
    const onClient = dispatch(world.client)
    for (const isReset of [true, true, false]) {
      const path = { ...wide, rate: undefined }
      const connection = world.client.core.connect(world.now, { destination: keys.destination, port: 80, path })
      onClient(connection, () => { for (const { length } of drain(world, connection)) received += isReset ? 0 : length })
      connection.write(world.now, Buffer.from('a request'))
      connection.end(world.now)
      if (isReset && by === 'client') resetLater(connection, 850)
    }
    return world.run(600_000, () => received === 600 * KB)
  }
  for (const by of ['server', 'client'] as const) {
    const time = besideReset(by)
    t.ok(time <= alone.time + 700, `by the ${by}: ${time}, alone ${alone.time} ms`)
  }
})

t.test('a path that is slower than said: not slower than without', async t => {
  for (const [rate, bandwidth] of [[4_000, 64], [64, 16], [400, 32]] as const) {
    const options = { bandwidth: bandwidth * KB / 1_000 }
    const cold = load(undefined, 100 * KB, options)
    const informed = load({ ...KNOWN, rate: rate * KB }, 100 * KB, options)
    t.ok(informed.time <= 1.1 * cold.time, `${rate} said, ${bandwidth} KB/s: ${informed.time} and ${cold.time} ms`)
  }
})

t.test('over a narrow path that loses much: not slower than without, and as the loss is said or not', async t => {
  const options = { loss: 0.1, bandwidth: 16 * KB / 1_000 }
  const median = (known: PathKnowledge | undefined): number => {
    const times = Array.from({ length: 41 }, (_, seed) => load(known, 64 * KB, { ...options, seed: seed + 1 }).time)
    return times.sort((a, b) => a - b)[20]!
  }
  const path = { ...KNOWN, rate: 16 * KB }
  const [cold, informed, said] = [median(undefined), median(path), median({ ...path, loss: 0.19 })]
  t.ok(said <= 1.05 * informed && said <= cold, `${said}; nothing said of the loss ${informed}, cold ${cold} ms`)
})

t.test('whatever is said, everything arrives', async t => {
  const number = fc.oneof(fc.double(), fc.constantFrom(0, -1, NaN, Infinity, -Infinity, 1e-9, 1e300), fc.constant(undefined))
  const told = fc.record({ rtt: number, rttvar: number, rate: number, loss: number })
  fc.assert(fc.property(told, fc.integer({ min: 1, max: 3 }), (known, streams) => {
    const { time, messages } = load(known, 20 * KB, { streams })
    return time < 5_000 && messages < 100 * streams
  }), { seed: 1, numRuns: 200 })
  t.equal(timeOf({}, 5), 0)
  t.equal(timeOf({ rate: 2_048 }, 5), 5_000)
  t.equal(beginningOf({ rtt: 500 }, 1), undefined)
  t.equal(beginningOf({ rate: 500 }, 1), undefined)
})

t.test('what was said gives way to the first measurement', async t => {
  const rtt = new RttEstimator(9_000)
  rtt.inform(500, 20, 300)
  t.equal(rtt.srtt, 500)
  t.equal(rtt.rto, 500 + 100 + 500 + 300)
  rtt.sample(0, 100)
  t.equal(rtt.srtt, 100)
  t.equal(rtt.rttvar, 100)
  rtt.inform(900, 20, 0)
  t.equal(rtt.srtt, 100, 'not after it')
  const far = new RttEstimator(9_000)
  far.inform(10_000, 500, 2_000)
  t.equal(far.rto, 9_000, 'a SYN goes as often as without')
})
