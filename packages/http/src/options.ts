import type { ConnectionOptions } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { Clock, Logger } from '@minwww/ground'
import type { LocalDestination, RouterAddress, ServiceRecord, SessionOptions, SessionOptionValues } from '@minwww/i2cp'
import { encodeServiceRecords, isServiceKey } from '@minwww/i2cp'
import { parseOptions } from '@minwww/streaming'
import type { StreamingOptions } from '@minwww/streaming'
import { DEFAULT_CONNECTIONS } from './bounds.ts'
import { I2pError } from './errors.ts'

/** Names of the streaming document, with values as its options have them. docs/reference/streaming.md has ranges and defaults. */
export const STREAMING_OPTION_NAMES = [
  'i2cp.accessList', 'i2cp.destination.sigType', 'i2cp.enableAccessList', 'i2cp.enableBlackList', 'i2p.streaming.answerPings',
  'i2p.streaming.blacklist', 'i2p.streaming.bufferSize', 'i2p.streaming.congestionAvoidanceGrowthRateFactor',
  'i2p.streaming.connectDelay', 'i2p.streaming.connectTimeout', 'i2p.streaming.disableRejectLogging', 'i2p.streaming.dsalist',
  'i2p.streaming.enforceProtocol', 'i2p.streaming.inactivityAction', 'i2p.streaming.inactivityTimeout',
  'i2p.streaming.initialAckDelay', 'i2p.streaming.initialResendDelay', 'i2p.streaming.initialRTO', 'i2p.streaming.initialRTT',
  'i2p.streaming.initialWindowSize', 'i2p.streaming.limitAction', 'i2p.streaming.maxConcurrentStreams',
  'i2p.streaming.maxConnsPerMinute', 'i2p.streaming.maxConnsPerHour', 'i2p.streaming.maxConnsPerDay',
  'i2p.streaming.maxMessageSize', 'i2p.streaming.maxResends', 'i2p.streaming.maxTotalConnsPerMinute',
  'i2p.streaming.maxTotalConnsPerHour', 'i2p.streaming.maxTotalConnsPerDay', 'i2p.streaming.maxWindowSize',
  'i2p.streaming.profile', 'i2p.streaming.readTimeout', 'i2p.streaming.slowStartGrowthRateFactor',
  'i2p.streaming.tcbcache.rttDampening', 'i2p.streaming.tcbcache.rttdevDampening', 'i2p.streaming.tcbcache.wdwDampening',
  'i2p.streaming.writeTimeout'
] as const

/** Options of session, LeaseSet and streams by the names that they have in I2P's specifications. */
export type I2pOptions = SessionOptionValues & {
  readonly [Name in (typeof STREAMING_OPTION_NAMES)[number]]?: string | number | boolean
} & {
  readonly [Name in `i2cp.leaseSetOption.${number}` | `i2cp.leaseSetClient.${'dh' | 'psk'}.${number}`]?: string
}

/** What createI2p() takes. Times in ms. */
export interface CreateOptions {
  /** 'HOST:PORT' of the router's I2CP, details of it, or what has connect(), such as an embedded router. Default 127.0.0.1:7654. */
  router?: string | RouterAddress | { connect (): Duplex }
  /** Keys, or the file that has them, or is to have them. Default: a new Destination that lives as long as the session. */
  keys?: LocalDestination | string
  options?: I2pOptions
  /** Services to publish in the LeaseSet, by `_service._proto` (proposal 167): { '_http._tcp': { ttl: 86400, port: 80 } }. */
  services?: Readonly<Record<string, ServiceRecord | readonly ServiceRecord[]>>
  /** Closes the session. */
  signal?: AbortSignal
  /** For a look-up; default 30 s. */
  lookupTimeout?: number
  /** For the head of an answer, redirects included, of fetch(); default 120 s. */
  requestTimeout?: number
  /** Between two parts of a body, of fetch() and the dispatcher; default 120 s. */
  bodyTimeout?: number
  /** How long agents and dispatcher keep a stream without a request; default 30 s. */
  keepAliveTimeout?: number
  /** Streams to one host and port at a time, of an agent and of the dispatcher; default 32. What is more waits. */
  connections?: number
  /** For https and wss URLs through fetch() and the dispatcher, such as `ca`. */
  tls?: ConnectionOptions
  /** More for the session: user and password, hosts, time-outs, back-off. */
  session?: Omit<SessionOptions, 'router' | 'connect' | 'keys' | 'options' | 'signal' | 'clock' | 'logger'>
  logger?: Logger
  /** Time for session and streams; a test passes a virtual one. */
  clock?: Clock
}

export interface Settings {
  readonly lookupTimeout: number
  readonly requestTimeout: number
  readonly bodyTimeout: number
  readonly keepAliveTimeout: number
  readonly connections: number
}

const DEFAULTS: Settings = {
  lookupTimeout: 30_000, requestTimeout: 120_000, bodyTimeout: 120_000, keepAliveTimeout: 30_000, connections: DEFAULT_CONNECTIONS
}
const MAX_TIME = 2 ** 31 - 1
const MAX_CONNECTIONS = 16_384
const LEASE_SET_OPTION = 'i2cp.leaseSetOption.'

/** Throws I2P_BAD_OPTION. */
export function settingsOf (options: CreateOptions): Settings {
  const settings = { ...DEFAULTS }
  for (const name of Object.keys(DEFAULTS) as Array<keyof Settings>) {
    const value = options[name] ?? DEFAULTS[name]
    const most = name === 'connections' ? MAX_CONNECTIONS : MAX_TIME
    if (!Number.isInteger(value) || value < 1 || value > most) throw bad(`${name}: a whole number from 1 to ${most}`)
    Object.assign(settings, { [name]: value })
  }
  return settings
}

/** What the session gets, and what the streams. Throws STREAMING_BAD_OPTION, I2P_BAD_OPTION. */
export function splitOptions (
  { options = {}, services = {} }: CreateOptions
): { session: Record<string, string | number | boolean>, streaming: Partial<StreamingOptions> } {
  const session: Record<string, string | number | boolean> = {}
  const streaming: Record<string, string> = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if ((STREAMING_OPTION_NAMES as readonly string[]).includes(name)) streaming[name] = String(value)
    else session[name] = value
  }
  let next = 0
  while (`${LEASE_SET_OPTION}${next}` in session) next++
  for (const [key, records] of Object.entries(services)) {
    if (!isServiceKey(key)) throw bad(`services: ${key} is not _service._proto`)
    session[`${LEASE_SET_OPTION}${next++}`] = `${key}=${encodeServiceRecords(Array.isArray(records) ? records : [records])}`
  }
  return { session, streaming: parseOptions(streaming) }
}

/** 'HOST:PORT', with the host of an IPv6 address in brackets. Throws I2P_BAD_OPTION. */
export function parseRouter (text: string): RouterAddress {
  const [, host = '', port = ''] = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+):(\d{1,5})$/.exec(text) ?? []
  if (host === '' || Number(port) < 1 || Number(port) > 65_535) throw bad('router: HOST:PORT, such as 127.0.0.1:7654')
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function bad (detail: string): I2pError { return new I2pError('I2P_BAD_OPTION', { detail }) }
