import {
  computeTag, decodeMessage, decodeObject, decodeOpenBody, encodeMessage, encodeObject, encodeOpenBody, encodeRequestHead, encodeResponse,
  ErasureDecoder,
  ErasureEncoder, joinBlock, MAX_OBJECT, parseRequest, parseResponse, peekPrefix, sessionKeys, splitBlock, TAG
} from '@minwww/protocol'
import type { Message } from '@minwww/protocol'
import { bound, coded, type Target } from '../target.ts'

const K = Buffer.alloc(16, 5)
const KEYS = sessionKeys(K)
const MAX_INFLATED = 1_048_576 // bytes
const RANGE = 'bytes=0-'

const REQUEST = encodeRequestHead(
  { method: 'GET', url: 'http://site.i2p/page?q=1', headers: [['Host', 'site.i2p'], ['Accept', 'text/html'], ['Range', RANGE]] }
)
const POST = encodeRequestHead({
  method: 'POST', url: 'http://site.i2p/form', headers: [['Content-Type', 'text/plain'], ['Content-Length', '4']], body: Buffer.from('body')
})
const TEXT = encodeResponse({
  status: 200, reason: 'OK', headers: [['Content-Type', 'text/html'], ['Content-Length', '6000']], body: Buffer.alloc(6_000, '<p>text</p>')
})
const IMAGE = encodeResponse({ status: 200, reason: 'OK', headers: [['Content-Type', 'image/png']], body: Buffer.alloc(3_000, 9) })
const EMPTY = encodeResponse(
  { status: 304, reason: 'Not Modified', headers: [['ETag', '"x"'], ['Content-Length', '10']], body: Buffer.alloc(0) }
)

const HTTP_TOKENS = [
  '\r\n', '\n', '\r\n\r\n', ' ', '\t', ':', 'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Connection: x\r\n', 'HTTP/1.1',
  'HTTP/9.9', 'http://', 'https://', '\0',
  '\xff', '%', '..', '[::1]', 'GET', 'Host: a\r\nHost: b\r\n'
].map(text => Buffer.from(text, 'latin1'))

const OBJECT = encodeObject(REQUEST, { kind: 'request' })
const ONCE = { incarnation: Buffer.alloc(8, 1), time: 1_700_000_000, token: Buffer.alloc(16, 2) }
const base = { attempt: 0, flags: 0, session: KEYS.session, id: 9 }
const path = { loss: 13, rate: 100, max: 72, shape: 8 }
const symbols = { size: 900, index: 0, last: 2, pace: 80, time: 9, symbol: Buffer.alloc(400, 4) }
const MESSAGES: Array<Exclude<Message, { type: 'open' }>> = [
  { type: 'request', ...base, ...path, object: OBJECT },
  { type: 'request', ...base, ...path, object: OBJECT, once: ONCE },
  { type: 'request', ...base, ...path, object: OBJECT, push: { budget: 80, digest: Buffer.alloc(9, 6) } },
  { type: 'want', ...base, loss: 13, rate: 100, shape: 8, from: 1, count: 2 },
  { type: 'reply', part: 'whole', ...base, ...symbols },
  { type: 'reply', part: 'whole', ...base, ...symbols, size: 0, last: 0 },
  { type: 'body', ...base, ...symbols },
  { type: 'error', ...base, code: 2, retryAfter: 5, size: 100, detail: 'why: \u00fc' },
  { type: 'cancel', ...base },
  { type: 'report', ...base, loss: 13, rate: 100, shape: 8, time: 7, queue: 80, received: 40 },
  { type: 'reply', ...base, ...symbols, part: 'beginning' },
  { type: 'working', ...base, next: 5 }
]
const OPEN = encodeOpenBody({ type: 'open', ...base, ...path, time: 1_700_000_000, key: K, object: OBJECT }, 1_300)

/** So that what is behind the tag is reached. */
export function repairTag (bytes: Buffer, key = KEYS.client): Buffer {
  if (bytes.length < TAG) return bytes
  const content = bytes.subarray(0, bytes.length - TAG)
  return Buffer.concat([content, computeTag(key, content)])
}

export const PROTOCOL_TARGETS: Target[] = [
  {
    name: 'MinWWW messages',
    weight: 40,
    samples: MESSAGES.map(message => encodeMessage(message, KEYS.client)),
    repair: bytes => repairTag(bytes),
    decode (bytes) {
      peekPrefix(bytes)
      const message = coded(() => decodeMessage(bytes, KEYS.client))
      if (message !== undefined) coded(() => encodeMessage(message, KEYS.client))
    }
  },
  {
    name: 'MinWWW OPEN bodies',
    weight: 20,
    samples: [OPEN],
    decode (bytes) {
      const open = coded(() => decodeOpenBody(bytes))
      if (open !== undefined) bound(open.object.length <= bytes.length, 'object')
    }
  },
  {
    name: 'requests in symbols',
    weight: 10,
    samples: [{}, { once: ONCE }, { push: { budget: 80, digest: Buffer.alloc(9, 6) } }].map(block => joinBlock(block, OBJECT)),
    decode (bytes) {
      const split = coded(() => splitBlock(bytes))
      if (split !== undefined) bound(split.object.length < bytes.length, 'object')
    }
  },
  {
    name: 'objects and codings',
    weight: 10,
    samples: [OBJECT, ...[0, 1, 2].flatMap(
      coding => [TEXT, IMAGE, EMPTY].map(message => encodeObject(message, { coding: coding as 0 | 1 | 2 }))
    ), encodeObject(IMAGE)],
    decode: bytes => { bound((coded(() => decodeObject(bytes, MAX_INFLATED))?.length ?? 0) <= MAX_INFLATED, 'object') }
  },
  {
    name: 'erasure symbols',
    weight: 6,
    samples: [new ErasureEncoder(Buffer.alloc(900, 7), 400), new ErasureEncoder(Buffer.alloc(5_000, 8), 512)].map(
      encoder => Buffer.concat(Array.from({ length: encoder.k + 2 }, (_, index) => encoder.symbol(index)))
    ),
    decode (bytes, random) {
      const length = 1 + random.below(600)
      const decoder = coded(() => new ErasureDecoder(random.below(MAX_OBJECT + 2), length))
      if (decoder === undefined) return
      for (let at = 0; at < bytes.length && !decoder.complete; at += length) {
        coded(() => decoder.add(random.below(258), bytes.subarray(at, at + length)))
      }
      if (decoder.complete) bound((coded(() => decoder.result())?.length ?? 0) <= MAX_OBJECT, 'result')
    }
  },
  {
    name: 'HTTP messages in objects',
    weight: 20,
    samples: [REQUEST, POST, TEXT, IMAGE, EMPTY],
    tokens: HTTP_TOKENS,
    decode (bytes) {
      const request = coded(() => parseRequest(bytes))
      if (request !== undefined) coded(() => encodeRequestHead(request))
      const response = coded(() => parseResponse(bytes))
      if (response !== undefined) coded(() => encodeResponse(response))
    }
  }
]
export { HTTP_TOKENS }
