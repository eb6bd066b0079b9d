// The web server behind router 2: web.mjs PORT RUN (RUN only marks the process as one of that run). Plain JavaScript,
// so that it starts without a loader.
//   GET  /bytes/N[?seed=S]   N reproducible bytes (see bytes.mjs)
//   POST /digest             SHA-256 (hex) and length of the request's body, as JSON
//   POST /echo               the request's body
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'
import { reproducibleBytes } from './bytes.mjs'

const MAX_BYTES = 64 * 1024 * 1024

function answer (request, response) {
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
}

export function createWebServer () {
  const server = createServer(answer)
  server.requestTimeout = 0 // a large upload over a slow path is no attack here
  return server
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) createWebServer().listen(Number(process.argv[2] ?? 8080), '127.0.0.1')
