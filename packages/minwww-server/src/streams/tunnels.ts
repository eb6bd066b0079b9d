import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { ServerError } from '../errors.ts'
import { isExpected } from '../fetch/failures.ts'
import { valuesOf } from '../fetch/fields.ts'
import type { Field } from '../fetch/http-types.ts'
import { parseAuthority } from '../fetch/target.ts'
import type { ByteReader } from '../http1/byte-reader.ts'
import type { IncomingRequest } from '../http1/request.ts'
import { responseHead, write } from '../http1/write.ts'
import { reportFault, StreamExchange } from './context.ts'
import { join } from './relay.ts'
import { AnswerSender, queued, readRequest, type StreamRequest } from './requests.ts'

const ESTABLISHED = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n')

/** What becomes of a stream: another request is read off it, it is ended, or it was used up by a tunnel. */
export type StreamFate = 'next' | 'end' | 'gone'

/** A request whose stream may become a tunnel. */
export interface TunnelRequest extends StreamRequest {
  stream: Duplex
  reader: ByteReader
}

/**
 * CONNECT: a tunnel to the web through guard and policy. CONNECT to an own site, whatever its HTTPD speaks, leads to this
 * same HTTP front: the site's rules and visitor fields hold inside too. Never rejects.
 */
export async function openTunnel (asked: TunnelRequest): Promise<StreamFate> {
  const { context, visitor, incoming, stream } = asked
  const { policy, web, clock, timeouts } = context
  const exchange = new StreamExchange(context, visitor)
  const sender = new AnswerSender(asked, exchange)
  let socket: Duplex | undefined
  try {
    exchange.url = incoming.target
    const endpoint = parseAuthority(incoming.target)
    exchange.admit('CONNECT')
    if (web.sites.at(endpoint.host, endpoint.port) === undefined) {
      policy.checkMethod('CONNECT')
      policy.checkHost(endpoint.host)
      web.checkPort(endpoint.port)
      socket = await web.web(endpoint)
    }
    if (asked.signal.aborted) throw new ServerError('MINWWW_EXIT_CONNECTION', 'the client has gone')
    await write(stream, ESTABLISHED, clock, timeouts.stall)
  } catch (cause) {
    socket?.destroy()
    sender.refuse(exchange.fail(cause))
    return 'end'
  }
  if (socket === undefined) {
    exchange.finish()
    return 'next'
  }
  await relay(asked, exchange, socket)
  return 'gone'
}

/** The one protocol that a request may be upgraded to; every other Upgrade is ignored, as RFC 9110 section 7.8 allows. */
export function isWebSocket ({ method, upgrade }: IncomingRequest): boolean {
  return method === 'GET' && upgrade.includes('websocket')
}

/** Opens a WebSocket (RFC 6455); an answer that is no 101 goes to the client like any other. Never rejects. */
export async function openWebSocket (asked: TunnelRequest): Promise<StreamFate> {
  const { context, visitor, incoming, stream } = asked
  const { web: { fetcher }, clock, timeouts } = context
  const exchange = new StreamExchange(context, visitor)
  const sender = new AnswerSender(asked, exchange)
  let release = () => {}
  let socket: Duplex
  try {
    const key = webSocketKey(incoming)
    const request = readRequest(asked)
    exchange.url = request.url
    exchange.admit(request.method)
    const plan = fetcher.plan(request, visitor)
    const watch = { signal: asked.signal, onInterim: sender.interim.bind(sender) }
    const upgraded = await queued(asked, plan, async () => await fetcher.upgrade(plan, 'websocket', watch))
    if (upgraded.kind === 'answer') {
      await sender.answer(upgraded.response)
      exchange.finish()
      return incoming.keepAlive && !context.isDraining() ? 'next' : 'end'
    }
    socket = upgraded.socket
    // Streams count the visitor's tunnels; a page with some of them must still get its other parts.
    release = upgraded.slot.release
    release()
    const { head } = upgraded
    if (!accepts(head.headers, key)) {
      socket.destroy()
      throw new ServerError('MINWWW_EXIT_MALFORMED', 'the site did not open a WebSocket')
    }
    await write(stream, responseHead(head.status, head.reason, head.headers), clock, timeouts.stall)
  } catch (cause) {
    release()
    sender.refuse(exchange.fail(cause))
    return 'end'
  }
  await relay(asked, exchange, socket)
  return 'gone'
}

async function relay ({ context, reader, stream }: TunnelRequest, exchange: StreamExchange, socket: Duplex): Promise<void> {
  const { clock, timeouts } = context
  reader.release()
  try {
    await join(stream, socket, {
      clock,
      stall: timeouts.stall,
      idle: timeouts.tunnel,
      leftToRight: async bytes => context.bandwidth.countUpload(bytes),
      rightToLeft: async bytes => await exchange.download(bytes)
    })
  } catch (cause) {
    if (!isExpected(cause)) reportFault(context, cause)
  }
  exchange.finish()
}

const KEY = /^[A-Za-z0-9+/]{22}==$/
/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

function webSocketKey ({ fields, framing }: IncomingRequest): string {
  const [key = '', another] = valuesOf(fields, 'sec-websocket-key')
  if (!KEY.test(key) || another !== undefined || framing.kind !== 'none') {
    throw new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the request for a WebSocket is not well-formed')
  }
  return key
}

function accepts (headers: readonly Field[], key: string): boolean {
  const expected = createHash('sha1').update(key + GUID).digest('base64')
  return valuesOf(headers, 'sec-websocket-accept').join() === expected
}
