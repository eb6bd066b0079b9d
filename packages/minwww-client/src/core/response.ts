import { decodeObject, MAX_RESPONSE, parseResponse, ProtocolError } from '@minwww/protocol'
import type { Part } from '@minwww/protocol'

/** The HTTP response in an object, or its beginning; undefined for one that is none. */
export function decodeResponse (object: Buffer, part: Part): { bytes: Buffer, setsCookie: boolean } | undefined {
  try {
    const bytes = decodeObject(object, MAX_RESPONSE)
    const { headers } = parseResponse(bytes, part)
    return { bytes, setsCookie: headers.some(([name]) => name.toLowerCase() === 'set-cookie') }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
