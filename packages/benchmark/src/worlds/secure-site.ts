import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Address } from '../fetch.ts'
import type { Certificate } from './certificate.ts'
import { randomBody } from './site.ts'

const KB = 1_024
/** The page: its document, and a style sheet, a script and ten pictures in it. */
export const PAGE = 24 * KB
export const PARTS = [6, 12, 1, 2, 4, 4, 8, 10, 16, 32, 40, 48].map(size => size * KB)
const MAX_BYTES = 16 * 1_024 * KB

/**
 * HTTP/2 and HTTP/1.1 over TLS 1.3, as the client asks for by ALPN: `/bytes/N?seed=S` are N bytes of that seed.
 * @param wanted - port of loopback; 0 takes a free one
 */
export async function startSecureSite (
  { chain, key }: Pick<Certificate, 'chain' | 'key'>, wanted = 0
): Promise<{ port: number, close: () => Promise<void> }> {
  const server = createSecureServer({ allowHTTP1: true, cert: chain, key, minVersion: 'TLSv1.3' }, answer)
  return await listening(server, wanted)
}

function answer (request: Http2ServerRequest, response: Http2ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url, 'https://127.0.0.1')
  const size = Number(/^\/bytes\/(\d{1,8})$/.exec(pathname)?.[1] ?? MAX_BYTES + 1)
  if (size > MAX_BYTES) {
    response.writeHead(404)
    response.end()
    return
  }
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size, 'cache-control': 'no-store' })
  response.end(randomBody(size, searchParams.get('seed') ?? '1'))
}

/**
 * An HTTP proxy that knows CONNECT to ports of this machine: what stands behind an outproxy's server tunnel.
 * @param wanted - port of loopback; 0 takes a free one
 */
export async function startConnectProxy (wanted = 0): Promise<{ address: Address, close: () => Promise<void> }> {
  const server = createServer((_request, response) => { response.writeHead(405).end() })
  server.on('connect', (request, socket: Socket, ahead: Buffer) => {
    const port = Number(/^127\.0\.0\.1:(\d+)$/.exec(request.url ?? '')?.[1])
    socket.on('error', () => {})
    if (!(port > 0)) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const site = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      if (ahead.length > 0) site.write(ahead)
      site.pipe(socket).pipe(site)
    })
    site.setNoDelay(true)
    site.on('error', () => socket.destroy())
    socket.once('close', () => site.destroy())
  })
  const { port, close } = await listening(server, wanted)
  return { address: { host: '127.0.0.1', port }, close }
}

async function listening (server: Server, wanted: number): Promise<{ port: number, close: () => Promise<void> }> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => { server.once('error', reject).listen(wanted, '127.0.0.1', resolve) })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    }
  }
}
