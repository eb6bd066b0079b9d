// Whole pages with and without pushes, both real cores in virtual time: when the last object is there.
import type { ClientEvent } from '@minwww/client/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import { NetworkModel, type NetworkOptions } from '@minwww/local-router/network'
import { encodePromises, encodePushed, encodeRequestHead, encodeResponse, parseRequest, type HeaderList } from '@minwww/protocol'
import type { FetchEvent } from '@minwww/server/core'
import t from 'tap'
import { ClientNode, ServerNode } from '../src/grid/nodes.ts'
import { SeededRandom } from '../src/grid/random.ts'
import { World, type WorldMessage } from '../src/grid/world.ts'

const KB = 1024
const FIELDS: HeaderList = [['Host', 'a.i2p'], ['Accept-Language', 'en']]
/** The page of the benchmark, and one of 1.8 MB. */
const LIGHT = [1, 2, 4, 4, 8, 10, 16, 32, 48, 64].map(size => size * KB)
const HEAVY = Array.from({ length: 40 }, (_, index) => (10 + index * 7 % 80) * KB)

/** A page and its objects; the page promises them where it may. */
class Site extends ServerNode {
  readonly #bodies: Buffer[]
  fetches = 0

  constructor (keys: LocalDestination, random: SeededRandom, sizes: readonly number[]) {
    super({ keys, random: random.bytes })
    this.#bodies = [24 * KB, ...sizes].map(size => Buffer.from(random.bytes(size)))
  }

  answer (index: number): Buffer {
    const headers: HeaderList = [['Content-Type', 'image/png'], ['Cache-Control', 'no-store']]
    return encodeResponse({ status: 200, reason: 'OK', headers, body: this.#bodies[index]! })
  }

  protected override fetch (now: number, event: FetchEvent): void {
    this.fetches++
    const index = Number(parseRequest(event.message).url.split('/')[3])
    const pushes = index === 0 && event.push !== undefined ? this.core.promise(now, event.handle, this.#bodies.length - 1) : []
    const lines = encodePromises(pushes.map(({ id }, at) => ({ id, url: `http://a.i2p/${at + 1}` })))
    this.core.respond(now, event.handle, Buffer.concat([lines, this.answer(index)]))
    for (const [at, { handle }] of pushes.entries()) {
      this.core.respond(now, handle, encodePushed(`http://a.i2p/${at + 1}`, FIELDS, this.answer(at + 1)))
    }
  }
}

interface Load { time: number, fetches: number, bytes: number }

/** Loads of one page after the other, by six connections as browsers have them. */
function loads (sizes: readonly number[], isPushing: boolean, network: Partial<NetworkOptions>, count: number): Load[] {
  const random = new SeededRandom(7)
  const world = new World(new NetworkModel<WorldMessage>({ seed: 7, ...network }))
  const keys = LocalDestination.generate(random.bytes)
  const site = new Site(keys, random, sizes)
  const events = new Map<number, ClientEvent>()
  const client = new ClientNode({
    keys: [LocalDestination.generate(random.bytes)],
    random: random.bytes,
    config: isPushing ? {} : { pushBudget: 0 },
    onEvent: event => { if (event.type === 'response' || event.type === 'failed') events.set(event.handle, event) }
  })
  world.add(client)
  world.add(site)
  client.core.addExit(world.now, { id: 'exit', destination: keys.destination })
  world.run(() => client.core.exits(world.now)[0]!.state === 'ready', world.now + 60_000)
  const ask = (index: number, isPage: boolean): number => client.core.request(world.now, {
    message: encodeRequestHead({ method: 'GET', url: `http://a.i2p/${index}`, headers: FIELDS }),
    site: 'a.i2p',
    idempotent: true,
    isPage,
    timeout: 300_000,
    ...(isPage ? {} : { referer: 'http://a.i2p/0' })
  })
  return Array.from({ length: count }, () => {
    const [started, fetched, sent] = [world.now, site.fetches, site.core.stats.bytesSent]
    const page = ask(0, true)
    world.run(() => events.has(page), started + 600_000)
    const open = new Map<number, number>()
    let next = 1
    while (next <= sizes.length || open.size > 0) {
      while (open.size < 6 && next <= sizes.length) open.set(ask(next, false), next++)
      const isDone = (): boolean => [...open.keys()].some(handle => events.has(handle))
      if (!world.run(isDone, started + 600_000)) throw new Error('the page never came')
      for (const [handle, index] of open) {
        const event = events.get(handle)
        if (event === undefined) continue
        const isRight = event.type === 'response' && event.message.equals(site.answer(index))
        if (!isRight) throw new Error(`object ${index} is not what it should be`)
        open.delete(handle)
      }
    }
    const time = world.now - started
    world.runUntil(world.now + 5_000)
    return { time, fetches: site.fetches - fetched, bytes: site.core.stats.bytesSent - sent }
  })
}

t.test('a page comes in one round trip and what its bytes take, and no byte comes twice', t => {
  const paths: Array<[string, readonly number[], Partial<NetworkOptions>, number]> = [
    ['light, 250 ms', LIGHT, { latency: 250 }, 0.5],
    ['light, 250 ms, 1 % loss', LIGHT, { latency: 250, loss: 0.01 }, 0.5],
    ['light, 50 ms', LIGHT, { latency: 50 }, 0.5],
    ['light, 1 s', LIGHT, { latency: 1_000 }, 0.5],
    ['light, 250 ms, 64 KB/s', LIGHT, { latency: 250, bandwidth: 64 * KB }, 1],
    ['heavy, 250 ms', HEAVY, { latency: 250 }, 0.4]
  ]
  for (const [name, sizes, network, most] of paths) {
    const pushed = loads(sizes, true, network, 5)
    const plain = loads(sizes, false, network, 5)
    const median = (of: Load[]): number => of.map(({ time }) => time).sort((a, b) => a - b)[2]!
    const ratio = median(pushed) / median(plain)
    const times = (of: Load[]): string => of.map(({ time }) => Math.round(time)).join(' ')
    t.comment(name, 'with', times(pushed), 'without', times(plain), ratio.toFixed(2))
    t.ok(ratio <= most, `${name}: ${ratio.toFixed(2)}`)
    const bytes = (of: Load[]): number => of.reduce((sum, load) => sum + load.bytes, 0)
    t.ok(bytes(pushed) <= 1.1 * bytes(plain), `${name}: ${bytes(pushed)} bytes, ${bytes(plain)} without`)
  }
  t.end()
})
