// The web server behind router 2: web.mjs PORT [HOST-or-RUN]. Plain JavaScript, so that it starts without a loader.
//   GET  /bytes/N[?seed=S]   N reproducible bytes (see bytes.mjs)
//   POST /digest             SHA-256 (hex) and length of the request's body, as JSON
//   POST /echo               the request's body
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { reproducibleBytes } from './bytes.mjs'

const MAX_BYTES = 64 * 1024 * 1024

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const sized = /^\/bytes\/(\d{1,9})$/.exec(url.pathname)
  if (request.method === 'GET' && sized !== null && Number(sized[1]) <= MAX_BYTES) {
    response.end(reproducibleBytes(Number(sized[1]), Number(url.searchParams.get('seed') ?? 1)))
  } else if (request.method === 'POST' && url.pathname === '/digest') {
    const hash = createHash('sha256')
    let length = 0
    request.on('data', chunk => { hash.update(chunk); length += chunk.length })
    request.on('end', () => response.end(JSON.stringify({ length, sha256: hash.digest('hex') })))
  } else if (request.method === 'POST' && url.pathname === '/echo') {
    request.pipe(response)
  } else {
    response.writeHead(404).end('not found\n')
  }
})
server.keepAliveTimeout = 1
server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1')
