// When another Destination looks for exits that are away. In virtual time.
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import type { ExitStatus } from '../src/core.ts'
import { needOf, ReturnWatch, type Need } from '../src/sessions/return-watch.ts'

interface Watched { builds: number[], spared: number, pass: (seconds: number) => void, need: Need, isReady: boolean }

/** A watch whose sessions are ready at once, unless told otherwise. */
function watched (test: Test): Watched {
  let now = 0
  let isBuilt = false
  mock.timers.enable({ apis: ['setInterval'] })
  const state: Watched = {
    builds: [],
    spared: 0,
    need: 'yes',
    isReady: true,
    pass: seconds => {
      for (let i = 0; i < seconds; i++) {
        now += 1_000
        mock.timers.tick(1_000)
      }
    }
  }
  const watch = new ReturnWatch({
    need: () => state.need,
    build: () => {
      if (!isBuilt) state.builds.push(now / 1_000)
      isBuilt = true
    },
    take: () => {
      if (state.isReady) isBuilt = false
      return state.isReady
    },
    spare: () => { state.spared++ },
    now: () => now
  })
  test.teardown(() => {
    watch.close()
    mock.timers.reset()
  })
  return state
}

t.test('a Destination is built after five seconds, then in longer and longer steps, seven times', async t => {
  const state = watched(t)
  state.pass(2_000)
  t.strictSame(state.builds, [6, 16, 36, 76, 156, 316, 636])
  t.equal(state.spared, 0)
})

t.test('it begins anew after all was well', async t => {
  const state = watched(t)
  state.pass(20)
  state.need = 'no'
  state.pass(10)
  state.need = 'yes'
  state.pass(20)
  t.strictSame(state.builds, [6, 16, 36, 46])
})

t.test('what is not ready is not needed any more where all is well, and is left alone while nobody answers', async t => {
  const state = watched(t)
  state.isReady = false
  state.pass(10)
  state.need = 'wait'
  state.pass(60)
  t.equal(state.spared, 0)
  state.need = 'no'
  state.pass(60)
  t.equal(state.spared, 1)
  t.strictSame(state.builds, [6])
})

t.test('it is needed where one exit alone answers, and another one has', async t => {
  const exit = (id: string, state: ExitStatus['state']): ExitStatus => ({ id, state } as ExitStatus)
  const answered = new Set(['a', 'b', 'c'])
  const cases: Array<[Need, ...ExitStatus[]]> = [
    ['yes', exit('a', 'ready'), exit('b', 'down')],
    ['yes', exit('a', 'ready'), exit('b', 'probation'), exit('c', 'draining')],
    ['no', exit('a', 'ready'), exit('b', 'ready'), exit('c', 'down')],
    ['no', exit('a', 'ready'), exit('d', 'down')],
    ['no', exit('a', 'ready'), exit('b', 'busy')],
    ['wait', exit('a', 'down'), exit('b', 'down')],
    ['wait', exit('a', 'new')]
  ]
  for (const [need, ...exits] of cases) t.equal(needOf(exits, answered, 1), need, exits.map(({ id, state }) => `${id} ${state}`).join(', '))
  t.equal(needOf([exit('a', 'ready'), exit('b', 'down')], answered, undefined), 'no', 'no Destination to spare')
})
