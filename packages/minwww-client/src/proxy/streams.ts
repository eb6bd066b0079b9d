import type { Duplex } from 'node:stream'
import type { Destination } from '@minwww/i2cp'

/** What the proxy needs of a stream manager of @minwww/streaming: a socket that emits 'connect', or 'error'. */
export interface StreamConnector {
  connect (options: { destination: Destination, port?: number, signal?: AbortSignal }): Duplex
}
