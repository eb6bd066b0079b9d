import { UsageError } from './errors.ts'
import { parseUrl } from '@minwww/protocol/parse-url'

/** A listening or connecting address. */
export interface HostPort {
  host: string
  /** 0 to 65,535; 0 lets the system choose. */
  port: number
}

const HOST_PORT = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([^\s:[\]]{1,255})):([0-9]{1,5})$/

/** Reads `HOST:PORT`, with an IPv6 address in brackets. Throws UsageError that names `option`. */
export function parseHostPort (text: string, option: string): HostPort {
  const match = HOST_PORT.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new UsageError(`${option}: '${text}' is not HOST:PORT, for example 127.0.0.1:4480 or [::1]:4480`)
  }
  return { host: match[1] ?? match[2] ?? '', port }
}

/** The inverse of {@link parseHostPort}. */
export function formatHostPort ({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const SITE_NAME = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/
const MAX_SITE_NAME = 253

/**
 * Reads `NAME=URL` options into a table from host name to the origin of the HTTPD behind it.
 * Throws UsageError for a name that cannot be a host, a URL that is not http or https, and a name given twice.
 */
export function parseSites (entries: readonly string[], option = '--site'): Record<string, string> {
  const sites = new Map<string, string>()
  for (const entry of entries) {
    const equals = entry.indexOf('=')
    const name = entry.slice(0, equals).toLowerCase()
    if (equals < 1 || name.length > MAX_SITE_NAME || !SITE_NAME.test(name)) {
      throw new UsageError(`${option}: '${entry}' is not NAME=URL, for example demo.i2p=http://127.0.0.1:8080`)
    }
    if (sites.has(name)) throw new UsageError(`${option}: ${name} is given twice`)
    sites.set(name, originOf(entry.slice(equals + 1), option))
  }
  return Object.fromEntries(sites)
}

/**
 * Reads `NAME=URL`: the title of a jump service, and where the name that is looked for is appended. Throws UsageError that
 * begins with `option`.
 */
export function parseJump (entry: string, option: string): [string, string] {
  const equals = entry.indexOf('=')
  const url = entry.slice(equals + 1)
  if (equals < 1 || parseUrl(url) === undefined || !/^https?:/.test(url)) {
    throw new UsageError(`${option}: '${entry}' is not NAME=URL, for example stats.i2p=http://stats.i2p/cgi-bin/jump.cgi?a=`)
  }
  return [entry.slice(0, equals), url]
}

/** The web server of `--target`: HOST:PORT is http there. Throws UsageError that begins with `option`. */
export function parseOrigin (text: string, option: string): string {
  return originOf(text.includes('://') ? text : `http://${formatHostPort(parseHostPort(text, option))}`, option)
}

function originOf (text: string, option: string): string {
  const url = parseUrl(text)
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '') {
    throw new UsageError(`${option}: '${text}' is not the address of a web server, for example http://127.0.0.1:8080`)
  }
  return url.origin
}
