import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Backend } from '../sessions/backend.ts'
import { PROXY_CHALLENGE } from '../http/auth.ts'
import { ProxyError } from '../http/failures.ts'
import { listOf, pairs, valueOf, type Fields } from '../http/fields.ts'
import type { Connection } from './connection.ts'
import { BrowserLeft, Exchange } from './exchange.ts'
import { toProxyError, type Front } from './front.ts'
import { writeErrorTo } from './listener.ts'
import type { Settings } from '../http/settings.ts'
import { rebuildFields } from '../http/request-fields.ts'
import { sendAnswer } from './respond.ts'
import { isAbsoluteForm, LOCAL_HOST, parseConnectTarget, parseTarget, type Target } from '../http/target.ts'
import type { Tunnels } from '../route/tunnels.ts'
import { hasBody, validateHead } from '../http/validate.ts'

const WEBSOCKET_FIELDS = ['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol', 'sec-websocket-extensions']

export interface TunnelHooks {
  front: Front
  tunnels: Tunnels
  settings: Settings
  authenticate: (request: IncomingMessage, fields: Fields) => string | undefined
  /** Waits for the user's sessions until the signal is aborted. */
  backend: (user: string | undefined, signal: AbortSignal) => Promise<Backend>
  /** @throws ProxyError for a target that leads back here, or to a private address where that is refused */
  admit: (request: IncomingMessage, target: Target) => void
  /** Something that nobody foresaw. */
  fault: (error: unknown) => void
}

/** CONNECT and Upgrade as node hands them over: a request and a connection that is nobody's. */
export class TunnelFront {
  readonly #hooks: TunnelHooks

  constructor (hooks: TunnelHooks) {
    this.#hooks = hooks
  }

  connect (request: IncomingMessage, connection: Connection): void {
    this.#run(request, connection, async exchange => { await this.#connect(request, connection, exchange) })
  }

  /** Only a WebSocket is upgraded; any other offer may be ignored (RFC 9110, section 7.8). */
  upgrade (request: IncomingMessage, connection: Connection): void {
    const isOffered = listOf(request.headers.upgrade).includes('websocket')
    const isWebSocket = isOffered && isAbsoluteForm(request.url ?? '') && request.method === 'GET'
    if (isWebSocket) return this.#run(request, connection, async exchange => { await this.#upgrade(request, connection, exchange) })
    if (hasBody(pairs(request.rawHeaders))) {
      this.#fail(request, connection, new ProxyError('MINWWW_BAD_REQUEST', 'Upgrade with a body'))
      return
    }
    this.#hooks.front.handle(request, responseOn(request, connection))
  }

  #run (request: IncomingMessage, connection: Connection, work: (exchange: Exchange) => Promise<void>): void {
    const { timeout, timeouts } = this.#hooks.settings
    const exchange = new Exchange(connection, request, { ...timeouts, answer: Math.max(timeout, timeouts.answer) })
    work(exchange)
      .catch((error: unknown) => this.#fail(request, connection, exchange.signal.aborted ? exchange.signal.reason : error))
      .finally(() => exchange.end())
      .catch(this.#hooks.fault)
  }

  async #connect (request: IncomingMessage, connection: Connection, exchange: Exchange): Promise<void> {
    const fields = validateHead(request, request.url ?? '')
    const target = parseConnectTarget(request.url ?? '')
    const user = this.#hooks.authenticate(request, fields)
    this.#hooks.admit(request, target)
    const { connectPorts } = this.#hooks.settings
    const isAllowed = target.kind !== 'web' || connectPorts === 'any' || connectPorts.includes(target.port)
    if (!isAllowed) throw new ProxyError('MINWWW_PORT_FORBIDDEN', String(target.port))
    const { signal } = exchange
    const backend = await exchange.until(this.#hooks.backend(user, signal))
    await exchange.until(this.#hooks.tunnels.connect(target, connection, backend, signal, user))
  }

  async #upgrade (request: IncomingMessage, connection: Connection, exchange: Exchange): Promise<void> {
    const received = validateHead(request, request.url ?? '')
    const target = parseTarget(request.url ?? '')
    const user = this.#hooks.authenticate(request, received)
    if (target.host === LOCAL_HOST) throw new ProxyError('MINWWW_NOT_FOUND')
    this.#hooks.admit(request, target)
    const { sanitize } = this.#hooks.settings
    const fields = rebuildFields(received, target, { ...sanitize, allowFields: [...sanitize.allowFields, ...WEBSOCKET_FIELDS] })
    const { signal } = exchange
    const backend = await exchange.until(this.#hooks.backend(user, signal))
    const answer = await exchange.until(this.#hooks.tunnels.upgrade({ method: 'GET', target, fields, signal }, connection, backend, user))
    if (answer === undefined) return
    const response = responseOn(request, connection)
    await sendAnswer({ request, response, exchange, answer, room: this.#hooks.front.decoders, sent: () => {} })
  }

  #fail (request: IncomingMessage, connection: Connection, error: unknown): void {
    if (error instanceof BrowserLeft) {
      connection.destroy()
      return
    }
    const failure = toProxyError(error)
    if (failure.code === 'MINWWW_INTERNAL') this.#hooks.fault(error)
    const challenge = failure.code === 'MINWWW_AUTH_REQUIRED' ? PROXY_CHALLENGE : []
    if (connection.isTunnel) connection.destroy()
    else {
      writeErrorTo(
        connection,
        failure,
        { accept: valueOf(pairs(request.rawHeaders), 'accept'), i2pOnly: this.#hooks.settings.i2pOnly },
        challenge
      )
    }
  }
}

/** A response object on a connection that an Upgrade took from the server; it is the last one. */
function responseOn (request: IncomingMessage, connection: Connection): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  // node needs no more of it than a stream has.
  const socket: Duplex = connection
  response.assignSocket(socket as Socket)
  connection.answerBy(response)
  response.once('finish', () => {
    response.detachSocket(socket as Socket)
    connection.end()
  })
  return response
}
