// A real proxy and a real exit: what a page needs comes with it, and is what the browser's own request would have got.
import { once } from 'node:events'
import { createServer, request, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createProxy, type Proxy, type ProxyOptions } from '@minwww/client'
import { createSession } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { createExit, type Exit, type ExitOptions } from '@minwww/server'
import { createStreamManager } from '@minwww/streaming'
import { Closers } from '@minwww/ground/node'
import t, { type Test } from 'tap'

interface Answer { status: number, headers: IncomingHttpHeaders, text: string }
interface World {
  proxy: Proxy
  exit: Exit
  /** Paths that the site was asked for, with the cookie. */
  asked: Array<{ path: string, cookie: string | undefined }>
  get: (path: string, headers?: Record<string, string>, method?: string, host?: string) => Promise<Answer>
  /** Opens a page and then asks for what it needs, all at once. */
  visit: (path: string, needs: string[], headers?: Record<string, string>) => Promise<Answer[]>
  close: () => Promise<void>
}

async function open (
  t: Test, site: RequestListener, o: { exit?: Partial<ExitOptions>, proxy?: Partial<ProxyOptions> } = {}
): Promise<World> {
  const closers = new Closers()
  const asked: World['asked'] = []
  const server = createServer((request, response) => {
    asked.push({ path: request.url!, cookie: request.headers.cookie })
    site(request, response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  closers.add(server, async server => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const router = closers.add(createLocalRouter({ latency: 20, seed: 1 }), router => router.close())
  const session = closers.add(await createSession({ connect: () => router.connect() }), session => session.close())
  const streams = closers.add(createStreamManager(session), streams => streams.close())
  const sites = { 'site.i2p': origin, 'shop.example': origin }
  const exit = closers.add(await createExit({ session, streams, sites, ...o.exit }), exit => exit.close())
  const own = closers.add(await createSession({ connect: () => router.connect() }), session => session.close())
  const proxy = closers.add(await createProxy({
    sessions: [own],
    streams: session => closers.add(createStreamManager(session), streams => streams.close()),
    exits: [exit.destination.base64],
    listen: { host: '127.0.0.1', port: 0 },
    ...o.proxy
  }), proxy => proxy.close())
  while (proxy.exits()[0]?.status?.state !== 'ready') await new Promise(resolve => setImmediate(resolve))
  const get: World['get'] = async (path, headers = {}, method = 'GET', host = 'shop.example') => await new Promise((resolve, reject) => {
    const { host: hostname, port } = proxy.address
    const outgoing = request({ host: hostname, port, path: `http://${host}${path}`, method, headers: { host, ...headers } }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk)).on('error', reject)
        .on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() }))
    })
    outgoing.on('error', reject).end()
  })
  const world: World = {
    proxy,
    exit,
    asked,
    get,
    visit: async (path, needs, headers = {}) => {
      const page = await get(path, { accept: 'text/html', ...headers })
      const set = page.headers['set-cookie']?.map(cookie => cookie.split(';')[0]!).filter(pair => !pair.endsWith('=')).join('; ')
      const cookie = [headers.cookie, set].filter(text => text !== undefined).join('; ')
      const more = cookie === '' ? {} : { cookie }
      const fields = { accept: '*/*', referer: `http://shop.example${path}`, ...headers, ...more }
      return [page, ...await Promise.all(needs.map(async need => await get(need, fields)))]
    },
    close: async () => await closers.close()
  }
  t.teardown(world.close)
  return world
}

const html = (response: ServerResponse, text: string, headers: Record<string, string | string[]> = {}): void => {
  response.writeHead(200, { 'content-type': 'text/html', ...headers }).end(`<!doctype html>${text}`)
}
const css = (response: ServerResponse, text: string, headers: Record<string, string | string[]> = {}): void => {
  response.writeHead(200, { 'content-type': 'text/css', ...headers }).end(text)
}
const paths = ({ proxy }: World): Array<string | undefined> => proxy.activity.done.map(({ path }) => path).reverse()

t.test('a page, its style sheet, what that imports, and its pictures: one request, each fetched once', async t => {
  const world = await open(t, ({ url }, response) => {
    if (url === '/') html(response, '<link rel=stylesheet href=/a.css><img src="/p.png"><script src=/s.js></script>')
    else if (url === '/a.css') css(response, '@import "/b.css";')
    else css(response, `body of ${url}`)
  })
  for (const load of [1, 2]) {
    const [page, ...rest] = await world.visit('/', ['/a.css', '/s.js', '/p.png'])
    t.match(page, { status: 200 })
    // A browser asks for what a style sheet imports once it has read it.
    rest.push(await world.get('/b.css', { accept: '*/*', referer: 'http://shop.example/' }))
    t.strictSame(rest.map(({ text }) => text), ['@import "/b.css";', 'body of /s.js', 'body of /p.png', 'body of /b.css'])
    t.equal(world.asked.length, 5 * load, 'each once')
  }
  t.strictSame(paths(world), ['message', 'push', 'push', 'push', 'push', 'message', 'push', 'push', 'push', 'push'])
  t.match(world.exit.stats.pushes, { promised: 8, sent: 8 })
})

t.test('cookies: those of the page\'s answer count, and nobody gets what was for others', async t => {
  let visits = 0
  const world = await open(t, ({ url, headers }, response) => {
    const set: Record<string, string[]> = url === '/login' ? { 'set-cookie': [`user=${++visits}; Path=/`, 'gone=; Max-Age=0'] } : {}
    if (url !== '/me.css') html(response, '<link rel=stylesheet href=/me.css>', { ...set, 'cache-control': 'no-store' })
    else css(response, `for ${headers.cookie}`, { 'cache-control': 'max-age=600', vary: 'Cookie' })
  })
  t.equal((await world.visit('/login', ['/me.css']))[1]!.text, 'for user=1')
  t.equal((await world.visit('/login', ['/me.css'], {}))[1]!.text, 'for user=2')
  t.equal((await world.get('/me.css', { cookie: 'user=3', referer: 'http://shop.example/login' })).text, 'for user=3')
  const both = await Promise.all(['4', '5'].map(async user => await world.visit('/', ['/me.css'], { cookie: `user=${user}` })))
  t.strictSame(both.map(([, style]) => style!.text), ['for user=4', 'for user=5'])
  await world.get('/', { accept: 'text/html', cookie: 'user=6' })
  t.equal((await world.get('/me.css', { cookie: 'user=7', referer: 'http://shop.example/' })).text, 'for user=7')
})

t.test('after a POST nothing is used that was fetched before it', async t => {
  let version = 1
  const world = await open(t, ({ url, method }, response) => {
    if (method === 'POST') version++
    if (url === '/') html(response, '<script src=/list.js></script>', { 'cache-control': 'no-store' })
    else css(response, `version ${version}`, { 'cache-control': 'no-store' })
  })
  await world.get('/', { accept: 'text/html' })
  while (world.exit.stats.pushes.sent === 0) await new Promise(resolve => setImmediate(resolve))
  await world.get('/form', {}, 'POST')
  t.equal((await world.get('/list.js', { referer: 'http://shop.example/' })).text, 'version 2')
})

t.test('either end may leave it', async t => {
  for (const options of [{ exit: { push: false } }, { proxy: { push: false } }, { exit: { pushShare: 0 } }]) {
    const world = await open(t, ({ url }, response) => {
      if (url === '/') html(response, '<script src=/s.js></script>')
      else css(response, 'script')
    }, options)
    t.match(await world.visit('/', ['/s.js']), [{ status: 200 }, { text: 'script' }])
    t.match(world.exit.stats.pushes, { promised: 0, sent: 0 })
  }
})

t.test('pages that mean no good: the exit fetches nothing that it must not, and the page loads', async t => {
  const secret = createServer((_request, response) => { response.end('secret') })
  let stolen = 0
  secret.on('request', () => { stolen++ })
  await once(secret.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { secret.close() })
  const { port } = secret.address() as AddressInfo
  const pages: Record<string, string> = {
    private: ['127.0.0.1', 'localhost', '[::1]', '0x7f000001'].map(host => `<img src="http://${host}:${port}/">`).join(''),
    odd: '<img src="data:image/png;base64,AA"><script src="javascript:alert(1)"></script>' +
      '<img src="file:///etc/passwd"><img src="//\u0000/x"><base href="http://127.0.0.1/">',
    loop: '<link rel=stylesheet href="/loop.css"><img src="/page/loop">',
    many: Array.from({ length: 10_000 }, (_, index) => `<img src="/i/${index}.png">`).join(''),
    junk: '\u0000\u0001<<<>>>&&&"\'<img src=',
    huge: '<link rel=stylesheet href=/huge.css>'
  }
  const world = await open(t, ({ url = '' }, response) => {
    const page = /^\/page\/(\w+)$/.exec(url)?.[1]
    if (page !== undefined) html(response, pages[page]!)
    else if (url === '/loop.css') css(response, '@import "/loop.css"; @import "/other.css";')
    else if (url === '/other.css') css(response, '@import "/loop.css"; @import "/other.css";')
    else if (url === '/huge.css') css(response, '@import "/x.css";'.repeat(1_900_000))
    else css(response, url)
  })
  for (const page of Object.keys(pages)) {
    t.equal((await world.get(`/page/${page}`, { accept: 'text/html' })).status, 200, page)
    t.equal((await world.get('/loop.css', { referer: `http://shop.example/page/${page}` })).text.length > 0, true)
  }
  t.ok((await world.get('/huge.css', { referer: 'http://shop.example/page/huge' })).text.length > 30_000_000, 'by an ordinary request')
  t.equal(stolen, 0)
  t.ok(world.asked.filter(({ path }) => path.startsWith('/i/')).length <= 128)
  t.ok(world.asked.filter(({ path }) => path === '/other.css').length <= 12)
})
