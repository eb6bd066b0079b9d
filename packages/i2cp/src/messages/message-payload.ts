import { readPayload, writePayload } from './payload.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

const FIXED = 2 + 4 + 4

/** Router to client: a message has arrived. I2CP, "MessagePayloadMessage". */
export interface MessagePayload {
  readonly type: typeof TYPE.MessagePayload
  readonly sessionId: number
  readonly messageId: number
  /** A gzip container, see decodeGzipPayload. */
  readonly payload: Buffer
}

export const messagePayloadCodec: MessageCodec<MessagePayload> = {
  type: TYPE.MessagePayload,
  name: 'MessagePayload',
  size: message => FIXED + message.payload.length,
  write: (message, writer) => writePayload(writer.u16(message.sessionId).u32(message.messageId), message.payload),
  read: reader => ({ type: TYPE.MessagePayload, sessionId: reader.u16(), messageId: reader.u32(), payload: readPayload(reader) })
}
