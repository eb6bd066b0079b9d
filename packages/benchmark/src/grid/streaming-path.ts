import { LocalDestination } from '@minwww/i2cp/codec'
import { NetworkModel } from '@minwww/local-router/network'
import type { NetworkOptions } from '@minwww/local-router/network'
import { EXIT_PORT } from '@minwww/protocol'
import { StreamingCore } from '@minwww/streaming/core'
import type { Connection, PathKnowledge, StreamingEvent } from '@minwww/streaming/core'
import { pageRequest, pageResponse, requestedPage } from './http.ts'
import type { Outcome } from './minwww-path.ts'
import { SeededRandom } from './random.ts'
import { World } from './world.ts'
import { departure, type Departure, type WorldMessage, type WorldNode } from './world.ts'

/** A streaming core as a node. */
class StreamNode implements WorldNode {
  core: StreamingCore
  readonly addresses: readonly string[]
  readonly #onEvent: (core: StreamingCore, event: StreamingEvent) => void

  constructor (keys: LocalDestination, core: StreamingCore, onEvent: (core: StreamingCore, event: StreamingEvent) => void) {
    this.addresses = [keys.destination.b32]
    this.core = core
    this.#onEvent = onEvent
  }

  receive (now: number, _address: string, _from: string, message: WorldMessage): void {
    this.core.receive(now, message)
    this.#events()
  }

  nextTimeout (): number | undefined {
    return this.core.nextTimeout()
  }

  handleTimeout (now: number): void {
    this.core.handleTimeout(now)
    this.#events()
  }

  pollTransmit (now: number): Departure | undefined {
    const outgoing = this.core.pollTransmit(now)
    if (outgoing === undefined) {
      this.#events()
      return undefined
    }
    return departure(this.addresses[0]!, outgoing)
  }

  #events (): void {
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) this.#onEvent(this.core, event)
  }
}

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

  /** @param known - what messages know of the path: with the rate towards the client */
  constructor (seed: number, network: Partial<NetworkOptions>, known?: PathKnowledge) {
    this.#known = known
    this.#random = new SeededRandom(seed)
    this.world = new World(new NetworkModel<WorldMessage>({ ...network, seed }))
    this.#keys = [LocalDestination.generate(this.#random.bytes), LocalDestination.generate(this.#random.bytes)]
    this.#client = new StreamNode(this.#keys[0], this.#core(0), (core, event) => this.#onClient(core, event))
    this.#server = new StreamNode(this.#keys[1], this.#core(1), (core, event) => this.#onServer(core, event))
    this.world.add(this.#client)
    this.world.add(this.#server)
  }

  /** Forgets all that was learned: the next page meets a cold control block. */
  forget (): void {
    this.#client.core = this.#core(0)
    this.#server.core = this.#core(1)
    for (const map of [this.#requests, this.#pending, this.#received]) map.clear()
  }

  /** Starts a page; `isDone` says when it is here, `failed` whether it is all of the page. */
  start (size: number, _timeout?: number): { isDone: () => boolean, failed: () => boolean } {
    const { now } = this.world
    const path = this.#known && { ...this.#known, rate: undefined }
    const connection = this.#client.core.connect(now, { destination: this.#keys[1].destination, port: EXIT_PORT, path })
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

  #core (index: 0 | 1): StreamingCore {
    const core = new StreamingCore({ keys: this.#keys[index], random: this.#random.bytes })
    if (index === 1) core.listen(EXIT_PORT)
    return core
  }

  #page (size: number): Buffer {
    let page = this.#pages.get(size)
    if (page === undefined) this.#pages.set(size, page = pageResponse(size, this.#random.bytes))
    return page
  }

  #onClient (_core: StreamingCore, { type, ...event }: StreamingEvent): void {
    if (!('connection' in event)) return
    const { connection } = event
    const progress = this.#received.get(connection)
    for (let chunk = connection.read(this.world.now); chunk !== undefined; chunk = connection.read(this.world.now)) {
      if (progress !== undefined) progress.bytes += chunk.length
    }
    if (progress !== undefined && (type === 'end' || type === 'closed')) progress.ended = true
  }

  #onServer (core: StreamingCore, { type, ...event }: StreamingEvent): void {
    if (!('connection' in event)) return
    const { connection } = event
    if (type === 'accept' && this.#known !== undefined) core.inform(this.world.now, connection, this.#known)
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
