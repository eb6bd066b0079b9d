import { isIP, type Socket } from 'node:net'
import { ServerError } from '../errors.ts'
import { parseUrl } from '@minwww/protocol'
import { openSocket, type Endpoint, type OpenSocket } from './dialer.ts'
import type { AddressGuard } from './guard.ts'
import { SocketReader } from './socket-reader.ts'
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
    const { proxy, timeout } = options
    const socket = await openSocket(proxy.host, proxy.port, timeout)
    const timer = setTimeout(() => socket.destroy(new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not accept a connection in time')), timeout)
    try {
      await (proxy.scheme === 'socks5' ? socks5(socket, proxy, { host, port: endpoint.port }) : connect(socket, proxy, { host, port: endpoint.port }))
      return socket
    } catch (cause) {
      socket.destroy()
      throw cause instanceof ServerError ? cause : failed(cause)
    } finally {
      clearTimeout(timer)
    }
  }
}

function isLocalName (host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || !host.includes('.')
}

// RFC 1928 and RFC 1929.
const SOCKS = { version: 5, none: 0, password: 2, refused: 0xff, connect: 1, ipv4: 1, name: 3, ipv6: 4, passwordVersion: 1 } as const
const SOCKS_REPLIES: Record<number, () => ServerError> = {
  2: () => new ServerError('MINWWW_EXIT_POLICY', 'the proxy of this exit refuses that address'),
  4: () => new ServerError('MINWWW_EXIT_NAME', 'the name of the site could not be resolved'),
  6: () => new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not accept a connection in time')
}

async function socks5 (socket: Socket, proxy: UpstreamProxy, { host, port }: Endpoint): Promise<void> {
  const reader = new SocketReader(socket)
  const method = proxy.username === '' ? SOCKS.none : SOCKS.password
  socket.write(Buffer.of(SOCKS.version, 1, method))
  const greeting = await reader.take(2)
  if (greeting[0] !== SOCKS.version || greeting[1] !== method) throw failed('greeting')
  if (method === SOCKS.password) {
    const [name, password] = [Buffer.from(proxy.username), Buffer.from(proxy.password)]
    socket.write(Buffer.concat([Buffer.of(SOCKS.passwordVersion, name.length), name, Buffer.of(password.length), password]))
    if ((await reader.take(2))[1] !== 0) throw failed('password')
  }
  const name = Buffer.from(host)
  if (name.length > 255) throw new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the host name is too long')
  // The name goes as a name in every case: an address literal is a name that the proxy reads.
  socket.write(Buffer.concat([Buffer.of(SOCKS.version, SOCKS.connect, 0, SOCKS.name, name.length), name, Buffer.of(port >> 8, port & 0xff)]))
  const [version, reply, , kind] = await reader.take(4)
  if (version !== SOCKS.version) throw failed('reply')
  if (reply !== 0) throw SOCKS_REPLIES[reply ?? 1]?.() ?? failed(`reply ${reply}`)
  const length = kind === SOCKS.ipv4 ? 4 : kind === SOCKS.ipv6 ? 16 : (await reader.take(1))[0] ?? 0
  await reader.take(length + 2)
  reader.release()
}

const MAX_ANSWER = 8_192

async function connect (socket: Socket, proxy: UpstreamProxy, { host, port }: Endpoint): Promise<void> {
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const credentials = Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64')
  const authorization = proxy.username === '' ? '' : `Proxy-Authorization: Basic ${credentials}\r\n`
  const reader = new SocketReader(socket)
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`)
  const head = (await reader.until('\r\n\r\n', MAX_ANSWER)).toString('latin1')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
  if (status === '403') throw new ServerError('MINWWW_EXIT_POLICY', 'the proxy of this exit refuses that address')
  if (status === '504') throw new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not accept a connection in time')
  if (status === undefined || !status.startsWith('2')) throw failed(`status ${status}`)
  reader.release()
}

function failed (cause: unknown): ServerError {
  return new ServerError('MINWWW_EXIT_CONNECTION', 'no connection to the site could be made', { cause })
}
