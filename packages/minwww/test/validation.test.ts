import t from 'tap'
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { LocalDestination } from '@minwww/i2cp'
import { checkAll, checkSettings } from '../src/config/check.ts'
import { readConfigFile } from '../src/config/file.ts'
import { DEFAULT_TIMEOUTS as PROXY } from '../../minwww-client/src/http/settings.ts'
import { DEFAULT_TIMEOUTS as EXIT } from '../../minwww-server/src/exit/options.ts'
import { flagLayer, resolveSettings } from '../src/config/load.ts'
import { exitOptions } from '../src/exit-options.ts'
import { SECTIONS, type Section } from '../src/config/schema.ts'
import { SettingsError } from '../src/errors.ts'

const FOLDER = join(import.meta.dirname, 'fixtures/config')

/** What is wrong, or nothing. */
async function problemsOf (check: Promise<unknown>): Promise<readonly string[]> {
  try {
    await check
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
}

const checkFile = async (file: string) => await problemsOf(checkAll(file, Object.keys(SECTIONS) as Section[], {}))
const start = async (section: Section, flags: Record<string, unknown>, environment: NodeJS.ProcessEnv = {}) =>
  await problemsOf(checkSettings(section, { environment, flags: flagLayer(section, flags) }, 'start'))

const NOT_DEST = 'is cut: a b32 address has 52 characters before .b32.i2p, this one has 3; copy all that the exit printed'
const WRONG: Record<string, string[]> = {
  '01-values.toml': [
    "3: [exit] has no setting 'limit_out'",
    '11: [nowhere] is not a section; there are [demo], [router], [exit], [site], [proxy]',
    "9: [exit] router: 'localhost' has no port: write localhost:7654, which is I2CP's port",
    "6: [exit] site: 'x' is not NAME=URL, for example demo.i2p=http://127.0.0.1:8080",
    '5: [exit] console: the console is for this machine only, and 0.0.0.0 is not loopback: write 127.0.0.1:PORT, and reach it from ' +
    'afar through SSH',
    "8: [exit] deny-address: '10.0.0.0/99' is not CIDR[:PORT]: write 10.0.0.0/8, 127.0.0.1:8080 or [::1]:80",
    "7: [exit] own-address: 'zzz' is not an IP address, for example 203.0.113.7",
    "4: [exit] upstream: 'foo' is not a proxy: write socks5://127.0.0.1:9050 or http://127.0.0.1:3128"
  ],
  '02-files.toml': [
    '6: [exit] state: 01-values.toml/state: is below a file, which is not a directory; check the path',
    '5: [exit] keys: no-folder/exit.dat: no such file or directory; check the path',
    '2: [exit] allow-hosts: nofile: no such file or directory; check the path',
    '3: [exit] deny-hosts: no-folder/nofile: no such file or directory; check the path',
    '4: [exit] allow-destinations: .: is a directory; name a file'
  ],
  '03-proxy.toml': [
    '6: [proxy] cache-dir: 01-values.toml: is a file, not a directory; check the path',
    '5: [proxy] hosts: no-folder/hosts: no such file or directory; check the path',
    '7: [proxy] auth: nofile: no such file or directory; check the path',
    `4: [proxy] exit: 'abc.b32.i2p' ${NOT_DEST}`,
    "4: [proxy] exit: 'foo' is not a base64 Destination, a b32 address or a name that ends in .i2p"
  ],
  '04-types.toml': [
    '2: there is more behind the value; text must be in quotes: key = "text"',
    '3: [exit] limit-in: "much" must be a number from 0 to 10000000',
    '4: [exit] quota-day: -1 must be a number from 0 to 1000000000',
    '5: [exit] total-streams: 1.5 must be a whole number from 1 to 65536',
    '6: [exit] log-urls: "yes" must be true or false',
    '10: [exit] ports: "http" must be a whole number from 1 to 65535',
    '11: [exit] ports: 70000 must be a whole number from 1 to 65535',
    '13: [exit] console: 4490 must be text, in quotes'
  ],
  '05-rules.toml': [
    "2: [exit] methods: 'FETCH' is not a method of HTTP, for example GET or PROPFIND",
    '3: [exit] own-sites-only: there is no own site, so nothing would be served: name one with --site NAME=URL',
    "4: [exit] deny-content-type: 'x' is not a media type, for example video/* or application/zip",
    "5: [exit] hide-field: 'Set Cookie' is not the name of a field, for example Server",
    "6: [exit] site-path: 'other.i2p/admin=none': other.i2p is none of the sites; name it with --site other.i2p=URL, or correct the rule",
    "6: [exit] site-path: 'nothing' is not NAME/PATH=METHODS, for example demo.i2p/admin=none or demo.i2p/form=GET,POST",
    "7: [exit] name-server: 'dns.example' is not ADDRESS[:PORT] of a name server, for example 9.9.9.9 or [2620:fe::fe]:53"
  ],
  '06-proxy-again.toml': [
    '2: [proxy] router: example.org is not this machine, and I2CP to it is not encrypted: use a tunnel (ssh -L), or ' +
    '--allow-plain-remote if you trust all of the way',
    '3: [proxy] isolate: needs users: name them with --auth FILE',
    '5: [proxy] cache-dir: there is no cache at all with --cache-memory 0; give it some MB, or leave out the directory',
    "6: [proxy] jump: 'stats.i2p' is not NAME=URL, for example stats.i2p=http://stats.i2p/cgi-bin/jump.cgi?a=",
    '7: [proxy] connect-ports: 0 must be a whole number from 1 to 65535',
    '8: [proxy] i2cp-option: inbound.length: 0 to 7 expected (hops)',
    "8: [proxy] i2cp-option: 'inbound' is not NAME=VALUE, for example inbound.length=1",
    "9: [proxy] hostname: 'http://proxy.lan/' is not HOST:PORT, for example 127.0.0.1:4480 or [::1]:4480"
  ],
  '07-shape.toml': [
    '1: [limit-out] is not a section; there are [demo], [router], [exit], [site], [proxy]',
    '4: this key or section is there twice',
    "5: [exit] has no setting 'more'",
    "6: [exit] has no setting 'more.key'",
    '7: [[router]] is not a section; there are [demo], [router], [exit], [site], [proxy]'
  ],
  '08-demo.toml': [
    '3: [demo] exits: 0 must be a whole number from 1 to 64',
    '5: [demo] latency: "fast" must be a number from 0 to 60000',
    '6: [demo] profile: "best" must be one of plain, i2pd, i2pd-2.59, java, mixed',
    "2: [demo] proxy: 'here' is not HOST:PORT, for example 127.0.0.1:4480 or [::1]:4480",
    '4: [demo] site: a.i2p is given twice',
    "7: [demo] allow-address: 'all' is not CIDR[:PORT]: write 10.0.0.0/8, 127.0.0.1:8080 or [::1]:80",
    '10: [router] seed: -1 must be a whole number from 0 to 4294967295',
    "9: [router] i2cp: '7654' is not HOST:PORT, for example 127.0.0.1:4480 or [::1]:4480"
  ],
  '09-lists.toml': [
    '3: [proxy] auth: users.txt:2: is not USER:PASSWORD',
    '3: [proxy] auth: users.txt:3: this user is there twice',
    `2: [proxy] exits: exits.txt:4: 'abc.b32.i2p' ${NOT_DEST}`,
    "5: [exit] allow-destinations: exits.txt:2: 'exit.i2p' is neither a b32 address nor the base64 of a Destination",
    "5: [exit] allow-destinations: exits.txt:4: 'abc.b32.i2p' is neither a b32 address nor the base64 of a Destination",
    "6: [exit] allow-hosts: hosts.txt:2: 'http://example.org/' is not a host; write example.com, or =example.com for that host alone"
  ],
  '10-syntax.toml': ['4: the key, equals sign, and value must be on the same line']
}

t.test('ten wrong files give all their errors with line, section and key', async t => {
  const before = process.cwd()
  process.chdir(FOLDER)
  t.teardown(() => { process.chdir(before) })
  t.strictSame(readdirSync('.').filter(name => name.endsWith('.toml')), Object.keys(WRONG))
  for (const [file, problems] of Object.entries(WRONG)) {
    const found = await checkFile(file)
    t.strictSame([...found].sort(), problems.map(problem => `${file}:${problem}`).sort(), file)
    const lines = found.map(problem => Number(problem.split(':')[1]))
    t.strictSame(lines, [...lines].sort((a, b) => a - b), 'in the order of the file')
  }
})

t.test('the same values are refused in the environment and as flags, in the same words', async t => {
  const message = "'foo' is not a proxy: write socks5://127.0.0.1:9050 or http://127.0.0.1:3128"
  t.strictSame(await start('exit', { upstream: 'foo' }), [`--upstream: ${message}`])
  t.strictSame(await start('exit', {}, { MINWWW_EXIT_UPSTREAM: 'foo' }), [`MINWWW_EXIT_UPSTREAM: ${message}`])
  t.strictSame(await start('exit', { allowHosts: 'nofile' }), ['nofile: no such file or directory; correct --allow-hosts'])
  t.strictSame(
    await start('exit', {}, { MINWWW_EXIT_ALLOW_HOSTS: 'nofile' }),
    ['MINWWW_EXIT_ALLOW_HOSTS: nofile: no such file or directory; check the path']
  )
  t.strictSame(await start('exit', { ownSitesOnly: true, methods: ['FETCH'], console: '1.2.3.4:5' }, { MINWWW_EXIT_LIMIT_OUT: 'x' }), [
    'MINWWW_EXIT_LIMIT_OUT: "x" must be a number from 0 to 10000000',
    '--console: the console is for this machine only, and 1.2.3.4 is not loopback: write 127.0.0.1:PORT, and reach it from afar ' +
    'through SSH',
    '--own-sites-only: there is no own site, so nothing would be served: name one with --site NAME=URL',
    "--methods: 'FETCH' is not a method of HTTP, for example GET or PROPFIND"
  ])
  t.match(
    await start('proxy', { exit: ['exit.i2p'], router: 'example.org:7654' }),
    [/^--router: example\.org is not this machine.* --allow-plain-remote/]
  )
  t.strictSame(await start('proxy', { exit: ['exit.i2p'], router: 'example.org:7654', allowPlainRemote: true, proxy: '127.0.0.1:0' }), [])
})

t.test('what a file says is named where a flag only replaces another value', async t => {
  const file = join(t.testdir(), 'minwww.toml')
  writeFileSync(file, '[exit]\nupstream = "foo"\nlimit-out = "much"\n')
  const settings = checkSettings(
    'exit', { file: readConfigFile(file), environment: {}, flags: flagLayer('exit', { upstream: 'socks5://127.0.0.1:9050' }) }, 'start'
  )
  t.strictSame(await problemsOf(settings), [`${file}:3: [exit] limit-out: "much" must be a number from 0 to 10000000`])
})

t.test('a right file: numbers as ports, lists over several lines, an exit that a flag names', async t => {
  const folder = t.testdir()
  const file = join(folder, 'minwww.toml')
  writeFileSync(
    file,
    `[exit]\nports = [443, "8443"]\nkeys = "${folder}/exit.dat"\nstate = "${folder}/not/yet"\nsite = [\n  ` +
    '"a.i2p=http://127.0.0.1:1",\n]\nsite-path = ["A.i2p/x=none"]\n[proxy]\ntimeout = 30\n'
  )
  t.strictSame(await checkFile(file), [])
  t.notOk(existsSync(join(folder, 'not')), 'only looked at')
  const settings = await checkSettings('exit', { file: readConfigFile(file), environment: {} }, 'start')
  t.strictSame(settings.ports, [443, 8443])
  t.ok(existsSync(join(folder, 'not/yet')), 'made at the start')
})

t.test('a port in use is known before anything is begun, and is nothing to a file that is only looked at', async t => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const inUse = (option: string) =>
    `${address}: the port is already in use; end the program that has it, or choose another port with ${option} (port 0 takes a free one)`
  t.strictSame(await start('demo', { proxy: address }), [inUse('--proxy')])
  t.strictSame(await start('proxy', { proxy: address, exit: ['a.i2p'] }), [inUse('--proxy')])
  t.strictSame(await start('exit', { console: address }), [inUse('--console')])
  t.strictSame(await start('router', { i2cp: address }), [inUse('--i2cp')])
  t.strictSame(await problemsOf(checkSettings('router', { environment: {}, flags: flagLayer('router', { i2cp: address }) }, 'later')), [])
})

t.test('the time-outs of the schema are those of proxy and exit, s', async t => {
  const [exit, proxy] = [resolveSettings('exit', []), resolveSettings('proxy', [])]
  t.strictSame(exitOptions(exit).timeouts, EXIT)
  const { headTimeout, uploadTimeout, keepAliveTimeout, answerTimeout, silenceTimeout, tunnelTimeout } = proxy
  t.strictSame({
    head: headTimeout,
    upload: uploadTimeout,
    keepAlive: keepAliveTimeout,
    answer: answerTimeout,
    silence: silenceTimeout,
    tunnel: tunnelTimeout
  },
  Object.fromEntries(Object.entries(PROXY).map(([phase, value]) => [phase, value / 1000])))
})

t.test('fields that are passed on: no name, and what is never passed on', async t => {
  t.strictSame(await start('proxy', { proxy: '127.0.0.1:0', exit: ['a.i2p'], allowField: ['X-Mine', 'no name', 'Via'] }), [
    "--allow-field: 'no name' is not the name of a field",
    '--allow-field: the field Via is never passed on: it belongs to the connection, or tells who asks'
  ])
})

t.test('a proxy without an exit', async t => {
  t.strictSame(
    await start('proxy', { proxy: '127.0.0.1:0' }),
    ['no exit is named; give --exit DEST, --exits FILE or --exit-list URL, or --i2p-only if sites of I2P are all that you want']
  )
  t.strictSame(await start('proxy', { proxy: '127.0.0.1:0', i2pOnly: true }), [], 'sites of I2P need none')
  t.strictSame(
    await start('proxy', { proxy: '127.0.0.1:0', i2pOnly: true, exit: ['a.i2p'] }),
    ['--i2p-only: nothing would ever go to the exits that are named beside it: leave one of them away']
  )
  const file = join(t.testdir(), 'exits')
  writeFileSync(file, '# none\n')
  t.strictSame(await start('proxy', { proxy: '127.0.0.1:0', exits: file }), [`--exits: ${file}: no exit is in it; write an address a line`])
})

t.test('a key file that others can read is refused, and what is no key file', { skip: process.platform === 'win32' }, async t => {
  const file = join(t.testdir(), 'exit.dat')
  writeFileSync(file, LocalDestination.generate().toBytes(), { mode: 0o600 })
  t.strictSame(await start('exit', { keys: file }), [])
  for (const mode of [0o644, 0o640, 0o604, 0o620]) {
    chmodSync(file, mode)
    t.strictSame(
      await start('exit', { keys: file }),
      [`${file}: others can get at these private keys (mode 0${mode.toString(8)}); make them yours alone: chmod 600 ${file}`]
    )
  }
  writeFileSync(file, 'no keys')
  chmodSync(file, 0o600)
  t.match(await start('exit', { keys: file }), [new RegExp(`^${file}: `)])
})

t.test('users: a colon in the password, a name that is a property of objects', async t => {
  const file = join(t.testdir(), 'users')
  writeFileSync(file, '__proto__:a:b\nconstructor:c\r\n\n')
  const { parseUsers } = await import('../src/users.ts')
  t.strictSame(Object.entries(parseUsers('__proto__:a:b\nconstructor:c\r\n\n', file)), [['__proto__', 'a:b'], ['constructor', 'c']])
  t.strictSame(await start('proxy', { proxy: '127.0.0.1:0', exit: ['a.i2p'], auth: file, isolate: true }), [])
  writeFileSync(file, '\n')
  t.match(await start('proxy', { proxy: '127.0.0.1:0', exit: ['a.i2p'], auth: file }), [/no user is in it/])
})
