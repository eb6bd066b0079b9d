import type { Destination, Logger } from '@minwww/i2cp'
import type { ClientConfig } from '../core.ts'
import type { StreamConnector } from '../route/streams.ts'
import type { DriverOptions } from './client-driver.ts'
import type { ProxySession } from './proxy-session.ts'

/** An exit: base64 Destination, b32 or name that the router can look up, or a Destination with a name for the console. */
export type ExitSpec = string | { id?: string, destination: Destination | string }

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

/** Sessions and streams of one isolated user. */
export interface Tunnels extends Pick<UsersOptions, 'streams' | 'renew'> { sessions: readonly ProxySession[] }

/** Sessions, exits and caches: of everybody, or of each isolated user. */
export interface UsersOptions {
  /** One session, or two (the second is for retries where there is only one exit). A promise lets the proxy listen at once. */
  sessions: readonly ProxySession[] | Promise<readonly ProxySession[]>
  /**
   * Opens a session with new keys that is to take the place of session `source`: because that one has lost its router (state
   * 'reconnecting', or closed with an error), or beside it because nothing is heard over it. It may still be connecting. The
   * proxy calls `close` of the one that is replaced. Without it sessions come back by themselves, but exits' routers may not
   * reach them for minutes. Made for `streams` that is a function: that is called again.
   */
  renew?: (source: number) => ProxySession
  exits: readonly ExitSpec[]
  /** Exits of lists may come. */
  isLooking?: () => boolean
  /** Sites of I2P only: no exit is taken, neither at the start nor later. */
  i2pOnly?: boolean
  /** Manager of the first session, or how to make one once the session is there. Without it only GET and HEAD work. */
  streams?: StreamConnector | ((session: ProxySession) => StreamConnector)
  logger?: Logger
  /** Shortcuts into `config`. */
  strategy?: ClientConfig['strategy']
  replyMode?: ClientConfig['replyMode']
  config?: Partial<ClientConfig>
  /** Own Destinations for each user name of `auth`: called once per user; the caller closes what it made. */
  isolate?: (user: string) => Promise<Tunnels>
  /**
   * Users of an isolated proxy who see on the console what all users do, and who change what all share: exits, names, every cache.
   * Everybody else sees and clears only what is their own. Default: nobody.
   */
  administrators?: readonly string[]
  /** `false` switches the cache off. */
  cache?: CacheOptions | false
  /**
   * Directory that keeps what is known of the exits (their answers, round trips, which site is tied to which) over a
   * restart, for everybody but isolated users. It is created.
   */
  stateDirectory?: string
  /** Replaces the core of the message path, for tests. */
  createCore?: DriverOptions['createCore']
}
