import type { Destination, Logger } from '@minwww/i2cp'
import type { StreamConnector } from '../route/streams.ts'
import type { ClientConfig } from '../core.ts'
import type { DriverOptions } from '../sessions/client-driver.ts'
import type { ProxySession } from '../sessions/proxy-session.ts'
import { allowedName, DEFAULT_SANITIZE, type SanitizeOptions } from '../http/request-fields.ts'

/** An exit: base64 Destination, b32 or name that the router can look up, or a Destination with a name for the console. */
export type ExitSpec = string | { id?: string, destination: Destination | string }

/** Basic authentication of the proxy's users. */
export interface AuthOptions {
  /** User name to password. */
  users: Readonly<Record<string, string>>
}

export interface CacheOptions {
  /** Bodies and fields in memory, bytes. Default 64 MiB; the least recently used go. */
  maxBytes?: number
  /** Largest response kept, bytes. Default 4 MiB. */
  maxEntryBytes?: number
  /** Directory of the optional disk store; it is created. One proxy per directory. */
  directory?: string
  /** Bytes on disk. Default 512 MiB. */
  maxDiskBytes?: number
}

export interface NameOptions {
  /** hosts.txt format: name=base64 Destination, a line each. Names confirmed by the user are added to it. */
  hostsFile?: string
  /** Jump services offered on the not-found page: title to an address that the name is appended to. */
  jumpServices?: Readonly<Record<string, string>>
}

/** Sessions and streams of one isolated user. */
export interface Tunnels extends Pick<ProxyOptions, 'streams' | 'renew'> { sessions: readonly ProxySession[] }

/** How long each phase may take, ms. */
export interface Timeouts {
  /** A request's head, from its first byte on. Default 15,000. */
  head: number
  /** A whole request with its body. Default 21,600,000, six hours: uploads go as fast as a tunnel does. */
  upload: number
  /** A browser's idle connection. Default 120,000. */
  keepAlive: number
  /**
   * Until the head of an answer over a stream, from the last part of the request's body on: long polling takes minutes.
   * Default 300,000.
   */
  answer: number
  /**
   * Without a byte of an answer's body that has begun, be it the site that is silent or the browser that does not read.
   * Default 3,600,000.
   */
  silence: number
  /** Without a byte in either direction of a tunnel: CONNECT or a WebSocket. Default 3,600,000. */
  tunnel: number
}

export interface ProxyOptions {
  /** One session, or two (the second is for retries where there is only one exit). A promise lets the proxy listen at once. */
  sessions: readonly ProxySession[] | Promise<readonly ProxySession[]>
  /**
   * Opens a session with new keys in the place of session `source`, which has lost its router (state 'reconnecting', or
   * closed with an error), and closes that one. It may still be connecting. Without it sessions come back by themselves,
   * but exits' routers may not reach them for minutes. Made for `streams` that is a function: that is called again.
   */
  renew?: (source: number) => ProxySession
  exits: readonly ExitSpec[]
  /** Port 0 takes a free one. A host that is not loopback needs `auth`. */
  listen: { host: string, port: number }
  /** Manager of the first session, or how to make one once the session is there. Without it only GET and HEAD work. */
  streams?: StreamConnector | ((session: ProxySession) => StreamConnector)
  logger?: Logger
  /** Shortcuts into `config`. */
  strategy?: ClientConfig['strategy']
  replyMode?: ClientConfig['replyMode']
  config?: Partial<ClientConfig>
  /** Total deadline of a request by messages, and until a stream stands for one by stream, ms. Default 60,000. */
  timeout?: number
  /** Deadlines of the phases of a connection and of an exchange. */
  timeouts?: Partial<Timeouts>
  auth?: AuthOptions
  /** Own Destinations for each user name of `auth`: called once per user; the caller closes what it made. */
  isolate?: (user: string) => Promise<Tunnels>
  /**
   * Users of an isolated proxy who see on the console what all users do, and who change what all share: exits, names, every cache.
   * Everybody else sees and clears only what is their own. Default: nobody.
   */
  administrators?: readonly string[]
  /** More values of Host under which the local pages may be asked for, such as a name in the LAN with its port. */
  hostnames?: readonly string[]
  sanitize?: Partial<SanitizeOptions>
  /** Names of request fields that are passed on as well, in any case. A field that is always removed is refused with a RangeError. */
  allowFields?: readonly string[]
  /** What start page and console say of this proxy before anything else, for example that it is a demo. Plain text. */
  notice?: string
  /** `false` switches the cache off. */
  cache?: CacheOptions | false
  names?: NameOptions
  /**
   * Directory that keeps what is known of the exits (their answers, round trips, which site is tied to which) over a
   * restart, for everybody but isolated users. It is created.
   */
  stateDirectory?: string
  /** Ports that CONNECT opens on the clear web. Default `any`: each exit has its own list. */
  connectPorts?: readonly number[] | 'any'
  /** `refuse` answers literal private addresses here; `exit` (default) leaves that to the exit, which always checks. */
  privateAddresses?: 'refuse' | 'exit'
  /** Browser connections at a time. Default 1,024; more are closed. */
  maxConnections?: number
  /** Requests at a time. Default 512; more get 503. */
  maxInFlight?: number
  /** Largest request body that goes over a stream, bytes. Default 1 GiB. */
  maxBody?: number
  /** Replaces the core of the message path, for tests. */
  createCore?: DriverOptions['createCore']
}

type Plain = 'timeout' | 'connectPorts' | 'privateAddresses' | 'maxConnections' | 'maxInFlight' | 'maxBody'
export type Settings = Required<Pick<ProxyOptions, Plain>> & {
  timeouts: Timeouts
  sanitize: SanitizeOptions
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  head: 15_000, upload: 21_600_000, keepAlive: 120_000, answer: 300_000, silence: 3_600_000, tunnel: 3_600_000
}

export const DEFAULT_SETTINGS: Settings = {
  timeout: 60_000,
  timeouts: DEFAULT_TIMEOUTS,
  connectPorts: 'any',
  privateAddresses: 'exit',
  maxConnections: 1_024,
  maxInFlight: 512,
  maxBody: 1_073_741_824,
  sanitize: DEFAULT_SANITIZE
}

/** @throws RangeError for a name in `allowFields` that is none, or that is never passed on */
export function settingsOf (options: ProxyOptions): Settings {
  const {
    timeout = DEFAULT_SETTINGS.timeout,
    connectPorts = DEFAULT_SETTINGS.connectPorts,
    privateAddresses = DEFAULT_SETTINGS.privateAddresses,
    maxConnections = DEFAULT_SETTINGS.maxConnections,
    maxInFlight = DEFAULT_SETTINGS.maxInFlight,
    maxBody = DEFAULT_SETTINGS.maxBody
  } = options
  const sanitize = { ...DEFAULT_SANITIZE, ...options.sanitize }
  const allowFields = [...sanitize.allowFields, ...(options.allowFields ?? []).map(allowedName)]
  return {
    timeout,
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    connectPorts,
    privateAddresses,
    maxConnections,
    maxInFlight,
    maxBody,
    sanitize: { ...sanitize, allowFields }
  }
}

/** Services that answer with a link that brings the Destination of a name. The user decides; nothing is asked by itself. */
export const JUMP_SERVICES: Readonly<Record<string, string>> = {
  'stats.i2p': 'http://stats.i2p/cgi-bin/jump.cgi?a=',
  'notbob.i2p': 'http://notbob.i2p/cgi-bin/jump.cgi?q=',
  'reg.i2p': 'http://reg.i2p/jump/'
}
