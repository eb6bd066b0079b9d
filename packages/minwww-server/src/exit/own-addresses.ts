import { networkInterfaces } from 'node:os'

const REFRESH = 10_000

/** Addresses of this machine's interfaces and those that the operator names, read again every 10 s. */
export function ownAddresses (extra: readonly string[], now: () => number): () => readonly string[] {
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
