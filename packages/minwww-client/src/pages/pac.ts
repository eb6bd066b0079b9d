/** `all` sends everything through the proxy, `i2p` only .i2p hosts. */
export type PacMode = 'all' | 'i2p'

/** Proxy auto-configuration for the address under which this proxy was asked. Names of the own network stay direct. */
export function pacFile (proxy: string, mode: PacMode): string {
  const fallback = mode === 'all' ? `'PROXY ${proxy}'` : "'DIRECT'"
  return `function FindProxyForURL (url, host) {
  host = host.toLowerCase().replace(/\\.$/, '')
  if (host === 'localhost' || host === '[::1]' || shExpMatch(host, '127.*')) return 'DIRECT'
  if (dnsDomainIs(host, '.i2p')) return 'PROXY ${proxy}'
  if (isPlainHostName(host)) return 'DIRECT'
  return ${fallback}
}
`
}
