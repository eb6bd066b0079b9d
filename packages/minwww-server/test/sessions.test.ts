import { LocalDestination } from '@minwww/i2cp/codec'
import { encodeRate, MAX_SYMBOLS, PUSH_IDS, sessionKeys } from '@minwww/protocol'
import { EPOCH, seeded } from '@minwww/testkit'
import t from 'tap'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import { MAX_SESSIONS_OF_PEER, Session } from '../src/core/session.ts'
import { SessionTable } from '../src/core/session-table.ts'

const KB = 1024
const LIFE = 1_000
const CONFIG = { ...DEFAULT_CONFIG, maxFreshSessions: 4, maxSessions: 3, sessionLife: LIFE }
const destinations = Array.from({ length: 9 }, (_, i) => LocalDestination.generate(seeded(`client ${i}`)).destination)

/** Sessions of clients, made on demand, in one table. */
function world (config = CONFIG): { table: SessionTable, session: (client: number, name?: string, now?: number) => Session } {
  const table = new SessionTable(config)
  const session = (client: number, name = 'only', now = EPOCH): Session => {
    const destination = destinations[client]!
    return new Session(now, destination, sessionKeys(seeded(`${client} ${name}`)(16)), config, table.peerOf(destination))
  }
  return { table, session }
}

t.test('a session that was only opened ends for newer ones, the one silent for longest first', async t => {
  const { table, session } = world()
  const sessions = [0, 1, 2, 3, 4].map(client => session(client))
  for (const one of sessions.slice(0, 4)) t.strictSame(table.add(one), [])
  t.equal(table.touch(sessions[0]!, false), undefined)
  t.strictSame(table.add(sessions[4]!), [sessions[1]])
  t.equal(table.find(sessions[1]!.name), undefined)
  t.equal(table.find(sessions[0]!.name), sessions[0])
  t.strictSame([table.size, table.knows(destinations[0]!), table.knows(destinations[1]!)], [4, true, false])
})

t.test('a session in use is not pushed out by any number of OPENs, but by others in use', async t => {
  const { table, session } = world()
  const used = [0, 1, 2, 3].map(client => session(client))
  for (const one of used) {
    table.add(one)
    one.answered(EPOCH)
  }
  for (const one of used.slice(0, 3)) t.equal(table.touch(one, true), undefined)
  t.equal(table.touch(used[0]!, true), undefined, 'it is known to be used')
  for (const client of [4, 5, 6, 7]) t.ok(table.add(session(client)).every(gone => !used.slice(0, 3).includes(gone)))
  t.ok(used.slice(0, 3).every(one => table.find(one.name) === one))
  const late = session(8)
  table.add(late)
  late.answered(EPOCH)
  t.equal(table.touch(late, true), used[1], 'the one silent for longest')
  t.strictSame([table.find(used[1]!.name), table.knows(destinations[1]!), table.find(late.name)], [undefined, false, late])
})

t.test('a Destination is validated by a message after an answer, not by an OPEN or before', async t => {
  const { table, session } = world()
  const one = session(0)
  table.add(one)
  table.touch(one, true)
  t.notOk(one.peer.isValidated, 'it was not answered yet')
  one.answered(EPOCH)
  table.touch(one, false)
  t.notOk(one.peer.isValidated, 'an OPEN may be anybody\'s repetition')
  table.touch(one, true)
  t.ok(one.peer.isValidated)
  t.ok(session(0, 'another').peer.isValidated, 'and so are its other sessions')
  t.notOk(session(1).peer.isValidated)
})

t.test('one Destination has a few sessions: the one silent for longest makes room', async t => {
  const { table, session } = world({ ...CONFIG, maxFreshSessions: 99 })
  const sessions = Array.from({ length: MAX_SESSIONS_OF_PEER }, (_, i) => {
    const one = session(0, `${i}`, EPOCH + i)
    t.strictSame(table.add(one), [])
    return one
  })
  sessions[0]!.heard(EPOCH + 99, 1, 2)
  const next = session(0, 'next', EPOCH + 100)
  t.strictSame(table.add(next), [sessions[1]])
  t.equal(table.size, MAX_SESSIONS_OF_PEER)
  for (const one of [...sessions, next]) table.remove(one)
  t.strictSame([table.size, table.knows(destinations[0]!)], [0, false])
})

t.test('a Destination is forgotten with its last session; what is removed twice changes nothing', async t => {
  const { table, session } = world()
  const first = session(0, 'a')
  table.add(first)
  const second = session(0, 'b')
  table.add(second)
  table.remove(first)
  table.remove(first)
  t.ok(table.knows(destinations[0]!))
  t.equal(table.peerOf(destinations[0]!), second.peer)
  table.remove(second)
  t.notOk(table.knows(destinations[0]!))
  table.remove(session(0, 'never added'))
  t.equal(table.size, 0)
})

t.test('silence ends a session, whichever table it is in', async t => {
  const { table, session } = world()
  t.strictSame([table.nextTimeout(), table.expired(EPOCH)], [undefined, []])
  const [fresh, used] = [session(0, 'a', EPOCH + 10), session(1, 'b', EPOCH)]
  table.add(fresh)
  t.equal(table.nextTimeout(), EPOCH + 10 + LIFE)
  table.add(used)
  used.answered(EPOCH)
  table.touch(used, true)
  t.equal(table.nextTimeout(), EPOCH + LIFE)
  t.strictSame(table.expired(EPOCH + LIFE - 1), [])
  t.strictSame(table.expired(EPOCH + LIFE), [used])
  t.strictSame(table.expired(EPOCH + LIFE + 10), [fresh, used])
  t.equal(table.size, 2, 'they stay until removed')
})

t.test('a grant is taken within the bounds of the exit, and its depth follows', async t => {
  const config = { ...DEFAULT_CONFIG, minRate: 2 * KB, maxRate: 1_000 * KB, depthTime: 250, minDepth: 16, maxDepth: 100 }
  const session = new Session(EPOCH, destinations[0]!, sessionKeys(Buffer.alloc(16)), config)
  const { initialRate, initialDepth } = config
  const granted = (code: number): [number, number] => {
    session.grant(EPOCH, code)
    return [session.bucket.rate, session.bucket.depth / KB]
  }
  t.strictSame(granted(0), [initialRate, initialDepth], 'unknown changes nothing')
  t.strictSame(granted(1), [2 * KB, 16])
  t.strictSame(granted(255), [1_000 * KB, 100])
  const [rate, depth] = granted(encodeRate(256 * KB))
  t.ok(Math.abs(rate - 256 * KB) < 16 * KB)
  t.equal(depth, Math.floor(rate / 4 / KB))
  session.bucket.force(EPOCH, 1e6)
  const level = session.bucket.level(EPOCH)
  granted(encodeRate(256 * KB))
  t.equal(session.bucket.level(EPOCH), level, 'the same again')
})

t.test('what leaves at once is most of a bucket, and no more than the client takes', async t => {
  const session = new Session(EPOCH, destinations[0]!, sessionKeys(Buffer.alloc(16)), { ...DEFAULT_CONFIG, initialDepth: 10 })
  t.equal(session.atOnce, 9 * KB)
  session.accept(5_000)
  t.strictSame([session.max, session.atOnce], [5_000, 5_000])
})

t.test('many symbols follow each other only where the client says that its path is slow', async t => {
  const { slowRate, messageBurst } = DEFAULT_CONFIG
  const symbols = (rate: number): number => {
    const session = new Session(EPOCH, destinations[0]!, sessionKeys(Buffer.alloc(16)), DEFAULT_CONFIG)
    t.strictSame(session.path, { loss: 0, shape: 1, maxSymbols: messageBurst })
    session.learn(EPOCH, { loss: 7, shape: 4, rate: rate === 0 ? 0 : encodeRate(rate) })
    t.match(session.path, { loss: 7, shape: 4 })
    return session.path.maxSymbols
  }
  t.strictSame([0, 16 * KB, slowRate * 0.9, slowRate * 1.1].map(symbols), [messageBurst, MAX_SYMBOLS, MAX_SYMBOLS, messageBurst])
})

t.test('numbers of a session: REPORTs only rise, ids of pushes stay above those of requests', async t => {
  const session = new Session(EPOCH, destinations[0]!, sessionKeys(Buffer.alloc(16)), DEFAULT_CONFIG)
  t.strictSame([5, 5, 4, 6].map(number => session.takeReport(number)), [true, false, false, true])
  t.strictSame([session.takePushId(), session.takePushId()], [PUSH_IDS + 1, PUSH_IDS + 2])
})

t.test('a session knows where it is, when it was heard and when it was spoken to', async t => {
  const session = new Session(EPOCH, destinations[0]!, sessionKeys(Buffer.alloc(16)), DEFAULT_CONFIG)
  t.strictSame([session.addressedAt, session.isAnswered, session.ports, session.heardAt], [-Infinity, false, { client: 0, own: 0 }, EPOCH])
  session.heard(EPOCH + 5, 4_480, 80)
  session.addressed(EPOCH + 6)
  t.strictSame(
    [session.addressedAt, session.isAnswered, session.ports, session.heardAt],
    [EPOCH + 6, false, { client: 4_480, own: 80 }, EPOCH + 5]
  )
  session.answered(EPOCH + 7)
  t.strictSame([session.addressedAt, session.isAnswered], [EPOCH + 7, true])
  t.match([session.id.length, session.name], [8, /^[0-9a-f]{16}$/])
})

t.test('a turn is brought between what others were given and a lead over them', async t => {
  const session = new Session(EPOCH, destinations[0]!, sessionKeys(Buffer.alloc(16)), DEFAULT_CONFIG)
  const turn = (least: number, most: number): number => {
    session.turnWithin(least, most)
    return session.served
  }
  t.equal(turn(100, 200), 100)
  session.serve(50)
  t.strictSame([turn(100, 200), turn(0, 120), turn(140, 200)], [150, 120, 140])
})
