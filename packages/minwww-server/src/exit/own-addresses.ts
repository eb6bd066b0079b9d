import { networkInterfaces } from 'node:os'
import { ServerError } from '../errors.ts'
import { parseAddress } from '../fetch/address-rule.ts'

const REFRESH = 10_000

/**
 * Addresses of this machine's interfaces and those that the operator names, read again every 10 s.
 *
 * @throws ServerError MINWWW_EXIT_BAD_OPTION for what is no address
 */
export function ownAddresses (extra: readonly string[], now: () => number): () => readonly string[] {
  const bad = extra.find(text => parseAddress(text) === undefined)
  if (bad !== undefined) throw new ServerError('MINWWW_EXIT_BAD_OPTION', `'${bad}' is not an IP address`)
  let addresses: readonly string[] = []
  let readAt = -Infinity
  return () => {
    if (now() - readAt > REFRESH) {
      readAt = now()
      const local = Object.values(networkInterfaces()).flatMap(entries => (entries ?? []).map(entry => entry.address))
      addresses = [...local, ...extra]
    }
    return addresses
  }
}
