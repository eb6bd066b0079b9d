import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Backend } from '../sessions/backend.ts'
import { PROXY_CHALLENGE } from '../http/auth.ts'
import { ProxyError } from '../http/failures.ts'
import { listOf, pairs, valueOf, type Fields } from '../http/fields.ts'
import { BrowserLeft, toProxyError, type Front } from './front.ts'
import { writeErrorTo } from './listener.ts'
import type { Settings } from '../proxy/options.ts'
import { rebuildFields } from '../http/request-fields.ts'
import { filterResponseFields } from '../http/response-fields.ts'
import { sendAnswer } from './respond.ts'
import { isAbsoluteForm, LOCAL_HOST, parseConnectTarget, parseTarget, type Target } from '../http/target.ts'
import { responseOn, type Tunnels } from '../route/tunnels.ts'
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
}

/** CONNECT and Upgrade as node hands them over: a request and a bare socket. */
export class TunnelFront {
  readonly #hooks: TunnelHooks

  constructor (hooks: TunnelHooks) {
    this.#hooks = hooks
  }

  connect (request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#connect(request, socket, head).catch((error: unknown) => this.#fail(request, socket, error))
  }

  /** Only a WebSocket is upgraded; any other offer may be ignored (RFC 9110, section 7.8). */
  upgrade (request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const isWebSocket = listOf(request.headers.upgrade).includes('websocket') && isAbsoluteForm(request.url ?? '') && request.method === 'GET'
    if (isWebSocket) {
      this.#upgrade(request, socket, head).catch((error: unknown) => this.#fail(request, socket, error))
      return
    }
    socket.on('error', () => {})
    if (hasBody(pairs(request.rawHeaders))) return this.#fail(request, socket, new ProxyError('MINWWW_BAD_REQUEST', 'Upgrade with a body'))
    this.#hooks.front.handle(request, responseOn(request, socket))
  }

  async #connect (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const fields = validateHead(request, request.url ?? '')
    const target = parseConnectTarget(request.url ?? '')
    const user = this.#hooks.authenticate(request, fields)
    this.#hooks.admit(request, target)
    const { connectPorts } = this.#hooks.settings
    if (target.kind === 'web' && connectPorts !== 'any' && !connectPorts.includes(target.port)) throw new ProxyError('MINWWW_PORT_FORBIDDEN', String(target.port))
    const signal = leaving(socket)
    const backend = await this.#hooks.backend(user, signal)
    await this.#hooks.tunnels.connect(target, socket, head, backend, signal)
  }

  async #upgrade (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const received = validateHead(request, request.url ?? '')
    const target = parseTarget(request.url ?? '')
    const user = this.#hooks.authenticate(request, received)
    if (target.host === LOCAL_HOST) throw new ProxyError('MINWWW_NOT_FOUND')
    this.#hooks.admit(request, target)
    const { sanitize } = this.#hooks.settings
    const fields = rebuildFields(received, target, { ...sanitize, allowFields: [...sanitize.allowFields, ...WEBSOCKET_FIELDS] })
    const signal = leaving(socket)
    const backend = await this.#hooks.backend(user, signal)
    const other = await this.#hooks.tunnels.upgrade({ method: 'GET', target, fields, signal }, socket, head, backend)
    if (other === undefined) return
    const { statusCode = 0, statusMessage = '', rawHeaders } = other.response
    const answer = { status: statusCode, reason: statusMessage, fields: filterResponseFields(pairs(rawHeaders)), body: other.response, path: 'stream' as const }
    await sendAnswer(request, responseOn(request, socket), answer)
  }

  #fail (request: IncomingMessage, socket: Duplex, error: unknown): void {
    const failure = toProxyError(error)
    writeErrorTo(socket, failure, valueOf(pairs(request.rawHeaders), 'accept'), failure.code === 'MINWWW_AUTH_REQUIRED' ? PROXY_CHALLENGE : [])
  }
}

/** Aborts when the browser closes its side before the tunnel stands. */
function leaving (socket: Duplex): AbortSignal {
  const controller = new AbortController()
  socket.on('error', () => {})
  socket.once('close', () => controller.abort(new BrowserLeft()))
  return controller.signal
}
