// Sites that take their time: the real cores of both ends in virtual time, with a network between them that loses messages.
import type { ClientEvent } from '@minwww/client/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import { NetworkModel } from '@minwww/local-router/network'
import type { Part } from '@minwww/protocol'
import { encodeRequestHead, encodeResponse } from '@minwww/protocol'
import fc from 'fast-check'
import t from 'tap'
import { ClientNode } from '../../benchmark/src/grid/nodes.ts'
import { SeededRandom } from '../../benchmark/src/grid/random.ts'
import { departure, World } from '../../benchmark/src/grid/world.ts'
import type { Carrier, Departure, WorldMessage, WorldNode } from '../../benchmark/src/grid/world.ts'
import { ServerCore } from '../src/core.ts'

const SEED = 4711
const MINUTE = 60_000

/** What a site does with a request. */
interface Site { takes: number, part: Part, size: number }

class SlowExit implements WorldNode {
  readonly core: ServerCore
  readonly keys: LocalDestination
  readonly addresses: readonly string[]
  /** How often each request was fetched, by its line. */
  readonly fetched = new Map<string, number>()
  readonly #world: World
  readonly #site: () => Site

  constructor (world: World, random: SeededRandom, site: () => Site) {
    this.keys = LocalDestination.generate(random.bytes)
    this.core = new ServerCore({ keys: this.keys, random: new SeededRandom(1).bytes, now: world.now })
    this.addresses = [this.keys.destination.b32]
    this.#world = world
    this.#site = site
  }

  receive (now: number, _address: string, _from: string, message: WorldMessage): void {
    this.core.receive(now, message)
    this.#events()
  }

  nextTimeout (): number | undefined { return this.core.nextTimeout() }

  handleTimeout (now: number): void {
    this.core.handleTimeout(now)
    this.#events()
  }

  pollTransmit (now: number): Departure | undefined {
    const outgoing = this.core.pollTransmit(now)
    return outgoing === undefined ? undefined : departure(this.addresses[0]!, outgoing)
  }

  #events (): void {
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) {
      if (event.type !== 'fetch') continue
      const { handle, message } = event
      const line = message.toString('latin1', 0, message.indexOf('\r\n'))
      this.fetched.set(line, (this.fetched.get(line) ?? 0) + 1)
      const { takes, part, size } = this.#site()
      const answer = encodeResponse({
        status: 200,
        reason: 'OK',
        headers: [['content-type', 'image/png']],
        body: Buffer.alloc(size, handle)
      })
      this.#world.at(this.#world.now + takes, () => this.core.respond(this.#world.now, handle, answer, part))
    }
  }
}

/** A network that can be cut for a while. */
class Cable implements Carrier {
  readonly #network: NetworkModel<WorldMessage>
  isCut = false

  constructor (network: NetworkModel<WorldMessage>) { this.#network = network }
  get stats () { return this.#network.stats }
  nextTimeout (): number | undefined { return this.#network.nextTimeout() }
  poll (now: number): ReturnType<Carrier['poll']> { return this.#network.poll(now) }
  send (now: number, message: Parameters<Carrier['send']>[1]): void { if (!this.isCut) this.#network.send(now, message) }
}

interface SceneOptions { seed: number, exits: number, latency: number, loss: number, site: (random: SeededRandom) => Site }

/** A client with two Destinations, and exits that it has probed. */
class Scene {
  readonly world: World
  readonly cable: Cable
  readonly client: ClientNode
  readonly exits: SlowExit[]
  readonly events = new Map<number, ClientEvent>()
  #requests = 0

  constructor ({ seed, exits, latency, loss, site }: SceneOptions) {
    const random = new SeededRandom(seed)
    this.cable = new Cable(new NetworkModel<WorldMessage>({ tunnelLifetime: 86_400_000, latency, jitter: latency / 20, loss, seed }))
    this.world = new World(this.cable)
    this.client = new ClientNode({
      keys: [LocalDestination.generate(random.bytes), LocalDestination.generate(random.bytes)],
      random: random.bytes,
      onEvent: event => { if (event.type === 'response' || event.type === 'failed') this.events.set(event.handle, event) }
    })
    this.exits = Array.from({ length: exits }, () => new SlowExit(this.world, random, () => site(random)))
    for (const node of [this.client, ...this.exits]) this.world.add(node)
    for (const [index, { keys }] of this.exits.entries()) {
      this.client.core.addExit(this.world.now, { id: `exit${index}`, destination: keys.destination })
    }
    this.rest(10_000)
  }

  request (method: 'GET' | 'POST'): number {
    const message = encodeRequestHead({ method, url: `http://site.i2p/${this.#requests++}`, headers: [['Host', 'site.i2p']] })
    return this.client.core.request(this.world.now, { message, site: 'site.i2p', idempotent: method === 'GET' })
  }

  rest (milliseconds: number): void {
    this.world.runUntil(this.world.now + milliseconds)
  }

  /** How often each request was fetched, by all exits together. */
  get fetched (): Map<string, number> {
    const all = new Map<string, number>()
    for (const { fetched } of this.exits) for (const [line, times] of fetched) all.set(line, (all.get(line) ?? 0) + times)
    return all
  }
}

t.test('a GET that takes 40 s and a POST that takes 90 s arrive, and each is fetched once', async t => {
  for (const exits of [1, 2]) {
    for (const latency of [5, 50, 500]) {
      for (const [method, takes] of [['GET', 1_500], ['GET', 40_000], ['GET', 280_000], ['POST', 90_000]] as const) {
        const scene = new Scene({ seed: SEED, exits, latency, loss: 0, site: () => ({ takes, part: 'whole', size: 3_000 }) })
        // The path is known as it is after a while.
        const started = scene.world.now
        const handle = scene.request(method)
        scene.world.run(() => scene.events.has(handle), started + 10 * MINUTE)
        const what = `${method} of ${takes} ms over ${latency} ms by ${exits}`
        t.match(scene.events.get(handle), { type: 'response' }, what)
        t.ok(scene.world.now - started < takes + 4 * latency + 200, what)
        t.strictSame([...scene.fetched.values()], [1], what)
      }
    }
  }
})

t.test('a path that loses messages: all arrive, no POST is fetched twice, and few GETs are', async t => {
  const random = new SeededRandom(SEED)
  const scene = new Scene({
    seed: SEED, exits: 2, latency: 200, loss: 0.02, site: () => ({ takes: 500 + 60_000 * random.number() ** 2, part: 'whole', size: 3_000 })
  })
  const COUNT = 300
  const handles = Array.from({ length: COUNT }, (_, index) => {
    const handle = scene.request(index % 3 === 0 ? 'POST' : 'GET')
    scene.rest(5_000)
    return handle
  })
  scene.rest(5 * MINUTE)
  const arrived = handles.filter(handle => scene.events.get(handle)?.type === 'response').length
  const twice = [...scene.fetched].filter(([, times]) => times > 1)
  t.comment(`${arrived} of ${COUNT} arrived, ${twice.length} were fetched more than once`)
  t.ok(arrived >= COUNT - 3, `${arrived} arrived`)
  t.strictSame(twice.filter(([line]) => line.startsWith('POST')), [])
  t.ok(twice.length <= COUNT / 20, `${twice.length} were fetched more than once`)
})

t.test('no sequence of loss, cancelling and stalls leaves an entry, a place or a timer behind', { timeout: 200_000 }, async t => {
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom('get' as const, 'post' as const) }),
    fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.oneof(fc.nat(400), fc.nat(20_000)) }),
    fc.record({ kind: fc.constant('cut' as const), ms: fc.nat(40_000) })
  )
  const scenes = fc.record({
    seed: fc.nat(1e6), exits: fc.integer({ min: 1, max: 2 }), latency: fc.constantFrom(10, 300), loss: fc.constantFrom(0, 0.03, 0.15)
  })
  fc.assert(fc.property(scenes, fc.array(step, { minLength: 5, maxLength: 25 }), (options, steps) => {
    const site = (random: SeededRandom): Site => ({
      takes: random.number() < 0.3 ? 0 : 400_000 * random.number() ** 4,
      part: random.number() < 0.5 ? 'beginning' : 'whole',
      size: Math.floor(60_000 * random.number() ** 2)
    })
    const scene = new Scene({ ...options, site })
    const handles: number[] = []
    const cancelled = new Set<number>()
    for (const step of steps) {
      switch (step.kind) {
        case 'get': handles.push(scene.request('GET')); break
        case 'post': handles.push(scene.request('POST')); break
        case 'cancel': {
          const handle = handles[step.which % Math.max(1, handles.length)]
          if (handle === undefined) break
          if (!scene.events.has(handle)) cancelled.add(handle)
          scene.client.core.cancel(scene.world.now, handle)
          break
        }
        case 'wait': scene.rest(step.ms); break
        case 'cut':
          scene.cable.isCut = true
          scene.rest(step.ms)
          scene.cable.isCut = false
      }
    }
    scene.rest(30 * MINUTE)
    const { core } = scene.client
    const isClean = scene.exits.every(({ core }) => {
      const { sessions, fetches, requests, held, queued, sending } = core.load
      return sessions + fetches + requests + held + queued + sending === 0 && core.nextTimeout() === undefined
    })
    const isDone = core.load.requests === 0 && core.load.queued === 0 && core.nextTimeout() === undefined &&
      core.exits(scene.world.now).every(({ inFlight, waiting }) => inFlight === 0 && waiting === 0)
    const posts = [...scene.fetched].filter(([line, times]) => line.startsWith('POST') && times > 1)
    return isClean && isDone && posts.length === 0 && handles.every(handle => scene.events.has(handle) || cancelled.has(handle))
  }), { seed: SEED, numRuns: 60 })
})
