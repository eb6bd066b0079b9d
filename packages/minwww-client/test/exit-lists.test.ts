// Subscriptions to lists of exits: what comes of lists and exits of every kind, good and hostile.
import t, { type Test } from 'tap'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { SeededRandom, seedOf, settle, VirtualClock } from '@minwww/testkit'
import { LocalDestination, toBase64, type Destination } from '@minwww/i2cp/codec'
import { parseStatement, writeDescriptor, writeRevocation, type ExitDescriptor } from '@minwww/protocol'
import { MAX_LIST } from '../src/lists/core/list.ts'
import { verifyStatement, type Verified } from '../src/lists/core/verify.ts'
import { ExitLists } from '../src/lists/exit-lists.ts'
import { isListUrl, listFetcher, type FetchedList } from '../src/lists/fetch-list.ts'
import type { Answer, SiteRequest } from '../src/http/answer.ts'
import type { Backend } from '../src/sessions/backend.ts'

t.setTimeout(180_000)

const NOW = 1_790_000_000_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const url = (n: number): string => `http://list${n}.i2p/exits.txt`
const keysOf = (seed: number): LocalDestination => LocalDestination.generate(length => Buffer.alloc(length, seed))
const ALL = Array.from({ length: 60 }, (_, i) => keysOf(i + 1))
const b32 = (n: number): string => ALL[n]!.destination.b32

/** What exit `n` says of itself at a time. */
function line (n: number, at = NOW, change: { life?: number, web?: boolean } = {}): string {
  const keys = ALL[n]!
  const { destination: { b32, base64 } } = keys
  const date = Math.floor(at / 1_000)
  const profile = { versions: [1], web: change.web ?? true, methods: [], ports: [80, 443], filters: [], pushes: false }
  return writeDescriptor(profile, date, date + (change.life ?? 7 * 86_400), { b32, base64, sign: data => toBase64(keys.sign(data)) })
}

function revoked (n: number, at = NOW): string {
  const keys = ALL[n]!
  const { destination: { b32, base64 } } = keys
  return writeRevocation(at / 1_000, at / 1_000 + 86_400, { b32, base64, sign: data => toBase64(keys.sign(data)) })
}

const list = (...lines: string[]): string => `# exits\n${lines.map(text => `${text}\n`).join('')}`
const lines = (from: number, to: number, at = NOW): string[] => Array.from({ length: to - from }, (_, i) => line(from + i, at))

/** `slow`: lists without a text do not fail before it is there. */
interface World { texts: Map<number, string | Error>, gone: Set<string>, slow?: Promise<string> }

function open (
  t: Test, count: number, { stateDirectory, own = [], offset = 0 }: { stateDirectory?: string, own?: string[], offset?: number } = {}
) {
  const clock = new VirtualClock(NOW)
  const random = new SeededRandom(seedOf(t, 3))
  const world: World = { texts: new Map(), gone: new Set() }
  const log: Array<{ level: string, text: string, facts: Record<string, unknown> }> = []
  const note =
    (level: string) =>
      (facts: object, text: string): void => {
        log.push({ level, text, facts: facts as Record<string, unknown> })
      }
  const fetches: Array<{ url: string, etag: string | undefined }> = []
  const asked: string[] = []
  const pool = new Map<string, Destination>()
  let ready = false
  let me = 'me.b32.i2p'
  const silent = new Map<string, number>()
  const lists = new ExitLists({
    urls: Array.from({ length: count }, (_, n) => url(n)),
    own,
    clock,
    random: bound => random.below(bound),
    stateDirectory,
    logger: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') } as never,
    fetchList: async (asked, etag): Promise<FetchedList> => {
      fetches.push({ url: asked, etag })
      const n = Number(/\d+/.exec(asked)![0])
      const text = world.texts.get(n)
      if (text === undefined) {
        await world.slow
        throw new Error('the site is off line')
      }
      if (text instanceof Error) throw text
      const own = `"${text.length}"`
      return etag === own ? { kind: 'same' } : { kind: 'list', owner: `p${n}.b32.i2p`, text, etag: own }
    },
    ask: async (destination): Promise<Verified<ExitDescriptor>> => {
      asked.push(destination.b32)
      if (world.gone.has(destination.b32)) throw new Error('silent')
      const n = ALL.findIndex(keys => keys.destination.b32 === destination.b32)
      return verifyStatement(line(n, clock.now()), clock.now() + offset) as Verified<ExitDescriptor>
    },
    pool: {
      get ready () { return ready },
      own: () => [me],
      has: id => pool.has(id),
      add: (id, destination) => { pool.set(id, destination) },
      remove: id => { pool.delete(id) },
      silences: () => [...pool.keys()].map(id => ({ id, silentSince: silent.get(id) })),
      clockOffset: () => offset
    }
  })
  t.teardown(async () => { await lists.close() })
  return {
    lists,
    clock,
    world,
    log,
    fetches,
    asked,
    pool,
    silent,
    warnings: () => log.filter(({ level }) => level === 'warn').map(({ text }) => text),
    used: () => [...pool.keys()].sort(),
    begin: async () => {
      await lists.load()
      ready = true
      lists.wake()
      await calm()
    },
    moveTo: (destination: string) => { me = destination },
    pass: async (ms: number) => {
      await clock.advanceSettled(ms)
      await calm()
    }
  }
}

/** Lists are read in slices, and files are written. */
async function calm (): Promise<void> {
  for (let i = 0; i < 40; i++) await settle()
}

t.test('five lists, and nothing else: exits that two name and that answer are in the pool', async t => {
  const { world, begin, used, warnings, lists } = open(t, 5)
  for (const n of [0, 1, 2]) world.texts.set(n, list(...lines(0, 4)))
  world.texts.set(3, list(...lines(0, 4), ...lines(20, 32)))
  world.gone.add(b32(2))
  await begin()
  t.strictSame(used(), [b32(0), b32(1), b32(3)].sort(), 'not the one that is silent, not those that one names, and one list is dead')
  t.strictSame(warnings(), ['a list of exits did not come; what is known stays'])
  t.equal(lists.isLooking, false)
})

t.test('one list or two: each is enough, and it is said', async t => {
  const { world, begin, used, warnings } = open(t, 2)
  world.texts.set(0, list(line(0)))
  world.texts.set(1, list(line(1)))
  await begin()
  t.strictSame(used(), [b32(0), b32(1)].sort())
  t.match(warnings(), [/each list alone can name exits/])
})

t.test('a list is asked for at the start and once a day, by ETag while the Destination is the same', async t => {
  const { world, begin, pass, fetches, moveTo, lists } = open(t, 1)
  world.texts.set(0, list(line(0)))
  await begin()
  t.strictSame(fetches, [{ url: url(0), etag: undefined }])
  await pass(DAY * 0.89)
  t.equal(fetches.length, 1)
  await pass(DAY * 0.22)
  t.equal(fetches.length, 2)
  t.match(fetches[1], { etag: /^"\d+"$/ })
  t.match(lists.subscriptions, [{ state: 'read', exits: 1, refused: 0 }])
  moveTo('other.b32.i2p')
  await pass(DAY * 1.2)
  t.match(fetches[2], { etag: undefined }, 'an ETag would tell that both are one')
})

t.test('a list that does not come is asked for again, less and less often', async t => {
  const { begin, pass, fetches, warnings, world, used } = open(t, 1)
  await begin()
  await pass(10 * 60_000)
  const early = fetches.length
  t.ok(early >= 5 && early <= 8, `${early} in ten minutes`)
  await pass(DAY)
  t.ok(fetches.length - early < 35, `${fetches.length - early} in a day`)
  t.ok(warnings().length <= 5, 'and the log is not full of it')
  world.texts.set(0, list(...lines(0, 1, NOW + DAY)))
  await pass(2 * HOUR)
  t.equal(used().length, 1)
})

t.test('bad input: a publisher that vanishes', async t => {
  const { world, begin, pass, used } = open(t, 3)
  for (const n of [0, 1, 2]) world.texts.set(n, list(...lines(0, 3)))
  await begin()
  t.equal(used().length, 3)
  world.texts.clear()
  await pass(8 * DAY)
  t.equal(used().length, 3, 'exits that answer are used as long as they say so themselves')
})

t.test('bad input: a publisher that changes everything at once', async t => {
  const { world, begin, pass, used, warnings } = open(t, 3)
  for (const n of [0, 1, 2]) world.texts.set(n, list(...lines(0, 6)))
  await begin()
  const before = used()
  t.equal(before.length, 6)
  world.texts.set(0, list(...lines(30, 50, NOW + DAY)))
  await pass(1.2 * DAY)
  t.strictSame(used(), before)
  t.match(warnings(), ['a list has changed almost everything at once; exits in use stay'])
  for (const n of [1, 2]) world.texts.set(n, list(...lines(30, 50, NOW + 2 * DAY)))
  await pass(1.2 * DAY)
  t.strictSame(used(), before, 'not even if all of them do')
})

t.test('bad input: descriptors that are forged, or replayed after their end', async t => {
  const { world, begin, used, lists } = open(t, 1)
  const good = line(0)
  world.texts.set(
    0,
    list(
      good,
      line(1).replace('web=yes', 'web=no'),
      line(2).replace(b32(2), b32(3)),
      line(4, NOW - 8 * DAY),
      line(5, NOW + 3 * HOUR),
      'x',
      `${good}x`,
      line(6, NOW, { web: false }),
      'a'.repeat(10_000)
    )
  )
  await begin()
  t.strictSame(used(), [b32(0)])
  t.match(lists.subscriptions, [{ refused: 7, problem: /7 lines refused; line 3: descriptor refused: the signature is wrong/ }])
})

t.test('bad input: a million exits', async t => {
  const { world, begin, used, lists, warnings } = open(t, 3)
  const many = 'x=y#!action=exit\n'.repeat(1_000_000)
  world.texts.set(0, many)
  for (const n of [1, 2]) world.texts.set(n, list(line(0)))
  await begin()
  t.strictSame(used(), [b32(0)])
  t.match(lists.subscriptions[0], { state: 'failed', problem: /list refused: \d+ bytes; a list has at most 2097152/ })
  t.equal(warnings().length, 1)

  const short = open(t, 1)
  short.world.texts.set(0, 'x\n'.repeat(2_001))
  await short.begin()
  t.match(short.lists.subscriptions[0], { state: 'failed', problem: /2001 exits; a list has at most 2000/ })
})

t.test('bad input: clocks that are an hour off', async t => {
  for (const offset of [-HOUR, HOUR]) {
    const { world, begin, used } = open(t, 1, { offset })
    world.texts.set(0, list(...lines(0, 3)))
    await begin()
    t.equal(used().length, 3, `${offset / HOUR} h`)
  }
})

t.test('bad input: a list that names our own exit, or ourselves', async t => {
  const { world, begin, used, asked, moveTo } = open(t, 1, { own: [b32(1)] })
  moveTo(b32(2))
  world.texts.set(0, list(...lines(0, 4)))
  await begin()
  t.strictSame(used(), [b32(0), b32(3)].sort())
  t.notOk(asked.includes(b32(1)) || asked.includes(b32(2)))
})

t.test('what is revoked or expired leaves the pool', async t => {
  const { world, begin, pass, used } = open(t, 1)
  world.texts.set(0, list(...lines(0, 3)))
  await begin()
  t.equal(used().length, 3)
  world.texts.set(0, list(...lines(0, 3, NOW), revoked(1, NOW + HOUR)))
  world.gone.add(b32(1))
  world.gone.add(b32(2))
  await pass(1.2 * DAY)
  t.strictSame(used(), [b32(0), b32(2)].sort())
  await pass(6 * DAY)
  t.strictSame(used(), [b32(0)], 'it had said nothing for a week')
})

t.test('a silent exit is replaced while others answer; when all are silent it is us', async t => {
  const { world, begin, pass, used, silent, clock } = open(t, 1)
  world.texts.set(0, list(...lines(0, 9)))
  await begin()
  const before = used()
  t.equal(before.length, 6)
  for (const id of before) silent.set(id, clock.now())
  await pass(HOUR)
  t.strictSame(used(), before)
  silent.delete(before[0]!)
  await pass(60_000)
  t.equal(used().filter(id => before.includes(id)).length, 1, 'those that were silent for long have gone')
  t.equal(used().length, 4, 'the three others of the list came')
})

t.test('kept over a restart: lists, choice, pins and bans, for their owner alone; a start without any list works', async t => {
  const stateDirectory = join(t.testdir(), 'state')
  const first = open(t, 3, { stateDirectory })
  for (const n of [0, 1, 2]) first.world.texts.set(n, list(...lines(0, 30)))
  await first.begin()
  const before = first.used()
  t.equal(before.length, 6)
  t.ok(first.lists.decide('ban', before[0]!))
  t.ok(first.lists.decide('pin', b32(20)) || first.lists.directory.chosen.has(b32(20)))
  await calm()
  const kept = first.used()
  t.notOk(kept.includes(before[0]!))
  await first.lists.close()
  const { salt } = first.lists
  for (const file of readdirSync(stateDirectory)) t.equal(statSync(join(stateDirectory, file)).mode & 0o777, 0o600, file)
  t.equal(readdirSync(stateDirectory).length, 4)

  const second = open(t, 3, { stateDirectory })
  await second.begin()
  t.strictSame(second.used(), kept, 'off line lists, the same exits')
  t.equal(second.lists.salt, salt)
  t.match(second.lists.subscriptions, [{ state: 'failed', exits: 30, readAt: NOW }])
  t.strictSame([...second.lists.directory.banned], [before[0]])
  await second.lists.close()

  writeFileSync(join(stateDirectory, 'exit-choice.json'), '{"salt":')
  for (const file of readdirSync(stateDirectory).filter(name => name.startsWith('exit-list-'))) {
    const path = join(stateDirectory, file)
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, 500))
  }
  const broken = open(t, 3, { stateDirectory })
  for (const n of [0, 1, 2]) broken.world.texts.set(n, list(...lines(0, 3)))
  await broken.begin()
  t.equal(broken.used().length, 3, 'broken files are as good as none')
  await broken.lists.close()
})

t.test('a state directory that cannot be written ends nothing', async t => {
  const folder = t.testdir({ file: '' })
  mkdirSync(join(folder, 'other'))
  const { world, begin, used, warnings, lists } = open(t, 1, { stateDirectory: join(folder, 'file') })
  world.texts.set(0, list(line(0)))
  await begin()
  t.strictSame(used(), [b32(0)])
  await lists.close()
  t.ok(warnings().includes('the lists were not kept'))
})

t.test('a request waits for the first exit, and not for ever', async t => {
  const { lists, world, begin } = open(t, 3)
  for (const n of [0, 1]) world.texts.set(n, list(line(0)))
  t.equal(lists.isLooking, true, 'before there is a session')
  const signal = new AbortController().signal
  await begin()
  t.equal(lists.isLooking, false)
  await lists.wait(60_000, signal)
  const none = open(t, 2)
  await none.begin()
  t.equal(none.lists.isLooking, true, 'it is tried again')
  const waited = none.lists.wait(60_000, signal)
  await none.pass(130_000)
  await waited
  t.equal(none.lists.isLooking, false)
})

/** A site that answers with this. */
function fetcherOf (answer: Partial<Answer>, kind: 'site' | 'pool' = 'site') {
  const asked: SiteRequest[] = []
  const fetcher = {
    route: async () => kind === 'site' ? { to: 'site' as const, destination: ALL[0]!.destination } : { to: 'pool' as const, known: false },
    fetchFrom: async (_destination: Destination, request: SiteRequest): Promise<Answer> => {
      asked.push(request)
      return { status: 200, reason: 'OK', fields: [], body: Buffer.alloc(0), path: 'stream', ...answer }
    }
  }
  const backend = { driver: { ready: true } } as unknown as Backend
  const fetch = async (etag?: string): Promise<FetchedList> =>
    await listFetcher(fetcher, () => backend)(url(0), etag, new AbortController().signal)
  return { asked, fetch }
}

t.test('a list comes from its own site, plain or compressed', async t => {
  const { asked, fetch } = fetcherOf({ body: Buffer.from('# x\n'), fields: [['ETag', '"1"']] })
  t.strictSame(await fetch('"0"'), { kind: 'list', owner: b32(0), text: '# x\n', etag: '"1"' })
  t.match(asked, [
    { method: 'GET', fields: [['Host', 'list0.i2p'], ['User-Agent', /./], ['Accept-Encoding', 'gzip'], ['If-None-Match', '"0"']] }
  ])
  const gzip = fetcherOf({ body: Readable.from([gzipSync('# y\n')]), fields: [['Content-Encoding', 'gzip']] })
  t.match(await gzip.fetch(), { text: '# y\n' })
  t.strictSame(await fetcherOf({ status: 304 }).fetch('"0"'), { kind: 'same' })
})

t.test('bad input: lists that redirect, that no site of I2P has, that never end, that blow up', async t => {
  for (const status of [301, 302, 307, 404, 500, 304]) {
    await t.rejects(fetcherOf({ status, fields: [['Location', 'http://evil.example/']] }).fetch(), {
      message: new RegExp(`status ${status}`)
    })
  }
  await t.rejects(fetcherOf({}, 'pool').fetch(), { code: 'MINWWW_NAME_NOT_RESOLVED' })
  let sent = 0
  const endless = new Readable({ read () { this.push(Buffer.alloc(65_536, '#')); sent += 65_536 } })
  await t.rejects(fetcherOf({ body: endless }).fetch(), { message: /longer than 2097152 bytes/ })
  t.ok(endless.destroyed && sent < MAX_LIST + 10 * 65_536, 'it is left at once')
  const bomb = gzipSync(Buffer.alloc(10_000_000))
  await t.rejects(fetcherOf({ body: Readable.from([bomb]), fields: [['Content-Encoding', 'gzip']] }).fetch(), { message: /longer than/ })
  await t.rejects(fetcherOf({ body: Buffer.from('x'), fields: [['Content-Encoding', 'zstd']] }).fetch(), { message: /coding/ })
  t.strictSame(
    [
      'http://a.i2p/l', `http://${b32(0)}/l`, 'https://a.i2p/l', 'http://example.org/l', 'http://127.0.0.1/l', 'file:///etc/passwd', 'a.i2p'
    ].map(isListUrl),
    [true, true, false, false, false, false, false]
  )
})

t.test('who answers first does not get all the places: the first draw waits for the others, and for 15 s at most', async t => {
  const { lists, clock, pass, used, world, begin } = open(t, 4)
  for (const n of [0, 1]) world.texts.set(n, list(...lines(0, 20)))
  let arrive: (text: string) => void = () => {}
  world.slow = new Promise(resolve => { arrive = resolve })
  await begin()
  t.strictSame(used(), [], 'two of four are there, and agree')
  t.equal(lists.isLooking, true)
  await pass(14_000)
  t.strictSame(used(), [])
  await pass(2_000)
  t.equal(used().length, 6, `${clock.now() - NOW} ms`)
  arrive('')
})

t.test('what is said here is said by signed lines', async t => {
  t.match(parseStatement(line(0)).statement, { kind: 'exit', b32: b32(0) })
})
