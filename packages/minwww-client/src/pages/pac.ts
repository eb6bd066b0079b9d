/** `all` sends everything through the proxy, `i2p` only .i2p hosts. */
export type PacMode = 'all' | 'i2p'

/**
 * Proxy auto-configuration for the address under which this proxy was asked. Only a literal loopback address, or exactly
 * `localhost`, is direct: anything that is looked up by name would show the user's address, and the name, to others. Names are
 * therefore never compared by pattern (`127.*` is also the beginning of a name that anybody can register).
 */
export function pacFile (proxy: string, mode: PacMode): string {
  const fallback = mode === 'all' ? `'PROXY ${proxy}'` : "'DIRECT'"
  return `function FindProxyForURL (url, host) {
  host = host.toLowerCase().replace(/\\.+$/, '')
  if (/(^|\\.)i2p$/.test(host)) return 'PROXY ${proxy}'
  if (host === 'localhost' || host === '::1' || host === '[::1]') return 'DIRECT'
  if (/^127(\\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}$/.test(host)) return 'DIRECT'
  return ${fallback}
}
`
}
