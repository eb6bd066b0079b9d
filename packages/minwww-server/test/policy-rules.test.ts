import { writeFile } from 'node:fs/promises'
import t from 'tap'
import type { Field } from '../src/fetch/http-types.ts'
import type { Site } from '../src/fetch/sites.ts'
import { DestinationList } from '../src/policy/destination-list.ts'
import { HostList } from '../src/policy/host-list.ts'
import { parseList } from '../src/policy/list-file.ts'
import { depthOf, readPath } from '../src/policy/path-rules.ts'
import { Policy, type PolicyOptions } from '../src/policy/policy.ts'
import { keysOf } from './support/exit.ts'

/** What a check is refused with, '' if it is not. */
function refusal (check: () => void): string {
  try {
    check()
    return ''
  } catch (error) {
    const { code, message } = error as { code: string, message: string }
    return code === 'MINWWW_EXIT_POLICY' ? message : String(error)
  }
}

const SITE: Site = { name: 'demo.i2p', endpoint: { scheme: 'http', host: '127.0.0.1', port: 1 }, base: '', host: undefined }
const CLOSED = 'this exit does not serve that site'

interface Asked { method?: string, host?: string, scheme?: 'http' | 'https', path?: string, headers?: Field[], body?: Buffer, site?: Site }

async function ask (options: PolicyOptions, asked: Asked): Promise<string> {
  const { method = 'GET', host = 'a.example', scheme = 'http', path = '/', headers = [], body, site } = asked
  const policy = await Policy.load(options)
  const target = { scheme, host, port: 80, authority: host, path, isBare: false }
  const request = { method, url: `${scheme}://${host}${path}`, headers, ...(body !== undefined && { body }) }
  return refusal(() => policy.checkRequest(request, target, site))
}

t.test('requests for the web, each with what it is refused for', async t => {
  const rows: Array<[options: PolicyOptions, asked: Asked, message: string]> = [
    [{}, {}, ''], [{}, { scheme: 'https' }, ''], [{}, { method: 'x' }, ''],
    [{}, { method: 'TRACE' }, 'this exit does not pass on TRACE'], [{}, { method: 'TRACK' }, 'this exit does not pass on TRACK'],
    [{ methods: ['TRACE'] }, { method: 'TRACE' }, ''], [{ methods: ['TRACE'] }, {}, 'this exit does not pass on GET'],
    [{ methods: [] }, {}, 'this exit does not pass on GET'],
    [{ methods: ['GET'] }, { headers: [['X-HTTP-Method-Override', 'PUT']] }, 'this exit does not pass on PUT'],
    [{ schemes: ['http'] }, { scheme: 'https' }, 'this exit does not fetch https addresses'], [{ schemes: ['http'] }, {}, ''],
    [{ schemes: ['https'] }, {}, 'this exit does not fetch http addresses'],
    [{ web: false }, {}, CLOSED], [{ web: true }, {}, ''], [{ web: false }, { site: SITE }, ''],
    ...['i2p', 'onion', 'local', 'internal', 'home.arpa', 'intranet', 'lan', 'invalid']
      .flatMap((name): Array<[PolicyOptions, Asked, string]> => [
        [{}, { host: name }, CLOSED], [{}, { host: `a.${name}` }, CLOSED], [{}, { host: `${name}.example` }, '']
      ]),
    [{ denyHosts: ['a.example'] }, {}, CLOSED], [{ denyHosts: ['b.example'] }, {}, ''], [{ denyHosts: [] }, {}, ''],
    [{ allowHosts: ['a.example'] }, {}, ''], [{ allowHosts: ['b.example'] }, {}, CLOSED], [{ allowHosts: [] }, {}, ''],
    [{ allowHosts: ['a.example'], denyHosts: ['a.example'] }, {}, CLOSED],
    [{ denyHosts: ['demo.i2p'], schemes: [] }, { site: SITE, host: 'demo.i2p' }, '']
  ]
  for (const [options, asked, message] of rows) t.equal(await ask(options, asked), message, JSON.stringify([options, asked]))
})

t.test('the size of a request: what is there, else what is announced', async t => {
  const large = 'the request is larger than this exit takes'
  const body = (bytes: number): Asked => ({ body: Buffer.alloc(bytes) })
  const announced = (length: string): Asked => ({ headers: [['Content-Length', length]] })
  const rows: Array<[limit: number | undefined, asked: Asked, message: string]> = [
    [3, body(3), ''], [3, body(4), large], [0, body(4), ''], [undefined, body(4), ''], [3, body(0), ''], [1, {}, ''],
    [3, announced('3'), ''], [3, announced('4'), large], [0, announced('4'), ''], [undefined, announced('4'), ''],
    [3, { ...body(3), ...announced('4') }, ''], [3, { ...body(4), ...announced('3') }, large]
  ]
  for (const [limit, asked, message] of rows) {
    t.equal(await ask(limit === undefined ? {} : { maxRequest: limit }, asked), message, JSON.stringify([limit, asked]))
  }
  t.match(await Policy.load({ maxRequest: 5, maxResponse: 6 }), { maxRequest: 5, maxResponse: 6 })
  t.match(await Policy.load(), { maxRequest: 0, maxResponse: 0 })
})

t.test('parts of an own site: the longest path decides', async t => {
  const closed = 'that part of the site is closed'
  const several = 'that address can be read in several ways, and parts of the site are closed'
  const sitePaths: PolicyOptions['sitePaths'] = {
    'demo.i2p': [{ path: '/a', methods: false }, { path: '/a/b', methods: ['GET'] }, { path: '/a/b/c', methods: false }],
    'other.i2p': [{ path: '/', methods: ['GET'] }]
  }
  const rows: Array<[path: string, method: string, message: string]> = [
    ['/', 'GET', ''], ['/b', 'POST', ''], ['/b', 'TRACE', 'this exit does not pass on TRACE'], ['/a', 'GET', closed],
    ['/a/x', 'GET', closed],
    ['/a/b', 'GET', ''], ['/a/b/x', 'GET', ''], ['/a/b', 'POST', closed], ['/a/b/c', 'GET', closed], ['/a/b/c/d?e', 'GET', closed],
    ['/ab', 'GET', ''], ['/x/../a/b', 'GET', several], ['/b;x', 'GET', several]
  ]
  for (const [path, method, message] of rows) t.equal(await ask({ sitePaths }, { path, method, site: SITE }), message, `${method} ${path}`)
  const other = { ...SITE, name: 'other.i2p' }
  t.equal(await ask({ sitePaths }, { path: '/any', site: other }), '', 'the root is a path too')
  t.equal(await ask({ sitePaths }, { path: '/any', method: 'POST', site: other }), closed)
  const free = { ...SITE, name: 'free.i2p' }
  t.equal(await ask({ sitePaths }, { path: '/b;x', site: free }), '', 'a site without rules')
  t.equal(await ask({ sitePaths, methods: ['GET'] }, { path: '/', method: 'POST', site: free }), 'this exit does not pass on POST')
  t.equal(await ask({ sitePaths: { 'demo.i2p': [] } }, { path: '/b;x', site: SITE }), '')
})

t.test('who is served', async t => {
  const [one, two] = [keysOf(3).destination, keysOf(4).destination]
  const dir = t.testdir({ none: '', one: one.b32 })
  const refused = 'this exit does not serve your Destination'
  const rows: Array<[options: PolicyOptions, ofOne: string, ofTwo: string]> = [
    [{}, '', ''], [{ denyDestinations: [one.b32] }, refused, ''], [{ allowDestinations: [one.b32] }, '', refused],
    [{ allowDestinations: [] }, '', ''], [{ allowDestinations: [one.b32, two.b32], denyDestinations: [two.b32] }, '', refused],
    [{ allowDestinationsFile: `${dir}/none` }, refused, refused], [{ allowDestinationsFile: `${dir}/one` }, '', refused],
    [{ denyDestinationsFile: `${dir}/one` }, refused, ''],
    [{ allowDestinations: [two.b32], allowDestinationsFile: `${dir}/one` }, '', '']
  ]
  for (const [options, ...expected] of rows) {
    const policy = await Policy.load(options)
    t.strictSame([one, two].map(visitor => refusal(() => policy.checkVisitor(visitor))), expected, JSON.stringify(options))
  }
})

t.test('answers: kinds of content of the web, and their size', async t => {
  const kind = 'this exit does not pass on that kind of content'
  const large = 'the answer is larger than this exit passes on'
  const options: PolicyOptions = { denyContentTypes: ['Video/*', 'application/ZIP', 'x/'], maxResponse: 5 }
  const rows: Array<[options: PolicyOptions, mediaType: string, length: number | undefined, ofTheWeb: string, ofASite: string]> = [
    [options, 'video/mp4', 1, kind, ''], [options, 'video/', 1, kind, ''], [options, 'vegan/mp4', 1, '', ''], [options, 'video', 1, '', ''],
    [options, 'application/zip', 1, kind, ''], [options, 'application/zipx', 1, '', ''], [options, 'x/y', 1, '', ''],
    [options, 'x/', 1, kind, ''],
    [options, 'text/html', 5, '', ''], [options, 'text/html', 6, large, large], [options, 'text/html', undefined, '', ''],
    [{}, 'video/mp4', 1e9, '', ''], [{ maxResponse: 0 }, 'video/mp4', 1e9, '', ''], [{ denyContentTypes: [] }, 'video/mp4', 1, '', '']
  ]
  for (const [given, mediaType, length, ...expected] of rows) {
    const policy = await Policy.load(given)
    const head = { mediaType, ...(length !== undefined && { length }) }
    const of = (site: Site | undefined) => refusal(() => policy.checkResponse(head as Parameters<Policy['checkResponse']>[0], site))
    t.strictSame([of(undefined), of(SITE)], expected, JSON.stringify([given, mediaType, length]))
  }
})

t.test('other rules from now on; what cannot be read changes nothing', async t => {
  const dir = t.testdir({ allow: 'a.example\n', deny: '' })
  const files = { allowHostsFile: `${dir}/allow`, denyHostsFile: `${dir}/deny` }
  const policy = await Policy.load({ ...files, methods: ['GET'] })
  const hosts = () => ['a.example', 'b.example'].map(host => refusal(() => policy.checkHost(host)))
  t.strictSame(hosts(), ['', CLOSED])
  await writeFile(`${dir}/allow`, 'a.example\r\nb.example # and why\n\n# no.example')
  await policy.reload()
  t.strictSame(hosts(), ['', ''])
  await t.rejects(policy.reload({ denyHostsFile: `${dir}/none`, methods: ['POST'], maxRequest: 1 }), {
    code: 'MINWWW_EXIT_BAD_OPTION', message: /^the list .*none cannot be read: /, cause: Error
  })
  t.strictSame([hosts(), refusal(() => policy.checkMethod('GET')), policy.maxRequest], [['', ''], '', 0])
  await policy.reload({ denyHosts: ['a.example'], methods: ['POST'], maxRequest: 1 })
  t.strictSame([hosts(), refusal(() => policy.checkMethod('GET')), policy.maxRequest], [[CLOSED, ''], 'this exit does not pass on GET', 1])
  await policy.reload({})
  t.equal(refusal(() => policy.checkMethod('GET')), '')
  t.strictSame(parseList(' a #b\n\n#\r\n c d \n'), ['a', 'c d'])
})

t.test('hosts', t => {
  const list = new HostList([' A.Example. ', '=One.example', '.dot.example', '*.star.example', '', ' ', '.', '*.x*.y'])
  const rows: Array<[host: string, matches: boolean]> = [
    ['a.example', true], ['b.a.example', true], ['ba.example', false], ['example', false], ['a.example.b', false], ['one.example', true],
    ['a.one.example', false], ['dot.example', true], ['a.dot.example', true], ['star.example', true], ['b.star.example', true], ['', false],
    ['a.', false], ['x*.y', true]
  ]
  for (const [host, matches] of rows) t.equal(list.matches(host), matches, host)
  t.equal(list.size, 5)
  t.equal(new HostList([]).matches(''), false)
  t.end()
})

t.test('paths', t => {
  const rows: Array<[path: string, segments: string[] | undefined]> = [
    ['/', []], ['', []], ['/a/B', ['a', 'b']], ['//a//', ['a']], ['/%61', ['a']], ['/a?b/../c', ['a']], ['/\u212b', ['å']],
    ['/a b', ['a b']],
    ...['..', '.', 'a.', 'a%20', '%20a', 'a;b', 'a%3bb', 'a\\b', 'a%2fb', '%00', '%1f', '%7f', '%25', '%', '%zz', '%c3']
      .map((segment): [string, undefined] => [`/x/${segment}`, undefined])
  ]
  for (const [path, segments] of rows) t.strictSame(readPath(path), segments, path)
  const depths: Array<[path: string[], rule: string, depth: number]> = [
    [['a', 'b'], '/a', 1], [['a', 'b'], '/A/B/', 2], [['a'], '/a/b', -1], [['a'], '/', 0], [[], '/a', -1], [['b'], '/a', -1],
    [['a b'], '/a%20b', 1], [['%zz'], '/%zz', 1]
  ]
  for (const [path, rule, depth] of depths) t.equal(depthOf(path, rule), depth, `${path.join('/')} ${rule}`)
  t.end()
})

t.test('Destinations', t => {
  const { destination } = keysOf(3)
  const hash = destination.hash.toString('base64').replaceAll('+', '-').replaceAll('/', '~')
  for (const entry of [destination.b32, ` ${destination.b32.toUpperCase()} `, destination.b32.slice(0, 52), destination.base64, hash]) {
    const list = new DestinationList([entry])
    t.strictSame([destination, keysOf(4).destination].map(visitor => list.has(visitor)), [true, false], entry.slice(0, 60))
  }
  t.match(new DestinationList([]), { size: 0 })
  t.equal(new DestinationList([]).has(destination), false)
  t.equal(new DestinationList([hash, destination.b32]).size, 1)
  const broken = [
    '', 'x',
    'a'.repeat(51), `${'a'.repeat(52)}.i2p`, `x${destination.b32}`, `${destination.b32}x`, `${'a'.repeat(51)}1`,
    `!${hash}`, `${hash}!`, hash.slice(2),
    destination.base64.slice(0, 500), Buffer.alloc(386).toString('base64')
  ]
  for (const entry of broken) {
    const message = `'${entry.slice(0, 60)}' is neither a b32 address nor the base64 of a Destination`
    t.throws(() => new DestinationList([entry]), { code: 'MINWWW_EXIT_BAD_OPTION', message }, entry.slice(0, 60))
  }
  t.doesNotThrow(() => new DestinationList([Buffer.alloc(387).toString('base64')]))
  t.end()
})
