import t from 'tap'
import { SeededRandom } from '@minwww/testkit'
import { encodePacket, packet, StreamingCore } from '../src/core.ts'
import type { Connection, ConnectRequest } from '../src/core.ts'
import { ASK_AFTER } from '../src/core/constants.ts'
import { dispatch } from './support/transfer.ts'
import { World } from './support/world.ts'

interface Waiting { world: World, client: Connection, server: Connection }

/** A stream whose client has said all and waits for the answer. */
function waiting (request: Partial<ConnectRequest> = {}): Waiting {
  const world = new World({ seed: 31, latency: 100 })
  let server: Connection | undefined
  dispatch(world.server, connection => { server = connection })
  dispatch(world.client)
  const client = world.client.core.connect(world.now, { destination: world.server.keys.destination, port: 80, ...request })
  client.write(world.now, Buffer.from('asked'))
  world.run(2_000)
  return { world, client, server: server! }
}

/** The peer is started anew: it has its keys, and no stream. */
function restart ({ world }: Waiting): void {
  const { keys } = world.server
  const core = new StreamingCore({ keys, random: new SeededRandom(7).bytes })
  core.listen()
  Object.assign(world.server, { core })
}

const error = ({ client: { state } }: Waiting): string | undefined => state.name === 'closed' ? state.error?.code : undefined

t.test('a stream that its peer does not have any more ends within seconds, where the peer is asked', async t => {
  const asks = waiting({ asks: true })
  restart(asks)
  asks.world.run(ASK_AFTER + 500)
  t.equal(error(asks), 'STREAMING_RESET')
  const before = waiting()
  restart(before)
  before.world.run(60_000)
  t.equal(before.client.state.name, 'open')
})

t.test('the same of a stream that the peer has reset, whose RESET was lost', async t => {
  const asks = waiting({ asks: true })
  asks.server.reset(asks.world.now)
  asks.world.server.core.pollTransmit(asks.world.now)
  asks.world.run(3 * ASK_AFTER)
  t.equal(error(asks), 'STREAMING_RESET')
})

t.test('a peer that is slow has it, and is asked less and less often', async t => {
  const { world, client, server } = waiting({ asks: true })
  const before = world.client.out.stats.sent
  world.run(80_000)
  t.equal(client.state.name, 'open')
  t.equal(world.client.out.stats.sent - before, 3, 'after 10, 30 and 70 s')
  server.write(world.now, Buffer.from('answered'))
  world.run(1_000)
  t.equal(client.read(world.now)?.toString(), 'answered')
})

t.test('what is not signed, or is a RESET itself, is not answered', async t => {
  const { client, server, world } = waiting({ asks: true })
  const fresh = waiting()
  restart(fresh)
  const { core } = fresh.world.server
  const ids = { sendStreamId: server.receiveStreamId, receiveStreamId: client.receiveStreamId, from: world.client.keys.destination }
  const { keys } = world.client
  const own = { signatureLength: keys.destination.signatureLength, sign: (data: Uint8Array) => keys.sign(data) }
  const other = { signatureLength: own.signatureLength, sign: (data: Uint8Array) => world.server.keys.sign(data) }
  const receive = (payload: Buffer): void => core.receive(fresh.world.now, { protocol: 6, fromPort: 0, toPort: 80, payload })
  receive(encodePacket(packet(ids)))
  receive(encodePacket(packet({ ...ids, signed: true }), other))
  receive(encodePacket(packet({ ...ids, signed: true, reset: true }), own))
  t.equal(core.pollTransmit(fresh.world.now), undefined)
  receive(encodePacket(packet({ ...ids, signed: true }), own))
  t.ok(core.pollTransmit(fresh.world.now))
  for (let count = 0; count < 200; count++) receive(encodePacket(packet({ ...ids, signed: true }), own))
  let answers = 0
  while (core.pollTransmit(fresh.world.now) !== undefined) answers++
  t.ok(answers < 50, 'fifty a second at most')
})
