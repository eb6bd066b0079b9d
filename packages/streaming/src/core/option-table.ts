import { MAX_RESENDS } from './constants.ts'

/** The options of the streaming document as a typed configuration; units, bounds and defaults are in OPTION_TABLE. */
export interface StreamingOptions {
  /** Hashes in base64 or b32, of the access list or the blacklist of this Destination. */
  accessList: readonly string[]
  destinationSigType: number
  enableAccessList: boolean
  enableBlackList: boolean
  answerPings: boolean
  blacklist: readonly string[]
  bufferSize: number
  congestionAvoidanceGrowthRateFactor: number
  connectDelay: number
  connectTimeout: number
  disableRejectLogging: boolean
  dsalist: readonly string[]
  enforceProtocol: boolean
  inactivityAction: number
  inactivityTimeout: number
  initialAckDelay: number
  initialResendDelay: number
  initialRTO: number
  initialRTT: number
  initialWindowSize: number
  /** 'reset', 'drop', 'http', or the text to send (\r and \n written out). */
  limitAction: string
  maxConcurrentStreams: number
  maxConnsPerMinute: number
  maxConnsPerHour: number
  maxConnsPerDay: number
  maxMessageSize: number
  maxResends: number
  maxTotalConnsPerMinute: number
  maxTotalConnsPerHour: number
  maxTotalConnsPerDay: number
  maxWindowSize: number
  profile: number
  readTimeout: number
  slowStartGrowthRateFactor: number
  rttDampening: number
  rttdevDampening: number
  wdwDampening: number
  writeTimeout: number
}

interface RowBase {
  /** The name in the streaming document. */
  readonly name: string
  readonly field: keyof StreamingOptions
  readonly unit: string
}

export type OptionRow = RowBase & (
  | {
    readonly type: 'number',
    readonly default: number,
    readonly min: number,
    readonly max: number,
    readonly integer: boolean,
    readonly aliases?: Readonly<Record<string, number>>
  }
  | { readonly type: 'boolean', readonly default: boolean }
  | { readonly type: 'list', readonly default: readonly string[] }
  | { readonly type: 'text', readonly default: string, readonly max: number }
)

const DAY = 86_400_000
const NONE: readonly string[] = []
/** Connections per minute, hour or day. */
const MAX_CONNECTIONS = 1_000_000

/** Every option of the streaming document, "Options and Defaults", in its order. docs/reference/streaming.md explains each default. */
export const OPTION_TABLE: readonly OptionRow[] = [
  list('i2cp.accessList', 'accessList'),
  {
    ...integer(
      'i2cp.destination.sigType', 'destinationSigType', 'type', 7, 0, 65_535
    ),
    aliases: { EdDSA_SHA512_Ed25519: 7, Ed25519: 7, DSA_SHA1: 0 }
  } as OptionRow,
  boolean('i2cp.enableAccessList', 'enableAccessList', false),
  boolean('i2cp.enableBlackList', 'enableBlackList', false),
  boolean('i2p.streaming.answerPings', 'answerPings', true),
  list('i2p.streaming.blacklist', 'blacklist'),
  integer('i2p.streaming.bufferSize', 'bufferSize', 'bytes', 65_536, 1, 16_777_216),
  integer('i2p.streaming.congestionAvoidanceGrowthRateFactor', 'congestionAvoidanceGrowthRateFactor', 'divisor', 1, 1, 1_000),
  integer('i2p.streaming.connectDelay', 'connectDelay', 'ms', -1, -1, 60_000),
  integer('i2p.streaming.connectTimeout', 'connectTimeout', 'ms', 60_000, -1, DAY),
  boolean('i2p.streaming.disableRejectLogging', 'disableRejectLogging', false),
  list('i2p.streaming.dsalist', 'dsalist'),
  boolean('i2p.streaming.enforceProtocol', 'enforceProtocol', true),
  {
    ...integer('i2p.streaming.inactivityAction', 'inactivityAction', 'action', 2, 0, 2), aliases: { noop: 0, disconnect: 1, send: 2 }
  } as OptionRow,
  integer('i2p.streaming.inactivityTimeout', 'inactivityTimeout', 'ms', 90_000, -1, DAY),
  integer('i2p.streaming.initialAckDelay', 'initialAckDelay', 'ms', 500, 0, 60_000),
  integer('i2p.streaming.initialResendDelay', 'initialResendDelay', 'ms', 1_000, 0, 255_000),
  integer('i2p.streaming.initialRTO', 'initialRTO', 'ms', 9_000, 100, 45_000),
  integer('i2p.streaming.initialRTT', 'initialRTT', 'ms', 8_000, 1, 60_000),
  integer('i2p.streaming.initialWindowSize', 'initialWindowSize', 'packets', 6, 1, 128),
  { name: 'i2p.streaming.limitAction', field: 'limitAction', unit: 'text', type: 'text', default: 'reset', max: 4_096 },
  integer('i2p.streaming.maxConcurrentStreams', 'maxConcurrentStreams', 'streams', -1, -1, 1_000_000),
  integer('i2p.streaming.maxConnsPerMinute', 'maxConnsPerMinute', 'connections', 0, 0, MAX_CONNECTIONS),
  integer('i2p.streaming.maxConnsPerHour', 'maxConnsPerHour', 'connections', 0, 0, MAX_CONNECTIONS),
  integer('i2p.streaming.maxConnsPerDay', 'maxConnsPerDay', 'connections', 0, 0, MAX_CONNECTIONS),
  integer('i2p.streaming.maxMessageSize', 'maxMessageSize', 'bytes', 1_812, 512, 32_768),
  integer('i2p.streaming.maxResends', 'maxResends', 'resends', MAX_RESENDS, 0, 100),
  integer('i2p.streaming.maxTotalConnsPerMinute', 'maxTotalConnsPerMinute', 'connections', 0, 0, MAX_CONNECTIONS),
  integer('i2p.streaming.maxTotalConnsPerHour', 'maxTotalConnsPerHour', 'connections', 0, 0, MAX_CONNECTIONS),
  integer('i2p.streaming.maxTotalConnsPerDay', 'maxTotalConnsPerDay', 'connections', 0, 0, MAX_CONNECTIONS),
  integer('i2p.streaming.maxWindowSize', 'maxWindowSize', 'packets', 128, 1, 256),
  { ...integer('i2p.streaming.profile', 'profile', 'profile', 1, 1, 2), aliases: { bulk: 1, interactive: 2 } } as OptionRow,
  integer('i2p.streaming.readTimeout', 'readTimeout', 'ms', -1, -1, DAY),
  integer('i2p.streaming.slowStartGrowthRateFactor', 'slowStartGrowthRateFactor', 'divisor', 1, 1, 1_000),
  fraction('i2p.streaming.tcbcache.rttDampening', 'rttDampening'),
  fraction('i2p.streaming.tcbcache.rttdevDampening', 'rttdevDampening'),
  fraction('i2p.streaming.tcbcache.wdwDampening', 'wdwDampening'),
  integer('i2p.streaming.writeTimeout', 'writeTimeout', 'ms', -1, -1, DAY)
]

function integer (name: string, field: keyof StreamingOptions, unit: string, value: number, min: number, max: number): OptionRow {
  return { name, field, unit, type: 'number', default: value, min, max, integer: true }
}

function fraction (name: string, field: keyof StreamingOptions): OptionRow {
  return { name, field, unit: 'weight', type: 'number', default: 0.75, min: 0, max: 1, integer: false }
}

function boolean (name: string, field: keyof StreamingOptions, value: boolean): OptionRow {
  return { name, field, unit: 'boolean', type: 'boolean', default: value }
}

function list (name: string, field: keyof StreamingOptions): OptionRow {
  return { name, field, unit: 'list', type: 'list', default: NONE }
}
