import { NetworkModel } from '@minwww/local-router/network'
import type { NetworkOptions } from '@minwww/local-router/network'
import t from 'tap'
import { measureBursts } from './support/burst.ts'
import type { BurstOptions, BurstResult } from './support/burst.ts'

/** Bounds of a result, both inclusive. */
type Bounds = Partial<Record<keyof BurstResult, [number, number]>>

function within (
  t: { ok: (value: boolean, name: string) => unknown }, network: Partial<NetworkOptions>, burst: BurstOptions, bounds: Bounds
): void {
  const result = measureBursts(network, burst)
  for (const [key, [low, high]] of Object.entries(bounds) as Array<[keyof BurstResult, [number, number]]>) {
    const value = result[key]
    t.ok(value >= low && value <= high, `${burst.kb} KB, m=${burst.m}: ${key} ${value} in ${low}..${high}`)
  }
}

// The bounds are the figures measured on the closed networks, with room on both sides: i2pd 2.45.1 at 3 hops and
// 10 ms links (one-way 72 ms), Java 2.7.0 at 1 hop (one-way 31 ms).

t.test('i2pd', async t => {
  const network: Partial<NetworkOptions> = { profile: 'i2pd', latency: 72, jitter: 3, deadPaths: 0 }

  t.test('clean and in order: nothing is lost, and the end of a burst waits for an answer', async t => {
    within(t, network, { kb: 1, m: 2 }, { complete: [1, 1], p50: [135, 155], p95: [140, 190] })
    within(t, network, { kb: 10, m: 2 }, { complete: [1, 1], first: [135, 155], p50: [165, 210] })
    within(t, network, { kb: 64, m: 2 }, { complete: [1, 1], p50: [175, 215], p95: [180, 240] })
    within(t, network, { kb: 128, m: 1 }, { complete: [1, 1], p50: [190, 240], reordered: [0.6, 1] })
    within(t, network, { kb: 128, m: 2 }, { complete: [1, 1], p50: [180, 230], reordered: [0.2, 0.8] })
    within(t, network, { kb: 128, m: 61 }, { complete: [0.9, 1], p50: [190, 260] })
  })

  t.test('1 % loss on each link: delay, and the death of large symbols', async t => {
    const lossy = { ...network, loss: 0.035 }
    within(t, lossy, { kb: 128, m: 1 }, { lost: [0, 0.001], p50: [450, 750], p95: [550, 1_400] })
    within(t, lossy, { kb: 128, m: 2 }, { lost: [0, 0.01], p50: [450, 750] })
    within(t, lossy, { kb: 128, m: 4 }, { lost: [0.04, 0.14] })
    within(t, lossy, { kb: 128, m: 8 }, { lost: [0.13, 0.27] })
    within(t, lossy, { kb: 128, m: 61 }, { lost: [0.65, 0.95] })
  })

  t.test('reordering by jitter', async t => {
    const jittery = { ...network, jitter: 7, reorder: true }
    within(t, jittery, { kb: 128, m: 1 }, { lost: [0, 0.002], reordered: [0.9, 1] })
    within(t, jittery, { kb: 128, m: 2 }, { lost: [0.15, 0.4] })
    within(t, jittery, { kb: 128, m: 4 }, { lost: [0.5, 0.85] })
    within(t, jittery, { kb: 128, m: 8 }, { lost: [0.8, 1] })
  })

  t.test('ten replies of 128 KB at one time', async t => {
    within(t, network, { kb: 128, m: 1, concurrent: 10, rounds: 10 }, { complete: [0, 0.1] })
    within(t, network, { kb: 128, m: 4, concurrent: 10, rounds: 10 }, { complete: [0.8, 1] })
    within(t, network, { kb: 128, m: 2, concurrent: 10, rounds: 10, pace: 1_000_000 }, { complete: [0.98, 1] })
    within(t, { ...network, latency: 350 }, { kb: 128, m: 4, concurrent: 10, rounds: 10 }, { complete: [0, 0.2] })
  })

  t.test('what waits for an answer is not overtaken on its link: TCP keeps the order, whatever the pace', async t => {
    for (const [m, bandwidth] of [[8, 256], [2, 64], [16, 256], [8, 0], [1, 64]] as const) {
      for (const pace of [0.4, 0.6, 0.75, 0.9, 1]) {
        for (const together of [1, 2, 4]) {
          const model = new NetworkModel<number>({
            profile: 'i2pd', latency: 50, jitter: 2.5, deadPaths: 0, tunnels: 1, bandwidth: bandwidth * 1_024, queue: 1_000, seed: m
          })
          const turn = together * m * 1_028 * 1_000 / (pace * (bandwidth || 256) * 1_024)
          const arrived: number[] = []
          for (let i = 0; i < 200; i++) {
            const now = Math.floor(i / together) * turn
            arrived.push(...model.poll(now).map(({ data }) => data))
            model.send(now, { from: 'a', to: 'b', size: 996 * m - 200, data: i })
          }
          arrived.push(...model.poll(Infinity).map(({ data }) => data))
          const name = `${together} x ${m} tunnel messages at ${pace} of ${bandwidth} KB/s`
          t.strictSame(model.stats.lostBy, {}, name)
          t.equal(arrived.length, 200, name)
        }
      }
    }
  })

  t.test('random padding: sizes near the brim sometimes need one tunnel message more', async t => {
    const average = (size: number): number => {
      const model = new NetworkModel<number>(network)
      for (let i = 0; i < 1_500; i++) model.send(i * 100, { from: 'a', to: 'b', size, data: i })
      return model.stats.tunnelMessagesSent / 1_500
    }
    const cap = (m: number, d: number): number => (m === 1 ? 842 : 996 * m - 158) + d
    const rows: Array<[number, number, number]> = [
      [1, 7, 1], [1, 15, 1.05], [1, 23, 1.6], [1, 27, 1.84], [1, 31, 2], [2, 27, 2], [2, 31, 3], [3, 9, 3], [3, 23, 3.82], [3, 31, 4],
      [8, 7, 8], [8, 23, 8.82], [8, 31, 9.01]
    ]
    for (const [m, d, expected] of rows) {
      t.ok(Math.abs(average(cap(m, d)) - expected) < 0.13, `m=${m} +${d}: ${average(cap(m, d))} of ${expected}`)
    }
  })

  t.test('a path lasts for 100 messages or 30 s; a dead one carries nothing until then', async t => {
    const model = new NetworkModel<number>({ profile: 'i2pd', deadPaths: 0.5, latency: 1 })
    const arrived = new Set<number>()
    for (let i = 0; i < 20_000; i++) {
      model.send(i, { from: 'a', to: 'b', size: 500, data: i })
      for (const { data } of model.poll(i)) arrived.add(data)
    }
    for (const { data } of model.poll(Infinity)) arrived.add(data)
    const dead = Array.from({ length: 200 }, (_, path) => Array.from({ length: 100 }, (_, i) => arrived.has(path * 100 + i)))
    t.ok(dead.every(path => new Set(path).size === 1), 'each hundred shares its fate')
    const share = dead.filter(path => path[0] === false).length / 200
    t.ok(share > 0.35 && share < 0.65)
    t.equal(model.stats.lostBy['dead-path'], 20_000 - arrived.size)
  })

  t.test('a link that was dropped is back after 4 s', async t => {
    const model = new NetworkModel<number>({ ...network, tunnels: 1 })
    for (let i = 0; i < 501; i++) model.send(0, { from: 'a', to: 'b', size: 500, data: i })
    t.equal(model.stats.lostBy['link-dropped'], 501, 'all that waited, and the one too many')
    model.send(3_999, { from: 'a', to: 'b', size: 500, data: 1_000 })
    model.send(4_000, { from: 'a', to: 'b', size: 500, data: 1_001 })
    t.same(model.poll(5_000).map(d => d.data), [1_001])
  })
})

t.test('java', async t => {
  const network: Partial<NetworkOptions> = { profile: 'java', latency: 31 }

  t.test('a tunnel message that is not full enough waits, at both gateways', async t => {
    const oneWay = (size: number, o: Partial<NetworkOptions> = {}): number => {
      const model = new NetworkModel<number>({ ...network, ...o })
      model.send(0, { from: 'a', to: 'b', size, data: 0 })
      return model.poll(Infinity)[0]?.at ?? Infinity
    }
    const rows: Array<[number, number]> = [
      [300, 145], [650, 145], [720, 32], [860, 32], [885, 68], [910, 145], [1_600, 145], [1_720, 32], [1_860, 32], [1_880, 68],
      [1_950, 145],
      [3_615, 144], [3_668, 109], [3_760, 33], [3_865, 69], [3_900, 144]
    ]
    for (const [size, expected] of rows) t.ok(Math.abs(oneWay(size) - expected) < 6, `${size} bytes: ${oneWay(size)} of ${expected} ms`)
    t.ok(Math.abs(oneWay(300, { javaBatching: false }) - 109) < 6, 'only the sender\'s own gateway can be told not to')
  })

  t.test('bursts', async t => {
    const request = 823
    within(t, network, { kb: 10, m: 2, request }, { complete: [1, 1], first: [58, 72], p50: [60, 85], p95: [65, 180] })
    within(t, network, { kb: 10, m: 2 }, { first: [165, 190] })
    within(t, network, { kb: 32, m: 4, request }, { complete: [1, 1], p50: [60, 85], p95: [65, 185] })
    within(t, network, { kb: 64, m: 2, request }, { complete: [0.75, 1], p50: [60, 90] })
    within(t, network, { kb: 128, m: 1, request }, { complete: [0.1, 0.5], lost: [0.004, 0.02] })
    within(t, network, { kb: 128, m: 2, request }, { complete: [0.5, 0.9], lost: [0.001, 0.01], p50: [65, 110] })
    within(t, network, { kb: 128, m: 4, request }, { complete: [0.95, 1], p50: [65, 110], p95: [70, 190] })
    within(t, network, { kb: 128, m: 8, request }, { complete: [1, 1], p50: [65, 110] })
    within(t, network, { kb: 128, m: 61, request }, { complete: [1, 1], p50: [65, 110] })
    within(t, { ...network, latency: 67 }, { kb: 128, m: 4, request }, { complete: [0.95, 1], p50: [135, 190] })
  })

  t.test('loss on the links only delays, reordering does no harm', async t => {
    within(t, { ...network, loss: 0.01 }, { kb: 128, m: 8, request: 823 }, { complete: [0.98, 1], p95: [400, 1_700] })
    within(t, { ...network, jitter: 7, reorder: true }, { kb: 128, m: 8, request: 823 }, { complete: [0.98, 1] })
  })

  t.test('ten replies of 128 KB at one time', async t => {
    const burst = { kb: 128, concurrent: 10, rounds: 10, request: 823 }
    within(t, network, { ...burst, m: 1 }, { complete: [0, 0.2] })
    within(t, network, { ...burst, m: 2 }, { complete: [0.1, 0.5] })
    within(t, network, { ...burst, m: 4 }, { complete: [0.5, 0.95] })
    within(t, network, { ...burst, m: 61 }, { complete: [0.85, 1] })
    within(t, network, { ...burst, m: 4, pace: 256_000 }, { complete: [0.98, 1] })
  })
})

t.test('mixed: a path is of the one or the other kind', async t => {
  const kinds = { i2pd: 0, java: 0 }
  for (let pair = 0; pair < 200; pair++) {
    const model = new NetworkModel<number>({ profile: 'mixed', latency: 31, deadPaths: 0, seed: pair })
    model.send(0, { from: 'a', to: 'b', size: 300, data: 0 })
    const at = model.poll(Infinity)[0]?.at ?? 0
    kinds[at < 50 ? 'i2pd' : 'java']++
  }
  t.ok(kinds.i2pd > 60 && kinds.java > 60, JSON.stringify(kinds))
})

t.test('i2pd 2.59: one new session in 200 ms, until the first answer', async t => {
  const arrivals = (o: { answered: boolean, senders: number, gap: number, count: number, pause?: number }): number => {
    const model = new NetworkModel<number>({ profile: 'i2pd-2.59', latency: 10, deadPaths: 0, seed: 1 })
    let now = 0
    let arrived = 0
    const until = (time: number): void => { now = time; arrived += model.poll(now).filter(({ to }) => to === 'exit').length }
    if (o.answered) {
      model.send(now, { from: 'client 0', to: 'exit', size: 700, data: 0 })
      until(100)
      model.send(now, { from: 'exit', to: 'client 0', size: 700, data: 0 })
      until(200 + (o.pause ?? 0))
      arrived = 0
    }
    const start = now
    for (let i = 0; i < o.count; i++) {
      until(start + i * o.gap)
      model.send(now, { from: `client ${i % o.senders}`, to: 'exit', size: 700, data: i })
    }
    until(now + 1_000)
    return arrived
  }
  const one = { senders: 1, gap: 50, count: 300 }
  t.ok(Math.abs(arrivals({ ...one, answered: false }) - 71) <= 5, 'measured: 71 of 300')
  t.equal(arrivals({ ...one, answered: true }), 300, 'measured: 298')
  t.ok(arrivals({ ...one, answered: true, pause: 120_000 }) < 80, 'a session that is 120 s old and heard nothing for 90 s starts anew')
  t.equal(arrivals({ answered: false, senders: 20, gap: 0, count: 20 }), 1, 'twenty clients at once')
  t.equal(arrivals({ answered: false, senders: 20, gap: 250, count: 20 }), 20)
})

t.test('i2pd 2.59: a session whose answer nothing has followed is forgotten, and used for two minutes all the same', t => {
  /** Shares of 50 exits that read what comes, by time after their answer, s. */
  const read = (follows: boolean): Map<number, number> => {
    const shares = new Map<number, number>()
    for (let seed = 0; seed < 50; seed++) {
      for (const after of [10, 80, 119, 121]) {
        const model = new NetworkModel<string>({ profile: 'i2pd-2.59', latency: 10, deadPaths: 0, seed })
        const pass = (now: number, from: string, to: string): boolean => {
          model.send(now, { from, to, size: 700, data: '' })
          return model.poll(now + 100).length > 0
        }
        pass(0, 'client', 'exit')
        pass(100, 'exit', 'client')
        if (follows) pass(2_000, 'client', 'exit')
        if (pass(after * 1_000 + 100, 'client', 'exit')) shares.set(after, (shares.get(after) ?? 0) + 1 / 50)
      }
    }
    return shares
  }
  const [alone, followed] = [read(false), read(true)]
  t.ok(alone.get(10)! > 0.99)
  t.equal(alone.get(80), undefined)
  t.equal(alone.get(119), undefined)
  t.ok(alone.get(121)! > 0.99, 'a new session')
  for (const after of [10, 80, 119, 121]) t.ok(followed.get(after)! > 0.99)
  t.end()
})

t.test('i2pd 2.59: what comes after too many lost messages of a session cannot be read, until there is a new one', t => {
  /** Messages to an exit that read the last one of `before`, answers and was away for so many: which of the next ten it reads. */
  const readAfter = (lost: number, o: { before: number, inboundTags?: number, pause?: number }): number => {
    const model = new NetworkModel<string>({ profile: 'i2pd-2.59', latency: 10, deadPaths: 0, seed: 1 })
    if (o.inboundTags !== undefined) model.configure('exit', { inboundTags: o.inboundTags })
    let now = 0
    const pass = (from: string, to: string): boolean => {
      model.send(now, { from, to, size: 700, data: '' })
      now += 30
      return model.poll(now).length > 0
    }
    pass('client', 'exit')
    pass('exit', 'client')
    for (let i = 0; i < o.before; i++) pass('client', 'exit')
    pass('exit', 'client')
    model.setAlive('exit', false)
    for (let i = 0; i < lost; i++) pass('client', 'exit')
    model.setAlive('exit', true)
    now += o.pause ?? 0
    return Array.from({ length: 10 }, () => pass('client', 'exit')).filter(Boolean).length
  }
  t.equal(readAfter(22, { before: 1 }), 10, 'index 0 came: 24 are known, of which 23 is the next')
  t.equal(readAfter(23, { before: 1 }), 0)
  t.equal(readAfter(72, { before: 101 }), 10, 'index 100 came: 74 more')
  t.equal(readAfter(73, { before: 101 }), 0)
  t.equal(readAfter(798, { before: 2_000 }), 10, 'never more than 800')
  t.equal(readAfter(799, { before: 2_000 }), 0)
  t.equal(readAfter(40, { before: 1, pause: 130_000 }), 2, 'new sessions, of which one in 200 ms is taken')
  for (const before of [1, 101, 350]) t.equal(readAfter(380, { before, inboundTags: 800 }), 10, 'half of what was asked for at least')
  t.equal(readAfter(900, { before: 1, inboundTags: 800 }), 0)
  t.end()
})
