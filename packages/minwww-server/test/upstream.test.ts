import zlib from 'node:zlib'
import type { Socket } from 'node:net'
import { VirtualClock } from '@minwww/testkit'
import t from 'tap'
import { ConnectionSlots, DEFAULT_SLOTS } from '../src/fetch/connection-slots.ts'
import type { Field, HttpRequest } from '../src/fetch/http-types.ts'
import { createExit } from '../src/index.ts'
import { FakeCore, FakeSession, keysOf } from './support/exit.ts'
import { testFetcher, type TestFetcher } from './support/fetcher.ts'
import { FakeStreams, over } from './support/streams.ts'
import { bodyOf, echo, httpd, rawServer, type Listener } from './support/upstream.ts'
import { fakeVisitor } from './support/visitor.ts'

const visitor = fakeVisitor()
const live = () => new AbortController().signal
const get = (url: string, headers: Field[] = []): HttpRequest => ({ method: 'GET', url, headers })
const turn = async () => await new Promise(resolve => setImmediate(resolve))
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn()
}

type Teardown = { teardown: (work: () => Promise<void>) => unknown }

/** A site that says these bytes to each request, and a fetcher for it; `seen` has the requests' heads. */
async function site (t: Teardown, answer: (head: string, socket: Socket) => string | Buffer | undefined, options: TestFetcher = {}) {
  const seen: string[] = []
  const sockets: Socket[] = []
  const server = await rawServer(socket => {
    sockets.push(socket)
    socket.on('data', data => {
      seen.push(String(data))
      const said = answer(String(data), socket)
      if (said !== undefined) socket.write(said)
    })
  })
  const fetcher = testFetcher({ table: { 'a.i2p': server.origin }, ...options })
  t.teardown(async () => {
    await fetcher.close()
    await server.close()
  })
  return { seen, sockets, server, fetcher }
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'

t.test('codings: undone, passed on, or refused; never silently wrong', async t => {
  const text = Buffer.from('hello '.repeat(200))
  const gzip = zlib.gzipSync(text)
  const raw = zlib.deflateRawSync(text)
  const rows: Array<[string, Buffer, 'undone' | 'passed' | 'MALFORMED']> = [
    ['Content-Encoding: gzip', gzip, 'undone'], ['Content-Encoding: x-gzip', gzip, 'undone'], ['Content-Encoding: br',
      zlib.brotliCompressSync(text), 'undone'],
    ['Content-Encoding: deflate', zlib.deflateSync(text), 'undone'], ['Content-Encoding: deflate', raw, 'undone'],
    ['Content-Encoding: gzip, br', zlib.brotliCompressSync(gzip), 'undone'], ['Content-Encoding: identity', text, 'undone'],
    ['Content-Encoding: gzip, gzip, gzip', zlib.gzipSync(zlib.gzipSync(gzip)), 'passed'], ['Content-Encoding: zz', gzip, 'passed'],
    ['Content-Encoding: gzip, zz', gzip, 'passed'], ['Content-Encoding: gzip\r\nCache-Control: public, No-Transform', gzip, 'passed'],
    ['Content-Encoding: gzip', gzip.subarray(0, 30), 'MALFORMED'], ['Content-Encoding: gzip', Buffer.from('no gzip'), 'MALFORMED'],
    ['Content-Encoding: br', zlib.brotliCompressSync(text).subarray(0, 9), 'MALFORMED'], ['Content-Encoding: deflate', raw.subarray(0, 5),
      'MALFORMED']
  ]
  for (const framing of ['length', 'chunked', 'close'] as const) {
    for (const [fields, body, expected] of rows) {
      const chunks = Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])
      const head = { length: `Content-Length: ${body.length}`, chunked: 'Transfer-Encoding: chunked', close: 'Connection: close' }[framing]
      const { server, fetcher } = await site(t, (_head, socket) => {
        socket.write(`HTTP/1.1 200 OK\r\n${fields}\r\n${head}\r\n\r\n`)
        socket.write(framing === 'chunked' ? chunks : body)
        if (framing === 'close') socket.end()
        return undefined
      })
      const response = await fetcher.fetch(get('http://a.i2p/'), visitor, live())
      const got = await bodyOf(response.body).catch((error: { code: string }) => error.code)
      const label = response.headers.some(([name, value]) => name === 'Content-Encoding' && value !== 'identity')
      const as = expected === 'undone' ? text : expected === 'passed' ? body : 'MINWWW_EXIT_MALFORMED'
      t.same(got, as, `${framing} ${fields}`)
      t.equal(label, expected === 'passed', `${fields}: said what it is`)
      if (expected !== 'undone' || label) t.ok(response.length === undefined || response.length === body.length)
      await server.close()
    }
  }
})

t.test('codings: on no body, an empty one, a part, and in the transfer', async t => {
  const gzip = zlib.gzipSync('hello')
  const te = (coding: string) => Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}, chunked\r\n\r\n${gzip.length.toString(16)}\r\n`), gzip,
    Buffer.from('\r\n0\r\n\r\n')
  ])
  const coded = (status: string, body: Buffer) =>
    Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`), body])
  const rows: Array<[string, string | Buffer, string | Buffer, HttpRequest['method']?]> = [
    ['empty', coded('200 OK', Buffer.alloc(0)), ''], ['204', coded('204 No', Buffer.alloc(0)), ''], ['HEAD', coded('200 OK',
      Buffer.alloc(0)), '', 'HEAD'],
    ['a part', coded('206 Part', gzip.subarray(3)), gzip.subarray(3)], ['transfer gzip', te('gzip'), 'hello'], ['transfer unknown',
      te('zz'), 'MINWWW_EXIT_MALFORMED'],
    ['transfer identity', te('identity'), gzip]
  ]
  for (const [name, answer, expected, method = 'GET'] of rows) {
    const { server, fetcher } = await site(t, () => answer)
    const got = await fetcher.fetch({ ...get('http://a.i2p/'), method }, visitor, live())
      .then(async ({ body }) => await bodyOf(body), (error: { code: string }) => Buffer.from(error.code))
    t.same(got, Buffer.from(expected), name)
    await server.close()
  }
  const { fetcher, seen } = await site(t, () => OK)
  for (const [accept, asked] of [[[], 'identity'], [[['Accept-Encoding', 'gzip']], 'br, gzip'], [[['Accept-Encoding', 'gzip;q=0']],
    'identity'], [[['Accept-Encoding', 'gzip'], ['Range', 'bytes=0-1']], 'identity']] as Array<[Field[], string]>) {
    await bodyOf((await fetcher.fetch(get('http://a.i2p/', accept), visitor, live())).body)
    t.match(seen.at(-1), `Accept-Encoding: ${asked}\r\n`, 'nothing is asked for that the client takes in no form')
  }
})

t.test('fields that HTTPDs could take for ours do not pass, whatever stands between the words', async t => {
  const { fetcher, seen } = await site(t, () => OK)
  const names = ['X-I2P-DestB32', 'X_I2P_DestB32', 'X-I2P_DestB64', 'x_i2p-desthash', 'X_Forwarded_For', 'X-Forwarded_Host', 'X_Real_IP',
    'Proxy', 'X_Original_URL', 'X-Rewrite_URL', 'X-Host', 'Content_Length', 'Accept_Encoding']
  const fields: Field[] = names.map(name => [name, 'forged'])
  await bodyOf((await fetcher.fetch(get('http://a.i2p/', [...fields, ['Git-Protocol', 'version=2']]), visitor, live())).body)
  t.notMatch(seen[0], /forged/)
  t.match(seen[0], /Git-Protocol: version=2/)
})

t.test('the target goes up byte for byte', async t => {
  const { fetcher, seen } = await site(t, () => OK)
  for (const path of ['/?', '/a/../b', '/a/./b', '/a/%2e%2e/b', '/..', '//x//y', '/%7e%41', '/x;p=1;q?', "/?q='a'", '/[x]|^']) {
    await bodyOf((await fetcher.fetch(get(`http://a.i2p${path}`), visitor, live())).body)
    t.match(seen.at(-1), `GET ${path} HTTP/1.1\r\n`)
  }
  await bodyOf((await fetcher.fetch(get('http://a.i2p?x'), visitor, live())).body)
  t.match(seen.at(-1), 'GET /?x HTTP/1.1\r\n')
  await bodyOf((await fetcher.fetch({ ...get('http://a.i2p', [['Max-Forwards', '2']]), method: 'OPTIONS' }, visitor, live())).body)
  t.match(seen.at(-1), /^OPTIONS \* HTTP\/1\.1\r\nMax-Forwards: 1\r\n/)
  const before = seen.length
  const own = await fetcher.fetch({ ...get('http://a.i2p/', [['Max-Forwards', '0']]), method: 'OPTIONS' }, visitor, live())
  t.match([own.status, seen.length], [200, before], 'answered here')
})

t.test('connections: kept for their visitor alone, and not after a body', async t => {
  const { fetcher, sockets } = await site(t, () => OK)
  const ask = async (seed: number, request: HttpRequest = get('http://a.i2p/', [['Authorization', 'NTLM x']])) => {
    await bodyOf((await fetcher.fetch(request, fakeVisitor(seed), live())).body)
    await until(() => fetcher.inner.connections.busy === 0)
    return sockets.length
  }
  t.strictSame([await ask(1), await ask(1), await ask(2), await ask(1), await ask(2)], [1, 1, 2, 2, 2])
  const post: HttpRequest = { method: 'POST', url: 'http://a.i2p/', headers: [], body: Buffer.from('GET /smuggled HTTP/1.1\r\n\r\n') }
  t.strictSame([await ask(1, post), await ask(1)], [2, 3], 'what came after a body is not another request\'s answer')
})

t.test('Expect: the body waits for the site, or a second', async t => {
  const clock = new VirtualClock()
  for (const [kind, answer] of [['continue', 'HTTP/1.1 100 C\r\n\r\n'], ['silence', undefined], ['refusal',
    'HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n']] as const) {
    const { fetcher, seen } = await site(t, head => head.startsWith('POST') ? answer : OK, { clock })
    const interim: number[] = []
    let pulled = 0
    const body = (async function * () {
      pulled++
      yield Buffer.from('body')
    })()
    const request: HttpRequest = { method: 'POST', url: 'http://a.i2p/', headers: [['Content-Length', '4']], body, expectsContinue: true }
    const fetching = fetcher.fetch(request, visitor, live(), ({ status }) => interim.push(status))
    await until(() => seen.length > 0)
    t.match(seen[0], /\r\nExpect: 100-continue\r\n\r\n$/)
    if (kind === 'silence') {
      t.equal(pulled, 0)
      await until(() => clock.pending >= 2)
      clock.advance(1_000)
    }
    t.equal((await fetching).status, kind === 'refusal' ? 417 : 200)
    t.match([pulled, interim], kind === 'refusal' ? [0, []] : [1, [100]], kind)
  }
})

t.test('time-outs suit long polling, and end in virtual time', async t => {
  const clock = new VirtualClock()
  const timeouts = { connect: 1_000, headers: 300_000, body: 300_000 }
  let socket: Socket | undefined
  const { fetcher } = await site(t, (_head, from) => {
    socket = from
    return undefined
  }, { clock, timeouts })
  const slow = fetcher.fetch(get('http://a.i2p/'), visitor, live())
  await until(() => socket !== undefined && clock.pending > 0)
  clock.advance(299_000)
  socket?.write('HTTP/1.1 102 Processing\r\n\r\n')
  await turn()
  socket?.write(OK.slice(0, -1))
  const { body } = await slow
  const reading = bodyOf(body)
  await until(() => clock.pending > 0)
  clock.advance(299_000)
  socket?.write('i')
  t.equal((await reading).toString(), 'hi')
  const never = t.rejects(fetcher.fetch(get('http://a.i2p/'), visitor, live()), { code: 'MINWWW_EXIT_TIMEOUT' })
  await until(() => fetcher.inner.connections.busy === 1)
  await turn()
  clock.advance(300_000)
  await never
  t.equal(fetcher.inner.connections.busy, 0)
})

t.test('whatever a site does at whatever point: the fetch ends, and nothing is left', async t => {
  const script = 'HTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n'
  const gzip = zlib.gzipSync('hello')
  const whole = Buffer.concat([Buffer.from(`${script}${gzip.length.toString(16)}\r\n`), gzip, Buffer.from('\r\n0\r\n\r\n')])
  const deeds: Record<string, (socket: Socket) => void> = {
    end: socket => socket.end(),
    reset: socket => { socket.resetAndDestroy() },
    upgrade: socket => { socket.write('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nraw') },
    garbage: socket => { socket.write('\u0000\u0001zz\r\n\r\n') },
    stall: () => {}
  }
  const clock = new VirtualClock()
  const slots = new ConnectionSlots(DEFAULT_SLOTS, () => {})
  for (const [name, deed] of Object.entries(deeds)) {
    for (let at = 0; at <= whole.length; at += name === 'stall' ? 9 : 5) {
      for (const leaves of [false, true]) {
        const { fetcher, server } = await site(t, (_head, socket) => {
          socket.write(whole.subarray(0, at), () => deed(socket))
          return undefined
        }, { clock, slots, timeouts: { connect: 1_000, headers: 1_000, body: 1_000 } })
        const controller = new AbortController()
        const state = { settled: false }
        const fetching = fetcher.fetch(get('http://a.i2p/'), visitor, controller.signal).then(async ({ body }) => {
          if (leaves) body.destroy()
          else await bodyOf(body)
        }).catch((error: { code: string }) => t.match(error.code, /^MINWWW_EXIT_/)).finally(() => { state.settled = true })
        for (let turns = 0; !state.settled; turns++) {
          await turn()
          if (leaves && turns === 5) controller.abort(new Error('gone'))
          if (turns % 50 === 49) clock.advance(1_000)
        }
        await fetching
        await until(() => fetcher.inner.connections.busy === 0)
        if (slots.used !== 0) t.fail(`${name} at ${at}: ${slots.used} slots`)
        await fetcher.close()
        // The socket says that it is closed a moment later.
        for (let turns = 0; clock.pending !== 0 && turns < 1_000; turns++) await turn()
        if (clock.pending !== 0) t.fail(`${name} at ${at}: ${clock.pending} timers`)
        await server.close()
      }
    }
  }
  t.equal(slots.used + clock.pending, 0)
})

/** An exit with one site, and streams of so many clients that ask for a large file and do not read. */
async function stalled (t: Teardown, clients: number, streamsOfEach: number, server: Listener) {
  const streams = new FakeStreams()
  const exit = await createExit({
    session: new FakeSession(),
    streams,
    createCore: () => new FakeCore(),
    sites: { 'demo.i2p': server.origin }
  })
  t.teardown(async () => await exit.close())
  for (let client = 0; client < clients; client++) {
    const { destination } = keysOf(20 + client)
    for (let index = 0; index < streamsOfEach; index++) streams.open(destination).write('GET /large HTTP/1.1\r\nHost: demo.i2p\r\n\r\n')
  }
  return { exit, streams }
}

t.test('stalled readers of a site, of one or of eight Destinations, do not keep it from others', async t => {
  const large = Buffer.alloc(1 << 20)
  const server = await httpd((request, response) => { if (request.url === '/large') response.end(large); else echo(request, response) })
  t.teardown(server.close)
  for (const [clients, each] of [[1, 16], [8, 8], [8, 30]] as const) {
    const { exit, streams } = await stalled(t, clients, each, server)
    const most = Math.min(each, DEFAULT_SLOTS.perVisitorAndOrigin) * clients
    await until(() => exit.stats.active === clients * each && exit.stats.running === 0 && exit.stats.waiting === clients * each - most)
    const visitor = keysOf(7).destination
    for (let page = 0; page < 3; page++) t.equal((await over(streams.open(visitor), '/page')).status, 200)
    t.equal(exit.stats.waiting, clients * each - most, 'those who wait wait for themselves')
    await exit.close()
  }
})

t.test('sites that never answer do not keep the exit from others', async t => {
  const silent = await rawServer(socket => { socket.resume() })
  const server = await httpd(echo)
  t.teardown(silent.close)
  t.teardown(server.close)
  const clock = new VirtualClock()
  const streams = new FakeStreams()
  const exit = await createExit({
    session: new FakeSession(),
    streams,
    createCore: () => new FakeCore(),
    clock,
    sites: { 'silent.i2p': silent.origin, 'demo.i2p': server.origin }
  })
  t.teardown(async () => await exit.close())
  for (let client = 0; client < 6; client++) {
    const { destination } = keysOf(20 + client)
    for (let index = 0; index < 6; index++) streams.open(destination).write('GET / HTTP/1.1\r\nHost: silent.i2p\r\n\r\n')
  }
  await until(() => exit.stats.running === 32)
  const page = over(streams.open(keysOf(7).destination), '/page')
  await until(() => exit.stats.waiting === 5)
  clock.advance(2_000)
  t.equal((await page).status, 200, 'a slow site makes room after two seconds')
})

t.test('identical slow GETs reach the site side by side, once each', async t => {
  const held: Array<() => void> = []
  const server = await httpd((_request, response) => { held.push(() => response.end('ok')) })
  t.teardown(server.close)
  const streams = new FakeStreams()
  const exit = await createExit({
    session: new FakeSession(),
    streams,
    createCore: () => new FakeCore(),
    sites: { 'demo.i2p': server.origin }
  })
  t.teardown(async () => await exit.close())
  const answers = [1, 2, 3].map(async () => await over(streams.open(keysOf(7).destination), '/same'))
  await until(() => held.length === 3)
  for (const answer of held) answer()
  t.strictSame((await Promise.all(answers)).map(({ status }) => status), [200, 200, 200])
  t.equal(held.length, 3)
})
