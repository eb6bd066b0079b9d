import t from 'tap'
import { PassThrough, Readable } from 'node:stream'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { HttpCache, type Forward } from '../src/cache/cache.ts'
import { DiskStore, MAX_WAITING } from '../src/cache/disk.ts'
import { parseRange } from '../src/cache/range.ts'
import { ProxyError } from '../src/http/failures.ts'
import { parseTarget } from '../src/http/target.ts'
import type { Answer, SiteRequest } from '../src/http/answer.ts'
import type { Fields } from '../src/http/fields.ts'

const START = Date.parse('2026-01-01T00:00:00Z')

interface Bench { cache: HttpCache, ask: (path?: string, fields?: Fields, method?: string, signal?: AbortSignal) => Promise<Answer>, asked: SiteRequest[], pass: (seconds: number) => void, forward: Forward }

/** A cache with a clock of its own in front of a site that is a function. */
function bench (
  site: (request: SiteRequest, count: number) => Partial<Answer> | Promise<Partial<Answer>>,
  options: { maxBytes?: number; maxEntryBytes?: number; disk?: DiskStore } = {}
): Bench {
  let now = START
  const asked: SiteRequest[] = []
  const cache = new HttpCache({ maxBytes: 1_000_000, maxEntryBytes: 100_000, now: () => now, ...options })
  const forward: Forward = async request => {
    asked.push(request)
    const answer = await site(request, asked.length)
    return { status: 200, reason: 'OK', fields: [], body: Buffer.from(`body ${asked.length}`), path: 'message', ...answer } as Answer
  }
  const ask: Bench['ask'] = async (path = '/', fields = [], method = 'GET', signal = new AbortController().signal) =>
    await cache.fetch(
      {
        method,
        target: parseTarget(`http://a.example${path}`),
        fields: [['Host', 'a.example'], ['Accept-Encoding', 'gzip, br'], ...fields],
        signal
      },
      forward
    )
  return {
    cache,
    ask,
    asked,
    pass: seconds => {
      now += seconds * 1000
    },
    forward
  }
}

const text = async (answer: Answer): Promise<string> =>
  Buffer.isBuffer(answer.body) ? answer.body.toString() : Buffer.concat(await answer.body.toArray()).toString()
const field = (answer: Answer, name: string): string | undefined => answer.fields.find(([key]) => key.toLowerCase() === name)?.[1]
const maxAge = (seconds: number, extra = ''): Fields => [['Cache-Control', `max-age=${seconds}${extra}`]]

t.test('fresh, aged, stale', async t => {
  const { ask, asked, pass } = bench(() => ({ fields: maxAge(60) }))
  t.equal(await text(await ask()), 'body 1')
  pass(30)
  const hit = await ask()
  t.equal(hit.path, 'cache')
  t.equal(field(hit, 'age'), '30')
  t.equal(await text(hit), 'body 1')
  const head = await ask('/', [], 'HEAD')
  t.equal(head.path, 'cache')
  pass(31)
  t.equal(await text(await ask()), 'body 2')
  t.equal(asked.length, 2)
})

for (const zone of ['UTC', 'America/New_York', 'Asia/Kolkata']) {
  t.test(`dates of responses, with the clock's zone set to ${zone}`, async t => {
    const before = process.env.TZ
    process.env.TZ = zone
    t.teardown(() => {
      if (before === undefined) delete process.env.TZ
      else process.env.TZ = before
    })
    const isKept = async (fields: Fields): Promise<boolean> => {
      const { ask, asked } = bench(() => ({ fields }))
      await ask()
      await ask()
      return asked.length === 1
    }
    const date = new Date(START).toUTCString()
    const validator: Fields[number] = ['ETag', '"x"']
    t.notOk(await isKept([validator, ['Date', date], ['Expires', 'Wed Dec 31 23:00:00 2025']]), 'an hour past, by asctime')
    t.ok(await isKept([validator, ['Date', date], ['Expires', 'Thu Jan  1 01:00:00 2026']]), 'an hour ahead, by asctime')
    t.ok(await isKept([validator, ['Date', date], ['Expires', 'Thursday, 01-Jan-26 01:00:00 GMT']]), 'a date of RFC 850')
    t.notOk(await isKept([validator, ['Date', date], ['Expires', 'Wednesday, 01-Jan-77 01:00:00 GMT']]), 'a year of the century before')
    for (const expires of [
      '0', '-1', 'Thu, 01 Jan 2026 01:00:00', 'Thu, 1 Jan 2026 01:00:00 GMT', '2026-01-01T01:00:00Z', 'Thu, 01-Jan-2026 01:00:00 GMT',
      'thu, 01 jan 2026 01:00:00 GMT', 'tomorrow'
    ]) {
      t.notOk(await isKept([validator, ['Date', date], ['Expires', expires]]), `Expires: ${expires} is long past`)
    }
    for (const [age, isFresh] of [['7200', false], ['7200, 3', false], ['7200.0', true], ['-7200', true]] as const) {
      t.equal(await isKept([validator, ['Date', date], ['Age', age], ['Cache-Control', 'max-age=3600']]), isFresh, `Age: ${age}`)
    }
  })
}

t.test('a response without a Date has that of its coming, and keeps it', async t => {
  const { ask, asked, pass } = bench((_request, count) => ({ status: count === 1 ? 200 : 304, fields: [...maxAge(60), ['ETag', '"x"']] }))
  await ask()
  pass(30)
  t.equal(field(await ask(), 'date'), new Date(START).toUTCString())
  pass(60)
  t.equal(field(await ask(), 'date'), new Date(START + 90_000).toUTCString(), 'a 304 without one was made when it came')
  pass(30)
  t.equal(field(await ask(), 'age'), '30')
  t.equal(asked.length, 2)
})

t.test('what is never kept', async t => {
  const rows: Array<[string, Partial<Answer>, Fields?]> = [
    ['no-store', { fields: [['Cache-Control', 'No-Store, max-age=60']] }],
    ['no-store of the request', { fields: maxAge(60) }, [['Cache-Control', 'no-store']]],
    ['Vary: *', { fields: [...maxAge(60), ['Vary', '*']] }],
    ['cookies without freshness', { fields: [['Set-Cookie', 'a=b'], ['Last-Modified', new Date(START - 1e10).toUTCString()]] }],
    ['nothing known', {}],
    ['no freshness and no validator', { fields: [['Cache-Control', 'max-age=0']] }],
    ['the first of two values', { fields: [['Cache-Control', 'max-age=0'], ['Cache-Control', 'max-age=60']] }],
    ['a part', { status: 206, fields: maxAge(60) }],
    ['an error', { status: 500, fields: maxAge(60) }]
  ]
  for (const [name, answer, fields] of rows) {
    const { ask, asked } = bench(() => answer)
    await ask('/', fields)
    await ask('/', fields)
    t.equal(asked.length, 2, name)
  }
  const { ask, asked } = bench(() => ({ fields: [['Last-Modified', new Date(START - 1e8).toUTCString()]] }))
  await ask()
  await ask()
  t.equal(asked.length, 1, 'a tenth of its age is fresh')
})

t.test('validators: 304 renews, 200 replaces', async t => {
  const { ask, asked, pass, cache } = bench((request, count) =>
    count === 2
      ? {
          status: 304,
          reason: 'Not Modified',
          body: Buffer.alloc(0),
          fields: [
            ['ETag', '"v1"'],
            ['Cache-Control', 'max-age=100'],
            ['X-New', '1'],
            ['Content-Length', '0']
          ]
        }
      : { fields: [...maxAge(10), ['ETag', `"v${count}"`], ['Content-Type', 'text/html']] }
  )
  await ask()
  pass(11)
  const confirmed = await ask('/', [['If-None-Match', '"other"']])
  t.equal(confirmed.status, 200)
  t.equal(await text(confirmed), 'body 1')
  t.equal(field(confirmed, 'x-new'), '1')
  t.equal(field(confirmed, 'content-type'), 'text/html')
  t.strictSame(asked[1]!.fields.filter(([name]) => name.startsWith('If-')), [['If-None-Match', '"v1"']])
  pass(50)
  t.equal((await ask()).path, 'cache')
  const unchanged = await ask('/', [['If-None-Match', 'W/"v1", "x"']])
  t.equal(unchanged.status, 304)
  t.equal(await text(unchanged), '')
  pass(100)
  t.equal(await text(await ask('/', [['If-None-Match', '"v3"']])), '', 'the new one is what the browser has')
  t.equal(await text(await ask()), 'body 3')
  t.equal(cache.stats.revalidated, 1)
})

t.test('If-Modified-Since, no-cache, must-revalidate, only-if-cached', async t => {
  const modified = new Date(START - 1e9).toUTCString()
  const { ask, asked, pass } = bench(() => ({ fields: [['Cache-Control', 'max-age=60, Must-Revalidate'], ['Last-Modified', modified]] }))
  await t.rejects(ask('/', [['Cache-Control', 'only-if-cached']]), { code: 'MINWWW_TIMEOUT' })
  await ask()
  t.equal((await ask()).path, 'cache', 'must-revalidate is for the stale')
  t.equal((await ask('/', [['If-Modified-Since', modified]])).status, 304)
  t.equal((await ask('/', [['If-Modified-Since', new Date(START - 2e9).toUTCString()]])).status, 200)
  await ask('/', [['Cache-Control', 'No-Cache']])
  await ask('/', [['Pragma', 'no-cache']])
  t.equal(asked.length, 3)
  pass(61)
  await t.rejects(ask('/', [['Cache-Control', 'only-if-cached']]), { code: 'MINWWW_TIMEOUT' })
})

t.test('Vary selects variants', async t => {
  const { ask, asked } = bench(request => ({
    fields: [...maxAge(60), ['Vary', 'Cookie, X-Lang']],
    body: Buffer.from(JSON.stringify(request.fields))
  }))
  await ask('/', [['Cookie', 'a=1']])
  await ask('/', [['Cookie', 'a=2']])
  await ask('/', [['cookie', 'a=1']])
  await ask('/', [['Cookie', 'a=2'], ['Accept', 'x']])
  t.equal(asked.length, 2)
  await ask('/')
  t.equal(asked.length, 3)
})

t.test('ranges from a whole entry', async t => {
  const { ask, asked } = bench(request => ({
    fields: [
      ...maxAge(60), ['ETag', '"e"'], ['Vary', 'Accept-Encoding'], ['Content-Length', '10'],
      ...(request.target.path === '/coded' ? [['Content-Encoding', 'gzip'] as [string, string]] : [])
    ],
    body: Buffer.from('0123456789')
  }))
  t.equal((await ask('/', [['Range', 'bytes=0-1']])).status, 200)
  t.equal(asked.length, 1)
  await ask()
  const part = async (range: string, extra: Fields = []): Promise<[number, string | undefined, string]> => {
    const answer = await ask('/', [['Range', range], ...extra])
    return [answer.status, field(answer, 'content-range'), await text(answer)]
  }
  t.strictSame(await part('bytes=2-4'), [206, 'bytes 2-4/10', '234'])
  t.strictSame(await part('bytes=8-'), [206, 'bytes 8-9/10', '89'])
  t.strictSame(await part('bytes=-3'), [206, 'bytes 7-9/10', '789'])
  t.strictSame(await part('bytes=10-'), [416, 'bytes */10', ''])
  t.strictSame(await part('bytes=0-1,3-4'), [200, undefined, '0123456789'])
  t.strictSame(await part('bytes=2-4', [['If-Range', '"e"']]), [206, 'bytes 2-4/10', '234'])
  t.strictSame(await part('bytes=2-4', [['If-Range', '"x"']]), [200, undefined, '0123456789'])
  t.equal(asked.length, 2)
  await ask('/coded')
  await ask('/coded', [['Range', 'bytes=0-1']])
  t.equal(asked.length, 4, 'a coded entry has other bytes')
  fc.assert(fc.property(fc.string(), fc.nat(100), (value, length) => {
    const range = parseRange(value, length)
    return range === undefined || range === 'unsatisfiable' || (range.first >= 0 && range.last < length && range.first <= range.last)
  }))
  fc.assert(fc.property(fc.nat(200), fc.nat(200), fc.integer({ min: 1, max: 100 }), (first, last, length) => {
    const range = parseRange(`bytes=${first}-${last}`, length)
    return last < first
      ? range === undefined
      : first >= length
        ? range === 'unsatisfiable'
        : typeof range === 'object' && range.first === first && range.last === Math.min(last, length - 1)
  }))
})

t.test('stale-while-revalidate: the old one at once, the new one next time', async t => {
  let refreshed: () => void = () => {}
  const done = new Promise<void>(resolve => { refreshed = resolve })
  const { ask, asked, pass } = bench((_, count) => {
    if (count === 2) refreshed()
    return { fields: maxAge(10, ', stale-while-revalidate=60') }
  })
  await ask()
  pass(20)
  const stale = await ask()
  t.equal(stale.path, 'stale')
  t.equal(await text(stale), 'body 1')
  await done
  await new Promise(setImmediate)
  t.equal(await text(await ask()), 'body 2')
  t.equal(asked.length, 2)
})

t.test('stale when nobody answers', async t => {
  let fail: ProxyError | number = 0
  const site = (): Partial<Answer> => {
    if (typeof fail !== 'number') throw fail
    return fail === 0 ? { fields: maxAge(10) } : { status: fail, fields: [] }
  }
  const { ask, pass, cache } = bench(site)
  await ask('/a')
  pass(3_600)
  fail = new ProxyError('MINWWW_TIMEOUT')
  const stale = await ask('/a')
  t.equal(stale.path, 'stale')
  t.match(stale.because, /^MINWWW_/)
  t.equal(await text(stale), 'body 1')
  await t.rejects(ask('/b'), { code: 'MINWWW_TIMEOUT' })
  for (const code of ['MINWWW_BUSY', 'MINWWW_OVERLOADED'] as const) {
    fail = new ProxyError(code)
    await t.rejects(ask('/a'), { code })
  }
  fail = new ProxyError('MINWWW_POLICY')
  await t.rejects(ask('/a'), { code: 'MINWWW_POLICY' })
  fail = 503
  t.equal((await ask('/a')).status, 503, 'the site itself may say so')
  fail = new ProxyError('MINWWW_TIMEOUT')
  pass(8 * 86_400)
  await t.rejects(ask('/a'), { code: 'MINWWW_TIMEOUT' })
  t.equal(cache.stats.stale, 1)
  const strict = bench((_, count) => {
    if (count > 1) throw new ProxyError('MINWWW_TIMEOUT')
    return { fields: maxAge(10, ', must-revalidate') }
  })
  await strict.ask()
  strict.pass(11)
  await t.rejects(strict.ask(), { code: 'MINWWW_TIMEOUT' })
  const allowed = bench((_, count) => count > 1 ? { status: 503, fields: [] } : { fields: maxAge(10, ', stale-if-error=100') })
  await allowed.ask()
  allowed.pass(50)
  t.equal((await allowed.ask()).path, 'stale')
  allowed.pass(100)
  t.equal((await allowed.ask()).status, 503)
})

t.test('unsafe methods make entries worthless', async t => {
  const { ask, asked } = bench(request =>
    request.method === 'GET'
      ? { fields: maxAge(60) }
      : {
          status: request.target.path === '/fails' ? 500 : 303,
          fields: [
            ['Location', '/list'],
            ['Content-Location', 'http://b.example/other']
          ]
        }
  )
  for (const path of ['/item', '/list', '/other', '/fails']) await ask(path)
  await ask('/item', [], 'POST')
  await ask('/fails', [], 'DELETE')
  await ask('/other', [], 'OPTIONS')
  const before = asked.length
  for (const path of ['/item', '/list', '/other', '/fails']) await ask(path)
  t.equal(asked.length - before, 2)
})

t.test('equal requests in flight are one', async t => {
  let answer: (answer: Partial<Answer>) => void = () => {}
  let sent: () => void = () => {}
  const started = new Promise<void>(resolve => { sent = resolve })
  const { ask, asked, cache } = bench(async (_, count) => {
    sent()
    return count === 1 ? await new Promise<Partial<Answer>>(resolve => { answer = resolve }) : { fields: [['Cache-Control', 'no-store']] }
  })
  const all = [ask(), ask('/', [['Referer', 'x']]), ask(), ask('/', [['Cookie', 'other']])]
  await started
  answer({ fields: maxAge(60), body: Buffer.from('one') })
  const bodies = await Promise.all(all.map(async answer => await text(await answer)))
  t.strictSame(bodies, ['one', 'one', 'one', 'body 2'])
  t.equal(asked.length, 2)
  t.equal(cache.stats.merged, 2)
})

t.test('equal requests wait for each other for a moment, and not at all for what was never kept', async t => {
  const answers: Array<(answer: Partial<Answer>) => void> = []
  let arrived = (): void => {}
  const { ask, asked } = bench(async () => await new Promise<Partial<Answer>>(resolve => {
    answers.push(resolve)
    arrived()
  }))
  const came = async (count: number): Promise<void> => {
    while (answers.length < count) await new Promise<void>(resolve => { arrived = resolve })
  }
  const first = [ask('/poll'), ask('/poll'), ask('/poll')]
  await came(3)
  for (const answer of answers.splice(0)) answer({ fields: [['Cache-Control', 'no-store']] })
  await Promise.all(first)
  const second = [ask('/poll'), ask('/poll'), ask('/poll')]
  // Without a turn of any timer.
  for (let turns = 0; turns < 20; turns++) await Promise.resolve()
  t.equal(answers.length, 3)
  for (const answer of answers.splice(0)) answer({ fields: maxAge(60) })
  await Promise.all(second)
  t.equal(asked.length, 6)
  await ask('/poll')
  t.equal(asked.length, 6, 'what can be kept now is')
})

t.test('a leader that leaves hands over, one that fails fails all, one that cannot be kept is asked again', async t => {
  const leaving = new AbortController()
  const waiting: Array<(answer: Partial<Answer> | ProxyError) => void> = []
  let arrived: () => void = () => {}
  const { ask, asked } = bench(async request => {
    const outcome = await new Promise<Partial<Answer> | ProxyError>((resolve, reject) => {
      waiting.push(resolve)
      request.signal.addEventListener('abort', () => reject(new Error((request.signal.reason as Error).message)))
      arrived()
    })
    if (outcome instanceof ProxyError) throw outcome
    return outcome
  })
  const next = async (): Promise<void> => { await new Promise<void>(resolve => { arrived = resolve }) }
  let come = next()
  const leader = ask('/', [], 'GET', leaving.signal)
  const follower = ask()
  await come
  come = next()
  leaving.abort(new Error('left'))
  await t.rejects(leader, { message: 'left' })
  await come
  waiting[1]!({ fields: maxAge(60) })
  t.equal(await text(await follower), 'body 2')
  come = next()
  const failing = [ask('/f'), ask('/f')]
  await come
  waiting[2]!(new ProxyError('MINWWW_TIMEOUT'))
  for (const one of failing) await t.rejects(one, { code: 'MINWWW_TIMEOUT' })
  t.equal(asked.length, 3)
})

t.test('streams are kept when they end well and are small enough', async t => {
  const bodies: Record<string, () => Readable> = {
    '/good': () => Readable.from([Buffer.from('ab'), Buffer.from('cd')]),
    '/short': () => Readable.from([Buffer.from('ab')]),
    '/large': () => Readable.from([Buffer.alloc(200_000)]),
    '/broken': () => Readable.from((async function * () { yield Buffer.from('ab'); throw new Error('reset') })())
  }
  const { ask, asked } = bench(request => ({
    path: 'stream',
    body: bodies[request.target.path]!(),
    fields: [
      ...maxAge(60),
      ...(request.target.path === '/large' || request.target.path === '/broken' ? [] : [['Content-Length', '4'] as [string, string]])
    ]
  }))
  t.equal(await text(await ask('/good')), 'abcd')
  t.equal(await text(await ask('/good')), 'abcd')
  t.equal(asked.length, 1)
  for (const path of ['/short', '/large']) {
    await text(await ask(path))
    await text(await ask(path))
  }
  await t.rejects(text(await ask('/broken')), { message: 'reset' })
  await t.rejects(text(await ask('/broken')), { message: 'reset' })
  t.equal(asked.length, 7)
})

t.test('bodies that pass are kept as long as all of them fit', async t => {
  const bodies: PassThrough[] = []
  const site = (): Partial<Answer> => {
    bodies.push(new PassThrough())
    return { path: 'stream', body: bodies.at(-1)!, fields: maxAge(60) }
  }
  const { ask, asked, cache } = bench(site, { maxBytes: 200_000 })
  const passing: Array<Promise<string>> = []
  for (let i = 0; i < 6; i++) passing.push(text(await ask(`/${i}`)))
  for (const body of bodies) body.write(Buffer.alloc(60_000))
  await new Promise(setImmediate)
  t.equal(cache.load.collected.used, 180_000)
  for (const body of bodies) body.end()
  t.ok((await Promise.all(passing)).every(({ length }) => length === 60_000), 'all of them arrive')
  await new Promise(setImmediate)
  t.equal(cache.load.collected.used, 0)
  await ask('/0')
  t.equal(asked.length, 6, 'the first ones are kept')
})

t.test('memory is bounded in bytes', async t => {
  const { ask, cache } = bench(() => ({ fields: maxAge(60), body: Buffer.alloc(50_000) }), { maxBytes: 200_000 })
  for (let i = 0; i < 20; i++) await ask(`/${i}`)
  t.ok(cache.bytes <= 200_000)
  t.ok(cache.count >= 3)
  for (let i = 0; i < 40; i++) await ask('/vary', [['Cookie', String(i)]])
  t.ok(cache.bytes <= 200_000)
  await cache.clear()
  t.equal(cache.bytes, 0)
})

t.test('what a site makes long counts: addresses, and the fields that Vary names', async t => {
  const { ask, cache } = bench(() => ({ fields: [...maxAge(60), ['Vary', 'Cookie']], body: Buffer.alloc(0) }), { maxBytes: 200_000 })
  for (let i = 0; i < 40; i++) await ask(`/${i}/${'x'.repeat(8_000)}`, [['Cookie', 'y'.repeat(8_000)]])
  t.ok(cache.count <= 12, `${cache.count}`)
})

t.test('on disk: what waits is bounded, and small files count as blocks', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'minwww-cache-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const store = await DiskStore.open(directory, 10 * 4_096)
  for (let i = 0; i < 500; i++) store.delete(`http://a.example/${i}`)
  t.equal(store.waiting, 0, 'there is nothing to delete')
  for (let i = 0; i < 500; i++) store.write(`http://a.example/${i}`, [])
  t.equal(store.waiting, MAX_WAITING)
  store.delete('http://a.example/0')
  await store.flush()
  t.equal(store.waiting, 0)
  t.equal(store.count, 10)
})

t.test('on disk: survives a restart, junk and a kill', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'minwww-cache-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const open = async (): Promise<DiskStore> => await DiskStore.open(directory, 300_000)
  const site = (request: SiteRequest): Partial<Answer> => ({
    fields: [...maxAge(60), ['Vary', 'Cookie']],
    body: Buffer.from(request.target.path)
  })
  const first = await open()
  const one = bench(site, { disk: first })
  for (const path of ['/a', '/b', '/c']) await one.ask(path)
  await one.ask('/a', [['Cookie', 'x']])
  await one.ask('/c', [], 'DELETE')
  await first.flush()
  t.equal(first.count, 2)
  writeFileSync(join(directory, `${'0'.repeat(64)}.0123456789ab.tmp`), 'half a file')
  writeFileSync(join(directory, 'f'.repeat(64)), 'junk')
  const second = await open()
  const again = bench(site, { disk: second })
  t.equal(await text(await again.ask('/a')), '/a')
  t.equal((await again.ask('/a', [['Cookie', 'x']])).path, 'cache')
  t.equal((await again.ask('/b')).path, 'cache')
  t.equal(again.asked.length, 0)
  await again.ask('/c')
  t.equal(again.asked.length, 1)
  await second.flush()
  t.notOk(readdirSync(directory).some(name => name.endsWith('.tmp')))
  const [name = ''] = readdirSync(directory).filter(name => name !== 'f'.repeat(64))
  const bytes = readFileSync(join(directory, name))
  for (let at = 0; at < bytes.length; at += 97) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 1
    writeFileSync(join(directory, name), damaged)
    const disk = await open()
    const store = bench(site, { disk })
    for (const path of ['/a', '/b', '/c']) t.equal(await text(await store.ask(path)), path)
    await disk.flush()
  }
  const store = await open()
  const many = bench(() => ({ fields: maxAge(60), body: Buffer.alloc(50_000) }), { disk: store })
  for (let i = 0; i < 20; i++) await many.ask(`/many/${i}`)
  await store.flush()
  t.ok(store.bytes <= 300_000)
  await many.cache.clear()
  t.equal(store.count, 0)
})
