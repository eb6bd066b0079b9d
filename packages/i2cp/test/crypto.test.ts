import t from 'tap'
import { createHash, createSign, generateKeyPairSync, sign } from 'node:crypto'
import {
  blindedHash, blindedPublicKey, blindedSigner, ByteReader, createSigner, decryptLeaseSet, Destination, ed25519PublicOf, encryptLeaseSet,
  fromBase64, generateSigner, LocalDestination, readEncryptedLeaseSet, RED25519, SIGNATURE_TYPES, signLeaseSet2, toBase64,
  verifyEncryptedLeaseSet,
  verifySignature, x25519PublicOf
} from '@minwww/i2cp/codec'
import { seeded } from '@minwww/testkit'
import { blindPrivate, blindPublic, red25519FromEd25519, red25519PublicOf } from '../src/crypto/red25519.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

t.test('Red25519: the test vectors of its specification', async t => {
  // edsk (a repeated byte), edpk, sk, alpha, rsk, rvk
  const vectors: Array<[number, string, string, string, string, string]> = [
    [1, '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c',
      '58e86efb75fa4e2c410f46e16de9f6acae1a1703528651b69bc176c088bef36e',
      'ae9ba9cbbc047c442448fca7c9f4e288a202ed520bfad0c784b792b7773cee08',
      '8bb85f3c7a494a08890d7d142109c1a3501d04565d80227e2079097800fbe107',
      '6fe128737b8e76fa66698a748b0dc0a89168dd8a0601c2b1c0b26835d323e9b3'],
    [2, '8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394',
      'a83c626bc9c38c8c201878ebb1d5b0b50ac40e8986c78793db1d4ef369fca14e',
      '98b615d9027e996cc2796c019d9c8beb46aa7d2b6eea2e5d98eb29eb1584c203',
      '9fcfaa734852ca40b3810ebef590e138516e8cb4f4b1b6f0730978de7f806402',
      '527e121090158419609e4a0d8de6f7d3271b353a8cd0b8172fe41468ea1e9177'],
    [10, '43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd3c',
      '0099bf92c41b5d3d309c3b074756e9707e40a9bcea229857f7cf551e8bb0fd45',
      '5eebb60818299d581fa68f5fcae4c2bb398a7e10876e27994d93d555075e7d05',
      'aa349f2773b8b035f6ceecda965330d9b7ca27cd7191bff044632b74920e7b0b',
      'd0c5fe8f83fd42202265efff804a1527c0eb0e1cce9781cf14571cd506eeed36']
  ]
  for (const [byte, edpk, sk, alpha, rsk, rvk] of vectors) {
    const seed = Buffer.alloc(32, byte)
    t.equal(ed25519PublicOf(seed).toString('hex'), edpk)
    t.equal(red25519FromEd25519(seed).toString('hex'), sk)
    t.equal(red25519PublicOf(hex(sk)).toString('hex'), edpk)
    t.equal(blindPrivate(hex(sk), hex(alpha)).toString('hex'), rsk)
    t.equal(blindPublic(hex(edpk), hex(alpha)).toString('hex'), rvk)
    t.equal(red25519PublicOf(hex(rsk)).toString('hex'), rvk)
  }
})

t.test('RFC vectors: Ed25519, X25519', async t => {
  // RFC 8032, 7.1 test 2
  const key = createSigner(7, hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'))
  t.equal(key.publicKey.toString('hex'), '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
  t.equal(key.sign(hex('72')).toString('hex'),
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00')
  // RFC 7748, 5.2: one iteration from the base point
  t.equal(x25519PublicOf(hex('09'.padEnd(64, '0'))).toString('hex'), '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079')
})

t.test('every signature type verifies what node:crypto signs', async t => {
  const data = Buffer.from('some data')
  const raw = (jwk: JsonWebKey) => Buffer.concat([jwk.x, jwk.y].map(part => Buffer.from(part!, 'base64url')))
  for (const [type, curve, hash] of [[1, 'P-256', 'sha256'], [2, 'P-384', 'sha384'], [3, 'P-521', 'sha512']] as const) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
    const signature = sign(hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const key = raw(publicKey.export({ format: 'jwk' }))
    t.ok(verifySignature(type, key, data, signature), curve)
    signature[5]! ^= 1
    t.notOk(verifySignature(type, key, data, signature))
    const own = createSigner(type, Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url'))
    t.ok(own.publicKey.equals(key))
    t.ok(verifySignature(type, key, data, own.sign(data)))
  }
  for (const [type, bits, hash] of [[4, 2048, 'sha256']] as const) {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
    const n = Buffer.from(publicKey.export({ format: 'jwk' }).n!, 'base64url')
    t.ok(verifySignature(type, n, data, createSign(hash).update(data).sign(privateKey)))
  }
  const red = generateSigner(RED25519, seeded(1))
  t.ok(verifySignature(RED25519, red.publicKey, data, red.sign(data)))
  t.not(red.sign(data).toString('hex'), red.sign(data).toString('hex'), 'Red25519 signatures are randomized')
  for (const { code, publicKeyLength, signatureLength } of SIGNATURE_TYPES.values()) {
    t.notOk(verifySignature(code, Buffer.alloc(publicKeyLength, 0xff), data, Buffer.alloc(signatureLength, 0xff)), `type ${code}, no key`)
    t.notOk(verifySignature(code, Buffer.alloc(publicKeyLength), data, Buffer.alloc(1)), `type ${code}, short`)
  }
})

t.test('DSA with the parameters of I2P', async t => {
  // y = g^x mod p and a textbook signature, both from bare arithmetic
  const [p, q, g] = dsaParameters()
  const x = 0x1234567890abcdef1234567890abcdefn
  const data = Buffer.from('dsa')
  const h = BigInt('0x' + createHash('sha1').update(data).digest('hex'))
  const k = 0xfedcba9876543210fedcba98n
  const r = power(g, k, p) % q
  const s = power(k, q - 2n, q) * (h + x * r) % q
  const bytes = (n: bigint, length: number) => hex(n.toString(16).padStart(length * 2, '0'))
  const signature = Buffer.concat([bytes(r, 20), bytes(s, 20)])
  t.ok(verifySignature(0, bytes(power(g, x, p), 128), data, signature))
  t.notOk(verifySignature(0, bytes(power(g, x + 1n, p), 128), data, signature))
})

t.test('destinations: seeded, compressible, base64 and b32 forms', async t => {
  const keys = LocalDestination.generate(seeded(7))
  t.ok(LocalDestination.generate(seeded(7)).destination.equals(keys.destination))
  t.notOk(LocalDestination.generate(seeded(8)).destination.equals(keys.destination))
  const { destination } = keys
  t.equal(destination.bytes.length, 391)
  t.same(destination.bytes.subarray(0, 32), destination.bytes.subarray(320, 352))
  t.ok(Destination.fromBase64(destination.base64).equals(destination))
  t.equal(destination.b32.length, 60)
  t.same(fromBase64(toBase64(Buffer.from([0xfb, 0xff]))), Buffer.from([0xfb, 0xff]))
  t.equal(toBase64(Buffer.from([0xfb, 0xff])), '-~8=')
})

t.test('key files: own, with offline keys, with a foreign encryption field, damaged', async t => {
  const keys = LocalDestination.generate(seeded(3), 11)
  const copy = LocalDestination.parse(keys.toBytes())
  t.ok(copy.toBytes().equals(keys.toBytes()))
  t.ok(keys.destination.verify(copy.sign(Buffer.from('x')), Buffer.from('x')))
  const offline = LocalDestination.parse(LocalDestination.generate(seeded(4)).toOffline(2_000_000_000, seeded(5)).toBytes())
  t.equal(offline.offline?.expires, 2_000_000_000)
  t.throws(() => offline.toOffline(1), { code: 'I2CP_BAD_KEYS' })
  // as Java I2P writes it: 256 bytes of an ElGamal key nobody uses
  const foreign = LocalDestination.generate(seeded(6)).toBytes()
  foreign.fill(0x5a, 391, 391 + 256)
  t.ok(LocalDestination.parse(foreign).toBytes().equals(foreign))
  // as i2pd writes it: encryption type 4 in the certificate, its 32-byte key in the field
  const own = LocalDestination.generate(seeded('i2pd'))
  const typed = Buffer.from(own.destination.bytes)
  typed[390] = 4
  const file = Buffer.concat([typed, Buffer.alloc(32, 7), own.signer.privateKey])
  const loaded = LocalDestination.parse(file)
  t.ok(loaded.toBytes().equals(file))
  t.same(loaded.toOffline(1_900_000_000, seeded('t')).toBytes().subarray(391, 391 + 32), Buffer.alloc(32, 7))
  const bytes = keys.toBytes()
  for (let length = 0; length < bytes.length; length++) {
    t.throws(() => LocalDestination.parse(bytes.subarray(0, length)), { code: 'I2CP_BAD_KEYS' })
  }
  bytes[bytes.length - 1]! ^= 1
  t.throws(() => LocalDestination.parse(bytes), { code: 'I2CP_BAD_KEYS' })
  t.notMatch(JSON.stringify(keys), /[Pp]rivate/)
})

t.test('encrypted LeaseSets', async t => {
  const random = seeded(9)
  const published = 1_700_000_000
  for (const type of [7, 11]) {
    const keys = LocalDestination.generate(random, type)
    const inner = signLeaseSet2({
      destination: keys.destination,
      published,
      expires: 600,
      flags: 0,
      options: {},
      encryptionKeys: [{ type: 4, key: Buffer.alloc(32, 6) }],
      leases: [{ gateway: Buffer.alloc(32, 1), tunnelId: 5, end: (published + 600) * 1000 }]
    }, data => keys.sign(data))
    const key = { signingType: type, signingPublicKey: keys.destination.signingPublicKey }
    const common = { signer: keys.signer, published, expires: 600, random }
    const read = (bytes: Buffer) => {
      const outer = readEncryptedLeaseSet(new ByteReader(bytes))
      t.ok(verifyEncryptedLeaseSet(outer, published), 'the outer signature verifies with the blinded key')
      return outer
    }
    const open = read(encryptLeaseSet(inner, common))
    t.equal(decryptLeaseSet(open, key).leases[0]?.tunnelId, 5)
    t.ok(open.blindedPublicKey.equals(blindedPublicKey(key, published * 1000)))
    t.ok(blindedSigner(keys.signer, published * 1000, random).publicKey.equals(open.blindedPublicKey))
    t.notOk(blindedPublicKey(key, (published + 86_400) * 1000).equals(open.blindedPublicKey), 'another key each day')
    t.equal(blindedHash(open.blindedPublicKey).length, 32)

    const secret = read(encryptLeaseSet(inner, { ...common, secret: 'pass' }))
    t.throws(() => decryptLeaseSet(secret, key), { code: 'I2CP_LOOKUP_DECRYPTION_FAILED' })
    t.equal(decryptLeaseSet(secret, key, { secret: 'pass' }).published, published)

    const clients = [1, 2, 3].map(i => Buffer.alloc(32, i))
    const psk = read(encryptLeaseSet(inner, { ...common, authorization: { scheme: 'psk', clients } }))
    t.throws(() => decryptLeaseSet(psk, key), { code: 'I2CP_LOOKUP_PASSWORD_REQUIRED' })
    t.throws(
      () => decryptLeaseSet(psk, key, { clientKey: { scheme: 'psk', key: Buffer.alloc(32, 9) } }), { code: 'I2CP_LOOKUP_DECRYPTION_FAILED' }
    )
    for (const client of clients) t.equal(decryptLeaseSet(psk, key, { clientKey: { scheme: 'psk', key: client } }).published, published)

    const dh = read(encryptLeaseSet(inner, { ...common, authorization: { scheme: 'dh', clients: clients.map(x25519PublicOf) } }))
    t.equal(decryptLeaseSet(dh, key, { clientKey: { scheme: 'dh', key: clients[1]! } }).published, published)
    t.throws(() => decryptLeaseSet(dh, key, { clientKey: { scheme: 'psk', key: clients[1]! } }), { code: 'I2CP_LOOKUP_PASSWORD_REQUIRED' })
    dh.ciphertext[40]! ^= 1
    t.throws(() => decryptLeaseSet(dh, key, { clientKey: { scheme: 'dh', key: clients[1]! } }))
  }
})

function power (base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n, b = b * b % modulus) if ((e & 1n) === 1n) result = result * b % modulus
  return result
}

function dsaParameters (): [bigint, bigint, bigint] {
  return [
    BigInt('0x' +
      '9c05b2aa960d9b97b8931963c9cc9e8c3026e9b8ed92fad0a69cc886d5bf8015fcadae31a0ad18fab3f01b00a358de237655c4964afaa2b337e96ad3' +
      '16b9fb1cc564b5aec5b69a9ff6c3e4548707fef8503d91dd8602e867e6d35d2235c1869ce2479c3b9d5401de04e0727fb33d6511285d4cf29538d9e3' +
      'b6051f5b22cc1c93'),
    0xa5dfc28fef4ca1e286744cd8eed9d29d684046b7n,
    BigInt('0x' +
      '0c1f4d27d40093b429e962d7223824e0bbc47e7c832a39236fc683af84889581075ff9082ed32353d4374d7301cda1d23c431f4698599dda02451824' +
      'ff369752593647cc3ddc197de985e43d136cdcfc6bd5409cd2f450821142a5e6f8eb1c3ab5d0484b8129fcf17bce4f7f33321c3cb3dbb14a905e7b2b' +
      '3e93be4708cbcc82')
  ]
}
