// First contact: to an exit that routers have no session with, one message goes first.
import t from 'tap'
import { LocalDestination } from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'
import type { Outgoing } from '../src/core.ts'
import { againAfter, FirstContact, MAX_HELD, type Held } from '../src/core/first-contact.ts'
import { Bench, FakeExit, pageObject } from './core-fake-exit.ts'

const message = (source: number, number: number): Outgoing => ({ source, expires: number }) as unknown as Outgoing
const held = (source: number, number: number, isWanted = () => true): Held => ({ message: message(source, number), isWanted })
const even = (): number => 0.5

t.test('who was heard in the last 80 s is sent anything at once; others one message in 210 ms', async t => {
  const contact = new FirstContact()
  t.ok(contact.pass(0, held(0, 0), 0, even))
  t.notOk(contact.pass(0, held(0, 1), 0, even))
  t.notOk(contact.pass(100, held(1, 2), 0, even), 'the exit\'s router counts all peers together')
  t.equal(contact.nextTimeout(), 210)
  t.equal(contact.handleTimeout(209, even), undefined)
  t.match(contact.handleTimeout(210, even), { expires: 2 }, 'one Destination after the other')
  t.equal(contact.nextTimeout(), 630, 'twice as long while nothing is answered')
  contact.pass(250, held(1, 3), 0, even)
  t.strictSame(contact.heard(300, 1, even), [message(1, 3)], 'an answer frees what waits for it')
  t.ok(contact.isKnown(80_299, 1))
  t.notOk(contact.isKnown(80_299, 0))
  t.notOk(contact.isKnown(80_300, 1))
})

t.test('what waits is bounded, and goes with its Destination', async t => {
  const contact = new FirstContact()
  for (let i = 0; i <= MAX_HELD + 5; i++) contact.pass(0, held(0, i), 0, even)
  t.match(contact.handleTimeout(210, even), { expires: 6 }, 'the oldest were dropped')
  for (let i = 0; i < 20; i++) contact.pass(220, held(1, 50 + i), 0, even)
  contact.forget(1)
  contact.pass(210, held(1, 99), 0, even)
  contact.forget(0)
  t.notOk(contact.isAwaited(0))
  t.match(contact.handleTimeout(630, even), { expires: 99 })
  t.equal(contact.handleTimeout(10_000, even), undefined)
  contact.pass(10_000, held(0, 1), 0, even)
  contact.pass(10_000, held(0, 2, () => false), 0, even)
  contact.pass(10_000, held(0, 3), 0, even)
  t.match(contact.handleTimeout(20_000, even), { expires: 3 }, 'nobody waits for the other any more')
})

/** A client and an exit that is not answered yet. */
function fresh (sources = 2): { bench: Bench, exit: FakeExit } {
  const bench = new Bench({}, sources)
  const exit = new FakeExit()
  bench.core.addExit(bench.now, { id: 'a', destination: exit.keys.destination })
  return { bench, exit }
}

t.test('24 pages at once right after the start wait for the answer to the probe, then all go', async t => {
  const { bench, exit } = fresh()
  const probe = exit.read(bench.sent()[0]!)
  for (let i = 0; i < 24; i++) bench.get()
  t.strictSame(bench.wait(400), [])
  bench.receive(exit.reply(probe, Buffer.alloc(0)))
  const requests = bench.sent().map(message => exit.read(message))
  t.equal(requests.length, 24)
  t.ok(requests.every(({ type }) => type === 'request'))
})

t.test('after 130 s without a word one request goes first; WORKING with next 0 is answer enough', async t => {
  const { bench, exit } = fresh()
  const probe = exit.read(bench.sent()[0]!)
  bench.wait(200)
  bench.receive(exit.reply(probe, Buffer.alloc(0)))
  bench.confirmed(exit)
  t.strictSame(bench.wait(130_000), [])
  for (let i = 0; i < 6; i++) bench.get()
  const [first, ...more] = bench.wait(150).map(message => exit.read(message))
  t.strictSame(more, [])
  bench.receive(exit.working(first!, 0))
  t.equal(bench.sent().length, 5)
  t.equal(bench.core.stats.workings, 1)
  bench.wait(50)
  bench.receive(exit.reply(first!, pageObject('hello')))
  t.equal(bench.outcomes().length, 1)
})

t.test('a lost first message is sent again after half a second to one and a half', async t => {
  t.strictSame([0, 0.5, 1].map(chance => againAfter(chance, 300)), [500, 1_000, 1_500])
  t.equal(againAfter(0.5, 4_000), 4_000, 'not before an answer can be here')
  const { bench } = fresh()
  t.equal(bench.sent().length, 1)
  const sent: number[] = []
  for (let time = 10; time < 2_900; time += 10) sent.push(...bench.wait(10).map(() => time))
  t.ok(sent.length === 2 || sent.length === 3, sent.join(' '))
  t.ok(sent[0]! >= 500 && sent[1]! - sent[0]! >= 490, sent.join(' '))
})

t.test('while nothing answers, whatever is asked leaves at least 210 ms apart', async t => {
  const { bench } = fresh()
  let last = bench.now
  t.equal(bench.sent().length, 1)
  for (let i = 0; i < 24; i++) bench.get({ timeout: 20_000 })
  const gaps: number[] = []
  for (let step = 0; step < 10_000; step++) {
    const sent = bench.wait(1)
    if (sent.length === 0) continue
    gaps.push(...sent.map((_, index) => index === 0 ? bench.now - last : 0))
    last = bench.now
  }
  t.ok(gaps.length >= 5, `${gaps.length} messages in 10 s`)
  t.ok(Math.min(...gaps) >= 209, gaps.map(Math.round).join(' '))
})

t.test('while somebody browses the exit is asked every 60 to 75 s; then no more', async t => {
  const { bench, exit } = fresh(1)
  const answer = (messages: Outgoing[]): number => {
    for (const message of messages) {
      const read = exit.read(message)
      if (read.type === 'cancel') continue
      bench.receive(
        exit.reply(
          read,
          read.type === 'open' || read.type === 'request' ? (read.object.length === 0 ? Buffer.alloc(0) : pageObject('x')) : Buffer.alloc(0)
        )
      )
    }
    return messages.length
  }
  answer(bench.wait(200))
  bench.get()
  t.ok(answer(bench.sent()) > 0)
  const asked: number[] = []
  const start = bench.now
  for (let second = 0; second < 900; second++) if (answer(bench.wait(1_000)) > 0) asked.push((bench.now - start) / 1000)
  t.ok(asked.length === 2 || asked.length === 3, asked.join(' '))
  asked.forEach((at, index) => {
    const gap = at - (asked[index - 1] ?? 0)
    t.ok(gap >= 60 && gap <= 77, `${gap} s`)
  })
  t.equal(bench.core.nextTimeout(), undefined, 'an idle client is silent')
})

t.test('an exit that hears nothing after its first answer is asked once more from there, before its router forgets the session', async t => {
  const asked = (bench: Bench, exit: FakeExit): number[] => {
    const times: number[] = []
    const start = bench.now
    for (let step = 0; step < 600; step++) {
      for (const message of bench.wait(100)) {
        times.push(bench.now - start)
        bench.receive(exit.reply(exit.read(message), Buffer.alloc(0)), message.source)
      }
    }
    return times
  }
  const first = (bench: Bench, exit: FakeExit): void => {
    const probe = exit.read(bench.sent()[0]!)
    bench.wait(200)
    bench.receive(exit.reply(probe, Buffer.alloc(0)))
  }
  t.test('once, although it answers', async t => {
    const { bench, exit } = fresh()
    first(bench, exit)
    t.strictSame(asked(bench, exit), [2_000])
  })
  t.test('not where a page follows', async t => {
    const { bench, exit } = fresh()
    first(bench, exit)
    bench.wait(1_000)
    bench.get()
    const request = exit.read(bench.sent()[0]!)
    bench.wait(200)
    bench.receive(exit.reply(request, pageObject('hello')))
    t.strictSame(asked(bench, exit), [])
  })
  t.test('not where what waited for the answer follows', async t => {
    const { bench, exit } = fresh()
    const probe = exit.read(bench.sent()[0]!)
    for (let i = 0; i < 3; i++) bench.get()
    bench.wait(200)
    bench.receive(exit.reply(probe, Buffer.alloc(0)))
    for (const message of bench.sent()) bench.receive(exit.reply(exit.read(message), pageObject('hello')))
    t.strictSame(asked(bench, exit), [])
  })
  t.test('again where the question is lost', async t => {
    const { bench, exit } = fresh()
    first(bench, exit)
    const [lost, ...more] = bench.wait(2_000)
    t.match(lost, { source: 0 })
    t.strictSame(more, [])
    const again = bench.wait(2_000).filter(({ payload }) => !payload.equals(lost!.payload))
    t.match(again[0], { source: 0 }, 'from the same Destination')
  })
  t.test('from each of our Destinations; and it stays asked from where it was', async t => {
    const { bench, exit } = fresh()
    first(bench, exit)
    bench.confirmed(exit)
    bench.wait(10_000)
    bench.core.suspend(bench.now, 1)
    bench.core.resume(bench.now, 1, LocalDestination.generate(seeded(201)))
    const probe = bench.sent()[0]!
    t.equal(probe.source, 1)
    bench.get()
    const request = exit.read(bench.sent()[0]!)
    bench.wait(200)
    bench.receive(exit.reply(request, pageObject('hello')))
    bench.receive(exit.reply(exit.read(probe), Buffer.alloc(0)), 1)
    t.equal(bench.core.exits()[0]!.source, 0)
    const [confirming, ...more] = bench.wait(2_000)
    t.strictSame(more, [])
    t.equal(confirming!.source, 1)
    bench.receive(exit.reply(exit.read(confirming!), Buffer.alloc(0)), 1)
    t.equal(bench.core.exits()[0]!.source, 0)
  })
  t.test('a site too', async t => {
    const { bench, exit } = fresh()
    first(bench, exit)
    bench.confirmed(exit)
    const site = new FakeExit(9)
    bench.core.request(bench.now, {
      message: Buffer.from('GET http://b.i2p/ HTTP/1.1\r\n\r\n'), site: 'b.i2p', idempotent: true, destination: site.keys.destination
    })
    const request = site.read(bench.sent()[0]!)
    bench.wait(200)
    bench.receive(site.reply(request, pageObject('hello')))
    t.strictSame(asked(bench, site), [2_000])
  })
  t.test('not where the exit or the Destination is gone', async t => {
    const gone = [(bench: Bench) => bench.core.removeExit(bench.now, 'a'), (bench: Bench) => bench.core.suspend(bench.now, 0)]
    for (const leave of gone) {
      const { bench, exit } = fresh(1)
      first(bench, exit)
      leave(bench)
      t.strictSame(bench.wait(60_000), [])
    }
  })
})
