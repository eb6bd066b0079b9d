import { Readable } from 'node:stream'
import { reasonOf } from './answer.ts'
import { ProxyError } from './failures.ts'

/**
 * A body that reads `pieces` as fast as its reader takes them; an abort of the signal, or `close`, ends it whatever they wait
 * for (`Readable.from` would wait for the next one, which may never come).
 * @param close - called once when it is over
 */
export function bodyOf (pieces: AsyncIterator<Buffer>, signal: AbortSignal, close: () => void): Readable {
  const body = new Readable({
    read: () => {
      pieces.next().then(({ done, value }) => body.push(done === true ? null : value), (error: Error) => body.destroy(error))
    },
    destroy: (error, done) => {
      signal.removeEventListener('abort', abort)
      close()
      done(error)
    }
  })
  const abort = (): void => { body.destroy(reasonOf(signal)) }
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  return body
}

/**
 * Pieces of sources one after the other, as many bytes as they should be.
 * @param length - bytes of all; undefined where nobody said
 * @throws ProxyError for more or fewer
 */
export async function * counted (
  sources: Iterable<Iterable<Buffer> | AsyncIterable<Buffer>>,
  length: number | undefined
): AsyncGenerator<Buffer> {
  let size = 0
  for (const source of sources) {
    for await (const piece of source) {
      if (piece.length === 0) continue
      size += piece.length
      // The browser would take it for the next response.
      if (length !== undefined && size > length) throw new ProxyError('MINWWW_BAD_UPSTREAM', 'the body is longer than it says')
      yield piece
    }
  }
  if (length !== undefined && size < length) throw new ProxyError('MINWWW_CONNECTION_FAILED', 'the body ended before its end')
}
