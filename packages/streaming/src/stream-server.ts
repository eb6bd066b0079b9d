import { EventEmitter } from 'node:events'
import type { Destination } from '@minwww/i2cp/codec'
import type { StreamSocket, StreamSocketOptions } from './stream-socket.ts'

interface ServerEvents {
  listening: []
  connection: [StreamSocket]
  close: []
}

/** What a server needs of its manager. */
export interface ServerHost {
  readonly destination: Destination
  /** Throws STREAMING_PORT_IN_USE. */
  register (port: number, server: StreamServer): void
  unregister (port: number, server: StreamServer): void
}

/** Accepts streams to one port of the Destination, like the server of node:net. Made by StreamManager.createServer. */
export class StreamServer extends EventEmitter<ServerEvents> {
  readonly socketOptions: StreamSocketOptions
  readonly #host: ServerHost
  readonly #sockets = new Set<StreamSocket>()
  #port: number | undefined
  #closing = false

  constructor (host: ServerHost, socketOptions: StreamSocketOptions = {}) {
    super()
    this.#host = host
    this.socketOptions = socketOptions
  }

  get listening (): boolean { return this.#port !== undefined }
  /** Streams that are open. */
  get connections (): number { return this.#sockets.size }

  /** Listens on a port, 0..65535; 0, the default, takes streams to every port without a server of its own. Throws STREAMING_PORT_IN_USE. */
  listen (port = 0, callback?: () => void): this {
    this.#host.register(port, this)
    this.#port = port
    if (callback !== undefined) this.once('listening', callback)
    process.nextTick(() => { if (this.listening) this.emit('listening') })
    return this
  }

  address (): { destination: Destination, b32: string, port: number } | null {
    if (this.#port === undefined) return null
    const { destination } = this.#host
    return { destination, b32: destination.b32, port: this.#port }
  }

  /** Accepts no more; 'close' and the callback follow when the last open stream is closed. */
  close (callback?: () => void): this {
    if (callback !== undefined) this.once('close', callback)
    if (this.#port !== undefined) this.#host.unregister(this.#port, this)
    this.#port = undefined
    this.#closing = true
    this.#closeIfDone()
    return this
  }

  /** The manager hands over a new stream. */
  accept (socket: StreamSocket): void {
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#closeIfDone()
    })
    this.emit('connection', socket)
  }

  #closeIfDone (): void {
    if (!this.#closing || this.#sockets.size > 0) return
    this.#closing = false
    process.nextTick(() => this.emit('close'))
  }
}
