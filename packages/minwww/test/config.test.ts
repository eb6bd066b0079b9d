import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseHostPort, parseSites } from '../src/address.ts'
import { documentSettings } from '../src/config/document.ts'
import { parseText, readConfigFile, readEnvironment, resolveSettings } from '../src/config/load.ts'
import { SECTIONS, settingsOf, type Section } from '../src/config/schema.ts'
import { explain, UsageError } from '../src/errors.ts'
import { exitOptions, reloadableOptions } from '../src/exit-options.ts'
import { readExits } from '../src/exits.ts'
import { modelOptions } from '../src/model.ts'
import { createProgram } from '../src/program.ts'

t.test('addresses: HOST:PORT with IPv6 in brackets, anything else is wrong use', async t => {
  t.strictSame(parseHostPort('127.0.0.1:4480', '--proxy'), { host: '127.0.0.1', port: 4480 })
  t.strictSame(parseHostPort('[::1]:0', '--proxy'), { host: '::1', port: 0 })
  t.strictSame(parseHostPort('localhost:65535', '--proxy'), { host: 'localhost', port: 65_535 })
  for (const text of ['', '4480', ':4480', 'host:', 'host:65536', '::1:80', 'a b:1', 'host:-1', 'host:80x', 'http://host:80', '[::1]', `${'a'.repeat(256)}:1`]) {
    t.throws(() => parseHostPort(text, '--proxy'), { name: 'UsageError', status: 2, message: /^--proxy: / }, text)
  }
})

t.test('sites: NAME=URL, only origins, each name once', async t => {
  t.strictSame(parseSites(['Docs.i2p=http://127.0.0.1:8080/', 'b.i2p=https://127.0.0.1']), { 'docs.i2p': 'http://127.0.0.1:8080', 'b.i2p': 'https://127.0.0.1' })
  for (const entry of ['docs.i2p', '=http://a', 'a=b', 'a=ftp://b/', 'a=http://b/path', 'a=http://b/?q', 'a b=http://c', '-a=http://c']) {
    t.throws(() => parseSites([entry]), UsageError, entry)
  }
  t.throws(() => parseSites(['a=http://b', 'A=http://c']), /given twice/)
})

t.test('what is a list in the file can be given more than once as a flag', async t => {
  const lists = (Object.keys(SECTIONS) as Section[]).flatMap(section => settingsOf(section).filter(({ kind }) => kind === 'list').map(({ flag }) => [section, flag] as const))
  t.ok(lists.length > 5)
  const repeatable = lists.filter(([section, flag]) => createProgram().commands.find(command => command.name() === section)?.options.find(option => option.long === flag)?.variadic)
  t.strictSame(repeatable, lists)
})

t.test('layers: flags over environment over file over defaults', async t => {
  const environment = readEnvironment('exit', { MINWWW_EXIT_LIMIT_OUT: '32', MINWWW_EXIT_SITE: 'a=http://b  c=http://d', MINWWW_EXIT_LOG_URLS: 'yes' })
  t.strictSame(environment, { site: ['a=http://b', 'c=http://d'], limitOut: 32, logUrls: true })
  const settings = resolveSettings('exit', [{ limitOut: 1, limitIn: 2, quotaDay: 3 }, { limitOut: 32, limitIn: 4 }, { limitOut: 64 }])
  t.match(settings, { limitOut: 64, limitIn: 4, quotaDay: 3, quotaMonth: 0, router: '127.0.0.1:7654', allowAddress: [] })
})

t.test('the file: unknown sections and keys, bad syntax and bad values are named', async t => {
  const file = `${t.testdir()}/minwww.toml`
  const read = (text: string) => { writeFileSync(file, text); return readConfigFile(file) }
  t.strictSame(read('[exit]\nlimit-out = 64\nsite = ["a=http://b"]\n'), { exit: { limitOut: 64, site: ['a=http://b'] } })
  t.throws(() => read('[exit]\nlimitOut = 64\n'), /no setting 'limitOut'/)
  t.throws(() => read('limit-out = 64\n'), /\[limit-out\] is not a section/)
  t.throws(() => read('[exit\n'), UsageError)
  t.throws(() => readConfigFile('/nonexistent/minwww.toml'), { code: 'ENOENT', status: 1 })
  t.throws(() => resolveSettings('exit', [{ limitOut: -1 }]), /^Error: --limit-out: -1 must be >= 0|^--limit-out/)
  t.throws(() => resolveSettings('proxy', [{ strategy: 'best' }]), { message: /--strategy: "best" must be one of ranked, round-robin, sticky, single/ })
})

t.test('numbers and truths given as text', async t => {
  const [limit] = settingsOf('exit').filter(setting => setting.key === 'limitOut')
  const [truth] = settingsOf('exit').filter(setting => setting.key === 'logUrls')
  if (limit === undefined || truth === undefined) throw new Error('no such setting')
  t.equal(parseText(limit, '0.5', '--limit-out'), 0.5)
  for (const text of ['', 'x', '1x', 'NaN', 'Infinity', '0x10', '--1']) t.throws(() => parseText(limit, text, '--limit-out'), UsageError, text)
  t.equal(parseText(truth, 'FALSE', '--log-urls'), false)
  t.throws(() => parseText(truth, 'perhaps', '--log-urls'), UsageError)
})

t.test('exits: options and file lines, each once, comments gone', async t => {
  const file = `${t.testdir()}/exits`
  writeFileSync(file, '# ours\nexit.i2p # first\n\n  b32name.b32.i2p  \r\nexit.i2p\n')
  t.strictSame(readExits(['other.i2p'], file), ['other.i2p', 'exit.i2p', 'b32name.b32.i2p'])
  t.throws(() => readExits([], undefined), /no exit is named/)
  t.throws(() => readExits(['a b'], undefined), UsageError)
  t.throws(() => readExits([], '/nonexistent/exits'), { code: 'ENOENT' })
})

t.test('the model gets ratios and bytes from percent and KB/s', async t => {
  const settings = resolveSettings('router', [{ loss: 2, bandwidth: 64, latency: 250 }])
  t.match(modelOptions(settings), { loss: 0.02, bandwidth: 65_536, latency: 250 })
})

t.test('an exit gets bytes, rules and windows from what the operator wrote', async t => {
  const options = exitOptions(resolveSettings('exit', [{
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
  }]))
  t.match(options, {
    bandwidth: { out: 65_536, quotaDay: 2_097_152 },
    limits: { bytesPerClient: 8_192, requestsPerClient: [{ count: 60, window: 60_000 }, { count: 600, window: 3_600_000 }, { count: 3_960, window: 86_400_000 }] },
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
  for (const wrong of [{ sitePath: ['a.i2p=none'] }, { sitePath: ['a.i2p/x'] }, { sitePath: ['a.i2p/x='] }, { methods: ['G T'] }, { ports: ['0'] }, { ports: ['http'] }]) {
    t.throws(() => exitOptions(resolveSettings('exit', [wrong])), UsageError, JSON.stringify(wrong))
  }
})

t.test('errors of the system become one line that says what to do', async t => {
  const inUse = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE', address: '127.0.0.1', port: 4480 })
  t.match(explain(inUse).message, /^127\.0\.0\.1:4480: the port is already in use; /)
  t.match(explain(new Error('wrapped', { cause: inUse }), '--proxy').message, /^--proxy: the port is already in use/)
  t.equal(explain(new Error('first\nsecond')).message, 'first')
  t.equal(explain('text').code, 'MINWWW_FAILED')
})

t.test('the option tables in the documentation are those of the schema', async t => {
  t.equal(readFileSync(new URL('../../../docs/options.md', import.meta.url), 'utf8'), documentSettings(), 'run: npm run docs:options')
  for (const section of Object.keys(SECTIONS) as Section[]) {
    for (const setting of settingsOf(section)) t.not(setting.description, '', `${section} ${setting.flag} is described`)
  }
})
