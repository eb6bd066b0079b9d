import t from 'tap'
import { readFileSync } from 'node:fs'
import { OPTION_TABLE, StreamingError, decodePacket, defaultOptions, parseOptions, resolveOptions } from '../src/core.ts'
import type { Connection, StreamingOptions } from '../src/core.ts'
import { EPOCH, World } from './support/world.ts'
import { dispatch, drain, send } from './support/transfer.ts'

const documentation = readFileSync(new URL('../../../docs/reference/streaming.md', import.meta.url), 'utf8')
/** Name and default of each row of the table "Options". */
const rows = documentation.split('## Options')[1]!.split('\n## ')[0]!.split('\n')
  .map(line => line.split('|').map(cell => cell.trim()))
  .filter(cells => cells[1]?.startsWith('`i2'))
  .map(cells => ({ name: cells[1]!.replaceAll('`', ''), value: cells[3]! }))

const world = (
  client: Partial<StreamingOptions> = {}, server: Partial<StreamingOptions> = {}
): World => new World({ seed: 9, latency: 100 }, { client, server })
const code = (connection: Connection): string | undefined => connection.state.name === 'closed'
  ? connection.state.error?.code ??
  'in order'
  : connection.state.name
const hash = (of: World): string => of.client.keys.destination.b32

/** Opens streams one after the other and tells how each one fared. */
function attempts (in_: World, count: number): Array<string | undefined> {
  return Array.from({ length: count }, () => {
    const connection = in_.connect()
    in_.run(1_000)
    return code(connection)
  })
}

/** Opens one, and tells what the world looks like some time later. */
function after<T> (
  ms: number, client: Partial<StreamingOptions>, server: Partial<StreamingOptions>, look: (world: World, connection: Connection) => T
): T {
  const w = world(client, server)
  dispatch(w.server)
  const connection = w.connect()
  w.run(ms)
  return look(w, connection)
}

/** Time until a transfer of `size` bytes is through, ms. */
function transfer (size: number, client: Partial<StreamingOptions>, server: Partial<StreamingOptions> = {}): number {
  const w = world(client, server)
  const on = dispatch(
    w.server, connection => on(connection, event => { drain(w, connection); if (event.type === 'end') connection.end(w.now) })
  )
  const onClient = dispatch(w.client)
  const connection = w.connect()
  const pump = send(w, connection, Buffer.alloc(size))
  onClient(connection, event => { if (event.type === 'drain') pump() })
  return w.run(600_000, () => connection.state.name === 'closed')
}

function packets (w: World, ms: number): Array<ReturnType<typeof decodePacket> & { at: number }> {
  const seen: Array<ReturnType<typeof decodePacket> & { at: number }> = []
  for (const { out } of [w.client, w.server]) {
    const original = out.send.bind(out)
    out.send = (now, size, message) => {
      seen.push({ ...decodePacket(message.payload), at: now - EPOCH })
      original(now, size, message)
    }
  }
  w.run(ms)
  return seen
}

function firstPackets (client: Partial<StreamingOptions>, size = 0): Array<ReturnType<typeof decodePacket> & { at: number }> {
  const w = world(client)
  const connection = w.connect()
  if (size > 0) connection.write(w.now, Buffer.alloc(size))
  return packets(w, 90)
}

/** The dampened value of a second control block: 100, then 200. */
function dampened (options: Partial<StreamingOptions>, pick: 'rtt' | 'rttvar' | 'window'): number {
  const { core } = world(options).client
  for (const value of [20, 40]) core.controlBlocks.update(EPOCH, 'peer', { rtt: value, rttvar: value, window: value })
  return core.controlBlocks.get(EPOCH, 'peer')![pick]
}

const limits = (field: keyof StreamingOptions) => (): boolean => {
  const w = world({}, { [field]: 2 })
  const fared = attempts(w, 3)
  return fared[0] === 'open' && fared[1] === 'open' && fared[2] === 'STREAMING_REFUSED'
}

/** Each returns true if the option does what it should, and not doing so without it is implied by the value of the default. */
const acts: Record<string, () => boolean> = {
  'i2cp.accessList': () => {
    const w = world()
    return attempts(world({}, { accessList: [hash(w)], enableBlackList: true }), 1)[0] === 'STREAMING_REFUSED'
  },
  'i2cp.destination.sigType': () => throwsCode('STREAMING_UNSUPPORTED', () => world({ destinationSigType: 0 })),
  'i2cp.enableAccessList': () => {
    const w = world()
    return attempts(world({}, { enableAccessList: true }), 1)[0] === 'STREAMING_REFUSED' &&
      attempts(world({}, { enableAccessList: true, accessList: [hash(w)] }), 1)[0] === 'open'
  },
  'i2cp.enableBlackList': () => attempts(world({}, { enableBlackList: false, accessList: [hash(world())] }), 1)[0] === 'open',
  'i2p.streaming.answerPings': () => {
    const w = world({}, { answerPings: false })
    w.client.core.ping(w.now, w.server.keys.destination)
    return packets(w, 1_000).every(packet => packet.sendStreamId !== 0)
  },
  'i2p.streaming.blacklist': () => attempts(
    world({}, { blacklist: [world().client.keys.destination.hash.toString('base64').replaceAll('+', '-').replaceAll('/', '~')] }), 1
  )[0] === 'STREAMING_REFUSED',
  'i2p.streaming.bufferSize': () => world({ bufferSize: 1000 }).connect().write(EPOCH, Buffer.alloc(5000)) === 1000,
  'i2p.streaming.congestionAvoidanceGrowthRateFactor': () => transfer(
    2_000_000, { congestionAvoidanceGrowthRateFactor: 100 }
  ) > transfer(2_000_000, {}),
  'i2p.streaming.connectDelay': () => {
    const late = firstPackets({ connectDelay: 50 })
    return late.length === 1 && late[0]!.at === 50 && firstPackets({ connectDelay: 50 }, 2_000)[0]!.at === 0
  },
  'i2p.streaming.connectTimeout': () => {
    const w = world({ connectTimeout: 5_000 })
    w.client.out.send = () => {}
    const connection = w.connect()
    w.run(4_999)
    const before = code(connection)
    w.run(1)
    return before === 'connecting' && code(connection) === 'STREAMING_CONNECT_TIMEOUT'
  },
  'i2p.streaming.disableRejectLogging': () => {
    const rejections = (disableRejectLogging: boolean): number => {
      const w = world({}, { maxConcurrentStreams: 1, disableRejectLogging })
      let count = 0
      w.server.onEvent = event => { count += event.type === 'rejected' ? 1 : 0 }
      attempts(w, 2)
      return count
    }
    return rejections(false) === 1 && rejections(true) === 0
  },
  'i2p.streaming.dsalist': () => {
    const w = world({ dsalist: [world().server.keys.destination.b32, 'some.i2p'] })
    return throwsCode('STREAMING_UNSUPPORTED', () => w.connect())
  },
  'i2p.streaming.enforceProtocol': () => [true, false].every(enforceProtocol => {
    const w = world({}, { enforceProtocol })
    const original = w.server.core.receive.bind(w.server.core)
    w.server.core.receive = (now, message) => original(now, { ...message, protocol: 18 })
    return (attempts(w, 1)[0] === 'open') === !enforceProtocol
  }),
  'i2p.streaming.inactivityAction': () => after(
    25_000, { inactivityTimeout: 10_000, inactivityAction: 1 }, {}, (_, connection) => code(connection)
  ) === 'STREAMING_INACTIVE',
  'i2p.streaming.inactivityTimeout': () => after(
    25_000, { inactivityTimeout: 10_000 }, {}, (_, connection) => connection.statistics.packetsSent
  ) > 1 &&
    after(25_000, {}, {}, (_, connection) => connection.statistics.packetsSent) === 1,
  'i2p.streaming.initialAckDelay': () => after(5_000, {}, { initialAckDelay: 50 }, (w, connection) => {
    const start = w.now - EPOCH
    connection.write(w.now, Buffer.from('x'))
    return packets(w, 1_000)[1]!.at - start
  }) === 150,
  'i2p.streaming.initialResendDelay': () => firstPackets({ initialResendDelay: 7_000 })[0]!.resendDelay === 7,
  'i2p.streaming.initialRTO': () => {
    const w = world({ initialRTO: 200 })
    w.connect()
    w.client.out.send = () => {}
    w.run(250)
    return [...w.client.core.connections()][0]!.statistics.timeouts === 1
  },
  'i2p.streaming.initialRTT': () => {
    // The server knows no RTT when it acknowledges early packets: at once if the RTT is taken for tiny.
    const acks = (initialRTT: number): number => {
      const w = world({}, { initialRTT })
      const connection = w.connect()
      w.run(60)
      connection.write(w.now, Buffer.alloc(3_000))
      return packets(w, 200).find(packet => packet.sequence === 0 && packet.ackThrough === 2)?.at ?? Infinity
    }
    return acks(1) < acks(8_000)
  },
  'i2p.streaming.initialWindowSize': () => firstPackets({ initialWindowSize: 2 }, 20_000).length === 2,
  'i2p.streaming.limitAction': () => {
    const answer = (limitAction: string): string => {
      const w = world({ connectTimeout: 2_000 }, { maxConcurrentStreams: 1, limitAction })
      attempts(w, 1)
      const connection = w.connect()
      w.run(3_000)
      return Buffer.concat(drain(w, connection)).toString() || code(connection)!
    }
    return answer('reset') === 'STREAMING_REFUSED' && answer('drop') === 'STREAMING_CONNECT_TIMEOUT' &&
      answer('http').startsWith('HTTP/1.1 429 ') && answer('busy\\r\\n') === 'busy\r\n'
  },
  'i2p.streaming.maxConcurrentStreams': () => {
    const out = world({ maxConcurrentStreams: 1 })
    out.connect()
    return attempts(world({}, { maxConcurrentStreams: 1 }), 2)[1] === 'STREAMING_REFUSED' &&
      throwsCode('STREAMING_TOO_MANY', () => out.connect())
  },
  'i2p.streaming.maxConnsPerMinute': () => {
    const w = world({}, { maxConnsPerMinute: 1 })
    const fared = attempts(w, 2)
    w.run(60_000)
    return fared[1] === 'STREAMING_REFUSED' && attempts(w, 1)[0] === 'open'
  },
  'i2p.streaming.maxConnsPerHour': limits('maxConnsPerHour'),
  'i2p.streaming.maxConnsPerDay': limits('maxConnsPerDay'),
  'i2p.streaming.maxMessageSize': () => firstPackets({ maxMessageSize: 700 }, 5_000)
    .every(packet => packet.payload.length <= 700) && firstPackets({ maxMessageSize: 700 })[0]!.maxPacketSize === 700,
  'i2p.streaming.maxResends': () => {
    const w = world({ maxResends: 1, connectTimeout: -1, initialRTO: 100 })
    w.client.out.send = () => {}
    const connection = w.connect()
    w.run(60_000)
    return code(connection) === 'STREAMING_TIMEOUT' && connection.statistics.packetsSent === 2
  },
  'i2p.streaming.maxTotalConnsPerMinute': limits('maxTotalConnsPerMinute'),
  'i2p.streaming.maxTotalConnsPerHour': limits('maxTotalConnsPerHour'),
  'i2p.streaming.maxTotalConnsPerDay': limits('maxTotalConnsPerDay'),
  'i2p.streaming.maxWindowSize': () => transfer(300_000, { maxWindowSize: 4 }) > 2 * transfer(300_000, {}),
  'i2p.streaming.profile': () => firstPackets({ profile: 2 }, 5_000)
    .every(packet => packet.profileInteractive && packet.delay === 0) && firstPackets({}, 5_000).some(packet => packet.delay === undefined),
  'i2p.streaming.readTimeout': () => after(
    3_500, { readTimeout: 3_000 }, {}, (_, connection) => code(connection)
  ) === 'STREAMING_READ_TIMEOUT',
  'i2p.streaming.slowStartGrowthRateFactor': () => transfer(100_000, { slowStartGrowthRateFactor: 4 }) > transfer(100_000, {}),
  'i2p.streaming.tcbcache.rttDampening': () => dampened({ rttDampening: 0.5 }, 'rtt') === 30,
  'i2p.streaming.tcbcache.rttdevDampening': () => dampened({ rttdevDampening: 0.5 }, 'rttvar') === 30,
  'i2p.streaming.tcbcache.wdwDampening': () => dampened({ wdwDampening: 0.5 }, 'window') === 30,
  'i2p.streaming.writeTimeout': () => {
    const w = world({ writeTimeout: 3_000 })
    dispatch(w.server)
    const connection = w.connect()
    w.run(1_000)
    // Nobody reads: after the choke nothing leaves.
    while (connection.write(w.now, Buffer.alloc(60_000)) > 0 && w.now < EPOCH + 60_000) w.run(500)
    w.run(60_000)
    return code(connection) === 'STREAMING_WRITE_TIMEOUT'
  }
}

function throwsCode (expected: string, action: () => unknown): boolean {
  try {
    action()
    return false
  } catch (error) {
    return error instanceof StreamingError && error.code === expected
  }
}

t.test('the table of the documentation, the table of the source and the checks below name the same options', async t => {
  const names = OPTION_TABLE.map(row => row.name)
  t.same(rows.map(row => row.name), names)
  t.same(Object.keys(acts), names)
  t.equal(names.length, 38)
})

t.test('the documented default is the default', async t => {
  for (const { name, value } of rows) {
    const row = OPTION_TABLE.find(candidate => candidate.name === name)!
    const actual = row.type === 'list' ? 'empty' : String(row.default)
    t.equal(actual, value, name)
  }
})

t.test('each option acts', async t => {
  for (const [name, check] of Object.entries(acts)) t.ok(check(), name)
})

t.test('bounds and types are checked, by name and by field', async t => {
  for (const row of OPTION_TABLE) {
    const wrong = row.type === 'number'
      ? [row.min - 1, row.max + 1, NaN, '1']
      : row.type === 'text' ? [1, 'x'.repeat(row.max + 1)] : [1, 'yes', [1]]
    for (const value of wrong) {
      t.ok(throwsCode('STREAMING_BAD_OPTION', () => resolveOptions({ [row.field]: value })), `${row.name}: ${String(value).slice(0, 20)}`)
    }
  }
  t.ok(throwsCode('STREAMING_BAD_OPTION', () => resolveOptions(Object.fromEntries([['windowSize', 3]]))))
  t.ok(throwsCode('STREAMING_BAD_OPTION', () => world({ blacklist: ['not a hash'] })))
  t.same(resolveOptions(), defaultOptions())
})

t.test('properties are read by their I2P names, others are left alone', async t => {
  t.same(parseOptions({
    'i2p.streaming.maxWindowSize': '64',
    'i2p.streaming.profile': 'interactive',
    'i2p.streaming.inactivityAction': 'disconnect',
    'i2cp.enableAccessList': 'true',
    'i2cp.accessList': 'a, b  c',
    'i2p.streaming.limitAction': 'http',
    'inbound.length': '3'
  }), { maxWindowSize: 64, profile: 2, inactivityAction: 1, enableAccessList: true, accessList: ['a', 'b', 'c'], limitAction: 'http' })
  t.ok(throwsCode('STREAMING_BAD_OPTION', () => parseOptions({ 'i2p.streaming.maxWindowSize': 'many' })))
})
