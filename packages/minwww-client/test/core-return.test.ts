import { LocalDestination } from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { Bench, FakeExit, pageObject } from './core-fake-exit.ts'

/** A request whose exits are dead from its first moment on, for so long. Returns when its answer came, ms. */
function returnAfter (dead: number, { exits = 1, isPage = false } = {}): number {
  const bench = new Bench({ strategy: 'round-robin' })
  const fakes = Array.from({ length: exits }, (_, i) => new FakeExit(30 + i))
  fakes.forEach((exit, i) => bench.ready(`exit ${i}`, exit, 100))
  bench.wait(10)
  const started = bench.now
  bench.get({ timeout: 120_000, isPage })
  for (; bench.now < started + 120_000;) {
    const isDead = bench.now - started < dead
    for (const message of bench.wait(50)) {
      const exit = fakes.find(({ keys }) => message.to.equals(keys.destination))!
      const read = exit.read(message)
      if (isDead || (read.type !== 'open' && read.type !== 'request')) continue
      bench.receive(exit.reply(read, read.object.length === 0 ? Buffer.alloc(0) : pageObject('hello')), message.source)
    }
    if (bench.outcomes().some(({ type }) => type === 'response')) return bench.now - started
  }
  return Infinity
}

t.test('what waits in vain is asked for soon after the path lives again, whatever it is', async t => {
  for (const exits of [1, 3]) {
    for (const isPage of [false, true]) {
      // A page is given up where its reader can ask again.
      for (const dead of isPage ? [2_000, 6_000] : [2_000, 6_000, 12_000, 20_000, 40_000]) {
        const took = returnAfter(dead, { exits, isPage })
        t.ok(took < dead + 3_000, `${exits} exits, ${isPage ? 'page' : 'picture'}: dead for ${dead} ms, answered after ${took} ms`)
      }
    }
  }
})

/** One exit that hears one of two Destinations only; what it answers comes at once. */
function heardFrom (source: number, bench: Bench, exit: FakeExit): (milliseconds: number) => number[] {
  return milliseconds => {
    const asked: number[] = []
    for (const end = bench.now + milliseconds; bench.now < end;) {
      for (const message of bench.wait(50)) {
        const read = exit.read(message)
        if (read.type !== 'open' && read.type !== 'request') continue
        asked.push(message.source)
        if (message.source !== source) continue
        bench.receive(exit.reply(read, read.object.length === 0 ? Buffer.alloc(0) : pageObject('hello'), { time: bench.now }), source)
      }
    }
    return asked
  }
}

t.test('the only exit is probed from both Destinations, and asked from the one that it answers', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.ready('a', exit)
  const pass = heardFrom(1, bench, exit)
  bench.core.suspectExit(bench.now, 'a')
  t.strictSame([...new Set(pass(5_000))], [0, 1])
  bench.get()
  t.strictSame([...new Set(pass(1_000))], [1])
  t.match(bench.outcomes(), [{ type: 'response' }])
})

t.test('a Destination that takes the place of a deaf one is tried first', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.ready('a', exit)
  bench.wait(300)
  bench.core.suspend(bench.now, 1)
  bench.core.resume(bench.now, 1, LocalDestination.generate(seeded(901)))
  t.strictSame(bench.sent().map(({ source }) => source), [1])
})

t.test('what waits in vain takes no room from what follows when the exit is back', async t => {
  const bench = new Bench()
  const exit = new FakeExit()
  bench.ready('a', exit)
  const pass = heardFrom(1, bench, exit)
  bench.wait(10)
  const handles = Array.from({ length: 60 }, () => bench.get({ timeout: 120_000 }))
  heardFrom(2, bench, exit)(30_000)
  t.strictSame(bench.outcomes(), [], 'nothing is heard')
  pass(4_000)
  const done = bench.outcomes().map(({ type, handle }) => type === 'response' ? handle : -1)
  t.strictSame(done.sort((a, b) => a - b), handles)
})

t.test('nor does what was asked of two exits in vain, of which one is back', async t => {
  const bench = new Bench({ strategy: 'round-robin' })
  const [back, gone] = [new FakeExit(30), new FakeExit(31)]
  bench.ready('back', back)
  bench.ready('gone', gone)
  bench.wait(10)
  const handles = Array.from({ length: 60 }, () => {
    bench.wait(200)
    return bench.get({ timeout: 120_000 })
  })
  bench.wait(15_000)
  t.strictSame(bench.outcomes(), [], 'nothing is heard')
  for (const end = bench.now + 4_000; bench.now < end;) {
    for (const message of bench.wait(50)) {
      if (!message.to.equals(back.keys.destination)) continue
      const read = back.read(message)
      if (read.type !== 'open' && read.type !== 'request') continue
      bench.receive(back.reply(read, read.object.length === 0 ? Buffer.alloc(0) : pageObject('hello'), { time: bench.now }), message.source)
    }
  }
  const done = bench.outcomes().map(({ type, handle }) => type === 'response' ? handle : -1)
  t.strictSame(done.sort((a, b) => a - b), handles)
})
