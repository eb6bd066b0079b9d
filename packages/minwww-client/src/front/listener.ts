import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { MAX_HEAD } from '../http/validate.ts'
import { renderError, type ErrorPageInput } from '../pages/error-page.ts'
import { ProxyError } from '../http/failures.ts'
import type { Fields } from '../http/fields.ts'
import type { Timeouts } from '../http/settings.ts'
import { Connection, type Wire } from './connection.ts'

export interface ListenerHooks {
  request: (request: IncomingMessage, response: ServerResponse) => void
  /** CONNECT and Upgrade: node hands the connection over, the hook answers on it. */
  connect: (request: IncomingMessage, connection: Connection) => void
  upgrade: (request: IncomingMessage, connection: Connection) => void
  /** Something that nobody foresaw; its connection is closed, everything else goes on. */
  fault: (error: unknown) => void
}

export interface ListenerSettings {
  maxConnections: number
  timeouts: Pick<Timeouts, 'head' | 'upload' | 'keepAlive'>
}

export interface Listener {
  /** What fastify runs on and what listens. */
  readonly server: Server
  /** Ends all connections, those of tunnels too. */
  closeConnections: () => void
}

/**
 * The HTTP server under fastify. node's parser runs strict: it refuses folded lines, bare LF and CR, both lengths,
 * repeated lengths and control characters, and what it refuses is answered here with an error page. Every connection is a
 * `Connection`, which lets node see one request at a time.
 */
export function createListener (hooks: ListenerHooks, { maxConnections, timeouts }: ListenerSettings): Listener {
  const server = createServer({
    insecureHTTPParser: false,
    // The proxy's own page answers a request without Host.
    requireHostHeader: false,
    // The parser counts the request line too; one byte more so that exactly 32 KB pass.
    maxHeaderSize: MAX_HEAD + 1,
    headersTimeout: timeouts.head,
    requestTimeout: timeouts.upload,
    keepAliveTimeout: timeouts.keepAlive,
    connectionsCheckingInterval: Math.min(2_000, timeouts.head),
    highWaterMark: 65_536
  })
  // Without this node drops fields above 2,000 in silence; the 32 KB bound them already.
  server.maxHeadersCount = 0
  server.maxConnections = maxConnections
  const connections = new Set<Connection>() // at most maxConnections
  /** Whatever a browser sends ends its own connection at most. */
  const guarded = (connection: Connection, work: () => void): void => {
    try {
      work()
    } catch (error) {
      connection.destroy()
      hooks.fault(error)
    }
  }
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = Connection.of(request)
    guarded(connection, () => { if (connection.begin(request, response)) hooks.request(request, response) })
  }
  const handOver = (request: IncomingMessage, work: (connection: Connection) => void): void => {
    const connection = Connection.of(request)
    guarded(connection, () => { if (connection.begin(request)) work(connection) })
  }
  // node parses every connection that is emitted ("any Duplex stream can be passed"): here, what is left of it.
  const [parse] = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (wire: Wire) => {
    const connection = new Connection(wire)
    connections.add(connection)
    connection.once('close', () => connections.delete(connection))
    parse!.call(server, connection)
  })
  server.on('request', serve)
  // 100 is sent when the request is let in, and its body is wanted.
  server.on('checkContinue', serve)
  server.on('checkExpectation', serve)
  server.on('connect', (request: IncomingMessage) => handOver(request, connection => hooks.connect(request, connection)))
  server.on('upgrade', (request: IncomingMessage) => handOver(request, connection => hooks.upgrade(request, connection)))
  server.on('clientError', (error: ParserError, socket: Duplex) => {
    if (socket instanceof Connection) guarded(socket, () => answerParserError(error, socket))
  })
  return {
    server,
    closeConnections: () => { for (const connection of connections) connection.destroy() }
  }
}

interface ParserError extends NodeJS.ErrnoException { rawPacket?: Buffer }

function answerParserError (error: ParserError, connection: Connection): void {
  if (error.code === 'ECONNRESET' || !connection.writable) {
    connection.destroy()
    return
  }
  const failure = failureOf(error)
  if (connection.refuse(failure)) writeErrorTo(connection, failure)
  // Half a page must not look whole.
  else if (connection.pending === undefined) connection.destroy()
}

function failureOf ({ code = '', rawPacket }: ParserError): ProxyError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW': return new ProxyError('MINWWW_FIELDS_TOO_LARGE')
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW': return new ProxyError('MINWWW_BODY_TOO_LARGE')
    case 'ERR_HTTP_REQUEST_TIMEOUT': return new ProxyError('MINWWW_REQUEST_TIMEOUT')
    case 'HPE_INVALID_METHOD': {
      const method = /^[\r\n]*([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}) \S+ HTTP\/1\.[01]\r\n/.exec(rawPacket?.toString('latin1') ?? '')?.[1]
      return method === undefined ? new ProxyError('MINWWW_BAD_REQUEST', code) : new ProxyError('MINWWW_UNKNOWN_METHOD', method)
    }
    default: return new ProxyError('MINWWW_BAD_REQUEST', /^HPE_[A-Z_]+$/.test(code) ? code : undefined)
  }
}

/** An error page on a connection that node has let go of, after which it closes. */
export function writeErrorTo (
  connection: Duplex,
  error: ProxyError,
  page: Omit<ErrorPageInput, 'error' | 'accept'> & { accept?: string | undefined } = {},
  extra: Fields = []
): void {
  if (!connection.writable) return
  const { status, reason, fields, body } = renderError({ ...page, error, accept: page.accept })
  const all = [['Date', new Date().toUTCString()], ...fields, ...extra, ['Connection', 'close']]
  const head = [`HTTP/1.1 ${status} ${reason}`, ...all.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
  connection.end(Buffer.concat([Buffer.from(head, 'latin1'), body]))
}
