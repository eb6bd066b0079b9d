import { silentLogger } from '@minwww/ground'
import type { Clock, Logger } from '@minwww/ground'
import { systemClock } from '@minwww/ground/node'
import type { TraceEvent } from './network/flight.ts'
import type { NetworkOptions } from './network/options.ts'
import { RouterError } from './errors.ts'

/** Options of the I2CP server; those of the network beside it are {@link NetworkOptions}. */
export interface ServerOptions {
  /** Time from CreateSession to the first request for a LeaseSet, ms. */
  tunnelBuildTime: number
  /** Before the tunnels expire by this much, new ones are built and a new LeaseSet is requested, ms; at most half their life. */
  renewBefore: number
  /** Longest wait for a LeaseSet after its request before the client is disconnected, ms. */
  leaseSetTimeout: number
  /** Longest wait for the protocol byte, ms. */
  handshakeTimeout: number
  /** How long a message waits for the LeaseSet of its Destination before status 21, ms. */
  leaseSetPatience: number
  /** Time of a look-up that needs the network database, ms. */
  lookupTime: number
  /** Names that HostLookup resolves, to Destinations in I2P's base64. */
  hosts: Record<string, string>
  /** When set, GetDate must carry them before any other message. */
  auth?: { username: string, password: string }
  /** Connections at one time; further ones are closed. */
  maxConnections: number
  /** Sessions on one connection; a further CreateSession is refused. */
  maxSessionsPerConnection: number
  /** Look-ups of one connection that wait for their answer; further ones fail at once. */
  maxLookups: number
  /** Bytes that wait for a client that does not read; further payloads are dropped and counted. */
  sendQueue: number
  logger: Logger
  clock: Clock
  /** Told of each message's start and end. */
  onTrace?: (event: TraceEvent) => void
}

export type LocalRouterOptions = Partial<NetworkOptions> & Partial<ServerOptions>

export const SERVER_DEFAULTS: Readonly<ServerOptions> = Object.freeze({
  tunnelBuildTime: 10,
  renewBefore: 60_000,
  leaseSetTimeout: 60_000,
  handshakeTimeout: 10_000,
  leaseSetPatience: 200,
  lookupTime: 0,
  hosts: {},
  maxConnections: 1_024,
  maxSessionsPerConnection: 16,
  maxLookups: 256,
  sendQueue: 2 ** 20,
  logger: silentLogger,
  clock: systemClock
})

const MAX_TIME = 86_400_000
const MAX_COUNT = 2 ** 31

const RANGES: Partial<Record<keyof ServerOptions, [number, number]>> = {
  tunnelBuildTime: [0, MAX_TIME],
  renewBefore: [0, MAX_TIME],
  leaseSetTimeout: [1, MAX_TIME],
  handshakeTimeout: [1, MAX_TIME],
  leaseSetPatience: [0, MAX_TIME],
  lookupTime: [0, MAX_TIME],
  maxConnections: [1, MAX_COUNT],
  maxSessionsPerConnection: [1, 256],
  maxLookups: [1, MAX_COUNT],
  sendQueue: [1, MAX_COUNT]
}

/**
 * Fills in the defaults and checks the ranges.
 * @throws RouterError ROUTER_INVALID_OPTION
 */
export function serverOptions (given: Partial<ServerOptions>): ServerOptions {
  const options: ServerOptions = { ...SERVER_DEFAULTS }
  for (const key of [...Object.keys(SERVER_DEFAULTS), 'auth', 'onTrace'] as Array<keyof ServerOptions>) {
    if (given[key] !== undefined) Object.assign(options, { [key]: given[key] })
  }
  for (const [key, [low, high]] of Object.entries(RANGES) as Array<[keyof ServerOptions, [number, number]]>) {
    const value = options[key]
    if (typeof value !== 'number' || !(value >= low && value <= high)) {
      throw new RouterError('ROUTER_INVALID_OPTION', `router option ${key} must be ${low} to ${high}`)
    }
  }
  return options
}
