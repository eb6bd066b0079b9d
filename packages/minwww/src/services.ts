import { readFileSync } from 'node:fs'
import { createProxy, type AuthOptions, type Proxy } from '@minwww/client'
import type { Session } from '@minwww/i2cp'
import { createExit, type Exit } from '@minwww/server'
import { createStreamManager, type StreamManager } from '@minwww/streaming'
import type { Settings } from './config/schema.ts'
import { parseHostPort, parseSites } from './address.ts'
import { explain, UsageError } from './errors.ts'
import type { Closers } from './lifecycle.ts'
import { exitLimits } from './limits.ts'
import type { Logger } from './output.ts'

/** What `exit` has of its own, and `demo` does not. */
type ExitOnly = Partial<Pick<Settings<'exit'>, 'console' | 'logUrls' | 'ownSitesOnly' | 'upstream' | 'nameServer' | 'ports' | 'cache' |
  'allowHosts' | 'denyHosts' | 'allowDestinations' | 'denyDestinations'>>
type ExitSettings = Pick<Settings<'demo'>, 'site' | 'allowAddress' | 'limitOut' | 'limitIn' | 'quotaDay' | 'quotaMonth' | 'state'> & ExitOnly

const MEGABYTE = 1024 * 1024
/** How long an exit that was told to end finishes what it has, ms. */
const DRAIN_TIME = 1200

/** Starts an exit with its streams on a session, and sees to its end. `ownSites` are added to those of the settings. */
export async function openExit (closers: Closers, session: Session, settings: ExitSettings, logger: Logger, ownSites: Record<string, string> = {}): Promise<Exit> {
  const streams = closers.add(createStreamManager(session, {}, { logger }), streams => streams.close())
  const { console: consoleAddress, logUrls = false, upstream, nameServer = [], ports = [], cache = 0 } = settings
  const exit = await createExit({
    session,
    streams,
    sites: { ...ownSites, ...parseSites(settings.site) },
    logger,
    logUrls,
    policy: policyOf(settings),
    ...(consoleAddress !== undefined && { console: parseHostPort(consoleAddress, '--console') }),
    ...(upstream !== undefined && { upstream }),
    ...(nameServer.length > 0 && { nameServers: nameServer }),
    ...(ports.length > 0 && { ports: ports.map(portOf) }),
    cacheBytes: cache * MEGABYTE,
    ...exitLimits(settings)
  }).catch((error: unknown) => { throw explain(error) })
  return closers.add(exit, exit => exit.close({ timeout: DRAIN_TIME }))
}

function policyOf ({ ownSitesOnly, allowHosts, denyHosts, allowDestinations, denyDestinations }: ExitSettings) {
  return {
    web: ownSitesOnly !== true,
    ...(allowHosts !== undefined && { allowHostsFile: allowHosts }),
    ...(denyHosts !== undefined && { denyHostsFile: denyHosts }),
    ...(allowDestinations !== undefined && { allowDestinationsFile: allowDestinations }),
    ...(denyDestinations !== undefined && { denyDestinationsFile: denyDestinations })
  }
}

function portOf (text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new UsageError(`--ports: '${text}' is not a port from 1 to 65535`)
  return port
}

type ProxySettings = Pick<Settings<'demo'>, 'proxy' | 'strategy' | 'replyMode' | 'timeout'> & Partial<Pick<Settings<'proxy'>, 'hosts' | 'cacheDir' | 'auth'>>

export interface ProxySessions {
  sessions: Promise<readonly Session[]>
  /** Opens another session in the place of one that has lost its router. */
  renew?: (source: number) => Session
}

/** Starts the browser proxy, and sees to its end. It listens at once; until the sessions are ready it answers 503. */
export async function openProxy (
  closers: Closers, { sessions, renew }: ProxySessions, exits: readonly string[], settings: ProxySettings, logger: Logger
): Promise<Proxy> {
  const { strategy, replyMode, timeout, hosts, cacheDir, auth } = settings
  let manager: StreamManager | undefined
  closers.add(undefined, () => manager?.close())
  const proxy = await createProxy({
    sessions,
    // That of a session that was renewed ends with it.
    streams: session => (manager = createStreamManager(session, {}, { logger })),
    exits,
    listen: parseHostPort(settings.proxy, '--proxy'),
    logger,
    strategy,
    replyMode,
    timeout: timeout * 1000,
    ...(renew !== undefined && { renew }),
    ...(hosts !== undefined && { names: { hostsFile: hosts } }),
    ...(cacheDir !== undefined && { cache: { directory: cacheDir } }),
    ...(auth !== undefined && { auth: readUsers(auth) })
  }).catch((error: unknown) => { throw explain(error, settings.proxy) })
  return closers.add(proxy, proxy => proxy.close())
}

/** Reads a file with `USER:PASSWORD` lines. */
function readUsers (file: string): AuthOptions {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw explain(error, file)
  }
  const users: Record<string, string> = {}
  for (const line of text.split(/\r?\n/).filter(line => line.trim() !== '')) {
    const colon = line.indexOf(':')
    // The line itself is a secret: it is not shown.
    if (colon < 1) throw new UsageError(`${file}: every line must be USER:PASSWORD`)
    users[line.slice(0, colon)] = line.slice(colon + 1)
  }
  return { users }
}
