import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { canDecode, codingsOf, decodeBody } from '../../../packages/minwww-client/src/http/coding.ts'
import { pairs } from '../../../packages/minwww-client/src/http/fields.ts'
import { createListener } from '../../../packages/minwww-client/src/front/listener.ts'
import { DEFAULT_SETTINGS } from '../../../packages/minwww-client/src/http/settings.ts'
import { DEFAULT_SANITIZE, rebuildFields } from '../../../packages/minwww-client/src/http/request-fields.ts'
import { filterResponseFields } from '../../../packages/minwww-client/src/http/response-fields.ts'
import { mayRepeat } from '../../../packages/minwww-client/src/http/first-bytes.ts'
import { isAbsoluteForm, parseConnectTarget, parseTarget } from '../../../packages/minwww-client/src/http/target.ts'
import { validateHead } from '../../../packages/minwww-client/src/http/validate.ts'
import { testFetcher } from '../../../packages/minwww-server/test/support/fetcher.ts'
import { splitResponses } from '../../../packages/minwww-client/test/responses.ts'
import type { SeededRandom } from '@minwww/testkit'
import { bound, coded, isCoded, type Target } from '../target.ts'
import { HTTP_TOKENS } from './protocol.ts'

/** More than this is not read of one response, bytes. */
const MAX_READ = 4_000_000

/** The browser's end of a connection, without a socket. */
class Wire extends Duplex {
  written = 0
  override _read (): void {}
  override _write (chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk.length
    done()
  }
}

let finding: unknown
const front = createListener({
  request: read,
  connect: (request, connection) => { read(request, undefined); connection.destroy() },
  upgrade: (request, connection) => { read(request, undefined); connection.destroy() },
  fault: error => { finding = error }
}, DEFAULT_SETTINGS)

/** What the proxy does with a head before it asks anybody. */
function read (request: IncomingMessage, response: ServerResponse | undefined): void {
  try {
    coded(() => {
      const url = request.url ?? ''
      const fields = validateHead(request, url)
      if (request.method === 'CONNECT') return parseConnectTarget(url)
      return isAbsoluteForm(url) ? rebuildFields(fields, parseTarget(url), DEFAULT_SANITIZE) : undefined
    })
  } catch (error) {
    finding = error
  }
  request.on('error', () => {}).resume()
  response?.writeHead(204).end()
}

/** A browser's end that keeps what it gets. */
class Browser extends Wire {
  text = ''
  override _write (chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('latin1')
    super._write(chunk, encoding, done)
  }
}

const turns = async (count: number): Promise<void> => { for (let turn = 0; turn < count; turn++) await new Promise(setImmediate) }

/** Requests of which every one is answered late, pipelined, cut anywhere, and then ended, reset or left alone. */
async function playConnection (bytes: Buffer, random: SeededRandom): Promise<void> {
  const methods: string[] = []
  let answering = 0
  const answerLate = (request: IncomingMessage, response: ServerResponse | undefined, connection?: Duplex): void => {
    bound(++answering === 1, 'requests of one connection at a time')
    methods.push(request.method ?? '')
    request.on('error', () => {})
    if (!random.chance(3)) request.resume()
    turns(random.below(4)).then(() => {
      answering--
      connection?.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      response?.writeHead(random.pick([200, 204, 404, 413])).end(random.chance(2) ? 'answer' : undefined)
    }).catch(error => { finding = error })
  }
  const { server, closeConnections } = createListener({
    request: answerLate,
    connect: (request, connection) => answerLate(request, undefined, connection),
    upgrade: (request, connection) => answerLate(request, undefined, connection),
    fault: error => { finding = error }
  }, DEFAULT_SETTINGS)
  finding = undefined
  const wire = new Browser()
  wire.on('error', () => {})
  server.emit('connection', wire)
  const messages = [random.pick(REQUESTS), bytes, random.pick(REQUESTS), random.pick(REQUESTS)].slice(0, 2 + random.below(3))
  const stream = Buffer.concat(random.chance(2) ? messages : [messages[1]!, messages[0]!])
  for (let at = 0; at < stream.length && !wire.destroyed;) {
    const size = random.chance(2) ? 1 + random.below(80) : stream.length
    wire.push(stream.subarray(at, at + size))
    at += size
    if (random.chance(3)) await turns(1)
  }
  if (random.chance(4)) wire.destroy()
  else wire.push(null)
  await turns(30)
  closeConnections()
  await turns(2)
  if (finding !== undefined) throw finding
  const answers = splitResponses(wire.text, methods)
  // A connection that was cut may end in the middle of the last one.
  bound(answers.slice(0, -1).every(({ status }) => status !== 0), `answers in order: ${wire.text.slice(0, 300)}`)
}

/** Node and undici say in their own way that an answer is none. */
const isOfNode = (error: unknown): boolean =>
  /^(HPE_|ERR_|UND_ERR_|ECONN|EPIPE|Z_)/.test(String((error as { code?: string }).code)) || (error as Error).name === 'HTTPParserError'

async function answer (bytes: Buffer): Promise<void> {
  const wire = new Wire()
  // As requestOptions of the proxy has it.
  const options: object = { createConnection: () => wire, host: 'a', path: '/', maxHeaderSize: 65_536, insecureHTTPParser: false }
  const outgoing = httpRequest(options)
  const done = new Promise<void>((resolve, reject) => {
    outgoing.on('response', response => { body(response).then(resolve, reject) })
    outgoing.on('upgrade', (_response, socket) => { socket.destroy(); resolve() })
    outgoing.on('error', error => { if (isOfNode(error)) resolve(); else reject(error) })
    outgoing.on('close', resolve)
  })
  outgoing.end()
  wire.push(bytes)
  wire.push(null)
  await done.finally(() => wire.destroy())
}

async function body (response: IncomingMessage): Promise<void> {
  const codings = codingsOf(response.headers['content-encoding'])
  filterResponseFields(pairs(response.rawHeaders))
  response.on('error', () => {})
  await drain(canDecode(codings) ? decodeBody(response, codings) : response)
}

async function drain (stream: NodeJS.ReadableStream): Promise<void> {
  let length = 0
  try {
    for await (const chunk of stream) {
      length += (chunk as Buffer).length
      bound(length < MAX_READ, 'body')
    }
  } catch (error) {
    if (!isCoded(error) && !isOfNode(error)) throw error
  }
}

let upstream: { fetcher: ReturnType<typeof testFetcher>, respond: Buffer } | undefined

/** The exit fetches over a real socket from a web server that says what it is told to. */
async function fetchFromHostileSite (bytes: Buffer): Promise<void> {
  upstream ??= await startSite()
  upstream.respond = bytes
  try {
    const response = await upstream.fetcher.fetch({
      method: 'GET', url: 'http://a.i2p/', headers: [], body: undefined
    }, { b32: 'x', base64: 'x', hash: Buffer.alloc(32) }, AbortSignal.timeout(5_000))
    await drain(response.body)
  } catch (error) {
    if (!isCoded(error)) throw error
  }
}

async function startSite (): Promise<NonNullable<typeof upstream>> {
  const server = createServer(socket => {
    socket.on('error', () => {}).once('data', () => socket.end(upstream?.respond ?? ''))
  })
  server.unref().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    fetcher: testFetcher({ table: { 'a.i2p': `http://127.0.0.1:${(server.address() as AddressInfo).port}` } }), respond: Buffer.alloc(0)
  }
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const REQUESTS = [
  'GET http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\nAccept: */*\r\nCookie: a=b\r\nReferer: http://site.i2p/x\r\n\r\n',
  'POST http://site.i2p/form HTTP/1.1\r\nHost: site.i2p\r\nContent-Length: 4\r\n\r\nbody',
  'POST http://site.i2p/form HTTP/1.1\r\nHost: site.i2p\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
  'CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\n\r\n',
  'GET http://site.i2p/ws HTTP/1.1\r\nHost: site.i2p\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'GET /console HTTP/1.1\r\nHost: 127.0.0.1:4480\r\n\r\n',
  'POST http://site.i2p/form HTTP/1.1\r\nHost: site.i2p\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody',
  'GET http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n',
  'GET http://site.i2p/ HTTP/1.1\r\nHost: site.i2p\r\nConnection: close\r\n\r\n',
  'GET http://site.i2p/ HTTP/1.0\r\nHost:\tsite.i2p\t\r\n\r\n'
].map(latin1)
const coded1 = gzipSync(Buffer.alloc(2_000, 'page'))
const RESPONSES = [
  latin1('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\nbody'),
  latin1('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n0\r\nTrailer: x\r\n\r\n'),
  latin1('HTTP/1.0 404 Not Found\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\nuntil the end'),
  latin1('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'),
  Buffer.concat([latin1(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${coded1.length}\r\n\r\n`), coded1]),
  Buffer.concat([
    latin1('HTTP/1.1 200 OK\r\nContent-Encoding: br, gzip\r\nConnection: close\r\n\r\n'), gzipSync(brotliCompressSync(Buffer.alloc(50_000)))
  ])
]
const TOKENS = [...HTTP_TOKENS, ...[
  'Content-Encoding: deflate\r\n', 'Content-Length: 99999999999\r\n', 'HTTP/1.1 100 Continue\r\n\r\n', '0\r\n\r\n', 'ffffffff\r\n',
  'Upgrade: x\r\n'
].map(latin1)]

/** A small ClientHello with one extension without data: with early data, and without. */
const hello = (extension: string): Buffer =>
  Buffer.from(`16030100330100002f0303${'11'.repeat(32)}00000213010100` + `0004${extension}0000`, 'hex')
const FIRST_BYTES = [hello('002b'), hello('002a'), ...REQUESTS]

export const HTTP_TARGETS: Target[] = [
  {
    name: "the proxy's HTTP front",
    weight: 6,
    samples: REQUESTS,
    tokens: TOKENS,
    decode (bytes, random) {
      const wire = new Wire()
      wire.on('error', () => {})
      finding = undefined
      front.server.emit('connection', wire)
      for (let at = 0; at < bytes.length && !wire.destroyed;) {
        const size = random.chance(4) ? 1 + random.below(60) : bytes.length
        wire.push(bytes.subarray(at, at + size))
        at += size
      }
      wire.destroy()
      if (finding !== undefined) throw finding
    }
  },
  { name: 'sequences on a browser connection', weight: 0.5, samples: REQUESTS, tokens: TOKENS, decode: playConnection },
  { name: 'answers over a stream', weight: 1.5, samples: RESPONSES, tokens: TOKENS, decode: answer },
  {
    name: 'the first bytes of a tunnel',
    weight: 4,
    samples: FIRST_BYTES,
    tokens: [...TOKENS, ...['\x16\x03\x01', '\0\x2a\0\0', '\x17\x03\x03', '\x14\x03\x03\0\x01\x01'].map(latin1)],
    decode (bytes, random) {
      bound(!mayRepeat(bytes) || mayRepeat(bytes.subarray(0, random.below(bytes.length + 1))), 'a part of what is harmless')
      bound(!mayRepeat(Buffer.concat([hello('002a'), bytes])), 'early data')
    }
  },
  { name: 'answers of web sites', weight: 0.1, samples: RESPONSES, tokens: TOKENS, decode: fetchFromHostileSite }
]
