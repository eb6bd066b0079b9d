import { DEFAULT_MESSAGE_SIZE, MAX_RESENDS, PATIENCE } from './constants.ts'
import type { StreamingOptions } from './options.ts'

/** What a connection needs of the options. Times in ms; undefined times are off. */
export interface ConnectionConfig {
  readonly profile: 'bulk' | 'interactive'
  readonly bufferSize: number
  readonly initialWindow: number
  readonly maxWindow: number
  /** Payload we accept and announce, bytes. */
  readonly maxMessageSize: number
  /** Payload we send before the peer announced its own, bytes. */
  readonly initialMessageSize: number
  readonly maxResends: number
  /** A packet is repeated until so long after the first timeout, ms, before a peer that does not answer is given up. */
  readonly patience: number
  readonly initialRto: number
  readonly initialRtt: number
  readonly initialAckDelay: number
  readonly initialResendDelay: number
  readonly slowStartGrowthRateFactor: number
  readonly congestionAvoidanceGrowthRateFactor: number
  readonly connectDelay: number
  readonly connectTimeout: number | undefined
  readonly inactivityTimeout: number | undefined
  readonly inactivityAction: number
  readonly readTimeout: number | undefined
  readonly writeTimeout: number | undefined
}

export function connectionConfig (options: StreamingOptions): ConnectionConfig {
  return {
    profile: options.profile === 2 ? 'interactive' : 'bulk',
    bufferSize: options.bufferSize,
    initialWindow: Math.min(options.initialWindowSize, options.maxWindowSize),
    maxWindow: options.maxWindowSize,
    maxMessageSize: options.maxMessageSize,
    initialMessageSize: Math.min(options.maxMessageSize, DEFAULT_MESSAGE_SIZE),
    maxResends: options.maxResends,
    patience: options.maxResends < MAX_RESENDS ? 0 : PATIENCE,
    initialRto: options.initialRTO,
    initialRtt: options.initialRTT,
    initialAckDelay: options.initialAckDelay,
    initialResendDelay: options.initialResendDelay,
    slowStartGrowthRateFactor: options.slowStartGrowthRateFactor,
    congestionAvoidanceGrowthRateFactor: options.congestionAvoidanceGrowthRateFactor,
    connectDelay: options.connectDelay,
    connectTimeout: timeout(options.connectTimeout),
    inactivityTimeout: timeout(options.inactivityTimeout),
    inactivityAction: options.inactivityAction,
    readTimeout: timeout(options.readTimeout),
    writeTimeout: timeout(options.writeTimeout)
  }
}

/** Zero and below: off. */
function timeout (ms: number): number | undefined {
  return ms > 0 ? ms : undefined
}
