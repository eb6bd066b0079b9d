import { connect as connectTcp, createServer as createTcpServer } from 'node:net'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Destination } from '@minwww/i2cp/codec'
import { MAX_FORWARDED_CONNECTIONS } from './core/constants.ts'
import type { StreamManager } from './stream-manager.ts'

export interface ForwardToTcpOptions {
  manager: StreamManager
  /** Where streams are forwarded to. */
  target: { host: string, port: number }
  /** I2P port, default 0: every one. */
  port?: number
  maxConnections?: number
}

export interface ForwardFromTcpOptions {
  manager: StreamManager
  /** A Destination, or a name that is looked up for every connection. */
  destination: Destination | string
  /** The peer's I2P port, default 0. */
  port?: number
  listen: { host: string, port: number }
  /** Makes what everything that a client sends goes through on its way to the stream. */
  outbound?: () => Duplex
  maxConnections?: number
}

/** Streams forwarded to TCP, or TCP connections forwarded to streams. */
export interface Forwarding {
  readonly connections: number
  /** Accepts no more and destroys what is open. */
  close (): Promise<void>
}

export interface ForwardingToTcp extends Forwarding { readonly destination: Destination }
export interface ForwardingFromTcp extends Forwarding { readonly address: { host: string, port: number } }

/** Forwards streams that come to our Destination to a TCP address, as I2PTunnel's server does. Throws STREAMING_PORT_IN_USE. */
export function forwardToTcp (
  { manager, target, port = 0, maxConnections = MAX_FORWARDED_CONNECTIONS }: ForwardToTcpOptions
): ForwardingToTcp {
  const open = new Set<Socket>()
  const server = manager.createServer({ allowHalfOpen: true }, stream => {
    if (open.size >= maxConnections) return stream.destroy()
    const socket = connectTcp({ ...target, allowHalfOpen: true, noDelay: true })
    track(open, socket)
    join(stream, socket)
  }).listen(port)
  return {
    destination: manager.destination,
    get connections () { return open.size },
    close: async () => {
      await new Promise<void>(resolve => {
        server.close(resolve)
        for (const socket of open) socket.destroy()
      })
    }
  }
}

/** Forwards TCP connections to a Destination, as I2PTunnel's client does. Rejects when it cannot listen. */
export async function forwardFromTcp (options: ForwardFromTcpOptions): Promise<ForwardingFromTcp> {
  const { manager, destination, port = 0, listen, outbound, maxConnections = MAX_FORWARDED_CONNECTIONS } = options
  const open = new Set<Socket>()
  const server = createTcpServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, socket => {
    track(open, socket)
    socket.on('error', () => {}) // until join() takes over
    resolve(manager, destination).then(to => {
      if (socket.destroyed) return
      join(manager.connect({ destination: to, port, allowHalfOpen: true }), socket, outbound?.())
      socket.resume()
    }).catch(() => socket.destroy())
  })
  server.maxConnections = maxConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address() as { address: string, port: number }
  return {
    address: { host: address.address, port: address.port },
    get connections () { return open.size },
    close: async () => {
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      })
    }
  }
}

async function resolve (manager: StreamManager, destination: Destination | string): Promise<Destination> {
  return typeof destination === 'string' ? await manager.session.lookup(destination) : destination
}

/** Copies both ways, from right to left through `filter`; the end of one direction leaves the other open, an error ends both. */
function join (left: Duplex, right: Duplex, filter?: Duplex): void {
  left.pipe(right)
  if (filter === undefined) {
    right.pipe(left)
  } else {
    right.pipe(filter).pipe(left)
    filter.on('error', () => { left.destroy(); right.destroy() })
  }
  for (const [side, other] of [[left, right], [right, left]] as const) {
    side.on('error', () => other.destroy())
    side.on('close', () => { if (!side.readableEnded || !side.writableFinished) other.destroy() })
  }
}

function track (open: Set<Socket>, socket: Socket): void {
  open.add(socket)
  socket.once('close', () => open.delete(socket))
}
