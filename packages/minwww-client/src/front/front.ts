import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '@minwww/i2cp'
import { applyTrace, type Activity, type ActivityLog } from '../proxy/activity.ts'
import type { Answer, SiteRequest } from '../http/answer.ts'
import { PROXY_CHALLENGE } from '../http/auth.ts'
import { ProxyError } from '../http/failures.ts'
import { valueOf, type Fields } from '../http/fields.ts'
import { isLocalTarget, isLoop, toLocal } from '../pages/local.ts'
import type { Settings } from '../proxy/options.ts'
import { waitsForRouter } from '../http/patience.ts'
import { isPrivateHost } from '../http/private-hosts.ts'
import { rebuildFields } from '../http/request-fields.ts'
import { sendAnswer, sendError } from './respond.ts'
import { isAbsoluteForm, LOCAL_HOST, parseTarget, type Target } from '../http/target.ts'
import { hasBody, validateHead } from '../http/validate.ts'

/** The browser closed the connection before the answer was complete. */
export class BrowserLeft extends Error {}

export interface FrontHooks {
  /** The proxy's own pages. */
  local: (request: IncomingMessage, response: ServerResponse) => void
  /** Checks Proxy-Authorization; the user, or undefined where nobody has to sign in. @throws ProxyError */
  authenticate: (request: IncomingMessage, fields: Fields) => string | undefined
  /** Waits for the user's sessions if it is patient. @throws ProxyError, MINWWW_NOT_READY or MINWWW_NO_ROUTER while they are not ready */
  exchange: (request: SiteRequest, user: string | undefined, isPatient: boolean) => Promise<Answer>
  /** 0..1 for the page that waits for the router. */
  progress: () => number | undefined
}

/** From a browser's request to its response: strict reading, rebuilding, one exchange, and a page for whatever fails. */
export class Front {
  readonly #settings: Settings
  readonly #hooks: FrontHooks
  readonly #activity: ActivityLog
  readonly #logger: Logger | undefined

  constructor (settings: Settings, hooks: FrontHooks, activity: ActivityLog, logger: Logger | undefined) {
    this.#settings = settings
    this.#hooks = hooks
    this.#activity = activity
    this.#logger = logger
  }

  /** Every request but CONNECT and Upgrade. Only an absolute-form for the proxy's own host, or an origin-form, gets to the local pages. */
  handle (request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? ''
    try {
      const fields = validateHead(request, url)
      if (url.startsWith('/')) return this.#hooks.local(request, response)
      if (!isAbsoluteForm(url)) throw new ProxyError('MINWWW_BAD_REQUEST', 'the request target is neither absolute nor a path')
      const target = parseTarget(url)
      const user = this.#hooks.authenticate(request, fields)
      if (isLocalTarget(target)) {
        toLocal(request, target)
        return this.#hooks.local(request, response)
      }
      this.#serve(request, response, fields, target, user).catch(() => response.destroy())
    } catch (error) {
      this.#fail(request, response, error, undefined, undefined)
    }
  }

  async #serve (request: IncomingMessage, response: ServerResponse, fields: Fields, target: Target, user: string | undefined): Promise<void> {
    const activity = this.#activity.begin(request.method ?? '', target.url)
    const leaving = new AbortController()
    response.once('close', () => { if (!response.writableFinished) leaving.abort(new BrowserLeft()) })
    // A browser that breaks off in the middle of its own body is seen on the request only.
    request.once('error', error => leaving.abort(error))
    try {
      this.admit(request, target)
      const answer = await this.#hooks.exchange(this.#siteRequest(request, fields, target, leaving.signal), user, waitsForRouter(request.method ?? '', fields))
      this.#note(activity, answer)
      activity.bytes = await sendAnswer(request, response, answer)
    } catch (error) {
      this.#fail(request, response, error, target, activity)
    } finally {
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
    if (this.#settings.privateAddresses === 'refuse' && target.kind === 'web' && isPrivateHost(target.host)) throw new ProxyError('MINWWW_PRIVATE_ADDRESS')
  }

  #siteRequest (request: IncomingMessage, received: Fields, target: Target, signal: AbortSignal): SiteRequest {
    const fields = rebuildFields(received, target, this.#settings.sanitize)
    const base = { method: request.method ?? 'GET', target, fields, signal }
    if (!hasBody(received)) return base
    const length = valueOf(received, 'content-length')
    if (length === undefined) return { ...base, body: request }
    if (Number(length) > this.#settings.maxBody) throw new ProxyError('MINWWW_BODY_TOO_LARGE', `${length} bytes`)
    return { ...base, body: request, bodyLength: Number(length) }
  }

  #note (activity: Activity, answer: Answer): void {
    activity.status = answer.status
    activity.path = answer.path
    if (answer.exit !== undefined) activity.exit = answer.exit
    if (answer.because !== undefined) activity.because = answer.because
    if (answer.trace !== undefined && answer.path === 'message') applyTrace(activity, answer.trace, answer.exit)
  }

  #fail (request: IncomingMessage, response: ServerResponse, error: unknown, target: Target | undefined, activity: Activity | undefined): void {
    const failure = toProxyError(error)
    // The socket is known to be gone a moment before the response is.
    const isGone = response.destroyed || request.socket.destroyed
    if (activity !== undefined) {
      const left = error instanceof BrowserLeft || (isGone && !response.writableFinished)
      activity.path = left ? 'left' : 'error'
      activity.status = failure.kind.status
      activity.error = failure.code
    }
    if (isGone) return
    if (failure.code === 'MINWWW_INTERNAL') this.#logger?.error({ err: error }, 'request failed')
    const isWaiting = failure.code === 'MINWWW_NOT_READY' || failure.code === 'MINWWW_NO_ROUTER'
    sendError(request, response, {
      error: failure,
      url: target?.url,
      reload: isWaiting ? failure.kind.retryAfter : undefined,
      progress: isWaiting ? this.#hooks.progress() : undefined
    }, failure.code === 'MINWWW_AUTH_REQUIRED' ? PROXY_CHALLENGE : [])
  }
}

export const toProxyError = (error: unknown): ProxyError =>
  error instanceof ProxyError ? error : new ProxyError('MINWWW_INTERNAL', undefined, { cause: error })
