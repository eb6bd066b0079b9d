import t from 'tap'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import type { Answer } from '../src/http/answer.ts'
import { brotliWindow } from '../src/http/coding.ts'
import { DecoderRoom } from '../src/http/decoder-room.ts'
import { decodedFor } from '../src/http/decoding.ts'
import type { Fields } from '../src/http/fields.ts'
import { get, keys, raw, startProxy } from './proxy-support.ts'
import { portOf, startPeer, withExits } from './stream-support.ts'

const TEXT = Buffer.from('a page with words, words and words. '.repeat(5_000))
const READER = { acceptEncoding: undefined, method: 'GET', signal: new AbortController().signal }
const answerOf = (coding: string, body: Buffer | Readable, fields: Fields = [], status = 200): Answer =>
  ({ status, reason: 'OK', fields: [['Content-Encoding', coding], ...fields], body, path: 'stream' })

async function read (body: Buffer | Readable): Promise<Buffer> {
  return Buffer.isBuffer(body) ? body : Buffer.concat(await body.toArray() as Buffer[])
}

const CODED: Array<[coding: string, body: Buffer]> = [
  ['gzip', gzipSync(TEXT)],
  ['X-GZIP', gzipSync(TEXT)],
  ['br', brotliCompressSync(TEXT)],
  ['deflate', deflateSync(TEXT)],
  ['deflate', deflateRawSync(TEXT)],
  ['gzip, br', brotliCompressSync(gzipSync(TEXT))],
  ['deflate, identity, gzip', gzipSync(deflateRawSync(TEXT))],
  ['br, deflate', deflateSync(brotliCompressSync(TEXT))],
  ['gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(TEXT)))]
]
/** As one buffer, as a stream of one chunk, and byte by byte. */
const SHAPES: Array<(body: Buffer) => Buffer | Readable> = [
  body => body,
  body => Readable.from([body], { objectMode: false }),
  body => Readable.from([...body].map(byte => Buffer.from([byte])), { objectMode: false })
]

t.test('every coding on every kind of body', async t => {
  const room = new DecoderRoom()
  for (const [coding, coded] of CODED) {
    for (const shape of SHAPES) {
      const plain = await decodedFor(READER, answerOf(coding, shape(coded), [['ETag', '"x"'], ['Content-Length', '9']]), room)
      t.ok((await read(plain.body)).equals(TEXT), coding)
      t.strictSame(plain.fields, [['ETag', 'W/"x"']])
      for (const damaged of [coded.subarray(0, coded.length - 9), coded.subarray(0, 1), Buffer.from('it is no such thing')]) {
        await t.rejects(
          decodedFor(READER, answerOf(coding, shape(damaged)), room).then(async ({ body }) => await read(body)),
          { code: 'MINWWW_BAD_UPSTREAM' },
          `${coding}, damaged`
        )
      }
      t.strictSame(
        await decodedFor(READER, answerOf(coding, shape(Buffer.alloc(0))), room),
        { fields: [], body: Buffer.alloc(0) },
        'nothing is nothing'
      )
    }
  }
  t.equal(room.load.used, 0, 'all memory is given back')
})

t.test('what goes on as it came', async t => {
  const room = new DecoderRoom()
  const coded = gzipSync(TEXT)
  for (const answer of [
    answerOf('zstd', coded), answerOf('gzip, zstd', coded), answerOf('gzip, gzip, gzip, gzip', coded), answerOf('gzip', coded, [], 206),
    answerOf('gzip', coded, [['Cache-Control', 'public, No-Transform']]), answerOf('identity', coded)
  ]) t.strictSame(await decodedFor(READER, answer, room), { fields: answer.fields, body: coded }, JSON.stringify(answer.fields))
  const kept = await decodedFor({ ...READER, acceptEncoding: 'gzip' }, answerOf('gzip', coded), room)
  t.equal(kept.body, coded)
  t.strictSame(
    (await decodedFor({ ...READER, method: 'HEAD' }, answerOf('gzip', Buffer.alloc(0)), room)).fields,
    [],
    'HEAD has the fields of GET'
  )
})

t.test('whoever leaves gives his memory back', async t => {
  const room = new DecoderRoom()
  const big = gzipSync(Buffer.alloc(20_000_000))
  for (const shape of SHAPES.slice(0, 2)) {
    const leaving = new AbortController()
    const { body } = await decodedFor({ ...READER, signal: leaving.signal }, answerOf('gzip', shape(big)), room)
    t.ok(room.load.used > 0)
    leaving.abort(new Error('left'))
    if (!Buffer.isBuffer(body)) {
      body.on('error', () => {}).destroy()
      await once(body, 'close')
    }
    while (room.load.used > 0) await new Promise(setImmediate)
  }
  t.equal(room.load.used, 0)
})

t.test('memory for decoding: who stands still makes room for who comes', async t => {
  const room = new DecoderRoom(300, 20)
  const { signal } = new AbortController()
  const evicted: number[] = []
  const first = await room.take(100, signal, () => evicted.push(1))
  await room.take(200, signal, () => evicted.push(2))
  const waits = room.take(200, signal, () => {})
  const keep = setInterval(first.progress, 2)
  const third = await waits
  clearInterval(keep)
  t.strictSame(evicted, [2], 'only the one that took nothing')
  const left = new AbortController()
  const gone = room.take(300, left.signal, () => {})
  left.abort(new Error('left'))
  await t.rejects(gone, { message: 'left' })
  third.release()
  third.release()
  first.release()
  t.equal(room.load.used, 0)
})

t.test('the window of a brotli stream', t => {
  for (let window = 10; window <= 24; window++) {
    const coded = brotliCompressSync(Buffer.from('x'), {
      params: { [constants.BROTLI_PARAM_LGWIN]: window, [constants.BROTLI_PARAM_QUALITY]: 5 }
    })
    t.equal(brotliWindow(coded[0]!), window)
  }
  t.end()
})

t.test('500 readers that read nothing of bodies that expand 190 times', async t => {
  const block = Buffer.from(Array.from({ length: 126_000 }, (_, i) => (i * 2_654_435_761 >>> 13) & 0xff))
  const body = brotliCompressSync(Buffer.concat(Array.from({ length: 190 }, () => block)), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 5 }
  })
  t.ok(body.length < 140_000, `${body.length} bytes coded`)
  const small = brotliCompressSync(TEXT)
  const { proxy, core, port } = await startProxy(
    request => ({ headers: [['Content-Encoding', 'br']], body: request.url.endsWith('/small') ? small : body }),
    { cache: false }
  )
  const before = process.memoryUsage().rss
  let most = before
  const sample = setInterval(() => { most = Math.max(most, process.memoryUsage().rss) }, 20)
  const sockets: Socket[] = []
  for (let n = 0; n < 500; n++) {
    const socket = connect(port, '127.0.0.1').pause()
    socket.on('error', () => {})
    socket.write(`GET http://a.example/${n} HTTP/1.1\r\nHost: a.example\r\n\r\n`)
    sockets.push(socket)
  }
  while (core.requests.length < 500) await new Promise(setImmediate)
  const honest = await get(port, 'http://a.example/small')
  t.ok(honest.body.equals(TEXT), 'an honest visitor gets his page')
  clearInterval(sample)
  const grown = Math.round((most - before) / 1_048_576)
  t.ok(grown < 400, `${grown} MB more`)
  for (const socket of sockets) socket.destroy()
  await proxy.close()
})

t.test('transfer codings that nobody asked for are undone, or refused', async t => {
  const coded = gzipSync('hello')
  let coding = 'gzip, chunked'
  const site = createServer(socket => {
    socket.once('data', () => {
      const chunk = Buffer.concat([Buffer.from(`${coded.length.toString(16)}\r\n`), coded, Buffer.from('\r\n0\r\n\r\n')])
      socket.end(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\nConnection: close\r\n\r\n`),
          coding.endsWith('chunked') ? chunk : coded
        ])
      )
    })
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  const exit = await startPeer(() => {})
  const { port, streams, session, end } = await withExits([exit], () => ({}))
  const destination = keys().destination
  session.names.set('a.i2p', destination)
  streams.ports.set(destination.b32, portOf(site))
  for (coding of ['gzip, chunked', 'X-Gzip, chunked', 'gzip']) {
    t.equal((await get(port, 'http://a.i2p/', [], 'DELETE')).text, 'hello', coding)
  }
  for (coding of ['compress, chunked', 'gzip, gzip, chunked', 'br, chunked']) {
    t.equal((await get(port, 'http://a.i2p/', [], 'DELETE')).status, 502, coding)
  }
  t.match((await raw(port, 'DELETE http://a.i2p/ HTTP/1.0\r\n\r\n', { half: false })).toString(), /^HTTP\/1.1 502/)
  await end()
  site.close()
})
