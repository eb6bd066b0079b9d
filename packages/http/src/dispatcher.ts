import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { StreamingError } from '@minwww/streaming'
import type { StreamSocket } from '@minwww/streaming'
import type { Agent, buildConnector } from 'undici'
import type { Dialer } from './dialer.ts'

export interface DispatcherOptions {
  /** Streams to one origin at a time. */
  readonly connections: number
  /** For the first bytes of an answer, from when the request is written, ms. */
  readonly headersTimeout: number
  /** Between two parts of a body, ms. */
  readonly bodyTimeout: number
  /** How long a stream without a request is kept, ms. */
  readonly keepAliveTimeout: number
  /** For https and wss URLs. */
  readonly tls: ConnectionOptions
}

/** Origins of one dispatcher; a further one fails until another is idle. */
const MAX_ORIGINS = 4_096
const HTTP_PORT = 80
const HTTPS_PORT = 443

/**
 * Lets the end of a stream, or its breaking, come in a later turn of the event loop than its bytes, as over TCP. undici's fetch() resolves
 * with the head of a response and only then listens for the end of the connection: in the same turn it misses it, and the body never ends.
 */
function apart (stream: StreamSocket): void {
  const push = stream.push.bind(stream)
  const destroy = stream.destroy.bind(stream)
  stream.push = (chunk, encoding) => {
    if (chunk !== null) return push(chunk, encoding)
    setImmediate(() => push(null))
    return false
  }
  stream.destroy = error => {
    if (!(error instanceof StreamingError)) return destroy(error) // undici's own wish
    setImmediate(() => destroy(error))
    return stream
  }
}

/** An undici Agent whose connections are I2P streams. */
export function createDispatcher (undici: { Agent: typeof Agent }, dialer: Dialer, { tls, ...options }: DispatcherOptions): Agent {
  const connect: buildConnector.connector = ({ hostname, port, protocol, servername }, callback) => {
    const isSecure = protocol === 'https:'
    dialer.open({ host: hostname, port: Number(port === '' ? isSecure ? HTTPS_PORT : HTTP_PORT : port) })
      .then(async stream => {
        apart(stream)
        // undici reads and writes a Duplex; the methods of a Socket that it calls are there.
        if (!isSecure) return stream as unknown as Socket
        const secure = connectTls({
          ALPNProtocols: ['http/1.1'], ...tls, socket: stream, servername: tls.servername ?? servername ?? hostname
        })
        return await new Promise<Socket>((resolve, reject) => {
          secure.once('error', reject)
          secure.once('secureConnect', () => {
            secure.off('error', reject)
            resolve(secure)
          })
        })
      })
      .then(socket => callback(null, socket), (error: Error) => callback(error, null))
  }
  return new undici.Agent({ ...options, connect, maxOrigins: MAX_ORIGINS })
}
