// The only exit is started anew: routers keep the LeaseSet of before, and what they encrypt by it reaches nobody. In virtual time.
import { mock } from 'node:test'
import t from 'tap'
import { seeded } from '@minwww/testkit'
import type { Outgoing } from '../src/core.ts'
import { ClientCore } from '../src/core.ts'
import { Backend } from '../src/sessions/backend.ts'
import { FakeExit, pageObject } from './core-fake-exit.ts'
import { FakeSession } from './proxy-support.ts'

const STEP = 50
/** One way, ms. */
const LATENCY = 50
const LOOKUP = 300
/** From its readiness until floodfills have the exit's new LeaseSet. */
const PUBLISHED = 1_500
/** Tunnels stand after this, half of it less or more. */
const BUILD = 8_000
/** So long pages are asked for after the exit is ready. */
const WATCHED = 45_000

interface Event { at: number, run: () => void }

/** An exit whose LeaseSet changes with each start, and routers that look it up once for each Destination of a client. */
class World {
  now = 0
  readonly exit = new FakeExit()
  readonly random: (length: number) => Buffer
  readonly sessions: StaleSession[] = []
  /** Number of the start; undefined while it is not there. */
  alive: number | undefined = 1
  published = 1
  readonly #events: Event[] = []

  constructor (seed: number) { this.random = seeded(seed) }

  get inUse (): StaleSession[] { return this.sessions.filter(({ isClosed }) => !isClosed) }

  after (ms: number, run: () => void): void { this.#events.push({ at: this.now + ms, run }) }

  step (): void {
    this.now += STEP
    mock.timers.tick(STEP)
    const due = this.#events.filter(({ at }) => at <= this.now)
    for (const event of due) this.#events.splice(this.#events.indexOf(event), 1)
    for (const { run } of due.sort((a, b) => a.at - b.at)) run()
  }

  restart (down: number): void {
    this.alive = undefined
    this.after(down, () => { this.alive = this.published + 1 })
    this.after(down + PUBLISHED, () => { this.published++ })
  }

  open (): StaleSession {
    const session = new StaleSession(this)
    this.sessions.push(session)
    this.after(BUILD * (0.5 + this.random(1)[0]! / 255), () => {
      session.state = 'ready'
      session.emit('state', 'ready')
    })
    return session
  }
}

class StaleSession extends FakeSession {
  readonly #world: World
  /** Which start of the exit its LeaseSet is of. */
  #known: number | undefined
  isClosed = false
  #isAsked = false
  readonly #waiting: Array<() => void> = []

  constructor (world: World) {
    super()
    this.#world = world
    this.state = 'connecting'
  }

  get knows (): number | undefined { return this.#known }

  async close (): Promise<void> { this.isClosed = true }

  override send (...[to, payload, { protocol, fromPort, toPort }]: any[]): number {
    const out = { to, payload, protocol, fromPort, toPort } as Outgoing
    if (this.#known !== undefined) this.#deliver(out)
    else {
      this.#waiting.push(() => this.#deliver(out))
      if (!this.#isAsked) this.#world.after(LOOKUP, () => this.#found())
      this.#isAsked = true
    }
    return 0
  }

  #found (): void {
    this.#known = this.#world.published
    for (const send of this.#waiting.splice(0)) send()
  }

  #deliver (out: Outgoing): void {
    const world = this.#world
    world.after(LATENCY, () => {
      if (world.alive === undefined || world.alive !== this.#known) return
      const read = world.exit.read(out)
      if (read.type !== 'open' && read.type !== 'request') return
      const answer = world.exit.reply(read, read.object.length === 0 ? Buffer.alloc(0) : pageObject('hello'), { time: world.now })
      world.after(LATENCY, () => { for (const message of answer) this.emit('message', message) })
    })
  }
}

interface Asked { at: number, took: number }

/** @returns pages that were asked for every half second, from the end of the exit until a while after it is ready again */
async function browse (seed: number, down: number): Promise<{ pages: Asked[], opened: number, world: World }> {
  const world = new World(seed)
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: performance.timeOrigin })
  mock.method(performance, 'now', () => world.now)
  const backend = new Backend([world.open(), world.open()], {
    config: {},
    renew: () => world.open(),
    createCore: (keys, clockOffset) => new ClientCore({ keys, random: world.random, clockOffset })
  })
  try {
    backend.addExit({ destination: world.exit.keys.destination })
    const pass = async (until: number): Promise<void> => {
      while (world.now < until) {
        world.step()
        await new Promise(setImmediate)
      }
    }
    const pages: Asked[] = []
    const ask = async (until: number): Promise<void> => {
      while (world.now < until) {
        const page = { at: world.now, took: Infinity }
        pages.push(page)
        const message = Buffer.from('GET http://a.i2p/ HTTP/1.1\r\n\r\n')
        backend.driver.fetch({ message, site: 'a.i2p', idempotent: true }).then(() => { page.took = world.now - page.at }, () => {})
        await pass(world.now + 500)
      }
    }
    await pass(2 * BUILD)
    await ask(world.now + 5_000)
    pages.splice(0)
    const began = world.now
    world.restart(down)
    await ask(began + down + WATCHED)
    const judged = pages.filter(({ at }) => world.now - at > 5_000).map(({ at, took }) => ({ at: at - began, took }))
    return { pages: judged, opened: world.sessions.length - 2, world }
  } finally {
    backend.close()
    mock.restoreAll()
    mock.timers.reset()
  }
}

for (const down of [1_000, 14_000, 20_000, 45_000, 90_000]) {
  t.test(`the only exit is away for ${down / 1_000} s: the first page comes within 25 s of its being ready, and none is late afterwards`, async t => {
    for (const seed of [1, 2]) {
      const { pages, opened, world } = await browse(seed, down)
      const first = Math.min(...pages.map(({ at, took }) => at + took).filter(at => at > down)) - down
      const late = pages.filter(({ at, took }) => at > down + first && took > 1_000)
      t.ok(first < 25_000, `seed ${seed}: ${first} ms`)
      t.strictSame(late, [], `seed ${seed}: ${late.length} late ones`)
      t.ok(opened < 12, `seed ${seed}: ${opened} new sessions`)
      t.ok(world.inUse.every(session => session.knows === world.alive), 'all Destinations are heard again')
    }
  })
}
