import t from 'tap'
import { encodeServiceRecords, isServiceKey, parseServiceRecords, servicesOf } from '@minwww/i2cp'
import type { ServiceRecord } from '@minwww/i2cp'

const VALUES: Array<[string, ServiceRecord[]]> = [
  ['0 86400 80', [{ ttl: 86_400, port: 80 }]],
  ['0 3600 25 v=1', [{ ttl: 3600, port: 25, appOptions: 'v=1' }]],
  ['1 86400 0 5 6697 irc.example.i2p', [{ ttl: 86_400, priority: 0, weight: 5, port: 6697, target: 'irc.example.i2p' }]],
  ['1 60 0 1 1 a.i2p,1 60 1 0 2 b.i2p x', [
    { ttl: 60, priority: 0, weight: 1, port: 1, target: 'a.i2p' },
    { ttl: 60, priority: 1, weight: 0, port: 2, target: 'b.i2p', appOptions: 'x' }
  ]]
]

t.test('service records, both ways', async t => {
  for (const [value, records] of VALUES) {
    t.same(parseServiceRecords(value), records)
    t.equal(encodeServiceRecords(records), value)
  }
})

t.test('what is no service record', async t => {
  for (const value of [
    '', '0', '2 1 1', '0 1', '0  1 80', '0 1 80 a b', '0 -1 80', '0 1 65536', '0 4294967296 1', '0 1 80,0 1 81', '0 1 80,1 1 1 1 1 a.i2p',
    '1 1 1 1 80', '1 1 1 1 80 ', '1 1 1 1 80 a.i2p x y', '0 1.5 80', '0 1 80,'
  ]) t.throws(() => parseServiceRecords(value), { code: 'I2CP_MALFORMED' }, JSON.stringify(value))
  t.throws(() => encodeServiceRecords([{ ttl: 1, port: 70_000 }]), { code: 'I2CP_BAD_OPTION' })
  t.throws(() => encodeServiceRecords([{ ttl: 1, port: 1, appOptions: 'a,0 1 1' }]), { code: 'I2CP_BAD_OPTION' })
  t.throws(() => encodeServiceRecords([{ ttl: 1, port: 1, priority: 0, weight: 0, target: 'a.i2p x' }]), { code: 'I2CP_BAD_OPTION' })
  t.throws(() => encodeServiceRecords([]), { code: 'I2CP_BAD_OPTION' })
})

t.test('services among the options of a LeaseSet', async t => {
  const options = { '_http._tcp': '0 1 80', '_x._udp': 'nonsense', other: '0 1 1', '_A._tcp': '0 1 1' }
  t.same(servicesOf(options), { '_http._tcp': [{ ttl: 1, port: 80 }] })
  for (const key of ['_smtp._tcp', '_a-b._udp', '_1._x']) t.ok(isServiceKey(key), key)
  for (const key of ['smtp._tcp', '_-a._tcp', '_a-._tcp', '_a.tcp', '_A._tcp', '_a._tcp.', '']) t.notOk(isServiceKey(key), key)
})
