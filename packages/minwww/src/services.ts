import { readFileSync } from 'node:fs'
import { createProxy, type AuthOptions, type CacheOptions, type Proxy, type Tunnels } from '@minwww/client'
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
    ...(ports.length > 0 && { ports: ports.map(port => portOf(port, '--ports')) }),
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

function portOf (text: string, option: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new UsageError(`${option}: '${text}' is not a port from 1 to 65535`)
  return port
}

/** What `demo` and `proxy` have in common, and what only `proxy` has. */
type ProxySettings = Omit<Settings<'proxy'>, keyof ProxyOnly | 'router' | 'allowPlainRemote' | 'i2cpOption' | 'exit' | 'exits'> & Partial<ProxyOnly>
type ProxyOnly = Pick<Settings<'proxy'>, 'privateAddresses' | 'state'>

export interface ProxySessions {
  sessions: Promise<readonly Session[]>
  /** Opens another session in the place of one that has lost its router. */
  renew?: (source: number) => Session
}

export interface ProxyParts extends ProxySessions {
  exits: readonly string[]
  /** Opens the sessions of one user, for `--isolate`. */
  openUser: () => ProxySessions
}

/** Starts the browser proxy, and sees to its end. It listens at once; until the sessions are ready it answers 503. */
export async function openProxy (closers: Closers, parts: ProxyParts, settings: ProxySettings, logger: Logger): Promise<Proxy> {
  const { strategy, replyMode, timeout, hosts, jump, auth, isolate, hostname, connectPorts, acceptLanguage, privateAddresses, state } = settings
  if (isolate && auth === undefined) throw new UsageError('--isolate needs --auth')
  const common = streamsOf(closers, logger)
  const proxy = await createProxy({
    ...tunnelsOf(parts, common),
    sessions: parts.sessions,
    exits: parts.exits,
    listen: parseHostPort(settings.proxy, '--proxy'),
    logger,
    strategy,
    replyMode,
    timeout: timeout * 1000,
    names: { ...(hosts !== undefined && { hostsFile: hosts }), ...(jump.length > 0 && { jumpServices: parseJumps(jump) }) },
    cache: cacheOf(settings),
    hostnames: hostname,
    ...(auth !== undefined && { auth: readUsers(auth) }),
    ...(isolate && { isolate: async () => await isolated(parts.openUser(), streamsOf(closers, logger)) }),
    ...(connectPorts.length > 0 && { connectPorts: connectPorts.map(port => portOf(port, '--connect-ports')) }),
    ...(acceptLanguage !== undefined && { sanitize: { acceptLanguage } }),
    ...(privateAddresses !== undefined && { privateAddresses }),
    ...(state !== undefined && { stateDirectory: state })
  }).catch((error: unknown) => { throw explain(error, settings.proxy) })
  return closers.add(proxy, proxy => proxy.close())
}

type StreamsOf = (session: Session) => StreamManager

/** Makes the stream manager of a session. That of a session that was renewed ends with it. */
function streamsOf (closers: Closers, logger: Logger): StreamsOf {
  let manager: StreamManager | undefined
  closers.add(undefined, () => manager?.close())
  return session => (manager = createStreamManager(session, {}, { logger }))
}

const tunnelsOf = ({ renew }: ProxySessions, streams: StreamsOf) => ({ streams, ...(renew !== undefined && { renew }) })

const isolated = async (own: ProxySessions, streams: StreamsOf): Promise<Tunnels> => ({ ...tunnelsOf(own, streams), sessions: await own.sessions })

const cacheOf = ({ cacheMemory, cacheDir, cacheDisk }: ProxySettings): CacheOptions | false => cacheMemory === 0
  ? false
  : { maxBytes: cacheMemory * MEGABYTE, maxDiskBytes: cacheDisk * MEGABYTE, ...(cacheDir !== undefined && { directory: cacheDir }) }

/** Reads `NAME=URL` options: the title of a jump service, and where the name that is looked for is appended. */
function parseJumps (entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(entries.map(entry => {
    const equals = entry.indexOf('=')
    const url = entry.slice(equals + 1)
    if (equals < 1 || !URL.canParse(url) || !url.startsWith('http')) throw new UsageError(`--jump: '${entry}' is not NAME=URL, for example stats.i2p=http://stats.i2p/cgi-bin/jump.cgi?a=`)
    return [entry.slice(0, equals), url]
  }))
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
