import { readFileSync } from 'node:fs'
import t from 'tap'
import { connectionNames, listOf, pairs, toRecord, valueOf, valuesOf, without, type Fields } from '../src/http/fields.ts'
import { allowedName, DEFAULT_SANITIZE, PASSED, rebuildFields, type SanitizeOptions } from '../src/http/request-fields.ts'
import { filterResponseFields } from '../src/http/response-fields.ts'
import { parseTarget } from '../src/http/target.ts'

const DOCUMENT = readFileSync(new URL('../../../docs/reference/proxy.md', import.meta.url), 'utf8')
const [, SECTION = ''] = /\n## Request fields\n([^]*?)\n## /.exec(DOCUMENT) ?? []
/** The lists below the table: a name each, a family with its `*`. */
const LISTED = [...SECTION.matchAll(/^(?:- [^:]*:| {2})(.*)$/gm)]
  .flatMap(([, line = '']) => [...line.replace(/;.*/, '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))

const url = 'http://a.example/x'
const sent = (received: Fields, options: Partial<SanitizeOptions> = {}, address = url): Fields =>
  rebuildFields(received, parseTarget(address), { ...DEFAULT_SANITIZE, ...options })
/** The fields after the five that every request has. */
const more = (received: Fields, options: Partial<SanitizeOptions> = {}, address = url): Fields => sent(received, options, address).slice(5)
const one = (name: string, received: Fields, options: Partial<SanitizeOptions> = {}, address = url): string | undefined =>
  sent(received, options, address).find(([field]) => field === name)?.[1]

t.test('what is passed is what the document lists, no more and no less', t => {
  const names = LISTED.map(name => name.toLowerCase())
  const known = new Set(names.filter(name => !name.endsWith('*') && name !== 'authorization'))
  t.strictSame([...PASSED].filter(name => name !== 'authorization').sort(), [...known].sort())
  const families = names.filter(name => name.endsWith('*')).map(name => name.slice(0, -1))
  t.strictSame(families, ['x-amz-', 'x-goog-', 'x-ms-', 'x-object-', 'x-container-'])
  for (const name of [...known, ...families.map(family => `${family}y`)]) {
    t.strictSame(more([[name.toUpperCase(), 'v']]).map(([, value]) => value), ['v'], name)
    t.strictSame(more([[`y-${name}`, 'v']]), [], `not y-${name}`)
  }
  for (const name of [...known].map(name => `${name}!`)) t.strictSame(more([[name, 'v']]), [], `not ${name}`)
  t.end()
})

t.test('every request has the same five, in the same order and words', t => {
  const five: Fields = [
    ['Host', 'a.example'], ['User-Agent', 'Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0'], ['Accept', '*/*'],
    ['Accept-Language', 'en-US,en;q=0.5'], ['Accept-Encoding', 'gzip, br']
  ]
  t.strictSame(sent([]), five)
  t.strictSame(sent([['USER-AGENT', 'me'], ['host', 'b'], ['accept-language', 'de'], ['Accept-Encoding', 'x']]), five)
  t.equal(one('Host', [], {}, 'http://a.example:81/'), 'a.example:81')
  for (const host of ['a.i2p', `${'a'.repeat(52)}.b32.i2p`, `${'A'.repeat(520)}.i2p`]) {
    t.equal(one('User-Agent', [], {}, `http://${host}/`), 'MYOB/6.66 (AN/ON)')
  }
  t.strictSame([one('User-Agent', [], { userAgent: 'x' }), one('User-Agent', [], { userAgentI2p: 'y' }, 'http://a.i2p/')], ['x', 'y'])
  const browser = { acceptLanguage: 'browser' }
  t.strictSame([one('Accept-Language', [['accept-language', 'de']], browser), one('Accept-Language', [], browser)], ['de', '*'])
  t.equal(one('Accept-Language', [['Accept-Language', 'de']], { acceptLanguage: 'fr' }), 'fr')
  t.equal(one('Accept-Encoding', [['RANGE', 'bytes=0-1']]), 'identity')
  t.equal(one('Accept-Encoding', [['Range', 'bytes=0-1'], ['Connection', 'range']]), 'gzip, br', 'a Range that does not go on')
  t.end()
})

t.test('Accept', t => {
  const html = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
  const image = 'image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5'
  const rows: Array<[received: string, expected: string]> = [
    ['text/html', html], [' TEXT/HTML;q=1', html], ['application/xhtml+xml', html], ['image/x', image], [' Image/png', image],
    ['text/css', 'text/css,*/*;q=0.1'], [' TEXT/CSS', 'text/css,*/*;q=0.1'], ['x/y, text/html', 'x/y, text/html'],
    ['x/image/', 'x/image/'], ['x/text/css', 'x/text/css'], ['imagex/y', 'imagex/y'], ['x application/xhtml', 'x application/xhtml'],
    ['*/*', '*/*'], ['', '*/*'], ['  ', '*/*'], ['a'.repeat(256), 'a'.repeat(256)], ['a'.repeat(257), '*/*'], [' x/Y', ' x/Y']
  ]
  for (const [received, expected] of rows) t.equal(one('Accept', [['ACCEPT', received]]), expected, received)
  t.equal(one('Accept', [['accept', 'x/y'], ['Accept', 'z/w']]), 'x/y, z/w')
  t.end()
})

t.test('values that decide', t => {
  const rows: Array<[received: Fields, expected: Fields, address?: string]> = [
    [[['authorization', 'Basic x']], [['Authorization', 'Basic x']]], [[['authorization', 'NTLM x']], []],
    [[['authorization', 'negotiate x']], []], [[['authorization', 'NTLMx y']], [['Authorization', 'NTLMx y']]],
    [[['authorization', 'Bearer ntlm x']], [['Authorization', 'Bearer ntlm x']]],
    [[['x-requested-with', 'XMLHTTPREQUEST']], [['X-Requested-With', 'XMLHttpRequest']]], [[['x-requested-with', 'org.app']], []],
    [[['x-requested-with', '']], []],
    [[['date', 'now']], []], [[['date', 'now'], ['signature', 's']], [['Date', 'now'], ['Signature', 's']]],
    [[['referer', 'http://u:p@A.example:80/p?q#f']], [['Referer', 'http://a.example/p?q']]],
    [[['referer', 'http://a.example:81/p']], []], [[['referer', 'http://b.example/']], []], [[['referer', 'https://a.example/']], []],
    [[['referer', 'nonsense']], []], [[['referer', '']], []],
    [[['referer', 'http://a.example:81/p']], [['Referer', 'http://a.example:81/p']], 'http://a.example:81/'],
    [[['cookie', 'a=1'], ['pragma', 'x'], ['COOKIE', 'b=2'], ['Pragma', 'y']], [['Cookie', 'a=1; b=2'], ['Pragma', 'x, y']]],
    [[['if-none-match', '"x"'], ['tus-resumable', '1']], [['If-None-Match', '"x"'], ['Tus-Resumable', '1']]],
    [[['cookie', 'a'], ['pragma', 'b'], ['Connection', 'COOKIE , x'], ['x', 'y']], [['Pragma', 'b']]],
    [[['__proto__', 'x'], ['constructor', 'y'], ['x-unknown', 'z']], []]
  ]
  for (const [received, expected, address] of rows) t.strictSame(more(received, {}, address), expected, JSON.stringify(received))
  t.end()
})

t.test('names that an option adds, and those that none adds', t => {
  t.strictSame(more([['X-Mine', '1'], ['date', 'now']], { allowFields: ['x-mine', 'date'] }), [['X-Mine', '1'], ['Date', 'now']])
  t.equal(allowedName('  X-Mine '), 'x-mine')
  t.equal(allowedName("!#$%&'*+-.^_`|~09az"), "!#$%&'*+-.^_`|~09az")
  for (const name of ['', 'a b', 'a:', 'é', '(a']) {
    t.throws(() => allowedName(name), { name: 'RangeError', message: `'${name}' is not the name of a field` })
  }
  const never = [
    'via', 'from', 'max-forwards', 'content-length', 'forwarded', 'x-forwarded-for', 'x-forwarded-', 'dnt', 'sec-gpc',
    'proxy-authorization',
    'proxy-', 'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'host', 'expect', 'http2-settings', 'x-real-ip',
    'client-ip', 'true-client-ip', 'x-client-ip'
  ]
  for (const name of never) {
    const message = `the field ${name.toUpperCase()} is never passed on: it belongs to the connection, or tells who asks`
    t.throws(() => allowedName(name.toUpperCase()), { name: 'RangeError', message })
    t.strictSame(more([[name.toUpperCase(), 'x']], { allowFields: [name] }), [], name)
    for (const other of [`x${name}`, ...(name.endsWith('-') || /^(?:x-forwarded|proxy)-/.test(name) ? [] : [`${name}x`])]) {
      t.equal(allowedName(other), other)
      t.strictSame(more([[other, 'x']], { allowFields: [other] }).map(([, value]) => value), ['x'], other)
    }
  }
  t.strictSame(one('Accept', [['Accept', 'x/y'], ['Connection', 'accept']]), '*/*', 'nor what Connection names')
  t.end()
})

t.test('what is taken from responses', t => {
  const removed = [
    'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'proxy-authenticate', 'via', 'forwarded',
    'x-forwarded-for',
    'alt-svc', 'alt-used', 'nel', 'report-to', 'reporting-endpoints', 'expect-ct', 'public-key-pins', 'public-key-pins-report-only',
    'accept-ch', 'accept-ch-lifetime', 'critical-ch', 'x-minwww-error', 'x-i2p-location', 'strict-transport-security'
  ]
  for (const name of removed) {
    const open = /^(?:proxy|x-forwarded|x-minwww|x-i2p)-/.test(name)
    const others: Fields = [`x${name}`, ...(open || name === 'accept-ch' ? [] : [`${name}x`])].map(other => [other, 'v'])
    t.strictSame(filterResponseFields([[name, 'v'], [name.toUpperCase(), 'v'], ...others]), others, name)
  }
  const kept = (fields: Fields): string[] => filterResponseFields(fields).map(([name, value]) => `${name}=${value}`)
  t.strictSame(kept([['X', 'a\tb\x80\xff ~']]), ['X=a\tb\x80\xff ~'])
  for (const value of ['\0', '\x1f', '\x7f', '\n', '\r', '\u0100']) t.strictSame(kept([['X', `a${value}b`]]), [], JSON.stringify(value))
  for (const name of ['', 'a b', 'é', 'a:', '(a', 'a\n']) t.strictSame(kept([[name, 'v']]), [], name)
  t.strictSame(kept([["!#$%&'*+-.^_`|~09azAZ", 'v']]), ["!#$%&'*+-.^_`|~09azAZ=v"])
  t.strictSame(kept([['Connection', 'x, content-length'], ['X', '1'], ['Content-Length', '3'], ['Y', '2']]), ['Content-Length=3', 'Y=2'])
  const schemes: Array<[string, boolean]> = [
    ['Basic x', true], ['NTLM', false], ['negotiate x', false], ['NTLMx', true], ['Bearer ntlm', true]
  ]
  for (const [value, stays] of schemes) t.equal(kept([['WWW-Authenticate', value]]).length, Number(stays), value)
  t.equal(kept([['X-Auth', 'ntlm']]).length, 1)
  const cookies: Array<[string, boolean]> = [
    ['a=1', true], ['a=1; Domain=i2p', false], ['a=1; domain=.b32.i2p.', false], ['a=1; DOMAIN = "I2P" ', false],
    ['a=1; domain=..i2p..', false],
    ['a=1; domain=x.i2p', true], ['a=1; domain=i2p=', true], ['a=1; path=i2p', true], ['domain=i2p', true], ['a=1; domain', true],
    ['a=1; Path=/; domain=b32.i2p; Secure', false], ['a=1; domain=xi2p', true], ['a=1; domain=i"2p', true], ['a=1; xdomain=i2p', true]
  ]
  for (const [value, stays] of cookies) t.equal(kept([['Set-Cookie', value]]).length, Number(stays), value)
  t.equal(kept([['X-Cookie', 'a; domain=i2p']]).length, 1)
  t.strictSame(kept(Array.from({ length: 300 }, (_, index): [string, string] => ['X', String(index)])),
    Array.from({ length: 256 }, (_, index) => `X=${index}`))
  t.end()
})

t.test('fields as pairs', t => {
  t.strictSame(pairs(['A', '1', 'B', '2', 'C']), [['A', '1'], ['B', '2']])
  const fields: Fields = [['A', '1'], ['b', '2'], ['a', '3'], ['Set-Cookie', 'x'], ['set-cookie', 'y'], ['__proto__', 'z']]
  t.strictSame([valuesOf(fields, 'a'), valueOf(fields, 'a'), valueOf(fields, 'c')], [['1', '3'], '1, 3', undefined])
  t.strictSame(without(fields, 'a'), fields.filter(([name]) => name.toLowerCase() !== 'a'))
  t.strictSame([listOf(' A ,, b\t'), listOf(undefined), listOf(',')], [['a', 'b'], [], []])
  t.strictSame([...connectionNames([['Connection', 'A, b'], ['CONNECTION', 'c'], ['x', 'd']])], ['a', 'b', 'c'])
  const record = toRecord(fields)
  t.equal(Object.getPrototypeOf(record), null)
  t.strictSame(Object.entries(record), [['a', '1, 3'], ['b', '2'], ['set-cookie', ['x', 'y']], ['__proto__', 'z']])
  t.end()
})
