/** The exit's core message by message: what each does, and what is counted (sections 4 and 8). */
import { INCARNATION, PUSH_IDS, TOKEN, type Once, type TaggedMessage } from '@minwww/protocol'
import { EPOCH } from '@minwww/testkit'
import t from 'tap'
import type { ServerConfig } from '../src/core.ts'
import { page, World, type Client } from './core-harness.ts'

/** A client that is validated: its first page came, and it has said something since. Fetches wait for the test after that. */
function visit (config: Partial<ServerConfig> = {}): { world: World, alice: Client } {
  const world = new World(config)
  const alice = world.client('alice')
  alice.open(1)
  world.run(1_000)
  alice.request(2)
  world.run(1_000)
  world.answer = () => undefined
  return { world, alice }
}

const messages = (world: World, from = 0): TaggedMessage[] => world.sent.slice(from).map(({ message }) => message)
const kinds = (world: World, from = 0): string[] => messages(world, from).map(({ type, id }) => `${type} ${id}`)
const handleOf = (world: World): number => world.fetches.at(-1)!.handle

t.test('what is counted of a request, its answer and its repetition', async t => {
  const { world, alice } = visit()
  t.match(world.core.stats, {
    opens: 1,
    requests: 1,
    fetches: 2,
    replies: 2,
    probes: 0,
    duplicates: 0,
    repeats: 0,
    errors: 0,
    malformed: 0
  })
  t.equal(world.core.stats.symbols, world.sent.length)
  t.equal(world.core.stats.bytesSent, world.sent.reduce((sum, { length }) => sum + length, 0))
  alice.request(2)
  t.match(world.core.stats, { duplicates: 1, repeats: 0 })
  const before = world.sent.length
  alice.request(2, { attempt: 1 })
  world.run(1_000)
  t.strictSame([[...new Set(kinds(world, before))], world.core.stats.repeats, world.core.stats.fetches], [['reply 2'], 1, 2])
  t.ok(world.core.idle)
})

t.test('an answer that is still being sent is not repeated', async t => {
  const { world, alice } = visit({ initialRate: 2_048 })
  alice.request(3)
  world.core.respond(world.now, handleOf(world), page(60_000))
  alice.request(3, { attempt: 1 })
  t.equal(world.core.stats.repeats, 0)
  t.notOk(world.core.idle)
})

t.test('a WANT: counted, answered from the cache, or that nobody knows it', async t => {
  const { world, alice } = visit()
  const before = world.sent.length
  alice.want(2, 5, 1)
  world.run(1_000)
  t.match(messages(world, before), [{ type: 'reply', id: 2, index: 5, attempt: 1 }])
  t.match(world.core.stats, { wants: 1, repeats: 1 })
  alice.want(9, 0, 1)
  t.match(messages(world).at(-1), { type: 'error', id: 9, code: 1, attempt: 1 })
  t.match(world.core.stats, { wants: 2, errors: 1, replayed: 0 })
  alice.want(PUSH_IDS + 9, 0, 1)
  t.match(messages(world).at(-1), { type: 'error', id: PUSH_IDS + 9, code: 1 })
  alice.request(5_000)
  world.core.respond(world.now, handleOf(world), page(100))
  alice.want(100, 0, 1)
  t.match(world.core.stats, { wants: 4, replayed: 1 }, 'far behind')
})

t.test('a WANT for what waits to be sent is as good as answered; one for a failure has it again', async t => {
  const { world, alice } = visit({ initialRate: 2_048 })
  alice.request(3)
  world.core.respond(world.now, handleOf(world), page(60_000))
  alice.want(3, 40, 2)
  t.match(world.core.stats, { duplicates: 1, repeats: 0 })
  const failed = visit()
  failed.alice.request(3)
  failed.alice.want(3, 0, 1, { attempt: 1 })
  failed.world.core.fail(failed.world.now, handleOf(failed.world), 'connect-failed')
  failed.world.flush()
  const before = failed.world.sent.length
  failed.alice.want(3, 0, 1, { attempt: 1 })
  t.equal(failed.world.sent.length, before, 'the same attempt')
  failed.alice.want(3, 0, 1, { attempt: 2 })
  t.match(messages(failed.world, before), [{ type: 'error', id: 3, attempt: 2, code: 6 }])
})

t.test('an ERROR is sent six times at most', async t => {
  const { world, alice } = visit()
  alice.request(3)
  world.core.fail(world.now, handleOf(world), 'not-resolved', { detail: 'why' })
  for (let attempt = 1; attempt < 10; attempt++) alice.request(3, { attempt })
  t.strictSame(alice.errors(3).map(({ attempt, detail }) => [attempt, detail]), [0, 1, 2, 3, 4, 5].map(attempt => [attempt, 'why']))
  t.equal(world.core.stats.errors, 6)
})

t.test('a CANCEL of the attempt that is under way, or a later one, ends a fetch; an earlier one does not', async t => {
  const { world, alice } = visit()
  alice.request(3, { attempt: 2 })
  alice.cancel(3, 1)
  t.strictSame(world.cancelled, [])
  alice.cancel(3, 2)
  t.strictSame([world.cancelled, world.core.respond(world.now, handleOf(world), page(9))], [[handleOf(world)], 0])
  const fetches = world.core.stats.fetches
  alice.cancel(7)
  alice.request(7)
  t.equal(world.core.stats.fetches, fetches, 'an id that was given up is not new')
  t.equal(world.core.stats.pushesCancelled, 0)
})

t.test('ids of the exit\'s own are nobody else\'s', async t => {
  const { world, alice } = visit()
  const { fetches } = world.core.stats
  alice.request(PUSH_IDS)
  alice.send(body(alice, PUSH_IDS, 0))
  t.match(world.core.stats, { malformed: 2, requests: 1, fetches })
  alice.request(PUSH_IDS - 1)
  t.match(world.core.stats, { malformed: 2, requests: 2, fetches: fetches + 1 })
  const stranger = world.client('stranger')
  stranger.open(PUSH_IDS)
  t.match(world.core.stats, { malformed: 3, opens: 1 })
})

/** The first of four symbols of a request. */
function body (client: Client, id: number, index: number, o: { size?: number, length?: number, attempt?: number } = {}): TaggedMessage {
  const { size = 4_000, length = 1_000, attempt = 0 } = o
  const prefix = { attempt, flags: 0, session: client.session.session, id }
  return { type: 'body', ...prefix, size, index, last: 5, pace: 72, time: 0, symbol: Buffer.alloc(length, 255) }
}

t.test('a request in symbols: of one size, of those who can be reached, and what it says when it is whole', async t => {
  const { world, alice } = visit()
  alice.send(body(alice, 3, 0))
  t.match(world.core.load, { requests: 3, fetches: 0 })
  alice.send(body(alice, 3, 1, { size: 3_999 }))
  alice.send(body(alice, 3, 1, { length: 999 }))
  t.equal(world.core.stats.malformed, 2)
  for (const index of [1, 2, 3]) alice.send(body(alice, 3, index))
  t.strictSame(alice.errors(3).map(({ code }) => code), [9], 'no request')
  alice.send(body(alice, 3, 4))
  t.equal(alice.errors(3).length, 1)
  alice.send(body(alice, 3, 4, { attempt: 1 }))
  t.equal(alice.errors(3).length, 2)
  alice.send(body(alice, 4, 0, { size: 0 }))
  t.strictSame([alice.errors(4), world.core.load.requests], [[], 3], 'of nothing')
  const fresh = new World()
  const bob = fresh.client('bob')
  bob.open(1, { object: Buffer.alloc(0) })
  bob.send(body(bob, 2, 0))
  t.ok(bob.errors(2).length <= 1)
  const few = visit({ maxUploads: 1, maxUploadsPerSession: 1 })
  few.alice.send(body(few.alice, 3, 0))
  few.alice.send(body(few.alice, 4, 0))
  t.match(few.alice.errors(4), [{ code: 2, retryAfter: 2 }])
  t.equal(few.world.core.stats.busy, 1)
})

t.test('messages of no session, of another version, cut or forged', async t => {
  const { world, alice } = visit()
  const right = alice.requestPayload(3)
  const damaged = (at: number): Buffer => {
    const bytes = Buffer.from(right)
    bytes[at]! ^= 0x10
    return bytes
  }
  const stats = (payload: Buffer, protocol = 18): object => {
    const { malformed, unknownSessions, badTags } = world.core.stats
    world.receive(protocol, payload)
    const after = world.core.stats
    return [after.malformed - malformed, after.unknownSessions - unknownSessions, after.badTags - badTags]
  }
  t.strictSame(stats(Buffer.alloc(0)), [1, 0, 0])
  t.strictSame(stats(right.subarray(0, 13)), [1, 0, 0])
  t.strictSame(stats(damaged(0)), [1, 0, 0], 'of another version')
  t.strictSame(stats(damaged(3)), [0, 1, 0])
  t.strictSame(stats(damaged(30)), [0, 0, 1])
  t.strictSame(stats(right, 6), [0, 0, 0], 'of another protocol')
  for (const type of ['reply', 'push'] as const) {
    const common = {
      attempt: 0,
      flags: 0,
      session: alice.session.session,
      id: 9,
      size: 10,
      index: 0,
      last: 0,
      pace: 1,
      time: 0,
      symbol: Buffer.alloc(600)
    }
    const { malformed } = world.core.stats
    alice.send(type === 'reply' ? { type, part: 'whole', ...common } : { type, ...common })
    t.equal(world.core.stats.malformed, malformed + 1, `only an exit sends ${type}`)
  }
  t.equal(world.core.stats.fetches, 2)
})

t.test('a REPORT is taken once, and the newer one counts', async t => {
  const { world, alice } = visit()
  const report = (id: number): TaggedMessage => ({
    type: 'report',
    attempt: 0,
    flags: 0,
    session: alice.session.session,
    id,
    loss: 0,
    rate: 80,
    shape: 8,
    queue: 0,
    bytes: 0,
    time: 0,
    came: 0
  } as unknown as TaggedMessage)
  const { replayed, malformed } = world.core.stats
  for (const id of [5, 6, 6, 4]) alice.send(report(id))
  t.strictSame([world.core.stats.replayed - replayed, world.core.stats.malformed - malformed], [2, 0])
})

t.test('promises: ids of the exit, for those who can be reached, while there is room', async t => {
  const { world, alice } = visit({ maxFetches: 8, maxPushesPerSession: 2 })
  alice.request(3, { push: { budget: 80, digest: Buffer.alloc(0) } })
  t.match(world.fetches.at(-1), { push: { budget: 80 }, name: { id: 3 } })
  const handle = handleOf(world)
  t.strictSame(world.core.promise(world.now, 999, 2), [])
  const promised = world.core.promise(world.now, handle, 5)
  t.strictSame(promised.map(({ id }) => id), [PUSH_IDS + 1, PUSH_IDS + 2])
  t.strictSame(world.core.promise(world.now, handle, 1), [], 'two at a time')
  t.match(world.core.stats, { promises: 2 })
  const object = world.core.respond(world.now, promised[0]!.handle, page(2_000))
  t.ok(object > 2_000)
  t.match(world.core.stats, { pushes: 1, pushedBytes: object, replies: 2 })
  alice.cancel(PUSH_IDS + 2)
  t.equal(world.core.stats.pushesCancelled, 1)
  t.equal(world.core.promise(world.now, handle, 1).length, 1)
  world.core.drain(world.now)
  t.strictSame(world.core.promise(world.now, handle, 1), [])
  alice.request(4)
  t.match(alice.errors(4), [{ code: 10 }])
})

t.test('a beginning is counted, and its stream ends with it', async t => {
  const { world, alice } = visit()
  alice.request(3)
  const handle = handleOf(world)
  t.ok(world.core.respond(world.now, handle, page(3_000), 'beginning') > 3_000)
  world.run(1_000)
  t.match(world.core.stats, { beginnings: 1, replies: 3 })
  t.strictSame(world.cancelled, [])
  alice.cancel(3)
  t.strictSame(world.cancelled, [handle])
  alice.request(4)
  t.equal(world.core.respond(world.now, handleOf(world), page(3_000), 'whole', 2_000), 0)
  world.flush()
  t.match(alice.errors(4), [{ code: 3 }])
})

/** What the client of a token says. */
function tokens (world: World, alice: Client): (byte: number, time?: number) => Once {
  world.answer = () => undefined
  const before = world.sent.length
  alice.request(900, { object: Buffer.alloc(0) })
  world.run(100)
  const probe = messages(world, before)[0] as TaggedMessage & { symbol: Buffer }
  const incarnation = Buffer.from(probe.symbol.subarray(0, INCARNATION))
  return (byte, time = Math.floor(world.now / 1_000)) => ({ incarnation, time, token: Buffer.alloc(TOKEN, byte) })
}

t.test('a probe is answered by the exit\'s incarnation, and fetches nothing', async t => {
  const { world, alice } = visit()
  const { incarnation } = tokens(world, alice)(1)
  t.match(world.core.stats, { probes: 1, fetches: 2 })
  t.equal(incarnation.length, 8)
  t.equal(alice.replies(900).length, 1)
  const other = new World()
  const bob = other.client('bob')
  bob.open(1, { object: Buffer.alloc(0) })
  other.run(1_000)
  t.match(bob.replies(1).map(({ index, last, size }) => [index, last, size]), [0, 1, 2, 3, 4].map(index => [index, 4, 0]),
    'five for an OPEN')
})

t.test('a request with a token is carried out once, whatever ids it comes under', async t => {
  const { world, alice } = visit()
  const token = tokens(world, alice)
  const { fetches } = world.core.stats
  alice.request(10, { once: token(1) })
  t.match(world.fetches.at(-1)?.name, { token: /./ })
  alice.request(11, { once: token(1) })
  t.match(world.core.stats, { fetches: fetches + 1, tokensAgain: 1 })
  alice.cancel(10)
  t.strictSame(world.cancelled, [], 'the other one waits for it')
  world.core.respond(world.now, handleOf(world), page(100))
  world.run(1_000)
  t.strictSame([alice.replies(10).length > 0, alice.replies(11).length > 0], [false, true])
  alice.request(12, { once: token(1) })
  world.run(1_000)
  t.strictSame([alice.replies(12).length > 0, world.core.stats.tokensAgain, world.core.stats.fetches], [true, 2, fetches + 1])
  alice.request(20, { once: token(2) })
  alice.cancel(20)
  t.equal(world.cancelled.length, 1, 'nobody waits for it')
  alice.request(30, { once: token(3) })
  world.core.fail(world.now, handleOf(world), 'connect-failed')
  alice.request(31, { once: token(3) })
  t.match(alice.errors(31), [{ code: 6 }])
})

t.test('a token of before the start, or one too many, is refused', async t => {
  const { world, alice } = visit({ maxTokens: 1, maxTokensPerClient: 1 })
  const token = tokens(world, alice)
  alice.request(10, { once: { ...token(1), incarnation: Buffer.alloc(8, 9) } })
  t.match(alice.errors(10), [{ code: 11, size: world.now - EPOCH }])
  t.equal(world.core.stats.tokensBefore, 1)
  alice.request(11, { once: token(1) })
  alice.request(12, { once: token(2) })
  t.match(alice.errors(12), [{ code: 2 }])
  t.match(world.core.stats, { tokensRefused: 1 })
})

t.test('limits of the operator are taken up, and a core is idle when all is sent', async t => {
  const { world, alice } = visit()
  world.core.setLimits(world.now, { limit: 10_000, serverRate: 10_000, maxBacklog: 3 })
  alice.request(3)
  t.notOk(world.core.idle)
  world.core.respond(world.now, handleOf(world), page(40_000))
  world.run(500)
  t.notOk(world.core.idle)
  world.run(20_000)
  t.ok(world.core.idle)
  t.match(world.core.load, { sessions: 1, fetches: 0, pushes: 0, tokens: 0, queued: 0, sending: 0 })
})
