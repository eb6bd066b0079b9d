// Answers of which a message is the beginning, and a stream the rest.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { get, parseRaw, raw, REST_SESSION, startProxy } from './proxy-support.ts'
import { startPeer, withExits } from './stream-support.ts'

const NAME = `minwww://${REST_SESSION}/7`
const GET = 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n'
const REST = Buffer.alloc(300_000, 'rest')

const whole = (_request: IncomingMessage, response: ServerResponse): void => { response.end(REST) }

t.test('the rest follows the beginning; the exit is asked for it by its name alone', async t => {
  const exit = await startPeer(whole)
  const begun = Buffer.alloc(50_000, 'begun')
  const length = String(begun.length + REST.length)
  const { port, core, end } = await withExits([exit], ({ url }) => ({
    body: begun,
    rest: 7,
    headers: [
      ['Content-Type', 'image/png'], ...(url.endsWith('/length') ? [['Content-Length', length] as [string, string]] : [])
    ]
  }))
  for (const path of ['/length', '/chunked']) {
    const answer = await get(port, `http://a.example${path}`, [['Cookie', 'secret=1']])
    t.ok(answer.body.equals(Buffer.concat([begun, REST])), path)
    t.equal(answer.get('content-length'), path === '/length' ? length : undefined)
  }
  t.equal(core.requests.length, 2)
  t.match(exit.seen.filter(({ url }) => url !== NEXT), [{
    method: 'GET', url: NAME, headers: ['Host', 'minwww', 'X-MinWWW-Path', '400 20 131072 10', 'Connection', 'keep-alive']
  }, { url: NAME }])
  await end()
})

t.test('the browser has the beginning while the stream is not there yet, then each piece', async t => {
  let answer: ServerResponse | undefined
  let asked = (): void => {}
  const isAsked = new Promise<void>(resolve => { asked = resolve })
  const exit = await startPeer((_request, response) => {
    answer = response
    asked()
  })
  const { port, end } = await withExits([exit], () => ({ body: 'data: 0\n\n', rest: 7, headers: [['Content-Type', 'text/event-stream']] }))
  const browser = connect(port, '127.0.0.1')
  browser.write(GET)
  let seen = ''
  const sees = async (text: string): Promise<void> => { while (!seen.includes(text)) seen += (await once(browser, 'data'))[0] }
  await sees('data: 0')
  await isAsked
  answer!.writeHead(200).flushHeaders()
  for (const number of [1, 2]) {
    answer!.write(`data: ${number}\n\n`)
    await sees(`data: ${number}`)
  }
  const closed = once(answer!, 'close')
  browser.resetAndDestroy()
  await closed
  t.pass('the stream ends when the browser leaves')
  await end()
})

t.test('a rest that does not come breaks the browser\'s connection, and nothing of it is kept', async t => {
  const refuse = (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(502, { 'X-MinWWW-Error': 'unknown-id' }).end('no')
  }
  const cut = (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200).write('some', () => response.socket!.destroy())
  }
  const long = (_request: IncomingMessage, response: ServerResponse): void => { response.end('far more than was said') }
  const short = (_request: IncomingMessage, response: ServerResponse): void => { response.end('few') }
  for (const [name, answer] of Object.entries({ refuse, cut, long, short })) {
    const exit = await startPeer(answer)
    const { port, core, end } = await withExits([exit], () => ({
      body: 'begun',
      rest: 7,
      headers: [
        ['Cache-Control', 'max-age=900'], ...(name === 'cut' ? [] : [['Content-Length', '13'] as [string, string]])
      ]
    }))
    for (let visit = 1; visit <= 2; visit++) {
      const bytes = (await raw(port, GET, { half: false })).toString()
      t.match(bytes, /^HTTP\/1\.1 200 /)
      t.notMatch(bytes, /\r\n0\r\n\r\n$/, name)
      t.ok(parseRaw(Buffer.from(bytes)).body.length < 13, name)
      t.equal(core.requests.length, visit, 'asked again')
    }
    await end()
  }
})

t.test('what has come whole is kept', async t => {
  const exit = await startPeer((_request, response) => response.end('rest'))
  const { port, core, end } = await withExits([
    exit
  ], () => ({ body: 'begun, ', rest: 7, headers: [['Cache-Control', 'max-age=900'], ['Date', new Date().toUTCString()]] }))
  for (let visit = 0; visit < 2; visit++) t.equal((await get(port, 'http://a.example/')).text, 'begun, rest')
  t.equal(core.requests.length, 1)
  await end()
})

t.test('a file goes on from elsewhere when its rest breaks off', async t => {
  const content = Buffer.concat([Buffer.alloc(50_000, 'begun'), REST])
  const exit = await startPeer((request, response) => {
    if (request.url === NAME) return response.writeHead(200).write(REST.subarray(0, 10_000), () => request.socket.resetAndDestroy())
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1])
    const range = `bytes ${from}-${content.length - 1}/${content.length}`
    response.writeHead(206, { etag: '"1"', 'content-length': content.length - from, 'content-range': range }).end(content.subarray(from))
  })
  const { port, end } = await withExits([exit], () => ({
    body: content.subarray(
      0, 50_000
    ),
    rest: 7,
    headers: [['ETag', '"1"'], ['Accept-Ranges', 'bytes'], ['Content-Length', String(content.length)]]
  }))
  const answer = await get(port, 'http://a.example/')
  t.ok(answer.body.equals(content))
  t.equal(exit.seen.length, 2)
  await end()
})

t.test('an exit without room for the stream is asked again a moment later', async t => {
  let asked = 0
  const exit = await startPeer((request, response) => {
    if (++asked < 3) request.socket.resetAndDestroy()
    else response.end('rest')
  })
  const { port, end } = await withExits([exit], () => ({ body: 'begun, ', rest: 7 }))
  t.equal((await get(port, 'http://a.example/')).text, 'begun, rest')
  t.equal(asked, 3)
  await end()
})

t.test('without streams there is no rest', async t => {
  const { port, proxy } = await startProxy(() => ({ body: 'begun', rest: 7 }))
  const answer = await get(port, 'http://a.example/')
  t.equal(answer.status, 502)
  t.equal(answer.get('x-minwww-error'), 'MINWWW_RESPONSE_TOO_LARGE')
  await proxy.close()
})

t.test('HEAD and 204 have no body, whatever an exit says', async t => {
  const exit = await startPeer(whole)
  const { port, end } = await withExits([exit], ({ method }) => ({ status: method === 'HEAD' ? 200 : 204, body: '', rest: 7 }))
  t.match(await get(port, 'http://a.example/', [], 'HEAD'), { status: 200, text: '' })
  t.match(await get(port, 'http://a.example/'), { status: 204, text: '' })
  await end()
})

/** An exit whose streams wait: `wait` resolves with the answer to each. */
async function startWaiting (other: (request: IncomingMessage, response: ServerResponse) => void) {
  const waiting: ServerResponse[] = []
  let tell = (): void => {}
  const exit = await startPeer((request, response) => {
    if (request.url !== NEXT) return other(request, response)
    response.writeProcessing()
    waiting.push(response)
    tell()
  })
  /** The 102 is at the proxy a moment later. */
  const wait = async (): Promise<ServerResponse> => {
    while (waiting.length === 0) await new Promise<void>(resolve => { tell = resolve })
    await aMoment()
    return waiting.shift()!
  }
  return { exit, wait }
}

const NEXT = 'minwww://next'
/** What was written on this machine is read by then: on a busy one the time may pass before the first turn of the event loop. */
async function aMoment (): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 50))
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}
const names = (exit: { seen: Array<{ url: string }> }): string[] => exit.seen.map(({ url }) => url)

t.test('a stream that brought a rest waits for the next, which comes without being asked', async t => {
  const { exit, wait } = await startWaiting(whole)
  const { port, end, streams } = await withExits([exit], () => ({ body: 'begun', rest: 7 }))
  t.equal((await get(port, 'http://a.example/')).body.length, 5 + REST.length)
  for (let round = 0; round < 2; round++) {
    const answer = await wait()
    const second = get(port, 'http://a.example/2')
    answer.writeHead(200, { 'X-MinWWW-Rest': `${REST_SESSION}/7` }).end('by itself')
    t.equal((await second).text, 'begunby itself')
  }
  await wait()
  t.strictSame(names(exit), [NAME, NEXT, NEXT, NEXT])
  t.equal(streams.connected.length, 1, 'one stream')
  await end()
})

t.test('it is asked for where it does not come by itself, or another one comes', async t => {
  const { exit, wait } = await startWaiting((_request, response) => response.end('asked for'))
  const { port, end } = await withExits([exit], () => ({ body: 'begun ', rest: 7 }))
  t.equal((await get(port, 'http://a.example/')).text, 'begun asked for')
  const answer = await wait()
  t.equal((await get(port, 'http://a.example/2')).text, 'begun asked for', 'late')
  answer.writeHead(200, { 'X-MinWWW-Rest': `${REST_SESSION}/8` }).end('of another')
  t.equal((await get(port, 'http://a.example/3')).text, 'begun asked for', 'of another')
  t.equal(names(exit).filter(name => name === NAME).length, 3)
  await end()
})

t.test('a rest that comes late is taken although it was asked for', async t => {
  const { exit, wait } = await startWaiting((_request, response) => {
    if (names(exit).filter(name => name === NAME).length === 1) response.end('first')
    else response.writeHead(502, { 'X-MinWWW-Error': 'unknown-id' }).end('no')
  })
  const { port, end } = await withExits([exit], () => ({ body: 'begun ', rest: 7 }))
  t.equal((await get(port, 'http://a.example/')).text, 'begun first')
  const answer = await wait()
  const second = get(port, 'http://a.example/2')
  while (names(exit).filter(name => name === NAME).length < 2) await new Promise(resolve => setTimeout(resolve, 20))
  answer.writeHead(200, { 'X-MinWWW-Rest': `${REST_SESSION}/7` }).end('late')
  t.equal((await second).text, 'begun late')
  await end()
})

t.test('an exit of before refuses to have streams wait: once, and it is not asked again', async t => {
  const exit = await startPeer((request, response) => {
    if (request.url === NEXT) response.writeHead(400, { Connection: 'close' }).end('what?')
    else response.end('rest')
  })
  const { port, end } = await withExits([exit], () => ({ body: 'begun ', rest: 7 }))
  for (let round = 0; round < 3; round++) {
    t.equal((await get(port, 'http://a.example/')).text, 'begun rest')
    while (!names(exit).includes(NEXT)) await aMoment()
    await aMoment()
  }
  t.strictSame(names(exit).filter(name => name === NEXT), [NEXT])
  await end()
})

t.test('a stream that ends while it waits leaves the rest to be asked for', async t => {
  const { exit, wait } = await startWaiting((_request, response) => response.end('rest'))
  const { port, end } = await withExits([exit], () => ({ body: 'begun ', rest: 7 }))
  await get(port, 'http://a.example/')
  const answer = await wait()
  answer.writeHead(204).end()
  t.equal((await get(port, 'http://a.example/2')).text, 'begun rest')
  const another = await wait()
  another.socket!.destroy()
  t.equal((await get(port, 'http://a.example/3')).text, 'begun rest')
  await end()
})
