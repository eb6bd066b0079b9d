// Which exits a stream goes to.
import t from 'tap'
import type { ExitStatus } from '../src/core.ts'
import { exitsForRest, exitsForSite } from '../src/route/exit-choice.ts'

const exit = (id: string, o: Partial<ExitStatus> = {}): ExitStatus =>
  ({ id, state: 'ready', successes: 1, failures: 0, score: 100, ...o }) as ExitStatus
const ids = (exits: ExitStatus[]): string => exits.map(({ id }) => id).join('')

t.test('the rest of a download', async t => {
  const { score, ...unmeasured } = exit('c')
  t.ok(score)
  t.equal(
    ids(exitsForRest([exit('a'), exit('b', { score: 50 }), unmeasured, exit('d', { score: 10 })], 'd')),
    'bac',
    'fast ones first, the failed one not while there are three others'
  )
  t.equal(
    ids(exitsForRest([exit('a', { failures: 1 }), exit('b', { score: 900 }), exit('c', { state: 'down', score: 1 })], undefined)),
    'bac',
    'who was silent once may be dead'
  )
  const [away, doubted] = [exit('b', { state: 'down' }), exit('c', { state: 'probation' })]
  t.equal(ids(exitsForRest([away, doubted, exit('a'), exit('d')], 'a')), 'dac', 'the failed one before those that do not answer, if it does')
  t.equal(ids(exitsForRest([away, exit('a', { state: 'down', score: 1 })], 'a')), 'ba', 'else at last')
  t.equal(ids(exitsForRest([], 'a')), '')
})

t.test('a site keeps its exit while that is healthy', async t => {
  const exits = ['a', 'b', 'c', 'd'].map(id => exit(id))
  const [first] = exitsForSite(exits, 'site.i2p')
  for (let i = 0; i < 4; i++) t.equal(exitsForSite([...exits.slice(i), ...exits.slice(0, i)], 'site.i2p')[0]?.id, first?.id)
  t.not(exitsForSite(exits.map(one => one.id === first?.id ? exit(one.id, { state: 'down' }) : one), 'site.i2p')[0]?.id, first?.id)
  t.equal(exitsForSite(exits, 'site.i2p', 'd')[0]?.id, 'd', 'the one that asked for the stream')
})
