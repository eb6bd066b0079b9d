import t from 'tap'
import { seeded } from '@minwww/testkit'
import { LocalDestination } from '../src/crypto/local-destination.ts'
import { encodeCertificate, readCertificate } from '../src/data/certificate.ts'
import { Destination, verifySignature } from '../src/data/destination.ts'
import { encodeMapping, readMapping } from '../src/data/mapping.ts'
import { ByteReader } from '../src/data/reader.ts'
import { ByteWriter } from '../src/data/writer.ts'
import { isCertainFailure, isSuccess } from '../src/messages/message-status.ts'

const MALFORMED = { code: 'I2CP_MALFORMED' }
const KEYS = Buffer.alloc(384, 1)
const own = LocalDestination.generate(seeded('own'))
const { destination } = own

t.test('certificates: which lengths each type may have', async t => {
  const rows: Array<[type: number, good: number[], bad: number[]]> = [
    [0, [0], [1, 40]], [1, [0, 1, 100], []], [2, [0], [1, 72]], [3, [40, 72], [0, 39, 41, 71, 73]], [4, [0, 3], []], [5, [4, 5], [0, 3]],
    [6, [], [0, 4, 40]], [255, [], [0]]
  ]
  for (const [type, good, bad] of rows) {
    const read = (length: number) => readCertificate(new ByteReader(encodeCertificate({ type, payload: Buffer.alloc(length, 7) })))
    for (const length of good) t.strictSame(read(length), { type, payload: Buffer.alloc(length, 7) }, `${type}: ${length}`)
    for (const length of bad) t.throws(() => read(length), MALFORMED, `${type}: ${length}`)
  }
})

t.test('Destinations: keys of known types, with what does not fit before the certificate', async t => {
  const withKey = (signing: number, crypto: number, excess: number) => {
    const payload = Buffer.alloc(4 + excess, 9)
    payload.writeUInt16BE(signing, 0)
    payload.writeUInt16BE(crypto, 2)
    return Buffer.concat([KEYS, encodeCertificate({ type: 5, payload })])
  }
  const dsa = Destination.parse(Buffer.concat([KEYS, Buffer.from([0, 0, 0])]))
  t.match(dsa, { signingType: 0, cryptoType: 0, signatureLength: 40 })
  t.equal(dsa.signingPublicKey.length, 128)
  t.match(Destination.parse(withKey(7, 4, 0)), { signingType: 7, cryptoType: 4, signatureLength: 64 })
  t.equal(Destination.parse(withKey(7, 4, 0)).signingPublicKey.length, 32)
  const p521 = Destination.parse(withKey(3, 0, 4))
  t.strictSame([p521.signingPublicKey.length, p521.signingPublicKey.subarray(-5)], [132, Buffer.from([1, 9, 9, 9, 9])])
  for (const [signing, excess] of [[7, 1], [3, 0], [3, 3], [3, 5]] as const) {
    t.throws(() => Destination.parse(withKey(signing, 0, excess)), MALFORMED, `${signing}: ${excess}`)
  }
  t.throws(() => Destination.parse(withKey(99, 0, 0)), { code: 'I2CP_UNSUPPORTED', message: /signature type 99/ })
  t.throws(() => Destination.parse(withKey(7, 99, 0)), { code: 'I2CP_UNSUPPORTED', message: /encryption type 99/ })
  const long = (length: number) => Buffer.concat([KEYS, encodeCertificate({ type: 1, payload: Buffer.alloc(length - 387) })])
  t.equal(Destination.parse(long(4_096)).bytes.length, 4_096)
  t.throws(() => Destination.parse(long(4_097)), { ...MALFORMED, message: /too long/ })
})

t.test('Destinations: their names, copies and equality', async t => {
  const padded = Buffer.concat([Buffer.alloc(3), destination.bytes, Buffer.alloc(5)])
  const parsed = Destination.parse(padded, 3)
  padded.fill(0)
  t.ok(parsed.equals(destination))
  t.notOk(parsed.equals(LocalDestination.generate(seeded('other')).destination))
  t.equal(parsed.base64, destination.base64)
  t.ok(Destination.fromBase64(destination.base64).equals(destination))
  t.equal(parsed.b32.length, 60)
  t.match(parsed.b32, /^[a-z2-7]{52}\.b32\.i2p$/)
  t.equal(parsed.hash, parsed.hash)
  const more = Buffer.concat([destination.bytes, Buffer.alloc(3)]).toString('base64').replaceAll('+', '-').replaceAll('/', '~')
  t.throws(() => Destination.fromBase64(more), { ...MALFORMED, message: /after the destination/ })
})

t.test('signatures: false for another text, another length and a key that is none', async t => {
  const data = Buffer.from('data')
  const signature = own.sign(data)
  const key = destination.signingPublicKey
  t.equal(destination.verify(signature, data), true)
  t.equal(destination.verify(signature, Buffer.from('date')), false)
  for (const wrong of [signature.subarray(1), Buffer.concat([signature, Buffer.alloc(1)]), Buffer.alloc(0)]) {
    t.equal(destination.verify(wrong, data), false)
  }
  t.equal(verifySignature(7, key.subarray(1), data, signature), false)
  t.equal(verifySignature(1, Buffer.alloc(64, 255), data, Buffer.alloc(64, 1)), false, 'not on the curve')
  t.throws(() => verifySignature(99, key, data, signature), { code: 'I2CP_UNSUPPORTED', message: /signature type 99/ })
})

t.test('fields are read within their bytes', async t => {
  t.equal(new ByteReader(Buffer.alloc(2), 2).remaining, 0)
  t.throws(() => new ByteReader(Buffer.alloc(2), 3), MALFORMED)
  const date = (hex: string) => new ByteReader(Buffer.from(hex, 'hex')).date()
  t.equal(date('001fffffffffffff'), Number.MAX_SAFE_INTEGER)
  t.throws(() => date('0020000000000000'), { ...MALFORMED, message: /date/ })
  const reader = new ByteReader(Buffer.of(1, 2))
  reader.u8()
  t.throws(() => reader.end(), { ...MALFORMED, message: /1 bytes too many/ })
  t.throws(() => reader.u16(), { ...MALFORMED, message: /2 bytes expected, 1 left/ })
  reader.u8()
  reader.end()
  t.throws(() => new ByteWriter().string('x'.repeat(256)), { code: 'I2CP_BAD_OPTION' })
  t.equal(new ByteWriter().string('x'.repeat(255)).toBuffer().length, 256)
})

t.test('mappings: sorted, of one size, each key once', async t => {
  const read = (bytes: Buffer) => readMapping(new ByteReader(bytes))
  t.equal(encodeMapping({ b: '2', a: '1' }).toString('latin1'), '\0\x0c\x01a=\x011;\x01b=\x012;')
  const bytes = encodeMapping({ a: '1' })
  t.strictSame({ ...read(bytes) }, { a: '1' })
  for (const [size, what] of [[5, 'shorter'], [7, 'longer'], [100, 'longer than all']] as const) {
    const wrong = Buffer.concat([bytes, Buffer.of(0)]).subarray(0, size === 100 ? bytes.length : undefined)
    wrong.writeUInt16BE(size, 0)
    t.throws(() => read(wrong), MALFORMED, what)
  }
  const twice = Buffer.concat([Buffer.of(0, 12), bytes.subarray(2), bytes.subarray(2)])
  t.throws(() => read(twice), { ...MALFORMED, message: /twice/ })
  // 127 entries of 514 bytes, and one that fills the rest, or is a byte longer.
  const most = (rest: number) => encodeMapping({
    ...Object.fromEntries(Array.from({ length: 127 }, (_, i) => [String(i).padStart(255, '0'), 'v'.repeat(255)])), z: 'v'.repeat(rest)
  })
  t.equal(most(252).length, 2 + 65_535)
  t.throws(() => most(253), { ...MALFORMED, message: /too large/ })
})

t.test('what a status says', async t => {
  const statuses = Array.from({ length: 256 }, (_, status) => status)
  t.strictSame(statuses.filter(isSuccess), [1, 2, 4, 6])
  t.strictSame(statuses.filter(isCertainFailure), statuses.slice(8, 24))
})
