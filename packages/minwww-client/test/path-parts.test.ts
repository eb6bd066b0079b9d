/** What a client knows of the path from an exit, part by part, by the numbers of sections 5 to 7 of the protocol. */
import {
  decodeRate, encodeLoss, encodeObject, encodePromises, encodeRate, encodeResponse, parityFor, PUSH_IDS,
  type HeaderList
} from '@minwww/protocol'
import { LocalDestination } from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { Assembly } from '../src/core/assembly.ts'
import { DEFAULT_CONFIG, type ClientConfig } from '../src/core/config.ts'
import { ClientContext, MAX_QUEUED } from '../src/core/context.ts'
import { failureOfError } from '../src/core/failures.ts'
import { ExitPath, MAX_WATCHES } from '../src/core/path.ts'
import { nearest } from '../src/core/rates.ts'
import { decodeResponse, isResumable, promisesIn } from '../src/core/response.ts'
import { ShapeLearner, type BurstOutcome } from '../src/core/shape.ts'
import type { Outgoing } from '../src/core/types.ts'
import { symbol } from './symbols.ts'

const KB = 1024
const near = (actual: number, expected: number): boolean => Math.abs(actual - expected) < 1e-6 * Math.max(1, Math.abs(expected))

t.test('an object is whole with any k symbols, and knows what is missing', async t => {
  const object = seeded('object')(2_500)
  const parts = [0, 1, 2].map(index => Buffer.concat([object.subarray(1_000 * index, 1_000 * (index + 1))], 1_000))
  const reply = (index: number, last = 3) => symbol({ size: 2_500, index, last, symbol: parts[index] ?? Buffer.alloc(1_000) })
  const assembly = new Assembly(reply(0), 3)
  t.match(assembly, {
    size: 2_500,
    symbolLength: 1_000,
    k: 3,
    part: 'whole',
    missing: 3,
    complete: false,
    outstanding: 3_000,
    isFlooded: false
  })
  t.strictSame([assembly.add(reply(1)), assembly.add(reply(1)), assembly.missing, assembly.front(0).length], ['new', 'duplicate', 2, 0])
  t.equal(assembly.outstanding, 2_000, 'four were announced, and two came')
  assembly.add(reply(0))
  t.strictSame([assembly.front(0), assembly.front(1_999).length, assembly.front(2_000).length], [object.subarray(0, 2_000), 1, 0])
  t.equal(assembly.outstanding, 1_000)
  for (const o of [{ size: 2_499 }, { part: 'beginning' as const }, { symbol: Buffer.alloc(999) }]) {
    t.equal(assembly.add({ ...reply(2), ...o }), 'inconsistent', JSON.stringify(o).slice(0, 30))
  }
  t.equal(assembly.add(reply(2)), 'new')
  t.strictSame([assembly.complete, assembly.missing, assembly.outstanding, assembly.result()], [true, 0, 0, object])
  t.equal(assembly.want(0.1, 1), undefined, 'nothing is missing')
})

t.test('what is said to come is believed as far as an honest exit would send', async t => {
  const assembly = new Assembly(symbol({ size: 10_000, index: 0 }), 3)
  t.strictSame([5, 16, 17, 255].map(last => assembly.announced(last)), [5, 16, 16, 16], 'ten, and seven of parity')
  assembly.add(symbol({ size: 10_000, index: 0, last: 12 }))
  t.equal(assembly.announced(255), 19, 'from the highest on')
  const large = new Assembly(symbol({ size: 130_000, symbol: Buffer.alloc(520) }), 3)
  t.strictSame([large.k, large.announced(255)], [250, 255], 'no index is above 255')
})

t.test('a WANT asks for fresh symbols, with parity, while the exit may send some', async t => {
  const assembly = new Assembly(symbol({ size: 10_000 }), 3)
  for (const index of [0, 1, 2]) assembly.add(symbol({ size: 10_000, index, last: 9 }))
  t.strictSame(assembly.want(0.05, 2), { from: 10, count: 7 + parityFor(7, 0.05, 2) })
  t.equal(assembly.outstanding, (7 + parityFor(7, 0.05, 2)) * 1_000)
  t.strictSame(assembly.want(0, 1), { from: 10 + 7 + parityFor(7, 0.05, 2), count: 7 }, 'never one of those that were asked for')
  const greedy = new Assembly(symbol({ size: 10_000 }), 1)
  for (let i = 0; i < 6; i++) greedy.add(symbol({ size: 10_000, index: 0, last: 9 }))
  t.strictSame(greedy.want(0, 1), { from: 10, count: 4 }, 'ten in all')
  for (let i = 0; i < 4; i++) greedy.add(symbol({ size: 10_000, index: 0, last: 9 }))
  t.strictSame([greedy.want(0, 1), greedy.isFlooded], [undefined, false])
  greedy.add(symbol({ size: 10_000, index: 0, last: 9 }))
  t.ok(greedy.isFlooded)
  const one = new Assembly(symbol({ size: 10, symbol: Buffer.alloc(653) }), 2)
  for (let i = 0; i < 6; i++) one.add(symbol({ size: 11, symbol: Buffer.alloc(653) }))
  for (let i = 0; i < 6; i++) one.add(symbol({ size: 10, last: 0, symbol: Buffer.alloc(653) }))
  t.notOk(one.isFlooded, 'a reply of one symbol may have two of parity, each time')
  one.add(symbol({ size: 10, last: 0, symbol: Buffer.alloc(653) }))
  t.ok(one.isFlooded)
  const last = new Assembly(symbol({ size: 130_000, symbol: Buffer.alloc(520) }), 3)
  last.add(symbol({ size: 130_000, symbol: Buffer.alloc(520), last: 253 }))
  t.strictSame([last.want(0, 1), last.want(0, 1)], [{ from: 254, count: 2 }, undefined], 'there are 256 symbols')
})

/** The symbols of an object of this response. */
function assemblyOf (headers: HeaderList, body: Buffer, count: number): Assembly {
  const object = encodeObject(encodeResponse({ status: 200, reason: 'OK', headers, body }), { coding: 0 })
  const length = 500
  const part = (index: number): Buffer => Buffer.concat([object.subarray(index * length, (index + 1) * length)], length)
  const assembly = new Assembly(symbol({ size: object.length, symbol: part(0) }), 3)
  for (let index = 0; index < count; index++) assembly.add(symbol({ size: object.length, index, last: 255, symbol: part(index) }))
  return assembly
}

t.test('another exit can go on with an answer that has a strong validator, once its head is here', async t => {
  const resumable: HeaderList = [['ETag', '"x"'], ['Content-Length', '9000'], ['Accept-Ranges', 'bytes']]
  const long: HeaderList = [['X', 'x'.repeat(700)], ...resumable]
  t.strictSame([0, 1, 2].map(count => assemblyOf(long, Buffer.alloc(9_000), count).isResumable), [false, false, true])
  t.notOk(assemblyOf([['Content-Length', '9000']], Buffer.alloc(9_000), 3).isResumable)
  const late = assemblyOf(long, Buffer.alloc(9_000), 1)
  t.notOk(late.isResumable)
  const endless = new Assembly(symbol({ size: 60_000, symbol: Buffer.from(`\0HTTP/1.1 200 OK\r\nA: ${'x'.repeat(33_000)}`) }), 3)
  endless.add(symbol({ size: 60_000, last: 1, symbol: Buffer.from(`\0HTTP/1.1 200 OK\r\nA: ${'x'.repeat(33_000)}`) }))
  t.notOk(endless.isResumable, 'a head that does not end')
})

t.test('what an object says: the response, and the promises in front of it', async t => {
  const headers: HeaderList = [['Set-cookie', 'a=b'], ['Content-Length', '4']]
  const response = encodeResponse({ status: 404, reason: 'Gone', headers, body: Buffer.from('page') })
  const promises = [{ id: PUSH_IDS + 1, url: 'http://a.i2p/x.css' }]
  const object = encodeObject(Buffer.concat([encodePromises(promises), response]))
  t.strictSame(decodeResponse(object, 'whole'), {
    bytes: response,
    head: { status: 404, reason: 'Gone', headers },
    setsCookie: true,
    promises
  })
  const plain = encodeResponse({ status: 200, reason: '', headers: [['X', 'set-cookie']], body: Buffer.from('page') })
  t.match(decodeResponse(encodeObject(plain), 'whole'), { setsCookie: false, promises: [] })
  const cut = encodeObject(encodeResponse({ status: 200, reason: '', headers: [['Content-Length', '9']], body: Buffer.from('page') }))
  t.equal(decodeResponse(cut, 'whole'), undefined)
  t.match(decodeResponse(cut, 'beginning'), { head: { status: 200 } })
  for (const bytes of [Buffer.alloc(0), Buffer.of(3, 1), encodeObject(Buffer.from('no response')),
    encodeObject(encodePromises(promises).subarray(0, -2))]) {
    t.equal(decodeResponse(bytes, 'whole'), undefined, bytes.toString('hex', 0, 9))
  }
  const open = encodeObject(Buffer.concat([encodePromises(promises), response]), { coding: 0 })
  t.strictSame(promisesIn(open.subarray(0, -9)), promises)
  t.equal(promisesIn(open.subarray(0, 12)), undefined, 'not all are here')
  for (const read of [promisesIn, isResumable]) t.equal(read(Buffer.of(9, 9, 9)), undefined, 'a coding that is none')
  t.equal(isResumable(open.subarray(0, 12)), undefined)
  t.equal(isResumable(Buffer.from('\0HTTP/1.1 200 OK\r\nETag: "x"\r\n')), undefined, 'in the middle of its head')
  const odd = Buffer.from('\0+nonsense\r\nHTTP/1.1 200 OK\r\n\r\n')
  t.strictSame([promisesIn(odd), isResumable(odd), decodeResponse(odd, 'whole')], [[], false, undefined], 'promises that are none')
  t.equal(isResumable(Buffer.from('\0HTTP/1.1 OK\r\n\r\n')), false, 'a head that is none')
})

t.test('codes of ERROR messages; one that nobody knows is an answer that nobody can use', async t => {
  t.strictSame([1, 2, 10, 12, 0].map(failureOfError), ['unknown-id', 'busy', 'draining', 'bad-response', 'bad-response'])
})

t.test('what a driver does not take is dropped, the oldest first', async t => {
  const context = new ClientContext({ config: DEFAULT_CONFIG, keys: [], random: length => Buffer.alloc(length, 255), clockOffset: () => 0 })
  t.ok(Object.values(context.stats).every(value => value === 0))
  t.equal(context.chance(), 1)
  for (let i = 0; i <= MAX_QUEUED; i++) context.transmit({ expires: i } as unknown as Outgoing)
  t.strictSame([context.outgoing.length, context.outgoing[0]?.expires, context.stats.messagesSent], [MAX_QUEUED, 1, MAX_QUEUED + 1])
  const zero = new ClientContext({ config: DEFAULT_CONFIG, keys: [], random: length => Buffer.alloc(length, 51), clockOffset: () => 0 })
  t.equal(zero.chance(), 0.2)
  t.strictSame([zero.outgoing, zero.events, zero.keys], [[], [], []])
  zero.emit({ type: 'exit-state', exit: 'a', state: 'ready' })
  t.strictSame(zero.events, [{ type: 'exit-state', exit: 'a', state: 'ready' }])
  const [first, second] = [1, 2].map(byte => LocalDestination.generate(length => Buffer.alloc(length, byte))) as [LocalDestination,
    LocalDestination]
  const own = new ClientContext({
    config: DEFAULT_CONFIG,
    keys: [first, second],
    random: length => Buffer.alloc(length),
    clockOffset: () => 0
  })
  own.replaceKeys(1, first)
  t.strictSame(own.keys, [first, first])
})

t.test('what the specification and the options say of a client', async t => {
  t.match(DEFAULT_CONFIG, {
    deadline: 60_000,
    workingDeadline: 300_000,
    maxAttempts: 6,
    maxReplyFactor: 3,
    initialTimeout: 3_000,
    copySpacing: 100,
    sessionLife: 540_000,
    handOn: 'resumable',
    maxObject: 131_072,
    replyMode: 'adaptive',
    strategy: 'ranked',
    salt: '',
    hedging: false,
    hedgeBudget: 0.05,
    maxRequests: 512,
    maxSites: 256,
    initialRate: 131_072,
    cleanRun: 1_000,
    growRun: 2_000,
    shapeRetry: 3_600_000
  })
})

/** A path of which nothing, or a round trip of `rtt` without variation, is known. */
function pathOf (rtt?: number, o: Partial<ClientConfig> = {}): ExitPath {
  const path = new ExitPath({ ...DEFAULT_CONFIG, ...o })
  if (rtt !== undefined) for (let i = 0; i < 60; i++) path.rtt.sample(rtt)
  return path
}

t.test('time-outs: the configured one, then srtt and four times its variation, longer for a first sign', async t => {
  const unknown = pathOf()
  t.strictSame([0, 1, 3].map(attempt => unknown.timeout(attempt)), [3_000, 6_000, 24_000])
  t.strictSame([unknown.signTimeout(1), unknown.rtt.srtt], [6_000, 1_000])
  const first = pathOf()
  first.rtt.sample(200)
  t.strictSame([first.timeout(0), first.timeout(1), first.slack, first.lateness], [600, 1_200, 200, 500])
  t.strictSame([first.signTimeout(0), first.signTimeout(1)], [600, 1_200])
  const steady = pathOf(200)
  t.ok(near(steady.timeout(0), 200) && near(steady.slack, 20) && near(steady.lateness, 120))
  t.ok(near(steady.signTimeout(0), 200 + 200 + 20), 'it may say after a moment that it works on it')
  const short = pathOf(4)
  t.ok(near(short.timeout(0), 100))
  short.noteSilence(0)
  t.ok(near(short.timeout(0), 30), 'a path that has lost something')
})

t.test('loss to plan with: little while none was seen, the estimate after it, none after a long clean run', async t => {
  const path = pathOf()
  t.strictSame([path.loss, path.requestLoss, path.exceedsParity], [0.003, 0, false])
  path.noteSilence(0)
  t.strictSame([path.loss, path.requestLoss], [0.0125, 0.0125])
  const single = pathOf(undefined, { replyMode: 'single' })
  t.strictSame([single.loss, single.shape(0)], [0, 61])
  const clean = pathOf(100)
  const burst = (id: number, count: number): void => {
    for (let index = 0; index < count; index++) clean.observe(id, `${id}`, 0, symbol({ index, last: count - 1, size: count * 1_000 }), 700)
  }
  for (let id = 0; id < 9; id++) burst(id, 100)
  t.ok(clean.loss > 0, '900 tunnel messages without loss')
  burst(9, 100)
  t.equal(clean.loss, 0, '1,000')
})

t.test('what is told of a path: nothing of a rate before a round trip was measured', async t => {
  const path = pathOf()
  t.strictSame(path.report(0), { loss: encodeLoss(0.003), rate: 0, shape: 8 })
  t.strictSame([path.rate, path.bottleneck, path.carries, path.queue], [131_072, undefined, 131_072, 0])
  path.carried(0, 9e6)
  t.equal(path.rate, 131_072)
  path.restore(200)
  const rate = nearest(140 * KB * 1_000 / (200 + 250))
  t.strictSame([path.rtt.srtt, path.rate], [200, rate], 'the first window in a round trip and the 250 ms that an exit lets leave at once')
  t.equal(path.report(0).rate, encodeRate(rate))
  t.equal(path.report(0, 0.25).rate, encodeRate(rate / 4))
  path.restore(900)
  t.equal(path.rtt.srtt, 200, 'what was measured is worth more')
  path.carried(0, 4e6)
  t.equal(path.rate, nearest(4e6))
  const known = pathOf()
  known.restore(200, 50_000)
  t.ok(near(known.bottleneck ?? 0, 50_000) && near(known.carries, Math.min(known.rate, 50_000)))
})

t.test('a burst is late when its symbols should have come, stretched, and half a round trip later', async t => {
  const path = pathOf(200)
  const watch = path.observe(1_000, 'a', 0, symbol({ index: 2, last: 6, size: 7_000, pace: encodeRate(100 * KB) }), 1_028)
  const spacing = 2 * KB * 1_000 / decodeRate(encodeRate(100 * KB))
  t.ok(near(watch.closeAt, 1_000 + 4 * spacing * 1.05 + 120), `${watch.closeAt}`)
  t.equal(path.nextTimeout(), watch.closeAt)
  const busy = path.observe(1_000, 'b', 0, symbol({ index: 6, last: 6, size: 7_000 }), 1_028, 400)
  t.ok(near(busy.closeAt, 1_000 + 400 * 1.05 + 120), 'until everything under way has come')
  t.equal(path.symbol, 2)
  const gap = path.gap(watch, 70)
  const run = 3 + 2 * Math.log(0.01) / Math.log(1 - (1 - 0.003) ** 2)
  t.ok(near(gap.spacing, spacing) && near(gap.slack, 20) && near(gap.silence, run * gap.spacing + 20 + 50) && gap.backlog === 70)
  t.ok(near(path.silence, run * spacingOf(path, 2) + 20 + 50))
  t.strictSame([path.isBeyondChance(Math.floor(run)), path.isBeyondChance(Math.ceil(run)), path.isBeyondChance(4, 61)], [false, true,
    false])
})

/** By the pace of the last symbol, which in symbols.ts is the code for 131,072. */
const spacingOf = (_: ExitPath, m: number): number => m * KB * 1_000 / 131_072

t.test('bytes until a first symbol is through, by the largest that came lately', async t => {
  const inARow = (m: number, p = 0.003): number => Math.log(0.01) / Math.log(1 - (1 - p) ** m)
  const path = pathOf(200)
  t.ok(near(path.firstSymbolBytes(0), (1 + inARow(1)) * KB), 'nothing has come yet')
  t.ok(near(path.round(3), 3 * (1 + inARow(1)) * KB))
  for (const [id, length] of [3_800, 700].entries()) path.observe(id, `${id}`, 0, symbol({ last: 0, size: 10 }), length)
  t.ok(near(path.firstSymbolBytes(0), (1 + inARow(4)) * 4 * KB))
  t.ok(near(path.round(2), 2 * (1 + inARow(4)) * 4 * KB))
  t.equal(path.symbol, 1)
  for (let id = 2; id < 18; id++) path.observe(id, `${id}`, 0, symbol({ last: 0, size: 10 }), 700)
  t.ok(near(path.firstSymbolBytes(0), (1 + inARow(1)) * KB), 'of the last sixteen')
  const clean = pathOf(200, { replyMode: 'single' })
  t.equal(clean.firstSymbolBytes(0), 61 * KB, 'the largest allowed, and no loss')
})

t.test('a round trip that a queue would lengthen is not measured, but for an old one', async t => {
  const path = pathOf()
  t.notOk(path.isLoaded(0, 1e9), 'nothing is known')
  path.measure(1_000, 200, 1)
  t.strictSame([path.rtt.srtt, path.isLoaded(1_000, 50), path.isLoaded(1_000, 51)], [200, false, true])
  t.strictSame([path.isLoaded(10_999, 51), path.isLoaded(11_000, 51)], [true, false])
  const known = pathOf()
  known.restore(200, 10 * KB)
  known.measure(0, 400, 1)
  t.ok(near(known.rtt.srtt, 200 + (400 - 100 - 200) / 8), 'without the 100 ms that a tunnel message takes at the bottleneck')
  known.measure(0, 100, 4)
  t.ok(near(known.rtt.srtt, 212.5 + (12.5 - 212.5) / 8), 'an eighth of it at least')
})

t.test('a REPORT is due when the rate has changed, not too often, and what came is told twice a second', async t => {
  const path = pathOf()
  let told = 0
  const isDue = (now: number): boolean => path.isReportDue(now, path.rate, [told])
  const tell = (now: number): void => {
    path.reporting(now, path.rate, [told])
    path.report(now)
    told = path.rate
  }
  t.notOk(isDue(0))
  path.restore(600)
  t.ok(isDue(0), 'another rate than nothing')
  tell(0)
  t.notOk(isDue(9_000))
  const came = (now: number, count: number): void => {
    for (let i = 0; i < count; i++) {
      path.observe(now, `${now} ${i}`, 0, symbol({
        size: 0,
        index: 0,
        last: 0,
        time: now,
        symbol: Buffer.alloc(653)
      }), 683)
    }
  }
  came(10_000, 7)
  t.notOk(isDue(10_499))
  came(10_499, 1)
  t.strictSame([isDue(10_499), isDue(10_500)], [false, true], 'eight tunnel messages in half a second')
  tell(10_500)
  t.notOk(isDue(11_000))
  came(11_000, 2)
  came(12_001, 6)
  t.notOk(isDue(12_400), 'after a pause it begins anew')
  t.notOk(isDue(12_600))
  came(12_600, 2)
  t.ok(isDue(12_600))
  tell(12_600)
  came(12_700, 20)
  path.carried(12_700, path.rate * 1.03)
  t.notOk(isDue(12_750), 'the same rate, about')
  path.carried(12_700, path.rate * 1.2)
  t.strictSame([isDue(12_699), isDue(12_700)], [false, true], 'a sixth of a round trip after the last')
  tell(12_700)
  path.carried(12_800, path.rate * 1.5)
  t.notOk(isDue(12_900), 'it is not worth a message before twenty tunnel messages came')
})

t.test('so many bursts are watched, the oldest is forgotten; with their way they all are', async t => {
  const path = pathOf(100)
  const first = path.observe(0, 'first', 0, symbol({ index: 0 }), 1_028)
  t.equal(path.observe(1, 'first', 0, symbol({ index: 1 }), 1_028), first)
  for (let i = 1; i <= MAX_WATCHES; i++) path.observe(2, `${i}`, 0, symbol({ index: 0 }), 1_028)
  t.not(path.observe(3, 'first', 0, symbol({ index: 2 }), 1_028), first)
  const loss = path.loss
  path.forgetBursts()
  t.equal(path.nextTimeout(), undefined)
  path.handleTimeout(1e9)
  t.equal(path.loss, loss, 'they were no loss')
})

const OPTIONS = { growRun: 2_000, retry: 1_000_000 }
const outcome = (m: number, announced: number, received = announced, outOfOrder = false): BurstOutcome => ({
  m,
  announced,
  received,
  outOfOrder
})

t.test('symbols grow by one size after so many tunnel messages in order, and shrink with the first large one that is lost', async t => {
  const learner = new ShapeLearner(OPTIONS)
  t.equal(learner.shape(0), 8)
  learner.burst(0, outcome(1, 1_999))
  t.equal(learner.shape(0), 8)
  learner.burst(0, outcome(1, 1))
  t.equal(learner.shape(0), 16)
  learner.burst(0, outcome(16, 124))
  t.equal(learner.shape(0), 16, 'the run begins anew with each step: 1,984')
  learner.burst(0, outcome(16, 1))
  t.equal(learner.shape(0), 32)
  learner.burst(0, outcome(1, 1_999, 1_998))
  learner.burst(0, outcome(1, 1_999, 1_999, true))
  learner.burst(0, outcome(1, 1_999))
  t.equal(learner.shape(0), 32, 'loss or disorder ends a run')
  learner.burst(0, outcome(32, 5, 4))
  t.equal(learner.shape(0), 16)
  learner.burst(0, outcome(61, 5, 4))
  t.equal(learner.shape(0), 16, 'a larger one says nothing new')
  learner.burst(0, outcome(16, 5, 4))
  t.equal(learner.shape(0), 8)
})

t.test('a size is suspect when clearly more of it is lost than smaller ones explain; then single ones are tried', async t => {
  /** Twenty of eight tunnel messages, so many lost: expected are 1.55 at 1 %, and four deviations and two more are 8.5. */
  const after = (lost: number, announced = 20): number => {
    const learner = new ShapeLearner(OPTIONS)
    learner.burst(0, outcome(8, announced, announced - lost, true))
    return learner.shape(0)
  }
  t.strictSame([after(8), after(9), after(11, 11), after(12, 12)], [8, 1, 8, 1], 'and twelve symbols at least')
  const single = new ShapeLearner(OPTIONS)
  single.burst(0, outcome(1, 100, 0, true))
  t.equal(single.shape(0), 8, 'what is smaller than one?')
})

t.test('where single ones are lost as well it is the path, and the sizes are cleared for a while', async t => {
  const learner = new ShapeLearner(OPTIONS)
  const all = (now: number): void => learner.burst(now, outcome(8, 20, 0, true))
  learner.burst(0, outcome(8, 20, 10, true))
  t.equal(learner.shape(0), 1)
  learner.burst(1, outcome(8, 100, 100, true))
  t.equal(learner.shape(1), 1, 'only single ones count')
  // Half of those of eight tunnel messages: 8.3 % of each.
  learner.burst(1, outcome(1, 199, 190, true))
  t.equal(learner.shape(1), 1)
  learner.burst(1, outcome(1, 1, 1, true))
  t.equal(learner.shape(1), 8, '4.5 % is more than a third of that')
  all(2)
  all(999_999)
  t.equal(learner.shape(999_999), 8)
  const later = new ShapeLearner(OPTIONS)
  later.burst(0, outcome(8, 20, 10, true))
  later.burst(5, outcome(1, 200, 190, true))
  later.burst(1_000_005, outcome(8, 40, 0, true))
  t.equal(later.shape(1_000_005), 1, 'for that while only')
})

t.test('where they are not, the sizes below are tried one after the other', async t => {
  const learner = new ShapeLearner(OPTIONS)
  learner.burst(0, outcome(8, 20, 10, true))
  learner.burst(1, outcome(1, 200, 200, true))
  t.equal(learner.shape(1), 2)
  learner.burst(2, outcome(2, 99, 99, true))
  t.equal(learner.shape(2), 2)
  learner.burst(2, outcome(4, 100, 100, true))
  t.equal(learner.shape(2), 2, 'of this size')
  learner.burst(2, outcome(2, 1, 1, true))
  t.equal(learner.shape(2), 4)
  learner.burst(2, outcome(4, 500, 500, true))
  t.equal(learner.shape(2), 4, 'eight is known to be bad')
  learner.burst(3, outcome(4, 500, 0, true))
  t.equal(learner.shape(3), 2, 'and now four is')
  learner.burst(3, outcome(2, 500, 500))
  t.equal(learner.shape(3), 2, 'and stays so')
  t.strictSame([learner.shape(1_000_002), learner.shape(1_000_003)], [2, 8], 'an hour later all is tried again')
})
