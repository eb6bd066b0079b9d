import t from 'tap'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { mock } from 'node:test'
import { Duplex } from 'node:stream'
import type { I2cpError, SessionState } from '@minwww/i2cp'
import { ClientDriver } from '../src/sessions/client-driver.ts'
import { waitsForRouter } from '../src/http/patience.ts'
import { Backend } from '../src/sessions/backend.ts'
import { Readiness } from '../src/sessions/readiness.ts'
import { DeafWatch } from '../src/sessions/deaf-watch.ts'
import { SessionWatch } from '../src/sessions/session-watch.ts'
import { BOUNDS } from '../src/bounds.ts'
import type { ProxySession } from '../src/sessions/proxy-session.ts'
import { FakeSession, get, idleCore, keys, startProxy, type FakeResponse, type Fixture } from './proxy-support.ts'
import type { ProxyOptions } from '../src/index.ts'

const page = async (): Promise<FakeResponse> => ({ headers: [['Content-Type', 'text/html'], ['Cache-Control', 'no-store']], body: 'page' })
const HTML: [string, string] = ['Accept', 'text/html,application/xhtml+xml']

const become = (session: FakeSession, state: SessionState): void => {
  session.state = state
  session.emit('state', state)
}

/** A proxy whose sessions can be renewed; `renewed` are the sessions that it got. */
async function renewable (options: Partial<ProxyOptions> = {}): Promise<Fixture & { renewed: FakeSession[], lose: () => FakeSession }> {
  const renewed: FakeSession[] = []
  const renew = (): FakeSession => {
    const session = new FakeSession()
    session.state = 'connecting'
    renewed.push(session)
    return session
  }
  const fixture = await startProxy(page, { renew, ...options })
  const lose = (): FakeSession => {
    become(renewed.at(-1) ?? fixture.session, 'reconnecting')
    fixture.core.session = renewed.at(-1)!
    return fixture.core.session
  }
  return { ...fixture, renewed, lose }
}

/** Resolves when the browser's request has arrived in the proxy. */
const arrived = async ({ proxy }: Fixture): Promise<void> => {
  await new Promise<void>(resolve => proxy.activity.once('begin', () => resolve()))
}

t.test('the core is told which Destination can send, and under which keys', async t => {
  const calls: unknown[] = []
  const core = idleCore({
    suspend: (_now, source) => calls.push(['suspend', source]),
    resume: (_now, source, keys) => calls.push(['resume', source, keys]),
    receive: (_now, source) => calls.push(['receive', source])
  })
  const [first, second, third] = [new FakeSession(), new FakeSession(), new FakeSession()]
  second.state = 'building'
  const driver = new ClientDriver({ sessions: [first, second], createCore: () => core })
  become(second, 'ready')
  become(first, 'reconnecting')
  t.equal(driver.ready, true)
  driver.replaceSession(0, third)
  become(first, 'ready')
  first.emit('message', { protocol: 18, fromPort: 80, toPort: 1, payload: Buffer.alloc(1) })
  third.emit('message', { protocol: 18, fromPort: 80, toPort: 1, payload: Buffer.alloc(1) })
  t.strictSame(calls, [
    ['suspend', 1], ['resume', 1, second.keys], ['suspend', 0], ['suspend', 0], ['resume', 0, third.keys], ['receive', 0]
  ])
  t.equal(first.listenerCount('message') + first.listenerCount('state'), 0)
  driver.close()
  driver.replaceSession(0, first)
  t.equal([first, second, third].reduce((sum, session) => sum + session.listenerCount('message') + session.listenerCount('state'), 0), 0)
})

t.test('a router that is lost: requests of pages wait, a page that is opened shows progress', async t => {
  const fixture = await renewable()
  const { proxy, port, renewed, lose } = fixture
  const session = lose()
  t.equal(renewed.length, 1)
  t.equal(proxy.ready, false)
  const opened = await get(port, 'http://a.example/', [HTML])
  t.equal(opened.status, 503)
  t.equal(opened.get('x-minwww-error'), 'MINWWW_NO_ROUTER')
  t.match(opened.text, /http-equiv="refresh"/i)
  const posted = await get(port, 'http://a.example/', [HTML, ['Content-Length', '1']], 'POST', 'x')
  t.equal(posted.status, 503)
  t.match(posted.text, /<html/i)
  t.notMatch(posted.text, /http-equiv="refresh"|by itself/i, 'a form that was posted would become a GET')
  const waiting = get(port, 'http://a.example/picture.png')
  await arrived(fixture)
  become(session, 'building')
  const building = await get(port, 'http://a.example/', [HTML])
  t.equal(building.get('x-minwww-error'), 'MINWWW_NOT_READY')
  t.match(building.text, /http-equiv="refresh".*building tunnels/is)
  become(session, 'ready')
  t.equal((await waiting).status, 200)
  t.equal((await get(port, 'http://a.example/', [HTML])).text, 'page')
  t.equal(fixture.core.requests.length, 2, 'what got a 503 was not sent')

  const again = lose()
  t.equal(renewed.length, 2)
  const left = get(port, 'http://a.example/picture.png')
  await arrived(fixture)
  await proxy.close()
  await left.catch(() => {})
  t.equal(again.listenerCount('state') + again.listenerCount('close') + session.listenerCount('state'), 0)
})

t.test('a request waits up to its deadline', async t => {
  const { proxy, port, lose } = await renewable({ timeout: 5 })
  lose()
  const answer = await get(port, 'http://a.example/picture.png')
  t.equal(answer.status, 503)
  t.equal(answer.get('x-minwww-error'), 'MINWWW_NO_ROUTER')
  await proxy.close()
})

t.test('what had to wait has the rest of its deadline', async t => {
  const fixture = await renewable({ timeout: 60_000 })
  const session = fixture.lose()
  const waiting = get(fixture.port, 'http://a.example/picture.png')
  await arrived(fixture)
  become(session, 'ready')
  await waiting
  const { timeout = 0 } = fixture.core.options[0]!
  t.ok(timeout > 0 && timeout < 60_000, String(timeout))
  await fixture.proxy.close()
})

t.test('at the start requests wait for the sessions', async t => {
  const session = new FakeSession()
  let open!: (sessions: readonly ProxySession[]) => void
  const fixture = await startProxy(page, { sessions: new Promise<readonly ProxySession[]>(resolve => { open = resolve }) })
  t.equal((await get(fixture.port, 'http://a.example/', [HTML])).status, 503)
  const waiting = get(fixture.port, 'http://a.example/x')
  await arrived(fixture)
  fixture.core.session = session
  open([session])
  t.equal((await waiting).status, 200)
  await fixture.proxy.close()

  const refused = await startProxy(page, { sessions: Promise.reject(new Error('no router')) })
  t.equal((await get(refused.port, 'http://a.example/x')).status, 503, 'without sessions there is nothing to wait for')
  await refused.proxy.close()
})

t.test('a browser that leaves does not wait for the router any longer', async t => {
  const { proxy, port } = await startProxy(page, { sessions: new Promise(() => {}) })
  const waiting = (): number => proxy.limits().find(({ name }) => name === BOUNDS.connections.name)!.used
  const until = async (count: number): Promise<void> => { while (waiting() !== count) await new Promise(setImmediate) }
  const heads = [
    'CONNECT a.example:443 HTTP/1.1', 'GET http://a.example/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket',
    'GET http://a.example/ HTTP/1.1'
  ]
  const sockets = heads.map(head => connect(port, '127.0.0.1', function (this: Socket) {
    this.write(`${head}\r\nHost: a.example\r\n\r\n`)
  }))
  // In virtual time; the sockets are real.
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  await until(3)
  for (const socket of sockets) socket.destroy()
  let passed = 0
  for (; waiting() > 0 && passed < 10_000; passed += 10) {
    mock.timers.tick(10)
    await new Promise(setImmediate)
  }
  t.ok(passed < 10_000, 'nothing is kept of them, long before their deadline')
  await proxy.close()
})

/** A stream that nobody takes. */
function nobodyThere (): Duplex {
  const stream = new Duplex({ read () {}, write () {} })
  setImmediate(() => stream.destroy(new Error('nobody there')))
  return stream
}

t.test('streams and names go on with the new session', async t => {
  const managers: ProxySession[] = []
  const dial: ProxySession[] = []
  const streams = (session: ProxySession): { connect: () => Duplex } => {
    managers.push(session)
    return {
      connect: () => {
        dial.push(session)
        return nobodyThere()
      }
    }
  }
  const site = keys().destination
  const fixture = await renewable({ streams, names: {} })
  const { proxy, port, session, lose } = fixture
  session.lookup = async () =>
    await new Promise((_resolve, reject) => session.once('close', () => reject(new Error('I2CP_SESSION_CLOSED'))))
  const waiting = get(port, 'http://some.i2p/')
  await arrived(fixture)
  await new Promise(resolve => setImmediate(resolve))
  const next = lose()
  next.names.set('some.i2p', site)
  session.emit('close', undefined)
  become(next, 'ready')
  t.equal((await waiting).status, 502)
  t.strictSame(next.lookups, ['some.i2p'])
  t.strictSame(managers, [session, next])
  t.ok(dial.length > 0 && dial.every(dialled => dialled === next))
  await proxy.close()
})

t.test('streams go over the session that is ready first, one manager each', async t => {
  const managers: ProxySession[] = []
  const [first, second] = [new FakeSession(), new FakeSession()]
  const opened: FakeSession[] = []
  const renew = (): FakeSession => {
    const session = new FakeSession()
    session.state = 'connecting'
    opened.push(session)
    return session
  }
  const streams = (session: ProxySession): { connect: () => Duplex } => {
    managers.push(session)
    return { connect: () => new Duplex() }
  }
  const { proxy } = await startProxy(page, { sessions: [first, second], streams, renew })
  become(first, 'reconnecting')
  become(second, 'reconnecting')
  const [third, fourth] = opened as [FakeSession, FakeSession]
  become(fourth, 'ready')
  become(third, 'ready')
  t.strictSame(managers.map(session => [first, second, third, fourth].findIndex(other => other === session)), [0, 1, 2, 3])
  await proxy.close()
})

t.test('streams leave a session that hears nothing for one that has had an answer, and stay there', async t => {
  const dialled: ProxySession[] = []
  const [first, second] = [new FakeSession(), new FakeSession()]
  const streams = (session: ProxySession): { connect: () => Duplex } => ({
    connect: () => {
      dialled.push(session)
      return nobodyThere()
    }
  })
  const { proxy, core, port } = await startProxy(page, { sessions: [first, second], streams })
  const message = { protocol: 18, fromPort: 80, toPort: 1, payload: Buffer.alloc(1) }
  const over = async (): Promise<number> => {
    await get(port, 'http://a.example/', [['Content-Length', '0']], 'POST')
    return [first, second].findIndex(session => session === dialled.at(-1))
  }
  core.session = second
  t.equal(await over(), 0)
  second.emit('message', message)
  t.equal(await over(), 1)
  first.emit('message', message)
  t.equal(await over(), 1)
  await proxy.close()
})

t.test('names that were not found are asked again when the router is back', async t => {
  const fixture = await renewable({ names: {} })
  const { proxy, port, session, lose } = fixture
  await get(port, 'http://some.i2p/')
  await get(port, 'http://some.i2p/')
  t.strictSame(session.lookups, ['some.i2p'])
  const next = lose()
  become(next, 'ready')
  await get(port, 'http://some.i2p/')
  t.strictSame(next.lookups, ['some.i2p'])
  await proxy.close()
})

t.test('what is known of the exits is kept in a directory; a broken file is as good as none', async t => {
  const directory = join(t.testdir({}), 'state')
  const file = join(directory, 'exits.json')
  const restored: unknown[] = []
  const start = async (state: unknown): Promise<Fixture> => await startProxy(page, {
    stateDirectory: directory,
    createCore: () => idleCore({ restore: saved => { restored.push(saved) }, toJSON: () => state })
  })
  await (await start({ version: 1, of: 'first' })).proxy.close()
  t.strictSame(JSON.parse(readFileSync(file, 'utf8')), { version: 1, of: 'first' })
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal(statSync(directory).mode & 0o777, 0o700)
  await (await start({ version: 1, of: 'second' })).proxy.close()
  for (const broken of ['{', '', 'x'.repeat(2 ** 21)]) {
    writeFileSync(file, broken)
    await (await start(undefined)).proxy.close()
  }
  t.strictSame(restored, [{ version: 1, of: 'first' }])
  t.strictSame(readdirSync(directory), ['exits.json'], 'nothing is left beside it')
  rmSync(directory, { recursive: true })
  const { proxy } = await start({ version: 1 })
  rmSync(directory, { recursive: true })
  await proxy.close()
})

t.test('exits that were not found are looked up again at once', async t => {
  const destination = keys().destination
  const { proxy, session, lose } = await renewable({ exits: ['exit.i2p', { id: 'one', destination: keys().destination }] })
  t.strictSame(session.lookups, ['exit.i2p'])
  await new Promise(resolve => setImmediate(resolve))
  t.match(proxy.exits().find(({ id }) => id === 'exit.i2p'), { error: 'not found' })
  const next = lose()
  next.names.set('exit.i2p', destination)
  t.strictSame(next.lookups, [])
  become(next, 'ready')
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(next.lookups, ['exit.i2p'])
  t.equal(proxy.exits().find(({ id }) => id === 'exit.i2p')?.destination, destination)
  await proxy.close()
})

t.test('a session that is refused, and one that cannot be opened, are tried again after a while', t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const sessions: FakeSession[] = []
  const errors: unknown[] = []
  let fails = false
  const watch = new SessionWatch({
    renew: () => {
      if (fails) throw new Error('no')
      const session = new FakeSession()
      session.state = 'connecting'
      sessions.push(session)
      return session
    },
    replaced: () => {},
    ready: () => {},
    logger: { debug () {}, info () {}, warn () {}, error: line => errors.push(line) }
  })
  const first = new FakeSession()
  watch.follow(0, first)
  const refusal = Object.assign(new Error('refused'), { code: 'I2CP_SESSION_REFUSED' }) as I2cpError
  first.emit('close', refusal)
  t.equal(sessions.length, 1, 'one that worked is replaced at once')
  sessions[0]!.emit('close', refusal)
  t.equal(sessions.length, 1)
  mock.timers.tick(5_000)
  t.equal(sessions.length, 2)
  sessions[1]!.emit('close', undefined)
  mock.timers.tick(60_000)
  t.equal(sessions.length, 2, 'one that was closed on purpose is not')
  become(sessions[1]!, 'ready')
  fails = true
  become(sessions[1]!, 'reconnecting')
  t.equal(errors.length, 1)
  fails = false
  mock.timers.tick(5_000)
  t.equal(sessions.length, 3)
  sessions[2]!.emit('close', refusal)
  watch.close()
  mock.timers.tick(60_000)
  t.equal(sessions.length, 3)
  t.end()
})

t.test('a session that is built for two, and spared by one of them, is opened anew for the other', t => {
  const sessions: FakeSession[] = []
  const replaced: unknown[] = []
  const watch = new SessionWatch({
    renew: () => {
      sessions.push(new FakeSession())
      return sessions.at(-1)!
    },
    replaced: (source, session) => { replaced.push([source, session]) },
    ready: () => {},
    logger: undefined
  })
  watch.build(0)
  watch.spare()
  t.equal(watch.change(0, 'a test'), true)
  t.strictSame(replaced, [[0, sessions[1]]])
  watch.close()
  t.end()
})

t.test('one that is refused each time is not built anew each time that somebody looks', t => {
  let now = 0
  mock.method(performance, 'now', () => now)
  t.teardown(() => mock.restoreAll())
  let [opened, fails] = [0, false]
  const watch = new SessionWatch({
    renew: () => {
      opened++
      if (fails) throw new Error('no')
      const session = new FakeSession()
      session.state = 'closed'
      return session
    },
    replaced: () => t.fail(),
    ready: () => {},
    logger: undefined
  })
  const look = (): void => {
    watch.build(0)
    for (let second = 0; second < 60; second++) {
      t.equal(watch.change(0, 'a test'), false)
      now += 1_000
    }
  }
  look()
  t.equal(opened, 12)
  fails = true
  look()
  t.ok(opened <= 24, `${opened}`)
  watch.close()
  t.end()
})

t.test('without a way to renew a session comes back by itself', t => {
  const session = new FakeSession()
  let back = 0
  const watch = new SessionWatch({ renew: undefined, replaced: () => t.fail(), ready: () => back++, logger: undefined })
  watch.follow(0, session)
  session.emit('state', 'reconnecting')
  session.emit('close', new Error('x'))
  session.emit('state', 'ready')
  t.equal(back, 1)
  watch.close()
  t.end()
})

t.test('waiting ends with the time, the signal, or the end', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  let isReady = false
  const readiness = new Readiness(() => isReady)
  const late = readiness.wait(1_000)
  readiness.changed()
  mock.timers.tick(1_000)
  t.equal(await late, false)
  const leaving = new AbortController()
  const left = readiness.wait(1_000, leaving.signal)
  leaving.abort()
  t.equal(await left, false)
  t.equal(await readiness.wait(1_000, leaving.signal), false)
  t.equal(await readiness.wait(-1), false)
  const ended = readiness.wait(1_000)
  readiness.end()
  t.equal(await ended, false)
  const good = readiness.wait(1_000)
  isReady = true
  readiness.changed()
  t.equal(await good, true)
  t.equal(await readiness.wait(1_000), true)
})

t.test('who waits', t => {
  const cases: Array<[boolean, string, Array<[string, string]>]> = [
    [true, 'GET', [['Accept', '*/*']]],
    [true, 'GET', []],
    [true, 'GET', [['Accept', 'image/avif,image/webp,*/*']]],
    [true, 'GET', [['Accept', 'text/html'], ['Sec-Fetch-Mode', 'cors']]],
    [true, 'GET', [['Accept', '*/*'], ['Sec-Fetch-Mode', 'navigate']]],
    [true, 'GET', [['Accept', 'application/json, text/html']]],
    [true, 'HEAD', [['Accept', 'text/html']]],
    [true, 'OPTIONS', []],
    [false, 'GET', [['Accept', 'text/html,application/xhtml+xml']]],
    [false, 'GET', [['ACCEPT', ' TEXT/HTML']]],
    [false, 'GET', [['Accept', 'application/xhtml+xml,text/html'], ['Sec-Fetch-Mode', 'navigate']]],
    [false, 'POST', []],
    [false, 'DELETE', []],
    [false, 'GET', [['Content-Length', '5']]]
  ]
  for (const [waits, method, fields] of cases) t.equal(waitsForRouter(method, fields), waits, `${method} ${JSON.stringify(fields)}`)
  t.end()
})

t.test('a session that hears nothing is given up, one with a slow answer is not', t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const calls: string[] = []
  let now = 0
  let isWaiting = true
  let readyAt = 18_000
  const watch = new DeafWatch({
    isWaiting: () => isWaiting,
    ask: () => calls.push(`ask ${now}`),
    build: () => calls.push(`build ${now}`),
    giveUp: () => now >= readyAt && calls.push(`give up ${now}`) > 0,
    spare: () => calls.push(`spare ${now}`),
    now: () => now
  })
  const pass = (seconds: number): string[] => {
    for (let passed = 0; passed < seconds; passed++) {
      now += 1_000
      mock.timers.tick(1_000)
    }
    return calls.splice(0)
  }
  t.strictSame(pass(18), ['ask 5000', 'build 8000', 'give up 18000'])
  t.strictSame(pass(9), ['ask 23000', 'build 26000', 'give up 27000'], 'again if that was in vain')
  pass(6 * 9)
  t.strictSame(pass(16), ['ask 90000', 'build 96000', 'give up 97000'], 'twice as long after eight in vain')
  watch.heard()
  now = 0
  readyAt = Infinity
  t.strictSame(pass(60), ['ask 5000', 'build 8000'], 'until it is ready')
  watch.heard()
  t.strictSame(calls.splice(0), ['spare 60000'], 'it is not needed')
  t.strictSame(pass(4), [], 'an exit is there, its site is slow')
  watch.heard()
  isWaiting = false
  t.strictSame(pass(200), [], 'nobody waits')
  isWaiting = true
  watch.close()
  t.strictSame(pass(200), [])
  t.end()
})

t.test('an exit that says one word over each Destination has no more than forty built in an hour', t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  let now = 0
  let built = 0
  let builtAt = 0
  const watch = new DeafWatch({
    isWaiting: () => true,
    ask: () => {},
    build: () => { builtAt = now },
    giveUp: () => {
      if (now - builtAt < 10_000) return false
      built++
      return true
    },
    spare: () => {},
    now: () => now
  })
  const pass = (seconds: number): void => {
    for (let passed = 0; passed < seconds; passed++) {
      const before = built
      now += 1_000
      mock.timers.tick(1_000)
      if (built > before) watch.heard()
    }
  }
  pass(3_600)
  t.equal(built, 40)
  pass(2 * 3_600)
  t.ok(built > 100 && built <= 120, 'and goes on after it')
  watch.close()
  t.end()
})

t.test('a deaf proxy pings its exits and goes on with a new Destination', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  let now = 0
  t.teardown(() => mock.restoreAll())
  mock.method(performance, 'now', () => now)
  const pings: string[] = []
  const statistics = { expected: 0 }
  const streams = () => ({ connect: () => new Duplex(), ping: async ({ b32 }: { b32: string }) => { pings.push(b32) }, statistics })
  const renewed: FakeSession[] = []
  const session = new FakeSession()
  const exit = keys().destination
  const backend = new Backend([session], {
    config: {},
    streams,
    createCore: () => idleCore(),
    renew: () => {
      renewed.push(new FakeSession())
      renewed.at(-1)!.state = 'connecting'
      return renewed.at(-1)!
    }
  })
  t.teardown(() => backend.close())
  backend.addExit({ destination: exit })
  const pass = (seconds: number): void => {
    for (let passed = 0; passed < seconds; passed++) {
      now += 1_000
      mock.timers.tick(1_000)
    }
  }
  pass(100)
  t.strictSame([pings.length, renewed.length], [0, 0], 'nobody asks for anything')
  backend.driver.fetch({ message: Buffer.alloc(1), site: 'a', idempotent: true }).catch(() => {})
  pass(5)
  t.strictSame(pings, [exit.b32])
  statistics.expected++
  pass(4)
  session.emit('message', { protocol: 6, fromPort: 0, toPort: 0, payload: Buffer.alloc(1) })
  pass(3)
  t.equal(renewed.length, 0, 'the exit has answered')
  pass(1)
  t.equal(renewed.length, 1)
  t.equal(backend.sessions[0], session, 'the old one stays while tunnels are built')
  pass(20)
  become(renewed[0]!, 'ready')
  pass(1)
  t.equal(backend.sessions[0], renewed[0])
  t.equal(session.listenerCount('message'), 0)
})
