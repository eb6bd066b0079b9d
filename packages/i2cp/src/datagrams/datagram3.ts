import { HASH_LENGTH } from '../data/lease.ts'
import { encodeMapping, readMapping } from '../data/mapping.ts'
import type { Mapping } from '../data/mapping.ts'
import { ByteReader } from '../data/reader.ts'
import { ByteWriter } from '../data/writer.ts'
import { malformed } from '../errors.ts'

const VERSION = 3
const VERSION_MASK = 0x000f
const OPTIONS = 0x10

export interface Datagram3 {
  /** What the sender claims; nothing proves it. */
  readonly fromHash: Buffer
  readonly payload: Buffer
  readonly options?: Mapping
}

/** Hash, flags, options, payload: repliable, not authenticated. Datagrams, "Datagram3". */
export function encodeDatagram3 ({ fromHash, payload, options }: { fromHash: Uint8Array, payload: Uint8Array, options?: Mapping }): Buffer {
  const writer = new ByteWriter().put(fromHash).u16(options === undefined ? VERSION : VERSION | OPTIONS)
  if (options !== undefined) writer.put(encodeMapping(options))
  return writer.put(payload).toBuffer()
}

/** Throws I2CP_MALFORMED. */
export function decodeDatagram3 (bytes: Uint8Array): Datagram3 {
  const reader = new ByteReader(bytes)
  const fromHash = reader.slice(HASH_LENGTH)
  const flags = reader.u16()
  if ((flags & VERSION_MASK) !== VERSION) throw malformed('not a Datagram3')
  const options = (flags & OPTIONS) !== 0 ? readMapping(reader) : undefined
  return { fromHash, ...(options && { options }), payload: reader.rest() }
}
