import t from 'tap'
import fc from 'fast-check'
import { mayRepeat } from '../src/http/first-bytes.ts'
import { clientHello, inRecords, withExtension } from './hello.ts'

const latin = (text: string): Buffer => Buffer.from(text, 'latin1')

t.test('a ClientHello, and every part of it', async t => {
  for (const options of [{}, { ALPNProtocols: ['h2', 'http/1.1'] }, { maxVersion: 'TLSv1.2' as const }]) {
    const hello = await clientHello(options)
    const wrong = Array.from({ length: hello.length + 1 }, (_, length) => length).filter(length => !mayRepeat(hello.subarray(0, length)))
    t.strictSame(wrong, [])
    for (const size of [1, 7, 100]) t.equal(mayRepeat(inRecords(hello.subarray(5), size)), true, `in records of ${size} bytes`)
    t.equal(mayRepeat(Buffer.concat([hello, latin('\x17\x03\x03\0\x01x')])), false, 'data behind it')
    t.equal(mayRepeat(Buffer.concat([hello, latin('\x14\x03\x03\0\x01\x01')])), false, 'what goes before early data behind it')
    t.equal(mayRepeat(Buffer.concat([hello, hello])), false)
    t.equal(mayRepeat(withExtension(hello, 0xfafa)), true, 'an extension that nobody knows')
  }
})

t.test('early data is never repeated', async t => {
  const hello = withExtension(await clientHello(), 42)
  t.equal(mayRepeat(hello), false)
  t.equal(mayRepeat(inRecords(hello.subarray(5), 50)), false)
  t.equal(mayRepeat(Buffer.concat([hello, latin('\x17\x03\x03\0\x01x')])), false)
  t.equal(mayRepeat(hello.subarray(0, -1)), true, 'no site acts on a part')
})

t.test('plain first bytes', async t => {
  for (const text of [
    '', 'G', 'GET ', 'GET / HTTP/1.1\r\nHost: a', 'GET / HTTP/1.1\r', 'GET / HTTP/1.1\r\nA: b\r\n\r', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n'
  ]) {
    t.equal(mayRepeat(latin(text)), true, JSON.stringify(text))
  }
  for (const text of [
    'POST / HTTP/1.1\r\n',
    'GETS ',
    'get / HTTP/1.1',
    'GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1',
    'GET / HTTP/1.1\n\nPOST / HTTP/1.1\n\n',
    '\r\n\r\n',
    'GET a\r\nINCR b\r\n',
    'GET a\r\n',
    'GET / HTTP/1.1\r\nINCR b\r\n',
    'HEAD 1\rPOST\r',
    'GET / HTTP/2\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'SSH-2.0-x\r\n',
    'EHLO a\r\n',
    '\0',
    '\x15\x03\x03'
  ]) { t.equal(mayRepeat(latin(text)), false, JSON.stringify(text)) }
})

t.test('hostile records', async t => {
  for (const hex of [
    '1602', '160301ffff', '1603010000', '160301000102', '16030100040100000016', '16030100060100000203030000', '16030300050100000100'
  ]) {
    t.equal(mayRepeat(Buffer.from(hex, 'hex')), false, hex)
  }
  const hello = await clientHello()
  const early = withExtension(hello, 42)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => { mayRepeat(Buffer.from(bytes)) }), { seed: 1, numRuns: 2_000 })
  fc.assert(fc.property(fc.nat(hello.length - 1), fc.nat(255), (at, value) => {
    const bytes = Buffer.from(hello)
    bytes[at] = value
    mayRepeat(bytes)
  }), { seed: 1, numRuns: 2_000 })
  // However it is cut into records, and whatever follows: with early data it is not repeated once it is whole.
  fc.assert(fc.property(fc.integer({ min: 1, max: 2_000 }), fc.uint8Array({ maxLength: 40 }), (size, more) =>
    !mayRepeat(Buffer.concat([inRecords(early.subarray(5), size), more]))), { seed: 1, numRuns: 500 })
})
