import type { Readable } from 'node:stream'

/** One header field as it was sent: name in its original case, value without surrounding white space. */
export type Field = [name: string, value: string]

/** A request in absolute-form, as it comes out of a MinWWW object or off a stream. */
export interface HttpRequest {
  method: string
  url: string
  headers: Field[]
  body?: Uint8Array | AsyncIterable<Buffer> | undefined
  /** The body is sent when the site says 100 (Continue), or nothing for a second (RFC 9110 section 10.1.1). */
  expectsContinue?: boolean
}

/** A response whose body has not been read yet. Whoever holds it reads it to the end or destroys it. */
export interface UpstreamResponse {
  status: number
  reason: string
  headers: Field[]
  /** The body as it arrives; reading it drives the transfer. Fails with ServerError only. */
  body: Readable
  /** Content-Length, where the upstream told it and the body is passed on as it came. */
  length: number | undefined
  /** True where a body is expected (not HEAD, 204, 304). */
  hasBody: boolean
  /** Text without a content coding: compressing it will make it clearly smaller. */
  shrinks: boolean
  /** Server-sent events: it goes on for as long as somebody listens. */
  isEventStream: boolean
  /** It comes from an own site. */
  fromSite: boolean
}

/** What the exit knows about who asks: an authenticated Destination. Destination of @minwww/i2cp fits. */
export interface Visitor {
  readonly hash: Uint8Array
  readonly base64: string
  readonly b32: string
}
