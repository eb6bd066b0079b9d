import type { AuthOptions } from '../http/auth.ts'
import { allowedName, DEFAULT_SANITIZE, type SanitizeOptions } from '../http/request-fields.ts'
import { DEFAULT_SETTINGS, DEFAULT_TIMEOUTS, type Settings, type Timeouts } from '../http/settings.ts'
import type { Gain } from '../pages/local.ts'
import type { UsersOptions } from '../sessions/options.ts'

export interface NameOptions {
  /** hosts.txt format: name=base64 Destination, a line each. Names confirmed by the user are added to it. */
  hostsFile?: string
  /** Jump services offered on the not-found page: title to an address that the name is appended to. */
  jumpServices?: Readonly<Record<string, string>>
}

type Plain = 'timeout' | 'connectPorts' | 'honestConnect' | 'privateAddresses' | 'i2pOnly' | 'maxConnections' | 'maxInFlight' | 'maxBody'

export interface ProxyOptions extends UsersOptions, Partial<Pick<Settings, Plain>> {
  /** Port 0 takes a free one. A host that is not loopback needs `auth`. */
  listen: { host: string, port: number }
  /** Deadlines of the phases of a connection and of an exchange. */
  timeouts?: Partial<Timeouts>
  auth?: AuthOptions
  /** More values of Host under which the local pages may be asked for, such as a name in the LAN with its port. */
  hostnames?: readonly string[]
  sanitize?: Partial<SanitizeOptions>
  /** Names of request fields that are passed on as well, in any case. A field that is always removed is refused with a RangeError. */
  allowFields?: readonly string[]
  /** What start page and console say of this proxy before anything else, for example that it is a demo. Plain text. */
  notice?: string
  /** Shown on the start page's first screen; asked for each time. */
  gain?: () => Gain | undefined
  names?: NameOptions
  /** Exits may send what a page needs before the browser asks for it. Default true. */
  push?: boolean
  /** Where no exit does so, the proxy reads pages and asks for what they need before the browser does. Default true. */
  preload?: boolean
  /** Lists of exits to subscribe to. */
  lists?: ListOptions
}

export interface ListOptions {
  /** http URLs of sites of I2P, 16 at most. */
  urls: readonly string[]
  /** Publishers that must name an exit. Default 2 where there are more than two, else 1. */
  agree?: number
  /** b32 addresses that are never used, such as that of an own exit. */
  never?: readonly string[]
}

/** @throws RangeError for a name in `allowFields` that is none, or that is never passed on */
export function settingsOf (options: ProxyOptions): Settings {
  const {
    timeout = DEFAULT_SETTINGS.timeout,
    connectPorts = DEFAULT_SETTINGS.connectPorts,
    honestConnect = DEFAULT_SETTINGS.honestConnect,
    privateAddresses = DEFAULT_SETTINGS.privateAddresses,
    i2pOnly = DEFAULT_SETTINGS.i2pOnly,
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
    honestConnect,
    privateAddresses,
    i2pOnly,
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
