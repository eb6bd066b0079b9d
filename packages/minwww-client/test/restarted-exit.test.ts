// Exits are started anew: routers keep the LeaseSet of before, and what they encrypt by it reaches nobody. And a ratchet session whose
// answer nothing follows is forgotten by the exit's router, not by ours. In virtual time.
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
/**
 * A session that was answered is forgotten after this, unless it is used (i2pd looks when it is so old, or up to 74 s later); and our router
 * begins no other one before this, ms.
 */
const UNUSED = 15_000
const BEGUN_ANEW = 120_000
/** So long pages are asked for after the exit is ready. */
const WATCHED = 45_000

interface Event { at: number, run: () => void }

class Place {
  readonly exit: FakeExit
  /** Number of the start; undefined while it is not there. */
  alive: number | undefined = 1
  published = 1
  /** It refuses requests, since it is about to end. */
  drains = false
  /** Whoever asks it gets no answer: its router is gone. */
  isCut = false
  /** When a page was asked for last. */
  askedAt = 0

  constructor (seed: number) { this.exit = new FakeExit(seed) }
}

/** Exits whose LeaseSets change with each start, and routers that look one up once for each Destination of a client. */
class World {
  now = 0
  readonly places: readonly Place[]
  readonly random: (length: number) => Buffer
  readonly sessions: StaleSession[] = []
  readonly #events: Event[] = []

  constructor (seed: number, exits: number) {
    this.random = seeded(seed)
    this.places = Array.from({ length: exits }, (_, i) => new Place(7 + i))
  }

  get inUse (): StaleSession[] { return this.sessions.filter(({ isClosed }) => !isClosed) }

  after (ms: number, run: () => void): void { this.#events.push({ at: this.now + ms, run }) }

  step (): void {
    this.now += STEP
    mock.timers.tick(STEP)
    const due = this.#events.filter(({ at }) => at <= this.now)
    for (const event of due) this.#events.splice(this.#events.indexOf(event), 1)
    for (const { run } of due.sort((a, b) => a.at - b.at)) run()
  }

  /** An exit is started anew, by default the first. @param drains - so long it says that it will end, ms */
  restart (down: number, [place] = this.places, drains = 0): void {
    place!.drains = drains > 0
    if (drains === 0) place!.alive = undefined
    else this.after(drains, () => { place!.alive = undefined })
    this.after(drains + down, () => {
      place!.drains = false
      place!.alive = place!.published + 1
    })
    this.after(drains + down + PUBLISHED, () => { place!.published++ })
  }

  disturb (): void {
    for (const session of this.inUse) {
      for (const protocol of [6, 18]) session.emit('message', { protocol, fromPort: 80, toPort: 80, payload: this.random(100) })
    }
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
  readonly routerKind = 'i2pd'
  readonly #world: World
  /** Which start of each exit its LeaseSet is of; 0 while it is looked up. */
  readonly #known = new Map<Place, number>()
  /** When each exit's router has answered a new session, and whether it was used since. */
  readonly #ratchets = new Map<Place, { answeredAt: number, isUsed: boolean }>()
  readonly #waiting: Array<{ place: Place, out: Outgoing }> = []
  /** From where no way leads there. */
  readonly cut = new Set<Place>()
  isClosed = false

  constructor (world: World) {
    super()
    this.#world = world
    this.state = 'connecting'
  }

  knows (place: Place): number | undefined { return this.#known.get(place) }

  async close (): Promise<void> { this.isClosed = true }

  override send (...[to, payload, { protocol, fromPort, toPort }]: any[]): number {
    const out = { to, payload, protocol, fromPort, toPort } as Outgoing
    const place = this.#world.places.find(({ exit }) => exit.keys.destination.equals(to))!
    const known = this.#known.get(place)
    if (known !== undefined && known > 0) this.#deliver(place, known, out)
    else {
      this.#waiting.push({ place, out })
      if (known === undefined) this.#world.after(LOOKUP, () => this.#found(place))
      this.#known.set(place, 0)
    }
    return 0
  }

  #found (place: Place): void {
    const known = place.published
    this.#known.set(place, known)
    for (const waiting of this.#waiting) if (waiting.place === place) this.#deliver(place, known, waiting.out)
    this.#waiting.splice(0, Infinity, ...this.#waiting.filter(waiting => waiting.place !== place))
  }

  /** The exit's router can read what was sent one latency ago. */
  #isRead (place: Place): boolean {
    const { now } = this.#world
    const session = this.#ratchets.get(place)
    if (session === undefined || (!session.isUsed && now - session.answeredAt > BEGUN_ANEW)) {
      this.#ratchets.set(place, { answeredAt: now, isUsed: false })
      return true
    }
    if (!session.isUsed && now - session.answeredAt > UNUSED) return false
    if (now - LATENCY >= session.answeredAt + LATENCY) session.isUsed = true
    return true
  }

  #deliver (place: Place, known: number, out: Outgoing): void {
    const world = this.#world
    world.after(LATENCY, () => {
      if (place.alive !== known || place.isCut || this.cut.has(place) || !this.#isRead(place)) return
      const read = place.exit.read(out)
      if (read.type !== 'open' && read.type !== 'request') return
      const { exit } = place
      const object = read.object.length === 0 ? Buffer.alloc(0) : pageObject('hello')
      if (object.length > 0) place.askedAt = world.now
      const answer = place.drains && object.length > 0
        ? [exit.error(read, 'draining')]
        : exit.reply(read, object, { time: world.now, told: Buffer.alloc(600, known) })
      world.after(LATENCY, () => { for (const message of answer) this.emit('message', message) })
    })
  }
}

interface Asked { at: number, took: number }

/** `opened`: Destinations since the first exit ended. */
interface Browsed { pages: Asked[], opened: number, world: World }

/** What happens to exits besides that the first is started anew. Times in ms. */
interface More {
  exits?: number
  /** So long the first one says that it will end. */
  drains?: number
  /** When the other exit is started anew too, after the first one is ready again. */
  then?: number
  /** The other one's path is dead then instead. */
  isCut?: boolean
  /** The one that is started anew is that which is not in use. */
  isIdle?: boolean
  /** Somebody who knows the Destinations sends them what means nothing. */
  isNoisy?: boolean
  /** With the first one the paths from this many of our Destinations to the other one die, which is there. */
  cuts?: number
  /** With the other one the paths from this many of our Destinations to the first one die, of those from where it is heard. */
  cutsThen?: number
}

/**
 * @returns pages that were asked for every half second, from the end of the exit until a while after the last one is ready again
 */
async function browse (seed: number, down: number, { exits = 1, drains = 0, then, isCut = false, isIdle = false, isNoisy = false, cuts = 0, cutsThen = 0 }: More = {}): Promise<Browsed> {
  const world = new World(seed, exits)
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: performance.timeOrigin })
  mock.method(performance, 'now', () => world.now)
  const sessions = exits === 1 ? [world.open(), world.open()] : [world.open()]
  const backend = new Backend(sessions, {
    config: {},
    renew: () => world.open(),
    createCore: (keys, clockOffset) => new ClientCore({ keys, random: world.random, clockOffset })
  })
  try {
    for (const { exit } of world.places) backend.addExit({ destination: exit.keys.destination })
    const pass = async (until: number): Promise<void> => {
      while (world.now < until) {
        world.step()
        if (isNoisy && world.now % 1_000 === 0) world.disturb()
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
    // With several exits three more Destinations are built, one after the other.
    await pass(exits === 1 ? 2 * BUILD : 7 * BUILD)
    await ask(world.now + 5_000)
    pages.splice(0)
    const began = world.now
    const order = isIdle ? world.places.toSorted((a, b) => a.askedAt - b.askedAt) : world.places
    const opened = world.sessions.length
    world.restart(down, order, drains)
    for (const session of world.inUse.slice(0, cuts)) session.cut.add(order[1]!)
    if (then !== undefined) {
      await ask(began + drains + down + then)
      if (isCut) order[1]!.isCut = true
      else world.restart(down, order.slice(1))
      const hearing = world.inUse.filter(session => session.knows(order[0]!) === order[0]!.alive)
      for (const session of hearing.slice(0, cutsThen)) session.cut.add(order[0]!)
    }
    await ask(world.now + down + WATCHED)
    const judged = pages.filter(({ at }) => world.now - at > 5_000).map(({ at, took }) => ({ at: at - began, took }))
    return { pages: judged, opened: world.sessions.length - opened, world }
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
      const [place] = world.places
      t.ok(world.inUse.every(session => session.knows(place!) === place!.alive), 'all Destinations are heard again')
    }
  })
}

t.test('who sends what means nothing does not hide that nobody is heard', async t => {
  const { pages, opened } = await browse(1, 20_000, { isNoisy: true })
  const first = Math.min(...pages.map(({ at, took }) => at + took).filter(at => at > 20_000)) - 20_000
  t.ok(first < 25_000, `${first} ms`)
  t.ok(opened > 0 && opened < 12, `${opened} new sessions`)
})

t.test('two exits are started anew, one after the other: no page is late', async t => {
  for (const [down, then] of [[1_000, 45_000], [14_000, 45_000], [20_000, 60_000], [45_000, 60_000]] as const) {
    for (const seed of [4, 5]) {
      const { pages, opened, world } = await browse(seed, down, { exits: 2, then })
      const late = pages.filter(({ took }) => took > 5_000)
      t.strictSame(late, [], `away for ${down} ms, then the other: ${late.length} of ${pages.length} late ones`)
      // Each time an exit is back, two more Destinations are built that hear it.
      t.ok(opened < 12, `${opened} new sessions`)
      const inUse = world.inUse
      const heard = world.places.map(place => inUse.some(session => session.knows(place) === place.alive))
      t.strictSame(heard, [true, true], `seed ${seed}, away for ${down} ms: both are heard again`)
    }
  }
})

t.test('an exit says that it ends, and is started anew; then the path of the other one dies: no page is late', async t => {
  for (const [down, then] of [[1_000, 45_000], [8_000, 30_000], [8_000, 45_000], [20_000, 60_000]] as const) {
    for (const seed of [6, 7]) {
      const { pages, opened } = await browse(seed, down, { exits: 2, drains: 1_500, then, isCut: true })
      const late = pages.filter(({ took }) => took > 5_000)
      t.strictSame(late, [], `seed ${seed}, away for ${down} ms: ${late.length} of ${pages.length} late ones`)
      t.ok(opened < 10, `seed ${seed}, away for ${down} ms: ${opened} new sessions`)
    }
  }
})

t.test('the only exit says that it ends, and is started anew: the first page comes within 25 s of its being ready', async t => {
  for (const down of [1_000, 8_000, 20_000]) {
    const { pages } = await browse(8, down, { drains: 1_500 })
    const ready = 1_500 + down
    const first = Math.min(...pages.map(({ at, took }) => at + took).filter(at => at > ready)) - ready
    t.ok(first < 25_000, `away for ${down} ms: ${first} ms`)
    t.strictSame(pages.filter(({ at, took }) => at > ready + first && took > 1_000), [])
  }
})

t.test('the other exit dies after it was asked by one probe only, a minute ago: no page is late', async t => {
  for (const seed of [9, 10, 11]) {
    const world = await browse(seed, 1_000, { exits: 2, then: 90_000, isCut: true })
    const late = world.pages.filter(({ took }) => took > 5_000)
    t.strictSame(late, [], `seed ${seed}: ${late.length} of ${world.pages.length} late ones`)
  }
})

t.test('an exit that is not in use is started anew, and then the other one goes: no page is late', async t => {
  for (const then of [40_000, 60_000]) {
    for (const seed of [12, 13]) {
      const { pages, opened } = await browse(seed, 8_000, { exits: 2, then, isCut: true, isIdle: true })
      const late = pages.filter(({ took }) => took > 5_000)
      t.strictSame(late, [], `seed ${seed}, ${then} ms: ${late.length} of ${pages.length} late ones`)
      t.ok(opened < 10, `${opened} new sessions`)
    }
  }
})

t.test('with a second exit no page is late, and few new Destinations are needed', async t => {
  // One that finds it; and two more that hear it, too.
  for (const [down, most] of [[1_000, 3], [20_000, 5]] as const) {
    const { pages, opened } = await browse(3, down, { exits: 2 })
    const slowest = Math.max(...pages.map(({ took }) => took))
    t.ok(slowest < 5_000, `away for ${down} ms: ${slowest} ms`)
    t.ok(opened <= most, `away for ${down} ms: ${opened} new sessions`)
  }
})

t.test('an exit goes, and the path to the other one dies with it: no page is late, since another Destination of ours has a path', async t => {
  for (const down of [1_000, 20_000]) {
    for (const cuts of [1, 2, 3]) {
      for (const seed of [14, 15, 16]) {
        const { pages } = await browse(seed, down, { exits: 2, cuts })
        const late = pages.filter(({ took }) => took > 5_000)
        t.strictSame(late, [], `seed ${seed}, ${cuts} cut, away for ${down} ms: ${late.length} of ${pages.length} late ones`)
      }
    }
  }
})

t.test('an exit is back, the other one goes, and paths to the first one die with it: no page is late, since it is heard at other Destinations, too', async t => {
  for (const cutsThen of [1, 2]) {
    for (const seed of [17, 18]) {
      const { pages, opened } = await browse(seed, 8_000, { exits: 2, then: 50_000, cutsThen })
      const late = pages.filter(({ took }) => took > 5_000)
      t.strictSame(late, [], `seed ${seed}, ${cutsThen} cut: ${late.length} of ${pages.length} late ones`)
      t.ok(opened < 12, `seed ${seed}, ${cutsThen} cut: ${opened} new sessions`)
    }
  }
})
