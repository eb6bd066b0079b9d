import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Both directions; deprecated, handled by nobody. I2CP, "ReportAbuseMessage". */
export interface ReportAbuse {
  readonly type: typeof TYPE.ReportAbuse
  readonly sessionId: number
  /** 0-255. */
  readonly severity: number
  readonly reason: string
  readonly messageId: number
}

export const reportAbuseCodec: MessageCodec<ReportAbuse> = {
  type: TYPE.ReportAbuse,
  name: 'ReportAbuse',
  write: (message, writer) => { writer.u16(message.sessionId).u8(message.severity).string(message.reason).u32(message.messageId) },
  read: reader => ({
    type: TYPE.ReportAbuse, sessionId: reader.u16(), severity: reader.u8(), reason: reader.string(), messageId: reader.u32()
  })
}
