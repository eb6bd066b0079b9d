import t from 'tap'
import { decodePacket, encodePacket, packet } from '../src/core.ts'
import type { Connection, Outgoing, ReceivedPacket, StreamingOptions } from '../src/core.ts'
import { World } from './support/world.ts'
import type { Endpoint } from './support/world.ts'
import { dispatch, drain, send } from './support/transfer.ts'

interface Pair { world: World, client: Connection, server: () => Connection, received: Buffer[], events: string[] }

/** A client stream, and a server that collects what comes and ends when told. */
function pair (latency = 100, options: {
  client?: Partial<StreamingOptions>, server?: Partial<StreamingOptions>, read?: boolean, endWithPeer?: boolean
} = {}): Pair {
  const { read = true, endWithPeer = true } = options
  const world = new World({ seed: 3, latency }, options)
  const events: string[] = []
  const received: Buffer[] = []
  let server: Connection | undefined
  const onServer = dispatch(world.server, connection => {
    server = connection
    onServer(connection, event => {
      events.push(`server ${event.type}`)
      if (read) received.push(...drain(world, connection))
      if (event.type === 'end' && endWithPeer) connection.end(world.now)
    })
  })
  const onClient = dispatch(world.client)
  const client = world.connect(80)
  onClient(client, event => { events.push(`client ${event.type}`) })
  return { world, client, received, events, server: () => server! }
}

/** Sees, and may drop (by returning false), what an endpoint sends. */
function intercept (world: World, endpoint: Endpoint, filter: (packet: ReceivedPacket, message: Outgoing) => boolean): void {
  const original = endpoint.out.send.bind(endpoint.out)
  endpoint.out.send = (now, size, message) => { if (filter(decodePacket(message.payload), message)) original(now, size, message) }
}

const code = (connection: Connection): string | undefined => connection.state.name === 'closed'
  ? connection.state.error?.code ??
  'in order'
  : undefined

t.test('request and response take one round trip: SYN, data and CLOSE in one packet each way', async t => {
  const { world, client, received, server } = pair(100)
  client.write(world.now, Buffer.from('GET /'))
  client.end(world.now)
  let sent = 0
  let arrived: number | undefined
  intercept(world, world.client, () => ++sent > 0)
  const start = world.now
  intercept(world, world.server, packet => {
    if (packet.payload.length > 0 && arrived === undefined) arrived = world.now
    return true
  })
  // The server answers as soon as it has the request.
  const onServer = world.server.onEvent
  world.server.onEvent = event => {
    if (event.type === 'end') event.connection.write(world.now, Buffer.from('200 OK'))
    onServer(event)
  }
  world.run(60_000)
  t.equal(Buffer.concat(received).toString(), 'GET /')
  t.equal(Buffer.concat(drain(world, client)).toString(), '200 OK')
  t.equal(arrived! - start, 100, 'the response leaves when the request arrives')
  t.equal(code(client), 'in order')
  t.equal(code(server()), 'in order')
  t.equal(sent, 2, 'SYN with everything, and the last ACK')
  t.equal(world.client.core.size + world.server.core.size, 0)
})

t.test('the SYN is signed, names its target, and carries the MTU; packets follow it before the reply', async t => {
  const { world, client, received } = pair(100)
  const seen: ReceivedPacket[] = []
  intercept(world, world.client, packet => { seen.push(packet); return true })
  send(world, client, Buffer.alloc(20_000, 'a'))
  world.run(90)
  t.equal(seen.length, 6, 'the initial window')
  t.match(seen[0], { synchronize: true, signed: true, noAck: true, sendStreamId: 0, maxPacketSize: 1812, delay: 0 })
  t.same(seen[0]!.targetHash, world.server.keys.destination.hash)
  t.ok(seen[0]!.from!.equals(world.client.keys.destination))
  t.ok(seen.slice(1).every(packet => !packet.synchronize && packet.sendStreamId === 0 && packet.payload.length === 1730))
  world.run(60_000)
  t.equal(Buffer.concat(received).length, 20_000)
  t.equal(client.maxMessageSize, 1812)
  t.equal(seen[7]!.payload.length, 1794, 'as much as fits two tunnel messages')
})

t.test('packets that overtake the SYN wait for it', async t => {
  const { world, client, received } = pair(100)
  const held: Outgoing[] = []
  intercept(world, world.client, (packet, message) => {
    if (packet.synchronize && held.length === 0) {
      held.push(message)
      return false
    }
    return true
  })
  world.after(50, () => world.client.out.send(world.now, 100, held[0]!))
  send(world, client, Buffer.alloc(8_000, 'b'))
  world.run(155)
  t.equal(Buffer.concat(received).length, 8_000)
  t.equal(client.statistics.retransmissions, 0)
})

t.test('the SYN is repeated at the initial RTO and not before', async t => {
  const { world, client } = pair(100, { client: { initialRTO: 5_000 } })
  let syns = 0
  intercept(world, world.client, packet => { syns += packet.synchronize ? 1 : 0; return false })
  client.end(world.now)
  world.run(4_999)
  t.equal(syns, 1)
  world.run(1 + 5_000 * 0.25)
  t.equal(syns, 2)
  world.run(60_000)
  t.equal(code(client), 'STREAMING_CONNECT_TIMEOUT')
  t.equal(world.client.core.size, 0)
})

t.test('a SYN reply that is lost is repeated when the SYN comes again', async t => {
  const { world, client } = pair(100)
  let replies = 0
  intercept(world, world.server, packet => !packet.synchronize || ++replies > 1)
  client.end(world.now)
  const passed = world.run(30_000, () => client.state.name === 'closed')
  t.equal(code(client), 'in order')
  t.ok(passed < 9_000 * 1.25 + 1_000, 'one initial RTO')
})

t.test('a SYN that came twice teaches no patience: after a queue, too, a lost packet is repeated as soon', async t => {
  /** ms from the loss of a packet of an answer to its repetition; an answer before it has filled the queue. */
  const repetition = (isTwice: boolean): number => {
    const world = new World({ seed: 3, latency: 500, bandwidth: 16 })
    const pumps = new Map<Connection, () => void>()
    world.server.onEvent = event => {
      if (event.type === 'accept') pumps.set(event.connection, send(world, event.connection, Buffer.alloc(60_000, 'e')))
      else if ('connection' in event) pumps.get(event.connection)?.()
    }
    const fetch = (): void => {
      const client = world.connect(80)
      client.end(world.now)
      world.run(60_000, () => { drain(world, client); return client.state.name === 'closed' })
    }
    fetch()
    let [lostAt, repeatedAt] = [0, 0]
    intercept(world, world.server, packet => {
      if (packet.sequence !== 5) return true
      if (lostAt > 0) repeatedAt ||= world.now
      else lostAt = world.now
      return repeatedAt > 0
    })
    if (isTwice) {
      const { out } = world.client
      const original = out.send.bind(out)
      out.send = (now, size, message) => {
        original(now, size, message)
        if (!decodePacket(message.payload).synchronize) return
        out.send = original
        world.after(200, () => original(world.now, size, message))
      }
    }
    fetch()
    return repeatedAt - lostAt
  }
  const [once, twice] = [repetition(false), repetition(true)]
  t.ok(once > 1_000 && twice <= once + 400, `${twice} and ${once} ms`)
})

t.test('three packets that came later are enough to repeat one, without a timeout', async t => {
  const { world, client, received } = pair(100)
  let dropped = false
  intercept(world, world.client, packet => {
    if (packet.sequence !== 10 || dropped) return true
    dropped = true
    return false
  })
  const data = Buffer.alloc(100_000, 'c')
  const pump = send(world, client, data)
  const onClient = world.client.onEvent
  world.client.onEvent = event => { if (event.type === 'drain') pump(); onClient(event) }
  world.run(60_000)
  t.ok(Buffer.concat(received).equals(data))
  t.match(client.statistics, { retransmissions: 1, fastRetransmissions: 1, timeouts: 0 })
})

t.test('the last packet of a burst is repeated after one RTO, and the window is kept', async t => {
  const { world, client, received } = pair(100)
  world.run(1_000)
  let dropped = false
  intercept(world, world.client, packet => {
    if (!packet.close || dropped) return true
    dropped = true
    return false
  })
  const window = client.statistics.window
  client.write(world.now, Buffer.alloc(4_000, 'd'))
  client.end(world.now)
  const passed = world.run(10_000, () => client.state.name === 'closed')
  t.equal(Buffer.concat(received).length, 4_000)
  t.match(client.statistics, { timeouts: 1, retransmissions: 1 })
  t.ok(client.statistics.window >= window)
  t.ok(passed < 1_500, `${passed} ms`)
})

t.test('half-close: the client ends, and still receives', async t => {
  const { world, client, server, events } = pair(100, { endWithPeer: false })
  client.write(world.now, Buffer.from('question'))
  client.end(world.now)
  world.run(5_000)
  t.same(events.filter(event => event.startsWith('server')), ['server readable', 'server end'])
  t.equal(client.write(world.now, Buffer.from('more')), 0, 'nothing after the end')
  server().write(world.now, Buffer.alloc(50_000, 'e'))
  server().end(world.now)
  world.run(60_000)
  t.equal(Buffer.concat(drain(world, client)).length, 50_000)
  t.equal(code(client), 'in order')
})

t.test('a RESET is signed; a forged one changes nothing', async t => {
  const { world, client, server } = pair(100)
  world.run(1_000)
  intercept(world, world.server, (packet, message) => {
    if (!packet.reset) return true
    t.ok(packet.signed)
    t.ok(packet.from?.equals(world.server.keys.destination))
    const forged = Buffer.from(message.payload)
    forged[forged.length - 1]! ^= 1
    world.client.core.receive(world.now, { ...message, payload: forged })
    t.equal(client.state.name, 'open')
    return true
  })
  server().reset(world.now)
  world.run(1_000)
  t.equal(code(client), 'STREAMING_RESET')
  t.equal(code(server()), 'STREAMING_ABORTED')
})

t.test('a stream to a port where nobody listens is refused', async t => {
  const { world, client } = pair(100)
  world.server.core.unlisten()
  world.run(1_000)
  t.equal(code(client), 'STREAMING_REFUSED')
})

t.test('choke: an application that does not read stops the sender, and going on costs no data', async t => {
  const { world, client, server } = pair(100, { read: false })
  const data = Buffer.alloc(600_000, 'f')
  const pump = send(world, client, data)
  const onClient = world.client.onEvent
  world.client.onEvent = event => { if (event.type === 'drain') pump(); onClient(event) }
  const seen: number[] = []
  intercept(world, world.server, packet => { if (packet.delay !== undefined) seen.push(packet.delay); return true })
  world.run(60_000)
  const stalled = client.statistics
  t.ok(stalled.choked)
  t.ok(server().statistics.choking)
  t.ok(seen.includes(61_000))
  const before = stalled.packetsSent
  world.run(600_000)
  const probes = client.statistics.packetsSent - before
  t.ok(probes >= 10 && probes < 30, `${probes} probes in ten minutes`)
  t.equal(client.state.name, 'open')
  const received: Buffer[] = []
  const onServer = world.server.onEvent
  world.server.onEvent = event => {
    if ('connection' in event) received.push(...drain(world, event.connection))
    onServer(event)
  }
  received.push(...drain(world, server()))
  const passed = world.run(60_000, () => client.state.name === 'closed')
  t.ok(Buffer.concat(received).equals(data))
  t.ok(passed < 20_000, `${passed} ms after reading`)
})

t.test('an unchoke that is lost is repeated', async t => {
  const { world, client, server } = pair(100, { read: false })
  const data = Buffer.alloc(400_000, 'g')
  const pump = send(world, client, data)
  const onClient = world.client.onEvent
  world.client.onEvent = event => { if (event.type === 'drain') pump(); onClient(event) }
  world.run(30_000)
  t.ok(client.statistics.choked)
  let lost = 0
  intercept(world, world.server, packet => packet.delay !== 0 || ++lost > 2)
  let received = drain(world, server()).length
  const onServer = world.server.onEvent
  world.server.onEvent = event => {
    if ('connection' in event) received += drain(world, event.connection).length
    onServer(event)
  }
  const passed = world.run(60_000, () => client.state.name === 'closed')
  t.ok(lost > 2)
  t.equal(code(client), 'in order')
  t.ok(received > 0 && passed < 10_000, `${passed} ms`)
})

t.test('a choke of 60001 is accepted and 60000 is none', async t => {
  for (const [delay, choked] of [[60_000, false], [60_001, true], [65_535, true]] as const) {
    const { world, client, server } = pair(10)
    world.run(1_000)
    intercept(world, world.server, packet => packet.sequence === 0)
    const ack = encodePacket(packet({ sendStreamId: client.receiveStreamId, receiveStreamId: server().receiveStreamId, delay }))
    world.client.core.receive(world.now, { protocol: 6, fromPort: 80, toPort: 0, payload: ack })
    t.equal(client.statistics.choked, choked, `${delay}`)
  }
})

t.test('a peer that vanishes without a RESET ends the stream after maxResends', async t => {
  const { world, client } = pair(100, { client: { maxResends: 4 } })
  world.run(1_000)
  intercept(world, world.server, () => false)
  client.write(world.now, Buffer.from('anybody?'))
  const passed = world.run(600_000, () => client.state.name === 'closed')
  t.equal(code(client), 'STREAMING_TIMEOUT')
  t.equal(client.statistics.timeouts, 5)
  t.ok(passed < 60_000)
  t.equal(world.client.core.size, 0)
})

t.test('a path that is away for a minute does not end a stream, however short it is', async t => {
  for (const latency of [5, 20, 50, 60, 80, 100, 250]) {
    const { world, client, received } = pair(latency)
    world.run(1_000)
    let isAway = true
    intercept(world, world.client, () => !isAway)
    intercept(world, world.server, () => !isAway)
    client.write(world.now, Buffer.from('anybody?'))
    world.after(60_000, () => { isAway = false })
    world.run(180_000, () => received.length > 0)
    t.equal(Buffer.concat(received).toString(), 'anybody?', `${latency} ms one way`)
  }
})

t.test('a peer that is gone has a minute, and on a short path little more', async t => {
  for (const latency of [5, 20, 50, 60, 80]) {
    const { world, client } = pair(latency)
    world.run(1_000)
    intercept(world, world.server, () => false)
    client.write(world.now, Buffer.from('anybody?'))
    const passed = world.run(600_000, () => client.state.name === 'closed')
    t.equal(code(client), 'STREAMING_TIMEOUT')
    t.ok(passed >= 60_000 && passed < 130_000, `${latency} ms one way: ${passed} ms`)
    t.ok(client.statistics.timeouts <= 15, `${client.statistics.timeouts} timeouts`)
  }
})

t.test('so has one that has choked the stream', async t => {
  const { world, client, server } = pair(5)
  world.run(1_000)
  intercept(world, world.server, packet => packet.sequence === 0)
  const ack = encodePacket(packet({ sendStreamId: client.receiveStreamId, receiveStreamId: server().receiveStreamId, delay: 65_535 }))
  world.client.core.receive(world.now, { protocol: 6, fromPort: 80, toPort: 0, payload: ack })
  intercept(world, world.server, () => false)
  client.write(world.now, Buffer.from('anybody?'))
  const passed = world.run(600_000, () => client.state.name === 'closed')
  t.equal(code(client), 'STREAMING_TIMEOUT')
  t.ok(passed >= 60_000 && passed < 130_000, `${passed} ms`)
})

t.test('inactivity: send keeps a living peer and finds a dead one, disconnect ends, noop waits', async t => {
  const living = pair(100, { client: { inactivityTimeout: 10_000 } })
  living.world.run(100_000)
  t.equal(living.client.state.name, 'open')
  t.ok(living.client.statistics.packetsSent >= 5)

  const dead = pair(100, { client: { inactivityTimeout: 10_000 } })
  dead.world.run(1_000)
  intercept(dead.world, dead.world.server, () => false)
  dead.world.run(600_000)
  t.equal(code(dead.client), 'STREAMING_TIMEOUT')

  const disconnect = pair(100, { client: { inactivityTimeout: 10_000, inactivityAction: 1 } })
  disconnect.world.run(9_999)
  t.equal(disconnect.client.state.name, 'open')
  disconnect.world.run(11_000)
  t.equal(code(disconnect.client), 'STREAMING_INACTIVE')
  t.equal(code(disconnect.server()), 'STREAMING_RESET', 'and the peer is told')

  const noop = pair(100, { client: { inactivityTimeout: 10_000, inactivityAction: 0 }, server: { inactivityTimeout: -1 } })
  noop.world.run(100_000)
  t.equal(noop.client.state.name, 'open')
})

t.test('a peer that closed its side and then is silent does not hold the stream', async t => {
  const { world, client, server } = pair(
    100, { endWithPeer: false, server: { inactivityTimeout: -1 }, client: { inactivityTimeout: 20_000 } }
  )
  client.end(world.now)
  world.run(31_000)
  t.equal(code(client), 'STREAMING_INACTIVE')
  t.equal(code(server()), 'STREAMING_RESET')
})

t.test('the lower MTU of the two is used, 512 at the least', async t => {
  const small = pair(10, { server: { maxMessageSize: 600 } })
  send(small.world, small.client, Buffer.alloc(100_000))
  const sizes = new Set<number>()
  small.world.run(100)
  intercept(small.world, small.world.client, packet => { sizes.add(packet.payload.length); return true })
  small.world.run(60_000)
  t.equal(small.client.maxMessageSize, 600)
  t.ok(Math.max(...sizes) <= 1730)
})

t.test('an ACK is delayed for a lone packet and prompt for a burst', async t => {
  const { world, client, server } = pair(400)
  world.run(10_000)
  const acks: number[] = []
  let start = world.now
  intercept(world, world.server, () => acks.push(world.now - start) > 0)
  client.write(world.now, Buffer.from('one')) // sequence 1: no ACK requested
  world.run(10_000)
  t.same(acks.map(Math.round), [400 + 500], 'initialAckDelay')
  acks.length = 0
  start = world.now
  for (let index = 0; index < 3; index++) {
    client.write(world.now, Buffer.alloc(1000))
    world.run(1)
  }
  world.run(10_000)
  t.ok(acks[0]! <= 400 + 2 + 120, `${acks[0]}`)
  t.equal(server().statistics.duplicates, 0)
})

t.test('the CLOSE is acknowledged again after the stream is gone', async t => {
  const { world, client } = pair(100)
  client.end(world.now)
  let lost = 0
  // The client's last ACK is lost, so the server repeats its CLOSE to a stream that the client has forgotten.
  intercept(world, world.client, packet => packet.synchronize || packet.sequence > 0 || ++lost > 1)
  world.run(60_000)
  t.equal(code(client), 'in order')
  t.ok(lost > 1, 'the tombstone answered')
  t.equal(world.server.core.size, 0)
})

t.test('what an abandoned stream wrote is still delivered', async t => {
  const { world, client, received } = pair(100)
  const data = Buffer.alloc(60_000, 'h')
  t.equal(client.write(world.now, data), data.length)
  client.abandon(world.now)
  world.run(60_000)
  t.ok(Buffer.concat(received).equals(data))
  t.equal(code(client), 'in order')
})

t.test('a SYN reply to a stream that was given up is answered with a RESET', async t => {
  const { world, client, server } = pair(100)
  world.run(50)
  client.reset(world.now)
  world.run(1_000)
  t.equal(code(server()), 'STREAMING_RESET')
})

t.test('a later stream starts from what an earlier one learned', async t => {
  const { world, client } = pair(100)
  const pump = send(world, client, Buffer.alloc(300_000))
  const onClient = world.client.onEvent
  world.client.onEvent = event => { if (event.type === 'drain') pump(); onClient(event) }
  world.run(60_000, () => client.state.name === 'closed')
  world.run(10)
  const later = world.connect(80)
  t.equal(later.statistics.window, 64)
  t.ok(Math.abs(later.statistics.rtt! - 215) < 20, `${later.statistics.rtt}`)
  world.run(11 * 60_000)
  t.equal(world.connect(80).statistics.window, 6, 'for ten minutes')
})

t.test('ping and pong', async t => {
  const world = new World({ seed: 5, latency: 40 })
  const pongs: unknown[] = []
  world.client.onEvent = event => { if (event.type === 'pong') pongs.push([event.id, event.rtt, event.payload.toString()]) }
  const id = world.client.core.ping(
    world.now, world.server.keys.destination, { payload: Buffer.from('0123456789012345678901234567890123456789') }
  )
  world.run(1_000)
  t.same(pongs, [[id, 80, '01234567890123456789012345678901']], 'the first 32 bytes come back')
  const mute = new World({ seed: 5, latency: 40 }, { server: { answerPings: false } })
  mute.client.onEvent = () => t.fail('answered')
  mute.client.core.ping(mute.now, mute.server.keys.destination)
  mute.run(1_000)
})
