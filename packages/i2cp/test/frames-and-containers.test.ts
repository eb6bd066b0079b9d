/** What the properties of codec.test.ts do not tell: which shape each message has, and where the bounds lie. */
import t from 'tap'
import { gunzipSync, gzipSync } from 'node:zlib'
import { seeded } from '@minwww/testkit'
import { LocalDestination } from '../src/crypto/local-destination.ts'
import { ByteReader } from '../src/data/reader.ts'
import { ByteWriter } from '../src/data/writer.ts'
import { decodeDatagram3, encodeDatagram3 } from '../src/datagrams/datagram3.ts'
import { compressGzipPayload, CONTAINER_OVERHEAD, decodeGzipPayload, encodeGzipPayload, MAX_STORED } from '../src/datagrams/gzip.ts'
import { decodeMessage, encodeMessage, FrameReader, I2CP_MAX_FRAME } from '../src/messages/frame.ts'
import { HOST_REPLY, hostReplyCodec } from '../src/messages/host-reply.ts'
import { sendMessageExpiresCodec } from '../src/messages/send-message-expires.ts'
import { TYPE } from '../src/messages/types.ts'

const MALFORMED = { code: 'I2CP_MALFORMED' }
const { destination } = LocalDestination.generate(seeded('frames'))

t.test('a writer grows, and keeps what it has', async t => {
  t.equal(new ByteWriter(2).u16(1).length, 2)
  t.strictSame(new ByteWriter(0).put(Buffer.of(1, 2, 3)).zeros(4).u8(5).toBuffer(), Buffer.of(1, 2, 3, 0, 0, 0, 0, 5))
  const large = new ByteWriter(8_192)
  const first = large.zeros(8_192).toBuffer()
  t.equal(large.toBuffer().buffer, first.buffer, 'as large as was asked for')
  const grown = large.u8(1).toBuffer()
  t.equal(grown.buffer.byteLength, 16_384, 'twice as large')
  t.equal(large.zeros(8_191).toBuffer().buffer, grown.buffer, 'no further copy below that')
  t.strictSame(new ByteWriter().string('é').toBuffer(), Buffer.of(2, 0xc3, 0xa9))
  t.throws(() => new ByteWriter().string('é'.repeat(128)), { code: 'I2CP_BAD_OPTION', message: 'string longer than 255 bytes' })
})

t.test('a HostReply says a Destination, options, both or none', async t => {
  const head = { type: TYPE.HostReply, sessionId: 1, requestId: 2 }
  const read = (bytes: Buffer) => hostReplyCodec.read(new ByteReader(bytes))
  const lengthOf = (message: Parameters<typeof encodeMessage>[0]) => encodeMessage(message).length - 5
  for (const message of [
    { ...head, code: HOST_REPLY.SUCCESS, destination }, { ...head, code: HOST_REPLY.SUCCESS, destination, options: { a: 'b' } },
    { ...head, code: HOST_REPLY.LEASE_SET_NOT_FOUND }, { ...head, code: HOST_REPLY.LEASE_SET_NOT_FOUND, destination }
  ]) {
    const again = read(encodeMessage(message).subarray(5))
    const { destination: found, options } = again
    t.strictSame(
      { ...again, ...(found && { destination: found.b32 }), ...(options && { options: { ...options } }) },
      { ...message, ...('destination' in message && { destination: destination.b32 }) }
    )
  }
  t.equal(lengthOf({ ...head, code: 0, destination }), 7 + 391)
  t.equal(lengthOf({ ...head, code: 0, destination, options: {} }), 7 + 391 + 2)
  t.equal(lengthOf({ ...head, code: 1 }), 7)
  t.throws(() => read(Buffer.alloc(7)), MALFORMED, 'a success without a Destination')
  t.equal(hostReplyCodec.name, 'HostReply')
})

t.test('a message says its size beforehand', async t => {
  const message = {
    type: TYPE.SendMessageExpires, sessionId: 1, destination, payload: Buffer.alloc(1_000), nonce: 2, flags: 3, expiration: 4
  }
  const writer = new ByteWriter(0)
  sendMessageExpiresCodec.write(message, writer)
  t.equal(sendMessageExpiresCodec.size!(message), writer.length)
  t.equal(sendMessageExpiresCodec.name, 'SendMessageExpires')
  const large = encodeMessage({ ...message, payload: Buffer.alloc(30_000) })
  t.equal(large.buffer.byteLength, large.length, 'one buffer, as large as the frame')
})

t.test('frames: bounds, what lies in one chunk is not copied, and what is no I2CP', async t => {
  const frame = (type: number, length: number, said = length) => {
    const bytes = Buffer.alloc(5 + length, type)
    bytes.writeUInt32BE(said, 0)
    bytes[4] = type
    return bytes
  }
  const chunk = Buffer.concat([frame(30, 3), frame(31, 2)])
  const reader = new FrameReader()
  t.ok(reader.idle)
  const frames = reader.push(chunk)
  t.strictSame(frames, [{ type: 30, body: Buffer.alloc(3, 30) }, { type: 31, body: Buffer.alloc(2, 31) }])
  t.equal(frames[1]!.body.buffer, chunk.buffer, 'shares memory')
  chunk.fill(0)
  t.strictSame(frames[0]!.body, Buffer.alloc(3))
  t.strictSame(reader.push(frame(30, 8).subarray(0, 7)), [])
  t.notOk(reader.idle)
  t.strictSame(reader.push(frame(30, 8).subarray(7)), [{ type: 30, body: Buffer.alloc(8, 30) }])
  t.ok(reader.idle)
  t.equal(new FrameReader(10).push(frame(30, 10)).length, 1, 'the largest')
  t.equal(new FrameReader().push(frame(30, I2CP_MAX_FRAME)).length, 1)
  const failure = (bytes: Buffer, message: string) => t.throws(
    () => new FrameReader(10).push(bytes), { code: 'I2CP_FRAME_TOO_LARGE', message }
  )
  failure(frame(30, 11), 'frame of 11 bytes')
  failure(Buffer.from('aHTTP', 'latin1'), "that is not I2CP: it begins with 'aHTT'")
  failure(Buffer.from('ab\x01cd', 'latin1'), 'frame of 1633812835 bytes')
  failure(Buffer.from('\x01abcd', 'latin1'), 'frame of 23159395 bytes')
  failure(Buffer.from('\x16\x04\x03\x00\x02', 'latin1'), 'frame of 369361664 bytes')
  failure(Buffer.from('\x17\x03\x03\x00\x02', 'latin1'), 'frame of 386073344 bytes')
  t.throws(() => decodeMessage(99, Buffer.alloc(0)), { code: 'I2CP_UNKNOWN_MESSAGE', message: 'message type 99' })
})

t.test('frames of emissary: which lengths are read as longer', async t => {
  // The type, what it says, and what is read.
  const rows: Array<[type: number, said: number, read: number]> = [
    [TYPE.RequestVariableLeaseSet, 1, 3], [TYPE.RequestVariableLeaseSet, 45, 47], [TYPE.RequestVariableLeaseSet, 89, 91],
    [TYPE.RequestVariableLeaseSet, 0, 0], [TYPE.RequestVariableLeaseSet, 3, 3], [TYPE.RequestVariableLeaseSet, 47, 47],
    [TYPE.RequestVariableLeaseSet, 43, 43],
    [TYPE.HostReply, 6, 7], [TYPE.HostReply, 397, 398], [TYPE.HostReply, 7, 7], [TYPE.HostReply, 398, 398], [TYPE.HostReply, 8, 8],
    [TYPE.HostReply, 399, 399], [TYPE.MessagePayload, 6, 6], [TYPE.MessagePayload, 45, 45]
  ]
  for (const [type, said, read] of rows) {
    const bytes = Buffer.alloc(5 + read)
    bytes.writeUInt32BE(said, 0)
    bytes[4] = type
    const reader = new FrameReader()
    t.equal(reader.push(bytes)[0]?.body.length, read, `${type}: ${said}`)
    t.ok(reader.idle, `${type}: ${said}`)
  }
})

t.test('containers: bounds, and what is compressed', async t => {
  const fields = { protocol: 18, fromPort: 1, toPort: 2 }
  const noise = (length: number) => Buffer.from(seeded(1)(length))
  t.equal(encodeGzipPayload({ ...fields, payload: noise(MAX_STORED) }).length, MAX_STORED + CONTAINER_OVERHEAD)
  t.throws(() => encodeGzipPayload({ ...fields, payload: noise(MAX_STORED + 1) }), { message: 'payload of 65536 bytes' })
  const isCompressed = (payload: Buffer) => compressGzipPayload({ ...fields, payload }).length < payload.length + CONTAINER_OVERHEAD
  for (const [length, expected] of [[65, false], [66, true], [40_000, true], [40_001, false]] as const) {
    t.equal(isCompressed(Buffer.alloc(length)), expected, `${length} zeros`)
  }
  const incompressible = compressGzipPayload({ ...fields, payload: noise(1_000) })
  t.equal(incompressible.length, 1_000 + CONTAINER_OVERHEAD)
  t.equal(incompressible[10], 1, 'stored')
  // As long as a payload of `padTo` bytes, in steps of an empty block of five bytes.
  const payload = Buffer.alloc(500)
  for (const padTo of [0, 100, 300]) {
    const container = compressGzipPayload({ ...fields, payload }, padTo)
    const plain = compressGzipPayload({ ...fields, payload }).length
    const wanted = Math.max(plain, padTo + CONTAINER_OVERHEAD)
    t.ok(container.length >= wanted && container.length < wanted + 5, `${padTo}: ${container.length} bytes`)
    t.strictSame(gunzipSync(container), payload)
  }
  t.equal(encodeGzipPayload({ ...fields, payload }, 500).length, 523, 'no block where none is needed')
})

t.test('containers: the usual one shares memory, all others go through zlib', async t => {
  const fields = { protocol: 18, fromPort: 1, toPort: 2 }
  const payload = Buffer.alloc(3_000, 'payload ')
  const stored = (container: Buffer) => decodeGzipPayload(container).payload.buffer === container.buffer
  for (const [what, padTo] of [['plain', 0], ['padded', 4_000]] as const) {
    const container = encodeGzipPayload({ ...fields, payload }, padTo)
    t.ok(stored(container), what)
    t.strictSame(decodeGzipPayload(container).payload, payload)
  }
  t.ok(stored(encodeGzipPayload({ ...fields, payload: Buffer.alloc(0) })), 'empty')
  t.notOk(stored(compressGzipPayload({ ...fields, payload })), 'compressed')
  const named = gzipSync(payload)
  t.notOk(stored(named))
  // A header with a name of its file.
  const withName = Buffer.concat([named.subarray(0, 3), Buffer.of(8), named.subarray(4, 10), Buffer.from('x\0'), named.subarray(10)])
  t.strictSame(decodeGzipPayload(withName).payload, payload)
  const plain = encodeGzipPayload({ ...fields, payload })
  for (const [what, at] of [['not the last block', 10], ['its length', 11], ['the other length', 13]] as const) {
    const wrong = Buffer.from(plain)
    wrong[at]! ^= 1
    t.throws(() => decodeGzipPayload(wrong), { ...MALFORMED, message: 'gzip container damaged' }, what)
  }
  for (const [what, at] of [['checksum', plain.length - 8], ['size', plain.length - 4], ['a byte', 500]] as const) {
    const wrong = Buffer.from(plain)
    wrong[at]! ^= 1
    t.throws(() => decodeGzipPayload(wrong), { ...MALFORMED, message: 'gzip checksum' }, what)
  }
  // 18 bytes are the least that a container of others can have.
  for (const bytes of [Buffer.alloc(0), plain.subarray(0, 17), Buffer.concat([Buffer.of(0x1f, 0x8b, 0), plain.subarray(3)])]) {
    t.throws(() => decodeGzipPayload(bytes), { ...MALFORMED, message: 'not a gzip container' })
  }
  t.equal(decodeGzipPayload(plain, 3_000).payload.length, 3_000)
  t.throws(() => decodeGzipPayload(plain, 2_999), { code: 'I2CP_PAYLOAD_TOO_LARGE', message: 'container holds more than 2999 bytes' })
})

t.test('a Datagram3 has options only if it says so', async t => {
  const fromHash = Buffer.alloc(32, 3)
  const payload = Buffer.from('payload')
  const plain = encodeDatagram3({ fromHash, payload })
  t.strictSame(plain, Buffer.concat([fromHash, Buffer.of(0, 3), payload]))
  t.strictSame(decodeDatagram3(plain), { fromHash, payload })
  const withOptions = encodeDatagram3({ fromHash, payload, options: { x: 'y' } })
  t.equal(withOptions.readUInt16BE(32), 0x13)
  const { options, ...rest } = decodeDatagram3(withOptions)
  t.strictSame([{ ...options }, rest], [{ x: 'y' }, { fromHash, payload }])
  plain[33] = 2
  t.throws(() => decodeDatagram3(plain), { ...MALFORMED, message: 'not a Datagram3' })
})
