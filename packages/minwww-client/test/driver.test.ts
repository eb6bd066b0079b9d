import t from 'tap'
import type { Clock, Logger } from '@minwww/ground'
import { encodeDatagram2 } from '@minwww/i2cp/codec'
import { encodeMessage, encodeRequestHead, encodeResponse, paddedLength, sessionKeys } from '@minwww/protocol'
import { socketPair, StallingClock } from '@minwww/testkit'
import { ClientDriver, FetchError, type DrivenCore } from '../src/sessions/client-driver.ts'
import { summarize } from '../src/sessions/wire-log.ts'
import { FakeCore, FakeSession, idleCore, keys, TRACE } from './proxy-support.ts'
import type { ClientEvent, Outgoing } from '../src/core.ts'

const message = encodeRequestHead({ method: 'GET', url: 'http://a.example/', headers: [] })

function driverOf (core: DrivenCore, session = new FakeSession(), logger?: Logger, clock?: Clock): ClientDriver {
  return new ClientDriver({ sessions: [session], createCore: () => core, ...(logger && { logger }), ...(clock && { clock }) })
}

t.test('a response resolves, a failure rejects with its event', async t => {
  const session = new FakeSession()
  const core = new FakeCore(session, () => ({ body: 'ok' }))
  const driver = driverOf(core, session)
  t.match((await driver.fetch({ message, site: 'a.example', idempotent: true })).message.toString(), /ok$/)
  core.site = () => ({ fail: { code: 'policy', detail: 'no' } })
  const error = await driver.fetch({ message, site: 'a.example', idempotent: true }).catch((error: unknown) => error)
  t.ok(error instanceof FetchError)
  t.equal((error as FetchError).event.code, 'policy')
  t.equal(driver.inFlight, 0)
  driver.close()
  await t.rejects(driver.fetch({ message, site: 'a.example', idempotent: true }))
})

t.test('an abort cancels and rejects with its reason', async t => {
  const session = new FakeSession()
  const core = new FakeCore(session, () => undefined)
  const driver = driverOf(core, session)
  const leaving = new AbortController()
  const fetched = driver.fetch({ message, site: 'a.example', idempotent: true, signal: leaving.signal })
  leaving.abort(new Error('gone'))
  await t.rejects(fetched, { message: 'gone' })
  t.strictSame(core.cancelled, [1])
  await t.rejects(driver.fetch({ message, site: 'a.example', idempotent: true, signal: leaving.signal }), { message: 'gone' })
  const waiting = driver.fetch({ message, site: 'a.example', idempotent: true })
  driver.close()
  driver.close()
  await t.rejects(waiting, /closed/)
  t.equal(session.listenerCount('message'), 0)
})

t.test('one timer, armed for the earliest deadline', async t => {
  const session = new FakeSession()
  let deadline: number | undefined
  const fired = new Promise<void>(resolve => {
    const core = idleCore({
      nextTimeout: () => deadline,
      handleTimeout: () => {
        deadline = undefined
        resolve()
      },
      addExit: () => { deadline = 1 }
    })
    driverOf(core, session).addExit('x', keys().destination)
  })
  await fired
})

t.test('after a stall, what waits in the socket is read before the core\'s time-out', async t => {
  const session = new FakeSession()
  const clock = new StallingClock()
  const [near, far] = await socketPair(t)
  far.on('data', payload => session.emit('message', { protocol: 18, fromPort: 80, toPort: 1, payload }))
  let deadline: number | undefined
  let received = 0
  const receivedBefore = new Promise<number>(resolve => {
    const core = idleCore({
      addExit: () => { deadline = clock.now() + 50 },
      receive: () => { received++ },
      nextTimeout: () => deadline,
      handleTimeout: () => {
        deadline = undefined
        resolve(received)
      }
    })
    driverOf(core, session, undefined, clock).addExit('x', keys().destination)
  })
  near.write('an answer')
  clock.stall(60)
  t.equal(await receivedBefore, 1)
})

t.test('a refused send is a lost message', async t => {
  const session = new FakeSession()
  session.send = () => { throw new Error('I2CP_SESSION_CLOSED') }
  const out: Outgoing[] = [
    { source: 0, to: keys().destination, protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(30), expires: 1 }
  ]
  const events: ClientEvent[] = [
    { type: 'exit-state', exit: 'x', state: 'down' },
    { type: 'failed', handle: 99, code: 'timeout', detail: '', trace: TRACE }
  ]
  const driver = driverOf(idleCore({ pollTransmit: () => out.shift(), pollEvent: () => events.shift() }), session)
  const states: string[] = []
  driver.onExitState = (exit, state) => states.push(exit + state)
  driver.addExit('x', keys().destination)
  t.strictSame(states, ['xdown'])
})

t.test('the log names type, id, size, tunnel messages and which own Destination, and nothing else', async t => {
  const session = new FakeSession()
  const K = Buffer.alloc(16, 7)
  const { session: id, client, server } = sessionKeys(K)
  const request = encodeMessage(
    { type: 'request', attempt: 0, flags: 0, session: id, id: 5, loss: 0, rate: 0, max: 0, shape: 0, object: message },
    client,
    paddedLength(100)
  )
  const reply = encodeMessage({
    type: 'reply',
    part: 'whole',
    attempt: 0,
    flags: 0,
    session: id,
    id: 5,
    size: 10,
    index: 0,
    last: 0,
    pace: 0,
    time: 0,
    symbol: encodeResponse({ status: 200, reason: 'OK', headers: [], body: Buffer.alloc(1500) })
  }, server)
  const out: Outgoing[] = [{ source: 0, to: keys().destination, protocol: 18, fromPort: 1, toPort: 80, payload: request, expires: 1 }]
  const lines: unknown[] = []
  const driver = driverOf(idleCore({ pollTransmit: () => out.shift() }), session, {
    debug: (line: unknown) => lines.push(line),
    info () {},
    warn () {},
    error () {}
  })
  driver.addExit('x', keys().destination)
  session.emit('message', { protocol: 18, fromPort: 80, toPort: 1, payload: reply })
  t.strictSame(lines, [
    { direction: 'out', type: 'request', id: 5, attempt: 0, size: request.length, tunnelMessages: 1, source: 0 },
    { direction: 'in', type: 'reply', id: 5, attempt: 0, size: reply.length, tunnelMessages: 2, source: 0 }
  ])
  const signed = encodeDatagram2(keys(), keys().destination.hash, request)
  t.match(summarize('out', 19, signed), { type: 'request', id: 5 })
  t.match(summarize('in', 19, Buffer.from('junk')), { type: 'unknown', tunnelMessages: 1 })
  t.match(summarize('in', 18, Buffer.alloc(3)), { type: 'unknown' })
})
