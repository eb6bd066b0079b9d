import { addressHash, HASH, MAX_DIGEST } from '@minwww/protocol'
import type { HeaderList } from '@minwww/protocol'
import t from 'tap'
import { askedOf, fieldsOf, isAnswerTo, isReferredBy } from '../src/core/asked.ts'
import { MAX_GATES, PushGate } from '../src/core/push-gate.ts'
import { MAX_SENT, SentMemory } from '../src/core/sent-memory.ts'

const URL = 'http://a.i2p/x.css'
const get = (fields: string[] = [], line = `GET ${URL} HTTP/1.1`, body = ''): Buffer =>
  Buffer.from([line, ...fields, '', body].join('\r\n'))
const asked = (fields: string[] = []) => askedOf(get(fields), undefined, false)!

t.test('only a plain GET can be answered by what was pushed', async t => {
  t.match(askedOf(get(['Accept: a', 'X-Y: 1', 'accept: b']), 'http://a.i2p/', true), {
    url: URL, referer: 'http://a.i2p/', isPage: true, fields: new Map([['accept', 'a, b'], ['x-y', '1']])
  })
  t.equal(askedOf(get([], `POST ${URL} HTTP/1.1`), undefined, false), undefined)
  t.equal(askedOf(get(['Content-Length: 1'], undefined, 'x'), undefined, false), undefined)
  t.equal(askedOf(Buffer.from('nonsense'), undefined, false), undefined)
  t.strictSame([...fieldsOf([['A', '1'], ['a', '2']])], [['a', '1, 2']])
})

t.test('what was pushed answers a request of the same address and the same fields, but for those that say nothing of the answer', async t => {
  const table: Array<[name: string, own: string[], pushed: HeaderList, received: HeaderList, isAnswer: boolean]> = [
    ['nothing said', [], [], [], true],
    ['the same fields', ['Cookie: a=1', 'Accept-Language: en'], [['cookie', 'a=1'], ['accept-language', 'en']], [], true],
    ['another cookie', ['Cookie: a=1'], [['cookie', 'a=2']], [], false],
    ['a cookie of its own', ['Cookie: a=1'], [], [], false],
    ['a cookie that the browser does not have', [], [['cookie', 'a=1']], [], false],
    ['credentials', ['Authorization: Basic x'], [], [], false],
    ['a part of it', ['Range: bytes=0-1'], [], [], false],
    ['another type, which the answer does not depend on', ['Accept: text/css'], [['accept', '*/*']], [], true],
    ['another type, which the answer depends on', ['Accept: text/css'], [['accept', '*/*']], [['Vary', 'Accept-Encoding , ACCEPT']], false],
    ['an answer that depends on what is the same', ['Accept: a'], [['Accept', 'a']], [['vary', 'accept']], true],
    ['an answer for nobody else', [], [], [['Vary', 'a, *']], false],
    ['an empty list', [], [], [['Vary', ', ']], true]
  ]
  for (const [name, own, headers, received, isAnswer] of table) {
    t.equal(isAnswerTo(asked(own), { url: URL, headers }, 200, received), isAnswer, name)
  }
  for (const name of [
    'accept', 'cache-control', 'if-modified-since', 'if-none-match', 'pragma', 'priority', 'referer', 'upgrade-insecure-requests'
  ]) {
    t.ok(isAnswerTo(asked([`${name}: 1`]), { url: URL, headers: [] }, 200, []), name)
  }
  t.notOk(isAnswerTo(asked(), { url: `${URL}?`, headers: [] }, 200, []), 'another address')
})

t.test('statuses that are for one request only answer no other', async t => {
  const isAnswer = (status: number): boolean => isAnswerTo(asked(), { url: URL, headers: [] }, status, [])
  t.ok([200, 204, 301, 404, 410, 500].every(isAnswer))
  t.notOk([100, 103, 199, 206, 304, 401, 407, 412, 416].some(isAnswer))
})

t.test('a page\'s pushes are for what it refers to itself', async t => {
  const page = 'https://a.i2p:8/b/c?d#e'
  const table: Array<[referer: string | undefined, addresses: Array<string | undefined>, isReferred: boolean]> = [
    [undefined, [], true],
    [undefined, [page], true],
    ['https://a.i2p:8/b/c?d', ['https://a.i2p:8/b/c?d'], true],
    ['https://a.i2p:8/b/c?d#\nf', ['https://a.i2p:8/b/c?d'], true],
    ['https://a.i2p:8/', [page], true],
    ['https://a.i2p:8', [page], false],
    ['https://a.i2p/', [page], false],
    ['https://a.i2p:8/b/', [page], false],
    ['http://a.i2p:8/', [page], false],
    ['https://a.i2p:8/', [undefined, 'http://b.i2p/', page], true],
    ['https://a.i2p:8/', [undefined], false],
    ['', ['nonsense'], false],
    ['http://a.i2p/', ['http://a.i2p/b'], true],
    ['http://x/', ['ahttp://x/y'], false]
  ]
  for (const [referer, addresses, isReferred] of table) {
    t.equal(isReferredBy(referer, addresses), isReferred, `${referer} of ${addresses.join(' ')}`)
  }
})

const TRIAL = 131_072

t.test('a site may push less the less of it is used', async t => {
  const part = (used: number): number => {
    const gate = new PushGate()
    gate.pushed('a', TRIAL)
    gate.used('a', used * TRIAL)
    return Math.round(100 * gate.part(0, 'a')) / 100
  }
  t.strictSame([1, 2 / 3, 1 / 2, 0.4].map(part), [1, 1, 0.5, 0.2])
})

t.test('a site of which nothing is used gets another chance every ten minutes, and everybody has one at first', async t => {
  const gate = new PushGate()
  t.equal(gate.part(0, 'a'), 1)
  gate.pushed('a', TRIAL - 1)
  t.equal(gate.part(0, 'a'), 1)
  gate.pushed('a', 1)
  t.equal(gate.part(0, 'a'), 0.1)
  t.strictSame([gate.part(599_999, 'a'), gate.part(600_000, 'a'), gate.part(600_001, 'a')], [0, 0.1, 0])
  gate.used('a', TRIAL / 2)
  t.ok(Math.abs(gate.part(600_002, 'a') - 0.5) < 1e-9)
})

t.test('what a site did long ago counts less, and never more is used than was pushed', async t => {
  const gate = new PushGate()
  gate.pushed('a', 4_194_304)
  gate.used('a', 9e9)
  t.strictSame(gate.toJSON(), [['a', 4_194_304, 4_194_304]])
  gate.pushed('a', 2)
  t.strictSame(gate.toJSON(), [['a', 2_097_153, 2_097_152]])
})

t.test('sites beyond the bound are forgotten, the one not seen for longest first', async t => {
  const gate = new PushGate()
  for (let i = 0; i < MAX_GATES; i++) gate.pushed(`${i}`, TRIAL)
  gate.used('0', TRIAL)
  gate.pushed('one more', 1)
  t.equal(gate.size, MAX_GATES)
  t.strictSame([gate.part(0, '0'), gate.part(0, '1'), gate.part(0, '2')], [1, 1, 0.1])
})

t.test('what is saved of sites is read again, and nonsense is left out', async t => {
  const gate = new PushGate()
  gate.restore([
    [
      'a', TRIAL, TRIAL / 2
    ], ['b', 5, 6], ['c', -1, -2], ['d', 'x', 0], [7, 1, 1], ['e'.repeat(256), 1, 1], ['f', 1, NaN], 'g', null, ['h', 9e6, 0],
    ['i'.repeat(255), 8_388_608, 0], ['j', 0, 0], ['k', 1, undefined], ['l', 1, -1]
  ])
  t.strictSame(gate.toJSON(), [['a', TRIAL, TRIAL / 2], ['i'.repeat(255), 8_388_608, 0], ['j', 0, 0]])
  t.ok(Math.abs(gate.part(0, 'a') - 0.5) < 1e-9)
  for (const nonsense of [undefined, null, 'x', { length: 3 }]) t.doesNotThrow(() => gate.restore(nonsense))
  const many = new PushGate()
  many.restore(Array.from({ length: MAX_GATES + 5 }, (_, i) => [`${i}`, 1, 1]))
  t.equal(many.size, MAX_GATES)
  t.equal(many.toJSON()[0]![0], '5', 'the oldest are left out')
})

const NOW = Date.parse('2026-12-01T00:00:00Z')
const date = (ms: number): string => new Date(NOW + ms).toUTCString()
const HOUR = 3_600_000
const DAY = 24 * HOUR

/** For how long an exit need not send it again, ms. */
function freshFor (headers: HeaderList): number {
  const isFresh = (ms: number): boolean => {
    const memory = new SentMemory()
    memory.came(NOW, URL, 'a', headers)
    return memory.digest(NOW + ms, 'a').length > 0
  }
  let [low, high] = [0, 2 * DAY]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (isFresh(middle)) low = middle + 1
    else high = middle
  }
  return low
}

t.test('an exit need not send again what is fresh', async t => {
  const table: Array<[headers: HeaderList, ms: number]> = [
    [[], 0],
    [[['Cache-Control', 'max-age=60']], 60_000],
    [[['Cache-Control', 'public, MAX-AGE = "60"']], 60_000],
    [[['Cache-Control', 'max-age=60'], ['Age', '20']], 40_000],
    [[['Cache-Control', 'max-age=60'], ['Age', '70']], 0],
    [[['Cache-Control', 'max-age=60'], ['Age', 'x']], 60_000],
    [[['Cache-Control', 'max-age=999999999']], DAY],
    [[['Cache-Control', 'max-age=60, no-store']], 0],
    [[['Cache-Control', 'no-cache, max-age=60']], 0],
    [[['Cache-Control', 'x-max-age=1'], ['Expires', date(HOUR)]], 1_000],
    [[['Cache-Control', 'max-age=60'], ['Vary', ' * ']], 0],
    [[['Cache-Control', 'max-age=60'], ['Vary', 'accept']], 60_000],
    [[['Expires', date(HOUR)]], HOUR],
    [[['Expires', date(HOUR)], ['Date', date(-HOUR)]], 2 * HOUR],
    [[['Expires', date(-HOUR)]], 0],
    [[['Expires', '0']], 0],
    [[['Expires', date(99 * DAY)]], DAY],
    [[['Last-Modified', date(-HOUR)]], HOUR / 10],
    [[['Last-Modified', date(-HOUR)], ['Date', date(HOUR)]], HOUR / 5],
    [[['Last-Modified', date(-99 * DAY)]], DAY],
    [[['Last-Modified', date(HOUR)]], 0],
    [[['Last-Modified', 'x']], 0]
  ]
  for (const [headers, ms] of table) t.equal(freshFor(headers), ms, JSON.stringify(headers))
})

t.test('a page says of its own site only what its exit sent, the newest first to stay', async t => {
  const memory = new SentMemory()
  const fresh: HeaderList = [['cache-control', 'max-age=60']]
  const of = (...urls: string[]): string => Buffer.concat(urls.map(url => addressHash(url))).toString('hex')
  const said = (now: number, site: string): string => memory.digest(now, site).toString('hex')
  memory.came(NOW, 'http://a/1', 'a', fresh)
  memory.came(NOW, 'http://b/1', 'b', fresh)
  memory.unwanted(NOW, 'http://a/2', 'a')
  t.equal(said(NOW, 'a'), of('http://a/1', 'http://a/2'))
  t.equal(said(NOW, 'c'), '')
  t.equal(said(NOW + 60_000, 'a'), of('http://a/2'))
  t.equal(said(NOW + 599_999, 'a'), of('http://a/2'))
  t.equal(said(NOW + 600_000, 'a'), '')
  memory.came(NOW, 'http://a/1', 'a', fresh)
  t.equal(said(NOW, 'a'), of('http://a/2', 'http://a/1'), 'it came again')
  memory.came(NOW, 'http://a/1', 'a', [['cache-control', 'no-store']])
  t.equal(said(NOW, 'a'), of('http://a/2'), 'and must not be kept this time')
})

t.test('a digest and what it is made of are bounded', async t => {
  const memory = new SentMemory()
  memory.unwanted(NOW, 'http://old/', 'old')
  for (let i = 0; i < MAX_SENT; i++) memory.unwanted(NOW, `http://a/${i}`, 'a')
  t.equal(memory.digest(NOW, 'old').length, 0, 'the oldest is forgotten')
  const digest = memory.digest(NOW, 'a')
  t.equal(digest.length, MAX_DIGEST * HASH)
  t.ok(digest.subarray(-HASH).equals(addressHash(`http://a/${MAX_SENT - 1}`)))
})
