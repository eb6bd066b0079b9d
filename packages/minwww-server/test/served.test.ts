/** A request that is served, and what stands around it: fetches, notes of work, messages that wait. */
import { LocalDestination } from '@minwww/i2cp/codec'
import { decodeMessage, PUSH_IDS, sessionKeys, tunnelMessagesOf } from '@minwww/protocol'
import { EPOCH, seeded } from '@minwww/testkit'
import t from 'tap'
import { ErrorBurst, SymbolBurst, WorkingBurst } from '../src/core/bursts.ts'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import { Execution } from '../src/core/execution.ts'
import { Fetches } from '../src/core/fetches.ts'
import type { Burst } from '../src/core/flow.ts'
import { Flow } from '../src/core/flow.ts'
import { FlowScheduler } from '../src/core/flow-scheduler.ts'
import { Memory } from '../src/core/memory.ts'
import { Reply } from '../src/core/reply.ts'
import { SendQueue } from '../src/core/send-queue.ts'
import { ServedRequest } from '../src/core/served-request.ts'
import type { RequestState } from '../src/core/served-request.ts'
import { Session } from '../src/core/session.ts'
import { emptyStats } from '../src/core/types.ts'
import { WorkNotes } from '../src/core/work-notes.ts'

const { destination } = LocalDestination.generate(seeded('served'))
/** What a request counts besides its answer. */
const COST = 512
let made = 0
function sessionOf (isValidated = true): Session {
  const session = new Session(EPOCH, destination, sessionKeys(seeded(`served ${made++}`)(16)), DEFAULT_CONFIG)
  if (isValidated) session.peer.validate()
  session.bucket.setRate(EPOCH, 1e9, 1e9)
  return session
}
const fetching = (deadline = EPOCH + DEFAULT_CONFIG.fetchDeadline, handle = 1): RequestState => ({ name: 'fetching', handle, deadline })
const requestOf = (session = sessionOf(), id = 1, state: RequestState = fetching(), execution?: Execution): ServedRequest =>
  new ServedRequest(session, { id, attempt: 2, flags: 1 }, state, execution)

t.test('a higher attempt of a request is answered again, and what its path was then', async t => {
  const session = sessionOf()
  const request = requestOf(session)
  t.strictSame([request.isPush, request.attempt, request.copy, request.max], [false, 2, 1, session.max])
  session.learn(EPOCH, { loss: 9, shape: 4, rate: 0 })
  t.strictSame([request.resent({ id: 1, attempt: 2, flags: 3 }), request.copy, request.path.loss], [false, 1, 0])
  t.strictSame([request.resent({ id: 1, attempt: 3, flags: 3 }), request.attempt, request.copy, request.path.loss], [true, 3, 3, 9])
  session.learn(EPOCH, { loss: 8, shape: 4, rate: 0 })
  t.strictSame([request.repaired({ id: 1, attempt: 4, flags: 0 }), request.attempt, request.path.loss], [true, 4, 9])
  t.notOk(request.repaired({ id: 1, attempt: 4, flags: 0 }))
  request.continued({ id: 1, attempt: 3, flags: 0 })
  t.equal(request.attempt, 4)
  request.continued({ id: 1, attempt: 7, flags: 0 })
  t.equal(request.attempt, 7)
  t.strictSame([PUSH_IDS - 1, PUSH_IDS].map(id => requestOf(session, id).isPush), [false, true])
})

t.test('an ERROR is sent so often at most', async t => {
  const request = requestOf()
  t.equal(request.takeFailure(), undefined)
  request.failed('busy', { retryAfter: 3 }, 2)
  t.match(request.takeFailure(), { code: 'busy', facts: { retryAfter: 3 } })
  t.ok(request.takeFailure())
  t.equal(request.takeFailure(), undefined)
  const reply = new Reply(Buffer.alloc(10), request.path, DEFAULT_CONFIG)
  request.answered(reply)
  t.strictSame(request.state, { name: 'cached', reply })
  request.answered(reply, 5)
  t.strictSame(request.state, { name: 'cached', reply, handle: 5 })
})

t.test('fetches: so many at once, of one session, and of those who are not validated', async t => {
  const config = { ...DEFAULT_CONFIG, maxFetches: 4, maxFetchesPerSession: 2, unvalidatedFetches: 1, unvalidatedBurst: 1 }
  const fetches = new Fetches(EPOCH, config)
  const [a, b, stranger] = [sessionOf(), sessionOf(), sessionOf(false)]
  t.strictSame([fetches.takeHandle(), fetches.takeHandle(), fetches.size, fetches.first()], [1, 2, 0, undefined])
  fetches.add(1, requestOf(a, 1, fetching(EPOCH + 5)))
  fetches.add(2, requestOf(a, PUSH_IDS + 1))
  t.strictSame([fetches.takeRoom(EPOCH, a), fetches.first()], [true, { name: 'fetching', handle: 1, deadline: EPOCH + 5 }])
  const second = requestOf(a, 2)
  fetches.add(3, second)
  t.strictSame([fetches.takeRoom(EPOCH, a), fetches.takeRoom(EPOCH, b)], [false, true])
  t.strictSame([0, 0, 999, 1_001].map(ms => fetches.takeRoom(EPOCH + ms, stranger)), [true, false, false, true])
  fetches.add(8, requestOf(a, PUSH_IDS + 2))
  fetches.take(8)
  t.notOk(fetches.takeRoom(EPOCH, a), 'a push that is over makes no room')
  fetches.replace(3, requestOf(b, 1))
  t.ok(fetches.takeRoom(EPOCH, a))
  t.equal(fetches.get(3)?.session, b)
  fetches.add(4, requestOf(b, 2))
  t.strictSame([fetches.size, fetches.takeRoom(EPOCH, a)], [4, false])
  t.equal(fetches.take(4)?.id, 2)
  t.strictSame([fetches.take(4), fetches.get(4), fetches.size], [undefined, undefined, 3])
  t.equal(fetches.take(2)?.isPush, true)
  fetches.take(1)
  t.ok(fetches.takeRoom(EPOCH, a))
  fetches.replace(9, requestOf(a, 9))
  t.equal(fetches.get(9)?.id, 9)
})

t.test('one execution is asked for under so many ids', async t => {
  const execution = new Execution('token')
  const session = sessionOf()
  for (let id = 1; id <= 15; id++) {
    t.notOk(execution.isFull)
    execution.asked(session, id)
  }
  t.ok(execution.isFull)
  t.strictSame([execution.token, execution.askers[0]], ['token', { session, id: 1 }])
})

t.test('what is remembered of requests and of pushes is kept apart', async t => {
  const memory = new Memory({ ...DEFAULT_CONFIG, cacheTime: 1_000 })
  const session = sessionOf()
  const execution = new Execution('token')
  t.strictSame([memory.held, memory.nextTimeout()], [0, undefined])
  t.equal(memory.of({ id: PUSH_IDS }), memory.pushes)
  t.equal(memory.of({ id: PUSH_IDS - 1 }), memory.requests)
  const all = [1, 2].map(id => requestOf(session, id, fetching(), execution))
  const [first, second] = all as [ServedRequest, ServedRequest]
  for (const request of all) {
    memory.requests.add(EPOCH, request)
    execution.asked(session, request.id)
  }
  execution.asked(session, 3)
  memory.requests.add(EPOCH, requestOf(session, 3))
  t.strictSame(memory.answered(execution), [first, second], 'another request has the third id')
  const push = requestOf(session, PUSH_IDS + 1)
  memory.pushes.add(EPOCH + 10, push)
  first.answered(new Reply(Buffer.alloc(100), first.path, DEFAULT_CONFIG))
  push.answered(new Reply(Buffer.alloc(50), push.path, DEFAULT_CONFIG))
  memory.requests.touch(EPOCH, first)
  memory.pushes.touch(EPOCH + 10, push)
  t.equal(memory.held, 4 * COST + 150)
  t.equal(memory.nextTimeout(), EPOCH + 1_000)
  memory.handleTimeout(EPOCH + 1_000)
  t.equal(memory.held, 3 * COST + 50)
  memory.handleTimeout(EPOCH + 1_010)
  t.equal(memory.held, 2 * COST, 'what is fetched stays')
})

t.test('messages say whose they are, and of which attempt', async t => {
  const session = sessionOf()
  const request = requestOf(session, 5)
  const read = (bytes: Buffer) => decodeMessage(bytes, session.keys.server)
  const object = seeded('object')(3_000)
  const reply = new Reply(object, { loss: 0, shape: 1, maxSymbols: 24 }, DEFAULT_CONFIG, 'beginning')
  const symbols = new SymbolBurst(request, reply, { first: 1, last: 2 })
  t.match(symbols, { left: 2, isPush: false, owner: request, held: reply.held, messageLength: reply.messageLength })
  const first = { type: 'reply', part: 'beginning', id: 5, attempt: 2, flags: 1, size: 3_000, index: 1, last: 2, symbol: reply.symbol(1) }
  t.match(read(symbols.take(EPOCH, 131_072)), first)
  t.match(read(symbols.take(EPOCH, 131_072)), { index: 2, time: EPOCH & 0xffff })
  t.equal(symbols.left, 0)
  const push = new SymbolBurst(requestOf(session, PUSH_IDS + 5), reply, { first: 0, last: 0 })
  t.match([push.isPush, read(push.take(EPOCH, 1_000)).type], [true, 'push'])
  const working = new WorkingBurst(request, 5)
  t.strictSame([working.owner, working.left, working.held], [request, 1, working.messageLength])
  t.match(read(working.take()), { type: 'working', id: 5, attempt: 2, next: 5 })
  t.equal(working.left, 0)
  const error = new ErrorBurst(session, 6, 3, 'busy', { retryAfter: 2, size: 7, detail: 'why' })
  t.strictSame([error.left, error.held], [1, error.messageLength])
  t.match(read(error.take()), { type: 'error', id: 6, attempt: 3, code: 2, retryAfter: 2, size: 7, detail: 'why' })
  t.equal(error.left, 0)
  t.match(read(new ErrorBurst(session, 6, 3, 'busy', {}).take()), { retryAfter: 0, size: 0, detail: '' })
  t.equal(new ErrorBurst(session, 6, 3, 'busy', {}, request).owner, request)
  t.equal(tunnelMessagesOf(working.messageLength), 1)
})

/** A burst of messages of so many bytes. */
class Some implements Burst {
  readonly owner: object
  readonly messageLength: number
  readonly held: number
  readonly isPush: boolean
  left: number

  constructor (left: number, o: { owner?: object, held?: number, isPush?: boolean, messageLength?: number } = {}) {
    this.left = left
    this.owner = o.owner ?? this
    this.held = o.held ?? 0
    this.isPush = o.isPush ?? false
    this.messageLength = o.messageLength ?? 500
  }

  take (): Buffer {
    this.left--
    return Buffer.alloc(this.messageLength)
  }
}

t.test('of one session new bursts go first, then each in turn, and what nobody asked for last', async t => {
  const flow = new Flow(sessionOf())
  t.strictSame([flow.size, flow.held, flow.head, flow.isUnvalidated], [0, 0, undefined, false])
  flow.rotate()
  flow.shed()
  const [a, b, late] = [new Some(2, { held: 10 }), new Some(2, { held: 20 }), new Some(1, { held: 7 })]
  const push = new Some(2, { held: 5, isPush: true })
  for (const burst of [push, a, b]) flow.push(burst)
  t.strictSame([flow.size, flow.held], [3, 35])
  const sent = (count: number): Burst[] => Array.from({ length: count }, () => {
    const head = flow.head!
    head.take(0, 0)
    flow.rotate()
    return head
  })
  t.strictSame(sent(3), [a, b, a])
  t.equal(flow.held, 25)
  flow.push(late)
  t.strictSame(sent(4), [late, b, push, push])
  t.strictSame([flow.size, flow.held], [0, 0])
})

t.test('what is taken out of a session\'s queue: all of an owner, or the newest', async t => {
  const flow = new Flow(sessionOf())
  const owner = {}
  const unasked = new Some(5, { owner, held: 4, isPush: true })
  const all = [new Some(3, { owner, held: 1 }), new Some(4, { held: 2 }), unasked, new Some(1, { held: 8 })]
  for (const burst of all) flow.push(burst)
  all[0]!.take()
  flow.rotate()
  t.strictSame([flow.waiting(owner), flow.waiting({}), flow.waiting(all[1]!)], [2 + 5, 0, 4])
  flow.shed()
  t.strictSame([flow.size, flow.held], [3, 11], 'what nobody asked for')
  flow.shed()
  t.strictSame([flow.size, flow.held], [2, 3], 'then the newest')
  flow.push(new Some(1, { owner, held: 16, isPush: true }))
  flow.cancel(owner)
  t.strictSame([flow.size, flow.held, flow.head], [1, 2, all[1]])
})

t.test('a session becomes validated once', async t => {
  const session = sessionOf(false)
  const flow = new Flow(session)
  t.strictSame([flow.isUnvalidated, flow.takeValidation()], [true, false])
  session.peer.validate()
  t.strictSame([flow.isUnvalidated, flow.takeValidation(), flow.takeValidation(), flow.isUnvalidated], [true, true, false, false])
  t.equal(flow.restingRate, 0)
  flow.rest()
  t.equal(flow.restingRate, session.bucket.rate)
})

t.test('who was served the fewest bytes is next, and who comes back has no credit', async t => {
  const scheduler = new FlowScheduler()
  const flows = [0, 1, 2].map(() => new Flow(sessionOf()))
  const [a, b, late] = flows as [Flow, Flow, Flow]
  t.strictSame([scheduler.size, scheduler.first, scheduler.least, scheduler.virtual], [0, undefined, Infinity, 0])
  scheduler.enter(a)
  scheduler.serve(a, 5_000)
  scheduler.enter(a)
  scheduler.enter(b)
  t.strictSame([scheduler.first, scheduler.size, scheduler.least], [b, 2, 0])
  scheduler.serve(b, 7_000)
  t.equal(scheduler.first, a)
  scheduler.serve(a, 1_000)
  t.equal(scheduler.virtual, 5_000)
  scheduler.enter(late)
  t.equal(late.session.served, 5_000)
  scheduler.leave(late)
  t.equal(scheduler.size, 0)
  scheduler.advance(9_000)
  scheduler.advance(8_000)
  t.equal(scheduler.virtual, 9_000)
  b.session.serve(1e9)
  scheduler.enter(b)
  t.equal(scheduler.least, 9_000 + 61 * 1_024, 'nor is it in debt for long')
})

function queueOf (o: Partial<typeof DEFAULT_CONFIG> = {}): SendQueue {
  return new SendQueue(EPOCH, { ...DEFAULT_CONFIG, messageRate: 1e9, messageBurst: 1e9, maxBacklog: 1e9, serverRate: 1e12, ...o })
}

t.test('what waits to be sent is bounded: of one session it is refused, of all the newest goes', async t => {
  const queue = queueOf({ queuePerSession: 100, queueTotal: 150 })
  const [a, b] = [sessionOf(), sessionOf()]
  t.strictSame(
    [queue.isEmpty, queue.held, queue.waitingAnswers, queue.poll(EPOCH), queue.nextTimeout(EPOCH)],
    [true, 0, 0, undefined, undefined]
  )
  t.strictSame([60, 41, 40].map(held => queue.push(a, new Some(1, { held }))), [true, false, true])
  t.strictSame([queue.held, queue.waitingAnswers], [100, 2])
  const own = new Some(2, { held: 60 })
  t.ok(queue.push(b, own))
  t.strictSame([queue.held, queue.waitingAnswers, queue.waiting(b, own)], [120, 2, 2], 'who keeps most has lost its newest')
  queue.drop(a)
  queue.drop(a)
  t.strictSame([queue.held, queue.waitingAnswers], [60, 1])
  queue.cancel(a, own)
  queue.cancel(b, own)
  t.strictSame([queue.isEmpty, queue.held, queue.waiting(b, own)], [true, 0, 0])
  const many = queueOf()
  const session = sessionOf()
  for (let i = 0; i < 512; i++) t.ok(many.push(session, new Some(1)))
  t.notOk(many.push(session, new Some(1)))
})

t.test('what the tunnels carry bounds what may leave back to back, and the operator\'s limit is announced', async t => {
  const burst = (queue: SendQueue): number => {
    queue.push(sessionOf(), new Some(9_999))
    let count = 0
    while (queue.poll(EPOCH) !== undefined && count < 500) count++
    return count
  }
  const carried = queueOf()
  carried.setCarried(EPOCH, 1_024 * 1_000)
  t.equal(burst(carried), 50, 'fifty milliseconds of it')
  const little = queueOf()
  little.setCarried(EPOCH, 1_024)
  t.equal(burst(little), 8, 'eight tunnel messages at least')
  const limited = queueOf()
  limited.setLimits(EPOCH, { limit: Infinity, serverRate: 1_024, maxBacklog: 3 })
  limited.setCarried(EPOCH, 1e9)
  t.equal(burst(limited), 3)
  const paces: number[] = []
  const told = queueOf({ limit: 10_000 })
  const take = (_: number, pace: number): Buffer => Buffer.alloc(paces.push(pace))
  told.push(sessionOf(), Object.assign(new Some(1, { messageLength: 477 }), { take }))
  told.poll(EPOCH)
  t.equal(Math.round(paces[0]!), Math.round(10_000 * 1_024 / 500))
})

t.test('a client hears in time that its request is worked on: a stranger soon, others later, and again', async t => {
  const stats = emptyStats()
  const queue = queueOf()
  const notes = new WorkNotes(DEFAULT_CONFIG, stats, queue)
  const { meetAfter, workingAfter, workingEvery } = DEFAULT_CONFIG
  const [stranger, friend] = [sessionOf(), sessionOf()]
  friend.addressed(EPOCH)
  const [first, second, push] = [requestOf(stranger), requestOf(friend), requestOf(stranger, PUSH_IDS + 1)]
  for (const request of [first, second, push]) notes.add(EPOCH, request)
  const all = [first, second, push]
  const said = (session: Session): number => all.reduce((sum, request) => sum + queue.waiting(session, request), 0)
  t.equal(notes.nextTimeout, EPOCH + meetAfter)
  notes.handleTimeout(EPOCH + meetAfter - 1)
  t.equal(said(stranger), 0)
  notes.handleTimeout(EPOCH + meetAfter)
  t.strictSame([queue.waiting(stranger, first), said(friend), stats.workings], [1, 0, 0])
  t.strictSame([queue.waiting(stranger, push), stranger.addressedAt], [0, EPOCH + meetAfter])
  t.equal(notes.nextTimeout, EPOCH + workingAfter)
  notes.handleTimeout(EPOCH + workingAfter)
  t.strictSame(all.map(request => queue.waiting(request.session, request)), [1, 1, 1], 'what waits is not said twice')
  t.equal(stats.workings, 2)
  t.equal(notes.nextTimeout, EPOCH + workingAfter + workingEvery)
  for (const request of all) notes.remove(request)
  t.equal(notes.nextTimeout, undefined)
  notes.tell(EPOCH, requestOf(friend, 7))
  t.strictSame([stats.workings, notes.nextTimeout], [3, EPOCH + workingEvery])
})
