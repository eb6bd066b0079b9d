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
 * - i2pd draws session ids of 16 bits at random and answers CreateSession with "refused" if the number is another
 *   session's; Java's router has "refused" for its limit of sessions, and says so in a Disconnect. Either may pass by
 *   itself, so a new connection asks again (core/attempts.ts). A Destination that has a session is "invalid" at i2pd.
 * - i2pd's I2CP server is off by default (i2cp.enabled=true in i2pd.conf): a refused connection says so little that
 *   the error's text has to.
 */

/**
 * API version in GetDate. No router has this version itself (Java publishes "0.9.67" without a build number), so a
 * router that says it back is one that echoes: i2pd up to 2.57 (github.com/PurpleI2P/i2pd/issues/2204).
 */
export const CLIENT_VERSION = '0.9.67-1'

/** Which implementation a router is, as its behaviour shows; 'minwww' is the embedded one. */
export type RouterKind = 'i2pd' | 'java' | 'emissary' | 'minwww' | 'unknown'

export interface Quirks {
  /**
   * The router may ask for the first LeaseSet before its first outbound tunnel stands, and lose an answer that comes
   * at once (i2pd up to 2.56; seen with 2.45.1: "Destination is not ready"; peers then get status 21 for 45 s and more).
   * Waiting 0.5 to 1 s worked in 17 of 17 rounds; it must come within 10 s. Since 2.57 i2pd waits for the tunnel itself.
   */
  readonly losesEarlyLeaseSet: boolean
  /**
   * i2cp.dontPublishLeaseSet is read the wrong way round (i2pd, Destination.cpp; seen with 2.45.1, 2.56 and 2.59). Absent
   * means published there and on Java.
   */
  readonly invertedDontPublish: boolean
  /** A LeaseSet is published only if i2cp.dontPublishLeaseSet is false (emissary 0.4.0, session.rs). */
  readonly publishesOnlyIfTold: boolean
}

export const NO_QUIRKS: Quirks = { losesEarlyLeaseSet: false, invertedDontPublish: false, publishesOnlyIfTold: false }

/**
 * Tells routers by what they do: i2pd says our own version back, or fills the client's fields of BandwidthLimits only;
 * emissary answers with constants; Java with its router's limits too.
 * @param setDateVersion - as SetDate says it
 * @param limits - absent where there was no answer
 */
export function kindOf (setDateVersion: string, limits: Bandwidth | undefined): RouterKind {
  if (setDateVersion === CLIENT_VERSION) return 'i2pd'
  if (limits === undefined) return 'unknown'
  const { clientInbound, clientOutbound, routerInbound, routerInboundBurst, routerOutbound, routerOutboundBurst, burstTime } = limits
  const router = [routerInbound, routerInboundBurst, routerOutbound, routerOutboundBurst]
  if (router.every(value => value === 0)) return burstTime === 0 && clientInbound > 0 ? 'i2pd' : 'unknown'
  const isFlat = router.every(value => value === clientInbound) && clientOutbound === clientInbound
  if (isFlat && burstTime === 1) return 'minwww'
  if (clientInbound === EMISSARY && clientOutbound === EMISSARY && (burstTime === 0 || burstTime === 20)) return 'emissary'
  return router.every(value => value > 0) && burstTime > 0 ? 'java' : 'unknown'
}

/** What emissary says of every limit, KB/s. */
const EMISSARY = 50

export function quirksOf (kind: RouterKind, setDateVersion: string): Quirks {
  return {
    losesEarlyLeaseSet: setDateVersion === CLIENT_VERSION,
    invertedDontPublish: kind === 'i2pd',
    publishesOnlyIfTold: kind === 'emissary'
  }
}

/** Wait before the first CreateLeaseSet2 on a router with `losesEarlyLeaseSet`, ms. */
export const EARLY_LEASE_SET_DELAY = 750

const DONT_PUBLISH = 'i2cp.dontPublishLeaseSet'

/** The options as this router has to hear them. Published is the default: "false" is said to nobody who may take it for the opposite. */
export function optionsFor (quirks: Quirks, options: Mapping): Mapping {
  const { [DONT_PUBLISH]: value, ...others } = options
  const isUnpublished = value === 'true'
  if (quirks.publishesOnlyIfTold) return { ...others, [DONT_PUBLISH]: String(isUnpublished) }
  if (!isUnpublished) return others
  return { ...others, [DONT_PUBLISH]: String(!quirks.invertedDontPublish) }
}
