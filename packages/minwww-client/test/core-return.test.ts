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
