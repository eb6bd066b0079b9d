import t from 'tap'
import type { Bandwidth } from '@minwww/i2cp'
import { LocalDestination, SESSION_OPTION_TABLE, verifySessionConfig, signSessionConfig, toBase64, x25519PublicOf } from '@minwww/i2cp'
import { seeded } from '@minwww/testkit'
import { interpretOptions } from '../src/session/session-options.ts'
import { CLIENT_VERSION, kindOf, optionsFor, quirksOf } from '../src/session/quirks.ts'

const keys = LocalDestination.generate(seeded('options'))

t.test('defaults, and what the client keeps for itself', async t => {
  const { options, leaseSet, warnings, authentication } = interpretOptions({}, keys)
  t.same(options, {
    'i2cp.leaseSetEncType': '4',
    'i2cp.fastReceive': 'true',
    'i2cp.messageReliability': 'none',
    'outbound.batchFrequency': '0',
    'crypto.ratchet.inboundTags': '800'
  })
  t.equal(interpretOptions({ 'crypto.ratchet.inboundTags': 160 }, keys).options['crypto.ratchet.inboundTags'], '160')
  t.notOk('i2cp.dontPublishLeaseSet' in options)
  t.match(leaseSet, { encryptionTypes: [4], unpublished: false })
  t.same(warnings, [])
  t.equal(authentication, undefined)
  const secret = interpretOptions({ 'i2cp.username': 'u', 'i2cp.password': 'p', 'i2cp.gzip': true, 'inbound.length': 1 }, keys)
  t.notMatch(Object.keys(secret.options), ['i2cp.password'])
  t.match(secret, { authentication: { 'i2cp.password': 'p' }, gzip: true, options: { 'inbound.length': '1' } })
})

t.test('every row of the table has a default that it accepts', async t => {
  for (const [name, row] of Object.entries(SESSION_OPTION_TABLE)) {
    t.ok(row.doc.length > 1, name)
    if (row.default !== undefined && row.default !== '') t.doesNotThrow(() => interpretOptions({ [name]: row.default! }, keys), name)
  }
})

t.test('bad values are refused, unknown names pass with a warning', async t => {
  for (const [name, value] of [
    ['inbound.length', 8], ['inbound.length', 'x'], ['inbound.quantity', 0], ['outbound.quantity', 17], ['i2cp.leaseSetEncType', '4,x'],
    ['i2cp.fastReceive', 'yes'],
    ['i2cp.closeIdleTime', 1000], ['i2cp.messageReliability', 'some'], ['i2cp.leaseSetEncType', '0'], ['i2cp.leaseSetOption.0', 'novalue']
  ] as const) t.throws(() => interpretOptions({ [name]: value }, keys), { code: 'I2CP_BAD_OPTION' }, `${name}=${value}`)
  // I2CP's Mapping has no more room; a session that tried would ask its router for ever.
  for (const [name, value] of [['explicitPeers', 'é'.repeat(128)], ['unknown', 'x'.repeat(256)], ['x'.repeat(256), '']] as const) {
    t.throws(() => interpretOptions({ [name]: value }, keys), { code: 'I2CP_BAD_OPTION' }, `${name.length} and ${value.length} characters`)
  }
  t.equal(interpretOptions({ explicitPeers: 'x'.repeat(255) }, keys).options.explicitPeers, 'x'.repeat(255))
  t.throws(() => interpretOptions({ 'i2cp.leaseSetType': 7 }, keys), { code: 'I2CP_UNSUPPORTED' })
  const odd = interpretOptions({ 'inbound.odd': 'x', toString: 'y' }, keys)
  t.equal(odd.warnings.length, 2)
  t.equal(odd.options['inbound.odd'], 'x')
  t.match(interpretOptions({ 'i2cp.leaseSetEncType': '6,4,0' }, keys), { leaseSet: { encryptionTypes: [6, 4] }, warnings: [/ElGamal/] })
})

t.test('LeaseSet options, idle, encrypted LeaseSets, offline keys', async t => {
  const client = toBase64(Buffer.from('name')) + ':' + toBase64(x25519PublicOf(Buffer.alloc(32, 1)))
  const { leaseSet, idle, options } = interpretOptions({
    'i2cp.leaseSetOption.0': '_smtp._tcp=0 999999 25',
    'i2cp.reduceOnIdle': true,
    'i2cp.closeOnIdle': true,
    'i2cp.leaseSetType': 5,
    'i2cp.leaseSetSecret': toBase64(Buffer.from('pass')),
    'i2cp.leaseSetAuthType': 1,
    'i2cp.leaseSetClient.dh.0': client
  }, keys)
  t.match(leaseSet, {
    options: { '_smtp._tcp': '0 999999 25' }, encrypted: { secret: 'pass', authorization: { scheme: 'dh', clients: { length: 1 } } }
  })
  t.same(idle, { reduceAfter: 1_200_000, reduceQuantity: 1, closeAfter: 1_800_000 })
  t.notOk('i2cp.leaseSetClient.dh.0' in options)
  t.throws(() => interpretOptions({ 'i2cp.leaseSetType': 5, 'i2cp.leaseSetAuthType': 2 }, keys), { code: 'I2CP_BAD_OPTION' })
  const offline = keys.toOffline(2_000_000_000, seeded('transient'))
  const config = { destination: keys.destination, options: interpretOptions({}, offline).options, date: 1 }
  t.ok(verifySessionConfig(signSessionConfig(config, data => offline.sign(data))), 'the transient key is in the options')
  t.notOk(verifySessionConfig(signSessionConfig(config, data => keys.sign(data))))
})

t.test('quirks', async t => {
  const name = 'i2cp.dontPublishLeaseSet'
  const rows = [
    // kind, SetDate, unset, false, true
    ['i2pd', CLIENT_VERSION, undefined, undefined, 'false'],
    ['i2pd', '0.9.68', undefined, undefined, 'false'],
    ['java', '0.9.64', undefined, undefined, 'true'],
    ['minwww', '0.9.67', undefined, undefined, 'true'],
    ['unknown', '', undefined, undefined, 'true'],
    ['emissary', '0.9.66', 'false', 'false', 'true']
  ] as const
  for (const [kind, version, unset, no, yes] of rows) {
    const quirks = quirksOf(kind, version)
    const sent = (options: Record<string, string>) => optionsFor(quirks, { a: 'b', ...options })
    t.strictSame([sent({})[name], sent({ [name]: 'false' })[name], sent({ [name]: 'true' })[name]], [unset, no, yes], kind)
    t.equal(sent({}).a, 'b')
    t.equal(quirks.losesEarlyLeaseSet, version === CLIENT_VERSION)
  }
})

t.test('a router is told by what it does', async t => {
  const limits = (...values: number[]): Bandwidth => {
    const [clientInbound, clientOutbound, routerInbound, routerInboundBurst, routerOutbound, routerOutboundBurst, burstTime] = values as
      [number, number, number, number, number, number, number]
    return { clientInbound, clientOutbound, routerInbound, routerInboundBurst, routerOutbound, routerOutboundBurst, burstTime }
  }
  t.equal(kindOf(CLIENT_VERSION, undefined), 'i2pd', 'one that echoes')
  t.equal(kindOf('0.9.68', limits(9_999, 9_999, 0, 0, 0, 0, 0)), 'i2pd')
  t.equal(kindOf('0.9.64', limits(97_605, 97_605, 97_605, 97_655, 97_605, 97_655, 20)), 'java')
  t.equal(kindOf('0.9.66', limits(50, 50, 50, 50, 50, 50, 20)), 'emissary')
  t.equal(kindOf('0.9.66', limits(50, 50, 50, 50, 50, 50, 0)), 'emissary')
  t.equal(kindOf('0.9.67', limits(1_048_576, 1_048_576, 1_048_576, 1_048_576, 1_048_576, 1_048_576, 1)), 'minwww')
  t.equal(kindOf('0.9.68', undefined), 'unknown')
  t.equal(kindOf('0.9.68', limits(0, 0, 0, 0, 0, 0, 0)), 'unknown')
  t.equal(kindOf('0.9.68', limits(0, 1, 0, 1, 0, 1, 9)), 'unknown')
})
