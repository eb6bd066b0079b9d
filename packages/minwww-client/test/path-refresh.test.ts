// When routers are told of new LeaseSets, so that they leave dead paths. In virtual time.
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { seeded } from '@minwww/testkit'
import { ClientCore } from '../src/core.ts'
import { Backend } from '../src/sessions/backend.ts'
import { PathRefresh } from '../src/sessions/path-refresh.ts'
import { FakeExit } from './core-fake-exit.ts'
import { FakeSession } from './proxy-support.ts'

type Sent = [second: number, half: 0 | 1 | undefined]

class RefreshedSession extends FakeSession {
  routerKind: 'i2pd' | 'java' = 'i2pd'
  readonly published: Sent[] = []
  readonly #now: () => number

  constructor (now: () => number) {
    super()
    this.#now = now
  }

  republish (half?: 0 | 1): boolean {
    this.published.push([this.#now() / 1_000, half])
    return true
  }
}

interface Watched { refresh: PathRefresh, session: RefreshedSession, pass: (seconds: number, each?: () => void) => void }

function watched (test: Test): Watched {
  let now = 0
  mock.timers.enable({ apis: ['setTimeout'] })
  const session = new RefreshedSession(() => now)
  const refresh = new PathRefresh({ session: source => source === 0 ? session : undefined, now: () => now })
  test.teardown(() => {
    refresh.close()
    mock.timers.reset()
  })
  const pass = (seconds: number, each = () => {}): void => {
    for (let i = 0; i < 10 * seconds; i++) {
      each()
      now += 100
      mock.timers.tick(100)
    }
  }
  return { refresh, session, pass }
}

t.test('one half of the leases, then the other, and all of them when something has come', async t => {
  const { refresh, session, pass } = watched(t)
  refresh.unheard(0)
  refresh.unheard(0)
  pass(2)
  t.strictSame(session.published, [[0, 0], [0.5, 1]])
  refresh.heard(0)
  refresh.heard(0)
  t.strictSame(session.published.slice(2), [[2, undefined]])
  refresh.unheard(0)
  t.equal(session.published.length, 3, 'not so soon after')
  pass(3)
  refresh.unheard(0)
  pass(0.2)
  refresh.heard(0)
  pass(1)
  t.strictSame(session.published.slice(3), [[5, 0], [5.2, undefined]], 'the other half is not needed')
})

t.test('again after 5, 10, 20, 40 and 80 s', async t => {
  const { refresh, session, pass } = watched(t)
  pass(330, () => refresh.unheard(0))
  t.strictSame(session.published.flatMap(([second, half]) => half === 0 ? [second] : []), [0, 5, 15, 35, 75, 155, 235, 315])
})

t.test('a router of another kind, a session that is not ready or not there, one that is replaced: nothing is sent', async t => {
  const { refresh, session, pass } = watched(t)
  refresh.unheard(1)
  session.routerKind = 'java'
  refresh.unheard(0)
  pass(6)
  session.routerKind = 'i2pd'
  session.state = 'reconnecting'
  refresh.unheard(0)
  pass(30)
  t.strictSame(session.published, [])
  session.state = 'ready'
  refresh.unheard(0)
  refresh.forget(0)
  pass(1)
  t.strictSame(session.published, [[36, 0]], 'the timer is gone with the session')
})

t.test('an exit that is asked in vain: the paths of the Destination are refreshed, not before', async t => {
  let now = 0
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: performance.timeOrigin })
  mock.method(performance, 'now', () => now)
  const sessions = [new RefreshedSession(() => now), new RefreshedSession(() => now)]
  const exit = new FakeExit(1)
  let isThere = true
  for (const session of sessions) {
    session.send = (...[to, payload, { protocol, fromPort, toPort }]: any[]) => {
      const read = exit.read({ to, payload, protocol, fromPort, toPort } as never)
      if (isThere && (read.type === 'open' || read.type === 'request')) {
        setTimeout(() => {
          for (const message of exit.reply(read, Buffer.alloc(0), { time: now, told: Buffer.alloc(600, 1) })) {
            session.emit('message', message)
          }
        }, 100)
      }
      return 0
    }
  }
  const backend = new Backend(sessions, {
    config: {}, createCore: (keys, clockOffset) => new ClientCore({ keys, random: seeded('refresh'), clockOffset })
  })
  t.teardown(() => {
    backend.close()
    mock.restoreAll()
    mock.timers.reset()
  })
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      now += 50
      mock.timers.tick(50)
      await new Promise(setImmediate)
    }
  }
  backend.addExit({ destination: exit.keys.destination })
  await pass(10_000)
  t.equal(backend.driver.exits()[0]!.state, 'ready')
  t.strictSame(sessions.map(({ published }) => published), [[], []])
  isThere = false
  backend.driver.suspectExit(backend.exits()[0]!.id)
  await pass(10_000)
  for (const { published } of sessions) t.strictSame(published.slice(0, 2).map(([, half]) => half), [0, 1])
})
