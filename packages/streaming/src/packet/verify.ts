import type { VerifyingKey } from './offline-signature.ts'
import { verifyBy } from './offline-signature.ts'
import type { ReceivedPacket } from './packet.ts'

/** True if the packet is signed by `key`: over the whole packet with the field of the signature at zero. */
export function verifyPacket (packet: ReceivedPacket, key: VerifyingKey): boolean {
  if (!packet.signed || packet.signatureLength === 0) return false
  const end = packet.signatureOffset + packet.signatureLength
  const signature = Buffer.from(packet.bytes.subarray(packet.signatureOffset, end))
  const zeroed = Buffer.from(packet.bytes)
  zeroed.fill(0, packet.signatureOffset, end)
  return verifyBy(key, signature, zeroed)
}
