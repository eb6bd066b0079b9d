import type ipaddr from 'ipaddr.js'
import { matchesRule, parseAddress, parseAddressRule, type Address, type AddressRule } from './address-rule.ts'

export interface GuardOptions {
  /** Exceptions, `CIDR[:PORT]`. Without a port the exception is for all ports. They come before every refusal. */
  allowAddresses?: readonly string[]
  /** Further forbidden ranges, `CIDR[:PORT]`, for example the router's I2CP port on a public address. */
  denyAddresses?: readonly string[]
  /** Ports that may be reached on public addresses. Default 80 and 443. */
  ports?: readonly number[]
  /** Addresses of this machine, asked for at every check. */
  ownAddresses?: () => readonly string[]
}

export const DEFAULT_PORTS: readonly number[] = [80, 443]

/**
 * Decides which addresses the exit may connect to. It sees address literals only: whoever connects resolves the name,
 * asks for every address, and connects to the address that was asked for (dialer.ts), so that a name cannot change
 * between the check and the connection.
 */
export class AddressGuard {
  #allow: readonly AddressRule[]
  #deny: readonly AddressRule[]
  #ports: ReadonlySet<number>
  #own: () => readonly string[]

  /** @throws ServerError MINWWW_EXIT_BAD_OPTION */
  constructor (options: GuardOptions = {}) {
    this.#allow = (options.allowAddresses ?? []).map(parseAddressRule)
    this.#deny = (options.denyAddresses ?? []).map(parseAddressRule)
    this.#ports = new Set(options.ports ?? DEFAULT_PORTS)
    this.#own = options.ownAddresses ?? (() => [])
  }

  /** The rules of another guard, for the connections to come. */
  take (other: AddressGuard): void {
    this.#allow = other.#allow
    this.#deny = other.#deny
    this.#ports = other.#ports
    this.#own = other.#own
  }

  permits (literal: string, port: number): boolean {
    const address = parseAddress(literal)
    if (address === undefined) return false
    if (this.#allow.some(rule => matchesRule(rule, address, port))) return true
    if (!this.#ports.has(port) || !isPublicAddress(address)) return false
    if (this.#deny.some(rule => matchesRule(rule, address, port))) return false
    return !this.#isOwn(address)
  }

  /** False if no address at all may be reached on this port, so that a name need not be resolved. */
  permitsPort (port: number): boolean {
    return this.#ports.has(port) || this.#allow.some(rule => rule.port === undefined || rule.port === port)
  }

  #isOwn (address: Address): boolean {
    const text = address.toString()
    return this.#own().some(own => parseAddress(own)?.toString() === text)
  }
}

/** Globally reachable unicast: none of the special ranges of RFC 6890, RFC 5735 and their successors. */
export function isPublicAddress (address: Address): boolean {
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || isGlobalIPv6(address as ipaddr.IPv6)
}

// ipaddr.js calls everything unicast that it has no name for, IPv4-compatible ::7f00:1 among it. Only 2000::/3 is
// assigned to global unicast (RFC 4291 section 2.4).
const GLOBAL_UNICAST = 0b001
// An interface identifier of ISATAP (RFC 5214) carries an IPv4 address that a tunnel end would send to.
const ISATAP = [[0x0000, 0x5efe], [0x0200, 0x5efe]] as const

function isGlobalIPv6 (address: ipaddr.IPv6): boolean {
  const parts = address.parts
  if ((parts[0] ?? 0) >> 13 !== GLOBAL_UNICAST) return false
  return !ISATAP.some(([high, low]) => parts[4] === high && parts[5] === low)
}
