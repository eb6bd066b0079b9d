import { HASH_LENGTH } from '../data/lease.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Client to router; HostLookup has replaced it. I2CP, "DestLookupMessage". */
export interface DestLookup {
  readonly type: typeof TYPE.DestLookup
  readonly hash: Buffer
}

export const destLookupCodec: MessageCodec<DestLookup> = {
  type: TYPE.DestLookup,
  name: 'DestLookup',
  write: (message, writer) => { writer.put(message.hash) },
  read: reader => ({ type: TYPE.DestLookup, hash: reader.slice(HASH_LENGTH) })
}
