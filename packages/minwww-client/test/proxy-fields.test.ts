import t from 'tap'
import { readFileSync } from 'node:fs'
import { get, parseRaw, raw, startProxy } from './proxy-support.ts'
import { filterResponseFields } from '../src/http/response-fields.ts'
import { PASSED } from '../src/http/request-fields.ts'
import type { Fields } from '../src/http/fields.ts'

const DOCUMENT = readFileSync(new URL('../../../docs/reference/proxy.md', import.meta.url), 'utf8')

/** Rows of the table under a heading, as cells without backticks. */
function rowsUnder (heading: string): string[][] {
  const [, section = ''] = new RegExp(`\n#+ ${heading}\n([^]*?)(?=\n#|$)`).exec(DOCUMENT) ?? []
  return section.split('\n').filter(line => line.startsWith('|')).slice(2).map(line =>
    line.split('|').slice(1, -1).map(cell => cell.trim().replaceAll('`', '')))
}

/** The names of the paragraph and list that begin with a word in bold, under a heading; `*` is filled. */
function namesUnder (heading: string, word: string): string[] {
  const [, section = ''] = new RegExp(`\n#+ ${heading}\n([^]*?)(?=\n#|$)`).exec(DOCUMENT) ?? []
  const [, list = ''] = new RegExp(`\n\\*\\*${word}\\*\\*([^]*?)(?=\n\n(?!- )|$)`).exec(section) ?? []
  return [...list.matchAll(/`([A-Za-z][\w-]*)(\*?)`/g)].map(([, name = '', family]) => family === '' ? name : `${name}Anything`)
}

/** What programs send in these fields; `x` in all others. */
const VALUES: Readonly<Record<string, string>> = {
  Origin: 'http://b.example',
  Cookie: 'a=b; c=d',
  Authorization: 'Basic YTpi',
  Range: 'bytes=0-9',
  'If-Range': '"x"',
  'If-Match': '"x"',
  'If-None-Match': '"x"',
  'If-Modified-Since': 'Thu, 01 Jan 2026 00:00:00 GMT',
  'If-Unmodified-Since': 'Thu, 01 Jan 2026 00:00:00 GMT',
  'Cache-Control': 'no-cache',
  Pragma: 'no-cache',
  'Content-Type': 'text/plain',
  Signature: 'keyId="a"',
  Digest: 'SHA-256=x',
  'Git-Protocol': 'version=2',
  Via: '1.1 x',
  From: 'a@b',
  Forwarded: 'for=1.2.3.4',
  'X-Real-IP': '1.2.3.4',
  'Client-IP': '1.2.3.4',
  'Sec-Fetch-Mode': 'navigate',
  'Keep-Alive': 'timeout=5',
  TE: 'trailers',
  Trailer: 'X-A',
  'Transfer-Encoding': 'chunked',
  Upgrade: 'h2c',
  Location: '/x',
  'WWW-Authenticate': 'Basic realm="x"',
  'Content-Security-Policy': "default-src 'self'"
}
const valueFor = (name: string): string => VALUES[name] ?? 'x'
const asRows = (passed: string[], removed: string[]): string[][] => [
  ...passed.map(name => [name, 'passed', valueFor(name), valueFor(name)]),
  ...removed.map(name => [name, 'removed', valueFor(name), 'nothing'])
]

/** A name in five ways that mean the same. */
const spellings = (name: string): string[] => [
  name,
  name.toLowerCase(),
  name.toUpperCase(),
  [...name].map((c, i) => (i % 2 === 0 ? c.toLowerCase() : c.toUpperCase())).join('')
]
/** Spacing around a value that means nothing. */
const SPACINGS: Array<(name: string, value: string) => string> = [(n, v) => `${n}: ${v}`, (n, v) => `${n}:${v}`, (n, v) => `${n}:\t ${v}  `]

t.test('every row of the request table, in odd spelling and spacing', async t => {
  const { proxy, core, port } = await startProxy(() => ({ body: 'ok' }), { cache: false })
  const rows = rowsUnder('Request fields')
  t.ok(rows.length > 20, `${rows.length} rows`)
  const passed = namesUnder('Request fields', 'Passed as they are')
  const removed = [...namesUnder('Request fields', 'Removed'), 'X-Unknown']
  t.ok(passed.length > 100 && removed.length > 20, `${passed.length} passed, ${removed.length} removed`)
  const listed = new Set([...passed, ...removed])
  rows.push(...asRows(passed, removed))
  for (const [name = '', treatment = '', example = '', result = ''] of rows) {
    for (const spelling of spellings(name)) {
      for (const spacing of listed.has(name) ? SPACINGS.slice(0, 1) : SPACINGS) {
        const line = spacing(spelling, example)
        const before = core.requests.length
        const host = name === 'Host' ? '' : 'Host: a.example\r\n'
        const answer = parseRaw(await raw(port, `GET http://a.example/x HTTP/1.1\r\n${host}${line}\r\nConnection: close\r\n\r\n`))
        if (treatment.startsWith('refused')) {
          t.equal(answer.status, Number(result), line)
          continue
        }
        const sent = core.requests.slice(before)
        t.equal(sent.length, 1, `${line}: ${answer.status}`)
        const values = sent[0]!.headers.filter(([field]) => field.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
        t.strictSame(values, result === 'nothing' ? [] : [result], `${line} (${treatment})`)
      }
    }
  }
  const documented = new Set(passed.map(name => name.toLowerCase()))
  for (const name of PASSED) t.ok(documented.has(name), `${name} is in the document`)
  await proxy.close()
})

t.test('every row of the response table, in odd spelling', async t => {
  const rows = rowsUnder('Response fields')
  const passed = namesUnder('Response fields', 'Passed as they are')
  const removed = namesUnder('Response fields', 'Removed')
  t.ok(
    rows.length > 10 && passed.length > 5 && removed.length > 15,
    `${rows.length} rows, ${passed.length} passed, ${removed.length} removed`
  )
  rows.push(...asRows(passed, removed))
  for (const [name = '', treatment = '', example = '', result = ''] of rows) {
    for (const spelling of spellings(name)) {
      const kept = filterResponseFields([[spelling, example]])
      const expected: Fields = result === 'nothing' ? [] : [[spelling, result]]
      t.strictSame(kept, expected, `${spelling} (${treatment})`)
    }
  }
})

t.test('fields named in Connection', async t => {
  const { proxy, core, port } = await startProxy(() => ({ body: 'ok' }), { cache: false })
  await get(port, 'http://a.example/', [
    ['Connection', 'Cookie ,\tIF-MATCH'],
    ['cookie', 'a=b'],
    ['If-Match', '"x"'],
    ['Pragma', 'no-cache']
  ])
  t.strictSame(
    core.requests[0]?.headers.map(([name]) => name),
    ['Host', 'User-Agent', 'Accept', 'Accept-Language', 'Accept-Encoding', 'Pragma']
  )
  t.strictSame(
    filterResponseFields([['connection', 'X-A, close'], ['x-a', '1'], ['X-B', '2'], ['Content-Length', '3']]),
    [['X-B', '2'], ['Content-Length', '3']]
  )
  t.strictSame(filterResponseFields([
    ['Set-Cookie', 'a=1'], ['SET-COOKIE', 'b=2; domain=.B32.i2p'], ['set-cookie', 'c=3; Domain="i2p"; Path=/'],
    ['set-cookie', 'd=4; domain=a.i2p']
  ]).map(([, value]) => value), ['a=1', 'd=4; domain=a.i2p'])
  t.strictSame(filterResponseFields([['bad name', 'x'], ['X', 'a\0b'], ['X', 'a\nb'], ['X', 'a\u0100']]), [])
  t.equal(filterResponseFields(Array.from({ length: 400 }, (): [string, string] => ['X', 'y'])).length, 256)
  await proxy.close()
})

t.test('options: languages, more fields, another User-Agent', async t => {
  const { proxy, core, port } = await startProxy(() => ({ body: 'ok' }), {
    cache: false,
    sanitize: { acceptLanguage: 'browser', allowFields: ['x-mine', 'via'], userAgent: 'One', userAgentI2p: 'Two' }
  })
  await get(port, 'http://a.example/', [['X-MINE', '1'], ['Via', 'x'], ['accept-language', 'de']])
  await get(port, 'http://a.i2p/')
  const of = (index: number, name: string): string | undefined => core.requests[index]?.headers.find(([field]) => field === name)?.[1]
  t.equal(of(0, 'X-Mine'), '1')
  t.equal(of(0, 'Via'), undefined)
  t.equal(of(0, 'Accept-Language'), 'de')
  t.equal(of(0, 'User-Agent'), 'One')
  t.equal(of(1, 'User-Agent'), 'Two')
  await proxy.close()
})
