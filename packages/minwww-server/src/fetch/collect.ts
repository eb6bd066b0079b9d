import { ServerError } from '../errors.ts'
import { toServerError } from './failures.ts'
import type { UpstreamResponse } from './http-types.ts'

export interface CollectLimits {
  /** Bytes of a body that goes out as it is. */
  maxCoded: number
  /** Bytes of a body that will be compressed before it goes out, or that was decompressed here. */
  maxDecoded: number
}

export type Collected =
  | { kind: 'whole', body: Buffer }
  /** The body is longer than the limit. What was read is in `head`, the rest still in the response's body, paused. */
  | { kind: 'too-large', head: Buffer[], size: number }

/**
 * Reads a body up to its limit, chunk by chunk, and never holds more than the limit and one chunk. `admit` is asked
 * before each chunk is taken, and may make it wait.
 *
 * @throws ServerError MINWWW_EXIT_TIMEOUT, MINWWW_EXIT_MALFORMED, or what `signal` was aborted with
 */
export async function collect (
  response: UpstreamResponse, limits: CollectLimits, admit?: (bytes: number) => Promise<void>
): Promise<Collected> {
  const limit = response.shrinks ? limits.maxDecoded : limits.maxCoded
  if (response.length !== undefined && response.length > limit) return { kind: 'too-large', head: [], size: response.length }
  const head: Buffer[] = []
  let size = 0
  const reader = response.body.iterator({ destroyOnReturn: false })
  try {
    for await (const chunk of reader) {
      head.push(chunk as Buffer)
      size += (chunk as Buffer).length
      await admit?.((chunk as Buffer).length)
      if (size > limit) return { kind: 'too-large', head, size: response.length ?? 0 }
    }
  } catch (cause) {
    throw toServerError(cause, 'body')
  }
  return { kind: 'whole', body: Buffer.concat(head) }
}

export function tooLarge (size: number): ServerError {
  return new ServerError('MINWWW_EXIT_TOO_LARGE', 'the answer is larger than one reply may be', { size })
}
