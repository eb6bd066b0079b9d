import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '@minwww/i2cp'
import { applyTrace, type Activity, type ActivityLog } from '../route/activity.ts'
import type { Answer, SiteRequest } from '../http/answer.ts'
import { PROXY_CHALLENGE } from '../http/auth.ts'
import { DecoderRoom } from '../http/decoder-room.ts'
import { ProxyError } from '../http/failures.ts'
import { listOf, valueOf, type Fields } from '../http/fields.ts'
import { isLocalTarget, isLoop, toLocal } from '../pages/local.ts'
import type { Settings } from '../http/settings.ts'
import { isNavigation, waitsForRouter } from '../http/patience.ts'
import { isPrivateHost } from '../http/private-hosts.ts'
import { rebuildFields } from '../http/request-fields.ts'
import { Connection } from './connection.ts'
import { BrowserLeft, Exchange } from './exchange.ts'
import { answerHere, Forwards } from './forwards.ts'
import { sendAnswer, sendError } from './respond.ts'
import { isAbsoluteForm, LOCAL_HOST, parseTarget, type Target } from '../http/target.ts'
import { hasBody, validateHead } from '../http/validate.ts'

export interface FrontHooks {
  /** The proxy's own pages. */
  local: (request: IncomingMessage, response: ServerResponse) => void
  /** Checks Proxy-Authorization; the user, or undefined where nobody has to sign in. @throws ProxyError */
  authenticate: (request: IncomingMessage, fields: Fields) => string | undefined
  /** Waits for the user's sessions if it is patient. @throws ProxyError, MINWWW_NOT_READY or MINWWW_NO_ROUTER while they are not ready */
  exchange: (request: SiteRequest, user: string | undefined, isPatient: boolean) => Promise<Answer>
  /** 0..1 for the page that waits for the router. */
  progress: () => number | undefined
  /** Something that nobody foresaw. */
  fault: (error: unknown) => void
}

/** What a request asks for, read once. */
interface Asked { readonly target: Target, readonly fields: Fields, readonly user: string | undefined }

/** From a browser's request to its response: strict reading, rebuilding, one exchange, and a page for whatever fails. */
export class Front {
  readonly #settings: Settings
  readonly #hooks: FrontHooks
  readonly #activity: ActivityLog
  readonly #logger: Logger | undefined
  /** Of all bodies that are decoded for browsers. */
  readonly decoders = new DecoderRoom()

  constructor (settings: Settings, hooks: FrontHooks, activity: ActivityLog, logger: Logger | undefined) {
    this.#settings = settings
    this.#hooks = hooks
    this.#activity = activity
    this.#logger = logger
  }

  /**
   * Every request but CONNECT and WebSockets. Only an absolute-form for the proxy's own host, or an origin-form, gets to
   * the local pages.
   */
  handle (request: IncomingMessage, response: ServerResponse): void {
    try {
      const asked = this.#read(request, response)
      if (asked !== undefined) this.#serve(request, response, asked).catch((error: unknown) => this.#broken(response, error))
    } catch (error) {
      this.#fail(request, response, error)
    }
  }

  /** @returns undefined for what was answered without asking anybody */
  #read (request: IncomingMessage, response: ServerResponse): Asked | undefined {
    const url = request.url ?? ''
    const fields = validateHead(request, url)
    const expects = request.httpVersionMinor > 0 && valueOf(fields, 'expect') !== undefined
    if (expects && !expectsContinue(request)) throw new ProxyError('MINWWW_EXPECTATION')
    if (url.startsWith('/')) return this.#local(request, response)
    if (url === '*' && request.method === 'OPTIONS') {
      answerHere(response)
      return undefined
    }
    if (!isAbsoluteForm(url)) throw new ProxyError('MINWWW_BAD_REQUEST', 'the request target is neither absolute nor a path')
    const target = parseTarget(url)
    const user = this.#hooks.authenticate(request, fields)
    if (!isLocalTarget(target)) return { target, fields, user }
    toLocal(request, target, user)
    return this.#local(request, response)
  }

  #local (request: IncomingMessage, response: ServerResponse): undefined {
    if (expectsContinue(request)) response.writeContinue()
    this.#hooks.local(request, response)
  }

  async #serve (request: IncomingMessage, response: ServerResponse, { target, fields, user }: Asked): Promise<void> {
    const connection = Connection.of(request)
    const activity = this.#activity.begin(request.method ?? '', target.url, user)
    const exchange = new Exchange(connection, request, this.#settings.timeouts)
    try {
      this.admit(request, target)
      const forwards = Forwards.of(request.method ?? '', fields)
      if (forwards.isLast) return answerHere(response)
      const asked = this.#siteRequest(request, target, fields, exchange)
      asked.fields.push(...forwards.next)
      if (expectsContinue(request)) response.writeContinue()
      const answer = await exchange.until(this.#hooks.exchange(asked, user, waitsForRouter(request.method ?? '', fields)))
      this.#note(activity, answer)
      await sendAnswer({ request, response, exchange, answer, room: this.decoders, sent: bytes => this.#sent(activity, bytes) })
    } catch (error) {
      this.#fail(request, response, exchange.signal.aborted ? exchange.signal.reason : error, target, activity)
    } finally {
      exchange.end()
      this.#activity.end(activity)
      const { path, status, duration, bytes, exit, traversals } = activity
      this.#logger?.debug({ method: activity.method, path, status, duration, bytes, exit, traversals }, 'request done')
    }
  }

  /** @throws ProxyError for what is refused before anything is sent */
  admit (request: IncomingMessage, target: Target): void {
    if (this.#activity.inFlightCount > this.#settings.maxInFlight) throw new ProxyError('MINWWW_OVERLOADED')
    if (target.host === LOCAL_HOST) throw new ProxyError('MINWWW_MISDIRECTED')
    if (isLoop(request, target)) throw new ProxyError('MINWWW_LOOP')
    if (request.method === 'TRACE') throw new ProxyError('MINWWW_METHOD', 'TRACE')
    const mayBePrivate = this.#settings.privateAddresses === 'exit' || target.kind !== 'web'
    if (!mayBePrivate && isPrivateHost(target.host)) throw new ProxyError('MINWWW_PRIVATE_ADDRESS')
  }

  #siteRequest (request: IncomingMessage, target: Target, received: Fields, exchange: Exchange): SiteRequest {
    const fields = rebuildFields(received, target, this.#settings.sanitize)
    const connection = Connection.of(request)
    const interim = (status: number, reason: string, fields: Fields): void => {
      connection.writeInterim([`HTTP/1.1 ${status} ${reason}`, ...fields.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n'))
    }
    const base = {
      method: request.method ?? 'GET',
      target,
      fields,
      signal: exchange.signal,
      interim,
      from: refererHost(received),
      referer: valueOf(received, 'referer'),
      isPage: isNavigation(request.method ?? '', received)
    }
    if (!hasBody(received)) return base
    const length = valueOf(received, 'content-length')
    if (length === undefined) return { ...base, body: request }
    if (Number(length) > this.#settings.maxBody) throw new ProxyError('MINWWW_BODY_TOO_LARGE', `${length} bytes`)
    return { ...base, body: request, bodyLength: Number(length), expectsContinue: expectsContinue(request) }
  }

  #note (activity: Activity, answer: Answer): void {
    activity.status = answer.status
    activity.path = answer.path
    if (answer.exit !== undefined) activity.exit = answer.exit
    if (answer.because !== undefined) activity.because = answer.because
    if (answer.trace !== undefined && answer.path === 'message') applyTrace(activity, answer.trace, answer.exit)
    const { finished, exit } = answer
    finished?.then(trace => { if (trace !== undefined && activity.path !== 'error') applyTrace(activity, trace, exit) }, () => {})
  }

  #sent (activity: Activity, bytes: number): void {
    activity.firstByte ??= Date.now() - activity.started
    activity.bytes += bytes
  }

  #fail (request: IncomingMessage, response: ServerResponse, error: unknown, target?: Target, activity?: Activity): void {
    const isGone = error instanceof BrowserLeft || response.destroyed || request.socket.destroyed
    const failure = toProxyError(error)
    if (activity !== undefined) {
      activity.path = isGone ? 'left' : 'error'
      // What was said before it broke off stays in the log.
      if (!response.headersSent) activity.status = failure.kind.status
      if (!isGone) activity.error = failure.code
    }
    if (isGone) {
      response.destroy()
      return
    }
    if (failure.code === 'MINWWW_INTERNAL') this.#hooks.fault(error)
    // A page that reloads itself would turn a form that was posted into a GET.
    const isRepeatable = request.method === 'GET' || request.method === 'HEAD'
    const isWaiting = failure.code === 'MINWWW_NOT_READY' || failure.code === 'MINWWW_NO_ROUTER'
    sendError(request, response, {
      error: failure,
      i2pOnly: this.#settings.i2pOnly,
      url: target?.url,
      reload: isRepeatable ? isWaiting ? failure.kind.retryAfter : failure.reload : undefined,
      progress: isWaiting && isRepeatable ? this.#hooks.progress() : undefined
    }, failure.code === 'MINWWW_AUTH_REQUIRED' ? PROXY_CHALLENGE : [])
  }

  /** The page itself could not be sent. */
  #broken (response: ServerResponse, error: unknown): void {
    response.destroy()
    this.#hooks.fault(error)
  }
}

const expectsContinue = (request: IncomingMessage): boolean =>
  request.httpVersionMinor > 0 && listOf(request.headers.expect).join() === '100-continue'

export const toProxyError = (error: unknown): ProxyError =>
  error instanceof ProxyError ? error : new ProxyError('MINWWW_INTERNAL', undefined, { cause: error })

/** Host of the page that had the link, as far as its Referer says. */
function refererHost (fields: Fields): string | undefined {
  const match = /^https?:\/\/([^/?#@]{1,253})(?:[/?#]|$)/i.exec(valueOf(fields, 'referer') ?? '')
  return match?.[1]?.toLowerCase()
}
