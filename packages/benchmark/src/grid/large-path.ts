import type { ClientEvent, RestName } from '@minwww/client/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import type { NetworkOptions } from '@minwww/local-router/network'
import { pageRequest } from './http.ts'
import { ClientNode, ExitNode } from './nodes.ts'
import { SeededRandom } from './random.ts'
import { RestStreams } from './rest-streams.ts'
import { networkOf, World } from './world.ts'

/** A download: when its first byte came, and its last, ms from its request. */
export interface Download { first: number, last: number, begun: number, failed: boolean }

/** What came of one download, and the rest that belongs to its message. */
interface Progress { firstAt?: number, message?: Buffer, rest?: RestName }

/** Downloads that are too large for a message, one after the other: a beginning comes by messages, the rest by a stream. */
export class LargePath {
  readonly world: World
  readonly #client: ClientNode
  readonly #exit: ExitNode
  readonly #rests: RestStreams
  readonly #progress = new Map<number, Progress>()

  /** @param isParking - streams that brought a rest wait at the exit for the next one, as the proxy's do */
  constructor (seed: number, network: Partial<NetworkOptions>, isParking = true) {
    const { bytes: random } = new SeededRandom(seed)
    const world = this.world = new World(networkOf(seed, network))
    const exitKeys = LocalDestination.generate(random)
    const keys = [LocalDestination.generate(random), LocalDestination.generate(random)]
    const exit = this.#exit = new ExitNode({ world, keys: exitKeys, random, begin: answer => this.#rests.begin(answer) })
    const client = this.#client = new ClientNode({ keys, random, config: { handOn: 'any' }, onEvent: event => this.#onMessages(event) })
    this.#rests = new RestStreams({ world, random, keys, exitKeys, client, exit, isParking })
    client.core.addExit(world.now, { id: 'exit', destination: exitKeys.destination })
  }

  settle (within: number): void {
    this.world.run(() => this.#client.core.exits(this.world.now)[0]!.state === 'ready', this.world.now + within)
  }

  rest (milliseconds: number): void { this.world.runUntil(this.world.now + milliseconds) }

  fetch (size: number, deadline: number): Download {
    const { world } = this
    const started = world.now
    const handle = this.#client.core.request(started, {
      message: pageRequest(size), site: 'site.i2p', idempotent: true, timeout: deadline, mayArrive: true
    })
    const progress: Progress = {}
    this.#progress.set(handle, progress)
    const done = world.run(() => this.#isWhole(progress), started + deadline)
    this.#progress.delete(handle)
    const page = this.#exit.page(size)
    const { message, rest } = progress
    const received = (message?.length ?? 0) + (rest === undefined ? 0 : this.#rests.received(rest))
    const isRight = message !== undefined && message.equals(page.subarray(0, message.length)) && received === page.length
    const first = (progress.firstAt ?? started + deadline) - started
    this.#rests.forget()
    return { first, last: world.now - started, begun: message?.length ?? 0, failed: !done || !isRight }
  }

  #isWhole ({ message, rest }: Progress): boolean {
    return message !== undefined && (rest === undefined || this.#rests.isWhole(rest))
  }

  #onMessages (event: ClientEvent): void {
    if (event.type === 'exit-state') return
    const progress = this.#progress.get(event.handle)
    if (progress === undefined) return
    if (event.type === 'part' || event.type === 'response') progress.firstAt ??= this.world.now
    if (event.type === 'begins') this.#rests.expect(event.rest)
    if (event.type !== 'response') return
    progress.message = event.message
    if (event.rest !== undefined) progress.rest = event.rest
  }
}
