import { LocalDestination } from '@minwww/i2cp/codec'
import type { NetworkOptions } from '@minwww/local-router/network'
import { EXIT_PORT } from '@minwww/protocol'
import type { Connection, StreamingEvent } from '@minwww/streaming/core'
import { SeededRandom } from './random.ts'
import { StreamNode } from './stream-node.ts'
import { networkOf, World } from './world.ts'

/** Bytes of a request in a tunnel: what a browser says first in TLS is about as long. */
const REQUEST = 500

/** Bytes handed to the writing half of a connection as it takes them. */
interface Upload { left: number }

/** Tunnels as CONNECT makes them: a stream stays open, and each request on it brings so many bytes back. */
export class TunnelPath {
  readonly world: World
  readonly client: StreamNode
  readonly server: StreamNode
  readonly #keys: readonly [LocalDestination, LocalDestination]
  readonly #received = new Map<Connection, number>()
  readonly #asked = new Map<Connection, number>()
  readonly #answers = new Map<Connection, Upload>()
  #size = 0

  constructor (seed: number, network: Partial<NetworkOptions>, { hasParity }: { hasParity: boolean }) {
    const { bytes: random } = new SeededRandom(seed)
    this.world = new World(networkOf(seed, network))
    this.#keys = [LocalDestination.generate(random), LocalDestination.generate(random)]
    const [client, server] = this.#keys
    this.client = new StreamNode({ keys: client, random, hasParity, onEvent: event => this.#onClient(event) })
    this.server = new StreamNode({ keys: server, random, hasParity, port: EXIT_PORT, onEvent: event => this.#onServer(event) })
    this.world.add(this.client)
    this.world.add(this.server)
  }

  /** Opens a tunnel; the first request may follow at once. */
  open (): Connection {
    const { destination } = this.#keys[1]
    const options = { ...this.client.parity?.offer(destination) }
    return this.client.core.connect(this.world.now, { destination, port: EXIT_PORT, options })
  }

  /** Asks for so many bytes. Returns whether they came in time. */
  ask (connection: Connection, size: number, deadline: number): boolean {
    this.#size = size
    this.#received.set(connection, 0)
    connection.write(this.world.now, Buffer.alloc(REQUEST, 1))
    return this.world.run(() => (this.#received.get(connection) ?? 0) >= size, this.world.now + deadline)
  }

  close (connection: Connection): void {
    connection.end(this.world.now)
    this.#received.delete(connection)
  }

  rest (milliseconds: number): void { this.world.runUntil(this.world.now + milliseconds) }

  #onClient (event: StreamingEvent): void {
    if (!('connection' in event)) return
    const { connection } = event
    for (let chunk = connection.read(this.world.now); chunk !== undefined; chunk = connection.read(this.world.now)) {
      this.#received.set(connection, (this.#received.get(connection) ?? 0) + chunk.length)
    }
  }

  #onServer (event: StreamingEvent): void {
    if (!('connection' in event)) return
    const { connection, type } = event
    if (type === 'closed') {
      this.#asked.delete(connection)
      this.#answers.delete(connection)
      return
    }
    let asked = this.#asked.get(connection) ?? 0
    for (let chunk = connection.read(this.world.now); chunk !== undefined; chunk = connection.read(this.world.now)) asked += chunk.length
    while (asked >= REQUEST) {
      asked -= REQUEST
      const answer = this.#answers.get(connection)
      if (answer === undefined) this.#answers.set(connection, { left: this.#size })
      else answer.left += this.#size
    }
    this.#asked.set(connection, asked)
    if (type === 'end') connection.end(this.world.now)
    this.#write(connection)
  }

  #write (connection: Connection): void {
    const answer = this.#answers.get(connection)
    if (answer === undefined) return
    answer.left -= connection.write(this.world.now, Buffer.alloc(answer.left, 2))
    if (answer.left === 0) this.#answers.delete(connection)
  }
}
