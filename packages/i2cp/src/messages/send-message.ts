import { Destination } from '../data/destination.ts'
import { readPayload, writePayload } from './payload.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

const FIXED = 2 + 4 + 4

/** Client to router: send, with the router's default expiry. I2CP, "SendMessageMessage". */
export interface SendMessage {
  readonly type: typeof TYPE.SendMessage
  readonly sessionId: number
  readonly destination: Destination
  /** A gzip container, see encodeGzipPayload. */
  readonly payload: Buffer
  /** 0: no MessageStatus wanted. */
  readonly nonce: number
}

export const sendMessageCodec: MessageCodec<SendMessage> = {
  type: TYPE.SendMessage,
  name: 'SendMessage',
  size: message => FIXED + message.destination.bytes.length + message.payload.length,
  write (message, writer) {
    writePayload(writer.u16(message.sessionId).put(message.destination.bytes), message.payload)
    writer.u32(message.nonce)
  },
  read (reader) {
    const sessionId = reader.u16()
    const destination = Destination.parse(reader.bytes, reader.offset)
    reader.slice(destination.bytes.length)
    return { type: TYPE.SendMessage, sessionId, destination, payload: readPayload(reader), nonce: reader.u32() }
  }
}
