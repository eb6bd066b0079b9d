import { isIP, type Socket } from 'node:net'
import { SocksClient } from 'socks'
import { parseUrl } from '@minwww/protocol'
import { ServerError } from '../errors.ts'
import { systemClock } from '@minwww/ground/node'
import { SiteConnection } from './connection.ts'
import { openSocket, type Endpoint, type OpenSocket } from './dialer.ts'
import type { AddressGuard } from './guard.ts'
import type { Field } from './http-types.ts'
import { unbracket } from './resolver.ts'

/** A proxy that stands between the exit and the web, for example Tor. */
export interface UpstreamProxy {
  scheme: 'socks5' | 'http'
  host: string
  port: number
  username: string
  password: string
}

export interface UpstreamOptions {
  proxy: UpstreamProxy
  guard: AddressGuard
  /** ms for the connection to the proxy, and again for its answer. */
  timeout: number
}

/**
 * Reads `socks5://[USER:PASSWORD@]HOST:PORT` or `http://...`.
 *
 * @throws ServerError MINWWW_EXIT_BAD_OPTION
 */
export function parseUpstream (text: string): UpstreamProxy {
  const [, kind = '', rest = ''] = /^(socks5h?|http):\/\/(.+)$/i.exec(text) ?? []
  const scheme = kind.toLowerCase().replace(/h$/, '')
  const url = parseUrl(`http://${rest}`)
  if ((scheme !== 'socks5' && scheme !== 'http') || url === undefined) throw notAProxy(text)
  const { hostname, port, username, password } = url
  try {
    return {
      scheme,
      host: unbracket(hostname),
      port: port === '' ? (scheme === 'http' ? 80 : 1080) : Number(port),
      username: decodeURIComponent(username),
      password: decodeURIComponent(password)
    }
  } catch { // a % that escapes nothing
    throw notAProxy(text)
  }
}

function notAProxy (text: string): ServerError {
  return new ServerError('MINWWW_EXIT_BAD_OPTION', `'${text}' is not a proxy: write socks5://127.0.0.1:9050 or http://127.0.0.1:3128`)
}

/**
 * Connects through the proxy and lets it resolve names. Address literals still pass the guard here, and so do names
 * that mean this machine; what a name resolves to over there is the proxy's to guard. An HTTP proxy must allow CONNECT
 * to the ports that the policy allows.
 */
export function upstreamRoute (options: UpstreamOptions): OpenSocket {
  return async endpoint => {
    const host = unbracket(endpoint.host)
    if (isIP(host) !== 0 ? !options.guard.permits(host, endpoint.port) : isLocalName(host)) {
      throw new ServerError('MINWWW_EXIT_POLICY', 'this exit does not connect to that address or port')
    }
    const to = { host, port: endpoint.port }
    const { proxy, timeout } = options
    const socket = await openSocket(proxy.host, proxy.port, timeout)
    try {
      return await (proxy.scheme === 'socks5' ? socks5(socket, options, to) : connect(socket, options, to))
    } catch (cause) {
      socket.destroy()
      throw cause instanceof ServerError ? cause : failed(cause)
    }
  }
}

function isLocalName (host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || !host.includes('.')
}

/** How the library ends its message for the replies of RFC 1928 section 6 that say more than that it failed. */
const SOCKS_REPLIES: Array<[RegExp, () => ServerError]> = [
  [/ - NotAllowed$/, () => new ServerError('MINWWW_EXIT_POLICY', 'the proxy of this exit refuses that address')],
  [/ - HostUnreachable$/, () => new ServerError('MINWWW_EXIT_NAME', 'the name of the site could not be resolved')],
  [/ - TTLExpired$|timed out$/, late]
]

/** A name goes as a name, and is resolved by the proxy. */
async function socks5 (socket: Socket, { proxy, timeout }: UpstreamOptions, { host, port }: Endpoint): Promise<Socket> {
  if (Buffer.byteLength(host) > 255) throw new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the host name is too long')
  const { username, password } = proxy
  try {
    await SocksClient.createConnection({
      proxy: { host: proxy.host, port: proxy.port, type: 5, ...(username !== '' && { userId: username, password }) },
      command: 'connect',
      destination: { host, port },
      timeout,
      existing_socket: socket
    })
    return socket
  } catch (cause) {
    throw SOCKS_REPLIES.find(([pattern]) => pattern.test((cause as Error).message))?.[1]() ?? failed(cause)
  }
}

/** RFC 9110 section 9.3.6. */
async function connect (socket: Socket, { proxy, timeout }: UpstreamOptions, { host, port }: Endpoint): Promise<Socket> {
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const credentials = Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64')
  const fields: Field[] = [['Host', authority]]
  if (proxy.username !== '') fields.push(['Proxy-Authorization', `Basic ${credentials}`])
  const connection = new SiteConnection('', socket, systemClock, { headers: timeout, body: timeout })
  const { status } = await connection.ask({ method: 'CONNECT', path: authority, headers: fields, body: undefined, onInterim: () => {} })
  if (status === 403) throw new ServerError('MINWWW_EXIT_POLICY', 'the proxy of this exit refuses that address')
  if (status === 504) throw late()
  if (status < 200 || status > 299) throw failed(`status ${status}`)
  return connection.detach()
}

function late (): ServerError {
  return new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not accept a connection in time')
}

function failed (cause: unknown): ServerError {
  return new ServerError('MINWWW_EXIT_CONNECTION', 'no connection to the site could be made', { cause })
}
