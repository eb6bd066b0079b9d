import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import t from 'tap'
import { decodeFront } from '../src/coding.ts'
import { decodeObject, encodeObject, encodePushed } from '../src/index.ts'

const head = (type: string, more = ''): string => `HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: ${type}\r\n${more}\r\n`
const response = (type: string, body: string | Buffer, more = ''): Buffer =>
  Buffer.concat([Buffer.from(head(type, more)), Buffer.from(body)])

/** Bytes that do not compress; always the same. */
function noise (length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) => createHash('sha256').update(`${i}`).digest())
  return Buffer.concat(blocks, length)
}

t.test('the front of an object is what its first bytes say', async t => {
  const text = response('text/html', Array.from({ length: 900 }, (_, i) => `<p>line ${i * i}</p>`).join(''))
  for (const coding of [0, 1, 2] as const) {
    const object = encodeObject(text, { coding })
    let before = 0
    for (let length = 0; length <= object.length; length += 97) {
      const front = decodeFront(object.subarray(0, length), 100_000)
      t.ok(front.equals(text.subarray(0, front.length)) && front.length >= before, `coding ${coding}, ${length} bytes`)
      before = front.length
    }
    t.ok(before > text.length / 2, `coding ${coding} arrives before its end: ${before}`)
    t.ok(decodeFront(object, 100_000).equals(text))
    t.ok(decodeFront(object, text.length).equals(text))
  }
  t.equal(decodeFront(encodeObject(text, { coding: 0 }), 10).length, 10)
  const bomb = Buffer.concat([Buffer.of(1), deflateRawSync(Buffer.alloc(1_000_000))])
  for (const object of [bomb, encodeObject(Buffer.alloc(1_000_000), { coding: 2 }), Buffer.of(3, 1), Buffer.alloc(0), Buffer.of(1, 7)]) {
    t.equal(decodeFront(object, 1_000).length, 0)
  }
})

t.test('what is coded already is not coded again, and everything else is', async t => {
  const rows: Array<[type: string, more: string, isCoded: boolean]> = [
    ['text/html', '', true], ['text/html', 'Content-Encoding: identity\r\n', true], ['text/html', 'content-encoding:Identity\r\n', true],
    ['text/html', 'Content-Encoding:\r\n', true], ['application/json', '', true], ['application/ld+json', '', true],
    ['image/svg+xml', '', true],
    ['text/html', 'Content-Encoding: br\r\n', false], ['text/html', 'content-encoding:gzip\r\n', false],
    ['text/html', 'Content-Encoding:\t  x\r\n', false], ['image/png', '', false], ['application/octet-stream', '', false]
  ]
  for (const [type, more, isCoded] of rows) {
    const message = response(type, 'a'.repeat(3_000), more)
    const object = encodeObject(message)
    t.equal(object.length < 300, isCoded, `${type} ${more}`)
    t.ok(object.length < message.length, 'its head is')
    t.ok(decodeObject(object, 10_000).equals(message))
  }
})

t.test('stored blocks hold 65,535 bytes each', async t => {
  const lengthOf = (length: number): number => {
    const message = response('image/png', noise(length))
    const object = encodeObject(message)
    t.ok(decodeObject(object, 200_000).equals(message), `${length} bytes`)
    return object.length
  }
  const one = lengthOf(65_534)
  t.strictSame([65_535, 65_536, 131_070, 131_071].map(length => lengthOf(length) - one), [1, 7, 65_541, 65_547])
  t.ok(lengthOf(0) < head('image/png').length)
})

t.test('a request is coded whole, and a push by the head of its response', async t => {
  const post = Buffer.from('POST http://a.i2p/ HTTP/1.1\r\nHost: a.i2p\r\n\r\n' + 'a=1&'.repeat(500))
  t.ok(encodeObject(post, { kind: 'request' }).length < 150)
  const push = (message: Buffer): Buffer => encodePushed('http://a.i2p/x', [['Host', 'a.i2p']], message)
  const pushed = (message: Buffer): number => {
    const object = encodeObject(push(message), { kind: 'push' })
    t.ok(decodeObject(object, 100_000).equals(push(message)))
    return object.length
  }
  t.ok(pushed(response('text/css', 'a'.repeat(5_000))) < 300)
  t.ok(pushed(response('image/png', noise(5_000))) < 5_100, 'both heads are coded')
  t.ok(pushed(response('text/css', 'a'.repeat(5_000), 'Content-Encoding: gzip\r\n')) > 5_000)
  const twice = response('image/png', Buffer.concat([Buffer.from('\r\n\r\nContent-Type: text/css\r\n\r\n'), Buffer.alloc(3_000)]))
  t.ok(encodeObject(twice).length > 3_000, 'a response has one head')
})

t.test('the smallest coding, and the largest output', async t => {
  t.equal(encodeObject(Buffer.alloc(1))[0], 0)
  const small = response('text/html', 'hello')
  t.ok(encodeObject(small).length <= Math.min(...([0, 1, 2] as const).map(coding => encodeObject(small, { coding }).length)))
  t.equal(decodeObject(Buffer.alloc(100), 99).length, 99)
  t.throws(() => decodeObject(Buffer.alloc(101), 99), { code: 'MINWWW_OBJECT_TOO_LARGE', message: /more than 99 bytes/ })
})
