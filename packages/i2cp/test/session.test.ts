import t from 'tap'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createSession, decodeGzipPayload, encodeGzipPayload, HOST_REPLY, LEASE_SET_TYPE, LocalDestination, TYPE } from '@minwww/i2cp'
import { ByteReader, readLeaseSet2, verifyLeaseSet2 } from '@minwww/i2cp/codec'
import { FakeRouter, SESSION_ID } from './helpers/router.ts'

t.test('handshake, LeaseSet, send, receive, look-up, close', async t => {
  const router = new FakeRouter()
  const session = await createSession({ connect: router.connect })
  t.equal(session.state, 'ready')
  const [created] = router.of(TYPE.CreateLeaseSet2)
  t.equal(created?.leaseSetType, LEASE_SET_TYPE.LEASE_SET2)
  const leaseSet = readLeaseSet2(new ByteReader(created!.leaseSet))
  t.ok(verifyLeaseSet2(leaseSet, Date.now() / 1000))
  t.equal(leaseSet.leases.length, 2)
  t.equal(leaseSet.encryptionKeys[0]?.type, 4)

  const peer = LocalDestination.generate().destination
  session.send(peer, Buffer.from('hello'), { protocol: 18, fromPort: 0x1234, toPort: 0x5678 })
  await new Promise(setImmediate)
  const [sent] = router.of(TYPE.SendMessageExpires)
  t.match(decodeGzipPayload(sent!.payload), { protocol: 18, fromPort: 0x1234, toPort: 0x5678, payload: Buffer.from('hello') })
  t.ok(sent?.destination.equals(peer))

  const arrived = once(session, 'message')
  const payload = encodeGzipPayload({ protocol: 19, fromPort: 1, toPort: 2, payload: Buffer.from('answer') })
  router.send({ type: TYPE.MessagePayload, sessionId: SESSION_ID, messageId: 1, payload })
  t.match((await arrived)[0], { protocol: 19, fromPort: 1, toPort: 2, payload: Buffer.from('answer') })

  router.on = message => {
    if (message.type !== TYPE.HostLookup) return false
    router.send({ type: TYPE.HostReply, sessionId: SESSION_ID, requestId: message.requestId, code: HOST_REPLY.SUCCESS, destination: peer })
    return true
  }
  t.ok((await session.lookup('name.i2p')).equals(peer))
  t.ok((await session.lookup(peer.b32)).equals(peer))
  const closed = once(session, 'close')
  await session.close()
  t.same(await closed, [undefined])
  t.equal(router.of(TYPE.DestroySession).length, 1)
})

t.test('over TCP', async t => {
  const router = new FakeRouter()
  const server = createServer(socket => {
    const inside = router.connect()
    socket.pipe(inside).pipe(socket)
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = await createSession({ router: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } })
  await session.close()
  server.close()
  await once(server, 'close')
  t.pass('closed without a socket left')
})
