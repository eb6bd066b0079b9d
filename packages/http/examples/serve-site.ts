/**
 * Serves a folder; the address stays the same as long as site.dat does:
 *   node --import tsx packages/http/examples/serve-site.ts FOLDER [HOST:PORT]
 */
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createI2p } from '@minwww/http'
import type { CreateOptions, I2p } from '@minwww/http'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.png': 'image/png'
}

export async function serveSite (folder: string, options: CreateOptions = {}): Promise<I2p> {
  const i2p = await createI2p(options)
  const server = i2p.createServer((request, response) => {
    send(folder, request.url ?? '/', response).catch(() => response.destroy()) // the visitor has gone, or the file broke off
  })
  server.listen(80)
  await once(server, 'listening')
  return i2p
}

async function send (folder: string, url: string, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(url, 'http://site')
  const path = normalize(decodeURIComponent(pathname)).replace(/\/$/, '/index.html') // normalize: no way out of the folder
  const file = await open(join(folder, path)).catch(() => undefined)
  if (file === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found')
    return
  }
  response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream')
  await pipeline(file.createReadStream(), response)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = '.', router = '127.0.0.1:7654'] = process.argv.slice(2)
  const i2p = await serveSite(folder, { router, keys: 'site.dat', services: { '_http._tcp': { ttl: 86_400, port: 80 } } })
  console.log(`http://${i2p.address}/`)
}
