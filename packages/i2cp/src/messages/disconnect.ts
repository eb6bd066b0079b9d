import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

/** Both directions; in practice the router's last word. I2CP, "DisconnectMessage". */
export interface Disconnect {
  readonly type: typeof TYPE.Disconnect
  readonly reason: string
}

export const disconnectCodec: MessageCodec<Disconnect> = {
  type: TYPE.Disconnect,
  name: 'Disconnect',
  write: (message, writer) => { writer.string(message.reason) },
  read: reader => ({ type: TYPE.Disconnect, reason: reader.string() })
}
