import t from 'tap'
import { HedgeBudget } from '../src/pool/hedge-budget.ts'
import { MAX_EXITS, ExitPool } from '../src/pool/pool.ts'
import { order } from '../src/pool/strategies.ts'
import { Bench, FakeExit, pageBytes, pageObject } from './core-fake-exit.ts'
import { encodeObject } from '@minwww/protocol'

const NONE = new Set<string>()

function pool (strategy: Parameters<typeof order>[0], ids = ['a', 'b', 'c']): ExitPool {
  const made = new ExitPool(strategy)
  for (const id of ids) made.add(id)
  return made
}

t.test('round-robin takes turns, also when one joins', async t => {
  const exits = pool('round-robin')
  const turn = (): string | undefined => exits.choose(0, 's', NONE)
  t.strictSame([turn(), turn(), turn(), turn()], ['a', 'b', 'c', 'a'])
  exits.add('d')
  t.strictSame([turn(), turn()], ['d', 'b'])
  exits.remove('c')
  t.strictSame([turn(), turn()], ['a', 'd'])
})

t.test('ranked prefers the fast one, and spreads over equals', async t => {
  let pending = 0
  const exits = pool('ranked', ['a'])
  exits.add('b', () => pending)
  exits.add('c')
  exits.member('a')!.success(0, 400)
  exits.member('b')!.success(0, 300)
  t.equal(exits.choose(0, 's', NONE), 'b')
  t.equal(exits.choose(0, 's', new Set(['b'])), 'a', 'unmeasured exits come last')
  exits.member('c')!.success(0, 301)
  pending = 1
  t.equal(exits.choose(0, 's', NONE), 'c', 'as fast, and idle')
  for (let i = 0; i < 10; i++) exits.member('c')!.success(0, 2_000)
  exits.member('b')!.failure(0)
  t.equal(exits.choose(0, 's', NONE), 'a', 'one failure costs its score')
})

t.test('sticky: a site keeps its exit, and only its own moves when one goes', async t => {
  const sites = Array.from({ length: 60 }, (_, i) => `site${i}.i2p`)
  const exits = pool('sticky', ['a', 'b', 'c', 'd'])
  const before = new Map(sites.map(site => [site, exits.choose(0, site, NONE)]))
  t.equal(new Set(before.values()).size, 4, 'all are used')
  t.ok(sites.every(site => exits.choose(0, site, NONE) === before.get(site)))
  exits.member('b')!.drain(0)
  const moved = sites.filter(site => exits.choose(0, site, NONE) !== before.get(site))
  t.ok(moved.every(site => before.get(site) === 'b'))
  t.ok(sites.every(site => exits.choose(700_000, site, NONE) === before.get(site)), 'and back')
})

t.test('single stays with the first that works', async t => {
  const exits = pool('single')
  t.equal(exits.choose(0, 's', NONE), 'a')
  exits.member('a')!.busy(0, 5_000)
  t.equal(exits.choose(4_999, 's', NONE), 'b')
  t.equal(exits.choose(5_000, 's', NONE), 'a')
})

t.test('probation: two failures in a row, longer each time, until something comes', async t => {
  const exits = pool('ranked', ['a', 'b'])
  const a = exits.member('a')!
  a.success(0, 100)
  exits.member('b')!.success(0, 5_000)
  a.failure(0)
  t.notOk(a.isOnProbation())
  a.failure(0)
  t.ok(a.isOnProbation())
  t.equal(exits.choose(0, 's', NONE), 'b')
  t.strictSame(exits.dueProbes(9_999).filter(id => id === 'a'), [])
  t.ok(exits.dueProbes(10_000).includes('a'), 'then a probe may show whether it is back')
  a.failure(10_000)
  t.notOk(exits.dueProbes(29_999).includes('a'))
  t.ok(exits.dueProbes(30_000).includes('a'))
  t.equal(exits.choose(0, 's', new Set(['b'])), 'a', 'a last resort all the same')
  a.success(40_000, 100)
  t.notOk(a.isOnProbation())
})

t.test('bounds: exits, busy times, pins', async t => {
  const exits = pool('ranked', Array.from({ length: MAX_EXITS }, (_, i) => `x${i}`))
  t.equal(exits.add('more'), false)
  t.equal(exits.size, MAX_EXITS)
  exits.member('x0')!.busy(0, Number.MAX_SAFE_INTEGER)
  t.equal(exits.member('x0')!.busyUntil, 60_000)
  for (let i = 0; i < 3_000; i++) exits.pin(`site${i}`, 'x1')
  t.equal(exits.toJSON().pins.length, 1_024)
})

t.test('state survives a restart; broken state is ignored', async t => {
  const exits = pool('ranked')
  exits.member('a')!.success(0, 900)
  exits.member('b')!.success(0, 300)
  exits.pin('shop.i2p', 'a')
  const again = ExitPool.fromJSON('ranked', JSON.parse(JSON.stringify(exits)))
  for (const id of ['a', 'b', 'c']) again.add(id)
  t.equal(again.choose(0, 's', NONE), 'b')
  t.equal(again.choose(0, 'shop.i2p', NONE), 'a')
  const halfBroken = [{ version: 1, exits: [null, { id: 3 }], pins: [1] }, { version: 1, exits: [{ id: 'a', score: -1 }], pins: [] }]
  for (const broken of [null, 7, {}, { version: 2 }, ...halfBroken]) {
    t.doesNotThrow(() => ExitPool.fromJSON('ranked', broken).add('a'))
  }
})

t.test('hedges stay within their share', async t => {
  const single = new HedgeBudget(0)
  t.strictSame([single.spend(), single.spend()], [true, false], 'the first one is there from the start')
  const budget = new HedgeBudget(0.05)
  let spent = 0
  for (let i = 0; i < 1_000; i++) {
    budget.earn()
    if (budget.spend()) spent++
  }
  t.ok(spent <= 51 && spent >= 49, `${spent}`)
})

t.test('hedging: a second exit when the first symbol is late, and the first answer counts', async t => {
  const bench = new Bench({ hedging: true })
  const [a, b] = [new FakeExit(1), new FakeExit(2)]
  bench.ready('a', a, 200)
  bench.ready('b', b, 300)
  bench.get()
  const first = a.read(bench.sent()[0]!)
  const hedge = bench.wait(450).find(({ to }) => to.equals(b.keys.destination))
  t.ok(hedge)
  bench.receive(b.reply(b.read(hedge!), pageObject('b')))
  t.match(bench.outcomes(), [{ type: 'response', exit: 'b', trace: { hedged: true } }])
  t.equal(a.read(bench.sent().at(-1)!).type, 'cancel', 'the other is told')
  bench.receive(a.reply(first, pageObject('a')))
  t.equal(bench.outcomes().length, 0)
})

t.test('a site that sets a cookie keeps its exit', async t => {
  const bench = new Bench({ strategy: 'round-robin' })
  const exits = [new FakeExit(1), new FakeExit(2)]
  exits.forEach((exit, index) => bench.ready(`e${index}`, exit))
  const visit = (site: string, headers: Array<[string, string]>): string | undefined => {
    bench.get({ site })
    const [request] = bench.sent()
    const exit = exits.find(({ keys }) => keys.destination.equals(request!.to))!
    bench.receive(exit.reply(exit.read(request!), encodeObject(pageBytes('x', headers))))
    const [outcome] = bench.outcomes()
    return outcome?.type === 'response' ? outcome.exit : undefined
  }
  const home = visit('shop.i2p', [['set-cookie', 'id=1']])
  t.equal(visit('shop.i2p', []), home)
  t.equal(visit('shop.i2p', []), home)
  t.not(visit('other.i2p', []), visit('other.i2p', []), 'others go on in turn')
})

t.test('the client: exits come and go at run time, state in and out', async t => {
  const bench = new Bench()
  const [a, b] = [new FakeExit(1), new FakeExit(2)]
  bench.ready('a', a, 100)
  bench.ready('b', b, 400)
  bench.get()
  bench.sent()
  bench.core.removeExit(bench.now, 'a')
  const [moved] = bench.sent()
  t.ok(moved!.to.equals(b.keys.destination), 'its requests go on elsewhere')
  bench.receive(b.reply(b.read(moved!), pageObject('b')))
  t.match(bench.outcomes(), [{ type: 'response', exit: 'b' }])

  const restarted = new Bench()
  restarted.core.restore(JSON.parse(JSON.stringify(bench.core)))
  restarted.core.addExit(restarted.now, { id: 'b', destination: b.keys.destination })
  t.equal(restarted.core.exits(restarted.now)[0]!.srtt, bench.core.exits(bench.now)[0]!.srtt)
  for (const broken of [null, 1, { version: 9 }, { version: 1, paths: [null, { id: 'b', srtt: 'x' }] }]) restarted.core.restore(broken)
})
