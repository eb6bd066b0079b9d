import { isIPv4, isIPv6 } from 'node:net'
import { ProxyError } from './failures.ts'

/** Where a request goes, taken apart from an absolute-form target without userinfo and fragment. */
export interface Target {
  /** Lower case, without brackets and without a final dot; a base64 Destination keeps its case. */
  readonly host: string
  readonly port: number
  /** Host field: host, with brackets, and the port where it is not 80. */
  readonly authority: string
  /** Path and query as they were written, at least "/"; only what is no printable ASCII, and the backslash, is percent-encoded. */
  readonly path: string
  /** There was neither path nor query (RFC 9112, section 3.2.4). */
  readonly isPathless: boolean
  /** http://authority/path?query */
  readonly url: string
  readonly kind: HostKind
}

/** `web` goes through the pool, the others to their own Destination. */
export type HostKind = 'web' | 'i2p-name' | 'b32' | 'b33' | 'b64'

/** The proxy's own host name, under which the browser reaches its pages through the proxy. */
export const LOCAL_HOST = 'minwww.i2p'

const MAX_NAME = 253 // characters, RFC 1035
const B32_LABEL = /^[a-z2-7]+$/
const B64_HOST = /^[A-Za-z0-9~-]{515,1200}={0,2}(\.i2p)?$/
const REGISTERED_NAME = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/** True for a request target with a scheme, in any case. */
export const isAbsoluteForm = (target: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(target)

/** @throws ProxyError MINWWW_BAD_REQUEST, MINWWW_SCHEME, MINWWW_BAD_HOST */
export function parseTarget (target: string): Target {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i.exec(target)
  if (match === null) throw new ProxyError('MINWWW_BAD_REQUEST', 'the request target is not an absolute address')
  const [, scheme = '', rawAuthority = '', rest = ''] = match
  if (scheme.toLowerCase() !== 'http') throw new ProxyError('MINWWW_SCHEME', scheme.slice(0, 20))
  const { host, port, kind } = parseAuthority(rawAuthority.slice(rawAuthority.lastIndexOf('@') + 1), 80)
  const path = encodeRest(rest.startsWith('/') ? rest : `/${rest}`)
  return { ...buildTarget(host, port, kind, path), isPathless: rest === '' }
}

/** The authority-form of CONNECT: host and port, both required. */
export function parseConnectTarget (target: string): Target {
  if (!/^[^@/?#]+:\d{1,5}$/.test(target)) throw new ProxyError('MINWWW_BAD_REQUEST', 'CONNECT needs a host and a port')
  const { host, port, kind } = parseAuthority(target, undefined)
  return buildTarget(host, port, kind, '/')
}

/** The same target with another path; `path` is used as it is. */
export const withPath = (target: Target, path: string): Target => buildTarget(target.host, target.port, target.kind, path)

/** The same target under another host. */
export const withHost = (target: Target, host: string, kind: HostKind): Target =>
  ({ ...buildTarget(host, target.port, kind, target.path), isPathless: target.isPathless })

function buildTarget (host: string, port: number, kind: HostKind, path: string): Target {
  const authority = `${host.includes(':') ? `[${host}]` : host}${port === 80 ? '' : `:${port}`}`
  return { host, port, kind, authority, path, isPathless: false, url: `http://${authority}${path}` }
}

/** Host and port of an authority without userinfo. */
export function parseAuthority (authority: string, defaultPort: number | undefined): { host: string, port: number, kind: HostKind } {
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{0,5}))?$/.exec(authority)
  if (match === null) throw new ProxyError('MINWWW_BAD_HOST', authority.slice(0, 100))
  const [, rawHost = '', rawPort = ''] = match
  const port = rawPort === '' ? defaultPort : Number(rawPort)
  if (port === undefined || port < 1 || port > 65_535) throw new ProxyError('MINWWW_BAD_HOST', `port ${rawPort.slice(0, 10)}`)
  return { port, ...classifyHost(rawHost) }
}

/** @throws ProxyError MINWWW_BAD_HOST */
export function classifyHost (rawHost: string): { host: string, kind: HostKind } {
  if (rawHost.startsWith('[')) {
    const address = rawHost.slice(1, -1).toLowerCase()
    if (!isIPv6(address) || address.includes('%')) throw new ProxyError('MINWWW_BAD_HOST', rawHost.slice(0, 100))
    return { host: address, kind: 'web' }
  }
  if (B64_HOST.test(rawHost)) return { host: rawHost.replace(/\.i2p$/, ''), kind: 'b64' }
  const host = rawHost.toLowerCase().replace(/\.$/, '')
  if (isIPv4(host)) return { host, kind: 'web' }
  if (host.endsWith('.b32.i2p') && host.length <= MAX_NAME) return classifyB32(host)
  if (!REGISTERED_NAME.test(host)) throw new ProxyError('MINWWW_BAD_HOST', rawHost.slice(0, 100))
  return { host, kind: host.endsWith('.i2p') ? 'i2p-name' : 'web' }
}

/** 52 characters are a hash; 56 and more an encrypted LeaseSet (b33). Names in front of the label are allowed and ignored. */
function classifyB32 (host: string): { host: string, kind: HostKind } {
  const label = host.slice(0, -'.b32.i2p'.length).split('.').pop() ?? ''
  if (!B32_LABEL.test(label) || (label.length !== 52 && label.length < 56)) {
    throw new ProxyError('MINWWW_BAD_HOST', `${host.slice(0, 80)}: not a b32 address`)
  }
  return { host, kind: label.length === 52 ? 'b32' : 'b33' }
}

/**
 * A proxy changes nothing of path and query (RFC 9110, section 7.7). A backslash is encoded, because some read it as a slash
 * and others do not.
 */
const encodeRest = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replace(/[\x00-\x20\\\x7f-\xff]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
