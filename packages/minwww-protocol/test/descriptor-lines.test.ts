/** Lines of exits, property by property: section 10 of the protocol. And names that both ends must know. */
import t from 'tap'
import {
  ALTERNATIVE, DESCRIPTOR_LIFE, DESCRIPTOR_PATH, DESCRIPTOR_URL, MAX_DESCRIPTOR, NEXT_REST, parseStatement, REST_FIELD, REST_SCHEME,
  writeDescriptor,
  writeRevocation, type ExitDescriptor, type ExitProfile, type StatementSigner
} from '../src/index.ts'

const DATE = 1_790_000_000
const B32 = `${'a2'.repeat(26)}.b32.i2p`
const BASE64 = `${'Az0-~'.repeat(104)}AAA=`
const signer: StatementSigner = { b32: B32, base64: BASE64, sign: data => `${'s~-'.repeat(3)}${data.length}==` }
const PLAIN: ExitProfile = { versions: [1], web: true, methods: [], ports: [80], filters: [], pushes: false }
const bad = (what: string) => ({ name: 'ProtocolError', code: 'MINWWW_BAD_DESCRIPTOR', message: `malformed descriptor: ${what}` })

/** A line of these properties, whatever they are. */
const line = (properties: string): string => `${B32}=${BASE64}#!${properties}#sig=AAAA`
const BASE = { action: 'exit', date: `${DATE}`, expires: `${DATE + 60}`, minwww: '1', web: 'yes', methods: '*', ports: '80', push: 'no' }
const changed = (o: Record<string, string>): string =>
  line(Object.entries({ ...BASE, ...o }).filter(([, value]) => value !== '-').map(([key, value]) => `${key}=${value}`).join('#'))
const read = (o: Record<string, string>): ExitDescriptor => parseStatement(changed(o)).statement as ExitDescriptor

t.test('names that both ends know', async t => {
  t.strictSame([DESCRIPTOR_URL, DESCRIPTOR_PATH], ['minwww://exit/descriptor', '/.well-known/minwww-exit'])
  t.strictSame([ALTERNATIVE, REST_SCHEME, NEXT_REST, REST_FIELD], ['minwww=":80"', 'minwww://', 'next', 'X-MinWWW-Rest'])
})

t.test('a line as the specification shows it', async t => {
  const text = writeDescriptor(PLAIN, DATE, DATE + 60, signer)
  const unsigned = `${B32}=${BASE64}#!action=exit#date=${DATE}#expires=${DATE + 60}#minwww=1#web=yes#methods=*#ports=80#push=no`
  t.equal(text, `${unsigned}#sig=s~-s~-s~-${unsigned.length}==`)
  const parsed = parseStatement(text)
  t.strictSame(parsed.statement, { kind: 'exit', b32: B32, destination: BASE64, date: DATE, expires: DATE + 60, ...PLAIN })
  t.strictSame([parsed.signed.toString('latin1'), parsed.signature], [unsigned, `s~-s~-s~-${unsigned.length}==`])
  t.notOk('offline' in parsed)
})

t.test('all that an exit may say', async t => {
  const said: ExitProfile = {
    versions: [1, 2],
    web: false,
    methods: ['GET', 'M-SEARCH'],
    ports: [80, 65_535],
    filters: ['allowed-hosts', 'denied-types'],
    pushes: true,
    maxResponse: 1_000,
    maxRequest: 2_000,
    rate: 3_000,
    requests: 40,
    free: 0,
    contact: 'a@b.i2p, weekdays'
  }
  const text = writeDescriptor(said, DATE, DATE + 60, { ...signer, offline: 'of~-line=' })
  t.equal(text.slice(text.indexOf('#minwww'), text.indexOf('#sig')), '#minwww=1,2#web=no#methods=GET,M-SEARCH#ports=80,65535' +
    '#filters=allowed-hosts,denied-types#maxresponse=1000#maxrequest=2000#rate=3000#requests=40#free=0#push=yes' +
    '#contact=a@b.i2p, weekdays#offline=of~-line=')
  const { statement, offline } = parseStatement(text)
  t.strictSame(statement, { kind: 'exit', b32: B32, destination: BASE64, date: DATE, expires: DATE + 60, ...said })
  t.equal(offline, 'of~-line=')
  const without = writeDescriptor({ ...PLAIN, maxResponse: 0, maxRequest: 0, rate: 0, requests: 0, contact: '' }, DATE, DATE + 60, signer)
  t.equal(without, writeDescriptor(PLAIN, DATE, DATE + 60, signer), 'what is no limit is not said')
})

t.test('a revocation has its dates and nothing else', async t => {
  const text = writeRevocation(DATE, DATE + 60, { ...signer, offline: 'AA' })
  t.equal(text.slice(text.indexOf('#!'), text.indexOf('#sig')), `#!action=revoke#date=${DATE}#expires=${DATE + 60}#offline=AA`)
  t.strictSame(parseStatement(text), {
    statement: { kind: 'revoked', b32: B32, destination: BASE64, date: DATE, expires: DATE + 60 },
    signed: Buffer.from(text.slice(0, text.indexOf('#sig')), 'latin1'),
    signature: /sig=(.*)$/.exec(text)![1],
    offline: 'AA'
  })
})

t.test('what stands around the properties', async t => {
  const right = changed({})
  t.doesNotThrow(() => parseStatement(right))
  t.doesNotThrow(() => parseStatement(right.replace(BASE64, BASE64.replace('=', 'A'))), 'no padding')
  t.doesNotThrow(() => parseStatement(right.replace(BASE64, `${BASE64}=`)), 'or two')
  const none = bad('not NAME=DESTINATION#!PROPERTIES#sig=SIGNATURE')
  for (const text of [
    '', `x${right}`, `${right}\n`, `${right} `, right.replace('#!', '#'), right.replace(BASE64, 'A'.repeat(515)), right.replace(BASE64,
      `${BASE64}==`),
    right.replace(B32, `a${B32}`), right.replace('a2', 'a1'), right.replace('.b32.i2p', 'xb32.i2p'), right.replace('.b32.i2p', '.b32xi2p'),
    right.replace('#sig=AAAA', '#sig='), right.replace('#sig=AAAA', '#sig=A+A'), right.replace('#sig=AAAA', '#sig=AAAA==='),
    right.replace('#sig=AAAA', ''),
    right.replace('web=yes', 'web=\x7f'), right.replace('web=yes', 'web=\x1f')
  ]) t.throws(() => parseStatement(text), none, JSON.stringify(text).slice(0, 40))
  const filled = (length: number): string => changed({ padding: 'x'.repeat(length - changed({ padding: '' }).length) })
  t.equal(filled(MAX_DESCRIPTOR).length, MAX_DESCRIPTOR)
  t.doesNotThrow(() => parseStatement(filled(MAX_DESCRIPTOR)))
  t.throws(() => parseStatement(filled(MAX_DESCRIPTOR + 1)), bad('longer than a descriptor may be'))
})

t.test('a property is a name in lower case, once, and a value', async t => {
  for (const text of ['', 'x', '=1', 'Push=no', 'a1=2', `${'x'.repeat(17)}=1`, 'push=yes', 'sig=AAAA', ' x=1']) {
    t.throws(() => parseStatement(changed({}).replace('#sig', `#${text}#sig`)), bad('a property'), text)
  }
  for (const text of [`${'x'.repeat(16)}=1`, 'x=', 'x=a=b', 'x=!~ ']) {
    t.doesNotThrow(() => parseStatement(changed({}).replace('#sig',
    `#${text}#sig`)), text)
  }
  const more = (count: number): string => changed(Object.fromEntries(Array.from({ length: count }, (_,
    i) => [`k${'x'.repeat(i % 15)}${i < 15 ? 'a' : 'b'}`, '1'])))
  t.doesNotThrow(() => parseStatement(more(24)), '32 in all')
  t.throws(() => parseStatement(more(25)), bad('too many properties'))
})

t.test('times: whole seconds, and a week at most', async t => {
  for (const value of ['-', '', '0', '-1', '01', '1.5', '1e9', '1790000000000000', 'x', ' 1', '1 ']) {
    t.throws(() => read({ date: value, expires: value === '0' ? '1' : BASE.expires }), bad('date'), value)
    t.throws(() => read({ expires: value }), bad('expires'), value)
  }
  t.equal(read({ date: '1', expires: '2' }).date, 1)
  const life = bad('it holds for longer than seven days, or not at all')
  t.equal(DESCRIPTOR_LIFE, 604_800)
  t.equal(read({ expires: `${DATE + 604_800}` }).expires, DATE + 604_800)
  for (const end of [DATE + 604_801, DATE, DATE - 1]) t.throws(() => read({ expires: `${end}` }), life, `${end - DATE} s`)
  t.throws(() => read({ action: 'add' }), bad('action'))
  t.throws(() => read({ action: '-' }), bad('action'))
})

t.test('lists: of entries that are some, each once, 64 at most', async t => {
  const many = (count: number, of: (i: number) => string): string => Array.from({ length: count }, (_, i) => of(i + 1)).join()
  for (const [key, right, wrong] of [
    ['minwww', ['1', '999', '2,1'], ['', '0', '01', '1000', 'x', '1,', '1,1', '1 ', 'x1', '1x']],
    ['ports', ['1', '65535', '443,80'], ['', '0', '080', '65536', '100000', 'x', '80,80', ',80', 'x80', '80x']],
    ['methods', ['GET', 'M-SEARCH,GET', `A${'B'.repeat(31)}`], ['', 'get', '-GET', `A${'B'.repeat(32)}`, 'GET,GET', 'GET ', 'G3', '*,GET',
      'GeT']],
    ['filters', ['denied-hosts', 'x', 'a'.repeat(32)], ['', 'Denied', 'a'.repeat(33), 'a,a', 'a b', 'a1']]
  ] as const) {
    for (const value of right) t.doesNotThrow(() => read({ [key]: value }), `${key}=${value}`)
    for (const value of wrong) t.throws(() => read({ [key]: value }), bad(key), `${key}=${value}`)
    if (key !== 'filters') t.throws(() => read({ [key]: '-' }), bad(key), `no ${key}`)
  }
  t.equal(read({ ports: many(64, String) }).ports.length, 64)
  t.throws(() => read({ ports: many(65, String) }), bad('ports'))
  t.strictSame([read({ methods: '*' }).methods, read({ methods: 'GET' }).methods], [[], ['GET']])
  t.strictSame([read({}).filters, read({ filters: 'denied-hosts,later' }).filters], [[], ['denied-hosts']],
    'those of later versions are ignored')
})

t.test('flags, numbers and the contact', async t => {
  for (const [key, field] of [['web', 'web'], ['push', 'pushes']] as const) {
    t.strictSame([read({ [key]: 'yes' })[field], read({ [key]: 'no' })[field]], [true, false])
    for (const value of ['-', '', 'YES', 'true', 'yes ']) t.throws(() => read({ [key]: value }), bad(key), `${key}=${value}`)
  }
  for (const [key, field] of [
    ['maxresponse', 'maxResponse'], ['maxrequest', 'maxRequest'], ['rate', 'rate'], ['requests', 'requests'], ['free', 'free']
  ] as const) {
    t.strictSame([read({})[field], read({ [key]: '0' })[field], read({ [key]: '99' })[field]], [undefined, 0, 99])
    for (const value of ['', '-1', '01', '1.5', '1e3', ' 1', '9999999999999999']) {
      t.throws(() => read({ [key]: value }), bad(key),
      `${key}=${value}`)
    }
  }
  t.equal(read({ rate: '999999999999999' }).rate, 999_999_999_999_999)
  t.equal(read({ free: '100' }).free, 100)
  t.throws(() => read({ free: '101' }), bad('free'))
  t.notOk('contact' in read({}))
  t.equal(read({ contact: '' }).contact, '')
  t.equal(read({ contact: 'x'.repeat(128) }).contact?.length, 128)
  t.throws(() => read({ contact: 'x'.repeat(129) }), bad('contact'))
  for (const value of ['', 'A+', 'A===', '=', 'A B', 'A=A', 'xA!']) t.throws(() => read({ offline: value }), bad('offline'), value)
  for (const value of ['A', 'AB=', 'A~-9==']) t.equal(parseStatement(changed({ offline: value })).offline, value)
})

t.test('what would not be read is not written', async t => {
  t.throws(() => writeDescriptor({ ...PLAIN, contact: 'a#b' }, DATE, DATE + 60, signer), bad('a value with #'))
  t.throws(() => writeDescriptor({ ...PLAIN, ports: [] }, DATE, DATE + 60, signer), bad('ports'))
  t.throws(() => writeDescriptor(PLAIN, DATE, DATE, signer), bad('it holds for longer than seven days, or not at all'))
  t.throws(() => writeRevocation(DATE, DATE + 604_801, signer), bad('it holds for longer than seven days, or not at all'))
  t.throws(() => writeRevocation(DATE, DATE + 60, { ...signer, offline: 'a#b' }), bad('a value with #'))
})
