import t from 'tap'
import { socketPair, StallingClock, VirtualClock } from '@minwww/testkit'
import { createExit, type ExitOptions } from '../src/index.ts'
import { FakeCore, FakeSession, keysOf, requestMessage } from './support/exit.ts'
import { echo, httpd, rawServer } from './support/upstream.ts'

const client = keysOf(7).destination

async function start (options: Partial<ExitOptions> = {}) {
  const core = new FakeCore()
  const session = new FakeSession()
  const exit = await createExit({ session, createCore: () => core, ...options })
  const clock = options.clock
  let handle = 0
  const ask = (url: string, from = client, deadline = (clock?.now() ?? Date.now()) + 30_000) => {
    core.ask({ type: 'fetch', handle: ++handle, message: requestMessage(url), from, deadline })
    session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(1) })
    return handle
  }
  return { core, session, exit, ask }
}

t.test('a fetch event becomes a response', async t => {
  const server = await httpd(echo)
  t.teardown(server.close)
  const { core, exit, ask } = await start({ sites: { 'demo.i2p': server.origin } })
  t.teardown(async () => await exit.close())
  ask('http://demo.i2p/page')
  const [outcome] = await core.answered(1)
  if (outcome === undefined || !('response' in outcome)) return t.fail('no response')
  t.equal(outcome.response.status, 200)
  t.match(outcome.response.body.toString(), `"X-I2P-DestB32","${client.b32}"`)
  t.equal(exit.stats.active, 0)
})

t.test("the exit's own address is a name of its first site", async t => {
  const server = await httpd(echo)
  t.teardown(server.close)
  const { core, session, exit, ask } = await start({ sites: { 'demo.i2p': server.origin } })
  t.teardown(async () => await exit.close())
  ask(`http://${session.destination.b32}/`)
  const [outcome] = await core.answered(1)
  t.match(outcome, { response: { status: 200 } })
})

t.test('refusals: the guard, ports, other .i2p names, no web, a message that is no HTTP', async t => {
  const { core, session, exit, ask } = await start()
  t.teardown(async () => await exit.close())
  const urls = [
    'http://127.0.0.1/', 'http://10.0.0.1:8080/', 'http://other.i2p/', 'http://localhost/', 'http://[::1]/', 'http://93.184.215.14:25/'
  ]
  for (const url of urls) ask(url)
  for (const outcome of await core.answered(urls.length)) t.match(outcome, { failed: 'policy', detail: /./ })
  core.ask({ type: 'fetch', handle: 99, message: Buffer.from('GET / HTTP/1.1\r\n\r\n'), from: client, deadline: Infinity })
  session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(1) })
  const outcomes = await core.answered(urls.length + 1)
  t.match(outcomes.at(-1), { handle: 99, failed: 'bad-request' })
  const sitesOnly = await start({ policy: { web: false } })
  sitesOnly.ask('http://93.184.215.14/')
  t.match((await sitesOnly.core.answered(1))[0], { failed: 'policy' })
  await sitesOnly.exit.close()
})

t.test('allowAddresses opens one port of the machine', async t => {
  const server = await httpd(echo)
  t.teardown(server.close)
  const { core, exit, ask } = await start({ allowAddresses: [`127.0.0.1:${server.port}`] })
  t.teardown(async () => await exit.close())
  ask(`${server.origin}/`)
  const [outcome] = await core.answered(1)
  if (outcome === undefined || !('response' in outcome)) return t.fail('no response')
  t.notMatch(outcome.response.body.toString(), /x-i2p/i, 'the web does not learn who asks')
})

t.test('without streams what is too large is ERROR 3 with the size; text that shrinks goes out', async t => {
  const server = await httpd((request, response) => {
    const body = request.url === '/text' ? Buffer.from('all work and no play '.repeat(10_000)) : Buffer.alloc(132_096)
    response.writeHead(200, { 'content-type': request.url === '/text' ? 'text/plain' : 'image/png', 'content-length': body.length })
    response.end(body)
  })
  t.teardown(server.close)
  const { core, exit, ask } = await start({ sites: { 'demo.i2p': server.origin } })
  t.teardown(async () => await exit.close())
  ask('http://demo.i2p/image')
  t.match((await core.answered(1))[0], { failed: 'too-large', size: 132_096 })
  ask('http://demo.i2p/text')
  const text = (await core.answered(2))[1]
  t.equal(text !== undefined && 'response' in text ? text.response.body.length : 0, 210_000)
})

t.test('a cancelled request ends its fetch and is not answered', async t => {
  let closed: () => void = () => {}
  const gone = new Promise<void>(resolve => { closed = resolve })
  const server = await rawServer(socket => { socket.resume().once('close', closed) })
  t.teardown(server.close)
  const { core, session, exit, ask } = await start({ sites: { 'demo.i2p': server.origin } })
  t.teardown(async () => await exit.close())
  const handle = ask('http://demo.i2p/')
  while (server.connections === 0) await new Promise(resolve => setImmediate(resolve))
  core.ask({ type: 'cancelled', handle })
  session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(1) })
  await gone
  t.equal(exit.stats.active, 0)
  t.strictSame(core.outcomes, [])
})

t.test('the deadline ends a fetch as a time-out', async t => {
  const server = await rawServer(() => {})
  t.teardown(server.close)
  const clock = new VirtualClock()
  const { core, exit, ask } = await start({ sites: { 'demo.i2p': server.origin }, clock })
  t.teardown(async () => await exit.close())
  ask('http://demo.i2p/', client, clock.now() + 5_000)
  while (server.connections === 0) await new Promise(resolve => setImmediate(resolve))
  clock.advance(5_000)
  t.match((await core.answered(1))[0], { failed: 'upstream-timeout' })
})

t.test('queue: bounded per client and in total, fair, the oldest deadline shed with retryAfter', async t => {
  const order: string[] = []
  const held: Array<() => void> = []
  const server = await httpd((request, response) => {
    order.push(request.url ?? '')
    held.push(() => response.end('ok'))
  })
  t.teardown(server.close)
  const clock = new VirtualClock()
  const queue = { concurrency: 1, maxQueued: 6, maxQueuedPerClient: 4, maxRunningPerClient: 1 }
  const { core, exit, ask } = await start({ sites: { 'demo.i2p': server.origin }, clock, queue })
  t.teardown(async () => await exit.close())
  const other = keysOf(8).destination
  for (let index = 1; index <= 6; index++) ask(`http://demo.i2p/greedy${index}`, client, clock.now() + 10_000 + index)
  t.match(await core.answered(1), [{ handle: 2, failed: 'busy', retryAfter: 5 }], 'the fifth that waits pushes out the oldest')
  ask('http://demo.i2p/honest1', other, clock.now() + 20_000)
  ask('http://demo.i2p/honest2', other, clock.now() + 20_000)
  ask('http://demo.i2p/honest3', other, clock.now() + 20_000)
  t.match((await core.answered(2))[1], { handle: 3, failed: 'busy' }, 'when all is full the longest queue pays')
  for (let served = 0; served < 7; served++) {
    while (held.length === 0) await new Promise(resolve => setImmediate(resolve))
    held.shift()?.()
    await core.answered(3 + served)
  }
  t.strictSame(order, ['/greedy1', '/greedy4', '/honest1', '/greedy5', '/honest2', '/greedy6', '/honest3'])
  await new Promise(resolve => setImmediate(resolve))
  t.match(exit.stats, { running: 0, waiting: 0, shed: 2 })
})

t.test('a job that waits past its deadline is shed, the next one runs', async t => {
  const held: Array<() => void> = []
  const server = await httpd((_request, response) => { held.push(() => response.end('ok')) })
  t.teardown(server.close)
  const clock = new VirtualClock()
  const { core, exit, ask } = await start({ sites: { 'demo.i2p': server.origin }, clock, queue: { concurrency: 1 } })
  t.teardown(async () => await exit.close())
  ask('http://demo.i2p/1')
  ask('http://demo.i2p/2', client, clock.now() + 100)
  ask('http://demo.i2p/3')
  while (held.length === 0) await new Promise(resolve => setImmediate(resolve))
  clock.advance(200)
  t.match(core.outcomes, [{ handle: 2, failed: 'upstream-timeout' }])
  held.shift()?.()
  while (held.length === 0) await new Promise(resolve => setImmediate(resolve))
  held.shift()?.()
  t.match((await core.answered(3)).map(outcome => outcome.handle), [2, 1, 3])
})

t.test('drain: what is under way is answered, what is new is told to go elsewhere', async t => {
  const held: Array<() => void> = []
  const server = await httpd((_request, response) => { held.push(() => response.end('ok')) })
  t.teardown(server.close)
  const { core, exit, ask } = await start({ sites: { 'demo.i2p': server.origin } })
  ask('http://demo.i2p/1')
  while (held.length === 0) await new Promise(resolve => setImmediate(resolve))
  const drained = exit.drain()
  ask('http://demo.i2p/2')
  t.match(await core.answered(1), [{ handle: 2, failed: 'draining' }])
  held.shift()?.()
  await drained
  t.match(core.outcomes[1], { handle: 1, response: { status: 200 } })
  await exit.close()
  ask('http://demo.i2p/3')
  t.equal(core.outcomes.length, 2, 'closed: nothing more')
})

t.test('the driver: after a stall, what waits in the socket is read before the core\'s time-out', async t => {
  const clock = new StallingClock()
  const { core, session, exit } = await start({ clock })
  const [near, far] = await socketPair(t)
  far.on('data', payload => session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload }))
  const receivedBefore = new Promise<number>(resolve => {
    core.handleTimeout = () => {
      core.timeout = undefined
      resolve(core.received.length)
    }
  })
  core.timeout = clock.now() + 50
  session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.from('in') })
  near.write('waits')
  clock.stall(60)
  t.equal(await receivedBefore, 2)
  await exit.close()
})

t.test('the driver: one timer at the earliest deadline, messages go to the session', async t => {
  const clock = new VirtualClock()
  const { core, session, exit } = await start({ clock })
  core.timeout = clock.now() + 50
  core.outgoing.push({ to: client, protocol: 18, fromPort: 80, toPort: 1, payload: Buffer.from('a'), expires: clock.now() + 60_000 })
  session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.from('in') })
  t.match(core.received, [{ payload: Buffer.from('in') }])
  t.match(session.sent, [{ to: client.b32, payload: Buffer.from('a'), protocol: 18 }])
  t.equal(clock.pending, 1)
  clock.advance(49)
  t.strictSame(core.timeouts, [])
  clock.advance(1)
  t.equal(core.timeouts.length, 1)
  t.equal(clock.pending, 0)
  await exit.close()
  t.equal(session.listenerCount('message'), 0)
})

t.test('wrong options are told', async t => {
  const session = new FakeSession()
  const createCore = () => new FakeCore()
  await t.rejects(createExit({ session, createCore, sites: { 'demo.i2p': 'ftp://127.0.0.1' } }), { code: 'MINWWW_EXIT_BAD_OPTION' })
  await t.rejects(createExit({ session, createCore, sites: { 'a b': 'http://127.0.0.1' } }), { code: 'MINWWW_EXIT_BAD_OPTION' })
  await t.rejects(createExit({ session, createCore, allowAddresses: ['localhost'] }), { code: 'MINWWW_EXIT_BAD_OPTION' })
})
