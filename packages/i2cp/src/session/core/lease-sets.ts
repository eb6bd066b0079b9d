import type { LocalDestination } from '../../crypto/local-destination.ts'
import type { Lease } from '../../data/lease.ts'
import { LEASE_SET_TYPE, LS2_FLAG, signLeaseSet2 } from '../../data/lease-set2.ts'
import type { Mapping } from '../../data/mapping.ts'
import type { CreateLeaseSet2 } from '../../messages/create-lease-set2.ts'
import { TYPE } from '../../messages/types.ts'

export interface LeaseSetSettings {
  /** Encryption types in order of preference; all of them carry an X25519 key. */
  readonly encryptionTypes: readonly number[]
  /** Published with the LeaseSet (i2cp.leaseSetOption.nnn). */
  readonly options: Mapping
  /** i2cp.dontPublishLeaseSet. */
  readonly unpublished: boolean
}

/** The expiry field has 16 bits of seconds. */
const MAX_EXPIRES = 0xffff

/** Answers requests for a LeaseSet. Every one gets a `published` second later than the one before, or routers ignore it. */
export class LeaseSetMaker {
  readonly #keys: LocalDestination
  readonly #settings: LeaseSetSettings
  #published = 0

  constructor (keys: LocalDestination, settings: LeaseSetSettings) {
    this.#keys = keys
    this.#settings = settings
  }

  /** `routerNow`: epoch ms by the router's clock. Undefined when no lease is valid any more. */
  create (sessionId: number, leases: readonly Lease[], routerNow: number): CreateLeaseSet2 | undefined {
    const published = Math.max(Math.floor(routerNow / 1000), this.#published + 1)
    const valid = leases.filter(lease => lease.end > routerNow && lease.end >= (published + 1) * 1000)
    if (valid.length === 0) return undefined
    this.#published = published
    const latest = (published + MAX_EXPIRES) * 1000
    const clipped = valid.map(lease => lease.end > latest ? { ...lease, end: latest } : lease)
    const end = Math.max(...clipped.map(lease => Math.floor(lease.end / 1000)))
    const { encryptionTypes, options, unpublished } = this.#settings
    const leaseSet = signLeaseSet2({
      destination: this.#keys.destination,
      published,
      expires: end - published,
      flags: unpublished ? LS2_FLAG.UNPUBLISHED : 0,
      options,
      encryptionKeys: encryptionTypes.map(type => ({ type, key: this.#keys.encryptionPublicKey })),
      leases: clipped
    }, data => this.#keys.sign(data))
    const privateKeys = encryptionTypes.map(type => ({ type, key: this.#keys.encryptionPrivateKey }))
    return { type: TYPE.CreateLeaseSet2, sessionId, leaseSetType: LEASE_SET_TYPE.LEASE_SET2, leaseSet, privateKeys }
  }
}
