import type { ClientEvent } from '@minwww/client/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import type { NetworkOptions } from '@minwww/local-router/network'
import { encodeRequestHead, encodeResponse, parseRequest } from '@minwww/protocol'
import { ServerCore } from '@minwww/server/core'
import { ClientNode } from './nodes.ts'
import { SeededRandom } from './random.ts'
import { departure, networkOf, World, type Carrier, type Departure, type WorldMessage, type WorldNode } from './world.ts'

/** Failures after which a client does not know whether its request was carried out. */
const UNKNOWN: ReadonlySet<string> = new Set(['unanswered', 'outcome-unknown'])
/** How long every request has, and then some, ms. */
const END = 400_000
const SECOND = 1_000

export interface PostsPlan {
  seed: number
  /** POSTs in all. */
  count: number
  exits: number
  /** Mean time between two POSTs, ms. */
  every: number
  network: Partial<NetworkOptions>
  /** Carries the messages in place of the model with `network`. */
  carrier?: (random: SeededRandom) => Carrier
  /** Mean time that an exit lives, ms, and is down after that at most; undefined: for ever. */
  life?: { mean: number, down: number }
  /** Share of the requests that are given up by their browser, 0 to 1. */
  cancelled?: number
  /** Mean time between two losses of one of the client's own sessions, ms. */
  sessionLife?: number
  /** Bytes of a body. Default: most of them small, one in ten up to 60 KB. */
  bodies?: (random: SeededRandom) => number
  /** Mean time that the site takes, ms. */
  siteTime?: number
}

/** What became of all requests. */
export interface PostsResult {
  /** Not cancelled. */
  asked: number
  answered: number
  /** By code. */
  failed: Record<string, number>
  /** Carried out more than once. */
  twice: number
  /** Carried out, or answered with something else, although the client was told otherwise. */
  wrong: number
  /** Without an answer and without an error. */
  silent: number
  /** Carried out, whatever the client knows. */
  carriedOut: number
  kills: number
  /** ms, of those that were answered; sorted. */
  times: number[]
}

/** The real core of an exit, which dies and starts again under the same Destination, and remembers nothing. */
class MortalExit implements WorldNode {
  readonly addresses: readonly string[]
  readonly #scene: Pick<PostsScene, 'world' | 'random' | 'carriedOut' | 'siteTime'>
  readonly #keys: LocalDestination
  #core: ServerCore | undefined

  constructor (scene: Pick<PostsScene, 'world' | 'random' | 'carriedOut' | 'siteTime'>, keys: LocalDestination) {
    this.addresses = [keys.destination.b32]
    this.#scene = scene
    this.#keys = keys
    this.start()
  }

  start (): void {
    const { world, random } = this.#scene
    this.#core = new ServerCore({ keys: this.#keys, random: random.bytes, now: world.now })
  }

  die (): void {
    this.#core = undefined
  }

  receive (now: number, _address: string, _from: string, message: WorldMessage): void {
    this.#core?.receive(now, message)
    this.#events()
  }

  nextTimeout (): number | undefined {
    return this.#core?.nextTimeout()
  }

  handleTimeout (now: number): void {
    this.#core?.handleTimeout(now)
    this.#events()
  }

  pollTransmit (now: number): Departure | undefined {
    const outgoing = this.#core?.pollTransmit(now)
    return outgoing === undefined ? undefined : departure(this.addresses[0]!, outgoing)
  }

  /** The site counts what reaches it, and says which one it was. */
  #events (): void {
    const core = this.#core
    const { world, random, carriedOut, siteTime } = this.#scene
    for (let event = core?.pollEvent(); event !== undefined; event = core?.pollEvent()) {
      if (event.type !== 'fetch') continue
      const { handle } = event
      const { url, body } = parseRequest(event.message)
      const { pathname } = new URL(url)
      carriedOut.set(pathname, (carriedOut.get(pathname) ?? 0) + 1)
      const answer = Buffer.from(`${pathname} ${body.length}`)
      const message = encodeResponse({ status: 200, reason: 'OK', headers: [['content-type', 'text/plain']], body: answer })
      world.at(world.now + random.number() * 2 * siteTime, () => { if (this.#core === core) core?.respond(world.now, handle, message) })
    }
  }
}

/** One client, some exits, and a site that counts. */
class PostsScene {
  readonly random: SeededRandom
  readonly world: World
  readonly carriedOut = new Map<string, number>()
  readonly siteTime: number
  readonly #plan: PostsPlan
  readonly #client: ClientNode
  readonly #exits: MortalExit[]
  readonly #asked = new Map<number, { path: string, bytes: number, at: number, isCancelled: boolean, event?: ClientEvent, took: number }>()
  #kills = 0

  constructor (plan: PostsPlan) {
    this.#plan = plan
    this.siteTime = plan.siteTime ?? 100
    this.random = new SeededRandom(plan.seed)
    const { network, seed } = plan
    this.world = new World(plan.carrier?.(this.random) ?? networkOf(seed, network))
    const keys = Array.from({ length: plan.exits }, () => LocalDestination.generate(this.random.bytes))
    this.#exits = keys.map(key => new MortalExit(this, key))
    const own = [0, 1].map(() => LocalDestination.generate(this.random.bytes))
    this.#client = new ClientNode({ keys: own, random: this.random.bytes, onEvent: event => this.#settled(event) })
    for (const node of [this.#client, ...this.#exits]) this.world.add(node)
    keys.forEach(({ destination }, index) => this.#client.core.addExit(this.world.now, { id: `exit${index}`, destination }))
    this.world.runUntil(this.world.now + 10 * SECOND)
    for (const exit of this.#exits) this.#dies(exit)
    if (plan.sessionLife !== undefined) this.#loses(own, plan.sessionLife)
  }

  run (): PostsResult {
    const { count, every } = this.#plan
    let at = this.world.now
    for (let index = 0; index < count; index++) {
      at += this.#exponential(every)
      this.world.at(at, () => this.#post(index))
      // The alarms of a world are looked at one by one.
      if (index % 50 === 49) this.world.runUntil(at)
    }
    this.world.runUntil(at + END)
    return this.#result()
  }

  #post (index: number): void {
    const { bodies = usualBody, cancelled = 0 } = this.#plan
    const bytes = Math.floor(bodies(this.random))
    const path = `/post/${index}`
    const message = encodeRequestHead({ method: 'POST', url: `http://site.i2p${path}`, headers: [], body: this.random.bytes(bytes) })
    const { core } = this.#client
    const handle = core.request(this.world.now, { message, site: 'site.i2p', idempotent: false })
    const isCancelled = this.random.number() < cancelled
    this.#asked.set(handle, { path, bytes, at: this.world.now, isCancelled, took: 0 })
    if (isCancelled) this.world.at(this.world.now + this.#exponential(SECOND), () => core.cancel(this.world.now, handle))
  }

  #settled (event: ClientEvent): void {
    if (event.type !== 'response' && event.type !== 'failed') return
    const asked = this.#asked.get(event.handle)
    if (asked === undefined) return
    if (asked.event !== undefined) throw new Error('two outcomes of one request')
    asked.event = event
    asked.took = this.world.now - asked.at
  }

  #dies (exit: MortalExit): void {
    const { life } = this.#plan
    if (life === undefined) return
    this.world.at(this.world.now + this.#exponential(life.mean), () => {
      this.#kills++
      exit.die()
      this.world.at(this.world.now + this.random.number() * life.down, () => {
        exit.start()
        this.#dies(exit)
      })
    })
  }

  /** One of the client's Destinations loses its session, and has another one some seconds later, perhaps under other keys. */
  #loses (keys: LocalDestination[], mean: number): void {
    this.world.at(this.world.now + this.#exponential(mean), () => {
      const source = this.random.number() < 0.5 ? 0 : 1
      const { core } = this.#client
      core.suspend(this.world.now, source)
      this.world.at(this.world.now + this.#exponential(5 * SECOND), () => {
        core.resume(this.world.now, source, keys[source]!)
        this.#loses(keys, mean)
      })
    })
  }

  #exponential (mean: number): number {
    return -mean * Math.log(1 - this.random.number())
  }

  #result (): PostsResult {
    const result: PostsResult = {
      asked: 0, answered: 0, failed: {}, twice: 0, wrong: 0, silent: 0, carriedOut: 0, kills: this.#kills, times: []
    }
    for (const { path, bytes, isCancelled, event, took } of this.#asked.values()) {
      const times = this.carriedOut.get(path) ?? 0
      if (times > 0) result.carriedOut++
      if (times > 1) result.twice++
      if (event === undefined && isCancelled) continue
      result.asked++
      if (event?.type === 'response') {
        result.answered++
        result.times.push(took)
        if (times !== 1 || !event.message.toString('latin1').endsWith(`${path} ${bytes}`)) result.wrong++
      } else if (event?.type === 'failed') {
        result.failed[event.code] = (result.failed[event.code] ?? 0) + 1
        if (times > 0 && !UNKNOWN.has(event.code)) result.wrong++
      } else result.silent++
    }
    result.times.sort((a, b) => a - b)
    return result
  }
}

function usualBody (random: SeededRandom): number {
  const most = random.number() < 0.7 ? 1_024 : random.number() < 0.67 ? 10_240 : 61_440
  return random.number() * most
}

/** POSTs by messages in virtual time, with the real cores: how often each was carried out, and what its client was told. */
export function runPosts (plan: PostsPlan): PostsResult {
  return new PostsScene(plan).run()
}
