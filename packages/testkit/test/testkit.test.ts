import t from 'tap'
import { seeded, SeededRandom, seedOf, VirtualClock } from '../src/index.ts'

t.test('virtual time: timers in the order of their times, and those that timers set', t => {
  const clock = new VirtualClock(1_000)
  const calls: string[] = []
  const note = (name: string) => () => { calls.push(`${name} ${clock.now()}`) }
  clock.setTimer(note('later'), 20)
  clock.setTimer(note('first'), 10)
  clock.setTimer(note('equal'), 10)
  clock.setTimer(note('cleared'), 15).clear()
  clock.setTimer(() => clock.setTimer(note('nested'), 5), 10)
  clock.advance(9)
  t.strictSame(calls, [])
  t.equal(clock.next, 1_010)
  clock.advance(11)
  t.strictSame(calls, ['first 1010', 'equal 1010', 'nested 1015', 'later 1020'])
  t.equal(clock.now(), 1_020)
  t.equal(clock.pending, 0)
  t.equal(clock.next, Infinity)
  t.end()
})

t.test('virtual time with turns of the event loop in between', async t => {
  const clock = new VirtualClock()
  const start = clock.now()
  const waits = async (): Promise<number> => {
    for (let i = 0; i < 3; i++) await new Promise<void>(resolve => clock.setTimer(resolve, 10))
    return clock.now() - start
  }
  const done = waits()
  await clock.advanceSettled(100)
  t.equal(await done, 30)
  t.equal(clock.now() - start, 100)
})

t.test('the same seed gives the same, another one something else', async t => {
  t.strictSame(seeded('a')(40), seeded('a')(40))
  t.notSame(seeded('a')(40), seeded('b')(40))
  t.notSame(seeded(1)(40), seeded(2)(40))
  const random = new SeededRandom(3)
  const numbers = Array.from({ length: 10_000 }, () => random.number())
  t.ok(numbers.every(n => n >= 0 && n < 1))
  t.ok(Math.abs(numbers.reduce((sum, n) => sum + n, 0) / 10_000 - 0.5) < 0.02)
  t.equal(random.below(0), 0)
})

t.test('the seed can be set from outside', async t => {
  const before = process.env.MINWWW_SEED
  t.teardown(() => {
    if (before === undefined) delete process.env.MINWWW_SEED
    else process.env.MINWWW_SEED = before
  })
  delete process.env.MINWWW_SEED
  t.equal(seedOf(t, 5), 5)
  process.env.MINWWW_SEED = '77'
  t.equal(seedOf(t, 5), 77)
  process.env.MINWWW_SEED = 'x'
  t.throws(() => seedOf(t, 5), RangeError)
})
