import { ServerError } from '../errors.ts'
import { SharedCache } from '../fetch/cache.ts'
import { ConnectionSlots, DEFAULT_SLOTS } from '../fetch/connection-slots.ts'
import { directRoute, trustedRoute, type OpenSocket } from '../fetch/dialer.ts'
import { Fetcher } from '../fetch/fetcher.ts'
import { AddressGuard, type GuardOptions } from '../fetch/guard.ts'
import { NameResolver, serverLookup } from '../fetch/resolver.ts'
import { Sites } from '../fetch/sites.ts'
import { parseUpstream, upstreamRoute } from '../fetch/upstream-proxy.ts'
import type { Policy } from '../policy/policy.ts'
import type { Clock } from '@minwww/ground'
import { DEFAULT_HIDDEN_SITE_FIELDS, DEFAULT_TIMEOUTS, type ExitOptions } from './options.ts'
import { ownAddresses } from './own-addresses.ts'

/** Everything on the web's side of the exit. */
export interface WebSide {
  fetcher: Fetcher
  /** Guarded way to the web, for CONNECT. */
  web: OpenSocket
  slots: ConnectionSlots
  sites: Sites
  cache: SharedCache | undefined
  /** @throws ServerError MINWWW_EXIT_POLICY if no address could be reached on that port */
  checkPort: (port: number) => void
  /** Checks other addresses and ports; what it returns puts them into force. @throws ServerError MINWWW_EXIT_BAD_OPTION */
  prepare: (options: AddressOptions) => () => void
}

type AddressOptions = Pick<ExitOptions, 'allowAddresses' | 'denyAddresses' | 'ownAddresses' | 'ports'>

/** The guard's rules as the options have them. */
function guardOptions (options: AddressOptions, now: () => number): GuardOptions {
  return {
    allowAddresses: options.allowAddresses ?? [],
    denyAddresses: options.denyAddresses ?? [],
    ownAddresses: ownAddresses(options.ownAddresses ?? [], now),
    ...(options.ports === undefined ? {} : { ports: options.ports })
  }
}

/** `onFree` is called whenever a connection was given back. */
export function buildWebSide (options: ExitOptions, policy: Policy, clock: Clock, onFree: () => void): WebSide {
  const { now } = clock
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const guard = new AddressGuard(guardOptions(options, now))
  const checkPort = (port: number) => {
    if (!guard.permitsPort(port)) throw new ServerError('MINWWW_EXIT_POLICY', 'this exit does not connect to that port')
  }
  const web = routeOf(options, guard, timeouts.connect)
  const trusted = trustedRoute(timeouts.connect)
  const sites = new Sites(options.sites ?? {}, [options.session.destination.b32])
  const slots = new ConnectionSlots({ ...DEFAULT_SLOTS, ...options.connections }, onFree)
  const fetcher = new Fetcher({
    web,
    trusted,
    sites,
    slots,
    clock,
    timeouts,
    admit: (request, target, site) => {
      policy.checkRequest(request, target, site)
      if (site === undefined) checkPort(target.port)
    },
    admitResponse: (head, site) => policy.checkResponse(head, site),
    hiddenFields: {
      web: lowerCase(options.hideFields?.web ?? []),
      sites: lowerCase(options.hideFields?.sites ?? DEFAULT_HIDDEN_SITE_FIELDS)
    },
    ca: options.ca
  })
  const cacheBytes = options.cacheBytes ?? 0
  const cache = cacheBytes > 0 ? new SharedCache({ maxBytes: cacheBytes, now }) : undefined
  const prepare = (changed: AddressOptions) => {
    const rules = guardOptions(changed, now)
    const checked = new AddressGuard(rules)
    return () => guard.take(checked)
  }
  return { fetcher, web, sites, slots, cache, checkPort, prepare }
}

function routeOf (options: ExitOptions, guard: AddressGuard, timeout: number): OpenSocket {
  if (options.upstream !== undefined) return upstreamRoute({ proxy: parseUpstream(options.upstream), guard, timeout })
  const lookup = options.nameServers === undefined ? {} : { lookup: serverLookup(options.nameServers) }
  const resolver = new NameResolver({ ...lookup, ...options.resolver })
  return directRoute({ guard, resolver, connectTimeout: timeout })
}

function lowerCase (names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map(name => name.toLowerCase()))
}
