import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PAGE_CHALLENGE, type Authenticator } from '../http/auth.ts'
import { ProxyError } from '../http/failures.ts'
import { pairs } from '../http/fields.ts'
import { toProxyError } from '../front/front.ts'
import { PAGE_POLICY } from './html.ts'
import { cameThroughProxy, userThroughProxy, type LocalGuard } from './local.ts'
import { addNamePages, type NamePages } from './name-pages.ts'
import { pacFile } from './pac.ts'
import { sendError } from '../front/respond.ts'
import { startPage } from './start-page.ts'

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
  proxy: { readonly ready: boolean, readonly state: string, readonly notice: string | undefined }
  names: NamePages
}

/** Read by programs that cannot sign in, and without any secret. */
const OPEN = new Set(['/proxy.pac', '/healthz'])

/** Start page, PAC, health and names: the pages of the proxy itself, guarded against everybody else's pages. */
export function addLocalPages (app: FastifyInstance, { guard, authenticator, proxy, names }: LocalPages): void {
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
  app.setNotFoundHandler((request, reply) => fail(request, reply, new ProxyError('MINWWW_NOT_FOUND')))
  app.setErrorHandler((error, request, reply) => fail(request, reply, toLocalError(error)))
  app.get('/', async (request, reply) => await reply.type('text/html; charset=utf-8').send(startPage(listenerAddress(request), proxy)))
  app.get('/proxy.pac', async (request, reply) => {
    const mode = (request.query as { mode?: string }).mode === 'i2p' ? 'i2p' : 'all'
    return await reply.type('application/x-ns-proxy-autoconfig').send(pacFile(listenerAddress(request), mode))
  })
  app.get('/favicon.ico', async (_request, reply) => await reply.code(204).send())
  app.get('/healthz', async (_request, reply) => await reply.code(proxy.ready ? 200 : 503).send({ ready: proxy.ready, state: proxy.state }))
  addNamePages(app, names)
}

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

function fail (request: FastifyRequest, reply: FastifyReply, error: ProxyError): void {
  reply.hijack()
  sendError(request.raw, reply.raw, { error }, error.code === 'MINWWW_SIGN_IN' ? PAGE_CHALLENGE : [])
}

/** fastify's own refusals (method, media type, body limit) carry a status. */
function toLocalError (error: unknown): ProxyError {
  const status = (error as { statusCode?: number }).statusCode
  if (error instanceof ProxyError || status === undefined || status >= 500) return toProxyError(error)
  return new ProxyError(status === 413 ? 'MINWWW_BODY_TOO_LARGE' : 'MINWWW_BAD_REQUEST')
}
