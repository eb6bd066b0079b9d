// Answers that are large, slow or without an end: a beginning by message, the rest over a stream of the same Destination.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import { encodeResponse } from '@minwww/protocol'
import { SeededRandom, settle, VirtualClock } from '@minwww/testkit'
import { createExit, type ExitOptions } from '../src/index.ts'
import { FakeCore, FakeSession, keysOf, nameOf, requestMessage, type Outcome } from './support/exit.ts'
import { FakeStreams, over, read } from './support/streams.ts'
import { httpd } from './support/upstream.ts'
import { until } from './support/whole-exit.ts'

const client = keysOf(7).destination
const MINUTE = 60_000

/** An exit with one site. Its time moves only when a test says so. */
async function start (t: Test, answer: (url: string, response: ServerResponse) => void, options: Partial<ExitOptions> = {}) {
  const asked: string[] = []
  const server = await httpd((request, response) => {
    asked.push(request.url ?? '')
    answer(request.url ?? '', response)
  })
  const core = new FakeCore()
  const session = new FakeSession()
  const streams = new FakeStreams()
  const clock = new VirtualClock()
  const exit = await createExit({ session, streams, createCore: () => core, sites: { 'demo.i2p': server.origin }, clock, ...options })
  t.teardown(async () => {
    await exit.close()
    await server.close()
  })
  let handle = 0
  const tell = () => session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(1) })
  return {
    asked,
    clock,
    core,
    exit,
    streams,
    stats: () => exit.stats,
    ask: (path: string, from = client, atOnce = 0) => {
      core.ask({ type: 'fetch', handle: ++handle, message: requestMessage(`http://demo.i2p${path}`), from, deadline: Infinity, atOnce })
      tell()
      return handle
    },
    cancel: (cancelled: number) => {
      core.ask({ type: 'cancelled', handle: cancelled })
      tell()
    },
    /** What the client was sent for a handle. */
    answered: async (wanted: number): Promise<Extract<Outcome, { response: unknown }>> => {
      await until(() => core.outcomes.some(outcome => outcome.handle === wanted))
      const outcome = core.outcomes.find(outcome => outcome.handle === wanted)!
      if ('failed' in outcome) throw new Error(outcome.failed)
      return outcome
    },
    open: (from = client) => streams.open(from)
  }
}

async function rest (stream: Duplex, handle: number): ReturnType<typeof over> {
  const { session, id } = nameOf(handle)
  return await over(stream, `minwww://${session}/${id}`, { headers: { host: 'minwww' } })
}

function events (response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 0\n\n')
}

t.test('what is too large: its beginning is a message, a stream has the rest, and the site is asked once', async t => {
  const body = Buffer.from(Array.from({ length: 400_000 }, (_, index) => index * 7 % 251))
  const { stats, ask, answered, open, asked } = await start(t, (url, response) => {
    response.setHeader('content-type', url.endsWith('text') ? 'text/plain' : 'image/png')
    if (url.startsWith('/length')) response.setHeader('content-length', body.length)
    response.end(body)
  }, { maxDecoded: 250_000 })
  const paths = ['/length', '/chunked', '/length-text', '/chunked-text']
  for (const [index, path] of paths.entries()) {
    const handle = ask(path)
    const { part, response } = await answered(handle)
    t.equal(part, 'beginning')
    const answer = await rest(open(), handle)
    t.match(answer, { status: 200, headers: { 'cache-control': 'no-store' } })
    if (path.startsWith('/length')) {
      t.match(response.headers.find(([name]) => name === 'content-length'), ['content-length', '400000'])
      t.equal(Number(answer.headers['content-length']), 400_000 - response.body.length)
    }
    t.ok(response.body.length > 40_000 && Buffer.concat([response.body, answer.body]).equals(body), path)
    t.equal(asked.length, index + 1)
    t.match(await rest(open(), handle), { status: 502, headers: { 'x-minwww-error': 'unknown-id' } }, 'once is once')
  }
  t.equal(stats().rests, 0)
})

t.test('a beginning is twice as long as what leaves at once, 48 to 112 KiB, and leaves room for a long head', async t => {
  const body = Buffer.alloc(400_000, 7)
  const { ask, answered, open } = await start(t, (url, response) => {
    if (url === '/head') for (let n = 0; n < 5; n++) response.setHeader(`x-long-${n}`, 'x'.repeat(5_000))
    response.setHeader('content-type', 'image/png').setHeader('content-length', body.length).end(body)
  })
  for (const [path, atOnce, length] of [['/', 0, 49_152], ['/', 40_000, 80_000], ['/', 1_000_000, 114_688], ['/head', 1_000_000, 101_000]] as const) {
    const handle = ask(path, client, atOnce)
    const { part, response } = await answered(handle)
    t.equal(part, 'beginning')
    t.ok(Math.abs(response.body.length - length) < (path === '/' ? 1 : 2_000), `${response.body.length} bytes`)
    t.ok(encodeResponse(response).length < 131_072 - 4_000)
    t.ok(Buffer.concat([response.body, (await rest(open(), handle)).body]).equals(body))
  }
})

t.test('what goes on for longer than a moment: head, what is there, and then each piece as it comes', async t => {
  const responses: ServerResponse[] = []
  const { stats, ask, answered, open, clock, asked, core } = await start(t, (url, response) => {
    responses.push(response)
    if (url === '/events') events(response)
    else response.writeHead(200, { 'content-type': 'text/html' }).write('<h1>slow</h1>')
  })
  for (const [path, begun] of [['/events', 'data: 0\n\n'], ['/html', '<h1>slow</h1>']] as const) {
    const before = stats().bytesIn
    const handle = ask(path)
    await until(() => stats().bytesIn === before + begun.length)
    if (path === '/html') {
      clock.advance(399)
      await settle()
      t.equal(core.outcomes.length, 1, 'not before its moment is over')
      clock.advance(1)
    }
    const { part, response } = await answered(handle)
    t.equal(part, 'beginning')
    t.equal(response.body.toString(), begun)
    const stream = open()
    stream.write(`GET minwww://${nameOf(handle).session}/${handle} HTTP/1.1\r\nHost: minwww\r\n\r\n`)
    const head = 'HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n'
    t.equal((await read(stream, head.length)).toString(), head)
    responses.at(-1)!.write('data: 1\n\n')
    t.equal((await read(stream, 14)).toString(), '9\r\ndata: 1\n\n\r\n')
    const closed = once(responses.at(-1)!, 'close')
    stream.destroy()
    await closed
  }
  t.strictSame(asked, ['/events', '/html'], 'each once; it ends when its reader leaves')
})

t.test('an event stream that says nothing yet goes out as its head', async t => {
  const { ask, answered, clock, open } = await start(t, (_url, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).flushHeaders()
  })
  const handle = ask('/quiet')
  const timers = clock.pending
  await until(() => clock.pending > timers && clock.next - clock.now() === 50)
  clock.advance(50)
  t.match(await answered(handle), { part: 'beginning', response: { status: 200, body: Buffer.alloc(0) } })
  open().destroy()
})

t.test('what is whole in a moment is one message, also where its site is slow to begin, or has half of it', async t => {
  const held: ServerResponse[] = []
  const { stats, ask, answered, clock, core } = await start(t, (_url, response) => { held.push(response) })
  const slow = ask('/slow')
  await until(() => held.length === 1)
  clock.advance(40_000)
  held[0]!.end('late')
  t.match(await answered(slow), { part: 'whole', response: { body: Buffer.from('late') } })
  const half = ask('/half')
  await until(() => held.length === 2)
  held[1]!.writeHead(200, { 'content-length': 10 }).write('12345')
  await until(() => stats().bytesIn === 9)
  clock.advance(700)
  await settle()
  t.equal(core.outcomes.length, 1, 'the other half may be as quick')
  held[1]!.end('67890')
  t.match(await answered(half), { part: 'whole', response: { body: Buffer.from('1234567890') } })
})

t.test('another Destination gets nothing, whatever it names, and takes nothing away', async t => {
  const body = Buffer.alloc(200_000, 5)
  const { stats, ask, answered, open } = await start(t, (_url, response) => response.setHeader('content-type', 'image/png').end(body))
  const handle = ask('/large')
  const { response } = await answered(handle)
  t.match(await rest(open(keysOf(9).destination), handle), { status: 502, headers: { 'x-minwww-error': 'unknown-id' } })
  const { session } = nameOf(handle)
  for (const target of [`minwww://${session}`, `minwww://${session}/01`, 'minwww://zz/1', `minwww://${session.toUpperCase()}/1`]) {
    const { status } = await over(open(), target, { headers: { host: 'minwww' } })
    t.ok(status >= 400 && status < 500, `${target}: ${status}`)
  }
  t.equal(stats().rests, 1)
  t.equal((await rest(open(), handle)).body.length + response.body.length, body.length)
})

t.test('nobody comes for it: a CANCEL, or a minute, gives the connection back', async t => {
  let closed = 0
  const { stats, ask, answered, cancel, clock } = await start(t, (_url, response) => {
    response.once('close', () => { closed++ })
    events(response)
  })
  const first = ask('/a')
  await answered(first)
  await answered(ask('/b'))
  t.equal(stats().rests, 2)
  cancel(first)
  await until(() => closed === 1)
  t.equal(stats().rests, 1)
  clock.advance(MINUTE)
  await until(() => closed === 2)
  t.equal(stats().rests, 0)
})

t.test('there is room for so many of one client: what is more is ERROR 3, and the client asks by stream', async t => {
  const { stats, ask, answered, core } = await start(t, (_url, response) => events(response), {
    limits: { requestsPerClient: [], requestsTotal: [], maxRefusals: Infinity },
    connections: { perVisitorAndOrigin: 1_000, perVisitor: 1_000, perOrigin: 1_000, total: 1_000 }
  })
  for (let count = 0; count < 64; count++) await answered(ask('/e'))
  t.equal(stats().rests, 64)
  await t.rejects(answered(ask('/e')), { message: 'too-large' })
  t.equal(core.outcomes.length, 65)
  await answered(ask('/e', keysOf(8).destination))
  t.equal(stats().rests, 65, 'another client has room')
})

t.test('a site that breaks off in the rest breaks the stream; one that ended before its stream came is whole', async t => {
  const responses: ServerResponse[] = []
  const { ask, answered, open } = await start(t, (_url, response) => {
    responses.push(response)
    events(response)
  })
  const broken = ask('/broken')
  await answered(broken)
  responses[0]!.destroy()
  await t.rejects(rest(open(), broken))
  const ended = ask('/ended')
  await answered(ended)
  responses[1]!.end('data: 1\n\n')
  t.equal((await rest(open(), ended)).body.toString(), 'data: 1\n\n')
})

t.test('the limit on a response holds for beginning and rest together', async t => {
  const { ask, answered, open } = await start(t, (_url, response) => {
    response.setHeader('content-type', 'image/png')
    response.write(Buffer.alloc(150_000))
    response.end(Buffer.alloc(150_000))
  }, { policy: { maxResponse: 250_000 } })
  const handle = ask('/large')
  const { response } = await answered(handle)
  t.ok(response.body.length < 60_000)
  await t.rejects(rest(open(), handle), 'cut')
})

const HEARD = 'HTTP/1.1 102 Processing\r\n\r\n'
const NOTHING = 'HTTP/1.1 204 No Content\r\n\r\n'

/** A stream that waits for the next rest, and what has come on it. */
async function waiting (stream: Duplex) {
  let seen = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => { seen = Buffer.concat([seen, chunk]) })
  const take = async (length: number): Promise<Buffer> => {
    await until(() => seen.length >= length)
    const taken = seen.subarray(0, length)
    seen = seen.subarray(length)
    return taken
  }
  const again = async (): Promise<void> => {
    stream.write('GET minwww://next HTTP/1.1\r\nHost: minwww\r\n\r\n')
    t.equal((await take(HEARD.length)).toString(), HEARD)
  }
  await again()
  return { stream, again, take, left: () => seen.length }
}

t.test('a stream that waits has the rest behind its beginning, once, and may wait again', async t => {
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index * 7 % 251))
  const { stats, ask, answered, open } = await start(t, (_url, response) => {
    response.setHeader('content-type', 'image/png').setHeader('content-length', body.length).end(body)
  })
  const other = await waiting(open(keysOf(9).destination))
  const { take, again } = await waiting(open())
  for (let round = 0; round < 2; round++) {
    if (round > 0) await again()
    const handle = ask('/large')
    const { response } = await answered(handle)
    const { session, id } = nameOf(handle)
    const head = `HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nX-MinWWW-Rest: ${session}/${id}\r\nContent-Length: ${body.length - response.body.length}\r\n\r\n`
    const came = await take(head.length + body.length - response.body.length)
    t.equal(came.subarray(0, head.length).toString(), head)
    t.ok(Buffer.concat([response.body, came.subarray(head.length)]).equals(body))
    t.match(await rest(open(), handle), { status: 502, headers: { 'x-minwww-error': 'unknown-id' } }, 'once is once')
  }
  t.equal(other.left(), 0, 'nothing for another Destination')
  t.equal(stats().rests, 0)
})

t.test('streams that wait: two of a client, a minute, and they are idle', async t => {
  const { ask, answered, open, clock, stats, exit } = await start(t, (_url, response) => events(response))
  const streams = [await waiting(open()), await waiting(open())]
  const third = await waiting(open())
  t.equal((await third.take(NOTHING.length)).toString(), NOTHING, 'no third one')
  t.equal(stats().active, 0)
  clock.advance(MINUTE)
  for (const { take } of streams) t.equal((await take(NOTHING.length)).toString(), NOTHING)
  await streams[0]!.again()
  streams[0]!.stream.destroy()
  await settle()
  const handle = ask('/e')
  await answered(handle)
  t.equal(stats().rests, 1, 'one that is gone takes nothing')
  await streams[1]!.again()
  exit.drain().catch(() => {})
  const end = 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'
  t.equal((await streams[1]!.take(end.length)).toString(), end, 'the end of the exit')
})

t.test('who asks for the next rest and reads no answer is not read on', async t => {
  const { open, clock, stats } = await start(t, (_url, response) => events(response))
  for (let full = 0; full < 2; full++) await waiting(open())
  const stream = open()
  const asked = Buffer.from('GET minwww://next HTTP/1.1\r\nHost: minwww\r\n\r\n'.repeat(1_000))
  for (let count = 0; count < 100; count++) stream.write(asked)
  for (let turn = 0; turn < 50; turn++) await settle()
  t.ok(stream.writableLength > 80 * asked.length, `${stream.writableLength} of ${100 * asked.length} bytes wait at the client`)
  await clock.advanceSettled(10 * MINUTE)
  t.equal(stats().streams, 0, 'it is given up')
})

t.test('a CANCEL ends a rest that goes out on a stream that waited', async t => {
  let closed = 0
  const { ask, answered, cancel, open } = await start(t, (_url, response) => {
    response.once('close', () => { closed++ })
    events(response)
  })
  const { stream, take } = await waiting(open())
  const handle = ask('/e')
  await answered(handle)
  await take(20)
  const end = once(stream, 'close')
  cancel(handle)
  await end
  await until(() => closed === 1)
})

t.test('no sequence of answers, streams, cancelling and time leaves a rest, a connection, a stream or a timer', { timeout: 120_000 }, async t => {
  const kinds = ['events', 'large', 'slow', 'broken', 'whole'] as const
  const sites = new Set<ServerResponse>()
  const site = (url: string, response: ServerResponse): void => {
    sites.add(response)
    response.once('close', () => sites.delete(response))
    const kind = kinds.find(name => url.includes(name))
    if (kind === 'events') return events(response)
    response.setHeader('content-type', 'image/png')
    response.write(Buffer.alloc(kind === 'large' ? 250_000 : 4))
    if (kind === 'broken') response.destroy()
    if (kind === 'whole' || kind === 'large') response.end()
  }
  const limits = { requestsPerClient: [], requestsTotal: [], maxRefusals: Infinity }
  const { stats, ask, cancel, clock, core, open } = await start(t, site, { limits })
  const idle = clock.pending
  const random = new SeededRandom(4711)
  const streams: Duplex[] = []
  const begun: number[] = []
  for (let step = 0, asked = 0; step < 600; step++) {
    switch (random.below(8)) {
      case 0: case 1: case 2:
        asked = ask(`/${random.pick(kinds)}/${step}`, random.chance(4) ? keysOf(8).destination : client)
        break
      case 3:
        if (asked > 0) cancel(1 + random.below(asked))
        break
      case 4: case 5: {
        const outcome = core.outcomes[random.below(core.outcomes.length)]
        if (outcome === undefined || !('part' in outcome) || outcome.part === 'whole') break
        const stream = open(random.chance(4) ? keysOf(8).destination : client)
        if (random.chance(3)) stream.write('GET minwww://next HTTP/1.1\r\nHost: minwww\r\n\r\n')
        else stream.write(`GET minwww://${nameOf(1).session}/${outcome.handle} HTTP/1.1\r\nHost: minwww\r\n\r\n`)
        if (random.chance(2)) stream.resume()
        streams.push(stream)
        begun.push(outcome.handle)
        break
      }
      case 6:
        if (streams.length > 0) random.pick(streams).destroy()
        break
      case 7:
        clock.advance(random.below(2_000))
    }
    await settle()
  }
  t.ok(begun.length > 30, `${begun.length} streams`)
  for (const stream of streams) stream.destroy()
  const left = (): number => {
    const { active, streams, running, waiting, rests } = stats()
    return active + streams + running + waiting + rests + sites.size
  }
  // What waited for a place has its turn, and what nobody came for is given up.
  for (let round = 0; round < 2_000 && (left() > 0 || clock.pending > idle); round++) {
    for (const response of sites) response.destroy()
    await clock.advanceSettled(1_000)
  }
  t.match(stats(), { active: 0, streams: 0, running: 0, waiting: 0, rests: 0 })
  t.equal(sites.size, 0, 'connections')
  t.equal(clock.pending, idle, 'timers')
})

t.test('drain: what has begun has its stream, and nothing more begins', async t => {
  const responses: ServerResponse[] = []
  const { exit, streams, ask, answered, open, core } = await start(t, (url, response) => {
    responses.push(response)
    if (url === '/e') events(response)
    else response.setHeader('content-type', 'image/png')
  })
  const begun = ask('/e')
  await answered(begun)
  const late = ask('/large')
  await until(() => responses.length === 2)
  const drained = exit.drain()
  t.equal(streams.closed, false)
  t.match(await over(open(), 'http://demo.i2p/'), { status: 503, headers: { 'x-minwww-error': 'draining' } })
  responses[0]!.end('data: 1\n\n')
  t.equal((await rest(open(), begun)).body.toString(), 'data: 1\n\n')
  t.ok(streams.closed)
  responses[1]!.end(Buffer.alloc(200_000))
  await t.rejects(answered(late), { message: 'too-large' })
  await drained
  t.equal(core.outcomes.length, 2)
})
