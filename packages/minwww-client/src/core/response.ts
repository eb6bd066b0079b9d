import { decodeFront, decodeObject, MAX_RESPONSE, parseResponse, ProtocolError, splitPromises } from '@minwww/protocol'
import type { HttpResponse, Part, Promised } from '@minwww/protocol'
import { wholeOf } from './resumable.ts'

const END_OF_HEAD = '\r\n\r\n'

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

/**
 * What was seen of a response may be followed by the rest of another fetch: RFC 9110, sections 13.1.5 and 14. Undefined while its head is
 * not here.
 */
export function isResumable (front: Buffer): boolean | undefined {
  try {
    const message = splitPromises(decodeFront(front, MAX_RESPONSE))?.message
    const end = message?.indexOf(END_OF_HEAD) ?? -1
    if (message === undefined || end < 0) return undefined
    const { status, headers } = parseResponse(message.subarray(0, end + END_OF_HEAD.length), 'beginning')
    return wholeOf(status, headers) !== undefined
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
