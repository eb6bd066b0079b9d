import { encodeLoss, ErasureDecoder, MAX_OBJECT, TUNNEL_MESSAGE } from '@minwww/protocol'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import type { PathFacts, SymbolRange } from '../src/core/reply.ts'
import { Reply } from '../src/core/reply.ts'

const PATH: PathFacts = { loss: 0, shape: 8, maxSymbols: 24 }
const CONFIG = { ...DEFAULT_CONFIG, maxBursts: 4, replyFactor: 3, minReplyMessages: 6 }
const object = seeded('object')(20_000)
const countOf = (range: SymbolRange | undefined): number => range === undefined ? 0 : range.last + 1 - range.first

t.test('whatever a client asks for, no more than three times a reply leaves', async t => {
  const reply = new Reply(object, PATH, { ...CONFIG, maxBursts: 99 })
  const k = Math.ceil(object.length / (reply.messageLength - 30))
  let symbols = countOf(reply.whole(PATH))
  t.ok(symbols >= k)
  for (let i = 0; i < 50; i++) symbols += countOf(reply.repair(symbols, 1_000, false))
  t.equal(symbols, 3 * k)
  t.equal(reply.whole(PATH), undefined)
})

t.test('and in so many bursts at most, however small', async t => {
  const reply = new Reply(object, PATH, CONFIG)
  t.ok(reply.whole(PATH))
  for (let i = 0; i < 3; i++) t.equal(countOf(reply.repair(100 + i, 1, true)), 1)
  t.strictSame([reply.repair(200, 1, true), reply.whole(PATH), reply.train(1)], [undefined, undefined, undefined])
})

t.test('a small reply may be sent some times more', async t => {
  const reply = new Reply(Buffer.alloc(100), { ...PATH, shape: 1 }, { ...CONFIG, maxBursts: 99 })
  let symbols = 0
  for (let range = reply.whole(PATH); range !== undefined; range = reply.whole(PATH)) symbols += countOf(range)
  t.ok(symbols * reply.messageLength <= 6 * TUNNEL_MESSAGE)
  t.ok((symbols + 1) * reply.messageLength > 6 * TUNNEL_MESSAGE)
})

t.test('a repair is of symbols that were not sent yet, unless the attempt is a new one', async t => {
  const reply = new Reply(object, PATH, { ...CONFIG, maxBursts: 99 })
  const { last } = reply.whole(PATH)!
  t.strictSame(reply.repair(0, last + 3, false), { first: last + 1, last: last + 2 })
  t.equal(reply.repair(0, last + 3, false), undefined, 'all of these were sent')
  t.strictSame(reply.repair(last + 10, 1, false), { first: last + 10, last: last + 10 })
  t.strictSame(reply.repair(1, 2, true), { first: 1, last: 2 })
})

t.test('with loss there is parity, and repetitions have as much as the path needs by then', async t => {
  const clean = { ...PATH, shape: 1 }
  const reply = new Reply(object, clean, { ...CONFIG, maxBursts: 99, replyFactor: 99 })
  const k = countOf(reply.whole(clean))
  const more = countOf(reply.whole({ ...clean, loss: encodeLoss(0.1) }))
  t.ok(more > k, `${more} symbols of ${k}`)
  t.equal(countOf(reply.whole(clean)), more, 'never fewer than before')
})

t.test('symbols that are too large for a path are cut anew, and come from the beginning', async t => {
  const reply = new Reply(object, PATH, { ...CONFIG, maxBursts: 99, replyFactor: 99 })
  reply.whole(PATH)
  const { messageLength } = reply
  t.ok(reply.m > 1)
  t.ok(reply.whole({ ...PATH, shape: 16 }))
  t.equal(reply.messageLength, messageLength, 'a path that takes larger ones changes nothing')
  const range = reply.whole({ ...PATH, shape: 1 })!
  t.equal(range.first, 0)
  t.equal(reply.m, 1)
  t.ok(reply.messageLength < messageLength)
  const decoder = new ErasureDecoder(object.length, reply.symbol(0).length)
  t.equal(countOf(range), decoder.k)
  for (let index = range.first; index <= range.last; index++) decoder.add(index, reply.symbol(index))
  t.ok(decoder.complete)
  t.strictSame(decoder.result(), object)
  t.strictSame(reply.repair(0, decoder.k + 1, false), { first: decoder.k, last: decoder.k }, 'what was sent before is counted anew')
})

t.test('an empty reply says what it is filled with, and has no repairs', async t => {
  const reply = new Reply(Buffer.alloc(0), { loss: 0, shape: 1, maxSymbols: 1 }, CONFIG, 'whole', Buffer.from('this start'))
  t.strictSame(reply.train(5), { first: 0, last: 4 })
  t.equal(reply.symbol(3).subarray(0, 10).toString(), 'this start')
  t.ok(reply.symbol(3).subarray(10).every(byte => byte === 0))
  t.equal(reply.repair(0, 5, true), undefined)
  const most = Math.floor(6 * TUNNEL_MESSAGE / reply.messageLength)
  t.equal(countOf(reply.train(99)), most - 5)
  t.equal(reply.train(1), undefined)
})

t.test('memory that it is counted with: the object, and parity by groups of four', async t => {
  const reply = new Reply(object, PATH, { ...CONFIG, maxBursts: 99, replyFactor: 99 })
  const k = countOf(reply.whole(PATH))
  t.equal(reply.held, object.length)
  const held = (more: number): number => {
    reply.repair(0, k + more, false)
    return (reply.held - object.length) / (reply.messageLength - 30)
  }
  t.strictSame([held(1), held(4), held(5)], [4, 4, 8])
  t.equal(new Reply(Buffer.alloc(MAX_OBJECT), PATH, CONFIG, 'beginning').part, 'beginning')
})
