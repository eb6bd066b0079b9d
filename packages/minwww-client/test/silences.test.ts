import { seeded } from '@minwww/testkit'
import t from 'tap'
import type { Exit } from '../src/core/exit.ts'
import { PoolPatience } from '../src/core/pool-patience.ts'
import type { ClientRequest } from '../src/core/request.ts'
import { ExitSession } from '../src/core/session.ts'
import { Silence } from '../src/core/silence.ts'
import { Sources } from '../src/core/sources.ts'

const session = (): ExitSession => new ExitSession(1, Buffer.from(seeded('K')(16)))

t.test('an exit is silent after two tries and a probe, all in vain, since the first of them began', async t => {
  const silence = new Silence()
  t.strictSame([silence.isSuspect, silence.isUnprobed, silence.since(9e9), silence.lastAt], [false, true, undefined, -Infinity])
  silence.tried(5_000, 2_000)
  t.notOk(silence.isSuspect)
  silence.tried(6_000, 1_000)
  t.strictSame([silence.isSuspect, silence.lastAt], [true, 6_000])
  silence.tried(7_000, 3_000)
  t.equal(silence.since(9e9), undefined, 'nobody has probed')
  silence.probeBegins(8_000)
  silence.probeBegins(9_000)
  t.notOk(silence.isUnprobed)
  t.strictSame([silence.since(11_999), silence.since(12_000)], [undefined, 1_000])
  silence.broken()
  t.strictSame([silence.isSuspect, silence.isUnprobed, silence.since(9e9), silence.lastAt], [false, true, undefined, 7_000])
  silence.probeBegins(0)
  silence.tried(20_000, 20_000)
  t.equal(silence.since(9e9), undefined, 'one try may be chance')
})

t.test('an own Destination that cannot send, or that two exits did not hear, is used last', async t => {
  const heard = [0, 0, 0]
  const sources = new Sources(3, source => heard[source]!)
  t.strictSame([0, 1, 2].map(source => sources.usable(source)), [0, 1, 2])
  t.strictSame([sources.other(0), sources.other(2)], [1, 0])
  sources.suspend(1)
  t.strictSame([0, 1, 2].map(source => sources.usable(source)), [0, 2, 2])
  sources.silent(2, 'a', 10)
  sources.silent(2, 'a', 10)
  t.equal(sources.usable(2), 2, 'one exit may be dead')
  sources.silent(2, 'b', 20)
  sources.silent(2, 'c', 20)
  t.equal(sources.usable(2), 0)
  heard[2] = 10
  t.equal(sources.usable(2), 2, 'it is heard again')
  sources.silent(2, 'c', 30)
  t.equal(sources.usable(2), 2, 'and counts anew')
  sources.suspend(0)
  sources.suspend(2)
  t.equal(sources.usable(0), undefined)
  sources.resume(50, 2)
  t.equal(sources.usable(0), 2)
})

t.test('where every own Destination is doubtful the one asked for is as good', async t => {
  const sources = new Sources(2, () => 0)
  for (const source of [0, 1]) for (const exit of ['a', 'b']) sources.silent(source, exit, 10)
  t.strictSame([sources.usable(0), sources.usable(1)], [0, 1])
  sources.resume(20, 0)
  t.strictSame([sources.usable(0), sources.usable(1)], [0, 0])
})

t.test('an exit that is deaf to another own Destination is not asked from there', async t => {
  const sources = new Sources(3, () => 0)
  sources.suspend(0)
  t.equal(sources.usable(0, source => source === 1), 2)
  t.equal(sources.usable(1, source => source === 1), 1, 'but from the one that is asked for')
  t.equal(sources.usable(0, () => true), 1, 'or from any where it is deaf to all')
})

t.test('another own Destination is there if it can send', async t => {
  const sources = new Sources(2, source => source === 0 ? 100 : -Infinity)
  t.ok(sources.hasOther(0))
  sources.suspend(1)
  t.notOk(sources.hasOther(0))
  t.ok(sources.hasOther(1))
  t.notOk(new Sources(1, () => 0).hasOther(0))
  t.strictSame([sources.isHeardSince(0, 100), sources.isHeardSince(0, 101), sources.isHeardSince(1, 0)], [true, false, false])
})

t.test('since an own Destination came back no exit that used to answer was heard: the network may not be reached yet', async t => {
  const sources = new Sources(1, () => 0)
  const exits = (...heardAt: number[]): Exit[] => heardAt.map(at => ({ heardAt: at }) as Exit)
  t.notOk(sources.isUnvalidated(exits(10)))
  sources.resume(100, 0)
  t.ok(sources.isUnvalidated(exits(10, 99)))
  t.notOk(sources.isUnvalidated(exits(10, 100)))
  t.ok(sources.isUnvalidated(exits(10, -Infinity)), 'one that never answered says nothing')
  t.notOk(sources.isUnvalidated(exits(-Infinity)))
  t.notOk(sources.isUnvalidated([]))
})

t.test('a session is open once its exit answered, until silence, doubt or age', async t => {
  const one = session()
  t.strictSame([one.source, one.isOpen(0, 100), one.heardAt, one.isSpent], [1, false, -Infinity, false])
  one.heard(1_000)
  t.strictSame([one.isOpen(1_099, 100), one.isOpen(1_100, 100), one.heardAt], [true, false, 1_000])
  one.doubt()
  t.notOk(one.isOpen(1_001, 100))
  one.heard(1_002)
  t.ok(one.isOpen(1_003, 100))
})

t.test('a session whose OPENs were in vain twice is spent, unless its exit ever answered', async t => {
  const one = session()
  one.openedInVain()
  t.notOk(one.isSpent)
  one.openedInVain()
  t.ok(one.isSpent)
  one.heard(0)
  t.notOk(one.isSpent)
  one.openedInVain()
  one.openedInVain()
  t.notOk(one.isSpent)
})

t.test('numbers of a session never repeat', async t => {
  const one = session()
  t.strictSame([one.takeId(), one.takeId(), one.takeReport(), one.takeReport()], [1, 2, 1, 2])
})

t.test('what an exit may push is bounded by what was granted, and by time', async t => {
  const one = session()
  t.notOk(one.mayPush(0))
  one.allowPushes(0, 1_000)
  t.strictSame([one.mayPush(119_999), one.mayPush(120_000)], [true, false])
  t.strictSame([one.takePushed(1_999), one.mayPush(0), one.takePushed(1), one.mayPush(0)], [true, true, false, false])
  one.allowPushes(60_000, 1)
  t.ok(one.mayPush(179_999))
  for (let i = 0; i < 20; i++) one.allowPushes(0, 1_000_000)
  t.notOk(one.takePushed(16_777_216), 'never more than that')
})

t.test('the newest symbol is the one sent last, however it comes', async t => {
  const one = session()
  one.symbolCame(0, 0xfff0, 4)
  t.strictSame(one.came, { at: 0, time: 0xfff0, received: 4 })
  one.symbolCame(10, 5, 2)
  t.match(one.came, { time: 5, received: 6 }, 'the time wraps')
  one.symbolCame(20, 0xfff8, 1)
  t.match(one.came, { time: 5, received: 7 }, 'an older one')
  one.symbolCame(30_020, 4, 1)
  t.match(one.came, { time: 5 })
  one.symbolCame(60_021, 4, 1)
  t.match(one.came, { time: 4, received: 9 }, 'after a long silence nothing is older')
})

interface Facts { silentSince?: number, isBusy?: boolean, isDraining?: boolean }
const exitsOf = (...facts: Facts[]): ReadonlyMap<string, Exit> =>
  new Map(
    facts.map(({ silentSince, isBusy = false, isDraining = false }, i) => [
      `${i}`,
      {
        member: { isBusy: () => isBusy, isDraining: () => isDraining },
        silentSince: () => silentSince
      } as unknown as Exit
    ])
  )
type Asks = Partial<Record<'isPage' | 'idempotent', boolean>> & { kind?: string, waits?: string, startedAt?: number }
const requestOf = ({ isPage = false, idempotent = true, kind = 'pool', waits = 'nothing', startedAt }: Asks = {}): ClientRequest =>
  ({
    purpose: { kind },
    isPage,
    idempotent,
    waiting: { kind: waits },
    transfers: startedAt === undefined ? [] : [{ startedAt }],
    isQuick: false,
    looksAt: Infinity
  }) as unknown as ClientRequest

t.test('a pool is silent for as long as the exit that was heard last', async t => {
  const silence = (...facts: Facts[]): number => new PoolPatience(exitsOf(...facts)).silence(100_000)
  t.equal(silence(), 0)
  t.equal(silence({ silentSince: 40_000 }, { silentSince: 70_000 }), 30_000)
  t.equal(silence({ silentSince: 40_000 }, {}), 0, 'one may be there')
  t.equal(silence({ silentSince: 40_000 }, { silentSince: 1, isBusy: true }), 0, 'one that is busy has said so')
  t.equal(silence({ silentSince: 40_000 }, { silentSince: 1, isDraining: true }), 0)
  const patience = new PoolPatience(exitsOf({ silentSince: 70_000 }))
  t.strictSame([patience.isOver(99_999), patience.isOver(100_000)], [false, true])
})

t.test('which requests are looked at early, and when', async t => {
  const begun = (since: number, asks: Asks): [boolean, number] => {
    const request = requestOf(asks)
    new PoolPatience(exitsOf({ silentSince: since })).begin(100_000, request)
    return [request.isQuick, request.looksAt]
  }
  t.strictSame(begun(80_000, {}), [false, 103_000])
  t.strictSame(begun(80_000, { isPage: true }), [true, 105_000])
  t.strictSame(begun(60_000, {}), [true, 105_000])
  t.strictSame(begun(60_000, { kind: 'direct' }), [false, Infinity])
  t.strictSame(begun(80_000, { idempotent: false, isPage: true }), [false, Infinity], 'what stays with one exit says nothing of others')
  t.strictSame(begun(60_000, { idempotent: false }), [true, 105_000])
})

t.test('a request is given up where it was really tried, and all exits are silent for long', async t => {
  const looked = (silence: number, asks: Asks): [boolean, number] => {
    const request = requestOf(asks)
    request.isQuick = true
    const isOver = new PoolPatience(exitsOf({ silentSince: 100_000 - silence })).look(100_000, request)
    return [isOver, request.looksAt]
  }
  t.strictSame(looked(10_000, { isPage: true, startedAt: 95_000 }), [true, Infinity])
  t.strictSame(looked(9_999, { isPage: true, startedAt: 95_000 }), [false, 101_000])
  t.strictSame(looked(10_000, { isPage: true, startedAt: 95_001 }), [false, 100_001])
  t.strictSame(looked(10_000, { isPage: true }), [false, 105_000])
  t.strictSame(looked(10_000, { isPage: true, waits: 'room' }), [true, Infinity], 'others are tried in its place')
  t.strictSame(looked(29_999, { startedAt: 95_000 }), [false, Infinity])
  t.strictSame(looked(30_000, { startedAt: 95_000 }), [true, Infinity])
  const patient = requestOf({ startedAt: 0 })
  t.notOk(new PoolPatience(exitsOf({ silentSince: 0 })).look(100_000, patient), 'who began before has his full time')
  t.equal(patient.looksAt, 103_000)
})
