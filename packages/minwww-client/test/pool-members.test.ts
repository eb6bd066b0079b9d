import t from 'tap'
import { PoolMember, type MemberState } from '../src/pool/member.ts'
import { ExitPool, MAX_EXITS, MAX_PINS } from '../src/pool/pool.ts'
import { order, STRATEGIES, type Candidate, type Strategy } from '../src/pool/strategies.ts'

const NONE: ReadonlySet<string> = new Set()
const SECOND = 1_000
const NEVER = Number.NEGATIVE_INFINITY

function poolOf (strategy: Strategy, ...ids: string[]) {
  const pool = new ExitPool(strategy)
  const pending = new Map<string, number>()
  for (const id of ids) pool.add(id, () => pending.get(id) ?? 0)
  const of = (id: string): PoolMember => pool.member(id)!
  const choose = (now = 0, exclude = NONE): string | undefined => pool.choose(now, 'site', exclude)
  return { pool, pending, of, choose }
}

const fail = (member: PoolMember, times: number, now = 0): void => { for (let time = 0; time < times; time++) member.failure(now) }

t.test('a member: what its answers and silences make of it', async t => {
  const member = new PoolMember('a')
  t.match(member, { id: 'a', score: undefined, scoredAt: NEVER, pending: 0, lastUsed: 0, successes: 0, failures: 0, busyUntil: NEVER })
  t.strictSame([member.isUsable(0), member.isBusy(0), member.isDraining(0), member.isOnProbation(), member.deservesProbe(0)],
    [true, false, false, false, false])
  member.used(7)
  member.success(5, 400)
  t.match(member, { score: 400, scoredAt: 5, lastUsed: 7, successes: 1, failures: 0 })
  member.success(6, 800)
  t.match(member, { score: 500, scoredAt: 6, successes: 2 }, 'a quarter of the way')
  member.failure(7)
  t.match(member, { score: 750, scoredAt: 7, failures: 1 }, 'as three times its score')
  t.equal(new PoolMember('b', () => 3).pending, 3)
  const rows: Array<[what: string, run: (member: PoolMember) => void, score: number]> = [
    ['a failure of one that was never measured is a second', member => member.failure(0), 1_000],
    ['and of a fast one too', member => { member.success(0, 100); member.failure(0) }, 100 + 900 / 4],
    ['no answer is faster than nothing', member => member.success(0, -5), 0],
    ['nor slower than a minute', member => member.success(0, 1e9), 60_000],
    ['no failure costs more than a minute', member => { member.success(0, 50_000); member.failure(0) }, 50_000 + 10_000 / 4]
  ]
  for (const [what, run, score] of rows) {
    const one = new PoolMember('x')
    run(one)
    t.equal(one.score, score, what)
  }
})

t.test('probation: from the second failure in a row on, twice as long each time, to ten minutes; a success ends it', async t => {
  const member = new PoolMember('a')
  fail(member, 1)
  t.strictSame([member.isOnProbation(), member.isUsable(0)], [false, true])
  for (const [failures, seconds] of [[2, 10], [3, 20], [4, 40], [5, 80], [6, 160], [7, 320], [8, 600], [9, 600], [40, 600]] as const) {
    const one = new PoolMember('a')
    fail(one, failures, SECOND)
    const end = SECOND + seconds * SECOND
    const seen = [one.isOnProbation(), one.isUsable(end), one.deservesProbe(end - 1), one.deservesProbe(end)]
    t.strictSame(seen, [true, false, false, true], `${failures}`)
  }
  fail(member, 1)
  member.drain(0)
  t.strictSame([member.deservesProbe(2_999), member.deservesProbe(3_000)], [false, true], 'while it drains it may be started anew')
  member.success(3_100, 5)
  t.strictSame([member.deservesProbe(6_099), member.deservesProbe(6_100), member.isUsable(59_999)], [false, true, false], 'again and again')
  member.success(60_000, 5)
  t.strictSame([member.isOnProbation(), member.isUsable(60_000), member.deservesProbe(1e9)], [false, true, false])
  fail(member, 2, 70_000)
  t.strictSame([member.deservesProbe(79_999), member.deservesProbe(80_000)], [false, true], 'it begins anew')
})

t.test('busy and draining: as long as it says, at most a minute', async t => {
  for (const [says, until] of [[5_000, 5_000], [0, 0], [-5, 0], [60_000, 60_000], [60_001, 60_000], [Infinity, 60_000]] as const) {
    const member = new PoolMember('a')
    member.busy(100, says)
    t.equal(member.busyUntil, 100 + until)
    t.strictSame([member.isBusy(99 + until), member.isUsable(99 + until), member.isBusy(100 + until), member.isUsable(100 + until)],
      [true, false, false, true])
  }
  const draining = new PoolMember('a')
  draining.drain(100)
  t.strictSame([draining.isDraining(60_099), draining.isUsable(60_099), draining.isDraining(60_100), draining.isUsable(60_100)],
    [true, false, false, true])
  draining.drain(100)
  fail(draining, 1, 3_000)
  t.equal(draining.isDraining(3_000), true)
  fail(draining, 1, 4_000)
  t.strictSame([draining.isDraining(4_000), draining.isOnProbation(), draining.deservesProbe(14_000)], [false, true, true], 'it is gone')
  const anew = new PoolMember('a')
  anew.drain(100)
  anew.busy(100, 60_000)
  anew.restarted()
  t.equal(anew.isUsable(100), true, 'another start of it said that')
})

t.test('what is kept of a member, and what of that is believed', async t => {
  const member = new PoolMember('a')
  t.strictSame(member.toJSON(), { id: 'a', successes: 0, failures: 0 })
  member.success(0, 300)
  fail(member, 1)
  t.strictSame(member.toJSON(), { id: 'a', successes: 1, failures: 1, score: 475 })
  const restored = (state: object): MemberState => {
    const one = new PoolMember('a')
    one.restore({ id: 'a', successes: 0, failures: 0, ...state })
    return one.toJSON()
  }
  const rows: Array<[state: object, expected: object]> = [
    [{ score: 5, successes: 2, failures: 3 }, { score: 5, successes: 2, failures: 3 }], [{ score: 0 }, { score: 0 }],
    [{ score: 60_000 }, { score: 60_000 }],
    ...[-1, 60_001, NaN, '5', null].map((score): [object, object] => [{ score }, {}]),
    ...[-1, 0.5, NaN, '5', 2 ** 53].flatMap((count): Array<[object, object]> => [[{ successes: count }, {}], [{ failures: count }, {}]])
  ]
  for (const [state, expected] of rows) {
    t.strictSame(restored(state), { id: 'a', successes: 0, failures: 0, ...expected }, JSON.stringify(state))
  }
})

t.test('strategies', async t => {
  t.strictSame(STRATEGIES, ['ranked', 'round-robin', 'sticky', 'single', 'spread'])
  const of = (id: string, score: number | undefined, pending = 0, lastUsed = 0): Candidate => ({ id, score, pending, lastUsed })
  const sorted = (strategy: Strategy, candidates: Candidate[], site = 's') => order(strategy, candidates, site).map(({ id }) => id).join('')
  const rows: Array<[strategy: Strategy, candidates: Candidate[], expected: string]> = [
    ['single', [of('b', 9), of('a', 1)], 'ba'],
    ['round-robin', [of('a', 1, 0, 3), of('b', 9, 9, 1), of('c', 5, 0, 2)], 'bca'],
    ['ranked', [of('a', 300), of('b', 100), of('c', undefined), of('d', 200)], 'bdac'],
    ['ranked', [of('a', 100, 2), of('b', 101, 1), of('c', 100, 1, 5), of('d', 100, 1, 4)], 'bdca'],
    ['ranked', [of('a', 1, 1), of('b', 0.1, 0), of('c', 0, 0, 1)], 'bca'],
    ['ranked', [of('a', 111), of('b', 100, 9)], 'ba'],
    ['ranked', [of('a', undefined, 1), of('b', undefined)], 'ba'],
    ['ranked', [of('a', undefined), of('b', 300, 5)], 'ba']
  ]
  for (const [strategy, candidates, expected] of rows) {
    const before = [...candidates]
    t.equal(sorted(strategy, candidates), expected)
    t.strictSame(candidates, before, 'what is given stays as it is')
  }
  const all = ['a', 'b', 'c', 'd'].map(id => of(id, 1))
  // As every client of the same exits orders them: another order would move every site to another exit.
  t.strictSame(['s', 't', 'u', 'v'].map(site => sorted('sticky', all, site)), ['bcda', 'dbac', 'cadb', 'adcb'])
  t.equal(sorted('sticky', [...all].reverse(), 's'), sorted('sticky', all, 's'))
  const some = [of('a', 100), of('b', 150), of('c', 250), of('d', undefined), of('e', 300)]
  const spread = (site: string): string => sorted('spread', some, site)
  t.equal(new Set(['s', 't', 'u', 'v', 'w', 'x'].map(site => spread(site).slice(0, 1))).size > 1, true, 'each good exit has its sites')
  for (const site of ['s', 't', 'u', 'v']) t.equal(spread(site).slice(-1), 'd', 'what was not measured comes last')
})

t.test('spread: a site has its order of those that are good, and the others follow by rank', async t => {
  const sites = Array.from({ length: 40 }, (_, index) => `site ${index}`)
  const of = (id: string, score: number | undefined): Candidate => ({ id, score, pending: 0, lastUsed: 0 })
  const sorted = (candidates: Candidate[], site: string, salt?: string) =>
    order('spread', candidates, site, salt)
      .map(({ id }) => id)
      .join('')
  const rows: Array<[scores: Record<string, number | undefined>, good: string, others: string]> = [
    [{ a: 100, b: 110, c: 900, d: 120 }, 'abd', 'c'],
    [{ a: 900, b: 120, c: 110, d: 100 }, 'bcd', 'a'],
    [{ a: 200, b: 200, c: 400 }, 'abc', ''],
    [{ a: 200, b: 200, c: 401 }, 'ab', 'c'],
    [{ a: 20, b: 20, c: 120 }, 'abc', ''],
    [{ a: 20, b: 20, c: 121 }, 'ab', 'c'],
    [{ a: 150, b: 160, c: undefined, d: undefined, e: undefined }, 'ab', 'cde'],
    [{ a: 2_000, b: 100, c: undefined, d: 1_000, e: 100, f: 100 }, 'bef', 'dac'],
    [{ a: undefined, b: undefined }, '', 'ab']
  ]
  for (const [scores, good, others] of rows) {
    const candidates = Object.entries(scores).map(([id, score]) => of(id, score))
    const orders = sites.map(site => sorted(candidates, site))
    for (const ids of orders) {
      t.equal([...ids.slice(0, good.length)].sort().join(''), good)
      t.equal(ids.slice(good.length), others)
    }
    t.equal([...new Set(orders.map(ids => ids.slice(0, 1)))].sort().join(''), good === '' ? 'a' : good, 'each good one has sites')
  }
  const equal = ['a', 'b', 'c', 'd'].map(id => of(id, 1))
  for (const site of sites) t.equal(sorted(equal, site), order('sticky', equal, `\0${site}`).map(({ id }) => id).join(''))
  t.ok(sites.some(site => sorted(equal, site, 'secret') !== sorted(equal, site)), 'another salt, another order')
})

t.test('a last resort is the one measured longest ago, wherever it stands', async t => {
  const { of, choose } = poolOf('single', 'a', 'b', 'c')
  for (const [id, at] of [['a', 9], ['b', 3], ['c', 5]] as const) fail(of(id), 2, at)
  t.strictSame([choose(10), choose(10, new Set(['b'])), choose(10, new Set(['b', 'c']))], ['b', 'c', 'a'])
})

t.test('who is asked: usable ones in the order of the strategy, then the one on probation measured longest ago', async t => {
  const { pool, of, choose } = poolOf('single', 'a', 'b', 'c')
  t.equal(choose(), 'a')
  t.equal(choose(0, new Set(['a'])), 'b')
  t.equal(choose(0, new Set(['a', 'b', 'c'])), undefined)
  of('a').busy(0, 10)
  of('b').drain(0)
  t.strictSame([choose(9), choose(10)], ['c', 'a'])
  fail(of('c'), 2, 5)
  t.equal(choose(9), 'c', 'a last resort')
  fail(of('a'), 2, 4)
  t.strictSame([choose(20), choose(70_000)], ['a', 'b'])
  of('b').busy(70_000, 100)
  t.strictSame([choose(70_000), choose(70_000, new Set(['a']))], ['a', 'c'])
  t.equal(new ExitPool('ranked').choose(0, 'site', NONE), undefined)
  t.equal(pool.member('x'), undefined)
})

t.test('who joins and who goes', async t => {
  const { pool, choose } = poolOf('ranked', 'a')
  t.equal(pool.add('a', () => 9), true, 'known already')
  t.strictSame([pool.size, pool.member('a')?.pending], [1, 0])
  pool.pin('one', 'a')
  pool.pin('two', 'b')
  pool.remove('a')
  t.strictSame([pool.size, pool.pins, choose(), pool.keeps('two', 'b'), pool.keeps('one', 'a')], [0, 1, undefined, true, false])
  const full = new ExitPool('ranked')
  for (let index = 0; index < MAX_EXITS; index++) t.equal(full.add(String(index)), true)
  t.strictSame([full.add('more'), full.add('0'), full.size], [false, true, MAX_EXITS])
})

t.test('sites that are tied to an exit', async t => {
  const { pool, of, choose } = poolOf('round-robin', 'a', 'b')
  pool.pin('site', 'b')
  t.strictSame([choose(), choose(), pool.choose(0, 'other', NONE)], ['b', 'b', 'a'])
  t.strictSame([pool.keeps('site', 'b'), pool.keeps('site', 'a'), pool.keeps('other', 'a')], [true, false, false])
  t.equal(choose(0, new Set(['b'])), 'a')
  fail(of('b'), 2)
  t.equal(choose(), 'a', 'another one is for when it fails')
  for (const strategy of ['sticky', 'single'] as const) t.equal(poolOf(strategy, 'a').pool.keeps('any', 'a'), true)
  t.equal(poolOf('ranked', 'a').pool.keeps('any', 'a'), false)
  for (let index = 0; index < MAX_PINS - 1; index++) pool.pin(`site ${index}`, 'a')
  t.equal(pool.pins, MAX_PINS)
  pool.pin('site', 'b')
  pool.pin('one more', 'a')
  t.strictSame([pool.pins, pool.keeps('site', 'b'), pool.keeps('site 0', 'a'), pool.keeps('site 1', 'a')], [MAX_PINS, true, false, true])
})

t.test('others, and when a busy one has time again', async t => {
  const { pool, of } = poolOf('ranked', 'a', 'b', 'c')
  const but = (...ids: string[]): ReadonlySet<string> => new Set(ids)
  t.strictSame([pool.hasOther(0, but('a')), pool.hasOther(0, but('a', 'b', 'c')), pool.busyUntil(0)], [true, false, undefined])
  of('a').busy(0, 50)
  of('b').busy(0, 20)
  t.strictSame([pool.busyUntil(0), pool.busyUntil(20), pool.busyUntil(50)], [20, 50, undefined])
  t.strictSame([pool.hasOther(0, but('c')), pool.hasOther(0, but('c'), true), pool.hasOther(20, but('c'))], [false, false, true])
  of('b').drain(0)
  t.strictSame([pool.hasOther(20, but('c')), pool.hasOther(20, but('c'), true)], [false, false])
  fail(of('c'), 2)
  t.strictSame([pool.hasOther(0, NONE), pool.hasOther(0, NONE, true)], [false, true])
})

t.test('probes: of those that have served their time, and now and then of the one measured longest ago', async t => {
  const { pool, pending, of, choose } = poolOf('single', 'a', 'b', 'c')
  t.strictSame(pool.dueProbes(0), ['a'], 'nothing is known of them: one at a time')
  pending.set('a', 1)
  t.strictSame(pool.dueProbes(0), ['b'])
  pending.set('a', 0)
  for (const [id, at] of [['a', 30], ['b', 10], ['c', 20]] as const) of(id).success(at, 100)
  t.strictSame([pool.dueProbes(20_010), pool.dueProbes(20_011), pool.dueProbes(30_000)], [[], ['b'], ['b']], 'measured over 20 s ago')
  of('b').busy(70_000, 10)
  t.strictSame(pool.dueProbes(70_000), ['c'])
  choose()
  t.strictSame(pool.dueProbes(80_000), [], 'every 16 requests')
  for (let turn = 1; turn < 16; turn++) choose()
  t.strictSame(pool.dueProbes(80_000), ['b'])
  choose()
  fail(of('c'), 2, 80_000)
  fail(of('a'), 2, 80_000)
  t.strictSame([pool.dueProbes(89_999), pool.dueProbes(90_000)], [[], ['a', 'c']])
  pending.set('c', 1)
  t.strictSame(pool.dueProbes(90_000), ['a'])
})

t.test('what survives a restart', async t => {
  const { pool, of } = poolOf('ranked', 'a', 'b')
  of('a').success(0, 400)
  pool.pin('one', 'a')
  pool.pin('two', 'b')
  const state = JSON.parse(JSON.stringify(pool))
  t.strictSame(state, {
    version: 1,
    exits: [{ id: 'a', successes: 1, failures: 0, score: 400 }, { id: 'b', successes: 0, failures: 0 }],
    pins: [['one', 'a'], ['two', 'b']]
  })
  const again = ExitPool.fromJSON('ranked', state)
  again.add('a')
  again.add('c')
  t.strictSame([again.member('a')?.score, again.member('c')?.score, again.size, again.keeps('one', 'a'), again.keeps('two', 'b')],
    [400, undefined, 2, true, true])
  const broken = [
    null, undefined, 7, 'text', [], {}, { ...state, version: 2 }, { ...state, exits: 7 }, { ...state, pins: 7 },
    { version: 1, exits: state.exits },
    { version: 1, pins: state.pins }
  ]
  for (const value of broken) {
    const none = ExitPool.fromJSON('single', value)
    none.add('a')
    t.strictSame([none.member('a')?.score, none.pins, none.keeps('any', 'a')], [undefined, 0, true], JSON.stringify(value))
  }
  const present = poolOf('ranked', 'a', 'b').pool
  const pins = [null, 7, [], ['x'], ['x', 7], [7, 'x'], ...state.pins]
  present.restore({ version: 1, exits: [null, 7, {}, { id: 7 }, ...state.exits], pins })
  t.strictSame([present.member('a')?.score, present.pins], [400, 2], 'what is here already, and the rest of what is broken in part')
  const many = Array.from({ length: MAX_EXITS + 1 }, (_, index) => ({ id: String(index), successes: index, failures: 0 }))
  const tied = Array.from({ length: MAX_PINS + 1 }, (_, index) => [`s${index}`, 'a'])
  const whole = ExitPool.fromJSON('ranked', { version: 1, exits: many, pins: tied })
  for (const id of ['255', '256']) whole.add(id)
  t.strictSame([whole.member('255')?.successes, whole.member('256')?.successes], [255, 0], 'no more than it would have had')
  t.strictSame([whole.keeps('s0', 'a'), whole.keeps(`s${MAX_PINS}`, 'a')], [true, false])
})
