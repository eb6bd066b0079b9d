import t from 'tap'
import fc from 'fast-check'
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  ByteReader, ByteWriter, compressGzipPayload, CONTAINER_OVERHEAD, decodeDatagram1, decodeDatagram2, decodeDatagram3,
  decodeGzipPayload, decodeMessage, Destination, encodeDatagram1,
  encodeDatagram2, encodeDatagram3, encodeGzipPayload, encodeMapping, encodeMessage, FrameReader, fromBase32, fromBase64, I2CP_MAX_FRAME,
  I2cpError,
  LEASE_SET_TYPE, LocalDestination, MESSAGES, parseDatagram2, readEncryptedLeaseSet, readLeaseSet, readLeaseSet2, readMapping,
  readMetaLeaseSet,
  signLeaseSet, signLeaseSet2, signMetaLeaseSet, signSessionConfig, toBase32, toBase64, TYPE, verifyLeaseSet, verifyLeaseSet2,
  verifyMetaLeaseSet,
  verifySessionConfig
} from '@minwww/i2cp/codec'
import type { Message } from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'

const SEED = Number(process.env.FUZZ_SEED ?? 20_260_101)
const RUNS = Number(process.env.FUZZ_RUNS ?? 300)
const params = { seed: SEED, numRuns: RUNS }
t.comment(`FUZZ_SEED=${SEED} FUZZ_RUNS=${RUNS}`)

const keys = LocalDestination.generate(seeded('codec'))
const { destination } = keys
const offline = keys.toOffline(4_000_000_000, seeded('offline'))

const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const u8 = fc.integer({ min: 0, max: 255 })
const bytes = (max: number, min = 0) => fc.uint8Array({ minLength: min, maxLength: max }).map(array => Buffer.from(array))
const hash = bytes(32, 32)
const text = fc.string({ maxLength: 60, unit: 'grapheme' })
const mapping = fc.dictionary(text, text, { maxKeys: 6 })
const lease = fc.record({ gateway: hash, tunnelId: u32, end: fc.integer({ min: 0, max: 0xffff_ffff }).map(s => s * 1000) })
const leases = fc.array(lease, { maxLength: 16 })
const sessionConfig = fc.record({ destination: fc.constant(destination), options: mapping, date: fc.nat() })
  .map(config => signSessionConfig(config, data => keys.sign(data)))

const leaseSet2 = fc.record({ published: u32, expires: u16, options: mapping, leases, key: hash, useOffline: fc.boolean() }).map(o => {
  const signer = o.useOffline ? offline : keys
  return signLeaseSet2({
    destination,
    published: o.published,
    expires: o.expires,
    flags: o.useOffline ? 1 : 0,
    ...(o.useOffline && { offline: offline.offline! }),
    options: o.options,
    encryptionKeys: [{ type: 4, key: o.key }, { type: 6, key: o.key }],
    leases: o.leases
  }, data => signer.sign(data))
})

const messages: fc.Arbitrary<Message> = fc.oneof(
  sessionConfig.map(config => ({ type: TYPE.CreateSession, config })),
  fc.record({ type: fc.constant(TYPE.ReconfigureSession), sessionId: u16, config: sessionConfig }),
  fc.record({ type: fc.constant(TYPE.DestroySession), sessionId: u16 }),
  fc.record(
    { type: fc.constant(TYPE.SendMessage), sessionId: u16, destination: fc.constant(destination), payload: bytes(300), nonce: u32 }
  ),
  fc.record({
    type: fc.constant(TYPE.SendMessageExpires),
    sessionId: u16,
    destination: fc.constant(destination),
    payload: bytes(300),
    nonce: u32,
    flags: u16,
    expiration: fc.integer({ min: 0, max: 2 ** 48 - 1 })
  }),
  fc.record({ type: fc.constant(TYPE.ReceiveMessageBegin), sessionId: u16, messageId: u32 }),
  fc.record({ type: fc.constant(TYPE.ReceiveMessageEnd), sessionId: u16, messageId: u32 }),
  fc.constant({ type: TYPE.GetBandwidthLimits }),
  fc.record({ type: fc.constant(TYPE.SessionStatus), sessionId: u16, status: u8 }),
  fc.record({ type: fc.constant(TYPE.RequestVariableLeaseSet), sessionId: u16, leases }),
  fc.record({
    type: fc.constant(TYPE.RequestLeaseSet),
    sessionId: u16,
    tunnels: fc.array(
      fc.record({ gateway: hash, tunnelId: u32 }), { maxLength: 16 }
    ),
    end: fc.nat()
  }),
  fc.record({ type: fc.constant(TYPE.MessageStatus), sessionId: u16, messageId: u32, status: u8, size: u32, nonce: u32 }),
  fc.record({ type: fc.constant(TYPE.ReportAbuse), sessionId: u16, severity: u8, reason: text, messageId: u32 }),
  fc.record({ type: fc.constant(TYPE.Disconnect), reason: text }),
  fc.record({ type: fc.constant(TYPE.MessagePayload), sessionId: u16, messageId: u32, payload: bytes(300) }),
  fc.record({ type: fc.constant(TYPE.GetDate), version: text, authentication: mapping }),
  fc.record({ type: fc.constant(TYPE.SetDate), date: fc.nat(), version: text }),
  fc.record({ type: fc.constant(TYPE.DestLookup), hash }),
  fc.oneof(fc.constant({ type: TYPE.DestReply, destination }), hash.map(h => ({ type: TYPE.DestReply, hash: h }))),
  fc.record({
    type: fc.constant(TYPE.HostLookup),
    sessionId: u16,
    requestId: u32,
    timeout: u32,
    key: fc.oneof(
      hash.map(h => ({ lookupType: 2 as const, hash: h })), text.map(name => ({ lookupType: 3 as const, name })),
      fc.constant({ lookupType: 4 as const, destination })
    )
  }),
  fc.record({
    type: fc.constant(
      TYPE.HostReply
    ),
    sessionId: u16,
    requestId: u32,
    code: fc.constant(0),
    destination: fc.constant(destination),
    options: mapping
  }),
  fc.record({ type: fc.constant(TYPE.HostReply), sessionId: u16, requestId: u32, code: fc.integer({ min: 1, max: 255 }) }),
  fc.record({
    type: fc.constant(TYPE.CreateLeaseSet2),
    sessionId: u16,
    leaseSetType: fc.constant(LEASE_SET_TYPE.LEASE_SET2),
    leaseSet: leaseSet2,
    privateKeys: fc.array(fc.record({ type: u16, key: hash }), { maxLength: 3 })
  }),
  fc.record({
    type: fc.constant(TYPE.BlindingInfo),
    sessionId: u16,
    blindedType: u16,
    expiration: u32,
    password: text,
    clientKey: fc.record({ scheme: fc.constantFrom('dh' as const, 'psk' as const), key: hash }),
    endpoint: fc.oneof(hash.map(h => ({ hash: h })), text.map(name => ({ name })), hash.map(publicKey => ({ signingType: 7, publicKey })))
  })
) as fc.Arbitrary<Message>

/** Runs a decoder on hostile bytes: it may only throw coded errors. */
function coded (decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    if (!(error instanceof I2cpError)) throw error
  }
}

t.test('messages: encode and decode agree, cut or damaged ones throw coded errors only', async t => {
  fc.assert(fc.property(messages, u32, u8, (message, at, bits) => {
    const frame = encodeMessage(message)
    const body = frame.subarray(5)
    const again = encodeMessage(decodeMessage(message.type, body))
    if (!again.equals(frame)) throw new Error(`type ${message.type} does not come back`)
    coded(() => decodeMessage(message.type, body.subarray(0, body.length === 0 ? 0 : at % body.length)))
    const damaged = Buffer.from(body)
    if (damaged.length > 0) damaged[at % damaged.length]! ^= bits
    coded(() => decodeMessage(message.type, damaged))
    decodeMessage(message.type, Buffer.concat([
      body,
      message.type === TYPE.DestReply || message.type === TYPE.GetDate || message.type === TYPE.HostReply ? Buffer.alloc(0) : Buffer.of(1)
    ]))
  }), params)
  t.throws(() => decodeMessage(99, Buffer.alloc(0)), { code: 'I2CP_UNKNOWN_MESSAGE' })
  t.equal(MESSAGES.size, 25)
})

t.test('every decoder survives noise', async t => {
  const decoders: Array<(b: Buffer) => unknown> = [
    b => Destination.parse(b), b => readMapping(new ByteReader(b)), b => readLeaseSet(new ByteReader(b)),
    b => readLeaseSet2(new ByteReader(b)),
    b => readEncryptedLeaseSet(new ByteReader(b)), b => readMetaLeaseSet(new ByteReader(b)), b => decodeGzipPayload(b),
    b => LocalDestination.parse(b),
    b => decodeDatagram1(b), b => decodeDatagram2(b, Buffer.alloc(32)), b => decodeDatagram3(b), b => fromBase32(b.toString('latin1')),
    b => fromBase64(b.toString('latin1')),
    ...[...MESSAGES.keys()].map(type => (b: Buffer) => decodeMessage(type, b))
  ]
  fc.assert(fc.property(
    fc.nat(decoders.length - 1), bytes(600), (which, noise) => coded(() => decoders[which]!(noise))
  ), { ...params, numRuns: RUNS * 5 })
  fc.assert(fc.property(fc.nat(decoders.length - 1), bytes(200), (which, tail) => {
    coded(() => decoders[which]!(Buffer.concat([destination.bytes, tail])))
  }), params)
  t.pass()
})

t.test('frames: any chunking gives the same frames; oversized ones stop before allocation', async t => {
  fc.assert(fc.property(fc.array(
    messages, { minLength: 1, maxLength: 5 }
  ), fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 30 }), (list, sizes) => {
    const stream = Buffer.concat(list.map(encodeMessage))
    const reader = new FrameReader()
    const frames = []
    for (let at = 0, i = 0; at < stream.length; i++) {
      const size = sizes[i % sizes.length]!
      frames.push(...reader.push(stream.subarray(at, at + size)))
      at += size
    }
    if (!reader.idle || frames.length !== list.length) throw new Error('frames lost')
    frames.forEach(({ type, body }, i) => {
      if (!encodeMessage(decodeMessage(type, body)).equals(encodeMessage(list[i]!))) throw new Error('frame damaged')
    })
  }), { ...params, numRuns: 60 })
  const message = encodeMessage({ type: TYPE.Disconnect, reason: 'a reason' })
  for (let split = 0; split <= message.length; split++) {
    const reader = new FrameReader()
    t.equal(reader.push(message.subarray(0, split)).length + reader.push(message.subarray(split)).length, 1)
  }
  const head = Buffer.alloc(5)
  head.writeUInt32BE(I2CP_MAX_FRAME + 1)
  t.throws(() => new FrameReader().push(head), { code: 'I2CP_FRAME_TOO_LARGE' })
  const said = (text: string) => { new FrameReader().push(Buffer.from(text, 'latin1')) }
  t.throws(() => said('HTTP/1.1 400 Bad Request'), { code: 'I2CP_FRAME_TOO_LARGE', message: 'that is not I2CP: it looks like HTTP' })
  t.throws(() => said('\x15\x03\x03\x00\x02'), { message: 'that is not I2CP: it looks like TLS' })
  t.throws(() => said('SSH-2.0-x'), { message: "that is not I2CP: it begins with 'SSH-'" })
})

t.test('gzip container', async t => {
  const fields = { protocol: 18, fromPort: 0x0102, toPort: 0xfffe }
  // Header bytes by the I2CP overview's table; ports big-endian.
  t.equal(encodeGzipPayload({ ...fields, payload: Buffer.alloc(0) }).subarray(0, 10)
    .toString('hex'), '1f8b080001 02fffe 02 12'.replaceAll(' ', ''))
  fc.assert(fc.property(bytes(2000), u8, u16, u16, (payload, protocol, fromPort, toPort) => {
    for (const encode of [encodeGzipPayload, compressGzipPayload]) {
      const decoded = decodeGzipPayload(encode({ protocol, fromPort, toPort, payload }))
      if (!decoded.payload.equals(payload) || decoded.protocol !== protocol || decoded.fromPort !== fromPort || decoded.toPort !== toPort) {
        throw new Error('container')
      }
    }
  }), { ...params, numRuns: 100 })
  fc.assert(fc.property(bytes(2000), fc.nat(2500), fc.boolean(), (payload, padTo, compresses) => {
    const container = (compresses ? compressGzipPayload : encodeGzipPayload)({ ...fields, payload }, padTo)
    const whole = encodeGzipPayload({ ...fields, payload }).length
    const least = padTo + CONTAINER_OVERHEAD
    if (container.length < least || container.length > Math.max(whole, least + 4)) throw new Error('length')
    // Others unwrap it by zlib.
    if (!gunzipSync(container).equals(payload) || !decodeGzipPayload(container).payload.equals(payload)) throw new Error('padded container')
  }), { ...params, numRuns: 200 })
  const padded = encodeGzipPayload({ ...fields, payload: Buffer.from('payload') }, 40)
  for (let length = 0; length < padded.length; length++) {
    t.throws(() => decodeGzipPayload(padded.subarray(0, length)), { code: 'I2CP_MALFORMED' })
  }
  for (let at = 10; at < padded.length; at++) {
    const damaged = Buffer.from(padded)
    damaged[at]! ^= 0xff
    t.throws(() => decodeGzipPayload(damaged), { code: 'I2CP_MALFORMED' }, `byte ${at}, padded`)
  }
  const compressible = Buffer.alloc(5000, 'I2P ')
  t.ok(compressGzipPayload({ ...fields, payload: compressible }).length < 200)
  const whole = encodeGzipPayload({ ...fields, payload: Buffer.from('some payload') })
  for (let length = 0; length < whole.length; length++) {
    t.throws(() => decodeGzipPayload(whole.subarray(0, length)), { code: 'I2CP_MALFORMED' })
  }
  for (let at = 10; at < whole.length; at++) {
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 0xff
    t.throws(() => decodeGzipPayload(damaged), { code: 'I2CP_MALFORMED' }, `byte ${at}`)
  }
  const bomb = gzipSync(Buffer.alloc(20_000_000))
  t.throws(() => decodeGzipPayload(bomb), { code: 'I2CP_PAYLOAD_TOO_LARGE' })
  t.equal(decodeGzipPayload(gzipSync(Buffer.alloc(65_535))).payload.length, 65_535)
  t.throws(() => decodeGzipPayload(gzipSync(Buffer.alloc(65_536))), { code: 'I2CP_PAYLOAD_TOO_LARGE' })
  t.throws(() => decodeGzipPayload(encodeGzipPayload({ ...fields, payload: Buffer.alloc(11) }), 10), { code: 'I2CP_PAYLOAD_TOO_LARGE' })
  t.throws(() => encodeGzipPayload({ ...fields, payload: Buffer.alloc(65_536) }), { code: 'I2CP_PAYLOAD_TOO_LARGE' })
})

t.test('datagrams', async t => {
  const target = LocalDestination.generate(seeded('target')).destination.hash
  const payload = Buffer.from('payload')
  t.match(decodeDatagram1(encodeDatagram1(keys, payload)), { payload })
  const bytes2 = encodeDatagram2(keys, target, payload)
  t.equal(bytes2.length, 457 + payload.length, 'the typical overhead of the specification')
  t.same(decodeDatagram2(bytes2, target).payload, payload)
  t.throws(() => decodeDatagram2(bytes2, destination.hash), { code: 'I2CP_BAD_SIGNATURE' }, 'bound to its target')
  const withOptions = parseDatagram2(encodeDatagram2(offline, target, payload, { a: 'b' }))
  t.same({ ...withOptions.options }, { a: 'b' })
  t.ok(withOptions.verify(target, 3_999_999_999))
  t.notOk(withOptions.verify(target, 4_000_000_000), 'the transient key has expired')
  t.notOk(withOptions.verify(target), 'a transient key needs the time')
  t.throws(() => encodeDatagram1(offline, payload), { code: 'I2CP_UNSUPPORTED' })
  t.match(
    decodeDatagram3(encodeDatagram3({ fromHash: target, payload, options: { x: 'y' } })), { fromHash: target, payload, options: { x: 'y' } }
  )
  for (const [datagram, decode] of [
    [encodeDatagram1(keys, payload), decodeDatagram1], [bytes2, (b: Buffer) => decodeDatagram2(b, target)]
  ] as const) {
    for (let length = 0; length < datagram.length; length++) t.throws(() => decode(datagram.subarray(0, length)), I2cpError)
    for (let at = 391; at < datagram.length; at++) {
      const damaged = Buffer.from(datagram)
      damaged[at]! ^= 0x80
      t.throws(() => decode(damaged), I2cpError)
    }
  }
})

t.test('structures: LeaseSets of all kinds, mappings sorted as signed, base32 and base64 strict', async t => {
  const sign = (data: Uint8Array) => keys.sign(data)
  const one = { gateway: Buffer.alloc(32, 1), tunnelId: 7, end: 1_700_000_000_000 }
  const v1 = signLeaseSet({ destination, encryptionKey: Buffer.alloc(256, 2), signingKey: Buffer.alloc(32, 3), leases: [one] }, sign)
  t.ok(verifyLeaseSet(readLeaseSet(new ByteReader(v1))))
  const header = { destination, published: 1_700_000_000, expires: 600, flags: 0, options: {} }
  const meta = signMetaLeaseSet(
    { ...header, leases: [{ gateway: Buffer.alloc(32), flags: 3, cost: 9, end: 1_700_000_600 }], revocations: [Buffer.alloc(32, 1)] }, sign
  )
  const readMeta = readMetaLeaseSet(new ByteReader(meta))
  t.ok(verifyMetaLeaseSet(readMeta, 1_700_000_000))
  t.match(readMeta.leases[0], { flags: 3, cost: 9 })
  fc.assert(fc.property(leaseSet2, encoded => {
    const decoded = readLeaseSet2(new ByteReader(encoded))
    if (!verifyLeaseSet2(decoded, 1_700_000_000)) throw new Error('does not verify')
    if (decoded.offline !== undefined && verifyLeaseSet2(decoded, 4_000_000_000)) throw new Error('expired transient key accepted')
  }), { ...params, numRuns: 40 })

  t.same(encodeMapping({ b: '2', a: '1', A: '0' }).toString('latin1'), '\0\x12\x01A=\x010;\x01a=\x011;\x01b=\x012;')
  t.throws(
    () => readMapping(new ByteReader(Buffer.from('\0\x0c\x01a=\x011;\x01a=\x012;', 'latin1'))), { code: 'I2CP_MALFORMED' }, 'a key twice'
  )
  t.throws(() => encodeMapping({ a: 'x'.repeat(256) }), { code: 'I2CP_BAD_OPTION' })
  t.equal(Object.getPrototypeOf(readMapping(new ByteReader(encodeMapping({ __proto__x: '1' })))), null)
  const config = signSessionConfig({ destination, options: { z: '1', a: '2' }, date: 5 }, sign)
  t.ok(verifySessionConfig(config))
  t.notOk(verifySessionConfig({ ...config, date: 6 }))

  fc.assert(fc.property(bytes(80), b => toBase32(fromBase32(toBase32(b))) === toBase32(b) && fromBase64(toBase64(b)).equals(b)), params)
  for (const bad of ['a', 'ab1', 'a9', 'ab=', 'zz']) t.throws(() => fromBase32(bad), { code: 'I2CP_BAD_ADDRESS' }, bad)
  for (const bad of ['+/==', 'A', 'AA AA']) t.throws(() => fromBase64(bad), { code: 'I2CP_BAD_ADDRESS' }, bad)
  t.throws(() => new ByteReader(Buffer.from('ff'.repeat(8), 'hex')).date(), { code: 'I2CP_MALFORMED' })
  t.equal(new ByteWriter(1).u8(1).u16(2).u32(3).u48(4).date(5).toBuffer()
    .toString('hex'), '01000200000003000000000004' + '0000000000000005')
})
