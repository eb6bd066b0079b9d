import { AFTER_NACKS, FLAG, MAX_NACKS, OFFSET, TARGET_HASH_LENGTH, TARGET_HASH_NACKS } from './constants.ts'
import { malformed } from './malformed.ts'
import { encodeOfflineSignature } from './offline-signature.ts'
import type { Packet, PacketSigner } from './packet.ts'

/**
 * Writes a packet; a signed one needs `signer`, which signs the whole packet with the signature's field at zero.
 * Throws STREAMING_MALFORMED for more than 255 NACKs or a missing signer.
 */
export function encodePacket (packet: Packet, signer?: PacketSigner): Buffer {
  const nackCount = packet.targetHash === undefined ? packet.nacks.length : TARGET_HASH_NACKS
  if (nackCount > MAX_NACKS) throw malformed('more than 255 NACKs')
  const signatureLength = packet.signed ? lengthOf(signer) : 0
  const offline = packet.offline === undefined ? undefined : encodeOfflineSignature(packet.offline)
  const optionSize = (packet.delay === undefined ? 0 : 2) + (packet.from?.bytes.length ?? 0) +
    (packet.maxPacketSize === undefined ? 0 : 2) + (offline?.length ?? 0) + signatureLength
  const header = OFFSET.NACKS + nackCount * 4 + AFTER_NACKS
  const bytes = Buffer.alloc(header + optionSize + packet.payload.length)

  writeHeader(bytes, packet, nackCount, optionSize)
  let at = header
  if (packet.delay !== undefined) at = bytes.writeUInt16BE(packet.delay, at)
  if (packet.from !== undefined) at += packet.from.bytes.copy(bytes, at)
  if (packet.maxPacketSize !== undefined) at = bytes.writeUInt16BE(packet.maxPacketSize, at)
  if (offline !== undefined) at += offline.copy(bytes, at)
  const signatureOffset = at
  packet.payload.copy(bytes, at + signatureLength)
  if (packet.signed) bytes.set(signer!.sign(bytes), signatureOffset)
  return bytes
}

export function flagsOf (packet: Packet): number {
  return (packet.synchronize ? FLAG.SYNCHRONIZE : 0) |
    (packet.close ? FLAG.CLOSE : 0) |
    (packet.reset ? FLAG.RESET : 0) |
    (packet.signed ? FLAG.SIGNATURE_INCLUDED : 0) |
    (packet.signatureRequested ? FLAG.SIGNATURE_REQUESTED : 0) |
    (packet.from === undefined ? 0 : FLAG.FROM_INCLUDED) |
    (packet.delay === undefined ? 0 : FLAG.DELAY_REQUESTED) |
    (packet.maxPacketSize === undefined ? 0 : FLAG.MAX_PACKET_SIZE_INCLUDED) |
    (packet.profileInteractive ? FLAG.PROFILE_INTERACTIVE : 0) |
    (packet.echo ? FLAG.ECHO : 0) |
    (packet.noAck ? FLAG.NO_ACK : 0) |
    (packet.offline === undefined ? 0 : FLAG.OFFLINE_SIGNATURE)
}

function writeHeader (bytes: Buffer, packet: Packet, nackCount: number, optionSize: number): void {
  bytes.writeUInt32BE(packet.sendStreamId, OFFSET.SEND_ID)
  bytes.writeUInt32BE(packet.receiveStreamId, OFFSET.RECEIVE_ID)
  bytes.writeUInt32BE(packet.sequence, OFFSET.SEQUENCE)
  bytes.writeUInt32BE(packet.ackThrough, OFFSET.ACK_THROUGH)
  bytes.writeUInt8(nackCount, OFFSET.NACK_COUNT)
  let at: number = OFFSET.NACKS
  if (packet.targetHash !== undefined) {
    at += packet.targetHash.copy(bytes, at, 0, TARGET_HASH_LENGTH)
  } else {
    for (const nack of packet.nacks) at = bytes.writeUInt32BE(nack, at)
  }
  at = bytes.writeUInt8(packet.resendDelay, at)
  at = bytes.writeUInt16BE(flagsOf(packet), at)
  bytes.writeUInt16BE(optionSize, at)
}

function lengthOf (signer: PacketSigner | undefined): number {
  if (signer === undefined) throw malformed('a signed packet needs a signer')
  return signer.signatureLength
}
