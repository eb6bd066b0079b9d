import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { createProxy } from '@minwww/client'
import { createSession, LocalDestination, type Session } from '@minwww/i2cp'
import { createLocalRouter, type LocalRouter } from '@minwww/local-router'
import { createExit, type Exit } from '@minwww/server'
import { createStreamManager } from '@minwww/streaming'
import { addServiceCommand, type Context } from '../command.ts'
import type { Settings } from '../config/schema.ts'
import { formatHostPort, parseHostPort, parseSites } from '../address.ts'
import { startDemoSite } from '../demo-site.ts'
import { explain } from '../errors.ts'
import { runService, type Closers } from '../lifecycle.ts'
import { exitLimits } from '../limits.ts'
import { modelOptions } from '../model.ts'
import { seededRandom } from '../seeded-random.ts'

/** Name under which the built-in site is served. */
const SITE = 'demo.i2p'

export function addDemo (program: Command): void {
  addServiceCommand(program, 'demo', 'embedded router, exits and browser proxy in one process, with a small web site', runDemo)
}

async function runDemo (context: Context<Settings<'demo'>>): Promise<void> {
  const { settings, logger, reporter } = context
  const listen = parseHostPort(settings.proxy, '--proxy')
  const ownSites = parseSites(settings.site)
  await runService(logger, async closers => {
    reporter.progress('starting the embedded router')
    const router = closers.add(createLocalRouter({ ...modelOptions(settings), logger }), router => router.close())
    const i2cp = await router.listen({ host: '127.0.0.1', port: 0 })
    const site = closers.add(await startDemoSite(), site => site.close())
    const random = settings.seed === undefined ? randomBytes : seededRandom(settings.seed)
    const sites = { [SITE]: site.origin, ...ownSites }
    reporter.progress(`building tunnels for ${settings.exits} exits and the proxy`)
    const exits = await Promise.all(Array.from({ length: settings.exits }, () => LocalDestination.generate(random))
      .map(async keys => await startExit(context, closers, router, keys, sites)))
    const session = await openSession(closers, router, LocalDestination.generate(random), context)
    const streams = closers.add(createStreamManager(session), streams => streams.close())
    const { strategy, replyMode } = settings
    const proxy = await createProxy({ sessions: [session], streams, exits: exits.map(exit => exit.destination.base64), listen, logger, strategy, replyMode })
      .catch((error: unknown) => { throw explain(error, settings.proxy) })
    closers.add(proxy, proxy => proxy.close())
    announce(context, formatHostPort(proxy.address), exits, formatHostPort(i2cp))
  })
}

async function openSession (closers: Closers, router: LocalRouter, keys: LocalDestination, { logger }: Context<unknown>): Promise<Session> {
  const session = await createSession({ connect: () => router.connect(), keys, logger })
  return closers.add(session, session => session.close())
}

async function startExit (
  context: Context<Settings<'demo'>>, closers: Closers, router: LocalRouter, keys: LocalDestination, sites: Record<string, string>
): Promise<Exit> {
  const session = await openSession(closers, router, keys, context)
  const streams = closers.add(createStreamManager(session), streams => streams.close())
  const exit = await createExit({ session, streams, sites, logger: context.logger, ...exitLimits(context.settings) })
  return closers.add(exit, exit => exit.close())
}

function announce ({ settings, reporter }: Context<Settings<'demo'>>, proxy: string, exits: Exit[], router: string): void {
  const { latency, jitter, loss, bandwidth } = settings
  const json = { proxy: `http://${proxy}`, site: `http://${SITE}/`, exits: exits.map(exit => exit.destination.b32), router }
  reporter.ready(json, [
    '',
    `  proxy    http://${proxy}    (set it as the HTTP proxy of your browser; open this address for how)`,
    `  site     http://${SITE}/`,
    `  try      curl -x http://${proxy} http://${SITE}/`,
    `  router   I2CP at ${router}, latency ${latency} ms +- ${jitter}, loss ${loss} % per tunnel message, ${bandwidth === 0 ? 'unlimited bandwidth' : `${bandwidth} KB/s`}`,
    ...exits.map((exit, index) => `  exit ${String(index + 1).padEnd(3)} ${exit.destination.b32}`),
    '',
    '  Ctrl-C ends it.'
  ])
}
