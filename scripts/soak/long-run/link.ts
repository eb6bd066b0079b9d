import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a router's I2CP port that can be cut. */
export interface Link {
  /** HOST:PORT on loopback. */
  address: string
  /** Breaks the connections that stand; new ones are let through. */
  cut: () => void
  close: () => void
}

/** `connect` opens a connection to the router. */
export async function openLink (connect: () => Socket): Promise<Link> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, near => {
    const far = connect()
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => {
        sockets.delete(socket)
        other.destroy()
      }).pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => { for (const socket of sockets) socket.destroy() }
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, cut, close: () => { cut(); server.close() } }
}
