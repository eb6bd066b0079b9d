// What the proxy asks for ahead, where no exit sends it by itself.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { ProxyOptions } from '../src/index.ts'
import { get, keys, startProxy, type Fixture } from './proxy-support.ts'
import { startPeer, withExits, type Exit } from './stream-support.ts'

const PAGE = 'http://site.i2p/'

interface World extends Fixture {
  site: Exit
  /** Paths that the site was asked for, in their order. */
  asked: () => string[]
  page: (path?: string, headers?: Array<[string, string]>) => ReturnType<typeof get>
  need: (path: string, headers?: Array<[string, string]>) => ReturnType<typeof get>
  until: (isDone: () => boolean) => Promise<void>
}

/** A site that only streams reach. */
async function open (
  t: Test,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  options: Partial<ProxyOptions> = {}
): Promise<World> {
  const site = await startPeer(answer)
  const { end, ...fixture } = await withExits([site], () => undefined, { exits: [], ...options })
  fixture.session.names.set('site.i2p', site.keys.destination)
  t.teardown(end)
  const page: World['page'] = async (path = '/', headers = []) =>
    await get(fixture.port, `http://site.i2p${path}`, [['Accept', 'text/html'], ...headers])
  const need: World['need'] = async (path, headers = []) =>
    await get(fixture.port, `http://site.i2p${path}`, [['Referer', PAGE], ...headers])
  const until: World['until'] = async isDone => {
    while (!isDone()) await new Promise(resolve => setImmediate(resolve))
  }
  return { ...fixture, site, asked: () => site.seen.map(({ url }) => url), page, need, until }
}

const html = (response: ServerResponse, text: string, headers: Record<string, string | string[]> = {}): void => {
  response.writeHead(200, { 'content-type': 'text/html', ...headers }).end(text)
}

t.test('what a page needs is asked for while it goes by, and the browser gets it; nothing is asked for twice', async t => {
  const world = await open(t, ({ url }, response) => {
    if (url === '/') {
      html(response, '<link rel=stylesheet href=/a.css><img src=p.png><script src=s.js></script>', {
        link: '</l.woff2>; rel=preload; as=font'
      })
    } else {
      response
        .writeHead(200, { 'content-type': url === '/a.css' ? 'text/css' : 'x/y' })
        .end(url === '/a.css' ? '@import "b.css";' : `body of ${url}`)
    }
  })
  t.equal((await world.page('/', [['Cookie', 'a=1']])).status, 200)
  await world.until(() => world.asked().length === 5)
  t.strictSame(world.asked().sort(), ['/', '/a.css', '/l.woff2', '/p.png', '/s.js'])
  for (const path of ['/p.png', '/s.js', '/l.woff2']) t.equal((await world.need(path, [['Cookie', 'a=1']])).text, `body of ${path}`)
  t.equal((await world.need('/a.css', [['Cookie', 'a=1']])).text, '@import "b.css";')
  await world.until(() => world.asked().includes('/b.css'))
  t.equal((await world.need('/b.css', [['Cookie', 'a=1']])).text, 'body of /b.css')
  t.equal(world.asked().length, 6)
  t.ok(world.site.seen.every(({ headers }) => headers.includes('a=1')), 'with the page\'s cookie')
})

t.test('a coded page is read, too', async t => {
  const world = await open(t, ({ url }, response) => {
    if (url === '/') response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end(gzipSync('<img src=/p.png>'))
    else response.end('picture')
  })
  t.equal((await world.page()).text, '<img src=/p.png>')
  await world.until(() => world.asked().length === 2)
  t.equal((await world.need('/p.png')).text, 'picture')
  t.equal(world.asked().length, 2)
})

t.test('a request that would get something else asks for itself; so does one after a change, and one of another page', async t => {
  const world = await open(t, ({ url, headers, method }, response) => {
    if (method === 'GET' && url === '/') html(response, Array.from({ length: 4 }, (_, index) => `<img src=/${index}>`).join(''))
    else response.writeHead(200, { vary: 'Accept' }).end(`${headers.cookie} ${headers.accept}`)
  }, { cache: false })
  await world.page()
  await world.until(() => world.asked().length === 5)
  t.match((await world.need('/0', [['Cookie', 'b=1'], ['Accept', 'image/png']])).text, /^b=1/)
  t.match((await world.need('/1', [['Accept', 'text/plain']])).text, 'undefined text/plain')
  t.equal((await get(world.port, 'http://site.i2p/2', [['Referer', 'http://site.i2p/other'], ['Accept', 'image/png']])).status, 200)
  t.equal(world.asked().length, 8)
  await get(world.port, 'http://site.i2p/form', [['Content-Length', '0']], 'POST')
  await world.need('/3', [['Accept', 'image/png']])
  t.equal(world.asked().length, 10)
})

t.test('bounds, other sites, what is kept, what is lazy; without it nothing', async t => {
  const many = Array.from({ length: 500 }, (_, index) => `<img src=/${index}>`).join('')
  const world = await open(t, ({ url }, response) => {
    if (url === '/many') html(response, many)
    else if (url === '/others') html(response, '<img src="http://other.i2p/x"><img src="http://web.example/x"><img loading=lazy src=/lazy>')
    else if (url === '/') html(response, '<img src=/kept>')
    else response.writeHead(200, { 'cache-control': 'max-age=600', 'content-type': 'image/png' }).end('x')
  })
  await world.page('/many')
  await world.until(() => world.asked().length === 25)
  world.session.names.set('other.i2p', keys().destination)
  await world.page('/others')
  await world.until(() => world.session.lookups.includes('other.i2p'))
  t.equal(world.asked().length, 26, 'it is looked up, and not asked')
  await world.need('/kept')
  await world.page()
  t.equal((await world.need('/kept')).text, 'x')
  t.equal(world.asked().length, 28, 'what the cache has is not asked for')
  const without = await open(t, ({ url }, response) => {
    url === '/' ? html(response, '<img src=/p.png>') : response.end('x')
  }, { preload: false })
  await without.page()
  await without.need('/other')
  t.strictSame(without.asked(), ['/', '/other'])
})

t.test('an answer that never comes, or fails, is the browser\'s own to ask for; who leaves ends it', async t => {
  let tries = 0
  const world = await open(t, ({ url, socket }, response) => {
    if (url === '/') return html(response, '<img src=/broken>')
    if (tries++ === 0) socket.resetAndDestroy()
    else response.end('whole')
  }, { cache: false })
  await world.page()
  await world.until(() => tries > 0)
  t.equal((await world.need('/broken')).text, 'whole')
})

const ODD = [
  'http://a..b/x', 'http://-.example/', `http://${'a'.repeat(70)}.example/`, 'http://a.example:0/', 'http://[::1]:0/', 'http://a!b/',
  'http://127.0.0.1/', 'http://router/', 'http://a..i2p/', 'http://-.i2p/', `http://${'a'.repeat(70)}.i2p/`, 'http://a.b32.i2p/', 'http://a.i2p:0/'
]

t.test('addresses that this proxy cannot ask for end nothing, wherever a page has them', async t => {
  const asked: string[] = []
  const sheet = ODD.map(url => `@import "${url}";`).join('')
  const text = [...ODD, 'http://b.example/p.png'].map(url => `<img src="${url}">`).join('')
  const link = ODD.map(url => `<${url}>; rel=preload; as=image`).join(', ')
  const fixture = await startProxy(({ url }) => {
    asked.push(url)
    const headers: Array<[string, string]> = [
      ['Cache-Control', 'no-store'],
      ['Content-Type', url.endsWith('.css') ? 'text/css' : 'text/html']
    ]
    if (url.endsWith('/link')) headers.push(['Link', link])
    return { headers, body: url.endsWith('.css') ? sheet : `<link rel=stylesheet href=/a.css><style>${sheet}</style>${text}` }
  })
  t.teardown(async () => { await fixture.proxy.close() })
  for (const path of ['', 'link']) {
    t.equal((await get(fixture.port, `http://a.example/${path}`, [['Accept', 'text/html']])).status, 200, path)
  }
  while (!asked.includes('http://b.example/p.png')) await new Promise(setImmediate)
  t.equal((await get(fixture.port, 'http://a.example/a.css', [['Referer', 'http://a.example/link']])).status, 200)
  t.equal((await get(fixture.port, 'http://a.example/again')).status, 200)
  t.notOk(asked.some(url => ODD.includes(url)))
})

t.test('the same in a page of I2P', async t => {
  const world = await open(t, ({ url }, response) => {
    html(response, url === '/' ? [...ODD, '/p.png'].map(url => `<img src="${url}">`).join('') : 'x')
  })
  await world.page()
  await world.until(() => world.asked().length === 2)
  t.equal((await world.need('/p.png')).status, 200)
})
