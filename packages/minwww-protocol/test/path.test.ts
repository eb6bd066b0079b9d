import fc from 'fast-check'
import t from 'tap'
import { seedOf } from '@minwww/testkit'
import {
  allowedShapes, chooseSymbols, copiesFor, ERROR_CODES, errorName, LossEstimator, MAX_OBJECT, minimumPayload, parityFor, ReplayWindow,
  RttEstimator, SYMBOL_OVERHEAD, TokenBucket, tunnelMessagesOf, WIRE_FAILURES
} from '../src/index.ts'
import { expectedLosses } from '../src/choice.ts'
import { symbolCapacity } from '../src/sizes.ts'

const SEED = 815

t.test('parity and copies as in the study', async t => {
  t.equal(parityFor(37, 0, 2), 0)
  t.equal(parityFor(37, 0.01, 2), 4)
  t.equal(parityFor(161, 0.05, 1), 18)
  t.ok(Math.abs(expectedLosses(100, 0.5, 1) - expectedLosses(100, 0.12, 1)) < 1e-9, 'clamped at 12 %')
  t.strictSame([0.005, 0.006, 0.07, 0.08].map(p => copiesFor(1, p)), [1, 2, 2, 3])
  t.strictSame([0.0025, 0.01, 0.08].map(p => copiesFor(2, p)), [1, 2, 3])
  t.ok(parityFor(3, 0.12, 8) <= 3, 'never more than k/2 + 2')
})

t.test('the choice: one message where it fits, few symbols at first, one message on a clean path', async t => {
  const initial = allowedShapes(8)
  t.strictSame(initial, [1, 2, 4, 8])
  t.strictSame(allowedShapes(61), [1, 2, 4, 8, 16, 32, 61])
  t.strictSame(allowedShapes(0), [1])
  t.match(chooseSymbols({ size: 700, loss: 0, shapes: initial }), { m: 1, k: 1, r: 0, symbolLength: 700 })
  t.match(chooseSymbols({ size: 10, loss: 0, shapes: initial }), { m: 1, k: 1, symbolLength: minimumPayload(1) - SYMBOL_OVERHEAD })
  t.match(chooseSymbols({ size: 10_240, loss: 0, shapes: initial }), { m: 6, k: 2 })
  t.match(chooseSymbols({ size: 1_024, loss: 0.12, shapes: initial }), { m: 1, k: 2, r: 2 })
  t.match(chooseSymbols({ size: 65_536, loss: 0.12, shapes: initial }), { m: 2, k: 37, r: 20 })
  t.match(chooseSymbols({ size: 65_536, loss: 0.12, shapes: initial, maxSymbols: 256 }), { m: 1, k: 83, r: 22 })
  t.match(chooseSymbols({ size: 65_536, loss: 0.0125, shapes: initial }), { m: 4, k: 18, r: 4 })
  t.match(chooseSymbols({ size: MAX_OBJECT, loss: 0, shapes: initial }), { m: 8, k: 17 })
  t.match(chooseSymbols({ size: 60_000, loss: 0, shapes: allowedShapes(61) }), { m: 61, k: 1, r: 0 })
  t.match(chooseSymbols({ size: 32_768, loss: 0.01, shapes: [1] }), { m: 1, k: 42 })
})

t.test('every choice fits its tunnel messages, the code and the gateways', async t => {
  const sizes = fc.integer({ min: 0, max: MAX_OBJECT })
  fc.assert(fc.property(sizes, fc.double({ min: 0, max: 0.3, noNaN: true }), fc.integer({ min: 0, max: 70 }),
    (size, loss, shape) => {
      const shapes = allowedShapes(shape)
      const { m, k, r, symbolLength } = chooseSymbols({ size, loss, shapes })
      const length = symbolLength + SYMBOL_OVERHEAD
      return k * symbolLength >= size && (k - 1) * symbolLength < Math.max(1, size) && k + r <= 256 && r <= k / 2 + 2 &&
        tunnelMessagesOf(length) === m && m <= shapes.at(-1)! && length >= minimumPayload(m) &&
        symbolLength <= symbolCapacity(shapes.at(-1)!)
    }), { seed: seedOf(t, SEED), numRuns: 3000 })
})

t.test('the token bucket holds its rate over any sequence', async t => {
  fc.assert(fc.property(fc.array(fc.record({ wait: fc.nat(200), bytes: fc.integer({ min: 1, max: 3000 }) }), { maxLength: 200 }), steps => {
    const start = 1.7e12
    const bucket = new TokenBucket(10_000, 2000, start)
    let now = start
    let sent = 0
    for (const { wait, bytes } of steps) {
      now += wait
      if (bucket.take(now, bytes)) sent += bytes
      else {
        const at = bucket.availableAt(now, bytes)
        if (!(at > now) || !bucket.take(at, bytes)) return false
        now = at
        sent += bytes
      }
    }
    return sent <= 2000 + 3000 + (now - start) * 10 + 1
  }), { seed: seedOf(t, SEED), numRuns: 300 })
  const bucket = new TokenBucket(1000, 100, 0)
  t.equal(bucket.take(0, 500), true, 'larger than the bucket, when it is full')
  t.equal(bucket.take(400, 100), false)
  t.equal(bucket.take(501, 100), true)
  bucket.setRate(501, 1000, 50)
  t.equal(bucket.level(10_000), 50)
})

t.test('the replay window accepts each id once, and only near the highest', async t => {
  const window = new ReplayWindow()
  t.equal(window.accept(5000), true)
  t.equal(window.accept(5000), false)
  t.equal(window.check(5000 - 1023), 'new')
  t.equal(window.check(5000 - 1024), 'old')
  t.equal(window.accept(6000), true)
  t.equal(window.check(4976), 'old')
  t.equal(window.accept(4977), true)
  t.equal(window.accept(4977), false)
  t.equal(window.accept(100_000), true, 'a jump forgets what was behind')
  t.equal(window.check(99_999), 'new')
  const wrapping = new ReplayWindow()
  t.equal(wrapping.accept(0xffffffff), true)
  t.equal(wrapping.accept(0), true, 'ids wrap')
  t.equal(wrapping.accept(0xffffffff), false)
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 500 }), ids => {
    const window = new ReplayWindow()
    const accepted = new Set<number>()
    let highest = -1
    return ids.every(id => {
      const expected = !accepted.has(id) && id > highest - 1024
      if (expected) accepted.add(id)
      highest = Math.max(highest, expected ? id : -1)
      return window.accept(id) === expected
    })
  }), { seed: seedOf(t, SEED), numRuns: 200 })
})

t.test('a replay window that moves on remembers what it has seen, and nothing else', async t => {
  const window = new ReplayWindow()
  for (const id of [10, 9, 12, 15]) t.equal(window.accept(id), true)
  for (const id of [9, 10, 12, 15]) t.equal(window.check(id), 'seen', `${id}, after the window has moved by a few`)
  t.equal(window.accept(10 + 1024), true)
  t.equal(window.check(12), 'seen')
  for (const id of [11, 13, 14, 16, 9 + 1024, 8 + 1024]) t.equal(window.check(id), 'new', `${id}: its place was that of another id`)
  fc.assert(fc.property(fc.array(fc.integer({ min: -3, max: 40 }), { minLength: 100, maxLength: 400 }), steps => {
    const moving = new ReplayWindow(64)
    const seen = new Set<number>()
    let highest = 0xffffff00
    return steps.every((step, index) => {
      const id = highest + step
      const isNew = index === 0 || (id > highest - 64 && !seen.has(id))
      if (isNew) seen.add(id)
      if (index === 0 || id > highest) highest = id
      return moving.accept(id >>> 0) === isNew
    })
  }), { seed: seedOf(t, SEED), numRuns: 200 })
})

t.test('round trip as in RFC 6298, at least 100 ms', async t => {
  const rtt = new RttEstimator()
  t.equal(rtt.rto(), 3000)
  rtt.sample(200)
  t.equal(rtt.srtt, 200)
  t.equal(rtt.rto(), 600)
  t.equal(rtt.rto(2), 2400)
  for (let i = 0; i < 200; i++) rtt.sample(10)
  t.ok(rtt.rto() === 100 && rtt.rto(20) === 60_000)
  rtt.sample(NaN)
  t.ok(Number.isFinite(rtt.srtt))
})

t.test('loss: finds the rate, for symbols of any size, and plans with a margin', async t => {
  for (const [m, p] of [[1, 0.03], [4, 0.03], [8, 0.005]] as const) {
    const loss = new LossEstimator()
    const q = 1 - (1 - p) ** m
    let owed = 0
    for (let i = 0; i < 400; i++) {
      owed += 20 * q
      const lost = Math.floor(owed)
      owed -= lost
      loss.burst(20 - lost, 20, m)
    }
    t.ok(Math.abs(loss.value - p) < 0.15 * p, `${loss.value} for ${p} with symbols of ${m}`)
  }
  const clean = new LossEstimator()
  t.equal(clean.upper, 0.0125)
  for (let i = 0; i < 100; i++) clean.burst(20, 20, 1)
  t.equal(clean.clean, 2_000)
  clean.burst(19, 20, 1)
  t.ok(clean.upper > 0 && clean.clean === 0)
  for (let i = 0; i < 60; i++) clean.burst(10, 20, 1)
  t.ok(clean.excessive && clean.upper === 0.12)
})

t.test('eleven ERROR codes, each with one status', async t => {
  t.strictSame(Object.values(ERROR_CODES), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  for (const [name, code] of Object.entries(ERROR_CODES)) t.equal(errorName(code), name)
  t.equal(errorName(12), undefined)
  for (const { httpStatus } of Object.values(WIRE_FAILURES)) t.ok(httpStatus >= 400 && httpStatus < 600)
})
