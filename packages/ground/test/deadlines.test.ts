import { equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { seedOf } from '@minwww/testkit'
import { Deadlines } from '../src/index.ts'

t.test('deadlines come in order, whatever is moved or taken away', async () => {
  fc.assert(fc.property(fc.array(
    fc.tuple(fc.nat(30), fc.option(fc.nat(1_000), { nil: undefined })), { maxLength: 400, size: 'max' }
  ), changes => {
    const deadlines = new Deadlines<number>()
    const model = new Map<number, number>()
    for (const [owner, at] of changes) {
      deadlines.set(owner, at)
      if (at === undefined) model.delete(owner)
      else model.set(owner, at)
      equal(deadlines.next(), model.size === 0 ? undefined : Math.min(...model.values()))
    }
    let last = 0
    for (let owner = deadlines.takeDue(1_000); owner !== undefined; owner = deadlines.takeDue(1_000)) {
      ok(model.get(owner)! >= last)
      last = model.get(owner)!
      model.delete(owner)
    }
    equal(model.size, 0)
  }), { numRuns: 100, seed: seedOf(t, 8) })
})

t.test('an owner is due at its time, not before, and once', async () => {
  const deadlines = new Deadlines<string>()
  deadlines.set('a', 10)
  deadlines.set('b', 20)
  deadlines.set('c', 30)
  equal(deadlines.takeDue(9), undefined)
  equal(deadlines.takeDue(10), 'a')
  equal(deadlines.takeDue(10), undefined)
  deadlines.set('b', undefined)
  equal(deadlines.takeDue(29), undefined)
  deadlines.set('c', 40)
  equal(deadlines.takeDue(39), undefined)
  equal(deadlines.next(), 40)
  equal(deadlines.takeDue(50), 'c')
  equal(deadlines.next(), undefined)
  deadlines.set('a', 60)
  equal(deadlines.takeDue(60), 'a', 'it may be due again')
})

t.test('one deadline that moves is found among those that were', async () => {
  const deadlines = new Deadlines<number>()
  for (let at = 0; at < 1_000; at++) deadlines.set(1, 2_000 - at)
  for (let owner = 2; owner < 100; owner++) deadlines.set(owner, owner)
  for (let at = 0; at < 1_000; at++) deadlines.set(1, 1_000 + at)
  for (let owner = 2; owner < 100; owner++) equal(deadlines.takeDue(owner), owner)
  equal(deadlines.takeDue(1_998), undefined)
  equal(deadlines.takeDue(1_999), 1)
})
