import fc from 'fast-check'
import t from 'tap'
import type { Message } from '@minwww/protocol'
import { LocalDestination } from '@minwww/i2cp/codec'
import { seeded, seedOf } from '@minwww/testkit'
import { Sources } from '../src/core/sources.ts'
import { Bench, FakeExit, keysOf, pageObject } from './core-fake-exit.ts'

const answerOf = (read: Message): Buffer => read.type === 'open' && read.object.length === 0 ? Buffer.alloc(0) : pageObject('hello')

/** Exits whose paths live or are dead, for each of our Destinations. */
class Paths {
  readonly bench: Bench
  readonly exits: FakeExit[]
  /** `exit source` */
  readonly dead = new Set<string>()
  /** `exit source` of each request, in the order in which they went out. */
  readonly asked: string[] = []
  /** The same of all messages. */
  readonly sent: string[] = []
  static readonly NAMES = ['a', 'b', 'c']

  constructor (count = 3) {
    this.bench = new Bench({ strategy: 'round-robin' })
    this.exits = Array.from({ length: count }, (_, i) => new FakeExit(20 + i))
    this.exits.forEach((exit, i) => this.bench.ready(Paths.NAMES[i]!, exit, 100))
  }

  /** Goes on for so long; every living path answers after 100 ms. */
  wait (ms: number): void {
    for (const end = this.bench.now + ms; this.bench.now < end;) {
      const sent = this.bench.wait(50)
      for (const message of sent) {
        const index = this.exits.findIndex(({ keys }) => message.to.equals(keys.destination))
        const name = `${Paths.NAMES[index]!} ${message.source}`
        this.sent.push(name)
        const exit = this.exits[index]!
        const read = exit.read(message)
        if ((read.type === 'open' || read.type === 'request') && read.object.length > 0) this.asked.push(name)
        if (this.dead.has(name) || read.type === 'cancel' || read.type === 'report') continue
        this.bench.receive(exit.reply(read, answerOf(read)), message.source)
      }
    }
  }
}

t.test('with several exits too, what is silent is tried from the other Destination', async t => {
  const paths = new Paths()
  for (const exit of Paths.NAMES) paths.dead.add(`${exit} 0`)
  const handle = paths.bench.get()
  paths.wait(5_000)
  t.match(paths.bench.outcomes(), [{ type: 'response', handle }])
  t.equal(paths.asked[0]!.at(-1), '0')
  t.equal(paths.asked.find(name => name.endsWith('1')), paths.asked.at(-1), 'the first from the other one is answered')
})

t.test('once two exits were silent from there, the others are not asked from there first', async t => {
  const paths = new Paths()
  for (const exit of Paths.NAMES) paths.dead.add(`${exit} 0`)
  const handles = Array.from({ length: 6 }, () => {
    const handle = paths.bench.get()
    paths.wait(5_000)
    return handle
  })
  t.strictSame(paths.bench.outcomes().map(outcome => outcome.handle), handles)
  t.ok(paths.asked.filter(name => name.endsWith('0')).length <= 3 * 2, paths.asked.join(', '))
  t.ok(paths.asked.slice(-3).every(name => name.endsWith('1')), paths.asked.join(', '))
})

t.test('an exit that is dead moves nobody else', async t => {
  const paths = new Paths()
  paths.dead.add('a 0').add('a 1')
  for (let i = 0; i < 6; i++) {
    paths.bench.get()
    paths.wait(5_000)
  }
  t.equal(paths.bench.outcomes().filter(({ type }) => type === 'response').length, 6)
  const first = paths.asked.filter(name => name === 'c 0' || name === 'c 1')
  t.ok(first.some(name => name === 'c 0'), paths.asked.join(', '))
})

for (const when of ['heard before', 'asked in vain']) {
  t.test(`an exit that was away is asked from where it was heard since: ${when}`, async t => {
    const paths = new Paths(2)
    const { bench } = paths
    const change = (source: number): void => {
      bench.core.suspend(bench.now, source)
      bench.core.resume(bench.now, source, LocalDestination.generate(seeded(200 + source)))
      paths.wait(1_000)
    }
    const browse = (pages: number): number => {
      for (let i = 0; i < pages; i++) {
        bench.get()
        paths.wait(500)
      }
      return bench.outcomes().filter(({ type }) => type === 'response').length
    }
    if (when === 'heard before') change(1)
    paths.dead.add('a 0').add('a 1')
    t.equal(browse(60), 60)
    if (when === 'asked in vain') change(1)
    // Started anew: another Destination is heard there, the one of before is not.
    paths.dead.delete('a 0')
    change(0)
    t.equal(browse(20), 20)
    paths.dead.add('b 0').add('b 1')
    paths.asked.splice(0)
    for (let page = 0; page < 3; page++) {
      const began = bench.now
      bench.get()
      while (bench.outcomes().length === 0 && bench.now < began + 30_000) paths.wait(50)
      t.ok(bench.now - began < 3_000, `${bench.now - began} ms`)
      paths.wait(1_000)
    }
    t.notOk(paths.asked.includes('a 1'), paths.asked.join(', '))
  })
}

t.test('property: a request that any path can bring is brought', async t => {
  const names = Paths.NAMES.flatMap(exit => [`${exit} 0`, `${exit} 1`])
  fc.assert(fc.property(fc.subarray(names, { minLength: 1 }), living => {
    const paths = new Paths()
    for (const name of names) if (!living.includes(name)) paths.dead.add(name)
    const handle = paths.bench.get({ timeout: 60_000 })
    paths.wait(60_000)
    const [outcome] = paths.bench.outcomes()
    return outcome?.type === 'response' && outcome.handle === handle
  }), { seed: seedOf(t, 72), numRuns: 40 })
})

t.test('what a Destination is said to be', async t => {
  let heard = -Infinity
  const sources = new Sources(2, source => source === 0 ? heard : 500)
  sources.silent(0, 'a', 100)
  sources.silent(0, 'a', 200)
  t.equal(sources.usable(0), 0, 'one exit says nothing of the others')
  sources.silent(0, 'b', 300)
  t.equal(sources.usable(0), 1)
  t.equal(sources.usable(1), 1)
  sources.suspend(1)
  t.equal(sources.usable(0), 0, 'better than none')
  heard = 301
  sources.resume(400, 1)
  t.equal(sources.usable(0), 0, 'it was heard since')
  sources.silent(0, 'c', 600)
  t.equal(sources.usable(0), 0, 'they count from the start')
})

t.test('where nothing is heard all pairs are asked at once: an answer over any of them has the request', async t => {
  const paths = new Paths(3)
  const { bench } = paths
  for (const exit of Paths.NAMES) for (const source of [0, 1]) if (`${exit} ${source}` !== 'c 1') paths.dead.add(`${exit} ${source}`)
  for (let i = 0; i < 3; i++) {
    const handle = bench.get()
    const began = bench.now
    while (bench.now - began < 5_000 && !bench.outcomes().some(outcome => outcome.type === 'response' && outcome.handle === handle)) paths.wait(50)
    t.ok(bench.now - began < 3_000, `${bench.now - began} ms`)
  }
})

t.test('another own Destination is ready: exits that are well go on being asked from where they are; and where no path leads is no fault of theirs', async t => {
  const paths = new Paths(2)
  const { bench } = paths
  const statuses = (): unknown[] => bench.core.exits(bench.now).map(({ source, state, failures }) => [source, state, failures])
  bench.core.resume(bench.now, 1, keysOf(9))
  paths.wait(3_000)
  t.strictSame(statuses(), [[0, 'ready', 0], [0, 'ready', 0]])
  for (const exit of ['a', 'b']) paths.dead.add(`${exit} 1`)
  const began = paths.sent.length
  for (let i = 0; i < 100; i++) {
    bench.get()
    paths.wait(1_000)
  }
  const idle = paths.sent.slice(began).filter(name => name.endsWith('1'))
  t.strictSame([...new Set(idle)].sort(), ['a 1', 'b 1'], 'each is asked there after a minute')
  t.ok(idle.length <= 2 * 2 * 2, `${idle.length} messages`)
  t.equal(bench.outcomes().filter(({ type }) => type === 'response').length, 100)
  t.strictSame(statuses(), [[0, 'ready', 0], [0, 'ready', 0]])
})
