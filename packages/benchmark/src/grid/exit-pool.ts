import type { ClientEvent, Strategy } from '@minwww/client/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import type { Destination } from '@minwww/i2cp/codec'
import { pageRequest } from './http.ts'
import { ClientNode, ExitNode } from './nodes.ts'
import { SeededRandom } from './random.ts'
import { percentile } from './statistics.ts'
import { networkOf, World } from './world.ts'

const KB = 1024
const EXITS = 10
const LATENCY = 1_000
const LOSS = 0.01
const BANDWIDTH = 64 * KB
const SIZE = 16 * KB
/** Spread of the exits' latency, and median and spread of a fetch: log-normal. */
const LATENCY_SIGMA = 0.5
const FETCH_MEDIAN = 300
const FETCH_SIGMA = 1
const SITES = 40
const DEADLINE = 300_000
/** Pages before the measured ones. */
const WARM_UP = 40
const PAUSE = 2_000

/** Pages over ten different exits, some dead; times in ms, of successful and failed pages alike. */
export interface PoolResult {
  strategy: Strategy | 'sticky-only'
  hedging: boolean
  /** Share of exits that never answer. */
  dead: number
  n: number
  p50: number
  p90: number
  p99: number
  tunnelMessages: number
  failed: number
}

/** `sticky-only`: each site has its exit and no other, whatever happens; what `sticky` is measured against. */
export interface PoolRun {
  strategy: Strategy | 'sticky-only', dead: number, pages: number, seed: number, hedging?: boolean, pools?: number
}

/** The pool test of the transport study, section 6, with the real cores. `pools` different sets of exits. */
export function runPool ({ strategy, dead, pages, seed, hedging = false, pools = 10 }: PoolRun): PoolResult {
  const times: number[] = []
  let failed = 0
  let tunnelMessages = 0
  for (let index = 0; index < pools; index++) {
    const scene = new PoolScene(Math.imul(seed, 1_000_003) + index, strategy, hedging, deadExits(dead, index))
    for (let page = 0; page < WARM_UP; page++) scene.fetch(page)
    const before = scene.world.network.stats.tunnelMessagesSent
    for (let page = 0; page < Math.ceil(pages / pools); page++) {
      const { time, ok } = scene.fetch(page)
      times.push(ok ? time : DEADLINE)
      if (!ok) failed++
    }
    tunnelMessages += scene.world.network.stats.tunnelMessagesSent - before
  }
  return {
    strategy,
    hedging,
    dead,
    n: times.length,
    p50: Math.round(percentile(times, 0.5)),
    p90: Math.round(percentile(times, 0.9)),
    p99: Math.round(percentile(times, 0.99)),
    tunnelMessages: Math.round(10 * tunnelMessages / times.length) / 10,
    failed
  }
}

/** Of all pools together the share is exact: with 2 % one pool in five has one dead exit. */
function deadExits (share: number, index: number): number {
  return Math.floor((index + 1) * share * EXITS) - Math.floor(index * share * EXITS)
}

class PoolScene {
  readonly world: World
  readonly #client: ClientNode
  readonly #events = new Map<number, ClientEvent>()
  readonly #random: SeededRandom
  /** Exits that sites are tied to, if they are. */
  readonly #own: Destination[] = []

  constructor (seed: number, strategy: PoolRun['strategy'], hedging: boolean, dead: number) {
    const random = this.#random = new SeededRandom(seed)
    const network = networkOf(seed, {
      latency: 1, jitter: 0.2 * LATENCY, loss: LOSS, bandwidth: 0, queue: 3_600_000, tunnelLifetime: 86_400_000
    })
    this.world = new World(network)
    this.#client = new ClientNode({
      keys: [LocalDestination.generate(random.bytes), LocalDestination.generate(random.bytes)],
      random: random.bytes,
      config: { strategy: strategy === 'sticky-only' ? 'sticky' : strategy, hedging, deadline: DEADLINE },
      onEvent: event => { if (event.type !== 'exit-state') this.#events.set(event.handle, event) }
    })
    this.world.add(this.#client)
    for (let i = 0; i < EXITS; i++) {
      const keys = LocalDestination.generate(random.bytes)
      const fetchTime = (): number => FETCH_MEDIAN * Math.exp(FETCH_SIGMA * random.normal())
      const exit = new ExitNode({ world: this.world, keys, random: random.bytes, fetchTime })
      this.world.add(exit)
      const latency = LATENCY * Math.exp(LATENCY_SIGMA * random.normal())
      network.configure(exit.addresses[0]!, { extraLatency: latency, bandwidthOut: BANDWIDTH, bandwidthIn: BANDWIDTH })
      if (i < dead) network.setAlive(exit.addresses[0]!, false)
      if (strategy === 'sticky-only') this.#own.push(keys.destination)
      else this.#client.core.addExit(this.world.now, { id: `exit${i}`, destination: keys.destination })
    }
  }

  fetch (page: number): { time: number, ok: boolean } {
    const started = this.world.now
    const site = Math.floor(this.#random.number() * SITES)
    const destination = this.#own[site % EXITS]
    const handle = this.#client.core.request(started, {
      message: pageRequest(SIZE, page), site: `site${site}.i2p`, idempotent: true, ...(destination === undefined ? {} : { destination })
    })
    this.world.run(() => this.#events.has(handle), started + DEADLINE + 1)
    const ok = this.#events.get(handle)?.type === 'response'
    const time = this.world.now - started
    this.#events.clear()
    this.world.runUntil(this.world.now + PAUSE)
    return { time, ok }
  }
}
