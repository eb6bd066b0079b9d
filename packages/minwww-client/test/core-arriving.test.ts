// Answers that are handed on while they arrive.
import { decodeObject, encodeObject } from '@minwww/protocol'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { Bench, FakeExit, pageBytes, pageObject, type Outcome } from './core-fake-exit.ts'
import type { ClientEvent } from '../src/core.ts'

type Part = Extract<ClientEvent, { type: 'part' }>

const LENGTH = 4_000

/** A page of 40 symbols, and a bench that has asked for it. */
function asked (
  count = 1,
  mayArrive = true,
  handOn: 'any' | 'resumable' = 'any',
  object = pageObject(Buffer.from(seeded(9)(110_000)))
): { bench: Bench; exits: FakeExit[]; exit: FakeExit; handle: number; first: ReturnType<FakeExit['read']>; object: Buffer } {
  const bench = new Bench({ handOn })
  const exits = Array.from({ length: count }, (_, index) => new FakeExit(7 + index))
  for (const [index, exit] of exits.entries()) bench.ready(`exit${index}`, exit)
  const handle = bench.core.request(bench.now, {
    message: Buffer.from('GET http://a.i2p/ HTTP/1.1\r\n\r\n'),
    site: 'a.i2p',
    idempotent: true,
    mayArrive
  })
  const [sent] = bench.sent()
  const exit = exits.find(exit => sent!.to.equals(exit.keys.destination))!
  return { bench, exits, exit, handle, first: exit.read(sent!), object }
}

const told = (events: ClientEvent[]): Array<Part | Outcome> =>
  events.filter((event): event is Part | Outcome => event.type === 'part' || event.type === 'response' || event.type === 'failed')
const bytesOf = (events: Array<Part | Outcome>): Buffer =>
  Buffer.concat(events.map(event => (event.type === 'part' ? event.bytes : Buffer.alloc(0))))

t.test('the front goes on as it grows, in order, and with the end it is the whole', t => {
  const { bench, exit, handle, first, object } = asked()
  bench.wait(200)
  const symbols = exit.reply(first, object, { symbolLength: LENGTH, pace: 65_536 })
  const steps = [[0, LENGTH], [2, 0], [1, 2 * LENGTH], [4, 0], [3, 2 * LENGTH]] as const
  const events: Array<Part | Outcome> = []
  for (const [index, bytes] of steps) {
    bench.wait(50)
    bench.receive(symbols[index]!)
    const now = told(bench.events())
    t.equal(bytesOf(now).length, bytes, `symbol ${index}`)
    events.push(...now)
  }
  bench.receive(symbols.slice(5))
  events.push(...told(bench.events()))
  t.ok(bytesOf(events).equals(object))
  t.match(events.at(-1), { type: 'response', handle, message: pageBytes(Buffer.from(seeded(9)(110_000))) })
  t.ok(events.every(event => event.handle === handle && event.exit === 'exit0'))
  t.end()
})

t.test('what is near, and what nobody asked for in parts, comes whole', t => {
  for (const [mayArrive, pace] of [[true, 4_194_304], [false, 65_536]] as const) {
    const { bench, exit, first, object } = asked(1, mayArrive)
    bench.wait(200)
    bench.receive(exit.reply(first, object, { symbolLength: LENGTH, pace }))
    t.match(told(bench.events()), [{ type: 'response' }])
  }
  t.end()
})

t.test('a beginning comes in parts however near its end is, where it could be resumed', t => {
  const fields: Array<[string, string]> = [['ETag', '"v1"'], ['Accept-Ranges', 'bytes'], ['Content-Length', '110000']]
  for (const [handOn, headers, isHandedOn] of [['any', [], true], ['resumable', fields, true], ['resumable', [], false]] as const) {
    const object = encodeObject(pageBytes(Buffer.from(seeded(9)(110_000)), [...headers]))
    const { bench, exit, first } = asked(1, true, handOn, object)
    bench.wait(200)
    bench.receive(exit.reply(first, object, { symbolLength: LENGTH, pace: 4_194_304, part: 'beginning' }))
    const events = told(bench.events())
    t.equal(events.filter(({ type }) => type === 'part').length, isHandedOn ? Math.ceil(object.length / LENGTH) : 0)
    t.match(events.at(-1), { type: 'response', rest: { id: Number } })
    if (isHandedOn) t.ok(bytesOf(events).equals(object))
  }
  t.end()
})

t.test('a gap: the front is handed on when the rest has to be asked for, and WANT brings what is missing', t => {
  const { bench, exit, first, object } = asked()
  bench.wait(200)
  const symbols = exit.reply(first, object, { symbolLength: LENGTH, pace: 4_194_304 })
  bench.receive(symbols.filter((_, index) => index !== 3))
  t.strictSame(told(bench.events()), [])
  const wants = bench.wait(1_000).map(message => exit.read(message)).filter(({ type }) => type === 'want')
  t.ok(wants.length > 0)
  const begun = told(bench.events())
  t.equal(bytesOf(begun).length, 3 * LENGTH)
  const [want] = wants
  if (want?.type === 'want') bench.receive(exit.reply(want, object, { symbolLength: LENGTH, indices: [want.from] }))
  const ended = told(bench.events())
  t.ok(bytesOf([...begun, ...ended]).equals(object))
  t.match(ended.at(-1), { type: 'response' })
  t.end()
})

t.test('an exit that falls silent in the middle is asked again, no other one is, and another answer completes nothing', t => {
  const { bench, exits, exit, first, object } = asked(2)
  bench.wait(200)
  bench.receive(exit.reply(first, object, { symbolLength: LENGTH, pace: 65_536 }).slice(0, 4))
  t.equal(bytesOf(told(bench.events())).length, 4 * LENGTH)
  const other = exits.find(each => each !== exit)!
  const more = bench.wait(55_000)
  const asks = more
    .filter(({ to }) => to.equals(exit.keys.destination))
    .map(message => exit.read(message))
    .filter(({ type }) => type === 'open' || type === 'request')
  const elsewhere = more.filter(({ to }) => to.equals(other.keys.destination)).map(message => other.read(message))
  t.strictSame(elsewhere.filter(message => 'object' in message && message.object.length > 0), [])
  t.ok(asks.length > 0)
  t.strictSame(told(bench.events()), [])
  // It has fetched it anew, and the site has said something else.
  bench.receive(exit.reply(asks.at(-1)!, pageObject(Buffer.from(seeded(10)(110_000))), { symbolLength: LENGTH }))
  t.strictSame(told(bench.events()).filter(({ type }) => type !== 'failed'), [])
  const last = bench.wait(600_000)
  t.strictSame(told(bench.events()).filter(({ type }) => type === 'response' || type === 'part'), [], `${last.length} more`)
  t.equal(bench.core.load.requests, 0)
  t.end()
})

t.test('the same answer under another attempt completes what has begun', t => {
  const { bench, exit, first, object } = asked()
  bench.wait(200)
  bench.receive(exit.reply(first, object, { symbolLength: LENGTH, pace: 65_536 }).slice(0, 4))
  const begun = told(bench.events())
  const asks = bench
    .wait(30_000)
    .map(message => ({ source: message.source, read: exit.read(message) }))
    .filter(({ read: { type } }) => type === 'open' || type === 'request')
  const { source, read } = asks.at(-1)!
  bench.receive(exit.reply(read, object, { symbolLength: LENGTH }), source)
  const all = [...begun, ...told(bench.events())]
  t.ok(bytesOf(all).equals(object))
  t.match(all.at(-1), { type: 'response' })
  t.end()
})

t.test('any order, loss and repetition of symbols: never another byte than the object has, and the whole at the end', t => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed)
    const { bench, exit, first, object } = asked()
    bench.wait(200)
    const symbols = exit.reply(first, object, {
      symbolLength: LENGTH,
      indices: Array.from({ length: 40 }, (_, index) => index),
      pace: 65_536
    })
    const order = symbols.map(symbol => ({ symbol, at: random(1)[0]! % 60, lost: random(1)[0]! < 60 }))
      .map((entry, index) => ({ ...entry, at: entry.at + index * 5 })).sort((a, b) => a.at - b.at)
    const events: Array<Part | Outcome> = []
    for (const { symbol, lost } of order) {
      bench.wait(20)
      if (!lost) bench.receive(random(1)[0]! < 30 ? [symbol, symbol] : symbol)
      events.push(...told(bench.events()))
      t.ok(object.subarray(0, bytesOf(events).length).equals(bytesOf(events)))
    }
    for (let tries = 0; tries < 20 && !events.some(({ type }) => type === 'response'); tries++) {
      for (const message of bench.wait(1_000).map(message => exit.read(message))) {
        const indices = message.type === 'want' ? Array.from({ length: message.count }, (_, index) => message.from + index) : undefined
        if (message.type === 'want') bench.receive(exit.reply(message, object, { symbolLength: LENGTH, indices: indices! }))
        if (message.type === 'open' && message.object.length > 0) bench.receive(exit.reply(message, object, { symbolLength: LENGTH }))
      }
      events.push(...told(bench.events()))
    }
    t.match(events.at(-1), { type: 'response' }, `seed ${seed}`)
    const bytes = bytesOf(events)
    t.ok(bytes.length === 0 || bytes.equals(object), `seed ${seed}`)
  }
  t.ok(decodeObject(pageObject('x'), 1_000).length > 0)
  t.end()
})

t.test('only what can be resumed elsewhere is handed on before it is whole', t => {
  const resumable: Array<[string, string]> = [['ETag', '"v1"'], ['Accept-Ranges', 'bytes'], ['Content-Length', '110000']]
  const rows: Array<[string, Array<[string, string]>, boolean]> = [
    ['a strong validator, ranges, a length', resumable, true],
    ['nothing', [], false],
    ['a weak validator', [['ETag', 'W/"v1"'], ...resumable.slice(1)], false],
    ['no ranges', [resumable[0]!, resumable[2]!], false],
    ['no length', resumable.slice(0, 2), false],
    ['two validators', [['ETag', '"v2"'], ...resumable], false]
  ]
  for (const [name, fields, isHandedOn] of rows) {
    const object = encodeObject(pageBytes(Buffer.from(seeded(9)(110_000)), fields))
    const { bench, exit, first } = asked(1, true, 'resumable', object)
    bench.wait(50)
    bench.receive(exit.reply(first, object, { symbolLength: LENGTH, indices: [0, 1, 2, 3], last: 27, pace: 16_384 }))
    t.equal(told(bench.events()).some(({ type }) => type === 'part'), isHandedOn, name)
  }
  t.end()
})
