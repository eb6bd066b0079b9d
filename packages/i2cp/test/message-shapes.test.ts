/** What each message and structure says in which shape, where more than one is allowed; codec.test.ts has the properties of all. */
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { LocalDestination } from '../src/crypto/local-destination.ts'
import { toBase64 } from '../src/data/base64.ts'
import {
  encodeUnsignedEncryptedLeaseSet, readEncryptedLeaseSet, signEncryptedLeaseSet, verifyEncryptedLeaseSet
} from '../src/data/encrypted-lease-set.ts'
import { MAX_LEASES } from '../src/data/lease.ts'
import { readLeaseSet, signLeaseSet } from '../src/data/lease-set.ts'
import { LEASE_SET_TYPE } from '../src/data/lease-set2.ts'
import { readMetaLeaseSet, signMetaLeaseSet } from '../src/data/meta-lease-set.ts'
import { ByteReader } from '../src/data/reader.ts'
import {
  OFFLINE_OPTION, offlineOptions, readSessionConfig, signSessionConfig, verifySessionConfig, writeSessionConfig
} from '../src/data/session-config.ts'
import { ByteWriter } from '../src/data/writer.ts'
import { decodeMessage, encodeMessage } from '../src/messages/frame.ts'
import { MESSAGES } from '../src/messages/table.ts'
import type { Message } from '../src/messages/table.ts'
import { TYPE } from '../src/messages/types.ts'

const MALFORMED = { code: 'I2CP_MALFORMED' }
const keys = LocalDestination.generate(seeded('shapes'))
const { destination } = keys
const offlineKeys = keys.toOffline(4_000_000_000, seeded('offline'))
const sign = (data: Uint8Array): Buffer => keys.sign(data)
/** An encrypted LeaseSet without its signature. */
const outer = {
  blindedType: 7, blindedPublicKey: destination.signingPublicKey, published: 1, expires: 2, flags: 0, ciphertext: Buffer.from('cipher')
}
const bodyOf = (message: Message): Buffer => encodeMessage(message).subarray(5)
/** As it is read, Destinations by their names. */
const again = (message: Message): unknown => plain(decodeMessage(message.type, bodyOf(message)))
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, inner: unknown) => inner))

t.test('every message has the name of the specification', async t => {
  for (const [name, type] of Object.entries(TYPE)) t.equal(MESSAGES.get(type)?.name, name)
})

t.test('messages come back as they were, in each shape that they have', async t => {
  const hash = Buffer.alloc(32, 7)
  const blinded = { type: TYPE.BlindingInfo, sessionId: 1, blindedType: 11, expiration: 2 }
  const leaseSet = signLeaseSet({ destination, encryptionKey: Buffer.alloc(256, 2), signingKey: Buffer.alloc(32, 3), leases: [] }, sign)
  const all: Message[] = [
    {
      type: TYPE.BandwidthLimits,
      limits: {
        clientInbound: 1,
        clientOutbound: 2,
        routerInbound: 3,
        routerInboundBurst: 4,
        routerOutbound: 5,
        routerOutboundBurst: 6,
        burstTime: 7
      }
    },
    { ...blinded, endpoint: { hash } },
    { ...blinded, endpoint: { name: 'a.i2p' }, password: '' },
    { ...blinded, endpoint: { destination }, password: 'secret' },
    { ...blinded, endpoint: { signingType: 7, publicKey: hash }, clientKey: { scheme: 'dh', key: hash } },
    { ...blinded, endpoint: { hash }, clientKey: { scheme: 'psk', key: hash }, password: 'secret' },
    { type: TYPE.CreateLeaseSet, sessionId: 1, signingPrivateKey: hash.subarray(12), privateKey: Buffer.alloc(256), leaseSet },
    { type: TYPE.CreateLeaseSet2, sessionId: 1, leaseSetType: LEASE_SET_TYPE.LEASE_SET, leaseSet, privateKeys: [{ type: 4, key: hash }] },
    { type: TYPE.GetDate, version: '' },
    { type: TYPE.GetDate, version: '0.9.66' },
    { type: TYPE.GetDate, version: '0.9.66', authentication: { 'i2cp.username': 'a' } },
    { type: TYPE.SetDate, date: 5, version: '0.9.66' },
    { type: TYPE.DestReply },
    { type: TYPE.DestReply, hash },
    { type: TYPE.DestReply, destination },
    { type: TYPE.RequestVariableLeaseSet, sessionId: 1, leases: [{ gateway: hash, tunnelId: 2, end: 3_000 }] },
    { type: TYPE.RequestLeaseSet, sessionId: 1, tunnels: [{ gateway: hash, tunnelId: 2 }], end: 3_000 }
  ]
  for (const message of all) t.same(again(message), plain(message))
  t.equal(bodyOf({ ...all[0] } as Message).length, 4 * 16, 'nine reserved integers')
  t.same(decodeMessage(TYPE.GetDate, Buffer.alloc(0)), { type: TYPE.GetDate, version: '' }, 'from before 0.8.7')
  t.same(decodeMessage(TYPE.SetDate, Buffer.alloc(8)), { type: TYPE.SetDate, date: 0, version: '' })
  t.notOk('authentication' in decodeMessage(TYPE.GetDate, bodyOf({ type: TYPE.GetDate, version: 'a' })))
  t.throws(() => decodeMessage(TYPE.BandwidthLimits, Buffer.alloc(63)), MALFORMED)
})

t.test('blinding: flags and kinds of endpoints are those of the specification', async t => {
  const hash = Buffer.alloc(32)
  const blinded = { type: TYPE.BlindingInfo, sessionId: 1, blindedType: 11, expiration: 2, endpoint: { hash } }
  const head = (message: object): number[] => [...bodyOf({ ...blinded, ...message } as Message).subarray(2, 4)]
  t.strictSame(head({}), [0, 0])
  t.strictSame(head({ endpoint: { name: 'a' }, password: 'x' }), [16, 1])
  t.strictSame(head({ endpoint: { destination }, clientKey: { scheme: 'dh', key: hash } }), [1, 2])
  t.strictSame(head({ endpoint: { signingType: 7, publicKey: hash }, clientKey: { scheme: 'psk', key: hash }, password: 'x' }), [19, 3])
  t.throws(() => decodeMessage(TYPE.BlindingInfo, Buffer.from('00010004000b00000002', 'hex')), { ...MALFORMED, message: /endpoint type 4/ })
})

t.test('every kind of LeaseSet is taken in a CreateLeaseSet2, and no other', async t => {
  const header = { destination, published: 1_700_000_000, expires: 600, flags: 0, options: {} }
  const lease = { gateway: Buffer.alloc(32), flags: 0x10203, cost: 9, end: 1_700_000_600 }
  const meta = signMetaLeaseSet({ ...header, leases: [lease], revocations: [] }, sign)
  const encrypted = signEncryptedLeaseSet(outer, sign)
  const message = (leaseSetType: number, leaseSet: Buffer, count: number): Message => ({
    type: TYPE.CreateLeaseSet2,
    sessionId: 1,
    leaseSetType,
    leaseSet,
    privateKeys: Array.from({ length: count }, () => ({ type: 4, key: Buffer.alloc(32) }))
  })
  for (const one of [message(LEASE_SET_TYPE.META, meta, 0), message(LEASE_SET_TYPE.ENCRYPTED, encrypted, 2)]) t.same(again(one), plain(one))
  t.equal(bodyOf(message(LEASE_SET_TYPE.META, meta, 0)).length, 3 + meta.length, 'a meta LeaseSet has no keys')
  t.throws(() => decodeMessage(TYPE.CreateLeaseSet2, Buffer.of(0, 1, 9)), { ...MALFORMED, message: /LeaseSet type 9/ })
  t.match(readMetaLeaseSet(new ByteReader(meta)).leases[0], { flags: 0x10203, cost: 9 })
  const empty = signMetaLeaseSet({ ...header, leases: [], revocations: [] }, sign)
  t.throws(() => readMetaLeaseSet(new ByteReader(empty)), { ...MALFORMED, message: /without leases/ })
})

t.test('lists of leases end at sixteen', async t => {
  const of = (count: number): { gateway: Buffer, tunnelId: number, end: number }[] =>
    Array.from({ length: count }, (_, tunnelId) => ({ gateway: Buffer.alloc(32, 1), tunnelId, end: 1_000 }))
  const kinds: Array<(count: number) => unknown> = [
    count => again({ type: TYPE.RequestLeaseSet, sessionId: 1, tunnels: of(count), end: 5 }),
    count => again({ type: TYPE.RequestVariableLeaseSet, sessionId: 1, leases: of(count) }),
    count => readLeaseSet(new ByteReader(signLeaseSet({
      destination, encryptionKey: Buffer.alloc(256), signingKey: Buffer.alloc(32), leases: of(count)
    }, sign)))
  ]
  for (const read of kinds) {
    t.doesNotThrow(() => read(MAX_LEASES))
    t.throws(() => read(MAX_LEASES + 1), { ...MALFORMED, message: /17 leases/ })
  }
})

t.test('messages with a payload say their size beforehand, and none is longer than its message', async t => {
  const payload = Buffer.alloc(100, 1)
  const all: Message[] = [
    { type: TYPE.SendMessage, sessionId: 1, destination, payload, nonce: 2 },
    { type: TYPE.MessagePayload, sessionId: 1, messageId: 2, payload }
  ]
  for (const message of all) {
    const body = bodyOf(message)
    t.equal(MESSAGES.get(message.type)!.size!(message), body.length)
    t.same(again(message), plain(message))
    t.throws(() => decodeMessage(message.type, body.subarray(0, -5)), MALFORMED)
  }
  const cut = Buffer.from(bodyOf(all[1]!))
  cut.writeUInt32BE(101, 6)
  t.throws(() => decodeMessage(TYPE.MessagePayload, cut), { ...MALFORMED, message: /payload longer than the message/ })
})

t.test('a session configuration is signed by the transient key that it names', async t => {
  const offline = offlineKeys.offline!
  const key = toBase64(offline.transientPublicKey)
  t.strictSame(offlineOptions(offline), {
    [OFFLINE_OPTION.EXPIRATION]: '4000000000',
    [OFFLINE_OPTION.TRANSIENT_KEY]: `7:${key}`,
    [OFFLINE_OPTION.SIGNATURE]: toBase64(offline.signature)
  })
  const signed = (name: string, by = offlineKeys) =>
    signSessionConfig({ destination, options: { [OFFLINE_OPTION.TRANSIENT_KEY]: `${name}${key}` }, date: 5 }, data => by.sign(data))
  const read = (name: string, by?: LocalDestination) => {
    const writer = new ByteWriter()
    writeSessionConfig(writer, signed(name, by))
    return readSessionConfig(new ByteReader(writer.toBuffer()))
  }
  for (const name of ['7:', 'EdDSA_SHA512_Ed25519:']) t.ok(verifySessionConfig(read(name)), name)
  t.notOk(verifySessionConfig(read('7:', keys)), 'not by the Destination\'s own')
  t.equal(read('').signature.length, 40, 'without a type it is DSA')
  for (const name of ['99999:', '7x:', 'x7:', 'nothing:', ':']) t.throws(() => read(name), { code: 'I2CP_UNSUPPORTED' }, name)
  const own = signSessionConfig({ destination, options: {}, date: 5 }, sign)
  t.ok(verifySessionConfig(own))
  t.equal(own.signature.length, 64)
  t.strictSame([own.date, own.destination], [5, destination])
})

t.test('an encrypted LeaseSet is signed by its blinded key, or by a transient one until that expires', async t => {
  const own = readEncryptedLeaseSet(new ByteReader(signEncryptedLeaseSet(outer, sign)))
  t.match(own, outer)
  t.notOk('offline' in own)
  t.ok(verifyEncryptedLeaseSet(own, 5))
  t.notOk(verifyEncryptedLeaseSet({ ...own, published: 2 }, 5))
  t.notOk(verifyEncryptedLeaseSet({ ...own, signature: keys.sign(encodeUnsignedEncryptedLeaseSet(outer)) }, 5), 'its type is signed, too')
  const offline = { ...outer, flags: 1, offline: offlineKeys.offline! }
  const transient = readEncryptedLeaseSet(new ByteReader(signEncryptedLeaseSet(offline, data => offlineKeys.sign(data))))
  t.match(transient, offline)
  t.strictSame([verifyEncryptedLeaseSet(transient, 3_999_999_999), verifyEncryptedLeaseSet(transient, 4_000_000_000)], [true, false])
  t.notOk(verifyEncryptedLeaseSet(readEncryptedLeaseSet(new ByteReader(signEncryptedLeaseSet(offline, sign))), 5), 'not by the blinded one')
  const empty = signEncryptedLeaseSet({ ...outer, ciphertext: Buffer.alloc(0) }, sign)
  t.throws(() => readEncryptedLeaseSet(new ByteReader(empty)), { ...MALFORMED, message: /without ciphertext/ })
})
