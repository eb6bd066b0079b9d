import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Client to router: end the session. Java's router answers with Disconnect or not at all. I2CP, "DestroySessionMessage". */
export interface DestroySession {
  readonly type: typeof TYPE.DestroySession
  readonly sessionId: number
}

export const destroySessionCodec: MessageCodec<DestroySession> = {
  type: TYPE.DestroySession,
  name: 'DestroySession',
  write: (message, writer) => { writer.u16(message.sessionId) },
  read: reader => ({ type: TYPE.DestroySession, sessionId: reader.u16() })
}
