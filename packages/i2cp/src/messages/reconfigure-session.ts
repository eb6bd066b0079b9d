import { readSessionConfig, writeSessionConfig } from '../data/session-config.ts'
import type { SessionConfig } from '../data/session-config.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Client to router: changed options, merged into those in force. I2CP, "ReconfigureSessionMessage". */
export interface ReconfigureSession {
  readonly type: typeof TYPE.ReconfigureSession
  readonly sessionId: number
  readonly config: SessionConfig
}

export const reconfigureSessionCodec: MessageCodec<ReconfigureSession> = {
  type: TYPE.ReconfigureSession,
  name: 'ReconfigureSession',
  write: (message, writer) => writeSessionConfig(writer.u16(message.sessionId), message.config),
  read: reader => ({ type: TYPE.ReconfigureSession, sessionId: reader.u16(), config: readSessionConfig(reader) })
}
