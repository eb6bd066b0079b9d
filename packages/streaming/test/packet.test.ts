import t from 'tap'
import fc from 'fast-check'
import { deepEqual, ok } from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { LocalDestination } from '@minwww/i2cp/codec'
import { seeded, seedOf } from '@minwww/testkit'
import { FLAG, StreamingError, decodePacket, encodePacket, packet, verifyPacket } from '../src/core.ts'
import type { OfflineSignature, Packet, PacketSigner } from '../src/core.ts'
import { transientKeyOf } from '../src/packet/offline-signature.ts'

const alice = LocalDestination.generate(seeded(1))
const bob = LocalDestination.generate(seeded(2))
const signer: PacketSigner = { signatureLength: 64, sign: data => alice.sign(data) }
const aliceKey = { signingType: alice.destination.signingType, publicKey: alice.destination.signingPublicKey }
const SECONDS = 1_000_000_000

function offlineSignature (expires: number): { offline: OfflineSignature, signer: PacketSigner } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const transientKey = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const head = Buffer.alloc(6)
  head.writeUInt32BE(expires, 0)
  head.writeUInt16BE(7, 4)
  const signature = alice.sign(Buffer.concat([head, transientKey]))
  return {
    offline: {
      expires, transientType: 7, transientKey, signature
    },
    signer: { signatureLength: 64, sign: data => sign(null, data, privateKey) }
  }
}

/** Everything that both sides of the codec know. */
function fields (value: Packet): object {
  const {
    sendStreamId,
    receiveStreamId,
    sequence,
    ackThrough,
    nacks,
    targetHash,
    resendDelay,
    synchronize,
    close,
    reset,
    echo,
    noAck,
    signed,
    delay,
    maxPacketSize,
    payload
  } = value
  return {
    sendStreamId,
    receiveStreamId,
    sequence,
    ackThrough,
    nacks,
    targetHash: targetHash?.toString('hex'),
    resendDelay,
    synchronize,
    close,
    reset,
    echo,
    noAck,
    signed,
    delay,
    maxPacketSize,
    from: value.from?.b32,
    signatureRequested: value.signatureRequested ?? false,
    profileInteractive: value.profileInteractive ?? false,
    offline: value.offline?.transientKey.toString('hex'),
    payload: payload.toString('hex')
  }
}

/** Throws what is not a refusal. */
function malformed (bytes: Uint8Array): boolean {
  try {
    decodePacket(Buffer.from(bytes))
    return false
  } catch (error) {
    if (error instanceof StreamingError && error.code === 'STREAMING_MALFORMED') return true
    throw error
  }
}

t.test('the bytes of a data packet are those of the specification', async t => {
  const bytes = encodePacket(packet({
    sendStreamId: 0x01020304,
    receiveStreamId: 0x05060708,
    sequence: 9,
    ackThrough: 10,
    nacks: [
      7, 8
    ],
    resendDelay: 3,
    delay: 0,
    payload: Buffer.from('hi')
  }))
  t.equal(bytes.toString('hex'),
    '0102030405060708' + '00000009' + '0000000a' + '02' + '00000007' + '00000008' + '03' + '0040' + '0002' + '0000' + '6869')
})

t.test('options come in the order delay, from, size, offline, signature', async t => {
  const { offline, signer } = offlineSignature(SECONDS)
  const bytes = encodePacket(
    packet({ delay: 61_000, from: alice.destination, maxPacketSize: 1812, offline, signed: true, synchronize: true }), signer
  )
  const from = alice.destination.bytes
  let at = 22
  t.equal(bytes.readUInt16BE(at), 61_000)
  t.ok(bytes.subarray(at += 2, at += from.length).equals(from))
  t.equal(bytes.readUInt16BE(at), 1812)
  t.equal(bytes.readUInt32BE(at += 2), SECONDS)
  t.equal(bytes.readUInt16BE(20), 2 + from.length + 2 + 4 + 2 + 32 + 64 + 64)
  t.equal(bytes.readUInt16BE(18), FLAG.SYNCHRONIZE | FLAG.SIGNATURE_INCLUDED | FLAG.FROM_INCLUDED | FLAG.DELAY_REQUESTED |
    FLAG.MAX_PACKET_SIZE_INCLUDED | FLAG.OFFLINE_SIGNATURE)
  const decoded = decodePacket(bytes)
  const key = transientKeyOf(decoded.offline!, decoded.from!, SECONDS - 1)
  t.ok(key && verifyPacket(decoded, key), 'the transient key signs')
  t.notOk(verifyPacket(decoded, aliceKey), 'not the own key')
  t.equal(transientKeyOf(decoded.offline!, decoded.from!, SECONDS), undefined, 'expired')
  t.equal(transientKeyOf(decoded.offline!, bob.destination, SECONDS - 1), undefined, 'signed by another')
})

t.test('any packet survives a round trip, and no cut of it is read or throws anything but STREAMING_MALFORMED', async t => {
  const id = fc.integer({ min: 0, max: 0xffffffff })
  const arbitrary = fc.record({
    sendStreamId: id,
    receiveStreamId: id,
    sequence: id,
    ackThrough: id,
    nacks: fc.array(id, { maxLength: 20 }),
    resendDelay: fc.integer({ min: 0, max: 255 }),
    synchronize: fc.constant(false),
    close: fc.boolean(),
    reset: fc.boolean(),
    echo: fc.boolean(),
    noAck: fc.boolean(),
    signed: fc.boolean(),
    signatureRequested: fc.boolean(),
    profileInteractive: fc.boolean(),
    delay: fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined }),
    maxPacketSize: fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined }),
    from: fc.constantFrom(undefined, alice.destination),
    payload: fc.uint8Array({ maxLength: 100 }).map(bytes => Buffer.from(bytes))
  })
  fc.assert(fc.property(arbitrary, value => {
    const bytes = encodePacket(value, signer)
    const decoded = decodePacket(bytes)
    deepEqual(fields(decoded), fields(value))
    if (value.signed) ok(verifyPacket(decoded, aliceKey))
    const headerEnd = bytes.length - value.payload.length
    for (let length = 0; length < headerEnd; length++) {
      if (malformed(bytes.subarray(0, length))) continue
      throw new Error(`read ${length} of ${headerEnd} bytes`)
    }
  }), { numRuns: 40, seed: seedOf(t, 4) })
})

t.test('a SYN carries the hash of its target in eight NACKs; other packets have eight NACKs', async t => {
  const syn = encodePacket(
    packet({ synchronize: true, noAck: true, from: alice.destination, signed: true, targetHash: bob.destination.hash }), signer
  )
  t.equal(syn[16], 8)
  t.same(decodePacket(syn).targetHash, bob.destination.hash)
  t.same(decodePacket(syn).nacks, [])
  const data = encodePacket(packet({ sequence: 20, ackThrough: 20, nacks: [1, 2, 3, 4, 5, 6, 7, 8] }))
  t.equal(decodePacket(data).targetHash, undefined)
  t.same(decodePacket(data).nacks, [1, 2, 3, 4, 5, 6, 7, 8])
  const few = encodePacket(packet({ synchronize: true, nacks: [1], from: alice.destination, signed: true }), signer)
  t.equal(decodePacket(few).targetHash, undefined)
})

t.test('a signature covers every byte of the packet', async t => {
  const bytes = encodePacket(packet({ receiveStreamId: 5, close: true, signed: true, sequence: 3, payload: Buffer.from('end') }), signer)
  t.ok(verifyPacket(decodePacket(bytes), aliceKey))
  for (let index = 0; index < bytes.length; index++) {
    const changed = Buffer.from(bytes)
    changed[index]! ^= 1
    if (!malformed(changed) && verifyPacket(decodePacket(changed), aliceKey)) t.fail(`byte ${index} is not covered`)
  }
  t.notOk(verifyPacket(decodePacket(encodePacket(packet({ sequence: 1 }))), aliceKey), 'an unsigned packet is not signed')
})

t.test('random bytes are read or refused, and nothing else happens', async t => {
  let refused = 0
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600, size: 'max' }), fc.boolean(), (bytes, short) => {
    if (short) bytes.fill(0, 16, 22) // with NACKs almost every one is cut
    refused += malformed(bytes) ? 1 : 0
  }), { numRuns: 2000, seed: seedOf(t, 5) })
  t.ok(refused > 500 && refused < 1500, `${refused}`)
})

t.test('what cannot be written is refused', async t => {
  t.throws(() => encodePacket(packet({ nacks: new Array(256).fill(1) })), { code: 'STREAMING_MALFORMED' })
  t.throws(() => encodePacket(packet({ signed: true })), { code: 'STREAMING_MALFORMED' })
})
