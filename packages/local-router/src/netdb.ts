import { Destination } from '@minwww/i2cp/codec'
import type { Mapping } from '@minwww/i2cp/codec'
import { RouterError } from './errors.ts'

/** A LeaseSet that a client has given. */
export interface StoredLeaseSet {
  readonly destination: Destination
  readonly options: Mapping
  /** Epoch ms; Infinity never occurs. */
  readonly expires: number
  /** Found by a look-up of the hash, by anybody. */
  readonly published: boolean
  /** Found by its b33 name only. */
  readonly encrypted: boolean
}

/** The key by which the network and the tables know a Destination. */
export function destinationKey (destination: Destination | Uint8Array): string {
  const hash = 'hash' in destination ? destination.hash : Buffer.from(destination)
  return hash.toString('hex')
}

/** The network database of this one router, and its address book. Bounded by the sessions and the hosts given. */
export class NetworkDatabase {
  readonly #leaseSets = new Map<string, StoredLeaseSet>()
  readonly #hosts = new Map<string, Destination>()
  readonly #hostKeys = new Map<string, Destination>()

  /** @throws RouterError ROUTER_INVALID_OPTION for a host whose Destination is malformed */
  constructor (hosts: Record<string, string>) {
    for (const [name, base64] of Object.entries(hosts)) this.addHost(name, base64)
  }

  addHost (name: string, base64: string): void {
    let destination: Destination
    try {
      destination = Destination.fromBase64(base64)
    } catch (error) {
      throw new RouterError('ROUTER_INVALID_OPTION', `host ${name}: ${(error as Error).message}`)
    }
    this.#hosts.set(name.toLowerCase(), destination)
    this.#hostKeys.set(destinationKey(destination), destination)
  }

  store (key: string, leaseSet: StoredLeaseSet): void {
    this.#leaseSets.set(key, leaseSet)
  }

  remove (key: string): void {
    this.#leaseSets.delete(key)
  }

  /** A LeaseSet with a living lease, published or not. */
  leaseSet (now: number, key: string): StoredLeaseSet | undefined {
    const leaseSet = this.#leaseSets.get(key)
    return leaseSet !== undefined && leaseSet.expires > now ? leaseSet : undefined
  }

  published (now: number, key: string): StoredLeaseSet | undefined {
    const leaseSet = this.leaseSet(now, key)
    return leaseSet?.published === true ? leaseSet : undefined
  }

  host (name: string): Destination | undefined {
    return this.#hosts.get(name.toLowerCase())
  }

  /** A Destination of the address book by its hash. */
  knownByHash (key: string): Destination | undefined {
    return this.#hostKeys.get(key)
  }

  /** The Destination with an encrypted LeaseSet whose signing key a b33 name carries. */
  blinded (now: number, signingPublicKey: Uint8Array): Destination | undefined {
    for (const { destination, expires, encrypted } of this.#leaseSets.values()) {
      if (encrypted && expires > now && destination.signingPublicKey.equals(signingPublicKey)) return destination
    }
  }
}
