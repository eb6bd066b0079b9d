// What follows each message and each silence, step by step, by tables of what a client is told and what it does then.
import {
  addressHash, encodeObject, encodePromises, encodeRate, encodeRequestHead, INCARNATION, PUSH_IDS, type HeaderList, type Message,
  type WireErrorName
} from '@minwww/protocol'
import { LocalDestination } from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { ClientCore, type ClientConfig, type ExitStatus } from '../src/core.ts'
import { Bench, FakeExit, isAsk, keysOf, pageBytes, pageObject, schedule, type Outcome } from './core-fake-exit.ts'

const URL = 'http://a.i2p/'

interface Started { bench: Bench, exits: FakeExit[], exit: FakeExit, handle: number, first: Message }

/** A client whose exits are ready, and what it first asks one of them. */
function started ({
  count = 1, config = {}, sources = 2, idempotent = true
}: { count?: number, config?: Partial<ClientConfig>, sources?: number, idempotent?: boolean } = {}): Started {
  const bench = new Bench(config, sources)
  const exits = Array.from({ length: count }, (_, index) => new FakeExit(7 + index))
  for (const [index, exit] of exits.entries()) bench.ready(`exit${index}`, exit)
  bench.events()
  const handle = bench.get({ idempotent })
  const [sent] = bench.sent()
  const exit = exits.find(({ keys }) => sent!.to.equals(keys.destination))!
  return { bench, exits, exit, handle, first: exit.read(sent!) }
}

const status = (bench: Bench, index = 0): ExitStatus => bench.core.exits(bench.now)[index]!
const told = (bench: Bench): Outcome[] => bench.outcomes()

/** What an exit reads of what was sent to it. */
const readBy = (exit: FakeExit, sent: ReturnType<Bench['sent']>): Message[] =>
  sent.filter(({ to }) => to.equals(exit.keys.destination)).map(message => exit.read(message))

/** A page as a browser asks for it, with everything that a push needs. */
const visit = (bench: Bench, headers: HeaderList = []): number => bench.core.request(bench.now, {
  message: encodeRequestHead({
    method: 'GET', url: URL, headers: [['Host', 'a.i2p'], ...headers]
  }),
  site: 'a.i2p',
  idempotent: true,
  isPage: true
})

// Symbols by the time that they come at, ms after the request; the score is a quarter of the way from 200 ms to what counts.
const SMALL = pageObject('x')
const LARGE = pageObject(seeded(9)(40_000))
const SCORES: Array<[string, Buffer, readonly number[], readonly [number, number], number?]> = [
  ['as fast as the path', SMALL, [200], [199, 200]],
  ['a slow exit', SMALL, [1_200], [440, 450]],
  [
    'the time that a long answer takes is the path\'s', LARGE, [200, ...Array.from({ length: 40 }, (_, index) => 200 + index * 7.5)],
    [195, 205]
  ],
  ['by our own clock: what comes all at once took no time', LARGE, [1_200, ...Array.from({ length: 40 }, () => 1_200)], [424, 426]],
  ['sooner than a round trip', SMALL, [100], [174, 176]],
  ['a slow site says a tenth of itself', SMALL, [10_000], [449, 451], 10],
  ['and two seconds at most', SMALL, [60_000], [699, 701], 10]
]
for (const [name, object, times, [from, to], working] of SCORES) {
  t.test(`the score of an exit is its round trip: ${name}`, async t => {
    const { bench, exit, first } = started()
    t.equal(status(bench).score, 200)
    const begun = bench.now
    const symbols = exit.reply(first, object, { symbolLength: Math.min(1_000, object.length) })
    for (const [index, at] of times.entries()) {
      const pause = working === undefined ? Infinity : 4_000
      for (; bench.now + pause < begun + at; bench.wait(pause)) bench.receive(exit.working(first, working ?? 0))
      bench.wait(begun + at - bench.now)
      if (index < symbols.length) bench.receive(symbols[index]!)
    }
    bench.receive(symbols.slice(times.length))
    t.match(told(bench), [{ type: 'response' }])
    const { score } = status(bench)
    t.ok(score! >= from && score! <= to, String(score))
  })
}

t.test('a page that sets a cookie ties its site to the exit, unless it is the site\'s own', async t => {
  const cookie: HeaderList = [['Set-Cookie', 'a=1']]
  const rows: Array<[string, HeaderList, boolean, number]> = [
    ['a cookie', cookie, false, 1], ['none', [], false, 0], ['of a site with an exit of its own', cookie, true, 0]
  ]
  for (const [name, headers, isDirect, pins] of rows) {
    const { bench, exit } = started()
    const site = isDirect ? new FakeExit(20) : exit
    bench.core.request(bench.now, {
      message: encodeRequestHead({ method: 'GET', url: URL, headers: [] }),
      site: 'a.i2p',
      idempotent: true,
      ...(isDirect && { destination: site.keys.destination })
    })
    bench.receive(site.reply(readBy(site, bench.sent()).at(-1)!, encodeObject(pageBytes('x', headers))))
    t.match(told(bench), [{ type: 'response' }])
    t.equal(bench.core.load.pins, pins, name)
  }
})

t.test('what an answer says of itself: promises, its rest, and what need not be sent again', async t => {
  const fresh: HeaderList = [['Cache-Control', 'max-age=600']]
  for (const [promised, part, isKept] of [[2, 'whole', true], [0, 'whole', true], [0, 'beginning', false]] as const) {
    const { bench, exit } = started()
    visit(bench)
    const asked = exit.read(bench.sent().at(-1)!)
    const promises = encodePromises(Array.from({ length: promised }, (_, index) => ({ id: PUSH_IDS + index, url: `${URL}${index}` })))
    bench.receive(exit.reply(asked, encodeObject(Buffer.concat([promises, pageBytes('x', fresh)])), { part }))
    const [outcome] = told(bench)
    t.equal(outcome?.type, 'response')
    t.equal(outcome?.trace.promised, promised === 0 ? undefined : promised)
    t.equal('rest' in outcome!, part === 'beginning')
    t.match(bench.core.stats, { responses: 1, failures: 0, promises: promised })
    t.strictSame(readBy(exit, bench.sent()), [], 'who has answered is told nothing')
    visit(bench)
    const again = exit.read(bench.sent().at(-1)!)
    t.strictSame(again.type === 'request' && again.push?.digest.equals(isKept ? addressHash(URL) : Buffer.alloc(0)), true, part)
  }
})

t.test('what is no page, and more than any page: the exit has failed, and another one is asked', async t => {
  const junk = encodeObject(Buffer.from('no response at all'))
  const many = pageObject(seeded(3)(30_000))
  for (const [name, object, indices, badObjects] of [
    ['no page', junk, undefined, 1], ['a flood', many, Array.from({ length: 300 }, () => 0), 0]
  ] as const) {
    const { bench, exits, exit, first } = started({ count: 2 })
    const { failures, successes } = status(bench, exits.indexOf(exit))
    bench.receive(exit.reply(first, object, indices === undefined ? {} : { symbolLength: 1_000, indices: [...indices], last: 29 }))
    t.match(status(bench, exits.indexOf(exit)), { failures: failures + 1, successes }, name)
    t.equal(bench.core.stats.badObjects, badObjects)
    const other = exits.find(one => one !== exit)!
    const [again] = readBy(other, bench.sent()).filter(isAsk)
    bench.receive(other.reply(again!, pageObject('x')))
    t.match(told(bench), [{ type: 'response', trace: { attempts: 2 } }], name)
  }
  const { bench, exit, first } = started()
  for (let attempt = 0; attempt < 6; attempt++) {
    const sent = attempt === 0 ? [first] : readBy(exit, bench.wait(attempt * 100)).filter(isAsk)
    for (const source of [0, 1]) for (const message of sent) bench.receive(exit.reply(message, junk), source)
  }
  t.match(told(bench), [{ type: 'failed', code: 'bad-response', exit: 'exit0' }], 'where it is the only one')
})

t.test('what a browser has the front of is completed by the same bytes only', async t => {
  const bench = new Bench({ handOn: 'any' })
  const exit = new FakeExit()
  bench.ready('a', exit)
  bench.core.request(bench.now, {
    message: encodeRequestHead({ method: 'GET', url: URL, headers: [] }), site: 'a.i2p', idempotent: true, mayArrive: true
  })
  const first = exit.read(bench.sent()[0]!)
  bench.wait(200)
  bench.receive(exit.reply(first, pageObject(seeded(1)(30_000)), { symbolLength: 1_000, indices: [0, 1, 2], last: 30, pace: 8_192 }))
  t.match(bench.events().filter(({ type }) => type !== 'exit-state'), Array.from({ length: 3 }, () => ({ type: 'part' })))
  for (let second = 0; second < 60; second++) {
    for (const sent of bench.wait(1_000)) {
      const message = exit.read(sent)
      if (isAsk(message)) bench.receive(exit.reply(message, pageObject(seeded(2)(30_000)), { symbolLength: 1_000 }), sent.source)
    }
  }
  t.match(bench.events().filter(({ type }) => type !== 'exit-state'), [
    { type: 'failed', code: 'bad-response', detail: 'another answer than the one that began' }
  ])
})

t.test('an ERROR: what it says of the exit, of its session, and of the request', async t => {
  // Successes of the exit, its state, and the outcome.
  const rows: Array<[WireErrorName, number, string, string | undefined]> = [
    ['not-resolved', 1, 'ready', 'not-resolved'],
    ['connect-failed', 1, 'ready', 'connect-failed'],
    ['too-large', 1, 'ready', 'too-large'],
    ['policy', 0, 'ready', 'policy'],
    ['busy', 0, 'busy', undefined],
    ['draining', 0, 'draining', 'draining'],
    ['unknown-id', 0, 'ready', undefined]
  ]
  for (const [name, successes, state, code] of rows) {
    const { bench, exit, first } = started()
    const before = status(bench)
    bench.wait(600)
    bench.sent()
    bench.receive(exit.error(first, name, { detail: 'why', size: 5, retryAfter: name === 'busy' ? 7 : 0 }))
    const after = status(bench)
    t.strictSame([after.successes - before.successes, after.failures, after.state], [successes, 0, state], name)
    t.equal(after.score, successes === 0 ? before.score : 300, `${name}: answered after 600 ms`)
    t.match(told(bench), code === undefined ? [] : [{ type: 'failed', code, detail: 'why', exit: 'exit0' }])
    if (name === 'busy') t.equal(after.busyUntil, bench.now + 7_000)
  }
  // A code of a later version is the exit's last word, too, and says nothing of it.
  const { bench, exit, first } = started()
  const { successes, score } = status(bench)
  bench.receive(exit.raw(first, {
    type: 'error', attempt: 0, flags: 0, session: first.session, id: first.id, code: 99, retryAfter: 0, size: 0, detail: 'new'
  }))
  t.match(told(bench), [{ type: 'failed', code: 'bad-response', detail: 'new' }])
  t.match(status(bench), { successes, score, failures: 0 })
})

t.test('who says busy without a time is left alone for a second; what he forgot is opened anew under another id', async t => {
  const busy = started({ sources: 1 })
  busy.bench.receive(busy.exit.error(busy.first, 'busy'))
  t.strictSame(busy.bench.wait(999), [])
  t.match(busy.bench.wait(1).map(message => busy.exit.read(message)), [{ type: 'open' }])

  const { bench, exit, first } = started({ sources: 1 })
  bench.receive(exit.error(first, 'unknown-id'))
  const [again] = bench.sent().map(message => exit.read(message))
  t.match(again, { type: 'open', attempt: 0, session: first.session })
  t.not(again!.id, first.id)
  bench.get()
  t.match(bench.sent().map(message => exit.read(message)), [{ type: 'open' }], 'nor is anything else known there')
})

t.test('a probe tells the incarnation, where there is one', async t => {
  for (const [length, takesOnce] of [[INCARNATION, true], [INCARNATION - 1, false], [600, true]] as const) {
    const bench = new Bench()
    const exit = new FakeExit()
    bench.core.addExit(bench.now, { id: 'a', destination: exit.keys.destination })
    const probe = exit.read(bench.sent()[0]!)
    bench.wait(200)
    bench.receive(exit.reply(probe, Buffer.alloc(0), { told: Buffer.alloc(length, 1) }))
    t.match(status(bench), { takesOnce, successes: 1, score: 200 }, String(length))
    t.equal(bench.core.load.requests, 0)
  }
})

t.test('what is carried out at most once goes to an exit that has told its incarnation, if there is one', async t => {
  const rows: Array<[boolean[], string]> = [
    [[true, false], 'a'], [[false, true], 'b'], [[true, true], 'ab'], [[false, true, true], 'bc'], [[false, false], 'ab']
  ]
  for (const [tells, to] of rows) {
    const bench = new Bench()
    const exits = tells.map((_, index) => new FakeExit(7 + index))
    for (const [index, exit] of exits.entries()) {
      bench.core.addExit(bench.now, { id: 'abc'[index]!, destination: exit.keys.destination })
      const probe = exit.read(bench.sent()[0]!)
      bench.wait(200)
      bench.receive(exit.reply(probe, Buffer.alloc(0), { told: Buffer.alloc(tells[index] === true ? INCARNATION : INCARNATION - 1) }))
      bench.sent()
    }
    const askedBy = (idempotent: boolean): string => {
      for (let i = 0; i < 6; i++) bench.get({ idempotent })
      const asked = bench.sent().map(sent => 'abc'[exits.findIndex(({ keys }) => sent.to.equals(keys.destination))]!)
      return [...new Set(asked)].sort().join('')
    }
    t.equal(askedBy(true), 'abc'.slice(0, tells.length), 'others go to all')
    t.equal(askedBy(false), to, String(tells))
  }
})

t.test('WORKING is of the request that it names: another exit is not waited for because of it, nor the rest of an answer', async t => {
  const { bench, exits, exit } = started({ count: 2, config: { hedging: true, hedgeBudget: 1 } })
  const asked = bench.wait(450).filter(({ to }) => !to.equals(exit.keys.destination))
  const other = exits.find(one => one !== exit)!
  const second = readBy(other, asked).find(isAsk)!
  t.ok(second, 'hedged')
  bench.receive(other.working(second, 5))
  bench.wait(4_000)
  t.strictSame(exits.map((_, index) => status(bench, index).failures > 0), exits.map(one => one === exit), 'who says nothing has failed')
  t.strictSame(told(bench), [])
  bench.receive(other.reply(second, pageObject('x')))
  t.match(told(bench), [{ type: 'response', trace: { hedged: true } }])

  const late = started()
  late.bench.wait(200)
  const object = pageObject(seeded(4)(20_000))
  late.bench.receive(late.exit.reply(late.first, object, { symbolLength: 1_000, indices: [0, 1, 2, 4, 5, 6], last: 7 }))
  late.bench.receive(late.exit.working(late.first, 15))
  t.match(late.bench.wait(1_500).map(message => late.exit.read(message)), [{ type: 'want' }], 'the gap is asked for all the same')
})

t.test('WORKING gives a request one attempt more, however often it is said', async t => {
  const { bench, exit, first } = started({ sources: 1 })
  bench.wait(200)
  for (let turn = 0; turn < 12; turn++) {
    bench.receive(exit.working(first, 1))
    bench.wait(500)
  }
  const attempts = new Set(bench.wait(400_000).map(message => exit.read(message)).filter(isAsk).map(({ session, id, attempt }) =>
    `${session.toString('hex')} ${id} ${attempt}`))
  t.match(told(bench), [{ type: 'failed' }])
  t.equal(attempts.size, 10)
})

t.test('what is not from a session of this Destination, or not by its exit, is counted and has no effect', async t => {
  const { bench, exit, first } = started()
  const [reply] = exit.reply(first, pageObject('x'))
  const payload = (change: (bytes: Buffer) => Buffer): Buffer => change(Buffer.from(reply!.payload))
  const rows: Array<[string, Partial<typeof reply>, number, 'malformed' | 'unknownSessions' | 'badTags']> = [
    ['a Datagram2', { protocol: 19 }, 0, 'malformed'],
    ['no prefix', { payload: Buffer.alloc(4) }, 0, 'malformed'],
    ['another version', { payload: payload(bytes => { bytes[0]! ^= 0x10; return bytes }) }, 0, 'malformed'],
    ['another version of a session that is none', {
      payload: payload(bytes => {
        bytes[0]! ^= 0x20
        bytes[5]! ^= 1
        return bytes
      })
    }, 0, 'malformed'],
    ['a prefix and no tag', { payload: payload(bytes => bytes.subarray(0, 20)) }, 0, 'malformed'],
    ['another Destination', {}, 1, 'unknownSessions'],
    ['a session that is none', { payload: payload(bytes => { bytes[5]! ^= 1; return bytes }) }, 0, 'unknownSessions'],
    ['another tag', { payload: payload(bytes => { bytes[bytes.length - 1]! ^= 1; return bytes }) }, 0, 'badTags'],
    ['another text', { payload: payload(bytes => { bytes[30]! ^= 1; return bytes }) }, 0, 'badTags']
  ]
  for (const [name, change, source, counter] of rows) {
    const before = { ...bench.core.stats }
    t.equal(bench.core.receive(bench.now, source, { ...reply!, ...change }), false, name)
    t.strictSame(
      { ...bench.core.stats }, { ...before, [counter]: before[counter] + 1, messagesReceived: before.messagesReceived + 1 }, name
    )
  }
  // Right tags, but not what an exit says, or of nothing that was asked.
  const { malformed, late } = bench.core.stats
  t.equal(
    bench.core.receive(bench.now, 0, exit.raw(first, { type: 'cancel', attempt: 0, flags: 0, session: first.session, id: first.id })), true
  )
  bench.receive([
    ...exit.reply({ ...first, id: 900 }, pageObject('x')), exit.error({ ...first, id: 901 }, 'busy'),
    exit.error({ ...first, id: 902 }, 'unknown-id')
  ])
  t.match(bench.core.stats, { malformed: malformed + 1, late: late + 3 })
  t.strictSame(told(bench), [])
  t.equal(status(bench).state, 'ready')
  t.equal(bench.core.receive(bench.now, 0, reply!), true)
  t.match(told(bench), [{ type: 'response' }])
})

t.test('an object above what is taken, and one of nothing, are no answer; everything is counted in the trace', async t => {
  for (const [size, inconsistent] of [[1_000, 0], [1_001, 1], [0, 1]] as const) {
    const { bench, exit, first } = started({ config: { maxObject: 1_000 } })
    const page = encodeObject(pageBytes(''), { coding: 0 }).length
    const object = encodeObject(pageBytes(seeded(6)(Math.max(0, size - page))), { coding: 0 })
    bench.receive(exit.reply(first, size === 0 ? Buffer.alloc(0) : object, { symbolLength: 500 }))
    t.equal(bench.core.stats.inconsistent > 0, inconsistent > 0, `${size}: ${object.length}`)
    t.equal(told(bench).length, 1 - inconsistent)
  }
  const { bench, exit, first } = started()
  const object = pageObject(seeded(7)(5_000))
  bench.wait(200)
  const symbols = exit.reply(first, object, { symbolLength: 1_000 })
  bench.receive([
    exit.working(first), symbols[0]!, symbols[0]!, symbols[1]!,
    { ...symbols[2]!, payload: exit.reply(first, object.subarray(1), { symbolLength: 1_000 })[2]!.payload }
  ])
  bench.receive(symbols.slice(2))
  const bytesReceived = exit.working(first).payload.length +
    symbols.reduce((sum, { payload }) => sum + payload.length, 2 * symbols[0]!.payload.length)
  t.match(told(
    bench
  ), [{ type: 'response', trace: { messagesReceived: 9, symbols: 8, firstSymbol: 200, total: 200, attempts: 1, bytesReceived } }])
  t.match(bench.core.stats, { duplicates: 1, inconsistent: 1, workings: 1, late: 0 })
})

t.test('an exit that names a long time until its next WORKING is believed for fifteen seconds, twice', async t => {
  for (const [next, from, to] of [[255, 30_000, 32_000], [15, 30_000, 32_000], [5, 10_000, 12_000]] as const) {
    const { bench, exit, first } = started({ sources: 1 })
    bench.wait(200)
    bench.receive(exit.working(first, next))
    const begun = bench.now
    while (bench.wait(100).length === 0) if (bench.now > begun + 100_000) break
    t.ok(bench.now - begun >= from && bench.now - begun <= to, `${next}: ${bench.now - begun}`)
  }
})

t.test('a round trip is measured by the first symbol of what was asked once, and by the copy that it answers', async t => {
  const plain = started()
  plain.bench.wait(1_000)
  plain.bench.receive(plain.exit.reply(plain.first, pageObject('x'), { time: 1_000 }))
  t.ok(status(plain.bench).srtt! > 290, `${status(plain.bench).srtt}: one of a second`)
  const late = started()
  late.bench.wait(1_000)
  late.bench.receive(late.exit.reply(late.first, pageObject('x'), { attempt: 5, time: 1_000 }))
  t.equal(status(late.bench).srtt, 200, 'an attempt that never was')
  const worked = started()
  worked.bench.wait(200)
  worked.bench.receive(worked.exit.working(worked.first))
  worked.bench.wait(3_000)
  worked.bench.receive(worked.exit.reply(worked.first, pageObject('x'), { time: 3_200 }))
  t.equal(status(worked.bench).srtt, 200, 'nor what was worked on')
})

interface Row {
  count: number
  sources: number
  config?: Partial<ClientConfig>
  ask: (bench: Bench) => unknown
  /** Symbols of the answer that come, of 24. */
  symbols?: number
  /** What happens after so many ms; `last` is what each exit was asked last. */
  then?: Array<[number, (bench: Bench, exits: FakeExit[], last: Message[]) => void]>
  span: number
  sent: string[]
  code?: string
}
const get = (bench: Bench): unknown => bench.get()
// A round trip of 200 ms with a variation of 100 ms: 600 ms, twice, four times; then long waits of the minute that is left.
const newKeys = LocalDestination.generate(seeded(901))
const post = (bench: Bench): unknown => bench.get({ idempotent: false })
const refuse = (index: number, name: WireErrorName, retryAfter = 0) => (bench: Bench, exits: FakeExit[], last: Message[]): void => {
  bench.receive(exits[index]!.error(last[index]!, name, { retryAfter }))
}
const SCHEDULES: Record<string, Row> = {
  'its own Destination is gone, and another one in its place': {
    count: 1,
    sources: 1,
    ask: get,
    then: [[100, bench => bench.core.suspend(bench.now, 0)], [1_000, bench => bench.core.resume(bench.now, 0, newKeys)]],
    span: 3_000,
    sent: ['0 a0 request 0.0', '1000 a0 open 0.0', '1210 a0 probe 0.0', '2003 a0 open 1.0', '2707 a0 probe 1.0']
  },
  'its own Destination is gone, and there is a second': {
    count: 1,
    sources: 2,
    ask: get,
    then: [
      [100, bench => bench.core.suspend(bench.now, 0)]
    ],
    span: 2_000,
    sent: ['0 a0 request 0.0', '100 a1 open 0.0', '1103 a1 open 1.0']
  },
  'its exit is taken out': {
    count: 2,
    sources: 1,
    ask: get,
    then: [
      [100, bench => bench.core.removeExit(bench.now, 'a')]
    ],
    span: 1_000,
    sent: ['0 a0 request 0.0', '100 b0 open 0.0', '703 b0 open 1.0', '713 b0 open 1.1']
  },
  'the only one that it may go to is taken out': {
    count: 2,
    sources: 1,
    ask: post,
    then: [
      [100, bench => bench.core.removeExit(bench.now, 'a')]
    ],
    span: 1_000,
    sent: ['0 a0 request 0.0'],
    code: 'unanswered'
  },
  'the exit is back, as a probe shows: it is asked at once': {
    count: 1,
    sources: 1,
    ask: get,
    then: [[8_000, (bench, [exit], [probe]) => bench.receive(exit!.reply(probe!, Buffer.alloc(0)))]],
    span: 12_000,
    sent: [
      '0 a0 request 0.0', '603 a0 open 1.0', '613 a0 open 1.1', '1820 a0 open 0.0', '1830 a0 open 0.1', '4243 a0 probe 0.0', '4243 a0 open 1.0', '4253 a0 open 1.1', '4253 a0 probe 0.1',
      '4879 a0 probe 1.0', '4889 a0 probe 1.1', '6142 a0 probe 0.0', '6152 a0 probe 0.1', '8000 a0 open 0.0', '8010 a0 open 0.1'
    ]
  },
  'refused by policy: two others are asked, and no more': {
    count: 3,
    sources: 1,
    ask: get,
    then: [[200, refuse(0, 'policy')], [400, refuse(1, 'policy')], [600, refuse(2, 'policy')]],
    span: 1_500,
    code: 'policy',
    sent: ['0 a0 request 0.0', '200 b0 open 0.0', '400 c0 open 0.0']
  },
  'both are busy: the first that is free': {
    count: 2,
    sources: 1,
    ask: get,
    then: [
      [200, refuse(0, 'busy', 2)], [400, refuse(1, 'busy', 2)]
    ],
    span: 3_000,
    sent: ['0 a0 request 0.0', '200 b0 open 0.0', '2400 a0 open 1.0']
  },
  'busy with what must not be fetched twice: the same one, when it is free': {
    count: 2,
    sources: 1,
    ask: post,
    then: [
      [200, refuse(0, 'busy', 2)]
    ],
    span: 2_500,
    sent: ['0 a0 request 0.0', '2000 b0 probe 0.0', '2200 a0 open 0.0']
  },
  'what the exit has forgotten another one is asked': {
    count: 2,
    sources: 2,
    ask: get,
    then: [
      [200, refuse(0, 'unknown-id')]
    ],
    span: 1_500,
    sent: ['0 a0 request 0.0', '200 b0 open 0.0', '803 a1 open 0.0', '1429 a1 open 0.1']
  },
  'three exits: each once, from the other Destination after the second': {
    count: 3,
    sources: 2,
    ask: get,
    span: 3_000,
    sent: [
      '0 a0 request 0.0', '603 b0 open 0.0', '1207 c1 open 0.0', '1207 c0 probe 0.0', '1207 b0 probe 0.0', '1207 b1 probe 0.0',
      '1207 a0 probe 0.0', '1207 a1 probe 0.0', '1217 b0 probe 0.1', '1217 a0 probe 0.1', '1454 c1 probe 0.0', '1810 c0 probe 1.0',
      '1823 b0 probe 1.0', '1823 a0 probe 1.0', '1833 b0 probe 1.1', '1833 a0 probe 1.1', '2067 c1 open 0.1', '2099 a1 probe 0.1',
      '2210 b1 open 0.0', '2582 a1 probe 1.0', '2736 b1 probe 1.0', '2863 c1 probe 1.0'
    ]
  },

  'one exit and one Destination: the same again, under a new id after two in vain': {
    count: 1,
    sources: 1,
    ask: get,
    span: 60_000,
    code: 'silent',
    sent: [
      '0 a0 request 0.0', '603 a0 open 1.0', '613 a0 open 1.1', '1820 a0 open 0.0', '1830 a0 open 0.1', '4243 a0 probe 0.0', '4243 a0 open 1.0', '4253 a0 open 1.1',
      '4253 a0 probe 0.1', '4879 a0 probe 1.0', '4889 a0 probe 1.1', '6142 a0 probe 0.0', '6152 a0 probe 0.1', '13536 a0 open 0.0', '13546 a0 open 0.1',
      '36768 a0 open 1.0', '36778 a0 open 1.1', '60000 a0 cancel 1.0'
    ]
  },
  'one exit and two Destinations take turns; what is new there has its copies a second apart': {
    count: 1,
    sources: 2,
    ask: get,
    span: 10_000,
    sent: [
      '0 a0 request 0.0', '603 a1 open 0.0', '1810 a0 open 1.0', '1820 a0 open 1.1', '4233 a0 probe 0.0', '4233 a1 open 1.0', '4243 a0 probe 0.1',
      '4869 a1 probe 0.0', '5665 a1 open 1.1', '6122 a0 probe 1.0', '6132 a0 probe 1.1', '6463 a1 open 1.2', '7841 a1 open 1.3', '9267 a1 open 1.4', '9924 a1 open 1.5'
    ]
  },
  'two exits: after three round trips the other one, then each from the other Destination': {
    count: 2,
    sources: 2,
    ask: get,
    span: 5_000,
    sent: [
      '0 a0 request 0.0', '603 b0 open 0.0', '1207 b1 open 0.0', '1207 b0 probe 0.0', '1207 a0 probe 0.0', '1207 a1 probe 0.0',
      '1217 b0 probe 0.1', '1217 a0 probe 0.1', '1418 b1 probe 0.0', '1823 b0 probe 1.0', '1823 a0 probe 1.0', '1833 b0 probe 1.1',
      '1833 a0 probe 1.1', '1980 b1 open 0.1', '2067 a1 probe 0.1', '2413 a0 open 1.0', '2423 a0 open 1.1', '2516 b1 probe 1.0',
      '2587 a1 probe 1.0', '3294 a1 probe 1.1', '3819 b1 probe 1.1'
    ]
  },
  'what must not be fetched twice stays where it was sent': {
    count: 2,
    sources: 2,
    ask: bench => bench.get({ idempotent: false }),
    span: 4_600,
    sent: [
      '0 a0 request 0.0', '603 a1 open 0.0', '1810 a0 open 1.0', '1810 b0 probe 0.0', '1810 b1 probe 0.0', '1810 a0 probe 0.0',
      '1810 a1 probe 0.0', '1820 a0 open 1.1', '1820 a0 probe 0.1', '2413 b0 probe 1.0', '2433 a0 probe 1.0', '2443 a0 probe 1.1',
      '2655 b1 probe 0.1', '2823 a1 probe 1.0', '3239 b1 probe 1.0', '3692 a1 probe 1.1', '4233 b0 probe 0.0', '4233 a0 probe 0.0',
      '4243 a0 probe 0.1', '4278 b1 probe 1.1', '4298 a1 open 1.0'
    ]
  },
  'where the first is slow a second exit is asked, if that is wanted': {
    count: 2,
    sources: 2,
    config: { hedging: true, hedgeBudget: 1 },
    ask: get,
    span: 2_400,
    sent: [
      '0 a0 request 0.0', '400 b0 open 0.0', '1003 a1 open 0.0', '1003 b0 probe 0.0', '1003 b1 probe 0.0', '1003 a0 probe 0.0',
      '1013 b0 probe 0.1', '1013 a0 probe 0.1', '1215 a1 probe 0.0', '1620 b0 probe 1.0', '1620 a0 probe 1.0', '1630 b0 probe 1.1',
      '1630 a0 probe 1.1', '1680 b1 probe 0.1', '1777 a1 open 0.1', '2278 b1 probe 1.0'
    ]
  },
  'but not for what must not be fetched twice': {
    count: 2,
    sources: 2,
    config: {
      hedging: true, hedgeBudget: 1
    },
    ask: bench => bench.get({ idempotent: false }),
    span: 600,
    sent: ['0 a0 request 0.0']
  },
  'a short deadline ends it, and the exit hears so': {
    count: 1,
    sources: 2,
    ask: bench => bench.get({ timeout: 3_000 }),
    span: 4_000,
    code: 'timeout',
    sent: [
      '0 a0 request 0.0', '603 a1 open 0.0', '1810 a0 open 1.0', '1820 a0 open 1.1', '3000 a0 cancel 1.0'
    ]
  },
  'a long request leaves in symbols; after silence only what opens its session does': {
    count: 1,
    sources: 1,
    span: 4_000,
    sent: [
      '0 a0 body 0.0 0/3', '0 a0 body 0.0 1/3', '0 a0 body 0.0 2/3', '0 a0 body 0.0 3/3', '692 a0 probe 0.0', '702 a0 probe 0.1', '1309 a0 probe 1.0', '1319 a0 probe 1.1',
      '2532 a0 probe 0.0', '2542 a0 probe 0.1'
    ],
    ask: bench => bench.core.request(bench.now, {
      message: Buffer.concat([Buffer.from('POST http://a.i2p/ HTTP/1.1\r\n\r\n'), seeded(3)(20_000)]), site: 'a.i2p', idempotent: false
    })
  },
  'half of an answer: the rest is asked for twice, then all of it': {
    count: 1,
    sources: 1,
    ask: get,
    symbols: 12,
    span: 4_000,
    sent: [
      '357 a0 want 1.0 26+14', '1013 a0 want 2.0 40+16', '1022 a0 want 2.1 40+16', '2332 a0 open 3.0', '2341 a0 open 3.1', '3654 a0 open 0.0', '3663 a0 open 0.1'
    ]
  },
  'nearly all of it: the other exit is asked after two in vain, and both are probed': {
    count: 2,
    sources: 2,
    ask: get,
    symbols: 22,
    span: 3_000,
    sent: [
      '303 a0 want 1.0 26+4', '960 a0 want 2.0 30+5', '968 a0 want 2.1 30+5', '1800 b0 probe 0.0', '2279 b0 open 0.0', '2403 b0 probe 1.0',
      '2413 b0 probe 1.1', '2883 a1 open 0.0', '2883 a0 probe 0.0', '2883 b1 probe 0.0', '2892 a0 probe 0.1'
    ]
  },
  'half of it: one in vain is enough where there is another exit': {
    count: 2,
    sources: 2,
    ask: get,
    symbols: 8,
    span: 2_000,
    sent: [
      '357 a0 want 1.0 26+19', '1013 b0 open 0.0', '1617 a1 open 0.0', '1617 a0 probe 0.0', '1617 b0 probe 0.0', '1617 b1 probe 0.0',
      '1626 a0 probe 0.1', '1627 b0 probe 0.1', '1828 a1 probe 0.0'
    ]
  }
}
for (const [name, { count, sources, config, ask, symbols, then = [], span, sent, code }] of Object.entries(SCHEDULES)) {
  t.test(`what leaves when nothing comes, or nothing more: ${name}`, async t => {
    const bench = new Bench(config, sources)
    const exits = Array.from({ length: count }, (_, index) => new FakeExit(7 + index))
    for (const [index, exit] of exits.entries()) bench.ready('abc'[index]!, exit)
    bench.events()
    ask(bench)
    if (symbols !== undefined) {
      const first = exits[0]!.read(bench.sent()[0]!)
      bench.wait(200)
      bench.receive(exits[0]!.reply(first, pageObject(seeded(5)(24_000)), {
        symbolLength: 1_000, last: 25, indices: Array.from({ length: symbols }, (_, index) => index)
      }))
    }
    const [begun, last, rows]: [number, Message[], string[]] = [bench.now, [], []]
    for (const [after, act] of then) {
      rows.push(...schedule(bench, exits, after, begun, last))
      act(bench, exits, last)
    }
    t.strictSame([...rows, ...schedule(bench, exits, span, begun, last)], sent)
    t.match(told(bench), code === undefined ? [] : [{ type: 'failed', code }])
    if (code !== undefined) t.equal(bench.core.load.requests, 0)
  })
}

/** A client that has no exit yet, and exits that it may be given. */
function empty (
  config: Partial<ClientConfig> = {}, sources = 2, count = 3
): { bench: Bench, exits: FakeExit[], add: (index: number) => Message[] } {
  const bench = new Bench(config, sources)
  const exits = Array.from({ length: count }, (_, index) => new FakeExit(30 + index))
  const add = (index: number): Message[] => {
    bench.core.addExit(bench.now, { id: `exit${index}`, destination: exits[index]!.keys.destination })
    return readBy(exits[index]!, bench.sent())
  }
  return { bench, exits, add }
}

t.test('how a request fails: what is told of it, and what is not', async t => {
  const { bench, exit, first } = started({ idempotent: false })
  bench.receive(exit.error(first, 'busy', { retryAfter: 3 }))
  bench.wait(3_000)
  const again = readBy(exit, [...bench.wait(500), ...bench.sent()])
  t.strictSame(again, [], 'it went out again already')
  const rows: Array<[string, (at: Started) => void, Record<string, unknown>, string[]]> = [
    ['silence', ({ bench }) => bench.wait(60_000), { code: 'silent', exit: 'exit0', detail: '' }, ['size', 'retryAfter']],
    [
      'an exit that is gone', ({ bench }) => bench.core.removeExit(bench.now, 'exit0'), { code: 'no-exit', exit: 'exit0' },
      ['size', 'retryAfter']
    ],
    [
      'busy for longer', ({ bench, exit, first }) => bench.receive(exit.error(first, 'busy', { retryAfter: 60 })),
      { code: 'busy', retryAfter: 60 }, ['size']
    ],
    [
      'a size', ({ bench, exit, first }) => bench.receive(exit.error(first, 'too-large', { size: 7 })), { code: 'too-large', size: 7 },
      ['retryAfter']
    ],
    [
      'a code that a GET cannot have', ({ bench, exit, first }) => bench.receive(exit.error(first, 'outcome-unknown')), { code: 'timeout' },
      ['size', 'retryAfter']
    ]
  ]
  for (const [name, change, event, without] of rows) {
    const at = started()
    change(at)
    const [outcome] = told(at.bench)
    t.match(outcome, { type: 'failed', handle: at.handle, ...event }, name)
    for (const field of without) t.notOk(field in outcome!, `${name}: no ${field}`)
    t.match(at.bench.core.stats, { failures: 1, responses: 0 })
  }
  // What an exit may have carried out has no known outcome, unless the exit says one.
  for (const [change, code] of [
    [
      ({ bench }: Started) => bench.wait(60_000), 'unanswered'
    ], [({ bench }: Started) => bench.core.removeExit(bench.now, 'exit0'), 'unanswered'],
    [({ bench, exit, first }: Started) => bench.receive(exit.error(first, 'connect-failed')), 'connect-failed'],
    [({ bench, exit, first }: Started) => bench.receive(exit.error(first, 'outcome-unknown')), 'outcome-unknown'],
    [({ bench, exit, first }: Started) => bench.receive(exit.error(first, 'busy', { retryAfter: 60 })), 'busy'],
    [({ bench, exit, first }: Started) => bench.receive(exit.error(first, 'draining')), 'draining']
  ] as const) {
    const at = started({ idempotent: false })
    change(at)
    t.match(told(at.bench), [{ type: 'failed', code }], `POST: ${code}`)
  }
})

t.test('where no exit can be asked now: at once, when one can, or never', async t => {
  const none = empty()
  none.bench.get()
  t.match(told(none.bench), [{ type: 'failed', code: 'no-exit', handle: 1 }])

  const { bench, exits, exit, first } = started({ count: 2 })
  const other = exits.find(one => one !== exit)!
  bench.receive(exit.error(first, 'busy', { retryAfter: 9 }))
  const [second] = readBy(other, bench.sent()).filter(isAsk)
  bench.receive(other.error(second!, 'busy', { retryAfter: 4 }))
  const handle = bench.get({ site: 'b.i2p' })
  t.strictSame(bench.wait(3_999), [], 'both wait for the exit that is free first')
  t.equal(readBy(other, bench.wait(1)).filter(isAsk).length, 2)
  t.equal(bench.core.load.requests >= 2, true)
  bench.core.cancel(bench.now, handle)

  const long = started()
  long.bench.receive(long.exit.error(long.first, 'busy', { retryAfter: 65_535 }))
  long.bench.events()
  long.bench.wait(500)
  long.bench.get()
  t.match(told(long.bench), [], 'a minute at most, which is sooner than its deadline')
  long.bench.get({ timeout: 59_500 })
  t.match(told(long.bench), [{ type: 'failed', code: 'busy', retryAfter: 60 }])
  long.bench.wait(59_500)
  t.ok(readBy(long.exit, long.bench.sent()).length >= 0)
})

t.test('who leaves early is told to the exits that still work for it, once for each session', async t => {
  const cancels = (bench: Bench, exits: FakeExit[]): string[] => bench.sent().flatMap(sent => {
    const index = exits.findIndex(({ keys }) => sent.to.equals(keys.destination))
    const message = exits[index]!.read(sent)
    return message.type === 'cancel' ? [`${index} from ${sent.source}: ${message.id}.${message.attempt}`] : [message.type]
  })
  const hedged = started({ count: 2, config: { hedging: true, hedgeBudget: 1 } })
  hedged.bench.wait(500)
  hedged.bench.core.cancel(hedged.bench.now, hedged.handle)
  t.strictSame(cancels(hedged.bench, hedged.exits).sort(), ['0 from 0: 2.0', '1 from 0: 2.0'])
  const answered = started({ count: 2, config: { hedging: true, hedgeBudget: 1 } })
  answered.bench.wait(500)
  answered.bench.receive(answered.exit.reply(answered.first, pageObject('x')))
  t.strictSame(cancels(answered.bench, answered.exits), ['1 from 0: 2.0'], 'the one that has answered knows')
  const repeated = started({ sources: 1 })
  repeated.bench.wait(700)
  repeated.bench.core.cancel(repeated.bench.now, repeated.handle)
  t.strictSame(cancels(repeated.bench, repeated.exits), ['0 from 0: 2.1'], 'by its latest attempt')
  t.equal(repeated.bench.core.load.requests, 0)
  repeated.bench.core.cancel(repeated.bench.now, repeated.handle)
  t.strictSame(repeated.bench.sent(), [])
  const queued = started({ config: { initialWindow: 1 } })
  const waiting = Array.from({ length: 30 }, () => queued.bench.get())
  t.ok(status(queued.bench).waiting > 10)
  const before = status(queued.bench).waiting
  queued.bench.sent()
  queued.bench.core.cancel(queued.bench.now, waiting.at(-1)!)
  t.equal(status(queued.bench).waiting, before - 1)
  t.strictSame(queued.bench.sent(), [], 'it was never sent')
  queued.bench.core.cancel(queued.bench.now, queued.handle)
  t.strictSame(cancels(queued.bench, queued.exits), ['0 from 0: 2.0', 'request'], 'its place is taken')
})

t.test('while a page waits, exits that say nothing are probed: sixteen at most', async t => {
  const { bench, exits, add } = empty({}, 1, 20)
  for (const [index, exit] of exits.entries()) {
    const [probe] = add(index)
    bench.wait(100)
    bench.receive(exit.reply(probe!, Buffer.alloc(0)))
  }
  bench.confirmed(...exits)
  bench.wait(1)
  bench.get({ isPage: true })
  bench.wait(4_999)
  const asked = bench.wait(1).map(message => exits.find(({ keys }) => message.to.equals(keys.destination))!.read(message)).filter(message =>
    !isAsk(message))
  t.equal(asked.length, 16)
})

t.test('tables of a core, and what they count', async t => {
  const { bench, exits, add } = empty({ maxRequests: 4, maxSites: 2 })
  t.strictSame(bench.core.load, { requests: 0, exits: 0, sites: 0, pins: 0, queued: 0, pushes: 0, pushed: 0, gates: 0 })
  t.match(bench.core.config, { maxRequests: 4, deadline: 60_000 })
  bench.core.addExit(bench.now, { id: 'exit0', destination: exits[0]!.keys.destination })
  t.match(bench.core.load, { requests: 1, exits: 1, queued: 1 })
  const [probe] = add(0)
  t.match(bench.core.load, { requests: 1, exits: 1, queued: 0 })
  t.equal(probe?.type, 'open')
  t.strictSame(add(0), [], 'it is there already')
  bench.receive(exits[0]!.reply(probe!, Buffer.alloc(0)))
  bench.sent()
  // A site of its own has a place of its own; the one used least recently goes, unless something waits for it.
  const sites = Array.from({ length: 4 }, (_, index) => new FakeExit(50 + index))
  const visitSite = (index: number): number => bench.core.request(bench.now, {
    message: Buffer.from('GET http://b.i2p/ HTTP/1.1\r\n\r\n'), site: 'b.i2p', idempotent: true, destination: sites[index]!.keys.destination
  })
  const first = visitSite(0)
  const asked = sites[0]!.read(bench.sent()[0]!)
  visitSite(1)
  const second = sites[1]!.read(bench.sent()[0]!)
  visitSite(2)
  const third = sites[2]!.read(bench.sent()[0]!)
  t.equal(bench.core.load.sites, 3, 'all of them are in use')
  bench.receive(sites[1]!.reply(second, pageObject('x')))
  t.match(told(bench), [{ type: 'response' }])
  visitSite(3)
  t.equal(bench.core.load.sites, 3, 'one of four')
  t.equal(bench.core.receive(bench.now, 0, sites[1]!.reply(second, pageObject('x'))[0]!), false, 'its session is gone')
  t.equal(bench.core.receive(bench.now, 0, sites[2]!.reply(third, pageObject('x'))[0]!), true)
  t.match(told(bench), [{ type: 'response' }])
  t.equal(bench.core.load.requests, 2)
  bench.core.cancel(bench.now, first)
  t.equal(bench.core.receive(bench.now, 0, sites[0]!.reply(asked, pageObject('x'))[0]!), true)
  t.equal(bench.core.stats.late, 1)
  for (let n = 0; n < 4; n++) bench.get()
  t.match(told(bench), [{ type: 'failed', code: 'overloaded' }], 'one of six')
  t.equal(bench.core.load.requests, 4)
  bench.core.suspectExit(bench.now, 'exit0')
  t.equal(bench.core.load.requests, 4, 'nor is an exit probed')
})

t.test('a request that is too long fails at once, one that is just short enough does not', async t => {
  for (const [length, code] of [[131_072, 'request-too-large'], [120_000, undefined]] as const) {
    const { bench } = started()
    bench.core.request(bench.now, {
      message: Buffer.concat([Buffer.from('POST http://a.i2p/ HTTP/1.1\r\n\r\n'), seeded(8)(length)]), site: 'a.i2p', idempotent: true
    })
    t.match(told(bench), code === undefined ? [] : [{ type: 'failed', code }], String(length))
  }
})

t.test('whether a site carries out what is asked once is asked itself', async t => {
  const { bench } = empty()
  const site = new FakeExit(60)
  t.equal(bench.core.takesOnce(bench.now, site.keys.destination), false)
  const [probe] = bench.sent().map(message => site.read(message))
  t.match(probe, { type: 'open' })
  t.equal(bench.core.takesOnce(bench.now, site.keys.destination), false)
  t.strictSame(bench.sent(), [], 'one probe at a time')
  bench.receive(site.reply(probe!, Buffer.alloc(0)))
  t.equal(bench.core.takesOnce(bench.now, site.keys.destination), true)
  t.strictSame(bench.sent(), [])
})

t.test('a stream that fails has its exit probed, unless it is known to be silent and another one is there', async t => {
  for (const [count, isSilent, probes] of [[1, false, 1], [1, true, 1], [2, false, 1], [2, true, 0]] as const) {
    const { bench, exits, exit, first, handle } = started({ count, sources: 1 })
    if (!isSilent) bench.receive(exit.reply(first, pageObject('x')))
    for (const end = bench.now + 200_000; bench.now < end;) {
      for (const sent of bench.wait(500)) {
        const other = exits.find(({ keys }) => sent.to.equals(keys.destination))!
        const message = other.read(sent)
        if ((other !== exit || !isSilent) &&
          message.type !== 'cancel') bench.receive(other.reply(message, isAsk(message) ? pageObject('x') : Buffer.alloc(0)))
      }
    }
    bench.core.cancel(bench.now, handle)
    t.equal(bench.core.load.requests, 0)
    t.equal(status(bench, exits.indexOf(exit)).state, isSilent ? 'down' : 'ready')
    bench.core.suspectExit(bench.now, 'nobody')
    bench.core.suspectExit(bench.now, `exit${exits.indexOf(exit)}`)
    t.equal(bench.sent().length, probes, `${count} ${isSilent}`)
  }
})

t.test('saved state is taken up for exits that are there and for those that come; what is broken is ignored', async t => {
  const { bench, exit } = started()
  bench.wait(300)
  bench.receive(exit.reply(exit.read(bench.sent().at(-1) ?? (bench.get(), bench.sent()[0]!)), pageObject('x')))
  const saved = JSON.parse(JSON.stringify(bench.core.toJSON())) as {
    version: number, paths: Array<{ id: unknown, srtt?: number }>, pool: unknown, gates?: unknown
  }
  t.match(saved, { version: 1, paths: [{ id: 'exit0', srtt: Number }] })
  const srttOf = (state: unknown, isBefore: boolean): number | undefined => {
    const { bench, exits } = empty()
    if (isBefore) bench.core.restore(state)
    bench.core.addExit(bench.now, { id: 'exit0', destination: exits[0]!.keys.destination })
    if (!isBefore) bench.core.restore(state)
    return status(bench).srtt
  }
  for (const isBefore of [true, false]) {
    t.equal(srttOf(saved, isBefore), saved.paths[0]!.srtt)
    for (const state of [
      null, undefined, 7, 'x', {}, { ...saved, version: 2 }, { ...saved, paths: 7 }, { ...saved, paths: [null, { id: 7, srtt: 5 }] }
    ]) {
      t.equal(srttOf(state, isBefore), undefined, JSON.stringify(state))
    }
    const many = Array.from({ length: 256 }, (_, index) => ({ id: `other${index}`, srtt: 5 }))
    t.equal(srttOf({ ...saved, paths: [...many, ...saved.paths] }, isBefore), undefined, 'of too many the first')
    t.equal(srttOf({ ...saved, paths: [...many.slice(1), ...saved.paths] }, isBefore), saved.paths[0]!.srtt)
  }
})

t.test('an exit that was started anew says how old it is: what was sent after its start is sent again, under another token', async t => {
  // Clocks drift by a second, and the request is half a second old.
  for (const [age, isAgain] of [[1_501, true], [1_500, false], [400, false], [0, false]] as const) {
    const { bench, exit, first } = started({ idempotent: false, sources: 1 })
    const once = 'once' in first ? first.once! : undefined
    bench.wait(500)
    bench.receive(exit.error(first, 'outcome-unknown', { size: age }))
    t.match(told(bench), isAgain ? [] : [{ type: 'failed', code: 'outcome-unknown' }], `${age} ms`)
    if (!isAgain) continue
    t.equal(status(bench).takesOnce, false, 'which start it is has to be asked')
    const [probe] = bench.sent().map(message => exit.read(message))
    bench.receive(exit.reply(probe!, Buffer.alloc(0), { told: Buffer.alloc(600, 5) }))
    const [again] = bench.sent().map(message => exit.read(message))
    const second = again !== undefined && 'once' in again ? again.once : undefined
    t.strictSame(second?.incarnation, Buffer.alloc(8, 5))
    t.notOk(second!.token.equals(once!.token))
    bench.receive([exit.error(first, 'busy', { retryAfter: 60 }), exit.error(first, 'connect-failed')])
    t.strictSame([told(bench), status(bench).state], [[], 'ready'], 'what is said of the token before is old')
    bench.receive(exit.error(again!, 'outcome-unknown', { size: 1 }))
    t.match(told(bench), [{ type: 'failed', code: 'outcome-unknown' }])
  }
  // One that has told its new incarnation meanwhile need not be asked.
  const { bench, exit, first } = started({ idempotent: false, sources: 1 })
  bench.core.suspectExit(bench.now, 'exit0')
  const [probe] = bench.sent().map(message => exit.read(message))
  bench.receive(exit.reply(probe!, Buffer.alloc(0), { told: Buffer.alloc(600, 5) }))
  bench.wait(500)
  bench.receive(exit.error(first, 'outcome-unknown', { size: 2_000 }))
  t.equal(status(bench).takesOnce, true)
  t.match(bench.sent().map(message => exit.read(message)), [{ once: { incarnation: Buffer.alloc(8, 5) } }])
})

t.test('promises in front of a page that arrives in parts are told before its parts', async t => {
  for (const [isPage, part, promised] of [
    [true, 'whole', 2], [true, 'beginning', 2], [false, 'whole', undefined], [true, 'whole', 0]
  ] as const) {
    const bench = new Bench({ handOn: 'any' })
    const exit = new FakeExit()
    bench.ready('a', exit)
    bench.events()
    bench.core.request(bench.now, {
      message: encodeRequestHead({ method: 'GET', url: URL, headers: [['Host', 'a.i2p']] }),
      site: 'a.i2p',
      idempotent: true,
      isPage,
      mayArrive: true
    })
    const first = exit.read(bench.sent()[0]!)
    bench.wait(200)
    const promises = encodePromises(Array.from({ length: promised ?? 2 }, (_, index) => ({ id: PUSH_IDS + index, url: `${URL}${index}` })))
    const object = encodeObject(Buffer.concat([promises, pageBytes(seeded(2)(30_000))]), { coding: 0 })
    const symbols = exit.reply(first, object, { symbolLength: 1_000, pace: 8_192, part })
    bench.receive(symbols[0]!)
    const parts = bench.events().filter(({ type }) => type === 'part')
    t.equal(parts.length, 1)
    const [event] = parts
    if (event?.type === 'part') {
      t.equal(event.trace.promised, promised === 0 ? undefined : promised)
      t.equal(event.bytes.length, 1_000)
      t.equal('rest' in event, part === 'beginning')
    }
    t.equal(bench.core.stats.promises, promised ?? 0)
    bench.receive(symbols.slice(1))
    const more = bench.events()
    t.match(more.at(-1), { type: 'response' })
    t.strictSame(
      more.flatMap(event => event.type === 'part' ? [event.bytes.length] : []).reduce((sum, length) => sum + length, 1_000), object.length
    )
  }
})

t.test('while much of an answer is yet to come its exit is granted another rate; nothing is said when all is here', async t => {
  const { bench, exit, first } = started({ sources: 1 })
  const object = pageObject(seeded(2)(100_000))
  bench.wait(200)
  const symbols = exit.reply(first, object, { symbolLength: 1_000, time: 200 })
  const reports: Message[] = []
  for (const [index, symbol] of symbols.entries()) {
    if (index % 4 === 0) bench.wait(40)
    bench.receive(symbol)
    reports.push(...readBy(exit, bench.sent()).filter(({ type }) => type === 'report'))
  }
  t.ok(reports.length > 0)
  t.match(reports[0], { type: 'report', id: 1, session: first.session, received: Number, rate: Number })
  t.strictSame(reports.map(({ id }) => id), reports.map((_, index) => index + 1))
  t.match(told(bench), [{ type: 'response' }])
  t.strictSame(bench.wait(1_000), [])
})

// Bytes of the request, whether it may be repeated, and bytes of the payloads of its REQUEST and its OPEN.
const LENGTHS: Array<[number, boolean, number, number]> = [
  [0, true, 683, 683], [300, true, 683, 1_679], [
    560, true, 683, 1_679
  ], [700, true, 759, 1_679], [1_000, false, 1_679, 1_679], [2_500, true, 2_675, 3_671], [2_500, false, 2_675, 3_671]
]
t.test('what is sent is padded so that no gateway holds it back, says our time, and is gone from routers after a minute', async t => {
  for (const offset of [0, 86_400_000]) {
    for (const [length, idempotent, ...lengths] of LENGTHS) {
      const core = new ClientCore({ keys: [keysOf(100)], random: seeded(55), clockOffset: () => offset })
      const exit = new FakeExit()
      const now = 1_000_000
      core.addExit(now, { id: 'a', destination: exit.keys.destination })
      const probe = core.pollTransmit(now)!
      const open = exit.read(probe)
      t.equal(open.type === 'open' && open.time, (now + offset) / 1_000)
      t.equal(probe.expires, now + 60_000)
      core.receive(now, 0, exit.reply(open, Buffer.alloc(0))[0]!)
      core.request(now, {
        message: Buffer.concat([Buffer.from('GET http://a.i2p/ HTTP/1.1\r\n\r\n'), seeded(4)(length)]), site: 'a.i2p', idempotent
      })
      const sent = core.pollTransmit(now)!
      const request = exit.read(sent)
      t.match(request, { type: 'request', max: encodeRate(131_072) })
      if (request.type === 'request') t.strictSame(request.once?.time, idempotent ? undefined : (now + offset) / 1_000)
      // After silence as an OPEN.
      for (let at = now, next = core.nextTimeout(); next !== undefined &&
        next < now + 5_000; next = core.nextTimeout()) core.handleTimeout(at = Math.max(at, next))
      const again = Array.from({ length: 20 }, () => core.pollTransmit(now)).find(message => message?.protocol === 19)!
      t.strictSame([sent.payload.length, again.payload.length], lengths, `${length} ${idempotent ? '' : 'once'}`)
    }
  }
})

t.test('a long request that an exit has parts of keeps its id, however often it is repeated', async t => {
  const run = (idempotent: boolean): string[] => {
    const bench = new Bench({}, 1)
    const exit = new FakeExit()
    bench.ready('a', exit)
    bench.core.request(bench.now, {
      message: Buffer.concat([Buffer.from('POST http://a.i2p/ HTTP/1.1\r\n\r\n'), seeded(3)(20_000)]),
      site: 'a.i2p',
      idempotent,
      timeout: 30_000
    })
    const bodies: string[] = []
    for (const end = bench.now + 30_000; bench.now < end;) {
      for (const message of bench.wait(10).map(message => exit.read(message))) {
        if (message.type === 'open' && message.object.length === 0) bench.receive(exit.reply(message, Buffer.alloc(0)))
        if (message.type === 'body' && bodies.at(-1) !== `${message.id}.${message.attempt}`) bodies.push(`${message.id}.${message.attempt}`)
      }
    }
    return bodies
  }
  const [safe, once] = [run(true), run(false)]
  t.equal(new Set(once.map(name => name.split('.')[0])).size, 1, once.join())
  t.strictSame(once.map(name => Number(name.split('.')[1])), once.map((_, index) => index))
  t.ok(new Set(safe.map(name => name.split('.')[0])).size > 1, safe.join())
})

t.test('a new exit that says nothing is probed four times, one that was heard three times, within a minute', async t => {
  const { bench, exits } = empty({}, 1)
  bench.core.addExit(bench.now, { id: 'a', destination: exits[0]!.keys.destination })
  t.equal(bench.core.exits(bench.now)[0]!.state, 'probing')
  const rounds = (): number => schedule(bench, exits, 59_999).filter(row => row.endsWith('.0')).length
  t.equal(rounds(), 4)
  t.equal(bench.core.load.requests, 0)
  const known = started({ sources: 1 })
  known.bench.receive(known.exit.reply(known.first, pageObject('x')))
  known.bench.core.suspectExit(known.bench.now, 'exit0')
  t.equal(schedule(known.bench, known.exits, 59_999).filter(row =>
    row.endsWith('probe 0.0') || row.endsWith('probe 1.0') || row.endsWith('probe 2.0')).length, 3)
})

t.test('each change of an exit is told once', async t => {
  const { bench, exit, first } = started({ sources: 1 })
  const states = (): string[] => bench.events().flatMap(event => event.type === 'exit-state' ? [`${event.exit} ${event.state}`] : [])
  t.strictSame(states(), [])
  bench.receive(exit.error(first, 'busy', { retryAfter: 2 }))
  t.strictSame(states(), ['exit0 busy'])
  const [again] = bench.wait(2_000).map(message => exit.read(message))
  bench.receive(exit.reply(again!, pageObject('x')))
  t.strictSame(states(), ['exit0 ready'])
  bench.get()
  bench.receive(exit.error(exit.read(bench.sent()[0]!), 'draining'))
  t.strictSame(states(), ['exit0 draining'])
  bench.core.removeExit(bench.now, 'exit0')
  t.strictSame(states(), [])
  t.match(bench.core.stats, { requests: 2, responses: 1, failures: 1, retries: 1, hedges: 0 })
})
