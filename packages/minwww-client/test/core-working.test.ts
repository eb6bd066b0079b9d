// Requests that an exit says it works on, and answers of which a message is the beginning only.
import t from 'tap'
import { Bench, FakeExit, pageBytes, pageObject } from './core-fake-exit.ts'
import type { Message } from '@minwww/protocol'

/** What the client asks a site for by these messages. */
const asks = (read: Message[]): Message[] => read.filter(({ type }) => type === 'open' || type === 'request' || type === 'body')

t.test('one exit or two: who is told WORKING asks nobody, and the answer comes after minutes', async t => {
  for (const count of [1, 2]) {
    const bench = new Bench()
    const exits = Array.from({ length: count }, (_, index) => new FakeExit(7 + index))
    for (const [index, exit] of exits.entries()) bench.ready(`exit${index}`, exit)
    bench.confirmed(...exits)
    bench.get()
    const [sent] = bench.sent()
    const exit = exits.find(exit => sent!.to.equals(exit.keys.destination))!
    const first = exit.read(sent!)
    bench.wait(250)
    bench.receive(exit.working(first))
    const more: Message[] = []
    for (let second = 0; second < 240; second += 5) {
      more.push(...bench.wait(5_000).map(message => exit.read(message)))
      bench.receive(exit.working(first))
    }
    t.strictSame(asks(more), [], `${count} exits`)
    const [before] = bench.core.exits(bench.now)
    bench.receive(exit.reply(first, pageObject('late')))
    t.match(bench.outcomes(), [{ type: 'response', message: pageBytes('late') }])
    const [after] = bench.core.exits(bench.now)
    t.equal(after!.srtt, before!.srtt, 'a slow site is no slow path')
    t.ok((after!.score ?? 0) < 1_000, `nor a slow exit: ${after!.score}`)
    t.equal(after!.inFlight, 0)
  }
})

t.test('without WORKING the deadline is what it was; with it the long one, and then it is over', async t => {
  for (const [isWorking, deadline, code] of [[false, 60_000, 'silent'], [true, 300_000, 'timeout']] as const) {
    const bench = new Bench()
    const exit = new FakeExit()
    bench.ready('exit', exit)
    const begun = bench.now
    bench.get()
    const first = exit.read(bench.sent()[0]!)
    bench.wait(200)
    while (bench.now < begun + deadline - 100) {
      if (isWorking) bench.receive(exit.working(first))
      bench.wait(Math.min(4_900, begun + deadline - 100 - bench.now))
    }
    t.strictSame(bench.outcomes(), [])
    bench.wait(100)
    t.match(bench.outcomes(), [{ type: 'failed', code }], `${deadline} ms`)
    t.equal(bench.core.load.requests, 0)
  }
})

t.test('an exit that has worked and falls silent is asked again itself, under the same id, then another one', async t => {
  const bench = new Bench()
  const exits = [new FakeExit(7), new FakeExit(8)]
  for (const [index, exit] of exits.entries()) bench.ready(`exit${index}`, exit)
  bench.confirmed(...exits)
  bench.get()
  const [sent] = bench.sent()
  const [exit, other] = exits[0]!.keys.destination.equals(sent!.to) ? exits : [exits[1]!, exits[0]!]
  const first = exit!.read(sent!)
  bench.wait(200)
  bench.receive(exit!.working(first))
  t.strictSame(bench.wait(9_900), [], 'one WORKING may be lost')
  const repeated = bench.wait(1_500).filter(message => message.to.equals(exit!.keys.destination)).map(message => exit!.read(message))
  t.match(repeated[0], { type: 'open', session: first.session, id: first.id, attempt: 1 })
  const elsewhere = bench.wait(20_000).filter(message => message.to.equals(other!.keys.destination)).map(message => other!.read(message))
  t.ok(asks(elsewhere).length > 0)
})

t.test('WORKING answers an earlier attempt than the one that waits', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.ready('exit', exit)
  bench.get({ idempotent: false })
  const first = exit.read(bench.sent()[0]!)
  const repeated = bench.wait(700)
  t.match(repeated[0], { source: 1 })
  t.match(exit.read(repeated[0]!), { type: 'open', once: 'once' in first ? first.once : undefined })
  bench.receive(exit.working(first))
  t.strictSame(asks(bench.wait(9_900).map(message => exit.read(message))), [])
})

t.test('an exit that works for nobody is told so, once for each time that it says it', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.ready('exit', exit)
  const handle = bench.get()
  const first = exit.read(bench.sent()[0]!)
  bench.core.cancel(bench.now, handle)
  t.match(bench.sent().map(message => exit.read(message)), [{ type: 'cancel', id: first.id }])
  bench.receive([exit.working(first), exit.working({ ...first, attempt: 3 })])
  t.match(bench.sent().map(message => exit.read(message)), [
    { type: 'cancel', attempt: 0, id: first.id }, { type: 'cancel', attempt: 3, id: first.id }
  ])
  t.strictSame(bench.wait(59_000), [])
  t.equal(bench.core.stats.workings, 2)
})

t.test('what must not be fetched twice waits, too', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.ready('exit', exit)
  bench.get({ idempotent: false })
  const first = exit.read(bench.sent()[0]!)
  const more: Message[] = []
  for (let second = 0; second < 90; second += 5) {
    bench.receive(exit.working(first))
    more.push(...bench.wait(5_000).map(message => exit.read(message)))
  }
  t.strictSame(more, [])
  bench.receive(exit.reply(first, pageObject('done')))
  t.match(bench.outcomes(), [{ type: 'response' }])
})

t.test('a beginning: the first symbol names the stream, the response has the rest, whatever comes twice', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.ready('exit', exit)
  const handle = bench.get()
  const first = exit.read(bench.sent()[0]!)
  const object = pageObject(Buffer.from(Array.from({ length: 3_000 }, (_, index) => index * 97 % 256)))
  const [a, b, c] = exit.reply(first, object, { symbolLength: Math.ceil(object.length / 3), part: 'beginning' })
  const rest = { exit: exit.keys.destination, source: 0, session: first.session.toString('hex'), id: first.id }
  bench.receive([b!, b!])
  t.match(bench.events().filter(({ type }) => type !== 'exit-state'), [{ type: 'begins', handle, rest }])
  bench.receive([a!, c!])
  t.match(bench.events().filter(({ type }) => type !== 'exit-state'), [{ type: 'response', handle, rest }])
  t.equal(bench.core.load.requests, 0)
})

t.test('symbols of a whole answer and of a beginning make nothing together', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.ready('exit', exit)
  bench.get()
  const first = exit.read(bench.sent()[0]!)
  const object = pageObject(Buffer.from(Array.from({ length: 3_000 }, (_, index) => index * 97 % 256)))
  const symbolLength = Math.ceil(object.length / 2)
  bench.receive(exit.reply(first, object, { symbolLength, indices: [0], last: 1 }))
  bench.receive(exit.reply(first, object, { symbolLength, indices: [1], last: 1, part: 'beginning' }))
  t.equal(bench.core.stats.inconsistent, 1)
  t.strictSame(bench.events().filter(({ type }) => type !== 'exit-state'), [])
})
