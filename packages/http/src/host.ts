import { Destination, parseAddress } from '@minwww/i2cp'
import { I2pError, toI2pError } from './errors.ts'

/** Characters of the shortest Destination in base64. */
const MIN_BASE64 = 516
const BASE64_URL = /^(https?|wss?):\/\/([A-Za-z0-9~-]{516,}={0,2}(?:\.i2p)?)((?::\d+)?(?:[/?#].*)?)$/s

/** True for what this package connects to: names that end in .i2p, and Destinations in base64. */
export function isI2pHost (host: string): boolean {
  return host.toLowerCase().endsWith('.i2p') || (host.length >= MIN_BASE64 && /^[A-Za-z0-9~-]+={0,2}$/.test(host))
}

/**
 * A host as parseAddress() takes it. Throws I2P_NOT_I2P for everything that somebody else would have to resolve, and
 * I2P_BAD_ADDRESS.
 */
export function checkHost (host: string): string {
  const name = host.replace(/\.$/, '')
  if (!isI2pHost(name)) throw new I2pError('I2P_NOT_I2P', { host })
  try {
    parseAddress(name)
  } catch (error) {
    throw toI2pError(error, host)
  }
  return name
}

/**
 * URLs have no room for base64: their hosts are put into lower case. The Destination of such a URL, and the URL with its
 * b32 name instead; undefined for every other one. Throws I2P_BAD_ADDRESS.
 */
export function takeBase64 (url: string): { destination: Destination, url: string } | undefined {
  const [, scheme, host, rest] = BASE64_URL.exec(url) ?? []
  if (host === undefined) return undefined
  try {
    const destination = Destination.fromBase64(host.replace(/\.i2p$/, ''))
    return { destination, url: `${scheme}://${destination.b32}${rest}` }
  } catch (error) {
    throw toI2pError(error, host)
  }
}
