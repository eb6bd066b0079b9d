import t from 'tap'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeB33, encodeB33, Hosts, I2cpError, loadHosts, LocalDestination, NameCache, parseAddress, Resolver } from '@minwww/i2cp'
import type { LookupKey, LookupOptions, LookupResult } from '@minwww/i2cp'
import { seeded, VirtualClock } from '@minwww/testkit'

const { destination } = LocalDestination.generate(seeded('naming'))
const other = LocalDestination.generate(seeded('other')).destination

t.test('addresses', async t => {
  t.match(parseAddress(destination.base64), { kind: 'destination' })
  t.match(parseAddress(destination.base64 + '.i2p'), { kind: 'destination' })
  t.same(parseAddress(destination.b32.toUpperCase()), { kind: 'hash', hash: destination.hash })
  const b33 = encodeB33({ signingType: 7, signingPublicKey: destination.signingPublicKey, secretRequired: true })
  t.equal(b33.length, 56 + '.b32.i2p'.length)
  t.match(parseAddress(b33), { kind: 'blinded', name: b33, blinded: { secretRequired: true, clientKeyRequired: false } })
  t.same(parseAddress('Example.I2P'), { kind: 'name', name: 'example.i2p' })
  for (const bad of [
    '', 'example.com', 'a b.i2p', '-a.i2p', 'a-.i2p', '.i2p', 'a..i2p', `${'a'.repeat(64)}.i2p`, 'abc.b32.i2p', `${'1'.repeat(52)}.b32.i2p`
  ]) {
    t.throws(() => parseAddress(bad), { code: 'I2CP_BAD_ADDRESS' }, bad)
  }
  for (let at = 0; at < 4; at++) {
    const wrong = b33.slice(0, at) + (b33[at] === 'a' ? 'b' : 'a') + b33.slice(at + 1)
    t.throws(() => decodeB33(wrong), I2cpError, `checksum, character ${at}`)
  }
})

t.test('hosts files', async t => {
  const file = join(t.testdir({}), 'hosts.txt')
  await writeFile(file, `# comment\r\n\nSite.i2p=${destination.base64}#!sig=abc\nsite.i2p=${other.base64}\nbad.i2p=!!!\nnothing\n`)
  const hosts = await loadHosts(file)
  t.equal(hosts.size, 2)
  t.ok(hosts.get('SITE.i2p')?.equals(destination), 'the first of a name wins')
  t.equal(hosts.get('unknown.i2p'), undefined)
  t.throws(() => hosts.get('bad.i2p'), { code: 'I2CP_BAD_ADDRESS' })
  await t.rejects(loadHosts(file + 'x'), { code: 'ENOENT' })
})

t.test('cache: least recently used goes, entries expire, failures sooner', async t => {
  const cache = new NameCache({ size: 2, ttl: 100, negativeTtl: 10 })
  cache.set(0, 'a', destination)
  cache.set(0, 'b', new I2cpError('I2CP_LOOKUP_FAILED'))
  t.ok(cache.get(1, 'a'))
  cache.set(1, 'c', other)
  t.equal(cache.get(1, 'b'), undefined, 'b was used less recently than a')
  t.equal(cache.size, 2)
  cache.set(1, 'b', new I2cpError('I2CP_LOOKUP_FAILED'))
  t.match(cache.get(10, 'b'), { code: 'I2CP_LOOKUP_FAILED' })
  t.equal(cache.get(11, 'b'), undefined)
  t.equal(cache.get(101, 'c'), undefined)
})

t.test('resolver: merges, caches, and leaves a query when nobody waits', async t => {
  const clock = new VirtualClock()
  const queries: Array<{ key: LookupKey, options: LookupOptions, resolve: (r: LookupResult) => void, reject: (e: Error) => void }> = []
  const query = (key: LookupKey, options: LookupOptions) => new Promise<LookupResult>((resolve, reject) => {
    queries.push({ key, options, resolve, reject })
    options.signal?.addEventListener('abort', () => reject(new I2cpError('I2CP_ABORTED')))
  })
  const hosts = new Hosts().add(`local.i2p=${other.base64}`)
  const resolver = new Resolver({ query, clock, cache: new NameCache(), hosts })

  t.ok((await resolver.resolve('local.i2p')).equals(other), 'from the hosts file')
  t.ok((await resolver.resolve(other.base64)).equals(other))
  const pending = [resolver.resolve('a.i2p'), resolver.resolve('A.i2p'), resolver.resolve('a.i2p', { timeout: 99 })]
  t.equal(queries.length, 2, 'equal ones are one query; another time-out is another query')
  t.match(queries[0], { key: { lookupType: 1, name: 'a.i2p' }, options: { timeout: 15_000 } })
  for (const { resolve } of queries) resolve({ destination })
  t.ok((await Promise.all(pending)).every(result => result.equals(destination)))
  await resolver.resolve('a.i2p')
  t.equal(queries.length, 2, 'remembered')

  const failing = resolver.resolve('b.i2p')
  queries[2]!.reject(new I2cpError('I2CP_LOOKUP_FAILED'))
  await t.rejects(failing, { code: 'I2CP_LOOKUP_FAILED' })
  await t.rejects(resolver.resolve('b.i2p'), { code: 'I2CP_LOOKUP_FAILED' })
  t.equal(queries.length, 3, 'the failure is remembered')
  const late = resolver.resolve('c.i2p')
  queries[3]!.reject(new I2cpError('I2CP_TIMEOUT'))
  await t.rejects(late, { code: 'I2CP_TIMEOUT' })
  const again = resolver.resolve('c.i2p')
  t.equal(queries.length, 5, 'a time-out is not')
  queries[4]!.resolve({ destination })
  await again

  const [first, second] = [new AbortController(), new AbortController()]
  const one = resolver.resolve(destination.b32, { signal: first.signal })
  const two = resolver.resolve(destination.b32, { signal: second.signal })
  t.match(queries[5]?.key, { lookupType: 0, hash: destination.hash })
  first.abort()
  await t.rejects(one, { code: 'I2CP_ABORTED' })
  t.notOk(queries[5]?.options.signal?.aborted, 'the other still waits')
  second.abort()
  await t.rejects(two, { code: 'I2CP_ABORTED' })
  t.ok(queries[5]?.options.signal?.aborted)
  await t.rejects(resolver.resolve('d.i2p', { signal: first.signal }), { code: 'I2CP_ABORTED' })
})
