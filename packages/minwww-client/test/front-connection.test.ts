import t from 'tap'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { get, parseRaw, raw, startProxy } from './proxy-support.ts'
import { answersOf, splitResponses } from './responses.ts'
import { echo, portOf, startPeer, withExits } from './stream-support.ts'

const HOST = 'Host: a.example\r\n'
const request = (line: string, fields = '', body = ''): string => `${line} HTTP/1.1\r\n${HOST}${fields}\r\n${body}`

t.test('pipelined requests are done one after the other', async t => {
  const done: string[] = []
  const exit = await startPeer((request, response) => {
    done.push(`${request.method} begins`)
    setImmediate(() => {
      done.push(`${request.method} ends`)
      response.end(request.method)
    })
  })
  const { port, end } = await withExits([exit], () => { done.push('GET'); return { body: 'GET' } }, { cache: false })
  const bytes = await raw(
    port,
    request('POST http://a.example/slow', 'Content-Length: 2\r\n', 'ab') +
      request('GET http://a.example/') +
      request('DELETE http://a.example/x') +
      request('GET http://a.example/last', 'Connection: close\r\n') +
      request('DELETE http://a.example/too-late'),
    { half: false }
  )
  t.strictSame(done, ['POST begins', 'POST ends', 'GET', 'DELETE begins', 'DELETE ends', 'GET'])
  t.strictSame(splitResponses(bytes.toString()).map(({ body }) => body), ['POST', 'GET', 'DELETE', 'GET'])
  await end()
})

t.test('CONNECT and a WebSocket wait for the answer before them', async t => {
  const exit = await startPeer(echo)
  for (const event of ['connect', 'upgrade']) {
    exit.server.on(event, (_request: IncomingMessage, socket: Socket, ahead: Buffer) => {
      socket.unshift(ahead)
      socket.write(
        event === 'connect'
          ? 'HTTP/1.1 200 OK\r\n\r\n'
          : 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
      )
      socket.pipe(socket)
    })
  }
  const release: Array<() => void> = []
  const { port, core, end } = await withExits(
    [exit],
    async () => await new Promise(resolve => release.push(() => resolve({ body: 'page' }))),
    { cache: false }
  )
  for (const second of [
    'CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n',
    request('GET http://a.example/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')
  ]) {
    const before = core.requests.length
    const answer = raw(port, `${request('GET http://a.example/first')}${second}frames`)
    while (core.requests.length === before) await new Promise(setImmediate)
    release.shift()!()
    t.match((await answer).toString(), /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\npageHTTP\/1.1 (?:200 Connection|101 Switching)[^]*\r\n\r\nframes$/)
  }
  await end()
})

t.test('100 Continue stands before its own answer, and is sent for what is let in only', async t => {
  const exit = await startPeer(echo)
  const { port, end } = await withExits([exit], () => ({ body: 'page' }), { cache: false })
  const expecting = request('POST http://a.example/', 'Expect: 100-Continue\r\nContent-Length: 2\r\n', 'ab')
  const statuses = async (text: string): Promise<number[]> => splitResponses((await raw(port, text)).toString()).map(({ status }) => status)
  t.strictSame(await statuses(request('GET http://a.example/') + expecting + request('GET http://a.example/')), [200, 100, 200, 200])
  t.strictSame(
    await statuses(request('POST http://10.0.0.1:99999/', 'Expect: 100-continue\r\nContent-Length: 2\r\n', 'ab')),
    [400],
    'refused before its body is asked for'
  )
  t.strictSame(await statuses(request('POST http://a.example/', 'Expect: tea\r\n') + request('GET http://a.example/')), [417, 200])
  t.strictSame(await statuses('GET http://a.example/ HTTP/1.0\r\nExpect: 100-continue\r\n\r\n'), [200])
  await end()
})

t.test('who ends his side only gets his answers', async t => {
  const site = createServer(socket => { socket.once('data', () => setTimeout(() => socket.end('late'), 100)) }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  const slow = (_request: IncomingMessage, response: ServerResponse): void => { setTimeout(() => response.end('hello'), 100) }
  const exit = await startPeer(slow)
  exit.server.on('connect', (_request: IncomingMessage, socket: Socket, ahead: Buffer) => {
    socket.unshift(ahead)
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    const upstream = connect(portOf(site), '127.0.0.1')
    socket.on('end', () => upstream.destroy())
    socket.on('data', data => upstream.write(data))
    upstream.on('data', data => socket.write(data)).on('end', () => socket.end())
  })
  const { port, end } = await withExits([exit], async () => await new Promise(resolve => setTimeout(resolve, 100, { body: 'hello' })), {
    cache: false
  })
  const asked = [
    request('GET http://a.example/'),
    'GET http://a.example/ HTTP/1.0\r\n\r\n',
    request('POST http://a.example/', 'Content-Length: 2\r\n', 'hi'),
    request('POST http://a.example/', 'Transfer-Encoding: chunked\r\n', '2\r\nhi\r\n0\r\n\r\n'),
    request('GET http://a.example/1') + request('GET http://a.example/2')
  ]
  for (const text of asked) {
    const answers = answersOf((await raw(port, text)).toString())
    t.ok(answers.length > 0 && answers.every(({ body, status }) => status === 200 && body === 'hello'), JSON.stringify(text))
  }
  t.match((await raw(port, `CONNECT a.example:80 HTTP/1.1\r\n${HOST}\r\nGET`)).toString(), /late$/)
  t.equal(
    parseRaw(await raw(port, request('POST http://a.example/', 'Content-Length: 9\r\n', 'abc'))).status,
    400,
    'half a body is no request'
  )
  await end()
  site.close()
})

t.test('an answer before the end of its request: the rest is read away', async t => {
  const { server, keys } = await startPeer(() => {})
  server.removeAllListeners('request')
  server.on('request', (_request: IncomingMessage, response: ServerResponse) => { response.writeHead(413).end('too big') })
  const { port, proxy, streams, end } = await withExits([{ server, keys, seen: [] }], () => ({}))
  const size = 8_000_000
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', data => { text += data.toString() })
  const closed = once(socket, 'close')
  socket.write(request('POST http://a.example/plain', `Content-Length: ${size}\r\n`))
  socket.end(Buffer.alloc(size))
  await closed
  t.match(text, /^HTTP\/1.1 413 [^]*Connection: close[^]*too big/)
  t.equal(socket.bytesWritten > size, true, 'all of it was taken')
  t.strictSame(streams.sockets.map(({ destroyed }) => destroyed), [true], 'the stream that carried it is given up')
  t.equal(proxy.activity.inFlightCount, 0)
  await end()
})

t.test('a browser that has left is known by the reset', async t => {
  const { proxy, core, port } = await startProxy(() => undefined, { cache: false })
  for (const bytes of [
    request('GET http://a.example/1'),
    request('GET http://a.example/2') + request('POST http://a.example/', 'Content-Length: 1\r\n', 'x')
  ]) {
    const socket = connect(port, '127.0.0.1')
    const begun = once(proxy.activity, 'begin')
    socket.write(bytes)
    await begun
    const ended = once(proxy.activity, 'end')
    socket.destroy()
    const [{ path, error }] = await ended
    t.strictSame([path, error], ['left', undefined])
  }
  t.equal(proxy.activity.inFlightCount, 0)
  t.equal(core.requests.length, 2, 'what was pipelined behind it never began')
  await proxy.close()
})

t.test('a cancelled download has left, and is no fault', async t => {
  const exit = await startPeer((_request, response) => {
    response.writeHead(200, { 'content-length': '100000000' })
    response.write('begin')
  })
  const { proxy, port, end } = await withExits([exit], () => ({ fail: { code: 'too-large' } }))
  const socket = connect(port, '127.0.0.1')
  const ended = once(proxy.activity, 'end')
  socket.write(request('GET http://a.example/file'))
  await once(socket, 'data')
  socket.resetAndDestroy()
  const [activity] = await ended
  t.match(activity, { path: 'left', status: 200 })
  t.equal(activity.error, undefined)
  t.equal(proxy.activity.faults, 0)
  await end()
})

t.test('small rules', async t => {
  const exit = await startPeer(echo)
  const { port, core, session, streams, end } = await withExits([exit], () => ({ body: 'page' }), { cache: false })
  const kept = await raw(port, `GET http://a.example/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n${request('GET http://a.example/')}`, {
    half: false
  })
  t.match(kept.toString(), /Connection: close/i, 'no connection of HTTP/1.0 is kept')
  t.equal(splitResponses(kept.toString()).length, 1)
  const here = await get(port, 'http://a.example/', [['Max-Forwards', '0']], 'OPTIONS')
  t.equal(here.status, 200)
  t.match(here.get('allow'), /GET.*PROPFIND/)
  t.equal(exit.seen.length, 0)
  await get(port, 'http://a.example/', [['Max-Forwards', '3']], 'OPTIONS')
  t.match(exit.seen.at(-1)?.headers.join(), /Max-Forwards,2/)
  await get(port, 'http://a.example', [], 'OPTIONS')
  t.equal(exit.seen.at(-1)?.url, 'http://a.example', 'the exit is the last proxy')
  session.names.set('a.i2p', exit.keys.destination)
  await get(port, 'http://a.i2p', [], 'OPTIONS')
  t.equal(exit.seen.at(-1)?.url, '*')
  t.ok(streams.connected.length > 0)
  t.equal((await get(port, '*', [], 'OPTIONS')).status, 200)
  t.equal(
    parseRaw(
      await raw(port, 'POST http://a.example/ HTTP/1.1\r\nHost:\ta.example\t\r\nContent-Length:\t2 \t\r\nConnection: close\r\n\r\nab')
    ).status,
    200
  )
  t.equal(exit.seen.at(-1)?.body, 'ab')
  for (const bytes of ['FOO http://a.example/ HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\n\n']) {
    const refused = parseRaw(await raw(port, bytes))
    t.equal(refused.status, bytes.startsWith('FOO') ? 501 : 400)
    t.match(refused.get('date'), / GMT$/)
  }
  const targets = [
    ['/?', '/?'], [
      '/a/../b', '/a/../b'
    ], ['/a/./b', '/a/./b'], ['/a/%2e%2E/b', '/a/%2e%2E/b'], ['/..', '/..'], ['//x//y', '//x//y'], ['/%7e%41%zz', '/%7e%41%zz'],
    ['/x;p=1;q?', '/x;p=1;q?'], [
      '/?q=\'a\'&b="c"', '/?q=\'a\'&b="c"'
    ], ['/a[1]{2}|^`<>?a[]=1', '/a[1]{2}|^`<>?a[]=1'], ['?x', '/?x'], ['', '/'], ['/a\\b', '/a%5Cb'],
    ['/тест?q=ü', '/%D1%82%D0%B5%D1%81%D1%82?q=%C3%BC']
  ] as const
  for (const [written, sent] of targets) {
    t.equal(
      parseRaw(
        await raw(port, Buffer.from(`GET http://a.example${written} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`), { half: false })
      ).status,
      200
    )
    t.equal(core.requests.at(-1)?.url, `http://a.example${sent}`)
    await raw(port, Buffer.from(`DELETE http://a.i2p${written} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`), { half: false })
    t.equal(exit.seen.at(-1)?.url, sent)
  }
  await end()
})

t.test('interim answers of a site go on, in order', async t => {
  const site = createServer(socket => {
    socket.once('data', () =>
      socket.end(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nVia: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      ))
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  const exit = await startPeer(echo)
  const { port, streams, end } = await withExits([exit], () => ({}))
  streams.ports.set(exit.keys.destination.b32, portOf(site))
  const answers = splitResponses((await raw(port, request('POST http://a.example/', 'Content-Length: 0\r\n'), { half: true })).toString())
  t.strictSame(answers.map(({ status }) => status), [103, 200])
  t.equal(answers[0]?.head, 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload')
  t.strictSame(
    splitResponses((await raw(port, 'POST http://a.example/ HTTP/1.0\r\n\r\n')).toString()).map(({ status }) => status),
    [200],
    'HTTP/1.0 has none'
  )
  await end()
  site.close()
})

t.test('fields that are allowed in addition', async t => {
  const { proxy, core, port } = await startProxy(() => ({ body: 'ok' }), { allowFields: ['X-Mine'], cache: false })
  await get(port, 'http://a.example/', [['x-mine', '1'], ['x-other', '2'], ['Date', 'now'], ['Signature', 'keyId="a"']])
  t.strictSame(core.requests[0]?.headers.slice(5), [['X-Mine', '1'], ['Date', 'now'], ['Signature', 'keyId="a"']])
  await proxy.close()
  for (const name of ['Via', 'x y', '', 'Proxy-Anything', 'X-Forwarded-For']) {
    await t.rejects(
      startProxy(() => ({}), { allowFields: [name] }),
      RangeError,
      name
    )
  }
})

t.test('white space in fields costs no time, and what is before a line\'s end goes', async t => {
  const exit = await startPeer((request, response) => response.end(JSON.stringify(request.headers['x-api-key'])))
  const { port, end } = await withExits([exit], () => ({ body: 'page' }), { cache: false })
  const began = performance.now()
  for (const [field, value] of [
    [`a${'\t'.repeat(20_000)}b`, 200],
    [`a${' \t'.repeat(10_000)}`, 200],
    [`${'\t '.repeat(10_000)}b`, 200]
  ] as const) {
    const answer = (await raw(port, request('GET http://a.example/', `X-Api-Key: ${field}\r\n`))).toString()
    t.match(answer, new RegExp(`^HTTP/1.1 (?:${value}|431)`))
  }
  t.ok(performance.now() - began < 10_000, `${Math.round(performance.now() - began)} ms; one of them took hours`)
  await end()
})
