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
