import net, { type Socket } from 'node:net'
import { buildConnector } from 'undici'
import { ServerError } from '../errors.ts'
import type { AddressGuard } from './guard.ts'
import type { NameResolver } from './resolver.ts'

export interface Endpoint {
  host: string
  port: number
}

/** Opens a TCP connection to the endpoint, or through whatever stands in between; the promise settles in bounded time. */
export type OpenSocket = (endpoint: Endpoint) => Promise<Socket>

export interface DirectOptions {
  guard: AddressGuard
  resolver: NameResolver
  /** ms per address. */
  connectTimeout: number
  /** How one address is connected to; tests watch it. Default `openSocket`. */
  connect?: typeof openSocket
}

/** Addresses of one name that are tried in turn. */
const MAX_TRIES = 3

/**
 * Connects to the web directly. A name is resolved once, *every* address of it must pass the guard, and the socket goes
 * to one of those addresses: there is no second lookup that could say something else. A name that has one forbidden
 * address among good ones is refused as a whole.
 */
export function directRoute (options: DirectOptions): OpenSocket {
  return async endpoint => {
    const addresses = await options.resolver.resolve(endpoint.host)
    for (const address of addresses) {
      if (!options.guard.permits(address, endpoint.port)) throw refused()
    }
    return await openFirst(addresses.slice(0, MAX_TRIES), endpoint.port, options)
  }
}

/** Connects to an endpoint that the operator named: no guard. */
export function trustedRoute (connectTimeout: number): OpenSocket {
  return async endpoint => await openSocket(endpoint.host, endpoint.port, connectTimeout)
}

export interface ConnectorOptions {
  /** ms for the TLS handshake. */
  tlsTimeout: number
  /** Certificates to trust in place of the built-in ones, PEM. */
  ca?: string | string[] | undefined
}

/** The `connect` option of an undici Agent that opens its sockets by `open`, and TLS on top. */
export function connectorOver (open: OpenSocket, options: ConnectorOptions): buildConnector.connector {
  const secure = buildConnector({ timeout: options.tlsTimeout, ...(options.ca === undefined ? {} : { ca: options.ca }) })
  return (target, callback) => {
    const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80)
    open({ host: target.hostname, port }).then(socket => {
      if (target.protocol !== 'https:') return callback(null, socket)
      const servername = target.servername || (net.isIP(target.hostname) === 0 ? target.hostname : '')
      secure({ ...target, servername, httpSocket: socket }, callback)
    }, (error: Error) => callback(error, null))
  }
}

/** @throws ServerError MINWWW_EXIT_CONNECTION, MINWWW_EXIT_TIMEOUT */
export async function openSocket (host: string, port: number, timeout: number): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, autoSelectFamily: false })
    const timer = setTimeout(() => socket.destroy(new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not accept a connection in time')), timeout)
    // Stays for the socket's life: an error between here and its next owner must not end the process.
    socket.on('error', cause => {
      clearTimeout(timer)
      reject(cause instanceof ServerError ? cause : connectionFailed(cause))
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.setNoDelay(true)
      resolve(socket)
    })
  })
}

async function openFirst (addresses: readonly string[], port: number, options: DirectOptions): Promise<Socket> {
  const connect = options.connect ?? openSocket
  let last: unknown = connectionFailed(undefined)
  for (const address of addresses) {
    try {
      return await connect(address, port, options.connectTimeout)
    } catch (error) {
      last = error
    }
  }
  throw last
}

function connectionFailed (cause: unknown): ServerError {
  const timedOut = (cause as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT'
  return timedOut
    ? new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not accept a connection in time', { cause })
    : new ServerError('MINWWW_EXIT_CONNECTION', 'no connection to the site could be made', { cause })
}

function refused (): ServerError {
  return new ServerError('MINWWW_EXIT_POLICY', 'this exit does not connect to that address or port')
}
