import { readSessionConfig, writeSessionConfig } from '../data/session-config.ts'
import type { SessionConfig } from '../data/session-config.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Client to router: open a session. The router answers with SessionStatus. I2CP, "CreateSessionMessage". */
export interface CreateSession {
  readonly type: typeof TYPE.CreateSession
  readonly config: SessionConfig
}

export const createSessionCodec: MessageCodec<CreateSession> = {
  type: TYPE.CreateSession,
  name: 'CreateSession',
  write: (message, writer) => writeSessionConfig(writer, message.config),
  read: reader => ({ type: TYPE.CreateSession, config: readSessionConfig(reader) })
}
