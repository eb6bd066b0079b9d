import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PAGE_CHALLENGE, type Authenticator } from '../http/auth.ts'
import { ProxyError } from '../http/failures.ts'
import { pairs } from '../http/fields.ts'
import { toProxyError } from './front.ts'
import { isWell } from '../sessions/pool-health.ts'
import type { SanitizeOptions } from '../http/request-fields.ts'
import { didItWorkPage, didItWorkScript, didItWorkText, type DidItWork } from '../pages/did-it-work-page.ts'
import { preferredFormat } from '../pages/error-page.ts'
import { PAGE_POLICY, SCRIPT_POLICY } from '../pages/html.ts'
import { cameThroughProxy, userThroughProxy, type LocalGuard, type LocalProxy } from '../pages/local.ts'
import { addNamePages, type NamePages } from '../pages/name-pages.ts'
import { pacFile } from '../pages/pac.ts'
import { sendError } from './respond.ts'
import { startPage } from '../pages/start-page.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Origin under which the browser sees the local pages. */
    localOrigin: string
    /** Who is signed in; undefined where nobody has to. */
    user: string | undefined
  }
}

export interface LocalPages {
  guard: LocalGuard
  authenticator: Authenticator | undefined
  proxy: LocalProxy
  /** Exits of whoever asks, and which one brought his last page. */
  exits: (request: FastifyRequest) => DidItWork['exits']
  sanitize: SanitizeOptions
  names: NamePages
}

/** Read by programs that cannot sign in, and without any secret. */
const OPEN = new Set(['/proxy.pac', '/healthz'])

/** Start page, PAC, health and names: the pages of the proxy itself, guarded against everybody else's pages. */
export function addLocalPages (app: FastifyInstance, { guard, authenticator, proxy, exits, sanitize, names }: LocalPages): void {
  app.decorateRequest('localOrigin', '')
  app.decorateRequest('user', undefined)
  app.addHook('onRequest', async (request, reply) => {
    request.localOrigin = guard.check(request.raw)
    const path = request.url.split('?', 1)[0] ?? ''
    if (cameThroughProxy(request.raw)) request.user = userThroughProxy(request.raw)
    else if (authenticator !== undefined && !OPEN.has(path)) request.user = signIn(authenticator, request)
    reply.headers({
      'X-Content-Type-Options': 'nosniff',
      // With no-referrer a browser would send a form of ours as from origin "null".
      'Referrer-Policy': 'same-origin',
      'X-Frame-Options': 'DENY',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': PAGE_POLICY
    })
  })
  app.setNotFoundHandler((request, reply) => fail(proxy, request, reply, new ProxyError('MINWWW_NOT_FOUND')))
  app.setErrorHandler((error, request, reply) => fail(proxy, request, reply, toLocalError(error)))
  app.get('/', async (request, reply) => await reply.type('text/html; charset=utf-8').send(startPage(listenerAddress(request), proxy)))
  app.get('/did-it-work', async (request, reply) => {
    const { ready, i2pOnly, state, health } = proxy
    const what = {
      throughProxy: cameThroughProxy(request.raw),
      ready,
      i2pOnly,
      state,
      health,
      exits: exits(request),
      fields: pairs(request.raw.rawHeaders),
      sanitize
    }
    if (preferredFormat(request.headers.accept) === 'text') return await reply.type('text/plain; charset=utf-8').send(didItWorkText(what))
    const page = didItWorkPage(what)
    return await reply.header('Content-Security-Policy', SCRIPT_POLICY).type('text/html; charset=utf-8').send(page)
  })
  app.get('/did-it-work.js', async (_request, reply) => await reply.type('text/javascript; charset=utf-8').send(didItWorkScript()))
  app.get('/proxy.pac', async (request, reply) => {
    const mode = (request.query as { mode?: string }).mode === 'i2p' ? 'i2p' : 'all'
    return await reply.type('application/x-ns-proxy-autoconfig').send(pacFile(listenerAddress(request), mode))
  })
  app.get('/favicon.ico', async (_request, reply) => await reply.code(204).send())
  app.get('/healthz', async (_request, reply) => {
    const health = healthOf(proxy)
    return await reply.code(health.ready ? 200 : 503).send(health)
  })
  addNamePages(app, names)
}

/** What a monitor is told: ready is a proxy whose router stands, and whose exits are not known to be of no use. */
function healthOf ({ ready, state, health }: LocalProxy): Health {
  const { working, total, text, until, since } = health
  if (!ready || isWell(health)) return { ready, state }
  return {
    ready: false,
    state: health.state,
    cause: text,
    exits: { working, total },
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
    ...(since === undefined ? {} : { since: new Date(since).toISOString() })
  }
}

interface Health { ready: boolean, state: string, cause?: string, exits?: object, until?: string, since?: string }

/** Host and port of the listener, as the browser can reach it. */
export function listenerAddress (request: FastifyRequest): string {
  const { localAddress = '127.0.0.1', localPort = 0 } = request.raw.socket
  const host = localAddress.replace(/^::ffff:/, '')
  return `${host.includes(':') ? `[${host}]` : host}:${localPort}`
}

function signIn (authenticator: Authenticator, request: FastifyRequest): string {
  try {
    return authenticator.check(request.raw, pairs(request.raw.rawHeaders), 'authorization')
  } catch (error) {
    throw error instanceof ProxyError && error.code === 'MINWWW_AUTH_REQUIRED' ? new ProxyError('MINWWW_SIGN_IN') : error
  }
}

function fail ({ i2pOnly }: LocalProxy, request: FastifyRequest, reply: FastifyReply, error: ProxyError): void {
  reply.hijack()
  sendError(request.raw, reply.raw, { error, i2pOnly }, error.code === 'MINWWW_SIGN_IN' ? PAGE_CHALLENGE : [])
}

/** fastify's own refusals (method, media type, body limit) carry a status. */
function toLocalError (error: unknown): ProxyError {
  const status = (error as { statusCode?: number }).statusCode
  if (error instanceof ProxyError || status === undefined || status >= 500) return toProxyError(error)
  return new ProxyError(status === 413 ? 'MINWWW_BODY_TOO_LARGE' : 'MINWWW_BAD_REQUEST')
}
