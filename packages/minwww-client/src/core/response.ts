import { decodeFront, decodeObject, MAX_RESPONSE, parseResponse, ProtocolError, splitPromises } from '@minwww/protocol'
import type { HttpResponse, Part, Promised } from '@minwww/protocol'

/** An answer: its bytes without the promises in front of them, what they say, and the promises. */
export interface Decoded {
  readonly bytes: Buffer
  readonly head: Omit<HttpResponse, 'body'>
  readonly setsCookie: boolean
  readonly promises: readonly Promised[]
}

/** The HTTP response in an object, or its beginning; undefined for one that is none. */
export function decodeResponse (object: Buffer, part: Part): Decoded | undefined {
  try {
    const split = splitPromises(decodeObject(object, MAX_RESPONSE))
    if (split === undefined) return undefined
    const { promises, message: bytes } = split
    const { status, reason, headers } = parseResponse(bytes, part)
    const setsCookie = headers.some(([name]) => name.toLowerCase() === 'set-cookie')
    return { bytes, head: { status, reason, headers }, setsCookie, promises }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** The promises in front of an answer whose object is still arriving; undefined while they are not all here. */
export function promisesIn (front: Buffer): readonly Promised[] | undefined {
  try {
    return splitPromises(decodeFront(front, MAX_RESPONSE))?.promises
  } catch (error) {
    if (error instanceof ProtocolError) return []
    throw error
  }
}
