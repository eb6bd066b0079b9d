import type { AdmissionLimits, ExitOptions, PathRule, PolicyOptions, ReloadableOptions } from '@minwww/server'
import { parseSites } from './address.ts'
import type { Settings } from './config/schema.ts'
import { UsageError } from './errors.ts'

/** What `demo` sets of an exit, and what only `exit` does. */
type Common = Pick<Settings<'demo'>,
  'site' | 'allowAddress' | 'limitOut' | 'limitIn' | 'quotaDay' | 'quotaMonth' | 'pushShare' | 'noPush' | 'state'>
export type ExitSettings = Common & Partial<Omit<Settings<'exit'>, keyof Common>>

const KILOBYTE = 1024
const MEGABYTE = 1024 * KILOBYTE
const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** A client's requests an hour and a day, as multiples of those a minute. */
const REQUESTS_HOUR = 10
const REQUESTS_DAY = 66
/** What a client with a limited rate gets at once after a pause: so many seconds of its rate, at least a megabyte. */
const CLIENT_BURST = 20

/** Settings in the operator's units (KB/s, MB) as options of `createExit`. Throws UsageError. */
export function exitOptions (settings: ExitSettings): Omit<ExitOptions, 'session'> {
  const { site, state, noPush, upstream, nameServer = [], cache = 0, logUrls = false, hideField = [], contact } = settings
  return {
    ...reloadableOptions(settings),
    sites: parseSites(site),
    logUrls,
    cacheBytes: cache * MEGABYTE,
    push: !noPush,
    timeouts: timeoutsOf(settings),
    ...(state !== undefined && { stateDir: state }),
    ...(contact !== undefined && { contact }),
    ...(upstream !== undefined && { upstream }),
    ...(nameServer.length > 0 && { nameServers: nameServer }),
    ...(hideField.length > 0 && { hideFields: { web: hideField } })
  }
}

/** Those of them that can be changed while the exit runs. Throws UsageError. */
export function reloadableOptions (settings: ExitSettings): ReloadableOptions {
  const {
    limitOut, limitIn, quotaDay, quotaMonth, pushShare,
    allowAddress, denyAddress = [], ownAddress = [], ports = [], clientStreams, totalStreams
  } = settings
  return {
    policy: policyOf(settings),
    bandwidth: {
      ...(limitOut > 0 && { out: limitOut * KILOBYTE }),
      ...(limitIn > 0 && { in: limitIn * KILOBYTE }),
      ...(quotaDay > 0 && { quotaDay: quotaDay * MEGABYTE }),
      ...(quotaMonth > 0 && { quotaMonth: quotaMonth * MEGABYTE })
    },
    pushShare,
    limits: limitsOf(settings),
    streamLimits: {
      ...(clientStreams !== undefined && { maxStreamsPerClient: clientStreams }),
      ...(totalStreams !== undefined && { maxStreams: totalStreams })
    },
    allowAddresses: allowAddress,
    denyAddresses: denyAddress,
    ownAddresses: ownAddress,
    ...(ports.length > 0 && { ports })
  }
}

function policyOf (settings: ExitSettings): PolicyOptions {
  const {
    ownSitesOnly, allowHosts, denyHosts, allowDestinations, denyDestinations, methods = [], sitePath = [], denyContentType = [],
    maxResponse = 0, maxRequest = 0
  } = settings
  return {
    web: ownSitesOnly !== true,
    ...(allowHosts !== undefined && { allowHostsFile: allowHosts }),
    ...(denyHosts !== undefined && { denyHostsFile: denyHosts }),
    ...(allowDestinations !== undefined && { allowDestinationsFile: allowDestinations }),
    ...(denyDestinations !== undefined && { denyDestinationsFile: denyDestinations }),
    ...(methods.length > 0 && { methods: methods.map(method => methodOf(method, '--methods')) }),
    denyContentTypes: denyContentType,
    maxResponse: maxResponse * MEGABYTE,
    maxRequest: maxRequest * MEGABYTE,
    sitePaths: sitePathsOf(sitePath)
  }
}

/** What is not set (by the demo) has the exit's own default. */
function timeoutsOf (settings: ExitSettings): Required<ExitOptions>['timeouts'] {
  const { connectTimeout, answerTimeout, bodyTimeout, requestTimeout, idleTimeout, uploadTimeout, stallTimeout, tunnelTimeout } = settings
  const seconds = {
    connect: connectTimeout,
    headers: answerTimeout,
    body: bodyTimeout,
    request: requestTimeout,
    idle: idleTimeout,
    upload: uploadTimeout,
    stall: stallTimeout,
    tunnel: tunnelTimeout
  }
  return Object.fromEntries(Object.entries(seconds).flatMap(([phase, value]) => value === undefined ? [] : [[phase, value * 1000]]))
}

function limitsOf (
  { limitClient = 0, clientRequests, clientPosts, totalRequests, totalPosts, newClients }: ExitSettings
): Partial<AdmissionLimits> {
  const rule = (count: number, window: number) => ({ count, window })
  return {
    ...(limitClient > 0 && {
      bytesPerClient: limitClient * KILOBYTE, burstPerClient: Math.max(MEGABYTE, limitClient * KILOBYTE * CLIENT_BURST)
    }),
    ...(clientRequests !== undefined && {
      requestsPerClient: [
        rule(clientRequests, MINUTE), rule(clientRequests * REQUESTS_HOUR, HOUR), rule(clientRequests * REQUESTS_DAY, 24 * HOUR)
      ]
    }),
    ...(clientPosts !== undefined && { postsPerClient: [rule(clientPosts, 5 * MINUTE)] }),
    ...(totalRequests !== undefined && { requestsTotal: [rule(totalRequests, MINUTE)] }),
    ...(totalPosts !== undefined && { postsTotal: [rule(totalPosts, 5 * MINUTE)] }),
    ...(newClients !== undefined && { newClients: [rule(newClients, MINUTE)] })
  }
}

function sitePathsOf (entries: readonly string[]): Record<string, PathRule[]> {
  const rules = new Map<string, PathRule[]>()
  for (const { site, ...rule } of entries.map(entry => parseSitePath(entry, '--site-path'))) {
    rules.set(site, [...rules.get(site) ?? [], rule])
  }
  return Object.fromEntries(rules)
}

/** Reads `NAME/PATH=METHOD,METHOD` and `NAME/PATH=none`. Throws UsageError that begins with `option`. */
export function parseSitePath (entry: string, option: string): PathRule & { site: string } {
  const [, name, path, methods] = /^([^\s/=]+)(\/[^\s=]*)=([A-Za-z,-]+)$/.exec(entry) ?? []
  if (name === undefined || path === undefined || methods === undefined) {
    throw new UsageError(`${option}: '${entry}' is not NAME/PATH=METHODS, for example demo.i2p/admin=none or demo.i2p/form=GET,POST`)
  }
  const allowed = methods.toLowerCase() === 'none' ? false : methods.split(',').map(method => methodOf(method, option))
  return { site: name.toLowerCase(), path, methods: allowed }
}

function methodOf (text: string, option: string): string {
  if (!/^[A-Za-z-]{1,32}$/.test(text)) throw new UsageError(`${option}: '${text}' is not a method, for example GET`)
  return text.toUpperCase()
}
