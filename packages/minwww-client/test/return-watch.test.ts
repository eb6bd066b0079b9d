// When another Destination looks for exits that are away. In virtual time.
import { mock } from 'node:test'
import { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import type { ClientEvent, ExitStatus } from '../src/core.ts'
import { Backend } from '../src/sessions/backend.ts'
import { needOf, ReturnWatch, type Need } from '../src/sessions/return-watch.ts'
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
  state.need = 'yes'
  state.pass(20)
  t.strictSame(state.builds, [6, 16, 36, 46])
})

t.test('an exit that comes and goes has no more than twenty built in an hour', async t => {
  const state = watched(t)
  const flap = (hours: number): number => {
    const before = state.builds.length
    for (let second = 0; second < hours * 3_600; second++) {
      const built = state.builds.length
      state.pass(1)
      state.need = state.builds.length > built ? 'no' : 'yes'
    }
    return state.builds.length - before
  }
  t.equal(flap(1), 20)
  t.equal(flap(2), 40, 'and goes on after it')
  state.isReady = false
  t.equal(flap(1), 20, 'those that were not ready in time count too')
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
  for (const [need, ...exits] of cases) t.equal(needOf(exits, answered, new FakeSession()), need, exits.map(({ id, state }) => `${id} ${state}`).join(', '))
  t.equal(needOf([exit('a', 'ready'), exit('b', 'down')], answered, undefined), 'no', 'no Destination to spare')
  t.equal(needOf([exit('a', 'ready'), exit('b', 'ready')], answered, new VacantSession()), 'yes', 'a second Destination with several exits')
  t.equal(needOf([exit('a', 'ready')], answered, new VacantSession()), 'no')
  t.equal(needOf([exit('a', 'new'), exit('b', 'new')], answered, new VacantSession()), 'wait', 'not before one has answered')
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
