import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseHostPort, parseSites } from '../src/address.ts'
import { documentSettings } from '../src/config/document.ts'
import { readConfigFile } from '../src/config/file.ts'
import { environmentLayer, flagLayer, resolveSettings } from '../src/config/load.ts'
import { SECTIONS, settingsOf, type Section } from '../src/config/schema.ts'
import { explain, SettingsError, UsageError } from '../src/errors.ts'
import { exitOptions, reloadableOptions } from '../src/exit-options.ts'
import { readExits } from '../src/exits.ts'
import { modelOptions } from '../src/model.ts'
import { createProgram } from '../src/program.ts'

const B32 = `${'a'.repeat(52)}.b32.i2p`

t.test('addresses: HOST:PORT with IPv6 in brackets, anything else is wrong use', async t => {
  t.strictSame(parseHostPort('127.0.0.1:4480', '--proxy'), { host: '127.0.0.1', port: 4480 })
  t.strictSame(parseHostPort('[::1]:0', '--proxy'), { host: '::1', port: 0 })
  t.strictSame(parseHostPort('localhost:65535', '--proxy'), { host: 'localhost', port: 65_535 })
  for (const text of [
    '', '4480', ':4480', 'host:', 'host:65536', '::1:80', 'a b:1', 'host:-1', 'host:80x', 'http://host:80', '[::1]',
    `${'a'.repeat(256)}:1`
  ]) {
    t.throws(() => parseHostPort(text, '--proxy'), { name: 'UsageError', status: 2, message: /^--proxy: / }, text)
  }
})

t.test('sites: NAME=URL, only origins, each name once', async t => {
  t.strictSame(
    parseSites(['Docs.i2p=http://127.0.0.1:8080/', 'b.i2p=https://127.0.0.1']),
    { 'docs.i2p': 'http://127.0.0.1:8080', 'b.i2p': 'https://127.0.0.1' }
  )
  for (const entry of ['docs.i2p', '=http://a', 'a=b', 'a=ftp://b/', 'a=http://b/path', 'a=http://b/?q', 'a b=http://c', '-a=http://c']) {
    t.throws(() => parseSites([entry]), UsageError, entry)
  }
  t.throws(() => parseSites(['a=http://b', 'A=http://c']), /given twice/)
  t.strictSame(parseSites(['constructor=http://b']), { constructor: 'http://b' })
  for (const name of ['a..i2p', 'a.-b', 'a-.i2p', '__proto__']) t.throws(() => parseSites([`${name}=http://b`]), UsageError, name)
})

t.test('what is a list in the file can be given more than once as a flag', async t => {
  const lists = (Object.keys(SECTIONS) as Section[]).flatMap(
    section => settingsOf(section).filter(({ kind }) => kind === 'list').map(({ flag }) => [section, flag] as const)
  )
  t.ok(lists.length > 5)
  const commandOf = (section: Section) => createProgram().commands.find(command => command.name() === section)
  const repeatable = lists.filter(([section, flag]) => commandOf(section)?.options.find(option => option.long === flag)?.variadic)
  t.strictSame(repeatable, lists)
})

/** A layer of flags. */
const flags = (section: Section, values: Record<string, unknown>) => flagLayer(section, values)

t.test('layers: flags over environment over file over defaults', async t => {
  const file = `${t.testdir()}/minwww.toml`
  writeFileSync(file, '[exit]\nlimit-out = 1\nlimit-in = 2\nquota-day = 3\nports = [80, 443]\n')
  const environment = environmentLayer(
    'exit',
    { MINWWW_EXIT_LIMIT_OUT: '32', MINWWW_EXIT_LIMIT_IN: '4', MINWWW_EXIT_SITE: 'a=http://b  c=http://d', MINWWW_EXIT_LOG_URLS: 'yes' }
  )
  const settings = resolveSettings('exit', [readConfigFile(file).sections.exit, environment, flags('exit', { limitOut: '64' })])
  t.match(settings, {
    limitOut: 64,
    limitIn: 4,
    quotaDay: 3,
    quotaMonth: 0,
    router: '127.0.0.1:7654',
    allowAddress: [],
    site: ['a=http://b', 'c=http://d'],
    logUrls: true,
    ports: [80, 443]
  })
})

t.test('numbers, truths and ports given as text', async t => {
  const limit = (text: string) => resolveSettings('exit', [flags('exit', { limitOut: text })]).limitOut
  t.equal(limit('0.5'), 0.5)
  t.equal(limit('1e3'), 1000)
  for (const text of ['', 'x', '1x', 'NaN', 'Infinity', '0x10', '--1', '-1']) {
    t.throws(() => limit(text), { status: 2, message: /^--limit-out: .* must be a number from 0 to 10000000$/ }, text)
  }
  const truth = (text: string) => resolveSettings('exit', [environmentLayer('exit', { MINWWW_EXIT_LOG_URLS: text })]).logUrls
  t.equal(truth('FALSE'), false)
  t.equal(truth('1'), true)
  t.throws(() => truth('perhaps'), { message: 'MINWWW_EXIT_LOG_URLS: "perhaps" must be true or false' })
  t.strictSame(resolveSettings('exit', [environmentLayer('exit', { MINWWW_EXIT_PORTS: '80 8080' })]).ports, [80, 8080])
  t.throws(() => resolveSettings('exit', [flags('exit', { ports: ['80', 'http', '0', '65536'] })]), new SettingsError([
    '--ports: "http" must be a whole number from 1 to 65535', '--ports: 0 must be a whole number from 1 to 65535',
    '--ports: 65536 must be a whole number from 1 to 65535'
  ]))
  t.throws(
    () => resolveSettings('proxy', [flags('proxy', { strategy: 'best' })]),
    { message: '--strategy: "best" must be one of ranked, round-robin, sticky, single' }
  )
})

t.test('a file that is not there, and one that is too large', async t => {
  t.throws(() => readConfigFile('/nonexistent/minwww.toml'), { code: 'ENOENT', status: 1 })
  const file = `${t.testdir()}/minwww.toml`
  writeFileSync(file, `# ${'x'.repeat(1_048_577)}`)
  t.throws(() => readConfigFile(file), { name: 'UsageError', message: /larger than 1048576 bytes$/ })
})

t.test('exits: options and file lines, each once, comments gone', async t => {
  const file = `${t.testdir()}/exits`
  writeFileSync(file, `# ours\nexit.i2p # first\n\n  ${B32}  \r\nexit.i2p\n`)
  t.strictSame(readExits(['other.i2p'], file), ['other.i2p', 'exit.i2p', B32])
  t.throws(() => readExits([], undefined), /no exit is named/)
  t.throws(() => readExits(['a b'], undefined), UsageError)
  t.throws(() => readExits(['foo'], undefined), { message: /^--exit: 'foo' is not .* a name that ends in \.i2p$/ })
  t.throws(
    () => readExits(['abcdef.b32.i2p'], undefined),
    { message: /is cut: a b32 address has 52 characters before \.b32\.i2p, this one has 6/ }
  )
  t.throws(() => readExits([], '/nonexistent/exits'), { code: 'ENOENT' })
})

t.test('the model gets ratios and bytes from percent and KB/s', async t => {
  const settings = resolveSettings('router', [flags('router', { loss: 2, bandwidth: 64, latency: 250 })])
  t.match(modelOptions(settings), { loss: 0.02, bandwidth: 65_536, latency: 250 })
})

t.test('an exit gets bytes, rules and windows from what the operator wrote', async t => {
  const options = exitOptions(resolveSettings('exit', [flags('exit', {
    limitOut: 64,
    quotaDay: 2,
    limitClient: 8,
    clientRequests: 60,
    maxResponse: 1,
    methods: ['get', 'HEAD'],
    denyAddress: ['1.1.1.1:443'],
    ownAddress: ['8.8.8.8'],
    sitePath: ['A.i2p/admin=none', 'a.i2p/form=get,POST'],
    denyContentType: ['video/*'],
    hideField: ['Server'],
    ports: ['80'],
    site: ['a.i2p=http://127.0.0.1:8080']
  })]))
  t.match(options, {
    bandwidth: { out: 65_536, quotaDay: 2_097_152 },
    limits: {
      bytesPerClient: 8_192,
      requestsPerClient: [{ count: 60, window: 60_000 }, { count: 600, window: 3_600_000 }, { count: 3_960, window: 86_400_000 }]
    },
    policy: {
      methods: ['GET', 'HEAD'],
      maxResponse: 1_048_576,
      denyContentTypes: ['video/*'],
      sitePaths: { 'a.i2p': [{ path: '/admin', methods: false }, { path: '/form', methods: ['GET', 'POST'] }] }
    },
    denyAddresses: ['1.1.1.1:443'],
    ownAddresses: ['8.8.8.8'],
    hideFields: { web: ['Server'] },
    ports: [80],
    sites: { 'a.i2p': 'http://127.0.0.1:8080' }
  })
  t.strictSame(reloadableOptions(resolveSettings('exit', [])).bandwidth, {}, 'no limit that nobody has set')
  for (const wrong of [
    { sitePath: ['a.i2p=none'] }, { sitePath: ['a.i2p/x'] }, { sitePath: ['a.i2p/x='] }, { methods: ['G T'] }, { ports: ['0'] },
    { ports: ['http'] }
  ]) {
    t.throws(() => exitOptions(resolveSettings('exit', [flags('exit', wrong)])), { code: 'MINWWW_USAGE', status: 2 }, JSON.stringify(wrong))
  }
})

t.test('errors of the system become one line that says what to do', async t => {
  const inUse = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE', address: '127.0.0.1', port: 4480 })
  t.match(explain(inUse).message, /^127\.0\.0\.1:4480: the port is already in use; /)
  t.match(explain(new Error('wrapped', { cause: inUse }), '--proxy').message, /^--proxy: the port is already in use/)
  t.match(explain(inUse, undefined, '--proxy').message, /^127\.0\.0\.1:4480: the port is already in use; .* with --proxy/)
  const denied = (syscall: string) =>
    explain(Object.assign(new Error('no'), { code: 'EACCES', syscall, path: '/x' }), '/x', '--keys').message
  t.match(denied('open'), /^\/x: permission denied; check owner and mode/, 'of a file nothing is said about ports')
  t.match(denied('listen'), /choose a port above 1023/)
  t.equal(explain(new Error('first\nsecond')).message, 'first')
  t.equal(explain('text').code, 'MINWWW_FAILED')
})

t.test('the option tables in the documentation are those of the schema', async t => {
  const options = readFileSync(new URL('../../../docs/reference/options.md', import.meta.url), 'utf8')
  t.equal(options, documentSettings(), 'run: npm run docs:options')
  for (const section of Object.keys(SECTIONS) as Section[]) {
    for (const setting of settingsOf(section)) t.not(setting.description, '', `${section} ${setting.flag} is described`)
  }
})
