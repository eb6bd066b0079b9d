import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Client to router, without fastReceive: deliver the announced message. I2CP, "ReceiveMessageBeginMessage". */
export interface ReceiveMessageBegin {
  readonly type: typeof TYPE.ReceiveMessageBegin
  readonly sessionId: number
  readonly messageId: number
}

export const receiveMessageBeginCodec: MessageCodec<ReceiveMessageBegin> = {
  type: TYPE.ReceiveMessageBegin,
  name: 'ReceiveMessageBegin',
  write: (message, writer) => { writer.u16(message.sessionId).u32(message.messageId) },
  read: reader => ({ type: TYPE.ReceiveMessageBegin, sessionId: reader.u16(), messageId: reader.u32() })
}
