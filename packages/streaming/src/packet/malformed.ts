import { StreamingError } from '../errors.ts'

export function malformed (what: string): StreamingError {
  return new StreamingError('STREAMING_MALFORMED', what)
}
