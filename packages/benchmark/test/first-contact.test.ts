// First contact over routers that take one new ratchet session in 200 ms: the profile i2pd-2.59 of the embedded router.
import { LocalDestination } from '@minwww/i2cp/codec'
import { NetworkModel } from '@minwww/local-router/network'
import t from 'tap'
import { pageRequest } from '../src/grid/http.ts'
import { MinwwwPath } from '../src/grid/minwww-path.ts'
import { ClientNode, ExitNode } from '../src/grid/nodes.ts'
import { SeededRandom } from '../src/grid/random.ts'
import { INBOUND_TAGS, World } from '../src/grid/world.ts'
import type { WorldMessage } from '../src/grid/world.ts'

const KB = 1024
const NETWORK = { latency: 300, jitter: 15, deadPaths: 0, tunnelLifetime: 86_400_000, inboundTags: INBOUND_TAGS }
const RUNS = 10

/** ms until the last of 24 pages of 4 KB is here: right after the start, and after a pause. */
function pages (profile: 'i2pd' | 'i2pd-2.59', seed: number, pause: number): [fresh: number, idle: number] {
  const path = new MinwwwPath(seed, { ...NETWORK, profile })
  const all = (): number => {
    const start = path.world.now
    const pages = Array.from({ length: 24 }, () => path.start(4 * KB, 60_000))
    path.world.run(() => pages.every(page => page.isDone()), start + 60_000)
    const time = path.world.now - start
    return pages.some(page => page.failed()) ? Infinity : time
  }
  const fresh = all()
  path.rest(pause)
  return [fresh, all()]
}

t.test('24 pages at once, right after the start and after a pause: one round trip later than on routers without the rule', async t => {
  const roundTrip = 2 * NETWORK.latency
  for (const pause of [130_000, 400_000]) {
    const mean = (profile: 'i2pd' | 'i2pd-2.59', which: 0 | 1): number =>
      Array.from({ length: RUNS }, (_, seed) => pages(profile, seed, pause)[which]).reduce((sum, time) => sum + time, 0) / RUNS
    for (const which of [0, 1] as const) {
      const [before, since] = [mean('i2pd', which), mean('i2pd-2.59', which)]
      t.ok(before <= (which === 0 ? 3.5 : pause < 180_000 ? 1.5 : 2.5) * roundTrip, `${Math.round(before)} ms`)
      t.comment(`${pause} ms, ${which === 0 ? 'fresh' : 'idle'}: ${Math.round(before)} and ${Math.round(since)} ms`)
      t.ok(since <= before + 1.15 * roundTrip)
    }
  }
})

t.test('a proxy that was started a while ago, and has asked for nothing yet: its first page is as fast as a later one', async t => {
  for (const rest of [30_000, 60_000, 80_000, 110_000]) {
    for (let seed = 0; seed < RUNS; seed++) {
      const path = new MinwwwPath(seed, { ...NETWORK, profile: 'i2pd-2.59' })
      path.rest(rest)
      const start = path.world.now
      const page = path.start(4 * KB, 60_000)
      path.world.run(() => page.isDone(), start + 60_000)
      const time = path.world.now - start
      t.ok(!page.failed() && time < 3 * NETWORK.latency, `seed ${seed}, after ${rest} ms: ${Math.round(time)} ms`)
    }
  }
})

t.test('twenty new clients at once to one exit: the median within 5 s, all within 15', async t => {
  const times: number[] = []
  for (let seed = 0; seed < RUNS; seed++) {
    const random = new SeededRandom(seed)
    const world = new World(new NetworkModel<WorldMessage>({ ...NETWORK, profile: 'i2pd-2.59', seed }))
    const exitKeys = LocalDestination.generate(random.bytes)
    world.add(new ExitNode({ world, keys: exitKeys, random: random.bytes }))
    const start = world.now
    const done: number[] = []
    for (let i = 0; i < 20; i++) {
      const keys = [LocalDestination.generate(random.bytes), LocalDestination.generate(random.bytes)]
      const client = new ClientNode({
        keys, random: random.bytes, onEvent: event => { if (event.type === 'response') done.push(world.now - start) }
      })
      world.add(client)
      client.core.addExit(start, { id: 'exit', destination: exitKeys.destination })
      client.core.request(start, {
        message: pageRequest(2 * KB), site: 'site.i2p', idempotent: true
      })
    }
    world.run(() => done.length === 20, start + 60_000)
    t.equal(done.length, 20)
    times.push(...done)
  }
  times.sort((a, b) => a - b)
  t.comment(`median ${Math.round(times[times.length >> 1]!)} ms, last ${Math.round(times.at(-1)!)} ms`)
  t.ok(times[times.length >> 1]! <= 5_000)
  t.ok(times.at(-1)! <= 15_000)
})

t.test('a router can read what follows some seconds in which nothing came, although pages were asked for', async t => {
  for (const away of [10_000, 20_000]) {
    for (let seed = 0; seed < RUNS; seed++) {
      const path = new MinwwwPath(seed, { ...NETWORK, latency: 50, profile: 'i2pd-2.59' })
      const { world, network } = path
      path.settle(10_000)
      path.rest(5_000)
      const back = world.now + away
      network.setAlive(path.exit.addresses[0]!, false)
      world.at(back, () => network.setAlive(path.exit.addresses[0]!, true))
      const pages: Array<ReturnType<MinwwwPath['start']>> = []
      while (world.now < back + 10_000) {
        pages.push(path.start(2 * KB, 60_000))
        path.rest(500)
      }
      path.rest(5_000)
      t.ok(pages.every(page => page.isDone()), `seed ${seed}, nothing for ${away} ms: all pages are here`)
      t.equal(network.stats.lostBy['unknown-tag'] ?? 0, 0)
    }
  }
})
