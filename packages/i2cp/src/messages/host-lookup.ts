import { Destination } from '../data/destination.ts'
import { HASH_LENGTH } from '../data/lease.ts'
import type { ByteReader } from '../data/reader.ts'
import { malformed } from '../errors.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Types 2 to 4 ask for the options of the LeaseSet too (0.9.66, proposal 167). */
export const LOOKUP = { HASH: 0, NAME: 1, HASH_OPTIONS: 2, NAME_OPTIONS: 3, DESTINATION_OPTIONS: 4 } as const

export type LookupKey =
  | { readonly lookupType: 0 | 2, readonly hash: Buffer }
  | { readonly lookupType: 1 | 3, readonly name: string }
  | { readonly lookupType: 4, readonly destination: Destination }

/** Client to router. I2CP, "HostLookupMessage". */
export interface HostLookup {
  readonly type: typeof TYPE.HostLookup
  /** NO_SESSION where there is none. */
  readonly sessionId: number
  readonly requestId: number
  /** In ms, at least 10,000 recommended. */
  readonly timeout: number
  readonly key: LookupKey
}

export const hostLookupCodec: MessageCodec<HostLookup> = {
  type: TYPE.HostLookup,
  name: 'HostLookup',
  write (message, writer) {
    const { key } = message
    writer.u16(message.sessionId).u32(message.requestId).u32(message.timeout).u8(key.lookupType)
    if ('hash' in key) writer.put(key.hash)
    else if ('name' in key) writer.string(key.name)
    else writer.put(key.destination.bytes)
  },
  read (reader) {
    return { type: TYPE.HostLookup, sessionId: reader.u16(), requestId: reader.u32(), timeout: reader.u32(), key: readKey(reader) }
  }
}

function readKey (reader: ByteReader): LookupKey {
  const lookupType = reader.u8()
  switch (lookupType) {
    case LOOKUP.HASH: case LOOKUP.HASH_OPTIONS: return { lookupType, hash: reader.slice(HASH_LENGTH) }
    case LOOKUP.NAME: case LOOKUP.NAME_OPTIONS: return { lookupType, name: reader.string() }
    case LOOKUP.DESTINATION_OPTIONS: return { lookupType, destination: Destination.parse(reader.bytes, reader.offset) }
    default: throw malformed(`lookup type ${lookupType}`)
  }
}
