// Which exits of lists are used: the core, without I/O and without signatures.
import t, { type Test } from 'tap'
import { SeededRandom, seedOf } from '@minwww/testkit'
import { LocalDestination } from '@minwww/i2cp/codec'
import type { ExitDescriptor, Statement } from '@minwww/protocol'
import { ExitDirectory, MAX_PUBLISHERS, WANTED, type Action } from '../src/lists/core/directory.ts'
import type { Verified } from '../src/lists/core/verify.ts'

t.setTimeout(180_000)

const NOW = 1_790_000_000_000
const DAY = 86_400_000
const { destination } = LocalDestination.generate(length => Buffer.alloc(length, 3))

const name = (n: number): string => `${String(n).padStart(4, '0').replace(/\d/g, digit => 'abcdefghij'[Number(digit)]!)}.b32.i2p`

function exit (n: number, change: Partial<ExitDescriptor> = {}): Verified<ExitDescriptor> {
  const b32 = name(n)
  const statement: ExitDescriptor = {
    kind: 'exit', b32, destination: '', date: NOW / 1_000, expires: NOW / 1_000 + 7 * 86_400, versions: [1], web: true, methods: [], ports: [80], filters: [], pushes: false, ...change
  }
  return { statement, destination, line: b32 }
}

const revocation = (n: number, date = NOW / 1_000): Verified<Statement> =>
  ({ statement: { kind: 'revoked', b32: name(n), destination: '', date, expires: date + 7 * 86_400 }, destination, line: '' })
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const exits = (from: number, to: number): Array<Verified<ExitDescriptor>> => range(from, to).map(n => exit(n))

function open (t: Test, publishers: number, options: { agree?: number, wanted?: number } = {}) {
  const random = new SeededRandom(seedOf(t, 5))
  const directory = new ExitDirectory({ random: bound => random.below(bound), ...options })
  for (const n of range(0, publishers)) directory.subscribe(`http://p${n}.i2p/`, `p${n}`)
  const actions = (): Action[] => {
    const all: Action[] = []
    for (let action = directory.pollAction(); action !== undefined; action = directory.pollAction()) all.push(action)
    return all
  }
  return {
    directory,
    actions,
    done: (what: Action['do']) => actions().filter(action => action.do === what).map(({ b32 }) => b32).sort(),
    list: (n: number, statements: readonly Verified[], now = NOW) => directory.update(now, `http://p${n}.i2p/`, `p${n}`, statements),
    /** Every exit that is asked answers, until nobody is asked any more. */
    answer: (isThere: (b32: string) => boolean = () => true, now = NOW) => {
      const used: string[] = []
      for (let action = directory.pollAction(); action !== undefined; action = directory.pollAction()) {
        const { do: what, b32 } = action
        if (what === 'use') used.push(b32)
        if (what !== 'ask') continue
        if (isThere(b32)) directory.checked(now, { ...directory.chosen.get(b32)!.descriptor })
        else directory.failed(now, b32)
      }
      return used.sort()
    }
  }
}

t.test('two of five must name an exit; one of one or two is enough', async t => {
  const five = open(t, 5)
  t.equal(five.directory.agree, 2)
  five.list(0, exits(0, 3))
  t.strictSame(five.actions(), [])
  five.list(1, exits(2, 4))
  t.strictSame(five.done('ask'), [name(2)])
  five.list(2, exits(0, 1))
  t.strictSame(five.done('ask'), [name(0)])
  for (const count of [1, 2]) {
    const few = open(t, count)
    t.equal(few.directory.agree, 1)
    few.list(0, exits(0, 1))
    t.strictSame(few.done('ask'), [name(0)])
  }
  t.equal(open(t, 5, { agree: 3 }).directory.agree, 3)
})

t.test('several lists of one site are one publisher', async t => {
  const { directory, done } = open(t, 3)
  for (const n of [0, 1]) directory.update(NOW, `http://p${n}.i2p/`, 'same.b32.i2p', exits(0, 2))
  t.strictSame(done('ask'), [], 'the same twice')
  directory.update(NOW, 'http://p2.i2p/', 'other.b32.i2p', exits(0, 1))
  t.strictSame(done('ask'), [name(0)])
})

t.test('no page goes to a newcomer before it has said itself what it is', async t => {
  const { directory, actions, list } = open(t, 1)
  list(0, exits(0, 1))
  t.match(actions(), [{ do: 'ask', b32: name(0) }])
  t.equal(directory.chosen.get(name(0))?.state, 'newcomer')
  directory.checked(NOW, exit(0))
  t.match(actions(), [{ do: 'use', b32: name(0) }])
})

t.test('who does not answer, or has become something else, is left alone and asked again later', async t => {
  const { directory, answer, list } = open(t, 1)
  list(0, exits(0, 2))
  t.strictSame(answer(b32 => b32 !== name(1)), [name(0)])
  directory.handleTimeout(NOW + 599_000)
  t.strictSame(answer(() => true, NOW + 599_000), [])
  directory.handleTimeout(NOW + 601_000)
  t.strictSame(answer(b32 => b32 !== name(1), NOW + 601_000), [], 'in vain again')
  directory.handleTimeout(NOW + 1_700_000)
  t.strictSame(answer(), [], 'twice as long')
  directory.handleTimeout(NOW + 1_900_000)
  t.strictSame(answer(), [name(1)])

  const other = open(t, 1)
  other.list(0, exits(0, 1))
  other.actions()
  other.directory.checked(NOW, exit(0, { web: false }))
  t.strictSame(other.actions(), [], 'one that serves its own sites only')
  other.list(0, [exit(1, { versions: [2] }), exit(2, { web: false })])
  t.strictSame(other.actions(), [], 'nor are those asked that say so in the list')
})

t.test('only expiry, revocation, silence and the user end an exit; publishers do not', async t => {
  const { directory, actions, answer, list, done } = open(t, 3)
  for (const n of [0, 1, 2]) list(n, exits(0, 5))
  t.equal(answer().length, 5)
  for (const n of [0, 1, 2]) t.match(list(n, exits(100, 105)), { added: 5, gone: 5 }, 'all at once')
  t.equal(answer().length, 1, 'one of the new ones fills the place that was free')
  t.ok(range(0, 5).every(n => directory.chosen.has(name(n))))
  t.equal(directory.chosen.size, WANTED)
  actions()

  list(0, [...exits(0, 5), revocation(1)])
  t.match(actions(), [{ do: 'leave', b32: name(1), because: 'revoked' }, { do: 'ask' }], 'one publisher is enough: the exit says so itself')
  directory.ban(NOW, name(0))
  t.match(actions().filter(action => action.do === 'leave'), [{ b32: name(0), because: 'banned' }])
  directory.silent(NOW, name(2))
  t.match(actions().filter(action => action.do === 'leave'), [{ b32: name(2), because: 'silent' }])
  directory.handleTimeout(NOW + 8 * DAY)
  t.ok(done('leave').includes(name(3)), 'expired')
  t.equal(directory.chosen.size, 0)
})

t.test('what was revoked comes back only by a later word of the exit itself', async t => {
  const { directory, list, done } = open(t, 1)
  list(0, [revocation(0)])
  list(0, [exit(0)])
  t.strictSame(done('ask'), [], 'an older word, replayed')
  list(0, [exit(0, { date: NOW / 1_000 + 1 })])
  t.strictSame(done('ask'), [name(0)])
  directory.handleTimeout(NOW + 8 * DAY)
  t.equal(directory.load.revoked, 0, 'it need not be remembered for ever')
})

t.test('an exit in use is asked once a day, and an answer that fails costs it nothing while its word holds', async t => {
  const { directory, answer, actions, list } = open(t, 1)
  list(0, exits(0, 1))
  answer()
  directory.handleTimeout(NOW + DAY - 1)
  t.strictSame(actions(), [])
  directory.handleTimeout(NOW + DAY)
  t.match(actions(), [{ do: 'ask' }])
  directory.failed(NOW + DAY, name(0))
  t.strictSame(actions(), [])
  directory.handleTimeout(NOW + DAY + 3_600_000)
  t.match(actions(), [{ do: 'ask' }])
  directory.checked(NOW + DAY + 3_600_000, exit(0, { web: false, date: NOW / 1_000 + 90_000 }))
  t.match(actions(), [{ do: 'leave', because: 'closed' }], 'it says that it fetches nothing any more')
})

t.test('the user pins what no two name, and bans what all name; our own is never used', async t => {
  const { directory, done, list } = open(t, 3)
  list(0, exits(0, 1))
  t.strictSame(done('ask'), [])
  t.notOk(directory.pin(NOW, name(9)), 'nobody knows it')
  t.ok(directory.pin(NOW, name(0)))
  t.strictSame(done('ask'), [name(0)])
  directory.ban(NOW, name(0))
  t.notOk(directory.pin(NOW, name(0)))
  t.strictSame([...directory.pinned.keys()], [])
  directory.exclude(NOW, [name(1)])
  for (const n of [0, 1, 2]) list(n, exits(0, 3))
  t.strictSame(done('ask'), [name(2)])
  t.ok(directory.unban(name(0)))
  list(0, exits(0, 3))
  t.strictSame(done('ask'), [name(0)])
})

t.test('a pinned exit that does not answer keeps its place, and is tried again', async t => {
  const { directory, answer, actions, list } = open(t, 3)
  list(0, exits(0, 1))
  directory.pin(NOW, name(0))
  t.strictSame(answer(() => false), [])
  directory.handleTimeout(NOW + 8 * DAY)
  t.match(actions(), [{ do: 'ask', b32: name(0) }], 'also when its word is over')
})

t.test('after a restart the same exits are tried first', async t => {
  const before = open(t, 3)
  for (const n of [0, 1, 2]) before.list(n, exits(0, 300))
  const used = before.answer()
  const after = open(t, 3)
  after.directory.restore(NOW, [...before.directory.chosen.values()].map(({ descriptor }) => descriptor), [], [name(200)])
  for (const n of [0, 1, 2]) after.list(n, exits(0, 300))
  t.strictSame(after.answer(), used)
  t.ok(after.directory.banned.has(name(200)))
  const late = open(t, 3)
  late.directory.restore(NOW + 8 * DAY, [...before.directory.chosen.values()].map(({ descriptor }) => descriptor), [], [])
  t.strictSame(late.actions(), [], 'not those whose word is over')
})

t.test('places are drawn anew after a week or two, if there is another exit; what is pinned stays', async t => {
  const { directory, answer, list, actions } = open(t, 1, { wanted: 2 })
  const fresh = (day: number): Array<Verified<ExitDescriptor>> => range(0, 3).map(n => exit(n, { date: (NOW + day * DAY) / 1_000, expires: (NOW + day * DAY) / 1_000 + 604_800 }))
  list(0, fresh(0))
  const [first, second] = answer() as [string, string]
  directory.pin(NOW, first)
  for (const day of range(1, 15)) {
    list(0, fresh(day), NOW + day * DAY)
    for (const b32 of directory.chosen.keys()) directory.checked(NOW + day * DAY, fresh(day).find(({ statement }) => statement.b32 === b32)!)
    directory.handleTimeout(NOW + day * DAY)
    if (day < 7) t.ok(directory.chosen.has(second), `day ${day}`)
  }
  t.ok(directory.chosen.has(first))
  t.ok(actions().some(action => action.do === 'leave' && action.b32 === second && action.because === 'turn'))
  const alone = open(t, 1)
  alone.list(0, [exit(0)])
  alone.answer()
  for (const day of range(1, 20)) {
    const now = NOW + day * DAY
    alone.directory.checked(now, exit(0, { date: now / 1_000, expires: now / 1_000 + 604_800 }))
    alone.directory.handleTimeout(now)
  }
  t.ok(alone.directory.chosen.has(name(0)), 'nobody else is there')
})

t.test('a publisher who names thousands is drawn no more often than one who names ten', async t => {
  let hostile = 0
  const random = new SeededRandom(seedOf(t, 8))
  const runs = 300
  for (let run = 0; run < runs; run++) {
    const directory = new ExitDirectory({ agree: 1, wanted: 1, random: bound => random.below(bound) })
    for (const n of range(0, 4)) directory.subscribe(`http://p${n}.i2p/`, `p${n}`)
    directory.update(NOW, 'http://p0.i2p/', 'p0', exits(1_000, 1_400))
    directory.failed(NOW, directory.pollAction()!.b32)
    for (const n of [1, 2, 3]) directory.update(NOW, `http://p${n}.i2p/`, `p${n}`, exits(10 * n, 10 * n + 10))
    // The first draw had nothing but the hostile list: it is answered by nobody, and the next one is fair.
    for (const { b32 } of [...directory.chosen.values()]) directory.failed(NOW, b32)
    const [drawn] = directory.chosen.keys()
    if (drawn! >= name(1_000)) hostile++
  }
  t.ok(hostile > runs * 0.15 && hostile < runs * 0.35, `${hostile} of ${runs}, a quarter of the publishers`)
})

t.test('a publisher who names the few that he wants drawn has little weight', async t => {
  let hostile = 0
  const random = new SeededRandom(seedOf(t, 9))
  const runs = 300
  for (let run = 0; run < runs; run++) {
    const directory = new ExitDirectory({ agree: 2, wanted: 1, random: bound => random.below(bound) })
    for (const n of range(0, 4)) directory.subscribe(`http://p${n}.i2p/`, `p${n}`)
    directory.hold()
    directory.update(NOW, 'http://p0.i2p/', 'p0', exits(0, 2))
    for (const n of [1, 2, 3]) directory.update(NOW, `http://p${n}.i2p/`, `p${n}`, exits(0, 40))
    directory.release(NOW)
    const [drawn] = directory.chosen.keys()
    if (drawn! < name(2)) hostile++
  }
  t.ok(hostile < runs * 0.12, `${hostile} of ${runs}: two of forty exits are his`)
})

t.test('bounds', async t => {
  const { directory, list } = open(t, 40, { agree: 1 })
  t.equal(directory.publishers.length, MAX_PUBLISHERS)
  list(0, exits(0, 2_000))
  for (let i = 0; i < 3_000; i++) {
    const [first] = directory.chosen.keys()
    if (first !== undefined) directory.failed(NOW, first)
  }
  t.ok(directory.load.avoided <= 1_024)
  for (const n of range(0, 1_100)) directory.ban(NOW, name(n))
  t.equal(directory.banned.size, 1_024)
  for (const n of range(1_500, 1_600)) directory.pin(NOW, name(n))
  t.equal(directory.pinned.size, 64)
})
