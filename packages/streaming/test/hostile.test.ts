import t from 'tap'
import { LocalDestination } from '@minwww/i2cp/codec'
import { seeded, SeededRandom } from '@minwww/testkit'
import { ACCEPT_BACKLOG, MAX_HALF_OPEN, StreamingCore, encodePacket, packet } from '../src/core.ts'
import type { Connection, Packet } from '../src/core.ts'
import { MAX_TOMBSTONES, Tombstones } from '../src/core/tombstones.ts'
import { EPOCH, World } from './support/world.ts'
import { dispatch, drain } from './support/transfer.ts'

// A shared machine may be slow; nothing here waits for the clock of the wall.
t.setTimeout(180_000)

const mallory = LocalDestination.generate(seeded(99))
const signer = { signatureLength: 64, sign: (data: Uint8Array) => mallory.sign(data) }

interface Open { world: World, client: Connection, server: Connection, received: () => Buffer }

/** An open stream with a peer who writes what a test injects. */
function open (): Open {
  const world = new World({ seed: 21, latency: 50 })
  let server: Connection | undefined
  const received: Buffer[] = []
  const on = dispatch(world.server, connection => {
    server ??= connection
    on(connection, () => { received.push(...drain(world, connection)) })
  })
  dispatch(world.client)
  const client = world.connect()
  world.run(1_000)
  return { world, client, server: server!, received: () => Buffer.concat(received) }
}

/** Gives the server a packet as if it came from the network. */
function inject ({ world }: { world: World }, fields: Partial<Packet>, signed = false): void {
  const payload = encodePacket(packet({ ...fields, signed }), signed ? signer : undefined)
  world.server.core.receive(world.now, { protocol: 6, fromPort: 0, toPort: 80, payload })
  world.run(100)
}

/** The IDs of the stream as the client would write them. */
const ids = ({ client, server }: Open): Partial<Packet> => ({
  sendStreamId: server.receiveStreamId, receiveStreamId: client.receiveStreamId
})

function syn (
  world: World, id: number, fields: Partial<Packet> = {}, from = mallory
): { protocol: number, fromPort: number, toPort: number, payload: Buffer } {
  const payload = encodePacket(packet({
    synchronize: true,
    noAck: true,
    receiveStreamId: id,
    from: from.destination,
    signed: true,
    targetHash: world.server.keys.destination.hash,
    ...fields
  }),
  { signatureLength: 64, sign: data => from.sign(data) })
  return { protocol: 6, fromPort: 0, toPort: 80, payload }
}

/** The stream still carries data. */
function works (t: Pick<typeof import('tap').t, 'equal'>, stream: Open): void {
  const before = stream.received().length
  stream.client.write(stream.world.now, Buffer.from('still here'))
  stream.world.run(5_000)
  t.equal(stream.received().subarray(before).toString(), 'still here')
}

t.test('forged CLOSE, RESET and SYN reply change nothing', async t => {
  const stream = open()
  inject(stream, { ...ids(stream), close: true, sequence: 1 })
  inject(stream, { ...ids(stream), close: true, sequence: 1 }, true)
  inject(stream, { ...ids(stream), reset: true }, true)
  inject(stream, { ...ids(stream), reset: true, from: mallory.destination }, true)
  inject(stream, { ...ids(stream), synchronize: true, from: mallory.destination }, true)
  inject(stream, { ...ids(stream), sequence: 1, from: mallory.destination, payload: Buffer.from('evil') })
  inject(stream, { sendStreamId: stream.server.receiveStreamId, receiveStreamId: 12345, sequence: 1, payload: Buffer.from('evil') })
  t.equal(stream.server.state.name, 'open')
  t.equal(stream.received().length, 0)
  works(t, stream)
})

t.test('a SYN for another Destination, without or with a wrong signature, or with a wrong sequence opens nothing', async t => {
  const world = new World({ seed: 22, latency: 1 })
  const accepted: string[] = []
  world.server.onEvent = event => accepted.push(event.type)
  const other = syn(world, 7, { targetHash: mallory.destination.hash })
  const broken = syn(world, 8)
  broken.payload[30]! ^= 1
  const tail = syn(world, 9)
  tail.payload[tail.payload.length - 1]! ^= 1
  for (const message of [other, broken, tail, syn(world, 0), syn(world, 10, { sequence: 3 })]) world.server.core.receive(world.now, message)
  world.server.core.receive(
    world.now, { protocol: 6, fromPort: 0, toPort: 80, payload: encodePacket(packet({ synchronize: true, receiveStreamId: 11 })) }
  )
  world.run(10)
  t.same(accepted, [])
  t.equal(world.server.core.size, 0)
  world.server.core.receive(world.now, syn(world, 12))
  world.run(0)
  t.ok(accepted.includes('accept'), 'while a right one does')
})

t.test('a replayed SYN opens no second stream, neither while the first is open nor after it', async t => {
  const world = new World({ seed: 23, latency: 1 })
  let accepted = 0
  let connection: Connection | undefined
  world.server.onEvent = event => {
    if (event.type !== 'accept') return
    accepted += 1
    connection = event.connection
  }
  const message = syn(world, 77, { payload: Buffer.from('GET /') })
  for (let index = 0; index < 5; index++) {
    world.server.core.receive(world.now, message)
    world.run(100)
  }
  t.equal(accepted, 1)
  t.equal(Buffer.concat(drain(world, connection!)).toString(), 'GET /')
  connection!.reset(world.now)
  world.run(1_000)
  world.server.core.receive(world.now, message)
  world.run(1_000)
  t.equal(accepted, 1)
  t.equal(world.server.core.size, 0)
})

t.test('sequence numbers far outside the window, and ACKs of what was never sent', async t => {
  const stream = open()
  for (const sequence of [257, 1_000, 0x7fffffff, 0xffffffff]) inject(stream, { ...ids(stream), sequence, payload: Buffer.alloc(1_000) })
  t.equal(stream.server.statistics.overflows, 4)
  t.equal(stream.world.server.core.budget.used, 0)
  inject(stream, { ...ids(stream), ackThrough: 0xffffffff, nacks: [0, 1, 0xfffffffe] })
  inject(stream, { ...ids(stream), ackThrough: 5_000 })
  t.equal(stream.server.state.name, 'open')
  works(t, stream)
})

t.test('NACK bombs: 255 NACKs in any order, again and again', async t => {
  const stream = open()
  stream.server.write(stream.world.now, Buffer.alloc(60_000))
  const nacks = Array.from({ length: 255 }, (_, index) => 255 - index)
  const sent = stream.server.statistics.packetsSent
  for (let index = 0; index < 50; index++) {
    const payload = encodePacket(packet({ ...ids(stream), ackThrough: 256, nacks }))
    stream.world.server.core.receive(stream.world.now, { protocol: 6, fromPort: 0, toPort: 80, payload })
    inject(stream, { ...ids(stream), ackThrough: 3, nacks: [1, 1, 1, 2] })
  }
  t.ok(stream.server.statistics.packetsSent - sent < 200, 'NACKs alone cause no flood')
  t.equal(stream.server.state.name, 'open')
})

t.test('a flood of tiny packets fills the buffer as large ones do', async t => {
  const stream = open()
  const world = stream.world
  for (let sequence = 2; sequence < 5_000; sequence++) {
    const payload = encodePacket(packet({ ...ids(stream), sequence, payload: Buffer.alloc(1) }))
    world.server.core.receive(world.now, { protocol: 6, fromPort: 0, toPort: 80, payload })
  }
  t.ok(world.server.core.budget.used <= 256 * 129)
  stream.client.write(world.now, Buffer.from('still here'))
  world.run(5_000)
  t.equal(stream.received().toString(), 'still here' + '\0'.repeat(255))
})

t.test('many streams that nobody reads stay within the budget, and each still goes on', async t => {
  const world = new World({ seed: 24, latency: 1 })
  world.server.onEvent = () => {}
  const core = world.server.core
  const limit = core.budget.limit
  const streams: Connection[] = []
  world.server.onEvent = event => { if (event.type === 'accept') streams.push(event.connection) }
  const message = { protocol: 6, fromPort: 0, toPort: 80 }
  for (let id = 1; id <= 400; id++) core.receive(world.now, syn(world, id))
  world.run(0)
  for (const stream of streams) {
    for (let sequence = 1; sequence < 120; sequence++) {
      core.receive(world.now, {
        ...message,
        payload: encodePacket(
          packet({ sendStreamId: stream.receiveStreamId, receiveStreamId: stream.sendStreamId, sequence, payload: Buffer.alloc(1_800) })
        )
      })
    }
  }
  t.equal(streams.length, 400)
  t.ok(core.budget.used <= limit + 400 * 2_000, `${core.budget.used}`)
  t.ok(streams.every(stream => stream.statistics.packetsReceived > 1), 'each got at least one packet')
})

t.test('a SYN flood costs bounded memory, and old half-open streams go', async t => {
  const world = new World({ seed: 25, latency: 1 })
  const core = world.server.core
  world.client.core.receive = () => {} // nobody answers
  world.server.onEvent = () => {}
  let offered = 0
  for (let second = 0; second < 2; second++) {
    for (let index = 0; index < 1_100; index++) core.receive(world.now, syn(world, ++offered))
    world.run(1_000)
  }
  t.ok(core.size <= MAX_HALF_OPEN, `${core.size} half-open streams`)
  core.receive(world.now, syn(world, 90_000, {}, world.client.keys))
  t.ok([...core.connections()].some(connection => connection.sendStreamId === 90_000), 'a new one gets in')
})

t.test('streams that the application does not take are refused', async t => {
  const keys = LocalDestination.generate(seeded(31))
  const core = new StreamingCore({ keys, random: seeded(32) })
  core.listen()
  const world = { server: { keys } } as World
  for (let id = 1; id <= ACCEPT_BACKLOG + 10; id++) core.receive(EPOCH, syn(world, id))
  t.equal(core.statistics.rejected, 10)
})

t.test('early packets without a SYN are bounded and forgotten', async t => {
  const world = new World({ seed: 26, latency: 1 })
  const core = world.server.core
  for (let id = 1; id <= 500; id++) {
    for (let sequence = 1; sequence < 50; sequence++) {
      core.receive(world.now, {
        protocol: 6, fromPort: 0, toPort: 80, payload: encodePacket(packet({ receiveStreamId: id, sequence, payload: Buffer.alloc(1_700) }))
      })
    }
  }
  t.equal(core.size, 0)
  t.ok(core.earlyBytes <= 1_048_576, `${core.earlyBytes}`)
})

t.test('finished streams are forgotten', async t => {
  const tombstones = new Tombstones()
  const grave = { peer: mallory.destination, localPort: 0, remotePort: 0, ackThrough: 0, resetAt: undefined }
  for (let id = 1; id <= MAX_TOMBSTONES + 100; id++) {
    tombstones.add(EPOCH, { ...grave, receiveStreamId: id, sendStreamId: id, expires: EPOCH + 1_000 })
  }
  t.equal(tombstones.size, MAX_TOMBSTONES)
  t.equal(tombstones.get(EPOCH, 100), undefined)
  t.ok(tombstones.get(EPOCH, 101))
  t.ok(tombstones.ofSyn(EPOCH + 999, 101, mallory.destination))
  t.equal(tombstones.ofSyn(EPOCH + 1_000, 101, mallory.destination), undefined)
})

t.test('a peer that acknowledges nothing, or opens and never finishes, is given up', async t => {
  const stream = open()
  stream.world.client.core.receive = () => {}
  stream.server.write(stream.world.now, Buffer.alloc(50_000))
  stream.world.run(3_600_000)
  t.equal(stream.world.server.core.size, 0)
})

t.test('garbage is counted and dropped', async t => {
  const world = new World({ seed: 28, latency: 1 })
  const random = new SeededRandom(29)
  for (let index = 0; index < 2_000; index++) {
    const payload = Buffer.from(random.bytes(Math.floor(random.number() * 200)))
    world.server.core.receive(world.now, { protocol: 6, fromPort: 0, toPort: 80, payload })
  }
  world.run(0)
  t.equal(world.server.core.size, 0)
  t.ok(world.server.core.statistics.malformed > 1_000)
})

t.test('pings cost at most fifty signatures a second', async t => {
  const world = new World({ seed: 30, latency: 1 })
  const ping = encodePacket(
    packet({ echo: true, sendStreamId: 5, from: mallory.destination, signed: true, payload: Buffer.alloc(500) }), signer
  )
  for (let index = 0; index < 500; index++) world.server.core.receive(world.now, { protocol: 6, fromPort: 0, toPort: 0, payload: ping })
  let pongs = 0
  for (let message =
    world.server.core.pollTransmit(world.now); message !== undefined; message = world.server.core.pollTransmit(world.now)) {
    pongs += 1
    t.equal(message.payload.length, 22 + 32)
  }
  t.equal(pongs, 50)
  const forged = Buffer.from(ping)
  forged[forged.length - 1]! ^= 1
  world.run(1_000)
  world.server.core.receive(world.now + 1_000, { protocol: 6, fromPort: 0, toPort: 0, payload: forged })
  t.equal(world.server.core.pollTransmit(world.now), undefined)
})

t.test('what peers of streams of our own send is expected, and pongs; what others send is not', async t => {
  const { world, client, server } = open()
  const { statistics } = world.client.core
  const expected = (): number => statistics.expected
  t.ok(expected() > 0, 'the answer to a SYN')
  t.equal(world.server.core.statistics.expected, 0, 'a stream that others opened')
  const before = expected()
  const payloads = [
    Buffer.alloc(100, 1),
    syn(world, 7).payload,
    encodePacket(packet({ sendStreamId: server.receiveStreamId, receiveStreamId: 5, payload: Buffer.alloc(9) })),
    encodePacket(packet({ receiveStreamId: 5, payload: Buffer.alloc(9) })),
    encodePacket(packet({ echo: true, receiveStreamId: 5 })),
    encodePacket(packet({ echo: true, sendStreamId: 5, from: mallory.destination, signed: true }), signer)
  ]
  for (const payload of payloads) world.client.core.receive(world.now, { protocol: 6, fromPort: 0, toPort: 80, payload })
  world.run(1_000)
  t.equal(expected(), before)
  world.client.core.ping(world.now, world.server.keys.destination)
  world.run(1_000)
  t.equal(expected(), before + 1)
  client.write(world.now, Buffer.alloc(10))
  world.run(1_000)
  t.ok(expected() > before + 1, 'an acknowledgement')
})
