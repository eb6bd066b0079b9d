// A site that only streams reach is started anew: our router keeps the LeaseSet of before, for each of our Destinations. In virtual time.
import { mock } from 'node:test'
import { once } from 'node:events'
import { Duplex, type Readable } from 'node:stream'
import t from 'tap'
import { createStreamManager, type StreamManager, type StreamServer, type StreamSession } from '@minwww/streaming'
import { seeded } from '@minwww/testkit'
import { settingsOf } from '../src/proxy/options.ts'
import { ActivityLog } from '../src/route/activity.ts'
import { AltSvcMemory } from '../src/route/alt-svc.ts'
import type { NameService } from '../src/route/names.ts'
import { SiteFetcher } from '../src/route/site-fetcher.ts'
import { Tunnels, type TunnelEnd } from '../src/route/tunnels.ts'
import { Backend } from '../src/sessions/backend.ts'
import { parseTarget } from '../src/http/target.ts'
import { FakeSession, idleCore } from './proxy-support.ts'

const STEP = 50
/** One way, ms. */
const LATENCY = 50
const LOOKUP = 300
/** So long a LeaseSet is kept, ms. */
const KEPT = 600_000
/** From its readiness until floodfills have the site's new LeaseSet. */
const PUBLISHED = 1_500
/** Tunnels stand after this, half of it less or more. */
const BUILD = 8_000
const EVERY = 2_000
const WATCHED = 60_000
/** Turns of the event loop in one step: what is due at one time takes several. */
const TURNS = 8

/** What sites and clients need of a session, over a network whose routers look a LeaseSet up once for each Destination. */
class NetSession extends FakeSession {
  readonly world: World
  /** Which start of the site its LeaseSet is of; 0 while it is looked up. */
  known: number | undefined
  #foundAt = 0
  isClosed = false
  readonly #waiting: Array<() => void> = []

  constructor (world: World) {
    super()
    this.world = world
    this.state = 'connecting'
  }

  async close (): Promise<void> {
    this.isClosed = true
    this.state = 'closed'
    this.emit('close', undefined)
  }

  override send (...[, payload, { protocol, fromPort, toPort }]: any[]): number {
    const deliver = (): void => this.world.toSite(this.known!, { protocol, fromPort, toPort, payload: Buffer.from(payload) })
    if (this.world.now - this.#foundAt > KEPT) this.known = undefined
    if (this.known !== undefined && this.known > 0) deliver()
    else {
      this.#waiting.push(deliver)
      if (this.known === undefined) {
        this.world.after(LOOKUP, () => {
          this.known = this.world.published
          this.#foundAt = this.world.now
          for (const send of this.#waiting.splice(0)) send()
        })
      }
      this.known = 0
      this.#foundAt = this.world.now
    }
    return 0
  }
}

class FakeTimer {
  at = 0
  readonly #set: Set<FakeTimer>
  readonly #now: () => number
  readonly #run: () => void
  readonly #ms: number
  readonly #isRepeated: boolean

  constructor (set: Set<FakeTimer>, now: () => number, run: () => void, ms: number, isRepeated: boolean) {
    this.#set = set
    this.#now = now
    this.#run = run
    this.#ms = ms
    this.#isRepeated = isRepeated
    this.refresh()
  }

  refresh (): this {
    this.at = this.#now() + this.#ms
    this.#set.add(this)
    return this
  }

  expire (): void {
    if (this.#isRepeated) this.refresh()
    else this.#set.delete(this)
    this.#run()
  }

  ref (): this { return this }
  unref (): this { return this }
}

interface Message { protocol: number, fromPort: number, toPort: number, payload: Buffer }

/** A site that says the same to everybody, and own Destinations. */
class World {
  now = 0
  readonly random: (length: number) => Buffer
  readonly sessions: NetSession[] = []
  readonly keys = new FakeSession().keys
  /** Number of the start; undefined while it is not there. */
  alive: number | undefined
  published = 1
  /** It takes streams and is silent on them. */
  isSlow = false
  readonly asked = { GET: 0, POST: 0 }
  readonly #managers: StreamManager[] = []
  readonly #timers = new Set<FakeTimer>()
  #site: { session: FakeSession, streams: StreamManager, server: StreamServer } | undefined

  constructor (seed: number) {
    this.random = seeded(seed)
  }

  get inUse (): NetSession[] { return this.sessions.filter(({ isClosed }) => !isClosed) }

  after (ms: number, run: () => void, isRepeated = false): FakeTimer { return new FakeTimer(this.#timers, () => this.now, run, ms, isRepeated) }

  /** Timers of whatever runs are those of this world. */
  mock (): void {
    mock.method(performance, 'now', () => this.now)
    mock.method(globalThis, 'setTimeout', (run: () => void, ms = 0) => this.after(ms, run))
    mock.method(globalThis, 'setInterval', (run: () => void, ms = 0) => this.after(ms, run, true))
    for (const name of ['clearTimeout', 'clearInterval'] as const) {
      mock.method(globalThis, name, (timer: FakeTimer | undefined) => { if (timer !== undefined) this.#timers.delete(timer) })
    }
  }

  async pass (ms: number): Promise<void> {
    for (const until = this.now + ms; this.now < until;) {
      this.now += STEP
      const due = [...this.#timers].filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at)
      for (const timer of due) if (this.#timers.has(timer)) timer.expire()
      for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate)
    }
  }

  open (): NetSession {
    const session = new NetSession(this)
    this.sessions.push(session)
    this.after(BUILD * (0.5 + this.random(1)[0]! / 255), () => {
      if (session.isClosed) return
      session.state = 'ready'
      session.emit('state', 'ready')
    })
    return session
  }

  /** Its router is killed, and another one is there after a while with the same keys. */
  restart (down: number): void {
    this.alive = undefined
    const next = this.published + 1
    this.after(down, () => this.start(next))
    this.after(down + PUBLISHED, () => { this.published = next })
  }

  start (number: number): void {
    this.alive = number
    const session = new FakeSession()
    Object.assign(session, { keys: this.keys, destination: this.keys.destination })
    session.send = (...[to, payload, { protocol, fromPort, toPort }]: any[]) => {
      const message = { protocol, fromPort, toPort, payload: Buffer.from(payload) }
      const client = this.sessions.find(({ destination }) => destination.equals(to))
      if (this.alive === number) this.after(LATENCY, () => { client?.emit('message', message) })
      return 0
    }
    const streams = this.streamsOf(session)
    const server = streams.createServer(socket => {
      socket.on('error', () => {})
      socket.on('data', chunk => {
        if (!String(chunk).includes('\r\n\r\n')) return
        this.asked[String(chunk).startsWith('POST') ? 'POST' : 'GET']++
        if (!this.isSlow) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')
      })
    }).listen(0)
    this.#site = { session, streams, server }
  }

  streamsOf (session: FakeSession, options = {}): StreamManager {
    const streams = createStreamManager(session as unknown as StreamSession, options)
    this.#managers.push(streams)
    return streams
  }

  /** Nothing is left behind that would set timers of this machine. */
  async end (): Promise<void> {
    for (const streams of this.#managers) streams.close()
    await this.pass(STEP)
  }

  /** It refuses streams. */
  stopListening (): void { this.#site!.server.close() }

  toSite (known: number, message: Message): void {
    this.after(LATENCY, () => { if (this.alive === known) this.#site!.session.emit('message', message) })
  }
}

interface Scene {
  world: World
  backend: Backend
  /** Asks for a page. @returns when it came, and ms that it took; NaN where it did not */
  page: (method?: string) => Promise<Asked>
  connect: (said: string) => Promise<Asked>
}
interface Asked { at: number, took: number }

/** A proxy with so many Destinations of its own, which has had a page of the site. */
async function inScene (seed: number, sessions: number, act: (scene: Scene) => Promise<void>): Promise<void> {
  const world = new World(seed)
  world.mock()
  const backend = new Backend(Array.from({ length: sessions }, () => world.open()), {
    config: {},
    renew: () => world.open(),
    createCore: () => idleCore(),
    streams: session => world.streamsOf(session as NetSession, { inactivityTimeout: 30_000, readTimeout: 90_000 })
  })
  const settings = settingsOf({ listen: { host: '127.0.0.1', port: 0 }, sessions: [], exits: [] })
  const { destination } = world.keys
  const fetcher = new SiteFetcher({
    settings, names: { resolve: async () => destination } as unknown as NameService, altSvc: new AltSvcMemory(), jumpServices: {}
  })
  const tunnels = new Tunnels({ fetcher, activity: new ActivityLog(), settings })
  const target = parseTarget(`http://${destination.b32}/`)
  const timed = async (ask: () => Promise<unknown>): Promise<Asked> => {
    const at = world.now
    return await ask().then(() => ({ at, took: world.now - at }), () => ({ at, took: NaN }))
  }
  try {
    world.start(1)
    await world.pass(2 * BUILD)
    await act({
      world,
      backend,
      page: async (method = 'GET') => await timed(async () => {
        const answer = await fetcher.fetch({ method, target, fields: [['Host', target.host]], signal: new AbortController().signal }, backend)
        const body = answer.body as Readable
        await once(body.resume(), 'end')
      }),
      connect: async said => await timed(async () => {
        const browser = browserThat(said)
        await tunnels.connect(target, browser, backend, new AbortController().signal)
        await browser.answered
      })
    })
  } finally {
    backend.close()
    tunnels.close()
    await world.end()
    mock.restoreAll()
  }
}

/** A browser's end of a tunnel that says something at once. */
function browserThat (said: string): TunnelEnd & { answered: Promise<void> } {
  let heard = ''
  let [resolve, reject] = [(): void => {}, (_: Error): void => {}]
  const answered = new Promise<void>((...settle) => { [resolve, reject] = settle })
  answered.catch(() => {})
  const browser = new Duplex({
    read () {},
    write (chunk, _encoding, done) {
      heard += chunk
      if (heard.includes('hello')) resolve()
      done()
    }
  })
  browser.push(said)
  browser.on('close', () => reject(new Error('cut off')))
  return Object.assign(browser, { answered, openTunnel () {}, setTimeout () {}, setNoDelay () {} })
}

/** Pages from the restart until a while after the site is ready again. */
async function browse (seed: number, sessions: number, down: number, way: 'page' | 'connect'): Promise<{ pages: Asked[], opened: number }> {
  const pages: Asked[] = []
  let opened = 0
  await inScene(seed, sessions, async ({ world, page, connect }) => {
    const ask = way === 'page' ? page : async () => await connect('GET / HTTP/1.1\r\n\r\n')
    const first = ask()
    await world.pass(2_000)
    t.ok((await first).took < 2_000)
    const began = world.now
    world.restart(down)
    while (world.now < began + down + WATCHED) {
      const asked = { at: world.now - began, took: Infinity }
      pages.push(asked)
      ask().then(({ took }) => { asked.took = took }, () => {})
      await world.pass(EVERY)
    }
    opened = world.sessions.length - sessions
  })
  return { pages, opened }
}

for (const way of ['page', 'connect'] as const) {
  for (const sessions of [1, 2]) {
    t.test(`a site is started anew, ${way}, ${sessions} Destinations: it is reached within 25 s of its being ready, and stays so`, async t => {
      for (const down of [1_000, 14_000, 30_000, 60_000]) {
        const { pages, opened } = await browse(down + sessions, sessions, down, way)
        const first = Math.min(...pages.filter(({ took }) => !Number.isNaN(took)).map(({ at, took }) => at + took).filter(at => at > down)) - down
        const late = pages.filter(({ at, took }) => at > down + first && at < down + WATCHED - 5_000 && !(took < 1_000))
        t.ok(first < 25_000, `away for ${down} ms: ${first} ms`)
        t.strictSame(late, [], `away for ${down} ms: ${late.length} late ones`)
        t.ok(opened <= 5, `${opened} new Destinations`)
      }
    })
  }
}

t.test('a request on an idle stream whose site was started anew is not waited for as for an answer', async t => {
  await inScene(3, 1, async ({ world, page }) => {
    const first = page()
    await world.pass(2_000)
    t.ok((await first).took < 2_000)
    world.restart(1_000)
    const second = page()
    await world.pass(40_000)
    t.ok((await second).took < 30_000, `${(await second).took} ms`)
  })
})

t.test('a site that takes streams and is slow, one that refuses them, and one that was never heard have no Destination built', async t => {
  const connected = (world: World): void => { world.isSlow = true }
  const refusing = (world: World): void => { world.stopListening() }
  const unheard = (world: World): void => { world.alive = undefined }
  for (const [isKnown, change] of [[true, connected], [true, refusing], [false, unheard]] as const) {
    await inScene(4, 1, async ({ world, page }) => {
      if (isKnown) page().catch(() => {})
      await world.pass(25_000)
      change(world)
      for (let i = 0; i < 5; i++) page().catch(() => {})
      await world.pass(120_000)
      t.equal(world.sessions.length, 1)
    })
  }
})

t.test('what was built is closed when it is of no use any more, and few are built for a site that does not come back', async t => {
  await inScene(5, 1, async ({ world, page }) => {
    const ask = async (ms: number): Promise<void> => {
      for (const until = world.now + ms; world.now < until;) {
        page().catch(() => {})
        await world.pass(EVERY)
      }
    }
    await ask(4_000)
    world.restart(1_000)
    await ask(30_000)
    t.equal(world.inUse.length, 2)
    await world.pass(700_000)
    t.equal(world.inUse.length, 1, 'routers look the site up anew by then')
    const first = page()
    await world.pass(30_000)
    t.ok((await first).took < 2_000)
    world.alive = undefined
    const before = world.sessions.length
    await ask(1_200_000)
    const built = world.sessions.length - before
    t.ok(built >= 5 && built <= 7, `${built} new Destinations`)
    t.ok(world.inUse.length <= 3)
  })
})

t.test('a POST that a site did not take goes on from another Destination; one that it took does not', async t => {
  await inScene(6, 1, async ({ world, page }) => {
    const first = page()
    await world.pass(25_000)
    t.ok((await first).took < 2_000)
    world.restart(1_000)
    const post = page('POST')
    await world.pass(40_000)
    t.ok((await post).took < 30_000)
    t.equal(world.asked.POST, 1)
    world.isSlow = true
    page('POST').catch(() => {})
    await world.pass(30_000)
    world.alive = undefined
    await world.pass(90_000)
    t.equal(world.asked.POST, 2)
    t.equal(world.sessions.length, 2)
  })
})
