import type { Duplex } from 'node:stream'
import type { Destination } from '@minwww/i2cp/codec'

/** A stream that a client has opened; StreamSocket of @minwww/streaming fits. */
export interface IncomingStream extends Duplex {
  setTimeout?: (ms: number, callback?: () => void) => unknown
  readonly remoteDestination?: Destination | undefined
}

/** What the exit needs of a stream manager of @minwww/streaming. */
export interface StreamSource {
  createServer (onConnection: (stream: IncomingStream) => void): StreamListener
}

export interface StreamListener {
  listen (port: number): unknown
  close (): unknown
}

export interface StreamLimits {
  /** Streams at once, in total and of one client; above it a stream is reset. */
  maxStreams: number
  maxStreamsPerClient: number
  /** ms without a byte in either direction after which a stream is ended. */
  idle: number
  /** Bytes and fields of a request's header section. */
  maxHead: number
  maxFields: number
}

/** Streams per client as I2PTunnel has them. */
export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  maxStreams: 512,
  maxStreamsPerClient: 30,
  idle: 120_000,
  maxHead: 32_768,
  maxFields: 128
}
