// What a browser gets of an answer that is still arriving.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { encodeObject, encodeResponse, type HeaderList } from '@minwww/protocol'
import { seeded } from '@minwww/testkit'
import t from 'tap'
import { get, parseRaw, startProxy, TRACE, type Fixture } from './proxy-support.ts'
import { startPeer, withExits } from './stream-support.ts'

const GET = 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n'
const BODY = Buffer.from(seeded(3)(100_000))
const TEXT = Buffer.from(Array.from({ length: 20_000 }, (_, index) => `<p>${index * 7_919 % 10_007} `).join(''))

const objectOf = (headers: HeaderList, body: Buffer): Buffer => encodeObject(encodeResponse({ status: 200, reason: 'OK', headers, body }))

interface Visit { browser: Socket, seen: () => Buffer, sees: (length: number) => Promise<void>, closed: Promise<unknown> }

function visit (port: number, request = GET): Visit {
  const browser = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  browser.on('data', chunk => chunks.push(chunk))
  browser.on('error', () => {})
  browser.write(request)
  const seen = (): Buffer => Buffer.concat(chunks)
  const sees = async (length: number): Promise<void> => { while (seen().length < length) await once(browser, 'data') }
  return { browser, seen, sees, closed: once(browser, 'close') }
}

/** A proxy whose exit answers when it is told to, in parts. */
async function slow (): Promise<Fixture & { asked: () => Promise<number> }> {
  const fixture = await startProxy(() => undefined)
  const asked = async (): Promise<number> => {
    while (fixture.core.requests.length === 0) await new Promise(resolve => setImmediate(resolve))
    return 1
  }
  return { ...fixture, asked }
}

t.test('head and first bytes are with the browser before the rest is here, whatever the coding', async t => {
  const cases: Array<[string, HeaderList, Buffer, Buffer]> = [
    ['stored', [['Content-Type', 'image/png']], BODY, BODY],
    ['brotli object', [['Content-Type', 'text/html']], TEXT, TEXT],
    ['gzip body that the browser cannot read', [['Content-Type', 'text/html'], ['Content-Encoding', 'gzip']], gzipSync(TEXT), TEXT],
    ['brotli body that the browser cannot read', [
      ['Content-Type', 'text/html'], ['Content-Encoding', 'br']
    ], brotliCompressSync(TEXT), TEXT],
    ['with its length', [['Content-Type', 'image/png'], ['Content-Length', String(BODY.length)]], BODY, BODY]
  ]
  for (const [name, headers, body, expected] of cases) {
    const { proxy, core, port, asked } = await slow()
    const { browser, seen, sees, closed } = visit(port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    const handle = await asked()
    const object = objectOf(headers, body)
    const half = object.length >> 1
    core.tell({ type: 'part', handle, bytes: object.subarray(0, half), exit: 'one', trace: TRACE })
    await sees(1_000)
    t.ok(seen().length < expected.length, name)
    core.tell({ type: 'part', handle, bytes: object.subarray(half), exit: 'one', trace: TRACE })
    core.tell({
      type: 'response',
      handle,
      message: encodeResponse({ status: 200, reason: 'OK', headers, body }),
      exit: 'one',
      trace: { ...TRACE, repaired: true }
    })
    await closed
    t.ok(parseRaw(seen()).body.equals(expected), name)
    t.match(proxy.activity.done, [{ status: 200, path: 'repaired', bytes: expected.length, firstByte: Number }], name)
    browser.destroy()
    await proxy.close()
  }
})

t.test('an answer that does not become whole cuts the connection, and is not kept', async t => {
  for (const length of [true, false]) {
    const { proxy, core, port, asked } = await slow()
    const { seen, sees, closed } = visit(port)
    const handle = await asked()
    const object = objectOf(
      [['Cache-Control', 'max-age=900'], ...(length ? [['Content-Length', String(BODY.length)] as [string, string]] : [])],
      BODY
    )
    core.tell({ type: 'part', handle, bytes: object.subarray(0, 50_000), exit: 'one', trace: TRACE })
    await sees(1_000)
    core.tell({ type: 'failed', handle, code: 'timeout', detail: '', exit: 'one', trace: TRACE })
    await closed
    t.match(seen().toString('latin1'), /^HTTP\/1\.1 200 /)
    t.notMatch(seen().toString('latin1'), /\r\n0\r\n\r\n$/)
    core.site = () => ({ body: 'anew' })
    t.equal((await get(port, 'http://a.example/')).text, 'anew')
    await proxy.close()
  }
})

t.test('what fails before its head is there gets a page', async t => {
  const { proxy, core, port, asked } = await slow()
  const { seen, sees } = visit(port)
  const handle = await asked()
  core.tell({ type: 'part', handle, bytes: objectOf([['X-Long', 'x'.repeat(4_000)]], BODY).subarray(0, 20), exit: 'one', trace: TRACE })
  core.tell({ type: 'failed', handle, code: 'timeout', detail: '', exit: 'one', trace: TRACE })
  await sees(100)
  t.match(seen().toString('latin1'), /^HTTP\/1\.1 504 /)
  await proxy.close()
})

t.test('parts that are no object, or no HTTP, are waited out', async t => {
  for (const bytes of [
    Buffer.from([9, 1, 2, 3]),
    Buffer.from([1, 0xff, 0xff, 0xff]),
    Buffer.from('\0no http at all\r\n\r\n'),
    Buffer.from(`\0${'x'.repeat(40_000)}`)
  ]) {
    const { proxy, core, port, asked } = await slow()
    const { seen, sees } = visit(port)
    const handle = await asked()
    core.tell({ type: 'part', handle, bytes, exit: 'one', trace: TRACE })
    core.tell({
      type: 'response',
      handle,
      message: encodeResponse({ status: 200, reason: 'OK', headers: [], body: Buffer.from('right') }),
      exit: 'one',
      trace: TRACE
    })
    await sees(60)
    t.match(seen().toString('latin1'), /right$/)
    await proxy.close()
  }
})

t.test('a browser that leaves in the middle ends the request at the exit', async t => {
  const { proxy, core, port, asked } = await slow()
  const { browser, sees } = visit(port)
  const handle = await asked()
  const cancelled = new Promise<void>(resolve => { core.onCancel = resolve })
  core.tell({ type: 'part', handle, bytes: objectOf([], BODY).subarray(0, 50_000), exit: 'one', trace: TRACE })
  await sees(1_000)
  browser.resetAndDestroy()
  await cancelled
  t.strictSame(core.cancelled, [handle])
  await proxy.close()
})

t.test('a beginning arrives in parts, too, and its rest follows it', async t => {
  const rest = Buffer.alloc(200_000, 'rest')
  const exit = await startPeer((_request, response) => response.end(rest))
  const { port, core, end } = await withExits([exit], () => undefined)
  const { seen, sees, closed } = visit(port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  while (core.requests.length === 0) await new Promise(resolve => setImmediate(resolve))
  const [peer] = core.exits()
  const name = { exit: peer!.destination, source: 0, session: '5a2dcf8e478e1034', id: 7 }
  const object = objectOf([['Content-Type', 'image/png'], ['Content-Length', String(BODY.length + rest.length)]], BODY)
  const facts = { handle: 1, exit: peer!.id, trace: TRACE, rest: name }
  core.tell({ type: 'begins', handle: 1, rest: name })
  core.tell({ type: 'part', bytes: object.subarray(0, 30_000), ...facts })
  await sees(10_000)
  t.ok(seen().length < 40_000)
  core.tell({ type: 'part', bytes: object.subarray(30_000), ...facts })
  core.tell({ type: 'response', message: Buffer.alloc(0), ...facts })
  await closed
  t.ok(parseRaw(seen()).body.equals(Buffer.concat([BODY, rest])))
  await end()
})

t.test('a file whose arrival breaks off goes on from another exit where its validator is strong', async t => {
  const exit = await startPeer((request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1])
    const range = `bytes ${from}-${BODY.length - 1}/${BODY.length}`
    response.writeHead(206, { etag: '"1"', 'content-length': BODY.length - from, 'content-range': range }).end(BODY.subarray(from))
  })
  const { port, core, end } = await withExits([exit], () => undefined)
  const { seen, sees, closed } = visit(port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  while (core.requests.length === 0) await new Promise(resolve => setImmediate(resolve))
  const object = objectOf(
    [['Content-Type', 'image/png'], ['ETag', '"1"'], ['Accept-Ranges', 'bytes'], ['Content-Length', String(BODY.length)]], BODY
  )
  core.tell({ type: 'part', handle: 1, bytes: object.subarray(0, 30_000), exit: 'other', trace: TRACE })
  await sees(10_000)
  core.tell({ type: 'failed', handle: 1, code: 'timeout', detail: '', exit: 'other', trace: TRACE })
  await closed
  t.ok(parseRaw(seen()).body.equals(BODY))
  await end()
})
