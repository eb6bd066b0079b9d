import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Client to router, without fastReceive: the message has arrived. I2CP, "ReceiveMessageEndMessage". */
export interface ReceiveMessageEnd {
  readonly type: typeof TYPE.ReceiveMessageEnd
  readonly sessionId: number
  readonly messageId: number
}

export const receiveMessageEndCodec: MessageCodec<ReceiveMessageEnd> = {
  type: TYPE.ReceiveMessageEnd,
  name: 'ReceiveMessageEnd',
  write: (message, writer) => { writer.u16(message.sessionId).u32(message.messageId) },
  read: reader => ({ type: TYPE.ReceiveMessageEnd, sessionId: reader.u16(), messageId: reader.u32() })
}
