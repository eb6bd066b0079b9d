import t from 'tap'
import { get, raw } from './proxy-support.ts'
import { answersOf } from './responses.ts'
import { SHAPES } from './smuggling-shapes.ts'
import { startPeer, withExits } from './stream-support.ts'

/** Requests that are still pending when the second message is there. */
const FIRST: Array<[name: string, method: string, bytes: string]> = [
  ['GET', 'GET', 'GET http://a.example/first HTTP/1.1\r\nHost: a.example\r\n\r\n'],
  [
    'GET with a body',
    'GET',
    'GET http://a.example/first HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
  ],
  ['HEAD', 'HEAD', 'HEAD http://a.example/first HTTP/1.1\r\nHost: a.example\r\n\r\n']
]
const upgrade = (value: string, body = ''): string => `GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: ${value}\r\n${body}`
const SECOND: Array<[name: string, bytes: string]> = [
  ['Upgrade that is ignored', upgrade('a', '\r\n')],
  ['Upgrade to a WebSocket', upgrade('websocket', '\r\n').replace('GET /', 'GET http://a.example/ws')],
  ['Upgrade with a body', upgrade('a', 'Content-Length: 3\r\n\r\nabc')],
  ['CONNECT', 'CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\nhello'],
  ['Expect', 'GET http://a.example/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n'],
  ['Expect of something', 'GET http://a.example/x HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n'],
  ['no HTTP', '\x16\x03\x01\0\0\0'],
  ['nothing but lines', '\r\n\r\n\r\n'],
  ['half a head', 'GET http://a.example/x HTTP/1.1\r\nHo'],
  ['half a body', 'POST http://a.example/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc'],
  ...Object.values(SHAPES).flat().map(([name, bytes]): [string, string] => [name, bytes])
]

t.test('a pending request and a hostile second message', async t => {
  const bodyFor = (url: string): string => url.endsWith('/first') ? 'the first' : 'another'
  const exit = await startPeer((request, response) => { setImmediate(() => response.end(bodyFor(request.url!))) })
  const { proxy, port, core, end } = await withExits([exit], async request => {
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
    return { body: bodyFor(request.url) }
  }, { cache: false })
  const pairs = FIRST.flatMap(first => SECOND.map(second => ({ first, second })))
  t.ok(pairs.length >= 3_000, `${pairs.length} pairs`)
  const wrong: string[] = []
  const next = pairs.values()
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (const { first: [name, method, bytes], second: [other, hostile] } of next) {
      const text = (await raw(port, Buffer.from(bytes + hostile, 'latin1'))).toString('latin1')
      const [answer, ...rest] = answersOf(text, [method])
      const isRight =
        answer?.status === 200 &&
        answer.body === (method === 'HEAD' ? '' : 'the first') &&
        rest.every(({ status }) => status >= 100 && status < 600)
      if (!isRight) wrong.push(`${name}, ${other}: ${JSON.stringify(text.slice(0, 400))}`)
    }
  }))
  t.strictSame(wrong.slice(0, 5), [])
  t.equal((await get(port, 'http://a.example/after')).text, 'another')
  t.equal(proxy.activity.inFlightCount, 0)
  t.equal(proxy.activity.faults, 0)
  t.equal([...core.requests, ...exit.seen].some(({ url }) => url.includes('evil')), false)
  await end()
})
