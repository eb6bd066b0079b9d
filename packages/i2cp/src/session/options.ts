import type { LocalDestination } from '../crypto/local-destination.ts'
import type { Random } from '../crypto/keys.ts'
import type { Mapping } from '../data/mapping.ts'
import type { Duplex } from 'node:stream'
import type { BackoffOptions } from './core/backoff.ts'
import type { SessionTimeouts } from './core/config.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { RouterAddress } from './transport.ts'

export interface SessionOptions {
  /** Default 127.0.0.1:7654. */
  router?: RouterAddress
  /** A transport instead of `router`, such as an in-process router's. Called again for every reconnect. */
  connect?: () => Duplex | Promise<Duplex>
  /** Default: a new Destination that lives as long as the session. */
  keys?: LocalDestination
  /** I2CP session options by their documented names; merged over DEFAULT_SESSION_OPTIONS. */
  options?: Mapping
  /** Default true: connect again for ever, with back-off and jitter, once the session has been ready. */
  reconnect?: boolean
  /** Default false: a router that cannot be reached at first rejects createSession. True: keep trying. */
  waitForRouter?: boolean
  /** Ends the session. */
  signal?: AbortSignal
  /** Plain TCP to another machine; default false. */
  allowPlainRemote?: boolean
  /** i2cp.username and i2cp.password. */
  username?: string
  password?: string
  /** Wait before the first CreateLeaseSet2 of a connection, ms; default 'auto', see quirks.ts. */
  leaseSetDelay?: number | 'auto'
  timeouts?: Partial<SessionTimeouts>
  backoff?: BackoffOptions
  logger?: Logger
  clock?: Clock
  /** For back-off jitter and new keys; default node:crypto. */
  random?: Random
}

/** What is sent to the router unless `options` says otherwise; each with its reason. */
export const DEFAULT_SESSION_OPTIONS: Mapping = {
  // Java's router makes an ElGamal-only session without it, and nothing ever arrives.
  'i2cp.leaseSetEncType': '4',
  'i2cp.fastReceive': 'true',
  'i2cp.messageReliability': 'none',
  // Java's outbound gateway otherwise holds a last tunnel message that is not full for 37 ms.
  'outbound.batchFrequency': '0'
}
