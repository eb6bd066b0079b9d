import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { seedOf } from '@minwww/testkit'
import type { Test } from 'tap'
import {
  blockLength,
  computeTag, decodeLoss, decodeMessage, decodeOpenBody, decodeRate, encodeLoss, encodeMessage, encodeOpenBody, encodeRate, joinBlock,
  MAX_OBJECT, messageCapacity, minimumPayload, ONCE_BLOCK, paddedLength, peekPrefix, ProtocolError, sessionKeys, splitBlock,
  tunnelMessagesOf
} from '../src/index.ts'
import { tagMatches } from '../src/keys.ts'
import { requestCapacity, symbolCapacity, wireBytes } from '../src/sizes.ts'
import type { OpenMessage, TaggedMessage } from '../src/index.ts'

const SEED = 4711
const keys = sessionKeys(Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'))
const prefix = { attempt: 3, flags: 0, session: keys.session, id: 0xfedcba98 }
const path = { loss: 13, rate: 72, max: 73, shape: 8 }

const ONCE = { incarnation: Buffer.alloc(8, 1), time: 0xffffffff, token: Buffer.alloc(16, 2) }

const SAMPLES: TaggedMessage[] = [
  { type: 'request', ...prefix, ...path, object: Buffer.from('\0GET http://a.i2p/ HTTP/1.1\r\n\r\n') },
  { type: 'request', ...prefix, ...path, object: Buffer.alloc(0) },
  { type: 'want', ...prefix, loss: 1, rate: 2, shape: 4, from: 17, count: 5 },
  { type: 'reply', ...prefix, part: 'whole', size: 1000, index: 1, last: 4, pace: 70, time: 65_535, symbol: Buffer.alloc(500, 0xaa) },
  { type: 'reply', ...prefix, part: 'whole', size: 0, index: 0, last: 0, pace: 70, time: 65_535, symbol: Buffer.alloc(653) },
  { type: 'body', ...prefix, size: 600, index: 0, last: 0, pace: 70, time: 65_535, symbol: Buffer.alloc(653, 1) },
  { type: 'error', ...prefix, code: 3, retryAfter: 120, size: 4_000_000_000, detail: 'zu groß' },
  { type: 'cancel', ...prefix },
  { type: 'report', ...prefix, loss: 255, rate: 104, shape: 61, time: 65_535, queue: 800, received: 0xfedc_ba98 },
  { type: 'reply', ...prefix, part: 'beginning', size: MAX_OBJECT, index: 1, last: 4, pace: 70, time: 1, symbol: Buffer.alloc(1_700) },
  { type: 'working', ...prefix, next: 5 },
  { type: 'working', ...prefix, next: 0 },
  { type: 'request', ...prefix, ...path, object: Buffer.from('push'), push: { budget: 80, digest: Buffer.alloc(6, 3) } },
  { type: 'request', ...prefix, ...path, object: Buffer.from('once'), once: ONCE },
  { type: 'push', ...prefix, size: 1_000, index: 0, last: 1, pace: 70, time: 2, symbol: Buffer.alloc(500, 7) }
]
const OPEN: OpenMessage = { type: 'open', ...prefix, ...path, time: 1_723_886_753, key: Buffer.alloc(16, 9), object: Buffer.from('object') }

t.test('what stands in front of a request in symbols, or behind one in a message, is read within its bounds', async t => {
  const object = Buffer.from('object')
  const push = { budget: 7, digest: Buffer.alloc(6, 4) }
  for (const block of [{}, { once: ONCE }, { push, once: ONCE }, { push: { budget: 1, digest: Buffer.alloc(252, 5) } }]) {
    const joined = joinBlock(block, object)
    t.equal(joined.length, object.length + Math.max(1, blockLength(block)))
    t.strictSame(splitBlock(joined), { block, object })
    for (let length = 0; length < joined.length - object.length; length++) {
      t.throws(() => splitBlock(joined.subarray(0, length)), { code: 'MINWWW_MALFORMED' }, `cut at ${length}`)
    }
  }
  t.equal(blockLength({ once: ONCE }), ONCE_BLOCK)
  t.strictSame(splitBlock(Buffer.concat([Buffer.of(4, 9, 2, 7, 7), object])), { block: {}, object }, 'an entry of another type')
  t.strictSame(splitBlock(Buffer.concat([Buffer.of(5, 2, 3, 7, 7, 7), object])), { block: {}, object }, 'one that is too short for a token')
  t.strictSame(splitBlock(Buffer.concat([Buffer.of(2, 1, 0), object])), { block: {}, object }, 'no budget at all')
  const odd = splitBlock(Buffer.concat([Buffer.of(8, 1, 6, 80, 1, 2, 3, 4, 5), object]))
  t.strictSame(odd, { block: { push: { budget: 80, digest: Buffer.of(1, 2, 3) } }, object }, 'a digest of whole hashes')
  t.throws(() => splitBlock(Buffer.concat([Buffer.of(3, 1, 2, 80), object])), { code: 'MINWWW_MALFORMED', message: /an entry longer/ })
  t.throws(() => splitBlock(Buffer.alloc(0)), { code: 'MINWWW_MALFORMED' })
  t.throws(() => joinBlock({ once: ONCE, push: { budget: 1, digest: Buffer.alloc(252) } }, object), RangeError)
})

t.test('every message comes back as it was, padded or not', async t => {
  for (const message of SAMPLES) {
    const isSymbol = message.type === 'reply' || message.type === 'push' || message.type === 'body'
    for (const padTo of isSymbol ? [0, 683] : [0, 683, 1600]) {
      const bytes = encodeMessage(message, keys.client, padTo)
      t.strictSame(decodeMessage(bytes, keys.client), message, `${message.type} padded to ${padTo}`)
      if (!isSymbol) t.ok(bytes.length >= padTo)
      t.match(peekPrefix(bytes), { version: 1, ...prefix, type: message.type })
    }
  }
  t.strictSame(decodeOpenBody(encodeOpenBody(OPEN)), OPEN)
  const padded = encodeOpenBody(OPEN, 1300)
  t.equal(padded.length, 1300)
  t.strictSame(decodeOpenBody(padded), OPEN)
  const once = { ...OPEN, once: ONCE }
  t.strictSame(decodeOpenBody(encodeOpenBody(once)), once)
})

t.test('the layout is the one of the document', async t => {
  const want = encodeMessage(SAMPLES[2]!, keys.client)
  t.equal(want.subarray(0, 19).toString('hex'), '1330' + keys.session.toString('hex') + 'fedcba98' + '0102041105')
  t.equal(want.length, 19 + 8)
  const reply = encodeMessage(SAMPLES[3]!, keys.server)
  t.equal(reply.subarray(14, 22).toString('hex'), '0003e8' + '01' + '04' + '46' + 'ffff')
  t.equal(reply.length, 14 + 8 + 500 + 8)
  const beginning = encodeMessage(SAMPLES[9]!, keys.server)
  t.equal(beginning.subarray(14, 22).toString('hex'), '120000' + '01' + '04' + '46' + '0001')
  const working = encodeMessage(SAMPLES[10]!, keys.server)
  t.equal(working.subarray(0, 15).toString('hex'), '1a30' + keys.session.toString('hex') + 'fedcba98' + '05')
  t.equal(working.length, 15 + 8)
  const open = encodeOpenBody(OPEN)
  t.equal(open.subarray(14, 40).toString('hex'), '66c06ca1' + '09'.repeat(16) + '0d484908' + '0006')
  const session = createHash('sha256').update('minwww/1 session').update(Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')).digest()
  t.ok(keys.session.equals(session.subarray(0, 8)))
  t.notOk(keys.client.equals(keys.server))
})

t.test('every truncation and every flipped bit is refused with a code', async t => {
  for (const message of SAMPLES) {
    const bytes = encodeMessage(message, keys.client)
    for (let length = 0; length < bytes.length; length++) throwsCoded(t, () => decodeMessage(bytes.subarray(0, length), keys.client))
    for (let bit = 0; bit < Math.min(bytes.length, 64) * 8; bit++) {
      const forged = Buffer.from(bytes)
      forged[bit >> 3]! ^= 1 << (bit & 7)
      throwsCoded(t, () => decodeMessage(forged, keys.client))
    }
    t.throws(() => decodeMessage(bytes, keys.server), { code: 'MINWWW_BAD_TAG' }, 'the key of the other direction')
  }
  const open = encodeOpenBody(OPEN)
  for (let length = 0; length < open.length; length++) throwsCoded(t, () => decodeOpenBody(open.subarray(0, length)))
})

t.test('what has a right tag and still cannot be', async t => {
  const reply = SAMPLES[3] as Extract<TaggedMessage, { type: 'reply' }>
  const want = SAMPLES[2] as Extract<TaggedMessage, { type: 'want' }>
  const refused: Array<[string, TaggedMessage]> = [
    ['index above last', { ...reply, index: 5 }],
    ['an object above 128 KiB', { ...reply, size: MAX_OBJECT + 1, symbol: Buffer.alloc(1_700) }],
    ['more than 256 symbols', { ...reply, size: 1000, symbol: Buffer.alloc(3) }],
    ['no symbol at all', { ...reply, symbol: Buffer.alloc(0) }],
    ['WANT of nothing', { ...want, count: 0 }],
    ['WANT beyond the 256th', { ...want, from: 250, count: 7 }]
  ]
  for (const [what, message] of refused) {
    t.throws(() => decodeMessage(encodeMessage(message, keys.client), keys.client), { code: 'MINWWW_MALFORMED' }, what)
  }
  t.throws(() => encodeMessage({ ...reply, symbol: Buffer.alloc(61_440) }, keys.client), { code: 'MINWWW_TOO_LARGE' })
  for (const message of [reply, SAMPLES[5]!, SAMPLES.at(-1)!]) {
    const content = encodeMessage(message, keys.client).subarray(0, -8)
    content[14]! |= message === reply ? 0x20 : 0x10
    const marked = Buffer.concat([content, computeTag(keys.client, content)])
    t.throws(() => decodeMessage(marked, keys.client), { code: 'MINWWW_MALFORMED' }, `${message.type} of an unknown part`)
  }
  const whole = { size: 100, index: 0, last: 0, pace: 0, time: 0, symbol: Buffer.alloc(100) }
  for (const type of ['push', 'body'] as const) {
    t.equal(encodeMessage({ type, ...prefix, ...whole }, keys.client, 683).length, 130, `a ${type} has no padding`)
  }
  const raw = encodeMessage(want, keys.client)
  raw[0] = 0x23
  t.throws(() => decodeMessage(raw, keys.client), { code: 'MINWWW_VERSION' })
})

/** Content with the tag that belongs to it. */
const tagged = (content: Uint8Array): Buffer => Buffer.concat([content, computeTag(keys.client, content)])

t.test('what is too short for its fields is refused, though its tag is right', async t => {
  const shortest = { request: 20, want: 19, reply: 22, push: 22, body: 22, error: 21, cancel: 14, report: 25, working: 15 }
  for (const [type, least] of Object.entries(shortest)) {
    const sample = SAMPLES.find(message => message.type === type)!
    const content = Buffer.alloc(least)
    content.set(encodeMessage(sample, keys.client).subarray(0, 14))
    if (type === 'want') content[18] = 1
    t.equal(decodeMessage(tagged(content), keys.client).type, type, `${type} of ${least} bytes`)
    for (let length = 14; length < least; length++) {
      const cut = tagged(content.subarray(0, length))
      t.throws(() => decodeMessage(cut, keys.client), { code: 'MINWWW_MALFORMED' }, `${type} of ${length} bytes`)
    }
  }
  const cancel = encodeMessage({ type: 'cancel', ...prefix }, keys.client)
  for (let length = 0; length < 22; length++) {
    t.throws(() => decodeMessage(cancel.subarray(0, length), keys.client), { code: 'MINWWW_MALFORMED' }, `${length} bytes in all`)
  }
  t.match(peekPrefix(cancel.subarray(0, 14)), prefix)
  t.equal(peekPrefix(cancel.subarray(0, 13)), undefined)
})

t.test('the last of what can be', async t => {
  const reply = SAMPLES[3] as Extract<TaggedMessage, { type: 'reply' }>
  const want = SAMPLES[2] as Extract<TaggedMessage, { type: 'want' }>
  for (const message of [
    { ...reply, size: 768, last: 255, symbol: Buffer.alloc(3) },
    { ...reply, symbol: Buffer.alloc(61_410) },
    { ...want, from: 250, count: 6 }
  ]) t.strictSame(decodeMessage(encodeMessage(message, keys.client), keys.client), message)
  t.throws(() => encodeMessage({ ...reply, symbol: Buffer.alloc(61_411) }, keys.client), { code: 'MINWWW_TOO_LARGE' })
})

t.test('a type that is reserved, or that never travels raw, is refused', async t => {
  const content = encodeMessage({ type: 'cancel', ...prefix }, keys.client).subarray(0, -8)
  let refused = 0
  for (let type = 0; type < 16; type++) {
    content[0] = 0x10 | type
    const named = peekPrefix(content)!.type
    if (named !== undefined && named !== 'open') continue
    refused++
    t.throws(() => decodeMessage(tagged(content), keys.client), { code: 'MINWWW_MALFORMED', message: /never travels raw/ }, `type ${type}`)
  }
  t.ok(refused > 1)
  const open = encodeOpenBody({ ...OPEN, object: Buffer.alloc(0) })
  t.equal(decodeOpenBody(open).object.length, 0)
  t.equal(open.length, 40)
  const request = Buffer.from(open)
  request.set(encodeMessage(SAMPLES[0]!, keys.client).subarray(0, 1))
  t.throws(() => decodeOpenBody(request), { code: 'MINWWW_MALFORMED' }, 'a REQUEST')
})

t.test('random bytes never do more than throw a coded error', async t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
    if (bytes.length > 0) bytes[0] = 0x10 | bytes[0]! & 0x0f
    const decoders = [() => decodeMessage(bytes, keys.client), () => decodeMessage(tagged(bytes), keys.client), () => decodeOpenBody(bytes)]
    for (const decode of decoders) {
      try { decode() } catch (error) { if (!(error instanceof ProtocolError)) throw error }
    }
  }), { seed: seedOf(t, SEED), numRuns: 2000 })
})

t.test('a tag of another length is no tag', async t => {
  const bytes = Buffer.from('content')
  const tag = computeTag(keys.client, bytes)
  t.ok(tagMatches(keys.client, bytes, tag))
  for (const length of [0, 7]) t.equal(tagMatches(keys.client, bytes, tag.subarray(0, length)), false)
  t.equal(tagMatches(keys.client, bytes, Buffer.concat([tag, Buffer.of(0)])), false)
})

t.test('the detail of an ERROR is cut at a character and holds no NUL', async t => {
  const error = SAMPLES[6] as Extract<TaggedMessage, { type: 'error' }>
  const wild = { ...error, detail: 'ä\0'.repeat(300), size: -1, retryAfter: 1e9 }
  const decoded = decodeMessage(encodeMessage(wild, keys.client, 683), keys.client)
  t.match(decoded, { detail: 'ä'.repeat(100), size: 0, retryAfter: 65_535 })
  for (const [detail, kept] of [
    ['a'.repeat(200), 'a'.repeat(200)], ['a'.repeat(201), 'a'.repeat(200)], ['a' + 'ä'.repeat(100), 'a' + 'ä'.repeat(99)],
    ['\0', ''], ['', '']
  ] as const) {
    for (const padTo of [0, 683]) {
      const bytes = encodeMessage({ ...error, detail }, keys.client, padTo)
      t.strictSame(decodeMessage(bytes, keys.client), { ...error, detail: kept })
      t.equal(bytes.length, Math.max(padTo, 29 + Buffer.byteLength(kept)))
    }
  }
})

t.test('sizes of section 1', async t => {
  t.strictSame([1, 2, 3, 4, 8].map(messageCapacity), [822, 1818, 2814, 3810, 7794])
  t.equal(symbolCapacity(1), 792)
  t.equal(messageCapacity(62) + 23, 61_440)
  t.equal(requestCapacity(1), 794)
  t.strictSame([0, 822, 823].map(wireBytes), [1024, 1024, 2048])
  for (let m = 1; m <= 61; m++) {
    const counts = [messageCapacity(m), messageCapacity(m) + 1, minimumPayload(m)].map(tunnelMessagesOf)
    if (counts.join() !== [m, m + 1, m].join()) t.fail(`m = ${m}: ${counts.join()}`)
  }
  for (let length = 0; length < 5000; length += 7) {
    const padded = paddedLength(length)
    const m = tunnelMessagesOf(length)
    if (padded < length || tunnelMessagesOf(padded) !== m || padded + 23 < 996 * m - 290) t.fail(`${length} padded to ${padded}`)
  }
})

t.test('rates and losses in a byte', async t => {
  t.equal(encodeRate(131_072), 72)
  t.equal(decodeRate(72), 131_072)
  const codes = Array.from({ length: 256 }, (_, code) => code)
  t.strictSame(codes.map(code => encodeRate(decodeRate(code))), codes)
  t.strictSame([0, -1, NaN, 1e30].map(encodeRate), [0, 0, 0, 255])
  t.ok(decodeRate(encodeRate(100_000)) <= 100_000)
  t.strictSame([0, -1, 0.0001, 0.001, 0.0125, 0.12, 1, NaN].map(encodeLoss), [0, 0, 1, 1, 13, 120, 255, 0])
  t.equal(decodeLoss(255), 0.255)
})

function throwsCoded (t: Test, action: () => unknown): void {
  try {
    action()
  } catch (error) {
    if (error instanceof ProtocolError) return
    throw error
  }
  t.fail('was accepted')
}
