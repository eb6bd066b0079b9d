import { EventEmitter } from 'node:events'
import type { Clock, Logger } from '@minwww/ground'
import { DriveLoop } from '@minwww/ground/node'
import { limitsOf, MESSAGE_STATUS } from '@minwww/i2cp/codec'
import type { Destination, Limit } from '@minwww/i2cp/codec'
import { BOUNDS } from './bounds.ts'
import { LayeredCore, StreamingCore } from './core.ts'
import { MAX_ASKED } from './core/constants.ts'
import type {
  Connection, CoreStatistics, PathKnowledge, RejectReason, StreamingEvent, StreamingOptions, StreamLayer
} from './core.ts'
import { environment } from './environment.ts'
import type { Environment, SendStatus, SessionMessage, StreamSession } from './environment.ts'
import { StreamingError } from './errors.ts'
import { StreamServer } from './stream-server.ts'
import { StreamSocket, abortWith } from './stream-socket.ts'
import type { StreamSocketOptions } from './stream-socket.ts'

export interface ConnectOptions extends StreamSocketOptions {
  destination: Destination
  /** The peer's port, 0..65535; default 0. */
  port?: number
  localPort?: number
  /** Destroys the socket, whatever its state. */
  signal?: AbortSignal
  /** Options of this stream alone. */
  options?: Partial<StreamingOptions>
  /** What is known of the path by other means: the stream begins with it. */
  path?: PathKnowledge | undefined
  /** The peer is known to have the same layer beneath its streams, and so to say that it has not a stream that it is asked for. */
  isLayered?: boolean
}

export interface PingOptions {
  /** At most 32 bytes. */
  payload?: Uint8Array
  /** ms; default 60 s. */
  timeout?: number
  signal?: AbortSignal
}

export interface PingResult {
  /** ms. */
  readonly rtt: number
  readonly payload: Buffer
}

interface ManagerEvents {
  /** A peer was refused. */
  rejected: [{ peer: Destination, reason: RejectReason }]
  /** A message was handed to the session, of a stream or of the layer beneath: bytes of its payload with what pads it. */
  sent: [to: Destination, bytes: number]
  close: []
}

interface Waiting {
  readonly resolve: (result: PingResult) => void, readonly cancel: (error: StreamingError) => void, readonly done: () => void
}

const PING_TIMEOUT = 60_000
/** Packets handed to the session in one turn of the event loop: routers throw away what a client does not take at once. */
const PACKETS_PER_TURN = 64
/** The peer is unknown, or cannot be sent to: not a matter of our own tunnels or of the moment. */
const UNREACHABLE: ReadonlySet<number> = new Set([
  MESSAGE_STATUS.UNSUPPORTED_ENCRYPTION, MESSAGE_STATUS.BAD_DESTINATION, MESSAGE_STATUS.BAD_LEASE_SET,
  MESSAGE_STATUS.EXPIRED_LEASE_SET, MESSAGE_STATUS.NO_LEASE_SET, MESSAGE_STATUS.META_LEASE_SET
])

/** All streams of one I2CP session, protocol 6. One per session; made by createStreamManager. */
export class StreamManager extends EventEmitter<ManagerEvents> {
  readonly session: StreamSession
  readonly clock: Clock
  readonly #core: StreamingCore
  /** The core as the session sees it. */
  readonly #wire: LayeredCore
  readonly #layer: StreamLayer | undefined
  readonly #logger: Logger
  readonly #sockets = new Map<Connection, StreamSocket>()
  readonly #servers = new Map<number, StreamServer>()
  readonly #pings = new Map<number, Waiting>()
  /** By nonce. */
  readonly #asked = new Map<number, Connection>()
  readonly #onMessage = (message: SessionMessage): void => this.#receive(message)
  readonly #onStatus = (status: SendStatus): void => this.#undelivered(status)
  readonly #onClose = (): void => this.#shutDown(new StreamingError('STREAMING_CLOSED', 'the session is closed'))
  readonly #loop: DriveLoop
  #closed = false

  /** Throws STREAMING_BAD_OPTION. */
  constructor (session: StreamSession, options: Partial<StreamingOptions>, { clock, random, logger, layer, switchesTunnels }: Environment) {
    super()
    this.session = session
    this.clock = clock
    this.#logger = logger
    this.#core = new StreamingCore({ keys: session.keys, random, options, clockOffset: () => session.clockOffset })
    this.#layer = layer
    this.#wire = new LayeredCore(this.#core, layer, switchesTunnels === true ? () => random(1)[0]! / 255 : undefined)
    this.#loop = new DriveLoop(clock, {
      work: () => this.#work(),
      nextTimeout: () => this.#closed ? undefined : this.#wire.nextTimeout(),
      expire: now => this.#wire.handleTimeout(now)
    })
    session.on('message', this.#onMessage)
    session.on('status', this.#onStatus)
    session.on('close', this.#onClose)
  }

  get destination (): Destination { return this.session.destination }
  get options (): StreamingOptions { return this.#core.options }
  /** Sockets that are not closed. */
  get size (): number { return this.#sockets.size }
  /** They, in the order in which they were opened. */
  get sockets (): Iterable<StreamSocket> { return this.#sockets.values() }
  get statistics (): CoreStatistics & { streams: number, unreadBytes: number } {
    return { ...this.#core.statistics, streams: this.#core.size, unreadBytes: this.#core.budget.used }
  }

  /** How full its tables are. */
  get limits (): Limit[] {
    const core = this.#core
    const { maxConcurrentStreams } = core.options
    return limitsOf(BOUNDS, {
      streams: {
        used: core.size, most: maxConcurrentStreams > 0 ? Math.min(maxConcurrentStreams, BOUNDS.streams.most) : BOUNDS.streams.most
      },
      halfOpen: core.halfOpen,
      received: core.budget.used,
      early: core.earlyBytes,
      finished: core.finished,
      controlBlocks: core.controlBlocks.size
    })
  }

  /**
   * Opens a stream; what is written in the same turn of the event loop goes with the SYN. Throws STREAMING_CLOSED,
   * STREAMING_TOO_MANY, STREAMING_UNSUPPORTED, STREAMING_BAD_OPTION.
   */
  connect (request: ConnectOptions): StreamSocket {
    this.#assertOpen()
    const { destination, port = 0, localPort = 0, path, signal } = request
    const options = { ...(request.isLayered === true && this.#layer?.offer(destination)), ...request.options }
    const connection = this.#core.connect(this.clock.now(), { destination, port, localPort, path, options, asks: request.isLayered })
    const socket = this.#adopt(connection, request)
    if (signal !== undefined) abortWith(socket, signal)
    this.schedule()
    return socket
  }

  createServer (onConnection?: (socket: StreamSocket) => void): StreamServer
  createServer (options: StreamSocketOptions, onConnection?: (socket: StreamSocket) => void): StreamServer
  createServer (first?: StreamSocketOptions | ((socket: StreamSocket) => void), second?: (socket: StreamSocket) => void): StreamServer {
    this.#assertOpen()
    const onConnection = typeof first === 'function' ? first : second
    const server = new StreamServer(this, typeof first === 'function' ? {} : first)
    if (onConnection !== undefined) server.on('connection', onConnection)
    return server
  }

  /** Rejects with STREAMING_PING_TIMEOUT, STREAMING_ABORTED, STREAMING_TOO_MANY, STREAMING_CLOSED. */
  ping (destination: Destination, { payload = new Uint8Array(), timeout = PING_TIMEOUT, signal }: PingOptions = {}): Promise<PingResult> {
    return new Promise((resolve, reject) => {
      this.#assertOpen()
      if (signal?.aborted) throw new StreamingError('STREAMING_ABORTED', 'aborted', { cause: signal.reason })
      const id = this.#core.ping(this.clock.now(), destination, { payload: Buffer.from(payload) })
      const cancel = (error: StreamingError): void => {
        this.#core.forgetPing(id)
        done()
        reject(error)
      }
      const abort = (): void => cancel(new StreamingError('STREAMING_ABORTED', 'aborted', { cause: signal?.reason }))
      const timer = this.clock.setTimer(() => {
        this.flush()
        if (this.#pings.has(id)) cancel(new StreamingError('STREAMING_PING_TIMEOUT', 'no pong came'))
      }, timeout)
      const done = (): void => {
        this.#pings.delete(id)
        timer.clear()
        signal?.removeEventListener('abort', abort)
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#pings.set(id, { resolve, cancel, done })
      this.schedule()
    })
  }

  /** Resets all streams, whose sockets close without an error, and leaves the session, which stays open. */
  close (): void { this.#shutDown() }

  /** For StreamServer. */
  register (port: number, server: StreamServer): void {
    this.#assertOpen()
    if (this.#servers.has(port)) throw new StreamingError('STREAMING_PORT_IN_USE', `port ${port} has a server`)
    this.#servers.set(port, server)
    this.#core.listen(port)
  }

  /** For StreamServer. */
  unregister (port: number, server: StreamServer): void {
    if (this.#servers.get(port) !== server) return
    this.#servers.delete(port)
    this.#core.unlisten(port)
  }

  /** For StreamSocket: transmits after this turn of the event loop, so that all that is done in it goes together. */
  schedule (): void { this.#loop.schedule() }

  /** For StreamSocket. */
  inform (connection: Connection, known: PathKnowledge): void { this.#core.inform(this.clock.now(), connection, known) }

  /** Carries out at once what was received in this turn of the event loop: before a time-out that it may answer. */
  flush (): void { this.#loop.run() }

  #receive (message: SessionMessage): void {
    this.#wire.receive(this.clock.now(), message)
    this.schedule()
  }

  /** What the core has to tell and to send. */
  #work (): boolean {
    this.#announce()
    const isMore = this.#transmit()
    this.#announce() // sending can make room, or end a stream
    return isMore
  }

  #announce (): void {
    for (let event = this.#core.pollEvent(); event !== undefined; event = this.#core.pollEvent()) this.#handle(event)
  }

  /** True if there may be more. */
  #transmit (): boolean {
    const now = this.clock.now()
    for (let count = 0; count < PACKETS_PER_TURN; count++) {
      const message = this.#wire.pollTransmit(now)
      if (message === undefined) return false
      const { to, payload, protocol, fromPort, toPort, opens, switchTunnel = false, padTo = 0 } = message
      try {
        const nonce = this.session.send(to, payload, { protocol, fromPort, toPort, notify: opens !== undefined, switchTunnel, padTo })
        if (opens !== undefined) this.#ask(nonce, opens)
        this.emit('sent', to, Math.max(payload.length, padTo))
      } catch (error) {
        this.#logger.debug({ code: (error as { code?: string }).code }, 'stream packet not sent')
      }
    }
    return true
  }

  #ask (nonce: unknown, connection: Connection): void {
    if (typeof nonce !== 'number' || nonce === 0) return
    if (this.#asked.size >= MAX_ASKED) this.#asked.delete(this.#asked.keys().next().value!)
    this.#asked.set(nonce, connection)
  }

  #undelivered ({ nonce, status, certainFailure }: SendStatus): void {
    const connection = this.#asked.get(nonce)
    if (connection === undefined || status === MESSAGE_STATUS.ACCEPTED) return
    this.#asked.delete(nonce)
    if (!certainFailure) return
    connection.undelivered(this.clock.now(), UNREACHABLE.has(status))
    this.schedule()
  }

  #handle (event: StreamingEvent): void {
    switch (event.type) {
      case 'accept': return this.#accept(event.connection)
      case 'rejected':
        this.#logger.warn({ peer: event.peer.b32, reason: event.reason }, 'incoming stream refused')
        this.emit('rejected', { peer: event.peer, reason: event.reason })
        return
      case 'pong': {
        const waiting = this.#pings.get(event.id)
        waiting?.done()
        waiting?.resolve({ rtt: event.rtt, payload: Buffer.from(event.payload) })
        return
      }
      default:
        this.#sockets.get(event.connection)?.handle(event.type)
    }
  }

  #accept (connection: Connection): void {
    const server = this.#servers.get(connection.localPort) ?? this.#servers.get(0)
    if (server === undefined) return connection.reset(this.clock.now())
    server.accept(this.#adopt(connection, server.socketOptions))
  }

  #adopt (connection: Connection, options: StreamSocketOptions): StreamSocket {
    const socket = new StreamSocket(connection, this, options)
    this.#sockets.set(connection, socket)
    socket.once('close', () => this.#sockets.delete(connection))
    return socket
  }

  /** `error` is for the sockets; without one this side wanted it. */
  #shutDown (error?: StreamingError): void {
    if (this.#closed) return
    for (const server of [...this.#servers.values()]) server.close()
    for (const socket of [...this.#sockets.values()]) socket.destroy(error)
    for (const { cancel } of [...this.#pings.values()]) cancel(error ?? closedError())
    this.#closed = true
    this.flush() // the loop stays: what is too much for one turn leaves in the next
    this.session.off('message', this.#onMessage)
    this.session.off('status', this.#onStatus)
    this.session.off('close', this.#onClose)
    this.emit('close')
  }

  #assertOpen (): void {
    if (this.#closed) throw closedError()
  }
}

function closedError (): StreamingError {
  return new StreamingError('STREAMING_CLOSED', 'the stream manager is closed')
}

/** Streams over an I2CP session. Throws STREAMING_BAD_OPTION. */
export function createStreamManager (
  session: StreamSession, options: Partial<StreamingOptions> = {}, given: Partial<Environment> = {}
): StreamManager {
  return new StreamManager(session, options, environment(given))
}
