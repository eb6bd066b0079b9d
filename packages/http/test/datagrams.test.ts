import t from 'tap'
import { once } from 'node:events'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { MAX_PAYLOAD } from '@minwww/i2cp'
import type { DatagramType, RemoteInfo } from '../src/index.ts'
import { MAX_DATAGRAM_SOCKETS } from '../src/bounds.ts'
import { codeOf, world } from './support.ts'

t.setTimeout(60_000)

for (const type of ['datagram1', 'datagram2', 'datagram3'] as const) {
  t.test(`${type}: an echo`, async t => {
    const { alice, bob } = await world(t)
    const server = bob.createSocket(type)
    server.on('message', (message, { port, address }) => server.send(`you said ${String(message)}`, port, address))
    server.bind(7)
    await once(server, 'listening')
    t.same(server.address(), { address: bob.address, family: 'I2P', port: 7 })
    const client = alice.createSocket(type)
    client.send('hello', 7, 'bob.i2p')
    const [answer, from] = await once(client, 'message') as [Buffer, RemoteInfo]
    t.equal(answer.toString(), 'you said hello')
    t.match(from, { address: bob.address, family: 'I2P', port: 7, size: answer.length })
    t.equal(from.destination?.b32, type === 'datagram3' ? undefined : bob.address)
    t.ok(client.address().port >= 49_152)
    await Promise.all([client[Symbol.asyncDispose](), server[Symbol.asyncDispose]()])
  })
}

t.test('raw: nobody says who sent it', async t => {
  const { alice, bob } = await world(t)
  const server = bob.createSocket('raw').bind(0)
  const client = alice.createSocket({ type: 'raw' })
  const sent = new Promise<[Error | null, number]>(resolve => {
    client.send(['a', Buffer.from('b')], 99, bob.destination, (...result) => resolve(result))
  })
  const [message, from] = await once(server, 'message') as [Buffer, RemoteInfo]
  t.equal(message.toString(), 'ab')
  t.same({ ...from, port: 0 }, { address: '', family: 'I2P', port: 0, size: 2 })
  t.same(await sent, [null, 2])
})

t.test('forms of send, as of node:dgram', async t => {
  const { alice, bob } = await world(t)
  const server = bob.createSocket('datagram3').bind({ port: 5 })
  const client = alice.createSocket('datagram3')
  const text = async (): Promise<string> => String((await once(server, 'message') as [Buffer])[0])
  client.send('012345', 2, 3, 5, 'bob.i2p')
  t.equal(await text(), '234')
  client.connect(5, bob.address)
  await once(client, 'connect')
  t.match(client.remoteAddress(), { address: bob.address, port: 5 })
  client.send('connected')
  t.equal(await text(), 'connected')
  client.send('0123', 1, 2)
  t.equal(await text(), '12')
  client.disconnect()
  t.throws(() => client.remoteAddress(), { code: 'I2P_CLOSED' })
})

t.test('errors and bounds', async t => {
  const { alice, bob } = await world(t)
  const socket = alice.createSocket('datagram2').bind(1)
  const send = async (...args: [string | Buffer, number, string]): Promise<string | undefined> =>
    await codeOf(new Promise<void>((resolve, reject) => socket.send(...args, error => error === null ? resolve() : reject(error))))
  t.equal(await send('x', 1, 'example.com'), 'I2P_NOT_I2P')
  t.equal(await send('x', 1, 'nobody.i2p'), 'I2P_UNKNOWN_NAME')
  t.equal(await send(Buffer.alloc(MAX_PAYLOAD), 1, 'bob.i2p'), 'I2P_MESSAGE_TOO_LARGE')
  const [error] = await Promise.all([once(socket, 'error'), socket.send('x', 1, 'nobody.i2p')]) as unknown as [[{ code: string }]]
  t.equal(error[0].code, 'I2P_UNKNOWN_NAME')
  t.throws(() => alice.createSocket('datagram2').bind(1), { code: 'I2P_PORT_IN_USE' })
  t.throws(() => alice.createSocket('raw').bind(70_000), { code: 'I2P_BAD_OPTION' })
  const controller = new AbortController()
  const other = alice.createSocket({ type: 'raw', signal: controller.signal }).bind(1)
  controller.abort()
  await once(other, 'close')
  t.throws(() => other.send('x'), { code: 'I2P_CLOSED' })
  for (let i = 0; i < MAX_DATAGRAM_SOCKETS; i++) bob.createSocket('raw').bind()
  t.throws(() => bob.createSocket('raw').bind(), { code: 'I2P_BUSY' })
})

t.test('what is forged or nobody waits for is dropped, and counted by who wants to', async t => {
  const { alice, bob } = await world(t)
  const dropped: unknown[] = []
  const listener = (message: unknown): void => { dropped.push(message) }
  subscribe('i2p:datagram:dropped', listener)
  t.teardown(() => unsubscribe('i2p:datagram:dropped', listener))
  const server = bob.createSocket('datagram1' satisfies DatagramType).bind(9)
  server.on('message', () => t.fail('no message'))
  const protocol = 17
  alice.session.send(bob.destination, Buffer.from('short'), { protocol, toPort: 9 })
  alice.session.send(bob.destination, Buffer.concat([alice.destination.bytes, Buffer.alloc(64), Buffer.from('x')]), { protocol, toPort: 9 })
  const raw = bob.createSocket('raw').bind(1)
  alice.session.send(bob.destination, Buffer.from('x'), { protocol, toPort: 10 })
  alice.createSocket('raw').send('last', 1, bob.destination)
  await once(raw, 'message')
  t.same(dropped, [{ port: 9, reason: 'malformed' }, { port: 9, reason: 'signature' }, { port: 10, reason: 'no-socket' }])
})
