import type { Duplex } from 'node:stream'
import type { Destination } from '@minwww/i2cp/codec'

/** A stream that a client has opened; StreamSocket of @minwww/streaming fits. */
export interface IncomingStream extends Duplex {
  readonly remoteDestination?: Destination | undefined
  /** Takes what is known of the way to the client, before anything was sent on it: ms, bytes/s, share of packets lost. */
  inform? (known: { rtt?: number, rttvar?: number, rate?: number, loss?: number }): void
}

/** What the exit needs of a stream manager of @minwww/streaming. */
export interface StreamSource {
  createServer (onConnection: (stream: IncomingStream) => void): StreamListener
  /** Of each message that it sends, the bytes of its payload: they count against the limits. */
  on? (event: 'sent', listener: (to: Destination, bytes: number) => void): unknown
  off? (event: 'sent', listener: (to: Destination, bytes: number) => void): unknown
}

export interface StreamListener {
  listen (port: number): unknown
  close (): unknown
}

export interface StreamLimits {
  /** Streams at once, in total and of one client; above it a stream is reset. */
  maxStreams: number
  maxStreamsPerClient: number
  /** Bytes and fields of a request's header section. */
  maxHead: number
  maxFields: number
}

/** Streams per client as I2PTunnel has them. */
export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  maxStreams: 512,
  maxStreamsPerClient: 30,
  maxHead: 32_768,
  maxFields: 128
}

/** ms. */
export interface StreamTimeouts {
  /** From the first byte of a request, or from the stream's opening, to the end of its header section. */
  request: number
  /** That a stream without a request is kept for the next one. */
  idle: number
  /** Between two pieces of a request's body. */
  upload: number
  /** Until the client has taken what waits for it, 64 KB at most: who reads less than that is ended. */
  stall: number
  /** That a tunnel (CONNECT, WebSocket) may be silent in both directions. */
  tunnel: number
}

/** An hour of silence in a tunnel is what HAProxy's documentation advises (`timeout tunnel`). */
export const DEFAULT_STREAM_TIMEOUTS: StreamTimeouts = { request: 15_000, idle: 60_000, upload: 60_000, stall: 180_000, tunnel: 3_600_000 }
