/**
 * What routers do differently from the specification and from each other, in one place, each with its reason.
 * Quirks are told by behaviour: version strings say little (i2pd repeats the client's own).
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
  /** i2cp.dontPublishLeaseSet is read the wrong way round; absent is right on i2pd and Java, so it is left out by default. */
  readonly invertedDontPublish: boolean
}

export function detectQuirks (setDateVersion: string): Quirks {
  const echoes = setDateVersion === CLIENT_VERSION
  return { losesEarlyLeaseSet: echoes, invertedDontPublish: echoes }
}

/** Wait before the first CreateLeaseSet2 on a router with `losesEarlyLeaseSet`, ms. */
export const EARLY_LEASE_SET_DELAY = 750
