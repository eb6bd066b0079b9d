import type { Duplex } from 'node:stream'
import type { Clock, Logger } from '@minwww/ground'
import type { LocalDestination } from '../crypto/local-destination.ts'
import type { Random } from '../crypto/keys.ts'
import type { Hosts } from '../naming/hosts.ts'
import type { NameCacheOptions } from '../naming/cache.ts'
import type { BackoffOptions } from './core/backoff.ts'
import type { SessionTimeouts } from './core/config.ts'
import type { OptionValues } from './session-options.ts'
import type { RouterAddress } from './transport.ts'

export interface SessionOptions {
  /** Default 127.0.0.1:7654. */
  router?: RouterAddress
  /** A transport instead of `router`, such as an in-process router's. Called again for every reconnect. */
  connect?: () => Duplex | Promise<Duplex>
  /** Default: a new Destination that lives as long as the session. */
  keys?: LocalDestination
  /** I2CP session options by their documented names (SESSION_OPTION_TABLE), merged over DEFAULT_SESSION_OPTIONS. */
  options?: OptionValues
  /** Default true: connect again for ever, with back-off and jitter, once the session has been ready. */
  reconnect?: boolean
  /**
   * Default false: a router that cannot be reached at first rejects createSession. True: keep trying, until it can be
   * reached and says five times in a row that it wants no such session.
   */
  waitForRouter?: boolean
  /** Ends the session. */
  signal?: AbortSignal
  /** Plain TCP to another machine; default false. */
  allowPlainRemote?: boolean
  /** Instead of the options i2cp.username and i2cp.password. */
  username?: string
  password?: string
  /** Wait before the first CreateLeaseSet2 of a connection, ms; default 'auto', see quirks.ts. */
  leaseSetDelay?: number | 'auto'
  /** Names known without asking the router. */
  hosts?: Hosts
  /** Look-ups that are remembered; default 1024 names, 1 h, failures 60 s. */
  nameCache?: Partial<NameCacheOptions>
  timeouts?: Partial<SessionTimeouts>
  backoff?: BackoffOptions
  logger?: Logger
  clock?: Clock
  /** For back-off jitter, salts and new keys; default node:crypto. */
  random?: Random
}
