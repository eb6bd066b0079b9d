import type { Clock, Logger } from '@minwww/ground'
import type { SlotLimits } from '../fetch/connection-slots.ts'
import type { FetchTimeouts } from '../fetch/fetcher.ts'
import type { ResolverOptions } from '../fetch/resolver.ts'
import type { SiteTable } from '../fetch/sites.ts'
import type { AdmissionLimits } from '../limits/core/admission.ts'
import type { BandwidthOptions } from '../limits/bandwidth.ts'
import type { PolicyOptions } from '../policy/policy.ts'
import { DEFAULT_STREAM_TIMEOUTS, type StreamLimits, type StreamSource, type StreamTimeouts } from '../streams/options.ts'
import type { ServerConfig } from '../core.ts'
import type { FetchQueueLimits } from './fetch-queue.ts'
import type { ExitCore, RouterSession } from './ports.ts'

export interface ExitOptions {
  /** An I2CP session that is ready; the exit answers on its Destination. The caller closes it after the exit. */
  session: RouterSession
  /** The session's stream manager; with it the exit is an HTTP proxy on port 80 of its streams as well. The caller closes it. */
  streams?: StreamSource
  /** The I2P port of those streams; 0 is every one. Default 80. */
  streamPort?: number
  /** `host` or `host:port` to the URL of an HTTPD that the operator trusts. Only that origin bypasses the guard. */
  sites?: SiteTable
  /**
   * How people reach the operator, for everybody who asks the exit what it is. Printable ASCII without `#`, 128 characters. Default: none.
   */
  contact?: string
  /** Methods, hosts, Destinations, content types, sizes; lists in files are read again by `reload`. */
  policy?: PolicyOptions
  /** Exceptions to the address guard, `CIDR[:PORT]`. Without a port the exception is for all ports. */
  allowAddresses?: readonly string[]
  /** Further addresses that are never connected to, `CIDR[:PORT]`. */
  denyAddresses?: readonly string[]
  /** Public addresses of this machine that no interface shows (behind NAT). */
  ownAddresses?: readonly string[]
  /** Ports of the web that may be reached. Default 80 and 443. */
  ports?: readonly number[]
  /** Name servers `ADDRESS[:PORT]` in place of the machine's resolver (which reads the hosts file too). */
  nameServers?: readonly string[]
  resolver?: ResolverOptions
  /** `socks5://[USER:PASSWORD@]HOST:PORT` or `http://...`: the web is reached through it, names are resolved there. */
  upstream?: string
  /** Bytes a second, burst, quotas. Default: no limit. */
  bandwidth?: BandwidthOptions
  /** Requests, POSTs and bytes per Destination and in total. */
  limits?: Partial<AdmissionLimits>
  /** What a page needs is sent to its client before it asks. Default true. */
  push?: boolean
  /** Percent of `bandwidth.out` that this may take. Default 50. */
  pushShare?: number
  /** Streams at once. */
  streamLimits?: Partial<StreamLimits>
  /** Directory that keeps the quota over a restart and a kill. Without it the quota begins at zero with the process. */
  stateDir?: string
  /**
   * ms. Towards sites: `connect` 10,000 for TCP and again for TLS, `headers` 300,000 from a request to its answer's head
   * (long polling, RFC 6202), `body` 300,000 between two pieces of an answer. On streams: `request` 15,000 for a
   * request's head, `idle` 60,000 without a request, `upload` 60,000 between two pieces of a request, `stall` 180,000
   * until a client has taken what waits for it, `tunnel` 3,600,000 of silence in a CONNECT or WebSocket. A request by
   * messages has the client's deadline besides.
   */
  timeouts?: Partial<FetchTimeouts & StreamTimeouts>
  /** Connections to sites in use at once. Default 10 of a visitor to an origin, 64 of a visitor, 96 to an origin, 256. */
  connections?: Partial<SlotLimits>
  /** Bytes of a body that is compressed here before it goes out, or was decompressed. Default 512 KiB. */
  maxDecoded?: number
  /** Fetches at once and waiting. Default 32 at once, 6 a client; 480 waiting, 90 a client. */
  queue?: Partial<FetchQueueLimits>
  /** Bytes of the shared cache of the web; 0 is no cache. Default 0. */
  cacheBytes?: number
  /**
   * Response fields that are not passed on. Default: none for the web; Server, Date, X-Powered-By, X-Runtime for own sites,
   * as I2PTunnel does.
   */
  hideFields?: { web?: readonly string[], sites?: readonly string[] }
  /** Certificates to trust in place of the built-in ones, PEM. */
  ca?: string | string[]
  /** Where the operator's console listens, loopback only. Default: no console. */
  console?: { host: string, port: number }
  /** Write URLs into the log at debug level. Default false. */
  logUrls?: boolean
  logger?: Logger
  clock?: Clock
  /** Settings of the core; what `bandwidth` says comes first. */
  core?: Partial<ServerConfig>
  /** Default `ServerCore` with the session's keys. */
  createCore?: (session: RouterSession, config: Partial<ServerConfig>) => ExitCore
}

/** What can be changed while the exit runs; what is left out is the default again. */
export type ReloadableOptions = Pick<
  ExitOptions,
  'policy' | 'bandwidth' | 'pushShare' | 'limits' | 'streamLimits' | 'allowAddresses' | 'denyAddresses' | 'ownAddresses' | 'ports'
>

export const DEFAULT_TIMEOUTS: FetchTimeouts & StreamTimeouts = {
  connect: 10_000, headers: 300_000, body: 300_000, ...DEFAULT_STREAM_TIMEOUTS
}

export const DEFAULT_QUEUE: FetchQueueLimits = {
  concurrency: 32,
  maxRunningPerClient: 6,
  maxQueued: 480,
  // A proxy of many people asks for up to 72 at a time of one exit, and one that is refused leaves the exit for seconds.
  maxQueuedPerClient: 90
}

export const DEFAULT_PUSH_SHARE = 50
export const DEFAULT_MAX_DECODED = 524_288
export const DEFAULT_HIDDEN_SITE_FIELDS: readonly string[] = ['server', 'date', 'x-powered-by', 'x-runtime']
