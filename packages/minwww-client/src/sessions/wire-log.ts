import { parseDatagram2, PROTOCOL } from '@minwww/i2cp/codec'
import { peekPrefix, tunnelMessagesOf } from '@minwww/protocol'

/** What the debug log says of one message: no Destination, no content. */
export interface MessageSummary {
  direction: 'out' | 'in'
  type: string
  id: number | undefined
  attempt: number | undefined
  /** Bytes of the I2CP payload. */
  size: number
  tunnelMessages: number
}

/** Reads only the prefix; junk is summed up as type `unknown`. */
export function summarize (direction: 'out' | 'in', protocol: number, payload: Buffer): MessageSummary {
  const prefix = peekPrefix(protocol === PROTOCOL.DATAGRAM2 ? signedPayload(payload) : payload)
  return {
    direction,
    type: prefix?.type ?? 'unknown',
    id: prefix?.id,
    attempt: prefix?.attempt,
    size: payload.length,
    tunnelMessages: tunnelMessagesOf(payload.length)
  }
}

function signedPayload (bytes: Buffer): Buffer {
  try {
    return parseDatagram2(bytes).payload
  } catch {
    return Buffer.alloc(0)
  }
}
