import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'

export interface Listener {
  readonly server: net.Server
  port: number
  origin: string
  /** Connections that ever came in. */
  readonly connections: number
  close: () => Promise<void>
}

/** An HTTPD on 127.0.0.1, port 0. */
export async function httpd (listener: RequestListener): Promise<Listener> {
  return await listening(http.createServer(listener))
}

/** A server that speaks bytes, for answers that no HTTPD would give. */
export async function rawServer (onSocket: (socket: Socket) => void): Promise<Listener> {
  return await listening(net.createServer(socket => {
    socket.on('error', () => {})
    onSocket(socket)
  }))
}

export async function bodyOf (stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer))
  return Buffer.concat(chunks)
}

export function echo (request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.rawHeaders }))
}

async function listening (server: net.Server): Promise<Listener> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    server,
    port,
    origin: `http://127.0.0.1:${port}`,
    get connections () { return connections },
    close: async () => await new Promise<void>(resolve => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  }
}
