import t, { type Test } from 'tap'
import fc from 'fast-check'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import type { LocalDestination } from '@minwww/i2cp/codec'
import { HONEST_TIME, HonestHosts, MAX_HONEST } from '../src/route/honest-hosts.ts'
import { EarlyTunnel, MAX_KEPT } from '../src/route/early-tunnel.ts'
import { ProxyError, type ProxyOptions } from '../src/index.ts'
import { clientHello, withExtension } from './hello.ts'
import { keys, parseRaw, raw, startProxy, type Fixture } from './proxy-support.ts'
import { FakeStreams, portOf } from './stream-support.ts'

const TOLD = 'HTTP/1.1 200 Connection established\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\n\r\n'
const CONNECT = 'CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n'

interface Peer { server: Server, keys: LocalDestination, seen: string[], sockets: Socket[] }
/** What a peer does with what it has heard of one stream so far. */
type Act = (socket: Socket, heard: string) => void

async function startTcpPeer (t: Test, act: Act): Promise<Peer> {
  const seen: string[] = []
  const sockets: Socket[] = []
  const server = createServer(socket => {
    const at = seen.push('') - 1
    sockets.push(socket)
    socket.on('error', () => {}).on('data', data => {
      seen[at] += data.toString('latin1')
      act(socket, seen[at]!)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { server, keys: keys(), seen, sockets }
}

const whole = (hello: Buffer) => (heard: string): boolean => heard.endsWith(hello.toString('latin1'))

async function fixture (
  t: Test,
  acts: Act[],
  options: Partial<ProxyOptions> = {}
): Promise<Fixture & { peers: Peer[]; streams: FakeStreams; exits: () => Peer[] }> {
  const peers = await Promise.all(acts.map(async act => await startTcpPeer(t, act)))
  const streams = new FakeStreams()
  for (const { keys, server } of peers) streams.ports.set(keys.destination.b32, portOf(server))
  const fixture = await startProxy(() => ({}), {
    streams,
    exits: peers.map(({ keys }, index) => ({ id: `exit${index}`, destination: keys.destination })),
    ...options
  })
  t.teardown(async () => {
    await fixture.proxy.close()
  })
  /** In the order in which they are asked. */
  const exits = (): Peer[] => [...new Set(streams.connected)].map(name => peers.find(({ keys }) => name.startsWith(keys.destination.b32))!)
  return { ...fixture, peers, streams, exits }
}

interface Browser {
  socket: Socket
  text: () => string
  closed: Promise<unknown>
  until: (isThere: (text: string) => boolean) => Promise<void>
}

function browse (t: Test, port: number, first = CONNECT): Browser {
  let text = ''
  const socket = connect(port, '127.0.0.1')
  socket.write(first)
  socket.on('error', () => {}).on('data', data => { text += data.toString('latin1') })
  t.teardown(() => socket.destroy())
  const closed = once(socket, 'close')
  return {
    socket,
    text: () => text,
    closed,
    until: async isThere => {
      while (!isThere(text)) {
        await Promise.race([once(socket, 'data'), closed.then(() => {
          throw new Error(`closed after ${JSON.stringify(text)}`)
        })])
      }
    }
  }
}

const until = async (isThere: () => boolean): Promise<void> => { while (!isThere()) await new Promise(setImmediate) }

t.test('the browser is told at once, and the exit hears it before it has answered', async t => {
  const hello = await clientHello()
  const { port, peers: [exit], proxy } = await fixture(t, [() => {}])
  const browser = browse(t, port)
  await browser.until(text => text === TOLD)
  browser.socket.write(hello)
  await until(() => exit!.seen.some(whole(hello)))
  t.equal(
    exit!.seen[0],
    `CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nX-MinWWW-Path: 400 20 131072 10\r\nConnection: close\r\n\r\n${hello.toString('latin1')}`
  )
  exit!.sockets[0]!.write(`${OK}server hello`)
  await browser.until(text => text === `${TOLD}server hello`)
  exit!.sockets[0]!.write(' and more')
  browser.socket.write('finished')
  await browser.until(text => text.endsWith(' and more'))
  await until(() => exit!.seen[0]!.endsWith('finished'))
  browser.socket.end()
  await browser.closed
  await until(() => proxy.activity.inFlightCount === 0)
  t.match(proxy.activity.done[0], { method: 'CONNECT', url: 'a.example:443', path: 'tunnel', status: 200, exit: 'exit0' })
})

t.test('an exit that fails before a byte of the site: the next one hears the same', async t => {
  const hello = await clientHello()
  const isWhole = whole(hello)
  const failures: Array<[string, Act]> = [
    ['refuses', (socket, heard) => {
      if (isWhole(heard)) socket.end('HTTP/1.1 403 No\r\nX-MinWWW-Error: policy\r\nContent-Length: 2\r\n\r\nno')
    }],
    ['ends without an answer', (socket, heard) => { if (isWhole(heard)) socket.end() }],
    ['resets without an answer', (socket, heard) => { if (isWhole(heard)) socket.resetAndDestroy() }],
    ['answers no HTTP', (socket, heard) => { if (isWhole(heard)) socket.end('SSH-2.0\r\n\r\n') }]
  ]
  for (const [name, fail] of failures) {
    let isFirst = true
    const act: Act = (socket, heard) => {
      if (!isWhole(heard)) return
      if (isFirst) fail(socket, heard)
      else socket.write(`${OK}server hello`)
      isFirst = false
    }
    const { port, exits, proxy } = await fixture(t, [act, act])
    const browser = browse(t, port)
    await browser.until(text => text === TOLD)
    browser.socket.write(hello)
    await browser.until(text => text === `${TOLD}server hello`)
    t.strictSame(exits().map(({ seen }) => seen.length), [1, 1], name)
    t.ok(isWhole(exits()[1]!.seen[0]!), `${name}: the next one hears it all`)
    browser.socket.destroy()
    await until(() => proxy.activity.inFlightCount === 0)
    t.match(proxy.activity.done[0], { path: 'tunnel', status: 200 }, name)
  }
})

t.test('a stream that breaks after the answer of the exit and before a byte of the site; and a site that ends without a word', async t => {
  const hello = await clientHello()
  const isWhole = whole(hello)
  let isFirst = true
  const { port, exits, streams } = await fixture(t, Array<Act>(2).fill((socket, heard) => {
    if (isWhole(heard)) socket.write(isFirst ? OK : `${OK}server hello`)
    isFirst = false
  }))
  const browser = browse(t, port)
  await browser.until(text => text === TOLD)
  browser.socket.write(hello)
  await until(() => exits()[0]?.seen.some(isWhole) === true)
  await until(() => streams.sockets[0]!.listenerCount('data') > 0 && (streams.sockets[0] as Socket).bytesRead === OK.length)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  streams.sockets[0]!.destroy(new Error('reset'))
  await browser.until(text => text === `${TOLD}server hello`)
  const silent = browse(t, port)
  await silent.until(text => text === TOLD)
  silent.socket.write('GET / HTTP/1.1\r\n\r\n')
  const { peers } = { peers: exits() }
  const asked = (): Peer | undefined => peers.find(({ seen }) => seen.at(-1)?.endsWith('GET / HTTP/1.1\r\n\r\n'))
  await until(() => asked() !== undefined)
  asked()!.sockets.at(-1)!.end(OK)
  await silent.closed
  t.equal(silent.text(), TOLD, 'its end is passed on, and nobody else is asked')
  t.equal(peers.reduce((sum, { seen }) => sum + seen.length, 0), 3)
})

t.test('a dead exit, before the browser has said anything', async t => {
  const { port, peers, streams, exits } = await fixture(t, [socket => socket.write(OK), socket => socket.write(OK)])
  const first = browse(t, port)
  await until(() => exits().length === 1 && exits()[0]!.seen.length === 1)
  first.socket.destroy()
  const dead = exits()[0]!
  const other = peers.find(peer => peer !== dead)!
  streams.ports.set(dead.keys.destination.b32, 1)
  const browser = browse(t, port)
  await until(() => other.seen[0]?.endsWith('\r\n\r\n') === true)
  other.sockets[0]!.write('220 ready\r\n')
  await browser.until(text => text === `${TOLD}220 ready\r\n`)
})

t.test('what could happen twice is not repeated: the connection ends, and the next one is answered honestly', async t => {
  const hello = withExtension(await clientHello(), 42)
  const cases: Array<[string, Buffer]> = [
    ['early data', hello],
    ['a POST', Buffer.from('POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n')],
    ['anything', Buffer.from('\0\x01do it')]
  ]
  for (const [name, bytes] of cases) {
    const isWhole = whole(bytes)
    const act: Act = (socket, heard) => {
      if (isWhole(heard) || heard.includes('b.example')) socket.end('HTTP/1.1 503 Busy\r\nX-MinWWW-Error: busy\r\n\r\n')
    }
    const lines: Array<[object, string]> = []
    const logger = {
      child: () => logger, debug () {}, info () {}, error () {}, warn: (facts: object, text: string) => lines.push([facts, text])
    }
    const { port, peers, proxy } = await fixture(t, [act, act], { logger: logger as never })
    const browser = browse(t, port)
    await browser.until(text => text === TOLD)
    browser.socket.write(bytes)
    await browser.closed
    t.equal(browser.text(), TOLD, name)
    t.equal(peers.reduce((sum, { seen }) => sum + seen.length, 0), 1, `${name}: one exit heard it`)
    t.match(proxy.activity.done[0], { path: 'error', error: 'MINWWW_BUSY', status: 503, url: 'a.example:443' }, `${name}: the cause`)
    t.match(lines, [[{ code: 'MINWWW_BUSY' }, /tunnel/]], name)
    t.notMatch(JSON.stringify(lines), /a\.example/, 'the log names no site')
    // The exits of this test refuse once they have heard of b.example, or all of the bytes: honest mode sends neither.
    const honest = browse(t, port)
    await until(() => peers.reduce((sum, { seen }) => sum + seen.length, 0) === 2)
    t.equal(honest.text(), '', `${name}: nothing is promised now`)
    peers.flatMap(({ sockets }) => sockets).at(-1)!.end('HTTP/1.1 451 No\r\n\r\n')
    for (const socket of peers.flatMap(({ sockets }) => sockets)) socket.end('HTTP/1.1 451 No\r\n\r\n')
    await until(() => peers.reduce((sum, { seen }) => sum + seen.length, 0) === 3)
    for (const socket of peers.flatMap(({ sockets }) => sockets)) socket.end('HTTP/1.1 451 No\r\n\r\n')
    await honest.closed
    t.equal(parseRaw(Buffer.from(honest.text())).status, 451, `${name}: the real status`)
    const elsewhere = browse(t, port, 'CONNECT b.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')
    await elsewhere.until(text => text === TOLD)
    await elsewhere.closed
  }
})

t.test('after a byte of the site nothing is repeated', async t => {
  const hello = await clientHello()
  const isWhole = whole(hello)
  const act: Act = (socket, heard) => { if (isWhole(heard)) socket.write(`${OK}s`, () => setTimeout(() => socket.destroy(), 20)) }
  const { port, peers, proxy } = await fixture(t, [act, act])
  const browser = browse(t, port)
  browser.socket.write(hello)
  await browser.closed
  t.equal(browser.text(), `${TOLD}s`)
  t.equal(peers.reduce((sum, { seen }) => sum + seen.length, 0), 1)
  await until(() => proxy.activity.inFlightCount === 0)
  t.match(proxy.activity.done[0], { path: 'tunnel' })
})

t.test('no more than what can be kept leaves before the exit has answered', async t => {
  const { port, peers: [exit] } = await fixture(t, [() => {}])
  const browser = browse(t, port)
  await browser.until(text => text === TOLD)
  const much = Buffer.alloc(5 * MAX_KEPT, 'abcdefghij')
  browser.socket.write(much)
  const body = (): string => exit!.seen[0]?.split('\r\n\r\n').slice(1).join('\r\n\r\n') ?? ''
  await until(() => body().length >= MAX_KEPT)
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  t.equal(body().length, MAX_KEPT)
  exit!.sockets[0]!.write(OK)
  await until(() => body().length === much.length)
  t.equal(body(), much.toString('latin1'))
  exit!.sockets[0]!.write('answer')
  await browser.until(text => text.endsWith('answer'))
})

t.test('more than what can be kept, after the answer: no way back', async t => {
  const { port, peers } = await fixture(t, [socket => socket.write(OK), socket => socket.write(OK)])
  const browser = browse(t, port)
  await browser.until(text => text === TOLD)
  const much = Buffer.alloc(3 * MAX_KEPT, 'x')
  browser.socket.write(much)
  const exit = (): Peer => peers.find(({ seen }) => seen.length > 0)!
  await until(() => (peers.some(({ seen }) => seen.length > 0)) && exit().seen[0]!.length > much.length)
  exit().sockets[0]!.resetAndDestroy()
  await browser.closed
  t.equal(peers.reduce((sum, { seen }) => sum + seen.length, 0), 1)
})

t.test('an exit that never spoke MinWWW hears nothing before its answer', async t => {
  const hello = await clientHello()
  const { port, core, peers: [outproxy] } = await fixture(t, [() => {}])
  core.exits = () => [
    {
      id: 'exit0',
      destination: outproxy!.keys.destination,
      state: 'new',
      successes: 0,
      loss: 0,
      rate: 1,
      shape: 1,
      failures: 0,
      inFlight: 0,
      waiting: 0
    }
  ]
  const browser = browse(t, port)
  await browser.until(text => text === TOLD)
  browser.socket.write(hello)
  await until(() => outproxy!.seen.length > 0)
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  t.match(outproxy!.seen[0], /\r\n\r\n$/)
  outproxy!.sockets[0]!.write(OK)
  await until(() => outproxy!.seen.some(whole(hello)))
  outproxy!.sockets[0]!.write('server hello')
  await browser.until(text => text === `${TOLD}server hello`)
})

t.test('a site of I2P: its bytes go with the stream; a dead one is told honestly the next time', async t => {
  const hello = await clientHello()
  const { port, session, streams, proxy, peers: [site] } = await fixture(t, [(socket, heard) => {
    if (whole(hello)(heard)) socket.write('server hello')
  }], { exits: [] })
  session.names.set('tls.i2p', site!.keys.destination)
  const browser = browse(t, port, 'CONNECT tls.i2p:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  browser.socket.write(hello)
  await browser.until(text => text === `${TOLD}server hello`)
  t.strictSame(site!.seen, [hello.toString('latin1')])
  browser.socket.destroy()
  await until(() => proxy.activity.inFlightCount === 0)
  streams.ports.clear()
  const cut = browse(t, port, 'CONNECT tls.i2p:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  await cut.closed
  t.equal(cut.text(), TOLD)
  t.match(proxy.activity.done[0], { path: 'error', error: 'MINWWW_CONNECTION_FAILED' })
  t.equal(parseRaw(await raw(port, 'CONNECT tls.i2p:443 HTTP/1.1\r\nHost: x\r\n\r\n')).status, 502, 'the status this time')
  t.equal(parseRaw(await raw(port, 'CONNECT unknown.i2p:443 HTTP/1.1\r\nHost: x\r\n\r\n')).status, 503, 'what is known here is said here')
})

t.test('nobody to ask, nobody who is likely to answer, and by option: honest from the start', async t => {
  const { port } = await fixture(t, [], { exits: [] })
  t.equal(parseRaw(await raw(port, CONNECT)).status, 503)
  const { port: other } = await fixture(t, [socket => socket.end('HTTP/1.1 403 No\r\n\r\n')], { honestConnect: true })
  t.equal(parseRaw(await raw(other, CONNECT)).status, 403)
})

t.test('a browser that leaves before its tunnel stands', async t => {
  const { port, proxy, peers: [exit] } = await fixture(t, [() => {}])
  const browser = browse(t, port)
  await browser.until(text => text === TOLD)
  await until(() => exit!.seen.length > 0)
  const gone = once(exit!.sockets[0]!, 'close')
  browser.socket.resetAndDestroy()
  await gone
  await until(() => proxy.activity.inFlightCount === 0)
  t.match(proxy.activity.done[0], { path: 'left' })
  // That is no reason to be careful with the site.
  await browse(t, port).until(text => text === TOLD)
})

t.test('the proxy closes while tunnels are promised', async t => {
  const { port, proxy, peers: [exit] } = await fixture(t, [() => {}])
  const browser = browse(t, port)
  await browser.until(text => text === TOLD)
  await until(() => exit!.seen.length > 0)
  await proxy.close()
  await browser.closed
  t.equal(proxy.activity.inFlightCount, 0)
})

t.test('an exit that has others behind it is not waited for as long as one that has none', async t => {
  const waited = async (srtt: number | undefined, connect: number): Promise<number[]> => {
    const times: number[] = []
    const path = srtt === undefined ? undefined : { rtt: srtt, rttvar: 0, rate: 100_000, loss: 0 }
    const candidates = ['one', 'two'].map(id => ({
      peer: { kind: 'exit' as const, id, destination: keys().destination, port: 80, path }, takesEarly: true
    }))
    const early = new EarlyTunnel({
      browser: new PassThrough(),
      candidates,
      limits: { connect, answer: 1_000 },
      signal: new AbortController().signal,
      dial: async (_candidate, limits) => {
        times.push(Math.round(limits.connect / 1_000))
        throw new ProxyError('MINWWW_TIMEOUT')
      },
      onNext: () => {}
    })
    await t.rejects(early.run(), { code: 'MINWWW_TIMEOUT' })
    return times
  }
  t.strictSame(await waited(undefined, 60_000), [30, 60], 'its share, where nothing is known of it')
  t.strictSame(await waited(100, 60_000), [5, 60])
  t.strictSame(await waited(1_500, 60_000), [15, 60])
  t.strictSame(await waited(100, 8_000), [4, 8])
})

t.test('the table of honest hosts', t => {
  const hosts = new HonestHosts()
  hosts.note(0, 'a:443')
  t.equal(hosts.has(HONEST_TIME - 1, 'a:443'), true)
  t.equal(hosts.has(HONEST_TIME - 1, 'a:80'), false)
  t.equal(hosts.has(HONEST_TIME, 'a:443'), false)
  t.equal(hosts.size, 0)
  const times = fc.array(fc.tuple(fc.nat(2_000), fc.nat(HONEST_TIME)), { minLength: 1_000, maxLength: 3_000 })
  fc.assert(fc.property(times, notes => {
    const table = new HonestHosts()
    let now = 0
    for (const [host, later] of notes) {
      table.note(now += later % 50, `${host}:443`)
      if (!table.has(now, `${host}:443`) || table.size > MAX_HONEST) return false
    }
    return true
  }), { seed: 1, numRuns: 20 })
  t.end()
})
