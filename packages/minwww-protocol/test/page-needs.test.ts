/** What a response needs beside itself: redirects, pages and style sheets in their codings and encodings, and which addresses count. */
import { brotliCompressSync, gzipSync } from 'node:zlib'
import t from 'tap'
import type { HeaderList } from '../src/index.ts'
import { charsetOf, decoderFor } from '../src/page/charset.ts'
import { needsOf } from '../src/page/needs.ts'
import { MAX_REFERENCE, MAX_REFERENCES, References } from '../src/page/references.ts'
import type { Kind } from '../src/page/references.ts'

const PAGE = 'http://a.i2p/dir/page'
const needs = (body: Uint8Array | string, headers: HeaderList = [['Content-Type', 'text/html']], status = 200): string[] =>
  needsOf(PAGE, { status, headers, body: Buffer.from(body) }).found.map(({ url, kind }) => `${kind} ${url.replace('http://a.i2p', '')}`)
const HTML = '<img src=a.png><link rel=stylesheet href=b.css>'
const FOUND = ['style /dir/b.css', 'image /dir/a.png']

t.test('a redirect needs where it leads to, on its own host', async t => {
  for (const status of [301, 302, 303, 307, 308]) t.strictSame(needs('', [['location', '/x']], status), ['document /x'])
  t.strictSame(needs('', [['Location', 'http://b.i2p/x']], 302), [])
  t.strictSame(needs('', [], 302), [])
  for (const status of [200, 201, 300, 304, 404]) t.strictSame(needs('', [['Location', '/x']], status), [], `${status}`)
})

t.test('a page needs what it and its Link fields name, each once', async t => {
  t.strictSame(needs(HTML), FOUND)
  t.strictSame(needs(HTML, [['content-type', ' TEXT/HTML; charset=utf-8']]), FOUND)
  t.strictSame(needs(HTML, [['content-type', 'application/xhtml+xml']]), FOUND)
  for (const type of ['text/plain', 'text/htmlx', 'x text/html', '']) t.strictSame(needs(HTML, [['content-type', type]]), [], type)
  t.strictSame(needs(HTML, []), [])
  t.strictSame(needs(HTML, [['content-type', 'text/html']], 404), [])
  const link: HeaderList = [
    ['content-type', 'text/html'], ['Link', '<b.css>; rel=preload; as=style'], ['Link', '<c.js>; rel=modulepreload']
  ]
  t.strictSame(needs(HTML, link), ['style /dir/b.css', 'script /dir/c.js', 'image /dir/a.png'])
  t.strictSame(needs('', [['link', '<c.js>; rel=modulepreload']]), ['script /dir/c.js'], 'whatever it is')
  t.ok(needsOf(PAGE, { status: 200, headers: [['content-type', 'text/html']], body: Buffer.from(HTML) }).styles)
})

t.test('a style sheet needs what it names', async t => {
  const css = '@import "c.css"; body { background: url(d.png) }'
  t.strictSame(needs(css, [['content-type', 'text/css']]), ['style /dir/c.css', 'image /dir/d.png'])
  const link: HeaderList = [['content-type', 'Text/CSS;x'], ['link', '<e.css>; rel=stylesheet']]
  t.strictSame(needs(css, link), ['style /dir/e.css', 'style /dir/c.css', 'image /dir/d.png'])
  t.strictSame(needs(css, [['content-type', 'text/cssx']]), [])
  t.notOk(needsOf(PAGE, { status: 200, headers: [['content-type', 'text/css']], body: Buffer.from(css) }).styles)
})

t.test('codings that sites use are read, also where only a beginning is here', async t => {
  const coded = (coding: string, body: Uint8Array): string[] => needs(body, [['content-type', 'text/html'], ['Content-Encoding', coding]])
  const long = Buffer.from(HTML + '<p>more</p>'.repeat(9_000))
  t.strictSame(coded('identity', long), FOUND)
  for (const coding of ['gzip', 'x-gzip', ' GZIP ']) t.strictSame(coded(coding, gzipSync(long)), FOUND, coding)
  t.strictSame(coded('gzip', gzipSync(long).subarray(0, -20)), FOUND)
  t.strictSame(coded('br', brotliCompressSync(long)), FOUND)
  t.strictSame(coded('zstd', long), [])
  t.strictSame(coded('gzip', long), [], 'what is none')
  t.strictSame(coded('gzip', gzipSync(Buffer.alloc(4_194_305, HTML))), [], 'and what holds far too much')
})

t.test('the encoding of a page: by its first bytes, its field, its own word, or the usual one', async t => {
  const table: Array<[type: string, start: number[] | string, charset: string]> = [
    ['text/html; charset=koi8-r', [0xef, 0xbb, 0xbf], 'utf-8'],
    ['text/html; charset=koi8-r', [0xef, 0xbb, 0], 'koi8-r'],
    ['text/html; charset=koi8-r', [0xef, 0, 0xbf], 'koi8-r'],
    ['text/html; charset=koi8-r', [0, 0xbb, 0xbf], 'koi8-r'],
    ['', [0xfe, 0xff], 'utf-16be'],
    ['', [0xff, 0xfe], 'utf-16le'],
    ['', [0xfe, 0xfe], 'utf-8'],
    ['', [0xff, 0xff], 'utf-8'],
    ['text/html;charset = "KOI8-R"', '', 'koi8-r'],
    ['text/html;  charset=a', '<meta charset=b>', 'a'],
    ['text/html', '<meta name=x charset = "b">', 'b'],
    ['text/css', '@charset "c";', 'c'],
    ['text/css', ' @charset "c";', 'utf-8'],
    ['text/html', `${' '.repeat(1_024)}<meta charset=b>`, 'utf-8']
  ]
  for (const [type, start, charset] of table) t.equal(charsetOf(type, Buffer.from(start as string, 'latin1')), charset, `${type} ${start}`)
  t.strictSame(['utf-8', 'utf-16le', 'koi8-r', 'nonsense'].map(charset => decoderFor(charset).isUtf8), [true, true, false, false])
  t.strictSame(needs('<img src="\u00e4.png">', [['content-type', 'text/html; charset=koi8-r']]), [], 'which a parser of URLs does not know')
})

t.test('addresses that count: of plain http, without a password, once each, and not the page itself', async t => {
  const found = (...texts: string[]): string[] => {
    const references = new References(PAGE)
    for (const text of texts) references.add(text, 'image')
    return references.sorted.map(({ url }) => url)
  }
  t.strictSame(found('a', './a', 'a#x', 'http://a.i2p/dir/a'), ['http://a.i2p/dir/a'])
  t.strictSame(found('', '  ', '#top', 'page', 'https://a.i2p/', 'data:x', 'http://u@a.i2p/', 'http://:p@a.i2p/', 'http://[x'), [])
  const longest = 'x'.repeat(MAX_REFERENCE - 'http://a.i2p/dir/'.length)
  t.equal(found(longest).length, 1)
  t.strictSame([found(`${longest}x`), found('x'.repeat(MAX_REFERENCE + 1))], [[], []])
  t.equal(found(...Array.from({ length: MAX_REFERENCES + 1 }, (_, i) => `${i}`)).length, MAX_REFERENCES)
})

t.test('what stops a page from being painted comes first', async t => {
  const references = new References(PAGE)
  const kinds: Kind[] = ['late-style', 'other', 'image', 'font', 'script', 'style', 'document']
  for (const [i, kind] of kinds.entries()) references.add(`${i}`, kind)
  t.strictSame(references.sorted.map(({ kind }) => kind), kinds.toReversed())
})
