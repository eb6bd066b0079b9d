import type { RestName } from '@minwww/client/core'
import { PROTOCOL, type LocalDestination } from '@minwww/i2cp/codec'
import { EXIT_PORT, formatPath, NEXT_REST, parsePath, PATH_FIELD, REST_FIELD, REST_SCHEME } from '@minwww/protocol'
import type { Connection, StreamingEvent } from '@minwww/streaming/core'
import type { BeginningOf, ClientNode } from './nodes.ts'
import { StreamNode } from './stream-node.ts'
import type { Departure, World, WorldMessage, WorldNode } from './world.ts'

/** Tunnel messages of a packet. */
const PACKET = 2
/** Of a beginning, bytes, and as a multiple of what leaves at once: as the exit's. */
const BEGINNING = 49_152
const AT_ONCE = 2
const MAX_BEGINNING = 114_688
/** As much text, which is coded. */
export const BEGINNING_OF_TEXT = 4 * BEGINNING
/** Streams of one Destination that wait. */
const MAX_PARKED = 2
const END_OF_HEAD = '\r\n\r\n'
/** Asks for the rest that begins next, as the proxy does it; and what says that this was heard. */
const PARK = `GET ${REST_SCHEME}${NEXT_REST} HTTP/1.1\r\nHost: minwww\r\n\r\n`
const UNKNOWN = 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'
const HEARD = 'HTTP/1.1 102 Processing\r\n\r\n'
/** Round trips until a rest is asked for that should have come by itself. */
const PATIENCE = 1.5

/** A rest as it comes; `size` is known once its head is there. */
interface Coming { size?: number, received: number }

/** A stream of the client: what it brings now, and what came of the head of that. */
interface ClientStream {
  readonly source: number
  readonly connection: Connection
  /** It was asked for a rest, or brings one. */
  isBusy: boolean
  /** It waits at the exit for the next rest; and that was heard. */
  isParked: boolean
  isHeard: boolean
  head: string
  rest: Coming | undefined
}

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

interface RestStreamsOptions {
  readonly world: World
  readonly random: (n: number) => Uint8Array
  /** Keys of the client's Destinations, and of the exit. */
  readonly keys: readonly LocalDestination[]
  readonly exitKeys: LocalDestination
  /** The only exit that it knows. */
  readonly client: ClientNode
  readonly exit: WorldNode
  /** Streams that brought a rest wait at the exit for the next one, as the proxy's do. */
  readonly isParking?: boolean
  /** Some of a rest has come. */
  readonly onRest?: () => void
}

/**
 * The streams that bring what does not fit messages: each is opened at the first symbol of a beginning, or waits at the exit, as the
 * proxy and the exit do it. The site is at the exit and answers at once. Streams are kept open for the next rest.
 */
export class RestStreams {
  readonly #world: World
  readonly #client: ClientNode
  readonly #exitKeys: LocalDestination
  readonly #streams: readonly StreamNode[]
  readonly #exitStreams: StreamNode
  readonly #clientStreams = new Map<Connection, ClientStream>()
  /** By session and id. */
  readonly #coming = new Map<string, Coming>()
  /** Those that nobody has asked for yet, though they should come by themselves. */
  readonly #expected = new Set<string>()
  /** At the exit: bytes that are still to come, by session and id; what was asked on a stream, and what is to be written to it. */
  readonly #rests = new Map<string, number>()
  readonly #asked = new Map<Connection, string>()
  readonly #answers = new Map<Connection, Buffer>()
  /** Streams at the exit that wait for the next rest. */
  readonly #parked = new Set<Connection>()
  readonly #isParking: boolean
  readonly #onRest: () => void

  constructor ({ world, random, keys, exitKeys, client, exit, isParking = true, onRest = () => {} }: RestStreamsOptions) {
    this.#world = world
    this.#client = client
    this.#exitKeys = exitKeys
    this.#isParking = isParking
    this.#onRest = onRest
    this.#streams = keys.map(key => new StreamNode({ keys: key, random, hasParity: true, onEvent: event => this.#onClient(event) }))
    this.#exitStreams = new StreamNode({
      keys: exitKeys, random, hasParity: true, port: EXIT_PORT, onEvent: event => this.#onExit(event)
    })
    world.add(new Shared(client, this.#streams))
    world.add(new Shared(exit, [this.#exitStreams]))
  }

  /** Of what the exit has, how much goes out as its beginning. The rest follows on a stream that waits for it, or waits for a stream. */
  begin (answer: Parameters<BeginningOf>[0]): number {
    const { size, atOnce } = answer
    const length = Math.min(size, beginningOf(atOnce))
    if (length < size) this.keep(answer, size - length)
    return length
  }

  /** At the exit: so much follows a beginning. */
  keep ({ name, to }: Pick<Parameters<BeginningOf>[0], 'name' | 'to'>, length: number): void {
    const parked = [...this.#parked].find(({ peer }) => peer.b32 === to)
    if (parked === undefined) this.#rests.set(name, length)
    else this.#bring(parked, name, length)
  }

  /** At the client: a beginning comes. A rest that a stream waits for comes by itself. */
  expect (rest: RestName): void {
    const name = nameOf(rest)
    const streams = [...this.#clientStreams.values()].filter(({ source }) => source === rest.source)
    if (this.#coming.has(name)) return
    // Of several each stream that waits brings one.
    if (streams.filter(({ isParked, isHeard }) => isParked && isHeard).length <= this.#expected.size) return this.#open(rest)
    const { srtt = 0 } = this.#client.core.exits(this.#world.now)[0]!
    this.#expected.add(name)
    this.#world.at(this.#world.now + PATIENCE * srtt, () => { if (this.#expected.delete(name)) this.#open(rest) })
  }

  /** Bytes that have come of a rest. */
  received (rest: RestName): number { return this.#coming.get(nameOf(rest))?.received ?? 0 }

  isWhole (rest: RestName): boolean {
    const { size, received } = this.#coming.get(nameOf(rest)) ?? { received: 0 }
    return size !== undefined && received >= size
  }

  /** What has come was taken. */
  forget (): void {
    this.#coming.clear()
    this.#expected.clear()
  }

  #open (rest: RestName): void {
    const { now } = this.#world
    const { source } = rest
    const { srtt: rtt = 0, rttvar = 0, rate, loss } = this.#client.core.exits(now)[0]!
    const { destination } = this.#exitKeys
    const streams = this.#streams[source]!
    const path = { rtt, rttvar, loss: 1 - (1 - loss) ** PACKET }
    const free = [...this.#clientStreams.values()].find(stream => stream.source === source && !stream.isBusy && !stream.isParked)
    const connection = free?.connection ??
      streams.core.connect(now, { destination, port: EXIT_PORT, path, options: { ...streams.parity?.offer(destination, loss) } })
    this.#clientStreams.set(connection, { source, connection, isBusy: true, isParked: false, isHeard: false, head: '', rest: undefined })
    const fields = ['Host: minwww', `${PATH_FIELD}: ${formatPath({ rtt, rttvar, rate, loss })}`, 'Connection: keep-alive']
    connection.write(now, Buffer.from([`GET ${REST_SCHEME}${nameOf(rest)} HTTP/1.1`, ...fields, '', ''].join('\r\n')))
  }

  #onClient (event: StreamingEvent): void {
    if (!('connection' in event)) return
    const stream = this.#clientStreams.get(event.connection)
    if (event.type === 'closed') this.#clientStreams.delete(event.connection)
    this.#client.core.streamHeard(this.#world.now, 'exit')
    for (let chunk = event.connection.read(this.#world.now); chunk !== undefined; chunk = event.connection.read(this.#world.now)) {
      if (stream !== undefined) this.#take(stream, chunk)
    }
  }

  #take (stream: ClientStream, chunk: Buffer): void {
    let body = chunk
    while (stream.rest === undefined) {
      const before = stream.head.length
      stream.head += body.toString('latin1')
      const end = stream.head.indexOf(END_OF_HEAD)
      if (end < 0) return
      const head = stream.head.slice(0, end)
      body = body.subarray(end + END_OF_HEAD.length - before)
      stream.head = ''
      if (head.includes(' 102 ')) stream.isHeard = true
      else if (head.includes(' 200 ')) this.#begun(stream, head)
      else stream.isBusy = false
    }
    stream.rest.received += body.length
    if (stream.rest.received >= (stream.rest.size ?? 0)) {
      stream.isBusy = false
      stream.rest = undefined
      this.#park(stream)
    }
    this.#onRest()
  }

  #park (stream: ClientStream): void {
    const parked = [...this.#clientStreams.values()].filter(({ source, isParked }) => source === stream.source && isParked).length
    stream.isParked = this.#isParking && parked < MAX_PARKED
    if (stream.isParked) stream.connection.write(this.#world.now, Buffer.from(PARK))
  }

  #begun (stream: ClientStream, head: string): void {
    const [, name = ''] = new RegExp(`${REST_FIELD}: (.*)`).exec(head) ?? []
    const rest = this.#coming.get(name) ?? { received: 0 }
    this.#coming.set(name, rest)
    this.#expected.delete(name)
    rest.size = Number(/Content-Length: (\d+)/.exec(head)?.[1])
    Object.assign(stream, { rest, isBusy: true, isParked: false, isHeard: false })
  }

  #onExit (event: StreamingEvent): void {
    if (!('connection' in event)) return
    const { connection, type } = event
    const { now } = this.#world
    if (type === 'closed') {
      this.#asked.delete(connection)
      this.#answers.delete(connection)
      this.#parked.delete(connection)
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
    this.#asked.set(connection, '')
    if (asked === PARK) {
      this.#parked.add(connection)
      this.#answers.set(connection, Buffer.from(HEARD))
      return
    }
    const told = parsePath(new RegExp(`${PATH_FIELD}: (.*)`).exec(asked)?.[1]?.trim())
    if (told !== undefined) this.#exitStreams.core.inform(this.#world.now, connection, { ...told, loss: 1 - (1 - told.loss) ** PACKET })
    const name = asked.slice('GET '.length + REST_SCHEME.length, asked.indexOf(' HTTP/'))
    const length = this.#rests.get(name)
    this.#rests.delete(name)
    if (length !== undefined) return this.#bring(connection, name, length)
    this.#answers.set(connection, Buffer.from(UNKNOWN))
    this.#write(connection)
  }

  #bring (connection: Connection, name: string, length: number): void {
    this.#parked.delete(connection)
    const head = ['HTTP/1.1 200 OK', 'Cache-Control: no-store', `${REST_FIELD}: ${name}`, `Content-Length: ${length}`, '', ''].join('\r\n')
    this.#answers.set(connection, Buffer.concat([Buffer.from(head), Buffer.alloc(length, 2)]))
    this.#write(connection)
  }

  #write (connection: Connection): void {
    const left = this.#answers.get(connection)
    if (left === undefined) return
    const taken = connection.write(this.#world.now, left)
    if (taken < left.length) this.#answers.set(connection, left.subarray(taken))
    else this.#answers.delete(connection)
  }
}

/** Bytes of a beginning that is not coded. */
export const beginningOf = (atOnce: number): number => Math.min(MAX_BEGINNING, Math.max(BEGINNING, AT_ONCE * atOnce))

const nameOf = ({ session, id }: RestName): string => `${session}/${id}`
