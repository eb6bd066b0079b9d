import { ServerError } from '../errors.ts'
import { toServerError } from '../fetch/failures.ts'
import { readBody, type Framing } from '../http1/body.ts'
import { MalformedError, SilenceError, type ByteReader } from '../http1/byte-reader.ts'

/** The body of a request on a stream: read once, by whoever wants it, and perhaps not to its end. */
export class RequestBody {
  readonly #reader: ByteReader
  readonly #framing: Framing
  readonly #ms: number
  #isComplete: boolean

  /** `ms` between two pieces. */
  constructor (reader: ByteReader, framing: Framing, ms: number) {
    this.#reader = reader
    this.#framing = framing
    this.#ms = ms
    this.#isComplete = framing.kind === 'none'
  }

  /** It was read to its end, so what follows on the stream is another request. */
  get isComplete (): boolean { return this.#isComplete }

  /** Fails with ServerError only; above `most` bytes, if that is not 0, with MINWWW_EXIT_POLICY. */
  async * pieces (most: number, onPiece: (bytes: number) => void): AsyncGenerator<Buffer, void, undefined> {
    let size = 0
    try {
      for await (const piece of readBody(this.#reader, this.#framing, this.#ms)) {
        size += piece.length
        onPiece(piece.length)
        if (most > 0 && size > most) throw new ServerError('MINWWW_EXIT_POLICY', 'the request is larger than this exit takes')
        yield piece
      }
      this.#isComplete = true
    } catch (cause) {
      throw bodyError(cause)
    }
  }
}

function bodyError (cause: unknown): ServerError {
  const isLate = cause instanceof SilenceError
  if (!isLate && !(cause instanceof MalformedError)) return toServerError(cause, 'request')
  const what = isLate ? 'did not come in time' : 'is not well-formed HTTP'
  return new ServerError('MINWWW_EXIT_BAD_REQUEST', `the body of the request ${what}`, { cause })
}
