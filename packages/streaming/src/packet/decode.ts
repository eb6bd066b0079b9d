import { Destination, SIGNATURE_TYPES } from '@minwww/i2cp/codec'
import { AFTER_NACKS, FLAG, MIN_HEADER, OFFSET, TARGET_HASH_LENGTH, TARGET_HASH_NACKS } from './constants.ts'
import { malformed } from './malformed.ts'
import { decodeOfflineSignature } from './offline-signature.ts'
import type { OfflineSignature } from './offline-signature.ts'
import type { ReceivedPacket } from './packet.ts'

/**
 * Reads a packet. Its payload and options are views into `bytes`. Verifies no signature: see verifyPacket.
 * Throws STREAMING_MALFORMED, never anything else.
 */
export function decodePacket (bytes: Buffer): ReceivedPacket {
  if (bytes.length < MIN_HEADER) throw malformed('packet is shorter than its header')
  const nackCount = bytes.readUInt8(OFFSET.NACK_COUNT)
  const afterNacks = OFFSET.NACKS + nackCount * 4
  const optionStart = afterNacks + AFTER_NACKS
  if (optionStart > bytes.length) throw malformed('NACKs are cut')
  const flags = bytes.readUInt16BE(afterNacks + 1)
  const optionEnd = optionStart + bytes.readUInt16BE(afterNacks + 3)
  if (optionEnd > bytes.length) throw malformed('options are cut')
  const synchronize = (flags & FLAG.SYNCHRONIZE) !== 0
  // A SYN acknowledges nothing, so 8 NACKs in one are the hash of the Destination it is for.
  const targeted = synchronize && nackCount === TARGET_HASH_NACKS
  const options = readOptions(bytes, flags, optionStart, optionEnd)

  return {
    sendStreamId: bytes.readUInt32BE(OFFSET.SEND_ID),
    receiveStreamId: bytes.readUInt32BE(OFFSET.RECEIVE_ID),
    sequence: bytes.readUInt32BE(OFFSET.SEQUENCE),
    ackThrough: bytes.readUInt32BE(OFFSET.ACK_THROUGH),
    nacks: targeted ? [] : readNacks(bytes, nackCount),
    targetHash: targeted ? bytes.subarray(OFFSET.NACKS, OFFSET.NACKS + TARGET_HASH_LENGTH) : undefined,
    resendDelay: bytes.readUInt8(afterNacks),
    synchronize,
    close: (flags & FLAG.CLOSE) !== 0,
    reset: (flags & FLAG.RESET) !== 0,
    echo: (flags & FLAG.ECHO) !== 0,
    noAck: (flags & FLAG.NO_ACK) !== 0,
    signatureRequested: (flags & FLAG.SIGNATURE_REQUESTED) !== 0,
    profileInteractive: (flags & FLAG.PROFILE_INTERACTIVE) !== 0,
    signed: (flags & FLAG.SIGNATURE_INCLUDED) !== 0,
    payload: bytes.subarray(optionEnd),
    bytes,
    ...options
  }
}

interface Options {
  delay: number | undefined
  from: Destination | undefined
  maxPacketSize: number | undefined
  offline: OfflineSignature | undefined
  signatureOffset: number
  signatureLength: number
}

/** In the order of the specification: delay, from, maximum size, offline signature, signature. Bytes after them are ignored. */
function readOptions (bytes: Buffer, flags: number, start: number, end: number): Options {
  const options: Options = {
    delay: undefined, from: undefined, maxPacketSize: undefined, offline: undefined, signatureOffset: 0, signatureLength: 0
  }
  let at = start
  const u16 = (what: string): number => {
    if (at + 2 > end) throw malformed(`${what} is cut`)
    at += 2
    return bytes.readUInt16BE(at - 2)
  }
  if (flags & FLAG.DELAY_REQUESTED) options.delay = u16('delay')
  if (flags & FLAG.FROM_INCLUDED) {
    options.from = parseDestination(bytes.subarray(at, end))
    at += options.from.bytes.length
  }
  if (flags & FLAG.MAX_PACKET_SIZE_INCLUDED) options.maxPacketSize = u16('maximum size')
  if (flags & FLAG.OFFLINE_SIGNATURE) {
    if (options.from === undefined) throw malformed('offline signature without a destination')
    const { offline, next } = decodeOfflineSignature(bytes, at, end, options.from.signatureLength)
    options.offline = offline
    at = next
  }
  if (flags & FLAG.SIGNATURE_INCLUDED) {
    options.signatureOffset = at
    options.signatureLength = signatureLengthOf(options, end - at)
    if (at + options.signatureLength > end) throw malformed('signature is cut')
  }
  return options
}

/** Without a Destination in the packet it is what remains: the signature is the last option. */
function signatureLengthOf (options: Options, remaining: number): number {
  if (options.offline !== undefined) return SIGNATURE_TYPES.get(options.offline.transientType)!.signatureLength
  return options.from?.signatureLength ?? remaining
}

function readNacks (bytes: Buffer, count: number): number[] {
  const nacks = new Array<number>(count)
  for (let index = 0; index < count; index++) nacks[index] = bytes.readUInt32BE(OFFSET.NACKS + index * 4)
  return nacks
}

function parseDestination (bytes: Buffer): Destination {
  try {
    return Destination.parse(bytes)
  } catch (error) {
    throw malformed(`destination: ${(error as Error).message}`)
  }
}
