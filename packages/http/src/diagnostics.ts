import { channel } from 'node:diagnostics_channel'
import type { Destination, SessionState } from '@minwww/i2cp'
import type { StreamSocket } from '@minwww/streaming'

/** What the channels of node:diagnostics_channel carry; times in ms. */
export interface Diagnostics {
  'i2p:session:state': { readonly destination: Destination, readonly state: SessionState }
  'i2p:lookup:start': { readonly host: string }
  'i2p:lookup:end': { readonly host: string, readonly destination?: Destination, readonly error?: unknown, readonly ms: number }
  'i2p:stream:open': { readonly host: string, readonly port: number, readonly socket: StreamSocket }
  'i2p:stream:accept': { readonly port: number, readonly socket: StreamSocket }
  'i2p:stream:connected': { readonly socket: StreamSocket }
  /** The socket's statistics are those of its whole life. */
  'i2p:stream:close': { readonly socket: StreamSocket, readonly error?: Error }
  'i2p:datagram:dropped': { readonly port: number, readonly reason: 'malformed' | 'signature' | 'no-socket' }
}

/** The names of the channels. */
export const DIAGNOSTICS = [
  'i2p:session:state', 'i2p:lookup:start', 'i2p:lookup:end', 'i2p:stream:open', 'i2p:stream:accept', 'i2p:stream:connected',
  'i2p:stream:close', 'i2p:datagram:dropped'
] as const satisfies ReadonlyArray<keyof Diagnostics>

/** Costs next to nothing as long as nobody has subscribed. */
export function publish<Name extends keyof Diagnostics> (name: Name, message: Diagnostics[Name]): void {
  const to = channel(name)
  if (to.hasSubscribers) to.publish(message)
}

/** Publishes what becomes of a stream. */
export function watch (socket: StreamSocket): void {
  let error: Error | undefined
  socket.once('connect', () => publish('i2p:stream:connected', { socket }))
  socket.once('error', thrown => { error = thrown })
  socket.once('close', () => publish('i2p:stream:close', { socket, ...(error !== undefined && { error }) }))
}
