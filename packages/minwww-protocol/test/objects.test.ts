import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { seedOf } from '@minwww/testkit'
import {
  decodeObject, encodeObject, encodeRequestHead, encodeResponse, parseRequest, parseResponse, ProtocolError, requestCapacity
} from '../src/index.ts'
import type { HeaderList } from '../src/index.ts'
import { DICTIONARY, DICTIONARY_ID } from '../src/dictionary.ts'
import { HELD_OUT } from './heads.ts'

const SEED = 99
const HEAD = 'HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\n\r\n'
const BAD_HTTP = { code: 'MINWWW_BAD_HTTP' }

t.test('the dictionary is the one that its id stands for', async t => {
  const pins: Record<number, string> = { 1: '960a8b9fe7002dcb38cfa270a1da2371c62be551361e4491abcbf7348fbae68d' }
  t.equal(createHash('sha256').update(DICTIONARY).digest('hex'), pins[DICTIONARY_ID], 'changed bytes need a new id')
})

t.test('a GET that the dictionary was not made from fits one tunnel message', async t => {
  const sizes = HELD_OUT.map(head => encodeObject(encodeRequestHead(head), { kind: 'request' }).length)
  const sorted = sizes.toSorted((a, b) => a - b)
  t.comment(`objects of ${sizes.length} requests: min ${sorted[0]}, median ${sorted[sorted.length >> 1]}, max ${sorted.at(-1)}; ` +
    `one tunnel message holds ${requestCapacity(1)}`)
  t.ok(sizes.every(size => size <= requestCapacity(1)))
  t.ok(sorted[sorted.length >> 1]! <= 120)
})

t.test('objects come back in every coding, and in the one chosen', async t => {
  const text = Buffer.from(HEAD + '<p>the same again</p>'.repeat(2000))
  const picture = Buffer.concat([Buffer.from(HEAD.replace('text/html', 'image/png')), noise(150_000)])
  const coded = Buffer.concat([Buffer.from(HEAD.replace('\r\n\r\n', '\r\nContent-Encoding: br\r\n\r\n')), noise(3000)])
  const small = Buffer.from(HEAD + 'hello')
  for (const message of [text, picture, coded, small, Buffer.from(HEAD), Buffer.from('no head at all'), Buffer.alloc(1)]) {
    for (const coding of [0, 1, 2, undefined] as const) {
      const object = encodeObject(message, coding === undefined ? {} : { coding })
      t.ok(decodeObject(object, 200_000).equals(message), `${message.length} bytes, coding ${coding}`)
      if (coding !== undefined) t.equal(object[0], coding)
    }
  }
  t.equal(encodeObject(text)[0], 2)
  t.equal(encodeObject(small)[0], 1)
  t.ok(encodeObject(picture).length < picture.length, 'the head of a picture is coded all the same')
  t.ok(encodeObject(coded).length < coded.length)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), fc.constantFrom('request', 'response'), (bytes, kind) =>
    decodeObject(encodeObject(bytes, { kind: kind as 'request' }), 4000).equals(bytes)), { seed: seedOf(t, SEED), numRuns: 200 })
})

t.test('what does not decode has a code, and nothing inflates without end', async t => {
  const bomb = Buffer.concat([Buffer.of(1), deflateRawSync(Buffer.alloc(10_000_000))])
  t.throws(() => decodeObject(bomb, 131_072), { code: 'MINWWW_OBJECT_TOO_LARGE' })
  t.throws(() => decodeObject(encodeObject(Buffer.alloc(3_000_000), { coding: 2 }), 131_072), { code: 'MINWWW_OBJECT_TOO_LARGE' })
  t.throws(() => decodeObject(Buffer.alloc(101), 99), { code: 'MINWWW_OBJECT_TOO_LARGE' })
  t.throws(() => decodeObject(Buffer.alloc(0), 99), { code: 'MINWWW_BAD_OBJECT' })
  t.throws(() => decodeObject(Buffer.of(3, 1, 2), 99), { code: 'MINWWW_BAD_OBJECT' })
  for (const coding of [1, 2] as const) {
    const object = encodeObject(Buffer.from(HEAD.repeat(3) + 'body'), { coding })
    for (let length = 1; length < object.length; length++) {
      assert.throws(() => decodeObject(object.subarray(0, length), 9999), { code: 'MINWWW_BAD_OBJECT' })
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 0, max: 2 }), (bytes, coding) =>
    onlyCoded(() => decodeObject(Buffer.concat([Buffer.of(coding), bytes]), 1000))), { seed: seedOf(t, SEED), numRuns: 500 })
})

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,15}$/).map(text => 'X-' + text)
const value = fc.stringMatching(/^[!-~]([ -~\xa0-\xff]{0,30}[!-~])?$/)
const headers = fc.array(fc.tuple(name, value), { maxLength: 20 }) as fc.Arbitrary<HeaderList>
const url = fc.stringMatching(/^https?:\/\/[a-z0-9-]{1,20}\.i2p(:[0-9]{1,4})?\/[!-~]{0,40}$/)
const body = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))

t.test('HTTP heads come back as they were', async () => {
  fc.assert(fc.property(fc.constantFrom('GET', 'HEAD', 'POST', 'PROPFIND'), url, headers, body,
    (method, url, headers, body) => {
      const parsed = parseRequest(encodeRequestHead({ method, url, headers, body }))
      assert.deepEqual(parsed, { method, url, headers, body })
    }), { seed: seedOf(t, SEED), numRuns: 100 })
  fc.assert(fc.property(fc.integer({ min: 100, max: 599 }), fc.constantFrom('OK', '', 'Not Found'), headers, body,
    (status, reason, headers, body) => {
      assert.deepEqual(parseResponse(encodeResponse({ status, reason, headers, body })), { status, reason, headers, body })
    }), { seed: seedOf(t, SEED), numRuns: 100 })
})

t.test('every truncation of a head is refused', async () => {
  const request = encodeRequestHead({ method: 'GET', url: 'http://a.i2p/', headers: [['Host', 'a.i2p']] })
  const response = Buffer.from(HEAD)
  for (let length = 0; length < request.length; length++) assert.throws(() => parseRequest(request.subarray(0, length)), BAD_HTTP)
  for (let length = 0; length < response.length; length++) assert.throws(() => parseResponse(response.subarray(0, length)), BAD_HTTP)
})

t.test('heads that smuggle, split or overflow are refused', async t => {
  const start = 'GET http://a.i2p/ HTTP/1.1\r\n'
  const requests = [
    'GET / HTTP/1.1\r\n\r\n', 'GET http://a.i2p/ HTTP/1.0\r\n\r\n', 'GET  http://a.i2p/ HTTP/1.1\r\n\r\n',
    'G(T http://a.i2p/ HTTP/1.1\r\n\r\n',
    'GET ftp://a.i2p/ HTTP/1.1\r\n\r\n', 'GET http://a.i2p/\x00 HTTP/1.1\r\n\r\n', `GET http://a.i2p/${'x'.repeat(9000)} HTTP/1.1\r\n\r\n`,
    start + 'Transfer-Encoding: chunked\r\n\r\n', start + 'Connection: close\r\n\r\n', start + 'upgrade: x\r\n\r\n',
    start + 'a b: c\r\n\r\n',
    start + 'A: b\r\n folded\r\n\r\n', start + 'A: b\nC: d\r\n\r\n', start + 'A: \x7f\r\n\r\n', start + ': empty\r\n\r\n',
    start + 'nocolon\r\n\r\n',
    start + 'Content-Length: 1\r\nContent-Length: 1\r\n\r\nx', start + 'Content-Length: 2\r\n\r\nx', start + 'Content-Length: 0x1\r\n\r\nx',
    start + 'Content-Length: 5\r\n\r\n', start + 'A: b\r\n'.repeat(300) + '\r\n', start + `A: ${'x'.repeat(40_000)}\r\n\r\n`
  ]
  for (const text of requests) t.throws(() => parseRequest(Buffer.from(text, 'latin1')), BAD_HTTP, JSON.stringify(text.slice(0, 60)))
  const responses = [
    'HTTP/1.1 99 Low\r\n\r\n', 'HTTP/1.1 600 High\r\n\r\n', 'HTTP/2 200 OK\r\n\r\n', 'HTTP/1.1 200 \x01\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx'
  ]
  for (const text of responses) t.throws(() => parseResponse(Buffer.from(text, 'latin1')), BAD_HTTP, JSON.stringify(text))
  t.equal(parseResponse(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')).body.length, 0, 'the answer to HEAD')
  t.throws(() => encodeRequestHead({ method: 'GET', url: 'http://a.i2p/', headers: [['A', 'b\r\nEvil: 1']] }), { code: 'MINWWW_BAD_HTTP' })
  t.throws(() => encodeRequestHead({ method: 'GET', url: 'http://a.i2p/ HTTP/1.1\r\nEvil: 1', headers: [] }), { code: 'MINWWW_BAD_HTTP' })
  t.equal(parseResponse(encodeResponse({ status: 200, reason: 'a\r\nb', headers: [], body: Buffer.alloc(0) })).reason, '')
  const headOf = (text: string): Buffer => Buffer.from(start + text + '\r\n\r\n', 'latin1')
  fc.assert(fc.property(fc.string({ maxLength: 200 }), text => onlyCoded(() => parseRequest(headOf(text)))),
    { seed: seedOf(t, SEED), numRuns: 500 })
})

/** Bytes that do not compress; always the same. */
function noise (length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) => createHash('sha256').update(`${i}`).digest())
  return Buffer.concat(blocks, length)
}

function onlyCoded (action: () => unknown): boolean {
  try {
    action()
    return true
  } catch (error) {
    return error instanceof ProtocolError
  }
}

t.test('a head has at most 256 fields', async t => {
  const response = (fields: number): Parameters<typeof encodeResponse>[0] =>
    ({ status: 200, reason: 'OK', headers: Array.from({ length: fields }, (_, index) => [`X-${index}`, 'v']), body: Buffer.from('page') })
  t.equal(parseResponse(encodeResponse(response(256))).headers.length, 256)
  t.throws(() => encodeResponse(response(257)), BAD_HTTP)
  const head = Array.from({ length: 257 }, (_, index) => `X-${index}: v\r\n`).join('')
  t.throws(() => parseResponse(Buffer.from(`HTTP/1.1 200 OK\r\n${head}\r\n`)), BAD_HTTP)
})
