// What single routers do that others do not.
import t from 'tap'
import {
  createSession, decodeMessage, encodeB33, encodeMessage, FrameReader, HOST_REPLY, LocalDestination, lookupWithoutSession, NO_SESSION,
  SESSION_STATUS, TYPE
} from '@minwww/i2cp'
import type { Message } from '@minwww/i2cp'
import { seeded } from '@minwww/testkit'
import { FakeRouter, JAVA_LIMITS, SESSION_ID } from './helpers/router.ts'

const { destination } = LocalDestination.generate(seeded('routers'))

/** The frame as emissary 0.4.0 writes it: a length that is too small. */
function short (message: Message, by: number): Buffer {
  const frame = encodeMessage(message)
  frame.writeUInt32BE(frame.readUInt32BE(0) - by, 0)
  return frame
}

t.test('the two lengths that emissary says wrong', async t => {
  const leases = (count: number): Message => ({
    type: TYPE.RequestVariableLeaseSet,
    sessionId: 5,
    leases: Array.from({ length: count }, (_, i) => ({ gateway: Buffer.alloc(32, i), tunnelId: i + 1, end: 1_700_000_000_000 }))
  })
  const reply: Message = { type: TYPE.HostReply, sessionId: 5, requestId: 9, code: HOST_REPLY.SUCCESS, destination }
  const failure: Message = { type: TYPE.HostReply, sessionId: 5, requestId: 9, code: HOST_REPLY.FAILURE }
  const after: Message = { type: TYPE.SessionStatus, sessionId: 5, status: SESSION_STATUS.CREATED }
  const cases: Array<[Message, number]> = [[leases(1), 2], [leases(3), 2], [leases(16), 2], [reply, 1], [failure, 1]]
  for (const [message, by] of cases) {
    for (const cut of [0, by]) {
      const bytes = Buffer.concat([short(message, cut), encodeMessage(after)])
      for (const step of [bytes.length, 7, 1]) {
        const reader = new FrameReader()
        const read: Message[] = []
        for (let at = 0; at < bytes.length; at += step) {
          for (const { type, body } of reader.push(bytes.subarray(at, at + step))) read.push(decodeMessage(type, Buffer.from(body)))
        }
        t.strictSame(read.map(({ type }) => type), [message.type, after.type], `${message.type}, ${cut} too few, ${step} at a time`)
        t.strictSame(encodeMessage(read[0]!), encodeMessage(message))
      }
    }
  }
  const others: Array<[Message, number]> = [[leases(1), 1], [reply, 2], [after, 1]]
  for (const [message, by] of others) {
    const bytes = short(message, by)
    const [frame] = new FrameReader().push(bytes.subarray(0, bytes.length - by))
    t.throws(() => decodeMessage(frame!.type, frame!.body), { code: 'I2CP_MALFORMED' }, `${message.type}, ${by} too few: as before`)
  }
})

t.test('a look-up without a session', async t => {
  const router = new FakeRouter()
  let answer: Message | undefined
  router.on = (message, connection) => {
    if (message.type !== TYPE.HostLookup) return undefined
    t.equal(message.sessionId, NO_SESSION)
    if (answer !== undefined) router.send(answer, connection)
    return true
  }
  const reply = { type: TYPE.HostReply, sessionId: NO_SESSION, requestId: 1 } as const
  const ask = async (name: string, timeout = 5_000) => await lookupWithoutSession(name, { connect: router.connect, timeout })
  answer = { ...reply, code: HOST_REPLY.SUCCESS, destination }
  t.ok((await ask(destination.b32))?.equals(destination))
  t.ok((await ask('example.i2p'))?.equals(destination))
  t.ok((await ask(destination.base64))?.equals(destination))
  const other = LocalDestination.generate(seeded('other')).destination
  t.equal(await ask(other.b32), undefined, 'another Destination than the one that was asked for')
  answer = { ...reply, code: HOST_REPLY.FAILURE }
  t.equal(await ask(destination.b32), undefined, 'not found')
  answer = undefined
  t.equal(await ask(destination.b32, 50), undefined, 'a router that does not answer')
  router.on = (message, connection) => { if (message.type === TYPE.HostLookup) connection.destroy(); return undefined }
  t.equal(await ask(destination.b32), undefined, 'a router that ends the connection')
  router.on = (message, connection) => { if (message.type === TYPE.HostLookup) connection.write(Buffer.alloc(100, 0x7f)); return undefined }
  t.equal(await ask(destination.b32), undefined, 'a router that speaks nonsense')
  await t.rejects(ask('no name'), { code: 'I2CP_BAD_ADDRESS' })
})

t.test('that i2pd cannot look up encrypted LeaseSets is said', async t => {
  const i2pd = { ...JAVA_LIMITS, routerInbound: 0, routerInboundBurst: 0, routerOutbound: 0, routerOutboundBurst: 0, burstTime: 0 }
  const name = encodeB33({ signingType: destination.signingType, signingPublicKey: destination.signingPublicKey })
  for (const [limits, code] of [[i2pd, 'I2CP_LOOKUP_UNSUPPORTED'], [JAVA_LIMITS, 'I2CP_LOOKUP_FAILED']] as const) {
    const router = new FakeRouter()
    router.version = '0.9.68'
    router.on = (message, connection) => {
      if (message.type === TYPE.GetBandwidthLimits) router.send({ type: TYPE.BandwidthLimits, limits }, connection)
      else if (message.type === TYPE.HostLookup) {
        const { requestId } = message
        router.send({ type: TYPE.HostReply, sessionId: SESSION_ID, requestId, code: HOST_REPLY.FAILURE }, connection)
      } else return undefined
      return true
    }
    const session = await createSession({ connect: router.connect })
    await t.rejects(session.lookup(name), { code })
    await session.close()
  }
})
