// WORKING: a client is told that its request is being worked on. And beginnings, as the core knows them.
import { encodeMessage } from '@minwww/protocol'
import type { WorkingMessage } from '@minwww/protocol'
import t from 'tap'
import { EPOCH } from '@minwww/testkit'
import { page, World } from './core-harness.ts'
import type { Client } from './core-harness.ts'

const never = () => undefined

/** Those that say that the exit works, and those that say only that it heard. */
const workings = (client: Client) => client.received.filter(({ message }) => message.type === 'working' && message.next > 0)
const notes = (client: Client) => client.received.filter(({ message }) => message.type === 'working' && message.next === 0)

t.test('after 200 ms, then every 5 s, until the answer; to the session and id that asked', async t => {
  const world = new World()
  world.answer = never
  const alice = world.client('alice')
  alice.open(1)
  world.run(199)
  t.strictSame(workings(alice), [])
  world.run(1)
  t.match(workings(alice), [{ at: EPOCH + 200, message: { type: 'working', id: 1, attempt: 0, flags: 0, next: 5 }, length: 683 }])
  world.run(40_000)
  t.strictSame(workings(alice).map(({ at }) => at - EPOCH), [200, 5_200, 10_200, 15_200, 20_200, 25_200, 30_200, 35_200, 40_200])
  world.core.respond(world.now, world.fetches[0]!.handle, page(300))
  world.run(60_000)
  t.equal(workings(alice).length, 9)
  t.ok(alice.assemble(alice.replies(1))?.equals(page(300)))
  t.equal(world.core.stats.workings, 9)
})

t.test('an answer in time needs none; a repetition has one at once, and fetches nothing', async t => {
  const world = new World()
  world.answer = never
  const alice = world.client('alice')
  alice.open(1)
  world.run(100)
  alice.open(1, { attempt: 1 })
  world.run(0)
  t.match(workings(alice), [{ at: EPOCH + 100, message: { attempt: 1 } }])
  alice.open(1, { attempt: 1 })
  world.run(4_999)
  t.equal(workings(alice).length, 1, 'the same attempt again is nothing new')
  world.core.respond(world.now, world.fetches[0]!.handle, page(300))
  alice.request(2)
  world.run(199)
  world.core.respond(world.now, world.fetches[1]!.handle, page(300))
  world.run(60_000)
  t.equal(workings(alice).length, 1)
  t.equal(world.fetches.length, 2)
})

t.test('CANCEL and the deadline end it; then nothing is left to be waited for', async t => {
  const world = new World({ fetchDeadline: 20_000, sessionLife: 30_000 })
  world.answer = never
  const alice = world.client('alice')
  alice.open(1)
  alice.request(2)
  world.run(400)
  alice.cancel(1)
  world.run(18_000)
  t.ok(workings(alice).filter(({ message }) => (message as WorkingMessage).id === 1).length === 1)
  world.run(2_000)
  t.match(alice.errors(2), [{ code: 7 }])
  world.run(200_000)
  t.match(world.core.load, { sessions: 0, fetches: 0, requests: 0, held: 0, queued: 0, sending: 0 })
  t.equal(world.core.nextTimeout(), undefined)
})

t.test('a stranger is told after 20 ms that he was heard; so is who was sent nothing for 80 s', async t => {
  const world = new World()
  world.answer = never
  const alice = world.client('alice')
  alice.open(1)
  alice.request(2)
  world.run(19)
  t.strictSame(alice.received, [])
  world.run(181)
  t.match(notes(alice), [{ at: EPOCH + 20, message: { id: 1, attempt: 0 } }])
  t.equal(notes(alice).length, 1, 'one is enough')
  t.equal(workings(alice).length, 2)
  for (const { handle } of world.fetches) world.core.respond(world.now, handle, page(300))
  world.run(79_000)
  alice.request(3)
  world.run(100)
  t.equal(notes(alice).length, 1, 'he is none yet')
  world.core.respond(world.now, world.fetches[2]!.handle, page(300))
  world.run(80_000)
  alice.request(4)
  world.run(100)
  t.match(notes(alice).at(-1), { message: { id: 4 } })
  alice.open(5)
  world.core.respond(world.now, world.fetches[3]!.handle, page(300))
  world.run(80_100)
  alice.request(6)
  world.run(10)
  world.core.respond(world.now, world.fetches.at(-1)!.handle, page(300))
  world.run(1_000)
  t.equal(notes(alice).length, 2, 'an answer in time needs none')
})

t.test('a client that says WORKING is not understood', async t => {
  const world = new World()
  const alice = world.client('alice')
  alice.open(1)
  const { malformed } = world.core.stats
  world.receive(
    18,
    encodeMessage({ type: 'working', attempt: 0, flags: 0, session: alice.session.session, id: 1, next: 1 }, alice.session.client)
  )
  t.equal(world.core.stats.malformed, malformed + 1)
})

t.test('a beginning says so in each symbol, again in a repair and a repetition, and a CANCEL tells who keeps its rest', async t => {
  const world = new World()
  world.answer = never
  const alice = world.client('alice')
  alice.open(1)
  const { handle, name } = world.fetches[0]!
  t.match(name, { session: alice.session.session.toString('hex'), id: 1 })
  t.ok(world.core.respond(world.now, handle, page(20_000), 'beginning') > 20_000)
  world.run(1_000)
  alice.want(1, 40, 2, { attempt: 1 })
  alice.open(1, { attempt: 2 })
  world.run(1_000)
  const replies = alice.replies(1)
  t.ok(replies.length > 4 && replies.every(({ part }) => part === 'beginning'))
  t.ok(alice.assemble(replies)?.equals(page(20_000)))
  t.strictSame(world.cancelled, [])
  alice.cancel(1, 2)
  t.strictSame(world.cancelled, [handle])
  t.match(world.core.stats, { beginnings: 1, replies: 1 })
})

t.test('a beginning that the client cannot take is ERROR 3, and nothing follows', async t => {
  const world = new World()
  world.answer = never
  const alice = world.client('alice')
  alice.open(1, { max: 16 })
  t.equal(world.core.respond(world.now, world.fetches[0]!.handle, page(20_000), 'beginning'), 0)
  world.run(100)
  t.match(alice.errors(1), [{ code: 3, size: 0 }])
})
