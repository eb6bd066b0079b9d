import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { escapeHtml, page, PAGE_POLICY } from './html.ts'
import { ProxyError } from './failures.ts'
import type { LocalGuard } from './local.ts'
import { pacFile } from './pac.ts'
import { sendError } from './respond.ts'
import { toProxyError } from './front.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Origin under which the browser sees the local pages. */
    localOrigin: string
  }
}

export interface LocalPages {
  guard: LocalGuard
  proxy: { readonly ready: boolean }
}

/** Start page, PAC and health: the pages of the proxy itself, guarded against everybody else's pages. */
export function addLocalPages (app: FastifyInstance, { guard, proxy }: LocalPages): void {
  app.decorateRequest('localOrigin', '')
  app.addHook('onRequest', async (request, reply) => {
    request.localOrigin = guard.check(request.raw)
    reply.headers({
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'X-Frame-Options': 'DENY',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': PAGE_POLICY
    })
  })
  app.setNotFoundHandler((request, reply) => fail(request, reply, new ProxyError('MINWWW_NOT_FOUND')))
  app.setErrorHandler((error, request, reply) => fail(request, reply, toLocalError(error)))
  app.get('/', async (request, reply) => await reply.type('text/html; charset=utf-8').send(startPage(addressOf(request), proxy.ready)))
  app.get('/proxy.pac', async (request, reply) => {
    const mode = (request.query as { mode?: string }).mode === 'i2p' ? 'i2p' : 'all'
    return await reply.type('application/x-ns-proxy-autoconfig').send(pacFile(addressOf(request), mode))
  })
  app.get('/healthz', async (_request, reply) => await reply.code(proxy.ready ? 200 : 503).send({ ready: proxy.ready }))
}

/** Host and port of the listener, as the browser can reach it. */
function addressOf (request: FastifyRequest): string {
  const { localAddress = '127.0.0.1', localPort = 0 } = request.raw.socket
  const host = localAddress.replace(/^::ffff:/, '')
  return `${host.includes(':') ? `[${host}]` : host}:${localPort}`
}

function fail (request: FastifyRequest, reply: FastifyReply, error: ProxyError): void {
  reply.hijack()
  sendError(request.raw, reply.raw, { error })
}

/** fastify's own refusals (method, media type, body limit) carry a status. */
function toLocalError (error: unknown): ProxyError {
  const status = (error as { statusCode?: number }).statusCode
  if (error instanceof ProxyError || status === undefined || status >= 500) return toProxyError(error)
  return new ProxyError(status === 413 ? 'MINWWW_BODY_TOO_LARGE' : 'MINWWW_BAD_REQUEST')
}

function startPage (address: string, ready: boolean): string {
  const [host, port] = [address.slice(0, address.lastIndexOf(':')), address.slice(address.lastIndexOf(':') + 1)]
  return page('MinWWW proxy', `<p class="brand"><span>MinWWW proxy</span><a href="/console">console</a></p>
<h1>${ready ? 'The proxy is ready' : 'The proxy is getting ready'}</h1>
<p>Pages come through a pool of exits in I2P, as a rule with one message there and one reply.</p>
<div class="box"><dl class="facts"><dt>HTTP proxy</dt><dd><code>${escapeHtml(host)}</code></dd><dt>Port</dt><dd><code>${port}</code></dd>
<dt>Automatic</dt><dd><code>http://${escapeHtml(address)}/proxy.pac</code><br>only .i2p: <code>http://${escapeHtml(address)}/proxy.pac?mode=i2p</code></dd></dl></div>
<h2>Set the browser</h2>
<ul><li><strong>Firefox</strong>: Settings, Network Settings, Manual proxy configuration; enter the address as HTTP proxy and tick <em>Also use this proxy for HTTPS</em>.</li>
<li><strong>Chromium</strong>: start it with <code>chromium --proxy-server=http://${escapeHtml(address)}</code></li>
<li><strong>curl</strong>: <code>curl -x http://${escapeHtml(address)} http://demo.i2p/</code></li></ul>
<h2>What others see</h2>
<p>An exit sees the address and the content of a plain http page, as any proxy does; with https it sees only the host. Sites see the exit, never you.</p>`)
}
