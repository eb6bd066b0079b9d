import type { Mapping } from '../data/mapping.ts'
import type { Bandwidth } from '../messages/bandwidth-limits.ts'

/**
 * What routers do differently from the specification and from each other, in one place, each with its reason.
 * Quirks are told by behaviour: version strings say little (i2pd repeats the client's own).
 *
 * Held everywhere, so not detected:
 * - Ports in the gzip header are big-endian; go-i2cp alone writes them little-endian (datagrams/gzip.ts).
 * - Only messages 32, 1, 41, 36, 38, 8 and 3 are needed: emissary knows no other, i2pd disconnects on some.
 * - Nothing waits for a MessageStatus: emissary never sends one, i2pd's success means "handed to a tunnel".
 * - Containers are inflated up to 64 KiB here; Java's client library stops at 40 KB, so a Java application does not
 *   read larger payloads.
 * - i2cp.leaseSetEncType is always sent: without it Java's router receives nothing.
 * - DestroySession may be answered by SessionStatus, Disconnect, a closed socket or nothing (Java, i2pd, emissary).
 * - The LeaseSet's encryption key is new in each session: i2pd does not replace a ratchet that is younger than 120 s,
 *   although a router that was restarted has lost its end of it (core/lease-sets.ts).
 * - i2pd's I2CP server is off by default (i2cp.enabled=true in i2pd.conf): a refused connection says so little that
 *   the error's text has to.
 */

/**
 * API version in GetDate. No router has this version itself (Java publishes "0.9.67" without a build number), so a
 * router that says it back is one that echoes: i2pd (github.com/PurpleI2P/i2pd/issues/2204).
 */
export const CLIENT_VERSION = '0.9.67-1'

export interface Quirks {
  /**
   * The router may ask for the first LeaseSet before its first outbound tunnel stands, and lose an answer that comes
   * at once (i2pd 2.45.1: "Destination is not ready"; peers then get status 21 for 45 s and more). Waiting 0.5 to 1 s
   * worked in 17 of 17 rounds; it must come within 10 s.
   */
  readonly losesEarlyLeaseSet: boolean
  /**
   * i2cp.dontPublishLeaseSet is read the wrong way round (i2pd, Destination.cpp). Absent means published on i2pd and
   * Java, so it is left out by default; a value that is given is turned round for such a router.
   */
  readonly invertedDontPublish: boolean
}

export function detectQuirks (setDateVersion: string): Quirks {
  const echoes = setDateVersion === CLIENT_VERSION
  return { losesEarlyLeaseSet: echoes, invertedDontPublish: echoes }
}

/** Wait before the first CreateLeaseSet2 on a router with `losesEarlyLeaseSet`, ms. */
export const EARLY_LEASE_SET_DELAY = 750

const DONT_PUBLISH = 'i2cp.dontPublishLeaseSet'

/** The options as this router has to hear them. */
export function optionsFor (quirks: Quirks, options: Mapping): Mapping {
  const value = options[DONT_PUBLISH]
  if (!quirks.invertedDontPublish || value === undefined) return options
  return { ...options, [DONT_PUBLISH]: value === 'true' ? 'false' : 'true' }
}

/**
 * emissary publishes a LeaseSet only if i2cp.dontPublishLeaseSet=false is given (session.rs). It answers
 * GetBandwidthLimits with constants, which is how it shows. Too late for the session that asked: set the option.
 */
export function publishesOnlyIfTold (limits: Bandwidth): boolean {
  return limits.clientInbound === 50 && limits.clientOutbound === 50 && limits.burstTime === 20
}
