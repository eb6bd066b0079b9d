import { LocalDestination } from '@minwww/i2cp/codec'
import type { NetworkOptions } from '@minwww/local-router/network'
import { EXIT_PORT } from '@minwww/protocol'
import type { Connection, PathKnowledge, StreamingEvent } from '@minwww/streaming/core'
import { pageRequest, pageResponse, requestedPage } from './http.ts'
import type { Outcome } from './minwww-path.ts'
import { SeededRandom } from './random.ts'
import { StreamNode } from './stream-node.ts'
import { networkOf, World } from './world.ts'

/** A browser's and a site's streaming core on one path, one connection for each page, as HTTP proxies use them. */
export class StreamingPath {
  readonly world: World
  readonly #random = new SeededRandom(0)
  readonly #client: StreamNode
  readonly #server: StreamNode
  readonly #keys: [LocalDestination, LocalDestination]
  readonly #pages = new Map<number, Buffer>()
  readonly #requests = new Map<Connection, Buffer>()
  readonly #pending = new Map<Connection, Buffer>()
  readonly #known: PathKnowledge | undefined
  readonly #received = new Map<Connection, { bytes: number, ended: boolean }>()

  /**
   * @param known - what messages know of the path: with the rate towards the client
   * @param hasParity - beneath the streams
   */
  constructor (seed: number, network: Partial<NetworkOptions>, known?: PathKnowledge, hasParity = false) {
    this.#known = known
    this.#random = new SeededRandom(seed)
    this.world = new World(networkOf(seed, network))
    this.#keys = [LocalDestination.generate(this.#random.bytes), LocalDestination.generate(this.#random.bytes)]
    const common = { random: this.#random.bytes, hasParity }
    this.#client = new StreamNode({ ...common, keys: this.#keys[0], onEvent: event => this.#onClient(event) })
    this.#server = new StreamNode({ ...common, keys: this.#keys[1], port: EXIT_PORT, onEvent: event => this.#onServer(event) })
    this.world.add(this.#client)
    this.world.add(this.#server)
  }

  /** Forgets all that was learned: the next page meets a cold control block. */
  forget (): void {
    this.#client.renew()
    this.#server.renew()
    for (const map of [this.#requests, this.#pending, this.#received]) map.clear()
  }

  /** Starts a page; `isDone` says when it is here, `failed` whether it is all of the page. */
  start (size: number, _timeout?: number): { isDone: () => boolean, failed: () => boolean } {
    const { now } = this.world
    const path = this.#known && { ...this.#known, rate: undefined }
    const { destination } = this.#keys[1]
    const options = { ...this.#client.parity?.offer(destination) }
    const connection = this.#client.core.connect(now, { destination, port: EXIT_PORT, path, options })
    const page = this.#page(size)
    const progress = { bytes: 0, ended: false }
    this.#received.set(connection, progress)
    connection.write(now, pageRequest(size))
    return {
      isDone: () => progress.bytes >= page.length || progress.ended,
      failed: () => {
        connection.end(this.world.now)
        this.#received.delete(connection)
        return progress.bytes !== page.length
      }
    }
  }

  fetch (size: number, deadline: number): Outcome {
    const { world } = this
    const started = world.now
    const before = world.network.stats.tunnelMessagesSent
    const page = this.start(size)
    const done = world.run(page.isDone, started + deadline)
    const failed = page.failed() || !done
    return { time: failed ? deadline : world.now - started, failed, tunnelMessages: world.network.stats.tunnelMessagesSent - before }
  }

  rest (milliseconds: number): void {
    this.world.runUntil(this.world.now + milliseconds)
  }

  #page (size: number): Buffer {
    let page = this.#pages.get(size)
    if (page === undefined) this.#pages.set(size, page = pageResponse(size, this.#random.bytes))
    return page
  }

  #onClient ({ type, ...event }: StreamingEvent): void {
    if (!('connection' in event)) return
    const { connection } = event
    const progress = this.#received.get(connection)
    for (let chunk = connection.read(this.world.now); chunk !== undefined; chunk = connection.read(this.world.now)) {
      if (progress !== undefined) progress.bytes += chunk.length
    }
    if (progress !== undefined && (type === 'end' || type === 'closed')) progress.ended = true
  }

  #onServer ({ type, ...event }: StreamingEvent): void {
    if (!('connection' in event)) return
    const { connection } = event
    if (type === 'accept' && this.#known !== undefined) this.#server.core.inform(this.world.now, connection, this.#known)
    if (type === 'closed') {
      this.#requests.delete(connection)
      this.#pending.delete(connection)
      return
    }
    for (let chunk = connection.read(this.world.now); chunk !== undefined; chunk = connection.read(this.world.now)) {
      const request = Buffer.concat([this.#requests.get(connection) ?? Buffer.alloc(0), chunk])
      this.#requests.set(connection, request)
      if (request.includes('\r\n\r\n')) this.#pending.set(connection, this.#page(requestedPage(request).size))
    }
    this.#write(connection)
  }

  #write (connection: Connection): void {
    const rest = this.#pending.get(connection)
    if (rest === undefined) return
    const taken = connection.write(this.world.now, rest)
    if (taken < rest.length) this.#pending.set(connection, rest.subarray(taken))
    else {
      this.#pending.delete(connection)
      connection.end(this.world.now)
    }
  }
}
