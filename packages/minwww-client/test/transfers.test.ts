import type { Once } from '@minwww/protocol'
import { encodeObject, encodePromises, encodeResponse, MAX_ATTEMPT, PUSH_IDS } from '@minwww/protocol'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { Delivery, restOf } from '../src/core/delivery.ts'
import type { Exit } from '../src/core/exit.ts'
import type { GapTimes } from '../src/core/path.ts'
import { ClientRequest } from '../src/core/request.ts'
import type { Purpose } from '../src/core/request.ts'
import { RetryBudget } from '../src/core/retry-budget.ts'
import { ExitSession } from '../src/core/session.ts'
import { Traffic } from '../src/core/traffic.ts'
import { TransferTable } from '../src/core/transfer-table.ts'
import { Transfer } from '../src/core/transfer.ts'
import { symbol } from './symbols.ts'

const KB = 1024
/** What a transfer asks of its exit; a test changes it as it goes. */
interface Facts {
  id: string
  received: number
  lastSymbolAt: number
  heardAt: number
  transfers: number
  isOvertaken: () => boolean
  path: { carries: number, silence: number, rtt: { srtt: number, hasSample: boolean }, round: (replies: number) => number }
  take: (transfer: unknown) => void
  release: (transfer: unknown) => void
}

function exitOf (id = 'a'): Facts & Exit {
  const facts: Facts = {
    id,
    received: 0,
    lastSymbolAt: -Infinity,
    heardAt: -Infinity,
    transfers: 1,
    isOvertaken: () => false,
    path: { carries: 10 * KB, silence: 400, rtt: { srtt: 100, hasSample: true }, round: replies => replies * KB },
    take: () => { facts.transfers++ },
    release: () => { facts.transfers-- }
  }
  return facts as unknown as Facts & Exit
}

let made = 0
const sessionOf = (source = 0): ExitSession => new ExitSession(source, Buffer.from(seeded(`K ${made++}`)(16)))
type Begun = Partial<Pick<Transfer, 'exit' | 'session' | 'id' | 'base' | 'form' | 'repetition' | 'once'>> & { isProbe?: boolean, isPush?: boolean, now?: number }

function transferOf ({ isProbe = false, isPush = false, now = 1_000, ...o }: Begun = {}): Transfer {
  const owner = { handle: 1, isProbe, isPush, traffic: new Traffic(now), budget: new RetryBudget(6) }
  return new Transfer({ owner, exit: exitOf(), session: sessionOf(), id: 1, base: 0, form: 'request', repetition: 0, once: undefined, now, ...o })
}

const GAP: GapTimes = { spacing: 10, slack: 20, silence: 200, backlog: 300 }

t.test('a transfer waits for a first symbol, longer while other bytes are ahead of it, but not beyond a silence', async t => {
  const exit = exitOf()
  const transfer = transferOf({ exit })
  t.strictSame([transfer.waitsFor, transfer.isActive, transfer.expiresAt], ['idle', false, Infinity])
  exit.received = 100
  transfer.sent(1_000, { from: 0, measurable: true, answerBy: 1_500, queued: 5 * KB })
  t.strictSame([transfer.waitsFor, transfer.isActive, transfer.mayBeWorkedOn], ['first', true, true])
  t.equal(transfer.expiresAt, 1_500, 'nothing has come for long')
  exit.lastSymbolAt = 1_400
  t.equal(transfer.expiresAt, 1_900, 'what is ahead comes: until a silence, and a round trip')
  exit.received = 100 + 5 * KB
  t.equal(transfer.expiresAt, 1_900)
  exit.lastSymbolAt = 1_800
  t.equal(transfer.expiresAt, 1_500 + 500, 'all of it is here: so long as it takes')
  exit.transfers = 3
  exit.lastSymbolAt = 1_900
  t.equal(transfer.expiresAt, 2_400, 'other replies have their turn before')
  exit.received = 100 + 7 * KB
  t.equal(transfer.expiresAt, 1_500 + 700)
  exit.isOvertaken = () => true
  t.equal(transfer.expiresAt, 1_500, 'the exit has answered elsewhere what was asked for later')
})

t.test('a WANT is waited for like a request, and counts as unanswered until a symbol of it comes', async t => {
  const transfer = transferOf({ repetition: 2 })
  transfer.sent(1_000, { from: 0, measurable: true, answerBy: 1_500, queued: 0 })
  transfer.add(symbol(), 3)
  t.notOk(transfer.mayBeWorkedOn)
  transfer.beginRepair(4)
  t.strictSame([transfer.latest, transfer.wanted, transfer.backoff], [1, 4, 2])
  transfer.sent(2_000, { from: 10, measurable: true, answerBy: 2_500, queued: 0 })
  t.strictSame([transfer.waitsFor, transfer.expiresAt], ['want', 2_500])
  t.strictSame([transfer.wantUnanswered(), transfer.wantUnanswered(), transfer.backoff], [1, 2, 4])
  transfer.waitForRest(2_100, symbol({ index: 9 }), GAP)
  t.equal(transfer.waitsFor, 'want', 'late symbols of the request are not what it waits for')
  transfer.waitForRest(2_100, symbol({ index: 10, last: 12, attempt: 1 }), GAP)
  t.strictSame([transfer.waitsFor, transfer.backoff], ['gap', 2])
  t.strictSame([transfer.firstOf(0), transfer.firstOf(1), transfer.firstOf(2)], [0, 10, undefined])
})

t.test('attempts are numbered as far as the wire can say', async t => {
  const transfer = transferOf({ base: MAX_ATTEMPT })
  transfer.beginRepair(1)
  t.equal(transfer.latest, MAX_ATTEMPT)
})

t.test('inside a burst the next symbol is waited for: what is left of it, a silence, and until all else has come', async t => {
  const exit = exitOf()
  const transfer = transferOf({ exit })
  transfer.sent(1_000, { from: 0, measurable: true, answerBy: 1_500, queued: 0 })
  transfer.add(symbol(), 3)
  exit.lastSymbolAt = 1_100
  transfer.waitForRest(1_100, symbol({ index: 7 }), GAP)
  t.equal(transfer.expiresAt, 1_100 + 2 * 10 * 1.05 + 20, 'two symbols, and how late they may be')
  t.equal(transfer.restTime(symbol({ index: 7 }), GAP), 20)
  transfer.waitForRest(1_100, symbol({ index: 0, last: 200 }), { ...GAP, spacing: 100 })
  t.equal(transfer.expiresAt, 1_300, 'a silence')
  exit.lastSymbolAt = 1_250
  t.equal(transfer.expiresAt, 1_450, 'any symbol of its exit begins it anew')
  exit.lastSymbolAt = 1_600
  t.equal(transfer.expiresAt, 1_800, 'for as long as others have not had their turn')
  exit.received = KB + 1
  t.equal(transfer.expiresAt, 1_100 + 300 * 1.05 + 200, 'and then until all that was under way has come')
  transfer.waitForRest(2_000, symbol({ index: 0 }), { spacing: 1e6, slack: 0, silence: 1e6, backlog: 1e9 })
  exit.lastSymbolAt = -Infinity
  t.equal(transfer.expiresAt, 22_000, 'never longer than 20 s, whatever an exit claims')
  t.equal(transfer.restTime(symbol({ index: 9, last: 3 }), GAP), 0)
})

t.test('a round trip is that of the copy which an exit names, once', async t => {
  const transfer = transferOf()
  transfer.sent(1_000, { from: 0, measurable: true, answerBy: 1_500, queued: 0 })
  transfer.repeat({ encode: copy => Buffer.of(copy), protocol: 18, count: 2, nextAt: 1_020 })
  t.equal(transfer.dueAt, 1_020)
  t.equal(transfer.takeCopy(1_019, 50), undefined)
  t.strictSame(transfer.takeCopy(1_020, 50), { payload: Buffer.of(1), protocol: 18 })
  t.equal(transfer.dueAt, 1_070)
  t.strictSame(transfer.takeCopy(1_080, 50)?.payload, Buffer.of(2))
  t.strictSame([transfer.takeCopy(9_000, 50), transfer.dueAt], [undefined, 1_500])
  t.equal(transfer.takeRoundTrip(1_200, symbol({ attempt: 3 })), undefined)
  t.equal(transfer.takeRoundTrip(1_200, symbol({ flags: 1 })), 180)
  t.equal(transfer.takeRoundTrip(1_200, symbol({ flags: 1 })), undefined)
  const other = transferOf()
  other.sent(1_000, { from: 5, measurable: true, answerBy: 1_500, queued: 0 })
  t.equal(other.takeRoundTrip(1_200, symbol({ index: 4 })), undefined, 'a symbol of before')
  t.equal(other.takeRoundTrip(1_200, symbol({ index: 5, flags: 7 })), undefined, 'a copy that was never sent')
  const loaded = transferOf()
  loaded.sent(1_000, { from: 0, measurable: false, answerBy: 1_500, queued: 0 })
  t.equal(loaded.takeRoundTrip(1_200, symbol()), undefined)
})

t.test('copies end with an answer to their attempt', async t => {
  const repeated = (): Transfer => {
    const transfer = transferOf()
    transfer.sent(1_000, { from: 0, measurable: true, answerBy: 1_500, queued: 0 })
    transfer.repeat({ encode: () => Buffer.alloc(1), protocol: 18, count: 1, nextAt: 1_020 })
    return transfer
  }
  const [other, answered, worked, ended] = [repeated(), repeated(), repeated(), repeated()]
  other.answered(1)
  t.equal(other.dueAt, 1_020)
  answered.answered(0)
  t.equal(answered.dueAt, 1_500)
  worked.workedOn(6_000)
  t.strictSame([worked.dueAt, worked.isWorkedOn, worked.takeRoundTrip(1_100, symbol())], [6_000, true, undefined])
  ended.giveUp()
  t.strictSame([ended.dueAt, ended.isActive], [Infinity, false])
})

t.test('bounds on how long a first symbol is waited for, and no other', async t => {
  const transfer = transferOf()
  transfer.sent(1_000, { from: 0, measurable: true, answerBy: 5_000, queued: 0 })
  transfer.waitAtMost(9_000)
  t.equal(transfer.expiresAt, 5_000)
  transfer.waitAtMost(2_000)
  t.equal(transfer.expiresAt, 3_000)
  transfer.waitAtLeastUntil(2_500)
  t.equal(transfer.expiresAt, 3_000)
  transfer.waitAtLeastUntil(4_000)
  t.equal(transfer.expiresAt, 4_000)
  transfer.beginRepair(1)
  transfer.sent(2_000, { from: 10, measurable: true, answerBy: 2_500, queued: 0 })
  transfer.waitAtMost(10)
  transfer.waitAtLeastUntil(9_000)
  t.equal(transfer.expiresAt, 2_500)
})

t.test('what a transfer may still bring', async t => {
  const transfer = transferOf()
  t.strictSame([transfer.outstanding(8_192), transfer.isComing, transfer.occupies], [0, false, false])
  transfer.sent(1_000, { from: 0, measurable: true, answerBy: 1_500, queued: 0 })
  t.strictSame([transfer.outstanding(8_192), transfer.isComing, transfer.occupies], [8_192, true, true])
  transfer.workedOn(9_000)
  t.equal(transfer.outstanding(8_192), 0, 'nothing yet: the site is slow')
  transfer.add(symbol(), 3)
  t.equal(transfer.outstanding(8_192), 9_000)
  for (const [o, comes, occupies] of [[{ isProbe: true }, false, false], [{ isPush: true }, true, false]] as const) {
    const other = transferOf(o)
    other.sent(1_000, { from: 0, measurable: true, answerBy: 1_500, queued: 0 })
    t.strictSame([other.isComing, other.occupies, other.outstanding(100)], [comes, occupies, comes ? 100 : 0])
  }
  t.notOk(transfer.isForgotten)
  transfer.forgotten()
  t.ok(transfer.isForgotten)
})

t.test('a message belongs to the latest transfer of its id that had sent its attempt', async t => {
  const table = new TransferTable()
  const [exit, session] = [exitOf(), sessionOf()]
  const first = transferOf({ exit, session, id: 5 })
  const second = transferOf({ exit, session, id: 5, base: 1 })
  const other = transferOf({ exit: exitOf('b'), session, id: 6 })
  t.notOk(table.isUsed(session))
  for (const one of [first, second, other]) table.add(one)
  t.equal(exit.transfers, 3)
  const find = (id: number, attempt: number): Transfer | undefined => table.find(session, { id, attempt })
  t.strictSame([find(5, 0), find(5, 1), find(5, 2), find(6, 0), find(7, 0)], [first, second, undefined, other, undefined])
  first.beginRepair(1)
  t.equal(find(5, 1), second)
  t.equal(table.find(sessionOf(), { id: 5, attempt: 0 }), undefined)
  t.strictSame(table.at(exit), [first, second])
  table.remove(second)
  t.strictSame([find(5, 0), table.at(exit), exit.transfers, table.isUsed(session)], [undefined, [first], 2, true])
  table.remove(other)
  t.notOk(table.isUsed(session))
})

const once: Once = { incarnation: Buffer.alloc(8), time: 5, token: Buffer.from('token') }
type Asks = Partial<{ purpose: Purpose, idempotent: boolean, deadline: number, attempts: number, isPage: boolean }>
const requestOf = ({ purpose = { kind: 'pool' }, idempotent = true, deadline = 61_000, attempts = 3, isPage = false }: Asks = {}): ClientRequest =>
  new ClientRequest({ handle: 1, purpose, site: 'a.i2p', object: Buffer.alloc(100), idempotent, deadline, isPage, mayArrive: true, now: 1_000, attempts })
/** The request is sent to an exit. */
function ask (request: ClientRequest, o: Begun = {}): Transfer {
  const transfer = transferOf(o)
  transfer.sent(transfer.startedAt, { from: 0, measurable: true, answerBy: 1e9, queued: 0 })
  request.begun(transfer)
  return transfer
}

t.test('what must not be fetched twice stays with the exit that it was bound to, under one token', async t => {
  const [exit, other] = [exitOf(), exitOf('b')]
  const free = requestOf()
  t.equal(free.bind(exit, () => once), undefined)
  t.strictSame([free.onlyExit, free.once, free.length], [undefined, undefined, 100])
  const post = requestOf({ idempotent: false })
  t.ok(post.length > 100, 'its token is said as well')
  t.strictSame([post.onlyExit, post.mayHaveRun], [undefined, false])
  t.equal(post.bind(exit, () => once), once)
  t.equal(post.bind(exit, () => t.fail('one is enough') as never), once)
  t.equal(post.onlyExit, exit)
  t.notOk(post.mayHaveRun, 'it was not sent')
  const first = ask(post, { exit, id: 1 })
  const second = ask(post, { exit, id: 2, session: first.session })
  t.ok(post.mayHaveRun)
  post.refusedBy(first)
  t.strictSame([post.mayHaveRun, post.once], [true, once], 'it may still be carried out under the other id')
  post.refusedBy(second)
  t.strictSame([post.mayHaveRun, post.once], [false, undefined])
  t.equal(requestOf({ purpose: { kind: 'direct', exit: other } }).onlyExit, other)
})

t.test('a restarted exit is asked again only if it cannot have had the request before', async t => {
  const post = requestOf({ idempotent: false })
  post.bind(exitOf(), () => once)
  const first = ask(post, { now: 5_000 })
  ask(post, { now: 9_000 })
  t.notOk(post.wasRestarted(4_000), 'the one before may have been there still')
  t.strictSame([first.isActive, post.mayHaveRun, post.once], [true, true, once])
  t.ok(post.wasRestarted(3_999))
  t.strictSame([first.isActive, post.mayHaveRun, post.once], [false, false, undefined])
})

t.test('a deadline moves while bytes come, to ten times itself at most', async t => {
  const exit = exitOf()
  const request = requestOf()
  ask(request, { exit, now: 1_000 })
  t.notOk(request.stretch(61_000), 'nothing came')
  exit.lastSymbolAt = 1_000
  t.notOk(request.stretch(2_000), 'nothing since it began')
  exit.lastSymbolAt = 56_001
  t.ok(request.stretch(61_000))
  t.equal(request.deadline, 66_000)
  t.notOk(request.stretch(61_001), 'five seconds without a symbol')
  exit.lastSymbolAt = 600_900
  t.ok(request.stretch(600_999))
  t.equal(request.deadline, 601_000)
  t.notOk(request.stretch(601_000))
  const idle = requestOf()
  ask(idle, { exit, now: 1_000 }).giveUp()
  t.notOk(idle.stretch(600_950))
  const probe = requestOf({ purpose: { kind: 'probe', exit, source: 0, why: 'health' } })
  ask(probe, { exit })
  t.notOk(probe.stretch(600_950))
})

t.test('an exit that works on a request gives it time, and the attempt back', async t => {
  const request = requestOf({ attempts: 1 })
  ask(request)
  t.ok(request.budget.isExhausted)
  request.waitFor({ kind: 'hedge', at: 5 })
  t.equal(request.wakesAt, 5)
  request.workedOn(300_000)
  t.strictSame([request.deadline, request.budget.isExhausted, request.waiting.kind], [301_000, false, 'nothing'])
  request.waitFor({ kind: 'pause', until: 7 })
  t.equal(request.wakesAt, 7)
  request.workedOn(10)
  t.strictSame([request.deadline, request.waiting.kind], [301_000, 'pause'])
  for (const waiting of [{ kind: 'nothing' }, { kind: 'push' }, { kind: 'source' }, { kind: 'room', exit: exitOf() }] as const) {
    request.waitFor(waiting)
    t.equal(request.wakesAt, Infinity)
  }
})

t.test('exits that had their chance get another one where all had theirs', async t => {
  const request = requestOf()
  request.leave('a', true)
  request.leave('b', true)
  t.strictSame([...request.tried], ['a', 'b'])
  request.leave('c', false)
  t.strictSame([...request.tried], ['c'])
  request.forgetTried()
  t.equal(request.tried.size, 0)
  const [first] = [ask(request), ask(request, { exit: exitOf('b') })]
  t.strictSame([...request.asked], ['a', 'b'])
  request.drop([first])
  t.strictSame([...request.asked], ['b'])
  request.refused()
  t.equal(request.refusals, 1)
  t.strictSame([request.takeSource(), request.comesFrom(1), request.takeSource(), request.takeSource()], [undefined, undefined, 1, undefined])
})

t.test('a request is early for three round trips since its exit was first asked', async t => {
  const exit = exitOf()
  const request = requestOf()
  ask(request, { exit, now: 1_000 })
  ask(request, { exit, now: 1_200 })
  t.strictSame([request.isEarly(1_299, exit), request.isEarly(1_300, exit)], [true, false])
  exit.path.rtt.hasSample = false
  t.notOk(request.isEarly(1_000, exit))
})

t.test('an exit that is back is asked for what waits in vain', async t => {
  const back = exitOf()
  const inVain = (o: Asks = {}, change: (request: ClientRequest, transfer: Transfer) => void = () => undefined): boolean => {
    const request = requestOf(o)
    request.bind(back, () => once)
    change(request, ask(request, { exit: back }))
    return request.isInVain(back)
  }
  t.ok(inVain())
  t.ok(inVain({ idempotent: false }))
  t.notOk(inVain({ purpose: { kind: 'direct', exit: back } }))
  t.notOk(inVain({}, request => { request.traffic.received(1_100, 5) }))
  t.notOk(inVain({}, request => { request.waitFor({ kind: 'room', exit: back }) }))
  t.notOk(inVain({}, (_, transfer) => { transfer.giveUp() }))
  t.notOk(inVain({}, (_, transfer) => { transfer.workedOn(5_000) }))
  t.ok(inVain({}, request => { ask(request, { exit: exitOf('b') }) }))
  t.notOk(inVain({}, request => { ask(request, { exit: Object.assign(exitOf('b'), { heardAt: 1_000 }) }) }), 'another one says something')
  const bound = requestOf({ idempotent: false })
  bound.bind(exitOf('b'), () => once)
  ask(bound, { exit: back })
  t.notOk(bound.isInVain(back), 'it may not go there')
})

t.test('attempts that had three seconds, or three round trips, have waited', async t => {
  const exit = exitOf()
  const request = requestOf()
  const transfer = ask(request, { exit, now: 1_000 })
  t.strictSame([request.hasWaited(3_999), request.hasWaited(4_000)], [false, true])
  request.hurry()
  t.equal(transfer.expiresAt, 4_000)
  const slow = ask(request, { exit: Object.assign(exitOf(), { path: { ...exit.path, rtt: { srtt: 2_000, hasSample: true } } }), now: 1_000 })
  request.hurry()
  t.equal(slow.expiresAt, 7_000)
})

t.test('the last attempts of a request of which nothing was heard cover its deadline', async t => {
  const request = requestOf({ attempts: 3 })
  const waits = [0, 1, 2].map(() => {
    ask(request)
    return Math.round(request.longWait(1_000))
  })
  t.strictSame(waits, [10_000, 30_000, 60_000])
  request.traffic.received(1_000, 1)
  t.equal(request.longWait(1_000), 0)
  request.budget.extend()
  for (let i = 0; i < 3; i++) ask(request)
  t.equal(request.longWait(1_000), 60_000)
  t.ok(request.canExtend)
  const probe = requestOf({ purpose: { kind: 'probe', exit: exitOf(), source: 0, why: 'health' }, attempts: 1 })
  ask(probe)
  t.strictSame([probe.longWait(1_000), probe.canExtend], [0, false])
})

t.test('what was handed on is completed only by an object that begins the same', async t => {
  const transfer = ask(requestOf(), { session: sessionOf(1), id: 9, once })
  const delivery = new Delivery(transfer)
  const assembly = { front: (from: number) => Buffer.from('abcdef').subarray(from, 4) } as Parameters<Delivery['take']>[0]
  t.strictSame(delivery.take(assembly)?.toString(), 'abcd')
  t.equal(delivery.take(assembly), undefined)
  t.equal(delivery.endOf(Buffer.from('abcdef'))?.toString(), 'ef')
  t.equal(delivery.endOf(Buffer.from('abcd'))?.toString(), '')
  t.equal(delivery.endOf(Buffer.from('abXdef')), undefined)
  t.equal(delivery.endOf(Buffer.from('abc')), undefined)
  t.match(restOf(transfer), { source: 1, session: transfer.session.name, id: 9, token: once.token.toString('hex') })
  t.notOk('token' in restOf(ask(requestOf())))
  const request = requestOf()
  request.delivery = delivery
  t.equal(request.onlyExit, transfer.exit)
})

t.test('promises in front of an answer are told once, and looked for in its first eight parts', async t => {
  const promises = [{ id: PUSH_IDS + 1, url: 'http://a.i2p/x.css' }]
  const response = encodeResponse({ status: 200, reason: '', headers: [], body: Buffer.from('<p>') })
  const object = encodeObject(Buffer.concat([encodePromises(promises), response]), { coding: 0 })
  const delivered = (delivery: Delivery, end: number): void => {
    delivery.take({ front: (from: number) => object.subarray(from, end) } as Parameters<Delivery['take']>[0])
  }
  const delivery = new Delivery(ask(requestOf()))
  delivered(delivery, 5)
  t.equal(delivery.takePromises(), undefined)
  delivered(delivery, object.length)
  t.strictSame(delivery.takePromises(), promises)
  t.equal(delivery.takePromises(), undefined, 'once')
  for (const [looks, told] of [[7, promises], [8, undefined]] as const) {
    const slow = new Delivery(ask(requestOf()))
    delivered(slow, 5)
    for (let i = 0; i < looks; i++) t.equal(slow.takePromises(), undefined)
    delivered(slow, object.length)
    t.strictSame(slow.takePromises(), told)
  }
})
