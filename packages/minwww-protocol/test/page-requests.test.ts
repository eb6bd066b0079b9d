/** What may be fetched ahead of a browser, and with which of its fields: what it would ask for by itself, and nothing of another site. */
import t from 'tap'
import type { HeaderList } from '../src/index.ts'
import { cookieAfter } from '../src/page/cookies.ts'
import { ACCEPT_HTML, ACCEPT_IMAGE, ACCEPT_STYLE, fieldsFor, mayNeed, mayPush } from '../src/page/request.ts'
import type { Kind } from '../src/page/references.ts'

const NOW = Date.parse('2026-12-01T00:00:00Z')

t.test('a site of I2P has only what is its own fetched ahead; sites of the web each other\'s, too', async t => {
  const table: Array<[page: string, url: string, needs: boolean, pushes: boolean]> = [
    ['http://a.i2p/', 'http://a.i2p/x', true, true],
    ['http://a.i2p/', 'http://A.i2p/x', true, true],
    ['http://a.i2p/', 'http://a.i2p:81/x', false, false],
    ['http://a.i2p/', 'http://b.i2p/x', false, false],
    ['http://a.i2p/', 'http://b.org/x', false, false],
    ['http://b.org/', 'http://a.i2p/x', false, false],
    ['http://b.org/', 'http://a.i2p./x', false, false],
    ['http://b.org/', 'http://c.org/x', true, false],
    ['http://b.org/', 'http://ai2p/x', true, false],
    ['http://b.org/', 'http://b.org/x', true, true],
    ['http://b.org/', 'https://b.org/x', false, false],
    ['https://b.org/', 'http://b.org/x', false, false],
    ['http://b.org/', 'ftp://b.org/x', false, false],
    ['nonsense', 'http://b.org/x', false, false],
    ['http://b.org/', 'nonsense', false, false]
  ]
  for (const [page, url, needs, pushes] of table) {
    t.strictSame([mayNeed(page, url), mayPush(page, url)], [needs, pushes], `${page} ${url}`)
  }
})

const PAGE = 'http://a.org/dir/page'
const HEADERS: HeaderList = [
  ['user-agent', 'browser'],
  ['Accept-Language', 'en'],
  ['accept-encoding', 'gzip'],
  ['Authorization', 'Basic x'],
  ['COOKIE', 'a=1'],
  ['DNT', '1']
]
type Said = Partial<{ kind: Kind, received: HeaderList, headers: HeaderList }>
const fields = (url: string, { kind = 'style', received = [], headers = HEADERS }: Said = {}): Record<string, string> =>
  Object.fromEntries(fieldsFor({ url: PAGE, headers, received }, { url, kind }, NOW))

t.test('what is asked for ahead has the fields that its browser would send', async t => {
  t.strictSame(fields('http://a.org/x.css'), {
    Host: 'a.org',
    'User-Agent': 'browser',
    Accept: ACCEPT_STYLE,
    'Accept-Language': 'en',
    'Accept-Encoding': 'gzip',
    Referer: PAGE,
    Authorization: 'Basic x',
    Cookie: 'a=1'
  })
  t.strictSame(fields('http://a.org/x.css', { headers: [] }), { Host: 'a.org', Accept: ACCEPT_STYLE, Referer: PAGE }, 'and no others')
  const accept: Record<Kind, string> = {
    document: ACCEPT_HTML,
    style: ACCEPT_STYLE,
    'late-style': ACCEPT_STYLE,
    image: ACCEPT_IMAGE,
    other: ACCEPT_IMAGE,
    script: '*/*',
    font: '*/*'
  }
  for (const [kind, value] of Object.entries(accept)) t.equal(fields('http://a.org/x', { kind: kind as Kind }).Accept, value, kind)
})

t.test('cookies that the page sets are those that its browser would send, whatever other fields say', async t => {
  const received: HeaderList = [['X-Cookie', 'c=3'], ['Set-Cookie', 'b=2'], ['set-cookie', 'd=4; Max-Age=0'], ['X-Policy', 'no-referrer']]
  const { Cookie, Referer } = fields('http://a.org/dir/x.css', { received })
  t.strictSame([Cookie, Referer], ['a=1; b=2', PAGE])
  t.equal(fields('http://b.org/x.css', { received }).Cookie, undefined)
})

t.test('what is asked for says which types it may be', async t => {
  const accept = (kind: Kind): string => fields('http://a.org/x', { kind }).Accept!
  t.match(accept('document'), /^text\/html,/)
  t.match(accept('image'), /^image\/avif,/)
  t.match(accept('style'), /^text\/css,/)
})

t.test('another site gets neither cookies nor credentials, nor where they come from', async t => {
  const received: HeaderList = [['Set-Cookie', 'b=2; Domain=org']]
  for (const url of ['http://b.org/x.css', 'http://a.org:81/x.css', 'http://www.a.org/x.css']) {
    t.strictSame(Object.keys(fields(url, { received })), ['Host', 'User-Agent', 'Accept', 'Accept-Language', 'Accept-Encoding'], url)
  }
})

t.test('a page that says so keeps its address to itself', async t => {
  const referer = (policy: string): string | undefined => fields('http://a.org/x', { received: [['Referrer-Policy', policy]] }).Referer
  t.strictSame(['no-referrer', 'NO-REFERRER ', 'origin, no-referrer'].map(referer), [undefined, undefined, undefined])
  t.strictSame(['', 'same-origin', 'no-referrer-when-downgrade', 'no-referrer, same-origin'].map(referer), [PAGE, PAGE, PAGE, PAGE])
})

const from = new URL(PAGE)
const cookie = (sent: string | undefined, set: string[], url = 'http://a.org/dir/x', page = from): string | undefined =>
  cookieAfter(sent, set, page, new URL(url), NOW)

t.test('cookies that a page sets go with what it needs', async t => {
  const table: Array<[name: string, sent: string | undefined, set: string[], field: string | undefined]> = [
    ['none', undefined, [], undefined],
    ['those it was sent', 'a=1; b=2', [], 'a=1; b=2'],
    ['new ones', 'a=1', ['b=2', ' c = 3 ; HttpOnly'], 'a=1; b=2; c=3'],
    ['another value', 'a=1; b=2', ['a=3=4'], 'a=3=4; b=2'],
    ['no name', undefined, ['=1', 'x', ''], undefined],
    ['over', 'a=1; b=2', ['a=; Max-Age=0'], 'b=2'],
    ['the last one over', 'a=1', ['a=; max-age=-5'], undefined],
    ['not over', 'a=1', ['a=2; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT'], 'a=2'],
    ['over by its date', 'a=1', ['a=2; Expires=Tue, 01 Dec 2026 00:00:00 GMT'], undefined],
    ['over by its date, for a time is none', 'a=1', ['a=2; max-age=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT'], undefined],
    ['later', 'a=1', ['a=2; Expires=Tue, 01 Dec 2026 00:00:01 GMT'], 'a=2'],
    ['for https only', 'a=1', ['a=2; Secure', 'b=2;secure'], 'a=1']
  ]
  for (const [name, sent, set, field] of table) t.equal(cookie(sent, set), field, name)
  const many = Array.from({ length: 60 }, (_, i) => `c${i}=1`)
  t.equal(cookie(undefined, many)?.split('; ').length, 50)
})

t.test('a cookie is for its host and its path only', async t => {
  const domains: Array<[domain: string, isTaken: boolean]> =
    [['a.org', true], ['.A.org', true], ['org', true], ['', true], ['b.org', false], ['x.a.org', false], ['g', false]]
  for (const [domain, isTaken] of domains) t.equal(cookie(undefined, [`a=1; Domain=${domain}`]), isTaken ? 'a=1' : undefined, domain)
  const paths: Array<[path: string, url: string, isSent: boolean]> = [
    ['/dir', '/dir', true], ['/dir', '/dir/x', true], ['/dir', '/dirx', false], ['/dir/', '/dir/x', true], ['/dir/', '/dir', false],
    ['/', '/y', true], ['/other', '/dir/x', false], ['', '/dir/x', true], ['', '/y', false], ['x', '/dir/x', true], ['x', '/y', false]
  ]
  for (const [path, url, isSent] of paths) {
    t.equal(cookie(undefined, [`a=1; Path=${path}`], `http://a.org${url}`), isSent ? 'a=1' : undefined, `${path} ${url}`)
  }
  t.equal(cookie(undefined, ['a=1'], 'http://a.org/y', new URL('http://a.org/page')), 'a=1', 'a page of the root')
})
