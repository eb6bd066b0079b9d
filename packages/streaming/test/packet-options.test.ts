/** Flags and options of a packet one by one; packet.test.ts has the properties of all together. */
import { LocalDestination } from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { FLAG, decodePacket, encodePacket, packet, verifyPacket } from '../src/core.ts'
import type { Packet } from '../src/core.ts'
import { ownKey, transientKeyOf, verifyBy } from '../src/packet/offline-signature.ts'

const keys = LocalDestination.generate(seeded('packet options'))
const transient = keys.toOffline(2_000, seeded('transient'))
const { expires, transientType, transientPublicKey: transientKey, signature } = transient.offline!
const offline = { expires, transientType, transientKey, signature }
const { destination: from } = keys
const signer = { signatureLength: 64, sign: (data: Uint8Array) => keys.sign(data) }
const of = (o: Partial<Packet>): Buffer => encodePacket(packet(o), signer)
/** Offsets in a packet without NACKs. */
const FLAGS = 18
const OPTIONS = 22

t.test('each flag is read by itself', async t => {
  const table = {
    close: FLAG.CLOSE,
    reset: FLAG.RESET,
    echo: FLAG.ECHO,
    noAck: FLAG.NO_ACK,
    signatureRequested: FLAG.SIGNATURE_REQUESTED,
    profileInteractive: FLAG.PROFILE_INTERACTIVE,
    synchronize: FLAG.SYNCHRONIZE,
    signed: FLAG.SIGNATURE_INCLUDED
  }
  const names = Object.keys(table) as Array<keyof typeof table>
  for (const name of names) {
    const bytes = of({ [name]: true })
    t.equal(bytes.readUInt16BE(FLAGS), table[name])
    const decoded = decodePacket(bytes)
    t.strictSame(names.filter(other => decoded[other]), [name])
  }
  t.strictSame(names.filter(name => decodePacket(of({}))[name]), [])
})

t.test('options are read where their flags say so, and only as far as the options go', async t => {
  const none = { delay: undefined, from: undefined, maxPacketSize: undefined, offline: undefined, signatureLength: 0, signatureOffset: 0 }
  t.match(decodePacket(of({ payload: Buffer.from('x') })), { ...none, payload: Buffer.from('x') })
  t.match(decodePacket(of({ delay: 7, maxPacketSize: 9 })), { delay: 7, maxPacketSize: 9 })
  const table: Array<[name: string, o: Partial<Packet>, length: number, message: RegExp]> = [
    ['delay', { delay: 7 }, 1, /delay is cut/],
    ['size', { maxPacketSize: 7 }, 1, /maximum size is cut/],
    ['size', { maxPacketSize: 7 }, 0, /maximum size is cut/],
    ['from', { from }, from.bytes.length - 1, /destination: /],
    ['offline', { from, offline }, from.bytes.length + 5, /offline signature is cut/],
    ['offline', { from, offline }, from.bytes.length + 6 + 32 + 63, /offline signature is cut/],
    ['signature', { from, signed: true }, from.bytes.length + 63, /signature is cut/],
    ['signature', { from, offline, signed: true }, from.bytes.length + 102 + 63, /signature is cut/]
  ]
  for (const [name, o, length, message] of table) {
    const bytes = Buffer.concat([of(o), Buffer.alloc(200)])
    t.doesNotThrow(() => decodePacket(bytes), name)
    bytes.writeUInt16BE(length, OPTIONS - 2)
    t.throws(() => decodePacket(bytes), { code: 'STREAMING_MALFORMED', message }, name)
  }
})

t.test('what is cut says what', async t => {
  const bytes = of({ nacks: [1, 2], delay: 3 })
  t.throws(() => decodePacket(bytes.subarray(0, 21)), { message: /shorter than its header/ })
  t.throws(() => decodePacket(bytes.subarray(0, 22)), { message: /NACKs are cut/ })
  t.throws(() => decodePacket(bytes.subarray(0, -1)), { message: /options are cut/ })
  t.strictSame(decodePacket(bytes).nacks, [1, 2])
})

t.test('an offline signature needs a Destination before it, and a type that is known', async t => {
  const bytes = of({ from, offline, signed: true })
  const decoded = decodePacket(bytes)
  t.match(decoded.offline, offline)
  t.equal(decoded.signatureLength, 64)
  const unknown = Buffer.from(bytes)
  unknown.writeUInt16BE(99, OPTIONS + from.bytes.length + 4)
  t.throws(() => decodePacket(unknown), { code: 'STREAMING_MALFORMED', message: /unknown type 99/ })
  const alone = of({ delay: 1 })
  alone.writeUInt16BE(FLAG.OFFLINE_SIGNATURE, FLAGS)
  t.throws(() => decodePacket(alone), { code: 'STREAMING_MALFORMED', message: /without a destination/ })
})

t.test('a transient key counts if the Destination signed it, until it expires', async t => {
  t.match(transientKeyOf(offline, from, 1_999), { signingType: 7, publicKey: transientKey })
  t.equal(transientKeyOf(offline, from, 2_000), undefined)
  t.equal(transientKeyOf({ ...offline, expires: 3_000 }, from, 1_999), undefined)
  t.strictSame(ownKey(from), { signingType: from.signingType, publicKey: from.signingPublicKey })
  t.ok(verifyBy(ownKey(from), keys.sign(Buffer.from('a')), Buffer.from('a')))
  const unknown = { signingType: 99, publicKey: from.signingPublicKey }
  t.notOk(verifyBy(unknown, keys.sign(Buffer.from('a')), Buffer.from('a')), 'a type that is not known')
})

t.test('only a packet with a signature verifies', async t => {
  const signed = decodePacket(of({ from, signed: true }))
  t.ok(verifyPacket(signed, ownKey(from)))
  t.notOk(verifyPacket({ ...signed, signed: false }, ownKey(from)))
  t.notOk(verifyPacket({ ...signed, signatureLength: 0 }, ownKey(from)))
})
