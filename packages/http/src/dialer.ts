import type { Clock } from '@minwww/ground'
import { Destination } from '@minwww/i2cp'
import type { Session } from '@minwww/i2cp'
import type { StreamManager, StreamSocket, StreamingOptions } from '@minwww/streaming'
import { publish, watch } from './diagnostics.ts'
import { toI2pError } from './errors.ts'
import { checkHost } from './host.ts'
import type { KnownDestinations } from './known.ts'

export interface LookupOptions {
  /** ms; default the option lookupTimeout. */
  timeout?: number
  signal?: AbortSignal
}

export interface DialRequest extends LookupOptions {
  /** A name that ends in .i2p, a b32 or b33 address, a Destination or its base64. */
  host: string | Destination
  /** 0 to 65,535. */
  port: number
  localPort?: number
  allowHalfOpen?: boolean
  /** Options of this stream alone. */
  options?: Partial<StreamingOptions>
}

export interface DialerInit {
  readonly session: Session
  readonly streams: StreamManager
  readonly known: KnownDestinations
  readonly clock: Clock
  readonly lookupTimeout: number
}

/** Opens streams to hosts. The only place where names become Destinations: none is asked of anybody but the router. */
export class Dialer {
  readonly #init: DialerInit

  constructor (init: DialerInit) {
    this.#init = init
  }

  /** Rejects with I2P_NOT_I2P, I2P_BAD_ADDRESS, I2P_UNKNOWN_NAME, I2P_KEY_NEEDED, I2P_TIMEOUT, I2P_ABORTED, I2P_BUSY, I2P_CLOSED. */
  async lookup (host: string | Destination, { timeout, signal }: LookupOptions = {}): Promise<Destination> {
    if (host instanceof Destination) return host
    const name = checkHost(host)
    const { session, known, clock, lookupTimeout } = this.#init
    const destination = known.get(name.toLowerCase())
    if (destination !== undefined) return destination
    const start = clock.now()
    publish('i2p:lookup:start', { host })
    try {
      const found = await session.lookup(name, { timeout: timeout ?? lookupTimeout, ...(signal && { signal }) })
      publish('i2p:lookup:end', { host, destination: found, ms: clock.now() - start })
      return found
    } catch (thrown) {
      const error = toI2pError(thrown, host)
      publish('i2p:lookup:end', { host, error, ms: clock.now() - start })
      throw error
    }
  }

  /**
   * A stream that may be written to at once: the first bytes travel with the SYN, without a round trip of waiting. Its errors
   * are I2pErrors. Rejects as lookup() does, and with I2P_BUSY, I2P_CLOSED, I2P_BAD_OPTION.
   */
  async open (request: DialRequest): Promise<StreamSocket> {
    const { host, port, localPort = 0, allowHalfOpen = false, options, signal } = request
    const name = typeof host === 'string' ? host : host.b32
    const destination = await this.lookup(host, request)
    try {
      const socket = this.#init.streams.connect({
        destination, port, localPort, allowHalfOpen, ...(options && { options }), ...(signal && { signal })
      })
      speak(socket, name)
      watch(socket)
      publish('i2p:stream:open', { host: name, port, socket })
      return socket
    } catch (error) {
      throw toI2pError(error, name)
    }
  }

  /** Like open(), and waits for the peer's answer. Rejects with I2P_UNREACHABLE, I2P_REFUSED, I2P_ABORTED too. */
  async connect (request: DialRequest): Promise<StreamSocket> {
    const socket = await this.open(request)
    return await new Promise((resolve, reject) => {
      const connected = (): void => {
        resolve(socket)
        // A peer may reset it in the moment in which it takes it: before the caller has the socket, nobody else listens.
        setImmediate(() => socket.off('error', reject))
      }
      socket.once('connect', connected)
      socket.once('error', reject)
    })
  }
}

/** Lets the errors of a stream say what to do. */
function speak (socket: StreamSocket, host: string): void {
  const destroy = socket.destroy.bind(socket)
  socket.destroy = error => destroy(error === undefined || error === null ? undefined : toI2pError(error, host) as Error)
}
