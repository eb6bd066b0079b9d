// What an attempt that brought no page leads to: which exit is asked next and from where, what is not asked, and who is blamed.
import type { Message, WireErrorName } from '@minwww/protocol'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import type { ClientConfig } from '../src/core.ts'
import { Bench, FakeExit, keysOf, pageObject, schedule } from './core-fake-exit.ts'

const IDS = 'abc'
const HEDGES: Partial<ClientConfig> = { hedging: true, hedgeBudget: 1 }

interface World { bench: Bench, exits: FakeExit[], first: Message, last: Message[], begun: number, rows: string[] }
type Act = (world: World) => void
interface Start { count?: number, sources?: number, config?: Partial<ClientConfig>, timeout?: number }

/** Exits with a round trip of 200 ms and a variation of 100, and one request that has just left. */
function asked ({ count = 2, sources = 1, config = {}, timeout }: Start): World {
  const bench = new Bench(config, sources)
  const exits = Array.from({ length: count }, (_, index) => new FakeExit(7 + index))
  for (const [index, exit] of exits.entries()) bench.ready(IDS[index]!, exit)
  bench.wait(1)
  bench.events()
  bench.get(timeout === undefined ? {} : { timeout })
  const last: Message[] = []
  const rows = schedule(bench, exits, 0, bench.now, last)
  return { bench, exits, first: last[0]!, last, begun: bench.now, rows }
}

/** Goes to a time after the start, ms; `rows` has what left meanwhile. */
function until (world: World, after: number): World {
  world.rows.push(...schedule(world.bench, world.exits, after, world.begun, world.last))
  return world
}

const refuses = (index: number, name: WireErrorName, retryAfter = 0): Act => ({ bench, exits, last }) => {
  bench.receive(exits[index]!.error(last[index]!, name, { retryAfter }))
}
/** The front of its answer. */
const begins = (index: number, symbols: number): Act => ({ bench, exits, last }) => {
  bench.receive(exits[index]!.reply(last[index]!, pageObject(seeded(5)(24_000)), { symbolLength: 1_000, last: 25 }).slice(0, symbols))
}
/** The first one is there, and does not work on what it was asked first. */
const firstIsHeard: Act = ({ bench, exits, first }) => bench.receive(exits[0]!.working(first, 0))
const suspends = (source: number): Act => ({ bench }) => bench.core.suspend(bench.now, source)
const outcomes = ({ bench }: World): string[] => bench.outcomes().map(outcome => outcome.type === 'failed' ? outcome.code : outcome.type)
const failures = ({ bench }: World): Record<string, number> =>
  Object.fromEntries(bench.core.exits(bench.now).map(({ id, failures }) => [id, failures]))

interface Scene extends Start {
  steps?: Array<[number, Act]>
  span: number
  /** Without probes. */
  sent: string[]
  ends?: string
  failed?: Record<string, number>
  hedges?: number
}
const SCENES: Record<string, Scene> = {
  'a slow one is hedged by one more': { count: 3, config: HEDGES, hedges: 1, span: 590, sent: ['0 a0 request 0.0', '400 b0 open 0.0'] },
  'not where nobody wants that': { count: 3, span: 590, sent: ['0 a0 request 0.0'] },
  'not where there is no other': { count: 1, config: HEDGES, span: 590, sent: ['0 a0 request 0.0'] },
  'not where the answer has begun': { count: 3, config: HEDGES, steps: [[350, begins(0, 2)]], span: 590, sent: ['0 a0 request 0.0'] },
  'not where another one was asked anyway': {
    config: HEDGES, steps: [[100, refuses(0, 'unknown-id')]], span: 590, sent: ['0 a0 request 0.0', '100 b0 open 0.0']
  },
  'of two that are asked one may be busy: the other is waited for': {
    count: 3, config: HEDGES, hedges: 1, steps: [[450, refuses(0, 'busy', 3)]], span: 900, sent: ['0 a0 request 0.0', '400 b0 open 0.0']
  },
  'of two that are asked both refuse: one more has its say, and no fourth': {
    count: 3,
    config: HEDGES,
    hedges: 1,
    steps: [[450, refuses(0, 'policy')], [500, refuses(1, 'policy')], [600, refuses(2, 'policy')]],
    span: 900,
    sent: ['0 a0 request 0.0', '400 b0 open 0.0', '500 c0 open 0.0'],
    ends: 'policy'
  },
  'the Destination that it was asked from is gone: there is no hedge of what is no more': {
    sources: 2, config: HEDGES, steps: [[100, suspends(0)]], span: 900, sent: ['0 a0 request 0.0', '100 b1 open 0.0', '725 b1 open 0.1']
  },
  'so are both attempts of a hedge: one new one': {
    count: 3,
    sources: 2,
    config: HEDGES,
    hedges: 1,
    steps: [[450, suspends(0)]],
    span: 900,
    sent: ['0 a0 request 0.0', '400 b0 open 0.0', '450 c1 open 0.0']
  },
  'the other Destination is gone: nothing is asked anew for that, and all is asked from the one that is left': {
    sources: 2,
    steps: [[300, suspends(1)]],
    span: 2_000,
    sent: ['0 a0 request 0.0', '603 b0 open 0.0', '1207 a0 open 1.0', '1217 a0 open 1.1']
  },
  'half of an answer, and no other Destination': {
    sources: 2,
    steps: [[200, begins(0, 12)], [300, suspends(1)]],
    span: 2_900,
    sent: ['0 a0 request 0.0', '557 a0 want 1.0 26+14', '1213 b0 open 0.0', '1817 a0 open 2.0', '1826 a0 open 2.1']
  },
  'an exit that drains is left': {
    sources: 2,
    steps: [[100, refuses(0, 'draining')]],
    span: 1_500,
    sent: ['0 a0 request 0.0', '100 b0 open 0.0', '703 b0 open 1.0', '713 b0 open 1.1'],
    failed: { a: 0, b: 1 }
  },
  'an exit that is busy is left as long as it says': {
    sources: 2,
    steps: [[100, refuses(0, 'busy', 3)]],
    span: 1_500,
    sent: ['0 a0 request 0.0', '100 b0 open 0.0', '703 b0 open 1.0', '713 b0 open 1.1'],
    failed: { a: 0, b: 1 }
  },
  'the only one is busy: it is asked when it said': {
    count: 1,
    steps: [
      [200, refuses(0, 'busy', 5)]
    ],
    span: 6_500,
    sent: ['0 a0 request 0.0', '5200 a0 open 1.0', '6403 a0 open 0.0', '6413 a0 open 0.1']
  },
  'what refused by policy is asked again where the other one says nothing': {
    sources: 2,
    steps: [
      [100, refuses(0, 'policy')]
    ],
    span: 1_500,
    sent: ['0 a0 request 0.0', '100 b0 open 0.0', '703 a1 open 0.0', '1329 a1 open 0.1']
  },
  // Probes of all pairs are first messages here: what is asked next waits for them.
  'three that say nothing: the one heard last is asked again, from elsewhere': {
    count: 3,
    sources: 2,
    span: 3_500,
    sent: ['0 a0 request 0.0', '603 b1 open 0.0', '1899 c1 open 0.0', '2903 c0 open 0.0', '2913 c0 open 0.1'],
    failed: { a: 1, b: 1, c: 1 }
  },
  'three, and the first was heard since: no other one was at the second Destination, so the next is asked from the first': {
    count: 3,
    sources: 2,
    steps: [[1_000, firstIsHeard]],
    span: 2_500,
    sent: ['0 a0 request 0.0', '603 b1 open 0.0', '1607 c0 open 0.0', '2210 b0 open 0.0', '2220 b0 open 0.1']
  },
  'a deadline: who said nothing has failed': {
    count: 1, timeout: 500, span: 1_500, sent: ['0 a0 request 0.0', '500 a0 cancel 0.0'], ends: 'timeout', failed: { a: 1 }
  },
  'a deadline: who has answered something since has not': {
    count: 1,
    timeout: 500,
    steps: [[100, ({ bench }) => bench.get()], [101, () => {}], [300, begins(0, 26)]],
    span: 1_500,
    sent: ['0 a0 request 0.0', '100 a0 request 0.0', '500 a0 cancel 0.0'],
    ends: 'response,timeout',
    failed: { a: 0 }
  },
  'a deadline after several tries: the last Destination hears of it': {
    count: 1,
    sources: 2,
    timeout: 3_000,
    span: 3_500,
    sent: ['0 a0 request 0.0', '603 a1 open 0.0', '1810 a0 open 1.0', '1820 a0 open 1.1', '3000 a0 cancel 1.0'],
    ends: 'timeout'
  }
}
for (const [name, { steps = [], span, sent, ends = '', failed, hedges = 0, ...start }] of Object.entries(SCENES)) {
  t.test(name, async t => {
    const world = asked(start)
    for (const [after, act] of steps) act(until(world, after))
    until(world, span)
    t.strictSame(world.rows.filter(row => !row.includes('probe')), sent)
    t.equal(outcomes(world).join(), ends)
    t.equal(world.bench.core.stats.hedges, hedges)
    if (failed !== undefined) t.strictSame(failures(world), failed)
  })
}

t.test('a new Destination: silent exits are asked from there, whatever is on its way to them; others stay asked as they are', async t => {
  for (const [count, probes] of [
    [1, ['10176 a1 probe 0.0']],
    [2, ['4510 b1 probe 0.0', '4935 a1 probe 0.0', '5004 b0 probe 0.0', '5014 b0 probe 0.1', '5517 b1 probe 1.0']]
  ] as const) {
    const when = count === 1 ? 9_000 : 4_500
    const world = until(asked({ count, sources: 2 }), when)
    world.bench.core.suspend(world.bench.now, 1)
    until(world, when + 10)
    world.bench.core.resume(world.bench.now, 1, keysOf(300))
    until(world, when + 10)
    const { length } = world.rows
    until(world, when + 1_300)
    t.strictSame(world.rows.slice(count === 1 ? length : length - 1), probes)
    t.strictSame(outcomes(until(world, 60_000)), ['silent'], 'the page itself is looked for to its end')
  }
})
