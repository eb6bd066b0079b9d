import type { ClientEvent, RestName } from '@minwww/client/core'
import { LocalDestination, PROTOCOL } from '@minwww/i2cp/codec'
import { NetworkModel, type NetworkOptions } from '@minwww/local-router/network'
import { EXIT_PORT, formatPath, parsePath, PATH_FIELD, REST_SCHEME } from '@minwww/protocol'
import type { Connection, StreamingEvent } from '@minwww/streaming/core'
import { pageRequest } from './http.ts'
import { ClientNode, ExitNode } from './nodes.ts'
import { SeededRandom } from './random.ts'
import { StreamNode } from './stream-node.ts'
import { World, type Departure, type WorldMessage, type WorldNode } from './world.ts'

/** Tunnel messages of a packet. */
const PACKET = 2
/** Of a beginning, bytes, and as a multiple of what leaves at once: as the exit's. */
const BEGINNING = 49_152
const AT_ONCE = 2
const MAX_BEGINNING = 114_688
/** Bytes of the head of a rest's answer, or about. */
const REST_HEAD = 120
const END_OF_HEAD = '\r\n\r\n'

/** A download: when its first byte came, and its last, ms from its request. */
export interface Download { first: number, last: number, begun: number, failed: boolean }

/** What came of one download. */
interface Progress { firstAt?: number, message?: Buffer, expected: number, received: number }

/** Messages and the streams beside them behind the same Destinations, as a proxy and an exit have them. */
class Shared implements WorldNode {
  readonly addresses: readonly string[]
  readonly #messages: WorldNode
  readonly #streams: readonly StreamNode[]

  constructor (messages: WorldNode, streams: readonly StreamNode[]) {
    this.addresses = messages.addresses
    this.#messages = messages
    this.#streams = streams
  }

  receive (now: number, address: string, from: string, message: WorldMessage): void {
    const streams = this.#streams[this.addresses.indexOf(address)]!
    if (message.protocol === PROTOCOL.STREAMING || streams.owns(message)) streams.receive(now, address, from, message)
    else this.#messages.receive(now, address, from, message)
  }

  nextTimeout (): number | undefined {
    const next = Math.min(...[this.#messages, ...this.#streams].map(node => node.nextTimeout() ?? Infinity))
    return next === Infinity ? undefined : next
  }

  handleTimeout (now: number): void {
    for (const node of [this.#messages, ...this.#streams]) if ((node.nextTimeout() ?? Infinity) <= now) node.handleTimeout(now)
  }

  pollTransmit (now: number): Departure | undefined {
    for (const node of [this.#messages, ...this.#streams]) {
      const message = node.pollTransmit(now)
      if (message !== undefined) return message
    }
    return undefined
  }
}

/**
 * Downloads that are too large for a message: a beginning comes by messages, the rest by a stream that is opened at its first symbol, as
 * the proxy and the exit do it. The site is at the exit and answers at once. Streams are kept open for the next download.
 */
export class LargePath {
  readonly world: World
  readonly #client: ClientNode
  readonly #exit: ExitNode
  readonly #streams: readonly StreamNode[]
  readonly #exitStreams: StreamNode
  readonly #exitKeys: LocalDestination
  readonly #progress = new Map<number, Progress>()
  /** Streams that wait for the next download, and the download of those that do not. */
  readonly #free: Array<{ source: number, connection: Connection }> = []
  readonly #used = new Map<Connection, Progress>()
  /** At the exit: bytes that are still to come, by session and id; what was asked on a stream, and what is to be written to it. */
  readonly #rests = new Map<string, number>()
  readonly #asked = new Map<Connection, string>()
  readonly #answers = new Map<Connection, number>()

  constructor (seed: number, network: Partial<NetworkOptions>) {
    const { bytes: random } = new SeededRandom(seed)
    this.world = new World(new NetworkModel<WorldMessage>({ ...network, seed }))
    this.#exitKeys = LocalDestination.generate(random)
    const keys = [LocalDestination.generate(random), LocalDestination.generate(random)]
    this.#exit = new ExitNode({
      world: this.world, keys: this.#exitKeys, random, begin: (name, size, atOnce) => this.#begin(name, size, atOnce)
    })
    this.#client = new ClientNode({ keys, random, config: { handOn: 'any' }, onEvent: event => this.#onMessages(event) })
    this.#streams = keys.map((key, source) => new StreamNode({
      keys: key, random, hasParity: true, onEvent: event => this.#onClient(source, event)
    }))
    this.#exitStreams = new StreamNode({
      keys: this.#exitKeys, random, hasParity: true, port: EXIT_PORT, onEvent: event => this.#onExit(event)
    })
    this.world.add(new Shared(this.#client, this.#streams))
    this.world.add(new Shared(this.#exit, [this.#exitStreams]))
    this.#client.core.addExit(this.world.now, { id: 'exit', destination: this.#exitKeys.destination })
  }

  settle (within: number): void {
    this.world.run(() => this.#client.core.exits(this.world.now)[0]!.state === 'ready', this.world.now + within)
  }

  rest (milliseconds: number): void { this.world.runUntil(this.world.now + milliseconds) }

  /** Streams that stand are closed: the next rest opens one. */
  closeStreams (): void {
    for (const { connection } of this.#free.splice(0)) connection.end(this.world.now)
  }

  fetch (size: number, deadline: number): Download {
    const { world } = this
    const started = world.now
    const handle = this.#client.core.request(started, {
      message: pageRequest(size), site: 'site.i2p', idempotent: true, timeout: deadline, mayArrive: true
    })
    const progress: Progress = { expected: 0, received: 0 }
    this.#progress.set(handle, progress)
    const isDone = (): boolean => progress.message !== undefined && progress.received >= progress.expected
    const done = world.run(isDone, started + deadline)
    this.#progress.delete(handle)
    const page = this.#exit.page(size)
    const { message } = progress
    const isRight = message !== undefined && message.equals(page.subarray(0, message.length)) && progress.received <= progress.expected
    const first = (progress.firstAt ?? started + deadline) - started
    return { first, last: world.now - started, begun: message?.length ?? 0, failed: !done || !isRight }
  }

  /** Of what the exit has, how much goes out as its beginning. */
  #begin (name: string, size: number, atOnce: number): number {
    const length = Math.min(size, Math.min(MAX_BEGINNING, Math.max(BEGINNING, AT_ONCE * atOnce)))
    this.#rests.set(name, size - length)
    return length
  }

  #onMessages (event: ClientEvent): void {
    if (event.type === 'exit-state') return
    const progress = this.#progress.get(event.handle)
    if (progress === undefined) return
    if (event.type === 'part' || event.type === 'response') progress.firstAt ??= this.world.now
    if (event.type === 'begins') this.#open(progress, event.rest)
    if (event.type === 'response') progress.message = event.message
  }

  #open (progress: Progress, rest: RestName): void {
    const { now } = this.world
    const { source, session, id } = rest
    const { srtt: rtt = 0, rttvar = 0, rate, loss } = this.#client.core.exits(now)[0]!
    const free = this.#free.findIndex(stream => stream.source === source)
    const { destination } = this.#exitKeys
    const streams = this.#streams[source]!
    const path = { rtt, rttvar, loss: 1 - (1 - loss) ** PACKET }
    const connection = this.#free.splice(free, free < 0 ? 0 : 1)[0]?.connection ??
      streams.core.connect(now, { destination, port: EXIT_PORT, path, options: { ...streams.parity?.offer(destination, loss) } })
    this.#used.set(connection, progress)
    progress.expected = REST_HEAD + (this.#rests.get(`${session}/${id}`) ?? 0)
    const fields = ['Host: minwww', `${PATH_FIELD}: ${formatPath({ rtt, rttvar, rate, loss })}`, 'Connection: keep-alive']
    connection.write(now, Buffer.from([`GET ${REST_SCHEME}${session}/${id} HTTP/1.1`, ...fields, '', ''].join('\r\n')))
  }

  #onClient (source: number, event: StreamingEvent): void {
    if (!('connection' in event)) return
    const { connection } = event
    const progress = this.#used.get(connection)
    for (let chunk = connection.read(this.world.now); chunk !== undefined; chunk = connection.read(this.world.now)) {
      if (progress === undefined) continue
      progress.received += chunk.length
      if (progress.received < progress.expected) continue
      this.#used.delete(connection)
      this.#free.push({ source, connection })
    }
  }

  #onExit (event: StreamingEvent): void {
    if (!('connection' in event)) return
    const { connection, type } = event
    const { now } = this.world
    if (type === 'closed') {
      this.#asked.delete(connection)
      this.#answers.delete(connection)
      return
    }
    for (let chunk = connection.read(now); chunk !== undefined; chunk = connection.read(now)) {
      const asked = (this.#asked.get(connection) ?? '') + chunk.toString('latin1')
      this.#asked.set(connection, asked)
      if (asked.includes(END_OF_HEAD)) this.#answer(connection, asked)
    }
    if (type === 'end') connection.end(now)
    this.#write(connection)
  }

  #answer (connection: Connection, asked: string): void {
    const told = parsePath(new RegExp(`${PATH_FIELD}: (.*)`).exec(asked)?.[1]?.trim())
    if (told !== undefined) this.#exitStreams.core.inform(this.world.now, connection, { ...told, loss: 1 - (1 - told.loss) ** PACKET })
    const name = asked.slice('GET '.length + REST_SCHEME.length, asked.indexOf(' HTTP/'))
    this.#asked.set(connection, '')
    this.#answers.set(connection, REST_HEAD + (this.#rests.get(name) ?? 0))
    this.#rests.delete(name)
  }

  #write (connection: Connection): void {
    const left = this.#answers.get(connection)
    if (left === undefined) return
    const taken = connection.write(this.world.now, Buffer.alloc(left, 2))
    if (taken < left) this.#answers.set(connection, left - taken)
    else this.#answers.delete(connection)
  }
}
