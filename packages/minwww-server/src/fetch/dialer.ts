import net, { type Socket } from 'node:net'
import tls from 'node:tls'
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

export interface TlsOptions {
  /** ms for the handshake. */
  timeout: number
  /** Certificates to trust in place of the built-in ones, PEM. */
  ca?: string | string[] | undefined
}

/**
 * TLS over a socket to that host. Nothing of it is remembered for the next one, whose visitor may be another.
 *
 * @throws ServerError MINWWW_EXIT_CONNECTION, MINWWW_EXIT_TIMEOUT
 */
export async function secured (socket: Socket, host: string, options: TlsOptions): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const servername = net.isIP(host) === 0 ? host : ''
    const ca = options.ca === undefined ? {} : { ca: options.ca }
    const secure = tls.connect({ socket, servername, host, ALPNProtocols: ['http/1.1'], ...ca })
    const timer = setTimeout(() => secure.destroy(late('the site did not secure a connection in time')), options.timeout)
    const failed = (cause?: unknown) => {
      clearTimeout(timer)
      socket.destroy()
      const message = 'no secure connection to the site could be made'
      reject(cause instanceof ServerError ? cause : new ServerError('MINWWW_EXIT_CONNECTION', message, { cause }))
    }
    // Stays for the socket's life, as in openSocket.
    secure.on('error', failed).once('close', failed)
    secure.once('secureConnect', () => {
      clearTimeout(timer)
      secure.off('close', failed)
      resolve(secure)
    })
  })
}

/** @throws ServerError MINWWW_EXIT_CONNECTION, MINWWW_EXIT_TIMEOUT */
export async function openSocket (host: string, port: number, timeout: number): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, autoSelectFamily: false })
    const timer = setTimeout(() => socket.destroy(late('the site did not accept a connection in time')), timeout)
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

function late (message: string): ServerError {
  return new ServerError('MINWWW_EXIT_TIMEOUT', message)
}

function refused (): ServerError {
  return new ServerError('MINWWW_EXIT_POLICY', 'this exit does not connect to that address or port')
}
