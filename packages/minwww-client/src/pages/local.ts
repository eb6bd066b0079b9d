import type { IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { valuesOf, pairs } from '../http/fields.ts'
import { ProxyError } from '../http/failures.ts'
import type { PoolHealth } from '../sessions/pool-health.ts'
import { LOCAL_HOST, parseAuthority, type Target } from '../http/target.ts'

/** The same page, loaded in two ways: what MinWWW is for, at a glance. Plain text. */
export interface Gain {
  /** What was loaded, and over which network. */
  what: string
  /** The ways, and the median time of each, ms; undefined as long as it is being measured. */
  ways: ReadonlyArray<{ name: string, ms: number | undefined }>
  /** Where both can be seen. */
  link: { href: string, text: string }
}

/** What the local pages say of the proxy. */
export interface LocalProxy {
  readonly ready: boolean
  readonly state: string
  readonly health: PoolHealth
  /** Nothing ever goes to an exit. */
  readonly i2pOnly: boolean
  readonly notice: string | undefined
  readonly gain: Gain | undefined
}

/** Requests that came through the proxy for its own host, with the user; everything else must name the listener's own address. */
const THROUGH_PROXY = new WeakMap<IncomingMessage, string | undefined>()

/** True for an absolute-form target that means the proxy's own pages. */
export const isLocalTarget = (target: Target): boolean => target.host === LOCAL_HOST && target.port === 80

/** Marks a request as one for the local pages and gives it the origin-form that their routes match. */
export function toLocal (request: IncomingMessage, target: Target, user: string | undefined): void {
  THROUGH_PROXY.set(request, user)
  request.url = target.path
}

/** True for a request that came in absolute-form, and so past the proxy's own authentication. */
export const cameThroughProxy = (request: IncomingMessage): boolean => THROUGH_PROXY.has(request)

/** The user whom the proxy's own authentication found; undefined where nobody has to sign in. */
export const userThroughProxy = (request: IncomingMessage): string | undefined => THROUGH_PROXY.get(request)

export class LocalGuard {
  readonly #names: ReadonlySet<string>

  /** `hostnames`: further values of Host, with port. */
  constructor (hostnames: readonly string[]) {
    this.#names = new Set(hostnames.map(name => name.toLowerCase()))
  }

  /**
   * The origin under which the browser sees this page. A page of somebody else's that got a name for this address
   * (DNS rebinding) or loads it from its own pages is refused.
   * @throws ProxyError MINWWW_MISDIRECTED, MINWWW_FORBIDDEN
   */
  check (request: IncomingMessage): string {
    const origin = THROUGH_PROXY.has(request) ? `http://${LOCAL_HOST}` : this.#directOrigin(request)
    const fields = pairs(request.rawHeaders)
    const [site] = valuesOf(fields, 'sec-fetch-site')
    const [mode] = valuesOf(fields, 'sec-fetch-mode')
    const isNavigation = mode === 'navigate' && request.method === 'GET' && valuesOf(fields, 'sec-fetch-dest')[0] === 'document'
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isNavigation) {
      throw new ProxyError('MINWWW_FORBIDDEN', 'asked for by another site')
    }
    const [sender] = valuesOf(fields, 'origin')
    if (sender !== undefined && sender !== origin) throw new ProxyError('MINWWW_FORBIDDEN', 'sent by another origin')
    return origin
  }

  #directOrigin (request: IncomingMessage): string {
    const host = request.headers.host ?? ''
    const { localPort = 0, localAddress = '' } = request.socket as Socket
    if (this.#names.has(host.toLowerCase())) return `http://${host.toLowerCase()}`
    const { host: name, port } = parseHost(host)
    const own = localAddress.replace(/^::ffff:/, '')
    const isOwn = name === 'localhost' || name === '127.0.0.1' || name === '::1' || (isIP(name) !== 0 && name === own)
    if (!isOwn || port !== localPort) throw new ProxyError('MINWWW_MISDIRECTED')
    return `http://${host.toLowerCase()}`
  }
}

function parseHost (host: string): { host: string, port: number } {
  try {
    return parseAuthority(host, 80)
  } catch {
    throw new ProxyError('MINWWW_MISDIRECTED')
  }
}

/** True where an absolute-form request leads back to this listener. */
export function isLoop (request: IncomingMessage, target: Target): boolean {
  const { localPort, localAddress = '' } = request.socket as Socket
  if (target.port !== localPort) return false
  return target.host === 'localhost' || target.host === localAddress.replace(/^::ffff:/, '') || isLoopback(target.host)
}

/** 127.0.0.0/8 and ::1, in whichever writing. */
export function isLoopback (host: string): boolean {
  try {
    const { hostname } = new URL(`http://${host.includes(':') ? `[${host}]` : host}/`)
    return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname)
  } catch {
    return false
  }
}
