import { Destination } from '../data/destination.ts'
import { encodeMapping, readMapping } from '../data/mapping.ts'
import type { Mapping } from '../data/mapping.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** I2CP, "HostReplyMessage". */
export const HOST_REPLY = {
  SUCCESS: 0,
  FAILURE: 1,
  PASSWORD_REQUIRED: 2,
  PRIVATE_KEY_REQUIRED: 3,
  PASSWORD_AND_KEY_REQUIRED: 4,
  DECRYPTION_FAILED: 5,
  LEASE_SET_NOT_FOUND: 6,
  TYPE_UNSUPPORTED: 7
} as const

/** Router to client. */
export interface HostReply {
  readonly type: typeof TYPE.HostReply
  readonly sessionId: number
  readonly requestId: number
  /** HOST_REPLY; 1-255 are failures. */
  readonly code: number
  /** On success; for look-up types 2 to 4 it may come with code 6 too. */
  readonly destination?: Destination
  /** Of the LeaseSet, for look-up types 2 to 4. */
  readonly options?: Mapping
}

export const hostReplyCodec: MessageCodec<HostReply> = {
  type: TYPE.HostReply,
  name: 'HostReply',
  write (message, writer) {
    writer.u16(message.sessionId).u32(message.requestId).u8(message.code)
    if (message.destination === undefined) return
    writer.put(message.destination.bytes)
    if (message.options !== undefined) writer.put(encodeMapping(message.options))
  },
  read (reader) {
    const head = { type: TYPE.HostReply, sessionId: reader.u16(), requestId: reader.u32(), code: reader.u8() }
    if (head.code !== HOST_REPLY.SUCCESS && reader.remaining === 0) return head
    const destination = Destination.parse(reader.bytes, reader.offset)
    reader.slice(destination.bytes.length)
    if (reader.remaining === 0) return { ...head, destination }
    return { ...head, destination, options: readMapping(reader) }
  }
}
