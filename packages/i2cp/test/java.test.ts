import t from 'tap'
import { readFileSync } from 'node:fs'
import {
  blindedPublicKey, ByteReader, decodeB33, decodeMessage, decryptLeaseSet, Destination, encodeB33, encodeMessage, FrameReader,
  generateAlpha, LocalDestination, readEncryptedLeaseSet, readLeaseSet2, TYPE, verifyEncryptedLeaseSet, verifyLeaseSet2,
  verifySessionConfig, verifySignature
} from '@minwww/i2cp'
import { encodeUnsignedLeaseSet2 } from '../src/data/lease-set2.ts'

// Serialized and signed by Java I2P 2.7.0: see vectors/Vectors.java.
const vectors = JSON.parse(readFileSync(new URL('vectors/java.json', import.meta.url), 'utf8')) as Record<string, string>
const hex = (name: string) => Buffer.from(vectors[name]!, 'hex')
const keys = LocalDestination.parse(hex('dat.ed25519'))
const { destination } = keys
const blinding = { signingType: 7, signingPublicKey: destination.signingPublicKey }
const WHEN = 1_700_000_000_000

t.test('every message of Java I2P: decoded, and encoded to the same bytes', async t => {
  const names = Object.keys(vectors).filter(name => name.startsWith('message.'))
  t.equal(names.length, 30)
  for (const name of names) {
    const bytes = hex(name)
    const [frame] = new FrameReader().push(bytes)
    const message = decodeMessage(frame!.type, frame!.body)
    t.equal(encodeMessage(message).toString('hex'), bytes.toString('hex'), name)
    for (let length = 0; length < frame!.body.length; length++) {
      try {
        decodeMessage(frame!.type, frame!.body.subarray(0, length))
      } catch (error) {
        if ((error as { code?: string }).code !== 'I2CP_MALFORMED') throw error
      }
    }
  }
})

t.test('the fields are where Java puts them', async t => {
  const message = (name: string) => {
    const [frame] = new FrameReader().push(hex(`message.${name}`))
    return decodeMessage(frame!.type, frame!.body)
  }
  t.match(message('SendMessageExpires'), { type: TYPE.SendMessageExpires, sessionId: 77, nonce: 4242, flags: 0x100, expiration: WHEN })
  t.match(message('MessageStatus'), { sessionId: 77, messageId: 88, status: 21, nonce: 4242 })
  t.match(message('RequestVariableLeaseSet'), { sessionId: 77, leases: [{ tunnelId: 9, end: WHEN }] })
  t.match(message('RequestLeaseSet'), { sessionId: 77, tunnels: [{ tunnelId: 9 }], end: WHEN })
  t.match(message('BandwidthLimits'), { limits: { clientInbound: 1, clientOutbound: 2, burstTime: 7 } })
  t.match(message('GetDate'), { version: '0.9.64', authentication: { 'i2cp.username': 'u', 'i2cp.password': 'p' } })
  t.match(message('BlindingInfo.key'), { clientKey: { scheme: 'dh' }, password: 'secret', endpoint: { signingType: 7 } })
  t.match(message('BlindingInfo.name'), { clientKey: { scheme: 'psk' }, endpoint: { name: 'example.i2p' } })
  const create = message('CreateSession')
  t.ok(create.type === TYPE.CreateSession && verifySessionConfig(create.config), 'the signature of the session configuration')
})

t.test('signatures of every type', async t => {
  const data = Buffer.from('signed by Java I2P')
  const types = Object.keys(vectors).flatMap(name => /^signature\.(\d+)\.key$/.exec(name)?.[1] ?? []).map(Number)
  t.same(types.sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 11])
  for (const type of types) {
    const key = hex(`signature.${type}.key`)
    t.ok(verifySignature(type, key, data, hex(`signature.${type}.signature`)), `type ${type}`)
    t.notOk(verifySignature(type, key, Buffer.from('other'), hex(`signature.${type}.signature`)))
  }
})

t.test('destinations and key files', async t => {
  t.equal(destination.base64, vectors.base64)
  t.equal(destination.b32, vectors.b32)
  t.ok(Destination.fromBase64(vectors.base64!).equals(destination))
  for (const type of ['ECDSA_SHA256_P256', 'ECDSA_SHA384_P384', 'ECDSA_SHA512_P521', 'RedDSA_SHA512_Ed25519']) {
    const loaded = LocalDestination.parse(hex(`dat.${type}`))
    const data = Buffer.from('x')
    t.ok(loaded.destination.verify(loaded.sign(data), data), type)
    t.ok(loaded.toBytes().equals(hex(`dat.${type}`)), 'written as it was read')
  }
  t.throws(() => LocalDestination.parse(hex('dat.DSA_SHA1')), { code: 'I2CP_UNSUPPORTED' })
})

t.test('LeaseSet2', async t => {
  const leaseSet = readLeaseSet2(new ByteReader(hex('leaseset2')))
  t.ok(verifyLeaseSet2(leaseSet, leaseSet.published))
  t.same(Object.keys(leaseSet.options), ['Zeta', '_smtp._tcp'])
  t.same(leaseSet.leases.map(lease => lease.tunnelId), [1000, 1001])
  t.ok(Buffer.concat([encodeUnsignedLeaseSet2(leaseSet), leaseSet.signature]).equals(hex('leaseset2')))
})

t.test('b33 names and blinding', async t => {
  t.equal(encodeB33(blinding), vectors['b33.plain'])
  t.equal(encodeB33({ ...blinding, secretRequired: true, clientKeyRequired: true }), vectors['b33.both'])
  t.match(decodeB33(vectors['b33.both']!), { signingType: 7, blindedType: 11, secretRequired: true, clientKeyRequired: true })
  t.equal(generateAlpha(blinding, WHEN).toString('hex'), vectors.alpha)
  t.equal(generateAlpha(blinding, WHEN, 'secret').toString('hex'), vectors['alpha.secret'])
  t.equal(blindedPublicKey(blinding, WHEN).toString('hex'), vectors.blinded)
})

t.test('encrypted LeaseSets: open, with a lookup password, DH, PSK', async t => {
  const cases = [
    ['encrypted', {}],
    ['encrypted.secret', { secret: 'secret' }],
    ['encrypted.dh', { clientKey: { scheme: 'dh', key: hex('encrypted.dh.key') } }],
    ['encrypted.psk', { clientKey: { scheme: 'psk', key: Buffer.alloc(32, 9) } }]
  ] as const
  for (const [name, options] of cases) {
    const outer = readEncryptedLeaseSet(new ByteReader(hex(name)))
    t.ok(verifyEncryptedLeaseSet(outer, outer.published), name)
    const inner = decryptLeaseSet(outer, blinding, options)
    t.ok(inner.destination.equals(destination))
    t.same(inner.leases.map(lease => lease.tunnelId), [1000, 1001])
  }
})
