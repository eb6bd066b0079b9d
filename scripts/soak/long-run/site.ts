import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { seededNumbers } from '../measure.ts'

const NOISE_SIZE = 4 * 1_048_576
/** How long a page under /kept/ may be kept, s. */
const MAX_AGE = 300

const random = seededNumbers(4_480)
/** Bytes that do not compress. */
const noise = Buffer.from(Array.from({ length: NOISE_SIZE }, () => Math.floor(random() * 256)))

/** What /SIZE/NUMBER is: bytes that both sides know. */
export function contentOf (size: number, number: number): Buffer {
  const start = number * 7_919 % (NOISE_SIZE - size)
  return noise.subarray(start, start + size)
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * The HTTPD behind the exits. GET /new/SIZE/NUMBER may not be kept, /kept/SIZE/NUMBER may, and both go on from a byte; POST says
 * the SHA-256 of what
 * came; everything else is 404.
 */
export async function startSite (): Promise<{ origin: string, close: () => void }> {
  const server = createServer((request, response) => {
    const [, kind, size, number] = /^\/(new|kept)\/(\d{1,7})\/(\d{1,9})$/.exec(request.url ?? '') ?? []
    if (request.method === 'POST') return digest(request, response)
    request.resume()
    if (kind === undefined) {
      response.writeHead(404, { 'cache-control': 'no-store' }).end('not here\n')
      return
    }
    const body = contentOf(Number(size), Number(number))
    const etag = `"${size}-${number}"`
    const from = request.headers['if-range'] === etag ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0
    response.writeHead(from > 0 ? 206 : 200, {
      'cache-control': kind === 'new' ? 'no-store' : `max-age=${MAX_AGE}`,
      'content-type': 'image/png',
      'content-length': body.length - from,
      'accept-ranges': 'bytes',
      etag,
      ...(from > 0 && { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` })
    }).end(body.subarray(from))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => { server.closeAllConnections(); server.close() }
  }
}

function digest (request: IncomingMessage, response: ServerResponse): void {
  const hash = createHash('sha256')
  request.on('data', (chunk: Buffer) => hash.update(chunk)).on('end', () => response.end(hash.digest('hex')))
    .on('error', () => response.destroy())
}
