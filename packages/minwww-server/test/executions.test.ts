import { LocalDestination } from '@minwww/i2cp/codec'
import { encodeObject, encodeRequestHead, ErasureEncoder, ERROR_CODES, joinBlock, sessionKeys } from '@minwww/protocol'
import type { Once } from '@minwww/protocol'
import { EPOCH, seeded, seedOf } from '@minwww/testkit'
import fc from 'fast-check'
import t from 'tap'
import { DEFAULT_CONFIG, type ServerConfig } from '../src/core/config.ts'
import { Executions } from '../src/core/executions.ts'
import { Session } from '../src/core/session.ts'
import { page, World, type Client } from './core-harness.ts'

const SECOND = 1_000
const INCARNATION = Buffer.from('incarnat')
const POST = encodeObject(encodeRequestHead({ method: 'POST', url: 'http://site.i2p/form', headers: [], body: Buffer.from('a=b') }), {
  kind: 'request'
})
const sessions = ['a', 'b', 'c'].map(name =>
  new Session(EPOCH, LocalDestination.generate(seeded(name)).destination, sessionKeys(seeded(name)(16)), DEFAULT_CONFIG))

function tableOf (config: Partial<ServerConfig> = {}, clockOffset = () => 0) {
  return new Executions(EPOCH, INCARNATION, { ...DEFAULT_CONFIG, ...config }, clockOffset)
}

const onceOf = (token: number, time = EPOCH / SECOND, incarnation = INCARNATION): Once => ({
  incarnation,
  time,
  token: Buffer.alloc(16, token)
})

t.test('a token is new once, whoever asks, when, how full the table is and whatever the clocks say', async t => {
  const step = fc.record({
    wait: fc.constantFrom(0, 0, 100, 5_000, 100_000, 299_000),
    session: fc.nat(2),
    token: fc.nat(14),
    ago: fc.integer({ min: -95, max: 400 }),
    jump: fc.constantFrom(0, 0, 0, -3_600_000, 3_600_000)
  })
  let full = 0
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), steps => {
    let [now, offset] = [EPOCH, 0]
    const table = tableOf({ maxTokens: 5, maxTokensPerClient: 3 }, () => offset)
    const times = new Map<number, number>()
    const begun = new Set<number>()
    const refused = new Set<string>()
    for (const { wait, session, token, ago, jump } of steps) {
      now += wait
      offset += jump
      table.handleTimeout(now)
      const time = times.get(token) ?? Math.floor((now + offset) / SECOND) - ago
      times.set(token, time)
      const { kind } = table.admit(now, sessions[session]!, onceOf(token, time))
      if (kind === 'new' && begun.has(token)) throw new Error('begun twice')
      const asked = `${session} ${token}`
      if (kind === 'new' && refused.has(asked)) throw new Error('begun although its client was told that it never would be')
      if (kind === 'new') begun.add(token)
      if (kind === 'full') refused.add(asked)
      if (kind === 'full') full++
      if (table.size > 5) throw new Error('more than there is room for')
    }
  }), { numRuns: 1_000, seed: seedOf(t, 5) })
  t.ok(full > 100, `${full} were refused`)
})

t.test('tokens are known for 300 s, and none makes room for another', async t => {
  const table = tableOf({ maxTokens: 3, maxTokensPerClient: 2 })
  const [a, b] = sessions as [Session, Session]
  const kinds = (...asked: Array<[Session, number]>): string[] =>
    asked.map(([session, token]) => table.admit(EPOCH, session, onceOf(token)).kind)
  t.strictSame(kinds([a, 1], [a, 1], [b, 1], [a, 2], [a, 3], [b, 4], [b, 5], [a, 2]), ['new', 'known', 'known', 'new', 'full', 'new', 'full', 'known'])
  t.match(table.admit(EPOCH + 1_500, a, onceOf(9, EPOCH / SECOND, Buffer.from('anothers'))), { kind: 'unknown', age: 1_500 })
  t.equal(table.nextTimeout(), EPOCH + 300 * SECOND)
  table.handleTimeout(EPOCH + 300 * SECOND)
  t.equal(table.size, 0)
  const later = EPOCH + 300 * SECOND
  t.match(table.admit(later, a, onceOf(1)), { kind: 'unknown', age: 0 }, 'it may have been carried out')
  t.match(table.admit(later, a, onceOf(6, later / SECOND)), { kind: 'new' })
  t.match(table.admit(later, a, onceOf(7, later / SECOND + 91)), { kind: 'unknown' }, 'a clock that is wrong')
})

t.test('a token is found by its exit and itself', async t => {
  const table = tableOf()
  t.equal(table.find(onceOf(1)), undefined)
  const admitted = table.admit(EPOCH, sessions[0]!, onceOf(1))
  t.equal(table.find(onceOf(1)), admitted.kind === 'new' ? admitted.execution : 'not new')
  t.equal(table.find(onceOf(1, 0, Buffer.from('anothers'))), undefined)
})

t.test('the time of a token is read by the clock of the router', async t => {
  const ahead = (seconds: number, offset: number): string =>
    tableOf({}, () => offset).admit(EPOCH, sessions[0]!, onceOf(1, EPOCH / SECOND + seconds)).kind
  t.strictSame([ahead(90, 0), ahead(91, 0)], ['new', 'unknown'])
  t.strictSame([ahead(190, 100 * SECOND), ahead(191, 100 * SECOND)], ['new', 'unknown'])
  t.strictSame([ahead(-10, -100 * SECOND), ahead(-9, -100 * SECOND)], ['new', 'unknown'])
})

t.test('who has too many is refused as long as that may be told apart, and counts what is still there', async t => {
  const [a, b, c] = sessions as [Session, Session, Session]
  const table = tableOf({ maxTokens: 10, maxTokensPerClient: 2 })
  const start = EPOCH / SECOND
  const kind = (after: number, session: Session, token: number, time = start + after): string =>
    table.admit(EPOCH + after * SECOND, session, onceOf(token, time)).kind
  t.strictSame(
    [kind(0, a, 1), kind(10, a, 2), kind(20, a, 3), kind(30, b, 4), kind(30, b, 5), kind(30, b, 6)],
    ['new', 'new', 'full', 'new', 'new', 'full']
  )
  t.equal(kind(30, a, 7, start + 15), 'full', 'it is older than what was refused')
  const pass = (seconds: number): number | undefined => {
    table.handleTimeout(EPOCH + seconds * SECOND)
    const next = table.nextTimeout()
    return next === undefined ? undefined : (next - EPOCH) / SECOND
  }
  t.strictSame([pass(299), pass(300), table.size], [300, 310, 3])
  t.strictSame([kind(305, a, 8), kind(306, a, 9)], ['new', 'full'], 'one has gone')
  t.strictSame([pass(310), table.size], [330, 3])
  t.equal(kind(329, b, 10, start + 25), 'full')
  t.strictSame([pass(330), table.size], [605, 1])
  t.strictSame([kind(330, b, 11, start + 30), kind(330, c, 12, start + 30)], ['unknown', 'unknown'], 'all that is known has gone')
  t.strictSame([kind(330, c, 13, start + 31)], ['new'])
  t.strictSame([pass(605), pass(606), pass(629), pass(630)], [606, 629, 630, undefined])
  t.equal(table.size, 0)
})

t.test('a full table is full for everybody, also when it has emptied', async t => {
  const [a, b, c] = sessions as [Session, Session, Session]
  const table = tableOf({ maxTokens: 2, maxTokensPerClient: 2 })
  const time = EPOCH / SECOND
  const kind = (session: Session, token: number, time: number): string => table.admit(EPOCH, session, onceOf(token, time)).kind
  t.strictSame([kind(a, 1, time), kind(b, 2, time), kind(c, 3, time + 50)], ['new', 'new', 'full'])
  table.handleTimeout(EPOCH + 300 * SECOND)
  t.equal(table.size, 0)
  const later = (token: number, time: number): string => table.admit(EPOCH + 300 * SECOND, b, onceOf(token, time)).kind
  t.strictSame([later(4, time), later(5, time + 50), later(6, time + 51)], ['unknown', 'full', 'new'])
})

t.test('Destinations that ask for as much as they can leave room for others', async t => {
  const most = 200
  const table = tableOf({ maxTokens: most, maxTokensPerClient: 100 })
  const open = (name: string): Session =>
    new Session(EPOCH, LocalDestination.generate(seeded(name)).destination, sessionKeys(seeded(name)(16)), DEFAULT_CONFIG)
  const greedy = Array.from({ length: 16 }, (_, index) => open(`greedy ${index}`))
  let number = 0
  const admit = (session: Session, time = EPOCH / SECOND): string =>
    table.admit(EPOCH, session, { ...onceOf(0, time), token: Buffer.from(String(number++).padStart(16)) }).kind
  for (let round = 0; round < most; round++) for (const session of greedy) admit(session, EPOCH / SECOND + 90)
  t.ok(table.size < most, `${table.size} of ${most}`)
  t.equal(admit(greedy[0]!), 'full')
  t.equal(admit(open('honest')), 'new')
})

/** A client that was answered, and asks with the token of this number. */
function asking (config: Partial<ServerConfig> = {}) {
  const world = new World(config)
  world.answer = url => url.endsWith('/form') ? undefined : page(300)
  const open = (name: string): Client => {
    const client = world.client(name)
    client.open(1, { object: Buffer.alloc(0) })
    return client
  }
  const alice = open('alice')
  const incarnation = Buffer.from(alice.replies(1)[0]!.symbol.subarray(0, 8))
  const token = (n: number): { object: Buffer; once: Once } => ({
    object: POST,
    once: { ...onceOf(n, Math.floor(world.now / SECOND)), incarnation }
  })
  const answer = (): void => {
    world.core.respond(world.now, world.fetches.at(-1)!.handle, page(300))
    world.run(10)
  }
  return { world, alice, open, token, answer }
}

t.test('two Destinations of a client, one request: both get the answer, and a CANCEL of one takes it from nobody', async t => {
  const { world, alice, open, token, answer } = asking()
  const other = open('other')
  const once = token(1)
  alice.request(2, once)
  other.request(7, once)
  t.equal(world.fetches.length, 1)
  alice.cancel(2)
  t.strictSame(world.cancelled, [], 'somebody waits')
  answer()
  t.strictSame([alice.replies(2).length, other.replies(7).length > 0], [0, true])
  alice.request(3, once)
  world.run(10)
  t.ok(alice.replies(3).length > 0, 'what was answered is answered')

  const second = token(2)
  alice.request(4, second)
  other.open(8, second)
  alice.cancel(4)
  other.cancel(8)
  t.equal(world.cancelled.length, 1, 'nobody waits any more')
  alice.request(5, second)
  t.match(alice.errors(5), [{ code: ERROR_CODES['outcome-unknown'], size: 0 }], 'it may have been carried out')
  t.equal(world.fetches.length, 2)
})

t.test('a session that ends leaves its request to the other one; a beginning has one rest for both', async t => {
  const { world, alice, open, token } = asking({ maxSessions: 1 })
  const other = world.client('other')
  const once = token(1)
  alice.request(2, once)
  other.open(1, { object: Buffer.alloc(0) })
  other.open(2, once)
  other.request(3, { object: Buffer.alloc(0) })
  t.equal(world.core.stats.evicted, 1, 'alice is gone')
  t.strictSame(world.cancelled, [])
  world.core.respond(world.now, world.fetches[0]!.handle, page(300), 'beginning')
  world.run(10)
  t.match(other.replies(2), [{ part: 'beginning' }])
  t.match(world.fetches[0]!.name, { token: '01'.repeat(16) })
  t.ok(open('third').replies(1).length > 0)
})

t.test('what was refused is not carried out later', async t => {
  const { world, alice, token, answer } = asking({ maxFetchesPerSession: 1 })
  alice.request(2, token(1))
  const refused = token(2)
  alice.request(3, refused)
  t.match(alice.errors(3), [{ code: ERROR_CODES.busy, retryAfter: 2 }])
  answer()
  for (const attempt of [0, 1]) alice.request(3, { ...refused, attempt })
  alice.request(4, refused)
  world.run(10)
  t.match(alice.errors(3), [{ code: 2 }, { code: 2 }])
  t.match(alice.errors(4), [{ code: 2 }])
  t.equal(world.fetches.length, 1)
  world.core.drain(world.now)
  alice.request(5, token(3))
  t.match(alice.errors(5), [{ code: ERROR_CODES.draining }])
})

t.test('BODY symbols: none of a stranger, so many of a session, and the block in front of the object', async t => {
  const { world, alice, token } = asking({ maxUploadsPerSession: 2 })
  const { once } = token(1)
  const send = (client: Client, id: number, bytes: Buffer, indices: number[], attempt = 0): void => {
    const encoder = new ErasureEncoder(bytes, 40)
    for (const index of indices) {
      client.send({
        type: 'body', attempt, flags: 0, session: client.session.session, id, size: bytes.length, index, last: encoder.k, pace: 72, time: 0, symbol: encoder.symbol(index)
      })
    }
  }
  const joined = joinBlock({ once }, POST)
  const k = Math.ceil(joined.length / 40)
  const all = Array.from({ length: k }, (_, index) => index + 1)
  const stranger = world.client('stranger')
  world.answer = () => undefined
  stranger.open(1)
  send(stranger, 2, joined, [0])
  t.match(stranger.errors(2), [{ code: ERROR_CODES.busy }], 'it was told nothing yet, so nobody knows whether it is there')
  send(alice, 2, joined, [0])
  send(alice, 3, joined, [0])
  send(alice, 4, joined, [0])
  t.match(alice.errors(4), [{ code: ERROR_CODES.busy }])
  send(alice, 2, joined, all)
  send(alice, 3, joined, all)
  t.strictSame(
    world.fetches.map(({ name }) => name),
    [{ session: stranger.session.session.toString('hex'), id: 1 }, { token: '01'.repeat(16) }]
  )
  send(alice, 5, Buffer.from([9, 2, 28, 1]), [0])
  t.match(alice.errors(5), [{ code: ERROR_CODES['bad-request'] }], 'a block that is longer than all of it')
  t.ok(world.core.load.tokens === 1)
})
