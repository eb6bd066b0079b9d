import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createProxy, type AuthOptions, type CacheOptions, type Proxy, type ProxyOptions, type Tunnels } from '@minwww/client'
import type { Destination, Session } from '@minwww/i2cp'
import { ParityCore } from '@minwww/protocol/parity'
import type { Exit, ExitOptions } from '@minwww/server'
import { createStreamManager, type StreamManager, type StreamSession } from '@minwww/streaming'
import type { Settings } from './config/schema.ts'
import { parseHostPort, parseJump } from './address.ts'
import { explain } from './errors.ts'
import { exitOptions, type ExitSettings } from './exit-options.ts'
import type { Closers } from '@minwww/ground/node'
import type { Logger } from './output.ts'
import { parseUsers } from './users.ts'

const MEGABYTE = 1024 * 1024
/** How long an exit that was told to end finishes what it has, s; `exit` has a setting for it. */
const DRAIN_TIME = 1.2

/** What an exit is given beside its settings: sites, and the I2P port of its streams. */
interface OwnSites { ownSites?: ExitOptions['sites'], streamPort?: number }

/** Starts an exit with its streams on a session, and sees to its end. `ownSites` are added to those of the settings. */
export async function openExit (
  closers: Closers, session: Session, settings: ExitSettings, logger: Logger, { ownSites = {}, streamPort }: OwnSites = {}
): Promise<Exit> {
  const { console: consoleAddress, drainTime = DRAIN_TIME } = settings
  const streams = closers.add(createStreamManager(session, {}, { logger, ...environmentOf(settings) }), streams => streams.close())
  const options = exitOptions(settings)
  const { createExit } = await import('@minwww/server') // here only: a proxy needs nothing of it
  const exit = await createExit({
    ...options,
    session,
    streams,
    sites: { ...ownSites, ...options.sites },
    ...(streamPort !== undefined && { streamPort }),
    logger,
    ...(consoleAddress !== undefined && { console: parseHostPort(consoleAddress, '--console') })
  }).catch((error: unknown) => { throw explain(error, undefined, '--console') })
  return closers.add(exit, exit => exit.close({ timeout: drainTime * 1000 }))
}

/** What `demo` and `proxy` have in common, and what only `proxy` has. */
type ProxySettings = Partial<ProxyOnly> &
  Omit<Settings<'proxy'>, keyof ProxyOnly | 'router' | 'allowPlainRemote' | 'i2cpOption' | 'exit' | 'exits'>
type ProxyOnly = Pick<Settings<'proxy'>, 'privateAddresses' | 'i2pOnly' | 'state' | 'switchTunnels' | 'noParity' |
  'exitList' | 'exitListAgree' | 'neverExit'>

export interface ProxySessions {
  sessions: Promise<readonly Session[]>
  /** Opens another session in the place of one that has lost its router. */
  renew?: (source: number) => Session
}

export interface ProxyParts extends ProxySessions {
  exits: readonly string[]
  /** What start page and console say first. */
  notice?: string
  /** What the start page shows of what it is for. */
  gain?: ProxyOptions['gain']
  /** Opens the sessions of one user, for `--isolate`. */
  openUser: () => ProxySessions
}

/** Starts the browser proxy, and sees to its end. It listens at once; until the sessions are ready it answers 503. */
export async function openProxy (closers: Closers, parts: ProxyParts, settings: ProxySettings, logger: Logger): Promise<Proxy> {
  const {
    strategy, replyMode, timeout, hosts, jump, auth, isolate, hostname, connectPorts, acceptLanguage, privateAddresses, i2pOnly,
    noPush, state, exitList = [], exitListAgree: agree, neverExit: never = []
  } = settings
  const common = streamsOf(closers, logger, settings)
  const proxy = await createProxy({
    ...tunnelsOf(parts, common),
    sessions: parts.sessions,
    exits: parts.exits,
    ...(parts.notice !== undefined && { notice: parts.notice }),
    ...(parts.gain !== undefined && { gain: parts.gain }),
    listen: parseHostPort(settings.proxy, '--proxy'),
    logger,
    // Where others name the exits, being the fastest must not bring one all the pages.
    strategy: exitList.length > 0 && strategy === 'ranked' ? 'spread' : strategy,
    replyMode,
    timeout: timeout * 1000,
    names: { ...(hosts !== undefined && { hostsFile: hosts }), ...(jump.length > 0 && { jumpServices: parseJumps(jump) }) },
    cache: cacheOf(settings),
    hostnames: hostname,
    ...(auth !== undefined && { auth: readUsers(auth) }),
    ...(isolate && { isolate: async () => await isolated(parts.openUser(), streamsOf(closers, logger, settings)) }),
    administrators: settings.administrator,
    ...(connectPorts.length > 0 && { connectPorts }),
    allowFields: settings.allowField,
    timeouts: proxyTimeouts(settings),
    ...(acceptLanguage !== undefined && { sanitize: { acceptLanguage } }),
    ...(privateAddresses !== undefined && { privateAddresses }),
    ...(i2pOnly !== undefined && { i2pOnly }),
    push: !noPush,
    preload: !settings.noPreload,
    honestConnect: settings.honestConnect,
    ...(exitList.length > 0 && { lists: { urls: exitList, never, ...(agree !== undefined && { agree }) } }),
    ...(state !== undefined && { stateDirectory: state })
  }).catch((error: unknown) => { throw explain(error, undefined, '--proxy') })
  return closers.add(proxy, proxy => proxy.close())
}

/**
 * A peer that is there answers the packet that is sent to it after half a minute of silence, however long the page takes.
 * One that does not is dead, and the download should not stand still until the last packet was sent nine times.
 */
const PROXY_STREAMS = { inactivityTimeout: 30_000, readTimeout: 90_000 }

type StreamSettings = Partial<Pick<Settings<'proxy'>, 'switchTunnels' | 'noParity'>>

/** What the streams of one session have besides. The layer beneath them concerns only peers that have it too. */
export function environmentOf (
  { switchTunnels = false, noParity = false }: StreamSettings
): { switchesTunnels: boolean, layer?: ParityCore<Destination> } {
  return { switchesTunnels: switchTunnels, ...(!noParity && { layer: new ParityCore({ random: randomBytes }) }) }
}

type StreamsOf = (session: StreamSession) => StreamManager

/** Makes the stream manager of a session. That of a session that was renewed ends with it. */
function streamsOf (closers: Closers, logger: Logger, settings: StreamSettings): StreamsOf {
  let manager: StreamManager | undefined
  closers.add(undefined, () => manager?.close())
  return session => (manager = createStreamManager(session, PROXY_STREAMS, { logger, ...environmentOf(settings) }))
}

const tunnelsOf = ({ renew }: ProxySessions, streams: StreamsOf) => ({ streams, ...(renew !== undefined && { renew }) })

const isolated = async (own: ProxySessions, streams: StreamsOf): Promise<Tunnels> => ({
  ...tunnelsOf(own, streams), sessions: await own.sessions
})

const proxyTimeouts = (settings: ProxySettings): Required<ProxyOptions>['timeouts'] => ({
  head: settings.headTimeout * 1000,
  upload: settings.uploadTimeout * 1000,
  keepAlive: settings.keepAliveTimeout * 1000,
  answer: settings.answerTimeout * 1000,
  silence: settings.silenceTimeout * 1000,
  tunnel: settings.tunnelTimeout * 1000
})

const cacheOf = ({ cacheMemory, cacheDir, cacheDisk }: ProxySettings): CacheOptions | false => cacheMemory === 0
  ? false
  : { maxBytes: cacheMemory * MEGABYTE, maxDiskBytes: cacheDisk * MEGABYTE, ...(cacheDir !== undefined && { directory: cacheDir }) }

const parseJumps = (entries: readonly string[]): Record<string, string> =>
  Object.fromEntries(entries.map(entry => parseJump(entry, '--jump')))

function readUsers (file: string): AuthOptions {
  try {
    return { users: parseUsers(readFileSync(file, 'utf8'), file) }
  } catch (error) {
    throw explain(error, file, '--auth')
  }
}
