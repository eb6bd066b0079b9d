import t from 'tap'
import { readFileSync } from 'node:fs'
import { inputOf } from './run-case.ts'
import { TARGETS } from './targets/index.ts'
import { SeededRandom } from '@minwww/testkit'

/** Cases of each target with weight 1 or more: enough to see that a target works at all. */
const CASES = 60
const SEED = 1

interface Found { target: string, hex: string, what: string }

const found = JSON.parse(readFileSync(new URL('found.json', import.meta.url), 'utf8')) as Found[]

t.test('what fuzzing has found stays repaired', async t => {
  for (const { target: name, hex, what } of found) {
    const target = TARGETS.find(candidate => candidate.name === name)
    if (target === undefined) throw new Error(`no target ${name}`)
    await target.decode(Buffer.from(hex, 'hex'), new SeededRandom(SEED))
    t.pass(`${name}: ${what}`)
  }
})

t.test('every target runs, and its valid inputs are answered', async t => {
  for (const [index, target] of TARGETS.entries()) {
    for (const sample of target.samples) await target.decode(sample, new SeededRandom(SEED))
    for (let number = 0; number < Math.min(CASES, Math.ceil(target.weight * CASES)); number++) {
      const { bytes, random } = inputOf(target, index, SEED, number)
      await target.decode(bytes, random)
    }
    t.pass(target.name)
  }
})

t.test('the same seed gives the same cases', async t => {
  const target = TARGETS[0]!
  t.same(inputOf(target, 0, SEED, 7).bytes, inputOf(target, 0, SEED, 7).bytes)
  t.notSame(inputOf(target, 0, SEED, 7).bytes, inputOf(target, 0, SEED, 8).bytes)
})
