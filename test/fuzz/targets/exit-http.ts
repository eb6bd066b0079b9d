import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { SeededRandom } from '@minwww/testkit'
import { createExit } from '../../../packages/minwww-server/src/index.ts'
import { systemClock } from '../../../packages/ground/src/node.ts'
import { adaptCoding } from '../../../packages/minwww-server/src/fetch/content-coding.ts'
import { isExpected } from '../../../packages/minwww-server/src/fetch/failures.ts'
import { readReplyHead } from '../../../packages/minwww-server/src/fetch/reply-head.ts'
import { readBody } from '../../../packages/minwww-server/src/http1/body.ts'
import { ByteReader } from '../../../packages/minwww-server/src/http1/byte-reader.ts'
import { readResponse } from '../../../packages/minwww-server/src/http1/response.ts'
import { FakeCore, FakeSession, keysOf } from '../../../packages/minwww-server/test/support/exit.ts'
import { FakeStreams } from '../../../packages/minwww-server/test/support/streams.ts'
import { bound, type Target } from '../target.ts'
import { HTTP_TOKENS } from './protocol.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const MINUTE = 60_000

interface Exit {
  streams: FakeStreams
  faults: unknown[]
  open: () => number
}

let exit: Promise<Exit> | undefined

/** A whole exit with one site, which answers at once or a little later, and limits that let everything through. */
async function startExit (): Promise<Exit> {
  const server = createServer((request, response) => {
    request.resume().on('error', () => {})
    if (request.url === '/slow') setImmediate(() => response.end('slow'))
    else response.end(request.url)
  })
  server.on('upgrade', (_request, socket) => socket.on('error', () => {}).end('HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n'))
  server.on('clientError', (_error, socket) => socket.destroy())
  server.unref().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const streams = new FakeStreams()
  const faults: unknown[] = []
  const running = await createExit({
    session: new FakeSession(),
    streams,
    createCore: () => new FakeCore(),
    logger: { debug () {}, info () {}, warn () {}, error: facts => { faults.push(facts) } },
    sites: { 'a.i2p': `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    limits: { requestsPerClient: [], requestsTotal: [], postsPerClient: [], postsTotal: [], maxRefusals: Infinity }
  })
  return { streams, faults, open: () => running.stats.streams }
}

/** Several messages on one stream, in pieces, ended, half-closed or reset at any point. */
async function sequence (bytes: Buffer, random: SeededRandom): Promise<void> {
  const { streams, faults, open } = await (exit ??= startExit())
  const stream = streams.open(keysOf(7).destination)
  stream.resume()
  for (let at = 0; at < bytes.length && !stream.destroyed;) {
    const size = random.chance(4) ? 1 + random.below(60) : bytes.length
    stream.write(bytes.subarray(at, at + size))
    at += size
    if (random.chance(8)) await new Promise(resolve => setImmediate(resolve))
    if (random.chance(64)) stream.destroy()
  }
  if (random.chance(3)) stream.destroy()
  else stream.end()
  if (!stream.closed) await once(stream, 'close')
  for (let turns = 0; open() > 0 && turns < 1_000; turns++) await new Promise(resolve => setImmediate(resolve))
  bound(open() === 0, 'streams')
  if (faults.length > 0) throw new Error('a fault that nobody foresaw', { cause: faults.splice(0)[0] })
}

/** What sites say: heads, interim answers, bodies and codings. */
async function answers (bytes: Buffer, random: SeededRandom): Promise<void> {
  const stream = new PassThrough()
  stream.on('error', () => {})
  for (let at = 0; at < bytes.length;) {
    const size = random.chance(2) ? 1 + random.below(200) : bytes.length
    stream.write(bytes.subarray(at, at + size))
    at += size
  }
  stream.end()
  const reader = new ByteReader(stream, systemClock)
  let length = 0
  try {
    for (let count = 0; count < 8; count++) {
      const limits = { maxBytes: 16_384, maxFields: 64 }
      const head = readReplyHead(await readResponse(reader, random.chance(8) ? 'HEAD' : 'GET', limits, () => MINUTE, () => {}))
      bound(head.headers.length <= limits.maxFields, 'fields')
      for (const decoder of adaptCoding(head, []).decoders) decoder.destroy()
      for await (const piece of readBody(reader, head.framing, MINUTE)) length += piece.length
      bound(length <= bytes.length, 'body')
    }
  } catch (error) {
    if (!isExpected(error)) throw error
  }
}

const HEADS = [
  'GET / HTTP/1.1\r\nHost: a.i2p\r\n\r\n', 'GET /slow HTTP/1.1\r\nHost: a.i2p\r\n\r\n', 'GET http://a.i2p/x HTTP/1.0\r\n\r\n',
  'POST /x HTTP/1.1\r\nHost: a.i2p\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody',
  'POST /slow HTTP/1.1\r\nHost: a.i2p\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n0\r\nT: x\r\n\r\n',
  'CONNECT a.i2p:80 HTTP/1.1\r\nHost: a.i2p:80\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a.i2p\r\nConnection: close\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a.i2p\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a.i2p\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n',
  'GET minwww://5a2dcf8e478e1034/1 HTTP/1.1\r\nHost: minwww\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a.i2p\r\nMax-Forwards: 0\r\n\r\n', 'DELETE /x HTTP/1.1\r\nHost: other.i2p\r\n\r\n'
]
/** Every pair. */
const PAIRS = HEADS.flatMap(first => HEADS.map(second => latin1(first + second)))
const gzip = gzipSync(Buffer.alloc(2_000, 'page'))
const ANSWERS = [
  latin1('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 204 No\r\n\r\n'),
  latin1('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n' +
    'HTTP/1.1 200 OK\r\nX-A : 1\r\n folded\r\nContent-Length: 0\r\n\r\n'),
  latin1('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4;x=y\r\nbody\r\n0\r\nTrailer: x\r\n\r\n'),
  latin1('HTTP/1.0 404 Not Found\nSet-Cookie: a=b\n\nuntil the end'), latin1('HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\nraw'),
  Buffer.concat([latin1(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${gzip.length}\r\n\r\n`), gzip]),
  Buffer.concat([
    latin1('HTTP/1.1 200 OK\r\nContent-Encoding: br, gzip\r\nConnection: close\r\n\r\n'), gzipSync(brotliCompressSync(Buffer.alloc(9_000)))
  ])
]
const TOKENS = [
  ...HTTP_TOKENS,
  ...[
    'Expect: 100-continue\r\n', 'Connection: upgrade\r\nUpgrade: a\r\n', 'Transfer-Encoding: chunked\r\n', '0\r\n\r\n', 'ffffffff\r\n',
    'HTTP/1.1 100 C\r\n\r\n'
  ].map(latin1)
]

export const EXIT_HTTP_TARGETS: Target[] = [
  { name: "the exit's streams, sequences and pairs", weight: 0.3, samples: PAIRS, tokens: TOKENS, decode: sequence },
  { name: 'answers of sites, as the exit reads them', weight: 3, samples: ANSWERS, tokens: TOKENS, decode: answers }
]
