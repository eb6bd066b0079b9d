import { CONTAINER, decodeRate, encodeRate } from '@minwww/protocol'
import t from 'tap'
import { page, World } from './core-harness.ts'
import type { Sent } from './core-harness.ts'

const TUNNEL_BYTES = 1024

/** No limit but the session's own. */
const ALONE = { messageRate: 1e6, messageBurst: 1e6, serverRate: 1e12, maxBacklog: 1e6 }

t.test('answers that wait to be sent are counted until their last message has left', async t => {
  const world = new World({ serverRate: 32_768, maxBacklog: 16 })
  world.answer = () => page(40_000)
  for (let i = 0; i < 8; i++) world.client(`visitor ${i}`).open(1)
  t.match([world.core.load.fetches, world.core.load.sending], [0, 8])
  t.ok(world.core.load.queued >= 8 * 40_000)
  world.run(60_000)
  t.match(world.core.load, { sending: 0, queued: 0 })
})

t.test('a session starts with 64 tunnel messages at once, then 128 KB/s', async t => {
  const world = new World(ALONE)
  const alice = world.client('alice')
  world.answer = () => page(120_000)
  alice.open(1, { loss: 0 })
  const atOnce = tunnelMessages(alice.received)
  t.ok(atOnce > 56 && atOnce <= 64, `${atOnce}`)
  world.run(10_000)
  const all = alice.received
  const seconds = (all.at(-1)!.at - all[0]!.at) / 1000
  const rate = (tunnelMessages(all) - 64) * TUNNEL_BYTES / seconds
  t.ok(Math.abs(rate / 131_072 - 1) < 0.02, `${rate}`)
  t.ok(alice.replies(1).every(({ pace }) => decodeRate(pace) === 131_072), 'and says so')
})

t.test('a granted rate is kept, sixteen to 190 tunnel messages deep', async t => {
  for (const [rate, depth] of [[16_384, 16], [131_072, 32], [1_048_576, 190]] as const) {
    const world = new World(ALONE)
    const alice = world.client('alice')
    world.answer = () => page(120_000)
    const count = rate > 100_000 ? 5 : 1
    const facts = { loss: 0, rate: encodeRate(rate) }
    alice.open(1, facts)
    for (let id = 2; id <= count; id++) alice.request(id, facts)
    const atOnce = tunnelMessages(alice.received)
    t.ok(atOnce <= depth && atOnce > depth - 8, `${atOnce} of ${depth} at ${rate}`)
    world.run(60_000)
    const { received } = alice
    for (let i = 0; i < received.length; i++) if (!isWithin(received, i, rate, depth * TUNNEL_BYTES)) t.fail(`symbol ${i}`)
    t.ok(alice.replies(1).every(({ pace }) => decodeRate(pace) <= rate))
  }
})

t.test('a REPORT moves the rate while an answer leaves, an older one does not', async t => {
  const world = new World(ALONE)
  const alice = world.client('alice')
  world.answer = () => page(120_000)
  const report = (id: number, rate: number): void =>
    alice.send({
      type: 'report',
      attempt: 0,
      flags: 0,
      session: alice.session.session,
      id,
      loss: 0,
      rate: encodeRate(rate),
      shape: 8,
      time: 0,
      queue: 0,
      received: 0
    })
  alice.open(1, { loss: 0, rate: encodeRate(16_384) })
  world.run(1_000)
  const before = tunnelMessages(alice.received)
  report(2, 65_536)
  report(1, 8_192)
  report(2, 8_192)
  world.run(1_000)
  const within = tunnelMessages(alice.received) - before
  t.ok(within >= 56 && within <= 96, `${within} tunnel messages in the second after it`)
  t.equal(world.core.stats.replayed, 2)
})

t.test('a symbol larger than the bucket goes when the bucket is full', async t => {
  const world = new World(ALONE)
  const alice = world.client('alice')
  world.answer = () => page(58_000)
  alice.open(1, { loss: 0, rate: encodeRate(8192), shape: 61 })
  alice.request(2, { loss: 0, rate: encodeRate(8192), shape: 61 })
  world.run(60_000)
  t.equal(alice.received.length, 2)
  const gap = alice.received[1]!.at - alice.received[0]!.at
  t.ok(gap > 6000 && gap < 8000, `${gap} ms for 59 KB at 8 KB/s`)
})

t.test('24 messages back to back, then 4,800 a second over all sessions', async t => {
  const world = new World({ serverRate: 1e12, maxBacklog: 1e6 })
  const clients = Array.from({ length: 10 }, (_, i) => world.client(`client ${i}`))
  world.answer = () => page(60_000)
  for (const client of clients) client.open(1, { loss: 0, shape: 1, rate: encodeRate(8e6) })
  t.equal(world.sent.length, 24)
  world.run(5000)
  const seconds = (world.sent.at(-1)!.at - world.sent[0]!.at) / 1000
  t.ok(Math.abs((world.sent.length - 24) / seconds / 4_800 - 1) < 0.05)
})

t.test('never more than 400 tunnel messages that the router has not likely sent', async t => {
  const serverRate = 500_000
  const world = new World({ messageRate: 1e6, messageBurst: 1e6, serverRate })
  const clients = Array.from({ length: 12 }, (_, i) => world.client(`client ${i}`))
  world.answer = () => page(120_000)
  for (const client of clients) client.open(1, { loss: 0, rate: encodeRate(2e6) })
  t.ok(tunnelMessages(world.sent) <= 400 && tunnelMessages(world.sent) > 390)
  world.run(60_000)
  for (let i = 0; i < world.sent.length; i += 7) if (!isWithin(world.sent, i, serverRate, 400 * TUNNEL_BYTES)) t.fail(`message ${i}`)
  t.ok(clients.every(client => client.assemble(client.replies(1))?.equals(page(120_000))))
})

t.test('the first symbol of each reply goes first, then one of each in turn', async t => {
  const world = new World({ ...ALONE, initialDepth: 3, initialRate: 20_000 })
  const alice = world.client('alice')
  world.answer = () => undefined
  alice.open(1, { loss: 0, shape: 2 })
  for (let id = 2; id < 5; id++) alice.request(id, { loss: 0, shape: 2 })
  for (const { handle } of world.fetches) world.core.respond(world.now, handle, page(9000))
  world.run(30_000)
  const order = alice.received.map(({ message }) => message.id)
  t.strictSame(order.slice(0, 4), [1, 2, 3, 4])
  t.strictSame(order.slice(4, 8).toSorted(), [1, 2, 3, 4])
  t.strictSame(order.slice(8, 12).toSorted(), [1, 2, 3, 4])
  alice.request(5, { loss: 0, shape: 2 })
  t.equal(order.length, 24)
})

t.test('a page that comes later does not wait behind a long one', async t => {
  const world = new World({ ...ALONE, initialDepth: 4, initialRate: 20_000 })
  const alice = world.client('alice')
  world.answer = () => page(100_000)
  alice.open(1, { loss: 0 })
  world.run(1000)
  world.answer = () => page(500)
  const start = world.now
  alice.request(2, { loss: 0 })
  world.run(60_000)
  const at = alice.received.find(({ message }) => message.id === 2)!.at
  t.ok(at - start < 1000, `${at - start} ms`)
})

t.test('sessions share what limits the server, and the pace tells it', async t => {
  const world = new World({ messageRate: 1e6, messageBurst: 1e6, serverRate: 200_000, maxBacklog: 16 })
  const clients = Array.from({ length: 4 }, (_, i) => world.client(`client ${i}`))
  world.answer = () => page(100_000)
  for (const client of clients) client.open(1, { loss: 0, rate: encodeRate(1e6) })
  world.run(60_000)
  for (const client of clients) {
    const received = client.received
    const middle = received.slice(2, -4)
    const seconds = (middle.at(-1)!.at - middle[0]!.at) / 1000
    const rate = tunnelMessages(middle.slice(1)) * TUNNEL_BYTES / seconds
    const paces = middle.map(({ message }) => message.type === 'reply' ? decodeRate(message.pace) : 0)
    const pace = paces.reduce((sum, value) => sum + value, 0) / paces.length
    t.ok(rate / pace > 0.85 && rate / pace < 1.25, `${Math.round(rate)} B/s, announced ${Math.round(pace)}`)
  }
})

t.test('the pace is what the operator gives, shared by the sessions', async t => {
  const limit = 65_536
  for (const [sessions, shape] of [[1, 1], [1, 8], [3, 8]] as const) {
    const world = new World({ limit, serverRate: 1.3 * limit })
    const clients = Array.from({ length: sessions }, (_, i) => world.client(`client ${i}`))
    world.answer = () => undefined
    for (const client of clients) client.open(1, { loss: 0, shape, rate: encodeRate(1e6) })
    for (const { handle } of world.fetches) world.core.respond(world.now, handle, page(120_000))
    world.flush()
    // Rates count whole tunnel messages of 1024 bytes, the limit payloads with their containers.
    const { tunnelMessages: m, length } = clients[0]!.received[0]!
    const given = limit * m * TUNNEL_BYTES / (length + CONTAINER) / sessions
    const paces = clients.flatMap(client => client.replies(1).slice(0, 5)).map(({ pace }) => decodeRate(pace))
    t.ok(paces.every(pace => pace <= given && pace > 0.9 * given), `${paces.at(-1)} of ${given}`)
  }
})

t.test('paced symbols tell the pace too: 24 at once, then what all sessions may send', async t => {
  const world = new World({ messageRate: 480 })
  const [alice, bob] = [world.client('alice'), world.client('bob')]
  world.answer = () => page(120_000)
  for (const client of [alice, bob]) client.open(1, { loss: 0, shape: 1, rate: encodeRate(480_000) })
  world.run(10_000)
  const paced = alice.received.slice(40)
  const rate = tunnelMessages(paced.slice(1)) * TUNNEL_BYTES / ((paced.at(-1)!.at - paced[0]!.at) / 1000)
  const paces = alice.replies(1).map(({ pace }) => decodeRate(pace))
  t.ok(rate / paces[45]! > 0.85 && rate / paces[45]! < 1.15, `${rate} of ${paces[45]}`)
})

t.test('timers fire exactly when something can happen', async t => {
  const world = new World({ ...ALONE, initialDepth: 2, initialRate: 10_240 })
  const alice = world.client('alice')
  world.answer = () => page(5000)
  alice.open(1, { loss: 0, shape: 1 })
  t.equal(alice.received.length, 2)
  const due = world.core.nextTimeout()!
  world.run(due - world.now - 1)
  t.equal(alice.received.length, 2, 'not a millisecond before')
  world.run(1)
  world.flush()
  t.equal(alice.received.length, 3)
  world.run(20_000)
  t.equal(world.core.idle, true)
  t.ok(world.core.nextTimeout()! - world.now > 10_000, 'nothing to do but to forget')
})

function tunnelMessages (sent: Sent[]): number {
  return sent.reduce((sum, { tunnelMessages }) => sum + tunnelMessages, 0)
}

/** Whether from the i-th message on never more left than rate and depth allow (one symbol may overdraw). */
function isWithin (sent: Sent[], start: number, rate: number, depth: number): boolean {
  let bytes = 0
  return sent.slice(start).every(({ at, tunnelMessages }) => {
    bytes += tunnelMessages * TUNNEL_BYTES
    return bytes <= depth + (at - sent[start]!.at) / 1000 * rate + 1
  })
}
