import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import { MAX_HEAD } from '../http/validate.ts'
import { renderError } from '../pages/error-page.ts'
import { ProxyError, type FailureCode } from '../http/failures.ts'

/** Time for a request's head, ms. */
const HEAD_TIMEOUT = 15_000
/** Time for a whole request with its body, ms: uploads go as fast as a tunnel does. */
const REQUEST_TIMEOUT = 1_800_000
/** A browser's idle connection is kept this long, ms. */
const KEEP_ALIVE = 120_000

export interface ListenerHooks {
  request: (request: IncomingMessage, response: ServerResponse) => void
  /** CONNECT and Upgrade: the socket is the hook's from here on. */
  connect: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

/**
 * The HTTP server under fastify. node's parser runs strict: it refuses folded lines, bare LF and CR, both lengths,
 * repeated lengths and control characters, and what it refuses is answered here with an error page.
 */
export function createListener (hooks: ListenerHooks, maxConnections: number): Server {
  const server = createServer({
    insecureHTTPParser: false,
    // The proxy's own page answers a request without Host.
    requireHostHeader: false,
    // The parser counts the request line too; one byte more so that exactly 32 KB pass.
    maxHeaderSize: MAX_HEAD + 1,
    headersTimeout: HEAD_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    keepAliveTimeout: KEEP_ALIVE,
    connectionsCheckingInterval: 2_000,
    highWaterMark: 65_536
  }, hooks.request)
  // Without this node drops fields above 2,000 in silence; the 32 KB bound them already.
  server.maxHeadersCount = 0
  server.maxConnections = maxConnections
  server.on('connect', hooks.connect)
  server.on('upgrade', hooks.upgrade)
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    writePage(response.socket, 'MINWWW_EXPECTATION', undefined)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => { answerParserError(error, socket as Socket) })
  return server
}

function answerParserError (error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  if (error.code === 'HPE_HEADER_OVERFLOW') return writePage(socket, 'MINWWW_FIELDS_TOO_LARGE', undefined)
  if (error.code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return writePage(socket, 'MINWWW_BODY_TOO_LARGE', undefined)
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return writePage(socket, 'MINWWW_REQUEST_TIMEOUT', undefined)
  writePage(socket, 'MINWWW_BAD_REQUEST', /^HPE_[A-Z_]+$/.test(error.code ?? '') ? error.code : undefined)
}

/** An error page on a bare socket, after which it closes. */
export function writePage (socket: Duplex | null, code: FailureCode, detail: string | undefined): void {
  writeErrorTo(socket, new ProxyError(code, detail))
}

export function writeErrorTo (socket: Duplex | null, error: ProxyError, accept?: string, extra: ReadonlyArray<readonly [string, string]> = []): void {
  if (socket === null || !socket.writable) return
  const { status, reason, fields, body } = renderError({ error, accept })
  const head = [`HTTP/1.1 ${status} ${reason}`, ...[...fields, ...extra].map(([name, value]) => `${name}: ${value}`), 'Connection: close', '', ''].join('\r\n')
  socket.once('error', () => {})
  // A response that already began on this socket is cut: half a page must not look whole.
  const pending = (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage
  if (pending?.headersSent === true) {
    socket.destroy()
    return
  }
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), body]), () => socket.destroy())
}
