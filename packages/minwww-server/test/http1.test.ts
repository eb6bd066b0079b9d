import { createServer } from 'node:http'
import { duplexPair, PassThrough, type Duplex } from 'node:stream'
import { seedOf, VirtualClock } from '@minwww/testkit'
import fc from 'fast-check'
import t from 'tap'
import { systemClock } from '@minwww/ground/node'
import { readBody } from '../src/http1/body.ts'
import { ByteReader } from '../src/http1/byte-reader.ts'
import { readRequest } from '../src/http1/request.ts'
import { readResponse, type InterimResponse } from '../src/http1/response.ts'
import { responseHead } from '../src/http1/write.ts'

const LIMITS = { maxBytes: 2_048, maxFields: 32 }
const MINUTE = 60_000

/** A reader of these bytes and then the end; in pieces of `size`. */
function readerOf (text: string, size = Infinity): ByteReader {
  const stream = new PassThrough()
  stream.on('error', () => {})
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size))
  stream.end()
  return new ByteReader(stream, systemClock)
}

async function bodyOf (reader: ByteReader, framing: Parameters<typeof readBody>[1]): Promise<string> {
  let text = ''
  for await (const piece of readBody(reader, framing, MINUTE)) text += piece.toString('latin1')
  return text
}

/** Every message on a connection: `METHOD target body`, and how it ended. */
async function requestsIn (text: string, size?: number): Promise<string[]> {
  const reader = readerOf(text, size)
  const seen: string[] = []
  try {
    for (;;) {
      const request = await readRequest(reader, LIMITS, MINUTE)
      if (request === undefined) return [...seen, 'end']
      seen.push(`${request.method} ${request.target} ${await bodyOf(reader, request.framing)}`.trim())
    }
  } catch (error) {
    return [...seen, (error as { code: string }).code]
  }
}

t.test('requests: each in its bounds, in whatever pieces they come', async t => {
  const head = 'POST /x HTTP/1.1\r\nHost: a\r\n'
  const chunked = `${head}Transfer-Encoding: Chunked\r\n\r\n`
  const rows: Array<[string, string[]]> = [
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.0\r\n\r\n', ['GET /', 'GET /2', 'end']],
    [`${head}Content-Length: 5\r\n\r\nhello\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`, ['POST /x hello', 'GET /', 'end']],
    [`${chunked}5;a=b\r\nhello\r\n00a\r\n0123456789\r\n0\r\nX: y\r\n\r\n${head}\r\n`, ['POST /x hello0123456789', 'POST /x', 'end']],
    ['PROPFIND /d HTTP/1.1\r\nHost:a\r\nX:\t y \t\r\n\r\n', ['PROPFIND /d', 'end']],
    ['', ['end']], ['\r\n', ['end']],
    ['\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', ['GET /', 'end']],
    ...[
      // a request line or field that is none
      'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n',
      'G\u0000T / HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /\t HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /\r\n\r\n', 'GET / HTTP/1.1\nHost: a\n\n', 'GET / HTTP/1.1\r\nHost: a\n\r\n',
      'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nX: \u0000\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n',
      '\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n',
      `GET / HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(32)}\r\n`, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(3_000)}\r\n\r\n`,
      // a length that two readers could take for different ones
      `${head}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, `${head}Content-Length: 1, 1\r\n\r\na`,
      `${head}Content-Length: +1\r\n\r\na`,
      `${head}Content-Length: 0x1\r\n\r\na`, `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, `${head}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
      `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`, `${head}Transfer-Encoding:\r\n\r\n`,
      `${head}Transfer-Encoding: \u000bchunked\r\n\r\n`, 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    ].map((text): [string, string[]] => [text, ['HPE_INVALID']]),
    ...[
      '5\r\nhel', '5\r\nhellox\r\n0\r\n\r\n', '5\nhello\r\n0\r\n\r\n', ' 5\r\nhello\r\n0\r\n\r\n', '-5\r\nhello\r\n0\r\n\r\n',
      '0x5\r\nhello\r\n0\r\n\r\n',
      '10000000000000\r\n', `5;${'x'.repeat(2_000)}\r\nhello\r\n0\r\n\r\n`, '5;a\u0000\r\nhello\r\n0\r\n\r\n',
      `0\r\n${'X: y\r\n'.repeat(3_000)}\r\n`, '0\r\nX: y\n\r\n', '\r\n'
    ].map((text): [string, string[]] => [chunked + text, ['HPE_INVALID']])
  ]
  for (const [text, expected] of rows) {
    for (const size of [Infinity, 7, 1]) t.strictSame(await requestsIn(text, size), expected, JSON.stringify(text.slice(0, 90)))
  }
})

t.test('requests: what follows from the head', async t => {
  const read = async (text: string) => await readRequest(readerOf(text), LIMITS, MINUTE)
  t.match(await read('GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n'), { keepAlive: false, version: 1 })
  t.match(await read('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'), { keepAlive: false, version: 0 }, 'HTTP/1.0 is never kept')
  t.match(await read('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n'), {
    expectsContinue: true,
    keepAlive: true
  })
  t.match(await read('GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n'), { expectsContinue: false })
  t.strictSame((await read('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket, h2c\r\n\r\n'))?.upgrade, ['websocket',
    'h2c'])
  t.strictSame((await read('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n'))?.upgrade, [], 'Connection has to name it')
  t.match(await read('CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'), { framing: { kind: 'none' } })
})

t.test('responses: repaired as RFC 9112 says, interim ones in order, never a wrong length', async t => {
  const read = async (text: string, method = 'GET') => {
    const reader = readerOf(text, 5)
    const interim: InterimResponse[] = []
    try {
      const head = await readResponse(reader, method, LIMITS, () => MINUTE, response => interim.push(response))
      return [...interim.map(({ status }) => status), head.status, head.reason, head.headers, head.keepAlive, await bodyOf(reader,
        head.framing)]
    } catch (error) {
      return [...interim.map(({ status }) => status), (error as { code: string }).code]
    }
  }
  const two = 'Content-Length: 2\r\n\r\nhi'
  const LENGTH = ['Content-Length', '2']
  const rows: Array<[string, unknown[], string?]> = [
    [`HTTP/1.1 200 OK\r\nX-A \t: 1\r\n${two}`, [200, 'OK', [['X-A', '1'], LENGTH], true, 'hi']],
    [`HTTP/1.1 200 OK\r\nX-A: 1\r\n \t b\r\n${two}`, [200, 'OK', [['X-A', '1 b'], LENGTH], true, 'hi']],
    [`HTTP/1.1 200 OK\r\nX-A: 1\u0000\u0002b\u007f\r\n${two}`, [200, 'OK', [['X-A', '1  b'], LENGTH], true, 'hi']],
    ['HTTP/1.1 200 OK\nContent-Length: 2\n\nhi', [200, 'OK', [LENGTH], true, 'hi']],
    [`HTTP/1.1 200\r\n${two}`, [200, '', [LENGTH], true, 'hi']], [`HTTP/1.1 200 \r\n${two}`, [200, '', [LENGTH], true, 'hi']],
    [`HTTP/1.1 418 \u00fc\ttea: pot!\r\n${two}`, [418, '\u00fc\ttea: pot!', [LENGTH], true, 'hi']],
    [`HTTP/1.1 200 O\u0000K\u0001\r\n${two}`, [200, '', [LENGTH], true, 'hi'], 'no phrase for one that may not be written'],
    [`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 OK\r\n${two}`, [100,
      103, 102, 200, 'OK', [LENGTH], true, 'hi']],
    ['HTTP/1.1 100 C\r\n\r\n'.repeat(17), [...Array<number>(17).fill(100), 'HPE_INVALID']],
    ['HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n', [204, 'No', [LENGTH], true, '']], ['HTTP/1.1 304 No\r\n\r\nxx', [304, 'No', [], true,
      '']],
    ['HTTP/1.1 200 OK\r\n\r\nall', [200, 'OK', [], false, 'all']], ['HTTP/1.0 200 OK\r\n' + two, [200, 'OK', [LENGTH], false, 'hi']],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n', [200, 'OK', [['Transfer-Encoding', 'chunked']], true,
      'hi']],
    ['HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n', [101, 'S', [['Upgrade', 'x']], true, '']],
    ...[
      `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${two}`, `HTTP/1.1 200 OK\r\nContent-Length: 3\r\n${two}`,
      'HTTP/1.1 200 OK\r\nContent-Length: 2,2\r\n\r\nhi', 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${two}`, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nhi',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi',
      'HTTP/1.1 99 x\r\n\r\n', 'HTTP/1.1 abc\r\n\r\n', 'HTTP/2 200\r\n\r\n', 'SSH-2.0-x\r\n', 'HTTP/1.1 200 OK\r\nA B: x\r\n\r\n',
      'HTTP/1.1 200 OK\r\n folded\r\n\r\n', 'HTTP/1.1 200 OK\r\nX: y', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(33)}\r\n`
    ].map((text): [string, unknown[]] => [text, ['HPE_INVALID']]),
    ['', ['ECONNRESET']]
  ]
  for (const [text, expected, why] of rows) t.strictSame(await read(text), expected, why ?? JSON.stringify(text.slice(0, 90)))
  t.strictSame(await read('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', 'HEAD'), [200, 'OK', [LENGTH], true, ''])
  t.equal(responseHead(200, 'a\r\nb', []).toString(), 'HTTP/1.1 200 \r\n\r\n', 'no line is written that was not meant')
})

/** The same of node's parser, one request after the other. */
async function requestsOfNode (text: string): Promise<string[]> {
  const seen: string[] = []
  const server = createServer({ requireHostHeader: true }, (request, response) => {
    const index = seen.push('') - 1
    let body = ''
    request.on('data', piece => { body += String(piece) }).on('error', () => {})
    request.on('end', () => {
      seen[index] = `${request.method} ${request.url} ${body}`.trim()
      response.end()
    })
  })
  for (const event of ['connect', 'upgrade']) server.on(event, (_request, stream: Duplex) => stream.destroy())
  // What came before the error is told first.
  server.on('clientError', (_error, stream) => setImmediate(() => stream.destroy()))
  const [mine, theirs] = duplexPair()
  mine.on('error', () => {})
  theirs.on('error', () => {}).resume()
  server.emit('connection', mine)
  theirs.end(Buffer.from(text, 'latin1'))
  await new Promise<void>(resolve => mine.once('close', resolve))
  return seen
}

t.test("whatever is taken for a request here, node's strict parser takes for the same one", async t => {
  const pieces = [
    'GET / HTTP/1.1\r\n',
    'POST /x HTTP/1.1\r\n',
    'POST /y HTTP/1.0\r\n',
    'Host: a\r\n',
    'Host:a\r\n',
    'Content-Length: 3\r\n',
    'Content-Length: 0\r\n',
    'content-length:\t3 \r\n',
    'Content-Length: 03\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: CHUNKED \r\n',
    'Transfer-Encoding: x, chunked\r\n',
    'Connection: close\r\n',
    'Connection: keep-alive, x\r\n',
    'X: \u00e9\r\n',
    'X:\r\n',
    ' x\r\n',
    '\r\n',
    '\n',
    '\r',
    'abc',
    '3\r\nabc\r\n',
    '3;x\r\nabc\r\n',
    '3 \r\nabc\r\n',
    '03\r\nabc\r\n',
    '0\r\n\r\n',
    '0\r\nT: x\r\n\r\n',
    '00\r\n',
    'Content-Length: 3, 3\r\n',
    'Transfer-Encoding\u0000: chunked\r\n'
  ]
  await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom(...pieces), { minLength: 3, maxLength: 14 }), async chosen => {
    const text = chosen.join('')
    const ours = (await requestsIn(text)).slice(0, -1)
    const theirs = await requestsOfNode(text)
    if (ours.some((request, index) => theirs[index] !== request)) throw new Error(JSON.stringify({ text, ours, theirs }))
  }), { numRuns: 2_000, seed: seedOf(t, 20_261_128) })
  t.pass('the same boundaries')
})

t.test('every wait has its deadline, also for who sends a byte now and then', async t => {
  const clock = new VirtualClock()
  const [mine, theirs] = duplexPair()
  const reader = new ByteReader(mine, clock)
  const reading = t.rejects(readRequest(reader, LIMITS, 1_000), { name: 'TimeoutError' })
  for (const letter of 'GET / HT') {
    theirs.write(letter)
    await new Promise(resolve => setImmediate(resolve))
    clock.advance(200)
  }
  await reading
  t.equal(clock.pending, 0, 'no timer is left')
  const [other] = duplexPair()
  const waiting = t.rejects(new ByteReader(other, clock).take(1, 1_000), { code: 'ECONNRESET' })
  other.destroy()
  await waiting
  t.equal(clock.pending, 0)
})

t.test('a field that is one long run costs no time, in a request or a response', async t => {
  const began = performance.now()
  const limits = { maxBytes: 40_000, maxFields: 32 }
  for (const run of [' ', '\t', '.', ','].map(character => character.repeat(31_000))) {
    const request = await readRequest(readerOf(`GET / HTTP/1.1\r\nHost: a\r\nX:${run}y\r\n\r\n`), limits, MINUTE)
    t.equal(request?.method, 'GET')
    await t.rejects(readRequest(readerOf(`GET / HTTP/1.1\r\nHost: a\r\nX:${run}\ry\r\n\r\n`), limits, MINUTE), Error, 'CR in a value')
    for (const field of [`X:${run}y`, `X: a${run}y`, `X: a${run}\ry`]) {
      const text = `HTTP/1.1 200 OK\r\n${field}\r\nContent-Length: 0\r\n\r\n`
      t.equal((await readResponse(readerOf(text), 'GET', limits, () => MINUTE, () => {})).status, 200)
    }
  }
  t.ok(performance.now() - began < 10_000, `${Math.round(performance.now() - began)} ms; one of them took hours`)
})
