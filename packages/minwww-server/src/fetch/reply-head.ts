import type { ResponseHead } from '../http1/response.ts'
import { listOf, valuesOf } from './fields.ts'

/** What the exit wants to know of a response before its body, read once. */
export interface ReplyHead extends ResponseHead {
  /** Content-Length. */
  length: number | undefined
  /** Lower case, without parameters; empty if there is none. */
  mediaType: string
  /** Content codings but identity, in the order in which they were applied; lower case. */
  codings: string[]
  /** RFC 9111 section 5.2.2.6. */
  noTransform: boolean
}

export function readReplyHead (head: ResponseHead): ReplyHead {
  const { headers, framing } = head
  return {
    ...head,
    length: framing.kind === 'length' ? framing.length : undefined,
    mediaType: valuesOf(headers, 'content-type')[0]?.split(';', 1)[0]?.trim().toLowerCase() ?? '',
    codings: listOf(headers, 'content-encoding').filter(coding => coding !== 'identity'),
    noTransform: listOf(headers, 'cache-control').includes('no-transform')
  }
}
