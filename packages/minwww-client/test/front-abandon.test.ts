import t from 'tap'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { keys, startProxy } from './proxy-support.ts'
import { FakeStreams, portOf } from './stream-support.ts'

const CASES = 400
/** Short ones: whatever stands still is over soon. */
const TIMES = { timeout: 200, timeouts: { answer: 200, silence: 200, tunnel: 200, keepAlive: 200, head: 200 } }

/** The same numbers in every run. */
function randomOf (seed: number): (n: number) => number {
  let state = seed
  return n => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(state / 2 ** 32 * n)
  }
}

const coded = gzipSync('page '.repeat(10_000)).toString('latin1')
/** What a peer says; it stops at any byte of it. */
const ANSWERS = [
  '',
  'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes',
  'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 102 Processing\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\n\r\n',
  'HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 999 No\r\n\r\n',
  'no HTTP\r\n\r\n',
  'HTTP/1.1 403 No\r\nX-MinWWW-Error: policy\r\nContent-Length: 2\r\n\r\nno',
  'HTTP/1.1 200 OK\r\n\r\nto the end',
  `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${coded.length}\r\n\r\n${coded}`,
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nETag: "x"\r\nAccept-Ranges: bytes\r\nContent-Length: 90\r\n\r\npart'
]
const FIELDS = 'Host: a.example\r\n'
const REQUESTS = [
  `GET http://a.example/ HTTP/1.1\r\n${FIELDS}\r\n`,
  `GET http://a.example/mute HTTP/1.1\r\n${FIELDS}\r\n`,
  `DELETE http://a.example/ HTTP/1.1\r\n${FIELDS}\r\n`,
  `POST http://a.example/ HTTP/1.1\r\n${FIELDS}Content-Length: 8\r\n\r\nall of it`,
  `POST http://a.example/ HTTP/1.1\r\n${FIELDS}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  `POST http://a.example/ HTTP/1.1\r\n${FIELDS}Content-Length: 900\r\n\r\npart of it`,
  `HEAD http://site.i2p/ HTTP/1.0\r\n${FIELDS}\r\n`,
  `OPTIONS http://site.i2p/ HTTP/1.1\r\n${FIELDS}\r\n`,
  `CONNECT a.example:443 HTTP/1.1\r\n${FIELDS}\r\nhello`,
  `CONNECT site.i2p:443 HTTP/1.1\r\n${FIELDS}\r\nhello`,
  `GET http://a.example/ws HTTP/1.1\r\n${FIELDS}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  `GET http://site.i2p/ws HTTP/1.1\r\n${FIELDS}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  `GET http://a.example/ HTTP/1.1\r\n${FIELDS}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
]

const leave = (socket: Socket, way: number): void => {
  if (way === 0) socket.destroy()
  else if (way === 1) socket.resetAndDestroy()
  else if (way === 2) socket.end()
}

const later = async (turns: number): Promise<void> => { for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate) }

t.test('whoever ends, resets, upgrades, stalls or abandons, at every point: nothing is left', async t => {
  const random = randomOf(7)
  const resources = (): string[] =>
    process
      .getActiveResourcesInfo()
      .filter(name => /^(?:Timeout|TCPSocketWrap|TCPServerWrap|Zlib)$/.test(name))
      .sort()
  const before = resources()
  const open = new Set<Socket>()
  const peer = createServer({ allowHalfOpen: true }, socket => {
    open.add(socket)
    socket.on('error', () => {}).once('close', () => open.delete(socket)).once('end', () => socket.end())
    socket.once('data', () => {
      const said = ANSWERS[random(ANSWERS.length)]!
      socket.write(Buffer.from(said.slice(0, random(2) === 0 ? said.length : random(said.length + 1)), 'latin1'))
      const way = random(4)
      setImmediate(leave, socket, way)
    })
  }).listen(0, '127.0.0.1')
  await once(peer, 'listening')
  const exit = keys()
  const streams = new FakeStreams()
  const { proxy, port, session } = await startProxy(
    request => request.url.endsWith('/mute') ? undefined : random(2) === 0 ? { fail: { code: 'too-large' } } : { body: 'by message' },
    { cache: false, streams, exits: [{ id: 'one', destination: exit.destination }], ...TIMES })
  const site = keys().destination
  session.names.set('site.i2p', site)
  for (const { b32 } of [site, exit.destination]) streams.ports.set(b32, portOf(peer))

  const one = async (): Promise<void> => {
    const browser = connect(port, '127.0.0.1')
    browser.on('error', () => {}).on('data', () => {})
    const closed = once(browser, 'close')
    await once(browser, 'connect')
    const asked = Array.from({ length: 1 + random(2) }, () => REQUESTS[random(REQUESTS.length)]!).join('')
    browser.write(asked.slice(0, random(3) === 0 ? random(asked.length + 1) : asked.length))
    await later(random(20))
    leave(browser, random(4))
    await closed
  }
  const cases = Array.from({ length: CASES }).values()
  await Promise.all(Array.from({ length: 8 }, async () => { while (cases.next().done !== true) await one() }))

  const used = (): Array<[string, number]> =>
    proxy
      .limits()
      .filter(({ name, used }) => /browser|decoded|waits?/.test(name) && used > 0)
      .map(({ name, used }) => [name, used])
  while (proxy.activity.inFlightCount > 0 || used().length > 0 || open.size > 0) await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(proxy.activity.inFlightCount, 0)
  t.strictSame(used(), [])
  t.equal(proxy.activity.faults, 0)
  await proxy.close()
  peer.close()
  for (const socket of streams.sockets) socket.destroy()
  while (resources().length > before.length) await new Promise(resolve => setImmediate(resolve))
  t.strictSame(resources(), before)
})
