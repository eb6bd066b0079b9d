import t from 'tap'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { OPTION_TABLE } from '@minwww/streaming'
import { SESSION_OPTION_TABLE } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { createI2p, STREAMING_OPTION_NAMES } from '../src/index.ts'
import { parseRouter, splitOptions } from '../src/options.ts'
import { assertRuntime } from '../src/runtime.ts'
import { codeOf, world } from './support.ts'

t.setTimeout(60_000)

t.test('options have the names of the specification', async t => {
  t.same([...STREAMING_OPTION_NAMES].sort(), OPTION_TABLE.map(({ name }) => name).sort())
  t.ok('inbound.length' in SESSION_OPTION_TABLE)
  const { session, streaming } = splitOptions({
    options: { 'inbound.length': 1, 'i2cp.leaseSetOption.0': 'a=b', 'i2p.streaming.maxWindowSize': 64, 'i2cp.leaseSetType': '5' },
    services: { '_http._tcp': { ttl: 3600, port: 80 }, '_irc._tcp': [{ ttl: 60, priority: 0, weight: 1, port: 6667, target: 'irc.i2p' }] }
  })
  t.same(session, {
    'inbound.length': 1,
    'i2cp.leaseSetOption.0': 'a=b',
    'i2cp.leaseSetType': '5',
    'i2cp.leaseSetOption.1': '_http._tcp=0 3600 80',
    'i2cp.leaseSetOption.2': '_irc._tcp=1 60 0 1 6667 irc.i2p'
  })
  t.same(streaming, { maxWindowSize: 64 })
  t.throws(() => splitOptions({ services: { http: { ttl: 1, port: 80 } } }), { code: 'I2P_BAD_OPTION' })
  t.same(parseRouter('[::1]:7654'), { host: '::1', port: 7654 })
  for (const wrong of ['7654', 'localhost', 'a:0', 'a:70000', ':1', '']) {
    t.throws(() => parseRouter(wrong), { code: 'I2P_BAD_OPTION' }, wrong)
  }
})

t.test('what is wrong is said at once, with a code', async t => {
  const router = createLocalRouter()
  t.teardown(async () => await router.close())
  t.equal(await codeOf(createI2p({ router: 'nowhere' })), 'I2P_BAD_OPTION')
  t.equal(await codeOf(createI2p({ router, connections: 0 })), 'I2P_BAD_OPTION')
  t.equal(await codeOf(createI2p({ router, options: { 'inbound.length': 9 } })), 'I2P_BAD_OPTION')
  t.equal(await codeOf(createI2p({ router, options: { 'i2p.streaming.maxWindowSize': 0 } })), 'I2P_BAD_OPTION')
  t.equal(await codeOf(createI2p({ router, options: { 'i2cp.destination.sigType': 0 } })), 'I2P_UNSUPPORTED')
  t.equal(router.stats.sessions, 0, 'and nothing stays open')
  t.equal(await codeOf(createI2p({ router: '127.0.0.1:1' })), 'I2P_NO_ROUTER')
  t.equal(await codeOf(createI2p({ router, signal: AbortSignal.abort() })), 'I2P_ABORTED')
})

t.test('over TCP, with keys in a file: the same Destination again', async t => {
  const router = createLocalRouter({ latency: 1 })
  t.teardown(async () => await router.close())
  const { port } = await router.listen({ host: '127.0.0.1', port: 0 })
  const keys = join(t.testdir(), 'keys.dat')
  const first = await createI2p({ router: `127.0.0.1:${port}`, keys })
  const { address } = first
  await first.close()
  t.equal((await stat(keys)).mode & 0o077, 0)
  const second = await createI2p({ router: `127.0.0.1:${port}`, keys })
  t.equal(second.address, address)
  t.equal(second.state, 'ready')
  await second.close()
})

t.test('ends: close, asyncDispose, a signal; and everything with it', async t => {
  const { alice, bob, router } = await world(t)
  bob.createServer((_request, response) => response.write('begun')).listen(80)
  const { body } = await alice.fetch('http://bob.i2p/')
  const reader = body!.getReader()
  await reader.read()
  const ended = reader.read().catch((error: Error) => error)
  const closed = once(alice, 'close')
  let ends = 0
  alice.on('close', () => ends++)
  await alice.close()
  await alice.close()
  t.same(await closed, [undefined])
  t.equal(ends, 1)
  t.ok(await ended instanceof Error)
  t.equal(await codeOf(alice.fetch('http://bob.i2p/')), 'I2P_CLOSED')
  t.equal(await codeOf(alice.connect({ host: bob.destination, port: 80 })), 'I2P_CLOSED')

  const third = await createI2p({ router })
  await third[Symbol.asyncDispose]()
  t.equal(third.state, 'closed')

  const controller = new AbortController()
  const fourth = await createI2p({ router, signal: controller.signal })
  const states: string[] = []
  fourth.on('state', state => states.push(state))
  const over = once(fourth, 'close') as Promise<[{ code: string }]>
  controller.abort()
  t.equal((await over)[0].code, 'I2P_ABORTED')
  t.same(states, ['closed'])
})

t.test('ping', async t => {
  const { alice, bob } = await world(t, { latency: 10 })
  const { rtt, payload } = await alice.ping('bob.i2p', { payload: Buffer.from('hi') })
  t.ok(rtt >= 20)
  t.equal(payload.toString(), 'hi')
  await alice.ping(bob.destination)
  t.equal(await codeOf(alice.ping(bob.address, { signal: AbortSignal.abort() })), 'I2P_ABORTED')
})

t.test('services in the LeaseSet, published and looked up', async t => {
  const irc = [{ ttl: 60, priority: 0, weight: 1, port: 6667, target: 'irc.i2p' }]
  const services = { '_http._tcp': { ttl: 3600, port: 80 }, '_irc._tcp': irc }
  const { alice, bob } = await world(t, {}, { bob: { services } })
  const found = { '_http._tcp': [{ ttl: 3600, port: 80 }], '_irc._tcp': irc }
  for (const host of ['bob.i2p', bob.address, bob.destination.base64]) t.same(await alice.services(host), found)
  t.same(await bob.services(alice.address), {})
})

t.test('a runtime that could ask DNS is refused', async t => {
  for (const bun of ['1.4.4', '1.3.9', '0.9.9', '1', 'x']) t.throws(() => assertRuntime({ bun }), { code: 'I2P_UNSUPPORTED' }, bun)
  for (const bun of ['1.4.5', '1.4.6', '1.10.0', '2.0.0', '1.4.5-canary', undefined]) assertRuntime({ bun })
})
