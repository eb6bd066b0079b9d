import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ClientEvent } from '@minwww/client/core'
import { Destination, encodeDatagram2, LocalDestination } from '@minwww/i2cp/codec'
import { NetworkModel } from '@minwww/local-router/network'
import { encodeObject, encodeOpenBody, encodeRate, sessionKeys } from '@minwww/protocol'
import t from 'tap'
import { pageRequest } from '../../benchmark/src/grid/http.ts'
import { ClientNode, ExitNode } from '../../benchmark/src/grid/nodes.ts'
import { SeededRandom } from '../../benchmark/src/grid/random.ts'
import { percentile } from '../../benchmark/src/grid/statistics.ts'
import { World } from '../../benchmark/src/grid/world.ts'
import type { Departure, WorldMessage, WorldNode } from '../../benchmark/src/grid/world.ts'

const KB = 1024
const HOUR = 3_600_000

/** One browsing client and one exit, the real cores, in virtual time. */
class Scene {
  readonly world: World
  readonly client: ClientNode
  readonly exit: ExitNode
  readonly random: SeededRandom
  readonly target: Destination
  readonly #events = new Map<number, ClientEvent>()

  constructor (seed: number, network: ConstructorParameters<typeof NetworkModel>[0], fetchTime = 50) {
    this.random = new SeededRandom(seed)
    this.world = new World(new NetworkModel<WorldMessage>({ tunnelLifetime: 86_400_000, ...network, seed }))
    const keys = LocalDestination.generate(this.random.bytes)
    this.target = keys.destination
    this.exit = new ExitNode({ world: this.world, keys, random: this.random.bytes, fetchTime: () => fetchTime })
    this.client = new ClientNode({
      keys: [LocalDestination.generate(this.random.bytes), LocalDestination.generate(this.random.bytes)],
      random: this.random.bytes,
      onEvent: event => { if (event.type !== 'exit-state') this.#events.set(event.handle, event) }
    })
    this.world.add(this.client)
    this.world.add(this.exit)
    this.client.core.addExit(this.world.now, { id: 'exit', destination: keys.destination })
  }

  /** ms that a page took; Infinity for a failure. */
  fetch (size: number): number {
    const { world, client } = this
    const started = world.now
    const handle = client.core.request(started, { message: pageRequest(size), site: 'site.i2p', idempotent: true })
    world.run(() => this.#events.has(handle), started + 61_000)
    const event = this.#events.get(handle)
    this.#events.delete(handle)
    return event?.type === 'response' && event.message.equals(this.exit.page(size)) ? world.now - started : Infinity
  }

  rest (milliseconds: number): void {
    this.world.runUntil(this.world.now + milliseconds)
  }
}

/** OPENs of Destinations never seen before, each asking for a page, at a steady rate. */
class Flood implements WorldNode {
  readonly addresses = ['flood']
  sent = 0
  readonly #scene: Scene
  readonly #target: Destination
  readonly #base: LocalDestination
  readonly #startAt: number
  readonly #count: number
  readonly #perSecond: number
  readonly #size: number

  constructor (scene: Scene, target: Destination, o: { count: number, perSecond: number, size: number }) {
    this.#scene = scene
    this.#target = target
    this.#base = LocalDestination.generate(scene.random.bytes)
    this.#startAt = scene.world.now
    this.#count = o.count
    this.#perSecond = o.perSecond
    this.#size = o.size
  }

  receive (): void {}
  handleTimeout (): void {}

  nextTimeout (): number | undefined {
    return this.sent < this.#count ? this.#startAt + this.sent * 1000 / this.#perSecond : undefined
  }

  pollTransmit (now: number): Departure | undefined {
    if ((this.nextTimeout() ?? Infinity) > now) return undefined
    return { from: 'flood', to: this.#target.b32, protocol: 19, fromPort: 4480, toPort: 80, payload: this.#open(now, this.sent++) }
  }

  /** Another encryption key makes another Destination; the signing key may stay the same, which saves making one. */
  #open (now: number, index: number): Buffer {
    const bytes = Buffer.from(this.#base.destination.bytes)
    bytes.writeUInt32BE(index, 0)
    const from = { destination: Destination.parse(bytes), sign: (data: Uint8Array) => this.#base.sign(data) } as LocalDestination
    const key = this.#scene.random.bytes(16)
    const body = encodeOpenBody({
      type: 'open',
      attempt: 0,
      flags: 0,
      session: sessionKeys(key).session,
      id: 1,
      time: Math.floor(now / 1000),
      key,
      loss: 10,
      rate: encodeRate(2e6),
      max: 72,
      shape: 8,
      object: encodeObject(pageRequest(this.#size), { kind: 'request' })
    }, 1300)
    return encodeDatagram2(from, this.#target.hash, body)
  }
}

t.test('10,000 OPENs of fresh Destinations while one client browses', { timeout: 300_000 }, async t => {
  const PAGES = 60
  const SIZES = [2 * KB, 8 * KB, 16 * KB, 48 * KB]
  const browse = (scene: Scene): number[] => Array.from({ length: PAGES }, (_, index) => {
    const time = scene.fetch(SIZES[index % SIZES.length]!)
    scene.rest(20)
    return time
  })
  const sceneOf = (): Scene => {
    const scene = new Scene(7, { latency: 100, jitter: 10, loss: 0.005, bandwidth: 0 })
    scene.rest(2_000)
    browse(scene)
    return scene
  }
  const calm = browse(sceneOf())
  const scene = sceneOf()
  const { core } = scene.exit
  const duration = calm.reduce((sum, time) => sum + time + 20, 0)
  const flood = new Flood(scene, scene.target, { count: 10_000, perSecond: 10_000 / duration * 1000, size: 60 * KB })
  scene.world.add(flood)
  const before = core.stats.bytesSent
  const times = browse(scene)
  const load = core.load
  const [p95, p95Flooded] = [percentile(calm, 0.95), percentile(times, 0.95)]
  const medians = `${Math.round(percentile(calm, 0.5))} -> ${Math.round(percentile(times, 0.5))}`
  const tails = `${Math.round(p95)} -> ${Math.round(p95Flooded)}`
  t.comment(`p50 ${medians} ms, p95 ${tails} ms, ${flood.sent} OPENs in ${Math.round(duration / 1000)} s`)
  const { opens, unchecked, fetches, busy, bytesSent } = core.stats
  t.comment(`opens ${opens}, unchecked ${unchecked}, fetches ${fetches}, busy ${busy}, sent ${Math.round((bytesSent - before) / KB)} KB`)
  t.comment(JSON.stringify(load))
  t.ok(p95Flooded <= 2 * p95)
  t.ok(flood.sent > 5_000, 'the flood was there while the client browsed')
  t.ok(load.sessions <= 1_024 + 4_096 && load.held <= 64 * KB * KB && load.fetches <= 512)
  scene.rest(15 * 60_000)
  t.match(core.load, { fetches: 0, requests: 0, held: 0 }, 'nothing of it is kept')
  t.ok(core.load.sessions <= 2)
})

t.test('24 hours of browsing: no table grows', { timeout: 300_000 }, async t => {
  const SIZES = [1, 4, 10, 24, 64].map(size => size * KB)
  const scene = new Scene(11, { latency: 250, jitter: 50, loss: 0.01, bandwidth: 64 * KB, queue: 2_000, tunnelLifetime: 600_000 })
  const { core } = scene.exit
  scene.rest(10_000)
  const start = scene.world.now
  const times: number[] = []
  const most = { sessions: 0, requests: 0, held: 0, fetches: 0 }
  const heaps: number[] = []
  while (scene.world.now < start + 24 * HOUR) {
    const visits = 1 + Math.floor(3 * scene.random.number())
    for (let page = 0; page < visits; page++) times.push(scene.fetch(SIZES[Math.floor(SIZES.length * scene.random.number())]!))
    for (const key of ['sessions', 'requests', 'held', 'fetches'] as const) most[key] = Math.max(most[key], core.load[key])
    // From a few seconds to longer than sessions live.
    scene.rest(5_000 + 15 * 60_000 * scene.random.number() ** 2)
    if (Math.floor((scene.world.now - start) / HOUR) > heaps.length) heaps.push(heapUsed())
  }
  const failed = times.filter(time => time === Infinity).length
  const growth = (heaps.at(-1)! - heaps[3]!) / KB
  const [p50, p95] = [0.5, 0.95].map(part => Math.round(percentile(times, part)))
  t.comment(`${times.length} pages, ${failed} failed, p50 ${p50} ms, p95 ${p95} ms`)
  t.comment(`most at once ${JSON.stringify(most)}; heap ${Math.round(growth)} KB more in 20 hours`)
  t.ok(failed <= times.length / 100)
  t.ok(most.sessions <= 2 && most.requests <= 200 && most.held < 4 * KB * KB)
  // The same run differs by hundreds of KB of compiled code; pages that were kept would be 12 MB.
  t.ok(growth < 2_048, `${growth} KB`)
  scene.rest(20 * 60_000)
  t.match(core.load, { sessions: 0, fetches: 0, requests: 0, held: 0 })
  t.equal(core.nextTimeout(), undefined, 'the exit waits for nothing')
  t.equal(scene.client.core.nextTimeout(), undefined, 'nor does the client')
  t.match(scene.client.core.exits(scene.world.now), [{ inFlight: 0, waiting: 0 }])
})

/** Bytes of what is really in use. */
function heapUsed (): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
