import { encodeRequestHead, encodeObject, ErasureEncoder, ERROR_CODES, joinBlock, minimumPayload, parseRequest } from '@minwww/protocol'
import t from 'tap'
import { EPOCH } from '@minwww/testkit'
import { page, World } from './core-harness.ts'

t.test('a signed request is fetched once and its page comes back in one message', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1)
  world.run(1000)
  t.equal(world.fetches.length, 1)
  const [fetch] = world.fetches
  t.equal(parseRequest(fetch!.message).url, 'http://site.i2p/')
  t.equal(fetch!.from.b32, alice.keys.destination.b32)
  t.equal(fetch!.deadline, EPOCH + 360_000)
  const replies = alice.replies(1)
  t.match(replies, [{ index: 0, last: 1, attempt: 0 }, { index: 1, last: 1 }], 'one symbol, and one of parity for 1.3 % of loss')
  for (const reply of replies) t.ok(alice.assemble([reply])?.equals(page(300)))
  const isFilled = alice.received.every(({ length, tunnelMessages }) => tunnelMessages === 1 && length >= minimumPayload(1))
  t.ok(isFilled, 'filled, so that nobody waits for more')
})

t.test('later requests of the session carry no signature', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1, { loss: 0 })
  for (let id = 2; id < 12; id++) alice.request(id, { loss: 0 })
  world.run(1000)
  t.equal(world.fetches.length, 11)
  t.equal(world.core.stats.opens, 1)
  for (let id = 1; id < 12; id++) t.equal(alice.replies(id).length, 1)
})

t.test('copies are ignored, a higher attempt repeats the answer without a second fetch', async t => {
  const world = new World()
  const alice = world.client('alice')
  world.answer = () => undefined
  alice.open(1)
  alice.request(1)
  alice.request(1, { attempt: 1 })
  t.equal(world.fetches.length, 1)
  world.core.respond(world.now, world.fetches[0]!.handle, page(5000))
  world.run(100)
  const first = alice.replies(1)
  t.ok(first.every(({ attempt }) => attempt === 1), 'the answer names the attempt that it answers')
  alice.request(1, { attempt: 1 })
  alice.request(1, { attempt: 0 })
  world.run(100)
  t.equal(alice.replies(1).length, first.length)
  alice.request(1, { attempt: 2 })
  world.run(100)
  const again = alice.replies(1).slice(first.length)
  t.strictSame(again.map(({ index }) => index), first.map(({ index }) => index))
  t.ok(again.every(({ attempt }) => attempt === 2))
  t.equal(world.fetches.length, 1)
})

t.test('a repetition with a smaller shape is cut anew', async t => {
  const world = new World()
  const alice = world.client('alice')
  world.answer = () => page(60_000)
  alice.open(1, { shape: 61, loss: 0 })
  world.run(5000)
  t.equal(alice.replies(1).length, 1)
  t.equal(alice.received[0]!.tunnelMessages, 61)
  alice.request(1, { attempt: 1, shape: 4 })
  world.run(5000)
  const again = alice.replies(1).slice(1)
  t.ok(again.length > 10 && alice.assemble(again)?.equals(page(60_000)))
  t.equal(alice.received[1]!.tunnelMessages, 4)
})

t.test('WANT brings fresh symbols, its copies nothing', async t => {
  const world = new World()
  const alice = world.client('alice')
  world.answer = () => page(20_000)
  alice.open(1, { loss: 0 })
  world.run(1000)
  const first = alice.replies(1)
  const k = first.length
  t.equal(first[0]!.last, k - 1, 'no loss, no parity')
  alice.want(1, k, 3)
  alice.want(1, k, 3)
  world.run(1000)
  const fresh = alice.replies(1).slice(k)
  t.strictSame(fresh.map(({ index, last, attempt }) => [index, last, attempt]), [[k, k + 2, 1], [k + 1, k + 2, 1], [k + 2, k + 2, 1]])
  t.ok(alice.assemble([...first.slice(3), ...fresh])?.equals(page(20_000)))
  alice.want(1, k, 3, { attempt: 2 })
  world.run(1000)
  t.strictSame(alice.replies(1).slice(k + 3).map(({ index }) => index), [k, k + 1, k + 2], 'asked for again: they were lost')
  t.equal(world.fetches.length, 1)
})

t.test('WANT while symbols wait to be sent brings only those that are missing beyond them', async t => {
  const world = new World()
  const alice = world.client('alice')
  world.answer = () => page(60_000)
  alice.open(1, { loss: 0, shape: 1 })
  world.run(50)
  const came = alice.replies(1).length
  const k = alice.replies(1)[0]!.last + 1
  t.ok(came < k - 5, `${came} of ${k} have left`)
  alice.want(1, k, k - came + 4, { attempt: 1 })
  world.run(10_000)
  const indices = alice.replies(1).map(({ index }) => index)
  t.equal(new Set(indices).size, indices.length, 'nothing twice')
  t.ok(indices.length >= k && indices.length <= k + 6, `${indices.length} symbols for ${k}`)
})

t.test('WANT for an id that the exit does not know is told so', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1)
  alice.want(77, 3, 2)
  world.run(100)
  t.match(alice.errors(77), [{ code: ERROR_CODES['unknown-id'] }])
})

t.test('a probe is answered with an empty reply, without a fetch', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1, { object: Buffer.alloc(0) })
  alice.request(2, { object: Buffer.alloc(0) })
  alice.request(2, { object: Buffer.alloc(0) })
  world.run(100)
  t.equal(world.fetches.length, 0)
  t.match(alice.replies(1), [0, 1, 2, 3, 4].map(index => ({ size: 0, index, last: 4 })), 'a train where the path is unknown')
  t.equal(alice.replies(2).length, 1)
  t.ok(alice.received.every(({ length }) => length >= minimumPayload(1)))
})

t.test('failures come back as their code, again for a higher attempt', async t => {
  const world = new World()
  const alice = world.client('alice')
  world.answer = () => undefined
  alice.open(1)
  world.core.fail(world.now, world.fetches[0]!.handle, 'policy', { detail: 'private address' })
  world.run(10)
  t.match(alice.errors(1), [{ code: 4, detail: 'private address', attempt: 0 }])
  for (const attempt of [0, 1, 1, 2]) alice.request(1, { attempt })
  world.run(100)
  t.strictSame(alice.errors(1).map(({ attempt }) => attempt), [0, 1, 2])
  t.equal(world.fetches.length, 1)
})

t.test('what is larger than the client takes is ERROR 3 with its size', async t => {
  const world = new World()
  const alice = world.client('alice')
  world.answer = () => page(140_000)
  alice.open(1)
  world.answer = () => page(3000)
  alice.request(2, { max: 24 })
  world.run(100)
  t.match(alice.errors(1), [{ code: 3, size: page(140_000).length }])
  t.match(alice.errors(2), [{ code: 3, size: page(3000).length }], 'max is 2 KB')
})

t.test('a request that does not decode is ERROR 9', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1, { object: Buffer.from([1, 255, 255]) })
  world.run(100)
  t.match(alice.errors(1), [{ code: 9 }])
})

t.test('busy and draining refuse without using up the id', async t => {
  const world = new World({ maxFetchesPerSession: 2 })
  const alice = world.client('alice')
  world.answer = () => undefined
  alice.open(1)
  alice.request(2)
  alice.request(3)
  t.match(alice.errors(3), [{ code: ERROR_CODES.busy, retryAfter: 2 }])
  world.core.respond(world.now, world.fetches[0]!.handle, page(10))
  alice.request(3)
  t.equal(world.fetches.length, 3, 'the same request, later')
  world.core.drain(world.now)
  alice.request(4)
  world.run(100)
  t.match(alice.errors(4), [{ code: ERROR_CODES.draining }])
  t.equal(world.core.idle, false)
  world.core.respond(world.now, world.fetches[1]!.handle, page(10))
  world.core.respond(world.now, world.fetches[2]!.handle, page(10))
  world.run(100)
  t.equal(alice.replies(2).length > 0 && alice.replies(3).length > 0, true, 'what is under way goes on')
  t.equal(world.core.idle, true)
})

t.test('CANCEL stops the fetch and the sending', async t => {
  const world = new World()
  const alice = world.client('alice')
  world.answer = () => undefined
  alice.open(1)
  alice.cancel(1)
  t.strictSame(world.cancelled, [world.fetches[0]!.handle])
  world.core.respond(world.now, world.fetches[0]!.handle, page(10))
  world.run(1000)
  t.equal(alice.received.length, 0, 'an answer that comes too late is dropped')
  world.answer = () => page(120_000)
  alice.request(2)
  const before = alice.replies(2).length
  alice.cancel(2)
  world.run(10_000)
  t.ok(before > 0 && alice.replies(2).length === before)
  alice.cancel(3)
  alice.request(3)
  world.run(100)
  t.equal(alice.replies(3).length, 0, 'the CANCEL overtook its request')
})

t.test('a request in BODY symbols is put together from any k of them', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1, { object: Buffer.alloc(0) })
  const post = encodeRequestHead({ method: 'POST', url: 'http://site.i2p/form', headers: [], body: page(9000) })
  const object = joinBlock({}, encodeObject(post, { kind: 'request' }))
  const encoder = new ErasureEncoder(object, 1700)
  const body = (index: number, attempt = 0, size = object.length): void => alice.send({
    type: 'body',
    attempt,
    flags: 0,
    session: alice.session.session,
    id: 2,
    size,
    index,
    last: encoder.k + 1,
    pace: 72,
    time: 0,
    symbol: encoder.symbol(index)
  })
  body(encoder.k + 1)
  body(3)
  body(3)
  body(2, 0, object.length - 1)
  for (let index = encoder.k; index > 1; index--) body(index)
  t.equal(world.fetches.length, 1)
  t.ok(world.fetches[0]!.message.equals(post))
  body(0)
  body(1, 1)
  world.run(100)
  t.equal(world.fetches.length, 1, 'late symbols and repetitions do not fetch again')
  t.ok(alice.replies(2).length > 0)
})

t.test('a fetch says how much leaves at once: of the rate that is granted, and not more than the client takes', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1)
  alice.request(2, { rate: 96 })
  alice.request(3, { rate: 104 })
  alice.request(4, { max: 64 })
  t.strictSame(world.fetches.map(({ atOnce }) => atOnce), [
    Math.floor(64 * 1024 * 0.9), Math.floor(190 * 1024 * 0.9) > 131_072 ? 131_072 : 0, 131_072, 65_536
  ])
})

t.test('a fetch says so as long as little waits for its client', async t => {
  const world = new World()
  const alice = world.client('alice')
  world.answer = () => page(110_000)
  alice.open(1)
  world.run(10_000)
  for (const id of [2, 3, 4, 5]) alice.request(id, { rate: 104 })
  const [, first, , third, last] = world.fetches.map(({ atOnce }) => atOnce)
  t.equal(first, 131_072, 'the first ones leave at once')
  t.ok(last! < 131_072 && last! < third!, `${third}, ${last}`)
  world.run(10_000)
  alice.request(6, { rate: 104 })
  t.equal(world.fetches.at(-1)!.atOnce, 131_072, 'nothing waits any more')
})

t.test('a fetch that is never answered ends as ERROR 7', async t => {
  const world = new World()
  const alice = world.client('alice')
  world.answer = () => undefined
  alice.open(1)
  world.run(359_999)
  t.equal(alice.errors(1).length, 0)
  world.run(1)
  world.flush()
  t.match(alice.errors(1), [{ code: 7 }])
  t.equal(world.cancelled.length, 1)
})

t.test('an answer is kept for 90 s after its last use, a session for ten minutes', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1)
  world.run(89_000)
  alice.request(1, { attempt: 1 })
  world.run(89_000)
  alice.request(1, { attempt: 2 })
  world.run(91_000)
  const replies = alice.replies(1).length
  alice.request(1, { attempt: 3 })
  world.run(10)
  t.equal(alice.replies(1).length, replies)
  t.match(alice.errors(1), [{ code: 1 }], 'it cannot fetch again either')
  world.run(599_000)
  alice.request(2)
  world.run(10)
  t.equal(alice.replies(2).length > 0, true)
  world.run(600_001)
  alice.request(3)
  world.run(10)
  t.equal(world.core.stats.unknownSessions, 1)
  t.equal(world.core.load.sessions, 0)
  t.equal(alice.replies(3).length + alice.errors(3).length, 0, 'no answer to a session that is forgotten')
  alice.open(3, { attempt: 1 })
  world.run(10)
  t.ok(alice.replies(3).length > 0, 'the same key opens it again')
})
