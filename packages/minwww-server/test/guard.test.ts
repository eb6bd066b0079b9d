import net, { type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { seedOf } from '@minwww/testkit'
import { parseAddress, parseAddressRule } from '../src/fetch/address-rule.ts'
import { directRoute, openSocket } from '../src/fetch/dialer.ts'
import { AddressGuard, isPublicAddress, type GuardOptions } from '../src/fetch/guard.ts'
import { NameResolver, serverLookup, type Lookup } from '../src/fetch/resolver.ts'
import { createExit } from '../src/index.ts'
import { nameServer } from './support/dns.ts'
import { FakeCore, FakeSession, keysOf } from './support/exit.ts'
import { tableLookup, testFetcher } from './support/fetcher.ts'
import { LOOPBACK_HOSTS, SPECIAL_HOSTS, TRICK_URLS } from './support/spellings.ts'
import { FakeStreams, over, tunnel } from './support/streams.ts'
import { bodyOf, echo, httpd } from './support/upstream.ts'
import { fakeVisitor } from './support/visitor.ts'

const visitor = fakeVisitor()

/** A fetcher that notes every address that a socket would go to, and connects nowhere but to loopback. */
function watched (guard: GuardOptions, lookup: Lookup) {
  const tried: string[] = []
  const resolver = new NameResolver({ lookup })
  const web = directRoute({
    guard: new AddressGuard(guard),
    resolver,
    connectTimeout: 500,
    connect: async (address, port, timeout) => {
      tried.push(address)
      if (!/^127\.|^::1$|^::ffff:7f/.test(address)) throw Object.assign(new Error('not here'), { code: 'ECONNREFUSED' })
      return await openSocket(address, port, timeout)
    }
  })
  return { tried, fetcher: testFetcher({ web }) }
}

t.test('no spelling reaches a forbidden address', async t => {
  const target = await httpd(echo)
  t.teardown(target.close)
  const names = { 'public.example': ['93.184.215.14'] }
  const { tried, fetcher } = watched({ ports: [80, 443, target.port] }, tableLookup(names))
  t.teardown(async () => await fetcher.close())
  const urls = [...LOOPBACK_HOSTS, ...SPECIAL_HOSTS].map(host => `http://${host}:PORT/`).concat(TRICK_URLS)
  t.ok(urls.length >= 200, `${urls.length} spellings`)
  for (const template of urls) {
    const url = template.replaceAll('PORT', String(target.port))
    const code = await fetcher.fetch({ method: 'GET', url, headers: [] }, visitor, new AbortController().signal).then(() => 'ANSWERED',
      error => error.code)
    const public_ = url.includes('%40') || url.startsWith('http://public.example#')
    t.match(code, public_ ? /BAD_REQUEST|NAME|CONNECTION/ : /^MINWWW_EXIT_(POLICY|BAD_REQUEST)$/, JSON.stringify(url))
  }
  t.strictSame(tried.filter(address => address !== '93.184.215.14'), [], 'no socket was opened')
  t.equal(target.connections, 0, 'the listener saw nothing')
})

t.test('the same spellings arrive when the operator allows loopback: the suite could have failed', async t => {
  const target = await httpd(echo)
  t.teardown(target.close)
  const { fetcher } = watched({ allowAddresses: [`127.0.0.0/8:${target.port}`] }, tableLookup({}))
  t.teardown(async () => await fetcher.close())
  const hosts = ['127.0.0.1', '127.1', '0177.0.0.1', '0x7f000001', '2130706433', '%31%32%37%2e%30%2e%30%2e%31', '127.0.0.1.',
    '[::ffff:127.0.0.1]']
  for (const host of hosts) {
    const response = await fetcher.fetch({ method: 'GET', url: `http://${host}:${target.port}/`, headers: [] }, visitor,
      new AbortController().signal)
    t.equal(response.status, 200, host)
    await bodyOf(response.body)
  }
  t.ok(target.connections >= 1)
  const other = await httpd(echo)
  t.teardown(other.close)
  await t.rejects(fetcher.fetch({ method: 'GET', url: `http://127.0.0.1:${other.port}/`, headers: [] }, visitor,
    new AbortController().signal), { code: 'MINWWW_EXIT_POLICY' })
  t.equal(other.connections, 0, 'the exception is for one port')
})

t.test('names: every address must pass, and the one that passed is the one that is used', async t => {
  const target = await httpd(echo)
  t.teardown(target.close)
  const answers: Record<string, string[][]> = {
    'private.example': [['10.0.0.1']],
    'loop.example': [['127.0.0.1']],
    'mixed.example': [['93.184.215.14', '127.0.0.1']],
    'mapped.example': [['::ffff:127.0.0.1']],
    'odd.example': [['0x7f.1']],
    'zone.example': [['fe80::1%lo']],
    'empty.example': [[]],
    'rebind.example': [['93.184.215.14'], ['127.0.0.1'], ['127.0.0.1']]
  }
  const asked: string[] = []
  const lookup: Lookup = async name => {
    asked.push(name)
    const queue = answers[name] ?? []
    const addresses = queue.length > 1 ? queue.shift() : queue[0]
    return (addresses ?? []).map(address => ({ address, ttl: 0 }))
  }
  const { tried, fetcher } = watched({ ports: [target.port] }, lookup)
  t.teardown(async () => await fetcher.close())
  const code = async (name: string) => await fetcher.fetch({ method: 'GET', url: `http://${name}:${target.port}/`, headers: [] }, visitor,
    new AbortController().signal).then(() => 'ANSWERED', error => error.code)
  for (const name of ['private', 'loop', 'mixed', 'mapped', 'odd', 'zone']) {
    t.equal(await code(`${name}.example`), 'MINWWW_EXIT_POLICY',
      name)
  }
  t.equal(await code('empty.example'), 'MINWWW_EXIT_NAME')
  t.strictSame(tried, [])
  t.equal(await code('rebind.example'), 'MINWWW_EXIT_CONNECTION', 'first answer: public')
  t.strictSame(tried, ['93.184.215.14'])
  t.equal(asked.filter(name => name === 'rebind.example').length, 1, 'one lookup, one connection')
  t.equal(await code('rebind.example'), 'MINWWW_EXIT_POLICY', 'second answer: inside')
  t.strictSame(tried, ['93.184.215.14'])
  t.equal(target.connections, 0)
})

t.test('a name server that changes its mind after the check', async t => {
  const target = await httpd(echo)
  t.teardown(target.close)
  const turns: Record<string, string[][]> = {
    'rebind.example': [['93.184.215.14'], ['127.0.0.1']],
    'flip.example': [['127.0.0.1'], ['93.184.215.14'], ['127.0.0.1']],
    'mixed.example': [['93.184.215.14', '127.0.0.1'], ['127.0.0.1', '93.184.215.14']],
    'many.example': [Array.from({ length: 20 }, (_, index) => index === 19 ? '10.0.0.1' : `93.184.215.${index + 1}`)],
    'zero.example': [['0.0.0.0'], ['255.255.255.255'], ['169.254.169.254']]
  }
  const server = await nameServer(name => {
    const queue = turns[name] ?? []
    return (queue.length > 1 ? queue.shift() : queue[0]) ?? []
  })
  t.teardown(server.close)
  const { tried, fetcher } = watched({ ports: [target.port] }, serverLookup([server.address]))
  t.teardown(async () => await fetcher.close())
  const codes = async (name: string, count: number) => {
    const found: string[] = []
    for (let turn = 0; turn < count; turn++) {
      found.push(await fetcher.fetch({ method: 'GET', url: `http://${name}:${target.port}/`, headers: [] }, visitor,
        new AbortController().signal).then(() => 'ANSWERED', error => error.code as string))
    }
    return found.map(code => code.replace('MINWWW_EXIT_', ''))
  }
  t.strictSame(await codes('rebind.example', 3), ['CONNECTION', 'POLICY', 'POLICY'])
  t.strictSame(await codes('flip.example', 4), ['POLICY', 'CONNECTION', 'POLICY', 'POLICY'])
  t.strictSame(await codes('mixed.example', 3), ['POLICY', 'POLICY', 'POLICY'])
  t.strictSame(await codes('many.example', 2), ['POLICY', 'POLICY'])
  t.strictSame(await codes('zero.example', 3), ['POLICY', 'POLICY', 'POLICY'])
  t.strictSame(await codes('none.example', 1), ['NAME'])
  t.equal(server.asked.filter(name => name === 'rebind.example').length, 3,
    'nothing with a TTL of 0 is kept, and nothing is asked twice for one connection')
  t.strictSame([...new Set(tried)], ['93.184.215.14'])
  t.equal(target.connections, 0)
})

/** Listens on every address of this machine. */
async function everywhere (t: Test): Promise<{ port: number, connections: () => number }> {
  let connections = 0
  const server = net.createServer(socket => { connections++; socket.destroy() })
  await new Promise<void>(resolve => server.listen(0, resolve))
  t.teardown(() => { server.close() })
  return { port: (server.address() as AddressInfo).port, connections: () => connections }
}

t.test('no way through the whole exit leads inside: CONNECT, Upgrade, requests of streams, the own addresses', async t => {
  const target = await everywhere(t)
  const streams = new FakeStreams()
  // The port is open to the web, so that the address alone decides.
  const exit = await createExit({
    session: new FakeSession(),
    streams,
    createCore: () => new FakeCore(),
    ports: [80, 443, target.port],
    resolver: { lookup: tableLookup({}) }
  })
  t.teardown(async () => await exit.close())
  const own = Object.values(networkInterfaces()).flatMap(entries => (entries ?? []).map(({
    address,
    family
  }) => family === 'IPv6' ? `[${address}]` : address))
  const hosts = [...LOOPBACK_HOSTS, ...SPECIAL_HOSTS, ...own]
  const open = (index: number) => streams.open(keysOf(1 + index % 50).destination)
  const refused = (status: number) => status === 403 || status === 400
  for (const [index, host] of hosts.entries()) {
    const authority = `${host}:${target.port}`
    const connect = await tunnel(open(index), { method: 'CONNECT', path: authority, headers: { host: authority } })
    const upgrade = await tunnel(open(index), {
      path: `http://${authority}/`,
      headers: { host: 'public.example', connection: 'Upgrade', upgrade: 'websocket' }
    })
    const request = await over(open(index), `http://${authority}/`, { headers: { host: 'public.example' } })
    const origin = await over(open(index), '/', { headers: { host: authority } })
    const statuses = [connect.status, upgrade.status, request.status, origin.status]
    if (!statuses.every(refused)) t.fail(`${host}: ${statuses.join()}`)
  }
  for (const authority of [`user@127.0.0.1:${target.port}`, `public.example@127.0.0.1:${target.port}`,
    `127.0.0.1:${target.port}@public.example:80`, `127.0.0.1:${target.port}/path`, '127.0.0.1', `http://127.0.0.1:${target.port}/`,
    `127.0.0.1:0${target.port}`, `127.0.0.1:+${target.port}`, `127.0.0.1:${target.port} `]) {
    const { status } = await tunnel(open(0), { method: 'CONNECT', path: authority.trim(), headers: { host: 'x' } })
    t.ok(refused(status), `CONNECT ${authority}: ${status}`)
  }
  t.equal(target.connections(), 0)
  t.comment(`${4 * hosts.length} ways`)
})

t.test('a redirect to inside is not followed', async t => {
  const inside = await httpd(echo)
  const outside = await httpd((_request, response) => { response.writeHead(307, { location: `${inside.origin}/` }).end() })
  t.teardown(inside.close)
  t.teardown(outside.close)
  const { fetcher } = watched({ allowAddresses: [`127.0.0.1:${outside.port}`] }, tableLookup({}))
  t.teardown(async () => await fetcher.close())
  const response = await fetcher.fetch({ method: 'GET', url: `${outside.origin}/`, headers: [] }, visitor, new AbortController().signal)
  t.equal(response.status, 307)
  t.equal(inside.connections, 0)
})

t.test('rules', t => {
  const guard = new AddressGuard({
    allowAddresses: ['10.1.0.0/16:8080', '[fd00::1]:81', 'fd01::/16'],
    denyAddresses: ['93.184.215.0/24', '1.1.1.1:443'],
    ownAddresses: () => ['8.8.8.8', '2600::5']
  })
  const verdicts: Array<[string, number, boolean]> = [
    ['10.1.2.3', 8080, true], ['10.1.2.3', 80, false], ['10.2.0.1', 8080, false], ['fd00::1', 81, true], ['fd00::2', 81, false],
    ['fd01:5::1', 9999, true],
    ['93.184.215.14', 80, false], ['93.184.216.14', 80, true], ['93.184.216.14', 8080, false], ['1.1.1.1', 443, false],
    ['1.1.1.1', 80, true],
    ['8.8.8.8', 80, false], ['::ffff:8.8.8.8', 80, false], ['2600::5', 443, false], ['2600:0:0::0005', 443, false],
    ['2600::6', 443, true], ['no address', 80, false], ['', 80, false]
  ]
  for (const [address, port, permitted] of verdicts) t.equal(guard.permits(address, port), permitted, `${address} ${port}`)
  t.ok(guard.permitsPort(9999), 'a rule without a port is for all')
  t.notOk(new AddressGuard().permitsPort(8080))
  for (const text of ['', 'localhost', '10.0.0.0/33', '10.0.0.1:0', '10.0.0.1:65536', '10.0.0.1:http', '[::1', '[::1]80', '::1/129',
    '1.2.3']) {
    t.throws(() => parseAddressRule(text), { code: 'MINWWW_EXIT_BAD_OPTION' }, text)
  }
  t.match(parseAddressRule('::ffff:10.0.0.0/104'), { prefix: 8 })
  t.end()
})

t.test('property: what is public stays clear of the private ranges', t => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), ([a = 0, b = 0, c = 0, d = 0]) => {
    const address = parseAddress(`${a}.${b}.${c}.${d}`)
    if (address === undefined || !isPublicAddress(address)) return true
    return a !== 0 && a !== 10 && a !== 127 && a < 224 && !(a === 169 && b === 254) && !(a === 172 && b >= 16 && b < 32) &&
      !(a === 192 && b === 168) && !(a === 100 && b >= 64 && b < 128)
  }), { seed: seedOf(t, 7), numRuns: 5_000 })
  fc.assert(fc.property(fc.ipV6(), text => {
    const address = parseAddress(text)
    if (address === undefined || address.kind() === 'ipv4' || !isPublicAddress(address)) return true
    return /^[23]/.test(address.toString())
  }), { seed: seedOf(t, 7), numRuns: 5_000 })
  t.end()
})
