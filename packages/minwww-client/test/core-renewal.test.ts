import { LocalDestination } from '@minwww/i2cp/codec'
import type { Message } from '@minwww/protocol'
import t from 'tap'
import { seeded } from '@minwww/testkit'
import { Bench, FakeExit, pageObject } from './core-fake-exit.ts'

const newKeys = LocalDestination.generate(seeded(900))

/** What a probe gets, and what a page's request gets. */
const answerOf = (read: Message): Buffer => read.type === 'open' && read.object.length === 0 ? Buffer.alloc(0) : pageObject('hello')

t.test('what is in flight starts anew from the new Destination', async t => {
  const bench = new Bench({}, 1)
  const exit = new FakeExit()
  bench.ready('a', exit)
  const handles = [bench.get(), bench.get()]
  const first = bench.sent()
  t.equal(exit.read(first[0]!).type, 'request')
  bench.core.suspend(bench.now, 0)
  bench.events()
  t.equal(bench.wait(20_000).length, 0, 'silent while nothing can be sent')
  handles.push(bench.get())
  t.strictSame(bench.outcomes(), [])
  t.equal(bench.sent().length, 0)

  bench.core.resume(bench.now, 0, newKeys)
  const sent = bench.sent()
  const opens = sent.map(message => exit.read(message))
  t.ok(opens.every(open => open.type === 'open' && open.attempt === 0))
  t.not(opens[0]!.session.toString('hex'), exit.read(first[0]!).session.toString('hex'), 'a session of its own')
  bench.wait(50)
  const pages = opens.filter(open => open.type === 'open' && open.object.length > 0)
  for (const open of pages) bench.receive(exit.reply(open, pageObject('hello')))
  for (const message of bench.sent()) bench.receive(exit.reply(exit.read(message), pageObject('hello')))
  t.strictSame(bench.outcomes().map(({ type, handle }) => [type, handle]), handles.map(handle => ['response', handle]))
  t.match(bench.core.exits(bench.now), [{ id: 'a', state: 'ready' }], 'its path and health are kept')
  t.ok(bench.core.exits(bench.now)[0]!.srtt! < 210)

  bench.receive(exit.reply(exit.read(first[0]!), pageObject('late')))
  t.equal(bench.core.stats.unknownSessions, 1, 'nothing comes in under the old keys')
})

t.test('a burst that was cut off counts as no loss', async t => {
  const bench = new Bench({}, 1)
  const exit = new FakeExit()
  bench.ready('a', exit)
  const { loss, rate, shape } = bench.core.exits(bench.now)[0]!
  bench.get()
  const request = exit.read(bench.sent()[0]!)
  bench.wait(50)
  bench.receive(exit.reply(request, pageObject(seeded(9)(20_000)), { symbolLength: 1_000, indices: [0, 1], last: 23 }))
  bench.core.suspend(bench.now, 0)
  bench.wait(10_000)
  t.match(bench.core.exits(bench.now)[0], { loss, rate, shape, failures: 0 })
})

t.test('until an exit has answered again attempts do not run out; the deadline holds', async t => {
  const bench = new Bench({ maxAttempts: 3 }, 1)
  const exit = new FakeExit()
  bench.ready('a', exit, 50)
  const handle = bench.get({ timeout: 60_000 })
  const lost = bench.get({ timeout: 30_000 })
  bench.core.suspend(bench.now, 0)
  bench.wait(5_000)
  bench.core.resume(bench.now, 0, newKeys)
  const sent = bench.wait(40_000)
  t.ok(sent.length > 6, `${sent.length} messages`)
  t.match(bench.outcomes(), [{ type: 'failed', handle: lost, code: 'timeout' }])
  t.equal(bench.core.exits(bench.now)[0]!.failures <= 1, true, 'the exit is not blamed')
  const next = (): Message | undefined =>
    bench.wait(50).map(message => exit.read(message)).find(message => message.type === 'open' && message.object.length > 0)
  let again = next()
  for (let i = 0; again === undefined && i < 40; i++) again = next()
  bench.receive(exit.reply(again!, pageObject('hello')))
  t.match(bench.outcomes(), [{ type: 'response', handle }])

  bench.get({ timeout: 60_000 })
  bench.wait(60_000)
  t.match(bench.outcomes(), [{ type: 'failed', trace: { attempts: 3 } }], 'then they count again')
})

t.test('what was lost on the way to one exit goes to the one that has answered since', async t => {
  const bench = new Bench({ maxAttempts: 3, strategy: 'round-robin' }, 1)
  const exits = [new FakeExit(7), new FakeExit(8)] as const
  bench.ready('a', exits[0], 50)
  bench.ready('b', exits[1], 50)
  bench.get({ timeout: 60_000 })
  bench.core.suspend(bench.now, 0)
  bench.wait(5_000)
  bench.core.resume(bench.now, 0, newKeys)
  const outcomes = Array.from({ length: 600 }, () => {
    for (const message of bench.wait(100)) {
      const isForA = message.to.equals(exits[0].keys.destination)
      const read = exits[isForA ? 0 : 1].read(message)
      if (!isForA && read.type !== 'cancel') bench.receive(exits[1].reply(read, answerOf(read)))
    }
    return bench.outcomes()
  }).flat()
  t.match(outcomes, [{ type: 'response', exit: 'b' }])
})

t.test('an exit that comes back is asked for what waits for one that is dead', async t => {
  const bench = new Bench({ strategy: 'round-robin' }, 1)
  const exits = [new FakeExit(7), new FakeExit(8)] as const
  bench.ready('a', exits[0], 50)
  bench.ready('b', exits[1], 50)
  const handles = [bench.get({ timeout: 60_000 }), bench.get({ timeout: 60_000 })]
  const sent = bench.wait(45_000)
  t.match(bench.core.exits(bench.now), [{ state: 'down' }, { state: 'down' }])
  const toB = (messages: typeof sent) => messages
    .filter(({ to }) => to.equals(exits[1].keys.destination))
    .map(message => exits[1].read(message))
    .filter(({ type }) => type !== 'cancel')
  bench.receive(exits[1].reply(toB(sent).at(-1)!, pageObject('hello')))
  for (const message of toB(bench.sent())) bench.receive(exits[1].reply(message, pageObject('hello')))
  t.strictSame(bench.outcomes().map(({ type, handle }) => [type, handle]).sort(), handles.map(handle => ['response', handle]))
})

t.test('an exit that comes back just after the last attempt began is asked all the same', async t => {
  const exits = [new FakeExit(7), new FakeExit(8)] as const
  const begin = (): { bench: Bench, handle: number } => {
    const bench = new Bench({ strategy: 'round-robin' }, 1)
    bench.ready('a', exits[0], 50)
    bench.ready('b', exits[1], 50)
    return { bench, handle: bench.get({ timeout: 60_000 }) }
  }
  const steps = begin().bench
  let lastAttempt = 0
  for (let now = 0; now < 50_000; now += 100) if (steps.wait(100).length > 0) lastAttempt = now + 100
  const { bench, handle } = begin()
  bench.wait(lastAttempt + 200)
  const other = bench.get({ timeout: 60_000 })
  for (let i = 0; i < 100; i++) {
    for (const message of bench.wait(100).filter(({ to }) => to.equals(exits[1].keys.destination))) {
      const read = exits[1].read(message)
      if (read.type !== 'cancel') bench.receive(exits[1].reply(read, answerOf(read)))
    }
  }
  const outcomes = bench.outcomes().map(({ type, handle }) => [type, handle]).sort()
  t.strictSame(outcomes, [handle, other].sort().map(handle => ['response', handle]))
})

t.test('an exit of which a stream failed is probed, and given up if it is silent', t => {
  const bench = new Bench({}, 1)
  const [dead, alive] = [new FakeExit(7), new FakeExit(8)]
  bench.ready('dead', dead, 50)
  bench.ready('alive', alive, 60)
  bench.core.suspectExit(bench.now, 'dead')
  bench.core.suspectExit(bench.now, 'alive')
  bench.core.suspectExit(bench.now, 'unknown')
  const probes = bench.sent().filter(({ to }) => to.equals(alive.keys.destination))
  for (const message of probes) bench.receive(alive.reply(alive.read(message), Buffer.alloc(0)))
  bench.wait(30_000)
  t.match(bench.core.exits(bench.now), [{ id: 'dead', state: 'down' }, { id: 'alive', state: 'ready' }])
  bench.core.suspectExit(bench.now, 'dead')
  t.equal(bench.sent().length, 0, 'who is down already is probed in its own time')
  t.end()
})

t.test('pages go past three dead exits that nobody knew to be dead', async t => {
  const bench = new Bench({}, 1)
  const exits = Array.from({ length: 8 }, (_, i) => new FakeExit(20 + i))
  for (const [i, exit] of exits.entries()) bench.ready(`exit ${i}`, exit, 50 + i * 20)
  const alive = exits[7]!
  const handle = bench.get({ timeout: 60_000 })
  const began = bench.now
  for (const limit = bench.now + 60_000; bench.now < limit;) {
    const asked = bench.wait(100).filter(({ to }) => to.equals(alive.keys.destination))
    for (const message of asked) bench.receive(alive.reply(alive.read(message), pageObject('hello')))
    const [outcome] = bench.outcomes()
    if (outcome === undefined) continue
    t.match(outcome, { type: 'response', handle })
    t.ok(bench.now - began < 30_000, `${bench.now - began} ms`)
    return
  }
  t.fail('no outcome')
})

t.test('of two Destinations the other one takes over', async t => {
  const bench = new Bench({}, 2)
  const exit = new FakeExit()
  bench.ready('a', exit)
  bench.get()
  bench.sent()
  bench.core.suspend(bench.now, 0)
  const [open] = bench.wait(150)
  t.match(open, { source: 1, protocol: 19 })
  bench.core.suspend(bench.now, 1)
  t.equal(bench.wait(5_000).length, 0)
  bench.core.resume(bench.now, 1, newKeys)
  const again = bench.sent()
  t.ok(again.length > 0 && again.every(({ source }) => source === 1))
  bench.receive(exit.reply(exit.read(again[0]!), pageObject('hello')), 1)
  t.match(bench.outcomes(), [{ type: 'response' }])
  bench.sent()
  bench.core.resume(bench.now, 7, newKeys)
  t.equal(bench.sent().length, 0, 'a source that does not exist')
})

t.test('what must not be fetched twice goes on with its token if it was sent, and waits if it was not', async t => {
  const bench = new Bench({}, 1)
  const exit = new FakeExit()
  bench.ready('a', exit)
  const tokenOf = (message: Message): string | undefined => 'once' in message ? message.once?.token.toString('hex') : undefined
  const sent = bench.get({ idempotent: false })
  const before = tokenOf(exit.read(bench.sent()[0]!))
  bench.core.suspend(bench.now, 0)
  t.match(bench.outcomes(), [])
  bench.core.resume(bench.now, 0, newKeys)
  const again = bench.wait(500).map(message => exit.read(message)).find(message => tokenOf(message) !== undefined)!
  t.equal(tokenOf(again), before)
  t.ok(before !== undefined)
  bench.receive(exit.reply(again, pageObject('once')))
  t.match(bench.outcomes(), [{ type: 'response', handle: sent }])
  bench.core.suspend(bench.now, 0)
  bench.sent()
  const waiting = bench.get({ idempotent: false })
  const cancelled = bench.get()
  bench.core.cancel(bench.now, cancelled)
  bench.wait(1_000)
  bench.core.resume(bench.now, 0, newKeys)
  const open = exit.read(bench.sent()[0]!)
  bench.receive(exit.reply(open, pageObject('hello')))
  t.match(bench.outcomes(), [{ type: 'response', handle: waiting }])
})

t.test('an exit added meanwhile is probed afterwards; one that waits for room or for a busy exit is not forgotten', async t => {
  const bench = new Bench({ initialWindow: 2 }, 1)
  const exit = new FakeExit()
  bench.ready('a', exit)
  const handles = Array.from({ length: 6 }, () => bench.get({ timeout: 120_000 }))
  const first = exit.read(bench.sent()[0]!)
  t.ok(bench.core.exits(bench.now)[0]!.waiting > 0)
  bench.receive(exit.error(first, 'busy', { retryAfter: 2 }))
  bench.core.suspend(bench.now, 0)
  bench.core.addExit(bench.now, { id: 'b', destination: new FakeExit(8).keys.destination })
  t.equal(bench.wait(10_000).length, 0)
  bench.core.removeExit(bench.now, 'b')
  const other = new FakeExit(9)
  bench.core.addExit(bench.now, { id: 'c', destination: other.keys.destination })
  bench.core.resume(bench.now, 0, newKeys)
  const done = new Set<number>()
  let probes = 0
  for (let step = 0; step < 1_000 && done.size < handles.length; step++) {
    for (const message of bench.wait(20)) {
      if (message.to.equals(other.keys.destination)) probes++
      else {
        const read = exit.read(message)
        if (read.type === 'cancel') continue
        bench.receive(exit.reply(read, answerOf(read)))
      }
    }
    for (const { type, handle } of bench.outcomes()) if (type === 'response') done.add(handle)
  }
  t.strictSame([...done].sort((a, b) => a - b), handles)
  t.ok(probes > 0)
})
