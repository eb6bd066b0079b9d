import { decodeObject, parseResponse, ProtocolError } from '@minwww/protocol'
import type { Part } from '@minwww/protocol'

/** Largest response that an object may decode to: a coded object of 128 KiB can hold a few times as much. */
const MAX_RESPONSE = 4 * 1024 * 1024

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
