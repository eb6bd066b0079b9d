import { LocalDestination } from '@minwww/i2cp/codec'
import { ErasureDecoder, sessionKeys } from '@minwww/protocol'
import { EPOCH, seeded } from '@minwww/testkit'
import t from 'tap'
import { DEFAULT_CONFIG, type ServerConfig } from '../src/core/config.ts'
import { Reply } from '../src/core/reply.ts'
import { RequestTable } from '../src/core/request-table.ts'
import { ServedRequest, type RequestState } from '../src/core/served-request.ts'
import { Session } from '../src/core/session.ts'

const { destination } = LocalDestination.generate(seeded('client'))
/** What a request counts besides its answer. */
const COST = 512
const SECOND = 1_000

const sessionOf = (name: string): Session => new Session(EPOCH, destination, sessionKeys(seeded(name)(16)), DEFAULT_CONFIG)
const fetching: RequestState = { name: 'fetching', handle: 1, deadline: EPOCH }
const failed: RequestState = { name: 'failed', code: 'busy', facts: {}, repeatsLeft: 1 }
const collecting = (size: number): RequestState =>
  ({ name: 'collecting', decoder: new ErasureDecoder(size, size), size, symbolLength: size })
const answer = (session: Session, bytes: number): Reply => new Reply(Buffer.alloc(bytes), session.path, DEFAULT_CONFIG)
const requestOf = (session: Session, id: number, state: RequestState = failed): ServedRequest =>
  new ServedRequest(session, { id, attempt: 0, flags: 0 }, state)

function tableOf (config: Partial<ServerConfig> = {}) {
  const table = new RequestTable({ ...DEFAULT_CONFIG, ...config })
  const add = (session: Session, id: number, state?: RequestState, now = EPOCH): ServedRequest => {
    const request = requestOf(session, id, state)
    table.add(now, request)
    return request
  }
  return { table, add, ids: (session: Session) => table.of(session).map(({ id }) => id) }
}

t.test('requests are found by session and id; what they hold is counted', async t => {
  const { table, add, ids } = tableOf()
  const [a, b] = [sessionOf('a'), sessionOf('b')]
  t.match(table, { held: 0, size: 0 })
  t.strictSame([table.find(a, 1), ids(a), table.nextTimeout()], [undefined, [], undefined])
  const first = add(a, 1)
  const upload = add(a, 2, collecting(1_000))
  const waiting = add(b, 1, fetching)
  t.strictSame([table.find(a, 1), table.find(a, 2), table.find(b, 1)], [first, upload, waiting])
  t.strictSame([ids(a), ids(b), table.size, table.held], [[1, 2], [1], 3, 3 * COST + 1_000])
  const reply = answer(b, 3_000)
  waiting.answered(reply)
  table.touch(EPOCH, waiting)
  t.equal(table.held, 3 * COST + 1_000 + reply.held)
  t.ok(reply.held >= 3_000)
  table.remove(upload)
  table.remove(upload)
  t.strictSame([table.find(a, 2), ids(a), table.size, table.held], [undefined, [1], 2, 2 * COST + reply.held])
  table.remove(first)
  table.remove(waiting)
  t.strictSame([ids(a), ids(b), table.size, table.held], [[], [], 0, 0])
  add(a, 1)
  t.strictSame([ids(a), table.held], [[1], COST], 'a session that had none begins anew')
})

t.test('what is too much for a session goes: the one untouched for longest, but not what is fetched, nor the one touched', async t => {
  const { table, add, ids } = tableOf({ cachePerSession: 3 * COST })
  const [a, b] = [sessionOf('a'), sessionOf('b')]
  add(b, 1)
  const old = add(a, 1)
  add(a, 2, fetching)
  add(a, 3)
  t.strictSame(ids(a), [1, 2, 3], 'as much as the bound')
  table.touch(EPOCH, old)
  t.strictSame(ids(a), [2, 3, 1])
  add(a, 4)
  t.strictSame(ids(a), [2, 1, 4])
  const large = add(a, 5)
  large.answered(answer(a, 100_000))
  table.touch(EPOCH, large)
  t.strictSame(ids(a), [2, 5], 'the one that is too large itself stays')
  t.strictSame(ids(b), [1], 'another session pays nothing')
  for (const id of [6, 7]) add(a, id)
  const other = add(a, 8)
  other.answered(answer(a, 100_000))
  table.touch(EPOCH, other)
  t.strictSame(ids(a), [2, 8], 'as many as it takes')
  const { held } = table
  table.touch(EPOCH, other)
  t.equal(table.held, held)
})

t.test('what is too much in all goes, whosever it is', async t => {
  const { table, add, ids } = tableOf({ cacheTotal: 3 * COST })
  const [a, b] = [sessionOf('a'), sessionOf('b')]
  add(a, 1)
  const next = add(b, 1)
  add(a, 2)
  t.equal(table.size, 3, 'as much as the bound')
  add(b, 2)
  t.strictSame([ids(a), ids(b)], [[2], [1, 2]])
  table.touch(EPOCH, next)
  add(b, 3)
  t.strictSame([ids(a), ids(b), table.held], [[], [2, 1, 3], 3 * COST])
})

t.test('a session remembers so many requests', async t => {
  const { add, ids } = tableOf({ maxRequestsPerSession: 2 })
  const [a, b] = [sessionOf('a'), sessionOf('b')]
  for (const id of [1, 2]) add(a, id)
  add(b, 1)
  t.strictSame(ids(a), [1, 2])
  add(a, 3)
  t.strictSame([ids(a), ids(b)], [[2, 3], [1]])
  const busy = tableOf({ maxRequestsPerSession: 1 })
  busy.add(a, 1, fetching)
  busy.add(a, 2)
  t.strictSame(busy.ids(a), [1, 2], 'what is fetched has its own bound')
})

t.test('so many uploads in all and of a session; those that are complete do not count, what nothing comes of makes room', async t => {
  const { table, add, ids } = tableOf({ maxUploads: 2, maxUploadsPerSession: 2, uploadPause: 5 * SECOND })
  const [a, b] = [sessionOf('a'), sessionOf('b')]
  add(a, 9)
  const first = add(a, 1, collecting(10))
  add(b, 1, collecting(10))
  t.notOk(table.takeUploadRoom(EPOCH, b), 'two in all')
  table.touch(EPOCH + 4 * SECOND, first)
  t.notOk(table.takeUploadRoom(EPOCH + 5 * SECOND - 1, b))
  t.strictSame([ids(a), ids(b)], [[9, 1], [1]], 'nothing was lost by asking')
  t.ok(table.takeUploadRoom(EPOCH + 5 * SECOND, b), 'nothing has come of one for so long')
  t.strictSame([ids(a), ids(b)], [[9, 1], []], 'it is forgotten')
  const third = add(b, 2, collecting(10))
  third.failed('busy', {}, 1)
  table.touch(EPOCH, third)
  t.ok(table.takeUploadRoom(EPOCH, b), 'one was complete')
  add(b, 3, collecting(10))
  table.remove(table.find(b, 3)!)
  t.ok(table.takeUploadRoom(EPOCH, b), 'one was removed')
  const alone = tableOf({ maxUploads: 9, maxUploadsPerSession: 1, uploadPause: 0 })
  alone.add(a, 1, collecting(10))
  t.notOk(alone.table.takeUploadRoom(EPOCH + 60 * SECOND, a), 'one of a session, however long it takes')
  t.ok(alone.table.takeUploadRoom(EPOCH, b))
})

t.test('answers are kept for a time after they were used; what is fetched stays', async t => {
  const { table, add, ids } = tableOf({ cacheTime: 10 * SECOND })
  const a = sessionOf('a')
  const first = add(a, 1)
  add(a, 2, fetching, EPOCH + SECOND)
  add(a, 3, failed, EPOCH + 2 * SECOND)
  t.equal(table.nextTimeout(), EPOCH + 10 * SECOND)
  table.touch(EPOCH + 3 * SECOND, first)
  t.equal(table.nextTimeout(), EPOCH + 11 * SECOND)
  table.handleTimeout(EPOCH + 11 * SECOND - 1)
  t.strictSame(ids(a), [2, 3, 1])
  table.handleTimeout(EPOCH + 12 * SECOND)
  t.strictSame([ids(a), table.nextTimeout()], [[1, 2], EPOCH + 13 * SECOND])
  table.handleTimeout(EPOCH + 13 * SECOND)
  t.strictSame([ids(a), table.nextTimeout(), table.held], [[2], EPOCH + 22 * SECOND, COST])
})

t.test('one request: attempts rise, an error is told so often', async t => {
  const session = sessionOf('a')
  const request = requestOf(session, 7)
  t.match(request, { id: 7, attempt: 0, copy: 0, max: session.max, path: session.path })
  session.learn(EPOCH, { loss: 9, shape: 3, rate: 0 })
  t.equal(request.repaired({ id: 7, attempt: 0, flags: 1 }), false)
  t.equal(request.repaired({ id: 7, attempt: 1, flags: 1 }), true)
  t.match(request, { attempt: 1, copy: 1, path: { loss: 0 } }, 'a repair tells nothing of the path')
  t.equal(request.resent({ id: 7, attempt: 1, flags: 2 }), false)
  t.match(request, { copy: 1, path: { loss: 0 } })
  t.equal(request.resent({ id: 7, attempt: 2, flags: 2 }), true)
  t.match(request, { attempt: 2, copy: 2, path: { loss: 9, shape: 3 } })
  request.continued({ id: 7, attempt: 5, flags: 3 })
  request.continued({ id: 7, attempt: 4, flags: 3 })
  t.match(request, { attempt: 5, copy: 2 })
  t.equal(requestOf(session, 8, fetching).takeFailure(), undefined)
  request.failed('too-large', { size: 5 }, 2)
  const told = [request.takeFailure(), request.takeFailure(), request.takeFailure()]
  t.match(told, [{ code: 'too-large', facts: { size: 5 } }, { code: 'too-large' }, undefined])
})
