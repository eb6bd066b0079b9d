import { Duplex } from 'node:stream'
import type { Clock, Timer } from '@minwww/ground'
import type { Destination } from '@minwww/i2cp/codec'
import type { Connection, ConnectionStatistics, PathKnowledge } from './core.ts'
import { StreamingError } from './errors.ts'

export interface StreamSocketOptions {
  /** False: our side ends when the peer's does. Default false, as in node:net. */
  allowHalfOpen?: boolean
  /** Bytes that wait in the Duplex's own queues, each direction; default 64 KiB. More waits in the core, see bufferSize. */
  highWaterMark?: number
}

/** The manager, which transmits and announces: after this turn of the event loop, or at once. */
interface Driver { readonly clock: Clock, schedule (): void, flush (): void, inform (connection: Connection, known: PathKnowledge): void }

const HIGH_WATER_MARK = 65_536

/**
 * One I2P stream as a Duplex. Emits 'connect' (outbound) when the peer answered, and 'timeout' as asked by setTimeout.
 * Errors are StreamingErrors. destroy() after end() still delivers what was written; before it, the peer gets a RESET.
 */
export class StreamSocket extends Duplex {
  readonly connection: Connection
  readonly #driver: Driver
  #pending: { chunk: Buffer, callback: (error?: Error | null) => void } | undefined
  #wantsData = false
  #bytesRead = 0
  #bytesWritten = 0
  #idle: { ms: number, timer: Timer | undefined } | undefined

  /** Use StreamManager.connect or a StreamServer. */
  constructor (connection: Connection, driver: Driver, options: StreamSocketOptions = {}) {
    super({ allowHalfOpen: options.allowHalfOpen ?? false, highWaterMark: options.highWaterMark ?? HIGH_WATER_MARK })
    this.connection = connection
    this.#driver = driver
  }

  get remoteDestination (): Destination { return this.connection.peer }
  /** The peer's .b32.i2p name. */
  get remoteAddress (): string { return this.connection.peer.b32 }
  get remotePort (): number { return this.connection.remotePort }
  get localPort (): number { return this.connection.localPort }
  /** True until the peer answered. */
  get connecting (): boolean { return this.connection.state.name === 'connecting' }
  get bytesRead (): number { return this.#bytesRead }
  get bytesWritten (): number { return this.#bytesWritten }
  /** RTT, window, retransmissions and more. */
  get statistics (): ConnectionStatistics { return this.connection.statistics }

  /** Tells the stream what is known of its path by other means. Of no effect once the peer has acknowledged something. */
  inform (known: PathKnowledge): void {
    this.#driver.inform(this.connection, known)
    this.#driver.schedule()
  }

  /** Emits 'timeout' after `ms` without a byte in either direction; 0 turns it off. */
  setTimeout (ms: number, callback?: () => void): this {
    if (callback !== undefined) this.once('timeout', callback)
    this.#stopIdle()
    if (ms > 0) this.#idle = { ms, timer: undefined }
    this.#active()
    return this
  }

  // Of node:net, so that code which asks for them runs; streams have no such settings.
  setNoDelay (): this { return this }
  setKeepAlive (): this { return this }
  ref (): this { return this }
  unref (): this { return this }

  /** The manager hands over what the connection announced. */
  handle (event: 'connected' | 'readable' | 'drain' | 'end' | 'closed'): void {
    switch (event) {
      case 'connected':
        this.emit('connect')
        this.emit('ready')
        return
      case 'readable':
      case 'end':
        if (this.#wantsData) this.#deliver()
        return
      case 'drain':
        this.#writePending()
        return
      case 'closed':
        this.#closed()
    }
  }

  override _read (): void {
    this.#wantsData = true
    this.#deliver()
  }

  override _write (chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    // A copy, because the caller may use its buffer again after the callback, and a packet may be sent again long after.
    this.#pending = { chunk: Buffer.from(chunk), callback }
    this.#writePending()
  }

  override _final (callback: (error?: Error | null) => void): void {
    this.connection.end(this.#driver.clock.now())
    this.#driver.schedule()
    callback()
  }

  override _destroy (error: Error | null, callback: (error?: Error | null) => void): void {
    const now = this.#driver.clock.now()
    this.#stopIdle()
    if (error === null && this.writableFinished) this.connection.abandon(now)
    else this.connection.reset(now)
    this.#pending = undefined
    this.#driver.schedule()
    callback(error)
  }

  #deliver (): void {
    const now = this.#driver.clock.now()
    while (this.#wantsData) {
      const chunk = this.connection.read(now)
      if (chunk === undefined) break
      this.#bytesRead += chunk.length
      this.#active()
      this.#wantsData = this.push(chunk)
    }
    if (this.#wantsData && this.connection.ended) {
      this.#wantsData = false
      this.push(null)
    }
    if (this.connection.wantsTransmit) this.#driver.schedule()
  }

  #writePending (): void {
    const pending = this.#pending
    if (pending === undefined) return
    const taken = this.connection.write(this.#driver.clock.now(), pending.chunk)
    this.#bytesWritten += taken
    this.#active()
    this.#driver.schedule()
    if (taken < pending.chunk.length) {
      pending.chunk = pending.chunk.subarray(taken)
      return
    }
    this.#pending = undefined
    pending.callback()
  }

  #closed (): void {
    const { state } = this.connection
    if (state.name !== 'closed' || state.error === undefined) return
    // What arrived in order before a RESET is thrown away, as node:net does for ECONNRESET.
    if (!this.destroyed) this.destroy(state.error)
  }

  #active (): void {
    const idle = this.#idle
    if (idle === undefined || this.destroyed) return
    idle.timer?.clear()
    const timer = this.#driver.clock.setTimer(() => {
      this.#driver.flush()
      if (this.#idle?.timer === timer) this.emit('timeout')
    }, idle.ms)
    idle.timer = timer
  }

  #stopIdle (): void {
    this.#idle?.timer?.clear()
    this.#idle = undefined
  }
}

/** Destroys the socket when the signal says so. */
export function abortWith (socket: StreamSocket, signal: AbortSignal): void {
  const abort = (): void => { socket.destroy(new StreamingError('STREAMING_ABORTED', 'aborted', { cause: signal.reason })) }
  if (signal.aborted) return abort()
  signal.addEventListener('abort', abort, { once: true })
  socket.once('close', () => signal.removeEventListener('abort', abort))
}
