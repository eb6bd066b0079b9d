import { EventEmitter } from 'node:events'
import type { RequestListener, ServerOptions } from 'node:http'
import { LOOKUP, parseAddress, servicesOf } from '@minwww/i2cp'
import type {
  Destination, I2cpError, LocalDestination, LookupResult, ServiceRecord, Session, SessionState, SessionStats
} from '@minwww/i2cp'
import type {
  ConnectionStatistics, PingOptions, PingResult, StreamManager, StreamServer, StreamSocket, StreamSocketOptions
} from '@minwww/streaming'
import type { Agent as UndiciAgent } from 'undici'
import type { I2pAgent, I2pHttpsAgent } from './agents.ts'
import type { DatagramType } from './datagrams/forms.ts'
import type { DatagramHub } from './datagrams/hub.ts'
import { DatagramSocket } from './datagrams/socket.ts'
import type { Dialer, DialRequest, LookupOptions } from './dialer.ts'
import { publish } from './diagnostics.ts'
import { I2pError, toI2pError } from './errors.ts'
import type { I2pFetch } from './fetch.ts'
import { checkHost } from './host.ts'
import { I2pHttpServer } from './server.ts'

interface I2pEvents {
  /** The session's state: it connects again by itself, with the same Destination. */
  state: [SessionState]
  /** The last event; an error says why, unless close() was called. */
  close: [Error | undefined]
}

/** One stream of I2p.statistics. */
export interface SocketStatistics extends ConnectionStatistics {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
}

export interface I2pStatistics {
  readonly session: SessionStats
  readonly streaming: StreamManager['statistics']
  readonly sockets: readonly SocketStatistics[]
}

export interface StreamServerOptions extends StreamSocketOptions {
  signal?: AbortSignal
}

type OnConnection = (socket: StreamSocket) => void

export interface I2pParts {
  readonly session: Session
  readonly streams: StreamManager
  readonly dialer: Dialer
  readonly hub: DatagramHub
  readonly agent: I2pAgent
  readonly httpsAgent: I2pHttpsAgent
  readonly dispatcher: UndiciAgent
  readonly fetch: I2pFetch
}

/** One Destination, and everything that can be done with it. Made by createI2p(). */
export class I2p extends EventEmitter<I2pEvents> {
  /** The I2CP session below. */
  readonly session: Session
  /** The streams below. */
  readonly streams: StreamManager
  /** For node:http and what takes its agents: `ws`, axios, got. */
  readonly agent: I2pAgent
  /** For node:https: TLS inside of I2P streams, on port 443. */
  readonly httpsAgent: I2pHttpsAgent
  /** For undici, and for the global fetch() of Node. */
  readonly dispatcher: UndiciAgent
  readonly fetch: I2pFetch
  readonly #dialer: Dialer
  readonly #hub: DatagramHub
  #closing: Promise<void> | undefined

  constructor (parts: I2pParts) {
    super()
    this.session = parts.session
    this.streams = parts.streams
    this.agent = parts.agent
    this.httpsAgent = parts.httpsAgent
    this.dispatcher = parts.dispatcher
    this.fetch = parts.fetch
    this.#dialer = parts.dialer
    this.#hub = parts.hub
    this.session.on('state', state => {
      publish('i2p:session:state', { destination: this.destination, state })
      this.emit('state', state)
    })
    this.session.once('close', error => { this.#closing ??= this.#end(error) })
  }

  get destination (): Destination { return this.session.destination }
  /** The own .b32.i2p name. */
  get address (): string { return this.session.destination.b32 }
  get keys (): LocalDestination { return this.session.keys }
  get state (): SessionState { return this.session.state }

  /** Counters, and RTT, window and retransmissions of every open stream. */
  get statistics (): I2pStatistics {
    const sockets = [...this.streams.sockets].map(({ remoteAddress, remotePort, localPort, statistics }) => ({
      remoteAddress, remotePort, localPort, ...statistics
    }))
    return { session: this.session.stats, streaming: this.streams.statistics, sockets }
  }

  /** A server of node:http over streams: listen(port), 'request', 'upgrade', close(). */
  createServer (listener?: RequestListener): I2pHttpServer
  createServer (options: ServerOptions, listener?: RequestListener): I2pHttpServer
  createServer (first?: ServerOptions | RequestListener, second?: RequestListener): I2pHttpServer {
    const listener = typeof first === 'function' ? first : second
    return new I2pHttpServer(this.streams, typeof first === 'object' ? first : {}, listener)
  }

  /** A server of streams, as node:net's; the signal closes it. */
  createStreamServer (onConnection?: OnConnection): StreamServer
  createStreamServer (options: StreamServerOptions, onConnection?: OnConnection): StreamServer
  createStreamServer (first: StreamServerOptions | OnConnection = {}, second?: OnConnection): StreamServer {
    if (typeof first === 'function') return this.streams.createServer(first)
    const { signal, ...options } = first
    const server = this.streams.createServer(options, second)
    if (signal === undefined) return server
    const abort = (): void => { server.close() }
    if (signal.aborted) process.nextTick(abort) // after listen()
    else signal.addEventListener('abort', abort, { once: true })
    return server.once('close', () => signal.removeEventListener('abort', abort))
  }

  /** A stream, once the peer has answered. Rejects with an I2pError. */
  async connect (request: DialRequest): Promise<StreamSocket> { return await this.#dialer.connect(request) }

  /** A datagram socket, as node:dgram's. */
  createSocket (type: DatagramType | { type: DatagramType, signal?: AbortSignal }): DatagramSocket {
    const { type: form, signal } = typeof type === 'string' ? { type, signal: undefined } : type
    return new DatagramSocket(form, this.#hub, signal)
  }

  /** The round trip to a Destination that answers pings, as most do. Rejects with I2P_TIMEOUT and those of lookup(). */
  async ping (host: string | Destination, options: PingOptions = {}): Promise<PingResult> {
    const destination = await this.lookup(host, options.signal === undefined ? {} : { signal: options.signal })
    try {
      return await this.streams.ping(destination, options)
    } catch (error) {
      throw toI2pError(error, typeof host === 'string' ? host : host.b32)
    }
  }

  /** The Destination of a host. Rejects with I2P_NOT_I2P, I2P_UNKNOWN_NAME and others. */
  async lookup (host: string | Destination, options: LookupOptions = {}): Promise<Destination> {
    return await this.#dialer.lookup(host, options)
  }

  /**
   * The services that a host publishes in its LeaseSet, by `_service._proto` (proposal 167). Asks the router each time. Rejects
   * with I2P_UNSUPPORTED where the router cannot look up the options of LeaseSets, and as lookup() does.
   */
  async services (host: string, options: LookupOptions = {}): Promise<Record<string, ServiceRecord[]>> {
    const address = parseAddress(checkHost(host))
    try {
      const { options: found = {} } = await this.#query(address, options)
      return servicesOf(found)
    } catch (error) {
      throw toI2pError(error, host)
    }
  }

  /** Ends agents, dispatcher, streams and datagram sockets, then the session. */
  async close (): Promise<void> {
    this.#closing ??= this.#end()
    await this.#closing
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  async #end (error?: I2cpError): Promise<void> {
    this.agent.destroy()
    this.httpsAgent.destroy()
    await this.dispatcher.destroy(new I2pError('I2P_CLOSED'))
    this.#hub.close()
    this.streams.close()
    await this.session.close()
    this.emit('close', error === undefined ? undefined : toI2pError(error) as Error)
  }

  async #query (address: ReturnType<typeof parseAddress>, options: LookupOptions): Promise<LookupResult> {
    const { session } = this
    switch (address.kind) {
      case 'destination': return await session.query({ lookupType: LOOKUP.DESTINATION_OPTIONS, destination: address.destination }, options)
      case 'hash': return await session.query({ lookupType: LOOKUP.HASH_OPTIONS, hash: address.hash }, options)
      default: return await session.query({ lookupType: LOOKUP.NAME_OPTIONS, name: address.name }, options)
    }
  }
}
