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
    kind: 'exit',
    b32,
    destination: '',
    date: NOW / 1_000,
    expires: NOW / 1_000 + 7 * 86_400,
    versions: [
      1
    ],
    web: true,
    methods: [],
    ports: [80],
    filters: [],
    pushes: false,
    ...change
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
  const fresh = (day: number): Array<Verified<ExitDescriptor>> =>
    range(0, 3).map(n => exit(n, { date: (NOW + day * DAY) / 1_000, expires: (NOW + day * DAY) / 1_000 + 604_800 }))
  list(0, fresh(0))
  const [first, second] = answer() as [string, string]
  directory.pin(NOW, first)
  for (const day of range(1, 15)) {
    list(0, fresh(day), NOW + day * DAY)
    for (const b32 of directory.chosen.keys()) {
      directory.checked(
        NOW + day * DAY, fresh(day).find(({ statement }) => statement.b32 === b32)!
      )
    }
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
  for (const n of range(0, 1_100)) directory.ban(NOW, name(n))
  t.equal(directory.banned.size, 1_024)
  for (const n of range(1_500, 1_600)) directory.pin(NOW, name(n))
  t.equal(directory.pinned.size, 64)
})

const HOUR = 3_600_000
/** One publisher whose exits are drawn in the order that he names them. */
function inOrder (wanted: number, publishers = 1, random: (bound: number) => number = () => 0): ReturnType<typeof open> {
  const all = open(t, 0)
  const directory = new ExitDirectory({ random, wanted, agree: 1 })
  for (const n of range(0, publishers)) directory.subscribe(`http://p${n}.i2p/`, `p${n}`)
  const actions = (): Action[] => {
    const taken: Action[] = []
    for (let action = directory.pollAction(); action !== undefined; action = directory.pollAction()) taken.push(action)
    return taken
  }
  return {
    ...all,
    directory,
    actions,
    done: what => actions().filter(action => action.do === what).map(({ b32 }) => b32),
    list: (n, statements, now = NOW) => directory.update(now, `http://p${n}.i2p/`, `p${n}`, statements)
  }
}
const said = (actions: Action[]): string[] =>
  actions.map(action =>
    `${action.do} ${'because' in action ? `${action.because} ` : ''}${Number(action.b32.slice(0, 4).replace(/./g, c => String('abcdefghij'.indexOf(c))))}`)

t.test('each failure doubles the time that an exit is left alone, from ten minutes to a day', async t => {
  const { directory, list, actions } = inOrder(1)
  list(0, [exit(0)])
  let now = NOW
  for (const minutes of [10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440, 1_440, 1_440, 1_440]) {
    list(0, [exit(0, { date: now / 1_000, expires: now / 1_000 + 604_800 })], now)
    t.strictSame(said(actions()), ['ask 0'], `${minutes}`)
    directory.failed(now, name(0))
    directory.handleTimeout(now + minutes * 60_000 - 1)
    t.strictSame(actions(), [])
    now += minutes * 60_000
    if (minutes < 1_440) directory.handleTimeout(now)
  }
  list(0, [exit(0, { date: now / 1_000, expires: now / 1_000 + 604_800 })], now)
  directory.checked(now, exit(0, { date: now / 1_000 }))
  t.equal(directory.load.avoided, 0, 'who answers is forgiven')
})

t.test('when an exit is asked: at once, a day after it has answered, an hour after it has not; one that is pinned after ten minutes', async t => {
  const { directory, list, actions } = inOrder(2)
  list(0, [exit(0), exit(1)])
  t.strictSame(said(actions()), ['ask 0', 'ask 1'])
  t.match(directory.chosen.get(name(0)), { state: 'newcomer', checkedAt: 0, isAsked: true, askAt: NOW, until: NOW + 7 * DAY })
  directory.handleTimeout(NOW + HOUR)
  t.strictSame(actions(), [], 'once')
  directory.checked(NOW + 5, exit(0))
  t.match(directory.chosen.get(name(0)), { state: 'used', checkedAt: NOW + 5, isAsked: false, askAt: NOW + 5 + DAY })
  t.strictSame(said(actions()), ['use 0'])
  directory.checked(NOW + 6, exit(0))
  t.strictSame(actions(), [], 'it is in use already')
  directory.handleTimeout(NOW + 5 + DAY)
  t.strictSame(actions(), [])
  directory.handleTimeout(NOW + 6 + DAY)
  t.strictSame(said(actions()), ['ask 0'])
  directory.failed(NOW + 7 + DAY, name(0))
  t.match(directory.chosen.get(name(0)), { state: 'used', isAsked: false, askAt: NOW + 7 + DAY + HOUR })
  t.equal(directory.load.avoided, 0)
  directory.pin(NOW, name(1))
  directory.failed(NOW + 10, name(1))
  t.match(directory.chosen.get(name(1)), { state: 'newcomer', isAsked: false, askAt: NOW + 10 + 600_000 })
  for (const nobody of [name(7), '']) {
    directory.failed(NOW, nobody)
    directory.silent(NOW, nobody)
    directory.checked(NOW, exit(7))
  }
  t.strictSame([actions(), directory.chosen.size, directory.load.avoided], [[], 2, 1])
})

t.test('what ends an exit, why, and who takes its place', async t => {
  const rows: Array<[string, (it: ReturnType<typeof open>) => void, string[]]> = [
    ['it is one of ours', ({ directory }) => directory.exclude(NOW, [name(0), name(8)]), ['leave own 0', 'ask 1']],
    ['the user bans it', ({ directory }) => directory.ban(NOW, name(0)), ['leave banned 0', 'ask 1']],
    ['it is silent', ({ directory }) => directory.silent(NOW, name(0)), ['leave silent 0', 'ask 1']],
    ['it fetches nothing any more', ({ directory }) => directory.checked(NOW, exit(0, { web: false })), ['leave closed 0', 'ask 1']],
    ['it revokes', ({ list }) => list(0, [exit(0), exit(1), revocation(0)]), ['leave revoked 0', 'ask 1']],
    ['it revoked before', ({ list }) => list(0, [exit(0), exit(1), revocation(0, NOW / 1_000 - 1)]), []],
    ['its word is over', ({ directory, list }) => {
      list(0, [exit(0), exit(1, { expires: NOW / 1_000 + 9e6 })])
      directory.handleTimeout(NOW + 7 * DAY)
    }, ['leave expired 0', 'ask 1']],
    ['its turn is over', ({ directory, list }) => {
      list(0, [exit(0, { date: NOW / 1_000 + 1, expires: NOW / 1_000 + 9e6 }), exit(1, { expires: NOW / 1_000 + 9e6 })])
      directory.handleTimeout(NOW + 7 * DAY)
    }, ['ask 0', 'leave turn 0', 'ask 1']],
    ['a moment before', ({ directory, list }) => {
      list(0, [exit(0, { date: NOW / 1_000 + 1, expires: NOW / 1_000 + 9e6 }), exit(1, { expires: NOW / 1_000 + 9e6 })])
      directory.handleTimeout(NOW + 7 * DAY - 1)
    }, ['ask 0']],
    ['a list without it', ({ list }) => list(0, [exit(1)]), []],
    ['an answer that fails', ({ directory }) => directory.failed(NOW, name(0)), []]
  ]
  for (const [why, change, what] of rows) {
    for (const isPinned of [false, true]) {
      const it = inOrder(1)
      it.list(0, [exit(0), exit(1)])
      it.directory.checked(NOW, exit(0))
      if (isPinned) it.directory.pin(NOW, name(0))
      it.actions()
      change(it)
      // What the user has pinned is neither silent nor out of its turn; and its word is asked for anew.
      const stays = isPinned && /silent|turn/.test(what.join())
      const again = isPinned && /closed|expired/.test(what.join())
      const expected = stays ? what.filter(one => one === 'ask 0') : again ? [what[0], 'ask 0'] : what
      t.strictSame(said(it.actions()), expected, `${why}${isPinned ? ', pinned' : ''}`)
      t.equal(it.directory.chosen.size, 1)
    }
  }
  const newcomer = inOrder(1)
  newcomer.list(0, [exit(0), exit(1)])
  newcomer.directory.silent(NOW, name(0))
  t.strictSame(said(newcomer.actions()), ['ask 0'], 'one that is not in use is not silent')
  newcomer.directory.checked(NOW, exit(0, { web: false }))
  t.strictSame(said(newcomer.actions()), ['ask 1'], 'nor does it leave')
  newcomer.directory.handleTimeout(NOW + 7 * DAY)
  t.strictSame(said(newcomer.actions()), ['leave expired 1'])
  const untried = inOrder(1)
  untried.list(0, [exit(0, { expires: NOW / 1_000 + 9e6 }), exit(1, { expires: NOW / 1_000 + 9e6 })])
  untried.directory.handleTimeout(NOW + 7 * DAY)
  t.strictSame(said(untried.actions()), ['ask 0'], 'nor has it had its turn')
  const replayed = inOrder(1)
  replayed.list(0, [exit(0, { date: NOW / 1_000 + 1 }), exit(1)])
  replayed.directory.checked(NOW, exit(0, { date: NOW / 1_000 + 1 }))
  replayed.list(0, [exit(0, { date: NOW / 1_000 + 1 }), exit(1), revocation(0)])
  replayed.directory.checked(NOW, exit(0))
  t.strictSame(said(replayed.actions()), ['ask 0', 'use 0', 'leave closed 0', 'ask 1'], 'who says what he has revoked')
  const alone = inOrder(1)
  alone.list(0, [exit(0)])
  alone.directory.checked(NOW, exit(0))
  alone.directory.silent(NOW, name(0))
  alone.directory.handleTimeout(NOW + 599_999)
  t.strictSame(said(alone.actions()), ['ask 0', 'use 0', 'leave silent 0'])
  alone.directory.handleTimeout(NOW + 600_000)
  t.strictSame(said(alone.actions()), ['ask 0'])
})

t.test('what a list changes, and what it does not', async t => {
  const { directory, list, actions } = inOrder(2)
  t.strictSame(directory.update(NOW, 'http://nobody.i2p/', 'x', [exit(0)]), { exits: 0, added: 0, gone: 0, revoked: 0 })
  t.strictSame(list(0, [exit(0), exit(1), exit(2), revocation(9)]), { exits: 3, added: 3, gone: 0, revoked: 1 })
  t.strictSame(list(0, [exit(1), exit(3), revocation(8), revocation(9)]), { exits: 2, added: 1, gone: 2, revoked: 2 })
  t.match(directory.load, { listed: 2, avoided: 0, revoked: 2, pinned: 0, banned: 0 })
  t.strictSame([directory.namedBy(name(1)), directory.namedBy(name(0))], [['p0'], []])
  actions()
  const date = (n: number): number | undefined => directory.chosen.get(name(n))?.descriptor.statement.date
  list(0, [exit(1, { date: NOW / 1_000 - 5 })])
  t.equal(date(1), NOW / 1_000, 'an older word')
  list(0, [exit(1, { date: NOW / 1_000 + 5 })])
  t.equal(date(1), NOW / 1_000 + 5, 'a later one')
  list(0, [revocation(1, NOW / 1_000 + 3), exit(1, { date: NOW / 1_000 + 7 })])
  t.equal(date(1), NOW / 1_000 + 7)
  list(0, [revocation(1, NOW / 1_000 + 2)])
  directory.checked(NOW, exit(1, { date: NOW / 1_000 + 3 }))
  t.notOk(directory.chosen.has(name(1)), 'an older revocation does not take the place of a later one')
  for (const [n, change] of [
    [4, { web: false }], [5, { versions: [2] }], [6, { date: NOW / 1_000 + 9e5 }], [7, { expires: NOW / 1_000 }]
  ] as const) {
    list(0, [exit(n, { ...change, versions: 'versions' in change ? [...change.versions] : [1] })])
    t.strictSame(directory.candidates(NOW), [], JSON.stringify(change))
  }
  list(0, [exit(4, { versions: [3, 1] })])
  t.match(directory.candidates(NOW), [{ statement: { b32: name(4) } }])
})

t.test('nothing is drawn while the lists are waited for', async t => {
  const { directory, list, actions } = inOrder(2)
  directory.release(NOW)
  directory.hold()
  t.ok(directory.isHeld)
  list(0, [exit(0), exit(1), exit(2)])
  t.strictSame(actions(), [])
  directory.pin(NOW, name(2))
  t.strictSame(said(actions()), ['ask 2'], 'but what the user wants')
  directory.release(NOW)
  t.notOk(directory.isHeld)
  t.strictSame(said(actions()), ['ask 0'])
})

t.test('what is excluded, pinned and banned: by the last word of the user, and within bounds', async t => {
  const { directory, list, actions } = inOrder(1, 2)
  directory.exclude(NOW, [name(0)])
  directory.exclude(NOW, [name(1)])
  list(0, [exit(0), exit(1)])
  t.strictSame(said(actions()), ['ask 0'], 'own ones take the place of those before')
  t.strictSame([directory.pin(NOW, name(5)), directory.unpin(name(5)), directory.unban(name(5))], [false, false, false])
  t.strictSame([directory.pin(NOW, name(0)), directory.pinned.size, directory.unpin(name(0)), directory.pinned.size], [true, 1, true, 0])
  list(1, range(100, 170).map(n => exit(n)))
  t.strictSame(range(100, 166).map(n => directory.pin(NOW, name(n))).filter(done => done).length, 64)
  t.equal(directory.chosen.size, 65)
  directory.checked(NOW, exit(100, { date: NOW / 1_000 + 1 }))
  t.equal(directory.pinned.get(name(100))?.statement.date, NOW / 1_000 + 1, 'what it said last')
  list(1, [revocation(101)])
  t.notOk(directory.pinned.has(name(101)), 'a revocation ends it')
  list(1, [revocation(103, NOW / 1_000 - 1)])
  t.ok(directory.pinned.has(name(103)), 'but not one of before its last word')
  t.ok(directory.pinned.has(name(102)))
  t.strictSame([directory.ban(NOW, name(102)), directory.pinned.has(name(102)), directory.load.banned], [true, false, 1])
  for (const n of range(2_000, 3_023)) t.ok(directory.ban(NOW, name(n)))
  t.strictSame([directory.ban(NOW, name(3_023)), directory.load.banned], [false, 1_024])
})

t.test('what is remembered is bounded: the oldest goes', async t => {
  const { directory, list } = inOrder(1)
  const fail = (from: number, to: number): void => {
    for (const n of range(from, to)) {
      directory.restore(NOW, [exit(n)], [], [])
      directory.failed(NOW, name(n))
    }
  }
  fail(0, 1_024)
  list(0, exits(0, 1_025))
  t.strictSame([directory.load.avoided, [...directory.chosen.keys()]], [1_024, [name(1_024)]])
  directory.failed(NOW, name(1_024))
  t.strictSame([directory.load.avoided, [...directory.chosen.keys()]], [1_024, [name(0)]], 'the first is free again')
  list(0, range(0, 4_096).map(n => revocation(n)))
  list(0, [exit(0)])
  t.strictSame([directory.load.revoked, directory.candidates(NOW)], [4_096, []])
  list(0, [revocation(4_096), exit(0)])
  t.strictSame([directory.load.revoked, directory.candidates(NOW).length], [4_096, 1])
  directory.handleTimeout(NOW + 7 * DAY - 1)
  t.equal(directory.load.revoked, 4_096)
  directory.handleTimeout(NOW + 7 * DAY)
  t.equal(directory.load.revoked, 0, 'what has expired anyway')
})

t.test('after a restart: in order, with their turns, within bounds, and what is no exit is none', async t => {
  const { directory, actions } = inOrder(2)
  directory.restore(
    NOW, [{ ...exit(0), until: NOW + 9 }, exit(1), revocation(2), exit(3, { web: false }), exit(4, { expires: NOW / 1_000 })],
    [exit(5), revocation(6)], [name(7)]
  )
  t.strictSame(said(actions()), ['ask 0', 'ask 1', 'ask 5'])
  t.strictSame([directory.chosen.get(name(0))?.until, directory.chosen.get(name(1))?.until], [NOW + 9, NOW + 7 * DAY])
  t.strictSame([[...directory.pinned.keys()], [...directory.banned]], [[name(5)], [name(7)]])
  const many = inOrder(2)
  many.directory.restore(NOW, exits(0, 100), exits(200, 300), range(1_000, 3_000).map(name))
  t.strictSame([many.directory.chosen.size, many.directory.pinned.size, many.directory.banned.size], [66 + 64, 64, 1_024])
  const banned = inOrder(2)
  banned.directory.restore(NOW, exits(0, 2), [], [name(0)])
  t.strictSame(said(banned.actions()), ['ask 1'])
})

t.test('first a publisher is drawn, by his share, then one of his', async t => {
  // Three publishers: of 4 exits, of 4, and of 1, whose weight is a quarter: so 9/4 in all.
  const drawn = (share: number, index = 0): string => {
    const {
      directory, list, actions
    } = inOrder(1, 3, bound => bound === 1_000_000 ? Math.floor(share * bound) : bound === 1_000 ? 500 : index)
    directory.hold()
    for (const [n, from, to] of [[0, 0, 4], [1, 10, 14], [2, 20, 21]] as const) list(n, exits(from, to))
    directory.release(NOW)
    t.equal([...directory.chosen.values()][0]?.until, NOW + 10.5 * DAY)
    return said(actions()).join()
  }
  t.strictSame(
    [drawn(0), drawn(0, 3), drawn(0.444), drawn(0.445), drawn(0.888), drawn(0.889), drawn(0.999_999)],
    ['ask 0', 'ask 3', 'ask 0', 'ask 10', 'ask 10', 'ask 20', 'ask 20']
  )
  // Publishers of 1, of 9, one of which is left alone, and of 4, which is the usual number: weights of a quarter, 8/9 and 1.
  const weighed = (share: number): string => {
    const { directory, list, actions } = inOrder(1, 3, bound => bound === 1_000_000 ? Math.floor(share * bound) : 0)
    directory.restore(NOW, [exit(10)], [], [])
    directory.failed(NOW, name(10))
    directory.hold()
    for (const [n, from, to] of [[0, 0, 1], [1, 10, 19], [2, 20, 24]] as const) list(n, exits(from, to))
    actions()
    directory.release(NOW)
    return said(actions()).join()
  }
  t.strictSame(
    [weighed(0), weighed(0.1168), weighed(0.1169), weighed(0.5324), weighed(0.5325)], ['ask 0', 'ask 0', 'ask 11', 'ask 11', 'ask 20']
  )
  const { directory, list } = inOrder(0, 3)
  list(0, exits(0, 2))
  directory.update(NOW, 'http://p1.i2p/', 'p0', exits(1, 3))
  list(2, exits(2, 3))
  t.strictSame([0, 1, 2].map(n => directory.namedBy(name(n))), [['p0'], ['p0'], ['p0', 'p2']], 'by owner, once')
})

t.test('how many must name an exit, by the owners that the user named and those that they turned out to be', async t => {
  const rows: Array<[number, number | undefined, readonly string[], number]> = [
    [1, undefined, [], 1], [
      2, undefined, [], 1
    ], [3, undefined, [], 2], [16, undefined, [], 2], [3, undefined, ['x', 'x', 'x'], 1], [3, undefined, ['x', 'x'], 2],
    [4, 3, [], 3], [4, 9, [], 4], [2, 2, ['x', 'x'], 1], [0, 2, [], 1]
  ]
  for (const [publishers, agree, owners, expected] of rows) {
    const { directory } = open(t, publishers, agree === undefined ? {} : { agree })
    for (const [n, owner] of owners.entries()) directory.update(NOW, `http://p${n}.i2p/`, owner, [])
    t.equal(directory.agree, expected, `${publishers} ${agree} ${owners.join()}`)
  }
})
