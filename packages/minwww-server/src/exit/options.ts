import type { FetchTimeouts } from '../fetch/fetcher.ts'
import type { ResolverOptions } from '../fetch/resolver.ts'
import type { SiteTable } from '../fetch/sites.ts'
import type { Clock } from './clock.ts'
import type { FetchQueueLimits } from './fetch-queue.ts'
import type { ExitCore, ExitLogger, ExitSession } from './ports.ts'

export interface ExitOptions {
  /** An I2CP session that is ready; the exit answers on its Destination. The caller closes it after the exit. */
  session: ExitSession
  /** `host` or `host:port` to the URL of an HTTPD that the operator trusts. Only that origin bypasses the guard. */
  sites?: SiteTable
  /** False serves own sites only. Default true. */
  web?: boolean
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
  /** ms; default connect 10,000, headers 25,000, body 15,000. The client's own deadline comes on top. */
  timeouts?: Partial<FetchTimeouts>
  /** Bytes of a body that is compressed here before it goes out, or was decompressed. Default 512 KiB. */
  maxDecoded?: number
  /** Fetches at once and waiting. Default 32 at once, 6 a client; 256 waiting, 32 a client. */
  queue?: Partial<FetchQueueLimits>
  /** Certificates to trust in place of the built-in ones, PEM. */
  ca?: string | string[]
  /** Write URLs into the log at debug level. Default false. */
  logUrls?: boolean
  logger?: ExitLogger
  clock?: Clock
  /** Default `ServerCore` with the session's keys. */
  createCore?: (session: ExitSession) => ExitCore
}

export const DEFAULT_TIMEOUTS: FetchTimeouts = { connect: 10_000, headers: 25_000, body: 15_000 }

export const DEFAULT_QUEUE: FetchQueueLimits = {
  concurrency: 32,
  maxRunningPerClient: 6,
  maxQueued: 256,
  maxQueuedPerClient: 32
}

export const DEFAULT_MAX_DECODED = 524_288
