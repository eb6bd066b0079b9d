import { malformed } from '../errors.ts'
import type { ByteReader } from '../data/reader.ts'
import type { ByteWriter } from '../data/writer.ts'

/** Length and bytes. I2CP, "Payload". */
export function writePayload (writer: ByteWriter, payload: Uint8Array): void {
  writer.u32(payload.length).put(payload)
}

export function readPayload (reader: ByteReader): Buffer {
  const length = reader.u32()
  if (length > reader.remaining) throw malformed('payload longer than the message')
  return reader.slice(length)
}
