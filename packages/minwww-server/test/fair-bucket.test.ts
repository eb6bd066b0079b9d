import fc from 'fast-check'
import t from 'tap'
import { seedOf } from '@minwww/testkit'
import { FairBucket, MAX_FLOWS } from '../src/limits/core/fair-bucket.ts'

t.test('fair bucket: the rate is kept, flows share alike, a greedy one gets no more', t => {
  const rate = 65_536
  let now = 0
  const bucket = new FairBucket({ rate }, now)
  const served = new Map<string, number>()
  const ask = (flow: string, size: number) => {
    bucket.request(now, flow, size, () => {
      served.set(flow, (served.get(flow) ?? 0) + size)
      ask(flow, size)
    })
  }
  for (let client = 0; client < 19; client++) ask(`honest ${client}`, 4_096)
  for (let connection = 0; connection < 30; connection++) ask('greedy', 16_384)
  while (now < 60_000) {
    now = Math.min(60_000, bucket.nextTimeout(now) ?? 60_000)
    bucket.poll(now)
  }
  const total = [...served.values()].reduce((sum, bytes) => sum + bytes, 0)
  t.ok(Math.abs(total - rate * 60) < rate * 60 * 0.02, `total ${total} of ${rate * 60}`)
  const share = total / 20
  for (const [flow, bytes] of served) t.ok(Math.abs(bytes - share) < share * 0.2, `${flow}: ${bytes} of ${Math.round(share)}`)
  t.end()
})

t.test('fair bucket: what is sent beyond that keeps the rate as well, and who causes it pays', t => {
  const rate = 65_536
  let now = 0
  const bucket = new FairBucket({ rate }, now)
  const served = { plain: 0, repeating: 0 }
  const ask = (flow: keyof typeof served): void => {
    bucket.request(now, flow, 4_096, () => {
      served[flow] += 4_096
      if (flow === 'repeating') bucket.charge(now, flow, 4_096)
      ask(flow)
    })
  }
  for (const flow of ['plain', 'repeating'] as const) for (let i = 0; i < 4; i++) ask(flow)
  while (now < 60_000) {
    now = Math.min(60_000, bucket.nextTimeout(now) ?? 60_000)
    bucket.poll(now)
  }
  t.ok(Math.abs(bucket.total - rate * 60) < rate * 60 * 0.02, `total ${bucket.total} of ${rate * 60}`)
  t.equal(served.plain + 2 * served.repeating, bucket.total)
  t.ok(Math.abs(served.plain - 2 * served.repeating) < 0.05 * served.plain, `${served.plain} and twice ${served.repeating}`)
  t.end()
})

t.test('fair bucket: messages and streams share by the number of clients', t => {
  const rate = 100_000
  let now = 0
  const bucket = new FairBucket({ rate }, now)
  let streams = 0
  let messages = 0
  const ask = () => bucket.request(now, 'stream', 10_000, () => {
    streams += 10_000
    ask()
  })
  ask()
  while (now < 60_000) {
    if (bucket.readyAt(now, 1) <= now) {
      bucket.sent(now, 8_000, 3)
      messages += 8_000
    }
    bucket.poll(now)
    now = Math.max(now + 1, Math.min(bucket.readyAt(now, 1), bucket.nextTimeout(now) ?? Infinity))
  }
  t.ok(Math.abs(streams + messages - rate * 60) < rate * 60 * 0.02, `total ${streams + messages}`)
  t.ok(streams > rate * 60 * 0.2 && streams < rate * 60 * 0.32, `one of four: ${streams}`)
  t.end()
})

t.test('property: no sequence of requests, aborts and pauses gets more than rate and burst', t => {
  const step = fc.record({
    flow: fc.integer({ min: 0, max: 4 }),
    bytes: fc.integer({ min: 1, max: 40_000 }),
    pause: fc.integer({ min: 0, max: 900 }),
    abort: fc.boolean()
  })
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), steps => {
    let now = 0
    let granted = 0
    const bucket = new FairBucket({ rate: 10_000, burst: 20_000 }, now)
    for (const { flow, bytes, pause, abort } of steps) {
      const leave = bucket.request(now, String(flow), bytes, () => { granted += bytes })
      if (abort) leave()
      now += pause
      bucket.poll(now)
      if (granted > 20_000 + now * 10 + 40_000) return false
    }
    return true
  }), { seed: seedOf(t, 3), numRuns: 300 })
  t.end()
})

/** What is granted, in its order, with its time. */
function world (options: ConstructorParameters<typeof FairBucket>[0]) {
  const bucket = new FairBucket(options, 0)
  const granted: string[] = []
  const ask = (now: number, flow: string, bytes: number) => bucket.request(now, flow, bytes, () => granted.push(flow))
  return { bucket, granted, ask }
}

t.test('without a rate all goes at once, and is counted', async t => {
  const { bucket, granted, ask } = world({ rate: 0 })
  ask(0, 'a', 1e9)()
  bucket.sent(0, 500, 1)
  t.strictSame(granted, ['a'])
  t.match(bucket, { rate: 0, waiting: 0, total: 1e9 + 500 })
  t.strictSame([bucket.nextTimeout(7), bucket.readyAt(7, 1e9)], [undefined, 7])
})

t.test('the burst is half a second of the rate, at least 16 KiB, or what is said', async t => {
  for (const [rate, burst, expected] of [[1_000, undefined, 16_384], [100_000, undefined, 50_000], [100_000, 8, 8]] as const) {
    const given = world({ rate, ...(burst !== undefined && { burst }) })
    const set = world({ rate: 0 })
    set.bucket.setRate(0, rate, burst)
    for (const { bucket, granted, ask } of [given, set]) {
      t.equal(bucket.rate, rate)
      ask(0, 'half', expected / 2)
      ask(0, 'rest', expected / 2)
      ask(0, 'more', 1)
      t.strictSame([granted, bucket.waiting, bucket.total], [['half', 'rest'], 1, expected])
    }
  }
})

t.test('what went without a rate is not counted against a flow when there is one', async t => {
  const { bucket, granted, ask } = world({ rate: 0 })
  ask(0, 'a', 1_000)
  bucket.setRate(0, 1_000, 10)
  ask(0, 'first', 10)
  granted.length = 0
  ask(0, 'a', 10)
  ask(0, 'b', 10)
  for (let now = 0; now < 100; now++) bucket.poll(now)
  t.strictSame(granted, ['a', 'b'])
})

t.test('a change of the rate counts from now on; without one what waits goes at the next poll', async t => {
  const { bucket, granted, ask } = world({ rate: 1_000, burst: 1_000 })
  ask(0, 'a', 1_000)
  ask(0, 'b', 1_000)
  t.ok(Math.abs(bucket.nextTimeout(0)! - 1_000) < 1)
  bucket.setRate(0, 4_000, 1_000)
  t.equal(bucket.rate, 4_000)
  t.ok(Math.abs(bucket.nextTimeout(0)! - 250) < 1)
  bucket.setRate(0, 0)
  t.strictSame([bucket.rate, bucket.nextTimeout(3), granted], [0, 3, ['a']])
  bucket.poll(3)
  t.strictSame([granted, bucket.waiting, bucket.nextTimeout(3)], [['a', 'b'], 0, undefined])
  ask(3, 'c', 1e9)
  ask(3, 'd', 1e9)
  t.strictSame(granted, ['a', 'b', 'c', 'd'])
})

t.test('flows take turns by what they got; who comes back after a pause gets no credit for it', async t => {
  const { bucket, granted, ask } = world({ rate: 1_000, burst: 1 })
  for (let turn = 0; turn < 3; turn++) ask(0, 'a', 100)
  for (let turn = 0; turn < 3; turn++) ask(0, 'b', 100)
  ask(0, 'small', 10)
  for (let now = 0; now <= 10_000; now++) bucket.poll(now)
  t.strictSame(granted, ['a', 'b', 'small', 'a', 'b', 'a', 'b'], 'equal starts go in order of arrival')
  granted.length = 0
  ask(10_000, 'small', 10)
  ask(10_000, 'new', 10)
  for (let turn = 0; turn < 3; turn++) ask(10_000, 'small', 10)
  ask(10_000, 'new', 10)
  for (let now = 10_000; now <= 20_000; now++) bucket.poll(now)
  t.strictSame(granted, ['small', 'new', 'small', 'new', 'small', 'small'])
})

t.test('who gives up its place holds nobody up, once only', async t => {
  const { bucket, granted, ask } = world({ rate: 1_000, burst: 10 })
  const done = ask(0, 'a', 10)
  const leave = ask(0, 'b', 1_000)
  ask(0, 'c', 10)
  t.equal(bucket.waiting, 2)
  done()
  t.equal(bucket.waiting, 2, 'what has gone has no place')
  leave()
  leave()
  t.equal(bucket.waiting, 1)
  bucket.poll(11)
  t.strictSame([granted, bucket.waiting, bucket.total], [['a', 'c'], 0, 20])
})

t.test('a message waits for the ticket whose turn it is, and for nothing else', async t => {
  const { bucket, ask } = world({ rate: 1_000, burst: 300 })
  const after = (bytes: number) => Math.round(bucket.readyAt(5, bytes) - 5)
  t.equal(bucket.readyAt(5, 300), 5, 'the bucket is full')
  ask(5, 'a', 300)
  ask(5, 'a', 40)
  t.equal(after(50), 50, 'the flow has got 300 already, the messages nothing')
  bucket.sent(5, 60, 1)
  t.equal(after(40), 60 + 40, 'still behind')
  bucket.sent(5, 240, 1)
  t.equal(after(40), 300 + 40, 'equal: the message goes')
  bucket.sent(5, 1, 1)
  t.equal(after(40), 301 + 40 + 40, 'the messages are ahead')
  t.equal(bucket.total, 601)
})

t.test('messages to many clients count as many flows, and to none as one', async t => {
  for (const [share, expected] of [[0, 300 + 50 + 1], [1, 300 + 50 + 1], [4, 300 + 1]] as const) {
    const { bucket, ask } = world({ rate: 1_000, burst: 100 })
    ask(0, 'stream', 100)
    ask(0, 'stream', 50)
    bucket.sent(0, 300, share)
    t.equal(Math.round(bucket.readyAt(0, 1)), expected, `${share} clients`)
  }
})

t.test('messages alone move time on for all; beside what waits they do not', async t => {
  for (const [waits, expected] of [[false, ['w', 'w', 'new']], [true, ['w', 'new', 'w']]] as const) {
    const { bucket, granted, ask } = world({ rate: 1_000, burst: 50 })
    ask(0, 'w', 50)
    if (waits) ask(0, 'w', 30)
    for (let message = 0; message < 2; message++) bucket.sent(0, 100, 1)
    if (!waits) ask(0, 'w', 30)
    ask(0, 'new', 30)
    for (let now = 0; now < 1_000; now++) bucket.poll(now)
    t.strictSame(granted, expected)
  }
})

t.test('only the latest flows are remembered', async t => {
  const { bucket, granted, ask } = world({ rate: 1_000, burst: 1_000 })
  ask(0, 'old', 1_000)
  for (let flow = 0; flow < MAX_FLOWS; flow++) ask(0, `flow ${flow}`, 1)()
  ask(0, 'kept', 10)
  ask(0, 'flow 1', 10)
  ask(0, `flow ${MAX_FLOWS - 1}`, 5)
  ask(0, 'old', 10)
  for (let now = 0; now < 3_000; now++) bucket.poll(now)
  t.strictSame(granted, ['old', 'kept', 'old', 'flow 1', `flow ${MAX_FLOWS - 1}`], 'what was forgotten starts like a new flow')
})
