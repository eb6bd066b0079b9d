import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** I2CP, "SessionStatusMessage". */
export const SESSION_STATUS = { DESTROYED: 0, CREATED: 1, UPDATED: 2, INVALID: 3, REFUSED: 4 } as const

/** Router to client: the answer to CreateSession, ReconfigureSession and, on some routers, DestroySession. */
export interface SessionStatus {
  readonly type: typeof TYPE.SessionStatus
  readonly sessionId: number
  /** SESSION_STATUS; other values count as refused. */
  readonly status: number
}

export const sessionStatusCodec: MessageCodec<SessionStatus> = {
  type: TYPE.SessionStatus,
  name: 'SessionStatus',
  write: (message, writer) => { writer.u16(message.sessionId).u8(message.status) },
  read: reader => ({ type: TYPE.SessionStatus, sessionId: reader.u16(), status: reader.u8() })
}
