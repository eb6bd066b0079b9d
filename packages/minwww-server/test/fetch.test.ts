import zlib from 'node:zlib'
import t from 'tap'
import { collect } from '../src/fetch/collect.ts'
import { testFetcher, type TestFetcher } from './support/fetcher.ts'
import { bodyOf, echo, httpd, rawServer } from './support/upstream.ts'
import { fakeVisitor } from './support/visitor.ts'
import type { Field, HttpRequest } from '../src/fetch/http-types.ts'

const visitor = fakeVisitor()
const LIMITS = { maxCoded: 131_072, maxDecoded: 524_288 }
const get = (url: string, headers: Field[] = []): HttpRequest => ({ method: 'GET', url, headers })
const live = () => new AbortController().signal

async function using<T> (options: TestFetcher, work: (fetcher: ReturnType<typeof testFetcher>) => Promise<T>): Promise<T> {
  const fetcher = testFetcher(options)
  try {
    return await work(fetcher)
  } finally {
    await fetcher.close()
  }
}

t.test('a site gets its own name as Host, the visitor, and no forged or hop-by-hop field', async t => {
  const server = await httpd(echo)
  t.teardown(server.close)
  await using({ table: { 'demo.i2p': server.origin + '/base/' } }, async fetcher => {
    const response = await fetcher.fetch(get('http://DEMO.i2p/a/b?c=d', [
      ['Host', 'evil.example'], ['X-I2P-DestB32', 'forged.b32.i2p'], ['x-i2p-desthash', 'forged'], ['X-Forwarded-For', '1.2.3.4'],
      ['Proxy', 'http://evil/'], ['Connection', 'close, X-Private'], ['X-Private', '1'], ['Accept-Encoding', 'br'], ['Cookie', 'a=b']
    ]), visitor, live())
    const seen = JSON.parse((await bodyOf(response.body)).toString()) as { url: string, headers: string[] }
    t.equal(seen.url, '/base/a/b?c=d')
    const headers = seen.headers.map((text, index) => index % 2 === 0 ? text.toLowerCase() : text)
    const value = (name: string) => headers.flatMap((text, index) => index % 2 === 0 && text === name ? [headers[index + 1]] : [])
    t.strictSame(value('host'), ['demo.i2p'])
    t.strictSame(value('x-i2p-destb32'), [visitor.b32])
    t.strictSame(value('x-i2p-destb64'), [visitor.base64])
    t.equal(value('x-i2p-desthash').length, 1)
    t.strictSame(value('accept-encoding'), ['br, gzip'])
    t.strictSame(value('cookie'), ['a=b'])
    for (const gone of ['x-forwarded-for', 'proxy', 'x-private']) t.strictSame(value(gone), [], gone)
  })
})

t.test('redirects are passed to the browser, every Set-Cookie and the reason are kept', async t => {
  const server = await httpd((_request, response) => {
    response.writeHead(302, 'Over There', [['Location', 'http://127.0.0.1/'], ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'],
      ['Keep-Alive', 'timeout=5']].flat())
    response.end()
  })
  t.teardown(server.close)
  await using({ table: { 'demo.i2p': server.origin } }, async fetcher => {
    const response = await fetcher.fetch(get('http://demo.i2p/'), visitor, live())
    t.equal(response.status, 302)
    t.equal(response.reason, 'Over There')
    t.strictSame(response.headers.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value), ['a=1', 'b=2'])
    t.equal(response.headers.some(([name]) => /^(connection|keep-alive)$/i.test(name)), false)
    t.equal(server.connections, 1)
    await bodyOf(response.body)
  })
})

t.test('content coding: passed where accepted, undone where not, bounded', async t => {
  const text = Buffer.from('<p>hello</p>'.repeat(500))
  const bomb = zlib.gzipSync(Buffer.alloc(64 << 20))
  const server = await httpd((request, response) => {
    const coded = request.url === '/bomb' ? bomb : zlib.brotliCompressSync(text)
    response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': request.url === '/bomb' ? 'gzip' : 'br', etag: '"x"' })
    response.end(coded)
  })
  t.teardown(server.close)
  await using({ table: { 'demo.i2p': server.origin } }, async fetcher => {
    const passed = await fetcher.fetch(get('http://demo.i2p/', [['Accept-Encoding', 'gzip, br']]), visitor, live())
    t.match(passed.headers, [['content-type', 'text/html'], ['content-encoding', 'br']])
    t.same(zlib.brotliDecompressSync(await bodyOf(passed.body)), text)
    const undone = await fetcher.fetch(get('http://demo.i2p/', [['Accept-Encoding', 'gzip, br;q=0']]), visitor, live())
    t.equal(undone.headers.some(([name]) => name === 'content-encoding'), false)
    t.strictSame(undone.headers.find(([name]) => name === 'ETag'), ['ETag', 'W/"x"'])
    t.same(await collect(undone, LIMITS), { kind: 'whole', body: text })
    const exploding = await fetcher.fetch(get('http://demo.i2p/bomb'), visitor, live())
    const collected = await collect(exploding, LIMITS)
    t.equal(collected.kind, 'part')
    if (collected.kind === 'part') t.ok(Buffer.concat(collected.head).length < 1 << 20)
    exploding.body.destroy()
    const endless = await fetcher.fetch(get('http://demo.i2p/bomb'), visitor, live())
    let size = 0
    let most = 0
    for await (const piece of endless.body) {
      size += (piece as Buffer).length
      most = Math.max(most, endless.body.readableLength)
    }
    t.equal(size, 64 << 20, 'as much as it is')
    t.ok(most <= 1 << 18, `${most} bytes waited`)
  })
})

t.test('the cap: with a length nothing is read, without one not more than the cap', async t => {
  const server = await httpd((request, response) => {
    const body = Buffer.alloc(request.url === '/fits' ? 131_072 : 131_073, 0xe5)
    if (request.url === '/chunked') response.write(body.subarray(0, 1))
    else response.setHeader('content-length', body.length)
    response.end(request.url === '/chunked' ? body.subarray(1) : body)
  })
  t.teardown(server.close)
  await using({ table: { 'demo.i2p': server.origin } }, async fetcher => {
    const load = async (path: string) => {
      const response = await fetcher.fetch(get(`http://demo.i2p${path}`), visitor, live())
      const collected = await collect(response, LIMITS)
      response.body.destroy()
      return collected
    }
    t.match(await load('/fits'), { kind: 'whole' })
    t.match(await load('/long'), { kind: 'part', head: [] })
    t.match(await load('/chunked'), { kind: 'part' })
  })
})

t.test('HEAD, 204 and 304 have no body', async t => {
  const server = await httpd((request, response) => {
    response.writeHead(request.url === '/204' ? 204 : request.url === '/304' ? 304 : 200, { 'content-length': '5' })
    response.end(request.method === 'HEAD' ? undefined : request.url === '/200' ? 'hello' : undefined)
  })
  t.teardown(server.close)
  await using({ table: { 'demo.i2p': server.origin } }, async fetcher => {
    const head = await fetcher.fetch({ method: 'HEAD', url: 'http://demo.i2p/200', headers: [] }, visitor, live())
    t.match(head, { status: 200, hasBody: false, length: undefined })
    t.ok(head.headers.some(([name, value]) => name === 'content-length' && value === '5'))
    for (const status of [204, 304]) {
      const response = await fetcher.fetch(get(`http://demo.i2p/${status}`), visitor, live())
      t.match(response, { status, hasBody: false })
    }
  })
})

t.test('malformed and missing answers have their own codes', async t => {
  const answers: Record<string, string> = {
    garbage: 'SSH-2.0-OpenSSH\r\n\r\n',
    status: 'HTTP/1.1 abc OK\r\n\r\n',
    lengths: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    chunks: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n',
    flood: `HTTP/1.1 200 OK\r\n${'X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(1_000)}\r\n`,
    short: 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello',
    empty: ''
  }
  for (const [name, answer] of Object.entries(answers)) {
    const server = await rawServer(socket => { socket.once('data', () => socket.end(answer)) })
    await using({ table: { 'raw.i2p': server.origin } }, async fetcher => {
      const code = name === 'empty' ? 'MINWWW_EXIT_CONNECTION' : 'MINWWW_EXIT_MALFORMED'
      await t.rejects(async () => {
        const response = await fetcher.fetch(get('http://raw.i2p/'), visitor, live())
        await collect(response, LIMITS)
      }, { code }, name)
    })
    await server.close()
  }
})

t.test('a kept connection that the site closes in the moment of its use: asked again, once, and only what may be', async t => {
  const seen = { cuts: 0 }
  const server = await rawServer(socket => {
    let requests = 0
    socket.on('data', () => {
      if (requests++ === 0) {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
        return
      }
      seen.cuts++
      socket.destroy()
    })
  })
  t.teardown(server.close)
  await using({ table: { 'raw.i2p': server.origin } }, async fetcher => {
    const ask = async (method: string) => await fetcher.fetch({ ...get('http://raw.i2p/'), method }, visitor, live())
      .then(async response => (await bodyOf(response.body)).toString(), (error: { code: string }) => error.code)
    const answers: string[] = []
    while (seen.cuts === 0 && answers.length < 100) answers.push(await ask('GET'))
    t.strictSame([seen.cuts, new Set(answers)], [1, new Set(['hi'])])
    const posts: string[] = []
    while (seen.cuts === 1 && posts.length < 100) posts.push(await ask('POST'))
    t.strictSame([seen.cuts, posts.at(-1)], [2, 'MINWWW_EXIT_CONNECTION'])
  })
})

t.test('time-outs of every phase, names and connections are told apart', async t => {
  const silent = await rawServer(() => {})
  const halting = await rawServer(socket => { socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe')) })
  const closed = await rawServer(() => {})
  await closed.close()
  t.teardown(silent.close)
  t.teardown(halting.close)
  const timeouts = { connect: 1_000, headers: 60, body: 60 }
  await using({ table: { 'silent.i2p': silent.origin, 'halting.i2p': halting.origin, 'closed.i2p': closed.origin }, timeouts },
    async fetcher => {
      await t.rejects(fetcher.fetch(get('http://silent.i2p/'), visitor, live()), { code: 'MINWWW_EXIT_TIMEOUT' }, 'head')
      const response = await fetcher.fetch(get('http://halting.i2p/'), visitor, live())
      await t.rejects(collect(response, LIMITS), { code: 'MINWWW_EXIT_TIMEOUT' }, 'body')
      await t.rejects(fetcher.fetch(get('http://closed.i2p/'), visitor, live()), { code: 'MINWWW_EXIT_CONNECTION' })
      await t.rejects(fetcher.fetch(get('http://nowhere.example/'), visitor, live()), { code: 'MINWWW_EXIT_NAME' })
    })
  const dead = { lookup: async () => await new Promise<never>(() => {}) }
  await using(dead, async fetcher => {
    await t.rejects(fetcher.fetch(get('http://slow.example/'), visitor, live()), { code: 'MINWWW_EXIT_TIMEOUT' }, 'name')
  })
})

t.test('an abort ends the fetch and says why', async t => {
  const silent = await rawServer(() => {})
  t.teardown(silent.close)
  await using({ table: { 'silent.i2p': silent.origin } }, async fetcher => {
    const controller = new AbortController()
    const fetching = fetcher.fetch(get('http://silent.i2p/'), visitor, controller.signal)
    controller.abort(new Error('gone'))
    await t.rejects(fetching, { message: /./ })
  })
})

t.test('a body that is sent up', async t => {
  const server = await httpd((request, response) => {
    bodyOf(request).then(body => response.end(`${request.method} ${request.headers['content-length']} ${body.toString()}`),
      error => response.destroy(error))
  })
  t.teardown(server.close)
  await using({ table: { 'demo.i2p': server.origin } }, async fetcher => {
    const response = await fetcher.fetch({
      method: 'POST',
      url: 'http://demo.i2p/',
      headers: [['Content-Length', '3']],
      body: Buffer.from('a=b')
    }, visitor, live())
    t.equal((await bodyOf(response.body)).toString(), 'POST 3 a=b')
  })
})
