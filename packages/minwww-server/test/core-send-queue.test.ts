import { LocalDestination } from '@minwww/i2cp/codec'
import { messageCapacity, sessionKeys, tunnelMessagesOf } from '@minwww/protocol'
import fc from 'fast-check'
import t from 'tap'
import { EPOCH, seeded, seedOf } from '@minwww/testkit'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import { Heap } from '../src/core/heap.ts'
import type { Burst } from '../src/core/flow.ts'
import { SendQueue } from '../src/core/send-queue.ts'
import { Session } from '../src/core/session.ts'

const SEED = 31_337
const KB = 1024

const { destination } = LocalDestination.generate(seeded('client'))
const KEYS = sessionKeys(seeded('secret')(16))

function sessionOf (rate = 1e9, isValidated = true): Session {
  const session = new Session(EPOCH, destination, KEYS, DEFAULT_CONFIG)
  if (isValidated) session.peer.validate()
  session.bucket.setRate(EPOCH, rate, 190 * KB)
  return session
}

/** Messages of one size; remembers the paces that it was told. */
class Messages implements Burst {
  readonly owner = this
  readonly messageLength: number
  readonly held = 0
  readonly paces: number[] = []
  left: number

  constructor (m: number, left: number) {
    this.messageLength = messageCapacity(m)
    this.left = left
  }

  take (_now: number, pace: number): Buffer {
    this.left--
    this.paces.push(pace)
    return Buffer.alloc(this.messageLength)
  }
}

t.test('heap: like sorting, whatever is added and removed', async t => {
  const steps = fc.array(fc.record({ key: fc.integer({ min: 0, max: 20 }), removes: fc.nat(40) }), { maxLength: 60 })
  fc.assert(fc.property(steps, steps => {
    const heap = new Heap<number>()
    const model = new Map<number, number>()
    for (const [item, { key, removes }] of steps.entries()) {
      heap.add(item, key)
      model.set(item, key)
      if (heap.remove(removes) !== model.delete(removes)) return false
      if (heap.size !== model.size || heap.firstKey !== (model.size === 0 ? undefined : Math.min(...model.values()))) return false
    }
    const keys: number[] = []
    for (let first = heap.first; first !== undefined; first = heap.first) {
      keys.push(heap.firstKey!)
      heap.remove(first)
    }
    return keys.join() === [...model.values()].sort((a, b) => a - b).join()
  }), { seed: seedOf(t, SEED), numRuns: 300 })
  t.pass()
})

t.test('a driver that jumps from deadline to deadline never comes for nothing twice at one time', async t => {
  const rate = fc.double({ min: 1024, max: 3e6, noNaN: true })
  const flow = fc.record({ rate, m: fc.constantFrom(1, 2, 4, 8, 61), left: fc.integer({ min: 1, max: 30 }) })
  const flowsOf = fc.array(flow, { minLength: 1, maxLength: 8 })
  const server = fc.record({
    serverRate: fc.double({ min: 5e3, max: 3e6, noNaN: true }),
    maxBacklog: fc.integer({ min: 8, max: 400 }),
    messageRate: fc.double({ min: 10, max: 500, noNaN: true }),
    messageBurst: fc.integer({ min: 1, max: 24 })
  })
  fc.assert(fc.property(server, flowsOf, fc.double({ min: 0, max: 1e6, noNaN: true }), (limits, flows, offset) => {
    let now = EPOCH + offset
    const sendQueue = new SendQueue(now, { ...DEFAULT_CONFIG, ...limits })
    const total = flows.reduce((sum, { left }) => sum + left, 0)
    for (const { rate, m, left } of flows) sendQueue.push(sessionOf(rate), new Messages(m, left))
    let sent = 0
    for (let calls = 0; calls < 4 * total + 100; calls++) {
      while (sendQueue.poll(now) !== undefined) sent++
      const next = sendQueue.nextTimeout(now)
      if (next === undefined) return sent === total
      if (next <= now) return false
      now = next
    }
    return false
  }), { seed: seedOf(t, SEED), numRuns: 150 })
  t.pass()
})

t.test('sessions that can take more share in bytes what limits the server, slow ones get what they can take', async t => {
  const sendQueue = new SendQueue(EPOCH, { ...DEFAULT_CONFIG, serverRate: 100 * KB, maxBacklog: 16, messageRate: 1e6, messageBurst: 1e6 })
  const kinds = [[61, 1e9], [8, 1e9], [1, 1e9], [2, 5 * KB], [1, 10 * KB]] as const
  const sessions = kinds.map(([, rate]) => sessionOf(rate))
  const bursts = kinds.map(([m]) => new Messages(m, 1e6))
  sessions.forEach((session, index) => sendQueue.push(session, bursts[index]!))
  const bytes = new Map(sessions.map(session => [session, 0]))
  const START = EPOCH + 60_000
  const END = EPOCH + 360_000
  for (let now = EPOCH; now < END; now = sendQueue.nextTimeout(now)!) {
    for (let message = sendQueue.poll(now); message !== undefined; message = sendQueue.poll(now)) {
      if (now >= START) bytes.set(message.session, bytes.get(message.session)! + tunnelMessagesOf(message.payload.length) * KB)
    }
  }
  const rates = [...bytes.values()].map(value => value / 300)
  t.comment(`KB/s: ${rates.map(rate => (rate / KB).toFixed(1)).join(' ')}`)
  const share = (100 - 5 - 10) / 3 * KB
  for (const rate of rates.slice(0, 3)) t.ok(Math.abs(rate / share - 1) < 0.1)
  t.ok(Math.abs(rates[3]! / (5 * KB) - 1) < 0.1 && Math.abs(rates[4]! / (10 * KB) - 1) < 0.1)
  const paces = bursts.map(burst => burst.paces.slice(-20).reduce((sum, pace) => sum + pace, 0) / 20)
  paces.forEach((pace, index) => t.ok(Math.abs(pace / rates[index]! - 1) < 0.25, `announced ${Math.round(pace)}`))
})

t.test('a flow that never empties has a share of its own once its Destination is validated', async t => {
  const sendQueue = new SendQueue(EPOCH, { ...DEFAULT_CONFIG, serverRate: 100 * KB, maxBacklog: 16, messageRate: 1e6, messageBurst: 1e6 })
  const sessions = Array.from({ length: 4 }, () => sessionOf(1e9, false))
  for (const session of sessions) sendQueue.push(session, new Messages(1, 1e6))
  const first = sendQueue.poll(EPOCH)!.session
  for (const session of sessions) session.peer.validate()
  const late = sessionOf()
  sendQueue.push(late, new Messages(1, 1e6))
  const counts = new Map([...sessions, late].map(session => [session, 0]))
  for (let now = EPOCH; now < EPOCH + 60_000; now = sendQueue.nextTimeout(now)!) {
    for (let message = sendQueue.poll(now); message !== undefined; message = sendQueue.poll(now)) {
      counts.set(message.session, counts.get(message.session)! + 1)
    }
  }
  t.ok(counts.get(first)! > 0)
  t.ok(Math.min(...counts.values()) > 0.9 * Math.max(...counts.values()), [...counts.values()].join(', '))
})

t.test('who comes back does not get what he could have had', async t => {
  const sendQueue = new SendQueue(EPOCH, { ...DEFAULT_CONFIG, serverRate: 10 * KB, maxBacklog: 2, messageRate: 1e6, messageBurst: 1e6 })
  const busy = sessionOf()
  const late = sessionOf()
  sendQueue.push(busy, new Messages(1, 1000))
  let now = EPOCH
  const run = (count: number): Session[] => {
    const order: Session[] = []
    for (; order.length < count; now = sendQueue.nextTimeout(now) ?? now) {
      for (let message = sendQueue.poll(now); message !== undefined; message = sendQueue.poll(now)) order.push(message.session)
    }
    return order.slice(0, count)
  }
  run(200)
  sendQueue.push(late, new Messages(1, 100))
  const order = run(40)
  t.ok(Math.abs(order.filter(session => session === late).length - 20) <= 1)
})

t.test('a higher grant, another burst or a CANCEL wakes a session that rests', async t => {
  const limits = { ...DEFAULT_CONFIG, messageRate: 1e6, messageBurst: 1e6, serverRate: 1e12, maxBacklog: 1e6 }
  const sendQueue = new SendQueue(EPOCH, limits)
  const session = sessionOf(1024)
  const large = new Messages(61, 5)
  sendQueue.push(session, large)
  while (sendQueue.poll(EPOCH) !== undefined) { /* until its bucket is empty */ }
  t.ok(sendQueue.nextTimeout(EPOCH)! > EPOCH + 30_000)
  sendQueue.push(session, new Messages(1, 1))
  t.equal(sendQueue.poll(EPOCH)?.payload.length, messageCapacity(1))
  t.equal(sendQueue.poll(EPOCH), undefined)
  session.bucket.setRate(EPOCH, 61 * KB, 190 * KB)
  sendQueue.wake(session)
  t.equal(sendQueue.poll(EPOCH), undefined)
  t.ok(sendQueue.nextTimeout(EPOCH)! < EPOCH + 1_000)
  sendQueue.cancel(session, large)
  t.match([sendQueue.isEmpty, sendQueue.nextTimeout(EPOCH)], [true, undefined])
})
