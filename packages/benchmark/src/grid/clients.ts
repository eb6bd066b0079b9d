import { LocalDestination } from '@minwww/i2cp/codec'
import type { NetworkOptions, NetworkProfile } from '@minwww/local-router/network'
import { pageRequest } from './http.ts'
import { Liar, type Lie } from './liar.ts'
import { ClientNode, ExitNode } from './nodes.ts'
import { SeededRandom } from './random.ts'
import { percentile } from './statistics.ts'
import { networkOf, World } from './world.ts'

const KB = 1024
const JITTER = 0.05
/** ms within which each client knows the exit. */
const READY = 30_000
const TIMEOUT = 120_000
/** Counted after so long, for so long, ms. */
const WARM_UP = 20_000
const MEASURE = 60_000

/** Clients of one exit that ask for the next page when one is there. */
export interface ClientsConditions {
  /** One-way, ms. */
  latency: number
  /** KB/s of each Destination in each direction; 0 = unlimited. */
  bandwidth: number
  /** Percent of tunnel messages that are lost by chance. */
  loss?: number
  /** Longest wait at a bottleneck, ms. */
  queue?: number
  profile?: NetworkProfile
  /** KB/s of whole tunnel messages that the exit gives out; without it the exit does not know what its tunnels carry. */
  limit?: number
  clients: readonly ClientConditions[]
}

export interface ClientConditions {
  /** KB of its pages, and how many it asks for at once. */
  size: number
  atOnce: number
  /** KB/s of its inbound tunnels, if they carry less than others. */
  inbound?: number
  /** When it begins, ms. */
  begins?: number
  /** Changes what it says of itself. */
  lie?: Lie
}

export interface ClientResult {
  pages: number
  failed: number
  /** Of pages, and of all that came for them, in whole tunnel messages. */
  kilobytesPerSecond: number
  received: number
  /** ms */
  p50: number
  worst: number
}

export interface ClientsResult {
  clients: ClientResult[]
  /** Percent of tunnel messages that a full queue dropped. */
  drops: number
  /** The same after the warm-up. */
  dropsLater: number
  /** KB/s of whole tunnel messages that left the exit and were not dropped. */
  used: number
}

/** What each client gets in a minute, and how much a full queue dropped, percent of tunnel messages. The same seed, the same figures. */
export function runClients (
  { latency, bandwidth, limit, clients, loss = 0, queue = 1_000, profile = 'plain' }: ClientsConditions, seed: number
): ClientsResult {
  const random = new SeededRandom(seed)
  const network: Partial<NetworkOptions> = {
    latency, queue, profile, jitter: JITTER * latency, loss: loss / 100, bandwidth: bandwidth * KB, tunnelLifetime: 86_400_000
  }
  const model = networkOf(seed, network)
  const world = new World(model)
  const keys = LocalDestination.generate(random.bytes)
  // The queue of an exit that keeps a limit is short: it is the one that waits.
  const config = limit === undefined ? {} : { config: { serverRate: limit * KB, maxBacklog: 64 } }
  const exit = new ExitNode({ world, keys, random: random.bytes, ...config })
  world.add(exit)
  const own = () => LocalDestination.generate(random.bytes)
  const runs = clients.map(({ size, ...rest }) => new Run(world, { ...rest, size: size * KB, keys: [own(), own()], random: random.bytes }))
  for (const [i, { inbound }] of clients.entries()) {
    if (inbound !== undefined) for (const address of runs[i]!.node.addresses) model.configure(address, { bandwidthIn: inbound * KB })
  }
  for (const run of runs) run.node.core.addExit(world.now, { id: 'exit', destination: keys.destination })
  world.run(() => runs.every(({ node }) => node.core.exits(world.now)[0]!.state === 'ready'), world.now + READY)
  for (const [i, run] of runs.entries()) world.at(world.now + (clients[i]!.begins ?? 0), () => run.begin())
  world.runUntil(world.now + WARM_UP)
  for (const run of runs) run.forget()
  const [before, dropped, sentBefore] = [exit.bytes, world.network.stats.queueDrops, world.network.stats.tunnelMessagesSent]
  world.runUntil(world.now + MEASURE)
  const { tunnelMessagesSent, queueDrops } = world.network.stats
  const used = exit.bytes - before - (queueDrops - dropped) * KB
  return {
    clients: runs.map(run => run.result()),
    drops: Math.round(1000 * queueDrops / tunnelMessagesSent) / 10,
    dropsLater: Math.round(1000 * (queueDrops - dropped) / (tunnelMessagesSent - sentBefore)) / 10,
    used: Math.round(used / KB / MEASURE * 10_000) / 10
  }
}

class Run {
  readonly node: ClientNode
  readonly #world: World
  readonly #size: number
  readonly #atOnce: number
  readonly #started = new Map<number, number>()
  #times: number[] = []
  #failed = 0
  #bytes = 0

  constructor (world: World, { size, atOnce, keys, random, lie }: {
    size: number, atOnce: number, keys: LocalDestination[], random: (n: number) => Uint8Array, lie?: Lie
  }) {
    this.#world = world
    this.#size = size
    this.#atOnce = atOnce
    this.node = new ClientNode({
      keys,
      random,
      onEvent: event => { if (event.type === 'response' || event.type === 'failed') this.#ended(event.handle, event.type === 'response') }
    })
    world.add(lie === undefined ? this.node : new Liar(this.node, lie))
  }

  begin (): void {
    for (let i = 0; i < this.#atOnce; i++) this.#ask()
  }

  forget (): void {
    this.#times = []
    this.#failed = 0
    this.#bytes = this.node.bytes
  }

  result (): ClientResult {
    const pages = this.#times.length
    return {
      pages,
      failed: this.#failed,
      kilobytesPerSecond: Math.round(pages * this.#size / KB / MEASURE * 10_000) / 10,
      received: Math.round((this.node.bytes - this.#bytes) / KB / MEASURE * 10_000) / 10,
      p50: Math.round(percentile(this.#times, 0.5)),
      worst: Math.round(Math.max(0, ...this.#times))
    }
  }

  #ask (): void {
    const { now } = this.#world
    const handle = this.node.core.request(now, { message: pageRequest(this.#size), site: 'site.i2p', idempotent: true, timeout: TIMEOUT })
    this.#started.set(handle, now)
  }

  #ended (handle: number, isPage: boolean): void {
    const began = this.#started.get(handle)
    if (began === undefined) return
    this.#started.delete(handle)
    if (isPage) this.#times.push(this.#world.now - began)
    else this.#failed++
    // Not within an event of the core.
    this.#world.at(this.#world.now, () => this.#ask())
  }
}
