import { Agent, type ClientRequest, type ClientRequestArgs } from 'node:http'
import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import type { Destination, Limit } from '@minwww/i2cp'
import { systemClock } from '@minwww/ground/node'
import { formatPath, PATH_FIELD, type ToldPath } from '@minwww/protocol'
import type { ExitStatus } from '../core.ts'
import type { Fields } from '../http/fields.ts'
import type { ProxySession } from '../sessions/proxy-session.ts'
import type { Way } from '../sessions/site-ways.ts'
import { watchRate } from './stream-watch.ts'

/** What the proxy needs of a stream manager of @minwww/streaming: a socket that emits 'connect', or 'error'. */
export interface StreamConnector {
  /** How full its tables are. */
  readonly limits?: Limit[]
  connect (options: ConnectOptions): Duplex
}

interface ConnectOptions {
  destination: Destination
  port?: number
  signal?: AbortSignal
  path?: Pick<KnownPath, 'rtt' | 'rttvar' | 'loss'> | undefined
  /** The peer is an exit, which takes parity beneath streams. */
  isLayered?: boolean
  /** The own Destination that it goes from, where that is not left to the connector. */
  from?: ProxySession | undefined
}

/** What messages have measured of the path to an exit. */
export type KnownPath = ToldPath

/** Tunnel messages of a packet. */
const PACKET = 2

/** What a stream to an exit may begin with; undefined for one that never answered a message. */
export function pathOf ({ srtt, rttvar = 0, rate, loss }: Pick<ExitStatus, 'srtt' | 'rttvar' | 'rate' | 'loss'>): KnownPath | undefined {
  return srtt === undefined ? undefined : { rtt: srtt, rttvar, rate, loss }
}

/** Where a stream goes: an exit, which gets absolute-form requests, or a site itself. */
export interface StreamPeer {
  kind: 'exit' | 'site'
  /** Name for the console. */
  id: string
  destination: Destination
  /** I2P port of the peer. */
  port: number
  /** Of an exit that has answered messages. */
  path?: KnownPath | undefined
  /** The own Destination that a site is asked from; `new`: one that is built for it. */
  from?: Way | undefined
  /** ms that it has to take a stream, where others are behind it. */
  patience?: number | undefined
}

/** Tells an exit what it cannot know before its first packets are acknowledged. */
export const pathFields = ({ kind, path }: StreamPeer): Fields =>
  kind === 'exit' && path !== undefined ? [[PATH_FIELD, formatPath(path)]] : []

/** Idle streams kept for the next request, per peer. */
const MAX_FREE = 4
/** An idle stream is closed after this, ms: exits and sites close theirs at 30 s to 2 min. */
const FREE_TIME = 20_000

interface StreamRequestArgs extends ClientRequestArgs { peer?: StreamPeer }

/** node's keep-alive pool over I2P streams. */
export class StreamAgent extends Agent {
  readonly #streams: StreamConnector
  readonly #carried: ((peer: StreamPeer, rate: number) => void) | undefined
  readonly #free = new WeakMap<Duplex, NodeJS.Timeout>()

  /** @param carried - hears what streams of exits carry, bytes/s of whole tunnel messages */
  constructor (streams: StreamConnector, carried?: (peer: StreamPeer, rate: number) => void) {
    super({ keepAlive: true, maxFreeSockets: MAX_FREE, maxTotalSockets: 1_024 })
    this.#streams = streams
    this.#carried = carried
  }

  get limits (): Limit[] { return this.#streams.limits ?? [] }

  override createConnection (options: StreamRequestArgs): Duplex {
    const peer = options.peer!
    const { destination, port, kind } = peer
    const from = peer.from === 'new' ? undefined : peer.from
    // The rate is that from the exit to us.
    const path = peer.path && { rtt: peer.path.rtt, rttvar: peer.path.rttvar, loss: 1 - (1 - peer.path.loss) ** PACKET }
    const stream = opened(() => this.#streams.connect({ destination, port, path, isLayered: kind === 'exit', from }))
    const carried = this.#carried
    if (kind === 'exit' && carried !== undefined) watchRate(stream, systemClock, rate => carried(peer, rate))
    return stream
  }

  override getName (options?: StreamRequestArgs): string {
    const peer = options?.peer
    if (peer === undefined) return ''
    const from = typeof peer.from === 'object' ? ` from ${peer.from.destination.b32}` : ''
    return `${peer.kind} ${peer.destination.b32}:${peer.port}${from}`
  }

  /** An idle stream to this peer is there. */
  hasFree (peer: StreamPeer): boolean {
    return (this.freeSockets[this.getName({ peer })] ?? []).some(({ destroyed }) => !destroyed)
  }

  /** Requests under way end on their streams; those that are idle close now. */
  closeIdle (): void {
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  }

  /** The base class calls methods of a TCP socket that a stream does not have. */
  override keepSocketAlive (socket: Duplex): boolean {
    const timer = setTimeout(() => socket.destroy(), FREE_TIME)
    timer.unref()
    this.#free.set(socket, timer)
    return true
  }

  override reuseSocket (socket: Duplex, request: ClientRequest): void {
    clearTimeout(this.#free.get(socket))
    super.reuseSocket(socket, request)
  }
}

/** A stream that cannot be opened, since its session is closed or has too many, fails as one that its peer does not take. */
function opened (open: () => Duplex): Duplex {
  try {
    return open()
  } catch (error) {
    const stream = new Duplex({ read () {}, write (_chunk, _encoding, done) { done() } })
    stream.on('error', () => {})
    // Whoever asked for it listens by then.
    setImmediate(() => stream.destroy(error as Error))
    return stream
  }
}

/** Bytes read and written of a socket of either kind. */
export const bytesOf = (socket: Duplex): number => {
  const { bytesRead = 0, bytesWritten = 0 } = socket as Partial<Socket>
  return bytesRead + bytesWritten
}
