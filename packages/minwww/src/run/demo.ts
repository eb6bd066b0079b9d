import { randomBytes } from 'node:crypto'
import { createSession, LocalDestination, type Session } from '@minwww/i2cp'
import { createLocalRouter, type LocalRouter } from '@minwww/local-router'
import type { Gain } from '@minwww/client'
import type { Exit } from '@minwww/server'
import { createStreamManager, forwardToTcp } from '@minwww/streaming'
import { formatHostPort, type HostPort } from '../address.ts'
import type { Context } from '../command.ts'
import type { Settings } from '../config/schema.ts'
import type { ExitSettings } from '../exit-options.ts'
import { startDemoSite, type DemoSite } from '../demo-site.ts'
import type { Closers } from '@minwww/ground/node'
import { explain } from '../errors.ts'
import { runService } from '../lifecycle.ts'
import { modelOptions } from '../model.ts'
import type { Logger } from '../output.ts'
import { seededRandom } from '../seeded-random.ts'
import { openExit, openProxy, type ProxySessions } from '../services.ts'
import { measureGain } from './demo-gain.ts'

/** Name under which the built-in site is served. */
const SITE = 'demo.i2p'
/** How often a page is loaded in each way, for the start page. */
const RACES = 3
/** The first thing that start page and console say. */
const NOTICE = 'This is a demo on one machine: it hides nobody. Proxy and exits are in one process, so whatever its exits fetch is ' +
  'fetched from here.'

export async function runDemo (context: Context<Settings<'demo'>>): Promise<void> {
  const { settings, logger, reporter } = context
  await runService(logger, async closers => {
    reporter.progress('starting the embedded router')
    const router = closers.add(createLocalRouter({ ...modelOptions(settings), logger }), router => router.close())
    const i2cp = await router.listen({ host: '127.0.0.1', port: 0 })
    const site = closers.add(await startDemoSite(), site => site.close())
    const random = settings.seed === undefined ? randomBytes : seededRandom(settings.seed)
    // One after the other, so that a seed always gives the same Destinations.
    const keys = Array.from({ length: settings.exits + 2 + RACES }, () => LocalDestination.generate(random))
    reporter.progress(`building tunnels for ${settings.exits} exits and the proxy`)
    const open = async (local: LocalDestination): Promise<Session> => await openSession(closers, router, local, context)
    const exits = await Promise.all(keys.slice(2, -RACES).map(async local =>
      await openExit(closers, await open(local), exitSettings(settings), logger, { ownSites: { [SITE]: site.origin } })))
    const sessions = Promise.all(keys.slice(0, 2).map(open))
    const openUser = (): ProxySessions => ({ sessions: open(LocalDestination.generate(randomBytes)).then(session => [session]) })
    const streams = await Promise.all(keys.slice(-RACES).map(async local => openStreamsSite(closers, await open(local), site, logger)))
    site.setStreamsHost(streams[0]!)
    let gain: (() => Gain) | undefined
    const proxy = await openProxy(
      closers,
      { sessions, exits: exits.map(exit => exit.destination.base64), openUser, notice: NOTICE, gain: () => gain?.() },
      settings, logger
    )
    await sessions
    announce(context, formatHostPort(proxy.address), exits, formatHostPort(i2cp))
    // Who has users asks nobody's pages by himself.
    if (settings.auth === undefined) gain = startRace(closers, context, proxy.address, streams)
  })
}

/** The built-in site once more, under a Destination that knows streams only: what MinWWW is compared with. */
function openStreamsSite (closers: Closers, session: Session, site: DemoSite, logger: Logger): string {
  const { hostname, port } = new URL(site.origin)
  const manager = closers.add(createStreamManager(session, {}, { logger }), manager => manager.close())
  closers.add(forwardToTcp({ manager, target: { host: hostname, port: Number(port) } }), forwarding => forwarding.close())
  return session.destination.b32
}

/** Loads a page in both ways, for the start page. */
function startRace (
  closers: Closers, { settings, logger }: Context<Settings<'demo'>>, proxy: HostPort, streams: readonly string[]
): () => Gain {
  const controller = closers.add(new AbortController(), controller => { controller.abort() })
  const { latency, loss } = settings
  const network = `a model of I2P with ${latency} ms one way and ${loss} % loss`
  const hosts = { minwww: SITE, streams }
  const { gain, done } = measureGain({ proxy, hosts, network, signal: controller.signal })
  done.catch((error: unknown) => {
    if (!controller.signal.aborted) logger.warn({ reason: explain(error).message }, 'the page of both ways could not be measured')
  })
  return gain
}

/** Time-outs of the demo are those of its proxy; its exits have their defaults. */
function exitSettings (settings: Settings<'demo'>): ExitSettings {
  const { site, allowAddress, limitOut, limitIn, quotaDay, quotaMonth, pushShare, noPush, state, allowWeb } = settings
  return {
    site,
    allowAddress,
    limitOut,
    limitIn,
    quotaDay,
    quotaMonth,
    pushShare,
    noPush,
    ownSitesOnly: !allowWeb,
    ...(state !== undefined && { state })
  }
}

async function openSession (closers: Closers, router: LocalRouter, keys: LocalDestination, { logger }: Context<unknown>): Promise<Session> {
  const session = await createSession({ connect: () => router.connect(), keys, logger })
  return closers.add(session, session => session.close())
}

function announce ({ settings, reporter }: Context<Settings<'demo'>>, proxy: string, exits: Exit[], router: string): void {
  const { latency, jitter, loss, bandwidth } = settings
  const json = { proxy: `http://${proxy}`, site: `http://${SITE}/`, exits: exits.map(exit => exit.destination.b32), router }
  reporter.ready(json, [
    '',
    `  proxy    http://${proxy}    (set it as the HTTP proxy of your browser; open this address for how)`,
    `  site     http://${SITE}/`,
    `  try      curl -x http://${proxy} http://${SITE}/`,
    `  router   I2CP at ${router}, latency ${latency} ms +- ${jitter}, loss ${loss} % per tunnel message, ` +
    `${bandwidth === 0 ? 'unlimited bandwidth' : `${bandwidth} KB/s`}`,
    ...exits.map((exit, index) => `  exit ${String(index + 1).padEnd(3)} ${exit.destination.b32}`),
    '',
    settings.allowWeb
      ? '  This is a demo on one machine. Its exits fetch the web from here: sites see the address of this machine. Nothing hides you.'
      : '  This is a demo on one machine: nothing leaves it, and nothing hides you. The exits serve their own sites only; ' +
        '--allow-web opens the web.',
    '  Ctrl-C ends it.'
  ])
}
