import t from 'tap'
import { Bench, FakeExit, pageObject } from './core-fake-exit.ts'

/** Requests that leave, by the exit that they go to. */
function leaving (bench: Bench, exits: Record<string, FakeExit>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { to } of bench.sent()) {
    const [id] = Object.entries(exits).find(([, exit]) => exit.keys.destination.equals(to))!
    counts[id] = (counts[id] ?? 0) + 1
  }
  return counts
}

t.test('what the best exit has no room for goes to the next, not into a queue', async t => {
  const bench = new Bench({ initialWindow: 45 })
  const [a, b] = [new FakeExit(1), new FakeExit(2)]
  bench.ready('a', a, 100)
  bench.ready('b', b, 400)
  for (let i = 0; i < 25; i++) bench.get()
  const counts = leaving(bench, { a, b })
  t.ok(counts.a! > 5 && counts.b! > 0, JSON.stringify(counts))
  t.equal(counts.a! + counts.b!, 25)
})

t.test('no more than 48 requests at once, however large the rate', async t => {
  const bench = new Bench({ initialWindow: 10_000 })
  const exit = new FakeExit()
  bench.ready('a', exit, 200)
  for (let i = 0; i < 100; i++) bench.get()
  t.equal(bench.sent().length, 48)
  t.match(bench.core.exits(bench.now), [{ waiting: 52 }])
})

t.test('an exit that sheds one of many requests gets half as many at once, and is not left', async t => {
  const bench = new Bench({ initialWindow: 10_000 })
  const exit = new FakeExit()
  bench.ready('a', exit, 200)
  for (let i = 0; i < 10; i++) bench.get()
  const [first, ...others] = bench.sent().map(message => exit.read(message))
  bench.receive(exit.error(first!, 'busy', { retryAfter: 2 }))
  t.match(bench.core.exits(bench.now), [{ state: 'ready', waiting: 1 }])
  for (const request of others.slice(0, 4)) bench.receive(exit.reply(request, pageObject('x')))
  t.equal(bench.sent().length, 0)
  for (const request of others.slice(4)) bench.receive(exit.reply(request, pageObject('x')))
  const [again] = bench.sent().map(message => exit.read(message))
  bench.receive(exit.reply(again!, pageObject('x')))
  t.equal(bench.outcomes().filter(({ type }) => type === 'response').length, 10)
})

t.test('what waits for an exit that fell silent goes on elsewhere', async t => {
  const bench = new Bench({ initialWindow: 45 })
  const [a, b] = [new FakeExit(1), new FakeExit(2)]
  bench.ready('a', a, 100)
  for (let i = 0; i < 30; i++) bench.get()
  const waiting = bench.core.exits(bench.now)[0]!.waiting
  t.ok(waiting > 0)
  bench.sent()
  bench.core.addExit(bench.now, { id: 'b', destination: b.keys.destination })
  let answered = 0
  for (let i = 0; i < 200 && answered < 30; i++) {
    for (const message of bench.wait(100)) {
      if (!message.to.equals(b.keys.destination)) continue
      const request = b.read(message)
      if (request.type !== 'open' && request.type !== 'request') continue
      bench.receive(b.reply(request, request.object.length === 0 ? Buffer.alloc(0) : pageObject('x')))
    }
    answered += bench.outcomes().filter(({ type, exit }) => type === 'response' && exit === 'b').length
  }
  t.equal(answered, 30)
})

t.test('a deadline moves while an exit still sends what is ahead, to ten times itself at most', async t => {
  const bench = new Bench({ deadline: 60_000 })
  const exit = new FakeExit()
  bench.ready('a', exit, 200)
  bench.get()
  const first = exit.read(bench.sent()[0]!)
  bench.get()
  bench.sent()
  let seconds = 0
  // A page of sixteen symbols, of which nothing is missing but the last; the other one waits behind it.
  for (; bench.outcomes().length === 0 && seconds < 700; seconds++) {
    bench.receive(exit.reply(first, Buffer.alloc(12_000), { symbolLength: 750, indices: [seconds % 15], last: 15 }))
    bench.wait(1_000)
    bench.sent()
  }
  t.ok(seconds > 65, `${seconds} s`)
  t.ok(seconds <= 605, `${seconds} s`)
})
