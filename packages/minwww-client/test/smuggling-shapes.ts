/** Bytes of a request, and how it may be answered. `READ` where it is no fault. */
export type Shape = [name: string, bytes: string, statuses: Expected | Expected[]]
type Expected = number | typeof READ

const head = (...lines: string[]): string => [...lines, '', ''].join('\r\n')
const withField = (...fields: string[]): string => head('GET http://a.example/ HTTP/1.1', 'Host: a.example', ...fields, 'Connection: close')
const post = (fields: string[], body: string, version = '1.1'): string =>
  head(`POST http://a.example/ HTTP/${version}`, 'Host: a.example', ...fields, 'Connection: close') + body
const line = (start: string): string => head(start, 'Host: a.example', 'Connection: close')

const CHUNKED = 'Transfer-Encoding: chunked'
/** A request with a body that was read without fault: what comes of it depends on the streaming path. */
export const READ = 'read'

const lengths: Shape[] = [
  ['both lengths', post(['Content-Length: 4', CHUNKED], '0\r\n\r\n'), 400],
  ['both lengths, coding first', post([CHUNKED, 'Content-Length: 4'], '0\r\n\r\n'), 400],
  ['both lengths, zero', post(['Content-Length: 0', CHUNKED], '0\r\n\r\n'), 400],
  ['both lengths in a GET', withField('Content-Length: 0', CHUNKED) + '0\r\n\r\n', 400],
  ['both lengths, odd case', post(['content-LENGTH: 4', 'transfer-ENCODING: CHUNKED'], '0\r\n\r\n'), 400],
  ['length twice, equal', post(['Content-Length: 4', 'Content-Length: 4'], 'abcd'), 400],
  ['length twice, different', post(['Content-Length: 4', 'Content-Length: 5'], 'abcd'), 400],
  ['length twice, odd case', post(['Content-Length: 4', 'CONTENT-length: 4'], 'abcd'), 400],
  ...['4, 4', '4,5', '+4', '-4', '-0', '4.0', '4e0', '0x4', '4 4', '4;', '"4"', '', ' ', 'four', '4\t5', '99999999999999999999', '18446744073709551616', '1_0', '٤', "4'", ',4', '4,', 'NaN', 'Infinity']
    .map((value): Shape => [`length ${JSON.stringify(value)}`, post([`Content-Length: ${Buffer.from(value).toString('latin1')}`], 'abcd'), 400]),
  ['space before the colon of a length', post(['Content-Length : 4'], 'abcd'), 400],
  ['tab before the colon of a length', post(['Content-Length\t: 4'], 'abcd'), 400],
  ['length after a folded line', post(['X: y', ' Content-Length: 4'], 'abcd'), 400],
  ['length with underscore is another field', post(['Content_Length: 4', 'Content-Length: 0'], ''), READ],
  ['leading zeros are a number', post(['Content-Length: 0004'], 'abcd'), READ],
  ['space after a length', post(['Content-Length: 4 '], 'abcd'), READ]
]

const codings: Shape[] = [
  ...['xchunked', 'chunkedx', 'chunked, identity', 'identity, chunked', 'identity', 'gzip', 'gzip, chunked', 'chunked, chunked', 'chunked, gzip', 'chunked;q=1', '"chunked"', ' ', ',chunked', 'chunked,', 'cow', 'chun\tked', 'chunked\t,x', 'deflate', 'compress', 'trailers']
    .map((value): Shape => [`coding ${JSON.stringify(value)}`, post([`Transfer-Encoding: ${value}`], '0\r\n\r\n'), 400]),
  ['coding twice', post([CHUNKED, CHUNKED], '0\r\n\r\n'), 400],
  ['coding twice, second identity', post([CHUNKED, 'Transfer-Encoding: identity'], '0\r\n\r\n'), 400],
  ['coding twice, first junk', post(['Transfer-Encoding: x', CHUNKED], '0\r\n\r\n'), 400],
  ['coding behind VT', post(['Transfer-Encoding:\x0bchunked'], '0\r\n\r\n'), 400],
  ['coding behind FF', post(['Transfer-Encoding:\x0cchunked'], '0\r\n\r\n'), 400],
  ['coding behind NUL', post(['Transfer-Encoding:\0chunked'], '0\r\n\r\n'), 400],
  ['coding behind CR', post(['Transfer-Encoding:\rchunked'], '0\r\n\r\n'), 400],
  ['coding behind no-break space', post(['Transfer-Encoding:\xa0chunked'], '0\r\n\r\n'), 400],
  ['space before the colon of a coding', post(['Transfer-Encoding : chunked'], '0\r\n\r\n'), 400],
  ['VT before the colon of a coding', post(['Transfer-Encoding\x0b: chunked'], '0\r\n\r\n'), 400],
  ['NUL in the name of a coding', post(['Transfer-\0Encoding: chunked'], '0\r\n\r\n'), 400],
  ['coding folded', post(['Transfer-Encoding:', ' chunked'], '0\r\n\r\n'), 400],
  ['coding in HTTP/1.0', post([CHUNKED], '0\r\n\r\n', '1.0'), 400],
  ['coding with tab', post(['Transfer-Encoding:\tchunked'], '0\r\n\r\n'), READ],
  ['coding in capitals', post(['TRANSFER-ENCODING: CHUNKED'], '0\r\n\r\n'), READ],
  ['coding named in Connection', head('POST http://a.example/ HTTP/1.1', 'Host: a.example', 'Connection: transfer-encoding, close', CHUNKED) + '0\r\n\r\n', READ],
  ['length named in Connection', head('POST http://a.example/ HTTP/1.1', 'Host: a.example', 'Connection: content-length, close', 'Content-Length: 4') + 'abcd', READ]
]

const lines: Shape[] = [
  ['bare LF everywhere', 'GET http://a.example/ HTTP/1.1\nHost: a.example\n\n', 400],
  ['bare LF after the request line', 'GET http://a.example/ HTTP/1.1\nHost: a.example\r\n\r\n', 400],
  ['bare LF after a field', 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\nX: y\r\n\r\n', 400],
  ['bare LF at the end', 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\n', 400],
  ['bare LF before the end', 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\n\r\n', 400],
  ['bare CR in a field', withField('X: a\rY: b'), 400],
  ['bare CR before a field', withField('\rX: y'), 400],
  ['two CR', 'GET http://a.example/ HTTP/1.1\r\r\nHost: a.example\r\n\r\n', 400],
  ['folded with space', withField('X: y', ' z'), 400],
  ['folded with tab', withField('X: y', '\tz'), 400],
  ['folded empty', withField('X:', ' z'), 400],
  ['folded first field', head('GET http://a.example/ HTTP/1.1', ' Host: a.example'), 400],
  ['folded Host', head('GET http://a.example/ HTTP/1.1', 'Host:', ' a.example'), 400],
  ['a line of spaces', withField(' '), 400],
  ['space in a name', withField('X y: z'), 400],
  ['no colon', withField('Xy'), 400],
  ['no name', withField(': z'), 400],
  ['space before a colon', withField('X : y'), 400],
  ...[...'\0\x01\x02\x07\x08\x0b\x0c\x0e\x1b\x1f\x7f'].map((c): Shape => [
    `control ${c.charCodeAt(0)} in a value`,
    withField(`X: a${c}b`),
    400
  ]),
  ...[...'\0\x01\x08\x0b\x7f\x80\xff()<>@,;\\"/[]?={}'].map((c): Shape => [
    `character ${c.charCodeAt(0)} in a name`,
    withField(`X${c}y: z`),
    400
  ])
]

const requestLines: Shape[] = [
  ...['GET http://a.example/ HTTP/2.0', 'GET http://a.example/ HTTP/0.9', 'GET http://a.example/ HTTP/1.2', 'GET http://a.example/ HTTP/3', 'GET http://a.example/ HTTP/11', 'GET http://a.example/ HTTP/1.1 ', 'GET http://a.example/ HTTP/1.1x', 'GET http://a.example/ http/1.1', 'GET http://a.example/ HTP/1.1', 'GET http://a.example/ ICE/1.0', 'GET http://a.example/', 'GET http://a.example/ ', 'GET', 'GET ', 'G\0T http://a.example/ HTTP/1.1', 'G ET http://a.example/ HTTP/1.1', ' GET http://a.example/ HTTP/1.1', 'GET\thttp://a.example/\tHTTP/1.1', 'GET http://a.example/ x HTTP/1.1', 'GET http://a.example/\tx HTTP/1.1', 'GET http://a.example/\0 HTTP/1.1', 'GET http://a.example/\x01 HTTP/1.1', 'GET http://a.example/\x7f HTTP/1.1', 'GET http://a.example\\@b.example/ HTTP/1.1', 'PRI * HTTP/2.0', '\x16\x03\x01\x02\x00\x01', 'GET * HTTP/1.1', 'GET a.example HTTP/1.1', 'GET a.example:80 HTTP/1.1', 'GET //a.example/ HTTP/1.1', 'GET http:/a.example/ HTTP/1.1', 'GET http:a.example/ HTTP/1.1', 'GET http:///x HTTP/1.1', 'GET http:// HTTP/1.1', 'GET http://:80/ HTTP/1.1', 'GET http://a.example:0/ HTTP/1.1', 'GET http://a.example:65536/ HTTP/1.1', 'GET http://a.example:x/ HTTP/1.1', 'GET http://a.example:-1/ HTTP/1.1', 'GET http://a..example/ HTTP/1.1', 'GET http://.example/ HTTP/1.1', 'GET http://-a.example/ HTTP/1.1', 'GET http://a_b$.example/ HTTP/1.1', 'GET http://a%2eexample/ HTTP/1.1', 'GET http://a,b/ HTTP/1.1', 'GET http://a;b/ HTTP/1.1', "GET http://a'b/ HTTP/1.1", 'GET http://[::1/ HTTP/1.1', 'GET http://[::g]/ HTTP/1.1', 'GET http://[fe80::1%25eth0]/ HTTP/1.1', 'GET http://::1/ HTTP/1.1', 'GET http://abc.b32.i2p/ HTTP/1.1', `GET http://${'a'.repeat(53)}.b32.i2p/ HTTP/1.1`, `GET http://${'1'.repeat(52)}.b32.i2p/ HTTP/1.1`, 'GET https://a.example/ HTTP/1.1', 'GET ftp://a.example/ HTTP/1.1', 'GET file:///etc/passwd HTTP/1.1', 'GET gopher://a.example/ HTTP/1.1', 'GET javascript:alert(1) HTTP/1.1', `GET http://${'a'.repeat(64)}.example/ HTTP/1.1`, `GET http://${'a.'.repeat(130)}example/ HTTP/1.1`]
    .map((start): Shape => [JSON.stringify(start.slice(0, 60)), line(start), [400, 404, 421]]),
  ['unknown method', line('FOO http://a.example/ HTTP/1.1'), 501],
  ['method in lower case', line('get http://a.example/ HTTP/1.1'), 501],
  ['raw UTF-8 in the path', line('GET http://a.example/\xc3\xa9 HTTP/1.1'), 200],
  ['raw UTF-8 in the host', line('GET http://\xc3\xa9.example/ HTTP/1.1'), 400],
  ['OPTIONS for the proxy', line('OPTIONS * HTTP/1.1'), 200],
  ['TRACE', line('TRACE http://a.example/ HTTP/1.1'), 405],
  ['CONNECT without port', line('CONNECT a.example HTTP/1.1'), 400],
  ['CONNECT with path', line('CONNECT a.example:443/x HTTP/1.1'), 400],
  ['CONNECT with userinfo', line('CONNECT u@a.example:443 HTTP/1.1'), 400],
  ['CONNECT absolute', line('CONNECT http://a.example:443/ HTTP/1.1'), 400],
  ['CONNECT to nowhere', line('CONNECT :443 HTTP/1.1'), 400]
]

const hosts: Shape[] = [
  ['Host twice, equal', withField('Host: a.example'), 400],
  ['Host twice, different', withField('Host: b.example'), 400],
  ['Host twice, odd case', withField('hOST: b.example'), 400],
  ['no Host in HTTP/1.1', head('GET http://a.example/ HTTP/1.1', 'Connection: close'), 400],
  ...['a b', 'a/b', 'a@b', 'a\\b', 'a?b', 'a#b', 'a,b', '\xe9', 'a\tb', '<script>', '"a"'].map((host): Shape => [
    `Host ${JSON.stringify(host)}`,
    head('GET http://a.example/ HTTP/1.1', `Host: ${host}`, 'Connection: close'),
    400
  ]),
  ['space before the colon of Host', head('GET http://a.example/ HTTP/1.1', 'Host : a.example', 'Connection: close'), 400],
  ['another Host than the target is ignored', head('GET http://a.example/ HTTP/1.1', 'Host: b.example', 'Connection: close'), 200],
  ['an empty Host is ignored', head('GET http://a.example/ HTTP/1.1', 'Host:', 'Connection: close'), 200],
  ['origin-form for a foreign Host', head('GET / HTTP/1.1', 'Host: a.example', 'Connection: close'), 421]
]

const singles: Shape[] = ['Content-Type', 'Authorization', 'Range', 'Origin', 'Referer', 'Expect'].map(name => [
  `${name} twice`,
  withField(`${name}: a`, `${name.toUpperCase()}: b`),
  [400, 417]
])

const chunks: Shape[] = [
  ...['1\nx\r\n0\r\n\r\n', '1\r\nx\n0\r\n\r\n', '0\n\n', '1;a\nx\r\n0\r\n\r\n', 'ffffffffffffffffff\r\nx\r\n0\r\n\r\n', '0x1\r\nx\r\n0\r\n\r\n', '1 \r\nx\r\n0\r\n\r\n', '+1\r\nx\r\n0\r\n\r\n', '-1\r\nx\r\n0\r\n\r\n', 'g\r\nx\r\n0\r\n\r\n', '\r\nx\r\n0\r\n\r\n', '1\r\nxx\r\n0\r\n\r\n', '1\r\rx\r\n0\r\n\r\n', ';\r\n\r\n', ' 1\r\nx\r\n0\r\n\r\n']
    .map((body): Shape => [`chunks ${JSON.stringify(body)}`, post([CHUNKED], body), [400, READ]])
]

const limits: Shape[] = [
  ['request line over 8 KB', line(`GET http://a.example/${'x'.repeat(8192)} HTTP/1.1`), 414],
  ['field line over 8 KB', withField(`X: ${'y'.repeat(8192)}`), 431],
  ['65 fields', withField(...Array.from({ length: 63 }, (_, i) => `X-${i}: y`)), 431],
  ['3,000 fields', withField(...Array.from({ length: 3000 }, () => 'X: y')), 431],
  ['over 32 KB', withField(...Array.from({ length: 5 }, (_, i) => `X-${i}: ${'y'.repeat(8000)}`)), 431],
  ['64 fields', withField(...Array.from({ length: 62 }, (_, i) => `X-${i}: y`)), 200],
  ['request line of 8 KB', line(`GET http://a.example/${'x'.repeat(8150)} HTTP/1.1`), 200]
]

const harmless: Shape[] = [
  ['empty line before the request', '\r\n' + withField(), 200],
  ['HTTP/1.0 without Host', head('GET http://a.example/ HTTP/1.0'), 200],
  ['length zero in a GET', withField('Content-Length: 0'), 200],
  ['chunk extension', post([CHUNKED], '1;a=b\r\nx\r\n0\r\n\r\n'), READ],
  ['trailer fields', post([CHUNKED], '1\r\nx\r\n0\r\nHost: b.example\r\n\r\n'), READ],
  ['__proto__ is a name', withField('__proto__: x', 'constructor: y'), 200],
  ['latin-1 in a cookie', withField('Cookie: a=\xe9'), 200],
  ['junk after the last request', withField() + 'GET http://evil.example/ HTTP/1.1\r\n\r\n', [200, 400]],
  ['a second request inside a length', post(['Content-Length: 45'], 'GET http://evil.example/ HTTP/1.1\r\nHost: evil\r\n\r\n'), READ]
]

/**
 * The gadgets of smuggler (github.com/defparam/smuggler, its configs "default" and "exhaustive"): a Transfer-Encoding that
 * one parser sees and another one does not, in front of a length that covers a second request.
 */
const gadgets = (): Shape[] => {
  const inside = '0\r\n\r\nGET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n'
  const name = 'Transfer-Encoding'
  const words: Array<[gadget: string, status?: Expected]> = [
    [` ${CHUNKED}`],
    [`${name}\t:\tchunked`],
    ['Transfer Encoding: chunked'],
    ['Transfer_Encoding: chunked', READ],
    ['Transfer Encoding:chunked'],
    [`${name} : chunked`],
    [`${name}:  chunked`],
    ['Content-Encoding: chunked', READ],
    [`${name}:\n chunked`],
    [`${name}: 'chunked'`],
    [`${name}: chunk`],
    ['TrAnSFer-EnCODinG: cHuNkeD'],
    [`${name}: cow, chunked`],
    [`${name}: cow\r\n${CHUNKED}`],
    ['Transfer\r-Encoding: chunked'],
    [`${name}: cow chunked bar`],
    [`${name}: ch\x96nked`],
    ['Transf\x82r-Encoding: chunked'],
    [`X:X\r${CHUNKED}`],
    [`X:X\n${CHUNKED}`]
  ]
  for (let byte = 1; byte < 256; byte = byte === 0x20 ? 0x7f : byte + 1) {
    const c = String.fromCharCode(byte)
    words.push([`${name}:${c}chunked`], [`${name}${c}: chunked`], [`${c}${CHUNKED}`], [`${CHUNKED}${c}`])
    if (byte > 0x20 && ![0x7f, 0xa0, 0xff].includes(byte)) continue
    // Text in a field that nobody passes on.
    const passes = c === '\t' || c === ' ' || byte > 0x7f
    words.push(passes ? [`X: X${c}${CHUNKED}`, READ] : [`X: X${c}${CHUNKED}`])
    words.push([`${CHUNKED}${c}X: X`], [`X: X\r${c}${CHUNKED}`], [`X: X${c}\n${CHUNKED}`], [`${CHUNKED}\r${c}X: X`], [`${CHUNKED}${c}\nX: X`])
  }
  return words.map(([gadget, status = 400]) => [JSON.stringify(gadget), post([gadget, `Content-Length: ${inside.length}`], inside), status])
}

export const SHAPES = { lengths, codings, lines, requestLines, hosts, singles, chunks, limits, harmless, gadgets: gadgets() }
