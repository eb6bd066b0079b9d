import t from 'tap'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Destination } from '@minwww/i2cp/codec'
import { ClientCore } from '../src/core.ts'
import { FakeCore, FakeSession, get, keys, startProxy, type Site } from './proxy-support.ts'
import { isPrivateHost } from '../src/http/private-hosts.ts'
import { pacFile } from '../src/pages/pac.ts'
import { takeHelper } from '../src/route/address-helper.ts'
import { parseTarget } from '../src/http/target.ts'

const site: Site = request => ({ headers: [['Content-Type', 'text/html'], ['Cache-Control', 'max-age=60']], body: request.url })
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

t.test('Basic authentication', async t => {
  const { proxy, core, port } = await startProxy(site, { auth: { users: { ann: 'secret', bob: 'pass:word' } } })
  const without = await get(port, 'http://a.example/')
  t.equal(without.status, 407)
  t.match(without.get('proxy-authenticate'), /^Basic realm/)
  t.equal((await get(port, 'http://a.example/', [['pRoXy-AuThOrIzAtIoN', basic('ann:secret')]])).status, 200)
  t.equal((await get(port, 'http://b.example/', [['Proxy-Authorization', basic('bob:pass:word').replace('Basic', 'bASIC ')]])).status, 200)
  t.notOk(JSON.stringify(core.requests).includes('roxy'))
  t.equal((await get(port, 'http://minwww.i2p/', [['Proxy-Authorization', basic('ann:secret')]])).status, 200)
  t.equal((await get(port, 'http://minwww.i2p/')).status, 407)
  const page = await get(port, '/')
  t.equal(page.status, 401)
  t.match(page.get('www-authenticate'), /^Basic/)
  t.equal((await get(port, '/', [['Authorization', basic('ann:secret')]])).status, 200)
  t.equal((await get(port, '/proxy.pac')).status, 200)
  t.equal((await get(port, '/healthz')).status, 200)
  for (const value of [basic('ann:wrong'), basic('ann'), basic(''), 'Basic', 'Basic !!!', 'Bearer abc', basic('eve:secret')]) {
    t.equal((await get(port, 'http://a.example/', [['Proxy-Authorization', value]])).status, 407, value)
  }
  let status = 0
  for (let i = 0; i < 10 && status !== 429; i++) {
    status = (await get(port, 'http://a.example/', [['Proxy-Authorization', basic('x:y')]])).status
  }
  t.equal(status, 429)
  await proxy.close()
  await t.rejects(startProxy(site, { auth: { users: {} } }), TypeError)
  await t.rejects(startProxy(site, { isolate: async () => ({ sessions: [] }) }), TypeError)
})

t.test('each credential has Destinations and a cache of its own', async t => {
  const made: string[] = []
  const { proxy, core, port } = await startProxy(site, {
    auth: { users: { ann: '1', bob: '2', eva: '3' } },
    isolate: async user => {
      made.push(user)
      if (made.length === 1) throw new Error('no tunnels yet')
      const session = new FakeSession()
      session.on('error', () => {})
      return { sessions: [session] }
    }
  })
  const as = async (credential: string, ...fields: Array<[string, string]>): Promise<number> =>
    (await get(port, 'http://a.example/', [['Proxy-Authorization', basic(credential)], ...fields])).status
  t.equal(await as('ann:1'), 503)
  t.equal(made.length, 1)
  // The pretended core belongs to the common session, so that an answer proves nothing here; the cache does.
  const asked = Promise.all([as('ann:1'), as('bob:2')])
  while (core.requests.length < 2) await new Promise(setImmediate)
  t.strictSame(made, ['ann', 'ann', 'bob'])
  const opened = await get(port, 'http://a.example/', [['Proxy-Authorization', basic('eva:3')], ['Accept', 'text/html']])
  t.equal(opened.get('x-minwww-error'), 'MINWWW_NOT_READY', 'a page that is opened does not wait for tunnels')
  t.match(opened.text, /http-equiv="refresh"/, 'and asks again by itself')
  t.equal(made.at(-1), 'eva')
  await proxy.close()
  await asked.catch(() => {})
})

t.test('several users of one cache get nothing of each other that is one person\'s', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'minwww-shared-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const fields: Record<string, string> = {
    'private.example': 'private, max-age=600', 'signed.example': 'max-age=600', 'open.example': 'max-age=600'
  }
  let answers = 0
  const visit = async (users: Record<string, string>, visits: ReadonlyArray<readonly [user: string, host: string]>): Promise<string[]> => {
    const person: Site = request => ({
      headers: [['Cache-Control', fields[new URL(request.url).hostname]!], ['ETag', '"1"']], body: `${++answers}`
    })
    const { proxy, port } = await startProxy(person, { auth: { users }, cache: { directory } })
    const bodies: string[] = []
    for (const [user, host] of visits) {
      const signed: Array<[string, string]> = host === 'signed.example' ? [['Authorization', basic(`${user}:at the site`)]] : []
      const page = await get(port, `http://${host}/`, [['Proxy-Authorization', basic(`${user}:1`)], ...signed])
      bodies.push(page.text)
    }
    await proxy.close()
    return bodies
  }
  const hosts = ['private.example', 'signed.example', 'open.example']
  const alone = await visit({ ann: '1' }, [...hosts, ...hosts].map(host => ['ann', host] as const))
  t.strictSame(alone, ['1', '2', '3', '1', '2', '3'], 'the only user has a private cache')
  const both = await visit({ ann: '1', bob: '1' }, ['ann', 'bob'].flatMap(user => hosts.map(host => [user, host] as const)))
  t.strictSame(both.slice(0, 3), ['4', '5', '6'], 'nothing that was kept for one user alone is given to several')
  t.strictSame(both.slice(3), ['7', '8', '6'], 'bob gets answers of his own, but for what anybody may see')
})

t.test('isolated users see and change only what is their own; an administrator all of it', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'minwww-isolated-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const hostsFile = join(directory, 'hosts.txt')
  writeFileSync(hostsFile, '')
  const { proxy, port } = await startProxy(site, {
    auth: { users: { ann: '1', bob: '2', root: '3' } },
    administrators: ['root'],
    names: { hostsFile },
    isolate: async () => {
      const session = new FakeSession()
      session.on('error', () => {})
      return { sessions: [session] }
    }
  })
  t.teardown(async () => { await proxy.close() })
  const browse = async (credential: string, url: string): Promise<void> => {
    // The pretended core belongs to the common session: the answer may stay away, the request is in flight all the same.
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    socket.write(`GET ${url} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${basic(credential)}\r\n\r\n`)
    while (!proxy.activity.inFlight.some(activity => activity.url === url)) await new Promise(setImmediate)
  }
  await browse('ann:1', 'http://secret-of-ann.example/')
  await browse('bob:2', 'http://page-of-bob.example/')
  type State = { mayChange: boolean, inFlight: Array<{ url: string }>, totals: { requests: number } }
  const stateOf = async (credential: string, url = '/console/state', field = 'Authorization'): Promise<State> =>
    JSON.parse((await get(port, url, [[field, basic(credential)]])).text) as State
  for (const [url, field] of [['/console/state', 'Authorization'], ['http://minwww.i2p/console/state', 'Proxy-Authorization']] as const) {
    t.strictSame((await stateOf('bob:2', url, field)).inFlight.map(({ url }) => url), ['http://page-of-bob.example/'])
    t.equal((await stateOf('root:3', url, field)).inFlight.length, 2)
  }
  const metrics = async (credential: string): Promise<number> =>
    (await get(port, '/metrics', [['Authorization', basic(credential)]])).status
  t.strictSame([await metrics('bob:2'), await metrics('root:3')], [403, 200], 'figures of all users are an administrator\'s')
  const page = (await get(port, '/console', [['Authorization', basic('bob:2')]])).text
  const nonce = /name="minwww-nonce" content="([0-9a-f]+)"/.exec(page)?.[1] ?? ''
  const act = async (credential: string, path: string, body: unknown): Promise<number> => {
    const text = JSON.stringify(body)
    const fields: Array<[string, string]> = [
      ['Authorization', basic(credential)],
      ['Content-Type', 'application/json'],
      ['Content-Length', String(text.length)],
      ['X-MinWWW-Nonce', nonce]
    ]
    return (await get(port, path, fields, 'POST', text)).status
  }
  const { destination } = keys()
  for (const [path, body] of [
    ['exits/add', { destination: destination.base64 }],
    ['exits/drain', { id: 'one' }],
    ['exits/drop', { id: 'one' }]
  ] as const) {
    t.equal(await act('bob:2', `/console/${path}`, body), 403, path)
  }
  t.strictSame(proxy.exits().map(({ id }) => id), ['one'])
  t.equal(await act('bob:2', '/console/cache/clear', {}), 200, 'his own cache')
  t.equal(await act('root:3', '/console/exits/add', { destination: destination.base64 }), 200)
  const form = new URLSearchParams({ name: 'bank.i2p', destination: destination.base64, nonce }).toString()
  const save = async (credential: string): Promise<number> => (await get(port, '/names', [
    ['Authorization', basic(credential)], ['Content-Type', 'application/x-www-form-urlencoded'], ['Content-Length', String(form.length)]
  ], 'POST', form)).status
  t.equal(await save('bob:2'), 403, 'a name that all users would follow')
  t.equal(readFileSync(hostsFile, 'utf8'), '')
  t.equal(await save('root:3'), 200)
})

t.test('exits named again and again, and dropped, before there is a session', async t => {
  let open!: (sessions: readonly FakeSession[]) => void
  const { proxy, core, session } = await startProxy(site, { sessions: new Promise(resolve => { open = resolve }) })
  const { destination } = keys()
  for (let i = 0; i < 1_000; i++) proxy.addExit(destination.base64)
  for (let i = 2; i < 256; i++) proxy.addExit(`exit${i}.i2p`)
  t.throws(() => proxy.addExit('one.more.i2p'), RangeError)
  for (let i = 3; i < 256; i++) proxy.removeExit(`exit${i}.i2p`)
  open([session])
  while (!proxy.ready) await new Promise(setImmediate)
  t.strictSame(proxy.exits().map(({ id }) => id), ['one', destination.b32, 'exit2.i2p'])
  t.equal(core.exits().length, 2)
  await proxy.close()
})

t.test('address helper: asked first, remembered then', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'minwww-names-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const hostsFile = join(directory, 'hosts.txt')
  const [known, fresh, other] = [keys().destination, keys().destination, keys().destination]
  writeFileSync(hostsFile, `# own names\nknown.i2p=${known.base64}#!date=1\njunk\nbad.i2p=abc\n\n`)
  const { proxy, session, port } = await startProxy(
    ({ url }) => (url.includes('fresh.i2p') ? { fail: { code: 'name-not-resolved' } } : { body: 'page' }),
    { names: { hostsFile } }
  )
  const ask = async (url: string): ReturnType<typeof get> => await get(port, url, [['Accept', 'text/html']])
  const seen = await ask(`http://known.i2p/a?x=1&i2paddresshelper=${known.base64}&y=2`)
  t.equal(seen.status, 302)
  t.equal(seen.get('location'), 'http://known.i2p/a?x=1&y=2')
  const conflict = await ask(`http://known.i2p/?I2PAddressHelper=${other.base64}`)
  t.equal(conflict.status, 409)
  t.equal(conflict.get('x-minwww-error'), 'MINWWW_NAME_CONFLICT')
  t.notMatch(conflict.text, 'nonce', 'a page of the site\'s own origin has no nonce')
  session.names.set(fresh.b32, fresh)
  const unknown = await ask(`http://fresh.i2p/path?i2paddresshelper=${fresh.b32}`)
  t.equal(unknown.get('x-minwww-error'), 'MINWWW_NEW_NAME')
  const page = /url=([^"]+)"/.exec(unknown.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  t.match(page, /^http:\/\/minwww\.i2p\/names\/confirm\?/)
  const confirm = await ask(page)
  t.equal(confirm.status, 200)
  t.match(confirm.text, fresh.b32)
  const form = Object.fromEntries([...confirm.text.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]))
  const post = async (fields: Record<string, string | undefined>, headers: Array<[string, string]> = []): Promise<number> => {
    const body = new URLSearchParams(fields as Record<string, string>).toString()
    return (await get(
      port, 'http://minwww.i2p/names',
      [['Content-Type', 'application/x-www-form-urlencoded'], ['Content-Length', String(body.length)], ...headers], 'POST', body
    )).status
  }
  t.equal(await post({ ...form, nonce: 'x'.repeat(32) }), 403)
  t.equal(await post({ ...form, nonce: '' }), 403)
  t.equal(await post(form, [['Origin', 'http://evil.i2p']]), 403)
  t.equal(await post(form, [['Origin', 'null']]), 403)
  t.equal(await post({ ...form, name: 'site.example' }), 400)
  t.equal(await post({ ...form, destination: 'abc' }), 400)
  t.equal(await post(form, [['Origin', 'http://minwww.i2p'], ['Sec-Fetch-Site', 'same-origin']]), 200)
  t.match(readFileSync(hostsFile, 'utf8'), `fresh.i2p=${fresh.base64}`)
  t.match(readFileSync(hostsFile, 'utf8'), `known.i2p=${known.base64}`)
  t.equal((await ask(`http://fresh.i2p/?i2paddresshelper=${fresh.base64}`)).status, 302)
  t.equal((await ask('http://fresh.i2p/?i2paddresshelper=%zz')).status, 400)
  t.equal((await ask(`http://${fresh.b32}/?i2paddresshelper=${other.base64}`)).status, 302)
  t.equal((await ask('http://a.example/?i2paddresshelper=x')).status, 200, 'only names of I2P')
  const replace = await ask(`http://minwww.i2p/names/confirm?name=known.i2p&destination=${other.base64}&path=javascript:alert(1)`)
  t.match(replace.text, 'Replace')
  t.notMatch(replace.text, 'javascript')
  t.equal(takeHelper(parseTarget('http://a.i2p/?b')), undefined)
  await proxy.close()
})

t.test('address helper: a name that the router or an exit knows is a conflict, and says who linked', async t => {
  const [known, other] = [keys().destination, keys().destination]
  const { proxy, session, port } = await startProxy(({ url }) =>
    url.startsWith('http://served.i2p/') ? { body: 'a site behind the exit' } : { fail: { code: 'name-not-resolved' } }
  )
  t.teardown(async () => { await proxy.close() })
  session.names.set('bank.i2p', known)
  const ask = async (url: string, fields: Array<[string, string]> = []): ReturnType<typeof get> =>
    await get(port, url, [['Accept', 'text/html'], ...fields])
  const linkOf = (text: string): string => /url=([^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  for (const [host, words, has] of [
    ['bank.i2p', 'Your router knows another Destination', known.b32],
    ['served.i2p', 'Your exits serve a site', other.b32]
  ] as const) {
    const conflict = await ask(`http://${host}/?i2paddresshelper=${other.base64}`, [['Referer', 'http://forum.i2p/thread?id=1']])
    t.equal(conflict.get('x-minwww-error'), 'MINWWW_NAME_CONFLICT', host)
    const page = await ask(linkOf(conflict.text))
    t.match(page.text, words)
    t.match(page.text, has)
    t.match(page.text, 'forum.i2p')
    t.match(page.text, `<a class="main" href="http://${host}/">`, 'what is safe is what stands out')
    t.notMatch(page.text, 'button class="main"')
    t.match(page.text, 'Cancel')
    const forged = await ask(linkOf(conflict.text).replace('from=forum.i2p', 'from=friend.i2p'))
    t.notMatch(forged.text, 'friend.i2p', 'who linked is what this proxy saw, not what an address says')
  }
  // The page may be opened by an address of somebody else's, past the link.
  t.match(
    (await ask(`http://minwww.i2p/names/confirm?name=bank.i2p&destination=${other.base64}`)).text,
    'Your router knows another Destination'
  )
  t.equal((await ask(`http://fresh.i2p/?i2paddresshelper=${other.base64}`)).get('x-minwww-error'), 'MINWWW_NEW_NAME')
})

t.test('a name that nobody knows', async t => {
  const { proxy, core, session, port } = await startProxy(() => ({ fail: { code: 'not-resolved' } }))
  const unknown = await get(port, 'http://nowhere.i2p/', [['Accept', 'text/html']])
  t.equal(unknown.status, 502)
  t.equal(unknown.get('x-minwww-error'), 'MINWWW_NAME_NOT_RESOLVED')
  t.match(unknown.text, 'http://stats.i2p/cgi-bin/jump.cgi?a=nowhere.i2p')
  await get(port, 'http://nowhere.i2p/')
  t.strictSame(session.lookups, ['nowhere.i2p'], 'a name that was not found is not asked again at once')
  core.site = () => ({ body: 'the exit knows' })
  t.equal((await get(port, 'http://nowhere.i2p/')).text, 'the exit knows')
  core.site = () => ({ fail: { code: 'not-resolved' } })
  t.notMatch((await get(port, 'http://nowhere.example/', [['Accept', 'text/html']])).text, 'Ask stats')
  await proxy.close()
})

t.test('a name that only an exit may know, before an exit is there', async t => {
  const session = new FakeSession()
  const exit = keys().destination
  let found!: (destination: Destination) => void
  let missed!: (error: Error) => void
  const lookup = session.lookup.bind(session)
  session.lookup = async name => name === 'exit.i2p'
    ? await new Promise((resolve, reject) => { [found, missed] = [resolve, reject] })
    : await lookup(name)
  const ask = async (port: number, url = 'http://a.i2p/', accept = 'text/html'): ReturnType<typeof get> =>
    await get(port, url, [['Accept', accept]])
  const start = async (exits: string[]): ReturnType<typeof startProxy> => {
    const core: FakeCore = new FakeCore(session, () => ({ fail: { code: core.exits().length === 0 ? 'no-exit' : 'not-resolved' } }))
    const fixture = await startProxy(() => ({}), { sessions: [session], exits, createCore: () => core })
    t.teardown(async () => { await fixture.proxy.close() })
    return fixture
  }

  const { port } = await start(['exit.i2p'])
  for (const url of ['http://a.i2p/', 'http://a.example/']) {
    const asking = await ask(port, url)
    t.equal(asking.status, 503, url)
    t.equal(asking.get('x-minwww-error'), 'MINWWW_NO_EXIT')
    t.equal(asking.get('retry-after'), '3', 'it is soon known whether the exit is there')
    t.match(asking.text, 'The exits are being asked whether they are there.')
    t.equal(asking.text.includes('Ask stats'), url.includes('i2p'), 'a jump service may know the name meanwhile')
  }
  t.match(JSON.parse((await ask(port, 'http://a.i2p/', 'application/json')).text), { error: 'MINWWW_NO_EXIT' })

  missed(new Error('no LeaseSet'))
  await new Promise(setImmediate)
  const missing = await ask(port)
  t.equal(missing.status, 503)
  t.equal(missing.get('x-minwww-error'), 'MINWWW_NO_EXIT')
  t.equal(missing.get('retry-after'), '30')
  t.match(missing.text, 'the only one is not found (no LeaseSet)')

  const second = await start(['exit.i2p'])
  t.equal((await ask(second.port)).status, 503)
  found(exit)
  await new Promise(setImmediate)
  const unknown = await ask(second.port)
  t.equal(unknown.status, 502, 'the exit is there, and does not know the name')
  t.equal(unknown.get('x-minwww-error'), 'MINWWW_NAME_NOT_RESOLVED')

  const none = await start([])
  const alone = await ask(none.port)
  t.equal(alone.status, 502, 'nobody else is to be asked')
  t.equal(alone.get('x-minwww-error'), 'MINWWW_NAME_NOT_RESOLVED')
  const web = await ask(none.port, 'http://a.example/')
  t.equal(web.status, 503)
  t.match(web.text, 'No exit is set')
})

t.test('PAC', async t => {
  const decide = (mode: 'all' | 'i2p', host: string): string => {
    // No helper of PAC is there: none may be needed, since some of them look names up.
    // eslint-disable-next-line no-new-func
    return (new Function(`${pacFile('127.0.0.1:4480', mode)}\nreturn FindProxyForURL`)() as (url: string, host: string) => string)(
      `http://${host}/`,
      host
    )
  }
  t.equal(decide('all', 'example.org'), 'PROXY 127.0.0.1:4480')
  t.equal(decide('i2p', 'example.org'), 'DIRECT')
  const tricky = [
    '127.evil.example', '127.0.0.1.evil.example', '127.0.0.evil', '127.evil', '127', '127.0.0.1.i2p.example', '127.0.0.256', '127.0.0.1000', '127.00.0.1',
    'localhost.example', 'localhost.evil', 'notlocalhost', '[::1].example', '::1.example', '10.1.evil', '10.1.2.3', '192.168.0.1', 'fooi2p', 'i2p.example', 'printer', '0.0.0.0'
  ]
  for (const host of tricky) t.equal(decide('all', host), 'PROXY 127.0.0.1:4480', `${host} is a name or an address of others`)
  for (const mode of ['all', 'i2p'] as const) {
    for (const host of ['DEMO.I2P.', 'demo.i2p..', '127.foo.i2p', '127.0.0.1.i2p', 'localhost.i2p', 'i2p']) {
      t.equal(decide(mode, host), 'PROXY 127.0.0.1:4480', host)
    }
    for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.255.0.9', '::1', '[::1]']) t.equal(decide(mode, host), 'DIRECT', host)
  }
  const { proxy, port } = await startProxy(site)
  const file = await get(port, '/proxy.pac?mode=i2p')
  t.equal(file.get('content-type'), 'application/x-ns-proxy-autoconfig')
  t.match(file.text, "return 'DIRECT'\n}")
  await proxy.close()
})

t.test('private addresses are left to the exit, or refused here', async t => {
  for (const host of [
    '127.0.0.1', '10.1.2.3', '169.254.169.254', '192.168.1.1', '172.31.0.1', '100.64.0.1', '0.0.0.0', '2130706433', '0x7f.1', '0177.0.0.1',
    '127.1', '::1', '::', '::ffff:10.0.0.1', 'fe80::1', 'fc00::1', 'ff02::1', '64:ff9b::a00:1', '2002::1', 'localhost', 'printer',
    'nas.local', 'x.localhost', '224.0.0.1', '255.255.255.255'
  ]) t.ok(isPrivateHost(host), host)
  for (const host of ['8.8.8.8', 'a.example', '2606:4700::1111', '172.32.0.1', '11.0.0.1']) t.notOk(isPrivateHost(host), host)
  const { proxy, port } = await startProxy(site, { privateAddresses: 'refuse' })
  const refused = await get(port, 'http://192.168.0.1/')
  t.equal(refused.status, 403)
  t.equal(refused.get('x-minwww-error'), 'MINWWW_PRIVATE_ADDRESS')
  t.equal((await get(port, 'http://a.example/')).status, 200)
  await proxy.close()
})

t.test('too many requests at a time', async t => {
  const { proxy, core, port } = await startProxy(() => undefined, { maxInFlight: 1 })
  const first = get(port, 'http://a.example/1')
  while (core.requests.length === 0) await new Promise(setImmediate)
  const second = await get(port, 'http://a.example/2')
  t.equal(second.status, 503)
  t.equal(second.get('x-minwww-error'), 'MINWWW_OVERLOADED')
  t.equal(second.get('retry-after'), '5')
  await proxy.close()
  await first
})

t.test('a request above the limit of requests by messages is refused at once, and not asked again', async t => {
  let asked: ClientCore | undefined
  const { proxy, port } = await startProxy(site, {
    // The probe of the exit is the one request that there is room for.
    createCore: keys => (asked = new ClientCore({ keys, random: length => Buffer.alloc(length, 1), config: { maxRequests: 1 } }))
  })
  const answer = await get(port, 'http://a.example/')
  t.equal(answer.status, 503)
  t.equal(answer.get('x-minwww-error'), 'MINWWW_OVERLOADED')
  t.equal(asked?.stats.requests, 1)
  await proxy.close()
})

t.test('the cache of the proxy, and a page when all exits are dead', async t => {
  const { proxy, core, port } = await startProxy(request =>
    ({ headers: [['ETag', '"e"'], ['Cache-Control', request.url.endsWith('old') ? 'max-age=0' : 'max-age=60']], body: 'kept' }))
  t.equal((await get(port, 'http://a.example/')).text, 'kept')
  await get(port, 'http://a.example/old')
  core.site = () => ({ fail: { code: 'timeout' } })
  t.equal((await get(port, 'http://a.example/')).text, 'kept')
  t.match((await get(port, 'http://a.example/')).get('age'), /^\d+$/)
  t.equal((await get(port, 'http://a.example/old')).text, 'kept')
  t.strictSame(proxy.activity.done.slice(0, 2).map(row => row.path), ['stale', 'cache'])
  t.equal((await get(port, 'http://a.example/other')).status, 504)
  await proxy.clearCache()
  t.equal((await get(port, 'http://a.example/')).status, 504)
  await proxy.close()
})
