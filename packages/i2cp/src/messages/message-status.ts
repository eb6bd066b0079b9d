import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** I2CP, "MessageStatusMessage". */
export const MESSAGE_STATUS = {
  AVAILABLE: 0,
  ACCEPTED: 1,
  BEST_EFFORT_SUCCESS: 2,
  BEST_EFFORT_FAILURE: 3,
  GUARANTEED_SUCCESS: 4,
  GUARANTEED_FAILURE: 5,
  LOCAL_SUCCESS: 6,
  LOCAL_FAILURE: 7,
  ROUTER_FAILURE: 8,
  NETWORK_FAILURE: 9,
  BAD_SESSION: 10,
  BAD_MESSAGE: 11,
  BAD_OPTIONS: 12,
  OVERFLOW: 13,
  EXPIRED: 14,
  BAD_LOCAL_LEASE_SET: 15,
  NO_LOCAL_TUNNELS: 16,
  UNSUPPORTED_ENCRYPTION: 17,
  BAD_DESTINATION: 18,
  BAD_LEASE_SET: 19,
  EXPIRED_LEASE_SET: 20,
  NO_LEASE_SET: 21,
  META_LEASE_SET: 22,
  LOOPBACK_DENIED: 23
} as const

/** Router to client: what became of a message; a hint, since no router reports from the far end. */
export interface MessageStatus {
  readonly type: typeof TYPE.MessageStatus
  readonly sessionId: number
  readonly messageId: number
  readonly status: number
  /** Bytes of the available message; for status 0 only. */
  readonly size: number
  readonly nonce: number
}

export const messageStatusCodec: MessageCodec<MessageStatus> = {
  type: TYPE.MessageStatus,
  name: 'MessageStatus',
  write (message, writer) {
    writer.u16(message.sessionId).u32(message.messageId).u8(message.status).u32(message.size).u32(message.nonce)
  },
  read: reader => ({
    type: TYPE.MessageStatus,
    sessionId: reader.u16(),
    messageId: reader.u32(),
    status: reader.u8(),
    size: reader.u32(),
    nonce: reader.u32()
  })
}

const SUCCESS: ReadonlySet<number> = new Set([
  MESSAGE_STATUS.ACCEPTED, MESSAGE_STATUS.BEST_EFFORT_SUCCESS, MESSAGE_STATUS.GUARANTEED_SUCCESS, MESSAGE_STATUS.LOCAL_SUCCESS
])

export function isSuccess (status: number): boolean { return SUCCESS.has(status) }

/** Failures the specification calls guaranteed (8 to 23): the message will not arrive, so waiting for it is of no use. */
export function isCertainFailure (status: number): boolean {
  return status >= MESSAGE_STATUS.ROUTER_FAILURE &&
  status <= MESSAGE_STATUS.LOOPBACK_DENIED
}
