import http, { type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Destination } from '@minwww/i2cp/codec'
import { ServerError } from '../errors.ts'
import { connectorOver, type Endpoint } from '../fetch/dialer.ts'
import { toServerError } from '../fetch/failures.ts'
import { forwardable } from '../fetch/fields.ts'
import type { Field } from '../fetch/http-types.ts'
import { visitorFields, type Site } from '../fetch/sites.ts'
import { parseAuthority, parseTarget } from '../fetch/target.ts'
import { StreamExchange, type StreamContext } from './context.ts'
import { errorAnswer, responseBytes, responseHead } from './error-answer.ts'
import { join } from './relay.ts'
import { fieldsOf, urlOf } from './requests.ts'

const ESTABLISHED = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n')
/** ms for the TLS handshake with an own site, and until it has answered an Upgrade. */
const UPGRADE_TIME = 30_000

/**
 * CONNECT: a tunnel to the web through guard and policy. CONNECT to an own site gets the exit's HTTP front again, so
 * that the site's rules and visitor fields hold inside the tunnel too: `serve` takes the stream. Never rejects.
 */
export async function openTunnel (context: StreamContext, visitor: Destination, incoming: IncomingMessage, stream: Duplex, head: Buffer, serve: (stream: Duplex) => void): Promise<void> {
  const exchange = new StreamExchange(context, visitor)
  try {
    exchange.url = incoming.url
    const endpoint = parseAuthority(incoming.url ?? '')
    exchange.admit('CONNECT')
    const site = context.web.sites.at(endpoint.host, endpoint.port)
    if (site !== undefined && site.origin.startsWith('http:')) {
      stream.write(ESTABLISHED)
      if (head.length > 0) stream.unshift(head)
      serve(stream)
      return exchange.finish()
    }
    const socket = site === undefined ? await openWeb(context, endpoint) : await context.web.trusted(originEndpoint(site))
    stream.write(ESTABLISHED)
    if (head.length > 0) socket.write(head)
    await join(stream, socket, async bytes => await exchange.upload(bytes), async bytes => await exchange.download(bytes)).catch(() => {})
    exchange.finish()
  } catch (cause) {
    fail(exchange, stream, cause)
  }
}

/** Upgrade (WebSocket): the request goes up with its Upgrade, and the answer comes back, whatever it is. Never rejects. */
export async function upgrade (context: StreamContext, visitor: Destination, incoming: IncomingMessage, stream: Duplex, head: Buffer, maxFields: number): Promise<void> {
  const exchange = new StreamExchange(context, visitor)
  try {
    const fields = fieldsOf(incoming, maxFields)
    const target = parseTarget(urlOf(incoming, fields))
    const method = incoming.method ?? ''
    exchange.admit(method)
    const site = context.web.sites.find(target)
    context.policy.checkRequest({ method, url: '', headers: fields }, target, site)
    const isTls = site === undefined ? target.scheme === 'https' : site.origin.startsWith('https:')
    const endpoint = site === undefined ? target : originEndpoint(site)
    if (site === undefined) context.web.checkPort(target.port)
    const socket = await openSocket(context, endpoint, site, isTls)
    const headers = forwardable(fields)
    headers.push(['Host', site?.name ?? target.authority], ['Connection', 'Upgrade'], ['Upgrade', incoming.headers.upgrade ?? ''])
    if (site !== undefined) headers.push(...visitorFields(visitor))
    const answer = await ask(socket, method, (site?.base ?? '') + target.path, headers)
    if (head.length > 0) socket.write(head)
    stream.write(answer.head)
    if (answer.rest.length > 0) stream.write(answer.rest)
    await join(stream, socket, async bytes => await exchange.upload(bytes), async bytes => await exchange.download(bytes)).catch(() => {})
    exchange.finish()
  } catch (cause) {
    fail(exchange, stream, cause)
  }
}

async function openWeb (context: StreamContext, endpoint: Endpoint): Promise<Duplex> {
  const { policy, web } = context
  policy.checkMethod('CONNECT')
  policy.checkHost(endpoint.host)
  web.checkPort(endpoint.port)
  return await web.web(endpoint)
}

async function openSocket (context: StreamContext, { host, port }: Endpoint, site: Site | undefined, isTls: boolean): Promise<Duplex> {
  const route = site === undefined ? context.web.web : context.web.trusted
  if (!isTls) return await route({ host, port })
  const connector = connectorOver(route, { tlsTimeout: UPGRADE_TIME })
  return await new Promise((resolve, reject) => {
    connector({ hostname: host, protocol: 'https:', port: String(port) }, (error, socket) => {
      if (error === null) resolve(socket)
      else reject(error)
    })
  })
}

function originEndpoint (site: Site): Endpoint {
  const url = new URL(site.origin)
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) }
}

/** Sends the head up and takes the answer's head apart; what follows it stays on the socket. */
async function ask (socket: Duplex, method: string, path: string, headers: readonly Field[]): Promise<{ head: Buffer, rest: Buffer }> {
  return await new Promise((resolve, reject) => {
    const request = http.request({ createConnection: () => socket, method, path, headers: headers.flat(), setHost: false })
    const timer = setTimeout(() => request.destroy(new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not answer in time')), UPGRADE_TIME)
    const answer = (response: IncomingMessage, rest: Buffer, extra: Field[]) => {
      clearTimeout(timer)
      const fields = fieldsOf(response, Infinity)
      resolve({ head: responseHead(response.statusCode ?? 502, response.statusMessage ?? '', [...fields, ...extra]), rest })
    }
    request.once('upgrade', (response, _socket, rest) => answer(response, rest, []))
    request.once('response', response => {
      clearTimeout(timer)
      response.destroy()
      reject(new ServerError('MINWWW_EXIT_CONNECTION', `the site did not upgrade the connection (status ${response.statusCode})`))
    })
    request.once('error', error => {
      clearTimeout(timer)
      reject(error)
    })
    request.end()
  })
}

function fail (exchange: StreamExchange, stream: Duplex, cause: unknown): void {
  const error = toServerError(cause, 'request')
  exchange.finish(error)
  if (!stream.destroyed) stream.end(responseBytes(errorAnswer(error)))
}
