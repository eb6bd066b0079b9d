/** Every code this package throws or reports; docs/reference/errors.md is written from it. */
export type StreamingErrorCode =
  | 'STREAMING_MALFORMED' // bytes that are no packet
  | 'STREAMING_BAD_OPTION' // an option's value is outside its bounds
  | 'STREAMING_CONNECT_TIMEOUT' // no SYN reply within connectTimeout
  | 'STREAMING_UNREACHABLE' // the router finds no LeaseSet of the peer that it could use
  | 'STREAMING_TIMEOUT' // maxResends without an answer
  | 'STREAMING_INACTIVE' // inactivityTimeout with action disconnect
  | 'STREAMING_READ_TIMEOUT' // nothing to read within readTimeout
  | 'STREAMING_WRITE_TIMEOUT' // no room to write within writeTimeout
  | 'STREAMING_RESET' // the peer reset the stream
  | 'STREAMING_REFUSED' // the peer reset the stream before it was established
  | 'STREAMING_TOO_MANY' // maxConcurrentStreams
  | 'STREAMING_UNSUPPORTED' // a DSA-only destination, a signature type we do not carry
  | 'STREAMING_PORT_IN_USE' // another server listens on that I2P port
  | 'STREAMING_PING_TIMEOUT' // no answer to a ping in time
  | 'STREAMING_ABORTED' // the caller's AbortSignal, or destroy() before the stream was established
  | 'STREAMING_CLOSED' // the manager or the session is closed

export class StreamingError extends Error {
  readonly code: StreamingErrorCode

  constructor (code: StreamingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StreamingError'
    this.code = code
  }
}
