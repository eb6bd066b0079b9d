import { createHash } from 'node:crypto'
import { ErasureDecoder, ErasureEncoder } from '../erasure.ts'
import { PARITY_OVERHEAD } from './messages.ts'
import { messageCapacity } from '../sizes.ts'
import { readStreamPacket, writeDataPacket } from './stream-packet.ts'
import type { StreamPacket } from './stream-packet.ts'

/** Packets of a group at most, section 9.1. */
export const MAX_GROUP = 48
/** Parity symbols of a group at most. */
export const MAX_GROUP_PARITY = 64
/** length u16, kind u8, hash u32. */
const HEADER = 7
const HASH = 4
/** A symbol of a packet without a payload, bytes. */
export const MIN_SYMBOL = HEADER
/** Of a symbol with its header, bytes: its message takes two tunnel messages, as the packets of a stream do. */
export const MAX_SYMBOL = messageCapacity(2) - PARITY_OVERHEAD

/** Payload of a packet between MinWWW ends, bytes: what its parity can cover. */
export const PARITY_PAYLOAD = MAX_SYMBOL - HEADER

/** Which stream a group is of: the ids of who receives it and of who sent it. */
export interface StreamIds { readonly own: number, readonly remote: number }

/** Whether a packet can be covered: of the size that the other end expects between MinWWW ends, and not opening a stream. */
export function isCovered ({ kind, body }: StreamPacket): boolean {
  return (kind === 'data' || kind === 'close') && HEADER + body.length <= MAX_SYMBOL
}

/** Bytes of a packet as a symbol. */
export function symbolLength ({ body }: StreamPacket): number { return HEADER + body.length }

/** Makes the parity of consecutive packets; symbol `count + i` is parity i. */
export function encodeGroup (packets: readonly StreamPacket[]): { symbolLength: number, parity: (index: number) => Buffer } {
  const length = packets.reduce((longest, packet) => Math.max(longest, symbolLength(packet)), 0)
  const object = Buffer.alloc(length * packets.length)
  packets.forEach((packet, place) => writeSymbol(object.subarray(place * length, (place + 1) * length), packet))
  const encoder = new ErasureEncoder(object, length)
  return { symbolLength: length, parity: index => encoder.symbol(packets.length + index) }
}

/**
 * The packets of a group that are not here, rebuilt.
 * @param here - by place in the group; what is missing is undefined
 * @param parity - by index of the symbol, at least as many as are missing
 * @returns by place; undefined where what came out is not what was sent
 */
export function decodeGroup (
  ids: StreamIds, first: number, length: number, here: ReadonlyArray<StreamPacket | undefined>, parity: ReadonlyMap<number, Buffer>
): Map<number, Buffer> | undefined {
  const decoder = new ErasureDecoder(here.length * length, length)
  for (const [place, packet] of here.entries()) {
    if (packet === undefined) continue
    if (symbolLength(packet) > length) return undefined
    const symbol = Buffer.alloc(length)
    writeSymbol(symbol, packet)
    decoder.add(place, symbol)
  }
  for (const [index, symbol] of parity) decoder.add(here.length + index, symbol)
  if (!decoder.complete) return undefined
  const object = decoder.result()
  const rebuilt = new Map<number, Buffer>()
  for (const [place, packet] of here.entries()) {
    if (packet !== undefined) continue
    const bytes = readSymbol(ids, first + place, object.subarray(place * length, (place + 1) * length))
    if (bytes === undefined) return undefined
    rebuilt.set(place, bytes)
  }
  return rebuilt
}

function writeSymbol (target: Buffer, { kind, from, sequence, body }: StreamPacket): void {
  target.writeUInt16BE(body.length, 0)
  const code = kind === 'close' ? 1 : 0
  target.writeUInt8(code, 2)
  target.set(hashOf(from, sequence, code, body), 3)
  target.set(body, HEADER)
}

/** The hash tells whether those that were here are the ones that were covered: a CLOSE that was sent again is another. */
function readSymbol ({ own, remote }: StreamIds, sequence: number, symbol: Buffer): Buffer | undefined {
  const length = symbol.readUInt16BE(0)
  const code = symbol.readUInt8(2)
  if (length > symbol.length - HEADER || code > 1) return undefined
  const body = symbol.subarray(HEADER, HEADER + length)
  if (!hashOf(remote, sequence, code, body).equals(symbol.subarray(3, 3 + HASH))) return undefined
  if (code === 0) return writeDataPacket({ to: own, from: remote, sequence, body })
  const packet = readStreamPacket(body)
  if (packet?.kind !== 'close' || packet.from !== remote || packet.sequence !== sequence) return undefined
  return packet.to === own || packet.to === 0 ? body : undefined
}

function hashOf (from: number, sequence: number, code: number, body: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUInt32BE(from, 0)
  head.writeUInt32BE(sequence, 4)
  head.writeUInt8(code, 8)
  return createHash('sha256').update(head).update(body).digest().subarray(0, HASH)
}
