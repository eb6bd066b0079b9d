import { malformed } from '../errors.ts'
import type { ByteReader } from './reader.ts'
import { ByteWriter } from './writer.ts'

/** Key-value pairs. Common structures, "Mapping". */
export type Mapping = Record<string, string>

const EQUALS = 0x3d
const SEMICOLON = 0x3b
const MAX_MAPPING = 0xffff

/**
 * Encodes a Mapping sorted by key as Java's String.compareTo does it (by UTF-16 code unit), as every signed use
 * requires. Throws I2CP_BAD_OPTION for a key or value above 255 bytes, I2CP_MALFORMED above 65,535 bytes in all.
 */
export function encodeMapping (mapping: Mapping): Buffer {
  const writer = new ByteWriter().u16(0)
  for (const key of Object.keys(mapping).sort()) {
    writer.string(key).u8(EQUALS).string(mapping[key]!).u8(SEMICOLON)
  }
  const bytes = writer.toBuffer()
  if (bytes.length - 2 > MAX_MAPPING) throw malformed('mapping too large')
  bytes.writeUInt16BE(bytes.length - 2, 0)
  return bytes
}

/** Reads a Mapping in any order; a key that occurs twice is malformed. Signatures are checked over the raw bytes. */
export function readMapping (reader: ByteReader): Mapping {
  const end = reader.u16() + reader.offset
  if (end > reader.bytes.length) throw malformed('mapping longer than the message')
  const mapping: Mapping = Object.create(null) as Mapping
  while (reader.offset < end) {
    const key = reader.string()
    if (reader.u8() !== EQUALS) throw malformed('mapping without =')
    const value = reader.string()
    if (reader.u8() !== SEMICOLON) throw malformed('mapping without ;')
    if (key in mapping) throw malformed('mapping with a key twice')
    mapping[key] = value
  }
  if (reader.offset !== end) throw malformed('mapping with a wrong size')
  return mapping
}
