import { ServerError } from '../errors.ts'
import { parseUrl } from '@minwww/protocol'

/** Where a request wants to go, after parsing and before any policy. */
export interface RequestTarget {
  scheme: 'http' | 'https'
  /** Lower case, without brackets and without a trailing dot. */
  host: string
  port: number
  /** `host` or `host:port` as a Host field has it; the default port is left out. */
  authority: string
  /** Path and query, byte for byte (RFC 9110 section 7.7), begins with `/`. */
  path: string
  /** The URL has neither path nor query. */
  isBare: boolean
}

const MAX_URL = 8_192
// What a URL parser would silently drop or rewrite (white space, controls, backslashes, non-ASCII) is refused, so that
// the exit and whoever reads the URL after it see the same one.
// eslint-disable-next-line no-control-regex
const ODD = /[\x00-\x20\x7f-\uffff\\]/
const EMPTY_LABEL = /^(?:$|\.)|\.(?:\.|$)/

/**
 * Reads an absolute-form request target. The URL parser has turned odd spellings of IPv4 addresses (octal, hexadecimal,
 * one number) into the usual one, so the guard sees what the connection would use.
 *
 * @throws ServerError MINWWW_EXIT_BAD_REQUEST, MINWWW_EXIT_POLICY for a scheme that is not http or https
 */
export function parseTarget (url: string): RequestTarget {
  if (url.length > MAX_URL || ODD.test(url)) throw badUrl()
  const [, name, rest] = /^([a-z][a-z0-9+.-]*):\/\/[^/?#]+([^#]*)/i.exec(url) ?? []
  if (name === undefined || rest === undefined) throw badUrl()
  const scheme = name.toLowerCase()
  if (scheme !== 'http' && scheme !== 'https') {
    throw new ServerError('MINWWW_EXIT_POLICY', 'this exit fetches http and https addresses only')
  }
  const parsed = parseUrl(url)
  if (parsed === undefined || parsed.hostname === '' || parsed.username !== '' || parsed.password !== '') throw badUrl()
  const host = plainHost(parsed.hostname)
  // Some resolvers take `a.example..` for `a.example`, and no list of names has it.
  if (EMPTY_LABEL.test(host)) throw badUrl()
  return {
    scheme,
    host,
    port: parsed.port === '' ? defaultPort(scheme) : Number(parsed.port),
    authority: parsed.host,
    path: rest.startsWith('/') ? rest : `/${rest}`,
    isBare: rest === ''
  }
}

/**
 * Reads the authority-form target of CONNECT: `host:port`, the port is required.
 *
 * @throws ServerError MINWWW_EXIT_BAD_REQUEST
 */
export function parseAuthority (text: string): { host: string, port: number } {
  const port = /:(\d{1,5})$/.exec(text)?.[1]
  if (port === undefined || /[/?#@]/.test(text)) throw badUrl()
  const { host } = parseTarget(`http://${text}/`)
  const number = Number(port)
  if (number < 1 || number > 65_535) throw badUrl()
  return { host, port: number }
}

export function plainHost (host: string): string {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host
  return (bare.endsWith('.') ? bare.slice(0, -1) : bare).toLowerCase()
}

export function defaultPort (scheme: 'http' | 'https'): number {
  return scheme === 'http' ? 80 : 443
}

function badUrl (): ServerError {
  return new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the address in the request is not a well-formed http URL')
}
