import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Router to client: its clock; later again when the clock shifts. I2CP, "SetDateMessage". */
export interface SetDate {
  readonly type: typeof TYPE.SetDate
  /** Epoch ms. */
  readonly date: number
  /** API version; '' from routers before 0.8.7, the client's own from i2pd. Not to be relied on. */
  readonly version: string
}

export const setDateCodec: MessageCodec<SetDate> = {
  type: TYPE.SetDate,
  name: 'SetDate',
  write: (message, writer) => { writer.date(message.date).string(message.version) },
  read: reader => ({ type: TYPE.SetDate, date: reader.date(), version: reader.remaining > 0 ? reader.string() : '' })
}
