import { I2cpError, SessionCore } from '@minwww/i2cp'
import { encodeDatagram2, LocalDestination } from '@minwww/i2cp/codec'
import { computeTag, encodeMessage, encodeObject, encodeResponse, TAG } from '@minwww/protocol'
import { Bench, FakeExit } from '../../../packages/minwww-client/test/core-fake-exit.ts'
import { Client, GET, World } from '../../../packages/minwww-server/test/core-harness.ts'
import { SeededRandom } from '@minwww/testkit'
import { bound, type Target } from '../target.ts'
import { FRAMES } from './i2cp.ts'

const HEADER = 5
const template = new Client(new World(), 'template')
const mine = (payload: Buffer): Buffer => payload.subarray(0, payload.length - TAG)
const base = { attempt: 1, flags: 0, session: template.session.session, id: 1 }

/** Content of messages without their tags: each world puts on the ones of its own session. */
const TO_EXIT = [
  mine(template.requestPayload(2)),
  mine(encodeMessage({ type: 'want', ...base, loss: 20, rate: 90, shape: 6, from: 0, count: 3 }, template.session.client)),
  mine(encodeMessage({ type: 'cancel', ...base }, template.session.client)),
  mine(encodeMessage({ type: 'report', ...base, loss: 20, rate: 90, shape: 6, time: 7, queue: 80, received: 40 }, template.session.client)),
  mine(encodeMessage({ type: 'request', ...base, loss: 0, rate: 0, max: 72, shape: 61, object: GET }, template.session.client))
]
const symbol = { ...base, attempt: 0, size: 500, index: 0, last: 1, pace: 72, time: 9 }
const TO_CLIENT = [
  mine(encodeMessage({ type: 'reply', part: 'whole', ...symbol, symbol: Buffer.alloc(400, 1) }, template.session.server)),
  mine(encodeMessage({ type: 'reply', part: 'whole', ...symbol, size: 0, last: 0, symbol: Buffer.alloc(600) }, template.session.server)),
  ...(['whole', 'beginning'] as const).map(part => mine(encodeMessage({
    type: 'reply',
    part,
    ...symbol,
    last: 0,
    symbol: encodeObject(
      encodeResponse({ status: 200, reason: 'OK', headers: [], body: Buffer.from('page') })
    )
  }, template.session.server))),
  mine(encodeMessage({ type: 'working', ...base, next: 5 }, template.session.server)),
  mine(encodeMessage({ type: 'error', ...base, code: 2, retryAfter: 1, size: 0, detail: 'busy' }, template.session.server)),
  mine(encodeMessage({ type: 'body', ...symbol, symbol: Buffer.alloc(400, 1) }, template.session.server))
]
const SESSION_OFFSET = 4

/** A message that the other end could have written: any content under this session's id and tag. */
function signed (content: Buffer, session: Buffer, key: Buffer): Buffer {
  const bytes = Buffer.from(content)
  if (bytes.length >= SESSION_OFFSET + session.length) bytes.set(session, SESSION_OFFSET)
  return Buffer.concat([bytes, computeTag(key, bytes)])
}

function playExit (bytes: Buffer, random: SeededRandom): void {
  const world = new World()
  const alice = world.client('template')
  alice.open(1)
  world.receive(18, signed(bytes, alice.session.session, alice.session.client))
  if (random.chance(4)) world.receive(19, encodeDatagram2(alice.keys, world.keys.destination.hash, bytes))
  else world.receive(random.pick([18, 19, 6, 0]), bytes)
  world.run(random.below(4_000))
  world.receive(18, signed(random.pick(TO_EXIT), alice.session.session, alice.session.client))
  world.receive(18, signed(bytes, alice.session.session, alice.session.client))
  world.run(60_000)
  const sent = world.sent.reduce((sum, { length }) => sum + length, 0)
  bound(sent < 2_000_000, 'bytes that an exit sends for four messages')
}

function playClient (bytes: Buffer, random: SeededRandom): void {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.ready('one', exit)
  bench.get()
  bench.sent()
  const [keys] = exit.sessions.values()
  if (keys === undefined) throw new Error('no session was opened')
  const message = (content: Buffer) => ({
    protocol: random.chance(16) ? 19 : 18, fromPort: 80, toPort: 4480, payload: signed(content, keys.session, keys.server)
  })
  for (const content of [bytes, random.pick(TO_CLIENT), bytes]) {
    bench.receive(message(content))
    bench.wait(random.below(3_000))
    bench.events()
  }
  bench.receive({ protocol: 18, fromPort: 80, toPort: 4480, payload: bytes })
  bench.wait(120_000)
  bound(bench.outcomes().length <= 1, 'answers to one request')
}

const source = new SeededRandom(3)
const own = LocalDestination.generate(n => source.bytes(n))

function playSession (bytes: Buffer, random: SeededRandom): void {
  const core = new SessionCore({
    keys: own,
    random: n => random.bytes(n),
    options: { 'i2cp.leaseSetEncType': '4' },
    leaseSet: { encryptionTypes: [4], options: {}, unpublished: false },
    idle: {},
    gzip: false,
    leaseSetDelay: 'auto',
    reconnect: true,
    waitForRouter: false,
    timeouts: { connect: 10_000, handshake: 30_000, tunnels: 600_000, liveness: 60_000, close: 500 },
    backoff: { min: 1_000, max: 60_000 }
  })
  let now = 1_700_000_000_000
  const settle = (): void => {
    for (let step = 0; ; step++) {
      if (step > 10_000) throw new Error('livelock')
      if (core.pollEvent() === undefined && core.pollTransmit() === undefined) break
    }
  }
  core.start(now)
  core.connected(now)
  settle()
  // SetDate, SessionStatus, RequestVariableLeaseSet: half of the sequences get to a session that is ready.
  const greeting = random.chance(2) ? [FRAMES[18]!, FRAMES[9]!, FRAMES[10]!] : []
  for (const frame of [...greeting, bytes, random.pick(FRAMES), bytes]) {
    if (frame.length < HEADER) continue
    try {
      core.receive(now, frame[HEADER - 1]!, frame.subarray(HEADER))
    } catch (error) {
      if (!(error instanceof I2cpError)) throw error
    }
    settle()
    now += random.below(5_000)
    const timeout = core.nextTimeout()
    if (timeout !== undefined && timeout <= now) core.handleTimeout(now)
    settle()
  }
}

export const CORE_TARGETS: Target[] = [
  { name: 'exit core, sequences of messages', weight: 0.1, samples: TO_EXIT, decode: playExit },
  { name: 'client core, sequences of messages', weight: 0.05, samples: TO_CLIENT, decode: playClient },
  { name: 'session core, sequences of I2CP messages', weight: 0.2, samples: FRAMES, decode: playSession }
]
