import t from 'tap'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { encodeB33, RED25519 } from '@minwww/i2cp'
import { firstOf } from '../src/route/peer-search.ts'
import { StreamFailure } from '../src/route/stream-path.ts'
import type { StreamPeer } from '../src/route/streams.ts'
import type { ExitStatus } from '../src/core.ts'
import { get, keys, parseRaw, raw, startProxy } from './proxy-support.ts'
import { echo, portOf, startPeer, withExits } from './stream-support.ts'
import { ProxyError } from '../src/index.ts'

t.test('a POST goes over a stream, in absolute-form, rebuilt', async t => {
  const exit = await startPeer(echo)
  const { port, core, end } = await withExits([exit], () => ({}))
  const answer = await get(
    port, 'http://a.example/form', [['Content-Length', '3'], ['X-Forwarded-For', '1.2.3.4'], ['cookie', 'a=b']], 'POST', 'x=1'
  )
  t.equal(answer.text, 'from the exit')
  t.strictSame(exit.seen.map(({ method, url, body }) => [method, url, body]), [['POST', 'http://a.example/form', 'x=1']])
  const headers = exit.seen[0]!.headers.join('\n')
  t.match(headers, /Cookie\na=b/)
  t.match(headers, /Content-Length\n3/)
  t.notMatch(headers, /forwarded/i)
  t.equal(core.requests.length, 0)
  for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND']) {
    t.equal((await get(port, 'http://a.example/', [['Content-Length', '0']], method)).status, 200, method)
  }
  const chunked = parseRaw(await raw(
    port, 'POST http://a.example/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    { half: false }
  ))
  t.equal(chunked.status, 200)
  t.equal(exit.seen.at(-1)?.body, 'abc')
  t.equal((await get(port, 'http://a.example/', [['Content-Length', String(2 ** 40)]], 'POST')).status, 413)
  await end()
})

t.test('a stream that is used again and again gathers no listeners', async t => {
  const { port, streams, end } = await withExits([await startPeer(echo)], () => ({}))
  const counts = (): unknown[] => streams.sockets[0]!.eventNames().map(name => [name, streams.sockets[0]!.listenerCount(name)])
  for (let n = 0; n < 3; n++) await get(port, 'http://a.example/', [], 'OPTIONS')
  const early = counts()
  for (let n = 0; n < 20; n++) t.equal((await get(port, 'http://a.example/', [], 'OPTIONS')).status, 200)
  t.equal(streams.connected.length, 1)
  t.strictSame(counts(), early)
  await end()
})

t.test('after ERROR 3 the same exit sends the rest over a stream', async t => {
  const big = Buffer.alloc(5_000_000, 'b')
  const exits = await Promise.all([1, 2].map(async () => await startPeer((_, response) => { response.end(big) })))
  const { port, core, end } = await withExits(exits, () => ({ fail: { code: 'too-large', size: big.length, exit: 'exit1' } }))
  const answer = await get(port, 'http://a.example/big')
  t.equal(createHash('sha1').update(answer.body).digest('hex'), createHash('sha1').update(big).digest('hex'))
  t.equal(core.requests.length, 1)
  t.equal(exits[0]!.seen.length, 0)
  t.equal(exits[1]!.seen.length, 1)
  await end()
})

t.test('a dead exit is left for the next one; all dead is 502', async t => {
  const alive = await startPeer(echo)
  const { port, proxy, streams, end } = await withExits([alive], () => ({ fail: { code: 'too-large', exit: 'dead' } }))
  proxy.addExit({ id: 'dead', destination: keys().destination })
  t.equal((await get(port, 'http://a.example/')).text, 'from the exit')
  t.equal(streams.connected.length, 2)
  streams.ports.clear()
  const gone = await get(port, 'http://b.example/', [], 'DELETE')
  t.equal(gone.status, 502)
  t.equal(gone.get('x-minwww-error'), 'MINWWW_CONNECTION_FAILED')
  await end()
})

t.test('a POST whose exit does not take the stream goes to the next one, and to one only', async t => {
  const exits = [await startPeer(echo), await startPeer(echo), await startPeer(echo)]
  const { port, streams, end } = await withExits(exits, () => ({}))
  // The first that a POST goes to, whichever it is, is dead: nothing listens there.
  await get(port, 'http://a.example/form', [['Content-Length', '1']], 'POST', 'x')
  const first = exits.find(({ seen }) => seen.length > 0)!
  streams.ports.set(first.keys.destination.b32, 1)
  for (const [length, body] of [['3', 'a=b'], ['0', '']] as const) {
    const before = exits.reduce((sum, { seen }) => sum + seen.length, 0)
    const answer = await get(port, 'http://a.example/form', [['Content-Length', length]], 'POST', body)
    t.equal(answer.status, 200)
    t.equal(exits.reduce((sum, { seen }) => sum + seen.length, 0), before + 1)
    t.equal(exits.filter(exit => exit !== first).map(({ seen }) => seen.at(-1)?.body).find(text => text !== undefined), body)
  }
  await end()
})

t.test('a POST that an exit has taken goes nowhere else', async t => {
  const exits = await Promise.all([1, 2].map(async () => await startPeer((request, response) => {
    request.socket.destroy()
    response.destroy()
  })))
  const { port, end } = await withExits(exits, () => ({}))
  for (const body of ['a=b', '']) {
    t.equal((await get(port, 'http://a.example/form', [['Content-Length', String(body.length)]], 'POST', body)).status, 502)
  }
  t.equal(exits.reduce((sum, { seen }) => sum + seen.length, 0), 2, 'one POST each')
  await end()
})

t.test('an exit names its failure, a site cannot ask for the proxy password', async t => {
  const exit = await startPeer((request, response) => {
    if (request.url!.endsWith('/policy')) {
      response.writeHead(403, { 'x-minwww-error': 'policy' }).end(`this exit does not pass on ${request.method}\n`)
    } else response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end('no')
  })
  const { port, end } = await withExits([exit], () => ({}))
  const refused = await get(port, 'http://10.0.0.1/policy', [], 'DELETE')
  t.equal(refused.status, 403)
  t.equal(refused.get('x-minwww-error'), 'MINWWW_POLICY')
  const method = await get(port, 'http://unknown.i2p/policy', [], 'PROPFIND')
  t.equal(method.get('x-minwww-error'), 'MINWWW_POLICY', 'the exit may refuse the method: nothing is said of the name')
  t.match(method.text, /details: this exit does not pass on PROPFIND/)
  t.notMatch(method.text, /jump/i)
  t.equal((await get(port, 'http://a.example/', [], 'DELETE')).status, 502)
  await end()
})

t.test('CONNECT to fewer ports than the exits allow', async t => {
  const { port, end } = await withExits([await startPeer(echo)], () => ({}), { connectPorts: [443] })
  t.equal(parseRaw(await raw(port, 'CONNECT a.example:80 HTTP/1.1\r\nHost: x\r\n\r\n')).get('x-minwww-error'), 'MINWWW_PORT_FORBIDDEN')
  await end()
})

t.test('CONNECT that waits for the exit', async t => {
  const sockets: Socket[] = []
  const upper = createTcpServer(socket => {
    sockets.push(socket)
    socket.on('data', data => socket.write(data.toString().toUpperCase()))
    socket.on('end', () => socket.end())
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(upper, 'listening')
  const exit = await startPeer(echo)
  const asked: string[] = []
  exit.server.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(`${request.url} ${request.rawHeaders.join()}`)
    if (request.url!.startsWith('no.')) return socket.end('HTTP/1.1 403 No\r\n\r\n')
    const site = connect(portOf(upper), '127.0.0.1')
    socket.write('HTTP/1.1 200 OK\r\nX-Exit: y\r\n\r\n')
    socket.pipe(site).pipe(socket)
  })
  const { port, proxy, streams, session, end } = await withExits([exit], () => ({}), { honestConnect: true })
  const tunnel = await raw(port, 'CONNECT Secure.Example:443 HTTP/1.1\r\nHost: x\r\nUser-Agent: secret\r\n\r\nhello')
  t.equal(tunnel.toString(), 'HTTP/1.1 200 Connection established\r\n\r\nHELLO')
  t.strictSame(asked, ['secure.example:443 Host,secure.example:443,X-MinWWW-Path,400 20 131072 10,Connection,close'])
  t.equal(parseRaw(await raw(port, 'CONNECT no.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')).status, 403)
  t.match((await raw(port, 'CONNECT a.example:9000 HTTP/1.1\r\nHost: x\r\n\r\nabc')).toString(), /ABC$/, 'the exit decides on ports')
  t.equal(parseRaw(await raw(port, 'CONNECT minwww.i2p:80 HTTP/1.1\r\nHost: x\r\n\r\n')).status, 421)
  t.equal(parseRaw(await raw(port, `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`)).status, 508)
  const site = keys()
  session.names.set('tls.i2p', site.destination)
  streams.ports.set(site.destination.b32, portOf(upper))
  t.match((await raw(port, 'CONNECT tls.i2p:443 HTTP/1.1\r\nHost: x\r\n\r\nabc')).toString(), /ABC$/)
  t.ok(streams.connected.includes(`${site.destination.b32}:443`))
  t.strictSame(proxy.activity.done.map(row => row.path).slice(0, 1), ['tunnel'])
  t.equal(proxy.activity.inFlight.length, 0)
  const open = connect(port, '127.0.0.1')
  open.write('CONNECT tls.i2p:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(open, 'data')
  const closed = once(open, 'close')
  await end()
  await closed
  for (const socket of sockets) socket.destroy()
  upper.close()
})

t.test('WebSocket', async t => {
  const exit = await startPeer((_, response) => { response.writeHead(426, { 'x-b': 'c' }).end('no') })
  exit.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    exit.seen.push({ method: 'UPGRADE', url: request.url!, headers: request.rawHeaders, body: '' })
    if (request.url!.endsWith('/no')) return socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno')
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: abc\r\nAlt-Svc: x\r\n\r\n'
    )
    socket.pipe(socket)
  })
  const { port, end } = await withExits([exit], () => ({ body: 'plain' }))
  const head = (
    url: string, upgrade: string
  ): string =>
    `GET ${url} HTTP/1.1\r\nHost: a.example\r\nUpgrade: ${upgrade}\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: k==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://a.example\r\nX-Secret: 1\r\n\r\n`
  const bytes = (await raw(port, head('http://a.example/ws', 'WebSocket') + 'frames')).toString()
  // Who has ended his side gets a 100 (Continue) on a busy machine, after a second.
  t.match(
    bytes.replace(/^HTTP\/1.1 100 Continue\r\n\r\n/, ''),
    /^HTTP\/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: abc\r\n\r\nframes$/
  )
  t.equal(exit.seen[0]?.url, 'http://a.example/ws')
  t.match(exit.seen[0]?.headers.join('\n'), /Sec-Websocket-Key\nk==/i)
  t.notMatch(exit.seen[0]?.headers.join('\n'), /secret/i)
  const refused = parseRaw(await raw(port, head('http://a.example/no', 'websocket'), { half: false }))
  t.equal(refused.status, 426)
  t.equal(refused.text, 'no')
  const h2c = parseRaw(await raw(port, head('http://a.example/', 'h2c'), { half: false }))
  t.equal(h2c.text, 'plain')
  t.equal(
    parseRaw(
      await raw(port, 'POST http://a.example/ HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab')
    ).status,
    400
  )
  t.equal(parseRaw(await raw(port, head('/', 'websocket'))).status, 421)
  await end()
})

t.test('.i2p sites: directly as streams, as messages once they said so', async t => {
  const site = await startPeer((request, response) => {
    response.setHeader('Alt-Svc', request.url === '/off' ? 'clear' : 'h2="x:1", minwww=":80"; ma=600')
    response.end(`stream ${request.url}`)
  })
  const { destination } = site.keys
  const { port, core, session, end } = await withExits([site], () => ({ body: 'message' }), { exits: [], cache: false })
  session.names.set(destination.b32, destination)
  session.names.set('name.i2p', destination)
  const first = await get(port, `http://${destination.b32}/a?b`)
  t.equal(first.text, 'stream /a?b')
  t.equal(first.get('alt-svc'), undefined)
  t.equal((await get(port, 'http://name.i2p/')).text, 'message')
  t.ok(core.options[0]?.destination?.equals(destination))
  t.equal((await get(port, `http://${destination.base64}/x`)).text, 'message')
  t.equal(core.requests.at(-1)?.url, `http://${destination.b32}/x`)
  t.strictSame(core.requests.at(-1)?.headers[0], ['Host', destination.b32])
  t.equal((await get(port, 'http://name.i2p/', [['Content-Length', '0']], 'POST')).text, 'stream /')
  core.site = () => ({ fail: { code: 'timeout' } })
  t.equal((await get(port, 'http://name.i2p/fell/back')).text, 'stream /fell/back')
  core.site = () => ({ body: 'message' })
  t.equal((await get(port, 'http://name.i2p/again')).text, 'stream /again', 'not tried again so soon')
  const unknown = await get(port, `http://${'a'.repeat(52)}.b32.i2p/`)
  t.equal(unknown.get('x-minwww-error'), 'MINWWW_SITE_OFFLINE', 'the spelling is right, the site is not there')
  t.equal((await get(port, `http://${'a'.repeat(56)}.b32.i2p/`)).status, 400, 'a b33 address with a wrong checksum')
  const blinded = { signingType: RED25519, signingPublicKey: Buffer.alloc(32, 1) }
  const b33 = encodeB33(blinded)
  const hidden = await get(port, `http://${b33}/`)
  t.equal(hidden.status, 502)
  t.match(hidden.text, /encrypted LeaseSet/)
  const found = encodeB33({ ...blinded, signingPublicKey: Buffer.alloc(32, 2) })
  session.names.set(found, destination)
  t.equal((await get(port, `http://${found}/hidden`)).text, 'stream /hidden')
  t.match(site.seen.at(-1)?.headers.join(), `Host,${found}`)
  t.match((await get(port, `http://${encodeB33({ ...blinded, secretRequired: true })}/`)).text, /password/)
  await end()
})

t.test('exits that do not take a stream share one deadline', async t => {
  const opened: Duplex[] = []
  const streams = {
    connect: () => {
      const socket = Object.assign(new Duplex({ read () {}, write () {} }), { connecting: true })
      opened.push(socket)
      return socket
    }
  }
  const exits = ['one', 'two', 'three'].map(id => ({ id, destination: keys().destination }))
  const { proxy, port } = await startProxy(() => ({}), { streams, exits, timeout: 60, honestConnect: true })
  const tunnel = parseRaw(await raw(port, 'CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n', { half: false }))
  t.equal(tunnel.status, 504)
  t.equal((await get(port, 'http://a.example/', [['Content-Length', '0']], 'DELETE')).status, 504)
  t.ok(opened.length >= 2 && opened.every(socket => socket.destroyed), String(opened.length))
  await proxy.close()

  const shares: Array<[number, number]> = []
  const limits = { connect: 60_000, answer: 300_000 }
  const peers = exits.map(({ id, destination }): StreamPeer => ({ kind: 'exit', id, destination, port: 80 }))
  await t.rejects(firstOf(peers, limits, async (_peer, { connect, answer }) => {
    shares.push([Math.round(connect / 1_000), answer])
    throw new StreamFailure(new ProxyError('MINWWW_TIMEOUT'), true)
  }), { code: 'MINWWW_TIMEOUT' })
  t.strictSame(shares, [[20, 300_000], [30, 300_000], [60, 300_000]], 'the time to connect is shared, the answer has its own')
  shares.length = 0
  const known = peers.map((peer, index): StreamPeer => ({
    ...peer,
    path: { rtt: [200, 800, 200][index]!, rttvar: 0, rate: 100_000, loss: 0 }
  }))
  await t.rejects(firstOf(known, limits, async (_peer, { connect }) => {
    shares.push([Math.round(connect / 1_000), 0])
    throw new StreamFailure(new ProxyError('MINWWW_TIMEOUT'), true)
  }))
  t.strictSame(shares.map(([connect]) => connect), [5, 8, 60], 'ten round trips, and the last one has all that is left')
  await t.rejects(firstOf(peers, limits, async () => {
    throw new ProxyError('MINWWW_POLICY')
  }), { code: 'MINWWW_POLICY' }, 'a refusal that has meaning ends the search')
  await t.rejects(firstOf([], limits, async () => {}), { code: 'MINWWW_NO_EXIT' })
})

t.test('exits that never answered a message are asked over streams', async t => {
  const exit = await startPeer(echo)
  const { port, core, end } = await withExits([exit], () => ({ fail: { code: 'timeout' } }), { cache: false })
  const state: ExitStatus = {
    id: 'exit0', destination: exit.keys.destination, state: 'down', successes: 0, loss: 0, rate: 1, shape: 1, failures: 3, inFlight: 0, waiting: 0
  }
  core.exits = () => [state]
  t.equal((await get(port, 'http://a.example/')).text, 'from the exit')
  t.equal(core.requests.length, 0)
  state.state = 'probing'
  t.equal((await get(port, 'http://a.example/')).text, 'from the exit')
  t.equal(core.requests.length, 1)
  await end()
})

t.test('a body that breaks off breaks the browser\'s connection', async t => {
  const exit = await startPeer((_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half')
    response.socket!.end()
  })
  const { port, end } = await withExits([exit], () => ({ fail: { code: 'too-large' } }))
  const bytes = await raw(port, 'GET http://a.example/ HTTP/1.1\r\nHost: a\r\n\r\n', { half: false })
  t.match(bytes.toString(), /half$/)
  await end()
})

t.test('a file goes on from another exit when its exit dies', async t => {
  const content = Buffer.alloc(300_000, 'abcdefghij')
  const sendFile = (request: IncomingMessage, response: import('node:http').ServerResponse): void => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const fields = { etag: '"1"', 'accept-ranges': 'bytes', 'content-length': content.length - from }
    if (from > 0) {
      response
        .writeHead(206, { ...fields, 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` })
        .end(content.subarray(from))
    } else response.writeHead(200, fields).write(content.subarray(0, 100_000), () => request.socket.resetAndDestroy())
  }
  const exits = [await startPeer(sendFile), await startPeer(sendFile)]
  const { port, end } = await withExits(exits, () => ({ fail: { code: 'too-large' } }))
  const answer = await get(port, 'http://a.example/file')
  t.equal(answer.status, 200)
  t.ok(answer.body.equals(content))
  t.strictSame(exits.map(({ seen }) => seen.length), [1, 1], 'each was asked once')
  await end()
})

t.test('idle streams are used again, and a dead one is replaced', async t => {
  const exit = await startPeer(echo)
  const { port, streams, end } = await withExits([exit], () => ({ fail: { code: 'too-large' } }), { cache: false })
  await get(port, 'http://a.example/1')
  await get(port, 'http://a.example/2')
  t.equal(streams.connected.length, 1)
  exit.server.closeAllConnections()
  t.equal((await get(port, 'http://a.example/3')).text, 'from the exit')
  t.equal(streams.connected.length, 2)
  await end()
})

t.test('streams that cannot be opened are a failure of the way there, not of the proxy', async t => {
  const exit = await startPeer(echo)
  const { port, proxy, streams, end } = await withExits([exit], () => undefined, {
    exits: [{ id: 'exit0', destination: exit.keys.destination }],
    honestConnect: true
  })
  t.teardown(end)
  streams.connect = () => { throw Object.assign(new Error('the session is closed'), { code: 'STREAMING_CLOSED' }) }
  const asked: Array<[string, Array<[string, string]>, string]> = [
    ['PROPFIND', [], ''],
    ['POST', [['Transfer-Encoding', 'chunked']], '0\r\n\r\n']
  ]
  for (const [method, fields, body] of asked) {
    const { status, text } = await get(port, 'http://a.example/', fields, method, body)
    t.equal(status, 502, method)
    t.match(text, /MINWWW_CONNECTION_FAILED/, method)
  }
  const tunnel = parseRaw(await raw(port, 'CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n', { half: false }))
  t.equal(tunnel.status, 502, 'CONNECT')
  t.equal(proxy.activity.faults, 0)
})
