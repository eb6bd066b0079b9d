import { Destination } from '../data/destination.ts'
import { readPayload, writePayload } from './payload.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

const FIXED = 2 + 4 + 4 + 2 + 6

/**
 * Flags of SendMessageExpires. Bits 10-9 are unimplemented everywhere, 7-0 concern ElGamal only. Bit 15 is of proposal 171, a draft of
 * 2026-05-23.
 */
export const SEND_FLAG = { NO_LEASE_SET: 0x100, SWITCH_OUTBOUND_TUNNEL: 0x8000 } as const

/** Client to router: send with an expiry. I2CP, "SendMessageExpiresMessage". */
export interface SendMessageExpires {
  readonly type: typeof TYPE.SendMessageExpires
  readonly sessionId: number
  readonly destination: Destination
  /** A gzip container, see encodeGzipPayload. */
  readonly payload: Buffer
  /** 0: no MessageStatus wanted. */
  readonly nonce: number
  readonly flags: number
  /** Epoch ms, 48 bits. */
  readonly expiration: number
}

export const sendMessageExpiresCodec: MessageCodec<SendMessageExpires> = {
  type: TYPE.SendMessageExpires,
  name: 'SendMessageExpires',
  size: message => FIXED + message.destination.bytes.length + message.payload.length,
  write (message, writer) {
    writePayload(writer.u16(message.sessionId).put(message.destination.bytes), message.payload)
    writer.u32(message.nonce).u16(message.flags).u48(Math.floor(message.expiration))
  },
  read (reader) {
    const sessionId = reader.u16()
    const destination = Destination.parse(reader.bytes, reader.offset)
    reader.slice(destination.bytes.length)
    const payload = readPayload(reader)
    return {
      type: TYPE.SendMessageExpires, sessionId, destination, payload, nonce: reader.u32(), flags: reader.u16(), expiration: reader.u48()
    }
  }
}
