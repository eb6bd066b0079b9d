import { LocalDestination } from '@minwww/i2cp/codec'
import { computeTag, encodeMessage, encodeObject, sessionKeys, SYMBOL_OVERHEAD, TUNNEL_MESSAGE } from '@minwww/protocol'
import fc from 'fast-check'
import t from 'tap'
import { EPOCH, seeded, seedOf } from '@minwww/testkit'
import { Client, page, World } from './core-harness.ts'

const SEED = 31_337

t.test('an OPEN that is not fresh, not ours or not true gets no answer', async t => {
  const world = new World()
  world.run(100_000)
  const alice = world.client('alice')
  const other = LocalDestination.generate(seeded('other exit'))
  const cases: Array<[string, Buffer, string]> = [
    ['signed for another exit', alice.openPayload(1, {}, other.destination.hash), 'badSignatures'],
    ['91 s old', alice.openPayload(1, { time: world.now / 1000 - 91 }), 'malformed'],
    ['91 s in the future', alice.openPayload(1, { time: world.now / 1000 + 91 }), 'malformed'],
    ['a session id that is not of its key', alice.openPayload(1, { session: Buffer.alloc(8, 1) }), 'malformed'],
    ['a wrong signature', flip(alice.openPayload(1), -1), 'badSignatures'],
    ['another request under the signature', flip(alice.openPayload(1), 460), 'badSignatures']
  ]
  for (const [what, payload, counter] of cases) {
    const before = world.core.stats[counter as 'malformed']
    world.receive(19, payload)
    t.equal(world.core.stats[counter as 'malformed'], before + 1, what)
  }
  t.match([world.fetches, world.sent, world.core.load.sessions], [[], [], 0])
  for (const time of [-90, 90]) alice.open(200 + time, { time: world.now / 1000 + time })
  t.equal(world.fetches.length, 2, 'the last moments that are accepted')
})

t.test('the clock of an OPEN is the router\'s', async t => {
  const world = new World({}, 'exit', 3_600_000)
  const alice = world.client('alice')
  alice.open(1)
  t.equal(world.fetches.length, 0)
  alice.open(2, { time: world.now / 1000 + 3600 })
  t.equal(world.fetches.length, 1)
})

t.test('a replayed OPEN does not fetch again, even when its session has been pushed out', async t => {
  const world = new World({ maxFreshSessions: 1 })
  const alice = world.client('alice')
  const payload = alice.openPayload(1)
  for (let i = 0; i < 3; i++) world.receive(19, payload)
  t.match(world.core.stats, { opens: 1, replayed: 2 })
  world.client('bob').open(1)
  t.equal(world.core.stats.evicted, 1)
  world.receive(19, payload)
  t.equal(world.fetches.length, 2)
  t.equal(world.core.stats.replayed, 3)
  alice.open(1, { attempt: 1 })
  world.run(100)
  t.equal(world.fetches.length, 2, 'a new signature for the same request neither')
  t.match(alice.errors(1), [{ code: 1 }])
})

t.test('an OPEN from before the exit\'s start is not answered: it may have been answered already', async t => {
  for (const clockOffset of [0, 3_600_000, -3_600_000]) {
    const before = new World({}, 'exit', clockOffset)
    const routerSecond = (): number => Math.floor((before.now + clockOffset) / 1000)
    const alice = before.client('alice')
    const captured = alice.openPayload(1, { time: routerSecond() })
    const request = alice.requestPayload(2)
    before.receive(19, captured)
    before.receive(18, request)
    t.equal(before.fetches.length, 2)

    const after = new World({}, 'exit', clockOffset, before.now + 20_000)
    after.receive(19, captured)
    after.receive(18, request)
    after.run(1_000)
    t.match([after.fetches, after.sent, after.core.load.sessions], [[], [], 0], 'neither the request nor the session comes back')
    t.equal(after.core.stats.early, 1)

    const again = after.client('alice')
    again.open(1, { time: (EPOCH + 20_000 + clockOffset) / 1000 - 1 })
    t.equal(after.fetches.length, 0, 'the last second before the start')
    again.open(1, { time: Math.floor((after.now + clockOffset) / 1000), attempt: 1 })
    t.equal(after.fetches.length, 1, 'the client\'s next attempt, with its own time')
  }
})

t.test('a session id cannot be taken over', async t => {
  const world = new World()
  const alice = world.client('alice')
  const mallory = world.client('mallory')
  alice.open(1)
  mallory.open(1, { key: alice.secret, session: alice.session.session })
  t.match(world.core.stats, { stolen: 1, opens: 1 })
  alice.request(2)
  world.run(100)
  t.ok(alice.replies(2).length > 0)
  t.equal(mallory.received.length, 0)
})

t.test('raw messages of unknown sessions or with a wrong tag get no answer', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1)
  world.run(100)
  const sent = world.sent.length
  const request = alice.requestPayload(2)
  for (let bit = 0; bit < request.length * 8; bit += 13) {
    const forged = Buffer.from(request)
    forged[bit >> 3]! ^= 1 << (bit & 7)
    world.receive(18, forged)
  }
  for (let length = 0; length < request.length; length++) world.receive(18, request.subarray(0, length))
  world.receive(18, new Client(world, 'nobody').requestPayload(1))
  world.receive(17, request)
  world.receive(6, request)
  world.run(100)
  t.equal(world.fetches.length, 1)
  t.equal(world.sent.length, sent)
  t.ok(world.core.stats.badTags > 100 && world.core.stats.unknownSessions >= 1)
})

t.test('an OPEN cut off anywhere is no OPEN', async t => {
  const world = new World({ signatureChecks: 20 })
  const alice = world.client('alice')
  const payload = alice.openPayload(1)
  for (let length = 0; length < payload.length; length++) world.receive(19, payload.subarray(0, length))
  t.match([world.fetches.length, world.sent.length, world.core.load.sessions], [0, 0, 0])
  world.run(1000)
  world.receive(19, payload)
  t.equal(world.fetches.length, 1)
})

t.test('messages that only an exit sends, and empty or absurd ones, change nothing', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1)
  world.run(100)
  const prefix = { attempt: 1, flags: 0, session: alice.session.session, id: 1 }
  alice.send({ type: 'reply', ...prefix, part: 'whole', size: 10, index: 0, last: 0, pace: 1, time: 0, symbol: Buffer.alloc(10) })
  alice.send({ type: 'error', ...prefix, code: 1, retryAfter: 0, size: 0, detail: '' })
  alice.send({ type: 'body', ...prefix, id: 9, size: 0, index: 0, last: 0, pace: 1, time: 0, symbol: Buffer.alloc(10) })
  const reserved = encodeMessage({ type: 'cancel', ...prefix }, alice.session.client)
  reserved[0] = 0x18
  reserved.set(computeTag(alice.session.client, reserved.subarray(0, -8)), reserved.length - 8)
  world.receive(18, reserved)
  world.run(100)
  t.equal(world.core.stats.malformed, 3)
  t.equal(world.fetches.length, 1)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), fc.constantFrom(18, 19), (bytes, protocol) => {
    if (protocol === 18 && bytes.length > 10) bytes.set([0x10 | bytes[0]! & 15, 0, ...alice.session.session])
    world.receive(protocol, Buffer.from(bytes))
  }), { seed: seedOf(t, SEED), numRuns: 1000 })
  t.equal(world.fetches.length, 1)
})

t.test('ids outside the window are not fetched', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(5000)
  alice.request(5000 - 1024)
  alice.request(5000 - 1024, { attempt: 3 })
  t.equal(world.fetches.length, 1)
  t.equal(world.core.stats.replayed >= 1, true)
  alice.request(5000 - 1023)
  t.equal(world.fetches.length, 2)
})

t.test('signature checks are limited, but not for those who have a session', async t => {
  const world = new World({ signatureChecks: 10 })
  const alice = world.client('alice')
  alice.open(1)
  const forged = flip(new Client(world, 'flood').openPayload(1), -1)
  for (let i = 0; i < 100; i++) world.receive(19, forged)
  t.equal(world.core.stats.badSignatures, 9)
  t.equal(world.core.stats.unchecked, 91)
  alice.open(2)
  t.equal(world.fetches.length, 2)
  world.run(1000)
  world.client('bob').open(1)
  t.equal(world.fetches.length, 3, 'a second later there is room again')
})

t.test('Destinations that are not validated share a small budget of fetches; a validated one does not', async t => {
  const world = new World({ unvalidatedBurst: 5, unvalidatedFetches: 1 })
  const alice = world.client('alice')
  alice.open(1)
  world.run(1_000)
  alice.cancel(1)
  for (let i = 0; i < 8; i++) world.client(`newcomer ${i}`).open(1)
  t.equal(world.fetches.length, 1 + 5)
  t.equal(world.core.stats.busy, 3)
  for (let id = 2; id < 12; id++) alice.request(id)
  t.equal(world.fetches.length, 6 + 10)
})

t.test('a tagged message before any answer proves nothing', async t => {
  const world = new World({ unvalidatedBurst: 5, unvalidatedFetches: 0.01, maxFreshSessions: 8 })
  world.answer = () => undefined
  const mallory = world.client('mallory')
  mallory.open(1)
  for (let id = 2; id < 6; id++) mallory.request(id)
  world.client('other').open(1)
  t.match([world.fetches.length, world.core.stats.busy], [5, 1], 'every request was counted')
  for (let i = 0; i < 8; i++) world.client(`other ${i}`).open(1)
  mallory.request(20)
  t.equal(world.core.stats.unknownSessions, 1, 'nor does it keep the session')
})

t.test('a second session of a validated Destination is validated', async t => {
  const world = new World({ unvalidatedBurst: 2, unvalidatedFetches: 0.01 })
  const alice = world.client('alice')
  alice.open(1)
  alice.request(2)
  const secret = Buffer.alloc(16, 7)
  world.answer = () => undefined
  for (let id = 3; id < 9; id++) alice.open(id, { key: secret, session: sessionKeys(secret).session })
  t.equal(world.fetches.length, 8)
})

t.test('a Destination with many sessions has no more of the exit than a few', async t => {
  const world = new World({ signatureChecks: 1_000 })
  const [mallory, alice] = [world.client('mallory'), world.client('alice')]
  alice.open(1)
  alice.request(2)
  const { answer } = world
  world.answer = () => undefined
  const secrets = Array.from({ length: 20 }, (_, index) => Buffer.alloc(16, index + 1))
  for (const key of secrets) {
    world.run(1)
    mallory.open(1, { key, session: sessionKeys(key).session })
  }
  t.equal(world.core.load.sessions, 1 + 4)
  t.equal(world.core.stats.evicted, 16)
  mallory.open(2, { key: secrets[19]!, session: sessionKeys(secrets[19]!).session })
  t.equal(world.core.stats.evicted, 16, 'the newest are there')
  world.answer = answer
  alice.request(3)
  world.run(10)
  t.ok(alice.replies(3).length > 0, 'nobody else loses any')
})

t.test('new Destinations do not push out sessions in use', async t => {
  const world = new World({ maxFreshSessions: 8, maxSessions: 4, signatureChecks: 1000 })
  const alice = world.client('alice')
  alice.open(1)
  alice.request(2)
  for (let i = 0; i < 30; i++) {
    world.run(10)
    world.client(`flood ${i}`).open(1)
  }
  t.equal(world.core.load.sessions, 9)
  alice.request(3)
  world.run(100)
  t.ok(alice.replies(3).length > 0)
})

t.test('the cache is bounded per session and in all', async t => {
  const world = new World({ cachePerSession: 300_000, cacheTotal: 500_000 })
  const clients = ['alice', 'bob', 'carol'].map(name => world.client(name))
  world.answer = () => page(50_000)
  for (const client of clients) client.open(1, { loss: 0 })
  for (let id = 2; id < 20; id++) {
    for (const client of clients) client.request(id, { loss: 0 })
    world.run(2000)
    t.ok(world.core.load.held <= 500_000)
  }
  const [alice] = clients
  world.run(5000)
  alice!.request(2, { attempt: 1 })
  alice!.request(19, { attempt: 1 })
  world.run(5000)
  t.match(alice!.errors(2), [{ code: 1 }], 'forgotten, and not fetched again')
  t.ok(alice!.replies(19).some(({ attempt }) => attempt === 1))
  t.equal(world.fetches.length, 19 * 3)
})

t.test('answers that wait for a client that takes next to nothing are bounded per session and in all', async t => {
  const world = new World({ cachePerSession: 300_000, queuePerSession: 500_000, queueTotal: 1_200_000, unvalidatedBurst: 1000 })
  const clients = ['alice', 'bob', 'carol', 'dave'].map(name => world.client(name))
  world.answer = () => page(50_000)
  const slowest = { loss: 0, rate: 1, max: 255 }
  for (const client of clients) client.open(1, slowest)
  world.run(1_000)
  for (let id = 2; id < 40; id++) {
    for (const client of clients) client.request(id, slowest)
    world.run(100)
    t.ok(world.core.load.queued <= 1_200_000, `${world.core.load.queued}`)
  }
  t.ok(world.core.load.queued > 900_000)
  const eva = world.client('eva')
  eva.open(1, { loss: 0, max: 255 })
  for (const client of clients) client.request(50, { ...slowest, rate: 100 })
  world.run(60_000)
  t.ok(eva.assemble(eva.replies(1)), 'who comes later is served')
  t.equal(world.core.load.queued, 0)
})

t.test('requests to be put together are bounded', async t => {
  const world = new World({ maxUploads: 3 })
  const alice = world.client('alice')
  alice.open(1)
  const part = (id: number, index: number): void => alice.send({
    type: 'body',
    attempt: 0,
    flags: 0,
    session: alice.session.session,
    id,
    size: 2000,
    index,
    last: 1,
    pace: 1,
    time: 0,
    symbol: Buffer.alloc(1000, 9)
  })
  for (let id = 2; id < 10; id++) part(id, 0)
  part(2, 1)
  t.equal(world.fetches.length, 1, 'the oldest is forgotten')
  part(9, 1)
  world.run(100)
  t.ok(alice.errors(9).length + alice.replies(9).length > 0)
})

t.test('a client that wants everything for ever gets three times its reply', async t => {
  for (const size of [100, 1500, 20_000, 120_000]) {
    const world = new World()
    const alice = world.client('alice')
    world.answer = () => page(size)
    alice.open(1, { loss: 120, rate: 255 })
    for (let attempt = 1; attempt < 16; attempt++) {
      world.run(20_000)
      if (attempt % 2 === 0) alice.request(1, { attempt, rate: 255, loss: 255 })
      else alice.want(1, 128, 128, { attempt })
    }
    world.run(60_000)
    const bytes = alice.received.reduce((sum, { length }) => sum + length, 0)
    const symbol = alice.replies(1)[0]!.symbol.length
    const whole = Math.ceil(page(size).length / symbol) * (symbol + SYMBOL_OVERHEAD)
    t.ok(bytes <= Math.max(3 * whole, 6 * TUNNEL_MESSAGE), `${size}: ${bytes} bytes for ${whole}`)
    t.equal(world.fetches.length, 1)
    t.ok(world.core.stats.capped > 0)
  }
})

t.test('a flood of questions about unknown ids does not grow the queue', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1)
  for (let id = 100; id < 3000; id++) alice.want(id, 0, 10)
  t.ok(world.core.stats.errors < 600)
  world.run(60_000)
  t.equal(world.core.idle, true)
})

t.test('absurd rates slow down nobody else', async t => {
  const world = new World({})
  world.answer = () => page(60_000)
  const slow = Array.from({ length: 40 }, (_, i) => world.client(`slow ${i}`))
  for (const client of slow) client.open(1, { rate: 1, loss: 0 })
  const greedy = world.client('greedy')
  greedy.open(1, { rate: 255, loss: 0 })
  for (let id = 2; id < 30; id++) greedy.request(id, { rate: 255, loss: 0 })
  const alice = world.client('alice')
  world.run(1000)
  const start = world.now
  alice.open(1, { loss: 0 })
  world.run(10_000)
  const replies = alice.received
  t.ok(replies.at(-1)!.at - start < 1500, `${replies.at(-1)!.at - start} ms`)
  t.ok(alice.assemble(alice.replies(1))?.equals(page(60_000)))
})

interface Step {
  kind: 'request' | 'open' | 'want' | 'cancel' | 'forged' | 'replay' | 'wait' | 'answer'
  id: number
  attempt: number
  from: number
  count: number
  ms: number
}

t.test('no sequence fetches twice, sends too much, or makes a wrong page', async t => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('request', 'request', 'open', 'want', 'want', 'cancel', 'forged', 'replay', 'wait', 'answer'),
    id: fc.integer({ min: 1, max: 3 }),
    attempt: fc.integer({ min: 0, max: 8 }),
    from: fc.nat(255),
    count: fc.nat(255),
    ms: fc.nat(3000)
  })
  const sizes = [200, 9000, 30_000]
  fc.assert(fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), steps => {
    const world = new World({}, 'exit')
    const alice = world.client('alice')
    const history: Array<[number, Buffer]> = []
    const waiting: number[] = []
    world.answer = () => { waiting.push(waiting.length); return undefined }
    const requests = [1, 2, 3].map(id => encodeObject(Buffer.from(`GET http://site.i2p/${id} HTTP/1.1\r\n\r\n`), { kind: 'request' }))
    for (const { kind, id, attempt, from, count, ms } of steps) {
      const object = requests[id - 1]!
      const facts = { attempt, object, loss: from, shape: 1 + count % 61 }
      switch (kind) {
        case 'open': history.push([19, alice.openPayload(id, facts)]); break
        case 'request': history.push([18, alice.requestPayload(id, facts)]); break
        case 'want': alice.want(id, from, Math.max(1, Math.min(count, 255 - from)), { attempt, shape: facts.shape }); continue
        case 'cancel': if (ms < 300) alice.cancel(id, attempt); continue
        case 'forged': world.receive(18, flip(alice.requestPayload(id, facts), from)); continue
        case 'replay': if (history.length > 0) world.receive(...history[from % history.length]!); continue
        case 'wait': world.run(ms); continue
        case 'answer': {
          const fetch = world.fetches[waiting.shift() ?? -1]
          if (fetch === undefined) continue
          const asked = idOf(fetch.message)
          world.core.respond(world.now, fetch.handle, page(sizes[asked - 1]!, `${asked}`))
          continue
        }
      }
      world.receive(...history.at(-1)!)
    }
    world.run(61_000)
    return [1, 2, 3].every(id => {
      const replies = alice.replies(id).filter(({ size }) => size > 0)
      const fetched = world.fetches.filter(({ message }) => idOf(message) === id).length
      const expected = page(sizes[id - 1]!, `${id}`)
      const bytes = replies.reduce((sum, { symbol }) => sum + symbol.length + SYMBOL_OVERHEAD, 0)
      const first = replies[0]?.symbol.length ?? 1
      const whole = Math.ceil((expected.length + 1) / first) * (first + SYMBOL_OVERHEAD)
      const lengths = [...new Set(replies.map(({ symbol }) => symbol.length))]
      return fetched <= 1 && bytes <= Math.max(3 * whole, 6 * TUNNEL_MESSAGE) &&
        lengths.every(length => alice.assemble(replies.filter(({ symbol }) => symbol.length === length))?.equals(expected) !== false)
    })
  }), { seed: seedOf(t, SEED), numRuns: 60 })
})

function flip (payload: Buffer, at: number): Buffer {
  const copy = Buffer.from(payload)
  const index = (at + copy.length) % copy.length
  copy[index]! ^= 1
  return copy
}

function idOf (message: Buffer): number {
  return Number(/site\.i2p\/(\d)/.exec(message.toString('latin1'))?.[1] ?? 0)
}
