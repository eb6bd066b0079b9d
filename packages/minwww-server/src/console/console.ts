import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { readAsset } from '@minwww/ground/node'
import type { Timer } from '@minwww/ground'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ServerError } from '../errors.ts'
import type { ExitParts } from '../exit/exit.ts'
import { EventFeed } from './events.ts'
import { History } from './history.ts'
import { createMetrics } from './metrics.ts'
import { consolePage } from './page.ts'
import { healthOf, snapshot } from './snapshot.ts'

export interface ConsoleActions {
  drain: () => Promise<void>
  reload: () => Promise<void>
}

export interface OperatorConsole {
  readonly address: { host: string, port: number }
  close: () => Promise<void>
}

/** Only what comes from the console itself. uPlot sets its styles by script, which needs no `unsafe-inline`. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'"
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/
const PERIOD = 1_000

/** The same paths from src/console and from dist/console: the browser's files are not compiled. */
const FILES: ReadonlyArray<readonly [path: string, type: string, file: () => URL]> = [
  ['/app.js', 'text/javascript; charset=utf-8', () => new URL('../../src/console/assets/app.js', import.meta.url)],
  ['/app.css', 'text/css; charset=utf-8', () => new URL('../../src/console/assets/app.css', import.meta.url)],
  ['/uplot.js', 'text/javascript; charset=utf-8', () => new URL(import.meta.resolve('uplot/dist/uPlot.iife.min.js'))],
  ['/uplot.css', 'text/css; charset=utf-8', () => new URL(import.meta.resolve('uplot/dist/uPlot.min.css'))]
]

/**
 * The operator's console, on loopback only: page, event stream, metrics, health, and two actions behind a nonce. A Host
 * that is not the console's own is refused, so that no web page can reach it under a name of its own.
 *
 * @throws ServerError MINWWW_EXIT_BAD_OPTION for an address that is not loopback
 */
export async function openConsole (
  parts: ExitParts, actions: ConsoleActions, listen: { host: string, port: number }
): Promise<OperatorConsole> {
  if (!LOOPBACK.test(listen.host)) {
    throw new ServerError('MINWWW_EXIT_BAD_OPTION', `the console listens on this machine only: ${listen.host} is not a loopback address`)
  }
  const app = fastify({ forceCloseConnections: true, bodyLimit: 1_024 })
  const nonce = randomBytes(16).toString('hex')
  const history = new History()
  const feed = new EventFeed()
  guard(app)
  addPages(app, parts, nonce)
  addEvents(app, feed, history, parts)
  addActions(app, actions, nonce)
  let timer: Timer
  const tick = () => {
    const state = snapshot(parts)
    feed.push({ state, sample: history.add(state) })
    timer = parts.clock.setTimer(tick, PERIOD)
  }
  tick()
  app.addHook('preClose', () => { feed.close() })
  await app.listen({ host: listen.host, port: listen.port })
  const { address, port } = app.server.address() as AddressInfo
  return {
    address: { host: address, port },
    close: async () => {
      timer.clear()
      await app.close()
    }
  }
}

function guard (app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'Content-Security-Policy': POLICY,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
      'Cross-Origin-Resource-Policy': 'same-origin'
    })
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
    if (!LOOPBACK.test(host)) await reply.code(421).send({ message: 'This is the console of an exit; open it under its own address.' })
  })
}

function addPages (app: FastifyInstance, parts: ExitParts, nonce: string): void {
  app.get('/', async (_request, reply) => await reply.type('text/html; charset=utf-8').send(consolePage(nonce)))
  for (const [path, type, file] of FILES) {
    let content: Buffer | undefined
    app.get(path, async (_request, reply) => await reply.type(type).send(content ??= readAsset(file())))
  }
  app.get('/favicon.ico', async (_request, reply) => await reply.code(204).send())
  const metrics = createMetrics(parts)
  app.get('/metrics', async (_request, reply) => await reply.type(metrics.contentType).send(await metrics.metrics()))
  app.get('/state', async () => snapshot(parts))
  app.get('/healthz', async (_request, reply) => {
    const status = healthOf(parts)
    return await reply.code(status === 'ok' ? 200 : 503).send({ status })
  })
}

function addEvents (app: FastifyInstance, feed: EventFeed, history: History, parts: ExitParts): void {
  app.get('/events', { exposeHeadRoute: false }, (_request, reply) => {
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value ?? '')
    reply.raw.writeHead(200, { 'Content-Type': 'text/event-stream' })
    const { samples } = history
    const first = { state: snapshot(parts), sample: samples.at(-1), samples }
    if (!feed.add(reply.raw, first)) reply.raw.end('event: full\ndata: {}\n\n')
  })
}

function addActions (app: FastifyInstance, actions: ConsoleActions, nonce: string): void {
  const allowed = async (request: FastifyRequest, reply: FastifyReply) => {
    const given = Buffer.from(String(request.headers['x-minwww-nonce'] ?? ''))
    if (given.length === nonce.length && timingSafeEqual(given, Buffer.from(nonce))) return
    await reply.code(403).send({ message: 'Load the page again.' })
  }
  app.post('/drain', { preHandler: allowed }, async () => {
    actions.drain().catch(() => {})
    return { message: 'The exit takes nothing new any more.' }
  })
  app.post('/reload', { preHandler: allowed }, async (_request, reply) => {
    try {
      await actions.reload()
      return { message: 'The lists are in force.' }
    } catch (error) {
      return await reply.code(400).send({ message: (error as Error).message })
    }
  })
}
