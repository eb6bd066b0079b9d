import type { LocalDestination } from '../../crypto/local-destination.ts'
import type { Random } from '../../crypto/keys.ts'
import type { Mapping } from '../../data/mapping.ts'
import type { BackoffOptions } from './backoff.ts'
import type { IdleOptions } from './idle.ts'
import type { LeaseSetSettings } from './lease-sets.ts'

/** Waits of a session, ms. */
export interface SessionTimeouts {
  /** From opening the transport until it stands. */
  readonly connect: number
  /** For each of SetDate and SessionStatus. */
  readonly handshake: number
  /** For the first request for a LeaseSet: tunnels have to be built. The specification advises 5 minutes or more. */
  readonly tunnels: number
  /** Silence after which the router is asked for a sign of life, and again until it counts as dead. */
  readonly liveness: number
  /** For the router to close the connection after DestroySession. */
  readonly close: number
}

export const DEFAULT_TIMEOUTS: SessionTimeouts = {
  connect: 10_000,
  handshake: 30_000,
  tunnels: 600_000,
  liveness: 60_000,
  close: 500
}

export const DEFAULT_BACKOFF: BackoffOptions = { min: 1_000, max: 60_000 }

export interface SessionCoreConfig {
  readonly keys: LocalDestination
  readonly random: Random
  /** Session options for the router. */
  readonly options: Mapping
  readonly leaseSet: LeaseSetSettings
  readonly idle: IdleOptions
  /** Compress payloads. */
  readonly gzip: boolean
  /** i2cp.username, i2cp.password. */
  readonly authentication?: Mapping
  /** Before the first CreateLeaseSet2 of a connection: ms, or by the router's behaviour (quirks.ts). */
  readonly leaseSetDelay: number | 'auto'
  /** Connect again for ever once the session has been ready. */
  readonly reconnect: boolean
  /** Do so even before the session has been ready for the first time, unless the router refuses it (attempts.ts). */
  readonly waitForRouter: boolean
  readonly timeouts: SessionTimeouts
  readonly backoff: BackoffOptions
}
