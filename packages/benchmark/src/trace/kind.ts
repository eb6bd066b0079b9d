import { decodeGzipPayload, PROTOCOL } from '@minwww/i2cp/codec'
import { peekPrefix } from '@minwww/protocol'
import { decodePacket } from '@minwww/streaming/core'

export interface Kind {
  /** What the message is, in the words of its protocol. */
  name: string
  /** It only says what has arrived. */
  acknowledgement: boolean
  /** Two messages with the same name and key say the same: the second is a copy or a repetition. */
  key?: string
}

const UNKNOWN: Kind = { name: 'message', acknowledgement: false }

/** Looks into an I2CP message of either protocol. Nothing is verified: it is our own traffic. */
export function kindOf (container: Buffer): Kind {
  try {
    const { protocol, payload } = decodeGzipPayload(container)
    if (protocol === PROTOCOL.STREAMING) return streamingKind(payload)
    if (protocol === PROTOCOL.DATAGRAM2) return { name: 'OPEN', acknowledgement: false }
    const prefix = peekPrefix(payload)
    if (prefix?.type === undefined) return UNKNOWN
    const isAnswer = prefix.type === 'reply' || prefix.type === 'error' || prefix.type === 'body'
    return {
      name: prefix.type.toUpperCase(), acknowledgement: false, ...(!isAnswer && { key: `${prefix.session.toString('hex')} ${prefix.id}` })
    }
  } catch {
    return UNKNOWN
  }
}

function streamingKind (bytes: Buffer): Kind {
  const { synchronize, close, reset, echo, sequence, payload } = decodePacket(bytes)
  const words = [
    ...(synchronize ? ['SYN'] : []),
    ...(close ? ['CLOSE'] : []),
    ...(reset ? ['RESET'] : []),
    ...(echo ? ['ECHO'] : []),
    ...(payload.length > 0 ? [synchronize ? 'data' : `data ${sequence}`] : [])
  ]
  return words.length === 0 ? { name: 'ACK', acknowledgement: true } : { name: words.join('+'), acknowledgement: false }
}
