import { readAsset } from '@minwww/ground/node'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ProxyError } from '../http/failures.ts'
import { checkNonce, PAGE_NONCE } from '../pages/nonce.ts'
import type { ExitLists } from '../lists/exit-lists.ts'
import type { ExitSayings } from '../lists/exit-sayings.ts'
import { exitsPage } from './exits-page.ts'
import { exitsSnapshot } from './exits-snapshot.ts'
import { EventFeed } from './events.ts'
import { checkMayChange, checkSeesAll, type Viewer } from '../sessions/users.ts'
import { Histories } from './history.ts'
import { createMetrics } from './metrics.ts'
import { consolePage } from './page.ts'
import { snapshot, type ConsoleSource } from './snapshot.ts'

/** Only what comes from the console itself. uPlot sets styles by script, which needs no `unsafe-inline`. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'"

/** The same paths from src/console and from dist/console: the browser's files are not compiled. */
const FILES: ReadonlyArray<readonly [path: string, type: string, file: () => URL]> = [
  ['/console/app.js', 'text/javascript; charset=utf-8', () => new URL('../../src/console/assets/app.js', import.meta.url)],
  ['/console/charts.js', 'text/javascript; charset=utf-8', () => new URL('../../src/console/assets/charts.js', import.meta.url)],
  ['/console/exits.js', 'text/javascript; charset=utf-8', () => new URL('../../src/console/assets/exits.js', import.meta.url)],
  ['/console/exits.css', 'text/css; charset=utf-8', () => new URL('../../src/console/assets/exits.css', import.meta.url)],
  ['/console/app.css', 'text/css; charset=utf-8', () => new URL('../../src/console/assets/app.css', import.meta.url)],
  ['/console/uplot.js', 'text/javascript; charset=utf-8', () => new URL(import.meta.resolve('uplot/dist/uPlot.iife.min.js'))],
  ['/console/uplot.css', 'text/css; charset=utf-8', () => new URL(import.meta.resolve('uplot/dist/uPlot.min.css'))]
]

export interface ConsoleProxy {
  readonly notice: string | undefined
  readonly i2pOnly: boolean
  addExit: (exit: string) => string
  removeExit: (id: string) => boolean
  drainExit: (id: string, drained: boolean) => boolean
  clearCache: (viewer: Viewer) => Promise<void>
  readonly lists: ExitLists | undefined
  readonly sayings: ExitSayings
}

/** The console: one page, its files, an event stream, and the few things that it can change. Metrics for Prometheus. */
export function addConsole (app: FastifyInstance, source: ConsoleSource & { proxy: ConsoleProxy }): void {
  const { proxy } = source
  const history = new Histories(proxy.activity)
  const viewer = (request: FastifyRequest): Viewer => source.users.viewerOf(request.user)
  const feed = new EventFeed(viewer => snapshot(source, history, Date.now(), viewer))
  const metrics = createMetrics(source)
  app.addHook('preClose', () => { feed.close() })
  app.get('/console', async (_request, reply) =>
    await reply.header('Content-Security-Policy', POLICY).type('text/html; charset=utf-8').send(consolePage(PAGE_NONCE, proxy)))
  app.get('/console/exits', async (_request, reply) =>
    await reply.header('Content-Security-Policy', POLICY).type('text/html; charset=utf-8').send(exitsPage(PAGE_NONCE)))
  app.get('/console/exits/state', async request => {
    const who = viewer(request)
    return exitsSnapshot(proxy, source.users.backendOf(who), Date.now(), who.sees === 'all' && !proxy.i2pOnly)
  })
  for (const [path, type, file] of FILES) {
    let content: Buffer | undefined
    app.get(path, async (_request, reply) => await reply.type(type).send(content ??= readAsset(file())))
  }
  app.get('/console/events', { exposeHeadRoute: false }, (request, reply) => {
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value ?? '')
    reply.raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    if (!feed.add(reply.raw, viewer(request))) reply.raw.end('event: full\ndata: {}\n\n')
  })
  app.get('/console/state', async request => snapshot(source, history, Date.now(), viewer(request)))
  app.get('/metrics', async (request, reply) => {
    checkSeesAll(viewer(request))
    return await reply.type(metrics.contentType).send(await metrics.metrics())
  })
  addActions(app, proxy, viewer, () => feed.push())
}

function addActions (app: FastifyInstance, proxy: ConsoleProxy, viewerOf: (request: FastifyRequest) => Viewer, changed: () => void): void {
  const action = (path: string, act: (body: Record<string, unknown>, viewer: Viewer) => unknown, isOwn = false): void => {
    app.post(`/console/${path}`, async request => {
      checkNonce(request.headers['x-minwww-nonce'])
      const viewer = viewerOf(request)
      if (!isOwn) checkMayChange(viewer)
      const result = await act((request.body ?? {}) as Record<string, unknown>, viewer)
      changed()
      return { ok: result !== false }
    })
  }
  const id = (body: Record<string, unknown>): string => text(body.id, 200)
  action('exits/add', body => {
    const exit = exitOf(text(body.destination, 2_000))
    try {
      proxy.addExit(exit)
    } catch (error) {
      throw new ProxyError('MINWWW_BAD_REQUEST', error instanceof Error ? error.message : undefined)
    }
  })
  action('exits/drop', body => proxy.removeExit(id(body)))
  action('exits/drain', body => proxy.drainExit(id(body), true))
  action('exits/resume', body => proxy.drainExit(id(body), false))
  for (const what of ['pin', 'unpin', 'ban', 'unban'] as const) {
    action(`lists/${what}`, body => proxy.lists?.decide(what, id(body)) ?? false)
  }
  action('cache/clear', async (_body, viewer) => { await proxy.clearCache(viewer) }, true)
}

/** @throws ProxyError MINWWW_BAD_REQUEST */
function text (value: unknown, max: number): string {
  if (typeof value !== 'string' || value.trim() === '' || value.length > max) throw new ProxyError('MINWWW_BAD_REQUEST')
  return value.trim()
}

/** base64, b32 or a name; anything else would be looked up in vain for ever. @throws ProxyError MINWWW_BAD_REQUEST */
function exitOf (value: string): string {
  if (/^[A-Za-z0-9~-]{515,}={0,2}$/.test(value) || /^[a-z0-9.-]+\.i2p$/i.test(value)) return value
  throw new ProxyError('MINWWW_BAD_REQUEST', 'an exit is a base64 Destination, a .b32.i2p address or an .i2p name')
}
