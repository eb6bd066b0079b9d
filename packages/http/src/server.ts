import { Server } from 'node:http'
import type { RequestListener, ServerOptions } from 'node:http'
import type { Destination } from '@minwww/i2cp'
import { StreamingError } from '@minwww/streaming'
import type { StreamManager, StreamServer, StreamSocket } from '@minwww/streaming'
import { publish, watch } from './diagnostics.ts'
import { toI2pError } from './errors.ts'

export interface ListenOptions {
  /** I2P port; 0, the default, takes streams to every port without a server of its own. */
  port?: number
  /** Closes the server. */
  signal?: AbortSignal
}

/** Streams are dear to open: an idle one stays longer than the 5 s of node:http, and longer than clients here keep it. ms */
const KEEP_ALIVE_TIMEOUT = 65_000

/**
 * The server of node:http over I2P streams: `req.socket.remoteAddress` is the client's .b32.i2p address, which nobody can forge.
 * Frameworks that take a server, or make one through a factory, run on it unchanged.
 */
export class I2pHttpServer extends Server {
  readonly #streams: StreamManager
  /** Streams without a request. */
  readonly #idle = new Set<StreamSocket>()
  #server: StreamServer | undefined
  #closing = false
  #stop: (() => void) | undefined

  constructor (streams: StreamManager, options: ServerOptions, listener?: RequestListener) {
    super({ keepAliveTimeout: KEEP_ALIVE_TIMEOUT, ...options }, listener)
    this.#streams = streams
    // node:net knows by its handle; there is none here.
    Object.defineProperty(this, 'listening', { get: () => this.#server?.listening ?? false })
    this.on('request', ({ socket }, response) => {
      const stream = socket as unknown as StreamSocket
      this.#idle.delete(stream)
      response.once('close', () => {
        if (stream.destroyed) return
        this.#idle.add(stream)
        if (this.#closing) this.closeIdleConnections()
      })
    })
  }

  /** Emits 'listening', or 'error' with I2P_PORT_IN_USE or I2P_CLOSED. A host is accepted and ignored: there is only one. */
  override listen (...args: unknown[]): this {
    const callback = args.find(arg => typeof arg === 'function') as (() => void) | undefined
    const { port = 0, signal } = optionsOf(args[0])
    if (callback !== undefined) this.once('listening', callback)
    try {
      this.#server = this.#streams.createServer({ allowHalfOpen: true })
      this.#server.on('connection', socket => {
        if (this.#isFull) {
          this.emit('drop')
          socket.destroy()
          return
        }
        watch(socket)
        deliver(socket)
        this.#idle.add(socket)
        socket.once('close', () => this.#idle.delete(socket))
        publish('i2p:stream:accept', { port, socket })
        this.emit('connection', socket)
      })
      this.#server.listen(port, () => this.emit('listening'))
    } catch (error) {
      this.#server = undefined
      process.nextTick(() => this.emit('error', toI2pError(error)))
      return this
    }
    if (signal !== undefined) this.#closeWith(signal)
    return this
  }

  /** Streams that are open. */
  override getConnections (callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this.#server?.connections ?? 0)
    return this
  }

  override address (): AddressOfServer | null {
    const address = this.#server?.address()
    return address ? { address: address.b32, family: 'I2P', port: address.port, destination: address.destination } : null
  }

  /** Takes no more streams; 'close' and the callback follow when the last one is closed. */
  override close (callback?: (error?: Error) => void): this {
    const server = this.#server
    if (server === undefined || this.#closing) return super.close(callback)
    if (callback !== undefined) this.once('close', callback)
    this.#closing = true
    this.#stop?.()
    server.close(() => {
      this.#server = undefined
      this.#closing = false
      super.close()
    })
    this.closeIdleConnections()
    return this
  }

  /** What was written to them is still delivered; node:http's own would reset them. */
  override closeIdleConnections (): void {
    for (const socket of this.#idle) {
      const isUpgraded = (socket as { parser?: unknown }).parser === null // node:http has let go of it
      if (!isUpgraded) socket.end(() => socket.destroy())
    }
  }

  override async [Symbol.asyncDispose] (): Promise<void> {
    if (this.#server === undefined) return
    await new Promise<void>(resolve => this.close(() => resolve()))
  }

  /** `maxConnections` of node:net, which counts the stream that has just come too. */
  get #isFull (): boolean {
    return typeof this.maxConnections === 'number' && this.#server !== undefined && this.#server.connections > this.maxConnections
  }

  #closeWith (signal: AbortSignal): void {
    const abort = (): void => { this.close() }
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    this.#stop = () => signal.removeEventListener('abort', abort)
  }
}

/** What address() says. */
export interface AddressOfServer {
  address: string
  family: string
  port: number
  destination: Destination
}

/**
 * node:http writes a last answer, such as 408, and destroys the socket: over TCP the answer still leaves. A stream that is destroyed
 * would reset the peer; one that has ended sends first what was written.
 */
function deliver (socket: StreamSocket): void {
  const destroy = socket.destroy.bind(socket)
  socket.destroy = error => {
    const isBroken = error instanceof StreamingError // there is nobody to send to
    if (isBroken || socket.destroyed || socket.writableEnded || socket.writableLength > 0) return destroy(error)
    return socket.end(() => destroy())
  }
}

function optionsOf (first: unknown): ListenOptions {
  if (typeof first === 'number' || typeof first === 'string') return { port: Number(first) }
  if (typeof first !== 'object' || first === null) return {}
  const { port, signal } = first as { port?: number | string, signal?: AbortSignal }
  return { ...(port !== undefined && { port: Number(port) }), ...(signal && { signal }) }
}
