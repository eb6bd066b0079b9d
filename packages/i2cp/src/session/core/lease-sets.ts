import type { ClientAuthorization } from '../../crypto/client-authorization.ts'
import { encryptLeaseSet } from '../../crypto/encrypted-lease-set.ts'
import { x25519PublicOf } from '../../crypto/keys.ts'
import type { Random } from '../../crypto/keys.ts'
import type { LocalDestination } from '../../crypto/local-destination.ts'
import type { Lease } from '../../data/lease.ts'
import { LEASE_SET_TYPE, LS2_FLAG, signLeaseSet2 } from '../../data/lease-set2.ts'
import type { Mapping } from '../../data/mapping.ts'
import { I2cpError } from '../../errors.ts'
import type { CreateLeaseSet2 } from '../../messages/create-lease-set2.ts'
import { TYPE } from '../../messages/types.ts'

export interface LeaseSetSettings {
  /** Encryption types in order of preference; all of them carry an X25519 key. */
  readonly encryptionTypes: readonly number[]
  /** Published with the LeaseSet (i2cp.leaseSetOption.nnn). */
  readonly options: Mapping
  /** i2cp.dontPublishLeaseSet. */
  readonly unpublished: boolean
  /** i2cp.leaseSetType=5: who may read it. */
  readonly encrypted?: { readonly secret?: string, readonly authorization?: ClientAuthorization }
}

/** The expiry field has 16 bits of seconds. */
const MAX_EXPIRES = 0xffff
/**
 * A router's clock can be wrong and then be set right: up to so many seconds the next LeaseSet still is a second later
 * than the last one, which routers want; a last one that is further ahead came from a wrong clock and no longer counts.
 */
const MAX_AHEAD = 300
/** Bytes of an X25519 private key. */
const KEY_LENGTH = 32

interface EncryptionKey { readonly privateKey: Buffer, readonly publicKey: Buffer }

/** Answers requests for a LeaseSet. Every one gets a `published` second later than the one before, or routers ignore it; see MAX_AHEAD. */
export class LeaseSetMaker {
  readonly #keys: LocalDestination
  readonly #settings: LeaseSetSettings
  readonly #random: Random
  #encryption: EncryptionKey
  #published = 0

  /** Throws I2CP_UNSUPPORTED for an encrypted LeaseSet with offline keys: blinding takes the long-lived key. */
  constructor (keys: LocalDestination, settings: LeaseSetSettings, random: Random) {
    if (settings.encrypted !== undefined && keys.offline !== undefined) {
      throw new I2cpError('I2CP_UNSUPPORTED', 'an encrypted LeaseSet with offline keys')
    }
    this.#keys = keys
    this.#settings = settings
    this.#random = random
    this.#encryption = encryptionKey(random)
  }

  /**
   * A new encryption key, to be called for each session with the router. The router has forgotten its ratchets with our
   * peers when a session is created again, theirs have not: with the old key i2pd goes on encrypting to the lost ratchet
   * until that is 120 s old (ECIESX25519_RESTART_TIMEOUT), and nothing it sends can be read. A new key is a new peer.
   */
  newSession (): void {
    this.#encryption = encryptionKey(this.#random)
  }

  /** `routerNow`: epoch ms by the router's clock; `half`: of the valid leases. Undefined when no lease is valid any more. */
  create (sessionId: number, leases: readonly Lease[], routerNow: number, half?: 0 | 1): CreateLeaseSet2 | undefined {
    const second = Math.floor(routerNow / 1000)
    const published = this.#published > second + MAX_AHEAD ? second : Math.max(second, this.#published + 1)
    const valid = leases.filter(lease => lease.end >= (published + 1) * 1000)
    if (valid.length === 0) return undefined
    this.#published = published
    const latest = (published + MAX_EXPIRES) * 1000
    const clipped = halfOf(valid, half).map(lease => lease.end > latest ? { ...lease, end: latest } : lease)
    const expires = Math.max(...clipped.map(lease => Math.floor(lease.end / 1000))) - published
    const { encryptionTypes, encrypted } = this.#settings
    const inner = this.#sign(clipped, published, expires)
    const { signer } = this.#keys
    return {
      type: TYPE.CreateLeaseSet2,
      sessionId,
      leaseSetType: encrypted === undefined ? LEASE_SET_TYPE.LEASE_SET2 : LEASE_SET_TYPE.ENCRYPTED,
      leaseSet: encrypted === undefined
        ? inner
        : encryptLeaseSet(inner, { ...encrypted, signer, published, expires, random: this.#random }),
      privateKeys: encryptionTypes.map(type => ({ type, key: this.#encryption.privateKey }))
    }
  }

  #sign (leases: readonly Lease[], published: number, expires: number): Buffer {
    const { encryptionTypes, options, unpublished, encrypted } = this.#settings
    const { destination, offline } = this.#keys
    const flags = (unpublished || encrypted !== undefined ? LS2_FLAG.UNPUBLISHED : 0) |
      (encrypted === undefined ? 0 : LS2_FLAG.WILL_BE_BLINDED) |
      (offline === undefined ? 0 : LS2_FLAG.OFFLINE)
    const encryptionKeys = encryptionTypes.map(type => ({ type, key: this.#encryption.publicKey }))
    return signLeaseSet2({
      destination, published, expires, flags, ...(offline && { offline }), options, encryptionKeys, leases
    }, data => this.#keys.sign(data))
  }
}

/** Every other lease, from that number on; all of them where no half is asked for, or there are no two. */
function halfOf (leases: readonly Lease[], half: 0 | 1 | undefined): readonly Lease[] {
  return half === undefined || leases.length < 2 ? leases : leases.filter((_, i) => i % 2 === half)
}

function encryptionKey (random: Random): EncryptionKey {
  const privateKey = Buffer.from(random(KEY_LENGTH))
  return { privateKey, publicKey: x25519PublicOf(privateKey) }
}
