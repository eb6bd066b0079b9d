import { peekPrefix, tunnelMessagesOf } from '@minwww/protocol'
import type { Message } from '@minwww/protocol'
import type { Outgoing } from '../src/core.ts'
import t from 'tap'
import { seeded } from '@minwww/testkit'
import { Bench, FakeExit, pageBytes, pageObject } from './core-fake-exit.ts'

const page = seeded(9)

/** A client with one exit whose session is open, and the first message of a GET. */
function started (config = {}, sources = 2): { bench: Bench, exit: FakeExit, handle: number, first: Message } {
  const bench = new Bench(config, sources)
  const exit = new FakeExit()
  bench.ready('a', exit)
  bench.events()
  const handle = bench.get()
  return { bench, exit, handle, first: exit.read(bench.sent()[0]!) }
}

t.test('a new exit is probed with an empty OPEN', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.core.addExit(bench.now, { id: 'a', destination: exit.keys.destination })
  const [probe, ...more] = bench.sent()
  t.equal(more.length, 0)
  t.match(probe, { protocol: 19, toPort: 80, source: 0 })
  const open = exit.read(probe!)
  t.match(open, { type: 'open', attempt: 0 })
  t.equal(open.type === 'open' && open.object.length, 0)
  bench.wait(250)
  bench.receive(exit.reply(open, Buffer.alloc(0)))
  t.match(bench.events(), [{ type: 'exit-state', state: 'probing' }, { type: 'exit-state', state: 'ready' }])
  t.match(bench.core.exits(bench.now), [{ id: 'a', state: 'ready', srtt: 250 }])
  const [confirming, ...others] = bench.confirmed(exit)
  t.match(exit.read(confirming!), { type: 'request', object: Buffer.alloc(0) }, 'once more, so that routers keep their session')
  t.strictSame(others, [])
  t.equal(bench.wait(500_000).length, 0, 'an idle client is silent')
})

t.test('one message out, one back', async t => {
  const { bench, exit, handle, first } = started()
  t.equal(first.type, 'request')
  bench.wait(50)
  bench.receive(exit.reply(first, pageObject('hello')))
  const [outcome] = bench.outcomes()
  const trace = { attempts: 1, messagesSent: 1, messagesReceived: 1, repaired: false, total: 50 }
  t.match(outcome, { type: 'response', handle, exit: 'a', trace })
  t.strictSame(outcome?.type === 'response' && outcome.message, pageBytes('hello'))
  t.equal(bench.wait(59_000).length, 0, 'no copy, no repetition afterwards')
})

t.test('a request fills its tunnel message and fits into one', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.ready('a', exit)
  bench.get()
  const [request] = bench.sent()
  t.ok(request!.payload.length >= 996 - 290 - 23)
  t.equal(tunnelMessagesOf(request!.payload.length), 1)
})

t.test('before the exit is known, and after nine minutes, a request is an OPEN', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.core.addExit(bench.now, { id: 'a', destination: exit.keys.destination })
  bench.sent()
  bench.get()
  t.strictSame(bench.sent(), [], 'the probe is to be answered first')
  const opens = bench.wait(2_000).map(message => exit.read(message))
  t.ok(opens.some(open => open.type === 'open' && open.object.length > 0), 'or to be lost')

  const known = new Bench()
  known.ready('a', exit)
  known.confirmed(exit)
  known.wait(530_000)
  known.get()
  t.equal(exit.read(known.sent()[0]!).type, 'request')
  known.wait(61_000)
  known.outcomes()
  known.wait(10_000)
  known.get()
  t.equal(exit.read(known.sent().at(-1)!).type, 'open')
})

t.test('one message while nothing was lost; then copies a twentieth of a round trip apart until the answer comes', async t => {
  const { bench, exit, first } = started({}, 1)
  let repeated: ReturnType<typeof bench.wait> = []
  for (let waited = 0; repeated.length === 0 && waited < 20_000; waited++) repeated = bench.wait(1)
  t.equal(repeated.length, 1, 'silence: asked once more')
  const second = exit.read(repeated[0]!)
  t.match(second, { id: first.id, attempt: 1 })
  t.equal(bench.wait(9).length, 0)
  const [copy] = bench.wait(1)
  t.strictSame(exit.read(copy!), { ...second, flags: 1 }, 'the same message, but for its number')
  bench.receive(exit.reply(second, pageObject('x')))
  t.match(bench.outcomes(), [{ type: 'response', trace: { messagesSent: 3, attempts: 2 } }])
})

t.test('a gap in a burst is repaired with fresh symbols', async t => {
  const { bench, exit, handle, first } = started()
  const body = page(20_000)
  const object = pageObject(body)
  const options = { symbolLength: 2_000, last: 11 }
  bench.wait(200)
  bench.receive(exit.reply(first, object, { ...options, indices: [0, 1, 2, 3, 5, 6, 8, 9] }))
  const sent = bench.wait(600).map(message => exit.read(message))
  const [want] = sent
  t.match(want, { type: 'want', attempt: 1, from: 12, id: first.id })
  t.ok(want?.type === 'want' && want.count >= 3, 'what is missing and some parity')
  bench.receive(exit.reply(want!, object, { symbolLength: 2_000, indices: [12, 13, 14] }))
  const [outcome] = bench.outcomes()
  t.match(outcome, { type: 'response', handle, trace: { repaired: true, attempts: 2 } })
  t.strictSame(outcome?.type === 'response' && outcome.message, pageBytes(body))
  t.equal(bench.core.stats.wants, 1)
})

t.test('symbols in any order, and duplicates, make the page', async t => {
  const { bench, exit, first } = started()
  const body = page(9_000)
  bench.wait(100)
  const symbols = exit.reply(first, pageObject(body), { symbolLength: 1_000 })
  for (const symbol of [...symbols].reverse()) bench.receive([symbol, symbol])
  const [outcome] = bench.outcomes()
  t.strictSame(outcome?.type === 'response' && outcome.message, pageBytes(body))
  t.equal(bench.core.stats.wants, 0)
})

t.test('silence: again from the second Destination where there is one exit, as an OPEN', async t => {
  const { bench, exit } = started()
  const at = bench.core.exits(bench.now)[0]!
  const timeout = at.srtt! + 4 * at.rttvar!
  const early = bench.wait(timeout)
  t.ok(early.every(message => message.source === 0), 'only copies before the timeout')
  const retry = bench.wait(300)[0]!
  t.match(retry, { source: 1, protocol: 19 })
  const open = exit.read(retry)
  bench.receive(exit.reply(open, pageObject('late')), 1)
  t.match(bench.outcomes(), [{ type: 'response', trace: { attempts: 2 } }])
  bench.get()
  t.match(bench.sent(), [{ source: 1 }], 'the next request goes the way that was found')
})

t.test('a WANT in vain: once more for a symbol or two, but a path that loses a whole burst is left', async t => {
  const retried = (indices: number[]): Array<number | undefined> => {
    const { bench, exit, first } = started()
    bench.wait(200)
    bench.receive(exit.reply(first, pageObject(page(24_000)), { symbolLength: 1_000, last: 25, indices }))
    const asked = bench.wait(3_000).filter(({ protocol, payload }) => protocol === 19 || peekPrefix(payload)?.flags === 0)
    return asked.map(({ source }) => source).slice(0, 2)
  }
  const most = Array.from({ length: 24 }, (_, index) => index)
  t.strictSame(retried(most), [0, 0])
  t.strictSame(retried(most.slice(0, 8)), [0, 1], 'then from the other Destination')
})

t.test('silence: after three round trips the next exit', async t => {
  const bench = new Bench()
  const [a, b] = [new FakeExit(1), new FakeExit(2)]
  bench.ready('a', a, 200)
  bench.ready('b', b, 400)
  bench.get()
  const sent = bench.wait(2_500)
  const destinations = sent.map(({ to }) => to.equals(a.keys.destination) ? 'a' : 'b')
  t.equal(destinations[0], 'a', 'the faster one first')
  t.ok(destinations.includes('b'))
  const open = b.read(sent[destinations.indexOf('b')]!)
  t.equal(open.type, 'open')
  bench.receive(b.reply(open, pageObject('b')))
  t.match(bench.outcomes(), [{ type: 'response', exit: 'b' }])
})

t.test('what is not idempotent stays at its exit, with one token, from both Destinations', async t => {
  const bench = new Bench()
  const [a, b] = [new FakeExit(1), new FakeExit(2)]
  bench.ready('a', a, 200)
  bench.ready('b', b, 200)
  bench.get({ idempotent: false })
  const sent = bench.wait(60_000)
  const first = sent[0]!
  const exit = first.to.equals(a.keys.destination) ? a : b
  const messages = sent.filter(({ to }) => to.equals(first.to)).map(message => ({ ...message, said: exit.read(message) }))
    .filter(({ said }) => (said.type === 'open' || said.type === 'request') && said.object.length > 0)
  t.ok(messages.length > 1, 'it was repeated')
  t.strictSame(new Set(messages.map(({ source }) => source)), new Set([0, 1]))
  const tokens = messages.map(({ said }) => 'once' in said ? said.once?.token.toString('hex') : undefined)
  t.equal(new Set(tokens).size, 1)
  t.equal(tokens[0]?.length, 32)
  t.strictSame(
    sent.filter(({ to }) => !to.equals(first.to)).filter(({ payload }) => payload.length > 1_300),
    [],
    'the other one is probed at most'
  )
  t.match(bench.outcomes(), [{ type: 'failed', code: 'unanswered' }])
})

t.test('a path that is dead for half a minute costs no page', async t => {
  const bench = new Bench({}, 1)
  const exit = new FakeExit()
  bench.ready('a', exit, 50)
  const handle = bench.get({ timeout: 60_000 })
  bench.wait(30_000)
  const sent = bench.wait(10_000)
  t.strictSame(bench.outcomes(), [])
  bench.receive(exit.reply(exit.read(sent.findLast(({ protocol }) => protocol === 19)!), pageObject('hello')))
  t.match(bench.outcomes(), [{ type: 'response', handle, trace: { total: 40_000, attempts: 6 } }])
})

t.test('a path that dies in the middle of a reply costs no page, though the quick attempts are used up', async t => {
  const bench = new Bench({}, 1)
  const exit = new FakeExit()
  bench.ready('a', exit, 50)
  const handle = bench.get({ timeout: 60_000 })
  const request = exit.read(bench.sent()[0]!)
  bench.wait(50)
  bench.receive(exit.reply(request, pageObject(page(20_000)), { symbolLength: 900 }).slice(0, 2))
  bench.wait(30_000)
  t.strictSame(bench.outcomes(), [])
  const sent = bench.wait(20_000)
  bench.receive(exit.reply(exit.read(sent.findLast(({ protocol }) => protocol === 19)!), pageObject('hello')))
  t.match(bench.outcomes(), [{ type: 'response', handle }])
})

t.test('at most six attempts, one deadline', async t => {
  for (const timeout of [2_000, 600_000]) {
    const { bench, exit } = started()
    bench.core.cancel(bench.now, 2)
    bench.sent()
    const begun = bench.now
    bench.get({ timeout })
    const attempts = new Set(bench.wait(700_000).map(message => exit.read(message)).filter(({ type }) => type !== 'cancel')
      .map(({ session, attempt }) => `${session.toString('hex')} ${attempt}`))
    t.ok(attempts.size <= 6)
    const [outcome] = bench.outcomes()
    t.match(outcome, { type: 'failed', code: timeout > 30_000 ? 'silent' : 'timeout' })
    t.ok(outcome!.trace.total <= timeout)
    t.ok(bench.now > begun)
  }
})

t.test('what an exit refuses', async t => {
  const { bench, exit, first } = started()
  bench.receive(exit.error(first, 'too-large', { size: 300_000 }))
  t.match(bench.outcomes(), [{ type: 'failed', code: 'too-large', size: 300_000, exit: 'a' }])

  for (const name of ['not-resolved', 'connect-failed', 'upstream-timeout', 'upstream-malformed', 'bad-request'] as const) {
    bench.get()
    bench.receive(exit.error(exit.read(bench.sent()[0]!), name, { detail: 'why' }))
    t.match(bench.outcomes(), [{ type: 'failed', code: name, detail: 'why' }])
  }

  bench.get()
  const request = exit.read(bench.sent()[0]!)
  bench.receive(exit.error(request, 'unknown-id'))
  const again = exit.read(bench.wait(150)[0]!)
  t.match(again, { type: 'open' }, 'an unknown id is opened anew')
  bench.receive(exit.reply(again, pageObject('x')), 1)
  t.match(bench.outcomes(), [{ type: 'response' }])
})

t.test('busy: not before its time', async t => {
  const { bench, exit, first } = started()
  bench.receive(exit.error(first, 'busy', { retryAfter: 5 }))
  t.match(bench.core.exits(bench.now), [{ state: 'busy' }])
  t.equal(bench.wait(4_999).length, 0)
  const again = exit.read(bench.wait(1)[0]!)
  bench.receive(exit.reply(again, pageObject('x')), 0)
  bench.receive(exit.reply(again, pageObject('x')), 1)
  t.match(bench.outcomes(), [{ type: 'response' }])
})

t.test('an only exit that says it is busy for hours, or that drains, is asked again a minute later', async t => {
  for (const [name, code] of [['busy', 'busy'], ['draining', 'draining']] as const) {
    const { bench, exit, first } = started()
    bench.receive(exit.error(first, name, { retryAfter: 65_535 }))
    t.match(bench.outcomes(), [{ type: 'failed', code }], `${name}: told at once`)
    bench.wait(59_000)
    bench.get()
    bench.wait(1_000)
    bench.get()
    const again = exit.read(bench.sent().at(-1)!)
    bench.receive(exit.reply(again, pageObject('x')), 0)
    bench.receive(exit.reply(again, pageObject('x')), 1)
    t.match(bench.outcomes().at(-1), { type: 'response' }, `${name}: it has been started again meanwhile`)
  }
})

t.test('draining: another exit, if there is one', async t => {
  const bench = new Bench()
  const [a, b] = [new FakeExit(1), new FakeExit(2)]
  bench.ready('a', a, 100)
  bench.ready('b', b, 400)
  bench.get()
  bench.receive(a.error(a.read(bench.sent()[0]!), 'draining'))
  const [moved] = bench.sent()
  t.ok(moved!.to.equals(b.keys.destination))
  bench.receive(b.reply(b.read(moved!), pageObject('b')))
  t.match(bench.outcomes(), [{ type: 'response', exit: 'b' }])
  bench.get()
  t.ok(bench.sent()[0]!.to.equals(b.keys.destination), 'and it stays away')
})

t.test('draining: probes tell whether it has been started anew', async t => {
  const bench = new Bench()
  const [a, b] = [new FakeExit(1), new FakeExit(2)]
  bench.ready('a', a, 100)
  bench.ready('b', b, 400)
  const get = (): Outgoing[] => {
    bench.get()
    return bench.sent()
  }
  const answer = (exit: FakeExit, messages: Outgoing[], told = 0): void => {
    for (const message of messages.filter(({ to }) => to.equals(exit.keys.destination))) {
      const read = exit.read(message)
      if (read.type !== 'open' && read.type !== 'request') continue
      bench.receive(exit.reply(read, read.object.length === 0 ? Buffer.alloc(0) : pageObject('x'), { told: Buffer.alloc(600, told) }))
    }
  }
  const isAsked = (exit: FakeExit, messages: Outgoing[]): boolean => messages.some(({ to }) => to.equals(exit.keys.destination))
  bench.receive(a.error(a.read(get()[0]!), 'draining'))
  answer(b, bench.sent())
  for (const [told, isBack] of [[0, false], [1, true]] as const) {
    bench.wait(2_900)
    const early = get()
    t.notOk(isAsked(a, early), 'left alone for a while')
    answer(b, early)
    bench.wait(100)
    const probed = get()
    t.ok(isAsked(a, probed), 'and then probed beside the request')
    answer(b, probed)
    answer(a, probed, told)
    t.equal(bench.core.exits(bench.now).find(({ id }) => id === 'a')!.state, isBack ? 'ready' : 'draining')
  }
  t.ok(isAsked(a, get()), 'it is asked for pages again')
})

t.test('CANCEL when the browser leaves, and to an exit that was not needed', async t => {
  const { bench, exit, handle, first } = started()
  bench.core.cancel(bench.now, handle)
  t.match(exit.read(bench.sent()[0]!), { type: 'cancel', id: first.id })
  bench.receive(exit.reply(first, pageObject('late')))
  t.equal(bench.outcomes().length, 0)
  t.equal(bench.core.stats.late, 1)
  bench.core.cancel(bench.now, 999)
})

t.test('further requests wait while as much is under way as one round trip carries', async t => {
  // 128 KB/s at a round trip of 200 ms.
  const bench = new Bench({ initialWindow: 57 })
  const exit = new FakeExit()
  bench.ready('a', exit, 200)
  const handles = Array.from({ length: 60 }, () => bench.get())
  const requests = bench.sent().map(message => exit.read(message))
  t.ok(requests.length < handles.length, `${requests.length} went out`)
  t.ok(requests.length * 8_192 <= 131_072 * 1.3)
  t.equal(bench.core.exits(bench.now)[0]!.waiting, handles.length - requests.length)
  bench.wait(50)
  for (const request of requests) bench.receive(exit.reply(request, pageObject('x')))
  const more = bench.sent().map(message => exit.read(message))
  for (const request of more) bench.receive(exit.reply(request, pageObject('x')))
  t.equal(bench.outcomes().filter(({ type }) => type === 'response').length, requests.length + more.length)
  t.equal(requests.length + more.length > 30, true)
})

t.test('single mode asks for the largest messages, no parity and no copies', async t => {
  const { bench, first } = started({ replyMode: 'single' })
  t.match(first, { loss: 0, shape: 61 })
  t.equal(bench.wait(200).length, 0)
})

t.test('more requests than the bound fail at once', async t => {
  const bench = new Bench({ maxRequests: 2 })
  bench.get()
  t.match(bench.outcomes(), [{ type: 'failed', code: 'no-exit' }])
  const exit = new FakeExit()
  bench.ready('a', exit)
  bench.get()
  bench.get()
  bench.get()
  t.match(bench.outcomes(), [{ type: 'failed', code: 'overloaded' }])
})

t.test('a site of its own: not the pool, and the second Destination for retries', async t => {
  const bench = new Bench()
  const [pool, site] = [new FakeExit(1), new FakeExit(2)]
  bench.ready('a', pool)
  bench.confirmed(pool)
  bench.core.request(bench.now, {
    message: Buffer.from('GET http://b.i2p/ HTTP/1.1\r\n\r\n'), site: 'b.i2p', idempotent: true, destination: site.keys.destination
  })
  const sent = bench.wait(60_000)
  t.ok(sent.every(({ to }) => to.equals(site.keys.destination)))
  t.strictSame([...new Set(sent.map(({ source }) => source))], [0, 1])
})
