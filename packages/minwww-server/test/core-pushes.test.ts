// What the exit's core does with what nobody has asked for.
import { addressHash, encodePushed, encodeResponse, PUSH_IDS, type HeaderList } from '@minwww/protocol'
import t from 'tap'
import { World, type Client } from './core-harness.ts'

const FIELDS: HeaderList = [['Host', 'a.i2p']]
const answer = (body: string): Buffer =>
  encodeResponse({ status: 200, reason: 'OK', headers: [['Content-Type', 'text/css']], body: Buffer.from(body) })
const pushed = (body: string): Buffer => encodePushed('http://a.i2p/style.css', FIELDS, answer(body))
const GRANT = { budget: 80, digest: addressHash('http://a.i2p/x') }

/** A client whose Destination is validated, with a request under way that allows pushes. */
function visit (config: ConstructorParameters<typeof World>[0] = {}): { world: World, alice: Client, handle: number } {
  const world = new World(config)
  const alice = world.client('alice')
  alice.open(1)
  world.run(1_000)
  world.answer = () => undefined
  alice.request(2, { push: GRANT })
  return { world, alice, handle: world.fetches[1]!.handle }
}

t.test('a promise has an id of ours; what keeps it goes as PUSH, after what was asked for, and can be asked for again', t => {
  const { world, alice, handle } = visit()
  t.match(world.fetches[1], { push: { budget: 80 } })
  const promised = world.core.promise(world.now, handle, 2)
  t.match(promised, [{ id: PUSH_IDS + 1 }, { id: PUSH_IDS + 2 }])
  const before = world.sent.length
  world.core.respond(world.now, promised[0]!.handle, pushed('p'.repeat(5_000)))
  world.core.respond(world.now, handle, answer('page'))
  world.run(1_000)
  const sent = world.sent.slice(before).map(({ message }) => message).filter(({ type }) => type !== 'working')
  const order = sent.map(({ type, id }) => `${type} ${id}`)
  t.strictSame([...new Set(order)], ['reply 2', `push ${PUSH_IDS + 1}`], 'first what was asked for')
  t.strictSame(order, [...order].sort().reverse())
  const repaired = world.sent.length
  alice.want(PUSH_IDS + 1, 3, 1)
  world.run(1_000)
  t.match(world.sent.slice(repaired).map(({ message }) => message), [{ type: 'push', id: PUSH_IDS + 1, index: 3, attempt: 1 }])
  world.core.fail(world.now, promised[1]!.handle, 'connect-failed')
  world.run(1_000)
  t.equal(alice.errors(PUSH_IDS + 2).length, 1)
  t.match(world.core.stats, { promises: 2, pushes: 1 })
  t.end()
})

t.test('a fetch that takes a while is told; a CANCEL ends it, and what waits to be sent', t => {
  const { world, alice, handle } = visit()
  const promised = world.core.promise(world.now, handle, 2)
  world.core.respond(world.now, handle, answer('page'))
  world.run(300)
  t.strictSame(world.sent.slice(-2).map(({ message: { type, id } }) => [type, id]).sort(), [['working', PUSH_IDS + 1], ['working', PUSH_IDS + 2]])
  alice.cancel(PUSH_IDS + 1)
  t.strictSame(world.cancelled, [promised[0]!.handle])
  t.equal(world.core.respond(world.now, promised[0]!.handle, pushed('late')), 0)
  world.core.respond(world.now, promised[1]!.handle, pushed('q'.repeat(60_000)))
  const sent = world.sent.length
  alice.cancel(PUSH_IDS + 2)
  world.run(1_000)
  t.ok(world.sent.length - sent <= 1)
  t.equal(world.core.load.pushes, 0)
  t.end()
})

t.test('no promises to who is not validated, has gone, asks too much, or comes to an exit that drains', t => {
  const stranger = new World()
  const bob = stranger.client('bob')
  stranger.answer = () => undefined
  bob.open(1, { push: GRANT })
  t.equal(stranger.fetches[0]!.push, undefined, 'what is not proved allows nothing')
  t.strictSame(stranger.core.promise(stranger.now, stranger.fetches[0]!.handle, 3), [])
  const gone = visit()
  gone.alice.cancel(2)
  t.strictSame(gone.world.core.promise(gone.world.now, gone.handle, 3), [])
  const many = visit({ maxPushesPerSession: 5 })
  t.equal(many.world.core.promise(many.world.now, many.handle, 200).length, 5)
  t.equal(many.world.core.promise(many.world.now, many.handle, 200).length, 0)
  const drains = visit()
  drains.world.core.drain(drains.world.now)
  t.strictSame(drains.world.core.promise(drains.world.now, drains.handle, 3), [])
  t.end()
})

t.test('more than the client allows is an ERROR; its ids are never requests of its own, and the window stays', t => {
  const { world, alice, handle } = visit()
  const [push] = world.core.promise(world.now, handle, 1)
  t.equal(world.core.respond(world.now, push!.handle, pushed('r'.repeat(100)), 'whole', 20), 0)
  world.run(1_000)
  t.match(alice.errors(push!.id), [{ code: 3 }])
  const { malformed } = world.core.stats
  alice.request(PUSH_IDS + 9)
  alice.open(PUSH_IDS + 10)
  t.equal(world.core.stats.malformed, malformed + 2)
  const fetched = world.fetches.length
  alice.request(3)
  t.equal(world.fetches.length, fetched + 1, 'no id is old')
  alice.want(PUSH_IDS + 77, 0, 1)
  world.run(1_000)
  t.match(alice.errors(PUSH_IDS + 77), [{ code: 1 }])
  t.end()
})

t.test('what was pushed is forgotten as answers are, and with its session', t => {
  const { world, handle } = visit({ pushCachePerSession: 20_000 })
  const promised = world.core.promise(world.now, handle, 6)
  for (const [index, { handle: own }] of promised.entries()) { world.core.respond(world.now, own, pushed(`${index}${'s'.repeat(20)}`.repeat(400)), 'whole') }
  t.ok(world.core.load.held < 60_000)
  world.run(120_000)
  t.equal(world.core.load.pushes, 0)
  t.end()
})
