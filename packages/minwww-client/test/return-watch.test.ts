// When another Destination looks for exits that are away. In virtual time.
import { mock } from 'node:test'
import { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import type { ClientEvent, ExitStatus } from '../src/core.ts'
import { Backend } from '../src/sessions/backend.ts'
import { needOf, ReturnWatch, spareOf, type Need } from '../src/sessions/return-watch.ts'
import { VacantSession } from '../src/sessions/vacant-session.ts'
import { FakeSession, idleCore, keys } from './proxy-support.ts'

interface Watched { builds: number[], spared: number, pass: (seconds: number) => void, need: Need, isReady: boolean }

/** A watch whose sessions are ready at once, unless told otherwise. */
function watched (test: Test): Watched {
  let now = 0
  let isBuilt = false
  mock.timers.enable({ apis: ['setInterval'] })
  const state: Watched = {
    builds: [],
    spared: 0,
    need: 'away',
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
    spare: () => {
      state.spared++
      isBuilt = false
    },
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
  state.need = 'away'
  state.pass(20)
  t.strictSame(state.builds, [6, 16, 36, 46])
})

t.test('an exit that comes and goes has no more than forty built in an hour', async t => {
  const state = watched(t)
  const flap = (hours: number): number => {
    const before = state.builds.length
    for (let second = 0; second < hours * 3_600; second++) {
      const built = state.builds.length
      state.pass(1)
      state.need = state.builds.length > built ? 'no' : 'away'
    }
    return state.builds.length - before
  }
  t.equal(flap(1), 40)
  t.equal(flap(2), 80, 'and goes on after it')
  state.isReady = false
  t.equal(flap(1), 40, 'those that were not ready in time count too')
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

t.test('where it is sure to be of use the next one follows at once, and when an exit goes it begins anew', async t => {
  const state = watched(t)
  state.need = 'paths'
  state.pass(10)
  t.strictSame(state.builds, [6, 8, 10])
  state.need = 'away'
  state.pass(35)
  t.strictSame(state.builds.slice(3), [12, 22, 42], 'what was due comes first')
  state.need = 'paths'
  state.pass(6)
  t.strictSame(state.builds.slice(6), [51], 'not after the long step of before')
})

const exitOf = (id: string, state: ExitStatus['state'], more: Partial<ExitStatus> = {}): ExitStatus => ({ id, state, ...more }) as ExitStatus

t.test('it is needed where one exit alone answers, and another one has', async t => {
  const answered = new Set(['a', 'b', 'c'])
  const fresh = { source: 1, kind: 'fresh' } as const
  const cases: Array<[Need, ...ExitStatus[]]> = [
    ['away', exitOf('a', 'ready'), exitOf('b', 'down')],
    ['away', exitOf('a', 'ready'), exitOf('b', 'probation'), exitOf('c', 'draining')],
    ['no', exitOf('a', 'ready'), exitOf('b', 'ready'), exitOf('c', 'down')],
    ['no', exitOf('a', 'ready'), exitOf('d', 'down')],
    ['no', exitOf('a', 'ready'), exitOf('b', 'busy')],
    ['wait', exitOf('a', 'down'), exitOf('b', 'down')],
    ['wait', exitOf('a', 'new')]
  ]
  for (const [need, ...exits] of cases) t.equal(needOf(exits, answered, fresh), need, exits.map(({ id, state }) => `${id} ${state}`).join(', '))
  const [a, b, gone] = [exitOf('a', 'ready'), exitOf('b', 'ready'), exitOf('b', 'down')]
  t.equal(needOf([a, gone], answered, undefined), 'no', 'no Destination to spare')
  t.equal(needOf([a, b], answered, { source: 1, kind: 'vacant' }), 'paths')
  t.equal(needOf([a, b], answered, { source: 1, kind: 'stale' }), 'paths')
  t.equal(needOf([a, gone], answered, { source: 1, kind: 'stale' }), 'away')
  t.equal(needOf([exitOf('a', 'new'), exitOf('b', 'new')], answered, { source: 1, kind: 'vacant' }), 'wait', 'not before one has answered')
})

t.test('with several exits there are four Destinations on i2pd, two elsewhere; then one that an exit which is back does not hear is replaced', async t => {
  const session = (routerKind: 'i2pd' | 'java', state: FakeSession['state'] = 'ready'): FakeSession => Object.assign(new FakeSession(), { routerKind, state })
  const vacant = (count: number): VacantSession[] => Array.from({ length: count }, () => new VacantSession())
  const [a, b] = [exitOf('a', 'ready', { source: 0 }), exitOf('b', 'ready', { source: 0 })]
  const idle = (): boolean => false
  t.strictSame(spareOf([a, b], [session('i2pd'), ...vacant(3)], idle), { source: 1, kind: 'vacant' })
  t.strictSame(spareOf([a, b], [session('i2pd'), session('i2pd'), session('i2pd'), ...vacant(1)], idle), { source: 3, kind: 'vacant' })
  t.equal(spareOf([a], [session('i2pd'), ...vacant(3)], idle), undefined, 'one exit')
  t.strictSame(spareOf([a, b], [session('java'), ...vacant(3)], idle), { source: 1, kind: 'vacant' })
  t.strictSame(spareOf([a, b], [session('java'), session('java'), ...vacant(2)], idle), { source: 1, kind: 'fresh' })
  const four = Array.from({ length: 4 }, () => session('i2pd'))
  t.strictSame(spareOf([a, b], four, idle), { source: 1, kind: 'fresh' })
  const back = exitOf('b', 'ready', { source: 1, deafTo: [0, 3] })
  t.strictSame(spareOf([a, back], four, idle), { source: 3, kind: 'stale' })
  t.strictSame(spareOf([a, { ...back, state: 'down' }], four, idle), { source: 1, kind: 'fresh' })
  t.strictSame(spareOf([a, back], four, session => session === four[3]), { source: 2, kind: 'fresh' }, 'a stream runs')
  t.strictSame(spareOf([a, back], [...four.slice(0, 3), session('i2pd', 'connecting')], idle), { source: 2, kind: 'fresh' }, 'it is not ready')
})

t.test('a Destination over which a stream runs is not replaced, whichever it is', async t => {
  let now = 0
  mock.timers.enable({ apis: ['setInterval'] })
  mock.method(performance, 'now', () => now)
  t.teardown(() => {
    mock.restoreAll()
    mock.timers.reset()
  })
  const exit = (id: string): ExitStatus => ({ id, destination: keys().destination, state: 'ready', source: 1 } as ExitStatus)
  const exits = [exit('a'), exit('b')]
  const events: ClientEvent[] = []
  const sessions = [new FakeSession(), new FakeSession()]
  const opened: Duplex[] = []
  const over: unknown[] = []
  const backend = new Backend(sessions, {
    config: {},
    createCore: () => idleCore({ exits: () => exits, pollEvent: () => events.shift() }),
    renew: () => new FakeSession(),
    streams: session => ({
      connect: () => {
        over.push(session)
        opened.push(new Duplex({ read () {}, write (_chunk, _encoding, done) { done() } }))
        return opened.at(-1)!
      }
    })
  })
  t.teardown(() => backend.close())
  for (const { id, destination, state } of exits) {
    backend.addExit({ id, destination })
    events.push({ type: 'exit-state', exit: id, state })
  }
  backend.driver.suspectExit('a')
  const pass = (seconds: number): void => {
    for (let passed = 0; passed < seconds; passed++) {
      now += 1_000
      mock.timers.tick(1_000)
    }
  }
  const { destination } = exits[0]!
  backend.streams!.createConnection({ peer: { kind: 'exit', id: 'a', destination, port: 80 } })
  backend.agentOf(1)!.createConnection({ peer: { kind: 'exit', id: 'a', destination, port: 80 } })
  t.strictSame(over, [sessions[1], sessions[1]])
  exits[0]!.source = 0
  exits[1]!.state = 'down'
  for (const stream of opened) {
    pass(100)
    t.equal(backend.sessions[1], sessions[1], 'a stream runs')
    stream.destroy()
    await new Promise(setImmediate)
  }
  pass(10)
  t.equal(backend.sessions[0], sessions[0])
  t.not(backend.sessions[1], sessions[1], 'none runs')
})
