import { Destination } from '../data/destination.ts'
import { HASH_LENGTH } from '../data/lease.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Router to client: the Destination, or on failure the hash (nothing at all before 0.8.3). I2CP, "DestReplyMessage". */
export interface DestReply {
  readonly type: typeof TYPE.DestReply
  readonly destination?: Destination
  readonly hash?: Buffer
}

export const destReplyCodec: MessageCodec<DestReply> = {
  type: TYPE.DestReply,
  name: 'DestReply',
  write (message, writer) {
    const body = message.destination?.bytes ?? message.hash
    if (body !== undefined) writer.put(body)
  },
  read (reader) {
    if (reader.remaining === 0) return { type: TYPE.DestReply }
    if (reader.remaining === HASH_LENGTH) return { type: TYPE.DestReply, hash: reader.slice(HASH_LENGTH) }
    return { type: TYPE.DestReply, destination: Destination.parse(reader.bytes, reader.offset) }
  }
}
