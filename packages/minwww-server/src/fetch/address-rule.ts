import ipaddr from 'ipaddr.js'
import { ServerError } from '../errors.ts'

export type Address = ipaddr.IPv4 | ipaddr.IPv6

/** One range of addresses, with a port or for all ports. */
export interface AddressRule {
  network: Address
  /** 0 to 32 or 0 to 128 bits. */
  prefix: number
  port: number | undefined
}

/**
 * Reads `CIDR[:PORT]`: `10.0.0.0/8`, `127.0.0.1:8080`, `[::1]:80`, `[fd00::/8]:80`, `fd00::/8`.
 *
 * @throws ServerError MINWWW_EXIT_BAD_OPTION
 */
export function parseAddressRule (text: string): AddressRule {
  const { cidr, port } = splitPort(text.trim())
  try {
    const [network, prefix] = cidr.includes('/') ? ipaddr.parseCIDR(cidr) : single(cidr)
    return normalise(network, prefix, port)
  } catch (cause) {
    throw new ServerError('MINWWW_EXIT_BAD_OPTION', `'${text}' is not CIDR[:PORT]: write 10.0.0.0/8, 127.0.0.1:8080 or [::1]:80`, { cause })
  }
}

/** `address` must have gone through `parseAddress`, so that an IPv4-mapped form meets the IPv4 rules. */
export function matchesRule (rule: AddressRule, address: Address, port: number): boolean {
  if (rule.port !== undefined && rule.port !== port) return false
  if (rule.network.kind() !== address.kind()) return false
  return (address as ipaddr.IPv4).match(rule.network as ipaddr.IPv4, rule.prefix)
}

/** The address in its plain form: IPv4 inside ::ffff:0:0/96 becomes IPv4. Undefined if the text is not an address literal. */
export function parseAddress (text: string): Address | undefined {
  const zone = text.indexOf('%')
  const bare = zone === -1 ? text : text.slice(0, zone)
  if (!ipaddr.IPv6.isValid(bare) && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return undefined
  return ipaddr.process(bare)
}

function splitPort (text: string): { cidr: string, port: number | undefined } {
  const bracketed = /^\[([^\]]+)\](\/\d+)?(?::(\d+))?$/.exec(text)
  if (bracketed !== null) return { cidr: `${bracketed[1]}${bracketed[2] ?? ''}`, port: parsePort(bracketed[3], text) }
  const colon = text.indexOf(':')
  if (colon === -1 || text.includes(':', colon + 1)) return { cidr: text, port: undefined }
  return { cidr: text.slice(0, colon), port: parsePort(text.slice(colon + 1), text) }
}

function parsePort (text: string | undefined, whole: string): number | undefined {
  if (text === undefined) return undefined
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (!(port >= 1 && port <= 65_535)) throw new ServerError('MINWWW_EXIT_BAD_OPTION', `'${whole}' has no valid port`)
  return port
}

function single (text: string): [Address, number] {
  const address = parseAddress(text)
  if (address === undefined) throw new RangeError('not an address')
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

function normalise (network: Address, prefix: number, port: number | undefined): AddressRule {
  const mapped = network.kind() === 'ipv6' && (network as ipaddr.IPv6).isIPv4MappedAddress() && prefix >= 96
  return mapped
    ? { network: (network as ipaddr.IPv6).toIPv4Address(), prefix: prefix - 96, port }
    : { network, prefix, port }
}
