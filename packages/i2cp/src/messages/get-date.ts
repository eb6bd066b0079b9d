import { encodeMapping, readMapping } from '../data/mapping.ts'
import type { Mapping } from '../data/mapping.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Client to router: the first message. I2CP, "GetDateMessage". */
export interface GetDate {
  readonly type: typeof TYPE.GetDate
  /** API version; '' from clients before 0.8.7. */
  readonly version: string
  /** i2cp.username and i2cp.password. Secret. */
  readonly authentication?: Mapping
}

export const getDateCodec: MessageCodec<GetDate> = {
  type: TYPE.GetDate,
  name: 'GetDate',
  write (message, writer) {
    writer.string(message.version)
    if (message.authentication !== undefined) writer.put(encodeMapping(message.authentication))
  },
  read (reader) {
    const version = reader.remaining > 0 ? reader.string() : ''
    if (reader.remaining === 0) return { type: TYPE.GetDate, version }
    return { type: TYPE.GetDate, version, authentication: readMapping(reader) }
  }
}
