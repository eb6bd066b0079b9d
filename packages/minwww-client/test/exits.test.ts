import { LocalDestination } from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import { Exit } from '../src/core/exit.ts'
import type { InFlight } from '../src/core/exit.ts'
import { Queues } from '../src/core/queues.ts'
import type { ClientRequest } from '../src/core/request.ts'
import { wholeOf } from '../src/core/resumable.ts'
import { ExitSession } from '../src/core/session.ts'
import { SessionTable } from '../src/core/session-table.ts'
import { clientState, restoreExit } from '../src/core/state.ts'
import type { TransferTable } from '../src/core/transfer-table.ts'
import { PoolMember } from '../src/pool/member.ts'
import { ExitPool } from '../src/pool/pool.ts'

const { destination } = LocalDestination.generate(seeded('exit'))
const exitOf = (id = 'a', member?: PoolMember): Exit => new Exit(id, destination, DEFAULT_CONFIG, member)
const incarnations = [1, 2].map(byte => Buffer.alloc(8, byte)) as [Buffer, Buffer]
let made = 0
const sessionOf = (source = 0): ExitSession => new ExitSession(source, Buffer.from(seeded(`session ${made++}`)(16)))
const flight = (o: Partial<Omit<InFlight, 'outstanding'>> & { bytes?: number } = {}): InFlight =>
  ({ occupies: true, isComing: true, session: sessionOf(), outstanding: unknownReply => o.bytes ?? unknownReply, ...o })

/** Silent for longer than a slow site explains. */
function silence (exit: Exit, now: number): void {
  exit.triedInVain(now, now)
  exit.triedInVain(now, now)
  exit.probeBegins(now)
}

t.test('an exit in flight: sessions, their share, bytes and what still comes', async t => {
  const exit = exitOf()
  t.strictSame([exit.share(0), exit.inFlight, exit.transfers, exit.backlog, exit.isOfPool], [1, 0, 0, 0, false])
  const session = sessionOf()
  const all = [flight({ session, bytes: 1_000 }), flight({ session }), flight({ bytes: 24 }), flight({ isComing: false, bytes: 0 })]
  for (const one of all) exit.take(one)
  t.strictSame([exit.sessions.size, exit.share(0), exit.transfers], [2, 0.5, 4])
  t.equal(exit.inFlight, 1_024 + DEFAULT_CONFIG.unknownReply)
  t.equal(exit.backlog, exit.inFlight * 1_000 / exit.path.carries)
  exit.release(all[2]!)
  t.strictSame([exit.share(0), exit.transfers], [1, 3])
  exit.symbolCame(50, 700)
  exit.symbolCame(60, 7)
  t.strictSame([exit.lastSymbolAt, exit.received], [60, 707])
  t.ok(exitOf('a', new PoolMember('a')).isOfPool)
})

t.test('a session that is waited for in vain takes no part of the rate from another', async t => {
  const exit = exitOf()
  exit.path.measure(0, 500, 1)
  const [alive, silent] = [sessionOf(), sessionOf(1)]
  for (const session of [alive, silent]) {
    exit.take(flight({ session }))
    session.asked(0)
  }
  t.equal(exit.share(900), 0.5)
  alive.symbolCame(1_200, 0, 4)
  t.equal(exit.share(1_300), 1, 'two round trips without anything')
  t.equal(exit.grants(1_300).grant, exit.path.rate)
  silent.symbolCame(1_400, 0, 4)
  t.equal(exit.share(1_500), 0.5)
  t.equal(exit.share(9_000), 0.5, 'where nothing comes to either they share')
})

t.test('an exit has room for a second of its rate beyond a round trip, and always for one request', async t => {
  const exit = exitOf()
  exit.path.rtt.sample(1_000)
  const limit = exit.path.rate * 2
  exit.take(flight({ bytes: limit - DEFAULT_CONFIG.unknownReply }))
  t.ok(exit.hasRoom())
  exit.take(flight({ bytes: 1 }))
  t.notOk(exit.hasRoom())
  const slow = new Exit('b', destination, { ...DEFAULT_CONFIG, initialRate: 10 })
  t.ok(slow.hasRoom(), 'nothing is under way')
  slow.take(flight({ bytes: 1 }))
  t.notOk(slow.hasRoom())
})

t.test('an exit that refuses one request beside others takes fewer at once, and slowly more', async t => {
  const active = (count: number): Exit => {
    const exit = new Exit('a', destination, { ...DEFAULT_CONFIG, initialRate: 1e9 })
    for (let i = 0; i < count; i++) exit.take(flight({ bytes: 1 }))
    for (let i = 0; i < 9; i++) exit.take(flight({ bytes: 1, occupies: false }))
    return exit
  }
  t.strictSame([47, 48].map(count => active(count).hasRoom()), [true, false])
  t.strictSame([active(1).shed(1), active(9).shed(6)], [false, false], 'it has none at all for a while')
  const exit = active(9)
  t.ok(exit.shed(5))
  const room = (count: number): boolean => {
    const other = active(9)
    other.shed(1)
    for (let i = 0; i < count; i++) other.served()
    for (const one of [...Array(5)].map(() => flight({ bytes: 1 }))) other.release(one)
    return other.hasRoom()
  }
  t.notOk(room(1), 'half of the other eight')
  t.ok(room(100), 'so many pages later')
})

t.test('a try in vain and something after it: the exit is back, once', async t => {
  const exit = exitOf()
  exit.heard(10, 0)
  t.notOk(exit.takeReturn())
  exit.triedInVain(20, 15)
  t.notOk(exit.takeReturn())
  exit.heard(21, 0)
  t.strictSame([exit.takeReturn(), exit.takeReturn(), exit.heardAt], [true, false, 21])
})

t.test('after an exit was away the own Destinations that did not hear it since are deaf to it, for ten minutes', async t => {
  const exit = exitOf()
  for (const source of [0, 1]) exit.askedFrom(source)
  exit.heard(10, 1)
  t.notOk(exit.isDeafTo(10, 0))
  silence(exit, 1_000)
  t.equal(exit.silentSince(5_000), 1_000)
  exit.heard(9_000, 0)
  t.equal(exit.silentSince(9_000), undefined)
  t.strictSame([0, 1, 2].map(source => exit.isDeafTo(9_000, source)), [false, true, false])
  exit.askedFrom(1)
  t.ok(exit.isDeafTo(608_999, 1))
  t.notOk(exit.isDeafTo(609_000, 1))
  exit.forgetSource(1)
  t.notOk(exit.isDeafTo(9_001, 1))
})

t.test('another start of an exit is told by its incarnation; one that drained is usable again', async t => {
  const exit = exitOf()
  exit.askedFrom(1)
  exit.began(100, incarnations[0])
  t.strictSame([exit.incarnation, exit.isDeafTo(100, 1)], [incarnations[0], false])
  exit.drain(200)
  t.equal(exit.state(200), 'draining')
  exit.began(300, Buffer.from(incarnations[0]))
  t.equal(exit.state(300), 'draining', 'the same one')
  exit.began(400, undefined)
  t.strictSame([exit.incarnation, exit.state(400)], [undefined, 'draining'])
  exit.began(500, incarnations[1])
  t.equal(exit.state(500), 'new')
  exit.drain(510)
  exit.began(600, incarnations[0])
  t.strictSame([exit.state(600), exit.isDeafTo(600, 1)], ['new', true])
})

t.test('what is asked from one Destination is overtaken when what was asked later from another one is answered', async t => {
  const exit = exitOf()
  exit.heard(90, 0)
  t.notOk(exit.isOvertaken(0, 100))
  exit.answeredTo(150, 0, 120)
  t.notOk(exit.isOvertaken(0, 100), 'the same Destination: it may be behind it')
  exit.answeredTo(160, 1, 100)
  t.notOk(exit.isOvertaken(0, 100), 'asked at once')
  exit.answeredTo(170, 1, 101)
  exit.answeredTo(180, 1, 50)
  t.ok(exit.isOvertaken(0, 100))
  t.notOk(exit.isOvertaken(0, 101))
  exit.heard(190, 0)
  t.notOk(exit.isOvertaken(0, 100), 'the path is there')
  t.ok(exit.isOvertaken(2, 100), 'nothing ever came there')
  exit.forgetSource(1)
  t.ok(exit.isOvertaken(2, 100), 'by the first one')
  exit.forgetSource(0)
  t.notOk(exit.isOvertaken(2, 100))
})

t.test('an exit stays with the own Destination that it answers to, while that is as good', async t => {
  const exit = exitOf()
  exit.answeredTo(100, 1, 50)
  t.equal(exit.source, 1)
  exit.answeredTo(200, 0, 90)
  t.equal(exit.source, 1, 'it answered the other one since')
  exit.answeredTo(300, 0, 150)
  t.equal(exit.source, 0)
})

t.test('a stream that brought something lately fills the path', async t => {
  const exit = exitOf()
  t.notOk(exit.isStreaming(0))
  exit.streamed(1_000)
  t.strictSame([exit.isStreaming(2_499), exit.isStreaming(2_500)], [true, false])
})

t.test('the state of an exit, and when it changes', async t => {
  const exit = exitOf()
  t.strictSame([exit.state(0), exit.takeStateChange(0)], ['new', undefined])
  exit.probeBegins(0)
  t.strictSame([exit.state(0), exit.takeStateChange(0), exit.takeStateChange(0), exit.isProbed], ['probing', 'probing', undefined, true])
  exit.path.rtt.sample(100)
  exit.member.success(10, 50)
  t.equal(exit.state(10), 'ready')
  exit.probeEnds()
  exit.member.failure(20)
  exit.member.failure(20)
  t.equal(exit.state(20), 'down')
  exit.probeBegins(30)
  t.equal(exit.state(30), 'probation')
  exit.member.success(40, 50)
  silence(exit, 50)
  t.equal(exit.state(4_050), 'down')
  exit.member.busy(5_000, 1_000)
  t.equal(exit.state(5_000), 'busy')
  exit.member.drain(5_000)
  t.equal(exit.state(5_000), 'draining')
})

t.test('what is told of an exit', async t => {
  const exit = exitOf()
  t.strictSame(Object.keys(exit.status(0, 0)).filter(key => ['srtt', 'score', 'silentSince', 'busyUntil'].includes(key)), [])
  t.match(exit.status(0, 3), { id: 'a', destination, state: 'new', source: 0, takesOnce: false, successes: 0, failures: 0, inFlight: 0, waiting: 3 })
  exit.path.rtt.sample(100)
  exit.began(0, incarnations[0])
  exit.member.success(0, 70)
  silence(exit, 10)
  exit.member.busy(4_010, 500)
  t.match(exit.status(4_010, 0), {
    state: 'busy', srtt: 100, rttvar: 50, score: 70, takesOnce: true, successes: 1, silentSince: 10, triedAt: 10, busyUntil: 4_510
  })
})

t.test('a session is replaced once it is spent, unless a request depends on it', async t => {
  const used = new Set<ExitSession>()
  const table = new SessionTable(seeded('sessions'), { isUsed: session => used.has(session) } as TransferTable)
  const [exit, other] = [exitOf(), exitOf('b')]
  const first = table.obtain(exit, 1)
  t.strictSame([first.source, table.obtain(exit, 1), table.find(first.name)], [1, first, { session: first, exit }])
  t.not(table.obtain(exit, 0), first)
  first.openedInVain()
  first.openedInVain()
  used.add(first)
  t.equal(table.obtain(exit, 1), first)
  used.clear()
  const second = table.obtain(exit, 1)
  t.not(second.name, first.name)
  t.strictSame([table.find(first.name), table.find(second.name)?.session], [undefined, second])
  const foreign = table.obtain(other, 1)
  table.forget(exit)
  t.strictSame([table.find(second.name), table.find(foreign.name)?.exit], [undefined, other])
  t.not(table.obtain(exit, 1), second)
})

t.test('an own Destination is forgotten at every exit, and when it was heard last', async t => {
  const table = new SessionTable(seeded('sessions'), { isUsed: () => false } as unknown as TransferTable)
  const [exit, other] = [exitOf(), exitOf('b')]
  const [a, b, c] = [table.obtain(exit, 0), table.obtain(exit, 1), table.obtain(other, 1)]
  t.equal(table.heardAt(1), -Infinity)
  a.heard(50)
  b.heard(10)
  c.heard(20)
  t.strictSame([table.heardAt(0), table.heardAt(1)], [50, 20])
  exit.heard(10, 1)
  table.forgetSource(1)
  t.strictSame([a, b, c].map(({ name }) => table.find(name)?.session), [a, undefined, undefined])
  t.equal(table.heardAt(1), -Infinity)
  t.equal(table.obtain(exit, 0), a)
  t.not(table.obtain(exit, 1), b)
})

/** Exits of a pool with one request each in flight where they are full. */
function queuesOf (...full: boolean[]): { queues: Queues, exits: Exit[] } {
  const pool = new ExitPool('ranked')
  const exits = full.map((isFull, i) => {
    pool.add(`${i}`)
    const exit = exitOf(`${i}`, pool.member(`${i}`))
    if (isFull) for (let i = 0; i < 48; i++) exit.take(flight({ bytes: 1 }))
    return exit
  })
  return { queues: new Queues(pool, new Map(exits.map(exit => [exit.id, exit]))), exits }
}

const requestOf = (o: object = {}): ClientRequest => {
  const request = {
    site: 'a.i2p',
    tried: new Set<string>(),
    onlyExit: undefined,
    waiting: { kind: 'nothing' },
    waitFor: (waiting: ClientRequest['waiting']) => { request.waiting = waiting },
    goOn: () => { request.waiting = { kind: 'nothing' } },
    ...o
  }
  return request as unknown as ClientRequest
}

t.test('requests wait at an exit in order, and leave it in order', async t => {
  const { queues, exits: [exit] } = queuesOf(true)
  const [a, b, c] = [requestOf(), requestOf(), requestOf()]
  t.strictSame([queues.lengthAt(exit!), queues.shift(exit!), queues.clear(exit!)], [0, undefined, []])
  queues.append(a, exit!)
  queues.append(b, exit!)
  queues.prepend(c, exit!)
  t.strictSame([a.waiting, c.waiting], [{ kind: 'room', exit }, { kind: 'room', exit, isMeeting: true }])
  t.equal(queues.lengthAt(exit!), 3)
  t.equal(queues.shift(exit!), c)
  t.equal(c.waiting.kind, 'nothing')
  queues.remove(c)
  t.strictSame(queues.clear(exit!), [a, b])
  t.equal(queues.lengthAt(exit!), 0)
})

t.test('a request goes to an exit that has room, if its site is not tied to another', async t => {
  const { queues, exits: [first, second] } = queuesOf(true, false)
  t.strictSame([queues.isFree(first!), queues.isFree(second!)], [false, true])
  t.equal(queues.choose(0, requestOf()), second)
  t.equal(queuesOf(true, true).queues.choose(0, requestOf()) === undefined, false, 'and waits where none has')
  t.equal(queuesOf().queues.choose(0, requestOf()), undefined)
})

t.test('what waits goes to an exit that has room meanwhile, unless it may not', async t => {
  const waiting = (o: object, prepend = false): boolean => {
    const { queues, exits: [first, second] } = queuesOf(true, false)
    const request = requestOf(o)
    if (prepend) queues.prepend(request, first!)
    else queues.append(request, first!)
    const next = queues.next(0)
    if (next !== undefined) t.strictSame([next.request, next.exit], [request, second])
    if (next !== undefined) t.strictSame([request.waiting.kind, queues.lengthAt(first!)], ['nothing', 0])
    return next !== undefined
  }
  t.ok(waiting({}))
  t.notOk(waiting({ onlyExit: exitOf() }))
  t.notOk(waiting({}, true), 'it meets its exit')
  t.equal(queuesOf(true, true).queues.next(0), undefined)
})

t.test('what is saved of exits, and what of it is believed', async t => {
  const exit = exitOf()
  t.strictSame(clientState(new ExitPool('ranked'), [exit]).paths, [{ id: 'a' }])
  for (const state of [undefined, null, {}, { srtt: 'x' }, { srtt: -1 }, { srtt: 60_001 }, { srtt: NaN }]) restoreExit(exit, state)
  t.notOk(exit.path.rtt.hasSample)
  restoreExit(exit, { srtt: 60_000, rate: 0 })
  t.strictSame([exit.path.rtt.srtt, exit.path.bottleneck], [60_000, undefined])
  const other = exitOf()
  restoreExit(other, { srtt: 0, rate: 50_000 })
  t.strictSame([other.path.rtt.hasSample, other.path.bottleneck], [true, 50_000])
  t.match(clientState(new ExitPool('ranked'), [other]), { version: 1, paths: [{ id: 'a', srtt: 0, rate: 50_000 }] })
})

t.test('what can go on elsewhere with the same bytes or none', async t => {
  const headers: Array<[string, string]> = [['ETag', '"x"'], ['Content-Length', '5'], ['Accept-Ranges', 'none, Bytes']]
  t.strictSame(wholeOf(200, headers), { etag: '"x"', length: 5 })
  t.equal(wholeOf(206, headers), undefined)
  for (let i = 0; i < 3; i++) t.equal(wholeOf(200, headers.filter((_, index) => index !== i)), undefined, headers[i]![0])
  const others = [
    ['etag', 'W/"x"'], ['etag', 'x'], ['content-length', 'x'], ['content-length', ''], ['content-length', '1'.repeat(16)], ['accept-ranges', 'none']
  ] as const
  for (const [name, value] of others) {
    t.equal(wholeOf(200, [[name, value], ...headers.filter(([key]) => key.toLowerCase() !== name)]), undefined, `${name}: ${value}`)
  }
  const twice: Array<[string, string]> = [['etag', '"y"'], ['content-length', '5']]
  for (const more of twice) t.equal(wholeOf(200, [...headers, more]), undefined, 'twice')
})
