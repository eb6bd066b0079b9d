import { SeededRandom, seedOf } from '@minwww/testkit'
import t from 'tap'
import { Deadlines } from '../src/index.ts'

t.test('gives what a sorted list gives, whatever is set, moved and taken', async t => {
  const random = new SeededRandom(seedOf(t, 1))
  const deadlines = new Deadlines<number>()
  const plain = new Map<number, number>()
  const earliest = (): number | undefined => plain.size === 0 ? undefined : Math.min(...plain.values())
  let taken = 0
  for (let now = 0; now < 5_000; now++) {
    const owner = random.below(200)
    const at = random.chance(4) ? undefined : now + random.below(300)
    deadlines.set(owner, at)
    if (at === undefined) plain.delete(owner)
    else plain.set(owner, at)
    if (deadlines.next() !== earliest()) t.fail(`at ${now} the next is not the earliest`)
    for (let due = deadlines.takeDue(now); due !== undefined; due = deadlines.takeDue(now)) {
      if (plain.get(due) !== earliest()) t.fail(`at ${now} another is due`)
      taken++
      plain.delete(due)
    }
    if ((earliest() ?? Infinity) <= now) t.fail('a due owner was not given')
  }
  t.ok(taken > 1_000)
})
