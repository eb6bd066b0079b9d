import type { ClientConfig, ClientEvent } from '@minwww/client/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import type { NetworkModel } from '@minwww/local-router/network'
import type { NetworkOptions } from '@minwww/local-router/network'
import type { PathKnowledge } from '@minwww/streaming/core'
import { pageRequest } from './http.ts'
import { ClientNode, ExitNode } from './nodes.ts'
import { SeededRandom } from './random.ts'
import { networkOf, World } from './world.ts'
import type { WorldMessage } from './world.ts'

/** Tunnel messages of a packet. */
const PACKET = 2

/** How one page went. */
export interface Outcome { time: number, failed: boolean, tunnelMessages: number }

/** One client with two Destinations and one exit, both the real cores, on one path. */
export class MinwwwPath {
  readonly world: World
  /** Its options can be changed under way. */
  readonly network: NetworkModel<WorldMessage>
  readonly client: ClientNode
  readonly exit: ExitNode
  readonly #events = new Map<number, ClientEvent>()

  constructor (seed: number, network: Partial<NetworkOptions>, config: Partial<ClientConfig> = {}) {
    const random = new SeededRandom(seed)
    this.network = networkOf(seed, network)
    this.world = new World(this.network)
    const exitKeys = LocalDestination.generate(random.bytes)
    const keys = [LocalDestination.generate(random.bytes), LocalDestination.generate(random.bytes)]
    this.exit = new ExitNode({ world: this.world, keys: exitKeys, random: random.bytes })
    this.client = new ClientNode({
      keys, random: random.bytes, config, onEvent: event => { if (event.type !== 'exit-state') this.#events.set(event.handle, event) }
    })
    this.world.add(this.client)
    this.world.add(this.exit)
    this.client.core.addExit(this.world.now, { id: 'exit', destination: exitKeys.destination })
  }

  /** Waits until the probe of the exit has come back, or been given up. */
  settle (within: number): void {
    this.world.run(() => this.client.core.exits(this.world.now)[0]!.state === 'ready', this.world.now + within)
  }

  /** Fetches a page and compares it; anything but the page is an error of the protocol, not a slow run. */
  fetch (size: number, deadline: number): Outcome {
    const { world } = this
    const started = world.now
    const before = world.network.stats.tunnelMessagesSent
    const handle = this.client.core.request(started, {
      message: pageRequest(size), site: 'site.i2p', idempotent: true, timeout: deadline
    })
    world.run(() => this.#events.has(handle), started + deadline + 1)
    const event = this.#events.get(handle)
    this.#events.delete(handle)
    const time = world.now - started
    if (event?.type !== 'response') {
      return { time: deadline, failed: true, tunnelMessages: world.network.stats.tunnelMessagesSent - before }
    }
    if (!event.message.equals(this.exit.page(size))) throw new Error(`a wrong page of ${size} bytes`)
    return { time, failed: false, tunnelMessages: world.network.stats.tunnelMessagesSent - before }
  }

  /** Starts a page; `isDone` says when it is here, `failed` whether it is the page. */
  start (size: number, timeout: number): { isDone: () => boolean, failed: () => boolean } {
    const handle = this.client.core.request(this.world.now, { message: pageRequest(size), site: 'site.i2p', idempotent: true, timeout })
    return {
      isDone: () => this.#events.has(handle),
      failed: () => {
        const event = this.#events.get(handle)
        this.#events.delete(handle)
        return event?.type !== 'response' || !event.message.equals(this.exit.page(size))
      }
    }
  }

  /** What the client knows of the path: what a stream beside its messages begins with. */
  get known (): PathKnowledge {
    const { srtt, rttvar, rate, loss } = this.client.core.exits(this.world.now)[0]!
    return { rtt: srtt, rttvar, rate, loss: 1 - (1 - loss) ** PACKET }
  }

  /** Lets what is still on its way arrive. */
  rest (milliseconds: number): void {
    this.world.runUntil(this.world.now + milliseconds)
  }
}
