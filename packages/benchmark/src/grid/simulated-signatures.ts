import { createHash } from 'node:crypto'
import { ED25519, LocalDestination, SIGNATURE_TYPES } from '@minwww/i2cp/codec'

/**
 * From now on this thread signs and verifies with a hash that is as long as an Ed25519 signature. A simulation in which nobody
 * forges anything gives the same figures, and a fifth of the grid's CPU is saved.
 */
export function simulateSignatures (): void {
  const sign = (publicKey: Uint8Array, data: Uint8Array): Buffer => createHash('sha512').update(publicKey).update(data).digest()
  LocalDestination.prototype.sign = function (data) { return sign(this.destination.signingPublicKey, data) }
  Object.assign(SIGNATURE_TYPES.get(ED25519)!, {
    verify: (publicKey: Buffer, data: Uint8Array, signature: Uint8Array) => sign(publicKey, data).equals(signature)
  })
}
