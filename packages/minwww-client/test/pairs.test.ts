import { LocalDestination } from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import { Exit } from '../src/core/exit.ts'
import { Pairs } from '../src/core/pairs.ts'
import { Sources } from '../src/core/sources.ts'
import { PoolMember } from '../src/pool/member.ts'

const { destination } = LocalDestination.generate(seeded('pairs'))
const MINUTE = 60_000

interface Asking { exits: Map<string, Exit>, sources: Sources, pairs: Pairs, asked: string[], take: () => string[] }

/** Exits that were heard at the first own Destination, `a` last; probes begin as the core's do. */
function asking (names: string, count = 4): Asking {
  const exits = new Map([...names].map(id => [id, new Exit(id, destination, DEFAULT_CONFIG, new PoolMember(id))]))
  ;[...exits.values()].reverse().forEach((exit, i) => exit.heard(i, 0))
  const sources = new Sources(count, () => Number.NEGATIVE_INFINITY)
  const asked: string[] = []
  const pairs = new Pairs({
    exits,
    sources,
    count,
    probe: (now, exit, source, why) => {
      exit.probeBegins(now, source)
      asked.push(`${exit.id}${source}${why === 'idle' ? ' idle' : ''}`)
    }
  })
  return { exits, sources, pairs, asked, take: () => asked.splice(0) }
}

t.test('the exits heard last are asked over all pairs at once, eight at most, and none again while it is', async t => {
  const { exits, pairs, take } = asking('abcd')
  pairs.search(100)
  t.strictSame(take(), ['a0', 'a1', 'a2', 'a3', 'b0', 'b1', 'b2', 'b3'])
  pairs.search(200)
  t.strictSame(take(), ['c0', 'c1', 'c2', 'c3'])
  pairs.search(300)
  t.strictSame(take(), [])
  exits.get('b')!.probeEnds(2)
  pairs.search(400)
  t.strictSame(take(), ['b2'])
})

t.test('not over a pair that cannot bring an answer', async t => {
  const { exits, sources, pairs, take } = asking('abc')
  sources.suspend(3)
  exits.get('b')!.member.busy(0, 10_000)
  exits.get('c')!.drain(0)
  const a = exits.get('a')!
  a.askedFrom(1)
  a.triedInVain(10, 10)
  a.triedInVain(10, 10)
  a.probeBegins(10)
  a.probeEnds()
  a.heard(6_000, 0)
  t.ok(a.isDeafTo(6_100, 1))
  pairs.search(6_100)
  t.strictSame(take(), ['a0', 'a2'])
})

t.test('with one exit, one Destination, or exits of which nothing was ever heard there is nothing to choose', async t => {
  for (const { pairs, asked } of [asking('a'), asking('ab', 1)]) {
    pairs.search(100)
    pairs.keep(10 * MINUTE)
    t.strictSame(asked, [])
  }
  const { exits, pairs, asked } = asking('')
  for (const id of 'ab') exits.set(id, new Exit(id, destination, DEFAULT_CONFIG, new PoolMember(id)))
  pairs.search(100)
  t.strictSame(asked, [])
})

t.test('a pair that was heard is kept: asked after a minute, one after the other, while somebody browses', async t => {
  const { exits, pairs, take } = asking('ab')
  const [a, b] = [exits.get('a')!, exits.get('b')!]
  a.heard(0, 2)
  pairs.keep(MINUTE)
  t.strictSame(take(), [], 'heard a minute ago, no longer')
  pairs.keep(MINUTE + 2)
  t.strictSame(take(), ['a0 idle'])
  pairs.keep(MINUTE + 1_001)
  t.strictSame(take(), [], 'a second apart')
  pairs.keep(MINUTE + 1_002)
  t.strictSame(take(), ['b0 idle'], 'an exit that is asked is left alone')
  a.probeEnds(0)
  a.heard(MINUTE + 2_000, 0)
  b.probeEnds(0)
  pairs.keep(MINUTE + 3_000)
  t.strictSame(take(), ['a2 idle'])
  pairs.keep(MINUTE + 5_000)
  t.strictSame(take(), [], 'what was in vain is not asked again at once')
  pairs.keep(2 * MINUTE + 1_003)
  t.strictSame(take(), ['b0 idle'])
})
